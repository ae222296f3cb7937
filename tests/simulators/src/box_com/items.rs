//! Folders, files and links to the web as they are now, and who may see them.

use super::desk::Desk;
use super::library::{ADDED, Kind, Place, ROOT};
use super::sharing::{Link, Party};
use crate::moment::Millis;

/// No tree is deeper.
pub const DEPTH_MAX: usize = 64;

/// An item as it is now.
#[derive(Clone, Debug)]
pub struct Item {
    pub place: Place,
    pub kind: Kind,
    pub name: String,
    pub folder: Place,
    /// Whose it is now.
    pub owner: u64,
    pub size: u64,
    pub created: Millis,
    pub modified: Millis,
    pub version: u64,
    /// Goes up with every change, be it of the content or not.
    pub etag: u64,
    pub trashed: Option<Millis>,
    pub link: Option<Link>,
    /// Links that were made since the plan's.
    pub links_made: u64,
    pub label: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    There,
    /// In the trash itself, or in a folder that is.
    Trashed,
    Gone,
}

impl Desk<'_> {
    /// An item as it is now, trashed or not; `None` if there is none, or no more.
    pub fn item(&self, place: Place) -> Option<Item> {
        let (library, sharing) = (&self.tenant.library, &self.tenant.sharing);
        let world = &self.state.world;
        let added = place.item.checked_sub(ADDED);
        let kind = match added {
            None => library.kind(place)?,
            Some(number) => *world.added.get(&place.owner)?.get(number as usize)?,
        };
        let owner = self.owner(place);
        let is_deleted = world.user(owner).is_deleted;
        let change = world.items.get(&place);
        if is_deleted || change.is_some_and(|change| change.is_gone) {
            return None;
        }
        let leaf = library.leaf(place, kind);
        let is_planned = added.is_none();
        let mut item = Item {
            place,
            kind,
            name: leaf.name,
            folder: self.lies_in(place),
            owner,
            size: leaf.size,
            created: leaf.created,
            modified: leaf.modified,
            version: if is_planned { leaf.version } else { 0 },
            etag: 0,
            trashed: leaf.trashed,
            link: is_planned.then(|| sharing.link(library, place)).flatten(),
            links_made: 0,
            label: is_planned.then(|| sharing.label(place, kind)).flatten(),
        };
        if let Some(change) = change {
            item.name = change.name.clone().unwrap_or(item.name);
            item.created = change.created.unwrap_or(item.created);
            item.modified = change.modified.unwrap_or(item.modified);
            item.version += change.edits;
            item.etag = change.revisions;
            item.trashed = change.trashed.unwrap_or(item.trashed);
            item.links_made = change.links_made;
            item.link = change.link.unwrap_or(item.link);
            item.label = change.label.unwrap_or(item.label);
        }
        item.etag += item.version;
        if let Some(given) = world.contents.get(&place) {
            item.size = given.len() as u64;
        }
        let is_open = |link: &Link| link.until.is_none_or(|until| until > self.now);
        item.link = item.link.filter(is_open);
        Some(item)
    }

    /// An item and the folders it lies in, from below, the root left out. Ends early where one is gone.
    pub fn chain(&self, place: Place) -> Vec<Item> {
        let (mut chain, mut at) = (Vec::new(), place);
        while at.item != ROOT && chain.len() < DEPTH_MAX {
            let Some(item) = self.item(at) else {
                break;
            };
            at = item.folder;
            chain.push(item);
        }
        chain
    }

    pub fn fate(&self, place: Place) -> Fate {
        if place.item == ROOT {
            return Fate::There;
        }
        let chain = self.chain(place);
        match chain.last() {
            Some(top) if top.folder.item == ROOT => {}
            _ => return Fate::Gone,
        }
        if chain.iter().any(|item| item.trashed.is_some()) {
            Fate::Trashed
        } else {
            Fate::There
        }
    }

    /// Whether somebody was invited to exactly this item and accepted.
    pub fn is_open_to(&self, viewer: u64, place: Place) -> bool {
        self.roles(viewer, place).next().is_some()
    }

    /// Owners see what is theirs, collaborators of a folder all that lies in it.
    pub fn is_visible(&self, viewer: u64, place: Place) -> bool {
        let is_open = |item: &Item| self.is_open_to(viewer, item.place);
        self.owner(place) == viewer || self.chain(place).iter().any(is_open)
    }

    /// What lies in a folder and not in the trash, in order.
    pub fn children(&self, folder: Place) -> Vec<Place> {
        let planned = self.tenant.library.children(folder);
        let planned = planned.map(|item| folder.sibling(item));
        let placed = self.state.world.placed.get(&folder);
        let placed = placed.into_iter().flatten().copied();
        let mut items: Vec<Place> = planned.chain(placed).collect();
        items.sort_unstable();
        items.dedup();
        let is_here = |place: &Place| {
            let item = self.item(*place);
            item.is_some_and(|item| item.folder == folder && item.trashed.is_none())
        };
        items.retain(is_here);
        items
    }

    /// What others share with a viewer: such items stand in the viewer's root folder.
    pub fn shared_with(&self, viewer: u64) -> Vec<Place> {
        let sharing = &self.tenant.sharing;
        let mut places = sharing.invited(Party::User(viewer)).to_vec();
        for group in self.groups_of(viewer) {
            places.extend_from_slice(sharing.invited(Party::Group(group)));
        }
        let made = &self.state.world.collaborations_made;
        places.extend(made.iter().map(|one| one.place));
        places.sort_unstable();
        places.dedup();
        places.retain(|place| {
            let chain = self.chain(*place);
            let is_open = |item: &Item| self.is_open_to(viewer, item.place);
            self.owner(*place) != viewer
                && self.fate(*place) == Fate::There
                && chain.first().is_some_and(is_open)
                && !chain.iter().skip(1).any(is_open)
        });
        places
    }

    /// The folders above an item as a viewer sees them, from the root on: whoever is not the owner sees only those from
    /// the shared folder on, in the own root (uncertain).
    pub fn path(&self, viewer: u64, item: &Item) -> Vec<Place> {
        let chain = self.chain(item.place);
        let top = match viewer == item.owner {
            true => chain.len().saturating_sub(1),
            false => chain
                .iter()
                .rposition(|item| self.is_open_to(viewer, item.place))
                .unwrap_or(0),
        };
        let root = Place {
            owner: viewer,
            item: ROOT,
        };
        let folders = chain.iter().take(top + 1).skip(1).rev();
        std::iter::once(root)
            .chain(folders.map(|item| item.place))
            .collect()
    }
}
