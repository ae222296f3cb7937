//! One event of an audit trail.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::record::{Noun, RecordId};

/// What an event is about, in the three kinds every audit trail is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivityKind {
    SignIn,
    User,
    Admin,
}

impl ActivityKind {
    pub const ALL: [ActivityKind; 3] = [
        ActivityKind::SignIn,
        ActivityKind::User,
        ActivityKind::Admin,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ActivityKind::SignIn => "sign-in",
            ActivityKind::User => "user",
            ActivityKind::Admin => "admin",
        }
    }
}

impl fmt::Display for ActivityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An event as far as the pipeline needs to understand it; the vendor's record is kept beside it untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub id: RecordId,
    pub kind: ActivityKind,
    /// Whether the catalogue knows this operation; unknown ones are kept, classified by their source and counted.
    pub is_known: bool,
    pub occurred: Option<Timestamp>,
    /// The address of a file or folder that was changed or shared, so that it can be looked at soon.
    pub touched_file: Option<String>,
}

impl Noun for Activity {
    fn id(&self) -> &RecordId {
        &self.id
    }

    fn occurred(&self) -> Option<Timestamp> {
        self.occurred
    }

    fn class(&self) -> &'static str {
        self.kind.name()
    }
}

/// One item of a list of content: a bundle of records to be fetched by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRef {
    /// The vendor's id of the bundle; the same bundle in two lists has the same id.
    pub id: RecordId,
    /// Where it is fetched; checked against the configured host before every use.
    pub address: String,
    /// When the vendor made it available: the axis that lists are read along.
    pub available: Timestamp,
    pub expires: Timestamp,
    /// When it is to be fetched, for a place in a stream behind which there is nothing yet. Nobody listed it, so it is
    /// counted when it is read, and nobody is behind while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}
