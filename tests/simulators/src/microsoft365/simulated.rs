//! The tenant as one of several.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::permission::Tier;
use casbah_model::ports::Clock;
use casbah_model::secret::Secret;
use serde_json::{Value, json};

use super::faults::Fault;
use super::plan::{ACT_ROLES, BaseUrls, ContentType, Plan};
use super::simulator::Simulator;
use crate::address::is_below;
use crate::simulated::{Setup, Simulated, Size, count};
use crate::switches::FaultSettings;

impl Plan {
    /// A tenant of this size.
    pub fn of_size(size: &Size) -> Plan {
        Plan::new(size.seed).sized(size.users, size.files, size.activities)
    }
}

impl Simulator {
    pub(crate) fn set_up(setup: &Setup, clock: Arc<dyn Clock>) -> Simulator {
        let plan = Plan::of_size(&setup.size);
        let base = setup.address.as_deref().map(BaseUrls::one);
        let mut roles = plan.roles;
        if setup.tier == Tier::Act {
            roles.extend(ACT_ROLES.map(String::from));
        }
        let plan = Plan {
            started: setup.started,
            base: base.unwrap_or(plan.base),
            latency: setup.latency(plan.latency),
            live_activities_per_hour: setup.live_activities_per_hour,
            roles,
            ..plan
        };
        Simulator::new(plan, clock)
    }
}

impl Simulated for Simulator {
    fn app(&self) -> App {
        App::Microsoft365
    }

    fn name(&self) -> &'static str {
        "contoso"
    }

    fn is_at(&self, url: &str) -> bool {
        let base = &self.plan().base;
        let all = [&base.login, &base.graph, &base.management, &base.sharepoint];
        all.iter().any(|base| is_below(base, url))
    }

    fn app_settings(&self) -> BTreeMap<String, String> {
        let plan = self.plan();
        let settings = [
            ("tenant_id", &*plan.tenant_id),
            ("client_id", &*plan.client_id),
            ("credential", "secret"),
        ];
        BTreeMap::from(settings.map(|(name, value)| (name.into(), value.into())))
    }

    fn secret(&self) -> Secret {
        Secret::new(self.plan().client_secret.as_str())
    }

    fn switch(&self, fault: &str, settings: FaultSettings) -> Result<(), String> {
        let fault: Fault = fault.parse()?;
        Simulator::switch(self, fault, Some(settings));
        Ok(())
    }

    fn resume(&self, feeds: &[&str]) {
        for feed in feeds.iter().filter_map(|name| ContentType::from_name(name)) {
            self.start_feed(feed);
        }
    }

    fn records(&self, _: Timestamp) -> [u64; 3] {
        let held = self.holds();
        let grants = held.delegated_grants + held.app_role_assignments;
        // Users come twice: as they are, and with their last sign-in.
        let people = 2 * held.users + held.groups + held.roles + held.role_assignments;
        let entities = people + held.applications + grants;
        let files = held.files + held.folders + held.drives;
        [entities, held.activities.len() as u64, files]
    }

    fn counts(&self, now: Timestamp) -> Value {
        let held = self.holds();
        let (activities, by_kind) = count(&held.activities_by_kind(now));
        let by_sharing = held
            .files_by_sharing
            .iter()
            .filter(|(_, count)| **count > 0);
        let by_sharing: BTreeMap<_, _> = by_sharing
            .map(|(class, count)| (class.name(), *count))
            .collect();
        json!({
            "users": held.users,
            "guests": held.guests,
            "disabled": held.disabled,
            "groups": held.groups,
            "roles": held.roles,
            "role_assignments": held.role_assignments,
            "applications": held.applications,
            "grants": held.delegated_grants + held.app_role_assignments,
            "activities": activities,
            "activities_by_kind": by_kind,
            "file_roots": held.drives,
            "files": held.files,
            // The top of a drive is a folder, too, for who lists it.
            "folders": held.folders + held.drives,
            "files_by_sharing": by_sharing,
        })
    }
}
