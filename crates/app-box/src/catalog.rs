//! What the events of an enterprise mean, as data: event type to a deed, to one of our three kinds, and whether the file
//! that it names is worth a look.
//!
//! The list of types is not closed (OpenAPI, "Event", "event_type"), so families are rows as well. A type of no row is
//! what a user did, and is counted, never dropped.

use std::collections::HashMap;
use std::sync::LazyLock;

use casbah_model::activity::ActivityKind;
use casbah_model::event::{ApiVerb, Deed, EntityVerb, Success, WebVerb};

mod rows;

/// What the catalogue says about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) kind: ActivityKind,
    pub(crate) deed: Deed,
    pub(crate) result: Success,
    /// What the entity is that it was done to, for those that are no user, group or file.
    pub(crate) thing: &'static str,
    /// Whether the file was changed, shared or deleted, so that it is worth a look.
    pub(crate) is_change: bool,
    pub(crate) is_known: bool,
}

/// A row: an event type, or the beginning of many with `*` at its end.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    kind: ActivityKind,
    what: What,
    thing: &'static str,
    result: Success,
    is_change: bool,
}

#[derive(Clone, Copy)]
enum What {
    Is(Deed),
    /// A thing of the enterprise; a word of the type says what was done to it.
    Thing,
    /// Something of a page: a comment, a task; a word of the type says what was done to it, or else this.
    Page(WebVerb),
}

/// Reads an event type.
pub(crate) fn read(event_type: &str) -> Reading {
    let Some(row) = row(event_type) else {
        return Reading {
            kind: ActivityKind::User,
            deed: Deed::Api(ApiVerb::Other),
            result: Success::Unknown,
            thing: "",
            is_change: false,
            is_known: false,
        };
    };
    let verb = event_type.split('_').rev().find_map(verb);
    let deed = match row.what {
        What::Is(deed) => deed,
        What::Thing => Deed::Entity(verb.unwrap_or(EntityVerb::Update)),
        What::Page(otherwise) => Deed::Web(match verb {
            Some(EntityVerb::Create) => WebVerb::Create,
            Some(EntityVerb::Delete) => WebVerb::Delete,
            Some(_) => WebVerb::Update,
            None => otherwise,
        }),
    };
    Reading {
        kind: row.kind,
        deed,
        result: row.result,
        thing: row.thing,
        is_change: row.is_change,
        is_known: true,
    }
}

/// Every row of the catalogue: event types, and beginnings of many with `*` at their end.
pub fn names() -> impl Iterator<Item = &'static str> {
    rows::LISTS
        .iter()
        .flat_map(|list| list.iter())
        .map(|row| row.name)
}

static ROWS: LazyLock<HashMap<&'static str, &'static Row>> = LazyLock::new(|| {
    let rows = rows::LISTS.iter().flat_map(|list| list.iter());
    rows.map(|row| (row.name, row)).collect()
});

/// Event types have eight words at most; longer ones are looked up by their first words only.
const WORDS_MAX: usize = 12;

/// The row of a type: its own, that of its longest beginning, or that of its ending where only this is told.
fn row(event_type: &str) -> Option<&'static Row> {
    if event_type.ends_with('*') {
        return None;
    }
    if let Some(row) = ROWS.get(event_type) {
        return Some(row);
    }
    let ends = event_type.match_indices('_').take(WORDS_MAX);
    let ends: Vec<usize> = ends.map(|(at, _)| at + 1).collect();
    let of_family = |end: &usize| ROWS.get(format!("{}*", &event_type[..*end]).as_str());
    let by_ending = || {
        let mut endings = rows::ENDINGS.iter();
        endings.find(|(begin, end, _)| event_type.starts_with(begin) && event_type.contains(end))
    };
    match by_ending() {
        Some((_, _, row)) => Some(row),
        None => ends.iter().rev().find_map(of_family).copied(),
    }
}

fn verb(word: &str) -> Option<EntityVerb> {
    let verb = match word {
        "CREATE" | "CREATED" | "CREATION" | "ADD" | "ADDED" => EntityVerb::Create,
        "UPDATE" | "UPDATED" | "EDIT" | "EDITED" | "CHANGE" | "CONFIRM" => EntityVerb::Update,
        "DELETE" | "DELETED" | "DELETION" | "REMOVE" | "REMOVED" => EntityVerb::Delete,
        "ENABLE" | "ENABLED" => EntityVerb::Enable,
        "DISABLE" | "DISABLED" => EntityVerb::Disable,
        _ => return None,
    };
    Some(verb)
}

#[cfg(test)]
mod tests;
