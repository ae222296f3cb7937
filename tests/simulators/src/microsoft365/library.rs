//! Sites, drives, folders and files, and how far each is shared: all functions of the seed and a number.
//!
//! Items of a drive are numbered: 0 is the root, then its folders, then its files.

use casbah_model::file::Sharing;

use super::people::People;
use super::plan::Plan;
use crate::chance::{Draws, Stream, draw, guid, guid_index};

const TOPICS: [&str; 8] = [
    "Budget",
    "Roadmap",
    "Contract",
    "Invoice",
    "Minutes",
    "Proposal",
    "Report",
    "Checklist",
];
pub const EXTENSIONS: [(&str, &str); 5] = [
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
];
const TEAM_HOST: &str = "contoso.sharepoint.com";
const PERSONAL_HOST: &str = "contoso-my.sharepoint.com";
/// A folder for about this many files.
const FILES_PER_FOLDER: u64 = 12;

/// A site with its one library; a site and its drive have the same number.
#[derive(Clone, Debug)]
pub struct Site {
    pub id: String,
    pub name: String,
    pub web_url: String,
    /// Whose OneDrive it is.
    pub owner: Option<u64>,
}

/// Which item of which drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub drive: u64,
    pub item: u64,
}

impl Place {
    /// Another item of the same drive.
    pub fn sibling(self, item: u64) -> Place {
        Place { item, ..self }
    }
}

/// A permission that somebody gave on an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// A link for everyone in the company.
    OrganizationLink,
    /// A link for one colleague.
    ColleagueLink,
    /// A direct grant to one colleague.
    ColleagueDirect,
    /// Everyone but guests, as a claim.
    EveryoneInside,
    /// A link for a person of another company who redeemed it.
    PartnerLink,
    /// A direct grant to a guest account of the directory.
    GuestDirect,
    /// An invitation that nobody redeemed yet.
    Invitation,
    /// A link for anyone who has it.
    AnonymousLink,
}

impl Share {
    pub fn level(self) -> Sharing {
        match self {
            Share::OrganizationLink
            | Share::ColleagueLink
            | Share::ColleagueDirect
            | Share::EveryoneInside => Sharing::Internal,
            Share::PartnerLink | Share::GuestDirect | Share::Invitation => Sharing::External,
            Share::AnonymousLink => Sharing::PublicByLink,
        }
    }

    /// The `scope` of the `shared` facet.
    pub fn scope(self) -> &'static str {
        match self {
            Share::OrganizationLink => "organization",
            Share::AnonymousLink => "anonymous",
            _ => "users",
        }
    }
}

/// The layout of a plan's files: a few numbers per drive, nothing per file.
pub struct Library {
    seed: u64,
    pub team_sites: u64,
    /// Owners of the personal sites, which come after the team sites.
    owners: Vec<u32>,
    /// Files before each drive.
    files_before: Vec<u64>,
}

impl Library {
    pub fn new(plan: &Plan, people: &People) -> Library {
        let team_sites = (plan.users as u64 / 25).max(3);
        let owners: Vec<u32> = (0..people.count)
            .filter(|index| people.has_drive(*index))
            .map(|index| index as u32)
            .collect();
        let weights: Vec<u64> = (0..team_sites + owners.len() as u64)
            .map(|drive| {
                let weight = 1 + draw(plan.seed, Stream::Drive, drive | 1 << 32) % 8;
                if drive < team_sites {
                    weight * 20
                } else {
                    weight
                }
            })
            .collect();
        let total: u64 = weights.iter().sum();
        let mut files_before = vec![0];
        let mut sum = 0;
        for weight in weights {
            sum += weight;
            files_before.push(plan.files as u64 * sum / total.max(1));
        }
        Library {
            seed: plan.seed,
            team_sites,
            owners,
            files_before,
        }
    }

    /// How many sites, and so drives.
    pub fn count(&self) -> u64 {
        self.files_before.len() as u64 - 1
    }

    pub fn owner(&self, drive: u64) -> Option<u64> {
        let place = drive.checked_sub(self.team_sites)?;
        self.owners
            .get(place as usize)
            .map(|owner| u64::from(*owner))
    }

    pub fn drive_of_user(&self, user: u64) -> Option<u64> {
        let place = self.owners.binary_search(&(user as u32)).ok()?;
        Some(self.team_sites + place as u64)
    }

    pub fn files(&self, drive: u64) -> u64 {
        self.files_before[drive as usize + 1] - self.files_before[drive as usize]
    }

    pub fn folders(&self, drive: u64) -> u64 {
        self.files(drive).div_ceil(FILES_PER_FOLDER)
    }

    /// Items of a drive as it was at first, root included.
    pub fn items(&self, drive: u64) -> u64 {
        1 + self.folders(drive) + self.files(drive)
    }

    /// The place of a file by its number over all drives.
    pub fn place_of_file(&self, number: u64) -> Option<Place> {
        if number >= *self.files_before.last()? {
            return None;
        }
        let drive = self
            .files_before
            .partition_point(|before| *before <= number) as u64
            - 1;
        let item = 1 + self.folders(drive) + number - self.files_before[drive as usize];
        Some(Place { drive, item })
    }

    /// Folders have the numbers after the root; everything later is a file.
    pub fn is_folder(&self, place: Place) -> bool {
        place.item <= self.folders(place.drive)
    }

    fn draws(&self, stream: Stream, place: Place) -> Draws {
        Draws::new(self.seed, stream, place.drive << 32 | place.item)
    }

    /// The item that holds this one; `None` for the root. A folder's number is larger than its parent's.
    pub fn parent(&self, place: Place) -> Option<u64> {
        if place.item == 0 {
            return None;
        }
        let folders = self.folders(place.drive);
        let above = if place.item <= folders {
            place.item
        } else {
            folders + 1
        };
        Some(self.draws(Stream::Item, place).below(above))
    }

    pub fn push_name(&self, out: &mut String, place: Place) {
        let number = draw(self.seed, Stream::Item, place.drive << 32 | place.item);
        out.push_str(TOPICS[(number % 8) as usize]);
        out.push('-');
        out.push_str(&place.item.to_string());
        if !self.is_folder(place) {
            out.push('.');
            out.push_str(EXTENSIONS[(number / 8 % 5) as usize].0);
        }
    }

    pub fn extension(&self, place: Place) -> &'static str {
        let number = draw(self.seed, Stream::Item, place.drive << 32 | place.item);
        EXTENSIONS[(number / 8 % 5) as usize].0
    }

    /// Folder names between the library and the item, each followed by a slash.
    pub fn push_folders(&self, out: &mut String, place: Place) {
        match self.parent(place) {
            None | Some(0) => {}
            Some(parent) => {
                let folder = Place {
                    item: parent,
                    ..place
                };
                self.push_folders(out, folder);
                self.push_name(out, folder);
                out.push('/');
            }
        }
    }

    /// Own shares at first: few on files, fewer on folders, never on the root or the folders that hold most.
    pub fn own_share(&self, place: Place) -> Option<Share> {
        let folders = self.folders(place.drive);
        let mut draws = self.draws(Stream::ItemShare, place);
        let thousandths = draws.below(1000);
        let (anonymous, external, internal) = match place.item {
            item if item <= folders / 4 => return None,
            item if item <= folders => (4, 14, 34),
            _ => (26, 88, 170),
        };
        let kind = if thousandths < anonymous {
            Share::AnonymousLink
        } else if thousandths < external {
            draws.pick(&[Share::PartnerLink, Share::GuestDirect, Share::Invitation])
        } else if thousandths < internal {
            draws.pick(&[
                Share::OrganizationLink,
                Share::ColleagueLink,
                Share::ColleagueDirect,
                Share::EveryoneInside,
            ])
        } else {
            return None;
        };
        Some(kind)
    }

    pub fn drive_id(&self, drive: u64) -> String {
        let tail = draw(self.seed, Stream::Drive, drive);
        format!(
            "b!{:08x}{tail:016x}",
            drive as u32 ^ self.mask(Stream::Drive)
        )
    }

    pub fn find_drive(&self, id: &str) -> Option<u64> {
        let front = u32::from_str_radix(id.strip_prefix("b!")?.get(..8)?, 16).ok()?;
        let drive = u64::from(front ^ self.mask(Stream::Drive));
        (drive < self.count() && self.drive_id(drive) == id).then_some(drive)
    }

    pub fn item_id(&self, place: Place) -> String {
        let tail = self.draws(Stream::Item, place).next() as u32;
        format!(
            "01{:08X}{:08X}{tail:08X}",
            place.drive as u32,
            place.item as u32 ^ self.mask(Stream::Item)
        )
    }

    pub fn find_item(&self, drive: u64, id: &str) -> Option<Place> {
        if id == "root" {
            return Some(Place { drive, item: 0 });
        }
        let front = u32::from_str_radix(id.get(10..18)?, 16).ok()?;
        let place = Place {
            drive,
            item: u64::from(front ^ self.mask(Stream::Item)),
        };
        (self.item_id(place) == id).then_some(place)
    }

    fn mask(&self, stream: Stream) -> u32 {
        draw(self.seed, stream, u64::MAX) as u32
    }

    pub fn site(&self, number: u64, people: &People) -> Site {
        let owner = self.owner(number);
        let (host, name, path) = match (number, owner) {
            (0, _) => (TEAM_HOST, "Communication site".to_string(), String::new()),
            (_, None) => {
                let name = format!("{}{number}", TOPICS[(number % 8) as usize]);
                (TEAM_HOST, name.clone(), format!("/sites/{name}"))
            }
            (_, Some(owner)) => {
                let upn = people.upn(owner);
                let folder = upn.replace(['.', '@'], "_");
                (
                    PERSONAL_HOST,
                    people.person(owner).name,
                    format!("/personal/{folder}"),
                )
            }
        };
        let collection = guid(self.seed, Stream::Site, number);
        let web = guid(self.seed, Stream::Web, number);
        Site {
            id: format!("{host},{collection},{web}"),
            name,
            web_url: format!("https://{host}{path}"),
            owner,
        }
    }

    /// A site by its full id, or by the GUID in its middle.
    pub fn find_site(&self, id: &str) -> Option<u64> {
        if id == "root" {
            return Some(0);
        }
        let collection = id.split(',').nth(1).unwrap_or(id);
        guid_index(self.seed, Stream::Site, collection).filter(|number| *number < self.count())
    }

    /// The library's folder below its site, as people see it.
    pub fn library_name(&self, drive: u64) -> &'static str {
        if drive < self.team_sites {
            "Shared Documents"
        } else {
            "Documents"
        }
    }
}
