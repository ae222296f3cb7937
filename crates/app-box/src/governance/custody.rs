//! Custody by administrators: a file or folder is moved into a folder of the app's own account and belongs to it from then
//! on, where nobody sees it but who is let in there, its owner included.
//!
//! Only who may edit both folders moves something from the one to the other, and what is moved belongs to whoever owns the
//! folder it lies in ("Moving Files and Folders", "Understanding Collaborator Permission Levels"). So the owner is let
//! into a folder that holds this one item, moves it, and is taken out again; the way back is the same.

use casbah_connector::{ConnectorError, Session};
use casbah_model::action::{Effect, Image};
use casbah_model::transport::Method;
use serde_json::json;

use super::item::{self, Item, Place, Standing, write};
use super::people::{self, Person};
use super::quarantine::{find_in, make_in};
use super::sharing::{NAME, PARENT, folder_gone};
use super::{declined, refused};
use crate::wire::{Content, is_id};

/// The folder in the root folder of our own account, and what images call it, because it may have to be made first.
const CUSTODY: &str = "Casbah quarantine";

/// Who still gets at what is kept. It is ours before its owner is taken out of the folder that holds it.
pub(super) const SEEN_BY: &str = "seen-by";
const NOBODY: &str = "nobody";

/// Where our account keeps an item.
pub(super) struct Kept {
    /// The folder that holds it alone.
    folder: Place,
    /// Who is let into that folder.
    people: Vec<Person>,
}

impl Kept {
    /// Finds an item that is kept.
    pub(super) async fn find(
        session: &Session,
        place: &Place,
    ) -> Result<Option<(Kept, Item)>, ConnectorError> {
        let Standing::There(item) = item::find(session, &place.ours()).await? else {
            return Ok(None);
        };
        let is_in_custody =
            item.folder_at(1).and_then(|folder| folder.name.as_deref()) == Some(CUSTODY);
        let folder = item.folder_at(2).filter(|_| is_in_custody);
        let Some(folder) = folder.and_then(|folder| place.own_folder(&folder.id)) else {
            return Ok(None);
        };
        let people = people::all(session, &folder).await?;
        Ok(Some((Kept { folder, people }, item)))
    }

    /// Adds where the item lies to an image of it.
    pub(super) fn add_to(&self, image: Image) -> Image {
        let image = image.with(PARENT, CUSTODY);
        match self.is_closed() {
            true => image.with(SEEN_BY, NOBODY),
            false => image,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.people.is_empty()
    }

    /// Takes everybody out of the folder that holds the item.
    pub(super) async fn close(&self, session: &Session) -> Result<(), ConnectorError> {
        for person in &self.people {
            people::remove(session, &self.folder, person).await?;
        }
        Ok(())
    }

    /// Has its owner move the item to where an image says.
    pub(super) async fn give_back(
        &self,
        session: &Session,
        owner: &Place,
        item: &Item,
        to: &Image,
    ) -> Result<(), ConnectorError> {
        let parent = to.get(PARENT).filter(|parent| is_id(parent));
        let (Some(parent), Some(name)) = (parent, to.get(NAME)) else {
            return Err(declined(
                "folder-gone",
                "nothing tells where it was",
                "move it at Box, out of the folder that Casbah's account has",
            ));
        };
        people::let_edit(session, &self.folder, owner).await?;
        move_to(session, owner, item, parent, name).await?;
        remove_folder(session, &self.folder).await
    }
}

/// How an item is to be that is kept: ours, and seen by nobody. It lies alone, so it is called as it was.
pub(super) fn goal(image: Image) -> Image {
    image.with(PARENT, CUSTODY).with(SEEN_BY, NOBODY)
}

pub(super) fn is_kept(image: &Image) -> bool {
    image.get(PARENT) == Some(CUSTODY)
}

/// Why nothing can be kept.
pub(super) async fn obstacle(
    session: &Session,
    place: &Place,
) -> Result<Option<Effect>, ConnectorError> {
    let folder = find_in(session, &place.ours(), "0", CUSTODY).await?;
    Ok(folder.filter(|folder| folder.is_shared).map(|_| {
        let what = format!("the folder \"{CUSTODY}\" of Casbah's account is shared as a whole");
        let fix = "share with administrators what lies in it, one by one";
        refused("quarantine-shared", what, fix)
    }))
}

/// Has the owner move an item into a folder of ours, which [`Kept::close`] takes them out of.
pub(super) async fn take(
    session: &Session,
    place: &Place,
    item: &Item,
) -> Result<(), ConnectorError> {
    let ours = place.ours();
    let custody = make_in(session, &ours, "0", CUSTODY).await?;
    let alone = format!("{} {}", place.name.kind.name(), place.name.id);
    let folder = make_in(session, &ours, &custody, &alone).await?;
    let Some(folder) = place.own_folder(&folder) else {
        let what = "the id of a folder is no number".into();
        return Err(ConnectorError::BadLink { what });
    };
    people::let_edit(session, &folder, place).await?;
    let id = folder.name.id.to_string();
    move_to(session, place, item, &id, &item.name).await
}

async fn move_to(
    session: &Session,
    owner: &Place,
    item: &Item,
    folder: &str,
    name: &str,
) -> Result<(), ConnectorError> {
    let body = Content::Json(json!({ "parent": { "id": folder }, "name": name }));
    let path = format!("{}?fields=parent", owner.path());
    match write(
        session,
        owner,
        Method::Put,
        &path,
        body,
        item.etag.as_deref(),
    )
    .await
    {
        Ok(_) => Ok(()),
        // The item was there a moment ago.
        Err(ConnectorError::Gone { .. }) => Err(folder_gone()),
        Err(error) => Err(error),
    }
}

/// Removes the folder that held something; one that holds more by now stays.
async fn remove_folder(session: &Session, folder: &Place) -> Result<(), ConnectorError> {
    let path = folder.path();
    let nothing = Content::Nothing;
    match write(session, folder, Method::Delete, &path, nothing, None).await {
        Ok(_) | Err(ConnectorError::Gone { .. } | ConnectorError::Declined { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
