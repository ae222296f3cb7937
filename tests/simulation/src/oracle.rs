//! What everything must come to once nothing goes wrong any more: compared with what the vendor really holds.

use std::collections::{BTreeMap, BTreeSet};

use casbah_lake::read;
use casbah_model::message::Message;
use casbah_model::state::{Item, Key};
use casbah_model::tables::State;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::inventory::{Reading, Summary, lines, summary};
use casbah_pipeline::items::{ConnectionItem, Scope};
use casbah_pipeline::ledger::{ledger, verify};
use casbah_pipeline::status::{ConnectionStatus, Settled, settled, status};
use casbah_pipeline::{Context, StageError, connect};
use casbah_simulators::microsoft365::{ContentType, Holdings, Row};

use crate::host::Host;
use crate::plain_editions;
use crate::shadow::Shadow;
use crate::watch::list_of;

/// What still differs from what should be; `None` when everything is there.
pub async fn difference(host: &Host) -> Result<Option<String>, StageError> {
    let ctx = host.plain();
    let name = crate::run::connection_name();
    let Some(connection) = connect::find(&ctx, &name).await? else {
        return Ok(Some("there is no connection".into()));
    };
    let ended = settled(&ctx).await?;
    if ended != Settled::CaughtUp {
        return Ok(Some(unsettled(&ctx, ended).await?));
    }
    if let Some(what) = activities(host, &connection) {
        return Ok(Some(what));
    }
    let holds = host.simulator.holds();
    let found = summary(&ctx, &connection).await?;
    if let Some(what) = people(host, &found, &holds) {
        return Ok(Some(what));
    }
    if host.conditions.has("files") {
        let files = files(&ctx, &connection).await?;
        if let Some(what) = sets("files", &files, &holds.file_ids.keys().cloned().collect()) {
            return Ok(Some(what));
        }
        let sharing: BTreeMap<_, _> = holds
            .files_by_sharing
            .iter()
            .map(|(class, count)| (class.name(), *count))
            .collect();
        if found.files_by_sharing != sharing {
            let seen = &found.files_by_sharing;
            return Ok(Some(format!("sharing: {seen:?} instead of {sharing:?}")));
        }
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

/// I12: the records are those that the vendor ever showed, less those behind a known gap.
fn activities(host: &Host, connection: &ConnectionItem) -> Option<String> {
    let scope = connection.scope();
    let all = host.simulator.holds().activities;
    let watch = host.world.watch.state();
    let found = watch.ledger.records();
    let gaps = scope.gaps();
    let known: BTreeSet<String> = all.iter().map(|one| one.id()).collect();
    if let Some(strange) = found.iter().find(|id| !known.contains(*id)) {
        return Some(format!("{strange} was never shown"));
    }
    for one in &all {
        let live = scope.stream(&format!("live-{}", stream_of(one.feed)));
        let Some(live) = watch.shadow.get(&live) else {
            if host.conditions.reads(one.feed) {
                return Some(format!("nobody reads {}", one.feed.name()));
            }
            continue;
        };
        let tile = live.get("cur").and_then(|cur| cur.get("tile")?.as_str());
        let tile = tile.and_then(|tile| tile.parse::<casbah_model::Timestamp>().ok());
        let is_read = tile.is_some_and(|tile| one.available < tile.as_millisecond());
        if !is_read || found.contains(&one.id()) {
            continue;
        }
        let bundle = one.content_id();
        let mut gaps = watch.shadow.partition(&gaps, "");
        let has_failed = || {
            let units = format!("C#{scope}#U#{}", stream_of(one.feed));
            let unit = watch.shadow.get(&Key::new(units, format!("U#{bundle}")));
            unit.is_some_and(|unit| unit.get("st").is_some_and(|st| st == "FAILED"))
        };
        if (one.is_lost || has_failed()) && gaps.any(|(key, _)| key.sk.ends_with(&bundle)) {
            continue;
        }
        if is_behind_gap(&watch.shadow, &scope, one.available)
            || is_out_of_reach(connection, one.available)
        {
            continue;
        }
        return Some(format!("{} of {bundle} is missing", one.id()));
    }
    None
}

/// Whether something became available in a span that could not be listed any more, and that is written down.
fn is_behind_gap(shadow: &Shadow, scope: &Scope, available_ms: i64) -> bool {
    let at = |gap: &Item, name: &str| {
        let at: Option<Timestamp> = gap.get(name)?.as_str()?.parse().ok();
        Some(at?.as_millisecond())
    };
    shadow.partition(&scope.gaps(), "").any(|(_, gap)| {
        let span = at(gap, "from").zip(at(gap, "to"));
        span.is_some_and(|(from, to)| from <= available_ms && available_ms < to)
    })
}

/// Listings reach back seven days (Management Activity API reference, "List available content"), less a margin and a
/// window.
const REACH: SignedDuration = SignedDuration::from_mins(7 * 24 * 60 - 15);

/// Whether a connection that was made anew came too late for something.
fn is_out_of_reach(connection: &ConnectionItem, available_ms: i64) -> bool {
    let oldest = connection.connected_at - REACH;
    connection.incarnation > 1 && available_ms < oldest.as_millisecond()
}

/// The name of a feed in our streams.
fn stream_of(feed: ContentType) -> &'static str {
    match feed {
        ContentType::AzureActiveDirectory => "aad",
        ContentType::Exchange => "exchange",
        ContentType::SharePoint => "sharepoint",
        ContentType::General => "general",
        ContentType::Dlp => "dlp",
    }
}

fn people(host: &Host, found: &Summary, holds: &Holdings) -> Option<String> {
    let mut pairs = vec![
        ("users", found.users, holds.users),
        ("guests", found.guests, holds.guests),
        ("disabled", found.disabled, holds.disabled),
        ("groups", found.groups, holds.groups),
        ("roles", found.roles, holds.roles),
        (
            "role assignments",
            found.role_assignments,
            holds.role_assignments,
        ),
    ];
    if host.conditions.has("app-permissions") {
        let grants = holds.delegated_grants + holds.app_role_assignments;
        pairs.push(("applications", found.applications, holds.applications));
        pairs.push(("grants", found.grants, grants));
    }
    let wrong = pairs.into_iter().find(|(_, found, holds)| found != holds);
    wrong.map(|(what, found, holds)| format!("{found} {what} instead of {holds}"))
}

/// Ids of the files that the published inventory holds.
async fn files(ctx: &Context, connection: &ConnectionItem) -> Result<BTreeSet<String>, StageError> {
    let mut files = BTreeMap::new();
    lines(
        ctx,
        &connection.scope(),
        "files",
        Reading::Published,
        |_, line| {
            let Some(marks) = read::marks(line) else {
                return;
            };
            match &*marks.kind {
                "removed" => drop(files.insert(item(&marks.id), false)),
                "file" | "file-shared" => drop(files.insert(item(&marks.id), true)),
                _ => {}
            }
        },
    )
    .await?;
    Ok(files
        .into_iter()
        .filter(|(_, is_there)| *is_there)
        .map(|(id, _)| id)
        .collect())
}

/// The vendor's id of an item, which ours begins with its drive's.
fn item(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).into()
}

fn sets(what: &str, found: &BTreeSet<String>, holds: &BTreeSet<String>) -> Option<String> {
    if let Some(missing) = holds.difference(found).next() {
        return Some(format!("{what}: {missing} is missing"));
    }
    let strange = found.difference(holds).next();
    strange.map(|strange| format!("{what}: {strange} is not there any more"))
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
    let refused = host.simulator.traffic().refused;
    // How often a feed may be started is no pace that is shared: it is tried again.
    let over = refused
        .iter()
        .find(|(row, _)| **row != Row::ManagementStart);
    if let Some((row, count)) = over {
        return Ok(Some(format!(
            "I14: {count} calls above the limit {}",
            row.name()
        )));
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
