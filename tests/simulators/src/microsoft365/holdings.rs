//! What a tenant really contains, to compare with what a reader found.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::Timestamp;
use casbah_model::activity::ActivityKind;
use casbah_model::file::Sharing;

use super::desk::Desk;
use super::library::Place;
use super::plan::{ContentType, Plan};
use super::records::event_id;
use super::roles::ROLES;
use super::schedule::Blob;
use crate::moment::{DAY, Millis};

/// Counts and ids at the moment of asking.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// Users there are: members and guests, enabled or not.
    pub users: u64,
    pub members: u64,
    pub guests: u64,
    pub disabled: u64,
    pub user_ids: BTreeSet<String>,
    pub groups: u64,
    pub group_ids: BTreeSet<String>,
    /// Direct memberships, groups in groups included.
    pub memberships: u64,
    /// Role definitions, and those that can change who may do what.
    pub roles: u64,
    pub roles_privileged: u64,
    pub role_assignments: u64,
    pub role_assignments_privileged: u64,
    pub role_assignment_ids: BTreeSet<String>,
    /// Service principals.
    pub applications: u64,
    pub application_ids: BTreeSet<String>,
    pub delegated_grants: u64,
    pub delegated_grant_ids: BTreeSet<String>,
    pub app_role_assignments: u64,
    pub app_role_assignment_ids: BTreeSet<String>,
    /// Team sites and personal sites; each has one drive.
    pub sites: u64,
    pub drives: u64,
    pub drive_ids: BTreeSet<String>,
    pub files: u64,
    /// Folders without the roots of the drives.
    pub folders: u64,
    /// Effective visibility, inheritance considered.
    pub files_by_sharing: BTreeMap<Sharing, u64>,
    pub folders_by_sharing: BTreeMap<Sharing, u64>,
    /// Graph item ids of the files with their effective visibility.
    pub file_ids: BTreeMap<String, Sharing>,
    /// Every event that was published in a feed that was on.
    pub activities: Vec<Activity>,
    /// Copies that the fault `duplicate-records` handed out.
    pub duplicates: u64,
}

/// An audit event as the feed will have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub number: u64,
    pub feed: ContentType,
    pub kind: ActivityKind,
    /// When the blob that holds it was published, in epoch milliseconds.
    pub available: Millis,
    pub is_lost: bool,
    seed: u64,
    part: u64,
}

impl Activity {
    /// The `Id` of its record.
    pub fn id(&self) -> String {
        event_id(self.seed, self.number)
    }

    /// The content id of the blob that holds it.
    pub fn content_id(&self) -> String {
        let (feed, created, part) = (self.feed, self.available, self.part);
        Blob {
            feed,
            created,
            part,
        }
        .content_id()
    }
}

impl Holdings {
    /// Counts everything: about 0.2 s for 20,000 users, 100,000 files and 200,000 events.
    pub(super) fn of(desk: &Desk<'_>) -> Holdings {
        let mut holdings = Holdings {
            duplicates: desk.state.world.duplicates,
            ..Holdings::default()
        };
        holdings.count_directory(desk);
        holdings.count_files(desk);
        holdings.list_activities(desk, desk.plan);
        holdings
    }

    fn count_directory(&mut self, desk: &Desk<'_>) {
        for user in (0..desk.user_count()).filter_map(|place| desk.user_at(place)) {
            self.users += 1;
            *(if user.is_guest {
                &mut self.guests
            } else {
                &mut self.members
            }) += 1;
            self.disabled += u64::from(!user.is_enabled);
            self.user_ids.insert(user.id);
        }
        self.groups = desk.tenant.groups.count;
        self.group_ids = (0..self.groups)
            .map(|group| desk.tenant.groups.id(group))
            .collect();
        self.memberships = (0..self.groups)
            .map(|group| desk.members(group, 0, u64::MAX).len() as u64)
            .sum();
        let held = desk.role_assignments();
        self.roles = ROLES.len() as u64;
        self.roles_privileged = ROLES.iter().filter(|role| role.is_privileged).count() as u64;
        self.role_assignments = held.len() as u64;
        self.role_assignments_privileged = held
            .iter()
            .filter(|held| ROLES[held.role].is_privileged)
            .count() as u64;
        self.role_assignment_ids = held.iter().map(|held| held.id.clone()).collect();
        let apps = &desk.tenant.apps;
        self.applications = apps.count;
        self.application_ids = (0..apps.count).map(|app| apps.id(app)).collect();
        let grants = apps.grants.iter().filter(|grant| desk.has_grant(grant));
        self.delegated_grant_ids = grants.map(|grant| grant.id.clone()).collect();
        self.delegated_grants = self.delegated_grant_ids.len() as u64;
        let app_roles = desk.app_roles_held();
        self.app_role_assignments = app_roles.len() as u64;
        self.app_role_assignment_ids = app_roles.into_iter().map(|held| held.id).collect();
    }

    fn count_files(&mut self, desk: &Desk<'_>) {
        let library = &desk.tenant.library;
        (self.sites, self.drives) = (library.count(), library.count());
        self.drive_ids = (0..library.count())
            .map(|drive| library.drive_id(drive))
            .collect();
        for drive in 0..library.count() {
            for place in desk.items_there(drive) {
                let sharing = sharing(desk, place);
                if desk.is_folder(place) {
                    self.folders += 1;
                    *self.folders_by_sharing.entry(sharing).or_default() += 1;
                } else {
                    self.files += 1;
                    *self.files_by_sharing.entry(sharing).or_default() += 1;
                    self.file_ids.insert(library.item_id(place), sharing);
                }
            }
        }
    }

    fn list_activities(&mut self, desk: &Desk<'_>, plan: &Plan) {
        let begin = plan.started.as_millisecond() - 30 * DAY;
        let (world, schedule) = (&desk.state.world, &desk.state.schedule);
        for (feed, subscription) in &world.subscriptions {
            let blobs = schedule.blobs(*feed, begin, Millis::MAX);
            for blob in blobs
                .into_iter()
                .filter(|blob| subscription.was_on(blob.created))
            {
                let is_lost = world.lost.contains_key(&blob);
                for number in schedule.records(blob).unwrap_or_default() {
                    self.activities.push(Activity {
                        number,
                        feed: *feed,
                        kind: desk.scene(number).kind(),
                        available: blob.created,
                        is_lost,
                        seed: plan.seed,
                        part: blob.part,
                    });
                }
            }
        }
    }

    /// Distinct events published before a time, without those that a fault took away.
    pub fn activities_until(&self, until: Timestamp) -> impl Iterator<Item = &Activity> {
        let until = until.as_millisecond();
        self.activities
            .iter()
            .filter(move |one| one.available < until && !one.is_lost)
    }

    pub fn activities_available(&self, until: Timestamp) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for one in self.activities_until(until) {
            *counts.entry(one.feed.name().to_string()).or_default() += 1;
        }
        counts
    }

    pub fn activities_by_kind(&self, until: Timestamp) -> BTreeMap<ActivityKind, u64> {
        let mut counts = BTreeMap::new();
        for one in self.activities_until(until) {
            *counts.entry(one.kind).or_default() += 1;
        }
        counts
    }

    pub fn activity_ids(&self, until: Timestamp) -> BTreeSet<String> {
        self.activities_until(until).map(Activity::id).collect()
    }

    /// Events in blobs that a fault took away.
    pub fn activities_lost(&self) -> u64 {
        self.activities.iter().filter(|one| one.is_lost).count() as u64
    }
}

/// The widest of an item's shares; without any, a library's file is internal and a personal one private.
fn sharing(desk: &Desk<'_>, place: Place) -> Sharing {
    let is_personal = desk.tenant.library.owner(place.drive).is_some();
    let least = if is_personal {
        Sharing::Private
    } else {
        Sharing::Internal
    };
    let widest = desk.widest(place, false);
    widest.map_or(least, |(widest, _)| widest.max(least))
}
