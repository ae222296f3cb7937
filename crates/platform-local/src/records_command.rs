//! `casbah records`: the records of one family as JSON lines, read by the manifest, each record once.

use std::collections::BTreeSet;

use casbah_pipeline::contents;
use casbah_pipeline::findings;
use casbah_pipeline::govern::record;
use casbah_pipeline::inventory::{self, Reading};
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::{apps, status};

use crate::cli::RecordsArgs;
use crate::exit::{Exit, Failure, unknown_connection};
use crate::output::Output;
use crate::{folder, runtime};

pub fn records(args: &RecordsArgs) -> Result<Exit, Failure> {
    let only = args.connection.as_deref().map(folder::name).transpose()?;
    let system = folder::look(&args.out)?;
    let runtime = runtime::real()?;
    let ctx = &system.ctx;
    let mut connections = runtime.block_on(status::connections(ctx))?;
    if let Some(only) = &only {
        connections.retain(|connection| connection.settings.id == *only);
        if connections.is_empty() {
            return Err(unknown_connection(only.as_str()));
        }
    }
    check(&args.family, &connections)?;
    if args.ocsf
        && !["activities", record::FAMILY, findings::FAMILY].contains(&args.family.as_str())
    {
        let what = format!("{} have no form in OCSF", args.family);
        let fix = "leave --ocsf out, or choose --family activities, actions or findings";
        return Err(Failure::new(Exit::Parameter, what).with_fix(fix));
    }
    let reading = if args.history {
        Reading::All
    } else {
        Reading::Published
    };
    let mut output = Output::new();
    for connection in &connections {
        let scope = connection.scope();
        let mut printed = Ok(());
        let mut print = |line: &[u8]| {
            if printed.is_ok() {
                printed = output.line(line);
            }
        };
        if args.ocsf {
            runtime.block_on(inventory::events(ctx, &scope, &args.family, print))?;
        } else {
            let family = &args.family;
            let read = inventory::lines(ctx, &scope, family, reading, |_, line| print(line));
            runtime.block_on(read)?;
        }
        printed?;
    }
    output.flush()?;
    Ok(Exit::Fine)
}

fn check(family: &str, connections: &[ConnectionItem]) -> Result<(), Failure> {
    let mut known = BTreeSet::from([
        "activities",
        "files",
        contents::QUEUE,
        record::FAMILY,
        findings::FAMILY,
    ]);
    for connection in connections {
        let collections = apps::connector(connection.settings.app)
            .users()
            .collections();
        known.extend(collections.iter().map(|collection| collection.name));
    }
    if known.contains(family) {
        return Ok(());
    }
    let known: Vec<&str> = known.into_iter().collect();
    let what = format!("\"{family}\" is not a family of records");
    Err(Failure::new(Exit::Parameter, what).with_fix(format!("choose from {}", known.join(", "))))
}
