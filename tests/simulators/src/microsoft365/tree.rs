//! Where items lie and what they are called by now: as the seed says, unless somebody moved, renamed or made them.

use super::desk::Desk;
use super::library::Place;

impl Desk<'_> {
    /// The folder that holds an item; `None` for the root.
    pub fn parent_of(&self, place: Place) -> Option<Place> {
        let moved = self
            .state
            .world
            .item(place)
            .and_then(|change| change.parent);
        let parent = moved.or_else(|| self.tenant.library.parent(place))?;
        Some(place.sibling(parent))
    }

    /// An item and the folders above it, nearest first.
    pub fn chain(&self, place: Place) -> impl Iterator<Item = Place> {
        std::iter::successors(Some(place), |place| self.parent_of(*place))
    }

    pub fn is_folder(&self, place: Place) -> bool {
        let change = self.state.world.item(place);
        self.tenant.library.is_folder(place) || change.is_some_and(|change| change.is_folder)
    }

    pub fn push_name(&self, out: &mut String, place: Place) {
        let renamed = self
            .state
            .world
            .item(place)
            .and_then(|change| change.name.as_deref());
        match renamed {
            _ if place.item == 0 => out.push_str("root"),
            Some(name) => out.push_str(name),
            None => self.tenant.library.push_name(out, place),
        }
    }

    pub fn name_of(&self, place: Place) -> String {
        let mut name = String::new();
        self.push_name(&mut name, place);
        name
    }

    /// Names of the folders between the library and the item, each followed by a slash.
    pub fn push_folders(&self, out: &mut String, place: Place) {
        if let Some(folder) = self.parent_of(place).filter(|folder| folder.item > 0) {
            self.push_folders(out, folder);
            self.push_name(out, folder);
            out.push('/');
        }
    }

    /// The address of an item in Graph, with encoded spaces.
    pub fn web_url(&self, place: Place) -> String {
        let mut out = String::with_capacity(128);
        self.tenant.push_library_url(&mut out, place.drive);
        if place.item > 0 {
            out.push('/');
            self.push_folders(&mut out, place);
            self.push_name(&mut out, place);
        }
        out.replace(' ', "%20")
    }

    /// Items of a drive that are there, the root left out.
    pub fn items_there(&self, drive: u64) -> impl Iterator<Item = Place> {
        let places = (1..self.item_count(drive)).map(move |item| Place { drive, item });
        places.filter(|place| self.has_item(*place))
    }

    /// The item of this name in a folder. Names differ by more than their case.
    pub fn child_named(&self, folder: Place, name: &str) -> Option<Place> {
        let name = name.to_lowercase();
        let mut inside = self
            .items_there(folder.drive)
            .filter(|place| self.parent_of(*place) == Some(folder));
        inside.find(|place| self.name_of(*place).to_lowercase() == name)
    }

    /// The item that is reached from a folder by names.
    pub fn descend(&self, from: Place, names: &[&str]) -> Option<Place> {
        names
            .iter()
            .try_fold(from, |folder, name| self.child_named(folder, name))
    }
}
