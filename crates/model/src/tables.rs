//! Tables for query engines, as a port: the stage that fills them does not know their format, and functions that do not
//! fill any do not carry its code.

use std::ops::Range;

use bytes::Bytes;

use crate::Timestamp;
use crate::ports::BoxError;

/// Makes rows of events.
pub trait Tables: Send + Sync {
    fn begin(&self) -> Box<dyn Rows>;

    /// What an object of a table holds.
    ///
    /// # Errors
    /// It is no such object.
    fn extent(&self, object: &Bytes) -> Result<Extent, TableError>;

    /// The ids of an object's events, in the order of its rows.
    ///
    /// # Errors
    /// It is no object of a table.
    fn ids(&self, object: &Bytes) -> Result<Vec<String>, TableError>;
}

/// Rows that are being gathered, of any class and time.
pub trait Rows: Send {
    /// Adds what one line of an object of events says.
    ///
    /// # Errors
    /// An event that is none is left out; the other rows are what they were.
    fn add(&mut self, event: &[u8]) -> Result<(), Unfit>;

    /// Of all lines that were added.
    fn bytes(&self) -> usize;

    /// The rows by table and day.
    fn sort(self: Box<Self>) -> Vec<(TableDay, Box<dyn Fresh>)>;
}

/// New rows of one table and day, each id once.
pub trait Fresh: Send + Sync {
    /// When the vendor showed each of them, and when it was read, in epoch milliseconds.
    fn times(&self) -> Vec<(i64, i64)>;

    /// The hours of the day that have rows, in order.
    fn hours(&self) -> Vec<u8>;

    /// An object with the rows of these hours added, each id once with its latest version; `None` when they are all in
    /// `current` already.
    ///
    /// Merging is idempotent, and in whatever order several merges come, the last object is the same.
    ///
    /// # Errors
    /// `current` is no object of this table.
    fn merge(&self, hours: Range<u8>, current: Option<Bytes>) -> Result<Option<Bytes>, TableError>;
}

/// One table's events of one day of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableDay {
    /// The class's number.
    pub class: u32,
    /// When the day begins.
    pub day: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub rows: u64,
    /// The hour of the day in which its last event happened.
    pub last_hour: u8,
}

/// Why an event is no row.
#[derive(Debug, thiserror::Error)]
#[error("an event that fits no table: {reason}")]
pub struct Unfit {
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("the object is no table of ours, or damaged")]
    Unreadable(#[source] BoxError),
    #[error("the rows cannot be written")]
    Unwritable(#[source] BoxError),
}
