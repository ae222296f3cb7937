//! What an event was done to. Each family of events has a form of its own for it (OpenAPI, "EventSource", "User", "File",
//! "Folder"; enterprise events add one for collaborations).

use std::borrow::Cow;

use casbah_connector::json::Members;
use casbah_model::event::{
    Deed, Entity, Event, File, FileShape, Named, Person, PersonKind, Resource, Text,
};

use crate::catalog::Reading;

/// A source, whatever its form.
#[derive(Default)]
pub(super) struct Told<'a> {
    item: Option<Item<'a>>,
    user: Person<'a>,
    group: Named<'a>,
    /// Something else that has an id or a name.
    thing: Named<'a>,
    kind: Option<Text<'a>>,
}

struct Item<'a> {
    kind: &'static str,
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    owner: Option<Text<'a>>,
    folder: Named<'a>,
    bytes: Option<u64>,
    label: Option<Text<'a>>,
}

const FILE: &str = "file";
const FOLDER: &str = "folder";
const LINK: &str = "web_link";

pub(super) fn read<'a>(source: &Members<'a>) -> Told<'a> {
    let kind = source.text("type");
    let mut told = Told::default();
    match kind.as_deref() {
        Some("user") => told.user = person(source),
        Some("group") => told.group = named(source),
        Some(kind) if item_kind(kind).is_some() => {
            told.item = item_kind(kind).map(|kind| item(source, kind, "id", "name"));
        }
        _ => {}
    }
    if let Some(kind) = source.text("item_type").as_deref().and_then(item_kind) {
        told.item = Some(item(source, kind, "item_id", "item_name"));
    }
    // The form of collaborations and of members of groups.
    for (kind, id, name) in [
        (FILE, "file_id", "file_name"),
        (FOLDER, "folder_id", "folder_name"),
    ] {
        if source.text(id).is_some() || source.text(name).is_some() {
            told.item = Some(item(source, kind, id, name));
        }
    }
    if source.text("user_id").is_some() || source.text("user_name").is_some() {
        told.user = Person {
            id: source.text("user_id"),
            full_name: source.text("user_name"),
            kind: PersonKind::User,
            ..Person::default()
        };
    }
    if source.text("group_id").is_some() || source.text("group_name").is_some() {
        told.group = Named {
            id: source.text("group_id"),
            name: source.text("group_name"),
        };
    }
    let is_placed = told.item.is_some() || told.user.is_named() || told.group.is_named();
    if !is_placed {
        told.thing = named(source);
    }
    told.kind = kind;
    told
}

fn item_kind(kind: &str) -> Option<&'static str> {
    [FILE, FOLDER, LINK]
        .into_iter()
        .find(|known| *known == kind)
}

fn item<'a>(source: &Members<'a>, kind: &'static str, id: &str, name: &str) -> Item<'a> {
    let bytes = source.get("size").map(|size| size.get().trim_matches('"'));
    Item {
        kind,
        id: id_of(source, id),
        name: source.text(name),
        owner: id_of(&source.object("owned_by"), "id"),
        folder: named(&source.object("parent")),
        bytes: bytes.and_then(|size| size.parse().ok()),
        label: source.object("classification").text("name"),
    }
}

/// An id, which is a decimal number as a text, or here and there as a number.
fn id_of<'a>(members: &Members<'a>, name: &str) -> Option<Text<'a>> {
    let raw = members.get(name)?.get();
    let is_number = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit());
    match is_number {
        true => Some(Cow::Borrowed(raw)),
        false => members.text(name),
    }
}

fn named<'a>(members: &Members<'a>) -> Named<'a> {
    Named {
        id: id_of(members, "id"),
        name: members.text("name"),
    }
}

pub(super) fn person<'a>(members: &Members<'a>) -> Person<'a> {
    let name = members.text("login");
    Person {
        id: id_of(members, "id"),
        other_id: None,
        full_name: members
            .text("name")
            .filter(|full| Some(full) != name.as_ref()),
        name,
        kind: PersonKind::User,
    }
}

impl<'a> Told<'a> {
    /// The kind and id of the file, folder or link.
    pub(super) fn item(&self) -> Option<(&'static str, &str)> {
        let item = self.item.as_ref()?;
        Some((item.kind, item.id.as_deref()?))
    }

    pub(super) fn owner(&self) -> Option<&str> {
        self.item.as_ref()?.owner.as_deref()
    }

    /// Puts it where it belongs: a file, a person, a group, or something else of the enterprise.
    pub(super) fn place(
        self,
        event: &mut Event<'a>,
        reading: &Reading,
        accessible_by: &Members<'a>,
    ) {
        event.target.user = self.user;
        event.target.group = self.group;
        // With whom it was shared: it says more than the form of collaborations, as it has the login.
        match accessible_by.text("type").as_deref() {
            Some("group") => event.target.group = named(accessible_by),
            _ => {
                let person = person(accessible_by);
                if person.is_named() {
                    event.target.user = person;
                }
            }
        }
        if let Some(item) = self.item {
            place_item(event, item, &self.kind);
        }
        match event.deed {
            Deed::Entity(_) => {
                event.target.entity = Entity {
                    named: self.thing,
                    kind: reading.thing,
                };
            }
            _ if self.thing.is_named() => {
                event.target.resource = Resource {
                    named: self.thing,
                    kind: self.kind,
                    address: None,
                };
            }
            _ => {}
        }
    }
}

fn place_item<'a>(event: &mut Event<'a>, item: Item<'a>, kind: &Option<Text<'a>>) {
    let shape = match item.kind {
        FILE => FileShape::File,
        FOLDER => FileShape::Folder,
        _ => FileShape::Place,
    };
    // A comment, a task and a page are of the file, and no deed of files themselves.
    if let Deed::Web(_) | Deed::Group(_) | Deed::Access(_) = event.deed {
        event.target.resource = Resource {
            named: Named {
                id: item.id.clone(),
                name: item.name.clone(),
            },
            kind: kind.clone().or(Some(Cow::Borrowed(item.kind))),
            address: None,
        };
    }
    let extension = item.name.as_deref().filter(|_| item.kind == FILE);
    let extension = extension.and_then(|name| name.rsplit_once('.'));
    let extension = extension.map(|(_, extension)| Cow::Owned(extension.to_string()));
    event.target.file = File {
        path: path(&item),
        id: item.id,
        name: item.name,
        kind: Some(Cow::Borrowed(item.kind)),
        shape,
        extension: extension.filter(|extension: &Text<'_>| !extension.is_empty()),
        bytes: item.bytes,
        label: item.label,
    };
}

/// What is told of its path: the folder it lies in, and its own name.
fn path<'a>(item: &Item<'a>) -> Option<Text<'a>> {
    let (folder, name) = (item.folder.name.as_deref()?, item.name.as_deref()?);
    Some(Cow::Owned(format!("{folder}/{name}")))
}
