//! A file or folder as a target: how it is written, how it is read, and how it is changed.

use casbah_connector::{ConnectorError, Order, Session};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::grants::Grant;
use super::{FILES, answered, declined, following, reading};
use crate::limits::Bucket;
use crate::wire::segment;

/// What somebody who asks for an item that is not there is told.
pub(super) const HOW_TO_NAME: &str = "write DRIVE/ITEM as the records of files have it";

/// Where a target is: the drive and the item, each as one segment of a path.
pub(super) struct Place {
    drive: String,
    item: String,
}

impl Place {
    /// Reads a target as our records of files write it: `b!drive/01ITEM`.
    pub(super) fn of(order: &Order<'_>) -> Result<Place, ConnectorError> {
        let target = order.target;
        let Some(drive) = target.within.as_deref() else {
            let what = format!("\"{target}\" is no file or folder");
            return Err(declined("target", what, HOW_TO_NAME));
        };
        Place::at(drive, &target.id)
    }

    pub(super) fn at(drive: &str, item: &str) -> Result<Place, ConnectorError> {
        Ok(Place {
            drive: segment(drive)?,
            item: segment(item)?,
        })
    }

    /// Another item of the same drive.
    pub(super) fn beside(&self, item: &str) -> Result<Place, ConnectorError> {
        Ok(Place {
            drive: self.drive.clone(),
            item: segment(item)?,
        })
    }

    /// The path of the item, or of something below it that begins with a slash.
    pub(super) fn path(&self, below: &str) -> String {
        format!("/v1.0/drives/{}/items/{}{below}", self.drive, self.item)
    }

    /// The path of the drive's topmost folder, or of something below it.
    pub(super) fn root_path(&self, below: &str) -> String {
        format!("/v1.0/drives/{}/root{below}", self.drive)
    }
}

/// "driveItem resource type".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub(super) id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub(super) e_tag: Option<String>,
    #[serde(default)]
    parent_reference: Option<Parent>,
    #[serde(default)]
    file: Option<File>,
    #[serde(default)]
    folder: Option<IgnoredAny>,
    #[serde(default)]
    root: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    hashes: Option<Hashes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hashes {
    #[serde(default)]
    quick_xor_hash: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parent {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    drive_type: Option<String>,
}

const SELECT: &str = "?$select=id,name,eTag,parentReference,file,folder,root";

impl Item {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// The folder it lies in; none where it is the topmost one.
    pub(super) fn parent(&self) -> Option<&str> {
        let parent = self.parent_reference.as_ref();
        parent.and_then(|parent| parent.id.as_deref())
    }

    pub(super) fn is_root(&self) -> bool {
        self.root.is_some()
    }

    pub(super) fn is_folder(&self) -> bool {
        self.folder.is_some()
    }

    /// The hash of a file's content, the only one that SharePoint and OneDrive for Business tell ("hashes resource type").
    pub(super) fn content(&self) -> Option<&str> {
        let hashes = self.file.as_ref()?.hashes.as_ref()?;
        hashes.quick_xor_hash.as_deref()
    }

    /// Whether it lies in the library of a site, where the members of the site see whatever there is
    /// ("drive resource type", `driveType`).
    pub(super) fn is_of_site(&self) -> bool {
        let parent = self.parent_reference.as_ref();
        let kind = parent.and_then(|parent| parent.drive_type.as_deref());
        kind == Some("documentLibrary")
    }
}

pub(super) async fn find(session: &Session, place: &Place) -> Result<Option<Item>, ConnectorError> {
    one(session, &place.path(SELECT)).await
}

/// The item of a name in the drive's topmost folder.
pub(super) async fn find_at_root(
    session: &Session,
    place: &Place,
    name: &str,
) -> Result<Option<Item>, ConnectorError> {
    one(session, &place.root_path(&format!(":/{name}{SELECT}"))).await
}

/// The item of a name in a folder.
pub(super) async fn find_in(
    session: &Session,
    folder: &Place,
    name: &str,
) -> Result<Option<Item>, ConnectorError> {
    let name = segment(name)?;
    one(session, &folder.path(&format!(":/{name}{SELECT}"))).await
}

/// What lies in a folder.
pub(super) async fn children(
    session: &Session,
    folder: &Place,
) -> Result<Vec<Item>, ConnectorError> {
    let path = folder.path(&format!("/children{SELECT}&$top=200"));
    let call = reading(session, &path, Bucket::Files, "item")?;
    let found = following(session, call, FILES).await?;
    Ok(found.unwrap_or_default())
}

async fn one<T: DeserializeOwned>(
    session: &Session,
    path: &str,
) -> Result<Option<T>, ConnectorError> {
    let call = reading(session, path, Bucket::Files, "item")?;
    answered(session, &call, FILES).await
}

/// All entries of the list of who can see an item; `None` where there is no such item.
pub(super) async fn permissions(
    session: &Session,
    place: &Place,
) -> Result<Option<Vec<serde_json::Value>>, ConnectorError> {
    let call = reading(
        session,
        &place.path("/permissions"),
        Bucket::Files,
        "permissions",
    )?;
    following(session, call, FILES).await
}

/// Everybody whom an item lets in but its owner; `None` where there is no such item.
pub(super) async fn grants(
    session: &Session,
    place: &Place,
) -> Result<Option<Vec<Grant>>, ConnectorError> {
    let entries = permissions(session, place).await?;
    let domains = &session.tenant().domains;
    Ok(entries.map(|entries| {
        let grants = entries.iter().filter_map(|entry| Grant::of(entry, domains));
        grants.collect()
    }))
}
