//! How long answers take, and how many are under way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::chance::{Stream, draw, fraction};

/// How long an answer takes: evenly spread between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    pub min: Duration,
    pub max: Duration,
}

impl Latency {
    pub const NONE: Latency = Latency {
        min: Duration::ZERO,
        max: Duration::ZERO,
    };

    /// The time of one answer, by its number.
    pub fn of(self, seed: u64, number: u64) -> Duration {
        let share = fraction(draw(seed, Stream::Latency, number));
        self.min + self.max.saturating_sub(self.min).mul_f64(share)
    }
}

/// The calls that are being answered.
#[derive(Default)]
pub struct Flights {
    now: AtomicU64,
    peak: AtomicU64,
}

/// Counts a call for as long as it lives.
pub struct Flight<'a>(&'a Flights);

impl Flights {
    pub fn begin(&self) -> Flight<'_> {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Flight(self)
    }

    /// Calls under way.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// The most calls at one time.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}
