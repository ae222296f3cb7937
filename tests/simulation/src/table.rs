//! The table as a function sees it: slow, silent, busy, and behind in its index.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use casbah_model::ports::{Query, StateStore, StoreError};
use casbah_model::state::{Item, Key, Keyed, Write};

use crate::fault::Fault;
use crate::invocation::{Fate, Invocation, Manner, Perils};
use crate::watch::Applied;

const WRITES: Perils = Perils {
    slow: Fault::TableSlow,
    fails: Fault::TableBusy,
    silent: Some(Fault::TableSilent),
    answer_lost: Fault::TableAnswerLost,
    late: Some(Fault::TableLate),
    draws: 1,
};
/// A read that is lost is read again; only that it fails or takes its time can be seen.
const READS: Perils = Perils {
    slow: Fault::TableSlow,
    fails: Fault::TableBusy,
    silent: None,
    answer_lost: Fault::TableSilent,
    late: None,
    draws: 1,
};

pub struct FaultyTable {
    pub inner: Arc<dyn StateStore>,
    pub invocation: Arc<Invocation>,
}

impl FaultyTable {
    async fn read<T: Send + 'static>(
        &self,
        what: &str,
        effect: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.invocation.call(&READS, what, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed => Err(StoreError::Busy),
            Fate::Unknown => Err(StoreError::Unknown),
        }
    }

    /// Writes through the watch, so that whatever takes effect is checked in the order in which it does.
    async fn changed(
        &self,
        token: Option<String>,
        writes: Vec<Write>,
    ) -> Result<Option<Item>, StoreError> {
        let what = summary(&writes);
        let invocation = Arc::clone(&self.invocation);
        let (inner, sent) = (Arc::clone(&self.inner), writes.clone());
        let is_applied = Arc::new(AtomicBool::new(false));
        let applied = Arc::clone(&is_applied);
        let effect = |manner| async move {
            let answer = apply(&*inner, &invocation, token, sent, manner).await;
            applied.store(answer.is_ok(), Ordering::Relaxed);
            answer
        };
        let watch = &self.invocation.world.watch;
        match self.invocation.call(&WRITES, &what, effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed => Err(StoreError::Busy),
            Fate::Unknown => {
                watch.answer_lost(&writes, is_applied.load(Ordering::Relaxed));
                Err(StoreError::Unknown)
            }
        }
    }
}

/// Lets the adapter do it, and tells the watch what came of it.
async fn apply(
    inner: &dyn StateStore,
    invocation: &Invocation,
    token: Option<String>,
    writes: Vec<Write>,
    manner: Manner,
) -> Result<Option<Item>, StoreError> {
    let watch = &invocation.world.watch;
    let expected = watch.expect(token.as_deref(), &writes);
    let answer = match &token {
        Some(token) => inner.transact(token, writes.clone()).await.map(|()| None),
        None => inner.write(writes[0].clone()).await,
    };
    let applied = match &answer {
        Ok(_) => Applied::Yes,
        Err(StoreError::Refused { index, .. }) => Applied::Refused(*index),
        Err(_) => Applied::No,
    };
    if manner == Manner::Late {
        watch.came_late(applied, expected);
    }
    watch.wrote(
        invocation.number,
        token.as_deref(),
        &writes,
        applied,
        expected,
    );
    answer
}

/// The keys of a write, for the log.
fn summary(writes: &[Write]) -> String {
    let mut text = String::new();
    for (number, write) in writes.iter().enumerate() {
        if number == 3 {
            text += &format!(" and {} more", writes.len() - number);
            break;
        }
        text += if number > 0 { ", " } else { "" };
        text += &write.key.to_string();
    }
    text
}

#[async_trait]
impl StateStore for FaultyTable {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let (inner, asked) = (Arc::clone(&self.inner), keys.to_vec());
        let effect = async move { inner.get(&asked).await };
        self.read("get", effect).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.changed(None, vec![write]).await
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.changed(Some(token.to_string()), writes)
            .await
            .map(drop)
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        let inner = Arc::clone(&self.inner);
        self.read("query", async move { inner.query(query).await })
            .await
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        let world = &self.invocation.world;
        if world.faults.strikes(Fault::IndexLag) {
            let number = self.invocation.number;
            world.watch.note(number, Fault::IndexLag.name(), partition);
            return Ok(world.watch.due_before(partition, up_to, limit));
        }
        let (inner, partition) = (Arc::clone(&self.inner), partition.to_string());
        let effect = async move { inner.due(&partition, up_to, limit).await };
        self.read("due", effect).await
    }
}
