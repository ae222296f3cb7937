//! `casbah demo`: simulated tenants in this process, in time that jumps, read until everything has caught up.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_model::Timestamp;
use casbah_model::app::{App, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::permission::Tier;
use casbah_pipeline::{Context, apps, connect, ledger, status};
use casbah_platform_local::system::saved_clock;
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SystemRng, Until, VirtualClock,
};
use casbah_simulators::simulated::{Setup, Simulated, Tenants, open as tenant};

use crate::cli::{DemoArgs, Format};
use crate::detector_files::look_inside;
use crate::exit::{Exit, Failure};
use crate::folder::{self, DemoMark};
use crate::output;
use crate::progress::{AllExpected, Expected, Progress};
use crate::report::Report;
use crate::runtime;
use crate::stopwatch::Stopwatch;
use crate::trouble;

/// A demo begins at the same moment for everyone: 4 May 2026, 10:00 UTC.
const STARTED_SECOND: i64 = 1_777_888_800;

pub fn demo(args: &DemoArgs, progress: &Progress) -> Result<Exit, Failure> {
    let begun = Stopwatch::start();
    let started = Timestamp::from_second(STARTED_SECOND).expect("a time of this century");
    let mut apps = args.apps.clone();
    apps.sort_unstable();
    apps.dedup();
    DemoMark::new(&apps, &args.size, started).keep(&args.out)?;
    let runtime = runtime::virtual_time()?;
    let _inside = runtime.enter();
    let stop = runtime::stop()?;
    let (system, tenants) = open(args, &apps, started)?;
    let expected = expected(&tenants, started, runtime.block_on(written(&system.ctx))?);
    let ended = progress.during(&system.ctx.meter, expected, || {
        runtime.block_on(async {
            resume(&system.ctx, &tenants).await?;
            for (app, tenant) in apps.iter().zip(&tenants.0) {
                let settings = settings(*app, &**tenant)?;
                connect::connect(&system.ctx, &settings, &tenant.secret()).await?;
            }
            Ok::<_, Failure>(system.run(Until::CaughtUp, stop).await?)
        })
    })?;
    if ended == Ended::Stopped {
        output::say("casbah: stopped; the same command goes on from here");
        return Ok(Exit::Interrupted);
    }
    let now = system.ctx.now();
    let mut report = runtime.block_on(Report::of(&system.ctx, &args.out, 0.0))?;
    let held = tenants.0.iter();
    report.compare(&held.map(|one| (one.name(), one.counts(now))).collect())?;
    report.elapsed_s = begun.seconds();
    match args.output {
        Format::Text => output::print(&report.text())?,
        Format::Json => output::print_json(&report)?,
    }
    trouble::say_all(&report.troubles);
    let is_equal = report
        .comparison
        .as_ref()
        .is_some_and(|comparison| comparison.equal);
    match (is_equal, report.ledger.closes) {
        (false, _) => Ok(Exit::Other),
        (true, false) => Ok(Exit::LedgerOpen),
        (true, true) => Ok(trouble::exit(&report.troubles)),
    }
}

/// Must be called inside the runtime, whose time the clock follows.
fn open(
    args: &DemoArgs,
    apps: &[App],
    started: Timestamp,
) -> Result<(LocalSystem, Tenants), Failure> {
    let out = &args.out;
    let saved = saved_clock(out, Arc::new(VirtualClock::new(started)));
    let saved = saved
        .map_err(|error| Failure::new(Exit::Environment, error.to_string()).at(out.display()))?;
    let clock = Arc::new(VirtualClock::new(saved.unwrap_or(started).max(started)));
    let setup = Setup {
        size: args.size.size(),
        started,
        address: None,
        latency: None,
        live_activities_per_hour: 0,
        tier: Tier::Observe,
    };
    let tenants = apps.iter();
    let tenants = Tenants(
        tenants
            .map(|app| tenant(*app, &setup, Arc::clone(&clock) as _))
            .collect(),
    );
    let outside = Outside {
        clock,
        // Ids of transactions must not repeat when a demo is begun again, so they do not come from the seed.
        rng: Arc::new(SystemRng),
        transport: Arc::new(tenants.clone()),
        settings: args.events.settings(),
        durability: Durability::Process,
    };
    let mut system = LocalSystem::open(out, outside)?;
    look_inside(&mut system, out, &args.inside)?;
    Ok((system, tenants))
}

fn settings(app: App, tenant: &dyn Simulated) -> Result<ConnectionSettings, Failure> {
    Ok(ConnectionSettings {
        id: folder::name(tenant.name())?,
        app,
        components: Components::all(),
        tier: Tier::Observe,
        app_settings: tenant.app_settings(),
        endpoints: BTreeMap::new(),
    })
}

/// Switches on the feeds that earlier runs switched on: the tenants of this process are new and know nothing of it.
async fn resume(ctx: &Context, tenants: &Tenants) -> Result<(), Failure> {
    for connection in status::connections(ctx).await? {
        let name = connection.settings.id.as_str();
        let Some(tenant) = tenants.0.iter().find(|tenant| tenant.name() == name) else {
            continue;
        };
        let source = apps::connector(connection.settings.app).activities();
        let feeds = source.map_or(&[][..], |source| source.feeds());
        let feeds = feeds.iter().filter(|feed| {
            let known = connection.feeds.get(feed.name);
            known.is_some_and(|feed| feed.state == "started")
        });
        tenant.resume(&feeds.map(|feed| feed.id).collect::<Vec<_>>());
    }
    Ok(())
}

/// What is in the folder from before, as the progress bars count it.
async fn written(ctx: &Context) -> Result<[u64; 3], Failure> {
    let mut written = [0; 3];
    for row in ledger::ledger(ctx, None).await?.totals {
        let place = match row.feed.as_str() {
            feed if feed.starts_with("activities/") => 1,
            "files" => 2,
            _ => 0,
        };
        written[place] += row.tally.written;
    }
    Ok(written)
}

fn expected(tenants: &Tenants, now: Timestamp, before: [u64; 3]) -> AllExpected {
    let records: Vec<[u64; 3]> = tenants.0.iter().map(|one| one.records(now)).collect();
    [0, 1, 2].map(|place| Expected {
        before: before[place],
        total: Some(records.iter().map(|records| records[place]).sum()),
    })
}
