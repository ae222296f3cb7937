//! A file, folder or link to the web as a target: how it is written, and how it is read as its owner.

use casbah_connector::{ConnectorError, Order, Plan, Session};
use casbah_http::Answer;
use casbah_model::action::{Effect, Image};
use casbah_model::transport::Method;
use serde::Deserialize;

use super::link::SharedLink;
use super::{Found, declined, read, refused, send};
use crate::files::item::{Kind, Name};
use crate::permissions::needs::WRITE_CONTENT;
use crate::wire::{Acting, Content, change, is_id};

const FIELDS: &str =
    "id,type,name,etag,parent,path_collection,owned_by,is_externally_owned,shared_link";

/// Where a target is: whose it is, and its kind and id.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) owner: String,
    pub(super) name: Name,
    /// It belongs to our own account by now, which keeps it.
    is_ours: bool,
}

impl Place {
    /// Reads a target as our records of files write it: `11/22` and `11/folder:33`.
    pub(super) fn of(order: &Order<'_>) -> Result<Place, ConnectorError> {
        let target = order.target;
        let owner = target.within.as_deref().filter(|owner| is_id(owner));
        let name = Name::of_key(&target.id);
        // Every user has a root folder of the same id, which is none of what can be acted on.
        match (owner, name.filter(|name| name.id != 0)) {
            (Some(owner), Some(name)) => Ok(Place {
                owner: owner.into(),
                name,
                is_ours: false,
            }),
            _ => Err(declined(
                "target",
                format!("\"{target}\" is no file or folder"),
                "write OWNER/FILE or OWNER/folder:ID with the numbers that Box has for them",
            )),
        }
    }

    /// The same where our own account has it.
    pub(super) fn ours(&self) -> Place {
        Place {
            is_ours: true,
            ..self.clone()
        }
    }

    /// A folder of our own account.
    pub(super) fn own_folder(&self, id: &str) -> Option<Place> {
        let name = Name::of_key(&format!("folder:{id}"))?;
        Some(Place {
            name,
            ..self.ours()
        })
    }

    pub(super) fn acting(&self) -> Acting<'_> {
        match self.is_ours {
            true => Acting::Ourselves,
            false => Acting::User(&self.owner),
        }
    }

    pub(super) fn path(&self) -> String {
        format!("/{}/{}", self.name.kind.path(), self.name.id)
    }

    pub(super) fn is_folder(&self) -> bool {
        self.name.kind == Kind::Folder
    }
}

#[derive(Deserialize)]
pub(super) struct Item {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) etag: Option<String>,
    #[serde(default)]
    parent: Option<Folder>,
    #[serde(default)]
    path_collection: Option<Path>,
    #[serde(default)]
    owned_by: Option<Owner>,
    #[serde(default)]
    is_externally_owned: Option<bool>,
    #[serde(default)]
    pub(super) shared_link: Option<SharedLink>,
}

#[derive(Deserialize)]
pub(super) struct Folder {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
struct Path {
    entries: Vec<Folder>,
}

#[derive(Deserialize)]
struct Owner {
    id: String,
}

impl Item {
    /// The folder it lies in, and how many folders that one lies in, the root counted.
    pub(super) fn folder(&self) -> (Option<&Folder>, usize) {
        let path = self.path_collection.as_ref();
        let depth = path.map_or(0, |path| path.entries.len());
        (self.parent.as_ref(), depth.saturating_sub(1))
    }

    pub(super) fn folder_id(&self) -> &str {
        self.parent.as_ref().map_or("0", |folder| &folder.id)
    }

    /// The folder of this depth that it lies in, the root being the first.
    pub(super) fn folder_at(&self, depth: usize) -> Option<&Folder> {
        self.path_collection.as_ref()?.entries.get(depth)
    }

    /// Whether it belongs to whose place this is.
    pub(super) fn is_of(&self, place: &Place) -> bool {
        let owner = self.owned_by.as_ref();
        owner.is_none_or(|owner| owner.id == place.owner)
    }

    /// Why it cannot be acted on as this owner.
    fn obstacle(&self, place: &Place) -> Option<Effect> {
        if self.is_externally_owned == Some(true) {
            let what = "somebody outside the enterprise owns it";
            let fix = "only its owner can change it";
            return Some(refused("owned-outside", what, fix));
        }
        let owner = self.owned_by.as_ref().map(|owner| &owner.id);
        let other = owner.filter(|owner| **owner != place.owner)?;
        let fix = format!("name it by its owner: {other}/…");
        Some(refused("owner", format!("user {other} owns it"), fix))
    }
}

/// How an item stands.
pub(super) enum Standing {
    There(Item),
    Trashed(Item),
    /// It lies in a folder that was thrown away.
    WithFolder,
    Gone,
}

pub(super) async fn find(session: &Session, place: &Place) -> Result<Standing, ConnectorError> {
    let path = format!("{}?fields={FIELDS}", place.path());
    let code = match read(session, &path, place.acting()).await? {
        Found::There(item) => return Ok(Standing::There(item)),
        Found::Not(code) => code,
    };
    if code != "trashed" {
        return Ok(Standing::Gone);
    }
    let path = format!("{}/trash?fields={FIELDS}", place.path());
    Ok(match read(session, &path, place.acting()).await? {
        Found::There(item) => Standing::Trashed(item),
        Found::Not(code) if code == "not_trashed" => Standing::WithFolder,
        Found::Not(_) => Standing::Gone,
    })
}

/// The item as it is now, or how that shows in an image: what lies in the trash is like nothing that an action knows
/// which is about something else.
pub(super) async fn now(
    session: &Session,
    place: &Place,
) -> Result<Result<Item, Option<Image>>, ConnectorError> {
    Ok(match find(session, place).await? {
        Standing::There(item) => Ok(item),
        Standing::Trashed(_) | Standing::WithFolder => {
            Err(Some(Image::default().with("status", "trashed")))
        }
        Standing::Gone => Err(None),
    })
}

/// The item that an action is about that takes one that is there; else the plan that says why not.
pub(super) async fn there(
    session: &Session,
    order: &Order<'_>,
    place: &Place,
) -> Result<Result<Item, Plan>, ConnectorError> {
    let item = match find(session, place).await? {
        Standing::There(item) => item,
        Standing::Trashed(_) | Standing::WithFolder => return Ok(Err(in_trash(order))),
        Standing::Gone => return Ok(Err(gone(order))),
    };
    Ok(match item.obstacle(place) {
        Some(effect) => Err(Plan {
            label: item.name,
            effect,
        }),
        None => Ok(item),
    })
}

pub(super) fn gone(order: &Order<'_>) -> Plan {
    let what = "its owner has no such file or folder";
    let fix = "write OWNER/FILE or OWNER/folder:ID as the records of files have it";
    Plan {
        label: order.target.to_string(),
        effect: refused("gone", what, fix),
    }
}

fn in_trash(order: &Order<'_>) -> Plan {
    let what = "it is in the trash, where nobody else sees it";
    let fix = "restore it first, by restore-file";
    Plan {
        label: order.target.to_string(),
        effect: refused("trashed", what, fix),
    }
}

/// Sends a change of an item as its owner; with an etag it is made only to what has that.
pub(super) async fn write(
    session: &Session,
    place: &Place,
    method: Method,
    path_and_query: &str,
    content: Content,
    etag: Option<&str>,
) -> Result<Answer, ConnectorError> {
    let mut call = change(session, method, path_and_query, place.acting(), content)?;
    if let Some(etag) = etag {
        call.headers.add("If-Match", etag);
    }
    send(session, &call, WRITE_CONTENT).await
}
