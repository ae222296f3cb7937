//! What an org really contains, to compare with what a reader found.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::Timestamp;
use casbah_model::activity::ActivityKind;

use super::desk::Desk;
use super::event_text::uuid;
use super::events::Family;
use super::people::{GroupType, Status};
use super::plan::Plan;
use super::roles::Assignee;
use super::schedule::RETENTION;
use crate::moment::Millis;

/// Counts and ids at the moment of asking.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// Users there are, deprovisioned ones included, with their status.
    pub users: BTreeMap<String, Status>,
    /// Sessions of the users who have any.
    pub sessions: BTreeMap<String, u64>,
    pub groups: BTreeMap<String, GroupType>,
    /// Memberships as group id and user id, those of Everyone included.
    pub memberships: BTreeSet<(String, String)>,
    /// Memberships in groups that are not built in.
    pub memberships_chosen: u64,
    /// Users whom `/iam/assignees/users` names.
    pub assignees: BTreeSet<String>,
    pub roles: Vec<RoleHeld>,
    pub applications: BTreeSet<String>,
    /// What administrators granted service apps: grant id and scope.
    pub app_grants: BTreeMap<String, String>,
    /// Consents of users: grant id and user id.
    pub user_grants: BTreeMap<String, String>,
    pub refresh_tokens: BTreeMap<String, String>,
    pub api_tokens: BTreeSet<String>,
    /// Every event that was stored or will be, in the order of publishing.
    pub activities: Vec<Activity>,
}

/// A role that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHeld {
    pub id: String,
    /// The type as it is told, `CUSTOM` for custom ones.
    pub kind: &'static str,
    pub label: &'static str,
    pub holder: Holder,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    User(String),
    Group(String),
    Client,
}

/// An event as the system log has it or will have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub uuid: String,
    pub event_type: &'static str,
    pub kind: ActivityKind,
    pub family: Family,
    pub published: Timestamp,
    /// When it was stored, from which moment on it can be read.
    pub visible: Timestamp,
}

impl Holdings {
    pub(super) fn of(desk: &Desk<'_>) -> Holdings {
        let mut holdings = Holdings::default();
        holdings.count_directory(desk);
        holdings.count_applications(desk);
        holdings.list_activities(desk, desk.plan);
        holdings
    }

    fn count_directory(&mut self, desk: &Desk<'_>) {
        let people = &desk.tenant.people;
        for user in 0..desk.user_count() {
            let Some(status) = desk.status(user) else {
                continue;
            };
            self.users.insert(people.id(user), status);
            let sessions = desk.sessions(user);
            if sessions > 0 {
                self.sessions.insert(people.id(user), sessions);
            }
        }
        let groups = &desk.tenant.groups;
        for group in 0..groups.count {
            let kind = groups.group(group).kind;
            let members = desk.members(group);
            if kind != GroupType::BuiltIn {
                self.memberships_chosen += members.len() as u64;
            }
            let id = groups.id(group);
            let members = members
                .into_iter()
                .map(|user| (id.clone(), people.id(user)));
            self.memberships.extend(members);
            self.groups.insert(id, kind);
        }
        self.assignees = desk.admins().iter().map(|user| people.id(*user)).collect();
        let held = desk.state.world.assignments.iter();
        self.roles = held
            .map(|held| RoleHeld {
                id: held.id(people.seed),
                kind: held.role.kind(),
                label: held.role.label(),
                holder: match held.assignee {
                    Assignee::User(user) => Holder::User(people.id(user)),
                    Assignee::Group(group) => Holder::Group(groups.id(group)),
                    Assignee::Client => Holder::Client,
                },
            })
            .collect();
    }

    fn count_applications(&mut self, desk: &Desk<'_>) {
        let (people, apps) = (&desk.tenant.people, &desk.tenant.apps);
        for app in 0..apps.count {
            self.applications.insert(apps.id(app));
            self.app_grants.extend(desk.app_grants(app));
        }
        for user in (0..desk.user_count()).filter(|user| desk.status(*user).is_some()) {
            let owner = people.id(user);
            let grants = desk.grants_of(user).into_iter();
            self.user_grants
                .extend(grants.map(|one| (one.id, owner.clone())));
            let tokens = desk.tokens_of(user).into_iter();
            self.refresh_tokens
                .extend(tokens.map(|one| (one.id, owner.clone())));
        }
        let tokens = desk.state.world.api_tokens();
        self.api_tokens = tokens.map(|number| desk.api_token(number).id).collect();
    }

    fn list_activities(&mut self, desk: &Desk<'_>, plan: &Plan) {
        let oldest = desk.now - RETENTION;
        let all = desk.state.schedule.all();
        let kept = all.filter(|(_, published, _)| *published >= oldest);
        self.activities = kept
            .map(|(number, published, stored)| {
                let scene = desk.scene_of(number, published);
                Activity {
                    uuid: uuid(plan.seed, number),
                    event_type: scene.kind_row().event_type,
                    kind: scene.activity_kind(),
                    family: scene.kind_row().family,
                    published: time(published),
                    visible: time(stored),
                }
            })
            .collect();
    }

    /// Users of one status.
    pub fn users_of(&self, status: Status) -> BTreeSet<String> {
        let users = self.users.iter().filter(|(_, known)| **known == status);
        users.map(|(id, _)| id.clone()).collect()
    }

    /// Events that could be read at a time: stored until then.
    pub fn activities_visible(&self, at: Timestamp) -> impl Iterator<Item = &Activity> {
        self.activities.iter().filter(move |one| one.visible <= at)
    }

    pub fn activity_ids(&self, at: Timestamp) -> BTreeSet<String> {
        self.activities_visible(at)
            .map(|one| one.uuid.clone())
            .collect()
    }

    pub fn activities_by_kind(&self, at: Timestamp) -> BTreeMap<ActivityKind, u64> {
        let mut counts = BTreeMap::new();
        for one in self.activities_visible(at) {
            *counts.entry(one.kind).or_default() += 1;
        }
        counts
    }
}

fn time(at: Millis) -> Timestamp {
    crate::moment::timestamp(at)
}
