//! Connecting and testing over the API.

use std::time::Duration;

use serde_json::{Value, json};

use super::carrier::{Carrier, pause};
use super::text;
use crate::cli::{ConnectArgs, Format, TestArgs};
use crate::config::{self, Configured};
use crate::exit::{Exit, Failure};
use crate::output;

/// Between two looks at a test, and how long it is waited for: a function starts, asks the vendor, commits.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
const LOOKS_MAX: u32 = 60;

/// Hands the connections of a config file to the stack and shows what their first test finds.
pub fn connect(carrier: &mut Carrier, args: &ConnectArgs) -> Result<Exit, Failure> {
    let configured = config::chosen(&args.config, args.name.as_deref())?;
    let secrets = crate::run::secrets(&configured)?;
    let mut tested = vec![];
    for (one, secret) in configured.iter().zip(&secrets) {
        let name = one.settings.id.as_str();
        let connected = carrier.post("/v1/connections", Some(&body(one, secret.reveal())));
        connected.map_err(|failure| failure.at(format!("connection \"{name}\"")))?;
        output::say(format_args!(
            "casbah: {name} is connected; waiting for its test"
        ));
        tested.push(completed(carrier, name)?);
    }
    show(&tested, args.output)
}

fn body(one: &Configured, secret: &str) -> Value {
    let settings = &one.settings;
    let kind = settings.app_settings.get("credential").map(String::as_str);
    let credential = match kind {
        Some("certificate") => json!({ "certificate_pem": secret }),
        Some("private-key") => json!({ "private_key": secret }),
        _ => json!({ "client_secret": secret }),
    };
    let mut app_settings = settings.app_settings.clone();
    app_settings.remove("credential");
    json!({
        "name": settings.id,
        "app": settings.app,
        "components": settings.components,
        "app_settings": app_settings,
        "endpoints": settings.endpoints,
        "credential": credential,
    })
}

/// Tests a connection of the stack again.
pub fn test(carrier: &mut Carrier, args: &TestArgs) -> Result<Exit, Failure> {
    let names = match &args.name {
        Some(name) => vec![crate::folder::name(name)?.to_string()],
        None => {
            let all = carrier.all("/v1/connections")?;
            let names = all.iter().filter_map(|one| one["name"].as_str());
            names.map(str::to_string).collect()
        }
    };
    let mut tested = vec![];
    for name in names {
        carrier.post(&format!("/v1/connections/{name}/test"), None)?;
        tested.push(completed(carrier, &name)?);
    }
    show(&tested, args.output)
}

fn completed(carrier: &mut Carrier, name: &str) -> Result<Value, Failure> {
    for _ in 0..LOOKS_MAX {
        let mut test = carrier.get(&format!("/v1/connections/{name}/test"))?;
        if test["status"] == "completed" || test["status"] == "failed" {
            test["name"] = name.into();
            return Ok(test);
        }
        pause(BETWEEN_LOOKS);
    }
    let what = format!("the test of {name} has not ended within two minutes");
    Err(Failure::new(Exit::Refused, what)
        .with_fix("look at the alarms of the stack, and ask again with `casbah --stack … test`"))
}

fn show(tested: &[Value], format: Format) -> Result<Exit, Failure> {
    match format {
        Format::Json => output::print_json(&json!({ "connections": tested }))?,
        Format::Text => {
            let texts: Vec<String> = tested.iter().map(text::test).collect();
            output::print(&texts.join("\n"))?;
        }
    }
    Ok(match tested.iter().all(works) {
        true => Exit::Fine,
        false => Exit::Refused,
    })
}

fn works(test: &Value) -> bool {
    let components = test["report"]["components"].as_array();
    let all = components.is_some_and(|all| all.iter().all(|one| one["works"] == true));
    test["cause"].is_null() && all
}
