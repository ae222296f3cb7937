//! Applications of the directory and what they were granted.

use super::apps::{AppRoleHeld, FIRST_PARTY_OWNER, GRAPH, Grant, MANAGEMENT, role_id, role_names};
use super::desk::Desk;
use super::directory::not_found;
use super::paging::Links;
use super::wire::Call;
use super::world::Step;
use crate::answer::Answer;
use crate::chance::{Stream, guid};
use crate::json::{Object, Select, object};
use crate::moment::{DAY, seconds};

const PAGE_MAX: usize = 999;

impl Desk<'_> {
    pub fn applications(&mut self, call: &Call, path: &[&str]) -> Answer {
        match path {
            ["servicePrincipals"] | ["servicePrincipals", "delta"] => {
                let count = self.tenant.apps.count;
                self.listed(call, path, count as usize, |desk, out, place, select| {
                    desk.push_app(out, place as u64, select);
                })
            }
            ["oauth2PermissionGrants"] | ["oauth2PermissionGrants", "delta"] => {
                let count = self.tenant.apps.grants.len();
                self.listed(call, path, count, |desk, out, place, select| {
                    let grant = &desk.tenant.apps.grants[place];
                    match desk.has_grant(grant) {
                        true => desk.push_grant(out, grant, select),
                        false if path.last() == Some(&"delta") => out.push_str(&removed(&grant.id)),
                        false => {}
                    }
                })
            }
            ["oauth2PermissionGrants", id] => match self.grant_place(id) {
                Some(place) => {
                    let mut out = String::new();
                    let grant = &self.tenant.apps.grants[place];
                    self.push_grant(&mut out, grant, call.select().as_deref());
                    Answer::json(200, out)
                }
                None => not_found(id),
            },
            [first, rest @ ..] => {
                let (app, rest) = match first.split_once("(appId='") {
                    Some((_, id)) => (
                        self.tenant.apps.find_by_app_id(id.trim_end_matches("')")),
                        rest,
                    ),
                    None => match rest {
                        [id, rest @ ..] => (self.tenant.apps.find(id), rest),
                        [] => (None, rest),
                    },
                };
                match app {
                    Some(app) => self.one_app(call, app, path, rest),
                    None => not_found(path.get(1).unwrap_or(first)),
                }
            }
            [] => not_found(""),
        }
    }

    fn one_app(&mut self, call: &Call, app: u64, path: &[&str], rest: &[&str]) -> Answer {
        let is_wanted = |held: &AppRoleHeld| match rest {
            ["appRoleAssignments"] => held.app == app,
            _ => held.resource == app,
        };
        match rest {
            [] => {
                let mut out = String::new();
                self.push_app(&mut out, app, call.select().as_deref());
                Answer::json(200, out)
            }
            ["appRoleAssignments" | "appRoleAssignedTo"] => {
                let mut held = self.app_roles_held();
                held.retain(is_wanted);
                self.listed(call, path, held.len(), |desk, out, place, _| {
                    desk.push_role_held(out, &held[place]);
                })
            }
            _ => not_found(rest[0]),
        }
    }

    /// The place of a grant that stands.
    pub fn grant_place(&self, id: &str) -> Option<usize> {
        let mut grants = self.tenant.apps.grants.iter();
        grants.position(|grant| grant.id == id && self.has_grant(grant))
    }

    pub fn has_grant(&self, grant: &Grant) -> bool {
        !self.state.world.grants_ended.contains(&grant.id)
    }

    /// Which application holds which role now.
    pub fn app_roles_held(&self) -> Vec<AppRoleHeld> {
        let world = &self.state.world;
        let planned = self.tenant.apps.roles_held.iter();
        let all = planned.chain(&world.app_roles_added);
        all.filter(|held| !world.app_roles_ended.contains(&held.id))
            .cloned()
            .collect()
    }

    /// What changed in a list between two steps, by place.
    fn changed_places(&self, list: &str, from: usize, until: usize) -> Vec<usize> {
        let steps = &self.state.world.steps;
        let until = until.min(steps.len());
        let changed = steps[from.min(until)..until].iter();
        let mut places: Vec<usize> = changed
            .filter_map(|step| match step {
                Step::App(app) if list == "servicePrincipals" => Some(*app as usize),
                Step::Grant(place) if list == "oauth2PermissionGrants" => Some(*place as usize),
                _ => None,
            })
            .collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// A list; after its delta's first round only what changed comes.
    fn listed(
        &mut self,
        call: &Call,
        path: &[&str],
        length: usize,
        mut write: impl FnMut(&Desk<'_>, &mut String, usize, Option<&[String]>),
    ) -> Answer {
        let links = if path.last() == Some(&"delta") {
            Links::DELTA
        } else {
            Links::LIST
        };
        match self.position(call, PAGE_MAX) {
            Ok(position) => {
                let places = match position.from {
                    Some(from) => self.changed_places(path[0], from, position.until),
                    None => (0..length).collect(),
                };
                self.page(
                    &path.join("/"),
                    position,
                    places.len(),
                    links,
                    |out, place, select| {
                        write(self, out, places[place], select);
                    },
                )
            }
            Err(answer) => answer,
        }
    }

    fn push_app(&self, out: &mut String, index: u64, select: Option<&[String]>) {
        let app = self.tenant.apps.app(index);
        let is_enabled = self.state.world.apps.get(&index).copied();
        let owner = if app.is_first_party {
            FIRST_PARTY_OWNER.to_string()
        } else {
            guid(self.plan.seed, Stream::Application, index | 1 << 25)
        };
        let offers_roles = matches!(index, GRAPH | MANAGEMENT);
        let mut object = Object::new(out, Select(select));
        object
            .text("id", &app.id)
            .text("appId", &app.app_id)
            .text("displayName", &app.name)
            .flag("accountEnabled", is_enabled.unwrap_or(app.is_enabled))
            .raw("isDisabled", "null")
            .text("appOwnerOrganizationId", &owner)
            .text("servicePrincipalType", "Application")
            .text("signInAudience", "AzureADMultipleOrgs")
            .raw("homepage", "null")
            .raw("replyUrls", "[]")
            .raw("tags", r#"["WindowsAzureActiveDirectoryIntegratedApp"]"#)
            .raw("disabledByMicrosoftStatus", "null")
            .raw("verifiedPublisher", &publisher(app.is_verified, &app.name))
            .raw(
                "appRoles",
                &if offers_roles {
                    self.app_roles(index)
                } else {
                    "[]".into()
                },
            )
            .raw("oauth2PermissionScopes", "[]");
        object.end();
    }

    /// What the resource offers; `appRoleId` of an assignment is looked up here.
    fn app_roles(&self, resource: u64) -> String {
        let mut names: Vec<&str> = role_names(resource);
        let held = self
            .tenant
            .apps
            .roles_held
            .iter()
            .filter(|held| held.resource == resource);
        names.extend(held.map(|held| held.role.as_str()));
        names.sort_unstable();
        names.dedup();
        let role = |name: &str| {
            object(|role| {
                role.text("id", &role_id(self.plan.seed, name))
                    .text("value", name)
                    .text("displayName", name)
                    .raw("allowedMemberTypes", r#"["Application"]"#)
                    .flag("isEnabled", true);
            })
        };
        let roles: Vec<String> = names.into_iter().map(role).collect();
        format!("[{}]", roles.join(","))
    }

    /// A grant has no date and no consenting administrator (oAuth2PermissionGrant resource type).
    fn push_grant(&self, out: &mut String, grant: &Grant, select: Option<&[String]>) {
        let mut object = Object::new(out, Select(select));
        let user = grant.user.map(|user| self.tenant.people.id(user));
        object
            .text("id", &grant.id)
            .text("clientId", &self.tenant.apps.id(grant.app))
            .text(
                "consentType",
                if user.is_some() {
                    "Principal"
                } else {
                    "AllPrincipals"
                },
            )
            .maybe("principalId", user.as_deref())
            .text("resourceId", &self.tenant.apps.id(GRAPH))
            .text("scope", grant.scope);
        object.end();
    }

    fn push_role_held(&self, out: &mut String, held: &AppRoleHeld) {
        let (app, resource) = (
            self.tenant.apps.app(held.app),
            self.tenant.apps.app(held.resource),
        );
        let created = seconds(self.plan.started.as_millisecond() - 100 * DAY);
        let mut object = Object::new(out, Select::ALL);
        object
            .text("id", &held.id)
            .text("appRoleId", &role_id(self.plan.seed, &held.role))
            .text("createdDateTime", &created)
            .text("principalId", &app.id)
            .text("principalType", "ServicePrincipal")
            .text("principalDisplayName", &app.name)
            .text("resourceId", &resource.id)
            .text("resourceDisplayName", &resource.name);
        object.end();
    }
}

fn removed(id: &str) -> String {
    object(|entry| {
        entry
            .text("id", id)
            .raw("@removed", r#"{"reason":"deleted"}"#);
    })
}

fn publisher(is_verified: bool, name: &str) -> String {
    if !is_verified {
        return r#"{"displayName":null,"verifiedPublisherId":null,"addedDateTime":null}"#.into();
    }
    object(|publisher| {
        publisher
            .text("displayName", &format!("{name} Ltd"))
            .text("verifiedPublisherId", "4711001")
            .text("addedDateTime", "2024-03-01T00:00:00Z");
    })
}
