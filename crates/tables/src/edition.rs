//! Editions of inventories: what is current, with the time since when, and behind it what has just ended.
//!
//! The edition before is read once from its beginning to its end, so however much it holds, a few thousand rows are in
//! memory, and a note of each row of the part that is being compared.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use casbah_model::Timestamp;
use casbah_model::collection::Collection;
use casbah_model::tables::{Current, Edition, Part, Shown, State, TableError};
use sha2::{Digest, Sha256};

use crate::columns::{Columns, Entry, Leaf};
use crate::json::Filling;
use crate::read::{Object, unreadable};
use crate::schema::{STATE, collection_fields};
use crate::table::Table;
use crate::values::Values;
use crate::write::{Order, ROWS_AT_ONCE, Writer, unwritable};

/// Where an object keeps what it shows.
const SHOWN: &str = "casbah.shown";

pub(crate) struct Next {
    table: Arc<Table>,
    at: i64,
    old: Option<Old>,
    before: Shown,
    writer: Writer,
    open: Filling,
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
        mut each: impl FnMut(u64, &Batch) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        while left > 0 {
            let first = self.rows.next;
            let batch = self.rows.some(left)?;
            left -= batch.rows.len() as u64;
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
        let table = Table::new(&collection_fields(collection));
        let before = current.as_ref().map(shown).transpose()?.unwrap_or_default();
        let old = match current {
            Some(object) => Some(Old {
                rows: Rows::new(&object, 0, &table)?,
                parts: before.parts.clone().into_iter(),
                object,
            }),
            None => None,
        };
        // Editions follow one another, whatever the clocks say.
        let at = at.as_millisecond().max(before.at.as_millisecond() + 1);
        Ok(Next {
            at,
            writer: Writer::new(&table, Order::None)?,
            open: Filling::new(&table),
            line: vec![],
            shown: Shown {
                at: moment(at),
                ..Shown::default()
            },
            is_known: false,
            known: HashMap::new(),
            ended: vec![],
            table,
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
            let open = std::mem::replace(&mut self.open, Filling::new(&self.table));
            self.writer.write(Arc::new(open.finish()))?;
        }
        Ok(())
    }

    /// When the state of a row began.
    fn from(&mut self, row: &Current<'_>) -> i64 {
        let told = row.told.as_millisecond();
        let Some(known) = self.known.remove(&hash(row.id.as_bytes())) else {
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
        let mut rows = Rows::new(&old.object, 0, &self.table)?;
        let valid_to = Keys::new(&self.table).to;
        while let Some((first, _)) = ended.peek() {
            rows.skip(first - rows.next);
            let first = rows.next;
            let batch = rows.some(u64::MAX)?;
            let mut places = vec![];
            let mut ends = vec![];
            while let Some((row, end)) = ended.next_if(|(row, _)| *row < rows.next) {
                places.push(batch.rows.start + (row - first) as usize);
                ends.push(*end);
            }
            let source = Arc::unwrap_or_clone(batch.columns);
            let columns = with_numbers(source, valid_to, &places, ends);
            self.writer.write_some(Arc::new(columns), places)?;
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
        old.each_batch(part.rows, |_, batch| {
            let columns = Arc::clone(&batch.columns);
            self.writer.write_some(columns, batch.rows.clone())
        })?;
        self.shown.parts.push(part);
        Ok(())
    }

    fn begin(&mut self, name: &str, version: &str) -> Result<(), TableError> {
        self.end_part()?;
        let part = self.pass(name);
        self.is_known = part.is_some();
        if let (Some(part), Some(old)) = (part, &mut self.old) {
            let keys = Keys::new(&self.table);
            old.each_batch(part.rows, |first, batch| {
                let rows = batch.rows.clone().zip(first..);
                self.known.extend(rows.map(|(place, row)| {
                    let known = Known {
                        row,
                        state: keys.number(batch, keys.state, place),
                        from: keys.number(batch, keys.from, place),
                        told: keys.number(batch, keys.told, place),
                    };
                    (hash(keys.id(batch, place)), known)
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
    let object = Object::open(object)?;
    let file = object.metadata().file_metadata();
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
    let table = Table::new(&collection_fields(collection));
    let mut writer = Writer::new(&table, Order::None)?;
    let current: u64 = new.parts.iter().map(|part| part.rows).sum();
    for (object, first) in before
        .iter()
        .map(|object| (object, 0))
        .chain([(edition, current)])
    {
        let mut rows = Rows::new(object, first, &table)?;
        while let Some(batch) = rows.take(u64::MAX)? {
            writer.write_some(batch.columns, batch.rows)?;
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
    let object = Object::open(object)?;
    let table = Table::new(STATE);
    let keys = Keys::new(&table);
    let mut states = vec![];
    for group in 0..object.groups() {
        let columns = Arc::new(object.read(group, &table)?);
        let rows = 0..columns.rows;
        let batch = Batch { columns, rows };
        states.extend(batch.rows.clone().map(|row| State {
            id: String::from_utf8_lossy(keys.id(&batch, row)).into_owned(),
            from: moment(keys.number(&batch, keys.from, row)),
            to: batch.columns.number(keys.to, row).map(moment),
            state: keys.number(&batch, keys.state, row),
        }));
    }
    Ok(states)
}

/// The columns that tell states apart.
struct Keys {
    id: usize,
    from: usize,
    to: usize,
    state: usize,
    told: usize,
}

impl Keys {
    fn new(table: &Table) -> Keys {
        Keys {
            id: table.column("id"),
            from: table.column("valid_from"),
            to: table.column("valid_to"),
            state: table.column("state"),
            told: table.column("collected_at"),
        }
    }

    fn id<'b>(&self, batch: &'b Batch, row: usize) -> &'b [u8] {
        batch.columns.text(self.id, row).unwrap_or_default()
    }

    fn number(&self, batch: &Batch, column: usize, row: usize) -> i64 {
        batch.columns.number(column, row).unwrap_or_default()
    }
}

/// Some rows of a row group.
struct Batch {
    columns: Arc<Columns>,
    rows: Range<usize>,
}

/// Rows of an object, in their order.
struct Rows {
    object: Object,
    table: Arc<Table>,
    /// The row group that comes next, and what is left of the one before.
    group: usize,
    batch: Option<Batch>,
    /// The number of the row that comes next.
    next: u64,
    /// Rows that are passed before it.
    skipped: u64,
}

impl Rows {
    fn new(object: &Bytes, first: u64, table: &Arc<Table>) -> Result<Rows, TableError> {
        Ok(Rows {
            object: Object::open(object)?,
            table: Arc::clone(table),
            group: 0,
            batch: None,
            next: first,
            skipped: first,
        })
    }

    fn skip(&mut self, rows: u64) {
        self.next += rows;
        self.skipped += rows;
    }

    /// The next rows, of which there are some.
    fn some(&mut self, most: u64) -> Result<Batch, TableError> {
        let batch = self.take(most)?;
        batch.ok_or_else(|| unreadable("it has fewer rows than it says"))
    }

    /// The next rows, at most so many and not always that; `None` at the end.
    fn take(&mut self, most: u64) -> Result<Option<Batch>, TableError> {
        loop {
            let Batch { columns, rows } = match self.batch.take() {
                Some(batch) => batch,
                None if self.group == self.object.groups() => return Ok(None),
                None => {
                    self.group += 1;
                    let all = self.object.rows(self.group - 1);
                    if self.skipped >= all as u64 {
                        self.skipped -= all as u64;
                        continue;
                    }
                    let columns = Arc::new(self.object.read(self.group - 1, &self.table)?);
                    let rows = 0..columns.rows;
                    Batch { columns, rows }
                }
            };
            let left = rows.len() as u64;
            if self.skipped >= left {
                self.skipped -= left;
                continue;
            }
            let first = std::mem::take(&mut self.skipped);
            let taken = most.min(left - first);
            let begin = rows.start + first as usize;
            let end = begin + taken as usize;
            if end < rows.end {
                self.batch = Some(Batch {
                    columns: Arc::clone(&columns),
                    rows: end..rows.end,
                });
            }
            self.next += taken;
            let rows = begin..end;
            return Ok(Some(Batch { columns, rows }));
        }
    }
}

/// An id in 16 bytes, whatever its length: no two of ten million share one.
fn hash(id: &[u8]) -> u128 {
    let digest = Sha256::digest(id);
    u128::from_be_bytes(digest[..16].try_into().expect("a SHA-256 has 32 bytes"))
}

/// The same rows with other numbers in one column, at these places.
fn with_numbers(mut columns: Columns, leaf: usize, places: &[usize], numbers: Vec<i64>) -> Columns {
    let mut entries = vec![Entry::ABSENT; columns.rows];
    for (number, place) in places.iter().enumerate() {
        entries[*place] = Entry::value(number as u32);
    }
    columns.leaves[leaf] = Leaf {
        entries,
        lists: None,
        values: Values::Numbers(numbers),
    };
    columns
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MIN)
}
