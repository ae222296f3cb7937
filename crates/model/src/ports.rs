//! The ports: everything outside this process, as traits with an adapter per platform.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

use crate::Timestamp;
use crate::connection::ConnectionId;
use crate::inspection::Inspection;
use crate::message::{Message, Stage};
use crate::secret::Secret;
use crate::state::{Item, Key, Keyed, Write};
use crate::transport::{Request, Response, TransportError};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Time, and waiting for it.
#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Returns at `until`, or at once when that is past.
    async fn sleep_until(&self, until: Timestamp);
}

/// Randomness, seeded in tests.
pub trait Rng: Send + Sync {
    fn next_u64(&self) -> u64;

    /// A number in `[0, 1)`.
    fn fraction(&self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Something nobody can guess, to make a secret of. Where `next_u64` may be guessed, an adapter answers otherwise.
    fn unguessable(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&self.next_u64().to_be_bytes());
        }
        bytes
    }
}

/// The network: one request, one answer. Redirects are not followed.
#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// Looks inside documents.
#[async_trait]
pub trait Inspector: Send + Sync {
    /// Larger documents are not looked into, and need not be fetched.
    fn bytes_max(&self) -> u64;
    /// What is looked for, in few characters: documents that were looked into under another edition are so again.
    fn edition(&self) -> &str;
    /// It takes as long as the document takes; others of this process go on meanwhile.
    async fn inspect(&self, name: &str, document: Vec<u8>) -> Inspection;
}

/// The table. Reads are strongly consistent, except those of the index.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Reads up to 100 items in one go; the answer has the order of the keys.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError>;

    /// Writes one item and returns it as it is afterwards (`None` after a delete).
    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError>;

    /// Writes up to 100 items, all or none. The same token within ten minutes is the same transaction.
    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError>;

    /// Items of one partition in the order of their sort keys.
    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError>;

    /// Items of one index partition whose order number is at most `up_to`, smallest first. May lag behind writes.
    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub pk: String,
    pub sk_prefix: String,
    /// Only sort keys after this one; the last of the page before.
    pub after: Option<String>,
    /// Last sort key first, before `after`.
    pub is_descending: bool,
    pub limit: usize,
}

impl Query {
    pub fn prefix(pk: impl Into<String>, sk_prefix: impl Into<String>) -> Query {
        Query {
            pk: pk.into(),
            sk_prefix: sk_prefix.into(),
            after: None,
            is_descending: false,
            limit: 1000,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition did not hold, so nothing was written; `current` is the item the condition was about.
    #[error("write {index} was refused by its condition")]
    Refused { index: usize, current: Option<Item> },
    /// Nothing was written; the same call may succeed in a moment.
    #[error("the table is busy")]
    Busy,
    /// The answer was lost: it was written, or it was not.
    #[error("the table did not answer")]
    Unknown,
    /// Nothing can be read or written until somebody acts.
    #[error("the table cannot be used: {reason}")]
    Unavailable { reason: String },
}

/// A queue per stage: delayed, repeated and reordered delivery.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Delays longer than [`DELAY_MAX`] are cut to it.
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError>;

    /// Up to `max` messages that are visible now; each stays invisible until its visibility ends or it is deleted.
    async fn receive(&self, stage: Stage, max: usize) -> Result<Vec<Delivery>, QueueError>;

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError>;
}

/// The longest delay of a message (SQS developer guide, "Delay queues": 15 minutes).
pub const DELAY_MAX: Duration = Duration::from_secs(900);

#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub message: Message,
    pub receipt: Receipt,
    /// How often this message was received, this time included.
    pub receives: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub stage: Stage,
    pub token: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the queue cannot be used: {reason}")]
pub struct QueueError {
    pub reason: String,
}

/// Objects that are written once and never changed.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Stores an object under a name that is free. The same bytes under the same name again are a success.
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError>;
    async fn get(&self, name: &str) -> Result<Bytes, ObjectError>;
    /// Names that begin with `prefix`, in order, after `after`, at most `limit`.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError>;
    async fn delete(&self, name: &str) -> Result<(), ObjectError>;
}

#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("there is no object {name}")]
    NotFound { name: String },
    /// Another object has this name; names carry the fence, so this is a defect.
    #[error("object {name} exists with other content")]
    Different { name: String },
    /// The store may recover by itself.
    #[error("object {name} could not be stored or read: {reason}")]
    Unavailable { name: String, reason: String },
    /// The store will not recover by itself: no space, no permission.
    #[error("objects cannot be stored: {reason}")]
    Unusable { reason: String },
}

/// Objects that are replaced as a whole, by whoever saw them last: those of tables.
#[async_trait]
pub trait TableStore: Send + Sync {
    /// Reads an object, with the mark of the state it is in; `None` when there is none.
    async fn get(&self, name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError>;

    /// Stores an object in place of the one in this state, or where there is none.
    ///
    /// # Errors
    /// `Different` when it is not in this state any more. After a lost answer that may be our own doing.
    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        over: Option<&Mark>,
    ) -> Result<(), ObjectError>;
}

/// What tells one state of an object from every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(pub String);

/// Credentials by connection name.
#[async_trait]
pub trait SecretStore: Send + Sync {
    async fn put(&self, name: &str, secret: &Secret) -> Result<(), SecretError>;
    async fn get(&self, name: &str) -> Result<Secret, SecretError>;
    async fn delete(&self, name: &str) -> Result<(), SecretError>;
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret for {name}")]
    NotFound { name: String },
    /// For example a file that others may read.
    #[error("secrets are not safe: {reason}")]
    Unsafe { reason: String },
    #[error("secrets cannot be used: {reason}")]
    Unavailable { reason: String },
}

/// Tells people and their systems what needs them.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// May tell the same twice; never nobody on success.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError>;
}

/// One thing that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Stable, for programs: `connection-failed`, `dead-letter`, …
    pub code: String,
    pub subject: String,
    /// What happened and what to do; no secret and no content of the tenant.
    pub text: String,
    pub connection: Option<ConnectionId>,
}

#[derive(Debug, thiserror::Error)]
#[error("nobody could be told: {reason}")]
pub struct NotifyError {
    pub reason: String,
}

/// Figures for dashboards and alarms. Recording never fails and never waits.
pub trait Metrics: Send + Sync {
    fn record(
        &self,
        name: &'static str,
        unit: Unit,
        value: f64,
        dimensions: &[(&'static str, &str)],
    );
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
    Bytes,
}

/// For platforms that show figures in another way.
pub struct NoMetrics;

impl Metrics for NoMetrics {
    fn record(&self, _: &'static str, _: Unit, _: f64, _: &[(&'static str, &str)]) {}
}
