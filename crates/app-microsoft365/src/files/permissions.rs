//! Who can see the shared items of a page: item by item, a few at a time, as far as the limit allows.

use std::sync::atomic::{AtomicBool, Ordering};

use casbah_connector::{ConnectorError, Output, PageEnd, Session};
use casbah_http::{CallError, Refusal, RefusalKind};
use casbah_model::file::{File, FileChange, Root};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{LOCKED, Place, exposure, item};
use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, GRAPH, Links, get, onward, segment};

/// Permissions that one call of `page` reads; the rest waits in the cursor.
const PERMISSIONS_PER_PAGE: usize = 100;
/// Permissions that are asked for at the same time.
const IN_FLIGHT: usize = 8;
/// Pages of permissions of one item; a page holds hundreds of entries.
const PERMISSION_PAGES_MAX: usize = 20;

/// Writes the permissions of some pending items to `out`.
///
/// What was read before something went wrong counts: the items that are left are asked for again, and an error that
/// lasts is reported by the call that got nowhere.
pub(super) async fn read(
    session: &Session,
    root: &Root,
    mut place: Place,
    out: &mut dyn Output<File>,
) -> Result<PageEnd, ConnectorError> {
    let batch: Vec<String> = place
        .pending
        .iter()
        .take(PERMISSIONS_PER_PAGE)
        .cloned()
        .collect();
    let has_failed = AtomicBool::new(false);
    let asked = batch.into_iter().map(|id| async {
        // Calls in the air are waited for, so that the limit knows what they cost; no new one is made.
        let answer = match has_failed.load(Ordering::Relaxed) {
            true => None,
            false => Some(of_item(session, root, &id).await),
        };
        (id, answer)
    });
    let mut answers = futures::stream::iter(asked).buffer_unordered(IN_FLIGHT);
    let mut failed = None;
    let mut done = Vec::new();
    while let Some((id, answer)) = answers.next().await {
        match answer {
            Some(Ok(Seen { change, pages })) => {
                let is_unread = matches!(change, FileChange::Unreadable);
                if is_unread {
                    place.remember(&id);
                }
                // That it still cannot be read has been said.
                let pages = if is_unread && place.is_again {
                    vec![]
                } else {
                    pages
                };
                for raw in pages {
                    let file = File {
                        id: item::key(root, &id),
                        parent: None,
                        change,
                        modified: None,
                    };
                    out.record(file, raw.get().as_bytes()).await?;
                }
                done.push(id);
            }
            Some(Err(error)) => {
                has_failed.store(true, Ordering::Relaxed);
                failed = failed.or(Some(error));
            }
            None => {}
        }
    }
    drop(answers);
    place.pending.retain(|id| !done.contains(id));
    match failed {
        Some(error) if done.is_empty() => Err(error),
        _ => place.end(),
    }
}

/// Who can see an item, as the vendor said it and as one word.
struct Seen {
    change: FileChange,
    pages: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    value: Vec<serde_json::Value>,
    #[serde(flatten)]
    links: Links,
}

async fn of_item(session: &Session, root: &Root, item: &str) -> Result<Seen, ConnectorError> {
    let path = format!(
        "/v1.0/drives/{}/items/{}/permissions",
        segment(root.id.as_str())?,
        segment(item)?
    );
    let mut address = session.address(GRAPH, &path)?;
    let mut sharing = root.unshared;
    let mut pages = Vec::new();
    loop {
        let call = get(address, Bucket::Files, "permissions");
        let raw = match session.send(&call).await {
            Ok(answer) => answer.json::<Box<RawValue>>(ANSWER_BYTES_MAX).await?,
            Err(CallError::Refused { refusal, .. }) if is_unreadable(&refusal) => {
                return unreadable(&refusal);
            }
            Err(error) => return Err(error.into()),
        };
        let page: Page =
            serde_json::from_str(raw.get()).map_err(|error| ConnectorError::Unreadable {
                source: error.into(),
            })?;
        sharing = sharing.max(exposure::of(
            &page.value,
            &session.tenant().domains,
            root.unshared,
        ));
        pages.push(raw);
        let Some(next) = page.links.next else {
            return Ok(Seen {
                change: FileChange::Permissions(sharing),
                pages,
            });
        };
        if pages.len() >= PERMISSION_PAGES_MAX {
            let what =
                format!("the permissions of an item have more than {PERMISSION_PAGES_MAX} pages");
            return Err(ConnectorError::BadLink { what });
        }
        let next = onward(session, GRAPH, &call.address, next)?;
        address = session.follow(GRAPH, &next)?;
    }
}

/// Whether one item is gone, locked or not for us to see, which says nothing about the others.
fn is_unreadable(refusal: &Refusal) -> bool {
    matches!(
        refusal.kind,
        RefusalKind::NotFound | RefusalKind::Forbidden | RefusalKind::Gone
    ) || refusal.status == LOCKED
}

fn unreadable(refusal: &Refusal) -> Result<Seen, ConnectorError> {
    let code = if refusal.code.is_empty() {
        refusal.status.to_string()
    } else {
        refusal.code.clone()
    };
    let raw = serde_json::value::to_raw_value(&serde_json::json!({ "error": { "code": code } }));
    let raw = raw.map_err(|error| ConnectorError::Unexpected {
        source: error.into(),
    })?;
    Ok(Seen {
        change: FileChange::Unreadable,
        pages: vec![raw],
    })
}
