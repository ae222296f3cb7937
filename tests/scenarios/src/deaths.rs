//! The process dies, before or after any call to a port, and the next one goes on: nothing is lost, nothing doubled.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::ports::{
    ObjectError, ObjectStore, Query, Rng, StateStore, StoreError, Transport,
};
use casbah_model::state::{Item, Key, Keyed, Write};
use casbah_model::transport::{Request, Response, TransportError};
use casbah_pipeline::ledger::verify;
use casbah_platform_local::{Ended, LocalSystem, SeededRng, Until};
use casbah_simulators::simulated::Simulated;

use crate::world::{World, assert_whole, in_virtual_time, small};

/// Counts calls and, at the fatal one, never answers again.
pub struct Fate {
    calls: AtomicU64,
    fatal: u64,
    pub died: tokio::sync::Notify,
}

impl Fate {
    pub fn after(calls: u64) -> Arc<Fate> {
        Arc::new(Fate {
            calls: AtomicU64::new(0),
            fatal: calls,
            died: tokio::sync::Notify::new(),
        })
    }

    async fn step(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) >= self.fatal {
            self.died.notify_one();
            pending::<()>().await;
        }
    }
}

/// A port that dies before its effect at one fatal call, and after it at the next.
struct Mortal<P: ?Sized> {
    inner: Arc<P>,
    fate: Arc<Fate>,
}

#[async_trait]
impl StateStore for Mortal<dyn StateStore> {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.fate.step().await;
        let written = self.inner.write(write).await;
        self.fate.step().await;
        written
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.fate.step().await;
        let written = self.inner.transact(token, writes).await;
        self.fate.step().await;
        written
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

#[async_trait]
impl ObjectStore for Mortal<dyn ObjectStore> {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        self.fate.step().await;
        let stored = self.inner.put(name, content).await;
        self.fate.step().await;
        stored
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.inner.get(name).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.fate.step().await;
        let deleted = self.inner.delete(name).await;
        self.fate.step().await;
        deleted
    }
}

#[async_trait]
impl Transport for Mortal<dyn Transport> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.fate.step().await;
        self.inner.send(request).await
    }
}

pub fn mortal(mut system: LocalSystem, fate: &Arc<Fate>) -> LocalSystem {
    let fate = || Arc::clone(fate);
    system.ctx.state = Arc::new(Mortal {
        inner: system.ctx.state,
        fate: fate(),
    });
    system.ctx.objects = Arc::new(Mortal {
        inner: system.ctx.objects,
        fate: fate(),
    });
    system.ctx.transport = Arc::new(Mortal {
        inner: system.ctx.transport,
        fate: fate(),
    });
    system
}

/// Lives many short lives in one folder until one of them reaches the end; returns how many there were.
pub async fn live_and_die<S: Simulated + 'static>(
    world: &World<S>,
    components: &[&str],
    seed: u64,
    longest: u64,
) -> u64 {
    live_and_die_in(world, || world.open(), components, seed, longest).await
}

/// The same, each life in a system that `open` makes.
pub async fn live_and_die_in<S: Simulated + 'static>(
    world: &World<S>,
    open: impl Fn() -> LocalSystem,
    components: &[&str],
    seed: u64,
    longest: u64,
) -> u64 {
    let rng = SeededRng::new(seed);
    for life in 0.. {
        assert!(life < 400, "it does not get on");
        let fate = Fate::after(20 + rng.next_u64() % longest);
        let system = mortal(open(), &fate);
        let whole = async {
            world.connect(&system, components).await;
            system.run(Until::CaughtUp, pending()).await.expect("a run")
        };
        let ended = tokio::select! {
            biased;
            () = fate.died.notified() => None,
            ended = whole => Some(ended),
        };
        if let Some(ended) = ended {
            assert_eq!(ended, Ended::CaughtUp);
            return life;
        }
    }
    unreachable!("the loop above ends by returning or by its assertion")
}

#[test]
fn a_process_that_dies_again_and_again_ends_with_everything_once() {
    for seed in 1..=6 {
        in_virtual_time(async {
            let world = World::new(small(seed));
            let lives = live_and_die(&world, &["all"], seed, 700).await;
            assert!(lives >= 3, "only {lives} deaths");
            let system = world.open();
            assert_whole(&world, &system).await;
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert_eq!(
                (verified.repeated, verified.faults),
                (0, vec![]),
                "seed {seed}"
            );
        });
    }
}
