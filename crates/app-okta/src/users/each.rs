//! What can only be asked for one user, group or application at a time: a list of parents, and a list for each of them.

use casbah_connector::{Collection, ConnectorError, Output, PageEnd, Session};
use casbah_http::{CallError, Piece};
use casbah_model::cursor::Cursor;
use casbah_model::record::RecordId;
use casbah_model::user::{Entity, Group};
use serde::{Deserialize, Serialize};

use super::pages::{self, Fetched, Lists, Missed, Paging, address, fetch, more, place};
use super::{entity, what};
use crate::limits::Bucket;
use crate::wire::{explain, segment};
use casbah_connector::json::Members;

/// Parents, and the path of the list of one of them around its id.
pub(super) struct Each {
    pub(super) parents: Lists,
    pub(super) bucket: Bucket,
    pub(super) before: &'static str,
    pub(super) behind: &'static str,
}

/// Where a pass stands: which list of parents, a page of it, the last one of it that is done, and a page of the next one's list.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Place {
    #[serde(default)]
    list: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parents: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

/// Parents of one page; they are asked for by 20.
const PARENTS_MAX: usize = 1_000;

/// Reads the lists of a page of parents, until all are read, one has more pages, or the limit is spent: what was written
/// before that counts, because the cursor that comes back stands behind it.
pub(super) async fn read(
    session: &Session,
    collection: &Collection,
    each: &Each,
    cursor: Option<&Cursor>,
    out: &mut dyn Output<Entity>,
) -> Result<PageEnd, ConnectorError> {
    let mut place: Place = place(cursor)?;
    let paging = each.parents.paging;
    let Some(path) = each.parents.paths.get(place.list) else {
        return Ok(PageEnd::CaughtUp(None));
    };
    let from = address(session, paging, path, place.parents.as_deref())?;
    let refused = |error| explain(collection.any_of, &what(collection), error);
    let (parents, next) = match fetch(session, from, each.parents.bucket, paging).await? {
        Ok(page) => parents(collection, page).await?,
        Err(Missed::Gone(error) | Missed::Refused(error)) => return Err(refused(error)),
    };
    let mut is_moved = false;
    for parent in behind(&parents, place.done.as_deref()) {
        let path = format!("{}{}{}", each.before, segment(parent)?, each.behind);
        let from = address(session, Paging::Links, &path, place.page.as_deref())?;
        let next = match fetch(session, from, each.bucket, Paging::Links).await? {
            Ok(mut page) => {
                write(collection, parent, &mut page, out).await?;
                page.next()?
            }
            Err(Missed::Gone(_)) => None,
            Err(Missed::Refused(CallError::Later { .. })) if is_moved => return more(&place),
            Err(Missed::Refused(error)) => return Err(refused(error)),
        };
        if next.is_some() {
            place.page = next;
            return more(&place);
        }
        (place.done, place.page) = (Some(parent.clone()), None);
        is_moved = true;
    }
    let list = place.list + usize::from(next.is_none());
    match list < each.parents.paths.len() {
        true => more(&Place {
            list,
            parents: next,
            ..Place::default()
        }),
        false => Ok(PageEnd::CaughtUp(None)),
    }
}

/// The ids of a page of parents whose lists are worth a call, and what the next page is known by.
async fn parents(
    collection: &Collection,
    mut page: Fetched,
) -> Result<(Vec<String>, Option<String>), ConnectorError> {
    let mut ids = vec![];
    while let Some(piece) = page.records.next().await? {
        let Piece::Record(raw) = piece else { continue };
        let members = Members::read(raw).unwrap_or_default();
        let id = members.text("id").filter(|_| ids.len() < PARENTS_MAX);
        ids.extend(
            id.filter(|_| is_wanted(collection, &members))
                .map(String::from),
        );
    }
    Ok((ids, page.next()?))
}

/// Everyone is in the group Everyone (core-okta-api, "Groups").
fn is_wanted(collection: &Collection, parent: &Members<'_>) -> bool {
    collection.name != "memberships" || parent.text("type").as_deref() != Some("BUILT_IN")
}

/// The parents that are still to be read. If the last one is not there any more, all of them are, once more.
fn behind<'a>(parents: &'a [String], done: Option<&str>) -> &'a [String] {
    let at = parents
        .iter()
        .position(|parent| Some(parent.as_str()) == done);
    at.map_or(parents, |at| &parents[at + 1..])
}

async fn write(
    collection: &Collection,
    parent: &str,
    page: &mut Fetched,
    out: &mut dyn Output<Entity>,
) -> Result<(), ConnectorError> {
    if collection.name == "memberships" {
        return members(parent, page, out).await;
    }
    let read = |raw: &[u8]| entity::read(collection.name, Some(parent), raw);
    pages::write(page, out, read).await
}

/// Who is in a group, as a record of ours: Okta repeats all that it knows of each member, which is in the list of users.
#[derive(Serialize)]
struct Membership<'a> {
    id: &'a str,
    members: Vec<String>,
}

async fn members(
    group: &str,
    page: &mut Fetched,
    out: &mut dyn Output<Entity>,
) -> Result<(), ConnectorError> {
    let mut ids = vec![];
    while let Some(piece) = page.records.next().await? {
        let Piece::Record(raw) = piece else { continue };
        let members = Members::read(raw).unwrap_or_default();
        ids.extend(members.text("id").map(String::from));
    }
    if ids.is_empty() {
        return Ok(());
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_parents_goes_on_behind_the_last_one() {
        let parents = ["a", "b", "c"].map(String::from);
        let left = |done| behind(&parents, done).concat();
        assert_eq!(left(None), "abc");
        assert_eq!(left(Some("a")), "bc");
        assert_eq!(left(Some("c")), "");
        assert_eq!(left(Some("gone")), "abc");
    }
}
