//! What went wrong between us and AWS, in the few kinds that the ports tell apart.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What is known after a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service said that it did nothing, and that the same call may succeed in a moment.
    Busy,
    /// No answer, or one that says nothing: it happened, or it did not.
    Unknown,
    /// The service refused, and will until somebody acts.
    Refused,
}

/// Codes of refusals that pass by themselves (DynamoDB developer guide, "Error handling with DynamoDB"; SDKs reference
/// guide, "Retry behavior", the list of throttling errors).
const BUSY: &[&str] = &[
    "BandwidthLimitExceeded",
    "ConditionalRequestConflict",
    "LimitExceededException",
    "OperationAborted",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
];

/// Longer explanations of a service are cut.
const WORDS_MAX: usize = 400;

pub fn outcome<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Outcome {
    match error {
        SdkError::ConstructionFailure(_) => Outcome::Refused,
        SdkError::DispatchFailure(failure) if failure.is_user() => Outcome::Refused,
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            match answer.err().code() {
                // The same token is at work: that transaction will be written, or it will not.
                Some("TransactionInProgressException") => Outcome::Unknown,
                Some(code) if BUSY.contains(&code) => Outcome::Busy,
                // A 500 says nothing about a write (DynamoDB developer guide, "Error handling", HTTP status 5xx), and
                // neither does a success that cannot be read.
                _ if (400..500).contains(&status) => Outcome::Refused,
                _ => Outcome::Unknown,
            }
        }
        // Timeouts, broken connections, answers that cannot be read, and whatever the SDK learns to say one day.
        _ => Outcome::Unknown,
    }
}

/// The failure in words for people: the service's own, when it gave any.
pub fn words<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let code = code(error);
    let SdkError::ServiceError(answer) = error else {
        return code;
    };
    match answer.err().message() {
        Some(message) => {
            let message: String = message.chars().take(WORDS_MAX).collect();
            format!("{code}: {message}")
        }
        None => code,
    }
}

/// The failure in words that hold nothing of the request or of the answer.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::ConstructionFailure(_) => "the call could not be made".into(),
        SdkError::TimeoutError(_) => "no answer in time".into(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            "no connection in time".into()
        }
        SdkError::DispatchFailure(_) => "no connection".into(),
        SdkError::ServiceError(answer) => match answer.err().code() {
            Some(code) => code.into(),
            None => format!("status {}", answer.raw().status().as_u16()),
        },
        _ => "the answer could not be read".into(),
    }
}
