//! Time and chance: tokio's paused clock, workers' clocks that are off, and seeded numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::ports::{Clock, Rng};
use casbah_model::{SignedDuration, Timestamp};

use crate::invariants::Invariants;

/// 2025-06-01T00:00:00Z.
const BASE_S: i64 = 1_748_736_000;

/// The true time; must be made inside a runtime whose time is paused.
pub struct VirtualClock(tokio::time::Instant);

impl VirtualClock {
    pub fn start() -> VirtualClock {
        VirtualClock(tokio::time::Instant::now())
    }

    pub fn now_s(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let base = Timestamp::from_second(BASE_S).expect("a time within jiff's range");
        base + self.0.elapsed()
    }

    async fn sleep_until(&self, until: Timestamp) {
        let wait = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
        tokio::time::sleep(wait).await;
    }
}

/// A worker's clock: off by its skew, and every wait is held against the promise.
pub struct WorkerClock {
    pub truth: Arc<VirtualClock>,
    pub skew: SignedDuration,
    pub worker: usize,
    pub invariants: Arc<Mutex<Invariants>>,
}

impl WorkerClock {
    pub fn now_ms(&self) -> f64 {
        self.now().as_duration().as_secs_f64() * 1000.0
    }
}

#[async_trait]
impl Clock for WorkerClock {
    fn now(&self) -> Timestamp {
        self.truth.now() + self.skew
    }

    async fn sleep_until(&self, until: Timestamp) {
        let wait = until.duration_since(self.now());
        self.invariants
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .waits(self.worker, self.now_ms(), wait.as_secs_f64() * 1000.0);
        self.truth.sleep_until(until - self.skew).await;
    }
}

/// SplitMix64.
pub struct SeededRng(AtomicU64);

impl SeededRng {
    pub fn new(seed: u64) -> SeededRng {
        SeededRng(AtomicU64::new(seed))
    }

    pub fn uniform(&self, least: f64, most: f64) -> f64 {
        least + self.fraction() * (most - least)
    }

    /// About normal, with standard deviation 1: the sum of twelve numbers in `[0, 1)`, less 6.
    pub fn normal(&self) -> f64 {
        (0..12).map(|_| self.fraction()).sum::<f64>() - 6.0
    }
}

impl Rng for SeededRng {
    fn next_u64(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

pub(crate) async fn sleep(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds.max(0.0))).await;
}
