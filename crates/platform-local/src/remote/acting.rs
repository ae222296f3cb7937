//! `casbah --stack NAME actions …`: the same over the API, where the signature of the call says who asks.

use std::time::Duration;

use casbah_model::action::ActionState;
use casbah_pipeline::govern::{ActionView, UnitView};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::carrier::{Carrier, pause};
use crate::action_text as text;
use crate::actions_command::asked;
use crate::cli::Format;
use crate::cli_actions::{ActionsArgs, DecideArgs, PlanArgs, Verb, Where, Who};
use crate::exit::{Exit, Failure};
use crate::output::{print, print_json};

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// A plan of many objects, or their change, goes on without this command after so many looks.
const LOOKS_MAX: u32 = 600;
const UNITS: u64 = 20;

pub fn actions(carrier: &mut Carrier, args: &ActionsArgs) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Kinds(args) => text::kinds(args.output),
        Verb::Plan(args) => plan(carrier, args),
        Verb::Approve(args) => decide(carrier, args, "approve", json!({})),
        Verb::Reject(args) => {
            let body = json!({ "reason": args.reason });
            decide(carrier, &args.decide, "reject", body)
        }
        Verb::Apply(args) => {
            let path = path(args);
            if read(carrier, &path)?.state == ActionState::Pending {
                post(carrier, args, "approve", json!({}))?;
            }
            finish(carrier, &path, &args.place, is_at_rest)
        }
        Verb::Undo(args) => {
            post(
                carrier,
                &args.decide,
                "undo",
                json!({ "reason": args.reason }),
            )?;
            finish(carrier, &path(&args.decide), &args.decide.place, is_at_rest)
        }
        Verb::Cancel(args) => {
            let body = json!({ "reason": args.reason });
            post(carrier, &args.decide, "cancel", body)?;
            finish(carrier, &path(&args.decide), &args.decide.place, is_at_rest)
        }
        Verb::Show(args) => {
            let path = format!("/v1/connections/{}/actions/{}", args.connection, args.id);
            let action = read(carrier, &path)?;
            show(carrier, &path, &action, args.units, &args.place)
        }
        Verb::List(args) => {
            let path = format!("/v1/connections/{}/actions", args.connection);
            let items = carrier.all(&path)?;
            let views: Vec<ActionView> = parsed(Value::Array(items))?;
            match args.place.output {
                Format::Text => print(&text::list(&views))?,
                Format::Json => print_json(&json!({ "actions": views }))?,
            }
            Ok(Exit::Fine)
        }
        Verb::Stop(args) => {
            nobody_else(&args.who)?;
            carrier.post("/v1/actions/stop", Some(&json!({ "reason": args.reason })))?;
            print("all actions of this stack are stopped")?;
            Ok(Exit::Fine)
        }
        Verb::Resume(_) => {
            carrier.post("/v1/actions/resume", None)?;
            print("actions go on within a minute")?;
            Ok(Exit::Fine)
        }
    }
}

/// A stack knows who calls it.
fn nobody_else(who: &Who) -> Result<(), Failure> {
    match who.by {
        Some(_) => Err(Failure::new(
            Exit::Parameter,
            "a stack knows who calls by the signature, so --as is refused",
        )
        .with_fix("leave --as out; --profile chooses whose credentials sign")),
        None => Ok(()),
    }
}

fn path(args: &DecideArgs) -> String {
    format!("/v1/connections/{}/actions/{}", args.connection, args.id)
}

fn parsed<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|_| {
        Failure::new(Exit::Other, "the stack answers in another language")
            .with_fix("use the casbah of the stack's version")
    })
}

fn read(carrier: &mut Carrier, path: &str) -> Result<ActionView, Failure> {
    parsed(carrier.get(path)?)
}

fn plan(carrier: &mut Carrier, args: &PlanArgs) -> Result<Exit, Failure> {
    nobody_else(&args.who)?;
    let asked = asked(args)?;
    let mut body = json!({
        "kind": asked.kind,
        "parameters": asked.parameters,
        "reason": asked.reason,
        "wish": asked.wish,
    });
    match asked.selection {
        Some(selection) => body["selection"] = json!(selection),
        None => body["targets"] = asked.targets.iter().map(ToString::to_string).collect(),
    }
    let at = format!("/v1/connections/{}/actions", args.connection);
    let action: ActionView = parsed(carrier.post(&at, Some(&body))?)?;
    let path = format!("{at}/{}", action.id);
    finish(carrier, &path, &args.place, |action| {
        action.state != ActionState::Planning
    })
}

fn post(
    carrier: &mut Carrier,
    args: &DecideArgs,
    verb: &str,
    body: Value,
) -> Result<ActionView, Failure> {
    nobody_else(&args.who)?;
    let body = Some(body).filter(|body| body.as_object().is_some_and(|body| !body.is_empty()));
    parsed(carrier.post(&format!("{}/{verb}", path(args)), body.as_ref())?)
}

fn decide(
    carrier: &mut Carrier,
    args: &DecideArgs,
    verb: &str,
    body: Value,
) -> Result<Exit, Failure> {
    let action = post(carrier, args, verb, body)?;
    show(carrier, &path(args), &action, 0, &args.place)
}

fn is_at_rest(action: &ActionView) -> bool {
    !action.state.is_open() || action.state == ActionState::Pending
}

/// Waits until an action is far enough, and shows it.
fn finish(
    carrier: &mut Carrier,
    path: &str,
    place: &Where,
    is_enough: impl Fn(&ActionView) -> bool,
) -> Result<Exit, Failure> {
    let mut action = read(carrier, path)?;
    for _ in 0..LOOKS_MAX {
        if is_enough(&action) {
            break;
        }
        pause(BETWEEN_LOOKS);
        action = read(carrier, path)?;
    }
    show(carrier, path, &action, UNITS, place)
}

fn show(
    carrier: &mut Carrier,
    path: &str,
    action: &ActionView,
    units: u64,
    place: &Where,
) -> Result<Exit, Failure> {
    let shown: Vec<UnitView> = match units {
        0 => vec![],
        _ => {
            let page = carrier.get(&format!("{path}/units?limit={}", units.min(1000)))?;
            parsed(page["items"].clone())?
        }
    };
    match place.output {
        Format::Text => print(&text::action(action, &shown))?,
        Format::Json => print_json(&text::document(action, &shown))?,
    }
    Ok(text::exit(action))
}
