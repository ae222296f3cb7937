//! What is done to users, roles and groups from outside (Update user; user: revokeSignInSessions; riskyUser:
//! confirmCompromised; Delete and Create unifiedRoleAssignment; Add and Remove member).

use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::Desk;
use super::directory::not_found;
use super::records::Deal;
use super::roles::{Principal, ROLES, RoleHeld};
use super::wire::{Call, graph_error};
use super::world::Step;
use crate::answer::Answer;
use crate::chance::{Stream, draw};
use crate::json::object;

impl Desk<'_> {
    pub fn change(&mut self, call: &Call, path: &[&str]) -> Answer {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        match (call.method, path) {
            (Method::Patch, ["users", id]) => self.patch_user(id, &body),
            (Method::Post, ["users", id, "revokeSignInSessions"]) => self.end_sessions(id),
            (Method::Post, ["identityProtection", "riskyUsers", "confirmCompromised"]) => {
                self.confirm_compromised(&body)
            }
            (Method::Delete, ["roleManagement", "directory", "roleAssignments", id]) => {
                self.end_role(id)
            }
            (Method::Post, ["roleManagement", "directory", "roleAssignments"]) => {
                self.give_role(&body)
            }
            (Method::Delete, ["groups", group, "members", user, "$ref"]) => self.leave(group, user),
            (Method::Post, ["groups", group, "members", "$ref"]) => self.join(group, &body),
            (_, ["drives", drive, rest @ ..]) => self.change_files(call, drive, rest, &body),
            (_, ["oauth2PermissionGrants" | "servicePrincipals", ..]) => {
                self.change_app(call.method, path, &body)
            }
            _ => not_allowed(),
        }
    }

    fn user_named(&self, id: &str) -> Option<u64> {
        let found = self.tenant.people.find(id)?;
        self.user(found).map(|_| found)
    }

    /// Disabling administrators and changing their passwords takes a role that the client does not hold.
    fn is_protected(&self, user: u64) -> bool {
        let held = self.role_assignments();
        held.iter()
            .any(|held| held.principal == Principal::User(user) && ROLES[held.role].is_privileged)
    }

    fn patch_user(&mut self, id: &str, body: &Value) -> Answer {
        let Some(user) = self.user_named(id) else {
            return not_found(id);
        };
        if self.is_protected(user) {
            return graph_error(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            );
        }
        let is_synced = self.tenant.people.person(user).is_synced;
        let must_change = &body["passwordProfile"]["forceChangePasswordNextSignIn"];
        if !must_change.is_null() && is_synced {
            return bad_request(
                "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
            );
        }
        match (body["accountEnabled"].as_bool(), must_change.as_bool()) {
            (Some(is_enabled), _) => self.enable(user, is_enabled),
            (None, Some(must_change)) => {
                let change = self.state.world.users.entry(user).or_default();
                change.must_change_password = must_change;
                self.changed_user(user, Deal::Directory("Update user."));
            }
            (None, None) => return bad_request("Nothing that can be changed was named."),
        }
        Answer::empty(204)
    }

    /// Guests sign in at home: nothing is ended for them, and nothing is said of it.
    fn end_sessions(&mut self, id: &str) -> Answer {
        let Some(user) = self.user_named(id) else {
            return not_found(id);
        };
        if !self.tenant.people.is_guest(user) {
            let now = self.now;
            self.state
                .world
                .users
                .entry(user)
                .or_default()
                .sessions_from = Some(now);
            self.changed_user(user, Deal::Directory("Update user."));
        }
        let context = format!("{}/v1.0/$metadata#Edm.Boolean", self.plan.base.graph);
        let body = object(|body| {
            body.text("@odata.context", &context).flag("value", true);
        });
        Answer::json(200, body)
    }

    fn confirm_compromised(&mut self, body: &Value) -> Answer {
        let ids = body["userIds"].as_array().cloned().unwrap_or_default();
        let users: Option<Vec<u64>> = ids.iter().map(|id| self.user_named(id.as_str()?)).collect();
        let Some(users) = users.filter(|users| !users.is_empty()) else {
            return bad_request("The list of users is not valid.");
        };
        for user in users {
            self.state
                .world
                .users
                .entry(user)
                .or_default()
                .is_compromised = true;
        }
        Answer::empty(204)
    }

    fn end_role(&mut self, id: &str) -> Answer {
        let held = self.role_assignments();
        let Some(held) = held.into_iter().find(|held| held.id == id) else {
            return not_found(id);
        };
        self.state.world.roles_ended.insert(held.id);
        if let Principal::User(user) = held.principal {
            self.tell_of_user(Deal::Directory("Remove member from role."), 0, user);
        }
        Answer::empty(204)
    }

    /// Users only, and the whole directory only: nothing else is given here.
    fn give_role(&mut self, body: &Value) -> Answer {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let user = self.user_named(text("principalId"));
        let role = text("roleDefinitionId");
        let role = ROLES.iter().position(|known| known.id == role);
        let (Some(user), Some(role), "/") = (user, role, text("directoryScopeId")) else {
            return bad_request("A value of the role assignment is not valid.");
        };
        let principal = Principal::User(user);
        let mut held = self.role_assignments().into_iter();
        if held.any(|held| held.principal == principal && held.role == role) {
            return bad_request(
                "A conflicting object with one or more of the specified property values is present in the directory.",
            );
        }
        let number = self.state.world.roles_added.len() as u64;
        let id = draw(self.plan.seed, Stream::RoleAssignment, number | 1 << 33);
        let id = format!("{id:016x}-1");
        let made = object(|made| {
            made.text("id", &id)
                .text("roleDefinitionId", ROLES[role].id);
        });
        let held = RoleHeld {
            id,
            role,
            principal,
        };
        self.state.world.roles_added.push(held);
        self.tell_of_user(Deal::AddMemberToRole, 0, user);
        Answer::json(201, made)
    }

    fn leave(&mut self, group: &str, user: &str) -> Answer {
        let found = self.tenant.groups.find(group).zip(self.user_named(user));
        match found {
            Some((group, user)) if self.is_member(group, user) => {
                self.set_member(group, user, false);
                Answer::empty(204)
            }
            _ => not_found(user),
        }
    }

    fn join(&mut self, group: &str, body: &Value) -> Answer {
        let object = body["@odata.id"].as_str().unwrap_or_default();
        let user = object.rsplit('/').next().unwrap_or_default();
        let found = self.tenant.groups.find(group).zip(self.user_named(user));
        match found {
            Some((group, user)) if !self.is_member(group, user) => {
                self.set_member(group, user, true);
                Answer::empty(204)
            }
            Some(_) => bad_request(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ),
            None => not_found(user),
        }
    }

    fn set_member(&mut self, group: u64, user: u64, is_member: bool) {
        self.state.world.members.insert((group, user), is_member);
        self.state.world.steps.push(Step::Member { group, user });
        let operation = match is_member {
            true => "Add member to group.",
            false => "Remove member from group.",
        };
        self.tell_of_user(Deal::Directory(operation), 0, user);
    }
}

pub fn bad_request(message: &str) -> Answer {
    graph_error(400, "Request_BadRequest", message)
}

pub fn not_allowed() -> Answer {
    let message = "Specified HTTP method is not allowed for the request target.";
    graph_error(405, "Request_BadRequest", message)
}
