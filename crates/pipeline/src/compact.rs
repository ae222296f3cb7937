//! compact: what commits added to the audit trail becomes rows of tables that query engines read.
//!
//! Each step reads manifest entries in their order, merges their events into the objects of the hours they belong to,
//! and then moves its cursor past them. A merge that is repeated changes nothing, and an object is replaced only over
//! the state that was merged, so whoever dies or is slow here neither loses a row nor doubles one (decision 0006).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use casbah_lake::layout;
use casbah_lake::read::ReadError;
use casbah_lake::{ManifestEntry, ObjectEntry, read};
use casbah_model::connection::{Cause, ConnectionState};
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{ObjectError, Query};
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::tables::{Fresh, Rows, TableDay, TableError, Tables};
use casbah_model::{SignedDuration, Timestamp};
use casbah_ocsf::class::Class;
use serde::{Deserialize, Serialize};

use crate::bundles;
use crate::compact_again as again;
use crate::context::Context;
use crate::editions;
use crate::error::StageError;
use crate::findings;
use crate::govern;
use crate::items::{self, ConnectionItem, Scope, StreamItem, time};
use crate::status::{connections, streams};
use crate::step::{Committed, Next, Step};
use crate::tries::Tries;

/// The stream's name.
pub const STREAM: &str = "compact";
/// How often new commits are looked for (Security Lake user guide, "Data source best practices": every 5 minutes to
/// 1 day).
pub(crate) const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Events that are merged at once; as rows in memory they take about half of it.
const EVENT_BYTES: usize = 48 << 20;
/// Entries read from the table at once.
const ENTRIES: usize = 50;
/// After trouble that somebody has to look at.
pub(crate) const TROUBLE_AGAIN: SignedDuration = SignedDuration::from_mins(30);
/// What to do about a damaged object.
const MADE_ANEW: &str = "move the object away and run `casbah compact --rebuild`, which makes the tables anew from the records";
/// Steps of one connection when somebody waits for all of it; each takes in thousands of events.
const STEPS_MAX: u32 = 1_000_000;

/// How far the tables are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The last commit of each lane that is in the tables, as the manifest sorts them.
    #[serde(default)]
    lanes: BTreeMap<String, String>,
    /// Events that were merged over all time.
    #[serde(default)]
    pub events: u64,
    /// Lines that were no events and are in no table; the records beside them are in the lake.
    #[serde(default)]
    pub unfit: u64,
    #[serde(default)]
    pub last: Option<Lags>,
    /// Events are made anew from the vendor's records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) again: Option<again::Phase>,
}

impl Cursor {
    /// Whether the events of a commit are in the tables.
    pub(crate) fn has(&self, lane: &str, entry: &ManifestEntry) -> bool {
        let commit = items::manifest_sk(entry.epoch, entry.sequence);
        self.again.is_none() && self.lanes.get(lane).is_some_and(|last| commit <= *last)
    }
}

/// How far the tables of a connection are, as its stream tells it; `None` when nothing was put into any yet.
pub(crate) fn cursor(streams: &[(Key, StreamItem)]) -> Result<Option<Cursor>, StageError> {
    match named(streams, STREAM) {
        Some((key, stream)) => stream.cursor(key),
        None => Ok(None),
    }
}

/// How long the events of the last step took from one place to the next, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lags {
    pub at: Timestamp,
    pub events: u64,
    /// From the moment the vendor showed them to their commit.
    pub to_raw_p50: f64,
    pub to_raw_p95: f64,
    /// From that moment to the tables.
    pub to_tables_p50: f64,
    pub to_tables_p95: f64,
}

/// The stream of this name among those of a connection.
pub(crate) fn named<'a>(
    streams: &'a [(Key, StreamItem)],
    name: &str,
) -> Option<&'a (Key, StreamItem)> {
    let is_it = |(key, _): &&(Key, StreamItem)| items::stream_name(key) == name;
    streams.iter().find(is_it)
}

/// The stream that compacts a connection.
pub fn stream(scope: &Scope, now: Timestamp) -> (Key, StreamItem) {
    looking(scope, STREAM, now)
}

/// A stream that looks for what was committed.
pub(crate) fn looking(scope: &Scope, name: &str, now: Timestamp) -> (Key, StreamItem) {
    let key = scope.stream(name);
    let mut stream = StreamItem::new(&key, Stage::Compact, &[], now + EVERY);
    stream.caught_up = true;
    (key, stream)
}

/// Brings the tables up to the commits there are.
pub async fn compact(mut step: Step<'_>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let Some(tables) = ctx.curated.tables.clone() else {
        tracing::warn!("a hint to compact came to a function that makes no tables");
        let next = unchanged(&step.stream, ctx.now());
        return step.release(next, None).await;
    };
    let mut cursor: Cursor = step.stream.cursor(&step.key)?.unwrap_or_default();
    loop {
        let work = work(&step, &*tables, &cursor).await;
        let (next, has_more) = match work {
            Ok(done) => done,
            Err(Trouble::Stage(error)) => return Err(error),
            Err(Trouble::Object(cause)) => {
                tracing::error!(connection = %step.scope, "{cause}");
                step.stream.trouble = Some(cause);
                return step
                    .release(Next::Wait(ctx.now() + TROUBLE_AGAIN), None)
                    .await;
            }
        };
        if next.lanes == cursor.lanes && next.again == cursor.again {
            return step.release(Next::CaughtUp(ctx.now() + EVERY), None).await;
        }
        step.stream.cur = Some(serde_json::to_value(&next).expect("a cursor is plain"));
        if step.commit(None, vec![]).await? != Committed::Yes {
            return Ok(());
        }
        cursor = next;
        if !step.has_time() {
            let next = match has_more {
                true => Next::Continue,
                false => Next::CaughtUp(ctx.now() + EVERY),
            };
            return step.release(next, None).await;
        }
    }
}

/// Looks again later, and says of the tables what was said before.
pub(crate) fn unchanged(stream: &StreamItem, now: Timestamp) -> Next {
    match stream.caught_up {
        true => Next::CaughtUp(now + EVERY),
        false => Next::Wait(now + EVERY),
    }
}

/// Why the tables do not get on.
pub(crate) enum Trouble {
    Stage(StageError),
    /// An object is not what it should be: nothing is lost, and somebody has to look.
    Object(Cause),
}

impl<E: Into<StageError>> From<E> for Trouble {
    fn from(error: E) -> Trouble {
        match error.into() {
            // A store that is busy, or cannot be used at all, says nothing about the object.
            StageError::Read(ReadError::Object(
                error @ (ObjectError::Unavailable { .. } | ObjectError::Unusable { .. }),
            )) => Trouble::Stage(error.into()),
            StageError::Read(source) => Trouble::Object(Cause::new(
                "object-damaged",
                format!("events cannot be read: {source}"),
                "the vendor's records are kept apart from them: `casbah compact --rebuild` makes the tables anew from those",
            )),
            error => Trouble::Stage(error),
        }
    }
}

/// Merges some commits; returns where the tables are then, and whether there is more.
async fn work(
    step: &Step<'_>,
    tables: &dyn Tables,
    cursor: &Cursor,
) -> Result<(Cursor, bool), Trouble> {
    let ctx = step.ctx;
    if cursor.again == Some(again::Phase::Clearing) {
        remove_tables(ctx, &step.scope).await?;
        let next = Cursor {
            again: Some(again::Phase::Reading),
            ..Cursor::default()
        };
        return Ok((next, true));
    }
    let mut gathered = Gathered {
        rows: tables.begin(),
        cursor: cursor.clone(),
        has_more: false,
    };
    gather(step, &mut gathered).await?;
    let Gathered {
        rows,
        mut cursor,
        has_more,
    } = gathered;
    let mut times = vec![];
    for (table, fresh) in rows.sort() {
        times.extend(fresh.times());
        merge(ctx, tables, &step.scope, &table, &*fresh).await?;
    }
    cursor.last = lags(times, ctx.now()).or(cursor.last);
    if !has_more {
        cursor.again = None;
    }
    Ok((cursor, has_more))
}

pub(crate) struct Gathered {
    rows: Box<dyn Rows>,
    cursor: Cursor,
    has_more: bool,
}

/// Reads the events of commits that are in no table yet, lane by lane, until they are enough for one go.
async fn gather(step: &Step<'_>, gathered: &mut Gathered) -> Result<(), StageError> {
    let (ctx, scope) = (step.ctx, &step.scope);
    for lane in lanes(&streams(ctx, scope).await?) {
        loop {
            let query = behind(scope, &gathered.cursor, lane);
            let page = ctx.state.query(query).await?;
            if page.is_empty() {
                break;
            }
            for found in page {
                if gathered.rows.bytes() >= EVENT_BYTES {
                    gathered.has_more = true;
                    return Ok(());
                }
                let entry: ManifestEntry = items::read(&found.key, &found.item)?;
                match gathered.cursor.again {
                    None => take(ctx, gathered, &entry.events).await?,
                    Some(_) => again::take(&step.connection, ctx, gathered, &entry).await?,
                }
                let lanes = &mut gathered.cursor.lanes;
                lanes.insert(lane.into(), found.key.sk);
            }
        }
    }
    Ok(())
}

async fn take(
    ctx: &Context,
    gathered: &mut Gathered,
    objects: &[ObjectEntry],
) -> Result<(), StageError> {
    for object in objects {
        read::lines(&*ctx.objects, object, |line| {
            gathered.add(line, &object.name);
        })
        .await?;
    }
    Ok(())
}

impl Gathered {
    pub(crate) fn add(&mut self, event: &[u8], object: &str) {
        match self.rows.add(event) {
            Ok(()) => self.cursor.events += 1,
            Err(error) => {
                tracing::error!(object, %error, "an event is in no table; its record is in the lake");
                self.cursor.unfit += 1;
            }
        }
    }
}

/// Puts rows into the objects of their day.
async fn merge(
    ctx: &Context,
    tables: &dyn Tables,
    scope: &Scope,
    table: &TableDay,
    fresh: &dyn Fresh,
) -> Result<(), Trouble> {
    let day = layout::table_day(table, &ctx.curated.region, &scope.to_string());
    let mut hours: BTreeSet<u8> = fresh.hours().into_iter().collect();
    let mut tries = Tries::default();
    while !hours.is_empty() {
        match merge_some(ctx, tables, &day, fresh, &hours).await {
            Ok(done) => {
                hours.retain(|hour| !done.contains(hour));
                tries = Tries::default();
            }
            Err(Failure::Table { name, source }) => {
                return Err(unusable(&name, &source, MADE_ANEW));
            }
            Err(Failure::Store(error)) => tries.again(ctx, &day, error).await?,
        }
    }
    Ok(())
}

enum Failure {
    Store(ObjectError),
    Table { name: String, source: TableError },
}

impl From<ObjectError> for Failure {
    fn from(error: ObjectError) -> Failure {
        Failure::Store(error)
    }
}

/// Puts the rows of the first hour, and of those after it that belong to the same object, where they belong.
///
/// A day begins with one object. One that is full takes no rows of hours after its last: these begin the next. So no row
/// ever moves from one object to another, and no other worker can come to think differently of where a row belongs.
async fn merge_some(
    ctx: &Context,
    tables: &dyn Tables,
    day: &str,
    fresh: &dyn Fresh,
    hours: &BTreeSet<u8>,
) -> Result<Range<u8>, Failure> {
    let first = *hours.first().expect("there are hours left");
    let names = ctx.objects.list(day, None, PAGE).await?;
    let starts: BTreeSet<u8> = names
        .iter()
        .filter_map(|name| layout::table_hour(day, name))
        .collect();
    let mut start = starts.range(..=first).next_back().copied().unwrap_or(0);
    let end = starts.range(first + 1..).next().copied().unwrap_or(24);
    let mut hours = first..end;
    let mut name = layout::table_object(day, start);
    let mut current = ctx.curated.store.get(&name).await?;
    if let Some((content, _)) = &current {
        let extent = tables.extent(content).map_err(|source| Failure::Table {
            name: name.clone(),
            source,
        })?;
        let is_full = extent.rows >= ctx.settings.table_rows;
        if is_full && extent.last_hour < first {
            start = first;
            name = layout::table_object(day, start);
            current = None;
        } else if is_full {
            hours.end = extent.last_hour + 1;
        }
    }
    let (content, mark) = current.unzip();
    let merged = fresh.merge(hours.clone(), content);
    let merged = merged.map_err(|source| Failure::Table {
        name: name.clone(),
        source,
    })?;
    if let Some(merged) = merged {
        let store = &ctx.curated.store;
        store.replace(&name, merged, mark.as_ref()).await?;
    }
    Ok(hours)
}

pub(crate) fn unusable(name: &str, error: &TableError, fix: &str) -> Trouble {
    let mut what = format!("{name}: {error}");
    if let Some(source) = std::error::Error::source(error) {
        what = format!("{what}: {source}");
    }
    Trouble::Object(Cause::new("table-damaged", what, fix))
}

/// `None` when there was nothing.
fn lags(mut times: Vec<(i64, i64)>, now: Timestamp) -> Option<Lags> {
    let events = times.len();
    let seconds = |ms: i64| ms.max(0) as f64 / 1000.0;
    times.sort_unstable_by_key(|(logged, processed)| processed - logged);
    let raw = |share: f64| {
        let (logged, processed) = times.get((events as f64 * share) as usize)?;
        Some(seconds(processed - logged))
    };
    let (to_raw_p50, to_raw_p95) = (raw(0.5)?, raw(0.95)?);
    let mut logged: Vec<i64> = times.iter().map(|(logged, _)| *logged).collect();
    logged.sort_unstable_by_key(|logged| std::cmp::Reverse(*logged));
    let tables = |share: f64| {
        let logged = logged.get((events as f64 * share) as usize)?;
        Some(seconds(now.as_millisecond() - logged))
    };
    Some(Lags {
        at: now,
        events: events as u64,
        to_raw_p50,
        to_raw_p95,
        to_tables_p50: tables(0.5)?,
        to_tables_p95: tables(0.95)?,
    })
}

/// Names of the objects of all tables of a connection begin with these.
pub fn prefixes(region: &str, scope: &Scope) -> impl Iterator<Item = String> + use<> {
    let (region, scope) = (region.to_string(), scope.to_string());
    Class::ALL
        .into_iter()
        .map(move |class| layout::table_prefix(class.uid(), &region, &scope))
}

/// Names listed at once.
const PAGE: usize = 1000;

/// All names of objects that begin so.
pub(crate) async fn listed(ctx: &Context, prefix: &str) -> Result<Vec<String>, StageError> {
    let mut names: Vec<String> = vec![];
    loop {
        let after = names.last().map(String::as_str);
        let page = ctx.objects.list(prefix, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        names.extend(page);
        if is_last {
            return Ok(names);
        }
    }
}

async fn remove_tables(ctx: &Context, scope: &Scope) -> Result<(), StageError> {
    let objects = ctx.patient_objects();
    for prefix in prefixes(&ctx.curated.region, scope) {
        for name in listed(ctx, &prefix).await? {
            objects.delete(&name).await?;
        }
    }
    Ok(())
}

/// Brings the tables of all connections up to the commits there are, for somebody who waits; nobody else is at work.
pub async fn catch_up(ctx: &Context) -> Result<(), StageError> {
    for connection in connections(ctx).await? {
        if connection.state != ConnectionState::Deleting {
            to_the_end(ctx, &connection).await?;
            editions::to_the_end(ctx, &connection).await?;
        }
    }
    Ok(())
}

/// Makes the tables of a connection anew, from the vendor's records as this version reads them.
pub async fn rebuild(ctx: &Context, connection: &ConnectionItem) -> Result<(), StageError> {
    let (key, stream) = find(ctx, stream(&connection.scope(), ctx.now())).await?;
    let cursor = Cursor {
        again: Some(again::Phase::Clearing),
        ..Cursor::default()
    };
    let cursor = serde_json::to_value(&cursor).expect("a cursor is plain");
    let fence = Condition::Equal("v", stream.v.into());
    let sets = vec![
        Set::To("v", (stream.v + 1).into()),
        Set::To("cur", cursor),
        Set::To("caught_up", false.into()),
    ];
    ctx.state.write(Write::update(key, fence, sets)).await?;
    to_the_end(ctx, connection).await
}

/// Brings the tables of one connection up to the commits there are.
pub async fn to_the_end(ctx: &Context, connection: &ConnectionItem) -> Result<(), StageError> {
    let ours = || stream(&connection.scope(), ctx.now());
    for _ in 0..STEPS_MAX {
        let (key, stream) = find(ctx, ours()).await?;
        let is_done =
            stream.caught_up && stream.lease == 0 && time(stream.wake) > ctx.now() + EVERY / 2;
        let hint = Message::Look {
            stage: Stage::Compact,
            key: key.clone(),
            version: stream.v,
            ticket: None,
        };
        crate::handle(ctx, &hint).await?;
        let (_, after) = find(ctx, ours()).await?;
        // Nothing new, trouble, or somebody else at work: the next time goes on.
        let is_stuck = after.trouble.is_some() || after.cur == stream.cur;
        if (is_done && after.caught_up) || is_stuck {
            break;
        }
    }
    Ok(())
}

/// The streams that commit events.
pub(crate) fn lanes(streams: &[(Key, StreamItem)]) -> impl Iterator<Item = &str> {
    let names = streams.iter().map(|(key, _)| items::stream_name(key));
    let ours = [govern::STREAM, findings::STREAM];
    names.filter(move |name| bundles::is_lane_name(name) || ours.contains(name))
}

/// Asks for the next commits of a lane that are in no table.
pub(crate) fn behind(scope: &Scope, cursor: &Cursor, lane: &str) -> Query {
    Query {
        after: cursor.lanes.get(lane).cloned(),
        limit: ENTRIES,
        ..Query::prefix(scope.manifest(lane), "")
    }
}

/// What keeps the tables from getting on.
pub fn trouble(streams: &[(Key, StreamItem)]) -> Option<&Cause> {
    named(streams, STREAM)?.1.trouble.as_ref()
}

/// A stream as it is in the table, which folders of earlier versions do not have yet.
pub(crate) async fn find(
    ctx: &Context,
    (key, stream): (Key, StreamItem),
) -> Result<(Key, StreamItem), StageError> {
    if let Some(Some(found)) = ctx.state.get(std::slice::from_ref(&key)).await?.first() {
        let stream = items::read(&key, found)?;
        return Ok((key, stream));
    }
    let create = Write::create(key.clone(), items::write(&stream));
    ctx.state.write(create).await?;
    Ok((key, stream))
}
