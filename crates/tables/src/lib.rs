//! Events as tables: Parquet objects that Athena, Security Lake and DuckDB read as they are. Bytes in, bytes out, no I/O.
//!
//! An object holds events of one class and day, sorted by time, each id once, and is a function of these events alone: in
//! which order they came, in how many goes, and how often, changes no byte (decision 0006).

mod chunk;
mod columns;
mod edition;
#[cfg(test)]
mod edition_tests;
mod json;
mod levels;
mod merge;
#[cfg(test)]
mod object_tests;
mod read;
mod rows;
mod schema;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod write;

use bytes::Bytes;
use casbah_model::Timestamp;
use casbah_model::collection::Collection;
use casbah_model::tables::{Edition, Extent, Rows, Shown, State, TableError, Tables};

pub use schema::{Field, Shape, collection_fields, fields};

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

    fn edition(
        &self,
        collection: Collection,
        current: Option<Bytes>,
        at: Timestamp,
    ) -> Result<Box<dyn Edition>, TableError> {
        Ok(Box::new(edition::Next::new(collection, current, at)?))
    }

    fn ended(
        &self,
        collection: Collection,
        edition: &Bytes,
        before: Option<Bytes>,
    ) -> Result<Option<Bytes>, TableError> {
        edition::ended(collection, edition, before)
    }

    fn shown(&self, object: &Bytes) -> Result<Shown, TableError> {
        edition::shown(object)
    }

    fn states(&self, object: &Bytes) -> Result<Vec<State>, TableError> {
        edition::states(object)
    }
}
