//! Files and who can see them: the folder tree of each user, walked as that user, and the collaborations of what is
//! shared.
//!
//! Box lists no files of an enterprise and no changes of a tree (OpenAPI, "List items in folder"), so a sweep
//! is a walk of each tree. A folder stands in the trees of all who work on it and is read in its owner's only; what
//! somebody outside owns is read in each tree in which it stands, because there is no other way to it.

mod again;
mod calls;
mod collaborations;
pub(crate) mod contents;
mod details;
pub(crate) mod exposure;
mod fields;
pub(crate) mod item;
mod reach;
mod roots;
mod walk;

use std::collections::BTreeMap;

use async_trait::async_trait;
use casbah_connector::{
    ConnectorError, FileDetails, FileSource, Inheritance, Output, PageEnd, Reach, RefusedRecord,
    Session, Sweep, Telling,
};
use casbah_http::{Answer, CallError, Piece, Records, RefusalKind};
use casbah_model::cursor::Cursor;
use casbah_model::file::{File, FileChange, Root};
use serde::{Deserialize, Serialize};

use calls::{closed, envelope_of, is_hidden, list, marker_of, standing, unreadable};
use exposure::Owner;
use item::{Found, Item, Kind, Pending, folder_key};
use walk::{Endless, Page, ROOT, Walk};

pub(crate) struct Trees;

/// The cursor is written with each commit. Subfolders that wait, items whose collaborations wait and hundreds of folders
/// on the way are half of this; the rest is for markers.
const CURSOR_BYTES_MAX: usize = 128 << 10;

/// Items whose collaborations wait, so that one more page is still read.
const PENDING_MAX: usize = 1_000;

/// Where the reading of a tree stands.
#[derive(Debug, Deserialize, Serialize)]
struct Place {
    walk: Walk,
    /// Items whose collaborations are to be read before the walk goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<Pending>,
    /// The page of the trash that comes next, behind the walk; empty for the first, none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trash: Option<String>,
}

impl Place {
    fn first() -> Place {
        Place {
            walk: Walk::of(ROOT),
            pending: vec![],
            trash: Some(String::new()),
        }
    }

    /// The place behind a page, or the end of the walk.
    fn end(self) -> Result<PageEnd, ConnectorError> {
        if self.pending.is_empty() && self.walk.is_over() && self.trash.is_none() {
            return Ok(PageEnd::CaughtUp(None));
        }
        let text = serde_json::to_string(&self).map_err(|error| ConnectorError::Unexpected {
            source: error.into(),
        })?;
        if text.len() > CURSOR_BYTES_MAX {
            let what =
                format!("the markers of a folder tree have more than {CURSOR_BYTES_MAX} bytes");
            return Err(ConnectorError::BadLink { what });
        }
        Ok(PageEnd::More(Cursor::new(text)))
    }
}

#[async_trait]
impl FileSource for Trees {
    fn sweep(&self) -> Sweep {
        Sweep::Walk
    }

    /// Collaborators of a folder have all that lies in it, whatever else is shared below ("waterfall": Box developer
    /// guides, "Collaborations"); a link to it opens all of it as well.
    fn inheritance(&self) -> Inheritance {
        Inheritance::Widest
    }

    fn details(&self, record: &[u8]) -> FileDetails {
        details::read(record)
    }

    fn telling(&self) -> Telling {
        Telling {
            owners: true,
            labels: true,
        }
    }

    fn reach(&self, record: &[u8]) -> Reach {
        reach::read(record)
    }

    async fn roots(
        &self,
        session: &Session,
        cursor: Option<&Cursor>,
        out: &mut Vec<Root>,
    ) -> Result<Option<Cursor>, ConnectorError> {
        roots::page(session, cursor, out).await
    }

    async fn page(
        &self,
        session: &Session,
        root: &Root,
        cursor: Option<&Cursor>,
        out: &mut dyn Output<File>,
    ) -> Result<PageEnd, ConnectorError> {
        let place: Place = match cursor {
            None => Place::first(),
            Some(cursor) => serde_json::from_str(cursor.as_str()).map_err(|_| {
                ConnectorError::CursorExpired {
                    code: "unreadable cursor".into(),
                    resume: None,
                }
            })?,
        };
        if !place.pending.is_empty() {
            return collaborations::read(session, root, place, out).await;
        }
        match place.walk.is_over() {
            false => folders(session, root, place, out).await,
            true => trash(session, root, place, out).await,
        }
    }

    async fn items(
        &self,
        session: &Session,
        root: &Root,
        items: &[String],
        out: &mut dyn Output<File>,
    ) -> Result<(), ConnectorError> {
        again::read(session, root, items, out).await
    }
}

/// Writes the next pages of folders to `out`; those of their items that people work on together become the pending ones.
///
/// What was read before something went wrong counts, as with the collaborations.
async fn folders(
    session: &Session,
    root: &Root,
    mut place: Place,
    out: &mut dyn Output<File>,
) -> Result<PageEnd, ConnectorError> {
    let pages = place.walk.pages();
    let mut calls = vec![];
    for page in &pages {
        let path = format!("/folders/{}/items", page.folder);
        calls.push(list(session, root, &path, page.marker.as_deref())?);
    }
    let asked = calls.iter().map(|call| session.send(call));
    let answers = futures::future::join_all(asked).await;
    for (number, (page, answer)) in pages.iter().zip(answers).enumerate() {
        let read = match answer {
            Ok(answer) => folder(session, root, &mut place, page, answer, out).await,
            Err(error) => refused(session, root, &mut place, page, error, out).await,
        };
        match read {
            Ok(()) => {}
            Err(error @ ConnectorError::Output(_)) => return Err(error),
            Err(_) if number > 0 => break,
            Err(error) => return Err(error),
        }
        // The cursor holds them all.
        if place.pending.len() >= PENDING_MAX {
            break;
        }
    }
    place.end()
}

/// Writes one page of a folder to `out`.
async fn folder(
    session: &Session,
    root: &Root,
    place: &mut Place,
    page: &Page,
    answer: Answer,
    out: &mut dyn Output<File>,
) -> Result<(), ConnectorError> {
    let mut records = Records::member(answer.body, "entries");
    let mut subfolders = place.walk.subfolders(page);
    let mut pending = BTreeMap::new();
    while let Some(piece) = records.next().await? {
        let found = Found::In(page.folder);
        let Some((item, raw)) = read(session, root, piece, found, page.is_again, out).await? else {
            continue;
        };
        // In the tree of its owner it stands as well. What lies in a folder that is walked is taken whoever owns it:
        // nobody else may come by there.
        if page.folder == ROOT && item.owner == Owner::Inside {
            continue;
        }
        if item.name.kind == Kind::Folder {
            if let Some(reason) = place.walk.refuses(page, item.name.id) {
                if !page.is_again {
                    out.refuse(RefusedRecord::whole(reason, raw)).await?;
                }
                continue;
            }
            subfolders.add(item.name.id);
        }
        if !page.is_again {
            let more = write(item, raw, out).await?;
            // An item may come twice in a page.
            pending.extend(more.map(|pending| (pending.name, pending)));
        }
    }
    let next = marker_of(envelope_of(&records)?)?;
    let went = place.walk.went(page, subfolders, next);
    went.map_err(|endless| ConnectorError::BadLink {
        what: endless.what(),
    })?;
    place.pending.extend(pending.into_values());
    Ok(())
}

/// Writes one page of the trash: an item that came there while the tree was walked is not in the tree any more.
async fn trash(
    session: &Session,
    root: &Root,
    place: Place,
    out: &mut dyn Output<File>,
) -> Result<PageEnd, ConnectorError> {
    let marker = place.trash.clone().filter(|marker| !marker.is_empty());
    let call = list(session, root, "/folders/trash/items", marker.as_deref())?;
    let answer = match session.send(&call).await {
        Ok(answer) => answer,
        // Who may not see the trash may still see the tree, and what lies there is gone from the tree anyway.
        Err(CallError::Refused { refusal, .. })
            if is_hidden(&refusal) || refusal.kind == RefusalKind::Invalid =>
        {
            standing(session, root).await?;
            let trash = None;
            return Place { trash, ..place }.end();
        }
        Err(error) => return Err(error.into()),
    };
    let mut records = Records::member(answer.body, "entries");
    while let Some(piece) = records.next().await? {
        let read = read(session, root, piece, Found::Trash, false, out).await?;
        if let Some((item, raw)) = read
            && item.owner != Owner::Inside
        {
            out.record(item.file, raw).await?;
        }
    }
    let next = marker_of(envelope_of(&records)?)?;
    if next.is_some() && next == marker {
        let what = Endless::SamePage.what();
        return Err(ConnectorError::BadLink { what });
    }
    let trash = next;
    Place { trash, ..place }.end()
}

/// Reads an item of a listing; what is none is refused, once.
async fn read<'a>(
    session: &Session,
    root: &Root,
    piece: Piece<'a>,
    found: Found,
    is_again: bool,
    out: &mut dyn Output<File>,
) -> Result<Option<(Item, &'a [u8])>, ConnectorError> {
    let refused = match piece {
        Piece::Record(raw) => match item::read(root, &session.tenant().domains, found, raw) {
            Ok(item) => return Ok(Some((item, raw))),
            Err(reason) => RefusedRecord::whole(reason, raw),
        },
        Piece::Oversized { head, bytes } => RefusedRecord::too_large(head, bytes),
    };
    if !is_again {
        out.refuse(refused).await?;
    }
    Ok(None)
}

/// Writes an item, and how far it is visible as far as its record tells; returns it if more has to be asked for.
async fn write(
    item: Item,
    raw: &[u8],
    out: &mut dyn Output<File>,
) -> Result<Option<Pending>, ConnectorError> {
    let Item { name, known, .. } = item;
    let id = item.file.id.clone();
    out.record(item.file, raw).await?;
    if let Some(reasons) = item.reasons {
        let file = File {
            id,
            parent: None,
            change: FileChange::Permissions(known),
            modified: None,
        };
        out.record(file, reasons.get().as_bytes()).await?;
    }
    let pending = Pending { name, known };
    Ok(item.has_collaborations.then_some(pending))
}

/// What a refused page means: the folder is gone or hidden, its marker died, or it is the user who cannot be read.
async fn refused(
    session: &Session,
    root: &Root,
    place: &mut Place,
    page: &Page,
    error: CallError,
    out: &mut dyn Output<File>,
) -> Result<(), ConnectorError> {
    let CallError::Refused { refusal, .. } = &error else {
        return Err(error.into());
    };
    // Nobody documents what becomes of a marker with time: the folder begins anew, and the second time the walk.
    if refusal.kind == RefusalKind::Invalid && page.marker.is_some() {
        return match place.walk.restart(page) {
            true => Ok(()),
            false => Err(ConnectorError::PageExpired {
                code: refusal.code.clone(),
            }),
        };
    }
    let is_of_user = matches!(
        refusal.kind,
        RefusalKind::Unauthorized | RefusalKind::Invalid
    );
    if is_hidden(refusal) || is_of_user {
        standing(session, root).await?;
    }
    if page.folder == ROOT || !is_hidden(refusal) {
        return Err(closed(error));
    }
    if refusal.kind == RefusalKind::Forbidden {
        let file = File {
            id: folder_key(root, page.folder),
            parent: None,
            change: FileChange::Unreadable,
            modified: None,
        };
        let raw = unreadable(refusal)?;
        out.record(file, raw.get().as_bytes()).await?;
    }
    place.walk.pass_over(page);
    Ok(())
}

#[cfg(test)]
mod tests;
