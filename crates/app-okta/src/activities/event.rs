//! One event of the System Log, read once: as far as the pipeline must understand it, and all that it tells; about 3 kB
//! each. Any member may be missing, null or of another type (system-log-query, "LogEvent object").

use std::borrow::Cow;

use casbah_model::activity::Activity;
use casbah_model::event::{
    AccessVerb, Deed, Event, LogonKind, Named, Outcome, Person, PersonKind, Severity, Source,
    Success, Text, Value,
};
use casbah_model::record::RecordId;

use super::targets::Targets;
use crate::catalog::{self, Who};
use crate::wire::moment;
use casbah_connector::json;
use casbah_connector::json_tree::{Object, Tree};

/// The name of the log, which has only one type of record.
const LOG: &str = "System Log";

/// Members that have their place in the event as a whole.
const TAKEN: [&str; 6] = [
    "uuid",
    "published",
    "eventType",
    "version",
    "severity",
    "outcome",
];

/// Roles and scopes of one event; the rest of a longer list stays in the record.
const PRIVILEGES_MAX: usize = 1000;

/// Reads a record; an error is the reason why it is none.
pub(super) fn read(raw: &[u8]) -> Result<(Activity, Event<'_>), &'static str> {
    if raw.first() != Some(&b'{') {
        return Err("not-an-object");
    }
    let tree = Tree::read(raw).ok_or("not-json")?;
    let record = tree.root();
    let event_type = record.text("eventType").unwrap_or_default();
    let actor = record.get("actor");
    let targets = Targets::read(record);
    let reading = catalog::read(&event_type, who(actor, &targets));
    let published = record.text("published");
    let activity = Activity {
        id: record
            .text("uuid")
            .map_or_else(|| RecordId::of_content(raw), RecordId::new),
        kind: reading.kind,
        is_known: reading.is_known,
        occurred: published.as_deref().and_then(moment),
        touched_file: None,
    };
    let mut event = Event {
        id: Some(id(record, &activity)),
        occurred: activity.occurred,
        deed: reading.deed,
        operation: event_type,
        source: Source {
            log: Some(LOG.into()),
            service: None,
            version: record.text("version"),
        },
        outcome: outcome(record.get("outcome")),
        actor: person(actor),
        correlation: record.get("transaction").text("id"),
        ..Event::default()
    };
    around(&mut event, record);
    targets.place(&mut event);
    privileges(&mut event, record);
    finding(&mut event, record, &activity);
    event.unmapped = unmapped(record, &activity, &event);
    Ok((activity, event))
}

/// The id by which records are told apart everywhere else, borrowed from the record where it stands there.
fn id<'a>(record: Object<'_, 'a>, activity: &Activity) -> Text<'a> {
    let known = activity.id.as_str();
    let told = record.text("uuid").filter(|id| id == known);
    told.unwrap_or_else(|| Cow::Owned(known.to_string()))
}

/// Who did it to whom, as far as the event tells.
fn who(actor: Object<'_, '_>, targets: &Targets<'_, '_>) -> Who {
    let kind = actor.text("type");
    if kind.as_deref().is_some_and(|kind| kind != "User") {
        return Who::Service;
    }
    let id = known(actor.text("id"));
    match id.is_some_and(|id| targets.has_person(&id)) {
        true => Who::Themselves,
        false => Who::Others,
    }
}

/// Unknown logins have an id of this text, and unknown sessions too.
fn known(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| text != "unknown")
}

pub(super) fn person<'a>(members: Object<'_, 'a>) -> Person<'a> {
    let kind = match members.text("type").as_deref() {
        Some("User" | "AppUser") => PersonKind::User,
        Some("SystemPrincipal") => PersonKind::System,
        Some(kind) if kind.contains("App") => PersonKind::Application,
        _ => PersonKind::Unknown,
    };
    Person {
        id: known(members.text("id")),
        other_id: None,
        name: known(members.text("alternateId")),
        full_name: known(members.text("displayName")),
        kind,
    }
}

/// Words for results (system-log-query, "Outcome object").
fn outcome<'a>(members: Object<'_, 'a>) -> Outcome<'a> {
    let status = members.text("result");
    let result = match status.as_deref().unwrap_or_default() {
        "SUCCESS" | "ALLOW" => Success::Success,
        "FAILURE" | "DENY" | "RATE_LIMIT" | "ABANDONED" | "UNANSWERED" => Success::Failure,
        // SKIPPED, CHALLENGE, DEFERRED, SCHEDULED: it is not over, or did not happen.
        _ => Success::Unknown,
    };
    Outcome {
        result,
        code: None,
        status,
        reason: members.text("reason"),
    }
}

/// Session, client and the way of signing in.
fn around<'a>(event: &mut Event<'a>, record: Object<'_, 'a>) {
    let context = record.get("authenticationContext");
    event.session = known(context.text("externalSessionId"));
    let client = record.get("client");
    let agent = client.get("userAgent");
    event.client.address = client.text("ipAddress");
    event.client.user_agent = agent.text("rawUserAgent");
    event.client.system = known(agent.text("os")).filter(|os| os != "Unknown");
    if event.actor.kind == PersonKind::Application {
        event.app = Named {
            id: event.actor.id.clone(),
            name: event.actor.full_name.clone(),
        };
    }
    let Deed::Logon(_) = event.deed else { return };
    let ways = [
        "credentialType",
        "authenticationProvider",
        "credentialProvider",
    ];
    event.logon.protocol = ways.into_iter().find_map(|way| context.text(way));
    event.logon.kind = match event.operation.as_ref() {
        "user.session.start" => LogonKind::Interactive,
        _ => LogonKind::Unknown,
    };
    let is_second = event.operation == "user.authentication.auth_via_mfa";
    event.logon.is_multi_factor =
        (is_second && event.outcome.result == Success::Success).then_some(true);
}

/// Roles that were given or taken away stand in one text, with commas between them.
fn privileges<'a>(event: &mut Event<'a>, record: Object<'_, 'a>) {
    let given = match event.deed {
        Deed::Access(AccessVerb::RevokeRole | AccessVerb::RevokePrivileges) => "privilegeRevoked",
        Deed::Access(_) | Deed::Group(_) => "privilegeGranted",
        _ => return,
    };
    let told = record.get("debugContext").get("debugData");
    let Some(told) = told.text(given) else { return };
    let names = told
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let room = PRIVILEGES_MAX.saturating_sub(event.target.privileges.len());
    let names = names.take(room).map(|name| Cow::Owned(name.to_string()));
    event.target.privileges.extend(names);
}

fn finding<'a>(event: &mut Event<'a>, record: Object<'_, 'a>, activity: &Activity) {
    event.target.finding.severity = severity(record).unwrap_or_default();
    if let Deed::Detection(_) = event.deed {
        let finding = &mut event.target.finding;
        finding.id = Some(id(record, activity));
        finding.title = record.text("displayMessage");
        finding.category = Some(event.operation.clone());
    }
}

fn severity(record: Object<'_, '_>) -> Option<Severity> {
    match record.text("severity").as_deref()? {
        "DEBUG" | "INFO" => Some(Severity::Informational),
        "WARN" => Some(Severity::Medium),
        "ERROR" => Some(Severity::High),
        _ => None,
    }
}

/// What has no place of its own, as it came; what says nothing is left out.
fn unmapped<'a>(
    record: Object<'_, 'a>,
    activity: &Activity,
    event: &Event<'a>,
) -> Vec<(Text<'a>, Value<'a>)> {
    // What was not understood stays beside what was made of it.
    let is_lost = |name: &str| match name {
        "uuid" => record.text(name).is_none(),
        "published" => activity.occurred.is_none(),
        "eventType" => event.operation.is_empty(),
        "version" => event.source.version.is_none(),
        "severity" => severity(record).is_none(),
        "outcome" => event.outcome.result == Success::Unknown,
        _ => false,
    };
    let taken: Vec<&str> = TAKEN.into_iter().filter(|name| !is_lost(name)).collect();
    let rest = record.without(&taken).into_iter();
    rest.filter_map(|(name, value)| Some((name, kept(value)?)))
        .collect()
}

fn kept<'a>(value: Object<'_, 'a>) -> Option<Value<'a>> {
    let raw = value.raw().filter(|raw| !json::says_nothing(raw))?;
    Some(match value.is_odd() {
        true => Value::Text(Cow::Borrowed(raw)),
        false => Value::Json(raw),
    })
}
