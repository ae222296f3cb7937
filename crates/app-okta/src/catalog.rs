//! What the events of the System Log mean, as data: event type to a deed and to one of our three kinds.
//!
//! There are 1,274 types and more to come (event-types), so most rows name a family by its beginning. A type of no row
//! gets a kind by who did it to whom, and is counted, never dropped.

use std::collections::HashMap;
use std::sync::LazyLock;

use casbah_model::activity::ActivityKind;
use casbah_model::event::{ApiVerb, Deed, EntityVerb};

mod rows;

/// What decides whether an event is of a user or of an administrator, for types that both cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Somebody did it to themselves.
    Themselves,
    /// Somebody did it to others or to other things.
    Others,
    /// It was no person: a service of Okta's or an application.
    Service,
}

/// What the catalogue says about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) kind: ActivityKind,
    pub(crate) deed: Deed,
    pub(crate) is_known: bool,
}

/// How a row tells its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Is(ActivityKind),
    /// A user's when they did it to themselves, an administrator's otherwise.
    ByWho,
}

/// A row of the catalogue: an event type, or the beginning of many with `.*` at its end.
struct Row {
    name: &'static str,
    kind: Kind,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Is(Deed),
    /// A thing of the org; the last word of the type says what was done to it.
    Thing,
    /// Administration; the last word of the type says what was done.
    Call,
}

/// Reads an event type.
pub(crate) fn read(event_type: &str, who: Who) -> Reading {
    let verb = last_word(event_type);
    let Some(row) = row(event_type) else {
        return Reading {
            kind: unknown_kind(who),
            deed: Deed::Api(call_verb(verb)),
            is_known: false,
        };
    };
    let kind = match (row.kind, who) {
        (Kind::Is(kind), _) => kind,
        (Kind::ByWho, Who::Themselves) => ActivityKind::User,
        (Kind::ByWho, Who::Others | Who::Service) => ActivityKind::Admin,
    };
    let deed = match row.what {
        What::Is(deed) => deed,
        What::Thing => entity_verb(verb).map_or(Deed::Api(call_verb(verb)), Deed::Entity),
        What::Call => Deed::Api(call_verb(verb)),
    };
    Reading {
        kind,
        deed,
        is_known: true,
    }
}

/// Every row of the catalogue: event types, and beginnings of many with `.*` at their end.
pub fn names() -> impl Iterator<Item = &'static str> {
    rows::LISTS
        .iter()
        .flat_map(|list| list.iter())
        .map(|row| row.name)
}

/// Of a type that nobody knows, who did it says most. Whether the actor is an administrator is not told.
fn unknown_kind(who: Who) -> ActivityKind {
    match who {
        Who::Themselves | Who::Others => ActivityKind::User,
        Who::Service => ActivityKind::Admin,
    }
}

static ROWS: LazyLock<HashMap<&'static str, &'static Row>> = LazyLock::new(|| {
    let rows = rows::LISTS.iter().flat_map(|list| list.iter());
    rows.map(|row| (row.name, row)).collect()
});

/// Event types have six words at most; longer ones are looked up by their first words only.
const WORDS_MAX: usize = 12;

/// The row of a type: its own, or that of its longest beginning.
fn row(event_type: &str) -> Option<&'static Row> {
    if let Some(row) = ROWS.get(event_type) {
        return Some(row);
    }
    let ends = event_type
        .match_indices('.')
        .map(|(at, _)| at)
        .take(WORDS_MAX);
    let ends: Vec<usize> = ends.collect();
    let of_family = |end: &usize| ROWS.get(format!("{}.*", &event_type[..*end]).as_str());
    let found = ends.iter().rev().find_map(of_family).copied();
    found.or_else(|| is_security_settings(event_type).then_some(&rows::SECURITY_SETTINGS))
}

/// `security.*.settings.*`: the only family that is told by a word in its middle.
fn is_security_settings(event_type: &str) -> bool {
    event_type.starts_with("security.") && event_type.contains(".settings.")
}

fn last_word(event_type: &str) -> &str {
    event_type.rsplit('.').next().unwrap_or_default()
}

fn entity_verb(verb: &str) -> Option<EntityVerb> {
    let verb = match verb {
        "create" | "created" | "add" | "import" | "register" => EntityVerb::Create,
        "read" | "view" | "access" | "get" | "list" => EntityVerb::Read,
        "update" | "updated" | "edit" | "change" | "overwrite" | "rotate" => EntityVerb::Update,
        "delete" | "deleted" | "remove" | "revoke" | "purge" => EntityVerb::Delete,
        "activate" => EntityVerb::Activate,
        "deactivate" => EntityVerb::Deactivate,
        "enable" => EntityVerb::Enable,
        "disable" => EntityVerb::Disable,
        "suspend" => EntityVerb::Suspend,
        "unsuspend" | "resume" => EntityVerb::Resume,
        "enroll" => EntityVerb::Enroll,
        "unenroll" => EntityVerb::Unenroll,
        _ => return None,
    };
    Some(verb)
}

fn call_verb(verb: &str) -> ApiVerb {
    match entity_verb(verb) {
        Some(EntityVerb::Create | EntityVerb::Enroll) => ApiVerb::Create,
        Some(EntityVerb::Read) => ApiVerb::Read,
        Some(EntityVerb::Delete | EntityVerb::Unenroll) => ApiVerb::Delete,
        Some(
            EntityVerb::Update
            | EntityVerb::Move
            | EntityVerb::Enable
            | EntityVerb::Disable
            | EntityVerb::Activate
            | EntityVerb::Deactivate
            | EntityVerb::Suspend
            | EntityVerb::Resume,
        ) => ApiVerb::Update,
        None => ApiVerb::Other,
    }
}

#[cfg(test)]
mod tests;
