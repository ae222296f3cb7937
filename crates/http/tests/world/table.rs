//! A table in memory that takes some milliseconds, is busy or loses an answer now and then.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::ports::{Query, Rng, StateStore, StoreError};
use casbah_model::state::{Item, Key, Keyed, Write};

use super::SeededRng;

pub struct Table {
    items: Mutex<BTreeMap<Key, Item>>,
    rng: Arc<SeededRng>,
    lost_answers: f64,
    failure: Mutex<Option<fn() -> StoreError>>,
    writes: AtomicU64,
    reads: AtomicU64,
}

impl Table {
    pub fn new(rng: Arc<SeededRng>, lost_answers: f64) -> Table {
        let (items, failure) = (Mutex::default(), Mutex::default());
        Table {
            items,
            rng,
            lost_answers,
            failure,
            writes: AtomicU64::new(0),
            reads: AtomicU64::new(0),
        }
    }

    /// From now on every read and write fails like this.
    pub fn fail_with(&self, failure: Option<fn() -> StoreError>) {
        *self.failure.lock().unwrap() = failure;
    }

    fn fail(&self) -> Result<(), StoreError> {
        self.failure
            .lock()
            .unwrap()
            .map_or(Ok(()), |failure| Err(failure()))
    }

    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    async fn travel(&self) {
        tokio::time::sleep(Duration::from_secs_f64(0.002 + 0.006 * self.rng.fraction())).await;
    }

    fn apply(&self, write: &Write) -> Result<Option<Item>, StoreError> {
        let mut items = self.items.lock().unwrap();
        let current = items.get(&write.key);
        if !write.condition.holds(current) {
            return Err(StoreError::Refused {
                index: 0,
                current: current.cloned(),
            });
        }
        let after = write.change.apply(current);
        match &after {
            Some(item) => drop(items.insert(write.key.clone(), item.clone())),
            None => drop(items.remove(&write.key)),
        }
        Ok(after)
    }
}

#[async_trait]
impl StateStore for Table {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.fail()?;
        self.travel().await;
        let found = keys
            .iter()
            .map(|key| self.items.lock().unwrap().get(key).cloned())
            .collect();
        self.travel().await;
        Ok(found)
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.fail()?;
        self.travel().await;
        if self.rng.fraction() < self.lost_answers {
            return Err(StoreError::Busy);
        }
        let answer = self.apply(&write);
        self.travel().await;
        if self.rng.fraction() < self.lost_answers {
            return Err(StoreError::Unknown);
        }
        answer
    }

    async fn transact(&self, _: &str, _: Vec<Write>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable {
            reason: "the throttle needs no transactions".into(),
        })
    }

    async fn query(&self, _: Query) -> Result<Vec<Keyed>, StoreError> {
        Err(StoreError::Unavailable {
            reason: "the throttle needs no queries".into(),
        })
    }

    async fn due(&self, _: &str, _: i64, _: usize) -> Result<Vec<Keyed>, StoreError> {
        Err(StoreError::Unavailable {
            reason: "the throttle needs no index".into(),
        })
    }
}
