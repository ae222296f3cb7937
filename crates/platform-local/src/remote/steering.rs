//! What a person decides about a connection of a stack.

use serde_json::{Value, json};

use super::carrier::Carrier;
use crate::cli::{AcceptArgs, DeleteArgs, ScanArgs, Scanned};
use crate::exit::{Exit, Failure};
use crate::{folder, output};

/// `pause`, `resume` or `disconnect`.
pub fn steer(carrier: &mut Carrier, name: &str, verb: &str) -> Result<Exit, Failure> {
    let name = folder::name(name)?;
    let connection = carrier.post(&format!("/v1/connections/{name}/{verb}"), None)?;
    let state = connection["state"].as_str().unwrap_or("unknown");
    output::print(&format!("{name} is {state}"))?;
    Ok(Exit::Fine)
}

pub fn delete(carrier: &mut Carrier, args: &DeleteArgs) -> Result<Exit, Failure> {
    let name = folder::name(&args.name)?;
    if !args.yes {
        let what = format!("this deletes everything that was read of {name} from the stack");
        return Err(Failure::new(Exit::Parameter, what).with_fix("say so with --yes"));
    }
    carrier.delete(&format!("/v1/connections/{name}"))?;
    output::print(&format!(
        "{name} is being deleted; it is gone when `casbah --stack … connections` does not show it"
    ))?;
    Ok(Exit::Fine)
}

pub fn scan(carrier: &mut Carrier, args: &ScanArgs) -> Result<Exit, Failure> {
    let name = folder::name(&args.name)?;
    let word = |what: &Scanned| match what {
        Scanned::Users => "users",
        Scanned::Activities => "activities",
        Scanned::Files => "files",
    };
    let what: Vec<Value> = args.what.iter().map(|what| word(what).into()).collect();
    let body = json!({ "what": what });
    carrier.post(&format!("/v1/connections/{name}/scan"), Some(&body))?;
    output::print(&format!(
        "{name} is being scanned; `casbah --stack … status` shows how far it is"
    ))?;
    Ok(Exit::Fine)
}

pub fn accept(carrier: &mut Carrier, args: &AcceptArgs) -> Result<Exit, Failure> {
    let name = folder::name(&args.name)?;
    let path = format!("/v1/connections/{name}/streams/{}/accept", args.collection);
    let accepted = carrier.post(&path, None)?;
    let missing = accepted["missing"].as_u64().unwrap_or_default();
    output::print(&format!(
        "{name}: {} is published, {missing} fewer than before",
        args.collection
    ))?;
    Ok(Exit::Fine)
}
