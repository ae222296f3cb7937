//! One item of a drive's delta, read as one of our nouns.

use casbah_model::file::{File, FileChange, Root};
use casbah_model::record::RecordId;
use serde::Deserialize;

use crate::wire::{Field, moment, record, text};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow)]
    folder: Field<'a>,
    #[serde(borrow)]
    deleted: Field<'a>,
    #[serde(borrow)]
    shared: Field<'a>,
    #[serde(borrow)]
    parent_reference: Field<'a>,
    #[serde(borrow)]
    last_modified_date_time: Field<'a>,
}

#[derive(Deserialize)]
struct Parent<'a> {
    #[serde(borrow)]
    id: Field<'a>,
}

/// An item, and its id within the drive if it has one.
pub(super) struct Item {
    pub(super) id: Option<String>,
    pub(super) file: File,
}

/// Drive and item together: item ids are unique within their drive only.
pub(super) fn key(root: &Root, item: &str) -> RecordId {
    RecordId::new(format!("{}/{item}", root.id))
}

/// Reads an item; an error is the reason why it is none.
pub(super) fn read(root: &Root, raw: &[u8]) -> Result<Item, &'static str> {
    let mut once = String::new();
    let wire: Wire<'_> = record(raw, &mut once)?;
    let id = text(wire.id).filter(|id| !id.is_empty()).map(String::from);
    let parent: Option<Parent<'_>> = wire
        .parent_reference
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let parent = parent
        .and_then(|parent| text(parent.id))
        .map(|id| key(root, &id));
    let change = match (
        wire.deleted.is_some(),
        wire.folder.is_some(),
        wire.shared.is_some(),
    ) {
        (true, _, _) => FileChange::Removed,
        (false, true, true) => FileChange::SharedFolder,
        (false, true, false) => FileChange::Folder,
        (false, false, true) => FileChange::SharedFile,
        (false, false, false) => FileChange::File,
    };
    let file = File {
        id: id
            .as_deref()
            .map_or_else(|| RecordId::of_content(raw), |id| key(root, id)),
        parent,
        change,
        modified: moment(wire.last_modified_date_time),
    };
    Ok(Item { id, file })
}
