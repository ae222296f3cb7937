//! Permissions that stand on items: those of the seed, as far as they are left, and those that were given since.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::file::Sharing;

use super::desk::Desk;
use super::library::{Place, Share};
use crate::chance::{Draws, Stream};
use crate::moment::Millis;

/// A permission that somebody gave on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: String,
    /// The item that it was given on.
    pub on: Place,
    pub to: Recipient,
    pub role: Role,
    /// When it ends.
    pub until: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Whoever a share of the seed is for, who is found by the number.
    Share(Share, u64),
    /// A user of the directory, member or guest.
    User(u64),
    /// Somebody who is in no directory of ours and has not answered.
    Invited(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Read,
    Write,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Write => "write",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        [Role::Read, Role::Write]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// A permission that was given after the tenant was made.
#[derive(Clone, Debug)]
pub struct Given {
    pub to: Recipient,
    pub role: Role,
    pub until: Option<Millis>,
}

impl Desk<'_> {
    pub fn own_share(&self, place: Place) -> Option<Share> {
        let changed = self.state.world.item(place).and_then(|change| change.share);
        changed.unwrap_or_else(|| self.tenant.library.own_share(place))
    }

    /// What was given on an item itself.
    pub fn own_grants(&self, place: Place) -> Vec<Grant> {
        let share = self.own_share(place);
        let mut grants: Vec<Grant> = share
            .map(|share| self.seeded(place, share))
            .into_iter()
            .collect();
        let given = self.state.world.item(place).map(|change| &change.given);
        for (id, given) in given.into_iter().flatten() {
            grants.push(Grant {
                id: id.clone(),
                on: place,
                to: given.to.clone(),
                role: given.role,
                until: given.until,
            });
        }
        grants
    }

    /// What opens an item: its own grants and those of the folders above it, nearest first. Who was given something
    /// twice is named once, as SharePoint has one entry per person and item.
    pub fn grants(&self, place: Place) -> Vec<Grant> {
        let mut found: Vec<Grant> = Vec::new();
        for grant in self.chain(place).flat_map(|place| self.own_grants(place)) {
            if found.iter().all(|known| known.id != grant.id) {
                found.push(grant);
            }
        }
        found
    }

    /// The grant that a share of the seed is.
    fn seeded(&self, place: Place, share: Share) -> Grant {
        let number = place.drive << 32 | place.item;
        let mut draws = Draws::new(self.plan.seed, Stream::Grant, number | 1 << 62);
        let change = self.state.world.item(place);
        let made = change.map_or(0, |change| change.shares_made);
        let id = format!("aTow{:016x}", draws.next() ^ made);
        let role = draws.pick(&[Role::Read, Role::Write]);
        let whom = draws.next();
        let user = match share {
            Share::ColleagueDirect => self.person_like(whom, place, false),
            Share::GuestDirect => self.person_like(whom, place, true),
            _ => None,
        };
        let to = user.map_or(Recipient::Share(share, whom), Recipient::User);
        Grant {
            id: user.map_or(id, |user| self.grant_id(&Recipient::User(user))),
            on: place,
            to,
            role: change.and_then(|change| change.share_role).unwrap_or(role),
            until: change.and_then(|change| change.share_until),
        }
    }

    /// The id of a direct grant: the account name, encoded, so that who is invited again has the id of before. That
    /// ids begin as account names do is shown by every example (permission resource type); the rest is what is seen.
    pub fn grant_id(&self, to: &Recipient) -> String {
        let login = match to {
            Recipient::User(user) => self.tenant.login_name(*user),
            Recipient::Invited(mail) => super::permissions::outside_login(mail),
            Recipient::Share(_, number) => number.to_string(),
        };
        BASE64_URL_SAFE_NO_PAD.encode(login)
    }

    /// How far each grant on the item itself opens it, and the `scope` of the `shared` facet that it makes.
    fn own_levels(&self, place: Place) -> impl Iterator<Item = (Sharing, &'static str)> {
        let share = self.own_share(place);
        let given = self.state.world.item(place).map(|change| &change.given);
        let given = given.into_iter().flatten();
        let given = given.map(|(_, given)| (self.level(&given.to), "users"));
        let share = share.map(|share| (share.level(), share.scope()));
        share.into_iter().chain(given)
    }

    pub fn level(&self, to: &Recipient) -> Sharing {
        match to {
            Recipient::Share(share, _) => share.level(),
            Recipient::User(user) if self.tenant.people.is_guest(*user) => Sharing::External,
            Recipient::User(_) => Sharing::Internal,
            Recipient::Invited(_) => Sharing::External,
        }
    }

    /// The widest level of the item's own grants, or of all that open it.
    pub fn widest(&self, place: Place, own_only: bool) -> Option<(Sharing, &'static str)> {
        let depth = if own_only { 1 } else { usize::MAX };
        let levels = self.chain(place).take(depth);
        levels
            .flat_map(|place| self.own_levels(place))
            .max_by_key(|(level, _)| *level)
    }

    /// A guest or a member other than the drive's owner, near a number; `None` if there is nobody like that.
    pub fn person_like(&self, number: u64, place: Place, is_guest: bool) -> Option<u64> {
        let people = &self.tenant.people;
        let owner = self.tenant.library.owner(place.drive);
        let users = people.count.max(1);
        let candidates = (0..users.min(512)).map(|step| (number % users + step) % users);
        let mut fitting =
            candidates.filter(|user| people.is_guest(*user) == is_guest && Some(*user) != owner);
        fitting.next()
    }
}
