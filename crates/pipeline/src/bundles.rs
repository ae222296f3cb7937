//! activity-poll, second half: fetches listed bundles and writes their records, once each.
//!
//! One lane per feed works through the feed's units in the order in which they expire. The lane's fence covers
//! everything it does: units, digests of seen records and manifest move in one transaction with its own version, so a
//! unit needs no lease of its own (decision 0001).

use std::sync::Arc;

use async_trait::async_trait;
use casbah_connector::{
    ActivitySource, ConnectorError, Feed, Output, OutputError, Recovery, RefusedRecord, Session,
};
use casbah_http::retry;
use casbah_lake::raw::is_object;
use casbah_lake::seen::{self, Seen};
use casbah_lake::{Line, RawSink};
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::connection::Cause;
use casbah_model::message::Ticket;
use casbah_model::record::Noun;
use casbah_model::state::Key;
use casbah_model::tally::{Tallies, Tally};
use casbah_model::{SignedDuration, Timestamp};
use futures::StreamExt;
use futures::lock::Mutex;

use crate::bundle_commit::{SeenItem, commit};
use crate::context::Context;
use crate::error::StageError;
use crate::file_scan;
use crate::hint::nudge;
use crate::items::{self, Scope, StreamItem, time};
use crate::sink::{Touched, output_error};
use crate::step::{ATTEMPTS_MAX, Next, Step, ms_duration};

/// Bundles in one commit: each is one write, as is each digest partition they touch (at most 100 in all).
const BUNDLES_PER_COMMIT: usize = 40;
const PARTITIONS_PER_COMMIT: usize = 36;
/// Bundles fetched side by side; their records are written one bundle after the other.
const FETCHES: usize = 12;
/// A lane without work looks again after this, in case a nudge was lost.
const IDLE: SignedDuration = SignedDuration::from_mins(10);
/// Hashes kept between commits of one step; 1.5 million are 12 MB.
const SEEN_MAX: usize = 1_500_000;

pub fn lane_name(feed: &Feed) -> String {
    format!("bundles-{}", feed.name)
}

pub fn is_lane(step: &Step<'_>) -> bool {
    step.name().starts_with("bundles-")
}

/// What became of one bundle.
pub(crate) enum Outcome {
    Read,
    /// The provider does not have it any more.
    Lost(String),
    /// It is tried again at this time; whether that counts as an attempt.
    Later {
        at: Timestamp,
        attempts: u32,
        why: Option<String>,
    },
    /// Set aside after its last attempt.
    Failed(String),
}

/// The step of a lane: groups of bundles, until none is due or time is over.
pub async fn collect(mut step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .session(&step.connection, ticket, step.budget_end)
        .await?;
    let name = step.name().to_string();
    let feed = name
        .strip_prefix("bundles-")
        .unwrap_or_default()
        .to_string();
    let source = connector.activities();
    let feed = source.and_then(|source| source.feeds().iter().find(|known| known.name == feed));
    let (Some(source), Some(feed)) = (source, feed) else {
        return step.release(Next::CaughtUp(ctx.now() + IDLE), None).await;
    };
    let waiting = step.scope.waiting(feed.name);
    let mut seen = Seen::default();
    let next = loop {
        let now = ctx.now();
        let due = ctx
            .state
            .due(&waiting, now.as_millisecond(), BUNDLES_PER_COMMIT)
            .await?;
        if due.is_empty() {
            let (next, trouble) = idle_until(ctx, &waiting).await?;
            step.stream.trouble = trouble;
            break next;
        }
        let units = due
            .iter()
            .map(|found| Ok((found.key.clone(), items::read(&found.key, &found.item)?)));
        let units: Vec<(Key, StreamItem)> = units.collect::<Result<_, StageError>>()?;
        let group = Group::new(ctx, &step, feed, std::mem::take(&mut seen))?;
        let (outcomes, stop) = fetch(&step, &session, source, feed, &group, units).await?;
        let group = group.into_inner();
        let (used, touched) = match commit(&mut step, feed, group, outcomes).await? {
            Some(done) => done,
            None => return Ok(()),
        };
        seen = used;
        if seen.len() > SEEN_MAX {
            seen.clear();
        }
        file_scan::look_soon(ctx, &step.scope, connector, &touched).await?;
        match stop {
            Stop::No => {}
            Stop::Until(at) => break Next::Wait(at),
            Stop::Error(error) => {
                let ticket = session.gates().ticket();
                session.gates().finish().await;
                return step.recover(error, ticket).await;
            }
        }
        if !step.has_time() {
            break Next::Continue;
        }
        if !step.is_still_wanted().await? {
            break Next::Wait(ctx.now());
        }
    };
    let ticket = session.gates().ticket();
    session.gates().finish().await;
    let key = step.key.clone();
    let is_idle = matches!(next, Next::CaughtUp(_));
    step.release(next, ticket).await?;
    // A unit that was listed between the last look and the release found the lane at work and did not wake it.
    if is_idle
        && !ctx
            .state
            .due(&waiting, ctx.now().as_millisecond(), 1)
            .await?
            .is_empty()
    {
        nudge(ctx, &key).await?;
    }
    Ok(())
}

/// When there is something to do again; a unit that waits for its next try keeps the lane from having caught up.
async fn idle_until(ctx: &Context, waiting: &str) -> Result<(Next, Option<Cause>), StageError> {
    let now = ctx.now();
    let first = ctx.state.due(waiting, i64::MAX >> 11, 1).await?;
    let Some(first) = first.first() else {
        return Ok((Next::CaughtUp(now + IDLE), None));
    };
    let unit: StreamItem = items::read(&first.key, &first.item)?;
    Ok((Next::Wait(time(unit.wake).max(now)), unit.trouble))
}

enum Stop {
    No,
    Until(Timestamp),
    Error(ConnectorError),
}

/// The shared half of a group: one set of objects, one digest, one count.
pub(crate) struct Shared {
    pub(crate) raw: RawSink,
    pub(crate) seen: Seen,
    pub(crate) tallies: Tallies,
    pub(crate) touched: Touched,
    /// A fault on our side while a digest was loaded; the group stops.
    fault: Option<StageError>,
}

struct Group<'a> {
    ctx: &'a Context,
    scope: Scope,
    feed: &'static str,
    shared: Mutex<Shared>,
}

impl<'a> Group<'a> {
    fn new(
        ctx: &'a Context,
        step: &Step<'_>,
        feed: &Feed,
        seen: Seen,
    ) -> Result<Group<'a>, StageError> {
        let raw = RawSink::new(Arc::clone(&ctx.objects), step.place("activities"))?;
        let shared = Shared {
            raw,
            seen,
            tallies: Tallies::default(),
            touched: Touched::default(),
            fault: None,
        };
        Ok(Group {
            ctx,
            scope: step.scope.clone(),
            feed: feed.name,
            shared: Mutex::new(shared),
        })
    }

    fn into_inner(self) -> Shared {
        self.shared.into_inner()
    }
}

/// Fetches units side by side until the group is full, time is over or something has to stop.
async fn fetch(
    step: &Step<'_>,
    session: &Session,
    source: &dyn ActivitySource,
    feed: &Feed,
    group: &Group<'_>,
    units: Vec<(Key, StreamItem)>,
) -> Result<(Vec<(Key, StreamItem, Outcome)>, Stop), StageError> {
    let ctx = step.ctx;
    let begun = ctx.now();
    let mut waiting = units.into_iter();
    let mut running = futures::stream::FuturesUnordered::new();
    let mut outcomes = vec![];
    let mut stop = Stop::No;
    loop {
        let is_open =
            matches!(stop, Stop::No) && step.has_time() && !is_full(group, begun, ctx).await;
        while is_open && running.len() < FETCHES {
            let Some((key, unit)) = waiting.next() else {
                break;
            };
            running.push(async move {
                let result = read_one(session, source, feed, group, &unit).await;
                (key, unit, result)
            });
        }
        let Some((key, unit, result)) = running.next().await else {
            break;
        };
        let outcome = match result {
            Ok(()) => Outcome::Read,
            Err(error) => match judge(ctx, &unit, error) {
                Ok(outcome) => outcome,
                Err(stopped) => {
                    stop = stopped;
                    continue;
                }
            },
        };
        outcomes.push((key, unit, outcome));
    }
    drop(running);
    let fault = group.shared.lock().await.fault.take();
    fault.map_or(Ok((outcomes, stop)), Err)
}

async fn is_full(group: &Group<'_>, begun: Timestamp, ctx: &Context) -> bool {
    // While a bundle is being written nobody waits for it just to learn how full the group is.
    let Some(shared) = group.shared.try_lock() else {
        return false;
    };
    shared.raw.raw_bytes() >= ctx.settings.commit_bytes
        || ctx.now().duration_since(begun) >= ctx.settings.commit_after
        || shared.seen.changed_count() >= PARTITIONS_PER_COMMIT / 2
}

async fn read_one(
    session: &Session,
    source: &dyn ActivitySource,
    feed: &Feed,
    group: &Group<'_>,
    unit: &StreamItem,
) -> Result<(), ConnectorError> {
    let Some(content) = &unit.content else {
        return Err(ConnectorError::Gone {
            code: "the unit names no content".into(),
        });
    };
    let mut out = BundleOutput {
        group,
        content,
        guard: None,
        tally: Tally::default(),
    };
    match source.read(session, feed, content, &mut out).await {
        Ok(()) => out.accept().await,
        Err(error) => {
            out.discard().await;
            Err(error)
        }
    }
}

/// What an error means for one unit, or for the whole lane.
fn judge(ctx: &Context, unit: &StreamItem, error: ConnectorError) -> Result<Outcome, Stop> {
    let wait = |failures| ctx.now() + ms_duration(retry::step_wait(failures, ctx.rng.fraction()));
    match error.recovery() {
        Recovery::Lose(code) => Ok(Outcome::Lost(code)),
        Recovery::Wait(until) => Err(Stop::Until(until)),
        Recovery::Retry => {
            let why = Some(error.chain());
            Ok(Outcome::Later {
                at: wait(unit.fails + 1),
                attempts: unit.att,
                why,
            })
        }
        Recovery::Count | Recovery::Rewind | Recovery::Resync(_) => {
            let attempts = unit.att + 1;
            if attempts > ATTEMPTS_MAX {
                return Ok(Outcome::Failed(error.chain()));
            }
            Ok(Outcome::Later {
                at: wait(attempts),
                attempts,
                why: Some(error.chain()),
            })
        }
        Recovery::FailConnection(_) | Recovery::Park(_) | Recovery::Abort => {
            Err(Stop::Error(error))
        }
    }
}

/// Takes the records of one bundle; from its first record to its end nobody else writes.
struct BundleOutput<'a> {
    group: &'a Group<'a>,
    content: &'a ContentRef,
    guard: Option<futures::lock::MutexGuard<'a, Shared>>,
    tally: Tally,
}

impl<'a> BundleOutput<'a> {
    async fn shared(&mut self) -> &mut Shared {
        if self.guard.is_none() {
            self.guard = Some(self.group.shared.lock().await);
        }
        self.guard.as_mut().expect("the lock was taken above")
    }

    async fn accept(mut self) -> Result<(), ConnectorError> {
        let hour = self.content.available;
        let tally = Tally {
            bundles_read: 1,
            ..self.tally
        };
        let shared = self.shared().await;
        shared.raw.accept().await.map_err(output_error)?;
        shared.seen.accept();
        *shared.tallies.at(hour) += tally;
        Ok(())
    }

    async fn discard(mut self) {
        if self.guard.is_some() {
            let shared = self.shared().await;
            shared.raw.discard();
            shared.seen.discard();
        }
    }
}

#[async_trait]
impl Output<Activity> for BundleOutput<'_> {
    async fn record(&mut self, noun: Activity, raw: &[u8]) -> Result<(), OutputError> {
        if !is_object(raw) {
            let refused = RefusedRecord {
                reason: "not an object",
                raw,
                bytes: raw.len() as u64,
            };
            return self.refuse(refused).await;
        }
        self.tally.listed += 1;
        let group = self.group;
        let shared = self.shared().await;
        let partition = seen::partition(noun.occurred, shared.raw.place().begun);
        if !shared.seen.has(&partition) {
            match load(group, &partition).await {
                Ok(known) => shared.seen.load(&partition, known),
                Err(error) => {
                    let text = error.to_string();
                    shared.fault = Some(error);
                    return Err(OutputError::Store(text.into()));
                }
            }
        }
        if !shared.seen.insert(&partition, noun.id.hash()) {
            self.tally.duplicate += 1;
            return Ok(());
        }
        let line = Line {
            id: noun.id.as_str(),
            version: "0",
            kind: noun.class(),
            of: None,
            raw,
        };
        shared.raw.line(line).await.map_err(output_error)?;
        shared.touched.note(noun.touched_file);
        self.tally.written += 1;
        self.tally.unknown += u64::from(!noun.is_known);
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.tally.listed += 1;
        let shared = self.shared().await;
        shared
            .raw
            .refuse(refused.reason, refused.raw, refused.bytes)
            .await
            .map_err(output_error)?;
        self.tally.refused += 1;
        Ok(())
    }
}

async fn load(group: &Group<'_>, partition: &str) -> Result<Vec<u64>, StageError> {
    let key = group.scope.seen(group.feed, partition);
    let found = group.ctx.state.get(std::slice::from_ref(&key)).await?;
    let Some(Some(item)) = found.first() else {
        return Ok(vec![]);
    };
    let pointer: SeenItem = items::read(&key, item)?;
    Ok(seen::read(&*group.ctx.objects, &pointer.object).await?)
}
