//! Calls that change something: users and their sessions here, items and who works on them beside (OpenAPI, "Update
//! user", "Create jobs to terminate users session").

use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::Desk;
use super::faults::Fault;
use super::people::{ADMIN, EXTERNAL, Role, SERVICE, Status};
use super::wire::{Call, api_error, api_error_about, not_found};
use crate::answer::Answer;

pub const DENIED: &str = "access_denied_insufficient_permissions";
const STARTED: &str = r#"{"message":"Request is successful, please check admin events for status once the job is completed"}"#;

/// A parameter of a body that cannot be what it is.
pub fn invalid(name: &str) -> Answer {
    api_error_about("invalid_parameter", name, "Invalid value")
}

impl Desk<'_> {
    pub fn write(&mut self, call: &Call, viewer: u64) -> Answer {
        if self.strikes(Fault::WriteBlocked).is_some() {
            return api_error("operation_blocked_temporary");
        }
        let body = match call.body.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&call.body),
        };
        let Ok(body) = body else {
            return api_error("bad_request");
        };
        let answer = self.written(call, viewer, &body);
        if answer.is_success() && self.strikes(Fault::ErrorAfterWrite).is_some() {
            return api_error("unavailable");
        }
        answer
    }

    fn written(&mut self, call: &Call, viewer: u64, body: &Value) -> Answer {
        let path = call.segments();
        match (call.method, &path[1..]) {
            (Method::Post, &["users", "terminate_sessions"]) => self.end_sessions(body),
            (Method::Put, &["users", id]) if id != "me" => self.edit_user(call, viewer, id, body),
            (_, &["collaborations", ..]) => self.write_collaboration(call, viewer, body),
            (_, &[_, _, "metadata", scope, template]) => {
                self.write_label(call, viewer, (scope, template), body)
            }
            (_, &["folders" | "files" | "web_links", ..]) => self.write_item(call, viewer, body),
            _ => api_error("method_not_allowed"),
        }
    }

    /// The main administrator stays what it is, and co-administrators have no say over administrators; that nobody
    /// changes the service account is uncertain.
    fn edit_user(&mut self, call: &Call, viewer: u64, id: &str, body: &Value) -> Answer {
        let managed = self.find_user(id).filter(|user| *user < EXTERNAL);
        let Some(person) = managed.and_then(|user| self.user(user)) else {
            return not_found();
        };
        let (status, role) = (&body["status"], &body["role"]);
        let by = self.user(viewer).map(|by| by.role);
        let is_above = viewer != SERVICE && by == Some(Role::Coadmin) && person.role != Role::User;
        let is_main = person.index == ADMIN && !(status.is_null() && role.is_null());
        if person.index == SERVICE || is_main || is_above {
            return api_error(DENIED);
        }
        let known = |status: &Status| status.name() == status_name(body);
        let status = match status.is_null() {
            true => None,
            false => match Status::ALL.into_iter().find(known) {
                Some(status) => Some(status),
                None => return invalid("status"),
            },
        };
        let role = match role.as_str() {
            None => None,
            Some("user") => Some(Role::User),
            Some("coadmin") => Some(Role::Coadmin),
            Some(_) => return invalid("role"),
        };
        if let Some(status) = status {
            self.set_status(person.index, status);
        }
        if let Some(role) = role {
            self.set_role(person.index, role);
        }
        let asked = &mut self.state.world.passwords_asked;
        match body["is_password_reset_required"].as_bool() {
            Some(true) => drop(asked.insert(person.index)),
            Some(false) => drop(asked.remove(&person.index)),
            None => {}
        }
        self.one_user(call, person.index)
    }

    /// Users by id and by login; whoever is not found is passed over, because it is done later (uncertain).
    fn end_sessions(&mut self, body: &Value) -> Answer {
        let texts = |name: &str| {
            let list = body[name].as_array().cloned().unwrap_or_default();
            list.into_iter()
                .filter_map(|one| one.as_str().map(String::from))
                .collect::<Vec<_>>()
        };
        let (ids, logins) = (texts("user_ids"), texts("user_logins"));
        if ids.is_empty() && logins.is_empty() {
            return api_error("bad_request");
        }
        let mut users: Vec<u64> = ids.iter().filter_map(|id| self.find_user(id)).collect();
        let people = &self.tenant.people;
        let named = self
            .listed_users()
            .filter(|user| logins.contains(&people.login(*user)));
        users.extend(named);
        self.state.world.sessions_ended.extend(users);
        Answer::json(202, STARTED)
    }
}

fn status_name(body: &Value) -> &str {
    body["status"].as_str().unwrap_or_default()
}
