//! What is done to items: each change is a step of the drive's delta and a record in the audit trail.

use super::desk::Desk;
use super::grants::{Given, Grant, Recipient, Role};
use super::library::{Place, Share};
use super::plan::ContentType;
use super::records::{Deal, Destination, Told};
use super::schedule::DEED;
use super::world::{ItemChange, Step};
use crate::moment::Millis;

impl Desk<'_> {
    /// Who does what nobody else is named for: the drive's owner, or somebody of the site.
    pub fn keeper(&self, place: Place) -> u64 {
        let users = self.tenant.people.count.max(1);
        let owner = self.tenant.library.owner(place.drive);
        owner.unwrap_or(place.item % users)
    }

    /// Puts an item into a folder; a file without a name is called as the seed says.
    pub fn add(
        &mut self,
        actor: u64,
        folder: Place,
        name: Option<String>,
        is_folder: bool,
    ) -> Place {
        let change = ItemChange {
            name,
            is_folder,
            ..ItemChange::default()
        };
        let place = self.put(folder, change);
        let operation = match is_folder {
            true => "FolderCreated",
            false => "FileUploaded",
        };
        self.tell_of_item(actor, Deal::File(operation), 0, place, self.told_of(place));
        place
    }

    /// Puts what is new into a folder, without anything that is given on it; a name that is free is the caller's business.
    pub fn put(&mut self, folder: Place, new: ItemChange) -> Place {
        let place = folder.sibling(self.item_count(folder.drive));
        let world = &mut self.state.world;
        *world.items_added.entry(folder.drive).or_default() += 1;
        let change = ItemChange {
            share: Some(None),
            label: Some(new.label.flatten()),
            parent: Some(folder.item),
            edited: Some(self.now),
            ..new
        };
        world.items.insert(place, change);
        self.step(place, false);
        place
    }

    /// Gives an item another name, another folder, or both.
    pub fn relocate(&mut self, actor: u64, place: Place, folder: Place, name: String) {
        let told = self.told_of(place);
        let operation = match (self.parent_of(place) == Some(folder), told.is_folder) {
            (true, true) => "FolderRenamed",
            (true, false) => "FileRenamed",
            (false, true) => "FolderMoved",
            (false, false) => "FileMoved",
        };
        let now = self.now;
        let change = self.revise(place, false);
        (change.name, change.parent) = (Some(name), Some(folder.item));
        change.edited = Some(now);
        let told = Told {
            moved_to: Some(Destination::of(place, self.told_of(place))),
            ..told
        };
        self.tell_of_item(actor, Deal::File(operation), 0, place, told);
    }

    /// Puts an item into the recycle bin, and what lies in it as well.
    pub fn recycle(&mut self, actor: u64, place: Place) {
        let is_inside = |one: &Place| self.chain(*one).any(|above| above == place);
        let gone: Vec<Place> = self.items_there(place.drive).filter(is_inside).collect();
        for place in gone {
            self.revise(place, false).is_deleted = true;
        }
        let told = self.told_of(place);
        let operation = match told.is_folder {
            true => "FolderRecycled",
            false => "FileRecycled",
        };
        self.tell_of_item(actor, Deal::File(operation), 0, place, told);
    }

    /// Gives somebody a permission, or another role and end to who has one.
    pub fn give(&mut self, actor: u64, place: Place, given: Given) -> Grant {
        let id = self.grant_id(&given.to);
        let Given { to, role, until } = given.clone();
        let mut known = self.own_grants(place).into_iter();
        if let Some(grant) = known.find(|grant| grant.id == id) {
            return self.alter(actor, &grant, role, until);
        }
        let operation = match to {
            Recipient::Invited(_) => "SharingInvitationCreated",
            _ => "SharingSet",
        };
        self.revise(place, true).given.insert(id.clone(), given);
        let on = place;
        let grant = Grant {
            id,
            on,
            to,
            role,
            until,
        };
        self.ends_with(&grant);
        self.tell_of_grant(actor, operation, &grant);
        grant
    }

    /// Changes what a permission allows, and until when.
    pub fn alter(&mut self, actor: u64, grant: &Grant, role: Role, until: Option<Millis>) -> Grant {
        let change = self.revise(grant.on, true);
        match change.given.get_mut(&grant.id) {
            Some(given) => (given.role, given.until) = (role, until),
            None => (change.share_role, change.share_until) = (Some(role), until),
        }
        let grant = Grant {
            role,
            until,
            ..grant.clone()
        };
        self.ends_with(&grant);
        let operation = match grant.to {
            Recipient::Share(Share::AnonymousLink, _) => "AnonymousLinkUpdated",
            _ => "SharingSet",
        };
        self.tell_of_grant(actor, operation, &grant);
        grant
    }

    /// Takes a permission back.
    pub fn take(&mut self, actor: u64, grant: &Grant) {
        self.end(grant);
        let operation = match grant.to {
            Recipient::Share(Share::AnonymousLink, _) => "AnonymousLinkRemoved",
            Recipient::Share(Share::OrganizationLink, _) => "CompanyLinkRemoved",
            Recipient::Share(Share::ColleagueLink | Share::PartnerLink, _) => "SecureLinkDeleted",
            Recipient::Share(Share::Invitation, _) | Recipient::Invited(_) => {
                "SharingInvitationRevoked"
            }
            Recipient::Share(..) | Recipient::User(_) => "SharingRevoked",
        };
        self.tell_of_grant(actor, operation, grant);
    }

    fn end(&mut self, grant: &Grant) {
        let change = self.revise(grant.on, true);
        if change.given.remove(&grant.id).is_none() {
            change.share = Some(None);
            (change.share_role, change.share_until) = (None, None);
        }
    }

    fn ends_with(&mut self, grant: &Grant) {
        if let Some(until) = grant.until {
            let ending = &mut self.state.world.ending;
            ending.insert((until, grant.on, grant.id.clone()));
        }
    }

    /// Ends the permissions whose time is over. That the delta shows it, and that no record does, is the simulator's own.
    pub fn end_what_is_due(&mut self) {
        let (later, none) = (self.now + 1, String::new());
        let first_later = (later, Place { drive: 0, item: 0 }, none);
        let ending = &mut self.state.world.ending;
        let rest = ending.split_off(&first_later);
        for (at, place, id) in std::mem::replace(ending, rest) {
            let mut grants = self.own_grants(place).into_iter();
            if let Some(due) = grants.find(|grant| grant.id == id && grant.until == Some(at)) {
                self.end(&due);
            }
        }
    }

    /// What is to be changed about an item, which the delta will show.
    pub fn revise(&mut self, place: Place, is_sharing: bool) -> &mut ItemChange {
        self.step(place, is_sharing);
        let change = self.state.world.items.entry(place).or_default();
        change.revisions += 1;
        change
    }

    pub fn step(&mut self, place: Place, is_sharing: bool) {
        self.state
            .world
            .steps
            .push(Step::Item { place, is_sharing });
    }

    /// How an item is called now.
    pub fn told_of(&self, place: Place) -> Told {
        let mut folders = String::new();
        self.push_folders(&mut folders, place);
        Told {
            folders,
            name: self.name_of(place),
            is_folder: self.is_folder(place),
            ..Told::default()
        }
    }

    fn tell_of_grant(&mut self, actor: u64, operation: &'static str, grant: &Grant) {
        let (other, target) = match &grant.to {
            Recipient::User(user) => (*user, None),
            Recipient::Invited(mail) => (u64::MAX, Some(mail.clone())),
            Recipient::Share(Share::EveryoneInside, number) => {
                (*number, Some("Everyone except external users".into()))
            }
            Recipient::Share(_, number) => (*number, None),
        };
        let told = Told {
            target,
            ..self.told_of(grant.on)
        };
        self.tell_of_item(actor, Deal::Sharing(operation), other, grant.on, told);
    }

    pub fn tell_of_item(&mut self, actor: u64, deal: Deal, other: u64, place: Place, told: Told) {
        let number = DEED + self.state.world.scenes.len() as u64;
        self.state.world.told.insert(number, told);
        self.tell(ContentType::SharePoint, deal, actor, other, Some(place));
    }
}
