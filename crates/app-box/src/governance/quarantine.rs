//! The folder of each user into which what is quarantined is moved: their own, named `Quarantine`, in their root folder.

use std::ops::ControlFlow;

use casbah_connector::{ConnectorError, Session};
use casbah_model::transport::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::each;
use super::item::{Folder, Item, Place, write};
use crate::wire::{ANSWER_BYTES_MAX, Content};

/// The folder's name, and what images call it, because it may have to be made first.
pub(super) const QUARANTINE: &str = "Quarantine";

/// Box keeps no longer names (OpenAPI, "Create folder", `name`).
pub(super) const NAME_CHARS_MAX: usize = 255;

#[derive(Deserialize)]
struct Entry {
    id: String,
    r#type: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    shared_link: Option<IgnoredAny>,
    #[serde(default)]
    has_collaborations: Option<bool>,
}

/// The folder of an owner.
pub(super) struct Quarantine {
    pub(super) id: String,
    /// Others can see what lies in it.
    pub(super) is_shared: bool,
}

/// The folder an item lies in, as images have it.
pub(super) fn parent(item: &Item) -> String {
    match item.folder() {
        (Some(folder), 1) if folder.name.as_deref() == Some(QUARANTINE) => QUARANTINE.into(),
        _ => item.folder_id().into(),
    }
}

pub(super) async fn find(
    session: &Session,
    place: &Place,
) -> Result<Option<Quarantine>, ConnectorError> {
    find_in(session, place, "0", QUARANTINE).await
}

/// The folder of a name in another one, as whoever has the place.
pub(super) async fn find_in(
    session: &Session,
    place: &Place,
    folder: &str,
    name: &str,
) -> Result<Option<Quarantine>, ConnectorError> {
    let path =
        format!("/folders/{folder}/items?fields=id,type,name,shared_link,has_collaborations");
    let mut found = None;
    each(session, &path, place.acting(), |entry: Entry| {
        if entry.r#type != "folder" || entry.name != name {
            return ControlFlow::Continue(());
        }
        found = Some(Quarantine {
            is_shared: entry.shared_link.is_some() || entry.has_collaborations == Some(true),
            id: entry.id,
        });
        ControlFlow::Break(())
    })
    .await?;
    Ok(found)
}

/// The id of the folder that an image names; that of the quarantine is made where there is none yet.
pub(super) async fn id_of(
    session: &Session,
    place: &Place,
    parent: &str,
) -> Result<String, ConnectorError> {
    if parent != QUARANTINE {
        return Ok(parent.into());
    }
    make_in(session, place, "0", QUARANTINE).await
}

/// The id of the folder of a name in another one, which is made where there is none yet.
pub(super) async fn make_in(
    session: &Session,
    place: &Place,
    folder: &str,
    name: &str,
) -> Result<String, ConnectorError> {
    if let Some(found) = find_in(session, place, folder, name).await? {
        return Ok(found.id);
    }
    let body = Content::Json(json!({ "name": name, "parent": { "id": folder } }));
    match write(session, place, Method::Post, "/folders", body, None).await {
        Ok(answer) => {
            let made: Folder = answer.json(ANSWER_BYTES_MAX).await?;
            Ok(made.id)
        }
        // Whoever works on the next object made it in this moment.
        Err(error @ ConnectorError::Declined { .. }) => {
            let found = find_in(session, place, folder, name).await?;
            found.map(|found| found.id).ok_or(error)
        }
        Err(error) => Err(error),
    }
}
