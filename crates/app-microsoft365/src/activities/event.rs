//! One audit record, read as far as it means something to us; about 1.3 kB each, hundreds of thousands a day.

use casbah_model::activity::Activity;
use casbah_model::record::RecordId;
use serde::Deserialize;

use crate::catalog;
use crate::wire::{Field, moment, number, record, text};

/// The fields that decide what a record is (Management Activity API schema, "Common schema"); all others stay in the
/// record. Any of them may be missing or have another type than documented.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow)]
    creation_time: Field<'a>,
    #[serde(borrow)]
    operation: Field<'a>,
    #[serde(borrow)]
    record_type: Field<'a>,
    #[serde(borrow)]
    object_id: Field<'a>,
}

/// Reads a record; an error is the reason why it is none.
pub(super) fn read(raw: &[u8]) -> Result<Activity, &'static str> {
    let mut once = String::new();
    let wire: Wire<'_> = record(raw, &mut once)?;
    Ok(activity(&wire, raw))
}

fn activity(wire: &Wire<'_>, raw: &[u8]) -> Activity {
    let id = text(wire.id).filter(|id| !id.is_empty());
    let record_type = number(wire.record_type);
    let operation = text(wire.operation).unwrap_or_default();
    let reading = catalog::read(record_type, &operation);
    let touched = catalog::touches_file(record_type, &operation)
        .then(|| text(wire.object_id))
        .flatten();
    Activity {
        id: id.map_or_else(|| RecordId::of_content(raw), RecordId::new),
        kind: reading.kind,
        is_known: reading.is_known,
        occurred: moment(wire.creation_time),
        touched_file: touched
            .filter(|address| address.starts_with("http"))
            .map(Into::into),
    }
}
