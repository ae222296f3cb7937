//! Where a connector puts what it read: record by record, so that a page of any size fits in the same memory.

use async_trait::async_trait;
use casbah_model::activity::Activity;
use casbah_model::event::Event;

/// Takes the records of one page, in the order they were read.
#[async_trait]
pub trait Output<T>: Send {
    /// Keeps a record: our reading of it, and the vendor's bytes untouched.
    async fn record(&mut self, noun: T, raw: &[u8]) -> Result<(), OutputError>;
    /// Sets a record aside that could not be read as one, with the reason.
    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError>;
}

/// Takes the records of one bundle of an audit trail: read once, and told in both our words for them.
#[async_trait]
pub trait ActivityOutput: Send {
    /// Keeps a record: what the pipeline must know of it, all that it tells, and the vendor's bytes untouched.
    ///
    /// The event has the id and the time of the activity.
    async fn record(
        &mut self,
        activity: Activity,
        event: &Event<'_>,
        raw: &[u8],
    ) -> Result<(), OutputError>;
    /// Sets a record aside that could not be read as one, with the reason.
    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError>;
}

/// A record that is kept in quarantine instead of among the records.
#[derive(Clone, Copy, Debug)]
pub struct RefusedRecord<'a> {
    pub reason: &'static str,
    /// The record, or its beginning when it is too large.
    pub raw: &'a [u8],
    pub bytes: u64,
}

impl<'a> RefusedRecord<'a> {
    /// A record that was read whole and is none.
    pub fn whole(reason: &'static str, raw: &'a [u8]) -> RefusedRecord<'a> {
        let bytes = raw.len() as u64;
        RefusedRecord { reason, raw, bytes }
    }

    /// A record that is larger than any may be; `head` is its beginning.
    pub fn too_large(head: &'a [u8], bytes: u64) -> RefusedRecord<'a> {
        RefusedRecord {
            reason: "too-large",
            raw: head,
            bytes,
        }
    }
}

/// The record could not be kept: the page must be read again.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("records cannot be stored")]
    Store(#[source] casbah_model::ports::BoxError),
    /// The store needs somebody to act: no space, no permission.
    #[error("records cannot be stored: {reason}")]
    Unusable { reason: String },
}
