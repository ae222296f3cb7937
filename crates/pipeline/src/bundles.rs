//! activity-poll, second half: fetches listed bundles and writes their records, once each.
//!
//! One lane per feed works through the feed's units in the order in which they expire. The lane's fence covers
//! everything it does: units, digests of seen records and manifest move in one transaction with its own version, so a
//! unit needs no lease of its own (decision 0001).

use std::collections::{BTreeSet, VecDeque};

use casbah_connector::{
    ActivitySource, Connector, ConnectorError, Feed, OutputError, Recovery, Session,
};
use casbah_http::retry;
use casbah_lake::seen::{Partitions, Seen};
use casbah_lake::{RawError, RawSink};
use casbah_model::Timestamp;
use casbah_model::activity::ContentRef;
use casbah_model::message::Ticket;
use casbah_model::state::Key;
use casbah_model::tally::{Tallies, Tally};
use futures::StreamExt;
use futures::lock::Mutex;

use crate::bundle_commit::{SeenIndex, commit};
use crate::bundle_output::BundleOutput;
use crate::context::Context;
use crate::error::StageError;
use crate::file_hints;
use crate::items::{self, StreamItem};
use crate::lane;
use crate::normalise::Normaliser;
use crate::sink::Touched;
use crate::step::{ATTEMPTS_MAX, Next, Step, ms_duration};

/// Bundles in one commit; those in flight come on top, and each needs two writes at the most (100 in all).
const BUNDLES_PER_COMMIT: usize = 30;
/// Units that one look brings: about a slice of a limit of 2 000 a minute, a kilobyte each.
const LOOKAHEAD: usize = 400;
/// Bundles fetched side by side; their records are written one bundle after the other.
const FETCHES: usize = 32;
/// Hashes kept between commits of one step; 1.5 million are 12 MB.
const SEEN_MAX: usize = 1_500_000;

pub fn lane_name(feed: &Feed) -> String {
    format!("bundles-{}", feed.name)
}

pub fn is_lane(step: &Step<'_>) -> bool {
    is_lane_name(step.name())
}

/// Whether a stream of this name commits the records of a feed.
pub fn is_lane_name(stream: &str) -> bool {
    stream.starts_with("bundles-")
}

/// What became of one bundle.
pub(crate) enum Outcome {
    /// With the bundle that goes on where it ends.
    Read(Option<ContentRef>),
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

/// The step of a lane: fetches bundles side by side and commits them in groups, until none is due or time is over.
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
        return step
            .release(Next::CaughtUp(ctx.now() + lane::IDLE), None)
            .await;
    };
    let lane = Lane {
        session: &session,
        source,
        feed,
        connector,
    };
    let worked = match work(&mut step, &lane).await {
        Ok(worked) => worked,
        Err(error) => {
            session.gates().finish().await;
            let at = again(ctx, 1);
            step.release(Next::Wait(at), None).await?;
            return Err(error);
        }
    };
    let next = match worked {
        Worked::Next(next) => next,
        Worked::Moved => return Ok(()),
        Worked::Error(error) => {
            let ticket = session.gates().ticket();
            session.gates().finish().await;
            return step.recover(error, ticket).await;
        }
    };
    let waiting = step.scope.waiting(feed.name);
    lane::end(step, &session, next, &waiting).await
}

struct Lane<'a> {
    session: &'a Session,
    source: &'a dyn ActivitySource,
    feed: &'static Feed,
    connector: &'static dyn Connector,
}

enum Worked {
    Next(Next),
    /// Somebody else has the lane.
    Moved,
    Error(ConnectorError),
}

/// Keeps fetches going across commits, so that the limit is used while a group is being finished.
async fn work(step: &mut Step<'_>, lane: &Lane<'_>) -> Result<Worked, StageError> {
    let ctx = step.ctx;
    let waiting = step.scope.waiting(lane.feed.name);
    let index = SeenIndex::read(ctx, &step.scope, lane.feed.name).await?;
    let group = Group {
        ctx,
        normaliser: Normaliser::new(&step.connection, ctx.settings.ocsf),
        index: Mutex::new(index),
        shared: Mutex::new(Shared::new(step, Seen::default())?),
    };
    let mut running = futures::stream::FuturesUnordered::new();
    let mut units = VecDeque::new();
    let mut taken = BTreeSet::new();
    let mut settled = vec![];
    let mut stop = Stop::No;
    let mut is_dry = false;
    loop {
        let is_open = matches!(stop, Stop::No) && step.has_time();
        while is_open
            && running.len() < FETCHES
            && settled.len() < BUNDLES_PER_COMMIT
            && !is_full(&group)
        {
            if units.is_empty() && (!is_dry || running.is_empty()) {
                units = due(ctx, &waiting, &taken).await?;
                is_dry = units.is_empty();
                lane.session
                    .gates()
                    .expect(Some(units.len() + running.len()));
            }
            let Some((key, unit)) = units.pop_front() else {
                break;
            };
            taken.insert(key.clone());
            let group = &group;
            running.push(async move {
                let result = read_one(lane, group, &key, &unit).await;
                (key, unit, result)
            });
        }
        if let Some((key, unit, result)) = running.next().await
            && let Err(error) = result
        {
            match judge(ctx, &unit, error) {
                Ok(outcome) => settled.push((key, unit, outcome)),
                Err(Stop::Error(error)) => {
                    // It is tried again later than the others, in case the fault is its own.
                    let at = again(ctx, unit.fails + 1);
                    let (attempts, why) = (unit.att, Some(error.chain()));
                    settled.push((key, unit, Outcome::Later { at, attempts, why }));
                    stop = Stop::Error(error);
                }
                Err(stopped) if matches!(stop, Stop::No) => stop = stopped,
                Err(_) => {}
            }
        }
        let mut is_over = running.is_empty() && (units.is_empty() || !is_open);
        // A bundle that is being written holds the lock; the group waits for its end and fetches nothing new meanwhile.
        let Some(mut shared) = group.shared.try_lock() else {
            continue;
        };
        // Each of these may be two writes: what does not fit waits for the next commit.
        while shared.writes() < BUNDLES_PER_COMMIT {
            let Some(one) = settled.pop() else { break };
            shared.outcomes.push(one);
        }
        if let Some(fault) = shared.fault.take() {
            return Err(fault);
        }
        if !is_over && !shared.is_worth_it(ctx) {
            continue;
        }
        if !shared.outcomes.is_empty() {
            let full = std::mem::replace(&mut *shared, Shared::new(step, Seen::default())?);
            let goes_on = full.goes_on();
            let mut index = group.index.lock().await;
            let Some((seen, touched)) = commit(step, lane.feed, full, &mut index).await? else {
                return Ok(Worked::Moved);
            };
            *shared = Shared::new(
                step,
                if seen.len() > SEEN_MAX {
                    Seen::default()
                } else {
                    seen
                },
            )?;
            drop((shared, index));
            is_dry = false;
            is_over &= !(goes_on && is_open);
            file_hints::look_soon(ctx, &step.scope, lane.connector, &touched).await?;
            if !step.is_still_wanted().await? && matches!(stop, Stop::No) {
                stop = Stop::Until(ctx.now());
            }
        }
        if is_over && settled.is_empty() {
            break;
        }
    }
    drop(running);
    match stop {
        Stop::Until(at) => Ok(Worked::Next(Next::Wait(at))),
        Stop::Error(error) => Ok(Worked::Error(error)),
        Stop::No if !step.has_time() => Ok(Worked::Next(Next::Continue)),
        Stop::No => {
            let (next, trouble) = lane::idle_until(ctx, &waiting, ctx.now()).await?;
            step.stream.trouble = trouble;
            Ok(Worked::Next(next))
        }
    }
}

/// Units that are due and that this step is not at work on already, in the order in which they expire.
async fn due(
    ctx: &Context,
    waiting: &str,
    taken: &BTreeSet<Key>,
) -> Result<VecDeque<(Key, StreamItem)>, StageError> {
    let limit = LOOKAHEAD + taken.len();
    let found = ctx
        .state
        .due(waiting, ctx.now().as_millisecond(), limit)
        .await?;
    let free = found
        .into_iter()
        .filter(|found| !taken.contains(&found.key));
    free.map(|found| Ok((found.key.clone(), items::read(&found.key, &found.item)?)))
        .collect()
}

enum Stop {
    No,
    Until(Timestamp),
    Error(ConnectorError),
}

/// What one commit will hold: one set of objects, one digest, one count, and what became of each bundle.
pub(crate) struct Shared {
    pub(crate) raw: RawSink,
    pub(crate) seen: Seen,
    pub(crate) partitions: Partitions,
    pub(crate) tallies: Tallies,
    pub(crate) touched: Touched,
    /// A bundle is here in the same moment in which its records are, so that they are committed together.
    pub(crate) outcomes: Vec<(Key, StreamItem, Outcome)>,
    begun: Timestamp,
    /// A fault on our side while a digest was loaded; the step stops.
    pub(crate) fault: Option<StageError>,
}

impl Shared {
    fn new(step: &Step<'_>, seen: Seen) -> Result<Shared, StageError> {
        Ok(Shared {
            raw: RawSink::new(step.ctx.patient_objects(), step.place("activities"))?,
            seen,
            partitions: Partitions::default(),
            tallies: Tallies::default(),
            touched: Touched::default(),
            outcomes: vec![],
            begun: step.ctx.now(),
            fault: None,
        })
    }

    /// Notes a fault of the object store, which ends the step before anything is committed.
    pub(crate) fn fail(&mut self, error: RawError) -> OutputError {
        let text = error.to_string();
        self.fault = Some(StageError::Raw(error));
        OutputError::Store(text.into())
    }

    pub(crate) fn settle(&mut self, key: Key, unit: StreamItem, outcome: Outcome) {
        self.outcomes.push((key, unit, outcome));
    }

    /// Writes that the commit needs for its bundles: one each, and one more for what is lost or goes on.
    fn writes(&self) -> usize {
        let double = |outcome: &&(Key, StreamItem, Outcome)| {
            let (_, _, outcome) = outcome;
            matches!(
                outcome,
                Outcome::Lost(_) | Outcome::Failed(_) | Outcome::Read(Some(_))
            )
        };
        self.outcomes.len() + self.outcomes.iter().filter(double).count()
    }

    /// Whether the commit makes units that this step can go on with.
    fn goes_on(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|(_, _, outcome)| matches!(outcome, Outcome::Read(Some(_))))
    }

    fn is_worth_it(&self, ctx: &Context) -> bool {
        self.writes() >= BUNDLES_PER_COMMIT
            || self.raw.raw_bytes() >= ctx.settings.commit_bytes
            || ctx.now().duration_since(self.begun) >= ctx.settings.commit_after
    }
}

pub(crate) struct Group<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) normaliser: Normaliser,
    pub(crate) index: Mutex<SeenIndex>,
    pub(crate) shared: Mutex<Shared>,
}

/// Whether no further bundle should be begun before the next commit.
fn is_full(group: &Group<'_>) -> bool {
    // While a bundle is being written nobody waits for it just to learn how full the group is.
    group
        .shared
        .try_lock()
        .is_some_and(|shared| shared.writes() >= BUNDLES_PER_COMMIT)
}

async fn read_one(
    lane: &Lane<'_>,
    group: &Group<'_>,
    key: &Key,
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
    match lane
        .source
        .read(lane.session, lane.feed, content, &mut out)
        .await
    {
        Ok(next) => out.accept(key, unit, next).await,
        Err(error) => {
            out.discard().await;
            Err(error)
        }
    }
}

/// When a bundle that failed this often is tried again.
fn again(ctx: &Context, failures: u32) -> Timestamp {
    ctx.now() + ms_duration(retry::step_wait(failures, ctx.rng.fraction()))
}

/// What an error means for one unit, or for the whole lane.
fn judge(ctx: &Context, unit: &StreamItem, error: ConnectorError) -> Result<Outcome, Stop> {
    let wait = |failures| again(ctx, failures);
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
