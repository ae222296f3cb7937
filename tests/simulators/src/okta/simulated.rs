//! The org as one of several.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_model::app::App;
use casbah_model::ports::Clock;
use casbah_model::secret::Secret;
use casbah_model::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::faults::Fault;
use super::holdings::{Holder, Holdings};
use super::plan::Plan;
use super::simulator::Simulator;
use crate::address::{host, is_below};
use crate::simulated::{Setup, Simulated, Size, count};
use crate::switches::FaultSettings;

/// Where the org is for those who call it by its name.
const BASE: &str = "https://acme.okta.com";
const HISTORY: SignedDuration = SignedDuration::from_hours(6 * 24);
/// Users for each group.
const GROUP_USERS: usize = 10;

impl Plan {
    /// An org of this size whose events are all there when it is connected, none of them a week old: how many of the
    /// others a reader finds depends on when it looks.
    pub fn of_size(size: &Size) -> Plan {
        let groups = size.users / GROUP_USERS;
        Plan {
            history: HISTORY,
            late_share: 0.0,
            ..Plan::new(size.seed).sized(size.users, groups, size.activities)
        }
    }
}

impl Simulator {
    pub(crate) fn set_up(setup: &Setup, clock: Arc<dyn Clock>) -> Simulator {
        let plan = Plan::of_size(&setup.size);
        let plan = Plan {
            started: setup.started,
            base: setup.address.clone().unwrap_or_else(|| BASE.into()),
            latency: setup.latency(plan.latency),
            live_activities_per_hour: setup.live_activities_per_hour,
            ..plan
        };
        Simulator::new(plan, clock)
    }
}

impl Simulated for Simulator {
    fn app(&self) -> App {
        App::Okta
    }

    fn name(&self) -> &'static str {
        "acme"
    }

    fn is_at(&self, url: &str) -> bool {
        is_below(&self.plan().base, url)
    }

    fn app_settings(&self) -> BTreeMap<String, String> {
        let settings = [("domain", host(BASE)), ("credential", "secret".into())];
        BTreeMap::from(settings.map(|(name, value)| (name.into(), value)))
    }

    fn secret(&self) -> Secret {
        Secret::new(self.plan().api_token.as_str())
    }

    fn switch(&self, fault: &str, settings: FaultSettings) -> Result<(), String> {
        let fault: Fault = fault.parse()?;
        Simulator::switch(self, fault, Some(settings));
        Ok(())
    }

    /// The System Log is always on.
    fn resume(&self, _: &[&str]) {}

    fn records(&self, now: Timestamp) -> [u64; 3] {
        let held = self.holds();
        let people = held.users.len() + held.groups.len() + held.roles.len();
        let entities = people + held.applications.len() + grants(&held);
        [
            entities as u64,
            held.activities_visible(now).count() as u64,
            0,
        ]
    }

    fn counts(&self, now: Timestamp) -> Value {
        let held = self.holds();
        let (activities, by_kind) = count(&held.activities_by_kind(now));
        json!({
            "users": held.users.len(),
            "groups": held.groups.len(),
            "role_assignments": role_assignments(&held),
            "applications": held.applications.len(),
            "grants": grants(&held),
            "activities": activities,
            "activities_by_kind": by_kind,
        })
    }
}

fn grants(held: &Holdings) -> usize {
    let of_users = held.user_grants.len() + held.refresh_tokens.len();
    held.app_grants.len() + of_users + held.api_tokens.len()
}

/// A role of a group is told of the group and of each member.
fn role_assignments(held: &Holdings) -> usize {
    let members = |group: &String| {
        held.memberships
            .iter()
            .filter(|(of, _)| of == group)
            .count()
    };
    let told = held.roles.iter().map(|role| match &role.holder {
        Holder::User(_) | Holder::Client => 1,
        Holder::Group(group) => 1 + members(group),
    });
    told.sum()
}
