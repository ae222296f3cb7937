//! Events as tables: Parquet objects that Athena, Security Lake and DuckDB read as they are. Bytes in, bytes out, no I/O.
//!
//! An object holds events of one class and day, sorted by time, each id once, and is a function of these events alone: in
//! which order they came, in how many goes, and how often, changes no byte (decision 0006).

mod adapt;
mod column;
mod merge;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use bytes::Bytes;
use casbah_model::tables::{Extent, Rows, TableError, Tables};

pub use schema::{Field, Shape, fields};

/// Writes tables as Parquet.
pub struct Parquet;

impl Tables for Parquet {
    fn begin(&self) -> Box<dyn Rows> {
        Box::new(rows::Open::default())
    }

    fn extent(&self, object: &Bytes) -> Result<Extent, TableError> {
        merge::extent(object)
    }

    fn ids(&self, object: &Bytes) -> Result<Vec<String>, TableError> {
        merge::ids(object)
    }
}
