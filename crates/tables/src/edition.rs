//! Editions of inventories: what is current, with the time since when, and behind it what has just ended.
//!
//! The edition before is read once from its beginning to its end, so however much it holds, a few thousand rows are in
//! memory, and a note of each row of the part that is being compared.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMillisecondArray};
use arrow_schema::Schema;
use arrow_select::interleave::interleave_record_batch;
use bytes::Bytes;
use casbah_model::Timestamp;
use casbah_model::collection::Collection;
use casbah_model::tables::{Current, Edition, Part, Shown, State, TableError};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use sha2::{Digest, Sha256};

use crate::adapt::adapted;
use crate::column::Object;
use crate::merge::{ROWS_AT_ONCE, reader, unreadable};
use crate::schema::{Field, collection_fields, columns_of};
use crate::write::{Order, Writer, unwritable};

/// The columns that tell states apart.
const KEYS: [&str; 5] = ["id", "valid_from", "valid_to", "state", "collected_at"];
/// Where an object keeps what it shows.
const SHOWN: &str = "casbah.shown";

pub(crate) struct Next {
    fields: Vec<Field>,
    schema: Arc<Schema>,
    at: i64,
    old: Option<Old>,
    before: Shown,
    writer: Writer,
    open: Object,
    line: Vec<u8>,
    shown: Shown,
    /// Whether the edition before has the part that was begun.
    is_known: bool,
    /// Rows that this part had, and did not come yet.
    known: HashMap<u128, Known>,
    /// Rows of the edition before that ended, by number, with their end.
    ended: Vec<(u64, i64)>,
}

#[derive(Clone, Copy)]
struct Known {
    row: u64,
    state: i64,
    from: i64,
    told: i64,
}

/// The edition before, from its first row to its last.
struct Old {
    object: Bytes,
    rows: Rows,
    /// Its parts that are to come.
    parts: std::vec::IntoIter<Part>,
}

impl Old {
    /// Calls `each` with the next rows, and with the number of the first of each batch.
    fn each_batch(
        &mut self,
        mut left: u64,
        mut each: impl FnMut(u64, &RecordBatch) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        while left > 0 {
            let first = self.rows.next;
            let batch = self.rows.some(left.min(ROWS_AT_ONCE as u64))?;
            left -= batch.num_rows() as u64;
            each(first, &batch)?;
        }
        Ok(())
    }
}

impl Next {
    pub(crate) fn new(
        collection: Collection,
        current: Option<Bytes>,
        at: Timestamp,
    ) -> Result<Next, TableError> {
        let fields = collection_fields(collection);
        let schema = columns_of(&fields);
        let before = current.as_ref().map(shown).transpose()?.unwrap_or_default();
        let old = match current {
            Some(object) => Some(Old {
                rows: Rows::new(&object, 0, Arc::clone(&schema))?,
                parts: before.parts.clone().into_iter(),
                object,
            }),
            None => None,
        };
        // Editions follow one another, whatever the clocks say.
        let at = at.as_millisecond().max(before.at.as_millisecond() + 1);
        Ok(Next {
            at,
            writer: Writer::new(Arc::clone(&schema), Order::None)?,
            open: Object::new(&fields),
            line: vec![],
            shown: Shown {
                at: moment(at),
                ..Shown::default()
            },
            is_known: false,
            known: HashMap::new(),
            ended: vec![],
            fields,
            schema,
            old,
            before,
        })
    }

    /// Ends the part that was begun: what did not come is gone.
    fn end_part(&mut self) -> Result<(), TableError> {
        let gone = self.known.drain().map(|(_, known)| known);
        self.ended.extend(gone.map(|known| (known.row, self.at)));
        self.flush()
    }

    /// Goes to a part of the edition before; the parts that are passed have gone.
    fn pass(&mut self, name: &str) -> Option<Part> {
        while self.pass_one(|part| part.name.as_str() < name).is_some() {}
        let parts = &mut self.old.as_mut()?.parts;
        let is_it = parts.as_slice().first()?.name == name;
        is_it.then(|| parts.next()).flatten()
    }

    /// Passes the next part of the edition before if it has gone. Its name stays: should it come back, it is known that
    /// nothing of it was there until then.
    fn pass_one(&mut self, has_gone: impl Fn(&Part) -> bool) -> Option<()> {
        let old = self.old.as_mut()?;
        old.parts.as_slice().first().filter(|part| has_gone(part))?;
        let mut part = old.parts.next()?;
        let first = old.rows.next;
        self.ended
            .extend((first..first + part.rows).map(|row| (row, self.at)));
        old.rows.skip(part.rows);
        (part.rows, part.version) = (0, String::new());
        self.shown.parts.push(part);
        Some(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.open.len() > 0 {
            let open = std::mem::replace(&mut self.open, Object::new(&self.fields));
            self.writer.write(&open.rows())?;
        }
        Ok(())
    }

    /// When the state of a row began.
    fn from(&mut self, row: &Current<'_>) -> i64 {
        let told = row.told.as_millisecond();
        let Some(known) = self.known.remove(&hash(row.id)) else {
            // What the edition before did not show was not so until then.
            let begin = if self.is_known {
                self.before.at.as_millisecond()
            } else {
                i64::MIN
            };
            return told.max(begin);
        };
        if known.state == row.state {
            return known.from;
        }
        // Without a new record something else has changed it, such as the sharing of a folder above.
        let changed = if told > known.told { told } else { self.at };
        let from = changed.max(known.from + 1);
        self.ended.push((known.row, from));
        from
    }

    /// Writes the rows that ended, each with its end.
    fn write_ended(&mut self) -> Result<(), TableError> {
        let Some(old) = &self.old else { return Ok(()) };
        self.ended.sort_unstable();
        self.shown.ended = self.ended.len() as u64;
        let mut ended = self.ended.iter().peekable();
        let mut rows = Rows::new(&old.object, 0, Arc::clone(&self.schema))?;
        while let Some((first, _)) = ended.peek() {
            rows.skip(first - rows.next);
            let first = rows.next;
            let batch = rows.some(ROWS_AT_ONCE as u64)?;
            let mut places = vec![];
            let mut ends = vec![];
            while let Some((row, end)) = ended.next_if(|(row, _)| *row < rows.next) {
                places.push((0, (row - first) as usize));
                ends.push(*end);
            }
            let batch = interleave_record_batch(&[&batch], &places).map_err(unwritable)?;
            self.writer.write(&with_ends(&batch, ends)?)?;
        }
        Ok(())
    }
}

impl Edition for Next {
    fn before(&self) -> &Shown {
        &self.before
    }

    fn keep(&mut self, name: &str) -> Result<(), TableError> {
        self.end_part()?;
        let part = self.pass(name);
        let (Some(part), Some(old)) = (part, &mut self.old) else {
            return Err(unreadable("the edition before has no such part"));
        };
        old.each_batch(part.rows, |_, batch| self.writer.write(batch))?;
        self.shown.parts.push(part);
        Ok(())
    }

    fn begin(&mut self, name: &str, version: &str) -> Result<(), TableError> {
        self.end_part()?;
        let part = self.pass(name);
        self.is_known = part.is_some();
        if let (Some(part), Some(old)) = (part, &mut self.old) {
            old.each_batch(part.rows, |first, batch| {
                let keys = Keys::of(batch);
                self.known.extend((0..batch.num_rows()).map(|row| {
                    let known = Known {
                        row: first + row as u64,
                        state: keys.state.value(row),
                        from: keys.from.value(row),
                        told: keys.told.value(row),
                    };
                    (hash(keys.id.value(row)), known)
                }));
                Ok(())
            })?;
        }
        self.shown.parts.push(Part {
            name: name.into(),
            version: version.into(),
            rows: 0,
        });
        Ok(())
    }

    fn add(&mut self, row: &Current<'_>) -> Result<(), TableError> {
        let from = self.from(row);
        let Some(members) = row.json.strip_prefix(b"{") else {
            return Err(unwritable("a row that is no object"));
        };
        let begin = format!("{{\"valid_from\":{from},\"state\":{},", row.state);
        self.line.clear();
        self.line.extend_from_slice(begin.as_bytes());
        self.line.extend_from_slice(members);
        self.open.push(&self.line).map_err(unwritable)?;
        let part = self.shown.parts.last_mut();
        part.ok_or_else(|| unwritable("a row of no part"))?.rows += 1;
        if self.open.len() >= ROWS_AT_ONCE {
            self.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Bytes, TableError> {
        self.end_part()?;
        while self.pass_one(|_| true).is_some() {}
        self.write_ended()?;
        finished(self.writer, &self.shown)
    }
}

/// What an object of an inventory shows, from its footer.
pub(crate) fn shown(object: &Bytes) -> Result<Shown, TableError> {
    let opened = ParquetRecordBatchReaderBuilder::try_new(object.clone()).map_err(unreadable)?;
    let file = opened.metadata().file_metadata();
    let notes = file.key_value_metadata().into_iter().flatten();
    let text = notes
        .filter(|note| note.key == SHOWN)
        .find_map(|note| note.value.as_deref())
        .ok_or_else(|| unreadable("it does not say what it shows"))?;
    let shown: Shown = serde_json::from_str(text).map_err(unreadable)?;
    let rows: u64 = shown.parts.iter().map(|part| part.rows).sum::<u64>() + shown.ended;
    if i64::try_from(rows) != Ok(file.num_rows()) {
        return Err(unreadable("it has not as many rows as it says"));
    }
    Ok(shown)
}

/// What ended before, with what ended with an edition.
pub(crate) fn ended(
    collection: Collection,
    edition: &Bytes,
    before: Option<Bytes>,
) -> Result<Option<Bytes>, TableError> {
    let new = shown(edition)?;
    let old = before.as_ref().map(shown).transpose()?.unwrap_or_default();
    if new.ended == 0 || old.at >= new.at {
        return Ok(None);
    }
    let schema = columns_of(&collection_fields(collection));
    let mut writer = Writer::new(Arc::clone(&schema), Order::None)?;
    let current: u64 = new.parts.iter().map(|part| part.rows).sum();
    for (object, first) in before
        .iter()
        .map(|object| (object, 0))
        .chain([(edition, current)])
    {
        let mut rows = Rows::new(object, first, Arc::clone(&schema))?;
        while let Some(batch) = rows.take(ROWS_AT_ONCE as u64)? {
            writer.write(&batch)?;
        }
    }
    let shown = Shown {
        at: new.at,
        parts: vec![],
        ended: old.ended + new.ended,
    };
    finished(writer, &shown).map(Some)
}

/// An object that says what it shows.
fn finished(mut writer: Writer, shown: &Shown) -> Result<Bytes, TableError> {
    writer.note(SHOWN, serde_json::to_string(shown).expect("it is plain"));
    writer.finish()
}

/// The states that an object tells of.
pub(crate) fn states(object: &Bytes) -> Result<Vec<State>, TableError> {
    let mut states = vec![];
    for batch in reader(object, Some(&KEYS))? {
        let batch = batch.map_err(unreadable)?;
        let keys = Keys::of(&batch);
        states.extend((0..batch.num_rows()).map(|row| State {
            id: keys.id.value(row).into(),
            from: moment(keys.from.value(row)),
            to: keys.to.is_valid(row).then(|| moment(keys.to.value(row))),
            state: keys.state.value(row),
        }));
    }
    Ok(states)
}

/// The columns of [`KEYS`].
struct Keys<'a> {
    id: &'a arrow_array::StringArray,
    from: &'a TimestampMillisecondArray,
    to: &'a TimestampMillisecondArray,
    state: &'a arrow_array::Int64Array,
    told: &'a TimestampMillisecondArray,
}

impl Keys<'_> {
    fn of(batch: &RecordBatch) -> Keys<'_> {
        let column = |name| batch.column_by_name(name).expect("all inventories have it");
        let moments = |name| column(name).as_primitive::<TimestampMillisecondType>();
        Keys {
            id: column("id").as_string(),
            from: moments("valid_from"),
            to: moments("valid_to"),
            state: column("state").as_primitive::<Int64Type>(),
            told: moments("collected_at"),
        }
    }
}

/// Rows of an object, in their order.
struct Rows {
    batches: ParquetRecordBatchReader,
    schema: Arc<Schema>,
    batch: Option<RecordBatch>,
    /// The number of the row that comes next.
    next: u64,
    /// Rows that are passed before it.
    skipped: u64,
}

impl Rows {
    fn new(object: &Bytes, first: u64, schema: Arc<Schema>) -> Result<Rows, TableError> {
        let opened =
            ParquetRecordBatchReaderBuilder::try_new(object.clone()).map_err(unreadable)?;
        let opened = opened
            .with_batch_size(ROWS_AT_ONCE)
            .with_offset(first as usize);
        Ok(Rows {
            batches: opened.build().map_err(unreadable)?,
            schema,
            batch: None,
            next: first,
            skipped: 0,
        })
    }

    fn skip(&mut self, rows: u64) {
        self.next += rows;
        self.skipped += rows;
    }

    /// The next rows, of which there are some.
    fn some(&mut self, most: u64) -> Result<RecordBatch, TableError> {
        let batch = self.take(most)?;
        batch.ok_or_else(|| unreadable("it has fewer rows than it says"))
    }

    /// The next rows, at most so many and not always that; `None` at the end.
    fn take(&mut self, most: u64) -> Result<Option<RecordBatch>, TableError> {
        loop {
            let batch = match self.batch.take() {
                Some(batch) => batch,
                None => match self.batches.next() {
                    Some(batch) => adapted(&batch.map_err(unreadable)?, &self.schema)?,
                    None => return Ok(None),
                },
            };
            let rows = batch.num_rows() as u64;
            if self.skipped >= rows {
                self.skipped -= rows;
                continue;
            }
            let first = std::mem::take(&mut self.skipped);
            let taken = most.min(rows - first);
            let (first, end) = (first as usize, (first + taken) as usize);
            if end < batch.num_rows() {
                self.batch = Some(batch.slice(end, batch.num_rows() - end));
            }
            self.next += taken;
            return Ok(Some(batch.slice(first, end - first)));
        }
    }
}

/// An id in 16 bytes, whatever its length: no two of ten million share one.
fn hash(id: &str) -> u128 {
    let digest = Sha256::digest(id.as_bytes());
    u128::from_be_bytes(digest[..16].try_into().expect("a SHA-256 has 32 bytes"))
}

fn with_ends(batch: &RecordBatch, ends: Vec<i64>) -> Result<RecordBatch, TableError> {
    let place = batch.schema().index_of("valid_to").map_err(unwritable)?;
    let mut columns = batch.columns().to_vec();
    let ends: ArrayRef = Arc::new(TimestampMillisecondArray::from(ends).with_timezone("UTC"));
    columns[place] = ends;
    RecordBatch::try_new(batch.schema(), columns).map_err(unwritable)
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MIN)
}
