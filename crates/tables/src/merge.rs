//! New rows into the object of a part: a merge of two sorted lists, a row group in memory at a time.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use casbah_model::tables::{Extent, Fresh, TableError};
use parquet::file::statistics::Statistics;

use crate::columns::Columns;
use crate::read::{Object, unreadable};
use crate::schema::FRAME;
use crate::table::Table;
use crate::write::{self, Order, WRITER, Writer};

/// The columns that tell rows apart and put them in order.
pub(crate) struct Keys {
    time: usize,
    id: usize,
    logged: usize,
    processed: usize,
}

impl Keys {
    pub(crate) fn new(table: &Table) -> Keys {
        Keys {
            time: table.column("time"),
            id: table.column("metadata.uid"),
            logged: table.column("metadata.logged_time"),
            processed: table.column("metadata.processed_time"),
        }
    }

    fn all(&self) -> [usize; 4] {
        [self.time, self.id, self.logged, self.processed]
    }

    pub(crate) fn has_time(&self, columns: &Columns, row: u32) -> bool {
        columns.number(self.time, row as usize).is_some()
    }

    pub(crate) fn time(&self, columns: &Columns, row: u32) -> i64 {
        let time = columns.number(self.time, row as usize);
        time.unwrap_or_default()
    }

    pub(crate) fn id<'c>(&self, columns: &'c Columns, row: u32) -> Option<&'c [u8]> {
        columns.text(self.id, row as usize)
    }

    pub(crate) fn order<'c>(&self, columns: &'c Columns, row: u32) -> (i64, &'c [u8]) {
        let id = self.id(columns, row).unwrap_or_default();
        (self.time(columns, row), id)
    }

    /// Of two rows with one id the one counts that the vendor showed last; then the one that was read last.
    pub(crate) fn version(&self, columns: &Columns, row: u32) -> (i64, i64) {
        let number = |leaf| columns.number(leaf, row as usize).unwrap_or_default();
        (number(self.logged), number(self.processed))
    }
}

/// Rows of one class and day that are to be in its objects.
pub(crate) struct NewRows {
    table: Arc<Table>,
    keys: Keys,
    columns: Arc<Columns>,
    /// In the order of the table, each id once.
    rows: Vec<u32>,
}

/// Rows that stay out, because the same id has a later version.
#[derive(Default)]
struct Outdated {
    /// By their place in the current object.
    current: HashSet<usize>,
    new: HashSet<u32>,
    /// Of each row group of the current object the order of its first and its last row.
    groups: Vec<[(i64, Vec<u8>); 2]>,
}

impl Fresh for NewRows {
    fn times(&self) -> Vec<(i64, i64)> {
        let version = |row: &u32| self.keys.version(&self.columns, *row);
        self.rows.iter().map(version).collect()
    }

    fn hours(&self) -> Vec<u8> {
        let mut hours: Vec<u8> = self.rows.iter().map(|row| self.hour(*row)).collect();
        hours.dedup();
        hours
    }

    fn merge(&self, hours: Range<u8>, current: Option<Bytes>) -> Result<Option<Bytes>, TableError> {
        let begin = |end: u8| self.rows.partition_point(|row| self.hour(*row) < end);
        let rows = &self.rows[begin(hours.start)..begin(hours.end)];
        if rows.is_empty() {
            return Ok(None);
        }
        let Some(current) = current else {
            let mut writer = Writer::new(&self.table, Order::Time)?;
            let rows = rows.iter().map(|row| *row as usize);
            writer.write_some(Arc::clone(&self.columns), rows)?;
            return writer.finish().map(Some);
        };
        let object = Object::open(&current)?;
        let outdated = self.outdated(rows, &object)?;
        if outdated.new.len() == rows.len() {
            return Ok(None);
        }
        let rows: Vec<u32> = rows
            .iter()
            .filter(|row| !outdated.new.contains(row))
            .copied()
            .collect();
        Merge::new(self, &rows, &current, &object, &outdated)?
            .finish()
            .map(Some)
    }
}

impl NewRows {
    pub(crate) fn new(table: &Arc<Table>, columns: &Arc<Columns>, rows: Vec<u32>) -> NewRows {
        NewRows {
            keys: Keys::new(table),
            table: Arc::clone(table),
            columns: Arc::clone(columns),
            rows,
        }
    }

    fn hour(&self, row: u32) -> u8 {
        hour(self.keys.time(&self.columns, row))
    }

    /// Compares versions of what is on both sides; reads four columns.
    fn outdated(&self, rows: &[u32], current: &Object) -> Result<Outdated, TableError> {
        let own_id = |row: &u32| self.keys.id(&self.columns, *row).unwrap_or_default();
        let ours: HashMap<&[u8], u32> = rows.iter().map(|row| (own_id(row), *row)).collect();
        let mut outdated = Outdated::default();
        let mut before = 0;
        for group in 0..current.groups() {
            let theirs = current.read_some(group, &self.table, &self.keys.all())?;
            for row in 0..theirs.rows as u32 {
                let id = self.keys.id(&theirs, row).unwrap_or_default();
                let Some(own) = ours.get(id) else {
                    continue;
                };
                let version = self.keys.version(&self.columns, *own);
                if version > self.keys.version(&theirs, row) {
                    outdated.current.insert(before + row as usize);
                } else {
                    outdated.new.insert(*own);
                }
            }
            before += theirs.rows;
            let order = |row: usize| {
                let (time, id) = self.keys.order(&theirs, row as u32);
                (time, id.to_vec())
            };
            let ends = [order(0), order(theirs.rows.saturating_sub(1))];
            outdated.groups.push(ends);
        }
        Ok(outdated)
    }
}

/// What an object holds, from its footer.
pub(crate) fn extent(object: &Bytes) -> Result<Extent, TableError> {
    let object = Object::open(object)?;
    let metadata = object.metadata();
    let last = metadata.row_groups().last();
    let last = last.and_then(|group| group.columns().first());
    let last = last.and_then(|times| match times.statistics()? {
        Statistics::Int64(times) => times.max_opt().copied(),
        _ => None,
    });
    let last = last.ok_or_else(|| unreadable("it does not say when its last event happened"))?;
    Ok(Extent {
        rows: metadata.file_metadata().num_rows().unsigned_abs(),
        last_hour: hour(last),
    })
}

/// The ids of an object's rows.
pub(crate) fn ids(object: &Bytes) -> Result<Vec<String>, TableError> {
    let object = Object::open(object)?;
    let table = Table::new(FRAME);
    let keys = Keys::new(&table);
    let mut ids = vec![];
    for group in 0..object.groups() {
        let rows = object.read_some(group, &table, &[keys.id])?;
        ids.extend((0..rows.rows as u32).map(|row| {
            let id = keys.id(&rows, row).unwrap_or_default();
            String::from_utf8_lossy(id).into_owned()
        }));
    }
    Ok(ids)
}

/// The hour of its day in which something happened.
fn hour(ms: i64) -> u8 {
    write::hour(Some(ms)).rem_euclid(24) as u8
}

/// The new rows among those that a writer takes from.
const NEW: usize = 0;

/// A merge under way.
struct Merge<'m> {
    new: &'m NewRows,
    /// The new rows that are still to be written.
    rows: &'m [u32],
    current: &'m Bytes,
    object: &'m Object,
    outdated: &'m Outdated,
    writer: Writer,
    /// Rows of the object that were passed.
    before: usize,
    can_copy: bool,
}

impl<'m> Merge<'m> {
    fn new(
        new: &'m NewRows,
        rows: &'m [u32],
        current: &'m Bytes,
        object: &'m Object,
        outdated: &'m Outdated,
    ) -> Result<Merge<'m>, TableError> {
        let mut writer = Writer::new(&new.table, Order::Time)?;
        writer.add(Arc::clone(&new.columns));
        let written = object.metadata().file_metadata();
        let is_ours = written.created_by() == Some(WRITER);
        let is_alike = *written.schema_descr().root_schema() == *new.table.schema;
        Ok(Merge {
            new,
            rows,
            current,
            object,
            outdated,
            writer,
            before: 0,
            can_copy: is_ours && is_alike,
        })
    }

    fn finish(mut self) -> Result<Bytes, TableError> {
        for group in 0..self.object.groups() {
            let rows = self.object.rows(group);
            self.write_before(&self.outdated.groups[group][0])?;
            if self.stays(group) {
                let metadata = self.object.metadata().row_group(group);
                self.writer.copy(self.current, metadata)?;
            } else {
                self.merge(group)?;
            }
            self.before += rows;
        }
        for own in self.rows {
            self.writer.push(NEW, *own as usize)?;
        }
        self.writer.finish()
    }

    fn order(&self, row: u32) -> (i64, &'m [u8]) {
        self.new.keys.order(&self.new.columns, row)
    }

    /// Writes the new rows that come before this one.
    fn write_before(&mut self, (time, id): &(i64, Vec<u8>)) -> Result<(), TableError> {
        self.write_while(|order| order < (*time, id.as_slice()))
    }

    fn write_while(&mut self, is_it: impl Fn((i64, &[u8])) -> bool) -> Result<(), TableError> {
        while let Some((own, rest)) = self.rows.split_first() {
            if !is_it(self.order(*own)) {
                break;
            }
            self.writer.push(NEW, *own as usize)?;
            self.rows = rest;
        }
        Ok(())
    }

    /// Whether a row group of the object is one of the merged object, too: it begins and ends where one of that does, and
    /// has the same rows.
    fn stays(&self, group: usize) -> bool {
        let rows = self.object.rows(group);
        let [(first, _), (last, last_id)] = &self.outdated.groups[group];
        let own = self.rows.first().map(|row| self.order(*row));
        let is_mixed = own.is_some_and(|own| own < (*last, last_id.as_slice()));
        let all = self.before..self.before + rows;
        let is_outdated = |row: &usize| all.contains(row);
        if !self.can_copy
            || rows == 0
            || is_mixed
            || !self.writer.begins(Some(*first))
            || self.outdated.current.iter().any(is_outdated)
        {
            return false;
        }
        // The row that comes next in the merged object; of the object itself one that is outdated does not.
        let following = self.outdated.groups.get(group + 1);
        if following.is_some() && self.outdated.current.contains(&all.end) {
            return false;
        }
        let following = following.map(|[(time, _), _]| *time);
        let next = following.into_iter().chain(own.map(|(time, _)| time)).min();
        let hour = write::hour;
        next.is_none_or(|next| write::is_cut(rows, hour(Some(*last)), hour(Some(next))))
    }

    fn merge(&mut self, group: usize) -> Result<(), TableError> {
        let keys = &self.new.keys;
        let theirs = Arc::new(self.object.read(group, &self.new.table)?);
        let source = self.writer.add(Arc::clone(&theirs));
        for row in 0..theirs.rows {
            if self.outdated.current.contains(&(self.before + row)) {
                continue;
            }
            let order = keys.order(&theirs, row as u32);
            self.write_while(|own| own < order)?;
            self.writer.push(source, row)?;
        }
        self.writer.let_go(source)
    }
}
