//! The enterprise as one of several.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_model::app::App;
use casbah_model::permission::Tier;
use casbah_model::ports::Clock;
use casbah_model::secret::Secret;
use casbah_model::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::downloads::DOWNLOADS;
use super::faults::Fault;
use super::people::Status;
use super::plan::{ACT_SCOPE, Plan};
use super::simulator::Simulator;
use super::truth::ItemHeld;
use crate::address::is_below;
use crate::simulated::{Setup, Simulated, Size, count};
use crate::switches::FaultSettings;

const HISTORY: SignedDuration = SignedDuration::from_hours(6 * 24);
/// Users for each group.
const GROUP_USERS: usize = 10;

impl Plan {
    /// An enterprise of this size that can be counted: its events are all there when it is connected, none of them a week
    /// old, and nothing in it is owned outside, which each of those who see it would tell of.
    pub fn of_size(size: &Size) -> Plan {
        let groups = size.users / GROUP_USERS;
        Plan {
            history: HISTORY,
            late_share: 0.0,
            external_folders: 0,
            ..Plan::new(size.seed).sized(size.users, groups, size.files, size.activities)
        }
    }
}

impl Simulator {
    pub(crate) fn set_up(setup: &Setup, clock: Arc<dyn Clock>) -> Simulator {
        let plan = Plan::of_size(&setup.size);
        let mut client = plan.client;
        if setup.tier == Tier::Act {
            client.scopes.push(ACT_SCOPE.into());
        }
        let plan = Plan {
            started: setup.started,
            client,
            base: setup.address.clone().unwrap_or(plan.base),
            latency: setup.latency(plan.latency),
            live_activities_per_hour: setup.live_activities_per_hour,
            ..plan
        };
        Simulator::new(plan, clock)
    }

    /// Calls `see` with the files that a walk as each active user comes by.
    fn each_file(&self, mut see: impl FnMut(ItemHeld)) {
        self.each_item(|item| {
            let is_read = item.owner_status.is_some_and(|one| one != Status::Inactive);
            if is_read && item.kind != "folder" && !item.is_trashed {
                see(item);
            }
        });
    }
}

impl Simulated for Simulator {
    fn app(&self) -> App {
        App::Box
    }

    fn name(&self) -> &'static str {
        "globex"
    }

    fn is_at(&self, url: &str) -> bool {
        is_below(&self.plan().base, url) || is_below(DOWNLOADS, url)
    }

    fn app_settings(&self) -> BTreeMap<String, String> {
        let plan = self.plan();
        let settings = [
            ("enterprise_id", plan.enterprise()),
            ("client_id", plan.client.id.clone()),
            ("credential", "secret".into()),
        ];
        BTreeMap::from(settings.map(|(name, value)| (name.into(), value)))
    }

    fn secret(&self) -> Secret {
        Secret::new(self.plan().client.secret.as_str())
    }

    fn switch(&self, fault: &str, settings: FaultSettings) -> Result<(), String> {
        let fault: Fault = fault.parse()?;
        Simulator::switch(self, fault, Some(settings));
        Ok(())
    }

    /// The events are always on.
    fn resume(&self, _: &[&str]) {}

    fn records(&self, now: Timestamp) -> [u64; 3] {
        let held = self.holds();
        let entities = held.users.len() + held.groups.len() + held.memberships.len();
        let mut files = 0;
        self.each_file(|_| files += 1);
        let activities = held.activity_ids(now).len();
        [entities as u64, activities as u64, files]
    }

    fn counts(&self, now: Timestamp) -> Value {
        let held = self.holds();
        let (activities, by_kind) = count(&held.activities_by_kind(now));
        let mut files = 0_u64;
        let mut by_sharing: BTreeMap<&str, u64> = BTreeMap::new();
        self.each_file(|file| {
            files += 1;
            *by_sharing.entry(file.sharing.name()).or_default() += 1;
        });
        let app_users = held.users.values().filter(|user| user.is_app_user).count();
        json!({
            "users": held.users.len() - app_users,
            // Who signs in is an app.
            "applications": app_users,
            "groups": held.groups.len(),
            "activities": activities,
            "activities_by_kind": by_kind,
            "files": files,
            "files_by_sharing": by_sharing,
        })
    }
}
