//! The connector against its simulator, through the suite that every app must pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use casbah_conformance::apps::{self, SimulatedTenant, Situation, Subject, Truth};
use casbah_model::SignedDuration;
use casbah_model::app::Component;
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use casbah_simulators::box_com::{
    Choices, Fault, FaultSettings, Holdings, MissingScope, Plan, PositionForm, Role, Simulator,
    UnauthorizedBody,
};

use super::settings;
use crate::{BOX, CLIENT_ID, ENTERPRISE_ID};

/// Busy enough for several pages of events an hour.
fn plan() -> Plan {
    Plan {
        history: SignedDuration::from_hours(4),
        ..Plan::new(7).sized(1_450, 25, 300, 12_000)
    }
}

struct Simulated {
    simulator: Simulator,
    started: casbah_model::Timestamp,
    has_key: bool,
}

fn simulated(plan: Plan, clock: Arc<dyn Clock>) -> Simulated {
    let started = plan.started;
    Simulated {
        simulator: Simulator::new(plan, clock),
        started,
        has_key: false,
    }
}

fn subject() -> Subject {
    Subject {
        connector: &BOX,
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
        let enterprise = plan.enterprise();
        match self.has_key {
            true => settings(&[(ENTERPRISE_ID, &enterprise)]),
            false => settings(&[(ENTERPRISE_ID, &enterprise), (CLIENT_ID, &plan.client.id)]),
        }
    }

    fn secret(&self) -> Secret {
        let plan = self.simulator.plan();
        if !self.has_key {
            return Secret::new(plan.client.secret.clone());
        }
        let file = serde_json::json!({
            "boxAppSettings": {
                "clientID": plan.client.id, "clientSecret": plan.client.secret,
                "appAuth": {
                    "publicKeyID": plan.client.key_id, "passphrase": "invented-passphrase",
                    "privateKey": include_str!("../auth/test_key_des3.pem"),
                },
            },
            "enterpriseID": plan.enterprise(),
        });
        Secret::new(file.to_string())
    }

    fn arrange(&self, situation: Situation) -> bool {
        let always = FaultSettings::always;
        let both = |one, other| self.switch(one, always()) && self.switch(other, always());
        match situation {
            Situation::CredentialRefused => self.switch(Fault::SecretRotated, always()),
            Situation::TokenDies => self.switch(Fault::TokenExpiresMidway, FaultSettings::times(1)),
            Situation::RightMissing(component) => {
                let scope = match component {
                    Component::Users => "manage_managed_users",
                    Component::ManagementEvents
                    | Component::SignInEvents
                    | Component::Activities => "manage_enterprise_properties",
                    Component::Files => "root_readonly",
                    Component::AppPermissions => return false,
                };
                self.switch(Fault::ScopesShrink, always().with_value(scope))
            }
            Situation::Throttled(wait) => {
                let wait = wait.as_secs().to_string();
                self.switch(
                    Fault::RateLimit429,
                    FaultSettings::times(1).with_value(&wait),
                )
            }
            Situation::Repeats => both(Fault::RepeatedItems, Fault::RepeatedEvents),
            Situation::NextLinkCircle => both(Fault::MarkerCircle, Fault::PositionCircle),
            Situation::NotJson => self.switch(Fault::NotJson, always()),
            Situation::Truncated => self.switch(Fault::TruncatedBody, FaultSettings::times(1)),
            Situation::UnknownEvents => {
                self.switch(Fault::UnknownEventTypes, FaultSettings::probability(0.1))
            }
            Situation::EventsWithoutId => {
                self.switch(Fault::NoEventId, FaultSettings::probability(0.1))
            }
            Situation::LargeEvent => {
                self.switch(Fault::EventOf1mb, FaultSettings::probability(0.001))
            }
            // Pages go on by markers and positions, not by links; all lists are whole passes; no bundles vanish, and both
            // streams are always on.
            Situation::ForeignNextLink
            | Situation::DeadDirectoryCursor
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
        let kinds = holds.activities.iter();
        Truth {
            // What is stored while somebody reads is for the next reading.
            events: holds.logged_ids(self.started),
            kinds: kinds.map(|event| (event.id.clone(), event.kind)).collect(),
            directory: directory(&holds),
            ..Truth::default()
        }
    }
}

fn directory(holds: &Holdings) -> BTreeMap<&'static str, BTreeSet<String>> {
    let roles = holds.users.iter().filter_map(|(id, held)| match held.role {
        Role::Admin => Some(format!("admin/{id}")),
        Role::Coadmin => Some(format!("coadmin/{id}")),
        Role::User => None,
    });
    // Who is in the group of all users is known without a list.
    let is_all = |group: &String| {
        holds
            .groups
            .get(group)
            .is_some_and(|name| name == "All Users")
    };
    let members = holds.memberships.iter().filter(|(group, _)| !is_all(group));
    BTreeMap::from([
        ("users", holds.users.keys().cloned().collect()),
        ("groups", holds.groups.keys().cloned().collect()),
        (
            "memberships",
            members.map(|(group, _)| group.clone()).collect(),
        ),
        ("role-assignments", roles.collect()),
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
async fn the_suite_passes_for_the_events() {
    apps::run(&subject(), apps::EVENTS).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_connections_of_an_app_with_a_key() {
    let tenant = |clock: Arc<dyn Clock>| -> Box<dyn SimulatedTenant> {
        Box::new(Simulated {
            has_key: true,
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
async fn the_suite_passes_where_the_documents_leave_something_open() {
    let tenant = |clock: Arc<dyn Clock>| -> Box<dyn SimulatedTenant> {
        let choices = Choices {
            unauthorized_body: UnauthorizedBody::Error,
            missing_scope: MissingScope::AccessDenied,
            position_form: PositionForm::Number,
            ..Choices::default()
        };
        Box::new(simulated(Plan { choices, ..plan() }, clock))
    };
    let subject = Subject {
        tenant,
        ..subject()
    };
    apps::run(&subject, apps::CONNECTION).await;
    apps::run(&subject, apps::EVENTS).await;
}
