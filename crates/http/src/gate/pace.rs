//! How fast to send now: pure functions of the bucket (throttle design, sections 4 and 10).

use super::bucket::{Bucket, Mode};
use super::limit::{Limit, SPED_MARGIN_MIN};

/// Growth constant far below a known limit, in seconds (throttle design, section 4).
pub const FAST_GROWTH_S: f64 = 60.0;
/// How long the place where the limit was met is believed (throttle design, section 3, `hi`).
pub const MET_BELIEVED_MS: i64 = 20 * 60_000;
/// How much below the place where the limit was met we go (throttle design, section 4).
pub const BELOW_MET: f64 = 0.985;
/// A slow start doubles in this time (throttle design, section 4).
const DOUBLING_S: f64 = 15.0;
/// Where growth ends without a ceiling: pace grows by the clock, also while nobody sends, and must
/// not come back from a quiet night as a flood.
const UNCAPPED_PACE_MAX: f64 = 1000.0;
const UNCAPPED_GROWTH_MAX: f64 = 4.0;
/// Headers may raise the pace above the ceiling, at most to this multiple (throttle design, section
/// 4).
const TOLD_FACTOR_MAX: f64 = 2.0;
/// Bounds of the slow growth constant, in seconds, and its factor: one probe costs about `1 + pace
/// x RTT` rejected calls, and 1500 keeps that within 0.1 % (throttle design, section 4).
const GROWTH_S: (f64, f64) = (240.0, 3600.0);
const GROWTH_FACTOR: f64 = 1500.0;
/// No speed-up for an hour after a 429 (throttle design, section 10).
const SPED_AFTER_HIT_MS: i64 = 3_600_000;
/// Part of the calls in flight that speed-up may plan with; the rest is for answers slower than the
/// average.
const SPED_IN_FLIGHT: f64 = 0.8;

/// Flat for a while, then probing faster and faster.
pub fn growth(elapsed_ms: i64, constant_s: f64) -> f64 {
    let turns = elapsed_ms.max(0) as f64 / 1000.0 / constant_s;
    1.0 + 0.015 * turns.powi(3)
}

/// The slow growth constant in seconds, for calls of `cost` units at `pace`.
pub fn growth_constant(limit: &Limit, rtt_s: f64, cost: f64, pace: f64) -> f64 {
    match limit.growth {
        Some(constant) => constant.as_secs_f64(),
        None => (GROWTH_FACTOR * (rtt_s + cost / pace)).clamp(GROWTH_S.0, GROWTH_S.1),
    }
}

impl Bucket {
    /// Units per second of the whole bucket, without what headers say.
    pub fn base_pace(&self, now_ms: i64) -> f64 {
        let elapsed_ms = now_ms - self.pace_ms;
        let ceiling = self.cap.unwrap_or(UNCAPPED_PACE_MAX);
        match self.mode {
            Mode::Cap => ceiling,
            Mode::Slow => {
                let doublings = elapsed_ms.max(0) as f64 / 1000.0 / DOUBLING_S;
                ceiling.min(self.pace * doublings.min(60.0).exp2())
            }
            Mode::Learnt => {
                let most = self
                    .cap
                    .unwrap_or(UNCAPPED_GROWTH_MAX * self.pace.max(self.best_pace));
                let recovered = self.pace * self.fast_growth(elapsed_ms);
                most.min(recovered).min(self.below_met(now_ms))
            }
        }
    }

    /// Units per second of the whole bucket.
    pub fn pace_at(&self, now_ms: i64) -> f64 {
        let base = self.base_pace(now_ms);
        if now_ms < self.told_until_ms {
            self.told_pace.min(TOLD_FACTOR_MAX * base)
        } else {
            base
        }
    }

    /// The pace at which the limit was met, while it is believed.
    pub fn believed(&self, now_ms: i64) -> Option<f64> {
        self.met.filter(|_| now_ms < self.met_ms + MET_BELIEVED_MS)
    }

    /// What the place where the limit was met allows: creeping while it is believed, fast growth
    /// from there on.
    ///
    /// The design lets go of it from one moment to the next. Fast growth had then run ahead unseen
    /// for 20 minutes, and a limit that nobody documents was met at four times its pace.
    fn below_met(&self, now_ms: i64) -> f64 {
        let Some(met) = self.met else {
            return f64::INFINITY;
        };
        let ends_ms = self.met_ms + MET_BELIEVED_MS;
        let creeping = growth(now_ms.min(ends_ms) - self.pace_ms, self.growth_s);
        BELOW_MET * met * creeping * self.fast_growth(now_ms - ends_ms)
    }

    /// Also 60 s where the slow constant is longer; a profile with a shorter one sets both
    /// (throttle design, section 9).
    fn fast_growth(&self, elapsed_ms: i64) -> f64 {
        let constant_s = if self.growth_s > 0.0 {
            self.growth_s.min(FAST_GROWTH_S)
        } else {
            FAST_GROWTH_S
        };
        growth(elapsed_ms, constant_s)
    }

    pub fn is_at_cap(&self, now_ms: i64) -> bool {
        self.cap
            .is_some_and(|cap| self.base_pace(now_ms) >= cap * (1.0 - 1e-9))
    }
}

/// How many times faster a full slice that starts at `from_ms` (virtual) may be spent; 1 where
/// section 10 forbids it.
///
/// A window stays level only while all its slices are spent alike, so after slices that were even
/// (part slices, an hour without speed-up) the speed rises slowly. Between two slices a window
/// apart, at speeds `m` and `m'`, a window that ends inside the second sees at most `slice x pace x
/// (m' - m) / m` units too many; this keeps it to half of the margin. Everybody computes the same
/// speed from the item.
pub fn speed(bucket: &Bucket, limit: &Limit, from_ms: i64, rtt_s: f64) -> f64 {
    let now_ms = from_ms + bucket.shift_ms;
    let most = f64::from(limit.speed_up);
    let pace = bucket.pace_at(now_ms) / f64::from(limit.track_count());
    let fits = most * pace * rtt_s <= limit.in_flight as f64 * limit.first_cost * SPED_IN_FLIGHT;
    let is_allowed = most > 1.0 && limit.margin() >= SPED_MARGIN_MIN && limit.has_aligned_slices();
    if !is_allowed || !fits || !bucket.is_at_cap(now_ms) {
        return 1.0;
    }
    let after_part = (bucket.part_slice_ms > 0).then_some(from_ms - bucket.part_slice_ms);
    let after_hit = (bucket.hit_ms > 0).then_some(now_ms - bucket.resumed_ms - SPED_AFTER_HIT_MS);
    let Some(even_ms) = [after_part, after_hit].into_iter().flatten().min() else {
        return most;
    };
    let windows = even_ms.max(0) as f64 / limit.window_ms() as f64;
    let rise = 0.5 * limit.margin() * limit.window_ms() as f64 / limit.slice_ms() as f64;
    (rise * windows).exp().min(most)
}
