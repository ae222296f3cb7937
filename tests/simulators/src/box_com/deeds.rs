//! What people do while somebody watches: the state changes, and an event follows in both streams.

use super::desk::Desk;
use super::desk::State;
use super::events::{Actor, Scene, of_type};
use super::people::{ADMIN, Role, Status};
use super::schedule::DEED;
use super::sharing::Party;
use super::world::Deed;
use crate::moment::SECOND;

/// Who does what no call asks for.
const BY_ADMIN: Actor = Actor::User(ADMIN);

impl Desk<'_> {
    /// Does it; the id of what was made, if anything was.
    pub fn act(&mut self, deed: Deed) -> Option<String> {
        match deed {
            Deed::AddUser => return Some(self.add_user()),
            Deed::Suspend { user } => self.set_status(user, Status::Inactive),
            Deed::Restore { user } => self.set_status(user, Status::Active),
            Deed::DeleteUser { user } => self.delete_user(user),
            Deed::SetRole { user, role } => self.set_role(user, role),
            Deed::AddMember { group, user } => self.set_member(group, user, true),
            Deed::RemoveMember { group, user } => self.set_member(group, user, false),
            Deed::MakeGroupAdmin { group, user } => {
                if self.is_member(group, user) {
                    self.state.world.group_admins.insert((group, user));
                    self.tell_of_group("GROUP_ADMIN_CREATED", group, user);
                }
            }
            Deed::SignIn { user } => self.tell_of_user("LOGIN", Actor::User(user), user),
            Deed::FailSignIn { user } => {
                self.tell_of_user("FAILED_LOGIN", Actor::User(user), user);
            }
            Deed::RevokeScope { scope } => {
                self.state.world.scopes_revoked.insert(scope);
            }
            Deed::AuthorizeApp => self.set_authorized(true),
            Deed::UnauthorizeApp => self.set_authorized(false),
            deed => return self.act_on_item(deed),
        }
        None
    }

    fn add_user(&mut self) -> String {
        let user = self.user_count();
        self.state.world.users_added += 1;
        let change = self.state.world.users.entry(user).or_default();
        change.status = Some(Status::Active);
        (change.created, change.modified) = (Some(self.now), Some(self.now));
        self.tell_of_user("NEW_USER", BY_ADMIN, user);
        self.tenant.people.id(user)
    }

    /// The main administrator cannot be suspended (uncertain).
    pub fn set_status(&mut self, user: u64, status: Status) {
        if user == ADMIN || !self.is_managed(user) {
            return;
        }
        let change = self.state.world.users.entry(user).or_default();
        (change.status, change.modified) = (Some(status), Some(self.now));
        self.tell_of_user("EDIT_USER", BY_ADMIN, user);
    }

    fn delete_user(&mut self, user: u64) {
        if user != ADMIN && self.is_managed(user) {
            self.state.world.users.entry(user).or_default().is_deleted = true;
            self.tell_of_user("DELETE_USER", BY_ADMIN, user);
        }
    }

    pub fn set_role(&mut self, user: u64, role: Role) {
        if self.is_managed(user) {
            let change = self.state.world.users.entry(user).or_default();
            (change.role, change.modified) = (Some(role), Some(self.now));
            self.tell_of_user("CHANGE_ADMIN_ROLE", BY_ADMIN, user);
        }
    }

    fn is_managed(&self, user: u64) -> bool {
        user < self.user_count() && self.has_user(user)
    }

    fn set_member(&mut self, group: u64, user: u64, is_member: bool) {
        let is_possible = group > 0 && group < self.tenant.groups.count && self.is_managed(user);
        if !is_possible || self.is_member(group, user) == is_member {
            return;
        }
        self.state.world.members.insert((group, user), is_member);
        let event_type = if is_member {
            "GROUP_ADD_USER"
        } else {
            "GROUP_REMOVE_USER"
        };
        self.tell_of_group(event_type, group, user);
    }

    /// Tokens issued before go on until they expire (uncertain).
    fn set_authorized(&mut self, is_authorized: bool) {
        self.state.world.is_app_authorized = Some(is_authorized);
        self.tell_of_user("ENTERPRISE_APP_AUTHORIZATION_UPDATE", BY_ADMIN, ADMIN);
    }

    fn tell_of_user(&mut self, event_type: &str, actor: Actor, user: u64) {
        let scene = self.scene(event_type, actor, user);
        self.tell(scene);
    }

    fn tell_of_group(&mut self, event_type: &str, group: u64, user: u64) {
        let scene = self.scene(event_type, BY_ADMIN, user);
        self.tell(Scene { group, ..scene });
    }

    pub fn scene(&self, event_type: &str, actor: Actor, user: u64) -> Scene {
        Scene {
            number: DEED + self.state.world.scenes.len() as u64,
            created: self.now.div_euclid(SECOND) * SECOND,
            row: of_type(event_type),
            actor,
            user,
            group: 0,
            thing: None,
            party: Party::User(user),
            collaboration: 0,
            role: "",
        }
    }

    /// Puts the event of a deed into both streams after the usual delays, which are never nothing: what was read stays
    /// read.
    pub fn tell(&mut self, scene: Scene) {
        let State {
            schedule,
            switches,
            world,
            ..
        } = &mut *self.state;
        schedule.add(scene.number, scene.created, self.now + 1, switches);
        world.scenes.push(scene);
    }
}
