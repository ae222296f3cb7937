//! What a store of objects does that fails: the run ends or waits, and nothing is lost.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::ports::{ObjectError, ObjectStore};
use casbah_platform_local::{Ended, LocalSystem, Until};

use crate::world::{World, assert_whole, in_virtual_time, show, small};

async fn run(system: &LocalSystem) -> Ended {
    system.run(Until::CaughtUp, pending()).await.expect("a run")
}

/// A disk that is full after some objects, until there is room again.
struct SmallDisk {
    inner: Arc<dyn ObjectStore>,
    room: AtomicU64,
}

#[async_trait]
impl ObjectStore for SmallDisk {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        if self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| {
                room.checked_sub(1)
            })
            .is_err()
        {
            return Err(ObjectError::Unusable {
                reason: "the disk is full".into(),
            });
        }
        self.inner.put(name, content).await
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
        self.inner.delete(name).await
    }
}

#[test]
fn a_disk_that_fills_ends_the_run_and_loses_nothing() {
    in_virtual_time(async {
        let world = World::new(small(60));
        let mut system = world.open();
        let disk = Arc::new(SmallDisk {
            inner: Arc::clone(&system.ctx.objects),
            room: AtomicU64::new(25),
        });
        system.ctx.objects = Arc::clone(&disk) as _;
        world.connect(&system, &["all"]).await;
        let ended = system
            .run(Until::CaughtUp, pending())
            .await
            .expect_err("the disk is full");
        assert!(
            ended.chain().contains("the disk is full"),
            "{}",
            ended.chain()
        );
        disk.room.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(run(&system).await, Ended::CaughtUp);
        assert_whole(&world, &system).await;
    });
}

/// An object store that fails every so often, before or after its effect.
struct Flaky {
    inner: Arc<dyn ObjectStore>,
    puts: AtomicU64,
}

#[async_trait]
impl ObjectStore for Flaky {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        let number = self.puts.fetch_add(1, Ordering::Relaxed);
        let failed = || ObjectError::Unavailable {
            name: name.into(),
            reason: "no answer".into(),
        };
        if number % 7 == 3 {
            return Err(failed());
        }
        self.inner.put(name, content).await?;
        if number % 7 == 5 {
            Err(failed())
        } else {
            Ok(())
        }
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
        self.inner.delete(name).await
    }
}

#[test]
fn objects_that_cannot_be_stored_now_and_then_cost_time_and_no_record() {
    in_virtual_time(async {
        let world = World::new(small(66));
        let mut system = world.open();
        let inner = Arc::clone(&system.ctx.objects);
        system.ctx.objects = Arc::new(Flaky {
            inner,
            puts: AtomicU64::new(0),
        });
        world.connect(&system, &["all"]).await;
        assert_eq!(
            run(&system).await,
            Ended::CaughtUp,
            "{}",
            show(&system).await
        );
        assert_whole(&world, &system).await;
        let verified = casbah_pipeline::ledger::verify(&system.ctx, None)
            .await
            .expect("objects");
        assert_eq!((verified.repeated, verified.faults), (0, vec![]));
    });
}
