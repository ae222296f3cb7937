//! What is done to applications from outside (Delete oAuth2PermissionGrant; Delete and Grant an appRoleAssignment;
//! Update servicePrincipal).

use casbah_model::transport::Method;
use serde_json::Value;

use super::apps::{AppRoleHeld, role_id, role_names};
use super::changes::{bad_request, not_allowed};
use super::desk::Desk;
use super::directory::not_found;
use super::records::Deal;
use super::world::Step;
use crate::answer::Answer;
use crate::chance::{Stream, guid};
use crate::json::object;

impl Desk<'_> {
    pub fn change_app(&mut self, method: Method, path: &[&str], body: &Value) -> Answer {
        match (method, path) {
            (Method::Delete, ["oauth2PermissionGrants", id]) => self.end_grant(id),
            (Method::Patch, ["servicePrincipals", id]) => self.enable_app(id, body),
            (Method::Delete, ["servicePrincipals", resource, "appRoleAssignedTo", id]) => {
                self.end_app_role(resource, id)
            }
            (Method::Post, ["servicePrincipals", resource, "appRoleAssignedTo"]) => {
                self.give_app_role(resource, body)
            }
            _ => not_allowed(),
        }
    }

    fn end_grant(&mut self, id: &str) -> Answer {
        let Some(place) = self.grant_place(id) else {
            return not_found(id);
        };
        self.state.world.grants_ended.insert(id.into());
        self.state.world.steps.push(Step::Grant(place as u64));
        self.tell_of_app("Remove delegated permission grant.");
        Answer::empty(204)
    }

    fn enable_app(&mut self, id: &str, body: &Value) -> Answer {
        let found = self.tenant.apps.find(id);
        match (found, body["accountEnabled"].as_bool()) {
            (Some(app), Some(is_enabled)) => {
                self.state.world.apps.insert(app, is_enabled);
                self.state.world.steps.push(Step::App(app));
                self.tell_of_app("Update service principal.");
                Answer::empty(204)
            }
            (Some(_), None) => bad_request("Nothing that can be changed was named."),
            (None, _) => not_found(id),
        }
    }

    fn end_app_role(&mut self, resource: &str, id: &str) -> Answer {
        let resource = self.tenant.apps.find(resource);
        let held = self.app_roles_held();
        let mut held = held.iter();
        if !held.any(|held| held.id == id && Some(held.resource) == resource) {
            return not_found(id);
        }
        self.state.world.app_roles_ended.insert(id.into());
        self.tell_of_app("Remove app role assignment from service principal.");
        Answer::empty(204)
    }

    /// An assignment that is made again has another id.
    fn give_app_role(&mut self, resource: &str, body: &Value) -> Answer {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let apps = &self.tenant.apps;
        let names_another = text("resourceId") != resource;
        let found = apps.find(text("principalId")).zip(apps.find(resource));
        let Some((app, resource)) = found.filter(|_| !names_another) else {
            return bad_request("An application of the assignment is not valid.");
        };
        let seed = self.plan.seed;
        let is_meant = |role: &&str| role_id(seed, role) == text("appRoleId");
        let Some(role) = role_names(resource).into_iter().find(|role| is_meant(role)) else {
            return bad_request("Permission being assigned was not found on application.");
        };
        let held = self.app_roles_held();
        let mut held = held.iter();
        if held.any(|held| held.app == app && held.resource == resource && held.role == role) {
            return bad_request("Permission being assigned already exists on the object.");
        }
        let number = self.state.world.app_roles_added.len() as u64;
        let id = guid(seed, Stream::AppRole, number | 1 << 20);
        let made = object(|made| {
            made.text("id", &id).text("appRoleId", text("appRoleId"));
        });
        let role = role.to_string();
        self.state.world.app_roles_added.push(AppRoleHeld {
            id,
            app,
            resource,
            role,
        });
        self.tell_of_app("Add app role assignment to service principal.");
        Answer::json(201, made)
    }

    /// Administrators do it, as far as records tell.
    fn tell_of_app(&mut self, operation: &'static str) {
        self.tell_of_user(Deal::Directory(operation), 0, 0);
    }
}
