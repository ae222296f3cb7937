//! What an enterprise really contains, to compare with what a reader found; items are in `truth`.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::Timestamp;
use casbah_model::activity::ActivityKind;

use super::desk::Desk;
use super::event_text::event_id;
use super::people::{Role, Status};
use super::schedule::{LOG_HISTORY, time_of};
use crate::moment::{Millis, timestamp};

/// Counts and ids at the moment of asking.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// The managed users that lists name, by id.
    pub users: BTreeMap<String, UserHeld>,
    /// Groups by id, that of all users included, with their names.
    pub groups: BTreeMap<String, String>,
    /// Memberships as group id and user id.
    pub memberships: BTreeSet<(String, String)>,
    /// Those of them that administer their group.
    pub group_admins: BTreeSet<(String, String)>,
    /// Every event of a year that is in view or will be, in the order of happening.
    pub activities: Vec<Activity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserHeld {
    pub login: String,
    pub status: Status,
    pub role: Role,
    pub is_app_user: bool,
}

/// An event as the streams have it or will have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub id: String,
    pub event_type: &'static str,
    pub kind: ActivityKind,
    /// Whether it says that a file or folder changed or was shared.
    pub is_scan_trigger: bool,
    /// The id of the item it is about.
    pub item: Option<String>,
    pub created: Timestamp,
    /// When `admin_logs_streaming` has it, once for each time it comes; empty if it was lost there.
    pub streamed: Vec<Timestamp>,
    /// When `admin_logs` has it.
    pub logged: Timestamp,
    /// A page of `admin_logs` that begins with it was empty once, or more often.
    pub was_held_back: bool,
}

impl Holdings {
    pub(super) fn of(desk: &Desk<'_>) -> Holdings {
        let mut holdings = Holdings::default();
        holdings.count_directory(desk);
        holdings.list_activities(desk);
        holdings
    }

    fn count_directory(&mut self, desk: &Desk<'_>) {
        let (people, groups) = (&desk.tenant.people, &desk.tenant.groups);
        for person in desk.listed_users().filter_map(|user| desk.user(user)) {
            let held = UserHeld {
                login: person.login,
                status: person.status,
                role: person.role,
                is_app_user: person.is_app_user,
            };
            self.users.insert(person.id, held);
        }
        for group in 0..groups.count {
            for user in desk.members(group) {
                let pair = (groups.id(group), people.id(user));
                if desk.is_group_admin(group, user) {
                    self.group_admins.insert(pair.clone());
                }
                self.memberships.insert(pair);
            }
            self.groups.insert(groups.id(group), groups.name(group));
        }
    }

    fn list_activities(&mut self, desk: &Desk<'_>) {
        let schedule = &desk.state.schedule;
        let mut streamed: BTreeMap<u64, Vec<Timestamp>> = BTreeMap::new();
        for (place, number) in &schedule.streamed {
            let times = streamed.entry(*number).or_default();
            times.push(timestamp(time_of(*place)));
        }
        let oldest: Millis = desk.now - LOG_HISTORY;
        let held_back = &desk.state.world.held_back;
        let logged = schedule.logged.iter().map(|(place, logged)| {
            let scene = desk.scene_of(logged.number);
            let row = scene.row();
            let thing = scene.thing.as_ref().filter(|_| row.is_scan_trigger);
            let activity = Activity {
                id: event_id(desk.plan.seed, logged.number),
                event_type: row.event_type,
                kind: row.kind,
                is_scan_trigger: row.is_scan_trigger,
                item: thing.map(|thing| desk.tenant.library.id(thing.place)),
                created: timestamp(scene.created),
                streamed: streamed.remove(&logged.number).unwrap_or_default(),
                logged: timestamp(logged.visible),
                was_held_back: held_back.contains_key(place),
            };
            (scene.created, activity)
        });
        let kept = logged.filter(|(created, _)| *created >= oldest);
        self.activities = kept.map(|(_, activity)| activity).collect();
    }

    /// Users of one status.
    pub fn users_of(&self, status: Status) -> BTreeSet<String> {
        let users = self.users.iter().filter(|(_, held)| held.status == status);
        users.map(|(id, _)| id.clone()).collect()
    }

    /// Ids of the events that `admin_logs_streaming` had come to at a time.
    pub fn streamed_ids(&self, at: Timestamp) -> BTreeSet<String> {
        let all = self.activities.iter();
        all.filter(|one| one.streamed.iter().any(|time| *time <= at))
            .map(|one| one.id.clone())
            .collect()
    }

    /// Ids of the events that `admin_logs` had at a time.
    pub fn logged_ids(&self, at: Timestamp) -> BTreeSet<String> {
        let all = self.activities.iter().filter(|one| one.logged <= at);
        all.map(|one| one.id.clone()).collect()
    }

    /// Ids of the events that either stream had at a time.
    pub fn activity_ids(&self, at: Timestamp) -> BTreeSet<String> {
        let mut ids = self.streamed_ids(at);
        ids.extend(self.logged_ids(at));
        ids
    }

    /// Events that happened until a time, by kind.
    pub fn activities_by_kind(&self, at: Timestamp) -> BTreeMap<ActivityKind, u64> {
        let mut counts = BTreeMap::new();
        for one in self.activities.iter().filter(|one| one.created <= at) {
            *counts.entry(one.kind).or_default() += 1;
        }
        counts
    }
}
