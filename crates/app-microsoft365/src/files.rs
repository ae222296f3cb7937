//! Files and who can see them: sites, their drives, each drive by its delta, and the permissions of what is shared.
//!
//! A delta tells that an item is shared but not with whom, and asking costs five times as much as a page of changes;
//! so permissions are read for items with the `shared` facet only. The rest is as visible as the folder it lies in.

pub(crate) mod contents;
mod details;
pub(crate) mod exposure;
mod item;
mod permissions;
mod quick_xor;
mod reach;
mod roots;

use async_trait::async_trait;
use casbah_connector::{
    ConnectorError, FileDetails, FileSource, Output, PageEnd, Reach, RefusedRecord, Session,
};
use casbah_http::{CallError, Piece, Records, RefusalKind};
use casbah_model::connection::Cause;
use casbah_model::cursor::Cursor;
use casbah_model::file::{File, FileChange, Root};
use casbah_model::record::RecordId;
use serde::{Deserialize, Serialize};

use crate::limits::Bucket;
use crate::wire::{GRAPH, Links, get, lacks, onward, segment};

pub(crate) struct Drives;

/// The resource is locked (Microsoft Graph documentation, "Error responses", 423).
const LOCKED: u16 = 423;

/// The properties of "driveItem: delta" that mean something; a selection leaves out the rest.
const SELECT: &str = "id,name,size,file,folder,deleted,parentReference,webUrl,eTag,cTag,createdBy,createdDateTime,\
    lastModifiedBy,lastModifiedDateTime,shared,sharepointIds,malware";
/// Items shared by their folder are told as such, lost access counts as deletion, and gaps in what we may see do not
/// end the listing ("driveItem: delta", "Scanning permissions hierarchies"). `deltashowsharingchanges` takes
/// Sites.FullControl.All to be right, and made listings of folders fail where it was seen in use; it is left out.
const PREFER: &str = "hierarchicalsharing, deltashowremovedasdeleted, deltatraversepermissiongaps";

/// Where a drive's listing stands.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Place {
    /// The next page, or the delta when `is_end`; none before the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// Items whose permissions are to be read before the listing goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<String>,
    /// The listing was complete; only the pending items are left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_end: bool,
    /// Items whose permissions could not be read in this round; the next one asks for them again, because a listing
    /// names an item only when it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<String>,
    /// Those of the round before, to be asked for at the end of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    again: Vec<String>,
    /// The pending items are those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_again: bool,
}

/// Items of one drive that are asked for again: the cursor is written with each commit, and these are 20 KB of it.
const UNREAD_MAX: usize = 500;

impl Place {
    fn cursor(&self) -> Result<Cursor, ConnectorError> {
        let text = serde_json::to_string(self);
        text.map(Cursor::new)
            .map_err(|error| ConnectorError::Unexpected {
                source: error.into(),
            })
    }

    /// Notes that an item has to be asked for again; beyond a bound the record that it is unreadable is all there is.
    fn remember(&mut self, id: &str) {
        let is_known = self.unread.iter().any(|known| known == id);
        if !is_known && self.unread.len() < UNREAD_MAX {
            self.unread.push(id.into());
        }
    }

    /// The place behind a page: on to what is left of this round, or caught up.
    fn end(mut self) -> Result<PageEnd, ConnectorError> {
        if self.is_end && self.pending.is_empty() {
            self.pending = std::mem::take(&mut self.again);
            self.is_again = true;
        }
        if self.is_end && self.pending.is_empty() {
            let next_round = Place {
                is_end: false,
                is_again: false,
                again: std::mem::take(&mut self.unread),
                ..self
            };
            return Ok(PageEnd::CaughtUp(Some(next_round.cursor()?)));
        }
        Ok(PageEnd::More(self.cursor()?))
    }
}

#[async_trait]
impl FileSource for Drives {
    fn details(&self, record: &[u8]) -> FileDetails {
        details::read(record)
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
            None => Place::default(),
            Some(cursor) => serde_json::from_str(cursor.as_str()).map_err(|_| {
                ConnectorError::CursorExpired {
                    code: "unreadable cursor".into(),
                    resume: None,
                }
            })?,
        };
        if place.pending.is_empty() {
            list(session, root, place, out).await
        } else {
            permissions::read(session, root, place, out).await
        }
    }
}

/// Writes one page of a drive's delta to `out`; the shared items of the page become the pending ones.
async fn list(
    session: &Session,
    root: &Root,
    mut place: Place,
    out: &mut dyn Output<File>,
) -> Result<PageEnd, ConnectorError> {
    let (address, class) = match &place.link {
        Some(link) => (session.follow(GRAPH, link)?, "delta"),
        None => {
            let path = format!(
                "/v1.0/drives/{}/root/delta?$select={SELECT}",
                segment(root.id.as_str())?
            );
            (session.address(GRAPH, &path)?, "list")
        }
    };
    let mut call = get(address, Bucket::Files, class);
    call.headers.add("Prefer", PREFER);
    let answer = session
        .send(&call)
        .await
        .map_err(|error| explain(session, error))?;
    let mut records = Records::member(answer.body, "value");
    let mut pending: Vec<String> = Vec::new();
    while let Some(piece) = records.next().await? {
        let raw = match piece {
            Piece::Record(raw) => raw,
            Piece::Oversized { head, bytes } => {
                out.refuse(RefusedRecord::too_large(head, bytes)).await?;
                continue;
            }
        };
        let item = match item::read(root, raw) {
            Ok(item) => item,
            Err(reason) => {
                out.refuse(RefusedRecord::whole(reason, raw)).await?;
                continue;
            }
        };
        // An item may come several times in a page; what is said last holds.
        if let Some(id) = item.id {
            for list in [&mut pending, &mut place.again, &mut place.unread] {
                list.retain(|known| *known != id);
            }
            if matches!(
                item.file.change,
                FileChange::SharedFile | FileChange::SharedFolder
            ) {
                pending.push(id);
            }
        }
        out.record(item.file, raw).await?;
    }
    let links = Links::read(records.envelope())?;
    match (links.next, links.delta) {
        (Some(next), _) => {
            let next = onward(session, GRAPH, &call.address, next)?;
            Place {
                link: Some(next),
                pending,
                ..place
            }
            .end()
        }
        (None, Some(delta)) => {
            session.follow(GRAPH, &delta)?;
            Place {
                link: Some(delta),
                pending,
                is_end: true,
                ..place
            }
            .end()
        }
        (None, None) => Err(ConnectorError::Unreadable {
            source: "a page of a drive has neither a next link nor a delta link".into(),
        }),
    }
}

/// What a refusal of a drive's delta means.
fn explain(session: &Session, error: CallError) -> ConnectorError {
    let CallError::Refused { refusal, .. } = &error else {
        return error.into();
    };
    match (refusal.kind, refusal.status) {
        // Either kind of resync means the same to who only reads: list anew, the server is right ("driveItem: delta").
        (RefusalKind::Gone, _) => {
            let location = refusal
                .location
                .as_deref()
                .filter(|link| session.follow(GRAPH, link).is_ok());
            let place = location.map(|link| Place {
                link: Some(link.into()),
                ..Place::default()
            });
            let resume = place.and_then(|place| place.cursor().ok());
            ConnectorError::CursorExpired {
                code: refusal.code.clone(),
                resume,
            }
        }
        (RefusalKind::NotFound, _) => ConnectorError::Gone {
            code: refusal.code.clone(),
        },
        (_, LOCKED) => {
            let what = "the site is locked, so its files cannot be listed";
            let fix = "unlock the site in the SharePoint admin center, or leave it: it is tried again every hour";
            ConnectorError::Forbidden {
                cause: Cause::new("locked", what, fix),
            }
        }
        (RefusalKind::Forbidden, _) => ConnectorError::Forbidden {
            cause: lacks(&["Files.Read.All"], "list files"),
        },
        _ => error.into(),
    }
}

/// The id of a drive as a root.
fn root_id(drive: &str) -> RecordId {
    RecordId::new(drive)
}

#[cfg(test)]
mod tests;
