//! What may go wrong on our side of the border, and what becomes of the message.

use casbah_http::BadAddress;
use casbah_lake::RawError;
use casbah_lake::read::ReadError;
use casbah_model::connection::Cause;
use casbah_model::ports::{NotifyError, ObjectError, QueueError, SecretError, StoreError};
use casbah_model::state::Key;

/// The message is not deleted: it comes again, or the sweeper finds what it was about.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("the table cannot be used")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("records cannot be stored")]
    Raw(#[from] RawError),
    #[error("records cannot be read")]
    Read(#[from] ReadError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Notify(#[from] NotifyError),
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// An item that no version of this program wrote.
    #[error("item {key} cannot be read")]
    Malformed {
        key: Key,
        #[source]
        source: serde_json::Error,
    },
    /// What a view is made of is gone, or of another life of the connection.
    #[error("nothing is published as this view of {collection}")]
    Unpublished { collection: String },
    #[error("there is no connection named {name}")]
    UnknownConnection { name: String },
    /// What somebody asked for is refused.
    #[error("{0}")]
    Refused(Cause),
    #[error("{0}")]
    Connector(String),
}

impl StageError {
    /// Whether nothing will work until somebody acts: no space, no right to write, a damaged table.
    pub fn is_lasting(&self) -> bool {
        match self {
            StageError::Store(StoreError::Unavailable { .. })
            | StageError::Object(ObjectError::Unusable { .. } | ObjectError::Different { .. })
            | StageError::Raw(RawError::Object(
                ObjectError::Unusable { .. } | ObjectError::Different { .. },
            ))
            | StageError::Secret(_)
            | StageError::Malformed { .. } => true,
            StageError::Store(_)
            | StageError::Queue(_)
            | StageError::Notify(_)
            | StageError::Object(_)
            | StageError::Raw(_)
            | StageError::Read(_)
            | StageError::Address(_)
            | StageError::Unpublished { .. }
            | StageError::UnknownConnection { .. }
            | StageError::Refused(_)
            | StageError::Connector(_) => false,
        }
    }

    /// The error with its causes, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        text
    }
}
