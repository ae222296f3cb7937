//! One audit record as an event: the frame that all records share, and which shape the rest has.
//!
//! Fields are those of the Management Activity API schema; any of them may be missing or have another type, and what is
//! not understood stays in the event as it came.

use std::borrow::Cow;

use casbah_model::activity::Activity;
use casbah_model::event::{Deed, Event, Named, Outcome, Person, PersonKind, Source, Success, Text};

use super::record::{Field, Record};
use super::{directory, documents, findings, mailboxes, teams};
use crate::catalog::{self, Family};
use crate::scan::{Slice, items};

/// All that a record tells, with the id and the time by which it is known everywhere else.
pub(super) fn event<'a>(record: &mut Record<'a>, activity: &Activity) -> Event<'a> {
    let record_type = record.number(Field::RecordType);
    let mut event = frame(record, record_type, activity);
    match catalog::family(record_type) {
        Some(Family::SignIn) => directory::sign_in(&mut event, record),
        Some(Family::Directory) => directory::change(&mut event, record),
        Some(Family::Cmdlet) => mailboxes::cmdlet(&mut event, record),
        Some(Family::Mail) => mailboxes::item(&mut event, record),
        _ if is_of_teams(record_type) => teams::activity(&mut event, record),
        _ => match event.deed {
            Deed::Logon(_) => directory::sign_in(&mut event, record),
            Deed::Detection(_) | Deed::DataSecurity(_) => findings::finding(&mut event, record),
            _ if is_of_places(record_type) => documents::document(&mut event, record),
            Deed::File(_) | Deed::Access(_) => documents::document(&mut event, record),
            Deed::Group(_) => teams::activity(&mut event, record),
            _ => teams::resource(&mut event, record),
        },
    }
    event.unmapped = record.unmapped();
    event
}

/// Record types of Microsoft Teams.
fn is_of_teams(record_type: Option<i64>) -> bool {
    matches!(record_type, Some(25 | 73 | 92 | 206 | 230 | 293 | 334))
}

/// Record types of SharePoint and OneDrive.
fn is_of_places(record_type: Option<i64>) -> bool {
    matches!(
        record_type,
        Some(4 | 6 | 7 | 14 | 35 | 36 | 37 | 54 | 55 | 56 | 102)
    )
}

fn frame<'a>(record: &mut Record<'a>, record_type: Option<i64>, activity: &Activity) -> Event<'a> {
    let operation = record.text(Field::Operation).unwrap_or_default();
    if activity.occurred.is_some() {
        record.take(Field::CreationTime);
    }
    record.text(Field::OrganizationId);
    let log = record_type.map(|number| match catalog::type_name(number) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(number.to_string()),
    });
    let mut event = Event {
        id: Some(id(record, activity)),
        occurred: activity.occurred,
        deed: catalog::deed(record_type, &operation),
        operation: trimmed(operation),
        source: Source {
            log,
            service: record.text(Field::Workload),
            version: record.scalar(Field::Version),
        },
        outcome: outcome(record),
        actor: actor(record),
        correlation: record
            .text(Field::InterSystemsId)
            .or_else(|| record.text(Field::CorrelationId)),
        ..Event::default()
    };
    client(&mut event, record);
    access_context(&mut event, record);
    event
}

/// The id by which records are told apart everywhere else, borrowed from the record where it stands there.
fn id<'a>(record: &mut Record<'a>, activity: &Activity) -> Text<'a> {
    let known = activity.id.as_str();
    let told = record.text(Field::Id).filter(|id| id == known);
    told.unwrap_or_else(|| Cow::Owned(known.to_string()))
}

/// Some operations are written with a space at their end.
fn trimmed(text: Text<'_>) -> Text<'_> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_string()),
    }
}

/// Words for results differ by workload (Management Activity API schema, "Common schema", ResultStatus).
fn outcome<'a>(record: &mut Record<'a>) -> Outcome<'a> {
    let status = record.peek(Field::ResultStatus).text();
    let result = match status.as_deref().unwrap_or_default() {
        "Succeeded" | "Success" | "True" | "OK" => Success::Success,
        "PartiallySucceeded" => Success::Partial,
        "Failed" | "Failure" | "False" => Success::Failure,
        _ => Success::Unknown,
    };
    if result != Success::Unknown {
        record.take(Field::ResultStatus);
    }
    Outcome {
        result,
        status,
        ..Outcome::default()
    }
}

fn actor<'a>(record: &mut Record<'a>) -> Person<'a> {
    // Management Activity API schema, "UserType".
    let kind = match record.number(Field::UserType) {
        Some(0) => PersonKind::User,
        Some(2) => PersonKind::Admin,
        Some(3 | 4 | 7 | 8) => PersonKind::System,
        Some(5 | 6) => PersonKind::Application,
        Some(9) => PersonKind::Partner,
        Some(10) => PersonKind::Guest,
        _ => PersonKind::Unknown,
    };
    let name = record.text(Field::UserId);
    let key = record.text(Field::UserKey);
    let principal = name
        .as_deref()
        .and_then(|name| name.strip_prefix("ServicePrincipal_"));
    let id = principal.map(|id| Cow::Owned(id.to_string()));
    Person {
        kind: if id.is_some() {
            PersonKind::Application
        } else {
            kind
        },
        other_id: key.filter(|key| Some(key) != name.as_ref()),
        id,
        name,
        full_name: None,
    }
}

fn client<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let addresses = [
        Field::ClientIP,
        Field::ClientIPAddress,
        Field::ActorIpAddress,
    ];
    for field in addresses {
        let Some(address) = record.peek(field).text().filter(|text| !text.is_empty()) else {
            continue;
        };
        match &event.client.address {
            None => event.client.address = Some(address),
            // A second address that says something else stays.
            Some(first) if *first != address => continue,
            Some(_) => {}
        }
        record.take(field);
    }
    event.client.user_agent = record
        .text(Field::UserAgent)
        .or_else(|| record.text(Field::ClientInfoString));
    event.session = record.text(Field::SessionId);
    event.app = Named {
        id: [Field::ApplicationId, Field::ClientAppId, Field::AppId]
            .into_iter()
            .find_map(|field| record.text(field)),
        name: [Field::ApplicationDisplayName, Field::ClientAppName]
            .into_iter()
            .find_map(|field| record.text(field)),
    };
}

/// The session in which an application acted (Management Activity API schema, "AppAccessContext").
fn access_context<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let filled = |slice: Slice<'a>| slice.text().filter(|text| !text.is_empty());
    record
        .peek(Field::AppAccessContext)
        .members(|name, value| match name.as_ref() {
            "AADSessionId" if event.session.is_none() => event.session = filled(value),
            "ClientAppId" if event.app.id.is_none() => event.app.id = filled(value),
            "ClientAppName" if event.app.name.is_none() => event.app.name = filled(value),
            "CorrelationId" if event.correlation.is_none() => event.correlation = filled(value),
            _ => {}
        });
}

/// The pairs of a list of `{"Name": …, "Value": …}`.
pub(super) fn pairs<'a>(list: Slice<'a>, mut each: impl FnMut(&str, Slice<'a>)) {
    for item in items(list) {
        let (mut name, mut value) = (Slice::default(), Slice::default());
        item.members(|key, slice| match key.as_ref() {
            "Name" => name = slice,
            "Value" => value = slice,
            _ => {}
        });
        if let Some(name) = name.text() {
            each(&name, value);
        }
    }
}

/// A text that says something.
pub(super) fn filled(slice: Slice<'_>) -> Option<Text<'_>> {
    slice.text().filter(|text| !text.is_empty())
}

/// Part of a text, borrowed as long as the text is.
pub(super) fn part<'a>(
    text: &Text<'a>,
    of: impl for<'t> Fn(&'t str) -> Option<&'t str>,
) -> Option<Text<'a>> {
    match text {
        Cow::Borrowed(text) => of(text).map(Cow::Borrowed),
        Cow::Owned(text) => of(text).map(|part| Cow::Owned(part.to_string())),
    }
}
