//! Who can really see each item: its links and collaborations and those of every folder above it, together.

use std::collections::BTreeSet;

use casbah_model::file::Sharing;

use super::desk::Desk;
use super::items::{Fate, Item};
use super::library::Place;
use super::people::{EXTERNAL, SERVICE, Status};
use super::sharing::{Access, Answered, Collaboration, Link, Party};

/// The truth about a folder, a file or a link to the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemHeld {
    pub id: String,
    /// `folder`, `file` or `web_link`.
    pub kind: &'static str,
    pub name: String,
    pub bytes: u64,
    /// The id of the owner.
    pub owner: String,
    /// The status of a managed owner; `None` for one outside, and for the service account.
    pub owner_status: Option<Status>,
    /// In the trash, alone or with a folder.
    pub is_trashed: bool,
    /// Whether some active user sees it, so that a walk as each of them comes by. Never what the service account owns:
    /// who works on such an item may come by, but it is in nobody's tree and nobody outside owns it.
    pub is_in_reach: bool,
    /// How far it is visible, inheritance considered: `PublicByLink` with an open link without password, `External` with
    /// a password or where somebody outside owns it or was invited.
    pub sharing: Sharing,
    /// Whether some link to it asks for a password.
    pub has_password: bool,
    /// Ids of the users, the owner left out, who accepted an invitation, inside and outside.
    pub collaborators: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// Logins of people who have not answered an invitation.
    pub invited: BTreeSet<String>,
    /// Ids of the folders above it in its owner's tree, from the root down, the root left out.
    pub folders: Vec<String>,
}

impl Desk<'_> {
    pub fn each_item(&self, see: &mut dyn FnMut(ItemHeld)) {
        let library = &self.tenant.library;
        let mut owners: BTreeSet<u64> = library.owners().collect();
        owners.extend(self.state.world.added.keys());
        for owner in owners {
            let held = self.made_in(owner);
            held.filter_map(|place| self.item_held(place))
                .for_each(&mut *see);
        }
    }

    /// The truth about an item; `None` if it is not there. Items outside count where one of us can see them.
    pub fn item_held(&self, place: Place) -> Option<ItemHeld> {
        let chain = self.chain(place);
        let item = chain.first()?;
        let fate = self.fate(place);
        if fate == Fate::Gone {
            return None;
        }
        let all: Vec<Collaboration> = chain
            .iter()
            .flat_map(|item| self.collaborations(item.place))
            .filter(|one| one.answered != Answered::Rejected)
            .collect();
        let is_outside = item.owner >= EXTERNAL;
        if is_outside && all.is_empty() {
            return None;
        }
        let (people, groups) = (&self.tenant.people, &self.tenant.groups);
        let mut held = ItemHeld {
            id: self.tenant.library.id(place),
            kind: item.kind.name(),
            name: item.name.clone(),
            bytes: item.size,
            owner: people.id(item.owner),
            owner_status: (item.owner < SERVICE)
                .then(|| self.user(item.owner).map(|owner| owner.status))
                .flatten(),
            is_trashed: fate == Fate::Trashed,
            is_in_reach: fate == Fate::There && self.has_active_viewer(item.owner, &all),
            sharing: sharing(item.owner, &chain, &all),
            has_password: links(&chain).any(|link| link.has_password),
            collaborators: BTreeSet::new(),
            groups: BTreeSet::new(),
            invited: BTreeSet::new(),
            folders: chain
                .iter()
                .skip(1)
                .rev()
                .map(|item| self.tenant.library.id(item.place))
                .collect(),
        };
        for one in all {
            match (one.party, one.answered) {
                (Party::Group(group), _) => drop(held.groups.insert(groups.id(group))),
                (Party::User(user), Answered::Pending) => {
                    held.invited.insert(people.login(user));
                }
                (Party::User(user), _) => drop(held.collaborators.insert(people.id(user))),
            }
        }
        Some(held)
    }

    fn has_active_viewer(&self, owner: u64, all: &[Collaboration]) -> bool {
        let is_active = |user: u64| {
            let person = self.user(user).filter(|_| user < EXTERNAL);
            person.is_some_and(|person| person.status != Status::Inactive)
        };
        let is_seen = |one: &Collaboration| {
            one.answered == Answered::Accepted
                && match one.party {
                    Party::User(user) => is_active(user),
                    Party::Group(group) => self.members(group).into_iter().any(is_active),
                }
        };
        owner != SERVICE && (is_active(owner) || all.iter().any(is_seen))
    }
}

fn sharing(owner: u64, chain: &[Item], all: &[Collaboration]) -> Sharing {
    let least = match owner >= EXTERNAL {
        true => Sharing::External,
        false => Sharing::Private,
    };
    let by_links = links(chain).map(|link| match (link.effective, link.has_password) {
        (Access::Open, false) => Sharing::PublicByLink,
        (Access::Open, true) => Sharing::External,
        (Access::Company, _) => Sharing::Internal,
        (Access::Collaborators, _) => Sharing::Private,
    });
    let by_people = all.iter().map(|one| match one.party {
        Party::User(user) if user >= EXTERNAL => Sharing::External,
        Party::User(_) | Party::Group(_) => Sharing::Internal,
    });
    by_links.chain(by_people).fold(least, Sharing::max)
}

fn links(chain: &[Item]) -> impl Iterator<Item = &Link> {
    chain.iter().filter_map(|item| item.link.as_ref())
}
