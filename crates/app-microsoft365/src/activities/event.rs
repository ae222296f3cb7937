//! One audit record, read once: as far as the pipeline must understand it, and all that it tells; about 1.3 kB each,
//! hundreds of thousands a day.

use casbah_model::Timestamp;
use casbah_model::activity::Activity;
use casbah_model::event::{Event, Text};
use casbah_model::record::RecordId;
use serde::Deserialize;

use super::deeds;
use super::record::{Field, Record};
use crate::catalog;
use crate::wire::{self, moment_of};

/// Reads a record; an error is the reason why it is none.
///
/// What only a general parser takes, such as thousands of levels of lists, is kept with an event that tells little.
pub(super) fn read(raw: &[u8]) -> Result<(Activity, Event<'_>), &'static str> {
    if raw.first() != Some(&b'{') {
        return Err("not-an-object");
    }
    let mut record = Record::empty();
    let scanned = record.read(raw);
    let activity = match scanned {
        Ok(()) if record.is_plain() => activity(Facts::of(&record), raw),
        _ => activity_of_any(raw)?,
    };
    let event = match scanned {
        Ok(()) => deeds::event(&mut record, &activity),
        Err(_) => Event {
            id: Some(activity.id.to_string().into()),
            occurred: activity.occurred,
            ..Event::default()
        },
    };
    Ok((activity, event))
}

/// What decides what a record is (Management Activity API schema, "Common schema").
struct Facts<'a> {
    id: Option<Text<'a>>,
    occurred: Option<Timestamp>,
    operation: Text<'a>,
    record_type: Option<i64>,
    object_id: Option<Text<'a>>,
}

impl<'a> Facts<'a> {
    fn of(record: &Record<'a>) -> Facts<'a> {
        // Half a surrogate pair makes a text that general parsers refuse.
        let text = |field| {
            Some(record.peek(field))
                .filter(|slice| !slice.is_odd)?
                .text()
        };
        Facts {
            id: text(Field::Id),
            occurred: text(Field::CreationTime).and_then(|text| moment_of(&text)),
            operation: text(Field::Operation).unwrap_or_default(),
            record_type: record.peek(Field::RecordType).number(),
            object_id: text(Field::ObjectId),
        }
    }
}

fn activity(facts: Facts<'_>, raw: &[u8]) -> Activity {
    let reading = catalog::read(facts.record_type, &facts.operation);
    let touched = facts
        .object_id
        .filter(|_| catalog::touches_file(facts.record_type, &facts.operation));
    let id = facts.id.filter(|id| !id.is_empty());
    Activity {
        id: id.map_or_else(|| RecordId::of_content(raw), RecordId::new),
        kind: reading.kind,
        is_known: reading.is_known,
        occurred: facts.occurred,
        touched_file: touched
            .filter(|address| address.starts_with("http"))
            .map(Into::into),
    }
}

/// The same fields for a general parser: any of them may be missing or have another type than documented.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire<'a> {
    #[serde(borrow)]
    id: wire::Field<'a>,
    #[serde(borrow)]
    creation_time: wire::Field<'a>,
    #[serde(borrow)]
    operation: wire::Field<'a>,
    #[serde(borrow)]
    record_type: wire::Field<'a>,
    #[serde(borrow)]
    object_id: wire::Field<'a>,
}

/// Reads a record with a general parser, which decides what is a record and what is none.
pub(super) fn activity_of_any(raw: &[u8]) -> Result<Activity, &'static str> {
    let mut once = String::new();
    let wire: Wire<'_> = wire::record(raw, &mut once)?;
    let facts = Facts {
        id: wire::text(wire.id),
        occurred: wire::moment(wire.creation_time),
        operation: wire::text(wire.operation).unwrap_or_default(),
        record_type: wire::number(wire.record_type),
        object_id: wire::text(wire.object_id),
    };
    Ok(activity(facts, raw))
}
