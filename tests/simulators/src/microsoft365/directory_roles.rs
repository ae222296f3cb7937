//! Who holds which directory role, and the log of sign-ins.

use super::desk::Desk;
use super::directory::not_found;
use super::paging::Links;
use super::roles::{Principal, ROLES, RoleHeld};
use super::tenant::Tenant;
use super::wire::{Call, graph_error, graph_page};
use crate::address::encode;
use crate::answer::Answer;
use crate::chance::{Stream, draw, guid};
use crate::json::{Object, Select, object};
use crate::moment::{DAY, HOUR, seconds};

/// Rows of the sign-in log: one per user, up to one page (List signIns, "Optional query parameters").
const SIGN_INS_MAX: u64 = 1000;

impl Desk<'_> {
    pub fn roles_and_logs(&mut self, call: &Call, path: &[&str]) -> Answer {
        let all = self.role_assignments();
        let held = || all.iter();
        let values: Vec<String> = match path {
            ["roleManagement", "directory", "roleDefinitions", id] => {
                return match ROLES.iter().position(|role| role.id == *id) {
                    Some(role) => Answer::json(200, role_definition(role)),
                    None => not_found(id),
                };
            }
            ["roleManagement", "directory", "roleDefinitions"] | ["directoryRoles"] => {
                (0..ROLES.len()).map(role_definition).collect()
            }
            ["roleManagement", "directory", "roleAssignments"] => {
                let expands = call.parameter("$expand") == Some("principal");
                let held = held().filter(|held| self.is_wanted(call, held));
                held.map(|held| self.assignment(held, expands)).collect()
            }
            [
                "roleManagement",
                "directory",
                "roleAssignmentScheduleInstances",
            ] => held()
                .map(|held| self.schedule(held, Some("Assigned")))
                .collect(),
            [
                "roleManagement",
                "directory",
                "roleEligibilityScheduleInstances",
            ] => {
                // Two people could become administrators.
                let eligible = (0..2_u64).map(|number| RoleHeld {
                    id: guid(self.plan.seed, Stream::RoleAssignment, number),
                    role: number as usize,
                    principal: Principal::User((20 + number) % self.tenant.people.count.max(1)),
                });
                eligible.map(|held| self.schedule(&held, None)).collect()
            }
            ["directoryRoles", id, "members"] => {
                let with_role = held().filter(|held| ROLES[held.role].id == *id);
                with_role
                    .map(|held| self.principal(held.principal))
                    .collect()
            }
            ["auditLogs", "signIns"] => return self.sign_ins(),
            ["auditLogs", "directoryAudits"] => Vec::new(),
            [.., last] => return not_found(last),
            [] => return not_found(""),
        };
        let position = match self.whole_position(call, values.len()) {
            Ok(position) => position,
            Err(answer) => return answer,
        };
        let mut path = path.join("/");
        // Only these options change later pages; they stay in their links.
        for option in ["$expand", "$filter"] {
            if let Some(value) = call.parameter(option) {
                let mark = if path.contains('?') { '&' } else { '?' };
                path = format!("{path}{mark}{option}={}", encode(value));
            }
        }
        self.page(
            &path,
            position,
            values.len(),
            Links::LIST,
            |out, place, _| {
                out.push_str(&values[place]);
            },
        )
    }

    /// Who holds which role now.
    pub fn role_assignments(&self) -> Vec<RoleHeld> {
        let world = &self.state.world;
        let all = self.tenant.roles_held.iter().chain(&world.roles_added);
        all.filter(|held| !world.roles_ended.contains(&held.id))
            .cloned()
            .collect()
    }

    /// Two comparisons are known (List unifiedRoleAssignments, "Optional query parameters").
    fn is_wanted(&self, call: &Call, held: &RoleHeld) -> bool {
        let filter = call.parameter("$filter");
        let Some((field, value)) = filter.and_then(|filter| filter.split_once(" eq ")) else {
            return true;
        };
        let value = value.trim_matches('\'');
        match field {
            "principalId" => self.principal_id(held.principal).1 == value,
            "roleDefinitionId" => ROLES[held.role].id == value,
            _ => false,
        }
    }

    fn principal_id(&self, principal: Principal) -> (&'static str, String) {
        match principal {
            Principal::User(user) => ("user", self.tenant.people.id(user)),
            Principal::Group(group) => ("group", self.tenant.groups.id(group)),
            Principal::App(app) => ("servicePrincipal", self.tenant.apps.id(app)),
        }
    }

    fn principal(&self, principal: Principal) -> String {
        let (kind, id) = self.principal_id(principal);
        let name = match principal {
            Principal::User(user) => self.tenant.people.person(user).name,
            Principal::Group(group) => self.tenant.groups.group(group).name,
            Principal::App(app) => self.tenant.apps.app(app).name,
        };
        object(|principal| {
            principal
                .text("@odata.type", &format!("#microsoft.graph.{kind}"))
                .text("id", &id)
                .text("displayName", &name);
        })
    }

    fn assignment(&self, held: &RoleHeld, expands: bool) -> String {
        let (_, principal) = self.principal_id(held.principal);
        object(|assignment| {
            assignment
                .text("id", &held.id)
                .text("principalId", &principal)
                .text("roleDefinitionId", ROLES[held.role].id)
                .text("directoryScopeId", "/");
            if expands {
                assignment.raw("principal", &self.principal(held.principal));
            }
        })
    }

    /// A schedule instance: an assignment when `kind` is given, else an eligibility.
    fn schedule(&self, held: &RoleHeld, kind: Option<&str>) -> String {
        let (_, principal) = self.principal_id(held.principal);
        let since = seconds(self.plan.started.as_millisecond() - 90 * DAY);
        object(|instance| {
            instance
                .text("id", &held.id)
                .text("principalId", &principal)
                .text("roleDefinitionId", ROLES[held.role].id)
                .text("directoryScopeId", "/")
                .text("startDateTime", &since)
                .raw("endDateTime", "null")
                .text("memberType", "Direct");
            if let Some(kind) = kind {
                instance.text("assignmentType", kind);
            }
        })
    }

    /// The latest interactive sign-in of each user, newest first; filters are ignored.
    fn sign_ins(&mut self) -> Answer {
        if let Some(answer) = self.no_premium() {
            return answer;
        }
        let users =
            (0..self.user_count().min(SIGN_INS_MAX)).filter_map(|place| self.user_at(place));
        let mut rows: Vec<_> = users
            .filter_map(|user| Some((user.last_sign_in?, user)))
            .collect();
        rows.sort_by_key(|(at, user)| (-at, user.index));
        let mut values = String::new();
        for (at, user) in rows {
            if !values.is_empty() {
                values.push(',');
            }
            let is_failed = draw(self.plan.seed, Stream::SignIn, user.index).is_multiple_of(10);
            let mut row = Object::new(&mut values, Select::ALL);
            row.text("id", &guid(self.plan.seed, Stream::SignIn, user.index))
                .text("createdDateTime", &seconds(at - HOUR))
                .text("userId", &user.id)
                .text("userPrincipalName", &user.upn)
                .text("appDisplayName", "Office 365")
                .text("clientAppUsed", "Browser")
                .flag("isInteractive", true)
                .text("ipAddress", "203.0.113.9")
                .raw(
                    "status",
                    if is_failed {
                        r#"{"errorCode":50126}"#
                    } else {
                        r#"{"errorCode":0}"#
                    },
                );
            row.end();
        }
        let graph = self.plan.base.graph.trim_end_matches('/');
        graph_page(&Tenant::context(graph, "auditLogs/signIns"), &values, None)
    }

    /// The refusal of sign-in data in a tenant without the licence for it, if that fault is on.
    pub fn no_premium(&mut self) -> Option<Answer> {
        self.strikes(super::faults::Fault::NoPremium)?;
        Some(graph_error(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        ))
    }
}

fn role_definition(index: usize) -> String {
    let role = &ROLES[index];
    object(|definition| {
        definition
            .text("id", role.id)
            .text("displayName", role.name)
            .flag("isBuiltIn", true)
            .flag("isEnabled", true)
            .text("templateId", role.id)
            .raw("rolePermissions", "[]");
    })
}
