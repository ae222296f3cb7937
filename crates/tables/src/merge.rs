//! New rows into the object of a part: a merge of two sorted lists, a few thousand rows in memory at a time.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, Int64Array, RecordBatch, StringArray};
use arrow_select::interleave::interleave_record_batch;
use bytes::Bytes;
use casbah_model::ports::BoxError;
use casbah_model::tables::{Extent, Fresh, TableError};
use casbah_ocsf::class::Class;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::statistics::Statistics;

use crate::adapt::adapted;
use crate::schema::schema;
use crate::write::{Order, Writer, unwritable};

/// Rows that are read, or written, at once. Where writes are cut shows in the object, so it never changes.
pub(crate) const ROWS_AT_ONCE: usize = 4096;

/// Paths of the columns of [`Keys`].
const KEYS: [&str; 4] = [
    "time",
    "metadata.uid",
    "metadata.logged_time",
    "metadata.processed_time",
];

/// The columns that tell rows apart and put them in order.
pub(crate) struct Keys {
    time: Int64Array,
    id: StringArray,
    logged: Int64Array,
    processed: Int64Array,
}

impl Keys {
    pub(crate) fn of(batch: &RecordBatch) -> Keys {
        let metadata = batch
            .column_by_name("metadata")
            .expect("all classes have it")
            .as_struct();
        let within = |name| {
            metadata
                .column_by_name(name)
                .expect("all classes have it within")
        };
        let time = batch.column_by_name("time").expect("all classes have it");
        Keys {
            time: time.as_primitive::<Int64Type>().clone(),
            id: within("uid").as_string::<i32>().clone(),
            logged: within("logged_time").as_primitive::<Int64Type>().clone(),
            processed: within("processed_time").as_primitive::<Int64Type>().clone(),
        }
    }

    fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether it has what a row must have.
    pub(crate) fn is_whole(&self, row: u32) -> bool {
        self.time.is_valid(row as usize) && self.id.is_valid(row as usize)
    }

    pub(crate) fn time(&self, row: u32) -> i64 {
        self.time.value(row as usize)
    }

    pub(crate) fn id(&self, row: u32) -> &str {
        self.id.value(row as usize)
    }

    pub(crate) fn order(&self, row: u32) -> (i64, &str) {
        (self.time(row), self.id(row))
    }

    /// Of two rows with one id the one counts that the vendor showed last; then the one that was read last.
    pub(crate) fn version(&self, row: u32) -> (i64, i64) {
        let row = row as usize;
        (self.logged.value(row), self.processed.value(row))
    }
}

/// Rows of one class and day that are to be in its objects.
pub(crate) struct NewRows {
    class: Class,
    batch: Arc<RecordBatch>,
    /// In the order of the table, each id once.
    rows: Vec<u32>,
}

/// Rows that stay out, because the same id has a later version.
#[derive(Default)]
struct Outdated {
    /// By their place in the current object.
    current: HashSet<usize>,
    new: HashSet<u32>,
}

impl Fresh for NewRows {
    fn times(&self) -> Vec<(i64, i64)> {
        let keys = Keys::of(&self.batch);
        self.rows.iter().map(|row| keys.version(*row)).collect()
    }

    fn hours(&self) -> Vec<u8> {
        let keys = Keys::of(&self.batch);
        let mut hours: Vec<u8> = self.rows.iter().map(|row| hour(keys.time(*row))).collect();
        hours.dedup();
        hours
    }

    fn merge(&self, hours: Range<u8>, current: Option<Bytes>) -> Result<Option<Bytes>, TableError> {
        let keys = Keys::of(&self.batch);
        let begin = |end: u8| self.rows.partition_point(|row| hour(keys.time(*row)) < end);
        let rows = &self.rows[begin(hours.start)..begin(hours.end)];
        if rows.is_empty() {
            return Ok(None);
        }
        let Some(current) = current else {
            let mut merged = Merged::new(self)?;
            for row in rows {
                merged.push(NEW, *row as usize)?;
            }
            return merged.finish().map(Some);
        };
        let outdated = outdated(&keys, rows, &current)?;
        if outdated.new.len() == rows.len() {
            return Ok(None);
        }
        self.merge_into(rows, current, &outdated).map(Some)
    }
}

/// What an object holds, from its footer.
pub(crate) fn extent(object: &Bytes) -> Result<Extent, TableError> {
    let opened = ParquetRecordBatchReaderBuilder::try_new(object.clone()).map_err(unreadable)?;
    let metadata = opened.metadata();
    let last = metadata.row_groups().last().map(|group| group.column(0));
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
    let mut ids = vec![];
    for batch in reader(object, Some(&KEYS))? {
        let keys = Keys::of(&batch.map_err(unreadable)?);
        ids.extend(keys.id.iter().map(|id| id.unwrap_or_default().to_string()));
    }
    Ok(ids)
}

/// The hour of its day in which something happened.
fn hour(ms: i64) -> u8 {
    const HOUR_MS: i64 = 3_600_000;
    (ms.div_euclid(HOUR_MS).rem_euclid(24)) as u8
}

impl NewRows {
    pub(crate) fn new(class: Class, batch: Arc<RecordBatch>, rows: Vec<u32>) -> NewRows {
        NewRows { class, batch, rows }
    }

    fn merge_into(
        &self,
        rows: &[u32],
        current: Bytes,
        outdated: &Outdated,
    ) -> Result<Bytes, TableError> {
        let keys = Keys::of(&self.batch);
        let rows = rows.iter().filter(|row| !outdated.new.contains(row));
        let mut rows = rows.peekable();
        let mut merged = Merged::new(self)?;
        let mut before = 0;
        for batch in reader(&current, None)? {
            let batch = adapted(&batch.map_err(unreadable)?, &schema(self.class))?;
            let theirs = Keys::of(&batch);
            merged.add(batch);
            for row in 0..theirs.len() {
                if outdated.current.contains(&(before + row)) {
                    continue;
                }
                let order = theirs.order(row as u32);
                while let Some(own) = rows.next_if(|own| keys.order(**own) < order) {
                    merged.push(NEW, *own as usize)?;
                }
                merged.push(merged.last(), row)?;
            }
            before += theirs.len();
        }
        for own in rows {
            merged.push(NEW, *own as usize)?;
        }
        merged.finish()
    }
}

/// Compares versions of what is on both sides; reads four columns.
fn outdated(keys: &Keys, rows: &[u32], current: &Bytes) -> Result<Outdated, TableError> {
    let ours: HashMap<&str, u32> = rows.iter().map(|row| (keys.id(*row), *row)).collect();
    let mut outdated = Outdated::default();
    let mut before = 0;
    for batch in reader(current, Some(&KEYS))? {
        let theirs = Keys::of(&batch.map_err(unreadable)?);
        for row in 0..theirs.len() {
            let Some(own) = ours.get(theirs.id.value(row)) else {
                continue;
            };
            if keys.version(*own) > theirs.version(row as u32) {
                outdated.current.insert(before + row);
            } else {
                outdated.new.insert(*own);
            }
        }
        before += theirs.len();
    }
    Ok(outdated)
}

/// Opens an object; of its columns all, or those with these paths.
pub(crate) fn reader(
    current: &Bytes,
    names: Option<&[&str]>,
) -> Result<ParquetRecordBatchReader, TableError> {
    let opened = ParquetRecordBatchReaderBuilder::try_new(current.clone()).map_err(unreadable)?;
    let mask = match names {
        Some(names) => ProjectionMask::columns(opened.parquet_schema(), names.iter().copied()),
        None => ProjectionMask::all(),
    };
    let opened = opened.with_projection(mask).with_batch_size(ROWS_AT_ONCE);
    opened.build().map_err(unreadable)
}

/// The new rows among the batches that rows are taken from.
const NEW: usize = 0;

/// Rows in their order, written as soon as there are enough.
struct Merged {
    writer: Writer,
    /// The new rows, then batches of the current object that rows are still to be taken from.
    sources: Vec<RecordBatch>,
    rows: Vec<(usize, usize)>,
}

impl Merged {
    fn new(new: &NewRows) -> Result<Merged, TableError> {
        Ok(Merged {
            writer: Writer::new(schema(new.class), Order::Time)?,
            sources: vec![RecordBatch::clone(&new.batch)],
            rows: Vec::with_capacity(ROWS_AT_ONCE),
        })
    }

    fn add(&mut self, batch: RecordBatch) {
        self.sources.push(batch);
    }

    /// The batch that was added last.
    fn last(&self) -> usize {
        self.sources.len() - 1
    }

    fn push(&mut self, source: usize, row: usize) -> Result<(), TableError> {
        self.rows.push((source, row));
        if self.rows.len() == ROWS_AT_ONCE {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let sources: Vec<&RecordBatch> = self.sources.iter().collect();
        let batch = interleave_record_batch(&sources, &self.rows).map_err(unwritable)?;
        self.rows.clear();
        // No row comes out of the batches before the last any more.
        let last = self.last();
        if last > NEW {
            self.sources.drain(NEW + 1..last);
        }
        self.writer.write(&batch)
    }

    fn finish(mut self) -> Result<Bytes, TableError> {
        if !self.rows.is_empty() {
            self.flush()?;
        }
        self.writer.finish()
    }
}

pub(crate) fn unreadable(error: impl Into<BoxError>) -> TableError {
    TableError::Unreadable(error.into())
}
