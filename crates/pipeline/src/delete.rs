//! delete: removes everything of an incarnation of a connection, as a stream of its own (pipeline design, section 13).
//!
//! The table cannot be searched, only partitions can be read, so whatever names a partition goes last: a manifest before
//! the stream or unit it belongs to, units before the streams of their queue, and the job's own stream at the very end.
//! Objects go by the beginning of their names. A listing that found something is followed by another, until two in a
//! row found nothing: a function that died may have sent writes that arrive late.

use std::collections::BTreeSet;

use casbah_http::{gate, retry};
use casbah_lake::layout;
use casbah_model::connection::{ConnectionId, ConnectionState, Tenant};
use casbah_model::message::Stage;
use casbah_model::ports::{Query, StoreError};
use casbah_model::state::{Change, Condition, Key, Keyed, TRANSACTION_WRITES_MAX, Write};
use casbah_model::{SignedDuration, Timestamp};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::activity_poll::Level;
use crate::compact;
use crate::connect::{find, forget_secret};
use crate::contents;
use crate::context::Context;
use crate::editions;
use crate::error::StageError;
use crate::file_scan::QUEUE;
use crate::findings;
use crate::hint;
use crate::items::{
    self, CONNECTIONS, ConnectionItem, PastItem, StreamItem, connection_key, past_key, stream_name,
};
use crate::step::{Committed, Next, Step, ms_duration};
use crate::webhook;

/// The name of the job's stream.
pub const STREAM: &str = "delete";
/// Added to the longest that a function may be at work: clocks differ by as much (the simulation draws 30 s either way).
const AFTER_LAST_WORK: SignedDuration = SignedDuration::from_secs(60);
/// Between two listings: longer than requests of a dead function are under way, with clocks that differ.
const LIST_AGAIN: SignedDuration = SignedDuration::from_secs(120);
/// Listings in a row that must find nothing.
const EMPTY_LISTINGS: u32 = 2;
/// Names that one listing of objects, or items that one query brings.
const PAGE: usize = 1000;
/// Removals side by side: about 800 a second at 20 ms each.
const SIDE_BY_SIDE: usize = 16;
/// Entries that go together with what names them; the last write is that.
const ENTRIES: usize = TRANSACTION_WRITES_MAX - 1;
/// Tries of one write while the table is busy.
const TRIES_MAX: u32 = 6;
/// Steps of a job that is done at once, each half a function's time long: far more than there can be data.
const STEPS_MAX: u32 = 10_000;

/// How far a deletion is; the cursor of its stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The next listing is not begun before this.
    pub due: Timestamp,
    /// Listings in a row that found nothing.
    pub empty_listings: u32,
    /// Removed so far; a little less when a function died.
    pub objects: u64,
    pub items: u64,
}

/// The write that makes the job, in the transaction that stops the connection.
pub(crate) fn job(ctx: &Context, connection: &ConnectionItem) -> Write {
    let key = connection.scope().stream(STREAM);
    // Whoever is at work now ends within a function's time, or is dead; a lease may outlast that.
    let at_work = ctx.settings.lease.max(ctx.settings.function_limit);
    let due = ctx.now() + at_work + ctx.settings.lease_slack + AFTER_LAST_WORK;
    let mut stream = StreamItem::new(&key, Stage::Connect, &[], due);
    let deletion = Deletion {
        due,
        empty_listings: 0,
        objects: 0,
        items: 0,
    };
    stream.cur = Some(serde_json::to_value(deletion).expect("a deletion is plain"));
    Write::create(key, items::write(&stream))
}

pub(crate) async fn hint_job(ctx: &Context, connection: &ConnectionItem) -> Result<(), StageError> {
    let key = connection.scope().stream(STREAM);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    let Some(Some(item)) = found.first() else {
        return Ok(());
    };
    let stream: StreamItem = items::read(&key, item)?;
    if stream.lease == 0 {
        hint::hint(ctx, &key, &stream, None).await?;
    }
    Ok(())
}

pub fn is_job(step: &Step<'_>) -> bool {
    is_job_key(&step.key)
}

pub(crate) fn is_job_key(key: &Key) -> bool {
    stream_name(key) == STREAM
}

/// Whether others may be at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Others,
    Nobody,
}

/// The step of the job: one listing, or a part of it.
pub async fn remove(step: Step<'_>) -> Result<(), StageError> {
    list(step, Company::Others).await
}

/// Does the job to its end, for a process that has the place to itself: nobody is waited for.
pub async fn at_once(ctx: &Context, id: &ConnectionId) -> Result<Option<Deletion>, StageError> {
    let mut last = None;
    for _ in 0..STEPS_MAX {
        let connection = find(ctx, id).await?;
        let Some(connection) = connection.filter(|one| one.state == ConnectionState::Deleting)
        else {
            return Ok(last);
        };
        let key = connection.scope().stream(STREAM);
        let Some(stream) = hint::free(ctx, &key).await? else {
            return Ok(last);
        };
        if let Some(step) = Step::begin(ctx, &key, stream.v).await? {
            list(step, Company::Nobody).await?;
        }
        last = stream.cursor(&key)?;
    }
    Err(StageError::Store(StoreError::Busy))
}

/// How a listing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Whole,
    OutOfTime,
    /// Somebody else has the job.
    Moved,
}

async fn list(step: Step<'_>, company: Company) -> Result<(), StageError> {
    let ctx = step.ctx;
    let deletion: Option<Deletion> = step.stream.cursor(&step.key)?;
    let Some(deletion) = deletion else {
        tracing::error!(stream = %step.key, "a deletion without a cursor is none of ours");
        return Ok(());
    };
    if company == Company::Others && ctx.now() < deletion.due {
        let due = deletion.due;
        return step.release(Next::Wait(due), None).await;
    }
    // Every time: somebody who connected in the moment in which the deletion began may have put it again.
    forget_secret(ctx, &step.scope.connection).await?;
    webhook::forget(ctx, &step.scope.connection).await?;
    let mut job = Job {
        saved: ctx.now(),
        step,
        deletion,
        found: 0,
    };
    let mut ended = job.items().await?;
    if ended == Ended::Whole {
        ended = job.objects().await?;
    }
    let Job {
        mut step,
        mut deletion,
        found,
        ..
    } = job;
    let next = match ended {
        Ended::Moved => return Ok(()),
        Ended::OutOfTime => Next::Continue,
        Ended::Whole => {
            deletion.empty_listings = match found {
                0 => deletion.empty_listings + 1,
                _ => 0,
            };
            if deletion.empty_listings >= EMPTY_LISTINGS {
                return bury(step, &deletion).await;
            }
            deletion.due = match company {
                Company::Others => ctx.now() + LIST_AGAIN,
                Company::Nobody => ctx.now(),
            };
            Next::Wait(deletion.due)
        }
    };
    step.stream.cur = Some(serde_json::to_value(deletion).expect("a deletion is plain"));
    step.release(next, None).await
}

/// The last write: the connection and the job go, and what must be remembered of the name takes their place.
async fn bury(step: Step<'_>, deletion: &Deletion) -> Result<(), StageError> {
    let (ctx, id) = (step.ctx, &step.scope.connection);
    let Some(connection) = find(ctx, id).await? else {
        return Ok(());
    };
    let past = PastItem {
        incarnation: step.scope.incarnation,
        deleted: ctx.now(),
    };
    let is_still = Condition::All(vec![
        Condition::Equal("incarnation", step.scope.incarnation.into()),
        Condition::Equal("v", connection.v.into()),
    ]);
    let (meta, past_key) = (connection_key(id), past_key(id));
    let mut writes = vec![
        removal(
            step.key.clone(),
            Condition::Equal("v", step.stream.v.into()),
        ),
        removal(meta.clone(), is_still),
        Write::put(past_key.clone(), items::write(&past)),
        removal(Key::new(CONNECTIONS, id.as_str()), Condition::Always),
    ];
    // What else is remembered of the connection beside its state.
    let query = Query {
        limit: ENTRIES,
        ..Query::prefix(meta.pk.clone(), "")
    };
    let others = ctx.state.query(query).await?;
    let others = others
        .into_iter()
        .filter(|found| found.key != meta && found.key != past_key);
    let room = TRANSACTION_WRITES_MAX - writes.len();
    writes.extend(
        others
            .take(room)
            .map(|found| removal(found.key, Condition::Exists)),
    );
    match ctx.state.transact(&ctx.random_id(), writes).await {
        Ok(()) => {
            let Deletion { objects, items, .. } = deletion;
            tracing::info!(connection = %id, objects, items, "connection deleted");
            Ok(())
        }
        // Somebody else did it, or the sweeper finds the job again.
        Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

struct Job<'a> {
    step: Step<'a>,
    deletion: Deletion,
    /// What this listing found, removed or not.
    found: u64,
    saved: Timestamp,
}

impl Job<'_> {
    async fn items(&mut self) -> Result<Ended, StageError> {
        let scope = self.step.scope.clone();
        for queue in self.queues().await? {
            let partition = scope.units(&queue);
            // A root has a manifest of its own, a bundle is committed by its lane.
            let ended = match queue == QUEUE || queue == contents::QUEUE {
                true => self.named(&partition, "U#").await?,
                false => self.plain(&partition).await?,
            };
            if ended != Ended::Whole {
                return Ok(ended);
            }
        }
        let ended = self.named(&scope.pk(), "S#").await?;
        if ended != Ended::Whole {
            return Ok(ended);
        }
        let others = [scope.pk(), scope.gaps(), scope.asked()];
        for partition in others.into_iter().chain(contents::partitions(&scope)) {
            let ended = self.plain(&partition).await?;
            if ended != Ended::Whole {
                return Ok(ended);
            }
        }
        self.limits().await
    }

    /// Every queue that may have units: those of the app, and those that a stream works on.
    async fn queues(&self) -> Result<BTreeSet<String>, StageError> {
        let connector = crate::apps::connector(self.step.connection.settings.app);
        let mut queues =
            BTreeSet::from([QUEUE, contents::QUEUE, findings::QUEUE].map(String::from));
        let feeds = connector.activities().map(|source| source.feeds());
        queues.extend(
            feeds
                .into_iter()
                .flatten()
                .map(|feed| feed.name.to_string()),
        );
        let levels = Level::ALL.map(Level::name);
        for (key, _) in crate::status::streams(self.step.ctx, &self.step.scope).await? {
            let split = stream_name(&key).split_once('-');
            if let Some((kind, feed)) = split
                && (kind == "bundles" || levels.contains(&kind))
            {
                queues.insert(feed.into());
            }
        }
        Ok(queues)
    }

    /// Removes streams or units of a partition, each with the manifest that only its name leads to.
    async fn named(&mut self, partition: &str, mark: &str) -> Result<Ended, StageError> {
        let mut query = Query {
            limit: PAGE,
            ..Query::prefix(partition, mark)
        };
        loop {
            let mut page = self.step.ctx.state.query(query.clone()).await?;
            let Some(last) = page.last() else {
                return Ok(Ended::Whole);
            };
            query.after = Some(last.key.sk.clone());
            page.retain(|found| !is_job_key(&found.key) || mark != "S#");
            self.found += page.len() as u64;
            for some in page.chunks(PAGE / SIDE_BY_SIDE) {
                let step = &self.step;
                let removals = some.iter().map(|owner| remove_named(step, owner));
                let counts: Vec<u64> = futures::stream::iter(removals)
                    .buffer_unordered(SIDE_BY_SIDE)
                    .try_collect()
                    .await?;
                self.deletion.items += counts.iter().sum::<u64>();
                let ended = self.save().await?;
                if ended != Ended::Whole {
                    return Ok(ended);
                }
            }
        }
    }

    /// Removes what nothing hangs on; streams are left to [`Job::named`].
    async fn plain(&mut self, partition: &str) -> Result<Ended, StageError> {
        let mut query = Query {
            limit: PAGE,
            ..Query::prefix(partition, "")
        };
        loop {
            let mut page = self.step.ctx.state.query(query.clone()).await?;
            let Some(last) = page.last() else {
                return Ok(Ended::Whole);
            };
            query.after = Some(last.key.sk.clone());
            page.retain(|found| !found.key.sk.starts_with("S#"));
            self.found += page.len() as u64;
            for some in page.chunks(TRANSACTION_WRITES_MAX) {
                let some = some.iter().map(|found| found.key.clone());
                let writes = some.map(|key| removal(key, Condition::Exists)).collect();
                self.deletion.items += transact(self.step.ctx, writes).await?;
                let ended = self.save().await?;
                if ended != Ended::Whole {
                    return Ok(ended);
                }
            }
        }
    }

    /// Removes what is known of the vendor's limits; no other connection shares these.
    async fn limits(&mut self) -> Result<Ended, StageError> {
        let ctx = self.step.ctx;
        let connector = crate::apps::connector(self.step.connection.settings.app);
        let scope = self.step.scope.to_string();
        let settings = &self.step.connection.settings.app_settings;
        let limits = connector.limits(&Tenant::default(), settings);
        let keys: Vec<Key> = limits
            .iter()
            .map(|limit| gate::key(limit, &scope))
            .collect();
        for key in keys {
            // The limit itself, and behind it those of its accounts, which may be as many as there are users.
            loop {
                let query = Query {
                    limit: TRANSACTION_WRITES_MAX,
                    ..Query::prefix(key.pk.clone(), &key.sk)
                };
                let page = ctx.state.query(query).await?;
                if page.is_empty() {
                    break;
                }
                self.found += page.len() as u64;
                let removals = page.into_iter();
                let removals = removals.map(|found| removal(found.key, Condition::Exists));
                self.deletion.items += transact(ctx, removals.collect()).await?;
                let ended = self.save().await?;
                if ended != Ended::Whole {
                    return Ok(ended);
                }
            }
        }
        Ok(Ended::Whole)
    }

    async fn objects(&mut self) -> Result<Ended, StageError> {
        let app = self.step.connection.settings.app;
        let objects = self.step.ctx.patient_objects();
        let kinds =
            layout::KINDS.map(|kind| layout::prefix(kind, app, &self.step.scope.to_string()));
        let tables = compact::prefixes(&self.step.ctx.curated.region, &self.step.scope);
        let inventories = editions::prefixes(&self.step.scope);
        for prefix in kinds.into_iter().chain(tables).chain(inventories) {
            let mut after: Option<String> = None;
            loop {
                let names = objects.list(&prefix, after.as_deref(), PAGE).await?;
                let Some(last) = names.last() else { break };
                after = Some(last.clone());
                self.found += names.len() as u64;
                let removals = names.iter().map(|name| objects.delete(name));
                futures::stream::iter(removals)
                    .buffer_unordered(SIDE_BY_SIDE)
                    .try_collect::<Vec<()>>()
                    .await?;
                self.deletion.objects += names.len() as u64;
                let ended = self.save().await?;
                if ended != Ended::Whole {
                    return Ok(ended);
                }
            }
        }
        Ok(Ended::Whole)
    }

    /// Writes down how far it is, now and then, and looks whether there is time for more.
    async fn save(&mut self) -> Result<Ended, StageError> {
        let ctx = self.step.ctx;
        if !self.step.has_time() {
            return Ok(Ended::OutOfTime);
        }
        if ctx.now().duration_since(self.saved) < ctx.settings.commit_after {
            return Ok(Ended::Whole);
        }
        self.saved = ctx.now();
        let deletion = serde_json::to_value(&self.deletion).expect("a deletion is plain");
        self.step.stream.cur = Some(deletion);
        match self.step.commit(None, vec![]).await? {
            Committed::Yes => Ok(Ended::Whole),
            Committed::FencedOff | Committed::Refused { .. } => Ok(Ended::Moved),
        }
    }
}

/// Removes a stream or unit and its manifest; the last entries go in one transaction with it, on the condition that it
/// has not moved, so that no entry can be written whose name nobody knows any more.
async fn remove_named(step: &Step<'_>, owner: &Keyed) -> Result<u64, StageError> {
    let ctx = step.ctx;
    let query = Query {
        limit: ENTRIES,
        ..Query::prefix(step.scope.manifest(stream_name(&owner.key)), "")
    };
    let version = owner.item.get("v").cloned().unwrap_or_default();
    let mut count = 0;
    loop {
        let page = ctx.state.query(query.clone()).await?;
        let is_last = page.len() < ENTRIES;
        let entries = page.into_iter().map(|entry| entry.key);
        let mut writes: Vec<Write> = entries.map(|key| removal(key, Condition::Exists)).collect();
        if is_last {
            let unmoved = Condition::Equal("v", version.clone());
            writes.push(removal(owner.key.clone(), unmoved));
        }
        let removed = transact(ctx, writes).await?;
        count += removed;
        if is_last || removed == 0 {
            return Ok(count);
        }
    }
}

/// Only what is there is removed, so that a request that comes late writes nothing.
fn removal(key: Key, condition: Condition) -> Write {
    let change = Change::Delete;
    Write {
        key,
        condition,
        change,
    }
}

/// Removes all of it or nothing, and says how much that was: what has moved is found by the next listing.
async fn transact(ctx: &Context, writes: Vec<Write>) -> Result<u64, StageError> {
    let token = ctx.random_id();
    let count = writes.len() as u64;
    let mut tries = 1;
    loop {
        match ctx.state.transact(&token, writes.clone()).await {
            Ok(()) => return Ok(count),
            Err(StoreError::Refused { .. }) => return Ok(0),
            Err(StoreError::Busy | StoreError::Unknown) if tries < TRIES_MAX => {}
            Err(error) => return Err(error.into()),
        }
        let wait = retry::quick_wait(tries, ctx.rng.fraction());
        ctx.sleep(ms_duration(wait)).await;
        tries += 1;
    }
}
