//! What people do while somebody watches: the state changes, and audit records follow.

use super::desk::Desk;
use super::library::{Place, Share};
use super::plan::ContentType;
use super::records::{Deal, Scene};
use super::schedule::{DEED, Event};
use super::world::{Deed, Step};
use crate::moment::{Millis, SECOND};

impl Desk<'_> {
    pub fn act(&mut self, deed: Deed) {
        match deed {
            Deed::AddUser => {
                self.add_user(false);
            }
            Deed::AddGuest => {
                self.add_user(true);
            }
            Deed::DeleteUser { user } => {
                self.state.world.users.entry(user).or_default().is_deleted = true;
                self.changed_user(user, Deal::Directory("Delete user."));
            }
            Deed::DisableUser { user } => self.enable(user, false),
            Deed::EnableUser { user } => self.enable(user, true),
            Deed::SignIn { user } => {
                self.state.world.users.entry(user).or_default().last_sign_in = Some(self.now);
                self.tell_of_user(Deal::SignIn, user, user);
            }
            Deed::FailSignIn { user } => self.tell_of_user(Deal::FailedSignIn, user, user),
            Deed::AddMemberToRole { user } => self.tell_of_user(Deal::AddMemberToRole, 0, user),
            Deed::Consent { user } => self.tell_of_user(Deal::Consent, user, user),
            Deed::ShareByAnonymousLink { file } => {
                // One link is two records: first the sharing with a group made for it, then the link.
                self.share(
                    file,
                    Some(Share::AnonymousLink),
                    &["SharingSet", "AnonymousLinkCreated"],
                );
            }
            Deed::ShareWithPartner { file } => {
                self.share(
                    file,
                    Some(Share::PartnerLink),
                    &["SharingInvitationCreated"],
                );
            }
            Deed::ShareInside { file } => {
                self.share(file, Some(Share::OrganizationLink), &["CompanyLinkCreated"]);
            }
            Deed::Unshare { file } => self.share(file, None, &["SharingRevoked"]),
            Deed::EditFile { file } => self.edit(file),
            Deed::DeleteFile { file } => self.delete(file),
            Deed::AddFile { drive } => self.add_file(drive),
        }
    }

    /// The next number whose kind is the wanted one, so that kinds stay a function of the number.
    pub fn add_user(&mut self, is_guest: bool) -> u64 {
        let last = self.state.world.users_added.last().map(|last| last + 1);
        let first = last.unwrap_or(self.tenant.people.count).max(8);
        let people = &self.tenant.people;
        let found = (first..).find(|index| people.is_guest(*index) == is_guest);
        let user = found.expect("one in twenty is a guest");
        self.state.world.users_added.push(user);
        self.changed_user(user, Deal::Directory("Add user."));
        user
    }

    pub fn enable(&mut self, user: u64, is_enabled: bool) {
        self.state.world.users.entry(user).or_default().is_enabled = Some(is_enabled);
        self.changed_user(user, Deal::Directory("Update user."));
    }

    pub fn changed_user(&mut self, user: u64, deal: Deal) {
        self.state.world.steps.push(Step::User(user));
        self.tell_of_user(deal, 0, user);
    }

    fn share(&mut self, file: u64, share: Option<Share>, operations: &[&'static str]) {
        let Some(place) = self.tenant.library.place_of_file(file) else {
            return;
        };
        self.replace_share(place, share);
        for operation in operations {
            // The group of an anonymous link is no person; this number stands for it.
            let other = if operations.len() > 1 { u64::MAX } else { file };
            self.tell_of_file(Deal::Sharing(operation), other, place);
        }
    }

    /// Replaces whatever an item was shared with.
    pub fn replace_share(&mut self, place: Place, share: Option<Share>) {
        let change = self.revise(place, true);
        change.share = Some(share);
        change.shares_made += 1;
        (change.share_role, change.share_until) = (None, None);
        change.given.clear();
    }

    fn edit(&mut self, file: u64) {
        let Some(place) = self.tenant.library.place_of_file(file) else {
            return;
        };
        self.rewrite(place);
    }

    /// Changes what is in a file.
    pub fn rewrite(&mut self, place: Place) {
        let now = self.now;
        let change = self.state.world.items.entry(place).or_default();
        (change.edits, change.edited) = (change.edits + 1, Some(now));
        self.state.world.written.remove(&place);
        self.step(place, false);
        self.tell_of_file(Deal::File("FileModified"), 0, place);
    }

    fn delete(&mut self, file: u64) {
        let Some(place) = self.tenant.library.place_of_file(file) else {
            return;
        };
        self.state.world.items.entry(place).or_default().is_deleted = true;
        self.step(place, false);
        self.tell_of_file(Deal::File("FileRecycled"), file, place);
    }

    fn add_file(&mut self, drive: u64) {
        if drive >= self.tenant.library.count() {
            return;
        }
        let place = Place {
            drive,
            item: self.item_count(drive),
        };
        *self.state.world.items_added.entry(drive).or_default() += 1;
        // The folder that the seed puts it into may be gone.
        let parent = self
            .parent_of(place)
            .filter(|parent| !self.has_item(*parent));
        let now = self.now;
        let change = self.state.world.items.entry(place).or_default();
        change.edited = Some(now);
        change.parent = parent.map(|_| 0);
        self.step(place, false);
        self.tell_of_file(Deal::File("FileUploaded"), 0, place);
    }

    pub fn tell_of_user(&mut self, deal: Deal, actor: u64, other: u64) {
        self.tell(ContentType::AzureActiveDirectory, deal, actor, other, None);
    }

    pub fn tell_of_file(&mut self, deal: Deal, other: u64, place: Place) {
        self.tell_of_item(self.keeper(place), deal, other, place, self.told_of(place));
    }

    /// Makes the audit record of a deed, which becomes available after the usual delay.
    pub fn tell(
        &mut self,
        feed: ContentType,
        deal: Deal,
        actor: u64,
        other: u64,
        place: Option<Place>,
    ) {
        let number = DEED + self.state.world.scenes.len() as u64;
        let at = self.now.div_euclid(SECOND) * SECOND;
        self.state.world.scenes.push((
            feed,
            Scene {
                number,
                at,
                deal,
                actor,
                other,
                place,
            },
        ));
        let delay = self.plan.deed_delay.as_millis() as Millis;
        let event = Event {
            number,
            feed,
            at,
            ready: self.now + delay,
        };
        self.state.schedule.publish(&event);
    }
}
