//! Who works together on the shared items of a page: item by item, a few at a time, as far as the limit allows.

use std::sync::atomic::{AtomicBool, Ordering};

use casbah_connector::{ConnectorError, Output, PageEnd, Session};
use casbah_http::CallError;
use casbah_model::file::{File, FileChange, Root, Sharing};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::{as_user, behind, is_hidden, marker_of, not_documented, unreadable};
use super::fields::Fields;
use super::item::Pending;
use super::{Place, exposure};
use crate::wire::ANSWER_BYTES_MAX;

/// Items that one call of `page` reads; the rest waits in the cursor.
const ITEMS_PER_PAGE: usize = 100;
/// Items that are asked for at the same time.
pub(super) const IN_FLIGHT: usize = 6;
/// Pages of one item, of a thousand collaborations each.
const PAGES_MAX: usize = 50;

/// Who can see an item, as the vendor said it and as one word.
pub(super) struct Seen {
    pub(super) change: FileChange,
    pub(super) pages: Vec<Box<RawValue>>,
}

/// Writes the collaborations of some pending items to `out`.
///
/// What was read before something went wrong counts: the items that are left are asked for again, and an error that
/// lasts is reported by the call that got nowhere.
pub(super) async fn read(
    session: &Session,
    root: &Root,
    mut place: Place,
    out: &mut dyn Output<File>,
) -> Result<PageEnd, ConnectorError> {
    let batch: Vec<Pending> = place.pending.iter().take(ITEMS_PER_PAGE).copied().collect();
    let has_failed = &AtomicBool::new(false);
    let asked = batch.into_iter().map(|pending| async move {
        // Calls in the air are waited for, so that the limit knows what they cost; no new one is made.
        let seen = match has_failed.load(Ordering::Relaxed) {
            true => None,
            false => Some(of_item(session, root, pending).await),
        };
        (pending, seen)
    });
    let mut answers = futures::stream::iter(asked).buffer_unordered(IN_FLIGHT);
    let mut failed = None;
    let mut done = vec![];
    while let Some((pending, seen)) = answers.next().await {
        match seen {
            Some(Ok(seen)) => {
                write(root, pending, seen, out).await?;
                done.push(pending);
            }
            Some(Err(error)) => {
                has_failed.store(true, Ordering::Relaxed);
                failed = failed.or(Some(error));
            }
            None => {}
        }
    }
    drop(answers);
    place.pending.retain(|pending| !done.contains(pending));
    match failed {
        Some(error) if done.is_empty() => Err(error),
        _ => place.end(),
    }
}

/// Writes what was found out about one item.
pub(super) async fn write(
    root: &Root,
    pending: Pending,
    seen: Seen,
    out: &mut dyn Output<File>,
) -> Result<(), ConnectorError> {
    for raw in seen.pages {
        let file = File {
            id: pending.name.key(root),
            parent: None,
            change: seen.change,
            modified: None,
        };
        out.record(file, raw.get().as_bytes()).await?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Entries<'a> {
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

/// Reads the collaborations of one item; one that is gone or hidden meanwhile says so.
pub(super) async fn of_item(
    session: &Session,
    root: &Root,
    pending: Pending,
) -> Result<Seen, ConnectorError> {
    let (kind, id) = (pending.name.kind.path(), pending.name.id);
    let mut sharing = pending.known;
    let mut pages: Vec<Box<RawValue>> = vec![];
    let mut marker: Option<String> = None;
    while pages.len() < PAGES_MAX {
        let behind = behind(marker.as_deref())?;
        let path = format!("/{kind}/{id}/collaborations?limit=1000{behind}");
        let call = as_user(session, root, &path)?;
        let raw = match session.send(&call).await {
            Ok(answer) => answer.json::<Box<RawValue>>(ANSWER_BYTES_MAX).await?,
            Err(CallError::Refused { refusal, .. }) if is_hidden(&refusal) => {
                return Ok(Seen {
                    change: FileChange::Unreadable,
                    pages: vec![unreadable(&refusal)?],
                });
            }
            Err(error) => return Err(error.into()),
        };
        sharing = sharing.max(of_page(&raw, &session.tenant().domains)?);
        let next = marker_of(raw.get().as_bytes())?;
        pages.push(raw);
        if next.is_none() {
            return Ok(Seen {
                change: FileChange::Permissions(sharing),
                pages,
            });
        }
        if next == marker {
            let what = "the marker of collaborations leads back to the same page".into();
            return Err(ConnectorError::BadLink { what });
        }
        marker = next;
    }
    let what = format!("the collaborations of an item have more than {PAGES_MAX} pages");
    Err(ConnectorError::BadLink { what })
}

/// The widest that an entry of a page gives.
fn of_page(page: &RawValue, domains: &[String]) -> Result<Sharing, ConnectorError> {
    let page: Entries<'_> = serde_json::from_str(page.get()).map_err(not_documented)?;
    let of = |entry: &&RawValue| match Fields::read(entry.get().as_bytes()) {
        Ok(entry) => exposure::of_collaboration(&entry, domains),
        // Somebody is there, of whom nothing is told.
        Err(_) => Sharing::Internal,
    };
    let all = page.entries.iter().map(of);
    Ok(all.fold(Sharing::Private, Sharing::max))
}
