//! What travels on a queue: a hint to look at one item of the table, never data or progress.

use serde::{Deserialize, Serialize};

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
    Sweep,
}

impl Stage {
    pub const ALL: [Stage; 6] = [
        Stage::Connect,
        Stage::Test,
        Stage::UserScan,
        Stage::ActivityPoll,
        Stage::FileScan,
        Stage::Sweep,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Test => "test",
            Stage::UserScan => "user-scan",
            Stage::ActivityPoll => "activity-poll",
            Stage::FileScan => "file-scan",
            Stage::Sweep => "sweep",
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
}

impl Message {
    pub fn stage(&self) -> Stage {
        match self {
            Message::Look { stage, .. } => *stage,
            Message::Sweep => Stage::Sweep,
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
