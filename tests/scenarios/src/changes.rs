//! A connection is changed while a function is at work on it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::connection::ConnectionSettings;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{Delivery, Query, Queue, QueueError, Receipt, StateStore, StoreError};
use casbah_model::secret::Secret;
use casbah_model::state::{Item, Key, Keyed, Write};
use casbah_pipeline::{Context, connect};
use casbah_platform_local::{Ended, LocalSystem, Until};

use crate::world::{World, assert_whole, in_virtual_time, show, small};

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
        curated: ctx.curated.clone(),
        settings: ctx.settings,
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
