//! What the benches share: a tenant, a system that reads it in virtual time, and what that cost this process.

pub mod events;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use casbah_model::Timestamp;
use casbah_model::app::Components;
use casbah_model::connection::ConnectionSettings;
use casbah_model::permission::Tier;
use casbah_model::ports::{Clock, Transport};
use casbah_pipeline::ledger::ledger;
use casbah_pipeline::{Settings, compact, connect};
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SeededRng, Until, VirtualClock,
};
use casbah_simulators::microsoft365::{Plan, Simulator};
use casbah_simulators::simulated::Simulated;

/// What a scan took.
pub struct Scan<S = Simulator> {
    pub simulator: Arc<S>,
    pub written: u64,
    pub closes: bool,
    /// Time that passed for the tenant.
    pub virtual_seconds: f64,
    pub cpu_seconds: f64,
    /// What it took to put the events into tables afterwards.
    pub table_cpu_seconds: f64,
    /// Bytes of the objects that were stored, by the kind that their names begin with.
    pub object_bytes: BTreeMap<String, u64>,
}

/// Reads a tenant until nothing is left, in virtual time, in a folder of its own.
pub fn scan(
    plan: Plan,
    components: &[&str],
    through: fn(Arc<Simulator>) -> Arc<dyn Transport>,
) -> Scan<Simulator> {
    let started = plan.started;
    scan_of(
        started,
        |clock| Simulator::new(plan, clock),
        components,
        through,
    )
}

/// The same with a tenant of any app.
pub fn scan_of<S: Simulated + 'static>(
    started: Timestamp,
    tenant: impl FnOnce(Arc<dyn Clock>) -> S,
    components: &[&str],
    through: fn(Arc<S>) -> Arc<dyn Transport>,
) -> Scan<S> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(started));
        let simulator = Arc::new(tenant(Arc::clone(&clock)));
        let folder = tempfile::tempdir().expect("a folder");
        let outside = Outside {
            clock: Arc::clone(&clock),
            rng: Arc::new(SeededRng::new(1)),
            transport: through(Arc::clone(&simulator)),
            settings: Settings::default(),
            durability: Durability::Process,
        };
        let mut system =
            LocalSystem::open(folder.path(), outside).expect("a folder that can be used");
        // Tables are made afterwards, and counted by themselves.
        let format = system.ctx.curated.tables.take();
        let begun = cpu_seconds();
        let settings = settings(&*simulator, components);
        connect::connect(&system.ctx, &settings, &simulator.secret())
            .await
            .expect("connected");
        let ended = system
            .run(Until::CaughtUp, std::future::pending())
            .await
            .expect("a run");
        assert_eq!(ended, Ended::CaughtUp);
        let read = cpu_seconds();
        system.ctx.curated.tables = format;
        compact::catch_up(&system.ctx).await.expect("tables");
        let done = cpu_seconds();
        let virtual_seconds = clock.now().duration_since(started).as_secs_f64();
        let ledger = ledger(&system.ctx, None).await.expect("a ledger");
        let activities = ledger
            .totals
            .iter()
            .filter(|total| total.feed.starts_with("activities/"));
        let written = activities.map(|total| total.tally.written).sum();
        Scan {
            simulator,
            written,
            closes: ledger.closes,
            virtual_seconds,
            cpu_seconds: read - begun,
            table_cpu_seconds: done - read,
            object_bytes: object_bytes(&system).await,
        }
    })
}

async fn object_bytes(system: &LocalSystem) -> BTreeMap<String, u64> {
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let objects = &system.ctx.objects;
        let names = objects.list("", after.as_deref(), LISTED).await;
        let names = names.expect("a listing");
        for name in &names {
            let kind = name.split('/').next().unwrap_or_default();
            let length = objects.get(name).await.expect("an object").len() as u64;
            *bytes.entry(kind.to_string()).or_default() += length;
        }
        after = match names.last() {
            Some(last) => Some(last.clone()),
            None => return bytes,
        };
    }
}

/// Names listed at once.
const LISTED: usize = 1000;

/// Opens a folder with a simulated tenant behind it, in virtual time.
pub fn open(folder: &Path, plan: Plan) -> LocalSystem {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(plan.started));
    let simulator = Arc::new(Simulator::new(plan, Arc::clone(&clock)));
    open_with(folder, simulator, clock)
}

fn open_with(folder: &Path, simulator: Arc<Simulator>, clock: Arc<dyn Clock>) -> LocalSystem {
    let outside = Outside {
        clock,
        rng: Arc::new(SeededRng::new(1)),
        transport: simulator,
        settings: Settings::default(),
        durability: Durability::Process,
    };
    LocalSystem::open(folder, outside).expect("a folder that can be used")
}

/// Reads a tenant into a folder, for benches of what comes after.
pub fn scan_into(folder: &Path, plan: Plan, components: &[&str]) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(plan.started));
        let simulator = Arc::new(Simulator::new(plan, Arc::clone(&clock)));
        let settings = settings(&*simulator, components);
        let secret = simulator.secret();
        let system = open_with(folder, simulator, clock);
        connect::connect(&system.ctx, &settings, &secret)
            .await
            .expect("connected");
        let ended = system.run(Until::CaughtUp, std::future::pending()).await;
        assert_eq!(ended.expect("a run"), Ended::CaughtUp);
    });
}

/// Calls go to the simulator as they are.
pub fn direct(simulator: Arc<Simulator>) -> Arc<dyn Transport> {
    simulator
}

fn settings(tenant: &dyn Simulated, components: &[&str]) -> ConnectionSettings {
    ConnectionSettings {
        id: tenant.name().parse().expect("a valid name"),
        app: tenant.app(),
        components: Components::parse(components).expect("a valid choice"),
        tier: Tier::Observe,
        app_settings: tenant.app_settings(),
        endpoints: BTreeMap::new(),
    }
}

/// Processor time of this process's only thread, in seconds (Linux: /proc/self/schedstat, nanoseconds on the processor).
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds: f64 = stat
        .split(' ')
        .next()
        .and_then(|first| first.parse().ok())
        .unwrap_or(0.0);
    nanoseconds / 1e9
}

/// The most memory this process ever held, in megabytes (Linux: VmHWM).
pub fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
