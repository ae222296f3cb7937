//! An exclusive slice of a track's time line, `[from, to)` in virtual time.

use super::limit::Limit;

#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    pub track: usize,
    pub from_ms: i64,
    pub to_ms: i64,
    /// How many times faster than the bucket's pace it is spent.
    pub speed: f64,
    /// Units sent in it.
    pub used: f64,
    pub is_begun: bool,
    /// Holds no further call.
    pub is_spent: bool,
    /// Starts where the slice before it, of the same holder, ends.
    pub follows: bool,
}

/// The first slice of an invocation is worth this many calls, each further one `GROWTH` times the
/// one before.
///
/// An invocation that tests a connection or reads one page makes one to three calls; a full slice
/// would keep everybody else from the limit for ten seconds. A scan is at full slices after four
/// writes.
const FIRST_CALLS: f64 = 8.0;
const GROWTH: i64 = 4;
/// Shorter slices would need a write for a handful of calls.
const LENGTH_MIN_MS: i64 = 200;

impl Slice {
    pub fn new(track: usize, from_ms: i64, to_ms: i64) -> Slice {
        Slice {
            track,
            from_ms,
            to_ms,
            speed: 1.0,
            used: 0.0,
            is_begun: false,
            is_spent: false,
            follows: false,
        }
    }

    /// How long the next slice should be after one of `last_ms` (0 before the first), at `call_s`
    /// seconds per call: worth the calls that are `expected`, or growing when nobody knows.
    pub fn wanted_ms(limit: &Limit, last_ms: i64, expected: Option<usize>, call_s: f64) -> i64 {
        let full = limit.slice_ms();
        let worth_ms = |calls: f64| (calls * call_s * 1000.0).min(full as f64);
        let wanted = match expected {
            // A call that nobody expected needs a slice that holds one, or it would be acquired for without end.
            Some(calls) => (worth_ms(calls.max(1) as f64).ceil() as i64).max(1),
            None if last_ms > 0 => last_ms.saturating_mul(GROWTH).max(LENGTH_MIN_MS),
            None => (worth_ms(FIRST_CALLS) as i64).max(LENGTH_MIN_MS),
        };
        wanted.min(full)
    }

    /// Whether a sped-up slice has room for `cost` more units, its budget being what the even pace
    /// would make of it.
    pub fn has_room(&self, cost: f64, even_pace: f64) -> bool {
        self.speed <= 1.0 || self.used + cost <= even_pace * self.length_ms() as f64 / 1000.0
    }

    /// Where a holder that kept an even pace would stand after what was used.
    pub fn even_ms(&self, pace: f64) -> i64 {
        self.from_ms + (self.used / pace * 1000.0) as i64
    }

    pub fn length_ms(&self) -> i64 {
        self.to_ms - self.from_ms
    }

    /// Only full slices repeat with the window, so only they may be sped up.
    pub fn is_full(&self, limit: &Limit) -> bool {
        self.length_ms() == limit.slice_ms()
    }

    /// When the last call of the slice must have been sent, in virtual time.
    ///
    /// A sped-up slice is over when its budget would be spent: what a late holder has missed stays
    /// unsent, because the same burst sent later would meet the next one within one window.
    pub fn last_send_ms(&self, limit: &Limit) -> i64 {
        if self.speed <= 1.0 {
            return self.to_ms;
        }
        let burst_ms = self.length_ms() as f64 / self.speed;
        self.to_ms
            .min(self.from_ms + (burst_ms + limit.catch_ms() / self.speed) as i64)
    }
}
