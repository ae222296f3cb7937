//! file-scan: files and who can see them, root by root.
//!
//! A lane picks waiting units and works on a few side by side; each unit is a stream with its own lease and fence. What
//! an audit event names as changed or shared makes its root due at once; the sweep twice a day remains the truth.

use std::collections::BTreeMap;

use casbah_connector::{ConnectorError, FileSource, PageEnd, Recovery, Session, Sweep};
use casbah_model::connection::Cause;
use casbah_model::cursor::Cursor;
use casbah_model::file::Root;
use casbah_model::message::Ticket;
use casbah_model::state::Key;
use casbah_model::{SignedDuration, Timestamp};
use futures::StreamExt;

use crate::asked::{self, Read};
use crate::contents;
use crate::context::Context;
use crate::error::StageError;
use crate::file_hints::look_at;
use crate::findings;
use crate::items::{self, Position, StreamItem, StreamState};
use crate::lane;
use crate::page_loop::{Group, Pages, group};
use crate::roots::close_run;
use crate::sink::InventorySink;
use crate::step::{Committed, Next, Step};

/// Lanes of the file sweep (throttle design, section 11).
pub const LANES: usize = 3;
/// The name under which units wait for them.
pub const QUEUE: &str = "files";
/// Units one lane works on side by side: small roots wait for the network, not for each other.
const WIDTH: usize = 4;
/// Failures of a root that count as no attempt, with waits that grow to an hour.
const FAILS_MAX: u32 = 20;

pub fn is_unit(step: &Step<'_>) -> bool {
    step.key.sk.starts_with("U#")
}

pub fn is_lane(step: &Step<'_>) -> bool {
    step.name().starts_with("files-")
}

struct RootPages<'a> {
    session: &'a Session,
    source: &'a dyn FileSource,
    root: Root,
}

#[async_trait::async_trait]
impl Pages for RootPages<'_> {
    async fn page(
        &self,
        cursor: Option<&Cursor>,
        out: &mut InventorySink,
    ) -> Result<PageEnd, ConnectorError> {
        self.source
            .page(self.session, &self.root, cursor, out)
            .await
    }
}

/// How the work on one unit ended, for the lane.
enum Worked {
    Done,
    /// The limit is spent: the lane has to wait, not only this unit.
    Wait(Timestamp),
}

/// The step of a lane: picks units until none is due or time is over.
pub async fn work(mut step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .session(&step.connection, ticket, step.budget_end)
        .await?;
    let Some(source) = connector.files() else {
        return step
            .release(Next::CaughtUp(ctx.now() + lane::IDLE), None)
            .await;
    };
    let waiting = step.scope.waiting(QUEUE);
    let mut running = futures::stream::FuturesUnordered::new();
    let mut taken: BTreeMap<Key, u64> = BTreeMap::new();
    let mut wait = None;
    let next = loop {
        while running.len() < WIDTH && step.has_time() && wait.is_none() {
            let Some((key, version)) = pick(ctx, &waiting, &taken).await? else {
                break;
            };
            taken.insert(key.clone(), version);
            let session = &session;
            running.push(async move { scan_unit(ctx, &key, version, session, source).await });
        }
        match running.next().await {
            Some(Ok(Worked::Done)) => {}
            Some(Ok(Worked::Wait(until))) => wait = wait.max(Some(until)),
            Some(Err(error)) => return Err(error),
            None if wait.is_some() => break Next::Wait(wait.unwrap_or_else(|| ctx.now())),
            None if !step.has_time() => break Next::Continue,
            None => {
                let (next, trouble) =
                    lane::idle_until(ctx, &waiting, ctx.now() + SignedDuration::from_secs(1))
                        .await?;
                step.stream.trouble = trouble;
                break next;
            }
        }
    };
    drop(running);
    lane::end(step, &session, next, &waiting).await
}

/// A unit that is due and that this lane has not just tried; lanes begin at different places to meet seldom.
pub(crate) async fn pick(
    ctx: &Context,
    waiting: &str,
    taken: &BTreeMap<Key, u64>,
) -> Result<Option<(Key, u64)>, StageError> {
    let due = ctx
        .state
        .due(waiting, ctx.now().as_millisecond(), WIDTH * LANES * 2)
        .await?;
    let mut free = vec![];
    for found in due {
        let unit: StreamItem = items::read(&found.key, &found.item)?;
        if taken.get(&found.key) != Some(&unit.v) {
            free.push((found.key, unit.v));
        }
    }
    if free.is_empty() {
        return Ok(None);
    }
    let index = ctx.rng.next_u64() as usize % free.len().min(WIDTH * LANES);
    Ok(Some(free.swap_remove(index)))
}

/// The step of a unit that the sweeper found: its lane died.
pub async fn scan_alone(step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .session(&step.connection, ticket, step.budget_end)
        .await?;
    let Some(source) = connector.files() else {
        return step
            .release(Next::CaughtUp(ctx.now() + lane::IDLE), None)
            .await;
    };
    scan_root(step, &session, source).await?;
    session.gates().finish().await;
    Ok(())
}

async fn scan_unit(
    ctx: &Context,
    key: &Key,
    version: u64,
    session: &Session,
    source: &dyn FileSource,
) -> Result<Worked, StageError> {
    match Step::begin(ctx, key, version).await? {
        Some(step) => scan_root(step, session, source).await,
        None => Ok(Worked::Done),
    }
}

/// Reads a root until it has caught up, time is over, or the limit is spent.
async fn scan_root(
    mut step: Step<'_>,
    session: &Session,
    source: &dyn FileSource,
) -> Result<Worked, StageError> {
    let ctx = step.ctx;
    let Some(root) = step.stream.root.clone() else {
        step.finish(StreamState::Failed, None, vec![]).await?;
        return Ok(Worked::Done);
    };
    let sweep = source.sweep();
    if sweep == Sweep::Walk {
        // Outside of a run it is single items that are wanted.
        if step.stream.run.is_none() {
            return match asked::read(&mut step, session, source, &root).await? {
                Read::Done => done(step, None, sweep).await,
                Read::FencedOff => Ok(Worked::Done),
                Read::Failed(error) => failed(step, error, sweep).await,
            };
        }
        let is_published = step.stream.published.map(|at| at.ep) == Some(step.stream.ep);
        if step.stream.cur.is_none() && is_published {
            // The next pass is complete in itself: what it does not come upon is gone.
            step.stream.ep += 1;
        }
    }
    let pages = RootPages {
        session,
        source,
        root,
    };
    loop {
        match group(&mut step, &pages, "files", false).await? {
            Group::More => {}
            Group::OutOfTime => {
                step.release(Next::Continue, None).await?;
                return Ok(Worked::Done);
            }
            Group::Stopped { is_ours: false } => return Ok(Worked::Done),
            Group::Stopped { is_ours: true } => {
                let now = ctx.now();
                step.release(Next::Wait(now), None).await?;
                return Ok(Worked::Wait(now));
            }
            Group::CaughtUp { entry, cursor, .. } => {
                step.stream.cur = cursor.map(|cursor| cursor.as_str().into());
                step.stream.published = Some(Position {
                    ep: step.stream.ep,
                    seq: step.stream.seq,
                });
                return done(step, Some(entry), sweep).await;
            }
            Group::Failed(error) => return failed(step, error, sweep).await,
        }
    }
}

async fn done(
    step: Step<'_>,
    entry: Option<casbah_lake::ManifestEntry>,
    sweep: Sweep,
) -> Result<Worked, StageError> {
    let (ctx, scope, run) = (step.ctx, step.scope.clone(), step.stream.run.clone());
    let (key, root) = (step.key.clone(), step.stream.root.clone());
    if step.finish(StreamState::Done, entry, vec![]).await? != Committed::Yes {
        return Ok(Worked::Done);
    }
    if let Some(run) = run {
        close_run(ctx, &scope, &run).await?;
    }
    if let Some(root) = &root {
        contents::look_at(ctx, &scope, root).await?;
        findings::look_at(ctx, &scope, root).await?;
    }
    // Items that were asked for while the unit was at work could not make it due.
    if sweep == Sweep::Walk
        && let Some(root) = root
        && asked::is_any(ctx, &scope, &root).await?
    {
        look_at(ctx, &scope, &[key]).await?;
    }
    Ok(Worked::Done)
}

/// What the cause of a root says that is not there any more.
pub(crate) const GONE: &str = "gone";

/// Ends a unit that cannot be read in this run, with the reason.
async fn set_aside(mut step: Step<'_>, cause: Cause, sweep: Sweep) -> Result<Worked, StageError> {
    if sweep == Sweep::Walk {
        let is_gone = cause.code == GONE;
        // A pass that was not finished is not gone on with half a day later.
        if is_gone || step.stream.cur.take().is_some() {
            step.stream.ep += 1;
            step.stream.cur = None;
        }
        // The vendor tells no removals of a root that is walked: nothing of it is there any more.
        if is_gone {
            step.stream.published = Some(Position {
                ep: step.stream.ep,
                seq: step.stream.seq,
            });
        }
    }
    step.stream.trouble = Some(cause);
    let (ctx, scope, run) = (step.ctx, step.scope.clone(), step.stream.run.clone());
    let root = step.stream.root.clone();
    step.finish(StreamState::Failed, None, vec![]).await?;
    if let Some(run) = run {
        close_run(ctx, &scope, &run).await?;
    }
    if let Some(root) = &root {
        findings::look_at(ctx, &scope, root).await?;
    }
    Ok(Worked::Done)
}

async fn failed(
    mut step: Step<'_>,
    error: ConnectorError,
    sweep: Sweep,
) -> Result<Worked, StageError> {
    let is_walk = sweep == Sweep::Walk;
    match error.recovery() {
        Recovery::Wait(until) => {
            step.release(Next::Wait(until), None).await?;
            Ok(Worked::Wait(until))
        }
        // The root itself is gone, or closed to us: the run goes on without it. What was known of it stays, unless it is
        // one that is walked.
        Recovery::Lose(code) => {
            let what = format!("the provider does not have this root any more ({code})");
            let cause = Cause::new(GONE, what, "nothing has to be done");
            set_aside(step, cause, sweep).await
        }
        Recovery::Park(cause) if is_walk || step.stream.run.is_some() => {
            set_aside(step, cause, sweep).await
        }
        // A day of growing waits is enough for one run; the next one tries again.
        Recovery::Retry if step.stream.run.is_some() && step.stream.fails > FAILS_MAX => {
            let what = format!("the provider cannot list this root: {}", error.chain());
            let cause = Cause::new("unavailable", what, "the next sweep tries again");
            set_aside(step, cause, sweep).await
        }
        // A pass cannot go on from a page that died: it starts anew as an epoch of its own.
        Recovery::Rewind => {
            let attempts = step.stream.att;
            step.stream.ep += 1;
            step.stream.cur = None;
            let is_ours = step.commit(None, vec![]).await? == Committed::Yes;
            step.stream.att = attempts;
            if is_ours {
                step.recover(error, None).await?;
            }
            Ok(Worked::Done)
        }
        Recovery::Retry
        | Recovery::Count
        | Recovery::FailConnection(_)
        | Recovery::Park(_)
        | Recovery::Resync(_)
        | Recovery::Abort => {
            step.recover(error, None).await?;
            Ok(Worked::Done)
        }
    }
}
