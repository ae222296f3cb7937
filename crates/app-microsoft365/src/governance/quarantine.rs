//! The folder of each drive into which what is quarantined is moved: `Quarantine`, in the drive's topmost folder. Nothing is
//! moved to another drive, which would make it another item ("Move a driveItem to a new folder").

use casbah_connector::{ConnectorError, Session, told_apart};
use casbah_model::action::Image;
use casbah_model::connection::Cause;
use casbah_model::transport::Method;
use serde_json::json;

use super::grants::Kind;
use super::item::{self, Item, Place};
use super::{Change, answer_to, declined, send};
use crate::wire::ANSWER_BYTES_MAX;

/// The folder's name, and what images call it, because it may have to be made first.
const QUARANTINE: &str = "Quarantine";

pub(super) const PARENT: &str = "parent";
pub(super) const NAME: &str = "name";

/// SharePoint takes no longer names ("Restrictions and limitations in OneDrive and SharePoint", 400 for the whole path).
pub(super) const NAME_CHARS_MAX: usize = 255;

/// Where an item lies, with the drive's quarantine beside it.
pub(super) struct Lying {
    folder: Option<Item>,
}

impl Lying {
    pub(super) async fn find(session: &Session, place: &Place) -> Result<Lying, ConnectorError> {
        let folder = item::find_at_root(session, place, QUARANTINE).await?;
        Ok(Lying {
            folder: folder.filter(Item::is_folder),
        })
    }

    pub(super) fn image(&self, item: &Item) -> Image {
        let parent = item.parent().unwrap_or_default();
        let is_away = self
            .folder
            .as_ref()
            .is_some_and(|folder| folder.id == parent);
        let parent = if is_away { QUARANTINE } else { parent };
        Image::default()
            .with(PARENT, parent)
            .with(NAME, item.name())
    }

    /// Why an item cannot be quarantined.
    pub(super) async fn obstacle(
        &self,
        session: &Session,
        place: &Place,
        item: &Item,
    ) -> Result<Option<Cause>, ConnectorError> {
        let is_itself = |folder: &Item| folder.id == item.id;
        if item.is_root() || self.folder.as_ref().is_some_and(is_itself) {
            let what = "it is a folder that holds what is quarantined";
            let cause = Cause::new("quarantine", what, "name what lies in it");
            return Ok(Some(cause));
        }
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let grants = item::grants(session, &place.beside(&folder.id)?).await?;
        let mut grants = grants.unwrap_or_default().into_iter();
        // Members of a site see what lies in it wherever it lies; the plan says so.
        let is_shared = grants.any(|grant| grant.kind != Kind::Claim);
        Ok(is_shared.then(|| {
            Cause::new(
                "quarantine-shared",
                format!("the drive's folder {QUARANTINE} is shared"),
                "make it private first, by make-private",
            )
        }))
    }
}

/// The image of an item that lies in quarantine, where things of one name come from many folders.
pub(super) fn goal(image: Image, item: &Item) -> Image {
    match image.get(PARENT) {
        Some(QUARANTINE) => image,
        _ => {
            let name = told_apart(item.name(), &item.id, NAME_CHARS_MAX);
            image.with(PARENT, QUARANTINE).with(NAME, name)
        }
    }
}

/// Moves an item to where an image says, and gives it the name it is to have there, if it still is what was read.
pub(super) async fn bring(
    session: &Session,
    place: &Place,
    item: &Item,
    to: &Image,
) -> Result<(), ConnectorError> {
    let folder = match to.get(PARENT) {
        Some(QUARANTINE) => folder(session, place).await?,
        parent => parent.unwrap_or_default().into(),
    };
    let change = Change::file(Method::Patch, place.path("")).if_still(item.e_tag.clone());
    let body = json!({
        "parentReference": { "id": folder },
        "name": to.get(NAME).unwrap_or_else(|| item.name()),
    });
    match send(session, change.with(body)).await {
        Ok(()) => Ok(()),
        // The item was there a moment ago.
        Err(ConnectorError::Gone { .. }) => Err(folder_gone()),
        Err(error) => Err(error),
    }
}

pub(super) fn folder_gone() -> ConnectorError {
    declined(
        "folder-gone",
        "the folder it is to lie in is not there any more",
        "take the folder out of the recycle bin, or move the item in Microsoft 365",
    )
}

/// The id of the drive's quarantine, which is made where there is none yet.
async fn folder(session: &Session, place: &Place) -> Result<String, ConnectorError> {
    if let Some(folder) = Lying::find(session, place).await?.folder {
        return Ok(folder.id);
    }
    let change = Change::file(Method::Post, place.root_path("/children"));
    let body = json!({
        "name": QUARANTINE,
        "folder": {},
        "@microsoft.graph.conflictBehavior": "fail",
    });
    match answer_to(session, change.with(body)).await {
        Ok(answer) => {
            let made: Item = answer.json(ANSWER_BYTES_MAX).await?;
            Ok(made.id)
        }
        // Whoever works on the next object made it in this moment.
        Err(error @ ConnectorError::Declined { .. }) => {
            let found = Lying::find(session, place).await?.folder;
            found.map(|found| found.id).ok_or(error)
        }
        Err(error) => Err(error),
    }
}
