//! What the plan shares: links and collaborations of an item, as a function of the seed, and who was invited to what.

use std::collections::BTreeMap;

use super::ids::{Type, id, index};
use super::library::{Kind, Library, Place, ROOT};
use super::people::{EXTERNAL, People};
use super::plan::Plan;
use crate::chance::{Draws, Stream};
use crate::moment::{DAY, Millis};

/// Who may use a shared link (OpenAPI, "Shared link").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    Open,
    Company,
    Collaborators,
}

impl Access {
    pub fn name(self) -> &'static str {
        match self {
            Access::Open => "open",
            Access::Company => "company",
            Access::Collaborators => "collaborators",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub access: Access,
    /// What the enterprise's policies leave of it.
    pub effective: Access,
    pub has_password: bool,
    pub permission: &'static str,
    /// When it ends by itself.
    pub until: Option<Millis>,
}

impl Link {
    pub fn new(access: Access) -> Link {
        Link {
            access,
            effective: access,
            has_password: false,
            permission: "can_download",
            until: None,
        }
    }
}

/// Every way of linking; `until` is in days here.
#[rustfmt::skip]
const LINKS: [Link; 8] = [
    Link { access: Access::Open, effective: Access::Open, has_password: false, permission: "can_download", until: None },
    Link { access: Access::Open, effective: Access::Open, has_password: true, permission: "can_download", until: None },
    Link { access: Access::Open, effective: Access::Company, has_password: false, permission: "can_preview", until: None },
    Link { access: Access::Open, effective: Access::Open, has_password: false, permission: "can_preview", until: Some(10) },
    Link { access: Access::Company, effective: Access::Company, has_password: false, permission: "can_download", until: None },
    Link { access: Access::Company, effective: Access::Company, has_password: true, permission: "can_edit", until: None },
    Link { access: Access::Company, effective: Access::Collaborators, has_password: false, permission: "can_preview", until: None },
    Link { access: Access::Collaborators, effective: Access::Collaborators, has_password: false, permission: "can_download", until: None },
];

/// Whom an item is shared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// A user, inside or outside.
    User(u64),
    Group(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answered {
    Accepted,
    Pending,
    Rejected,
}

impl Answered {
    pub fn name(self) -> &'static str {
        match self {
            Answered::Accepted => "accepted",
            Answered::Pending => "pending",
            Answered::Rejected => "rejected",
        }
    }
}

/// A collaboration of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collaboration {
    pub number: u64,
    pub place: Place,
    /// Who invited: whose the item was.
    pub by: u64,
    pub party: Party,
    pub role: &'static str,
    pub answered: Answered,
    pub created: Millis,
    pub expires: Option<Millis>,
}

/// Every way of sharing with people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Colleague,
    Colleagues,
    Group,
    Outside,
    InvitedOutside,
    InvitedColleague,
    RefusedOutside,
    GroupAndOutside,
}

const SHARES: [Share; 8] = [
    Share::Colleague,
    Share::Outside,
    Share::Group,
    Share::InvitedOutside,
    Share::Colleagues,
    Share::InvitedColleague,
    Share::RefusedOutside,
    Share::GroupAndOutside,
];

/// Roles of collaborators (OpenAPI, "Collaboration"), but for `owner`.
pub const ROLES: [&str; 7] = [
    "editor",
    "viewer",
    "previewer",
    "uploader",
    "previewer uploader",
    "viewer uploader",
    "co-owner",
];
/// Numbers of collaborations that deeds made begin here.
pub const MADE: u64 = 1 << 48;
const SLOTS: u64 = 4;

/// The labels of the enterprise's classifications.
pub const LABELS: [&str; 3] = ["Public", "Internal", "Confidential"];

/// What the plan shares.
pub struct Sharing {
    seed: u64,
    started: Millis,
    users: u64,
    externals: u64,
    groups: u64,
    has_labels: bool,
    /// What anybody was ever invited to by the plan.
    invited: BTreeMap<Party, Vec<Place>>,
}

impl Sharing {
    pub fn new(plan: &Plan, library: &Library, people: &People) -> Sharing {
        let mut sharing = Sharing {
            seed: plan.seed,
            started: plan.started.as_millisecond(),
            users: people.count,
            externals: people.externals,
            groups: plan.groups as u64,
            has_labels: plan.has_classifications,
            invited: BTreeMap::new(),
        };
        for owner in library.owners() {
            for item in library.items(owner) {
                let place = Place { owner, item };
                for one in sharing.collaborations(library, place) {
                    let places = sharing.invited.entry(one.party).or_default();
                    places.push(place);
                }
            }
        }
        sharing
    }

    /// Items whose plan names this party.
    pub fn invited(&self, party: Party) -> &[Place] {
        self.invited.get(&party).map_or(&[], Vec::as_slice)
    }

    fn share(&self, library: &Library, place: Place) -> Option<Share> {
        let leaf = library.leaf_number(place);
        // Links to the web have no collaborators of their own.
        if place.item == ROOT || self.users < 2 || library.kind(place) == Some(Kind::WebLink) {
            return None;
        }
        if place.is_outside() {
            return match (place.item, leaf) {
                (1, _) => Some(Share::Colleagues),
                (_, Some(0)) => Some(Share::Colleague),
                _ => None,
            };
        }
        let number = leaf.unwrap_or(place.item - 1);
        if place.owner < 3 && number < SHARES.len() as u64 {
            return Some(SHARES[number as usize]);
        }
        let mut draws = Draws::new(self.seed, Stream::ItemShare, place.number());
        let one_in = if leaf.is_some() { 60 } else { 12 };
        draws.is_one_in(one_in).then(|| draws.pick(&SHARES))
    }

    /// The collaborations that the plan gives an item.
    pub fn collaborations(&self, library: &Library, place: Place) -> Vec<Collaboration> {
        let Some(share) = self.share(library, place) else {
            return Vec::new();
        };
        let mut draws = Draws::new(self.seed, Stream::Grant, place.number());
        let colleague = |draws: &mut Draws| match place.is_outside() {
            true => Party::User(draws.below(self.users)),
            false => {
                let steps = 1 + draws.below(self.users - 1);
                Party::User((place.owner + steps) % self.users)
            }
        };
        let outside = |draws: &mut Draws| Party::User(EXTERNAL + draws.below(self.externals));
        let group = |draws: &mut Draws| match self.groups {
            0 => colleague(draws),
            groups => Party::Group(1 + draws.below(groups)),
        };
        use Answered::{Accepted, Pending, Rejected};
        let parties = match share {
            Share::Colleague => vec![(colleague(&mut draws), Accepted)],
            Share::Colleagues => {
                let first = colleague(&mut draws);
                let second = colleague(&mut draws);
                let mut both = vec![(first, Accepted), (second, Accepted)];
                both.dedup();
                both
            }
            Share::Group => vec![(group(&mut draws), Accepted)],
            Share::Outside => vec![(outside(&mut draws), Accepted)],
            Share::InvitedOutside => vec![(outside(&mut draws), Pending)],
            Share::InvitedColleague => vec![(colleague(&mut draws), Pending)],
            Share::RefusedOutside => vec![(outside(&mut draws), Rejected)],
            Share::GroupAndOutside => {
                let group = group(&mut draws);
                vec![(group, Accepted), (outside(&mut draws), Accepted)]
            }
        };
        let parties = parties.into_iter().enumerate();
        parties
            .map(|(slot, (party, answered))| Collaboration {
                number: place.number() * SLOTS + slot as u64,
                place,
                by: place.owner,
                party,
                role: draws.pick(&ROLES),
                answered,
                created: self.started - DAY - draws.below(25) as Millis * DAY,
                expires: draws
                    .is_one_in(10)
                    .then(|| self.started + draws.below(60) as Millis * DAY + DAY),
            })
            .collect()
    }

    pub fn id(&self, number: u64) -> String {
        id(self.seed, Type::Collaboration, number)
    }

    pub fn find(&self, text: &str) -> Option<u64> {
        index(self.seed, Type::Collaboration, text)
    }

    /// The item of a collaboration of the plan.
    pub fn place_of(number: u64) -> Place {
        Place::of_number(number / SLOTS)
    }

    /// The link that the plan gives an item.
    pub fn link(&self, library: &Library, place: Place) -> Option<Link> {
        let leaf = library.leaf_number(place);
        if place.item == ROOT || place.is_outside() {
            return None;
        }
        let mut draws = Draws::new(self.seed, Stream::Link, place.number());
        let shown = match leaf {
            Some(leaf) if place.owner < 3 => leaf.checked_sub(SHARES.len() as u64),
            None if (8..11).contains(&place.owner) => Some(place.item - 1),
            _ => None,
        };
        let shown = shown.and_then(|number| LINKS.get(number as usize).copied());
        let one_in = if leaf.is_some() { 30 } else { 25 };
        let is_linked = draws.is_one_in(one_in);
        let mut link = shown.or_else(|| is_linked.then(|| draws.pick(&LINKS)))?;
        link.until = link.until.map(|days| self.started + days * DAY);
        Some(link)
    }

    /// The classification that the plan gives an item, by its place in `LABELS`.
    pub fn label(&self, place: Place, kind: Kind) -> Option<usize> {
        let mut draws = Draws::new(self.seed, Stream::Label, place.number());
        let is_labelled = kind != Kind::WebLink && draws.is_one_in(15);
        (self.has_labels && is_labelled && !place.is_outside())
            .then(|| draws.below(LABELS.len() as u64) as usize)
    }
}
