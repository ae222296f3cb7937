//! Calls of actions: reading a target, and changing it once.

use casbah_connector::{ConnectorError, Session};
use casbah_http::{Answer, Call, CallError, RefusalKind};
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{FILES, declined};
use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, GRAPH, Links, lacks, onward, urgent};

pub(super) fn reading(
    session: &Session,
    path: &str,
    bucket: Bucket,
    class: &'static str,
) -> Result<Call, ConnectorError> {
    let address = session.address(GRAPH, path)?;
    Ok(urgent(Method::Get, address, bucket, class))
}

pub(super) fn reading_directory(session: &Session, path: &str) -> Result<Call, ConnectorError> {
    reading(session, path, Bucket::Directory, "probe")
}

const READ_DIRECTORY: &[&str] = &["Directory.Read.All"];

/// Reads one object of the directory; `None` where there is none.
pub(super) async fn read<T: DeserializeOwned>(
    session: &Session,
    path: &str,
) -> Result<Option<T>, ConnectorError> {
    let call = reading_directory(session, path)?;
    answered(session, &call, READ_DIRECTORY).await
}

pub(super) async fn answered<T: DeserializeOwned>(
    session: &Session,
    call: &Call,
    rights: &[&str],
) -> Result<Option<T>, ConnectorError> {
    match session.send(call).await {
        Ok(answer) => Ok(Some(answer.json(ANSWER_BYTES_MAX).await?)),
        Err(CallError::Refused { refusal, .. }) => match refusal.kind {
            RefusalKind::NotFound => Ok(None),
            RefusalKind::Forbidden => Err(ConnectorError::Forbidden {
                cause: lacks(rights, "read the target of an action"),
            }),
            _ => Err(refused(&refusal, call)),
        },
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(flatten)]
    links: Links,
}

/// Pages of one list; a target with more is no person's, application's or file's.
const PAGES_MAX: usize = 50;

/// Reads a whole list of the directory; `None` where there is none.
pub(super) async fn read_all<T: DeserializeOwned>(
    session: &Session,
    path: &str,
) -> Result<Option<Vec<T>>, ConnectorError> {
    following(session, reading_directory(session, path)?, READ_DIRECTORY).await
}

/// Reads a list from its first page to its last; `None` where there is none.
pub(super) async fn following<T: DeserializeOwned>(
    session: &Session,
    mut call: Call,
    rights: &[&str],
) -> Result<Option<Vec<T>>, ConnectorError> {
    let mut all = Vec::new();
    for _ in 0..PAGES_MAX {
        let Some(page) = answered::<Page<T>>(session, &call, rights).await? else {
            return Ok(None);
        };
        all.extend(page.value);
        let Some(next) = page.links.next else {
            return Ok(Some(all));
        };
        let next = onward(session, GRAPH, &call.address, next)?;
        call.address = session.follow(GRAPH, &next)?;
    }
    Err(ConnectorError::BadLink {
        what: format!("a list has more than {PAGES_MAX} pages"),
    })
}

enum Body {
    Json(Value),
    Text(String),
}

/// A change of something.
pub(super) struct Change<'a> {
    method: Method,
    path: String,
    body: Option<Body>,
    bucket: Bucket,
    rights: &'a [&'a str],
    /// The change is made only to what has this.
    etag: Option<String>,
}

impl<'a> Change<'a> {
    pub(super) fn of(method: Method, path: String, rights: &'a [&'a str]) -> Change<'a> {
        Change {
            method,
            path,
            body: None,
            bucket: Bucket::DirectoryWrites,
            rights,
            etag: None,
        }
    }

    /// A change of a file or folder.
    pub(super) fn file(method: Method, path: String) -> Change<'static> {
        Change {
            bucket: Bucket::Files,
            ..Change::of(method, path, FILES)
        }
    }

    /// A change of who sees a file or folder.
    pub(super) fn sharing(method: Method, path: String) -> Change<'static> {
        Change {
            bucket: Bucket::SharingWrites,
            ..Change::of(method, path, FILES)
        }
    }

    /// A change that spends another limit.
    pub(super) fn spending(self, bucket: Bucket) -> Change<'a> {
        Change { bucket, ..self }
    }

    /// A change of what still is as it was read.
    pub(super) fn if_still(self, etag: Option<String>) -> Change<'a> {
        Change { etag, ..self }
    }

    pub(super) fn with(self, body: Value) -> Change<'a> {
        Change {
            body: Some(Body::Json(body)),
            ..self
        }
    }

    pub(super) fn with_text(self, text: String) -> Change<'a> {
        Change {
            body: Some(Body::Text(text)),
            ..self
        }
    }
}

/// Sends a change once.
pub(super) async fn send(session: &Session, change: Change<'_>) -> Result<(), ConnectorError> {
    answer_to(session, change).await.map(|_| ())
}

/// Sends a change once, for what is answered.
pub(super) async fn answer_to(
    session: &Session,
    change: Change<'_>,
) -> Result<Answer, ConnectorError> {
    let address = session.address(GRAPH, &change.path)?;
    let mut call = urgent(change.method, address, change.bucket, "write");
    call.also = match change.bucket {
        Bucket::SharingWrites => Some((Bucket::Files.name(), "permissions")),
        Bucket::Labels => Some((Bucket::Files.name(), "write")),
        _ => None,
    };
    if let Some(etag) = &change.etag {
        call.headers.add("If-Match", etag);
    }
    match &change.body {
        Some(Body::Json(body)) => {
            call.headers.add("Content-Type", "application/json");
            call.body = Bytes::from(body.to_string());
        }
        Some(Body::Text(text)) => {
            call.headers
                .add("Content-Type", "text/plain; charset=utf-8");
            call.body = Bytes::from(text.clone());
        }
        None if change.method == Method::Post => call.headers.add("Content-Length", "0"),
        None => {}
    }
    match session.write(&call).await {
        Ok(answer) => Ok(answer),
        Err(CallError::Refused { refusal, .. }) => Err(match refusal.kind {
            RefusalKind::Forbidden => ConnectorError::Forbidden {
                cause: forbidden(&refusal, &change),
            },
            _ => refused(&refusal, &call),
        }),
        Err(error) => Err(error.into()),
    }
}

const ABOVE: &str = "an account that holds an admin role can be changed only by an application that holds a role itself";
const KEPT: &str = "what is inherited from a folder, held by a retention policy or checked out cannot be changed by anybody";

const METERED: &str = "labels are changed for money, by an application that is linked to an Azure subscription (Microsoft Graph, \"Metered APIs\")";

/// A missing right and a target above us, or one that is kept, are refused with the same words.
fn forbidden(refusal: &casbah_http::Refusal, change: &Change<'_>) -> Cause {
    let what = format!(
        "Microsoft 365 does not let Casbah make this change ({})",
        refusal.code
    );
    let right = change.rights.join(" or ");
    let beside = match change.bucket {
        Bucket::Files | Bucket::SharingWrites => KEPT,
        Bucket::Labels => METERED,
        _ => ABOVE,
    };
    let fix = format!("grant the application permission {right} and run `casbah test`; {beside}");
    Cause::new("permission", what, fix)
}

/// The target is locked, or was changed while we looked (Microsoft Graph documentation, "Error responses").
const HELD: [u16; 2] = [412, 423];
const PAYMENT_REQUIRED: u16 = 402;

/// Nobody but its readers can open it ("driveItem: assignSensitivityLabel", error codes).
const SEALED: [&str; 2] = ["fileDoubleKeyEncrypted", "fileDecryptionNotSupported"];

/// What a refusal says of the target.
fn refused(refusal: &casbah_http::Refusal, call: &Call) -> ConnectorError {
    let words = format!("({}): {}", refusal.code, refusal.message);
    match refusal.kind {
        RefusalKind::Unauthorized => CallError::Refused {
            host: call.address.host().into(),
            refusal: Box::new(refusal.clone()),
        }
        .into(),
        RefusalKind::NotFound | RefusalKind::Gone => ConnectorError::Gone {
            code: refusal.code.clone(),
        },
        _ if SEALED.contains(&refusal.code.as_str()) => declined(
            "encrypted",
            format!("Microsoft 365 cannot open it {words}"),
            "let somebody who can open it change it",
        ),
        _ if refusal.status == PAYMENT_REQUIRED => declined(
            "not-licensed",
            format!("Microsoft 365 does it for money only {words}"),
            METERED,
        ),
        _ if HELD.contains(&refusal.status) => ConnectorError::Locked {
            cause: Cause::new(
                "locked",
                format!("somebody is working on it {words}"),
                "it is tried again; close it where it is open",
            ),
        },
        _ => declined(
            "declined",
            format!("Microsoft 365 refused it {words}"),
            "look at it in Microsoft's admin center: another directory may master it",
        ),
    }
}
