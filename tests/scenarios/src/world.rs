//! A simulated tenant and a system that reads it, in a folder of its own and in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use casbah_lake::read;
use casbah_model::app::Components;
use casbah_model::connection::{ConnectionId, ConnectionSettings};
use casbah_model::permission::Tier;
use casbah_model::ports::{Clock, Transport};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::inventory::{Reading, Summary, lines, summary};
use casbah_pipeline::ledger::{Ledger, ledger};
use casbah_pipeline::status::ConnectionStatus;
use casbah_pipeline::{Settings, connect, status};
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SeededRng, Until, VirtualClock,
};
use casbah_simulators::microsoft365::{ACT_ROLES, OBSERVE_ROLES, Plan, Simulator};
use casbah_simulators::simulated::Simulated;

pub const STARTED: &str = "2026-05-04T10:02:30Z";

/// Runs a test in virtual time: waiting costs nothing.
pub fn in_virtual_time(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(test);
}

pub fn started() -> Timestamp {
    STARTED.parse().expect("a valid time")
}

/// A small tenant, quick enough for a debug build.
pub fn small(seed: u64) -> Plan {
    let mut plan = Plan::new(seed);
    plan.users = 60;
    plan.files = 300;
    plan.activities = 1_200;
    plan.started = started();
    plan
}

/// A tenant in which Casbah may act, of a few users and files: it is set up hundreds of times.
pub fn acted_on_tenant() -> World {
    let roles = [&OBSERVE_ROLES[..], &ACT_ROLES[..]].concat();
    let plan = Plan {
        started: started(),
        roles: roles.into_iter().map(String::from).collect(),
        ..Plan::new(5).sized(24, 12, 20)
    };
    World::of(plan.started, |clock| Simulator::new(plan, clock))
}

pub struct World<S = Simulator> {
    pub simulator: Arc<S>,
    pub clock: Arc<dyn Clock>,
    pub folder: tempfile::TempDir,
    opened: AtomicU64,
}

impl<S: Simulated + 'static> World<S> {
    /// A tenant that begins at a time, made with the clock of this world.
    pub fn of(started: Timestamp, tenant: impl FnOnce(Arc<dyn Clock>) -> S) -> World<S> {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(started));
        World {
            simulator: Arc::new(tenant(Arc::clone(&clock))),
            clock,
            folder: tempfile::tempdir().expect("a folder"),
            opened: AtomicU64::new(0),
        }
    }

    /// Opens the folder as a new process would.
    pub fn open(&self) -> LocalSystem {
        self.open_with(Arc::clone(&self.simulator) as _)
    }

    pub fn open_with(&self, transport: Arc<dyn Transport>) -> LocalSystem {
        let outside = Outside {
            clock: Arc::clone(&self.clock),
            // No two processes draw the same ids.
            rng: Arc::new(SeededRng::new(
                7 + self.opened.fetch_add(1, Ordering::Relaxed),
            )),
            transport,
            settings: Settings::default(),
            durability: Durability::Process,
        };
        LocalSystem::open(self.folder.path(), outside).expect("a folder that can be used")
    }

    pub fn settings(&self, components: &[&str]) -> ConnectionSettings {
        ConnectionSettings {
            id: name(),
            app: self.simulator.app(),
            components: Components::parse(components).expect("a valid choice"),
            tier: Tier::Observe,
            app_settings: self.simulator.app_settings(),
            endpoints: BTreeMap::new(),
        }
    }

    pub async fn connect(&self, system: &LocalSystem, components: &[&str]) {
        let settings = self.settings(components);
        connect::connect(&system.ctx, &settings, &self.simulator.secret())
            .await
            .expect("connected");
    }

    /// Connects and reads until nothing is left.
    pub async fn caught_up_with(&self, components: &[&str]) -> LocalSystem {
        let system = self.open();
        self.connect(&system, components).await;
        run(&system).await;
        system
    }

    /// Goes on for some time, whatever there is to do.
    pub async fn run_for(&self, system: &LocalSystem, time: SignedDuration) {
        let stop = self.clock.sleep_until(self.clock.now() + time);
        system.run(Until::Stopped, stop).await.expect("a run");
    }
}

impl World {
    pub fn new(plan: Plan) -> World {
        World::of(plan.started, |clock| Simulator::new(plan, clock))
    }

    /// Connects everything and reads until nothing is left.
    pub async fn caught_up(&self) -> LocalSystem {
        self.caught_up_with(&["all"]).await
    }
}

/// Goes on until nothing is left.
pub async fn run(system: &LocalSystem) {
    let ended = system.run(Until::CaughtUp, std::future::pending());
    let ended = ended.await.expect("a run");
    assert_eq!(ended, Ended::CaughtUp, "{}", show(system).await);
}

/// Ids of the activities in the lake, in their order.
pub async fn kept(system: &LocalSystem) -> Vec<String> {
    let ctx = &system.ctx;
    let connection = connect::find(ctx, &name()).await.expect("a table");
    let scope = connection.expect("a connection").scope();
    let mut ids = vec![];
    lines(ctx, &scope, "activities", Reading::All, |_, line| {
        ids.push(read::marks(line).expect("our fields").id.into_owned());
    })
    .await
    .expect("readable");
    ids
}

/// Asserts that these activities are in the lake, none of them twice, and that the ledger closes.
pub async fn assert_each_once(system: &LocalSystem, expected: &BTreeSet<String>) {
    let found = kept(system).await;
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(found.len(), once.len(), "events stand twice in the lake");
    let missing = expected.difference(&once).count();
    let of = expected.len();
    assert_eq!(missing, 0, "of {of} events; {}", show(system).await);
    let ledger = books(system).await;
    assert!(ledger.closes, "{:?}", ledger.totals);
}

pub fn name() -> ConnectionId {
    "contoso".parse().expect("a valid name")
}

pub async fn state(system: &LocalSystem) -> ConnectionStatus {
    let mut all = status::status(&system.ctx).await.expect("a status");
    all.pop().expect("one connection")
}

/// The status as a person would read it, for messages of failed tests.
pub async fn show(system: &LocalSystem) -> String {
    let state = state(system).await;
    let mut text = format!("{:?}\n", state.state);
    for stream in &state.streams {
        text += &format!(
            "{} {} {:?} {:?}\n",
            stream.name, stream.state, stream.next_look, stream.trouble
        );
    }
    text + &format!(
        "{:?}\n{:?}\n{:?}",
        state.file_sweep, state.gaps, state.failed_units
    )
}

pub async fn counts(system: &LocalSystem) -> Summary {
    let connection = connect::find(&system.ctx, &name())
        .await
        .expect("a table")
        .expect("a connection");
    summary(&system.ctx, &connection).await.expect("a summary")
}

pub async fn books(system: &LocalSystem) -> Ledger {
    ledger(&system.ctx, None).await.expect("a ledger")
}

/// Asserts that everything the tenant holds was found, once, and that the ledger closes.
pub async fn assert_whole(world: &World, system: &LocalSystem) {
    let found = counts(system).await;
    let holds = world.simulator.holds();
    let people = (found.users, found.guests, found.disabled);
    assert_eq!(
        people,
        (holds.users, holds.guests, holds.disabled),
        "users, guests, disabled"
    );
    assert_eq!(found.groups, holds.groups, "groups");
    assert_eq!(
        (found.roles, found.role_assignments),
        (holds.roles, holds.role_assignments),
        "roles"
    );
    assert_eq!(found.applications, holds.applications, "applications");
    assert_eq!(
        found.grants,
        holds.delegated_grants + holds.app_role_assignments,
        "grants"
    );
    assert_eq!(
        (found.file_roots, found.files),
        (holds.drives, holds.files),
        "drives, files"
    );
    let sharing: BTreeMap<_, _> = holds
        .files_by_sharing
        .iter()
        .map(|(class, n)| (class.name(), *n))
        .collect();
    assert_eq!(found.files_by_sharing, sharing, "files by sharing");
    let shown = world.simulator.holds().activities.len() as u64;
    assert!(found.activities <= shown, "more activities than there are");
    if world.simulator.plan().live_activities_per_hour == 0 {
        let at_least = world.simulator.plan().activities as u64 - holds.activities_lost();
        assert!(
            found.activities >= at_least,
            "{} of {at_least} activities",
            found.activities
        );
    }
    let ledger = books(system).await;
    assert!(ledger.closes, "{:?}", ledger.totals);
}
