//! An item as a listing has it: a file, a folder or a web link.

use casbah_model::file::{File, FileChange, Root, Sharing};
use casbah_model::record::RecordId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::exposure::{self, Owner};
use super::fields::{Fields, id};
use super::walk::{FolderId, ROOT};

/// Ids are unique within their kind only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    File,
    Folder,
    /// A bookmark, which is shared like a file.
    WebLink,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::File, Kind::Folder, Kind::WebLink];

    /// What Box calls it in `type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Folder => "folder",
            Kind::WebLink => "web_link",
        }
    }

    /// Where it is in paths and addresses.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Kind::File => "files",
            Kind::Folder => "folders",
            Kind::WebLink => "web_links",
        }
    }
}

/// An item by kind and id, in one word such as `folders/3088`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
}

impl Name {
    pub(super) fn read(word: &str) -> Option<Name> {
        let (kind, number) = word.split_once('/')?;
        let kind = Kind::ALL.into_iter().find(|known| known.path() == kind)?;
        Some(Name {
            kind,
            id: id(number)?,
        })
    }

    /// User and item together: what somebody outside owns is in the trees of all who see it.
    pub(super) fn key(self, root: &Root) -> RecordId {
        let Name { kind, id } = self;
        match kind {
            Kind::File => RecordId::new(format!("{}/{id}", root.id)),
            Kind::Folder | Kind::WebLink => {
                RecordId::new(format!("{}/{}:{id}", root.id, kind.name()))
            }
        }
    }

    /// Reads what a key has behind the user.
    pub(crate) fn of_key(word: &str) -> Option<Name> {
        let (kind, number) = word.split_once(':').unwrap_or((Kind::File.name(), word));
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        Some(Name {
            kind,
            id: id(number)?,
        })
    }
}

pub(super) fn folder_key(root: &Root, folder: FolderId) -> RecordId {
    let kind = Kind::Folder;
    Name { kind, id: folder }.key(root)
}

/// An item whose collaborations are to be read, and what is known of it without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) name: Name,
    pub(super) known: Sharing,
}

impl Serialize for Pending {
    /// A short word, because a cursor holds a thousand: `folders/3088/external`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Name { kind, id } = self.name;
        serializer.collect_str(&format_args!("{}/{id}/{}", kind.path(), self.known))
    }
}

impl<'de> Deserialize<'de> for Pending {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Pending, D::Error> {
        let word = String::deserialize(deserializer)?;
        let read = || {
            let (name, known) = word.rsplit_once('/')?;
            let mut all = Sharing::ALL.into_iter();
            Some(Pending {
                name: Name::read(name)?,
                known: all.find(|sharing| sharing.name() == known)?,
            })
        };
        read().ok_or_else(|| serde::de::Error::custom("no item"))
    }
}

/// An item that was read.
pub(super) struct Item {
    pub(super) name: Name,
    pub(super) owner: Owner,
    /// How far it is visible, collaborations left aside.
    pub(super) known: Sharing,
    /// What its record says about that; none when nobody else can see it.
    pub(super) reasons: Option<Box<RawValue>>,
    pub(super) has_collaborations: bool,
    pub(super) file: File,
}

/// Where an item was found.
#[derive(Clone, Copy)]
pub(super) enum Found {
    In(FolderId),
    /// By its id: it says itself where it lies.
    Alone,
    Trash,
}

/// Reads an item; an error is the reason why it is none.
pub(super) fn read(
    root: &Root,
    domains: &[String],
    found: Found,
    raw: &[u8],
) -> Result<Item, &'static str> {
    let fields = Fields::read(raw)?;
    let kind = fields.text("type").ok_or("no-type")?;
    let mut kinds = Kind::ALL.into_iter();
    let kind = kinds
        .find(|known| known.name() == kind)
        .ok_or("unknown-type")?;
    let id = fields.id("id").ok_or("no-id")?;
    let name = Name { kind, id };
    let owner = Owner::of(&fields, root.id.as_str(), domains);
    let known = exposure::of_item(&fields, owner);
    // Web links have no collaborations of their own (OpenAPI, "Web links").
    let has_collaborations =
        fields.flag("has_collaborations") == Some(true) && kind != Kind::WebLink;
    let is_shared = has_collaborations || known > Sharing::Private;
    let change = match (found, kind, is_shared) {
        (Found::Trash, _, _) => FileChange::Removed,
        (_, Kind::Folder, true) => FileChange::SharedFolder,
        (_, Kind::Folder, false) => FileChange::Folder,
        (_, Kind::File | Kind::WebLink, true) => FileChange::SharedFile,
        (_, Kind::File | Kind::WebLink, false) => FileChange::File,
    };
    let parent = match found {
        Found::In(folder) => Some(folder),
        // The folder it lies in may not be for us to see; then it hangs at the top.
        Found::Alone => {
            let parent = fields.object("parent");
            Some(parent.and_then(|parent| parent.id("id")).unwrap_or(ROOT))
        }
        Found::Trash => None,
    };
    let file = File {
        id: name.key(root),
        parent: parent.map(|folder| folder_key(root, folder)),
        change,
        modified: fields.moment("modified_at"),
    };
    let reasons = (known > Sharing::Private).then(|| exposure::reasons(&fields));
    Ok(Item {
        name,
        owner,
        known,
        reasons: reasons.transpose().map_err(|_| "not-json")?,
        has_collaborations,
        file,
    })
}
