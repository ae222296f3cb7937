//! Whose an item is: the owner of the tree that it lies in, which may be another than the one it was made in.
//!
//! A place names an item for good, so that its id stays; in which folder it lies decides who owns it. That a
//! move alone changes the owner, and that an editor may take things out of a folder, is uncertain: no document says it.

use super::desk::Desk;
use super::faults::Fault;
use super::items::{DEPTH_MAX, Item};
use super::library::{ADDED, Kind, Place, ROOT};
use super::sharing::{Answered, Party};
use super::wire::api_error;
use super::writes::DENIED;
use crate::answer::Answer;

/// Roles that put things into a folder and take them out of it.
const EDITORS: [&str; 2] = ["editor", "co-owner"];

impl Desk<'_> {
    pub fn owner(&self, place: Place) -> u64 {
        if !self.state.world.handed.contains(&place.owner) {
            return place.owner;
        }
        let mut at = place;
        for _ in 0..DEPTH_MAX {
            if at.item == ROOT {
                break;
            }
            at = self.lies_in(at);
        }
        at.owner
    }

    /// The folder that an item lies in, be it there or not; that of a root is itself.
    pub fn lies_in(&self, place: Place) -> Place {
        let moved = self.state.world.items.get(&place);
        let moved = moved.and_then(|change| change.folder);
        moved.unwrap_or_else(|| place.sibling(self.tenant.library.parent(place)))
    }

    /// Every item that was made in an owner's tree, wherever it is now, the root left out.
    pub fn made_in(&self, owner: u64) -> impl Iterator<Item = Place> + use<> {
        let added = self.state.world.added.get(&owner).map_or(0, Vec::len) as u64;
        let items = self.tenant.library.items(owner).chain(ADDED..ADDED + added);
        items.map(move |item| Place { owner, item })
    }

    /// Every item that somebody owns now, the root left out.
    pub fn owned(&self, owner: u64) -> Vec<Place> {
        let mut trees = self.state.world.handed.clone();
        trees.insert(owner);
        let all = trees.into_iter().flat_map(|tree| self.made_in(tree));
        all.filter(|place| self.owner(*place) == owner).collect()
    }

    /// The roles that somebody has in exactly this item, by invitations that were accepted.
    pub fn roles(&self, viewer: u64, place: Place) -> impl Iterator<Item = &'static str> {
        let all = self.collaborations(place).into_iter();
        let accepted = all.filter(|one| one.answered == Answered::Accepted);
        let own = accepted.filter(move |one| match one.party {
            Party::User(user) => user == viewer,
            Party::Group(group) => self.is_member(group, viewer),
        });
        own.map(|one| one.role)
    }

    /// Owners may, and editors of the item or of a folder above it.
    pub fn may_edit(&self, viewer: u64, place: Place) -> bool {
        let is_editor = |item: &Item| {
            let mut roles = self.roles(viewer, item.place);
            roles.any(|role| EDITORS.contains(&role))
        };
        self.owner(place) == viewer || self.chain(place).iter().any(is_editor)
    }

    /// Where somebody wants an item to lie. Whoever takes it out of a folder and puts it into another has to be an editor
    /// of both; a folder that is there but not seen is refused like one that is only seen (uncertain).
    pub fn asked_folder(&mut self, viewer: u64, item: &Item, id: &str) -> Result<Place, Answer> {
        let hidden = self
            .there(id)
            .filter(|folder| folder.kind == Kind::Folder && !self.is_visible(viewer, folder.place));
        if hidden.is_some() {
            return Err(api_error(DENIED));
        }
        let folder = self.resolve(viewer, Kind::Folder, id)?;
        let may_move = self.may_edit(viewer, item.folder) && self.may_edit(viewer, folder);
        let changes_hands = self.owner(folder) != item.owner;
        let is_refused = changes_hands && self.strikes(Fault::MoveRefused).is_some();
        match may_move && !is_refused && !self.is_within(folder, item.place) {
            true => Ok(folder),
            false => Err(api_error(DENIED)),
        }
    }

    /// Whether a folder is an item or lies in it.
    fn is_within(&self, folder: Place, item: Place) -> bool {
        let chain = self.chain(folder);
        chain.iter().any(|above| above.place == item)
    }

    /// Moves an item by somebody's hand; into another tree all that lies in it goes along.
    pub fn move_to(&mut self, mover: u64, place: Place, folder: Place) -> Option<String> {
        if self.is_within(folder, place) {
            return None;
        }
        let changes_hands = self.owner(place) != self.owner(folder);
        let world = &mut self.state.world;
        if changes_hands {
            world.handed.insert(place.owner);
        }
        world.placed.entry(folder).or_default().insert(place);
        self.change(mover, place, "MOVE", |change| change.folder = Some(folder))
    }
}
