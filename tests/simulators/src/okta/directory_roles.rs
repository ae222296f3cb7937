//! Who holds which admin role (Role assignments API, Roles API, Resource sets API).

use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::{Desk, not_allowed};
use super::ids::{Type, id, index};
use super::login::Bearer;
use super::paging::{PageSize, take};
use super::plan::Assignees;
use super::roles::{Assignee, Assignment, CUSTOM_ROLES, RESOURCE_SETS, RoleRef};
use super::wire::{Call, api_error, not_found};
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::{DAY, millis};
use crate::seal::FOREIGN;

/// List users with role assignments: 100 is the default and the most.
const ASSIGNEES: PageSize = PageSize {
    default: 100,
    max: 100,
};

impl Desk<'_> {
    pub fn roles(&mut self, call: &Call, path: &[&str], bearer: &Bearer) -> Answer {
        let (holder, rest) = match path {
            ["api", "v1", "users", who, "roles", rest @ ..] => match self.user_named(who, bearer) {
                Some(person) => (Assignee::User(person.index), rest),
                None => return not_found(who, "User"),
            },
            ["api", "v1", "groups", group, "roles", rest @ ..] => {
                match self.tenant.groups.find(group) {
                    Some(group) => (Assignee::Group(group), rest),
                    None => return not_found(group, "UserGroup"),
                }
            }
            ["oauth2", "v1", "clients", client, "roles", rest @ ..] => {
                if *client != self.plan.client.id {
                    return not_found(client, "Client");
                }
                (Assignee::Client, rest)
            }
            _ => return self.iam(call, path),
        };
        match (call.method, rest) {
            (Method::Get, []) => self.roles_held(holder),
            (Method::Post, []) => self.assign_role(call, holder, bearer),
            (Method::Delete, [role]) => self.unassign_role(role, holder, bearer),
            _ => not_allowed(),
        }
    }

    fn iam(&mut self, call: &Call, path: &[&str]) -> Answer {
        if call.method != Method::Get {
            return not_allowed();
        }
        match &path[3.min(path.len())..] {
            ["assignees", "users"] => self.assignees(call),
            ["roles"] => self.custom_roles(),
            ["roles", role, "permissions"] => {
                let found = index(self.plan.seed, Type::CustomRole, role);
                let role = found.and_then(|role| CUSTOM_ROLES.get(usize::try_from(role).ok()?));
                match role {
                    Some(role) => permissions(role.permissions),
                    None => not_found(path[4], "Role"),
                }
            }
            ["resource-sets"] => self.resource_sets(),
            rest => not_found(rest.last().unwrap_or(&""), "Endpoint"),
        }
    }

    /// Everyone who holds a role, with the next page in the body and addresses that begin with `http:`, as the
    /// documentation's sample shows them.
    fn assignees(&mut self, call: &Call) -> Answer {
        let page = match self.page(call, ASSIGNEES) {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let holders = self.admins();
        let base = self.plan.base.trim_end_matches('/');
        let http = base.replacen("https://", "http://", 1);
        let (texts, next) = take(
            &page,
            holders.into_iter().map(|user| (user, user)),
            |user| {
                let own = self.tenant.people.id(*user);
                let href = |tail: &str| format!(r#"{{"href":"{http}/api/v1/users/{own}{tail}"}}"#);
                let org = id(self.plan.seed, Type::Org, 0);
                object(|one| {
                    one.text("id", &own)
                        .text("orn", &format!("orn:okta:directory:{org}:users:{own}"))
                        .raw(
                            "_links",
                            &format!(r#"{{"self":{},"roles":{}}}"#, href(""), href("/roles")),
                        );
                })
            },
        );
        let links = self.next_page(&page, next).map_or("{}".into(), |cursor| {
            let host = if page.oddity.is_foreign {
                FOREIGN
            } else {
                &http
            };
            let limit = page.limit;
            let href = format!("{host}/api/v1/iam/assignees/users?after={cursor}&limit={limit}");
            format!(r#"{{"next":{{"href":{}}}}}"#, text(&href))
        });
        Answer::json(
            200,
            format!(r#"{{"value":[{}],"_links":{links}}}"#, texts.join(",")),
        )
    }

    /// Numbers of the users whom the list of assignees names, in order.
    pub fn admins(&self) -> Vec<u64> {
        let all = self.state.world.assignments.iter();
        let is_all = self.plan.choices.assignees == Assignees::All;
        let mut users: Vec<u64> = all
            .flat_map(|one| match one.assignee {
                Assignee::User(user) => vec![user],
                Assignee::Group(group) if is_all => self.members(group),
                _ => Vec::new(),
            })
            .filter(|user| self.status(*user).is_some())
            .collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// Roles of a user include those of its groups.
    fn roles_held(&self, holder: Assignee) -> Answer {
        let held: Vec<Assignment> = match holder {
            Assignee::User(user) => self.roles_of(user),
            holder => {
                let all = self.state.world.assignments.iter();
                all.filter(|one| one.assignee == holder).copied().collect()
            }
        };
        let texts: Vec<String> = held.iter().map(|one| self.role_text(one)).collect();
        Answer::json(200, format!("[{}]", texts.join(",")))
    }

    fn role_text(&self, held: &Assignment) -> String {
        let (seed, base) = (self.plan.seed, self.plan.base.trim_end_matches('/'));
        let created = millis(self.plan.started.as_millisecond() - DAY);
        let (kind, assignee) = match held.assignee {
            Assignee::User(user) => (
                "USER",
                format!("/api/v1/users/{}", self.tenant.people.id(user)),
            ),
            Assignee::Group(group) => (
                "GROUP",
                format!("/api/v1/groups/{}", self.tenant.groups.id(group)),
            ),
            Assignee::Client => (
                "CLIENT",
                format!("/oauth2/v1/clients/{}", self.plan.client.id),
            ),
        };
        object(|role| {
            role.text("id", &held.id(seed))
                .text("label", held.role.label())
                .text("type", held.role.kind())
                .text("status", "ACTIVE")
                .text("created", &created)
                .text("lastUpdated", &created)
                .text("assignmentType", kind)
                .raw(
                    "_links",
                    &format!(r#"{{"assignee":{{"href":"{base}{assignee}"}}}}"#),
                );
            if let RoleRef::Custom(custom) = held.role {
                role.text("role", &id(seed, Type::CustomRole, custom as u64))
                    .text("resource-set", &id(seed, Type::ResourceSet, custom as u64));
            }
        })
    }

    fn assign_role(&mut self, call: &Call, holder: Assignee, bearer: &Bearer) -> Answer {
        let body: Value = match serde_json::from_slice(&call.body) {
            Ok(body) => body,
            Err(_) => return api_error("E0000003", ""),
        };
        let role = body["type"].as_str().and_then(RoleRef::named);
        let Some(role @ RoleRef::Standard(_)) = role else {
            return api_error("E0000001", "type: The role type is not valid.");
        };
        let all = &self.state.world.assignments;
        if all
            .iter()
            .any(|one| one.assignee == holder && one.role == role)
        {
            return api_error("E0000090", "");
        }
        let made = self.grant_role(bearer.actor(), holder, role);
        Answer::json(200, self.role_text(&made))
    }

    fn unassign_role(&mut self, role: &str, holder: Assignee, bearer: &Bearer) -> Answer {
        let seed = self.plan.seed;
        let all = &self.state.world.assignments;
        let found = all
            .iter()
            .find(|one| one.assignee == holder && one.id(seed) == role);
        match found.map(|one| one.number) {
            Some(number) => {
                self.revoke_role(bearer.actor(), number);
                Answer::empty(204)
            }
            None => not_found(role, "RoleAssignment"),
        }
    }

    /// The names of the lists in this and the two next answers are uncertain.
    fn custom_roles(&self) -> Answer {
        let created = millis(self.plan.started.as_millisecond() - DAY);
        let texts = (0_u64..).zip(&CUSTOM_ROLES).map(|(number, role)| {
            object(|one| {
                one.text("id", &id(self.plan.seed, Type::CustomRole, number))
                    .text("label", role.label)
                    .text("description", role.description)
                    .text("created", &created)
                    .text("lastUpdated", &created);
            })
        });
        let texts: Vec<String> = texts.collect();
        Answer::json(
            200,
            format!(r#"{{"roles":[{}],"_links":{{}}}}"#, texts.join(",")),
        )
    }

    fn resource_sets(&self) -> Answer {
        let texts = (0_u64..).zip(&RESOURCE_SETS).map(|(number, set)| {
            object(|one| {
                one.text("id", &id(self.plan.seed, Type::ResourceSet, number))
                    .text("label", set.label)
                    .text("description", set.description);
            })
        });
        let texts: Vec<String> = texts.collect();
        Answer::json(
            200,
            format!(r#"{{"resource-sets":[{}],"_links":{{}}}}"#, texts.join(",")),
        )
    }
}

fn permissions(labels: &[&str]) -> Answer {
    let texts: Vec<String> = labels
        .iter()
        .map(|label| format!(r#"{{"label":{}}}"#, text(label)))
        .collect();
    Answer::json(200, format!(r#"{{"permissions":[{}]}}"#, texts.join(",")))
}
