//! `casbah demo`: a simulated tenant in this process, in time that jumps, read until everything has caught up.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use casbah_model::Timestamp;
use casbah_model::app::{App, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::secret::Secret;
use casbah_pipeline::{Context, Settings, connect, ledger};
use casbah_platform_local::system::saved_clock;
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SystemRng, Until, VirtualClock,
};
use casbah_simulators::microsoft365::{Holdings, Plan, Simulator};
use serde_json::{Value, json};

use crate::cli::{DemoArgs, Format};
use crate::demo_memory;
use crate::exit::{Exit, Failure};
use crate::folder::{self, DemoMark};
use crate::output;
use crate::progress::{AllExpected, Expected, Progress};
use crate::report::Report;
use crate::runtime;
use crate::stopwatch::Stopwatch;
use crate::trouble;

const CONNECTION: &str = "contoso";
/// A demo begins at the same moment for everyone: 4 May 2026, 10:00 UTC.
const STARTED_SECOND: i64 = 1_777_888_800;

pub fn demo(args: &DemoArgs, progress: &Progress) -> Result<Exit, Failure> {
    let begun = Stopwatch::start();
    let started = Timestamp::from_second(STARTED_SECOND).expect("a time of this century");
    DemoMark::new(&args.size, started).keep(&args.out)?;
    let runtime = runtime::virtual_time()?;
    let _inside = runtime.enter();
    let stop = runtime::stop()?;
    let (system, simulator) = open(
        &args.out,
        Plan {
            started,
            ..args.size.plan()
        },
        args.events.settings(),
    )?;
    let expected = expected(&simulator.holds(), runtime.block_on(written(&system.ctx))?);
    let ended = progress.during(&system.ctx.meter, expected, || {
        runtime.block_on(async {
            demo_memory::restore(&system.ctx, &simulator).await?;
            let (settings, secret) = settings(simulator.plan())?;
            connect::connect(&system.ctx, &settings, &secret).await?;
            Ok::<_, Failure>(system.run(Until::CaughtUp, stop).await?)
        })
    })?;
    if ended == Ended::Stopped {
        output::say("casbah: stopped; the same command goes on from here");
        return Ok(Exit::Interrupted);
    }
    let now = system.ctx.now();
    let mut report = runtime.block_on(Report::of(&system.ctx, &args.out, 0.0))?;
    report.compare(held(&simulator.holds(), now));
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
fn open(out: &Path, plan: Plan, settings: Settings) -> Result<(LocalSystem, Simulator), Failure> {
    let saved = saved_clock(out, Arc::new(VirtualClock::new(plan.started)));
    let saved = saved
        .map_err(|error| Failure::new(Exit::Environment, error.to_string()).at(out.display()))?;
    let clock = Arc::new(VirtualClock::new(
        saved.unwrap_or(plan.started).max(plan.started),
    ));
    let simulator = Simulator::new(plan, Arc::clone(&clock) as _);
    let outside = Outside {
        clock,
        // Ids of transactions must not repeat when a demo is begun again, so they do not come from the seed.
        rng: Arc::new(SystemRng),
        transport: Arc::new(simulator.clone()),
        settings,
        durability: Durability::Process,
    };
    Ok((LocalSystem::open(out, outside)?, simulator))
}

fn settings(plan: &Plan) -> Result<(ConnectionSettings, Secret), Failure> {
    let app_settings = BTreeMap::from(
        [
            ("tenant_id", &*plan.tenant_id),
            ("client_id", &*plan.client_id),
            ("credential", "secret"),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string())),
    );
    let settings = ConnectionSettings {
        id: folder::name(CONNECTION)?,
        app: App::Microsoft365,
        components: Components::all(),
        app_settings,
        endpoints: BTreeMap::new(),
    };
    Ok((settings, Secret::new(plan.client_secret.as_str())))
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

fn expected(held: &Holdings, before: [u64; 3]) -> AllExpected {
    let grants = held.delegated_grants + held.app_role_assignments;
    // Users come twice: as they are, and with their last sign-in.
    let people = 2 * held.users + held.groups + held.roles + held.role_assignments;
    let entities = people + held.applications + grants;
    let totals = [
        entities,
        held.activities.len() as u64,
        held.files + held.folders + held.drives,
    ];
    [0, 1, 2].map(|place| Expected {
        before: before[place],
        total: Some(totals[place]),
    })
}

/// The counts of the tenant under the names of ours.
pub fn held(held: &Holdings, now: Timestamp) -> Value {
    let by_kind = held.activities_by_kind(now);
    let activities: u64 = by_kind.values().sum();
    let by_kind: BTreeMap<_, _> = by_kind
        .iter()
        .map(|(kind, count)| (kind.name(), *count))
        .collect();
    let by_sharing = held
        .files_by_sharing
        .iter()
        .filter(|(_, count)| **count > 0);
    let by_sharing: BTreeMap<_, _> = by_sharing
        .map(|(class, count)| (class.name(), *count))
        .collect();
    json!({
        "users": held.users,
        "guests": held.guests,
        "disabled": held.disabled,
        "groups": held.groups,
        "roles": held.roles,
        "role_assignments": held.role_assignments,
        "applications": held.applications,
        "grants": held.delegated_grants + held.app_role_assignments,
        "activities": activities,
        "activities_by_kind": by_kind,
        "file_roots": held.drives,
        "files": held.files,
        // The top of a drive is a folder, too, for who lists it.
        "folders": held.folders + held.drives,
        "files_by_sharing": by_sharing,
    })
}
