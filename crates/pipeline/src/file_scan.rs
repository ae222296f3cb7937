//! file-scan: files and who can see them, root by root.
//!
//! A lane picks waiting units and works on a few side by side; each unit is a stream with its own lease and fence. What
//! an audit event names as changed or shared makes its root due at once; the sweep twice a day remains the truth.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use casbah_connector::{Connector, ConnectorError, FileSource, PageEnd, Recovery, Session};
use casbah_model::connection::Cause;
use casbah_model::cursor::Cursor;
use casbah_model::file::Root;
use casbah_model::message::Ticket;
use casbah_model::ports::{Query, StoreError};
use casbah_model::state::{Condition, Item, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};
use futures::StreamExt;

use crate::context::Context;
use crate::error::StageError;
use crate::hint::{index_sets, nudge};
use crate::items::{self, Position, Scope, StreamItem, StreamState, time};
use crate::lane;
use crate::page_loop::{Group, Pages, group};
use crate::roots::close_run;
use crate::sink::{InventorySink, Touched};
use crate::step::{Committed, Next, Step};

/// Lanes of the file sweep (throttle design, section 11).
pub const LANES: usize = 3;
/// The name under which units wait for them.
pub const QUEUE: &str = "files";
/// Units one lane works on side by side: small roots wait for the network, not for each other.
const WIDTH: usize = 4;
/// Addresses of roots are read again after this.
const ROOTS_FRESH: SignedDuration = SignedDuration::from_mins(10);
/// Failures of a root that count as no attempt, with waits that grow to an hour.
const FAILS_MAX: u32 = 20;
/// A root that was looked at because of an event is not looked at again within this.
const SOON_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Items of one batched read (DynamoDB API reference, "BatchGetItem").
const KEYS_PER_READ: usize = 100;

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
async fn pick(
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
                return done(step, entry).await;
            }
            Group::Failed(error) => return failed(step, error).await,
        }
    }
}

async fn done(step: Step<'_>, entry: casbah_lake::ManifestEntry) -> Result<Worked, StageError> {
    let (ctx, scope, run) = (step.ctx, step.scope.clone(), step.stream.run.clone());
    if step.finish(StreamState::Done, Some(entry), vec![]).await? == Committed::Yes
        && let Some(run) = run
    {
        close_run(ctx, &scope, &run).await?;
    }
    Ok(Worked::Done)
}

/// Ends a unit that cannot be read in this run, with the reason.
async fn set_aside(mut step: Step<'_>, cause: Cause) -> Result<Worked, StageError> {
    step.stream.trouble = Some(cause);
    let (ctx, scope, run) = (step.ctx, step.scope.clone(), step.stream.run.clone());
    step.finish(StreamState::Failed, None, vec![]).await?;
    if let Some(run) = run {
        close_run(ctx, &scope, &run).await?;
    }
    Ok(Worked::Done)
}

async fn failed(mut step: Step<'_>, error: ConnectorError) -> Result<Worked, StageError> {
    match error.recovery() {
        Recovery::Wait(until) => {
            step.release(Next::Wait(until), None).await?;
            Ok(Worked::Wait(until))
        }
        // The root itself is gone, or closed to us: what was known of it stays, and the run goes on without it.
        Recovery::Lose(code) => {
            let what = format!("the provider does not have this root any more ({code})");
            set_aside(step, Cause::new("gone", what, "nothing has to be done")).await
        }
        Recovery::Park(cause) if step.stream.run.is_some() => set_aside(step, cause).await,
        // A day of growing waits is enough for one run; the next one tries again.
        Recovery::Retry if step.stream.run.is_some() && step.stream.fails > FAILS_MAX => {
            let what = format!("the provider cannot list this root: {}", error.chain());
            set_aside(
                step,
                Cause::new("unavailable", what, "the next sweep tries again"),
            )
            .await
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

/// Roots by address, per connection: a cache that may vanish.
#[derive(Default)]
pub struct RootsCache(Mutex<BTreeMap<String, (Timestamp, Roots)>>);

type Roots = Arc<BTreeMap<String, Key>>;

/// Makes the roots due in which files were changed or shared. It is a hint: what is lost is found by the sweep.
pub async fn look_soon(
    ctx: &Context,
    scope: &Scope,
    connector: &'static dyn Connector,
    touched: &Touched,
) -> Result<(), StageError> {
    if touched.is_empty() || connector.files().is_none() {
        return Ok(());
    }
    let roots = roots(ctx, scope).await?;
    let mut due = std::collections::BTreeSet::new();
    for address in touched.iter() {
        let address = normal(address);
        // The root whose address is the longest beginning of the file's: the last one that is not after it.
        let candidates = roots.range(..=address.clone()).rev().take(8);
        let found = candidates.into_iter().find(|(root, _)| {
            address
                .strip_prefix(root.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        due.extend(found.map(|(_, key)| key.clone()));
    }
    look_at(ctx, scope, &due.into_iter().collect::<Vec<_>>()).await
}

/// Makes finished units due, and wakes a lane for them. What is not there is no root that we know.
pub(crate) async fn look_at(ctx: &Context, scope: &Scope, units: &[Key]) -> Result<(), StageError> {
    let mut is_any = false;
    for some in units.chunks(KEYS_PER_READ) {
        let found = ctx.state.get(some).await?;
        for (key, item) in some.iter().zip(found) {
            if let Some(item) = item {
                is_any |= make_due(ctx, key, &item).await?;
            }
        }
    }
    if is_any {
        let lane = ctx.rng.next_u64() as usize % LANES;
        nudge(ctx, &scope.stream(&format!("files-{lane}"))).await?;
    }
    Ok(())
}

async fn roots(ctx: &Context, scope: &Scope) -> Result<Roots, StageError> {
    let now = ctx.now();
    let name = scope.to_string();
    if let Some((read, roots)) = ctx
        .roots
        .0
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .get(&name)
        && now.duration_since(*read) < ROOTS_FRESH
    {
        return Ok(Arc::clone(roots));
    }
    let mut roots = BTreeMap::new();
    let mut query = Query::prefix(scope.units(QUEUE), "U#");
    loop {
        let page = ctx.state.query(query.clone()).await?;
        for found in &page {
            let unit: StreamItem = items::read(&found.key, &found.item)?;
            if let Some(root) = unit.root {
                roots.insert(normal(&root.address), found.key.clone());
            }
        }
        let Some(last) = page.last() else { break };
        query.after = Some(last.key.sk.clone());
    }
    let roots = Arc::new(roots);
    let mut cache = ctx
        .roots
        .0
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    cache.insert(name, (now, Arc::clone(&roots)));
    Ok(roots)
}

/// Addresses differ in case, in a last slash, and in whether spaces are written out.
fn normal(address: &str) -> String {
    address
        .trim_end_matches('/')
        .replace("%20", " ")
        .to_lowercase()
}

/// Makes a finished unit due again, outside of any run; one that is waiting or at work will see the change anyway.
async fn make_due(ctx: &Context, key: &Key, item: &Item) -> Result<bool, StageError> {
    let mut unit: StreamItem = items::read(key, item)?;
    let now = ctx.now();
    if unit.st != StreamState::Done {
        return Ok(false);
    }
    let due = now.max(time(unit.wake) + SOON_AGAIN);
    let condition = Condition::All(vec![
        Condition::Equal("v", unit.v.into()),
        Condition::Equal("st", "DONE".into()),
    ]);
    unit.v += 1;
    unit.st = StreamState::Run;
    unit.lease = 0;
    unit.wake = due.as_millisecond();
    unit.index(key);
    let mut sets = vec![
        Set::To("v", unit.v.into()),
        Set::To("st", "RUN".into()),
        Set::To("wake", unit.wake.into()),
        Set::To("lease", 0.into()),
        Set::To("caught_up", false.into()),
    ];
    sets.extend(index_sets(&unit));
    match ctx
        .state
        .write(Write::update(key.clone(), condition, sets))
        .await
    {
        Ok(_) => Ok(true),
        Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
