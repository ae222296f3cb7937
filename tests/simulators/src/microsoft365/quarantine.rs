//! Where administrators keep files that nobody else is to have, and whether a file is there or back.

use casbah_model::action::Target;

use super::desk::Desk;
use super::library::Place;
use super::simulator::Simulator;

/// The folder's name, at the top of a site's library.
const FOLDER: &str = "Admin quarantine";

impl Desk<'_> {
    /// A site's drive, which has no owner, and which no file is taken from.
    pub fn quarantine_drive(&self) -> u64 {
        self.tenant.library.team_sites - 1
    }

    /// One and the same each time. Nothing is given on it, nor on the top of the library.
    pub fn quarantine_folder(&mut self) -> Place {
        let drive = self.quarantine_drive();
        let root = Place { drive, item: 0 };
        match self.child_named(root, FOLDER) {
            Some(folder) => folder,
            None => self.add(self.keeper(root), root, Some(FOLDER.into()), true),
        }
    }

    /// The place of an item, be it there or deleted.
    fn place_once(&self, target: &Target) -> Option<Place> {
        let library = &self.tenant.library;
        let drive = library.find_drive(target.within.as_deref()?)?;
        library.find_item(drive, &target.id)
    }

    fn is_in_quarantine(&self, original: Place, folder: Place) -> bool {
        let content = self.content_of(original);
        let is_copy = |place: Place| {
            self.parent_of(place) == Some(folder)
                && !self.is_folder(place)
                && self.content_of(place) == content
        };
        !self.has_item(original) && self.items_there(folder.drive).any(is_copy)
    }

    /// The file of the same name and content where an original lay.
    fn back(&self, original: Place) -> Option<Place> {
        let folder = self
            .parent_of(original)
            .filter(|folder| self.has_item(*folder))?;
        let found = self.child_named(folder, &self.name_of(original))?;
        (self.content_of(found) == self.content_of(original)).then_some(found)
    }
}

impl Simulator {
    /// Whether a file is gone, and one of the same content lies in the folder `DRIVE/FOLDER`.
    pub fn is_in_quarantine(&self, target: &Target, to: &str) -> bool {
        let Ok(to) = to.parse::<Target>() else {
            return false;
        };
        self.at_desk(|desk| {
            let places = desk.place_once(target).zip(desk.place_once(&to));
            places.is_some_and(|(original, folder)| desk.is_in_quarantine(original, folder))
        })
    }

    /// Whether a file of the same name and content lies where this one lay, or it still lies there itself.
    pub fn is_back(&self, target: &Target) -> bool {
        self.back(target).is_some()
    }

    /// That file.
    pub fn back(&self, target: &Target) -> Option<Target> {
        self.at_desk(|desk| {
            let found = desk.back(desk.place_once(target)?)?;
            let library = &desk.tenant.library;
            Some(Target {
                within: target.within.clone(),
                id: library.item_id(found),
            })
        })
    }
}
