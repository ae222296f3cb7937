//! What people do with files, folders and collaborations while somebody watches.

use super::desk::Desk;
use super::events::{Actor, Scene, Thing};
use super::items::{Fate, Item};
use super::library::{ADDED, Kind, Place, ROOT};
use super::people::EXTERNAL;
use super::sharing::{Answered, Collaboration, LABELS, Link, MADE, Party};
use super::world::{Deed, Invitee, ItemChange};

impl Desk<'_> {
    /// Does what concerns an item; `None` where nothing was made.
    pub fn act_on_item(&mut self, deed: Deed) -> Option<String> {
        match deed {
            Deed::Upload { user, folder, name } => self.add(user, folder, name, Kind::File),
            Deed::CreateFolder { user, folder, name } => self.add(user, folder, name, Kind::Folder),
            Deed::Edit { item } => self.change_own(&item, "EDIT", |change| change.edits += 1),
            Deed::Rename { item, name } => {
                let item = self.there(&item)?;
                self.rename(item.owner, item.place, name)
            }
            Deed::Move { item, folder } => self.move_within(&item, folder),
            Deed::Share {
                item,
                access,
                has_password,
            } => {
                let link = Link {
                    has_password,
                    ..Link::new(access)
                };
                self.set_link(&item, Some(link))
            }
            Deed::Unshare { item } => self.set_link(&item, None),
            Deed::Classify { item, label } => self.set_label(&item, label),
            Deed::Trash { item } => {
                let now = self.now;
                self.change_own(&item, "DELETE", |change| change.trashed = Some(Some(now)))
            }
            Deed::Undelete { item } => self.undelete(&item),
            Deed::Purge { item } => self.purge(&item),
            Deed::Download { item } => self.change_own(&item, "DOWNLOAD", |_| ()),
            Deed::PreviewAnonymously { item } => {
                let item = self.there(&item)?;
                self.tell_of_item("PREVIEW", Actor::Anonymous, &item);
                None
            }
            Deed::Invite { item, invitee } => self.invite(&item, invitee),
            Deed::Accept { collaboration } => {
                let one = self.find_collaboration(&collaboration)?;
                let change = self.state.world.collaborations.entry(one.number);
                change.or_default().answered = Some(Answered::Accepted);
                self.tell_of_collaboration("COLLABORATION_ACCEPT", &one)
            }
            Deed::SetCollaborationRole {
                collaboration,
                role,
            } => {
                let one = self.find_collaboration(&collaboration)?;
                let change = self.state.world.collaborations.entry(one.number);
                change.or_default().role = Some(role);
                let one = Collaboration { role, ..one };
                self.tell_of_collaboration("COLLABORATION_ROLE_CHANGE", &one)
            }
            Deed::RemoveCollaboration { collaboration } => {
                let one = self.find_collaboration(&collaboration)?;
                let change = self.state.world.collaborations.entry(one.number);
                change.or_default().is_removed = true;
                self.tell_of_collaboration("COLLABORATION_REMOVE", &one)
            }
            Deed::EndCollaborationLater { collaboration, at } => {
                let one = self.find_collaboration(&collaboration)?;
                let change = self.state.world.collaborations.entry(one.number);
                change.or_default().expires = Some(Some(at.as_millisecond()));
                self.tell_of_collaboration("UPDATE_COLLABORATION_EXPIRATION", &one)
            }
            _ => None,
        }
    }

    /// An item that is there and not in the trash.
    pub fn there(&self, id: &str) -> Option<Item> {
        let place = self.tenant.library.find(id)?;
        (self.fate(place) == Fate::There)
            .then(|| self.item(place))
            .flatten()
    }

    /// The folder with an id, or the root folder of an owner.
    fn folder(&self, owner: u64, id: Option<String>) -> Option<Place> {
        let Some(id) = id else {
            return Some(Place { owner, item: ROOT });
        };
        let folder = self.there(&id)?;
        (folder.kind == Kind::Folder).then_some(folder.place)
    }

    /// Folders are told of as files are (uncertain).
    pub fn add(
        &mut self,
        user: u64,
        folder: Option<String>,
        name: String,
        kind: Kind,
    ) -> Option<String> {
        if !self.has_user(user) {
            return None;
        }
        let folder = self.folder(user, folder)?;
        let added = self.state.world.added.entry(folder.owner).or_default();
        let place = folder.sibling(ADDED + added.len() as u64);
        added.push(kind);
        let change = ItemChange {
            name: Some(name),
            folder: Some(folder),
            created: Some(self.now),
            modified: Some(self.now),
            trashed: Some(None),
            ..ItemChange::default()
        };
        self.state.world.items.insert(place, change);
        let placed = self.state.world.placed.entry(folder).or_default();
        placed.insert(place);
        let item = self.item(place)?;
        self.tell_of_item("UPLOAD", Actor::User(user), &item);
        Some(self.tenant.library.id(place))
    }

    /// Changes an item by its owner's hand.
    fn change_own(
        &mut self,
        id: &str,
        event_type: &str,
        work: impl FnOnce(&mut ItemChange),
    ) -> Option<String> {
        let item = self.there(id)?;
        self.change(item.owner, item.place, event_type, work)
    }

    /// Changes an item that is there.
    pub fn change(
        &mut self,
        actor: u64,
        place: Place,
        event_type: &str,
        work: impl FnOnce(&mut ItemChange),
    ) -> Option<String> {
        let now = self.now;
        let change = self.state.world.items.entry(place).or_default();
        work(change);
        if event_type != "DOWNLOAD" {
            change.revisions += u64::from(event_type != "EDIT");
            change.modified = Some(now);
        }
        let item = self.item(place)?;
        self.tell_of_item(event_type, Actor::User(actor), &item);
        None
    }

    fn move_within(&mut self, id: &str, folder: Option<String>) -> Option<String> {
        let item = self.there(id)?;
        let folder = self.folder(item.owner, folder)?;
        let is_own = self.owner(folder) == item.owner;
        is_own.then(|| self.move_to(item.owner, item.place, folder))?
    }

    pub fn rename(&mut self, actor: u64, place: Place, name: String) -> Option<String> {
        self.change(actor, place, "RENAME", |change| change.name = Some(name))
    }

    pub fn set_link(&mut self, id: &str, link: Option<Link>) -> Option<String> {
        let had_link = self.there(id)?.link.is_some();
        let event_type = match (had_link, link) {
            (true, Some(_)) => "ITEM_SHARED_UPDATE",
            (false, Some(_)) => "SHARE",
            (_, None) => "UNSHARE",
        };
        self.change_own(id, event_type, |change| {
            change.links_made += u64::from(event_type == "SHARE");
            change.link = Some(link);
        })
    }

    pub fn set_label(&mut self, id: &str, label: Option<usize>) -> Option<String> {
        let label = label.filter(|label| *label < LABELS.len());
        let had_label = self.there(id)?.label.is_some();
        let event_type = match (had_label, label) {
            (false, Some(_)) => "METADATA_INSTANCE_CREATE",
            (true, Some(_)) => "METADATA_INSTANCE_UPDATE",
            (_, None) => "METADATA_INSTANCE_DELETE",
        };
        self.change_own(id, event_type, |change| change.label = Some(label))
    }

    pub fn undelete(&mut self, id: &str) -> Option<String> {
        let place = self.tenant.library.find(id)?;
        let item = self.item(place)?;
        item.trashed?;
        let change = self.state.world.items.entry(place).or_default();
        change.trashed = Some(None);
        self.tell_of_item("UNDELETE", Actor::User(item.owner), &item);
        None
    }

    fn purge(&mut self, id: &str) -> Option<String> {
        let place = self.tenant.library.find(id)?;
        let item = self.item(place)?;
        self.tell_of_item("DELETE", Actor::User(item.owner), &item);
        self.state.world.items.entry(place).or_default().is_gone = true;
        None
    }

    fn invite(&mut self, id: &str, invitee: Invitee) -> Option<String> {
        let item = self.there(id)?;
        if item.kind == Kind::WebLink {
            return None;
        }
        let place = item.place;
        let (party, answered) = match invitee {
            Invitee::User(user) => (Party::User(user), Answered::Accepted),
            Invitee::Group(group) => (Party::Group(group), Answered::Accepted),
            Invitee::Outside(number) => (Party::User(EXTERNAL + number), Answered::Pending),
        };
        let one = self.collaborate(place, party, "viewer", answered);
        Some(self.tenant.sharing.id(one.number))
    }

    /// Makes a collaboration, and tells of it.
    pub fn collaborate(
        &mut self,
        place: Place,
        party: Party,
        role: &'static str,
        answered: Answered,
    ) -> Collaboration {
        let one = Collaboration {
            number: MADE + self.state.world.collaborations_made.len() as u64,
            place,
            by: self.owner(place),
            party,
            role,
            answered,
            created: self.now,
            expires: None,
        };
        self.state.world.collaborations_made.push(one);
        self.tell_of_collaboration("COLLABORATION_INVITE", &one);
        one
    }

    fn tell_of_item(&mut self, event_type: &str, actor: Actor, item: &Item) {
        let thing = Some(self.thing(item));
        let scene = self.scene(event_type, actor, item.owner);
        self.tell(Scene { thing, ..scene });
    }

    pub fn tell_of_collaboration(
        &mut self,
        event_type: &str,
        one: &Collaboration,
    ) -> Option<String> {
        let item = self.item(one.place)?;
        let (thing, owner) = (self.thing(&item), item.owner);
        let scene = self.scene(event_type, Actor::User(owner), owner);
        self.tell(Scene {
            thing: Some(thing),
            party: one.party,
            collaboration: one.number,
            role: one.role,
            ..scene
        });
        None
    }

    fn thing(&self, item: &Item) -> Thing {
        let folder = item.folder;
        let folder_name = self.item(folder).map(|folder| folder.name);
        Thing {
            place: item.place,
            owner: item.owner,
            kind: item.kind,
            name: item.name.clone(),
            folder,
            folder_name: folder_name.unwrap_or_default(),
            label: item.label,
        }
    }
}
