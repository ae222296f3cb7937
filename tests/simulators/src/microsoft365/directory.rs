//! Users, groups and what describes the organization.

use super::desk::Desk;
use super::paging::{Links, Position};
use super::people::{DOMAINS, MEMBERS_PER_ENTRY, Person};
use super::tenant::Tenant;
use super::wire::{Call, graph_error, graph_page};
use super::world::Step;
use crate::answer::Answer;
use crate::json::{Object, Select, object, text};
use crate::moment::{DAY, millis, seconds};

const PAGE_MAX: usize = 999;
/// With `signInActivity` a page is smaller (Graph throttling limits, "Identity and access reports").
const PAGE_MAX_SIGN_IN: usize = 500;

/// What `/users` and its delta give without `$select` (List users, "Response").
const USER_DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

impl Desk<'_> {
    pub fn directory(&mut self, call: &Call, path: &[&str]) -> Answer {
        let graph = self.plan.base.graph.trim_end_matches('/').to_string();
        match path {
            ["users", "delta"] => self.delta(call, path, "users"),
            ["groups", "delta"] => self.delta(call, path, "groups"),
            ["users"] => self.users(call),
            ["users", id] => match self
                .tenant
                .people
                .find(id)
                .and_then(|index| self.user(index))
            {
                Some(person) => Answer::json(200, user_text(&person, call.select().as_deref())),
                None => not_found(id),
            },
            ["users", id, "memberOf"] => self.groups_of(call, path, id),
            ["groups", id] => match self.tenant.groups.find(id) {
                Some(group) => {
                    let (mut out, select) = (String::new(), call.select());
                    self.group_object(&mut out, group, select.as_deref()).end();
                    Answer::json(200, out)
                }
                None => not_found(id),
            },
            ["groups", id, "members" | "transitiveMembers"] => self.group_members(call, path, id),
            ["organization"] => graph_page(
                &Tenant::context(&graph, "organization"),
                &self.organization(),
                None,
            ),
            ["domains"] => graph_page(&Tenant::context(&graph, "domains"), &domains(), None),
            ["subscribedSkus"] => graph_page(
                &Tenant::context(&graph, "subscribedSkus"),
                &self.skus(),
                None,
            ),
            _ => graph_error(
                404,
                "ResourceNotFound",
                &format!(
                    "Resource not found for the segment '{}'.",
                    path.first().unwrap_or(&"")
                ),
            ),
        }
    }

    pub fn delta(&mut self, call: &Call, path: &[&str], of: &str) -> Answer {
        if ["$top", "$expand", "$orderby"]
            .iter()
            .any(|option| call.parameter(option).is_some())
        {
            return graph_error(
                400,
                "Request_UnsupportedQuery",
                "The query option is not supported in a delta query.",
            );
        }
        let mut position = match self.position(call, PAGE_MAX) {
            Ok(position) => position,
            Err(answer) => return answer,
        };
        // Sign-in activity is no part of a delta.
        if let Some(names) = &mut position.select {
            names.retain(|name| name != "signInActivity");
        }
        let path = path.join("/");
        let Some(from) = position.from else {
            return match of {
                "users" => self.all_users(&path, position, Links::DELTA),
                _ => self.all_groups(&path, position),
            };
        };
        let steps = &self.state.world.steps;
        let mut changed: Vec<(u64, u64)> = steps
            [from.min(steps.len())..position.until.min(steps.len())]
            .iter()
            .filter_map(|step| match step {
                Step::User(user) if of == "users" => Some((*user, 0)),
                Step::Member { group, user } if of == "groups" => Some((*group, *user)),
                _ => None,
            })
            .collect();
        changed.sort_unstable();
        changed.dedup();
        self.page(
            &path,
            position,
            changed.len(),
            Links::DELTA,
            |out, place, select| {
                let (index, user) = changed[place];
                match of {
                    "users" => self.push_user_change(out, index, select),
                    _ => self.push_member_change(out, index, user, select),
                }
            },
        )
    }

    fn all_users(&self, path: &str, position: Position, links: Links) -> Answer {
        let length = self.user_count() as usize;
        self.page(path, position, length, links, |out, place, select| {
            if let Some(person) = self.user_at(place as u64) {
                push_user(out, &person, select);
            }
        })
    }

    fn push_user_change(&self, out: &mut String, index: u64, select: Option<&[String]>) {
        match self.user(index) {
            Some(person) => push_user(out, &person, select),
            None => {
                let id = self.tenant.people.id(index);
                out.push_str(&object(|user| {
                    user.text("id", &id)
                        .raw("@removed", r#"{"reason":"changed"}"#);
                }));
            }
        }
    }

    fn users(&mut self, call: &Call) -> Answer {
        let has_activity = call
            .parameter("$select")
            .is_some_and(|select| select.contains("signInActivity"));
        let page_max = if has_activity {
            PAGE_MAX_SIGN_IN
        } else {
            PAGE_MAX
        };
        match self.position(call, page_max) {
            Ok(position) => self.all_users("users", position, Links::LIST),
            Err(answer) => answer,
        }
    }

    fn all_groups(&self, path: &str, position: Position) -> Answer {
        let length = self.tenant.groups.entry_count() as usize;
        self.page(
            path,
            position,
            length,
            Links::DELTA,
            |out, entry, select| {
                self.push_group_entry(out, entry as u64, select);
            },
        )
    }

    /// One entry of the groups delta: a group with as many members as fit; the next entry may go on with them.
    fn push_group_entry(&self, out: &mut String, entry: u64, select: Option<&[String]>) {
        let (index, first) = self.tenant.groups.entry(entry);
        let mut entry = self.group_object(out, index, select);
        let members = self.members(index, first, first + MEMBERS_PER_ENTRY);
        let values: Vec<String> = members
            .iter()
            .map(|(kind, id)| member_text(kind, id))
            .collect();
        if !values.is_empty() {
            entry.raw("members@delta", &format!("[{}]", values.join(",")));
        }
        entry.end();
    }

    /// A change of a group tells who joined, and who left (group: delta, "Response").
    fn push_member_change(
        &self,
        out: &mut String,
        group: u64,
        user: u64,
        select: Option<&[String]>,
    ) {
        let id = self.tenant.people.id(user);
        let member = match self.is_member(group, user) {
            true => member_text("user", &id),
            false => format!(
                r##"{{"@odata.type":"#microsoft.graph.user","id":"{id}","@removed":{{"reason":"deleted"}}}}"##
            ),
        };
        let mut entry = self.group_object(out, group, select);
        entry.raw("members@delta", &format!("[{member}]"));
        entry.end();
    }

    /// A group without its members, not closed yet.
    fn group_object<'a>(
        &self,
        out: &'a mut String,
        index: u64,
        select: Option<&'a [String]>,
    ) -> Object<'a> {
        let group = self.tenant.groups.group(index);
        let mut entry = Object::new(out, Select(select));
        entry
            .text("id", &group.id)
            .text("displayName", &group.name)
            .maybe(
                "mail",
                group
                    .is_team
                    .then(|| format!("group{index}@{}", DOMAINS[0]))
                    .as_deref(),
            )
            .flag("mailEnabled", group.is_team)
            .flag("securityEnabled", !group.is_team)
            .raw(
                "groupTypes",
                if group.is_team {
                    r#"["Unified"]"#
                } else {
                    "[]"
                },
            )
            .text("visibility", "Private")
            .flag("isAssignableToRole", group.is_role_assignable)
            .raw("membershipRule", "null")
            .raw("onPremisesSyncEnabled", "null")
            .raw(
                "resourceProvisioningOptions",
                if group.is_team { r#"["Team"]"# } else { "[]" },
            );
        entry
    }

    /// The groups that a user is in directly.
    fn groups_of(&mut self, call: &Call, path: &[&str], id: &str) -> Answer {
        let found = self.tenant.people.find(id);
        let Some(user) = found.filter(|user| self.user(*user).is_some()) else {
            return not_found(id);
        };
        let groups: Vec<u64> = (0..self.tenant.groups.count)
            .filter(|group| self.is_member(*group, user))
            .collect();
        let position = match self.whole_position(call, groups.len()) {
            Ok(position) => position,
            Err(answer) => return answer,
        };
        let write = |out: &mut String, place: usize, _: Option<&[String]>| {
            out.push_str(&member_text("group", &self.tenant.groups.id(groups[place])));
        };
        self.page(&path.join("/"), position, groups.len(), Links::LIST, write)
    }

    /// Whether a user is in a group directly, whoever joined or left since.
    pub fn is_member(&self, group: u64, user: u64) -> bool {
        let changed = self.state.world.members.get(&(group, user)).copied();
        changed.unwrap_or_else(|| self.tenant.groups.has(group, user))
    }

    /// Who joined a group whom the plan does not have in it.
    fn joined(&self, group: u64) -> Vec<u64> {
        let members = &self.state.world.members;
        let changed = members.range((group, 0)..=(group, u64::MAX));
        changed
            .filter(|((_, user), is_in)| **is_in && !self.tenant.groups.has(group, *user))
            .map(|((_, user), _)| *user)
            .collect()
    }

    /// Ids of a group's members at places `[first, last)`; the nested group comes with the first.
    pub fn members(&self, group: u64, first: u64, last: u64) -> Vec<(&'static str, String)> {
        let found = self.tenant.groups.group(group);
        let nested = found.nested.filter(|_| first == 0);
        let nested = nested.map(|nested| ("group", self.tenant.groups.id(nested)));
        let users = (first..last.min(found.members))
            .map(|place| self.tenant.groups.member(group, place))
            .filter(|user| self.is_member(group, *user));
        let is_end = last >= found.members;
        let joined = if is_end { self.joined(group) } else { vec![] };
        let users = users
            .chain(joined)
            .filter(|user| self.user_is_there(*user))
            .map(|user| ("user", self.tenant.people.id(user)));
        users.chain(nested).collect()
    }

    fn user_is_there(&self, index: u64) -> bool {
        !self.state.world.user(index).is_deleted
    }

    fn group_members(&mut self, call: &Call, path: &[&str], id: &str) -> Answer {
        let Some(group) = self.tenant.groups.find(id) else {
            return not_found(id);
        };
        let found = self.tenant.groups.group(group);
        let joined = self.joined(group).len();
        let length = found.members as usize + usize::from(found.nested.is_some()) + joined;
        let position = match self.whole_position(call, length) {
            Ok(position) => position,
            Err(answer) => return answer,
        };
        let write = |out: &mut String, place: usize, _: Option<&[String]>| {
            if let Some((kind, id)) = self.member_at(group, place as u64) {
                out.push_str(&member_text(kind, &id));
            }
        };
        self.page(&path.join("/"), position, length, Links::LIST, write)
    }

    /// The member at a place of the list: the users of the plan, the nested group, and those who joined since; `None` if
    /// deleted, or no member any more.
    fn member_at(&self, group: u64, place: u64) -> Option<(&'static str, String)> {
        let found = self.tenant.groups.group(group);
        let user = match (place.checked_sub(found.members), found.nested) {
            (None, _) => self.tenant.groups.member(group, place),
            (Some(0), Some(nested)) => return Some(("group", self.tenant.groups.id(nested))),
            (Some(later), nested) => {
                let later = later - u64::from(nested.is_some());
                *self.joined(group).get(later as usize)?
            }
        };
        let is_there = self.user_is_there(user) && self.is_member(group, user);
        is_there.then(|| ("user", self.tenant.people.id(user)))
    }

    fn organization(&self) -> String {
        let created = seconds(self.plan.started.as_millisecond() - 2000 * DAY);
        object(|organization| {
            organization
                .text("id", &self.plan.tenant_id)
                .text("displayName", "Contoso")
                .text("createdDateTime", &created)
                .text("tenantType", "AAD")
                .raw(
                    "verifiedDomains",
                    &format!(
                        r#"[{{"name":"{}","isDefault":true,"isInitial":false,"type":"Managed"}},{{"name":"{}","isDefault":false,"isInitial":true,"type":"Managed"}}]"#,
                        DOMAINS[0], DOMAINS[1]
                    ),
                );
        })
    }

    fn skus(&self) -> String {
        let seats = self.plan.seats;
        object(|sku| {
            sku.text(
                "id",
                &format!(
                    "{}_06ebc4ee-1bb5-47dd-8120-11324bc54e06",
                    self.plan.tenant_id
                ),
            )
            .text("skuId", "06ebc4ee-1bb5-47dd-8120-11324bc54e06")
            .text("skuPartNumber", "SPE_E5")
            .text("capabilityStatus", "Enabled")
            .text("appliesTo", "User")
            .number("consumedUnits", seats)
            .raw(
                "prepaidUnits",
                &format!(r#"{{"enabled":{},"suspended":0,"warning":0}}"#, seats + 10),
            );
        })
    }
}

fn member_text(kind: &str, id: &str) -> String {
    format!(r##"{{"@odata.type":"#microsoft.graph.{kind}","id":"{id}"}}"##)
}

fn domains() -> String {
    let domain = |name: &str| {
        object(|domain| {
            domain
                .text("id", name)
                .text("authenticationType", "Managed")
                .flag("isDefault", name == DOMAINS[0])
                .flag("isInitial", name == DOMAINS[1])
                .flag("isVerified", true);
        })
    };
    DOMAINS.map(domain).join(",")
}

fn user_text(person: &Person, select: Option<&[String]>) -> String {
    let mut out = String::new();
    push_user(&mut out, person, select);
    out
}

fn push_user(out: &mut String, person: &Person, select: Option<&[String]>) {
    let default: Vec<String> = USER_DEFAULT.map(String::from).to_vec();
    let mut user = Object::new(out, Select(Some(select.unwrap_or(&default))));
    let created = seconds(person.created);
    let (given, family) = person.name.split_once(' ').unwrap_or((&person.name, ""));
    let licence = r#"[{"skuId":"06ebc4ee-1bb5-47dd-8120-11324bc54e06","disabledPlans":[]}]"#;
    user.text("id", &person.id)
        .text("userPrincipalName", &person.upn)
        .text("displayName", &person.name)
        .text("givenName", given)
        .text("surname", family)
        .text("mail", &person.mail)
        .raw("businessPhones", "[]")
        .raw("mobilePhone", "null")
        .raw("preferredLanguage", "null")
        .flag("accountEnabled", person.is_enabled)
        .text("userType", if person.is_guest { "Guest" } else { "Member" })
        .text("createdDateTime", &created)
        .text("department", person.department)
        .text("jobTitle", "Specialist")
        .text(
            "companyName",
            if person.is_guest {
                "Partner"
            } else {
                "Contoso"
            },
        )
        .text("officeLocation", "Main building")
        .text("usageLocation", "DE")
        .raw(
            "assignedLicenses",
            if person.is_guest { "[]" } else { licence },
        )
        .raw(
            "onPremisesSyncEnabled",
            if person.is_synced { "true" } else { "null" },
        )
        .raw("onPremisesLastSyncDateTime", "null")
        .raw("onPremisesImmutableId", "null")
        .maybe("externalUserState", person.is_guest.then_some("Accepted"))
        .text("lastPasswordChangeDateTime", &created)
        .text(
            "signInSessionsValidFromDateTime",
            &seconds(person.sessions_from),
        )
        .raw(
            "proxyAddresses",
            &format!("[{}]", text(&format!("SMTP:{}", person.mail))),
        )
        .raw("otherMails", "[]");
    // Not part of the delta, and only there when asked for.
    let wants_activity =
        select.is_some_and(|names| names.iter().any(|name| name == "signInActivity"));
    if let Some(at) = person.last_sign_in.filter(|_| wants_activity) {
        let at = millis(at);
        user.raw(
            "signInActivity",
            &object(|activity| {
                activity
                    .text("lastSignInDateTime", &at)
                    .text("lastNonInteractiveSignInDateTime", &at)
                    .text("lastSuccessfulSignInDateTime", &at);
            }),
        );
    }
    user.end();
}

pub fn not_found(id: &str) -> Answer {
    let message = format!(
        "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
    );
    graph_error(404, "Request_ResourceNotFound", &message)
}
