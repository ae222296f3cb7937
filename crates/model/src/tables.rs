//! Tables for query engines, as a port: the stage that fills them does not know their format, and functions that do not
//! fill any do not carry its code.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::collection::Collection;
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

    /// Begins the next edition of an object of an inventory, over the one that is there.
    ///
    /// # Errors
    /// `current` is no object of this inventory.
    fn edition(
        &self,
        collection: Collection,
        current: Option<Bytes>,
        at: Timestamp,
    ) -> Result<Box<dyn Edition>, TableError>;

    /// Adds the rows that ended with an edition to those that ended before; `None` when they are there already.
    ///
    /// # Errors
    /// One of the two is no object of this inventory.
    fn ended(
        &self,
        collection: Collection,
        edition: &Bytes,
        before: Option<Bytes>,
    ) -> Result<Option<Bytes>, TableError>;

    /// What an object of an inventory shows.
    ///
    /// # Errors
    /// It is no such object.
    fn shown(&self, object: &Bytes) -> Result<Shown, TableError>;

    /// The rows of an object of an inventory, those that are current and those that have ended.
    ///
    /// # Errors
    /// It is no such object.
    fn states(&self, object: &Bytes) -> Result<Vec<State>, TableError>;
}

/// The next edition of an object that holds what is current of an inventory: a row for each state that something is in,
/// with the time since when.
///
/// Parts are lists that are replaced as a whole, such as the files of one root. They come in the order of their names. A
/// part that is not named has gone, and its rows end with the edition.
pub trait Edition: Send {
    /// What the edition before shows.
    fn before(&self) -> &Shown;

    /// Takes over the rows of the next part as they are.
    ///
    /// # Errors
    /// The edition before cannot be read.
    fn keep(&mut self, name: &str) -> Result<(), TableError>;

    /// Begins the next part, which the rows added after this belong to.
    ///
    /// # Errors
    /// The edition before cannot be read.
    fn begin(&mut self, name: &str, version: &str) -> Result<(), TableError>;

    /// Adds a row to the part that was begun; each id comes once.
    ///
    /// # Errors
    /// The row does not fit the table.
    fn add(&mut self, row: &Current<'_>) -> Result<(), TableError>;

    /// The object, with the rows that ended with this edition behind those that are current; what had ended before is
    /// not in it any more.
    ///
    /// # Errors
    /// The edition before cannot be read, or this one not be written.
    fn finish(self: Box<Self>) -> Result<Bytes, TableError>;
}

/// A row of an inventory as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    pub id: &'a str,
    /// Differs when what the row says of who, what and how visible differs; times of use do not count.
    pub state: i64,
    /// When the vendor told it.
    pub told: Timestamp,
    /// The row itself.
    pub json: &'a [u8],
}

/// What an object of an inventory shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its edition: when it was made.
    pub at: Timestamp,
    /// In the order of their names, and of the rows.
    pub parts: Vec<Part>,
    /// Rows behind those of the parts, which ended with this edition.
    pub ended: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    /// The commits that it shows; empty when it has gone.
    pub version: String,
    pub rows: u64,
}

/// The time that something was in one state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct State {
    pub id: String,
    pub from: Timestamp,
    /// `None` while it is.
    pub to: Option<Timestamp>,
    pub state: i64,
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
