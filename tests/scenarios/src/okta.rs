//! An org of Okta on its way through the chain: the same stages, and a log without bundles (decision 0008).

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;

use casbah_lake::read;
use casbah_model::SignedDuration;
use casbah_model::app::{App, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::{Clock, Rng};
use casbah_model::secret::Secret;
use casbah_pipeline::inventory::{self, Reading};
use casbah_pipeline::ledger::verify;
use casbah_pipeline::{Settings, connect};
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SeededRng, Until, VirtualClock,
};
use casbah_simulators::okta::{Fault, FaultSettings, Plan, Simulator};

use crate::deaths::{Fate, mortal};
use crate::world::{books, in_virtual_time, name, show, started};

/// Busy enough for three pages of events an hour, and quick enough for a debug build.
fn small(seed: u64) -> Plan {
    Plan {
        history: SignedDuration::from_hours(3),
        started: started(),
        late_share: 0.01,
        ..Plan::new(seed).sized(60, 8, 7_000)
    }
}

struct Org {
    simulator: Arc<Simulator>,
    clock: Arc<dyn Clock>,
    folder: tempfile::TempDir,
}

impl Org {
    fn new(plan: Plan) -> Org {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(plan.started));
        let simulator = Arc::new(Simulator::new(plan, Arc::clone(&clock)));
        let folder = tempfile::tempdir().expect("a folder");
        Org {
            simulator,
            clock,
            folder,
        }
    }

    /// Opens the folder as a new process would.
    fn open(&self) -> LocalSystem {
        let outside = Outside {
            clock: Arc::clone(&self.clock),
            rng: Arc::new(SeededRng::new(7)),
            transport: Arc::clone(&self.simulator) as _,
            settings: Settings::default(),
            durability: Durability::Process,
        };
        LocalSystem::open(self.folder.path(), outside).expect("a folder that can be used")
    }

    async fn connect(&self, system: &LocalSystem, components: &[&str]) {
        let plan = self.simulator.plan();
        let domain = plan.base.trim_start_matches("https://").to_string();
        let settings = ConnectionSettings {
            id: name(),
            app: App::Okta,
            components: Components::parse(components).expect("a valid choice"),
            app_settings: BTreeMap::from([("domain".to_string(), domain)]),
            endpoints: BTreeMap::new(),
        };
        let secret = Secret::new(plan.api_token.clone());
        let connected = connect::connect(&system.ctx, &settings, &secret).await;
        connected.expect("connected");
    }

    /// Ids of the events that could be read by now.
    fn events(&self) -> BTreeSet<String> {
        self.simulator.holds().activity_ids(self.clock.now())
    }
}

/// Ids of the events in the lake, in their order.
async fn kept(system: &LocalSystem) -> Vec<String> {
    let ctx = &system.ctx;
    let connection = connect::find(ctx, &name()).await.expect("a table");
    let scope = connection.expect("a connection").scope();
    let mut ids = vec![];
    inventory::lines(ctx, &scope, "activities", Reading::All, |_, line| {
        ids.push(read::marks(line).expect("our fields").id.into_owned());
    })
    .await
    .expect("readable");
    ids
}

async fn assert_each_once(system: &LocalSystem, expected: &BTreeSet<String>) {
    let found = kept(system).await;
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(found.len(), once.len(), "events stand twice in the lake");
    let missing = expected.difference(&once).count();
    assert_eq!(
        missing,
        0,
        "of {} events; {}",
        expected.len(),
        show(system).await
    );
    let ledger = books(system).await;
    assert!(ledger.closes, "{:?}", ledger.totals);
}

const ALL: &[&str] = &["users", "activities", "sign-in-events", "app-permissions"];

#[test]
fn an_org_is_read_whole_and_the_ledger_closes() {
    in_virtual_time(async {
        let org = Org::new(small(1));
        let there = org.events();
        let system = org.open();
        org.connect(&system, ALL).await;
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        assert_each_once(&system, &there).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        let connection = connection.expect("a connection");
        let found = inventory::summary(&system.ctx, &connection)
            .await
            .expect("a summary");
        let holds = org.simulator.holds();
        assert_eq!(found.users, holds.users.len() as u64, "users");
        assert_eq!(
            found.applications,
            holds.applications.len() as u64,
            "applications"
        );
        let grants = holds.app_grants.len()
            + holds.user_grants.len()
            + holds.refresh_tokens.len()
            + holds.api_tokens.len();
        assert_eq!(found.grants, grants as u64, "grants");
    });
}

#[test]
fn events_that_are_stored_hours_late_are_found_by_a_later_reading() {
    in_virtual_time(async {
        let org = Org::new(Plan {
            live_activities_per_hour: 30,
            ..small(2).sized(20, 4, 60)
        });
        let late = FaultSettings::probability(0.3).with_value("240");
        org.simulator.switch(Fault::LateEvents, Some(late));
        let system = org.open();
        org.connect(&system, &["activities"]).await;
        let until = org.clock.now() + SignedDuration::from_mins(80);
        let stop = org.clock.sleep_until(until);
        system.run(Until::Stopped, stop).await.expect("a run");
        let recent = until - SignedDuration::from_mins(20);
        let holds = org.simulator.holds();
        let published = holds.activities.iter();
        let published = published.filter(|event| event.published < recent);
        let there: BTreeSet<String> = published.map(|event| event.uuid.clone()).collect();
        let found: BTreeSet<String> = kept(&system).await.into_iter().collect();
        assert!(there.difference(&found).count() > 0, "no event was late");
        drop(system);
        // A day in which nothing runs costs no time here, and shows that the past is read again after an outage.
        org.clock
            .sleep_until(until + SignedDuration::from_hours(26))
            .await;
        let system = org.open();
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        assert_each_once(&system, &there).await;
    });
}

#[test]
fn a_process_that_dies_between_pages_neither_loses_nor_doubles_an_event() {
    for seed in 1..=3 {
        in_virtual_time(async {
            let org = Org::new(small(seed));
            let there = org.events();
            let rng = SeededRng::new(seed);
            let mut lives = 0;
            loop {
                assert!(lives < 400, "it does not get on");
                let fate = Fate::after(20 + rng.next_u64() % 300);
                let system = mortal(org.open(), &fate);
                let whole = async {
                    org.connect(&system, &["activities"]).await;
                    system.run(Until::CaughtUp, pending()).await.expect("a run")
                };
                let ended = tokio::select! {
                    biased;
                    () = fate.died.notified() => None,
                    ended = whole => Some(ended),
                };
                if let Some(ended) = ended {
                    assert_eq!(ended, Ended::CaughtUp);
                    break;
                }
                lives += 1;
            }
            assert!(lives >= 3, "only {lives} deaths");
            let system = org.open();
            assert_each_once(&system, &there).await;
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert_eq!(
                (verified.repeated, verified.faults),
                (0, vec![]),
                "seed {seed}"
            );
        });
    }
}
