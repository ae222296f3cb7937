//! One event of the enterprise, read once: as far as the pipeline must understand it, and all that it tells; about 1 kB
//! each. Any member may be missing, null or of another type (OpenAPI, "Event").

use std::borrow::Cow;

use casbah_connector::json::{self, Members};
use casbah_model::activity::Activity;
use casbah_model::event::{
    Deed, Event, LogonKind, Named, Outcome, Person, PersonKind, Severity, Source, Text, Value,
};
use casbah_model::record::RecordId;
use serde_json::value::RawValue;

use super::source;
use crate::catalog::{self, Reading};
use crate::users::is_app_login;
use crate::wire::{item_address, moment};

/// The name of the log: both of its streams have the same events.
const LOG: &str = "Enterprise Events";

/// Who came by an open link and is nobody in particular (developer guides, "Enterprise events").
const ANYBODY: &str = "2";
/// Members that have their place in the event as a whole.
const TAKEN: [&str; 4] = ["type", "event_id", "event_type", "created_at"];

/// Reads a record; an error is the reason why it is none.
pub(super) fn read(raw: &[u8]) -> Result<(Activity, Event<'_>), &'static str> {
    if raw.first() != Some(&b'{') {
        return Err("not-an-object");
    }
    let record = Members::read(raw).ok_or("not-json")?;
    let event_type = record.text("event_type").unwrap_or_default();
    let reading = catalog::read(&event_type);
    let details = Details::read(&record);
    let source = source::read(&record.object("source"));
    let created = record.text("created_at");
    let actor = person(&record.object("created_by"), &details);
    let activity = Activity {
        id: record
            .text("event_id")
            .map_or_else(|| RecordId::of_content(raw), RecordId::new),
        kind: reading.kind,
        is_known: reading.is_known,
        occurred: created.as_deref().and_then(moment),
        touched_file: touched(&reading, &source, &actor),
    };
    let mut event = Event {
        id: Some(id(&record, &activity)),
        occurred: activity.occurred,
        deed: reading.deed,
        operation: event_type,
        source: Source {
            log: Some(LOG.into()),
            service: None,
            version: None,
        },
        outcome: Outcome {
            result: reading.result,
            ..Outcome::default()
        },
        actor,
        session: record.text("session_id"),
        ..Event::default()
    };
    event.client.address = record.text("ip_address");
    // The app that acted, where the event tells it.
    event.app = Named {
        id: details.text("service_id"),
        name: details.text("service_name"),
    };
    if let Deed::Logon(_) = event.deed {
        event.logon.kind = match event.operation.as_ref() {
            "USER_AUTHENTICATE_OAUTH2_ACCESS_TOKEN_CREATE" => LogonKind::Silent,
            "LOGIN" | "FAILED_LOGIN" | "ADMIN_LOGIN" => LogonKind::Interactive,
            _ => LogonKind::Unknown,
        };
    }
    source.place(&mut event, &reading, &record.object("accessible_by"));
    event.target.file.bytes = event.target.file.bytes.or(details.number("size"));
    event.target.privileges.extend(details.text("role"));
    finding(&mut event, &details);
    event.unmapped = unmapped(record, &activity, &event);
    Ok((activity, event))
}

/// The id by which records are told apart everywhere else, borrowed from the record where it stands there.
fn id<'a>(record: &Members<'a>, activity: &Activity) -> Text<'a> {
    let known = activity.id.as_str();
    let told = record.text("event_id").filter(|id| id == known);
    told.unwrap_or_else(|| Cow::Owned(known.to_string()))
}

/// Where the file is that was changed or shared: below its owner, or below who did it when the owner is not told.
fn touched(reading: &Reading, source: &source::Told<'_>, actor: &Person<'_>) -> Option<String> {
    let (kind, item) = source.item().filter(|_| reading.is_change)?;
    let owner = source.owner().or(actor.id.as_deref())?;
    let are_ids = crate::wire::is_id(owner) && crate::wire::is_id(item);
    are_ids.then(|| item_address(owner, kind, item))
}

fn person<'a>(members: &Members<'a>, details: &Details<'a>) -> Person<'a> {
    let id = members.text("id").filter(|id| id != ANYBODY);
    let name = members.text("login");
    let is_app = name.as_deref().is_some_and(is_app_login);
    let is_admin = details.flag("is_performed_by_admin") == Some(true);
    let kind = match (is_app, is_admin) {
        (true, _) => PersonKind::Application,
        (false, true) => PersonKind::Admin,
        (false, false) if id.is_some() => PersonKind::User,
        (false, false) => PersonKind::Unknown,
    };
    Person {
        id,
        other_id: None,
        full_name: members
            .text("name")
            .filter(|full| Some(full) != name.as_ref()),
        name,
        kind,
    }
}

/// What is told beside: an object, or such an object written as a text, as exported logs have it.
enum Details<'a> {
    Members(Members<'a>),
    Written(serde_json::Map<String, serde_json::Value>),
}

impl<'a> Details<'a> {
    fn read(record: &Members<'a>) -> Details<'a> {
        let written = record.text("additional_details");
        let written = written.and_then(|text| serde_json::from_str(&text).ok());
        match written {
            Some(written) => Details::Written(written),
            None => Details::Members(record.object("additional_details")),
        }
    }

    fn object(&self, name: &str) -> Details<'a> {
        match self {
            Details::Members(members) => Details::Members(members.object(name)),
            Details::Written(written) => {
                let inner = written.get(name).and_then(|value| value.as_object());
                Details::Written(inner.cloned().unwrap_or_default())
            }
        }
    }

    fn text(&self, name: &str) -> Option<Text<'a>> {
        match self {
            Details::Members(members) => members.text(name),
            Details::Written(written) => {
                let text = written.get(name)?.as_str()?;
                (!text.is_empty()).then(|| Cow::Owned(text.into()))
            }
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self {
            Details::Members(members) => members.get(name)?.get().parse().ok(),
            Details::Written(written) => written.get(name)?.as_bool(),
        }
    }

    /// A number, also one that is written as a text.
    fn number(&self, name: &str) -> Option<u64> {
        match self {
            Details::Members(members) => members.get(name)?.get().trim_matches('"').parse().ok(),
            Details::Written(written) => match written.get(name)? {
                serde_json::Value::String(text) => text.parse().ok(),
                number => number.as_u64(),
            },
        }
    }
}

/// What an alert says (developer guides, "Shield alert events").
fn finding<'a>(event: &mut Event<'a>, details: &Details<'a>) {
    if !matches!(event.deed, Deed::Detection(_) | Deed::DataSecurity(_)) {
        return;
    }
    let alert = details.object("shield_alert");
    let finding = &mut event.target.finding;
    finding.id = alert.text("alert_id").or_else(|| event.id.clone());
    finding.title = alert
        .text("rule_name")
        .or_else(|| alert.object("alert_summary").text("description"))
        .or_else(|| Some(event.operation.clone()));
    finding.category = alert
        .text("rule_category")
        .or_else(|| Some(event.operation.clone()));
    finding.severity = alert
        .number("risk_score")
        .map_or(Severity::Medium, severity);
}

/// Risks are told from 0 to 100; the thirds are ours.
fn severity(risk: u64) -> Severity {
    match risk {
        0..=33 => Severity::Low,
        34..=66 => Severity::Medium,
        _ => Severity::High,
    }
}

/// What has no place of its own, as it came; what says nothing is left out.
fn unmapped<'a>(
    record: Members<'a>,
    activity: &Activity,
    event: &Event<'a>,
) -> Vec<(Text<'a>, Value<'a>)> {
    // What was not understood stays beside what was made of it.
    let is_lost = |name: &str| match name {
        "event_id" => record.text(name).is_none(),
        "created_at" => activity.occurred.is_none(),
        "event_type" => event.operation.is_empty(),
        _ => false,
    };
    let taken: Vec<&str> = TAKEN.into_iter().filter(|name| !is_lost(name)).collect();
    let rest = record.without(&taken).into_iter();
    rest.filter(|(_, value)| !json::is_empty(value))
        .map(|(name, value)| (name, kept(value)))
        .collect()
}

fn kept(value: &RawValue) -> Value<'_> {
    match json::is_odd(value) {
        true => Value::Text(Cow::Borrowed(value.get())),
        false => Value::Json(value.get()),
    }
}
