//! What a record of a file or folder says for people to read.

use casbah_connector::FileDetails;
use serde::Deserialize;

use crate::wire::{Field, moment, number, record, text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire<'a> {
    #[serde(borrow)]
    name: Field<'a>,
    #[serde(borrow)]
    web_url: Field<'a>,
    #[serde(borrow)]
    size: Field<'a>,
    #[serde(borrow)]
    created_date_time: Field<'a>,
    #[serde(borrow)]
    last_modified_date_time: Field<'a>,
    #[serde(borrow)]
    last_modified_by: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Author<'a> {
    #[serde(borrow)]
    user: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Person<'a> {
    #[serde(borrow)]
    email: Field<'a>,
    #[serde(borrow)]
    display_name: Field<'a>,
}

/// Reads a record of an item; one that cannot be read says nothing.
pub(super) fn read(raw: &[u8]) -> FileDetails {
    let mut once = String::new();
    let wire: Wire<'_> = record(raw, &mut once).unwrap_or_default();
    FileDetails {
        name: words(wire.name),
        address: words(wire.web_url),
        bytes: number(wire.size).and_then(|bytes| u64::try_from(bytes).ok()),
        created: moment(wire.created_date_time),
        modified: moment(wire.last_modified_date_time),
        modified_by: author(wire.last_modified_by),
        ..FileDetails::default()
    }
}

fn author(field: Field<'_>) -> Option<String> {
    let author: Author<'_> = serde_json::from_str(field?.get()).ok()?;
    let person: Person<'_> = serde_json::from_str(author.user?.get()).ok()?;
    words(person.email).or_else(|| words(person.display_name))
}

fn words(field: Field<'_>) -> Option<String> {
    let found = text(field).filter(|text| !text.is_empty());
    found.map(String::from)
}
