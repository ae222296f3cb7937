//! Where the API of a stack is: one of its outputs.

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata};

use crate::wire::Trouble;

/// The output of the template that holds the API's address.
const API_URL: &str = "ApiUrl";

/// Asks CloudFormation for the address of the API.
pub async fn api_url(config: &SdkConfig, stack: &str) -> Result<String, Trouble> {
    let asked = Client::new(config)
        .describe_stacks()
        .stack_name(stack)
        .send()
        .await;
    let answer = asked.map_err(|error| match error.code() {
        // A stack that is not there is a validation error (CloudFormation API reference, "DescribeStacks").
        Some("ValidationError") => Trouble::parameter(
            format!("there is no stack named {stack} in this account and region"),
            "check --stack and --region; `aws cloudformation list-stacks` names them all",
        ),
        Some(code) => Trouble::refused(
            format!("CloudFormation does not tell about the stack {stack}: {code}"),
            "the caller needs cloudformation:DescribeStacks for it, or name the API with --api-url",
        ),
        None => Trouble::environment(
            format!(
                "CloudFormation cannot be asked about the stack {stack}: {}",
                DisplayErrorContext(&error)
            ),
            "check the credentials (`aws sts get-caller-identity`) and the region",
        ),
    })?;
    let outputs = answer.stacks().first().map(|stack| stack.outputs());
    outputs
        .unwrap_or_default()
        .iter()
        .find(|output| output.output_key() == Some(API_URL))
        .and_then(|output| output.output_value())
        .map(str::to_string)
        .ok_or_else(|| {
            Trouble::parameter(
                format!("the stack {stack} has no output {API_URL}"),
                "name a stack that was deployed from Casbah's template and is complete",
            )
        })
}
