//! The folder tree of every owner, computed from its size: folders first, then files and links to the web.
//!
//! Memory: two numbers per owner. Folder `j` lies in folder `(j - 1) / 4`; leaves are spread evenly over root and folders.

use super::ids::{Type, id, index};
use super::people::EXTERNAL;
use super::plan::Plan;
use crate::chance::{Draws, Stream, draw};
use crate::moment::{DAY, Millis};

/// Items from this number on were added by deeds.
pub const ADDED: u64 = 1 << 23;
/// The number of an owner's root folder, whose id is always "0".
pub const ROOT: u64 = 0;
const OWNER_BITS: u32 = 24;
/// Every owner inside has at least so many folders, the first of which show every way of sharing.
const FOLDERS_MIN: u64 = 8;
/// Leaves in a folder, in the mean.
const LEAVES_PER_FOLDER: u64 = 15;
/// What an owner outside has: one folder that is shared, and leaves half of which lie in it.
const OUTSIDE: Size = Size {
    folders: 1,
    leaves: 6,
};
const TOPICS: [&str; 8] = [
    "Budget",
    "Contract",
    "Roadmap",
    "Übersicht",
    "Draft \"final\"",
    "Invoice",
    "Minutes",
    "Salaries",
];
const EXTENSIONS: [&str; 6] = ["docx", "xlsx", "pdf", "png", "boxnote", "csv"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Folder,
    File,
    WebLink,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Folder => "folder",
            Kind::File => "file",
            Kind::WebLink => "web_link",
        }
    }
}

/// An item for good: who owned it first, and its number in that owner's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub owner: u64,
    pub item: u64,
}

/// One file in so many is a copy of one of a few.
const COPIES_ONE_IN: u64 = 12;
const COPIED: u64 = 8;
const COPIED_SIZE: u64 = 2000;

impl Place {
    pub fn number(self) -> u64 {
        self.owner << OWNER_BITS | self.item
    }

    pub fn of_number(number: u64) -> Place {
        Place {
            owner: number >> OWNER_BITS,
            item: number & ((1 << OWNER_BITS) - 1),
        }
    }

    pub fn sibling(self, item: u64) -> Place {
        Place { item, ..self }
    }

    pub fn is_outside(self) -> bool {
        self.owner >= EXTERNAL
    }
}

#[derive(Clone, Copy, Debug)]
struct Size {
    folders: u64,
    leaves: u64,
}

/// What an item is like at first.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub name: String,
    pub size: u64,
    pub created: Millis,
    pub modified: Millis,
    pub version: u64,
    /// When it was thrown away, if it was.
    pub trashed: Option<Millis>,
}

/// All trees of a plan.
pub struct Library {
    seed: u64,
    started: Millis,
    sizes: Vec<Size>,
    externals: u64,
}

impl Library {
    pub fn new(plan: &Plan) -> Library {
        // A few people have ten times as much as the others.
        let weight = |owner: u64| match draw(plan.seed, Stream::Drive, owner) % 20 {
            0 => 40,
            other => 2 + other % 5,
        };
        let owners = plan.users as u64;
        let total: u64 = (0..owners).map(weight).sum();
        let files = plan.files as u128;
        let up_to = |sum: u64| (u128::from(sum) * files / u128::from(total.max(1))) as u64;
        let mut sum = 0;
        let sizes = (0..owners).map(|owner| {
            let before = up_to(sum);
            sum += weight(owner);
            let leaves = up_to(sum) - before;
            let folders = (leaves / LEAVES_PER_FOLDER).max(FOLDERS_MIN);
            Size { folders, leaves }
        });
        Library {
            seed: plan.seed,
            started: plan.started.as_millisecond(),
            sizes: sizes.collect(),
            externals: plan.external_folders as u64,
        }
    }

    fn size(&self, owner: u64) -> Size {
        let nothing = Size {
            folders: 0,
            leaves: 0,
        };
        match owner.checked_sub(EXTERNAL) {
            Some(outside) if outside < self.externals => OUTSIDE,
            Some(_) => nothing,
            None => self.sizes.get(owner as usize).copied().unwrap_or(nothing),
        }
    }

    /// Everybody who owns something, inside and outside.
    pub fn owners(&self) -> impl Iterator<Item = u64> {
        let outside = EXTERNAL..EXTERNAL + self.externals;
        (0..self.sizes.len() as u64).chain(outside)
    }

    /// Items of an owner that the plan has, root left out.
    pub fn items(&self, owner: u64) -> std::ops::RangeInclusive<u64> {
        let size = self.size(owner);
        1..=size.folders + size.leaves
    }

    /// The place of a leaf among its owner's leaves.
    pub fn leaf_number(&self, place: Place) -> Option<u64> {
        place.item.checked_sub(self.size(place.owner).folders + 1)
    }

    /// What an item of the plan is; every root is there, even of those who own nothing.
    pub fn kind(&self, place: Place) -> Option<Kind> {
        let size = self.size(place.owner);
        match place.item {
            ROOT => Some(Kind::Folder),
            item if item <= size.folders => Some(Kind::Folder),
            item if item > size.folders + size.leaves => None,
            item if item % 25 == 24 => Some(Kind::WebLink),
            _ => Some(Kind::File),
        }
    }

    /// The folder that an item of the plan lies in.
    pub fn parent(&self, place: Place) -> u64 {
        let size = self.size(place.owner);
        match self.leaf_number(place) {
            None => place.item.saturating_sub(1) / 4,
            Some(leaf) => leaf * (size.folders + 1) / size.leaves.max(1),
        }
    }

    /// What the plan puts into a folder, in order.
    pub fn children(&self, folder: Place) -> impl Iterator<Item = u64> {
        let Size { folders, leaves } = self.size(folder.owner);
        let first = folder.item.min(folders) * 4 + 1;
        let inner = first.min(folders + 1)..(first + 4).min(folders + 1);
        let begin = |container: u64| (container * leaves).div_ceil(folders + 1);
        let (from, to) = match folder.item {
            item if item <= folders => (begin(item), begin(item + 1)),
            _ => (0, 0),
        };
        inner.chain(folders + 1 + from..folders + 1 + to)
    }

    pub fn id(&self, place: Place) -> String {
        match place.item {
            ROOT => "0".into(),
            _ => id(self.seed, Type::Item, place.number()),
        }
    }

    /// The item with an id, be it there or not; roots have no id of their own.
    pub fn find(&self, text: &str) -> Option<Place> {
        let place = Place::of_number(index(self.seed, Type::Item, text)?);
        (place.item != ROOT).then_some(place)
    }

    pub fn version_id(&self, place: Place, version: u64) -> String {
        id(
            self.seed,
            Type::Version,
            place.number() << 8 | version & 255,
        )
    }

    /// The draw that a version's content comes from; until somebody edits it, a copy has what the others have.
    pub fn content(&self, place: Place, version: u64) -> u64 {
        match self.copied(place) {
            Some(copied) if version <= self.leaf(place, Kind::File).version => {
                draw(self.seed, Stream::Copy, copied)
            }
            _ => draw(self.seed ^ version, Stream::Blob, place.number()),
        }
    }

    /// Some files are copies of the same few.
    fn copied(&self, place: Place) -> Option<u64> {
        let mut draws = Draws::new(self.seed, Stream::Copy, place.number());
        draws.is_one_in(COPIES_ONE_IN).then(|| draws.below(COPIED))
    }

    /// The content's SHA-1, or what stands for it.
    pub fn sha1(&self, content: u64) -> String {
        let mut draws = Draws::new(content, Stream::Blob, 0);
        format!(
            "{:016x}{:016x}{:08x}",
            draws.next(),
            draws.next(),
            draws.next() as u32
        )
    }

    pub fn extension(&self, place: Place) -> &'static str {
        EXTENSIONS[(draw(self.seed, Stream::Item, place.number()) % 6) as usize]
    }

    pub fn name(&self, place: Place, kind: Kind) -> String {
        let mut draws = Draws::new(self.seed, Stream::Web, place.number());
        let (topic, item) = (draws.pick(&TOPICS), place.item);
        match kind {
            _ if item == ROOT => "All Files".into(),
            Kind::Folder => format!("{topic} {item}"),
            Kind::File => format!("{topic} {item}.{}", self.extension(place)),
            Kind::WebLink => format!("{topic} {item} on the web"),
        }
    }

    /// Whether the plan threw an item away: one leaf in forty, of the first few owners each thirteenth.
    fn trashed(&self, place: Place) -> Option<Millis> {
        let leaf = self.leaf_number(place)?;
        if place.is_outside() || place.item >= ADDED {
            return None;
        }
        let mut draws = Draws::new(self.seed, Stream::Shuffle, place.number());
        let is_shown = place.owner < 4 && leaf % 13 == 12;
        let is_trashed = draws.is_one_in(40) || is_shown;
        is_trashed.then(|| self.started - DAY - draws.below(20) as Millis * DAY)
    }

    pub fn leaf(&self, place: Place, kind: Kind) -> Leaf {
        let mut draws = Draws::new(self.seed, Stream::Item, place.number());
        let created = self.started - 30 * DAY - draws.below(1000) as Millis * DAY;
        let age = (self.started - 22 * DAY - created) as u64;
        Leaf {
            name: self.name(place, kind),
            size: {
                let (large, small) = (draws.below(24), draws.below(999));
                match (kind, self.copied(place)) {
                    (Kind::WebLink, _) => 0,
                    (Kind::File, Some(copied)) => COPIED_SIZE + copied,
                    _ => 1 << large | small,
                }
            },
            created,
            modified: created + draws.below(age) as Millis,
            version: draws.below(5),
            trashed: self.trashed(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_lies_where_its_folder_lists_it() {
        for files in [0, 3, 100, 5000] {
            let plan = Plan::new(3).sized(20, 2, files, 0);
            let library = Library::new(&plan);
            let mut leaves = 0;
            for owner in library.owners() {
                let place = |item| Place { owner, item };
                let mut listed = 0;
                for folder in 0..=library.size(owner).folders {
                    for item in library.children(place(folder)) {
                        assert_eq!(library.parent(place(item)), folder);
                        listed += 1;
                    }
                }
                assert_eq!(listed, library.items(owner).count());
                let own = |item: &u64| library.leaf_number(place(*item)).is_some();
                if owner < EXTERNAL {
                    leaves += library.items(owner).filter(own).count();
                }
            }
            assert_eq!(leaves, files);
        }
    }

    #[test]
    fn an_id_leads_back_to_its_item() {
        let library = Library::new(&Plan::new(3));
        let place = Place { owner: 7, item: 11 };
        assert_eq!(library.find(&library.id(place)), Some(place));
        assert_eq!(library.find("0"), None);
        assert_eq!(library.find("12"), None);
    }
}
