//! What everything must come to once nothing goes wrong any more: compared with what the vendor really holds.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::message::Message;
use casbah_model::state::Key;
use casbah_model::tables::State;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::inventory::summary;
use casbah_pipeline::ledger::{ledger, verify};
use casbah_pipeline::status::{ConnectionStatus, Settled, settled, status};
use casbah_pipeline::{Context, StageError, connect};

use crate::host::Host;
use crate::plain_editions;
use crate::tenant::{Due, Reader};
use crate::watch::list_of;

/// What still differs from what should be; `None` when everything is there.
pub async fn difference(host: &Host, due: Due) -> Result<Option<String>, StageError> {
    let ctx = host.plain();
    let name = crate::run::connection_name();
    let Some(connection) = connect::find(&ctx, &name).await? else {
        return Ok(Some("there is no connection".into()));
    };
    let ended = settled(&ctx).await?;
    if ended != Settled::CaughtUp {
        return Ok(Some(unsettled(&ctx, ended).await?));
    }
    let seen = Reader {
        ctx: &ctx,
        connection: &connection,
        conditions: &host.conditions,
        watch: &host.world.watch,
        due,
    };
    let tenant = &host.conditions.tenant;
    if let Some(what) = tenant.activities(&seen) {
        return Ok(Some(format!("I12: {what}")));
    }
    let found = summary(&ctx, &connection).await?;
    if let Some(what) = tenant.inventory(&seen, &found).await? {
        return Ok(Some(what));
    }
    let books = ledger(&ctx, None).await?;
    if !books.closes {
        return Ok(Some(format!(
            "the ledger does not close: {:?}",
            books.totals
        )));
    }
    tables(host, &ctx).await
}

async fn unsettled(ctx: &Context, ended: Settled) -> Result<String, StageError> {
    let mut text = format!("{ended:?}");
    for connection in status(ctx).await? {
        text += &format!("\n    {:?}", connection.state);
        for stream in connection.streams {
            let is_over = stream.next_look.is_none_or(|at| at > ctx.now());
            if !["caught-up", "done"].contains(&stream.state) || !is_over {
                let next = stream.next_look;
                text += &format!("\n    {} {} {next:?}", stream.name, stream.state);
                text += &format!(" {:?}", stream.trouble.map(|cause| cause.what));
            }
        }
        text += &format!("\n    {:?}", connection.file_sweep);
    }
    Ok(text)
}

/// More than any seed makes.
const OBJECTS_MAX: usize = 100_000;
/// Commits are in the tables after this: they are looked for every five minutes, and steps take their time.
const TABLES_AFTER: SignedDuration = SignedDuration::from_mins(20);

/// I17: whatever was committed is a row of the tables some minutes later, and never two.
async fn tables(host: &Host, ctx: &Context) -> Result<Option<String>, StageError> {
    let verified = verify(ctx, None).await?;
    if let Some(fault) = verified.faults.first() {
        return Ok(Some(format!("I17: {fault}")));
    }
    let late = |since: &Timestamp| *since < ctx.now() - TABLES_AFTER;
    let tables = status(ctx).await?.into_iter().filter_map(|one| one.tables);
    let waiting = tables.filter_map(|tables| tables.waiting_since).find(late);
    if let Some(since) = waiting {
        return Ok(Some(format!(
            "I17: what was committed at {since} is in no table"
        )));
    }
    Ok(states(host, ctx).await?.map(|what| format!("I18: {what}")))
}

/// I18: what an edition ever showed as current of a connection that is there is current, or has ended and is kept. That
/// nothing is in two states at once, and that what is current is what was published, is read with I17.
async fn states(host: &Host, ctx: &Context) -> Result<Option<String>, StageError> {
    let mut kept = BTreeSet::new();
    for name in ctx.objects.list("inventory/", None, OBJECTS_MAX).await? {
        let content = ctx.objects.get(&name).await?;
        for state in plain_editions::states(&content).unwrap_or_default() {
            kept.insert((list_of(&name), state.id, state.from, state.state));
        }
    }
    let name = crate::run::connection_name();
    let Some(connection) = connect::find(ctx, &name).await? else {
        return Ok(None);
    };
    let of_it = format!(" of connection={}", connection.scope());
    let watch = host.world.watch.state();
    let mut shown = watch
        .states
        .iter()
        .filter(|(list, _)| list.ends_with(&of_it));
    let is_kept = |(list, one): &&(String, State)| {
        kept.contains(&(list.clone(), one.id.clone(), one.from, one.state))
    };
    let lost = shown.find(|one| !is_kept(one));
    Ok(lost.map(|(list, one)| {
        format!(
            "{list} do not tell of {} as it was from {}",
            one.id, one.from
        )
    }))
}

/// What must hold at the end beside the content: I8, I13 and I16.
pub async fn manners(host: &Host) -> Result<Option<String>, StageError> {
    let ctx = host.plain();
    let mut hints: BTreeMap<Key, u64> = BTreeMap::new();
    for message in host.queue.waiting() {
        let Message::Look { key, version, .. } = message else {
            continue;
        };
        if host.world.watch.version(&key) == Some(version) {
            *hints.entry(key).or_default() += 1;
        }
    }
    if let Some((key, count)) = hints.iter().find(|(_, count)| **count > 1) {
        return Ok(Some(format!("I8: {count} hints are on their way to {key}")));
    }
    if let Some(what) = host.conditions.tenant.refused() {
        return Ok(Some(format!("I14: {what}")));
    }
    let shown: Vec<ConnectionStatus> = status(&ctx).await?;
    let (mut gaps, mut failed) = (0, 0);
    for connection in &shown {
        gaps += connection.gaps.len();
        failed += connection.failed_units.len();
    }
    let watch = host.world.watch.state();
    let count = |pk: &str, is: &dyn Fn(&casbah_model::state::Item) -> bool| {
        let items = watch.shadow.items();
        items
            .filter(|(key, item)| key.pk.ends_with(pk) && is(item))
            .count()
    };
    let is_failed =
        |item: &casbah_model::state::Item| item.get("st").is_some_and(|st| st == "FAILED");
    let there = (count("#GAP", &|_| true), count("#U#files", &is_failed));
    if (gaps, failed) != there {
        return Ok(Some(format!(
            "I16: status shows {:?} gaps and failed units of {there:?}",
            (gaps, failed)
        )));
    }
    Ok(None)
}
