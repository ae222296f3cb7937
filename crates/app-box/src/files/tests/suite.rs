//! The trees of a simulated enterprise, through the cases about files that every app must pass.

use std::collections::BTreeSet;
use std::sync::Arc;

use casbah_conformance::apps::{self, Bench, SimulatedTenant, Situation, Subject, Truth};
use casbah_model::SignedDuration;
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use casbah_simulators::box_com::{
    ActingInactive, Choices, Fault, FaultSettings, ItemHeld, Plan, Simulator,
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
            Situation::NotJson => self.switch(Fault::NotJson, always()),
            // Folders of a small enterprise have one page; trees by script have more, and markers that lead back. The
            // first root is the main admin's, who cannot be deleted; scenarios delete others.
            _ => false,
        }
    }

    fn relax(&self) {
        for fault in Fault::ALL {
            self.0.switch(fault, None);
        }
    }

    fn truth(&self) -> Truth {
        let users = self.0.holds().users;
        let files = self.0.files();
        // What somebody outside owns is read as whoever works on it, and here as those who are inactive, too.
        let is_seen = |file: &ItemHeld| {
            let mut people = file.collaborators.iter();
            file.owner_status.is_some()
                || file.is_in_reach
                || people.any(|person| users.contains_key(person))
        };
        let there = files.values().filter(|file| !file.is_trashed);
        let there = there.filter(|file| is_seen(file));
        let mut roots: BTreeSet<String> = users.keys().cloned().collect();
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
async fn empty_pages_and_unknown_keys_lose_nothing() {
    for fault in [Fault::EmptyPage, Fault::UnknownKeys] {
        let bench = Bench::new(&subject());
        let simulated = Simulator::new(plan(), bench.clock.clone());
        let mut bench = bench;
        bench.tenant = Box::new(Simulated(simulated.clone()));
        Arc::get_mut(&mut bench.transport)
            .expect("nobody else has it yet")
            .inner = bench.tenant.transport();
        // The domains of the enterprise are known from before.
        bench.connect().await;
        let later = bench.clock.now() + SignedDuration::from_mins(5);
        bench.clock.sleep_until(later).await;
        simulated.switch(fault, Some(FaultSettings::always()));
        let (sentence, complete) = apps::FILES[1];
        println!("{fault:?}: {sentence}");
        complete(&bench).await;
    }
}
