//! The budget of a day, which is the second window of some limits (throttle design, section 7).
//!
//! Slices run at the full pace of the short window until the budget less a reserve is used up. The
//! reserve is what steady polling will still need until the day ends; it shrinks with the day, so
//! slices are handed out again as soon as it has released enough for one, and polling never waits
//! for the next day.

use casbah_model::state::{Condition, Set};

use super::bucket::Bucket;

pub const DAY_MS: i64 = 24 * 3_600_000;
/// Reserve at the start of the day (throttle design, section 7).
const RESERVE: f64 = 0.15;

/// Units that may have been used by `now_ms` for another slice to be handed out.
pub fn units_max(bucket: &Bucket, units: f64, now_ms: i64) -> f64 {
    let left = (bucket.day_ms + DAY_MS - now_ms).clamp(0, DAY_MS) as f64 / DAY_MS as f64;
    units * (1.0 - RESERVE * left)
}

/// Units that slices handed out already may still use: they are counted one slice later.
pub fn handed_out(bucket: &Bucket, now_ms: i64) -> f64 {
    let earliest_ms = bucket.earliest_ms(now_ms);
    let ahead_ms: i64 = bucket
        .tails
        .iter()
        .map(|tail| (tail - earliest_ms).max(0))
        .sum();
    bucket.base_pace(now_ms) * ahead_ms as f64 / 1000.0 / bucket.tails.len().max(1) as f64
}

/// When the budget, with `needed` units on top of what is used, is open again: at the latest when
/// the day ends.
pub fn opens_ms(bucket: &Bucket, units: f64, needed: f64) -> i64 {
    let share = (bucket.day_used + needed) / units;
    let left = ((1.0 - share) / RESERVE).clamp(0.0, 1.0);
    bucket.day_ms + ((1.0 - left) * DAY_MS as f64) as i64
}

pub fn is_over(bucket: &Bucket, now_ms: i64) -> bool {
    now_ms >= bucket.day_ms + DAY_MS
}

/// The condition and the changes that count `used` units, into a new day when the old one is over.
pub fn count(bucket: &Bucket, units: f64, used: f64, now_ms: i64) -> (Condition, Vec<Set>) {
    let is_this_day = Condition::Equal("dd", bucket.day_ms.into());
    if is_over(bucket, now_ms) {
        let days = (now_ms - bucket.day_ms) / DAY_MS;
        let start = bucket.day_ms + days * DAY_MS;
        return (
            is_this_day,
            vec![Set::To("du", used.into()), Set::To("dd", start.into())],
        );
    }
    let most = units_max(bucket, units, now_ms) - handed_out(bucket, now_ms);
    let is_open = Condition::LessOrEqual("du", most.into());
    (
        Condition::All(vec![is_this_day, is_open]),
        vec![Set::Add("du", used.into())],
    )
}
