//! What travels on a queue: a hint to look at one item of the table, never data or progress.

use serde::{Deserialize, Serialize};

use crate::connection::ConnectionId;
use crate::file::Sharing;
use crate::record::RecordId;
use crate::state::Key;

/// The function that a message is for; there is one queue per stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Connect,
    Test,
    UserScan,
    ActivityPoll,
    FileScan,
    Govern,
    Compact,
    Sweep,
    Notify,
}

impl Stage {
    pub const ALL: [Stage; 9] = [
        Stage::Connect,
        Stage::Test,
        Stage::UserScan,
        Stage::ActivityPoll,
        Stage::FileScan,
        Stage::Govern,
        Stage::Compact,
        Stage::Sweep,
        Stage::Notify,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Test => "test",
            Stage::UserScan => "user-scan",
            Stage::ActivityPoll => "activity-poll",
            Stage::FileScan => "file-scan",
            Stage::Govern => "govern",
            Stage::Compact => "compact",
            Stage::Sweep => "sweep",
            Stage::Notify => "notify",
        }
    }
}

/// A hint. Losing, repeating or reordering messages changes nothing but time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// Look at this item if it still has this version: an older hint is one of a chain that went on without it.
    Look {
        stage: Stage,
        key: Key,
        version: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<Ticket>,
    },
    /// Send hints for everything that is due.
    Sweep,
    /// Tell people how this connection stands, if they were not told yet.
    Notify { connection: ConnectionId },
    /// Build a view of what this connection holds, if it is not there yet: somebody wants to read it.
    View {
        connection: ConnectionId,
        view: ViewName,
    },
}

/// What a view shows: lists of a directory, or one root of files, up to commits that were published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewName {
    pub incarnation: u32,
    /// Such as `users`.
    pub collection: String,
    /// The root, for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ViewRoot>,
    /// The commits, one of each stream that it is made of.
    pub at: Vec<ViewCommit>,
}

/// What the rows of a root are made with beside its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewRoot {
    pub id: RecordId,
    pub unshared: Sharing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewCommit {
    pub stream: String,
    pub epoch: u32,
    pub sequence: u64,
}

impl Message {
    pub fn stage(&self) -> Stage {
        match self {
            Message::Look { stage, .. } => *stage,
            Message::Sweep => Stage::Sweep,
            Message::Notify { .. } => Stage::Notify,
            // The function that answers questions reads and writes views anyway.
            Message::View { .. } => Stage::Connect,
        }
    }
}

/// A slice of a vendor's limit that is waiting for the step this message starts (throttle design, section 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub bucket: String,
    pub track: u32,
    /// Epoch milliseconds in the bucket's virtual time.
    pub from_ms: i64,
    pub to_ms: i64,
}
