//! Parquet as Security Lake's rules for custom sources have it, and the same bytes for the same rows.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::Bytes;
use casbah_model::ports::BoxError;
use casbah_model::tables::TableError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// Half of what a page may hold before compression (Security Lake user guide, "Data source best practices": 1 MB): the
/// writer looks only after every [`VALUES_AT_ONCE`] values, of which some are long.
const PAGE_BYTES: usize = 512 << 10;
const VALUES_AT_ONCE: usize = 128;
/// About 20 MB compressed, far below the 256 MB that a row group may hold (ibidem).
const GROUP_ROWS: usize = 1 << 16;
/// Columns are alike within themselves: level 3 takes a third longer and, of events, no less room.
const LEVEL: i32 = 1;

pub(crate) struct Writer(ArrowWriter<Vec<u8>>);

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By time, which is the first column.
    Time,
    None,
}

impl Writer {
    pub(crate) fn new(schema: Arc<Schema>, order: Order) -> Result<Writer, TableError> {
        let level = ZstdLevel::try_new(LEVEL).expect("a level of zstd");
        let by_time = SortingColumn {
            column_idx: 0,
            descending: false,
            nulls_first: false,
        };
        let properties = WriterProperties::builder()
            .set_created_by("casbah".into())
            .set_compression(Compression::ZSTD(level))
            .set_data_page_size_limit(PAGE_BYTES)
            .set_dictionary_page_size_limit(PAGE_BYTES)
            .set_write_batch_size(VALUES_AT_ONCE)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            // Statistics of row groups are what engines skip by; those of pages take more room than small days do.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_sorting_columns((order == Order::Time).then(|| vec![by_time]))
            .build();
        // The format's own types are all that readers need.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options);
        writer.map(Writer).map_err(unwritable)
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        self.0.write(batch).map_err(unwritable)
    }

    /// Adds a note to the object as a whole.
    pub(crate) fn note(&mut self, name: &str, text: String) {
        let note = KeyValue::new(name.to_string(), text);
        self.0.append_key_value_metadata(note);
    }

    pub(crate) fn finish(self) -> Result<Bytes, TableError> {
        self.0.into_inner().map(Bytes::from).map_err(unwritable)
    }
}

pub(crate) fn unwritable(error: impl Into<BoxError>) -> TableError {
    TableError::Unwritable(error.into())
}
