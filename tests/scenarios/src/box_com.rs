//! An enterprise of Box on its way through the chain: a log without bundles, and a stream beside it (decision 0009).

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;

use casbah_lake::read;
use casbah_model::app::{App, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::Clock;
use casbah_model::secret::Secret;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::inventory::{self, Reading};
use casbah_pipeline::{Settings, connect};
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SeededRng, Until, VirtualClock,
};
use casbah_simulators::box_com::{Choices, Fault, FaultSettings, OldPosition, Plan, Simulator};

use crate::world::{books, in_virtual_time, name, show, started};

/// Busy enough for three pages of events an hour, in which many have the same time, and quick enough for a debug build.
fn small(seed: u64) -> Plan {
    Plan {
        history: SignedDuration::from_hours(3),
        started: started(),
        late_share: 0.01,
        ..Plan::new(seed).sized(60, 8, 60, 4_000)
    }
}

/// What happens while it is read, and little before.
fn live(seed: u64) -> Plan {
    Plan {
        live_activities_per_hour: 60,
        duplicate_share: 0.2,
        ..small(seed).sized(20, 4, 20, 60)
    }
}

struct Enterprise {
    simulator: Arc<Simulator>,
    clock: Arc<dyn Clock>,
    folder: tempfile::TempDir,
}

impl Enterprise {
    fn new(plan: Plan) -> Enterprise {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(plan.started));
        let simulator = Arc::new(Simulator::new(plan, Arc::clone(&clock)));
        let folder = tempfile::tempdir().expect("a folder");
        Enterprise {
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
        let entered = [
            ("enterprise_id", plan.enterprise()),
            ("client_id", plan.client.id.clone()),
        ];
        let settings = ConnectionSettings {
            id: name(),
            app: App::Box,
            components: Components::parse(components).expect("a valid choice"),
            app_settings: entered
                .map(|(name, value)| (name.to_string(), value))
                .into(),
            endpoints: BTreeMap::new(),
        };
        let secret = Secret::new(plan.client.secret.clone());
        let connected = connect::connect(&system.ctx, &settings, &secret).await;
        connected.expect("connected");
    }

    async fn run_for(&self, system: &LocalSystem, time: SignedDuration) {
        let stop = self.clock.sleep_until(self.clock.now() + time);
        system.run(Until::Stopped, stop).await.expect("a run");
    }

    /// Everything that happened until a time is in the lake, once, when a process comes back a day later.
    async fn assert_whole_after_a_day(&self, until: Timestamp) {
        let next_day = until + SignedDuration::from_hours(26);
        self.clock.sleep_until(next_day).await;
        let holds = self.simulator.holds();
        let happened = holds.activities.iter();
        let happened = happened.filter(|event| event.created < until);
        let there = happened.map(|event| event.id.clone()).collect();
        let system = self.open();
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        assert_each_once(&system, &there).await;
    }

    /// Ids of the events that `admin_logs` has by now.
    fn logged(&self) -> BTreeSet<String> {
        self.simulator.holds().logged_ids(self.clock.now())
    }

    /// Ids of the events that the stream had shown at a time and `admin_logs` had not.
    fn ahead(&self, streamed: Timestamp, logged: Timestamp) -> BTreeSet<String> {
        let holds = self.simulator.holds();
        let shown = holds.streamed_ids(streamed);
        &shown - &holds.logged_ids(logged)
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

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[test]
fn an_enterprise_is_read_whole_and_the_ledger_closes() {
    in_virtual_time(async {
        let enterprise = Enterprise::new(small(1));
        let there = enterprise.logged();
        let system = enterprise.open();
        let chosen = ["users", "activities", "sign-in-events", "management-events"];
        enterprise.connect(&system, &chosen).await;
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        assert_each_once(&system, &there).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        let connection = connection.expect("a connection");
        let found = inventory::summary(&system.ctx, &connection).await;
        let found = found.expect("a summary");
        let holds = enterprise.simulator.holds();
        assert_eq!(
            found.users + found.applications,
            holds.users.len() as u64,
            "users and accounts of apps"
        );
    });
}

/// What is new is there before its window is read, once, although the stream repeats and the log shows it again.
#[test]
fn the_stream_shows_what_is_new_within_minutes_and_nothing_is_doubled() {
    in_virtual_time(async {
        let enterprise = Enterprise::new(Plan {
            log_delay: SignedDuration::from_hours(1),
            live_activities_per_hour: 120,
            ..live(2)
        });
        let system = enterprise.open();
        enterprise.connect(&system, &["activities"]).await;
        enterprise.run_for(&system, MINUTE * 45).await;
        let now = enterprise.clock.now();
        let found: BTreeSet<String> = kept(&system).await.into_iter().collect();
        let begun = started() + MINUTE * 10;
        let holds = enterprise.simulator.holds();
        let new = enterprise.ahead(now - MINUTE * 3, now);
        let new = holds
            .activities
            .iter()
            .filter(|event| event.created > begun && new.contains(&event.id));
        let new: BTreeSet<String> = new.map(|event| event.id.clone()).collect();
        assert!(new.len() > 20, "only {} events are ahead", new.len());
        assert_eq!(new.difference(&found).count(), 0, "of {}", new.len());
        drop(system);
        // The log shows the same events hours later.
        enterprise.assert_whole_after_a_day(now).await;
    });
}

#[test]
fn events_that_are_stored_a_day_late_are_found_by_the_last_reading() {
    in_virtual_time(async {
        let enterprise = Enterprise::new(Plan {
            choices: Choices {
                old_position: OldPosition::Refused,
                ..Choices::default()
            },
            ..live(4)
        });
        let late = FaultSettings::probability(0.3).with_value("1200");
        enterprise.simulator.switch(Fault::LateEvents, Some(late));
        let lost = FaultSettings::always();
        enterprise.simulator.switch(Fault::LostInStream, Some(lost));
        let system = enterprise.open();
        enterprise.connect(&system, &["activities"]).await;
        enterprise.run_for(&system, MINUTE * 80).await;
        let until = enterprise.clock.now();
        let recent = until - MINUTE * 30;
        let holds = enterprise.simulator.holds();
        let happened = holds.activities.iter();
        let happened = happened.filter(|event| event.created < recent);
        let there: BTreeSet<String> = happened.map(|event| event.id.clone()).collect();
        let found: BTreeSet<String> = kept(&system).await.into_iter().collect();
        assert!(there.difference(&found).count() > 0, "no event was late");
        drop(system);
        // A day in which nothing runs costs no time here, and shows that the past is read again after an outage.
        let next_day = until + SignedDuration::from_hours(26);
        enterprise.clock.sleep_until(next_day).await;
        let system = enterprise.open();
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        assert_each_once(&system, &there).await;
    });
}

/// Three weeks later the position that the chain stopped at is older than the stream.
#[test]
fn a_chain_goes_on_after_weeks_in_which_nothing_ran() {
    in_virtual_time(async {
        let enterprise = Enterprise::new(Plan {
            live_activities_per_hour: 6,
            choices: Choices {
                old_position: OldPosition::Refused,
                ..Choices::default()
            },
            ..live(5)
        });
        let system = enterprise.open();
        enterprise.connect(&system, &["activities"]).await;
        enterprise.run_for(&system, MINUTE * 40).await;
        drop(system);
        let later = enterprise.clock.now() + SignedDuration::from_hours(21 * 24);
        enterprise.clock.sleep_until(later).await;
        let system = enterprise.open();
        enterprise
            .run_for(&system, SignedDuration::from_hours(4))
            .await;
        let settled = enterprise.clock.now() - SignedDuration::from_hours(2);
        let holds = enterprise.simulator.holds();
        // Listings reach back seven days; what is older is written down as a gap.
        let reach = later - SignedDuration::from_hours(6 * 24);
        let happened = holds.activities.iter();
        let happened = happened.filter(|event| {
            event.created > reach && event.created < settled && event.logged < settled
        });
        let there: BTreeSet<String> = happened.map(|event| event.id.clone()).collect();
        assert!(there.len() > 100, "only {} events", there.len());
        assert_each_once(&system, &there).await;
    });
}
