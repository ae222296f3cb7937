//! What happened in the vendor's world, and what to do about it.

use std::time::Duration;

use casbah_http::{AuthError, BadAddress, CallError, RefusalKind, StreamError};
use casbah_model::Timestamp;
use casbah_model::connection::Cause;
use casbah_model::cursor::Cursor;
use casbah_model::ports::BoxError;

use crate::output::OutputError;

#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The limit is spent, for everyone on this connection.
    #[error("the limit is spent until {until}")]
    Throttled { until: Timestamp },
    #[error("the vendor is not available")]
    Unavailable {
        #[source]
        source: BoxError,
    },
    /// The credential or the consent is refused: the whole connection stops until somebody acts.
    #[error("{cause}")]
    Unauthorized { cause: Cause },
    /// A right is missing: this feature stops, the others go on.
    #[error("{cause}")]
    Forbidden { cause: Cause },
    /// The feed is switched off at the vendor.
    #[error("{cause}")]
    FeedOff { cause: Cause },
    /// The cursor is dead: the stream is read from its start, or from `resume`.
    #[error("the vendor does not know the cursor any more ({code})")]
    CursorExpired {
        code: String,
        resume: Option<Cursor>,
    },
    /// A link to the next page that was valid for minutes only; the window or pass is listed again.
    #[error("the vendor does not know the page any more ({code})")]
    PageExpired { code: String },
    /// What was listed is not there any more; it is written down as lost.
    #[error("the vendor does not have it any more ({code})")]
    Gone { code: String },
    /// The answer is not what the vendor documents.
    #[error("the answer cannot be read")]
    Unreadable {
        #[source]
        source: BoxError,
    },
    /// A next link that leads back, or away to another host.
    #[error("{what}")]
    BadLink { what: String },
    #[error("the call was refused")]
    Unexpected {
        #[source]
        source: BoxError,
    },
    /// A change was sent, and nobody knows whether it was made: it must be read before it is sent again.
    #[error("nobody knows whether it was done")]
    Unsure {
        #[source]
        source: BoxError,
    },
    /// Somebody else holds the target for now, so that nothing was changed.
    #[error("{cause}")]
    Locked { cause: Cause },
    /// The vendor will not make this change, now or later.
    #[error("{cause}")]
    Declined { cause: Cause },
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("the table cannot be used")]
    Table {
        #[source]
        source: BoxError,
    },
}

/// What to do about a [`ConnectorError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Come back at this time; it counts as no attempt.
    Wait(Timestamp),
    /// Try again after a growing wait; it counts as no attempt.
    Retry,
    /// Try again after a growing wait, a limited number of times.
    Count,
    /// Stop the connection.
    FailConnection(Cause),
    /// Stop this stream for a while and say why.
    Park(Cause),
    /// Read the stream from its start, or from this cursor, as a new epoch.
    Resync(Option<Cursor>),
    /// Forget the page within the window or pass.
    Rewind,
    /// Write it down as lost and go on.
    Lose(String),
    /// The fault is on our side of the border.
    Abort,
}

/// Streams that lack a right are looked at this often; a test that finds the right wakes them at once.
pub const PARKED: Duration = Duration::from_secs(3600);

impl ConnectorError {
    pub fn recovery(&self) -> Recovery {
        match self {
            ConnectorError::Throttled { until } => Recovery::Wait(*until),
            ConnectorError::Unavailable { .. }
            | ConnectorError::Unsure { .. }
            | ConnectorError::Locked { .. } => Recovery::Retry,
            ConnectorError::Unauthorized { cause } => Recovery::FailConnection(cause.clone()),
            ConnectorError::Forbidden { cause } | ConnectorError::FeedOff { cause } => {
                Recovery::Park(cause.clone())
            }
            ConnectorError::CursorExpired { resume, .. } => Recovery::Resync(resume.clone()),
            ConnectorError::PageExpired { .. } => Recovery::Rewind,
            ConnectorError::Gone { code } => Recovery::Lose(code.clone()),
            ConnectorError::Unreadable { .. }
            | ConnectorError::BadLink { .. }
            | ConnectorError::Declined { .. }
            | ConnectorError::Unexpected { .. } => Recovery::Count,
            ConnectorError::Output(_) | ConnectorError::Table { .. } => Recovery::Abort,
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

/// The reading of a failed call that holds for every app; apps look at refusals they know before they use it.
impl From<CallError> for ConnectorError {
    fn from(error: CallError) -> ConnectorError {
        match error {
            CallError::Later { until } | CallError::Auth(AuthError::Throttled { until }) => {
                ConnectorError::Throttled { until }
            }
            CallError::Auth(AuthError::Refused(cause)) => ConnectorError::Unauthorized { cause },
            CallError::Auth(AuthError::Unavailable { .. }) | CallError::Unavailable { .. } => {
                ConnectorError::Unavailable {
                    source: error.into(),
                }
            }
            CallError::Unsure { .. } => ConnectorError::Unsure {
                source: error.into(),
            },
            CallError::Address(BadAddress::Foreign { .. }) => ConnectorError::BadLink {
                what: error.to_string(),
            },
            CallError::Unreadable {
                source: StreamError::Transport(_) | StreamError::Truncated,
                ..
            } => ConnectorError::Unavailable {
                source: error.into(),
            },
            CallError::Unreadable { .. } => ConnectorError::Unreadable {
                source: error.into(),
            },
            CallError::Gate(_) => ConnectorError::Table {
                source: error.into(),
            },
            CallError::Refused { ref refusal, .. } => match refusal.kind {
                RefusalKind::Unauthorized => {
                    let what = format!("the vendor does not accept the token ({})", refusal.code);
                    let fix = "run `casbah test` and check the credential";
                    ConnectorError::Unauthorized {
                        cause: Cause::new("credential", what, fix),
                    }
                }
                RefusalKind::Forbidden => {
                    let what =
                        format!("access was refused ({}): {}", refusal.code, refusal.message);
                    let fix = "run `casbah test` to see which permission is missing";
                    ConnectorError::Forbidden {
                        cause: Cause::new("permission", what, fix),
                    }
                }
                RefusalKind::Gone => ConnectorError::Gone {
                    code: refusal.code.clone(),
                },
                RefusalKind::Throttled | RefusalKind::Unavailable => ConnectorError::Unavailable {
                    source: error.into(),
                },
                RefusalKind::NotFound | RefusalKind::Invalid => ConnectorError::Unexpected {
                    source: error.into(),
                },
            },
            CallError::Address(_) => ConnectorError::Unexpected {
                source: error.into(),
            },
        }
    }
}

/// Records of a page that broke off are read again; those of an unreadable one may never be.
impl From<StreamError> for ConnectorError {
    fn from(error: StreamError) -> ConnectorError {
        match error {
            StreamError::Transport(_) | StreamError::Truncated => ConnectorError::Unavailable {
                source: error.into(),
            },
            StreamError::NotJson { .. } | StreamError::EnvelopeTooLarge => {
                ConnectorError::Unreadable {
                    source: error.into(),
                }
            }
        }
    }
}
