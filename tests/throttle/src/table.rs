//! A table in memory that takes some milliseconds, is busy or loses an answer now and then.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use casbah_model::ports::{Query, Rng, StateStore, StoreError};
use casbah_model::state::{Item, Key, Keyed, Write};

use crate::clock::{SeededRng, WorkerClock, sleep};
use crate::invariants::Seen;

pub struct Table {
    items: Mutex<BTreeMap<Key, Item>>,
    rng: Arc<SeededRng>,
    /// Part of the writes whose answer is lost; as many find the table busy.
    lost_answers: f64,
    failure: Mutex<Option<fn() -> StoreError>>,
    writes: AtomicU64,
    reads: AtomicU64,
}

/// A write that was applied: the item before and after.
type Applied = (Option<Item>, Option<Item>);

impl Table {
    pub fn new(rng: Arc<SeededRng>, lost_answers: f64) -> Table {
        Table {
            items: Mutex::default(),
            rng,
            lost_answers,
            failure: Mutex::default(),
            writes: AtomicU64::new(0),
            reads: AtomicU64::new(0),
        }
    }

    /// From now on every read and write fails like this.
    pub fn fail_with(&self, failure: Option<fn() -> StoreError>) {
        *lock(&self.failure) = failure;
    }

    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    fn fail(&self) -> Result<(), StoreError> {
        lock(&self.failure).map_or(Ok(()), |failure| Err(failure()))
    }

    async fn travel(&self) {
        sleep(0.002 + 0.006 * self.rng.fraction()).await;
    }

    fn apply(&self, write: &Write) -> Result<Applied, StoreError> {
        let mut items = lock(&self.items);
        let before = items.get(&write.key).cloned();
        if !write.condition.holds(before.as_ref()) {
            return Err(StoreError::Refused {
                index: 0,
                current: before,
            });
        }
        let after = write.change.apply(before.as_ref());
        match &after {
            Some(item) => drop(items.insert(write.key.clone(), item.clone())),
            None => drop(items.remove(&write.key)),
        }
        Ok((before, after))
    }

    /// Writes; `applied` sees what has changed, also when the answer is lost.
    async fn write_seen(
        &self,
        write: Write,
        applied: impl FnOnce(&Write, &Applied) + Send,
    ) -> Result<Option<Item>, StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.fail()?;
        self.travel().await;
        if self.rng.fraction() < self.lost_answers {
            return Err(StoreError::Busy);
        }
        let answer = self.apply(&write);
        if let Ok(change) = &answer {
            applied(&write, change);
        }
        self.travel().await;
        if self.rng.fraction() < self.lost_answers {
            return Err(StoreError::Unknown);
        }
        answer.map(|(_, after)| after)
    }
}

#[async_trait]
impl StateStore for Table {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.fail()?;
        self.travel().await;
        let found = {
            let items = lock(&self.items);
            keys.iter().map(|key| items.get(key).cloned()).collect()
        };
        self.travel().await;
        Ok(found)
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.write_seen(write, |_, _| {}).await
    }

    async fn transact(&self, _: &str, _: Vec<Write>) -> Result<(), StoreError> {
        Err(unused("transactions"))
    }

    async fn query(&self, _: Query) -> Result<Vec<Keyed>, StoreError> {
        Err(unused("queries"))
    }

    async fn due(&self, _: &str, _: i64, _: usize) -> Result<Vec<Keyed>, StoreError> {
        Err(unused("index"))
    }
}

fn unused(what: &str) -> StoreError {
    StoreError::Unavailable {
        reason: format!("the throttle needs no {what}"),
    }
}

/// Turns an item into what a broken worker takes it for.
pub type Misreading = fn(&mut Item);

/// The table as one worker uses it: what it writes and is told is held against the invariants.
pub struct WorkerTable {
    pub table: Arc<Table>,
    pub clock: Arc<WorkerClock>,
    pub misreading: Option<Misreading>,
}

impl WorkerTable {
    fn tell(&self, item: &mut Option<Item>) {
        let Some(item) = item else { return };
        let mut invariants = lock(&self.clock.invariants);
        invariants.told(self.clock.worker, self.clock.now_ms(), item);
        if let Some(misread) = self.misreading {
            misread(item);
        }
    }
}

#[async_trait]
impl StateStore for WorkerTable {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let mut found = self.table.get(keys).await?;
        found.iter_mut().for_each(|item| self.tell(item));
        Ok(found)
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        let (worker, invariants) = (self.clock.worker, &self.clock.invariants);
        let applied = |write: &Write, (before, after): &Applied| {
            let (before, after) = (before.as_ref(), after.as_ref());
            lock(invariants).wrote(
                worker,
                &Seen {
                    write,
                    before,
                    after,
                },
            );
        };
        match self.table.write_seen(write, applied).await {
            Ok(mut item) => {
                self.tell(&mut item);
                Ok(item)
            }
            Err(StoreError::Refused { index, mut current }) => {
                self.tell(&mut current);
                Err(StoreError::Refused { index, current })
            }
            Err(error) => Err(error),
        }
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.table.transact(token, writes).await
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        self.table.query(query).await
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.table.due(partition, up_to, limit).await
    }
}

/// The harness has one thread, and a panic ends the run.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
