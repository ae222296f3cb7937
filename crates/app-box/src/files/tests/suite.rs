//! The trees of a simulated enterprise, through the cases about files that every app must pass.

use std::sync::Arc;

use casbah_conformance::apps::{self, Bench, SimulatedTenant, Situation, Subject, Truth};
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use casbah_simulators::box_com::{
    ActingInactive, Choices, Deed, Fault, FaultSettings, ItemHeld, Plan, Simulator,
};

use crate::tests::settings;
use crate::{BOX, CLIENT_ID, ENTERPRISE_ID};

/// Enough files for folders of several levels. The suite reads every root, so inactive users can be read here.
fn plan() -> Plan {
    Plan {
        choices: Choices {
            acting_inactive: ActingInactive::Allowed,
            ..Choices::default()
        },
        ..Plan::new(7).sized(30, 4, 600, 100)
    }
}

struct Simulated(Simulator);

impl Simulated {
    fn switch(&self, fault: Fault, settings: FaultSettings) -> bool {
        self.0.switch(fault, Some(settings));
        true
    }
}

/// The last part of the id under which we keep an item.
fn key(item: &ItemHeld) -> String {
    match item.kind {
        "file" => item.id.clone(),
        kind => format!("{kind}:{}", item.id),
    }
}

impl SimulatedTenant for Simulated {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.0.clone())
    }

    fn settings(&self) -> ConnectionSettings {
        let plan = self.0.plan();
        settings(&[
            (ENTERPRISE_ID, &plan.enterprise()),
            (CLIENT_ID, &plan.client.id),
        ])
    }

    fn secret(&self) -> Secret {
        Secret::new(self.0.plan().client.secret.clone())
    }

    fn arrange(&self, situation: Situation) -> bool {
        let always = FaultSettings::always;
        match situation {
            Situation::Throttled(wait) => {
                let wait = wait.as_secs().to_string();
                let once = FaultSettings::times(1).with_value(&wait);
                self.switch(Fault::RateLimit429, once)
            }
            Situation::Repeats => self.switch(Fault::RepeatedItems, always()),
            Situation::NextLinkCircle => {
                self.switch(Fault::ShortPages, always())
                    && self.switch(Fault::MarkerCircle, always())
            }
            Situation::NotJson => self.switch(Fault::NotJson, always()),
            Situation::RootsGone => {
                for user in 0..self.0.plan().users as u64 {
                    self.0.act(Deed::DeleteUser { user });
                }
                true
            }
            _ => false,
        }
    }

    fn relax(&self) {
        for fault in Fault::ALL {
            self.0.switch(fault, None);
        }
    }

    fn truth(&self) -> Truth {
        let files = self.0.files();
        let there = files
            .values()
            .filter(|file| !file.is_trashed && (file.is_in_reach || file.owner_status.is_some()));
        let mut roots: std::collections::BTreeSet<String> =
            self.0.holds().users.keys().cloned().collect();
        roots.insert(self.0.service_account_id());
        Truth {
            roots,
            files: there.map(|file| (key(file), file.sharing)).collect(),
            ..Truth::default()
        }
    }
}

fn subject() -> Subject {
    Subject {
        connector: &BOX,
        started: plan().started,
        tenant: |clock: Arc<dyn Clock>| Box::new(Simulated(Simulator::new(plan(), clock))),
    }
}

#[tokio::test(start_paused = true)]
async fn files() {
    apps::run(&subject(), apps::FILES).await;
}

#[tokio::test(start_paused = true)]
async fn short_and_empty_pages_lose_nothing() {
    for fault in [Fault::ShortPages, Fault::EmptyPage, Fault::UnknownKeys] {
        let bench = Bench::new(&subject());
        let simulated = Simulator::new(plan(), bench.clock.clone());
        simulated.switch(fault, Some(FaultSettings::always()));
        let mut bench = bench;
        bench.tenant = Box::new(Simulated(simulated));
        Arc::get_mut(&mut bench.transport)
            .expect("nobody else has it yet")
            .inner = bench.tenant.transport();
        let (sentence, complete) = apps::FILES[1];
        println!("{fault:?}: {sentence}");
        complete(&bench).await;
    }
}
