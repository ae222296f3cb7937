//! A connection is changed while a function is at work on it.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::connection::ConnectionSettings;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{Delivery, Query, Queue, QueueError, Receipt, StateStore, StoreError};
use casbah_model::secret::Secret;
use casbah_model::state::{Condition, Item, Key, Keyed, Set, Write};
use casbah_pipeline::{Context, connect};
use casbah_platform_local::{Ended, LocalSystem, Until};

use crate::world::{World, assert_whole, in_virtual_time, name, show, small};

/// A table that loses the first commit of the stream `feeds`; in the same moment somebody chooses more components.
struct Meddling {
    inner: Arc<dyn StateStore>,
    somebody: Context,
    settings: ConnectionSettings,
    secret: Secret,
    is_over: AtomicBool,
}

#[async_trait]
impl StateStore for Meddling {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.inner.write(write).await
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let is_start_of_feeds = writes.len() > 1 && writes[0].key.sk == "S#feeds";
        if is_start_of_feeds && !self.is_over.swap(true, Ordering::Relaxed) {
            connect::connect(&self.somebody, &self.settings, &self.secret)
                .await
                .expect("a change");
            return Err(StoreError::Unknown);
        }
        self.inner.transact(token, writes).await
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

/// A queue that takes no message: hints may be lost.
struct Deaf;

#[async_trait]
impl Queue for Deaf {
    async fn send(&self, _: &Message, _: Duration) -> Result<(), QueueError> {
        let reason = "no answer".into();
        Err(QueueError { reason })
    }

    async fn receive(&self, _: Stage, _: usize) -> Result<Vec<Delivery>, QueueError> {
        Ok(vec![])
    }

    async fn delete(&self, _: &Receipt) -> Result<(), QueueError> {
        Ok(())
    }
}

/// A second context over the same ports, for somebody who uses the interface and whose hints are lost.
fn beside(system: &LocalSystem) -> Context {
    let ctx = &system.ctx;
    Context {
        state: Arc::clone(&ctx.state),
        queue: Arc::new(Deaf),
        objects: Arc::clone(&ctx.objects),
        secrets: Arc::clone(&ctx.secrets),
        transport: Arc::clone(&ctx.transport),
        clock: Arc::clone(&ctx.clock),
        rng: Arc::clone(&ctx.rng),
        notifier: Arc::clone(&ctx.notifier),
        metrics: Arc::clone(&ctx.metrics),
        inspector: ctx.inspector.clone(),
        policies: ctx.policies.clone(),
        curated: ctx.curated.clone(),
        settings: ctx.settings,
        policy: ctx.policy.clone(),
        tokens: Arc::default(),
        roots: Default::default(),
        meter: Default::default(),
        stopping: Default::default(),
    }
}

#[test]
fn a_change_is_not_taken_for_a_commit_whose_answer_was_lost() {
    in_virtual_time(async {
        let world = World::new(small(31));
        let mut system = world.open();
        system.ctx.state = Arc::new(Meddling {
            inner: Arc::clone(&system.ctx.state),
            somebody: beside(&system),
            settings: world.settings(&["all"]),
            secret: Secret::new(world.simulator.plan().client_secret.clone()),
            is_over: AtomicBool::new(false),
        });
        world
            .connect(&system, &["users", "management-events"])
            .await;
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        assert_whole(&world, &system).await;
    });
}

/// A table that loses commits of one stream, while somebody else leases it, and does not say what became of them.
struct Silent {
    inner: Arc<dyn StateStore>,
    key: Key,
    /// The stream as the other one has leased it.
    leased: Mutex<Option<Item>>,
}

impl Silent {
    fn leased(&self) -> MutexGuard<'_, Option<Item>> {
        self.leased.lock().expect("no panic before")
    }

    async fn lease(&self) -> Result<(), StoreError> {
        let sets = vec![
            Set::Add("v", 1.into()),
            Set::To("own", "somebody".into()),
            Set::To("lease", i64::MAX.into()),
        ];
        let lease = Write::update(self.key.clone(), Condition::Exists, sets);
        self.inner.write(lease).await?;
        let found = self.inner.get(std::slice::from_ref(&self.key)).await?;
        *self.leased() = found.into_iter().flatten().next();
        Ok(())
    }
}

#[async_trait]
impl StateStore for Silent {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        // The look whether a commit was applied.
        if self.leased().is_some() && keys == [self.key.clone()] {
            return Err(StoreError::Busy);
        }
        self.inner.get(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.inner.write(write).await
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes[0].key != self.key {
            return self.inner.transact(token, writes).await;
        }
        let is_leased = self.leased().is_some();
        if !is_leased {
            self.lease().await?;
        }
        Err(StoreError::Unknown)
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

#[test]
fn a_step_that_does_not_know_what_became_of_its_commit_lets_go_of_nothing() {
    in_virtual_time(async {
        let world = World::new(small(33));
        let mut system = world.open();
        world.connect(&system, &["users", "activities"]).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        let scope = connection.expect("a connection").scope();
        let key = scope.stream("bundles-exchange");
        let inner = Arc::clone(&system.ctx.state);
        let silent = Arc::new(Silent {
            inner: Arc::clone(&inner),
            key: key.clone(),
            leased: Mutex::new(None),
        });
        system.ctx.state = Arc::clone(&silent) as _;
        let later = system.ctx.now() + SignedDuration::from_mins(20);
        let clock = Arc::clone(&system.ctx.clock);
        let ended = system.run(Until::Stopped, clock.sleep_until(later)).await;
        assert_eq!(ended.expect("a run"), Ended::Stopped);
        let leased = silent.leased().clone().expect("a commit");
        let found = inner
            .get(std::slice::from_ref(&key))
            .await
            .expect("a table");
        assert_eq!(found, [Some(leased)]);
    });
}
