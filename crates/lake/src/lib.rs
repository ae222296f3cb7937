//! What lands in the bucket, and how it is read back.
//!
//! Raw objects hold the vendor's records untouched, one a line, compressed; the table's manifest entries say which
//! objects count. An object without an entry is an orphan of a worker that died, and nobody reads it.

pub mod layout;
pub mod manifest;
pub mod raw;
pub mod read;
pub mod seen;
pub mod view;

pub use manifest::{ManifestEntry, ObjectEntry};
pub use raw::{Line, RawError, RawSink, Written};
