//! The connector against its simulator, through the suite that every app must pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use casbah_conformance::apps::{self, SimulatedTenant, Situation, Subject, Truth};
use casbah_model::SignedDuration;
use casbah_model::app::Component;
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use casbah_simulators::okta::{
    Class, Fault, FaultSettings, GroupType, Holder, Holdings, LimitShown, Limits, Plan, Simulator,
};

use super::{PEM, settings};
use crate::{CLIENT_ID, DOMAIN, KEY_ID, OKTA};

/// Busy enough for several pages of events an hour.
fn plan() -> Plan {
    Plan {
        history: SignedDuration::from_hours(4),
        ..Plan::new(7).sized(450, 25, 12_000)
    }
}

struct Simulated {
    simulator: Simulator,
    started: casbah_model::Timestamp,
    has_api_token: bool,
}

fn simulated(plan: Plan, clock: Arc<dyn Clock>) -> Simulated {
    let started = plan.started;
    Simulated {
        simulator: Simulator::new(plan, clock),
        started,
        has_api_token: false,
    }
}

fn subject() -> Subject {
    Subject {
        connector: &OKTA,
        started: plan().started,
        tenant: |clock| Box::new(simulated(plan(), clock)),
    }
}

impl Simulated {
    fn switch(&self, fault: Fault, settings: FaultSettings) -> bool {
        self.simulator.switch(fault, Some(settings));
        true
    }
}

impl SimulatedTenant for Simulated {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.simulator.clone())
    }

    fn settings(&self) -> ConnectionSettings {
        let plan = self.simulator.plan();
        let domain = plan.base.trim_start_matches("https://");
        match self.has_api_token {
            true => settings(&[(DOMAIN, domain)]),
            false => settings(&[
                (DOMAIN, domain),
                (CLIENT_ID, &plan.client.id),
                (KEY_ID, &plan.client.key_id),
            ]),
        }
    }

    fn secret(&self) -> Secret {
        match self.has_api_token {
            true => Secret::new(self.simulator.plan().api_token.clone()),
            false => Secret::new(PEM),
        }
    }

    fn arrange(&self, situation: Situation) -> bool {
        let always = FaultSettings::always;
        match situation {
            Situation::CredentialRefused if self.has_api_token => {
                self.switch(Fault::ApiTokenRevoked, always())
            }
            Situation::CredentialRefused => self.switch(Fault::ClientRemoved, always()),
            // An API token that is refused is revoked: there is no other.
            Situation::TokenDies if self.has_api_token => false,
            Situation::TokenDies => self.switch(Fault::TokenExpiresMidway, FaultSettings::times(1)),
            Situation::RightMissing(component) => {
                let scope = match component {
                    Component::Users => "okta.users.read",
                    Component::ManagementEvents
                    | Component::SignInEvents
                    | Component::Activities => "okta.logs.read",
                    Component::AppPermissions => "okta.apps.read",
                    Component::Files => return false,
                };
                !self.has_api_token && self.switch(Fault::ScopesShrink, always().with_value(scope))
            }
            Situation::Throttled(wait) => {
                let wait = wait.as_secs().to_string();
                self.switch(
                    Fault::RateLimit429,
                    FaultSettings::times(1).with_value(&wait),
                )
            }
            Situation::Repeats => self.switch(Fault::RepeatedItems, always()),
            Situation::NextLinkCircle => self.switch(Fault::NextLinkCircle, always()),
            Situation::ForeignNextLink => self.switch(Fault::ForeignNextLink, always()),
            Situation::NotJson => self.switch(Fault::NotJson, always()),
            Situation::Truncated => self.switch(Fault::TruncatedBody, FaultSettings::times(1)),
            Situation::UnknownEvents => {
                self.switch(Fault::UnknownEventTypes, FaultSettings::probability(0.1))
            }
            Situation::EventsWithoutId => {
                self.switch(Fault::EventWithoutUuid, FaultSettings::probability(0.1))
            }
            Situation::LargeEvent => {
                self.switch(Fault::EventOf1mb, FaultSettings::probability(0.001))
            }
            // All lists are whole passes; there are no files, no bundles that vanish, and the log is always on.
            Situation::DeadDirectoryCursor
            | Situation::DeadFileCursor
            | Situation::HugeBundle
            | Situation::BundlesGone
            | Situation::FeedsOff
            | Situation::RootsGone => false,
        }
    }

    fn relax(&self) {
        for fault in Fault::ALL {
            self.simulator.switch(fault, None);
        }
    }

    fn truth(&self) -> Truth {
        let holds = self.simulator.holds();
        // What is stored while somebody reads is for the next reading.
        let events = holds.activities_visible(self.started);
        let events = events.filter(|event| event.published <= self.started);
        Truth {
            events: events.map(|event| event.uuid.clone()).collect(),
            kinds: holds
                .activities
                .iter()
                .map(|event| (event.uuid.clone(), event.kind))
                .collect(),
            directory: directory(&holds),
            ..Truth::default()
        }
    }
}

fn keys<V>(map: &BTreeMap<String, V>) -> BTreeSet<String> {
    map.keys().cloned().collect()
}

fn directory(holds: &Holdings) -> BTreeMap<&'static str, BTreeSet<String>> {
    let chosen = |group: &String| holds.groups.get(group) != Some(&GroupType::BuiltIn);
    let members = holds.memberships.iter().filter(|(group, _)| chosen(group));
    let (mut users, mut groups, mut clients) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for held in &holds.roles {
        match &held.holder {
            Holder::User(_) => {
                users.insert(held.id.clone());
            }
            Holder::Group(group) => {
                groups.insert(held.id.clone());
                let members = holds.memberships.iter().filter(|(of, _)| of == group);
                users.extend(members.map(|(_, user)| format!("{}/{user}", held.id)));
            }
            Holder::Client => {
                clients.insert(held.id.clone());
            }
        }
    }
    BTreeMap::from([
        ("users", keys(&holds.users)),
        ("groups", keys(&holds.groups)),
        (
            "memberships",
            members.map(|(group, _)| group.clone()).collect(),
        ),
        ("role-assignments", users),
        ("group-role-assignments", groups),
        ("client-role-assignments", clients),
        ("applications", holds.applications.clone()),
        ("app-scopes", keys(&holds.app_grants)),
        ("app-tokens", keys(&holds.refresh_tokens)),
        ("user-grants", keys(&holds.user_grants)),
        ("api-tokens", holds.api_tokens.clone()),
    ])
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_connections() {
    apps::run(&subject(), apps::CONNECTION).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_the_directory() {
    apps::run(&subject(), apps::DIRECTORY).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_the_system_log() {
    apps::run(&subject(), apps::EVENTS).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_connections_with_an_api_token() {
    let tenant = |clock: Arc<dyn Clock>| -> Box<dyn SimulatedTenant> {
        Box::new(Simulated {
            has_api_token: true,
            ..simulated(plan(), clock)
        })
    };
    let subject = Subject {
        tenant,
        ..subject()
    };
    apps::run(&subject, apps::CONNECTION).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_where_possession_is_to_be_proved() {
    let tenant = |clock: Arc<dyn Clock>| -> Box<dyn SimulatedTenant> {
        let mut plan = plan();
        plan.client.is_dpop_required = true;
        Box::new(simulated(plan, clock))
    };
    let subject = Subject {
        tenant,
        ..subject()
    };
    apps::run(&subject, apps::CONNECTION).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_the_smallest_org_whose_headers_tell_the_whole_limit() {
    let tenant = |clock: Arc<dyn Clock>| -> Box<dyn SimulatedTenant> {
        let limits = Limits {
            class: Class::Integrator,
            shown: LimitShown::Whole,
            ..Limits::default()
        };
        Box::new(simulated(Plan { limits, ..plan() }, clock))
    };
    let subject = Subject {
        tenant,
        ..subject()
    };
    apps::run(&subject, apps::DIRECTORY).await;
}
