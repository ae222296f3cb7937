//! The throttle: admits calls so that short-lived workers together use a vendor's limit up and stay
//! below it.
//!
//! A grant is an exclusive slice of time on the limit's time line, taken with one conditional
//! write; the pace inside it is a pure function of the item and of the answers' headers (throttle
//! design). What is read from headers, and what is done about other errors than 429, is the
//! caller's.

mod accounts;
mod bucket;
mod day;
mod desk;
mod episode;
#[cfg(test)]
mod episode_tests;
mod holder;
mod interactive;
mod learning;
mod leaving;
mod limit;
mod operations;
mod pace;
mod pass;
mod pause;
#[cfg(test)]
mod sequences;
mod slice;
#[cfg(test)]
mod tests;
mod told;
mod turn;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use casbah_model::Timestamp;
use casbah_model::message::Ticket;
use casbah_model::ports::{Clock, Rng, StateStore, StoreError};
use casbah_model::state::Key;
use futures::channel::oneshot;
use futures::future::select;

use accounts::Accounts;
use bucket::Bucket;
use desk::{Desk, Taken, milliseconds, timestamp};
use holder::{Holder, Move, Trip};
pub use limit::Limit;
pub use pass::Pass;
use turn::Turns;

/// All limits of one connection, for one invocation; its concurrent calls share it by reference.
pub struct Gates {
    gates: Vec<Arc<Gate>>,
    accounts: Accounts,
    clock: Arc<dyn Clock>,
    deadline_ms: i64,
    /// The gate that told a caller to come back later, last.
    left: Mutex<Option<String>>,
}

/// One limit scope.
struct Gate {
    /// What a ticket calls it: the bucket, with the account if it is the limit of one.
    name: String,
    desk: Desk,
    holder: Mutex<Holder>,
    turns: Turns,
}

/// A call that wants to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Spend<'a> {
    pub bucket: &'static str,
    /// On whose account, for vendors that count the calls of each account by itself.
    pub account: Option<&'a str>,
    /// Endpoint class: calls that cost about the same.
    pub class: &'static str,
    pub urgency: Urgency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Waits for slices: scans and polls.
    Bulk,
    /// Goes at once, from a small limit of its own: somebody is waiting for it.
    Interactive,
    /// One call at a time that much else waits for, such as a page of a list: it takes the way of
    /// interactive calls while that is free, and waits for slices otherwise.
    Prompt,
}

#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The next slice, the end of the vendor's pause or the end of the invocation's time is further
    /// away than a function should wait. The step comes back at `until`, with [`Gates::ticket`]; a
    /// delay in whole seconds is rounded down.
    #[error("the limit allows the next call at {until}")]
    Later { until: Timestamp },
    #[error("the throttle's item cannot be used")]
    Store(#[source] StoreError),
    #[error("there is no limit called {bucket}")]
    UnknownBucket { bucket: &'static str },
}

/// What an answer says about the limit; absent where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signs {
    /// What the call has cost.
    pub units: Option<f64>,
    /// Units per window, as the vendor tells them.
    pub limit: Option<f64>,
    pub remaining: Option<f64>,
    /// Time until the vendor's window ends.
    pub reset: Option<Duration>,
    pub throttled: Option<Throttled>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throttled {
    pub retry_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not throttled.
    Done,
    /// Throttled, and the pause is short: send again after a new admit, which waits for its end.
    Again,
}

/// Where the table keeps what is known of a limit of this scope, which is removed with the scope. Sort keys of the
/// limit's accounts begin with the one of the limit itself.
pub fn key(limit: &Limit, scope: &str) -> Key {
    Bucket::key(limit, scope, None)
}

/// When lanes come back after the table could not be reached (throttle design, section 12).
const UNREACHABLE_MS: (i64, i64) = (5_000, 30_000);
/// Decisions of one admit before it is left for later: each read, acquire or resume is one, pacing
/// some more.
const MOVES_MAX: u32 = 10_000;

impl Gates {
    /// `scope` names whose limits these are: a connection and its incarnation, or a tenant. The
    /// ticket is the one that the message brought. No slice is asked for after `deadline`.
    pub fn new(
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        scope: String,
        limits: Vec<Limit>,
        ticket: Option<Ticket>,
        deadline: Timestamp,
    ) -> Gates {
        let gate = |limit: Limit| {
            let name = limit.bucket.to_string();
            let desk = Desk {
                key: Bucket::key(&limit, &scope, None),
                store: store.clone(),
                clock: clock.clone(),
                rng: rng.clone(),
                limit,
                lives: None,
            };
            Arc::new(Gate::new(name, desk, ticket.as_ref()))
        };
        let gates = limits.into_iter().map(gate).collect();
        Gates {
            gates,
            accounts: Accounts::new(scope, ticket.clone()),
            clock,
            deadline_ms: deadline.as_millisecond(),
            left: Mutex::default(),
        }
    }

    /// Waits until the call may be sent.
    ///
    /// # Errors
    /// `Later` when that is more than 1.5 s away; every further admit says so too, without writing.
    pub async fn admit(&self, spend: Spend<'_>) -> Result<Pass<'_>, GateError> {
        let gate = self
            .gates
            .iter()
            .find(|gate| gate.desk.limit.bucket == spend.bucket);
        let gate = gate.ok_or(GateError::UnknownBucket {
            bucket: spend.bucket,
        })?;
        let gate = match spend.account {
            Some(account) => self.accounts.gate(gate, account),
            None => Arc::clone(gate),
        };
        let urgency = match gate.desk.limit.has_interactive_way() {
            true => spend.urgency,
            false => Urgency::Bulk,
        };
        let trip = match urgency {
            Urgency::Bulk => self.admit_bulk(&gate, spend.class).await?,
            Urgency::Interactive => self.admit_interactive(&gate, spend.class).await?,
            Urgency::Prompt if self.is_open_to_prompt(&gate).await => {
                self.admit_interactive(&gate, spend.class).await?
            }
            Urgency::Prompt => self.admit_bulk(&gate, spend.class).await?,
        };
        Ok(Pass {
            gates: self,
            gate,
            trip: Some(trip),
        })
    }

    async fn admit_bulk(&self, gate: &Gate, class: &'static str) -> Result<Trip, GateError> {
        let _turn = gate.turns.enter().await;
        for _ in 0..MOVES_MAX {
            let (step, bell) = gate.next_move(class, self.deadline_ms);
            match step {
                Move::Send(trip) => return Ok(trip),
                Move::Wait(until_ms) => gate.wait(until_ms, bell).await,
                // The bell is rung by whoever is waited for, and dropped when a later caller waits
                // in this one's place.
                Move::Listen => drop(bell.await),
                Move::Leave(until_ms) => return Err(self.later(gate, until_ms)),
                Move::Read => {
                    let bucket = gate
                        .desk
                        .read()
                        .await
                        .map_err(|error| self.unreachable(gate, error))?;
                    gate.lock()
                        .learn(&gate.desk.limit, bucket, gate.desk.now_ms());
                }
                Move::Acquire(want) => self.acquire(gate, want).await?,
                Move::Resume => self.resume(gate, class).await?,
            }
        }
        Err(self.later(gate, gate.desk.soon(UNREACHABLE_MS)))
    }

    async fn acquire(&self, gate: &Gate, want: operations::Want) -> Result<(), GateError> {
        let (known, has_slice) = {
            let holder = gate.lock();
            (
                holder.known.clone(),
                holder.slice.as_ref().is_some_and(|slice| !slice.is_spent),
            )
        };
        let Some(known) = known else { return Ok(()) };
        let counted = want.used;
        let answer = gate.desk.acquire(known, want).await;
        let now_ms = gate.desk.now_ms();
        let mut holder = gate.lock();
        match answer {
            Ok((bucket, Taken::Slice(slice))) => {
                holder.learn(&gate.desk.limit, bucket, now_ms);
                holder.uncounted -= counted;
                holder.take(slice);
                Ok(())
            }
            // The current slice goes on to its end.
            Ok((bucket, Taken::Later(until_ms))) if has_slice => {
                holder.learn(&gate.desk.limit, bucket, now_ms);
                holder.acquire_after_ms = until_ms;
                Ok(())
            }
            Err(_) if has_slice => {
                holder.acquire_after_ms = gate.desk.soon(UNREACHABLE_MS);
                Ok(())
            }
            Ok((bucket, Taken::Later(until_ms))) => {
                holder.learn(&gate.desk.limit, bucket, now_ms);
                holder.acquire_after_ms = until_ms;
                drop(holder);
                Err(self.later(gate, until_ms))
            }
            Err(error) => {
                drop(holder);
                Err(self.unreachable(gate, error))
            }
        }
    }

    /// Tells how many calls are still to come, when the invocation knows: slices are acquired for
    /// as many and no more. A call that comes all the same finds a short slice.
    pub fn expect(&self, calls: Option<usize>) {
        for gate in self.all() {
            gate.lock().expected = calls;
        }
    }

    /// The limits, and those of accounts that were called for.
    fn all(&self) -> Vec<Arc<Gate>> {
        let mut gates = self.gates.clone();
        gates.extend(self.accounts.all());
        gates
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn later(&self, gate: &Gate, until_ms: i64) -> GateError {
        *self.lock_left() = Some(gate.name.clone());
        let mut holder = gate.lock();
        let until_ms = until_ms.max(gate.desk.now_ms());
        holder.left_until_ms = Some(until_ms);
        GateError::Later {
            until: timestamp(until_ms as f64),
        }
    }

    /// Never send without a slice: who cannot reach the table comes back after a random while.
    fn unreachable(&self, gate: &Gate, error: StoreError) -> GateError {
        match error {
            StoreError::Unavailable { .. } => GateError::Store(error),
            StoreError::Busy | StoreError::Unknown | StoreError::Refused { .. } => {
                self.later(gate, gate.desk.soon(UNREACHABLE_MS))
            }
        }
    }

    fn lock_left(&self) -> MutexGuard<'_, Option<String>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    fn new(name: String, desk: Desk, ticket: Option<&Ticket>) -> Gate {
        let ticket = ticket.filter(|ticket| ticket.bucket == name);
        Gate {
            holder: Mutex::new(Holder::new(&desk.limit, ticket)),
            turns: Turns::default(),
            name,
            desk,
        }
    }

    /// The state is plain numbers that each method leaves whole, so a panic elsewhere does not
    /// spoil it.
    fn lock(&self) -> MutexGuard<'_, Holder> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The decision and the bell that ends its wait, in one step: no ring is missed in between.
    fn next_move(&self, class: &'static str, deadline_ms: i64) -> (Move, oneshot::Receiver<()>) {
        let now = milliseconds(self.desk.clock.now());
        let mut holder = self.lock();
        let step = holder.next_move(&self.desk.limit, class, now, deadline_ms);
        let (sender, receiver) = oneshot::channel();
        if matches!(step, Move::Wait(_) | Move::Listen) {
            holder.bell = Some(sender);
        }
        (step, receiver)
    }

    async fn wait(&self, until_ms: f64, bell: oneshot::Receiver<()>) {
        select(self.desk.clock.sleep_until(timestamp(until_ms)), bell).await;
    }
}
