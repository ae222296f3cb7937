//! What is done to users from outside (Users API, "Lifecycle operations"; User sessions; Universal Logout).

use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::{Desk, not_allowed};
use super::events::Actor;
use super::faults::Fault;
use super::login::Bearer;
use super::people::{Person, Status};
use super::roles::Assignment;
use super::wire::{Call, api_error, bad_value, not_found};
use crate::answer::Answer;

/// Sessions that a user of the plan has at first: one in three has two.
const SESSIONS: u64 = 2;
const SUPER_ADMIN: &str = "SUPER_ADMIN";

impl Desk<'_> {
    pub fn lifecycle(&mut self, call: &Call, path: &[&str], bearer: &Bearer) -> Answer {
        let by = bearer.actor();
        match (call.method, path) {
            (Method::Post, ["oauth2", "v1", "global-token-revocation"]) => self.logout(call, by),
            (Method::Delete, ["api", "v1", "users", who, "sessions"]) => {
                let Some(person) = self.user_named(who, bearer) else {
                    return not_found(who, "User");
                };
                self.end_sessions(person.index, call.is_true("oauthTokens"), by);
                Answer::empty(204)
            }
            (Method::Post, ["api", "v1", "users", who, "lifecycle", change]) => {
                let Some(person) = self.user_named(who, bearer) else {
                    return not_found(who, "User");
                };
                if let Some(answer) = self.protects(&person, change, bearer) {
                    return answer;
                }
                let is_mastered = matches!(person.provider, "ACTIVE_DIRECTORY" | "LDAP");
                if is_mastered && self.strikes(Fault::MasteredUser).is_some() {
                    return bad_value("The user is managed by another directory.");
                }
                self.change(call, &person, change, by)
            }
            _ => not_allowed(),
        }
    }

    /// Nobody suspends itself, nor a super administrator without being one (uncertain).
    fn protects(&self, person: &Person, change: &str, bearer: &Bearer) -> Option<Answer> {
        if !matches!(change, "suspend" | "deactivate") {
            return None;
        }
        let is_super =
            |held: Vec<Assignment>| held.iter().any(|one| one.role.kind() == SUPER_ADMIN);
        let is_self = matches!(bearer, Bearer::Admin { user } if *user == person.index);
        let is_above =
            is_super(self.roles_of(person.index)) && !is_super(self.roles_of_bearer(bearer));
        (is_self || is_above).then(|| api_error("E0000006", ""))
    }

    /// Changes of status answer 200 with nothing inside.
    fn change(&mut self, call: &Call, person: &Person, change: &str, by: Actor) -> Answer {
        let user = person.index;
        let is = |wanted: &[Status]| wanted.contains(&person.status);
        let (wanted, next, event_type): (&[Status], _, _) = match change {
            "suspend" => (
                &[Status::Active],
                Status::Suspended,
                "user.lifecycle.suspend",
            ),
            "unsuspend" => (
                &[Status::Suspended],
                Status::Active,
                "user.lifecycle.unsuspend",
            ),
            "activate" if is(&[Status::Active]) => return api_error("E0000016", ""),
            "activate" => (
                &[Status::Staged, Status::Deprovisioned],
                Status::Active,
                "user.lifecycle.activate",
            ),
            "unlock" => (
                &[Status::LockedOut],
                Status::Active,
                "user.account.unlock_by_admin",
            ),
            "expire_password" | "expire_password_with_temp_password" => (
                &[Status::Active],
                Status::PasswordExpired,
                "user.account.reset_password",
            ),
            "deactivate" if is(&[Status::Deprovisioned]) => {
                return bad_value("The user is deactivated already.");
            }
            "deactivate" => {
                let prefer = call.headers.get("Prefer").unwrap_or_default();
                if prefer.contains("respond-async") {
                    self.deactivate_later(by, user);
                } else {
                    self.deactivate(by, user);
                }
                return Answer::empty(200);
            }
            "reset_password" => {
                if !is(&[
                    Status::Active,
                    Status::PasswordExpired,
                    Status::LockedOut,
                    Status::Recovery,
                ]) {
                    return api_error("E0000038", "");
                }
                self.set_status(by, user, Status::Recovery, "user.account.reset_password");
                if call.is_true("revokeSessions") {
                    self.end_sessions(user, false, by);
                }
                return Answer::json(200, "{}");
            }
            "reset_factors" => {
                self.tell_of("user.mfa.factor.reset_all", by, user);
                return Answer::empty(200);
            }
            other => return not_found(other, "Endpoint"),
        };
        if !is(wanted) {
            return bad_value("The operation is not possible in the user's current status.");
        }
        self.set_status(by, user, next, event_type);
        Answer::empty(200)
    }

    /// Sessions of a user now.
    pub fn sessions(&self, user: u64) -> u64 {
        let world = &self.state.world;
        let is_planned = user.is_multiple_of(3)
            && user < self.tenant.people.count
            && self.tenant.people.status(user).can_sign_in()
            && !world.sessions_ended.contains(&user);
        let begun = world.sessions_begun.get(&user).copied().unwrap_or_default();
        begun + if is_planned { SESSIONS } else { 0 }
    }

    fn end_sessions(&mut self, user: u64, with_tokens: bool, by: Actor) {
        self.state.world.sessions_ended.insert(user);
        self.state.world.sessions_begun.remove(&user);
        if with_tokens {
            let tokens: Vec<String> = self.tokens_of(user).into_iter().map(|one| one.id).collect();
            self.state.world.revoked.extend(tokens);
        }
        self.tell_of("user.session.clear", by, user);
    }

    /// Ends sessions and tokens of the subject in the body, which is named in one of two forms.
    fn logout(&mut self, call: &Call, by: Actor) -> Answer {
        let body: Value = match serde_json::from_slice(&call.body) {
            Ok(body) => body,
            Err(_) => return api_error("E0000003", ""),
        };
        let subject = &body["sub_id"];
        let name = match subject["format"].as_str() {
            Some("opaque") => subject["id"].as_str(),
            Some("iss_sub") if subject["iss"] == self.plan.base.as_str() => subject["sub"].as_str(),
            _ => None,
        };
        let Some(name) = name else {
            return bad_value("sub_id: The subject identifier is not valid.");
        };
        let Some(user) = self.find_user(name) else {
            return not_found(name, "User");
        };
        self.end_sessions(user, true, by);
        Answer::empty(204)
    }
}
