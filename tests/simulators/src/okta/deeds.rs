//! What people do while somebody watches: the state changes, and an event follows.

use super::apps::{Grant, OURS};
use super::desk::Desk;
use super::events::{Actor, Scene, of_type};
use super::faults::Fault;
use super::ids::{Type, id};
use super::people::Status;
use super::roles::{Assignee, Assignment, RoleRef};
use super::schedule::{DEED, later};
use super::world::Deed;
use crate::moment::{Millis, SECOND};

/// Who does what no call asks for.
const ADMIN: Actor = Actor::User(0);
/// Grants that deeds make are numbered from here.
const CONSENTS: u64 = 1 << 40;

impl Desk<'_> {
    pub fn act(&mut self, deed: Deed) {
        match deed {
            Deed::AddUser => self.add_user(),
            Deed::Activate { user } => {
                self.set_status(ADMIN, user, Status::Active, "user.lifecycle.activate");
            }
            Deed::Deactivate { user } => self.deactivate(ADMIN, user),
            Deed::Delete { user } => self.delete(user),
            Deed::Suspend { user } => {
                self.set_status(ADMIN, user, Status::Suspended, "user.lifecycle.suspend");
            }
            Deed::Unsuspend { user } => {
                self.set_status(ADMIN, user, Status::Active, "user.lifecycle.unsuspend");
            }
            Deed::Lock { user } => {
                let by = Actor::User(user);
                self.set_status(by, user, Status::LockedOut, "user.account.lock");
            }
            Deed::Unlock { user } => {
                self.set_status(ADMIN, user, Status::Active, "user.account.unlock_by_admin");
            }
            Deed::SignIn { user } => {
                let now = self.now;
                self.state.world.users.entry(user).or_default().last_login = Some(now);
                *self.state.world.sessions_begun.entry(user).or_default() += 1;
                self.tell_of("user.session.start", Actor::User(user), user);
            }
            Deed::FailSignIn { user } => self.fail_sign_in(Actor::User(user), user),
            Deed::FailUnknownSignIn => self.fail_sign_in(Actor::Nobody, 0),
            Deed::AddMember { group, user } => self.set_member(ADMIN, group, user, true),
            Deed::RemoveMember { group, user } => self.set_member(ADMIN, group, user, false),
            Deed::GrantRole { user, role } => {
                let role = RoleRef::named(&role).expect("a deed names a role there is");
                self.grant_role(ADMIN, Assignee::User(user), role);
            }
            Deed::GrantClientRole { role } => {
                let role = RoleRef::named(&role).expect("a deed names a role there is");
                self.grant_role(ADMIN, Assignee::Client, role);
            }
            Deed::RevokeRoles { user } => self.revoke_roles(Assignee::User(user)),
            Deed::RevokeClientRoles => self.revoke_roles(Assignee::Client),
            Deed::RevokeScope { scope } => {
                self.state.world.scopes_revoked.insert(scope);
            }
            Deed::Consent { user } => self.consent(user),
            Deed::CreateApiToken { owner } => {
                self.state.world.api_tokens_added.push(owner);
                self.tell_of("system.api_token.create", Actor::User(owner), owner);
            }
            Deed::RevokeApiToken { number } => self.revoke_api_token(ADMIN, number),
            Deed::ShowPassword { user } => {
                let event_type = "application.user_membership.show_password";
                self.tell_of(event_type, Actor::User(user), user);
            }
            Deed::DetectThreat { user } => {
                self.tell_of("security.threat.detected", Actor::System, user);
            }
        }
    }

    fn add_user(&mut self) {
        let user = self.user_count();
        let (now, lag) = (self.now, self.search_lag());
        self.state.world.users_added += 1;
        let change = self.state.world.users.entry(user).or_default();
        change.status = Some(Status::Active);
        change.created = Some(now);
        change.last_updated = Some(now);
        change.status_changed = Some(now);
        change.indexed = lag.map(|until| (None, until));
        self.tell_of("user.lifecycle.create", ADMIN, user);
        self.tell_of("user.lifecycle.activate", ADMIN, user);
    }

    /// Until which search the index knows nothing of a change made now.
    fn search_lag(&mut self) -> Option<u64> {
        let searches = self.strikes(Fault::SearchLag)?;
        Some(self.state.world.searches + searches.parse().unwrap_or(3))
    }

    pub fn set_status(&mut self, by: Actor, user: u64, status: Status, event_type: &str) {
        let Some(old) = self.status(user) else {
            return;
        };
        let (now, lag) = (self.now, self.search_lag());
        let change = self.state.world.users.entry(user).or_default();
        (change.status, change.next) = (Some(status), None);
        (change.last_updated, change.status_changed) = (Some(now), Some(now));
        change.indexed = lag.map(|until| (Some(old), until));
        self.tell_of(event_type, by, user);
    }

    pub fn deactivate(&mut self, by: Actor, user: u64) {
        self.state.world.sessions_ended.insert(user);
        self.state.world.sessions_begun.remove(&user);
        self.set_status(by, user, Status::Deprovisioned, "user.lifecycle.deactivate");
    }

    /// The same, but the status comes when the event does.
    pub fn deactivate_later(&mut self, by: Actor, user: u64) {
        let Some(old) = self.status(user) else {
            return;
        };
        let at = self.now + self.plan.deed_delay.as_millis() as Millis;
        self.deactivate(by, user);
        let change = self.state.world.users.entry(user).or_default();
        change.status = Some(old);
        change.next = Some((Status::Deprovisioned, at));
    }

    fn delete(&mut self, user: u64) {
        if self.status(user) == Some(Status::Deprovisioned) {
            self.tell_of("user.lifecycle.delete.initiated", ADMIN, user);
            self.state.world.users.entry(user).or_default().is_deleted = true;
        }
    }

    fn fail_sign_in(&mut self, actor: Actor, user: u64) {
        let mut scene = self.scene("user.session.start", actor, user);
        scene.is_failure = true;
        self.tell(scene);
    }

    pub fn set_member(&mut self, by: Actor, group: u64, user: u64, is_member: bool) {
        if self.is_member(group, user) == is_member || self.status(user).is_none() {
            return;
        }
        let now = self.now;
        self.state.world.members.insert((group, user), is_member);
        self.state.world.membership_changed.insert(group, now);
        let event_type = if is_member {
            "group.user_membership.add"
        } else {
            "group.user_membership.remove"
        };
        let scene = self.scene(event_type, by, user);
        self.tell(Scene { group, ..scene });
    }

    pub fn grant_role(&mut self, by: Actor, assignee: Assignee, role: RoleRef) -> Assignment {
        let number = self.state.world.assignments_made;
        self.state.world.assignments_made += 1;
        let assignment = Assignment {
            number,
            role,
            assignee,
        };
        self.state.world.assignments.push(assignment);
        if let Assignee::User(user) = assignee {
            let scene = self.scene("user.account.privilege.grant", by, user);
            self.tell(Scene {
                detail: role.label().into(),
                ..scene
            });
        }
        assignment
    }

    fn revoke_roles(&mut self, assignee: Assignee) {
        let held: Vec<u64> = self
            .state
            .world
            .assignments
            .iter()
            .filter(|one| one.assignee == assignee)
            .map(|one| one.number)
            .collect();
        for number in held {
            self.revoke_role(ADMIN, number);
        }
    }

    pub fn revoke_role(&mut self, by: Actor, number: u64) {
        let all = &mut self.state.world.assignments;
        let Some(place) = all.iter().position(|one| one.number == number) else {
            return;
        };
        let gone = all.remove(place);
        if let Assignee::User(user) = gone.assignee {
            let scene = self.scene("user.account.privilege.revoke", by, user);
            self.tell(Scene {
                detail: gone.role.label().into(),
                ..scene
            });
        }
    }

    fn consent(&mut self, user: u64) {
        let number = self.state.world.consents.len() as u64;
        self.state.world.consents.push(Grant {
            id: id(self.plan.seed, Type::Grant, CONSENTS + number),
            user,
            app: 1,
            scope: "profile",
            source: "END_USER",
            created: self.now,
        });
        let scene = self.scene("app.oauth2.as.consent.grant", Actor::User(user), user);
        self.tell(Scene { app: 1, ..scene });
    }

    pub fn revoke_api_token(&mut self, by: Actor, number: u64) {
        self.state.world.api_tokens_revoked.insert(number);
        self.tell_of("system.api_token.revoke", by, 0);
    }

    pub fn tell_of(&mut self, event_type: &str, actor: Actor, user: u64) {
        let scene = self.scene(event_type, actor, user);
        self.tell(scene);
    }

    pub fn scene(&self, event_type: &str, actor: Actor, user: u64) -> Scene {
        Scene {
            number: DEED + self.state.world.scenes.len() as u64,
            published: self.now,
            kind: of_type(event_type),
            actor,
            user,
            group: 0,
            app: OURS,
            is_failure: false,
            detail: String::new(),
        }
    }

    /// Stores the event of a deed after the usual delay, which is never nothing: what was read stays read.
    pub fn tell(&mut self, scene: Scene) {
        let delay = self.plan.deed_delay.as_millis() as Millis;
        let late = later(&mut self.state.switches);
        let stored = self.now + delay.max(SECOND / 10) + late;
        self.state
            .schedule
            .insert(scene.number, scene.published, stored);
        self.state.world.scenes.push(scene);
    }
}
