//! Parquet as Security Lake's rules for custom sources have it, and the same bytes for the same rows.

use std::mem;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use casbah_model::ports::BoxError;
use casbah_model::tables::TableError;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::chunk::{Chunk, Places};
use crate::columns::Columns;
use crate::table::Table;

/// Rows that are encoded at once.
pub(crate) const ROWS_AT_ONCE: usize = 4096;
/// A few MB compressed, far below the 256 MB that a row group may hold (Security Lake user guide, "Data source best
/// practices"): one at a time is in memory when an object is merged.
const GROUP_ROWS: usize = 1 << 14;
/// From so many rows on a row group ends with its hour, so that what is added later in the day leaves it as it is.
const HOUR_ROWS: usize = 1 << 12;
/// Columns are alike within themselves: level 3 takes a third longer and, of events, no less room.
const LEVEL: i32 = 1;
pub(crate) static COMPRESSION: LazyLock<Compression> =
    LazyLock::new(|| Compression::ZSTD(ZstdLevel::try_new(LEVEL).expect("a level of zstd")));
/// Who wrote an object: row groups are copied from those alone that were cut like these.
pub(crate) const WRITER: &str = "casbah columns";

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By time, which is the first column.
    Time,
    None,
}

pub(crate) struct Writer {
    table: Arc<Table>,
    order: Order,
    file: SerializedFileWriter<Vec<u8>>,
    compressor: Compressor,
    /// The columns of the row group that was begun.
    chunks: Vec<Chunk>,
    /// Its rows, and the hour of the last.
    rows: usize,
    hour: i64,
    sources: Vec<Source>,
    /// Rows that are still to be encoded: source and number.
    open: Vec<(usize, usize)>,
}

/// Rows that are written in some order.
struct Source {
    columns: Arc<Columns>,
    places: Vec<Places>,
}

impl Writer {
    pub(crate) fn new(table: &Arc<Table>, order: Order) -> Result<Writer, TableError> {
        let by_time = SortingColumn {
            column_idx: 0,
            descending: false,
            nulls_first: false,
        };
        let properties = WriterProperties::builder()
            .set_created_by(WRITER.into())
            .set_sorting_columns((order == Order::Time).then(|| vec![by_time]))
            .build();
        let schema = Arc::clone(&table.schema);
        let file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties));
        Ok(Writer {
            order,
            file: file.map_err(unwritable)?,
            compressor: Compressor::new()?,
            chunks: chunks(table),
            rows: 0,
            hour: 0,
            sources: vec![],
            open: Vec::with_capacity(ROWS_AT_ONCE),
            table: Arc::clone(table),
        })
    }

    /// Adds rows to take from; returns their number.
    pub(crate) fn add(&mut self, columns: Arc<Columns>) -> usize {
        let places = columns.leaves.iter().map(|_| Places::default()).collect();
        self.sources.push(Source { columns, places });
        self.sources.len() - 1
    }

    /// Lets rows go that were added after the first `left`; nothing is taken from them any more.
    pub(crate) fn let_go(&mut self, left: usize) -> Result<(), TableError> {
        self.encode()?;
        self.sources.truncate(left);
        Ok(())
    }

    /// Writes all rows as they come.
    pub(crate) fn write(&mut self, columns: Arc<Columns>) -> Result<(), TableError> {
        let rows = columns.rows;
        self.write_some(columns, 0..rows)
    }

    /// Writes some rows in this order.
    pub(crate) fn write_some(
        &mut self,
        columns: Arc<Columns>,
        rows: impl IntoIterator<Item = usize>,
    ) -> Result<(), TableError> {
        let source = self.add(columns);
        for row in rows {
            self.push(source, row)?;
        }
        self.let_go(source)
    }

    pub(crate) fn push(&mut self, source: usize, row: usize) -> Result<(), TableError> {
        let hour = match self.order {
            Order::Time => hour(self.sources[source].columns.number(0, row)),
            Order::None => 0,
        };
        if is_cut(self.rows, self.hour, hour) {
            self.end_group()?;
        }
        self.hour = hour;
        self.rows += 1;
        self.open.push((source, row));
        if self.open.len() == ROWS_AT_ONCE {
            self.encode()?;
        }
        Ok(())
    }

    /// Whether the next row begins a row group, if its time is this.
    pub(crate) fn begins(&self, time: Option<i64>) -> bool {
        self.rows == 0 || is_cut(self.rows, self.hour, hour(time))
    }

    fn encode(&mut self) -> Result<(), TableError> {
        for (leaf, chunk) in self.chunks.iter_mut().enumerate() {
            for (source, row) in &self.open {
                let Source { columns, places } = &mut self.sources[*source];
                let (leaf, places) = (&columns.leaves[leaf], &mut places[leaf]);
                chunk.push(leaf, *row, places, &mut self.compressor)?;
            }
        }
        self.open.clear();
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), TableError> {
        self.encode()?;
        self.rows = 0;
        for source in &mut self.sources {
            source.places.iter_mut().for_each(Places::forget);
        }
        let chunks = mem::replace(&mut self.chunks, chunks(&self.table));
        let descriptors = self.file.schema_descr().columns().to_vec();
        let mut group = self.file.next_row_group().map_err(unwritable)?;
        for (chunk, column) in chunks.into_iter().zip(descriptors) {
            let (bytes, closed) = chunk.finish(column, &mut self.compressor)?;
            group.append_column(&bytes, closed).map_err(unwritable)?;
        }
        group.close().map_err(unwritable)?;
        Ok(())
    }

    /// Ends the row group that was begun, and adds one of another object as it is.
    pub(crate) fn copy(
        &mut self,
        object: &Bytes,
        group: &parquet::file::metadata::RowGroupMetaData,
    ) -> Result<(), TableError> {
        if self.rows > 0 {
            self.end_group()?;
        }
        let mut copied = self.file.next_row_group().map_err(unwritable)?;
        for column in group.columns() {
            let closed = ColumnCloseResult {
                bytes_written: column.compressed_size().unsigned_abs(),
                rows_written: group.num_rows().unsigned_abs(),
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            copied.append_column(object, closed).map_err(unwritable)?;
        }
        copied.close().map_err(unwritable)?;
        Ok(())
    }

    /// Adds a note to the object as a whole.
    pub(crate) fn note(&mut self, name: &str, text: String) {
        let note = KeyValue::new(name.to_string(), text);
        self.file.append_key_value_metadata(note);
    }

    pub(crate) fn finish(mut self) -> Result<Bytes, TableError> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.file.into_inner().map(Bytes::from).map_err(unwritable)
    }
}

fn chunks(table: &Table) -> Vec<Chunk> {
    table.columns.iter().map(Chunk::new).collect()
}

/// Whether a row group of so many rows ends before the next row: a matter of the rows alone.
pub(crate) fn is_cut(rows: usize, hour: i64, next_hour: i64) -> bool {
    rows >= GROUP_ROWS || (rows >= HOUR_ROWS && hour != next_hour)
}

/// The hour that a time lies in, since 1970.
pub(crate) fn hour(time: Option<i64>) -> i64 {
    const HOUR_MS: i64 = 3_600_000;
    time.unwrap_or_default().div_euclid(HOUR_MS)
}

/// One context of zstd for all pages.
pub(crate) struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
    scratch: Vec<u8>,
}

impl Compressor {
    fn new() -> Result<Compressor, TableError> {
        let zstd = zstd::bulk::Compressor::new(LEVEL).map_err(unwritable)?;
        let scratch = vec![];
        Ok(Compressor { zstd, scratch })
    }

    pub(crate) fn compress(&mut self, bytes: &[u8]) -> Result<Bytes, TableError> {
        self.scratch.clear();
        self.scratch
            .reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        let done = self.zstd.compress_to_buffer(bytes, &mut self.scratch);
        done.map_err(unwritable)?;
        Ok(Bytes::copy_from_slice(&self.scratch))
    }
}

pub(crate) fn unwritable(error: impl Into<BoxError>) -> TableError {
    TableError::Unwritable(error.into())
}
