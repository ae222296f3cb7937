//! `casbah run`: real tenants, in real time, until everything has been read or somebody says stop.

use std::sync::Arc;

use casbah_http::internet::Internet;
use casbah_model::connection::ConnectionState;
use casbah_model::secret::Secret;
use casbah_pipeline::{Context, Settings, connect, delete, hint, status};
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SystemClock, SystemRng, Until,
};

use crate::cli::{EventArgs, Format, RunArgs};
use crate::config::{self, Config, Configured};
use crate::detector_files::look_inside;
use crate::exit::{Exit, Failure, chain};
use crate::folder::{keep_policy, refuse_demo};
use crate::output::{self, say};
use crate::progress::Progress;
use crate::report::Report;
use crate::runtime;
use crate::steer_command::{self, Absence};
use crate::stopwatch::Stopwatch;
use crate::trouble;

pub fn run(args: &RunArgs, progress: &Progress) -> Result<Exit, Failure> {
    let begun = Stopwatch::start();
    let Config {
        connections: configured,
        policy,
    } = config::read(&args.config)?;
    let secrets = secrets(&configured)?;
    refuse_demo(&args.out)?;
    let runtime = runtime::real()?;
    let _inside = runtime.enter();
    let stop = runtime::stop()?;
    let mut system = LocalSystem::open(&args.out, outside(args.events)?)?;
    keep_policy(&mut system, &args.out, &policy)?;
    look_inside(&mut system, &args.out, &args.inside)?;
    let ctx = &system.ctx;
    runtime.block_on(take_in(ctx, &configured, &secrets))?;
    let until = if args.once {
        Until::CaughtUp
    } else {
        Until::Stopped
    };
    if !args.once {
        say(
            "casbah: reading until Ctrl-C; `casbah status` shows how it stands, in another terminal",
        );
    }
    let ended = progress.during(&ctx.meter, Default::default(), || {
        runtime.block_on(system.run(until, stop))
    })?;
    if ended == Ended::Stopped {
        say("casbah: stopped; the next run goes on from here");
        return Ok(Exit::Interrupted);
    }
    let mut report = runtime.block_on(Report::of(ctx, &args.out, 0.0))?;
    report.elapsed_s = begun.seconds();
    match args.output {
        Format::Text => output::print(&report.text())?,
        Format::Json => output::print_json(&report)?,
    }
    trouble::say_all(&report.troubles);
    match (trouble::exit(&report.troubles), report.ledger.closes) {
        (Exit::Fine, false) => Ok(Exit::LedgerOpen),
        (exit, _) => Ok(exit),
    }
}

/// All of them before anything is opened or called, so that a missing one is heard of at once.
pub fn secrets(configured: &[Configured]) -> Result<Vec<Secret>, Failure> {
    configured
        .iter()
        .map(|one| one.credential.read(&one.settings.id))
        .collect()
}

pub fn outside(events: EventArgs) -> Result<Outside, Failure> {
    outside_with(events.settings())
}

pub fn outside_with(settings: Settings) -> Result<Outside, Failure> {
    Ok(Outside {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        transport: Arc::new(internet()?),
        settings,
        durability: Durability::PowerCut,
    })
}

pub fn internet() -> Result<Internet, Failure> {
    Internet::new().map_err(|error| Failure::new(Exit::Environment, chain(&error)))
}

/// Brings the folder in line with the file: connects what the file names, and pauses what it names no more.
pub async fn take_in(
    ctx: &Context,
    configured: &[Configured],
    secrets: &[Secret],
) -> Result<(), Failure> {
    for connection in status::connections(ctx).await? {
        if connection.state == ConnectionState::Deleting {
            let id = &connection.settings.id;
            say(format_args!(
                "casbah: the deletion of {id} is finished first"
            ));
            delete::at_once(ctx, id).await?;
        }
    }
    for (one, secret) in configured.iter().zip(secrets) {
        let id = &one.settings.id;
        let at = |error: casbah_pipeline::StageError| {
            Failure::from(error).at(format!("connection \"{id}\""))
        };
        let connection = connect::connect(ctx, &one.settings, secret)
            .await
            .map_err(at)?;
        if connection.state != ConnectionState::Paused {
            // Rights may have been given since the last test, so it is not waited for.
            hint::nudge(ctx, &connection.scope().stream("test"))
                .await
                .map_err(at)?;
        } else if steer_command::is_absent(ctx, id).await? {
            connect::resume(ctx, id).await.map_err(at)?;
            steer_command::mark(ctx, id, Absence::Over).await?;
            say(format_args!(
                "casbah: {id} is in the file again and goes on"
            ));
        } else {
            say(format_args!(
                "casbah: {id} is paused; `casbah resume {id}` with the same --out lets it go on"
            ));
        }
    }
    for connection in status::connections(ctx).await? {
        let id = &connection.settings.id;
        let is_named = configured.iter().any(|one| one.settings.id == *id);
        if !is_named && !connection.state.is_halted() {
            connect::pause(ctx, id).await?;
            steer_command::mark(ctx, id, Absence::Begun).await?;
            say(format_args!(
                "casbah: {id} is not in the file any more, so it is paused; its data stays"
            ));
        }
    }
    Ok(())
}
