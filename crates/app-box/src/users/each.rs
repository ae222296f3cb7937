//! Members and admins of groups, which can only be asked for one group at a time: a list of groups, and a list for each.

use casbah_connector::json::Members;
use casbah_connector::{Collection, ConnectorError, Output, PageEnd, Session};
use casbah_http::{CallError, Piece, RefusalKind};
use casbah_model::cursor::Cursor;
use casbah_model::record::RecordId;
use casbah_model::user::{Entity, Group};
use serde::{Deserialize, Serialize};

use super::{MANAGE_GROUPS, MEMBERSHIPS, groups_path, unreadable, what, write};
use crate::wire::{self, Acting, PAGE, Page, explain, segment};

/// Where a pass stands: a page of groups, the last one of it that is done, and a page of the next one's members.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Place {
    groups: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<String>,
    #[serde(default)]
    members: u64,
}

impl Place {
    fn read(cursor: Option<&Cursor>) -> Result<Place, ConnectorError> {
        match cursor {
            Some(cursor) => serde_json::from_str(cursor.as_str()).map_err(|_| unreadable()),
            None => Ok(Place::default()),
        }
    }

    fn more(&self) -> PageEnd {
        PageEnd::More(Cursor::new(
            serde_json::to_string(self).expect("a place is plain"),
        ))
    }
}

/// Reads the members of a page of groups, until all are read, one has more pages, or the limit is spent: what was written
/// before that counts, because the cursor that comes back stands behind it.
pub(super) async fn read(
    session: &Session,
    collection: &Collection,
    cursor: Option<&Cursor>,
    out: &mut dyn Output<Entity>,
) -> Result<PageEnd, ConnectorError> {
    let mut place = Place::read(cursor)?;
    let refused = |error| explain(MANAGE_GROUPS, &what(collection), error);
    let page = wire::offset_page(session, &groups_path(), place.groups, Acting::Ourselves).await;
    let mut page = page.map_err(refused)?;
    let (groups, entries) = groups(&mut page).await?;
    let next_groups = page.next_offset(place.groups, entries)?;
    let mut is_moved = false;
    for group in behind(&groups, place.done.as_deref()) {
        let path = format!("/groups/{}/memberships", segment(group)?);
        let sent = wire::offset_page(session, &path, place.members, Acting::Ourselves).await;
        let next = match sent {
            Ok(mut page) => {
                let entries = match collection.name {
                    MEMBERSHIPS => members(group, &mut page, out).await?,
                    _ => write(collection, &mut page, out).await?,
                };
                page.next_offset(place.members, entries)?
            }
            // It was deleted meanwhile.
            Err(CallError::Refused { refusal, .. }) if refusal.kind == RefusalKind::NotFound => {
                None
            }
            Err(CallError::Later { .. }) if is_moved => return Ok(place.more()),
            Err(error) => return Err(refused(error)),
        };
        if let Some(next) = next {
            place.members = next;
            return Ok(place.more());
        }
        (place.done, place.members) = (Some(group.clone()), 0);
        is_moved = true;
    }
    Ok(match next_groups {
        Some(groups) => Place {
            groups,
            ..Place::default()
        }
        .more(),
        None => PageEnd::CaughtUp(None),
    })
}

/// The ids of a page of groups whose members are worth a call, and how many groups the page had.
async fn groups(page: &mut Page) -> Result<(Vec<String>, usize), ConnectorError> {
    let (mut ids, mut entries) = (vec![], 0);
    while let Some(piece) = page.records.next().await? {
        entries += 1;
        let Piece::Record(raw) = piece else { continue };
        let group = Members::read(raw).unwrap_or_default();
        // Everybody is in it (OpenAPI, "Group", "group_type").
        let is_everybody = group.text("group_type").as_deref() == Some("all_users_group");
        let id = group
            .text("id")
            .filter(|_| !is_everybody && ids.len() < PAGE);
        ids.extend(id.map(String::from));
    }
    Ok((ids, entries))
}

/// The groups that are still to be read. If the last one is not there any more, all of them are, once more.
fn behind<'a>(groups: &'a [String], done: Option<&str>) -> &'a [String] {
    let at = groups.iter().position(|group| Some(group.as_str()) == done);
    at.map_or(groups, |at| &groups[at + 1..])
}

/// Who is in a group, as a record of ours: Box repeats group and user with each.
#[derive(Serialize)]
struct Membership<'a> {
    id: &'a str,
    members: Vec<String>,
}

async fn members(
    group: &str,
    page: &mut Page,
    out: &mut dyn Output<Entity>,
) -> Result<usize, ConnectorError> {
    let (mut ids, mut entries) = (vec![], 0);
    while let Some(piece) = page.records.next().await? {
        entries += 1;
        let Piece::Record(raw) = piece else { continue };
        let membership = Members::read(raw).unwrap_or_default();
        let id = membership.object("user").text("id");
        ids.extend(id.map(String::from));
    }
    if ids.is_empty() {
        return Ok(entries);
    }
    let noun = Entity::Group(Group {
        id: RecordId::new(group),
        members_added: ids.len() as u64,
        members_removed: 0,
    });
    let record = Membership {
        id: group,
        members: ids,
    };
    let raw = serde_json::to_vec(&record).expect("ids are plain");
    out.record(noun, &raw).await?;
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_groups_goes_on_behind_the_last_one() {
        let groups = ["a", "b", "c"].map(String::from);
        let left = |done| behind(&groups, done).concat();
        assert_eq!(left(None), "abc");
        assert_eq!(left(Some("a")), "bc");
        assert_eq!(left(Some("c")), "");
        assert_eq!(left(Some("gone")), "abc");
    }
}
