//! The step: how one invocation at a time moves one cursor, whatever dies (pipeline design, section 5).
//!
//! A step is begun by a lease, moved on by commits and ended by a release. Each is one write that is conditional on the
//! version the step saw last, and raises it. Whoever is refused stops: somebody else went on.

use std::time::Duration;

use casbah_connector::{PARKED, Session};
use casbah_http::retry;
use casbah_lake::ManifestEntry;
use casbah_lake::layout::{Place, safe};
use casbah_model::connection::ConnectionState;
use casbah_model::message::{Stage, Ticket};
use casbah_model::ports::StoreError;
use casbah_model::state::{Condition, Item, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::delete;
use crate::error::StageError;
use crate::hint::hint;
use crate::items::{
    self, ConnectionItem, Scope, StreamItem, StreamState, connection_key, manifest_sk, stream_name,
};

/// A unit that failed this often without a commit is set aside (pipeline design, section 8).
pub const ATTEMPTS_MAX: u32 = 12;
/// Tries of one table write within an invocation.
const TABLE_TRIES_MAX: u32 = 6;

/// One invocation's hold on one stream.
pub struct Step<'a> {
    pub ctx: &'a Context,
    pub key: Key,
    pub scope: Scope,
    pub stream: StreamItem,
    pub connection: ConnectionItem,
    own: String,
    /// No new fetch after this.
    pub budget_end: Timestamp,
    attempts_before: u32,
    transactions: u32,
    /// Nobody knows what became of the last transaction.
    is_uncertain: bool,
}

/// What happened to a commit.
#[derive(Debug, PartialEq)]
pub enum Committed {
    Yes,
    /// Somebody else moved the stream: stop, what was written is an orphan.
    FencedOff,
    /// The condition of another write of the same transaction did not hold; nothing was written.
    Refused {
        index: usize,
        current: Option<Item>,
    },
}

/// How a step ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// There is more to do now.
    Continue,
    /// Nothing to do until this time.
    CaughtUp(Timestamp),
    /// Something has to pass first.
    Wait(Timestamp),
}

impl<'a> Step<'a> {
    /// Reads a stream and leases it; `None` when there is nothing to do for this hint.
    pub async fn begin(
        ctx: &'a Context,
        key: &Key,
        version: u64,
    ) -> Result<Option<Step<'a>>, StageError> {
        let Some(scope) = Scope::of(key) else {
            tracing::warn!(%key, "a hint names something that is no stream");
            return Ok(None);
        };
        let keys = [key.clone(), connection_key(&scope.connection)];
        let found = ctx.state.get(&keys).await?;
        let [Some(stream), Some(connection)] = &found[..] else {
            return Ok(None);
        };
        let stream: StreamItem = items::read(key, stream)?;
        let connection: ConnectionItem = items::read(&keys[1], connection)?;
        let now = ctx.now();
        let is_current = connection.incarnation == scope.incarnation
            && stream.st == StreamState::Run
            && stream.v == version
            && stream.lease < now.as_millisecond();
        // A connection that failed is probed by its test stream, which nothing else may wake up for it; one that is being
        // deleted has its job and nothing else.
        let is_allowed = connection.state.is_active()
            || (stream.stage == Stage::Test
                && matches!(connection.state, ConnectionState::Failed { .. }))
            // What was read before is put into tables whether or not more may be read.
            || (stream.stage == Stage::Compact && connection.state != ConnectionState::Deleting)
            || (*key == scope.stream(delete::STREAM)
                && connection.state == ConnectionState::Deleting);
        if !is_current || !is_allowed {
            return Ok(None);
        }
        let own = ctx.random_id();
        let mut step = Step {
            ctx,
            key: key.clone(),
            scope,
            attempts_before: stream.att,
            stream,
            connection,
            own,
            budget_end: now + ctx.settings.function_limit / 2,
            transactions: 0,
            is_uncertain: false,
        };
        if !step.lease(now).await? {
            return Ok(None);
        }
        if !step.is_chosen() {
            // Its component was taken out of the connection: it stays where it is until it is chosen again.
            step.stream.trouble = None;
            step.release(Next::CaughtUp(now + ms_duration(PARKED)), None)
                .await?;
            return Ok(None);
        }
        Ok(Some(step))
    }

    async fn lease(&mut self, now: Timestamp) -> Result<bool, StageError> {
        let condition = Condition::All(vec![
            Condition::Equal("v", self.stream.v.into()),
            Condition::Equal("st", "RUN".into()),
            Condition::Less("lease", now.as_millisecond().into()),
        ]);
        let lease_end = now + self.ctx.settings.lease;
        self.stream.lease = lease_end.as_millisecond();
        self.stream.wake = (lease_end + self.ctx.settings.lease_slack).as_millisecond();
        self.stream.att += 1;
        self.stream.own = self.own.clone();
        self.stream.v += 1;
        self.stream.index(&self.key);
        let write = Write::update(self.key.clone(), condition, self.sets());
        match self.ctx.state.write(write).await {
            Ok(_) => Ok(true),
            // A lost answer of a lease: just end, the sweeper goes on.
            Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Attributes that every write of the step sets anew.
    fn sets(&self) -> Vec<Set> {
        let item = items::write(&self.stream);
        const NAMES: [&str; 24] = [
            "v",
            "st",
            "ep",
            "seq",
            "cur",
            "lease",
            "own",
            "wake",
            "att",
            "fails",
            "gw",
            "gk",
            "run",
            "caught_up",
            "trouble",
            "published",
            "held",
            "known",
            "removed",
            "records",
            "expires",
            "root",
            "queue",
            "components",
        ];
        let set = |name: &'static str| match item.get(name) {
            Some(value) => Set::To(name, value.clone()),
            None => Set::Remove(name),
        };
        NAMES.into_iter().map(set).collect()
    }

    fn is_chosen(&self) -> bool {
        let components = &self.stream.components;
        components.is_empty() || self.connection.settings.components.has_any(components)
    }

    pub fn name(&self) -> &str {
        stream_name(&self.key)
    }

    /// Whether there is time for another fetch.
    pub fn has_time(&self) -> bool {
        self.ctx.now() < self.budget_end && !self.ctx.is_stopping()
    }

    /// Where the objects of the next commit go.
    pub fn place(&self, family: &str) -> Place {
        Place {
            app: self.connection.settings.app,
            scope: self.scope.to_string(),
            family: family.into(),
            stream: safe(self.name()),
            epoch: self.stream.ep,
            sequence: self.stream.seq,
            fence: self.stream.v,
            begun: self.ctx.now(),
        }
    }

    /// Moves the cursor to what `self.stream` says by now, together with a manifest entry and other writes.
    ///
    /// The caller has set the new cursor (and epoch) on `self.stream`; `entry` must name objects that are stored.
    pub async fn commit(
        &mut self,
        entry: Option<ManifestEntry>,
        others: Vec<Write>,
    ) -> Result<Committed, StageError> {
        let before = self.stream.clone();
        let fence = Condition::Equal("v", before.v.into());
        self.stream.v += 1;
        self.stream.att = 0;
        self.stream.fails = 0;
        self.stream.trouble = None;
        self.stream.own = self.own.clone();
        let mut writes = vec![];
        if let Some(entry) = &entry {
            self.stream.seq += 1;
            self.stream.records += entry.records();
            let key = Key::new(
                self.scope.manifest(self.name()),
                manifest_sk(entry.epoch, entry.sequence),
            );
            writes.push(Write::create(key, items::write(entry)));
        }
        self.stream.index(&self.key);
        writes.insert(0, Write::update(self.key.clone(), fence, self.sets()));
        let first_other = writes.len();
        writes.extend(others);
        match self.transact(writes).await? {
            Committed::Yes => {
                self.attempts_before = 0;
                if let Some(entry) = &entry {
                    self.ctx.meter.committed(&self.key.to_string(), entry);
                }
                Ok(Committed::Yes)
            }
            Committed::Refused { index, current } if index >= first_other => {
                self.stream = before;
                Ok(Committed::Refused {
                    index: index - first_other,
                    current,
                })
            }
            Committed::Refused { .. } | Committed::FencedOff => Ok(Committed::FencedOff),
        }
    }

    /// Sends a transaction; an error means that nobody knows what became of it.
    async fn transact(&mut self, writes: Vec<Write>) -> Result<Committed, StageError> {
        let done = self.send(writes).await;
        self.is_uncertain = done.is_err();
        done
    }

    /// Sends a transaction until it is known what became of it (pipeline design, section 6).
    async fn send(&mut self, writes: Vec<Write>) -> Result<Committed, StageError> {
        self.transactions += 1;
        // A token has at most 36 characters (DynamoDB API reference, "ClientRequestToken").
        let token = format!(
            "{}-{}-{}",
            &self.own[..16],
            self.stream.v,
            self.transactions
        );
        let mut is_uncertain = false;
        for attempt in 1..=TABLE_TRIES_MAX {
            match self.ctx.state.transact(&token, writes.clone()).await {
                Ok(()) => return Ok(Committed::Yes),
                Err(StoreError::Busy) => {}
                Err(StoreError::Unknown) => is_uncertain = true,
                Err(StoreError::Refused { index, current }) => {
                    if is_uncertain && self.was_applied().await? {
                        return Ok(Committed::Yes);
                    }
                    return Ok(Committed::Refused { index, current });
                }
                Err(error) => return Err(error.into()),
            }
            self.back_off(attempt).await;
        }
        if is_uncertain && self.was_applied().await? {
            return Ok(Committed::Yes);
        }
        Err(StageError::Store(StoreError::Busy))
    }

    /// Whether the last write was ours: it carries our id and the version we gave it.
    async fn was_applied(&self) -> Result<bool, StageError> {
        let found = self.ctx.state.get(std::slice::from_ref(&self.key)).await?;
        let Some(Some(item)) = found.first() else {
            return Ok(false);
        };
        let stream: StreamItem = items::read(&self.key, item)?;
        Ok(stream.v == self.stream.v && stream.own == self.own)
    }

    async fn back_off(&self, attempt: u32) {
        let wait = retry::quick_wait(attempt, self.ctx.rng.fraction());
        self.ctx.sleep(ms_duration(wait)).await;
    }

    /// Reads the connection again; false when it was paused or failed meanwhile, so that the step stops.
    pub async fn is_still_wanted(&mut self) -> Result<bool, StageError> {
        let key = connection_key(&self.scope.connection);
        let found = self.ctx.state.get(std::slice::from_ref(&key)).await?;
        let Some(Some(item)) = found.first() else {
            return Ok(false);
        };
        let connection: ConnectionItem = items::read(&key, item)?;
        let is_wanted =
            connection.state.is_active() && connection.incarnation == self.scope.incarnation;
        self.connection = connection;
        Ok(is_wanted)
    }

    /// Gives the stream back and sends the hint for its next step.
    pub async fn release(mut self, next: Next, ticket: Option<Ticket>) -> Result<(), StageError> {
        let now = self.ctx.now();
        let wake = match next {
            Next::Continue => now,
            Next::CaughtUp(at) | Next::Wait(at) => at.max(now),
        };
        self.stream.caught_up = matches!(next, Next::CaughtUp(_));
        if self.stream.caught_up {
            self.stream.fails = 0;
        }
        self.stream.wake = wake.as_millisecond();
        self.settle_attempts(&next);
        self.give_back(ticket).await
    }

    /// A deliberate wait is no attempt.
    fn settle_attempts(&mut self, next: &Next) {
        match next {
            Next::Continue | Next::CaughtUp(_) => self.stream.att = 0,
            Next::Wait(_) => self.stream.att = self.attempts_before,
        }
    }

    /// Ends a unit: it is done, or set aside, and its run counts it in the same transaction.
    pub async fn finish(
        mut self,
        state: StreamState,
        entry: Option<ManifestEntry>,
        mut others: Vec<Write>,
    ) -> Result<Committed, StageError> {
        self.stream.st = state;
        self.stream.lease = 0;
        self.stream.wake = self.ctx.now().as_millisecond();
        self.stream.caught_up = true;
        let trouble = self.stream.trouble.take();
        let attempts = self.stream.att;
        if let Some(run) = self.stream.run.take() {
            let mut sets = vec![Set::Add("v", 1.into()), Set::Add("fin", 1.into())];
            if state == StreamState::Failed {
                sets.push(Set::Add("failed", 1.into()));
            }
            others.push(Write::update(self.scope.run(&run), Condition::Exists, sets));
        }
        if state != StreamState::Failed {
            return self.commit(entry, others).await;
        }
        // A failed unit keeps the reason and its attempts, for whoever looks at it.
        let fence = Condition::Equal("v", self.stream.v.into());
        self.stream.v += 1;
        self.stream.trouble = trouble;
        self.stream.att = attempts;
        self.stream.index(&self.key);
        let mut writes = vec![Write::update(self.key.clone(), fence, self.sets())];
        writes.extend(others);
        self.transact(writes).await
    }

    /// Writes the stream without its lease, then sends the hint that tells of it.
    pub(crate) async fn give_back(mut self, ticket: Option<Ticket>) -> Result<(), StageError> {
        if self.is_uncertain {
            // The version that a commit would have made may be somebody else's, who came after a commit that never was.
            tracing::warn!(stream = %self.key, "a step ends without knowing what became of its commit; its lease runs out");
            return Ok(());
        }
        let fence = Condition::Equal("v", self.stream.v.into());
        self.stream.v += 1;
        self.stream.lease = 0;
        self.stream.own = self.own.clone();
        self.stream.index(&self.key);
        let write = Write::update(self.key.clone(), fence, self.sets());
        for attempt in 1..=TABLE_TRIES_MAX {
            match self.ctx.state.write(write.clone()).await {
                Ok(_) => {
                    let in_queue = self.stream.queue.is_some();
                    return if in_queue {
                        Ok(())
                    } else {
                        hint(self.ctx, &self.key, &self.stream, ticket).await
                    };
                }
                Err(StoreError::Busy) => self.back_off(attempt).await,
                // Refused: somebody else went on. Unknown: the sweeper goes on.
                Err(StoreError::Refused { .. } | StoreError::Unknown) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Lets go of the vendor's limit at the end of a step; what the next step can use goes on with its hint.
pub async fn leave(session: &Session, next: &Next) -> Option<Ticket> {
    let ticket = match next {
        Next::Continue => session.gates().hand_over(),
        Next::CaughtUp(_) | Next::Wait(_) => session.gates().ticket(),
    };
    session.gates().finish().await;
    ticket
}

pub fn ms_duration(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
