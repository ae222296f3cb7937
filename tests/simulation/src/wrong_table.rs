//! The table as wrong variants of the protocol use it: conditions are left out, transactions fall into two.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{Query, Queue, StateStore, StoreError};
use casbah_model::state::{Change, Condition, Item, Key, Keyed, Set, Value, Write};

use crate::variant::Variant;
use crate::wrong_bucket::{Deferred, WrongTables};

/// The table for a function that does something wrong.
pub struct WrongTable {
    pub inner: Arc<dyn StateStore>,
    pub queue: Arc<dyn Queue>,
    pub objects: Arc<Deferred>,
    pub tables: Arc<WrongTables>,
    pub variant: Variant,
    /// Whether this function has finished a unit.
    pub has_finished: AtomicBool,
    /// Streams whose last write was believed to have happened.
    pub believed: Mutex<Vec<Key>>,
}

fn is_stream(write: &Write) -> bool {
    write.key.sk.starts_with("S#") || write.key.sk.starts_with("U#")
}

fn is_entry(write: &Write) -> bool {
    write.key.pk.contains("#M#")
}

fn is_action(write: &Write) -> bool {
    write.key.sk.starts_with("A#")
}

/// Lets an action look as if nothing of it was about to be sent.
fn forget_mark(write: &mut Write) {
    let Change::Put(item) = &mut write.change else {
        return;
    };
    let Some(progress) = item.get_mut("progress") else {
        return;
    };
    progress["tried"] = progress["next"].clone();
    for later in progress["later"].as_array_mut().into_iter().flatten() {
        later["may_be_sent"] = false.into();
    }
}

fn sets(write: &Write) -> &[Set] {
    match &write.change {
        Change::Update(sets) => sets,
        _ => &[],
    }
}

fn set_to<'a>(write: &'a Write, name: &str) -> Option<&'a Value> {
    sets(write).iter().find_map(|set| match set {
        Set::To(known, value) if *known == name => Some(value),
        _ => None,
    })
}

fn is_lease(write: &Write) -> bool {
    let names_lease = |condition: &Condition| matches!(condition, Condition::Less("lease", _));
    matches!(&write.condition, Condition::All(all) if all.iter().any(names_lease))
}

impl WrongTable {
    /// The transactions that are sent instead of one.
    fn bent(&self, mut writes: Vec<Write>, is_transaction: bool) -> Vec<Vec<Write>> {
        let is_run = |write: &Write| write.key.sk.starts_with("R#");
        let is_gate = |write: &Write| write.key.sk.starts_with("G#");
        let adds = |write: &Write, name| {
            sets(write)
                .iter()
                .any(|set| matches!(set, Set::Add(known, _) if *known == name))
        };
        match self.variant {
            Variant::CommitWithoutFence => {
                let has_entry = writes.iter().any(is_entry);
                let is_commit = |first: &&mut Write| is_stream(first) && has_entry;
                if let Some(first) = writes.first_mut().filter(is_commit) {
                    first.condition = Condition::Always;
                }
            }
            Variant::CommitFencedBySequence => {
                let has_entry = writes.iter().any(is_entry);
                let is_commit = |first: &&mut Write| is_stream(first) && has_entry;
                if let Some(first) = writes.first_mut().filter(is_commit) {
                    let after = set_to(first, "seq").and_then(Value::as_u64).unwrap_or(0);
                    let before = after - u64::from(has_entry);
                    first.condition = Condition::Equal("seq", before.into());
                }
            }
            Variant::UnfencedResync => {
                let is_alone = writes.len() == 1 && is_transaction;
                if let Some(first) = writes
                    .first_mut()
                    .filter(|first| is_alone && is_stream(first))
                {
                    first.condition = Condition::Always;
                }
            }
            Variant::GateWithoutCondition => {
                for write in writes.iter_mut().filter(|write| is_gate(write)) {
                    write.condition = Condition::Always;
                }
            }
            Variant::UnitsCreatedAgain => {
                let is_new = |write: &&mut Write| write.condition == Condition::NotExists;
                for write in writes.iter_mut().filter(is_new) {
                    if write.key.sk.starts_with("U#") {
                        write.condition = Condition::Always;
                    }
                }
            }
            Variant::CounterBeforeUnit | Variant::UnitBeforeCounter => {
                let (counters, units): (Vec<_>, Vec<_>) = writes
                    .into_iter()
                    .partition(|write| is_run(write) && adds(write, "fin"));
                let both = [counters, units];
                let mut both: Vec<_> = both.into_iter().filter(|part| !part.is_empty()).collect();
                if self.variant == Variant::UnitBeforeCounter {
                    both.reverse();
                }
                return both;
            }
            Variant::TotalBeforeUnits => {
                let (totals, units): (Vec<_>, Vec<_>) = writes
                    .into_iter()
                    .partition(|write| is_run(write) && adds(write, "planned"));
                let both = [totals, units];
                return both.into_iter().filter(|part| !part.is_empty()).collect();
            }
            Variant::GateBeforeStreams => {
                let (gates, streams): (Vec<_>, Vec<_>) = writes.into_iter().partition(is_gate);
                let both = [gates, streams];
                return both.into_iter().filter(|part| !part.is_empty()).collect();
            }
            Variant::ObjectNameWithoutFence => {
                for write in writes.iter_mut().filter(|write| is_entry(write)) {
                    self.rename(write);
                }
            }
            Variant::SameIncarnationAgain => {
                for write in writes.iter_mut().filter(|write| write.key.sk == "PAST") {
                    write.condition = Condition::Always;
                }
            }
            Variant::SinglePassOverWindows => {
                writes.retain(|write| !write.key.sk.starts_with("S#late-"));
            }
            Variant::PageDropped => {
                let goes_on = |write: &Write| {
                    write.condition == Condition::NotExists && write.key.sk.contains('+')
                };
                writes.retain(|write| !goes_on(write));
            }
            Variant::RecordsForgotten => {
                let is_inventory = |item: &Item| item.get("family") != Some(&"activities".into());
                for write in writes.iter_mut().filter(|write| is_entry(write)) {
                    if let Change::Put(item) = &mut write.change
                        && is_inventory(item)
                    {
                        item.insert("objects".into(), Value::Array(vec![]));
                    }
                }
            }
            Variant::MarkForgotten => {
                for write in writes.iter_mut().filter(|write| is_action(write)) {
                    forget_mark(write);
                }
            }
            Variant::LargestTimeAsCursor => {
                writes.retain(|write| !write.key.sk.starts_with("S#late-"));
                largest_time(&mut writes);
            }
            _ => {}
        }
        vec![writes]
    }

    fn rename(&self, entry: &mut Write) {
        let Change::Put(item) = &mut entry.change else {
            return;
        };
        for list in ["objects", "quarantine", "events"] {
            let objects = item.get_mut(list).and_then(Value::as_array_mut);
            for object in objects.into_iter().flatten() {
                if let Some(name) = object["name"].as_str() {
                    object["name"] = self.objects.name(name).into();
                }
            }
        }
    }

    async fn send(
        &self,
        token: Option<&str>,
        writes: Vec<Write>,
    ) -> Result<Option<Item>, StoreError> {
        match token {
            Some(token) => self.inner.transact(token, writes).await.map(|()| None),
            None => match writes.into_iter().next() {
                Some(write) => self.inner.write(write).await,
                None => Ok(None),
            },
        }
    }

    /// A worker that believes its last write goes on from what it finds.
    async fn refreshed(&self, mut writes: Vec<Write>) -> Result<Vec<Write>, StoreError> {
        let Some(first) = writes.first_mut() else {
            return Ok(writes);
        };
        let is_believed = self
            .believed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&first.key);
        if is_believed {
            let found = self.inner.get(std::slice::from_ref(&first.key)).await?;
            let version = found.into_iter().flatten().next();
            let version = version
                .and_then(|item| item.get("v")?.as_u64())
                .unwrap_or(0);
            first.condition = Condition::Equal("v", version.into());
            if let Change::Update(sets) = &mut first.change {
                sets.retain(|set| !matches!(set, Set::To("v", _)));
                sets.push(Set::To("v", (version + 1).into()));
            }
        }
        Ok(writes)
    }

    async fn changed(
        &self,
        token: Option<&str>,
        writes: Vec<Write>,
    ) -> Result<Option<Item>, StoreError> {
        let first = writes[0].clone();
        if self.variant == Variant::LeaseWithoutFence && is_lease(&first) {
            let write = Write {
                condition: Condition::Always,
                ..first
            };
            return self.inner.write(write).await;
        }
        if self.variant == Variant::HintBeforeRelease
            && set_to(&first, "lease").and_then(Value::as_i64) == Some(0)
            && let (Some(version), Some(stage)) = (set_to(&first, "v"), set_to(&first, "st"))
            && stage == "RUN"
        {
            let message = Message::Look {
                stage: Stage::UserScan,
                key: first.key.clone(),
                version: version.as_u64().unwrap_or(0),
                ticket: None,
            };
            // Its place in the order is what is wrong; whether it arrives does not matter here.
            drop(self.queue.send(&message, Duration::ZERO).await);
        }
        let is_end_of_run = first.key.sk.starts_with("R#")
            && token.is_none()
            && set_to(&first, "st").is_some_and(|state| state == "DONE");
        if self.variant == Variant::OnlyLastFunctionClosesRun
            && is_end_of_run
            && !self.has_finished.load(Ordering::Relaxed)
        {
            return Err(StoreError::Refused {
                index: 0,
                current: None,
            });
        }
        let writes = self.refreshed(writes).await?;
        let mut answer = Ok(None);
        for (number, part) in self.bent(writes, token.is_some()).into_iter().enumerate() {
            let token = token.map(|token| format!("{token}.{number}"));
            answer = self.send(token.as_deref(), part.clone()).await;
            if let (Err(StoreError::Unknown), Some(token)) = (&answer, &token) {
                answer = self.misjudged(token, &part).await;
            }
            if answer.is_err() {
                break;
            }
            let counts = |set: &Set| matches!(set, Set::Add("fin", _));
            if part.iter().any(|write| sets(write).iter().any(counts)) {
                self.has_finished.store(true, Ordering::Relaxed);
            }
        }
        self.objects.flush().await;
        self.tables.flush().await;
        answer
    }

    /// What a worker makes of a lost answer when it does not look.
    async fn misjudged(&self, token: &str, part: &[Write]) -> Result<Option<Item>, StoreError> {
        match self.variant {
            Variant::LostAnswerIsFailure => {
                let again = |write: &Write| Write {
                    condition: Condition::Always,
                    ..write.clone()
                };
                let again = part.iter().map(again).collect();
                let token = format!("{token}!");
                self.inner.transact(&token, again).await.map(|()| None)
            }
            Variant::LostAnswerIsSuccess => {
                let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
                believed.push(part[0].key.clone());
                Ok(None)
            }
            _ => Err(StoreError::Unknown),
        }
    }
}

/// The listing goes on behind the newest thing that it was shown, instead of at the end of its window.
fn largest_time(writes: &mut [Write]) {
    let available = |write: &Write| match &write.change {
        Change::Put(item) => Some(item.get("content")?.get("available")?.as_str()?.to_string()),
        _ => None,
    };
    let Some(largest) = writes.iter().filter_map(available).max() else {
        return;
    };
    let Some(Write {
        change: Change::Update(sets),
        ..
    }) = writes.first_mut()
    else {
        return;
    };
    for set in sets {
        if let Set::To("cur", cursor) = set
            && let Some(tile) = cursor.get_mut("tile")
            && tile.as_str().is_some_and(|tile| tile > largest.as_str())
        {
            *tile = Value::from(largest.clone());
        }
    }
    // Its entry covers what the cursor has passed.
    for entry in writes.iter_mut().filter(|write| is_entry(write)) {
        if let Change::Put(item) = &mut entry.change {
            item.insert("to".into(), Value::from(largest.clone()));
        }
    }
}

#[async_trait]
impl StateStore for WrongTable {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let mut found = self.inner.get(keys).await?;
        if self.variant == Variant::PauseIgnored {
            for item in found.iter_mut().flatten() {
                if let Some(state) = item
                    .get_mut("state")
                    .filter(|state| state["state"] == "paused")
                {
                    *state = serde_json::json!({ "state": "connected" });
                }
            }
        }
        if self.variant == Variant::SameIncarnationAgain {
            let past = keys
                .iter()
                .zip(&mut found)
                .filter(|(key, _)| key.sk == "PAST");
            past.for_each(|(_, item)| *item = None);
        }
        if self.variant == Variant::UnitsCreatedAgain {
            // Nobody looks whether a bundle is known already.
            let is_bundle = |key: &Key| key.pk.contains("#U#") && !key.pk.ends_with("#files");
            for (_, item) in keys
                .iter()
                .zip(&mut found)
                .filter(|(key, _)| is_bundle(key))
            {
                *item = None;
            }
        }
        Ok(found)
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.changed(None, vec![write]).await
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.changed(Some(token), writes).await.map(drop)
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        self.inner.query(query).await
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.inner.due(partition, up_to, limit).await
    }
}
