//! The budget of a day, which is the second window of some limits (throttle design, section 7).
//!
//! Slices run at the full pace of the short window until the budget less a reserve is used up. The
//! reserve is what steady polling will still need until the day ends; it shrinks with the day, so
//! slices are handed out again as soon as it has released enough for one, and polling never waits
//! for the next day.

use casbah_model::state::{Condition, Set};

use super::bucket::{Bucket, TAILS};
use super::operations::AHEAD_MAX_MS;

pub const DAY_MS: i64 = 24 * 3_600_000;
/// Reserve at the start of the day (throttle design, section 7).
const RESERVE: f64 = 0.15;

/// Part of the budget that stays unused: workers die with what they have not counted.
const MARGIN: f64 = 0.003;

/// Units that may have been used by `now_ms` for another slice to be handed out.
pub fn units_max(bucket: &Bucket, units: f64, now_ms: i64) -> f64 {
    let left = (bucket.day_ms + DAY_MS - now_ms).clamp(0, DAY_MS) as f64 / DAY_MS as f64;
    units * (1.0 - MARGIN - RESERVE * left)
}

/// What an acquire counts for the day.
pub struct Count {
    /// Units used since the last write.
    pub used: f64,
    /// Length of the slice that is acquired.
    pub length_ms: i64,
}

/// Part of a day's budget that one slice may hold at most: what is left at the day's end without
/// being enough for a slice stays unused.
const SLICE_SHARE: f64 = 0.01;

/// The longest slice that a budget of `units` a day allows, in milliseconds.
pub fn slice_ms_max(bucket: &Bucket, units: f64, now_ms: i64) -> i64 {
    (SLICE_SHARE * units / track_pace(bucket, now_ms) * 1000.0).max(1.0) as i64
}

/// Units that must be left for a slice: those it may use, and those that come to light with it.
pub fn needed_units(bucket: &Bucket, count: &Count, now_ms: i64) -> f64 {
    count.used.max(0.0) + slice_units(bucket, count.length_ms, now_ms)
}

fn slice_units(bucket: &Bucket, length_ms: i64, now_ms: i64) -> f64 {
    track_pace(bucket, now_ms) * length_ms as f64 / 1000.0
}

fn track_pace(bucket: &Bucket, now_ms: i64) -> f64 {
    bucket.base_pace(now_ms) / bucket.tails.len().max(1) as f64
}

/// Units that slices handed out already may still use: they are counted one slice later.
pub fn handed_out(bucket: &Bucket, now_ms: i64) -> f64 {
    let earliest_ms = bucket.earliest_ms(now_ms);
    let ahead_ms: i64 = bucket
        .tails
        .iter()
        .map(|tail| (tail - earliest_ms).max(0))
        .sum();
    slice_units(bucket, ahead_ms, now_ms)
}

/// When the budget, with `needed` units on top of what is used, is open again: at the latest when
/// the day ends.
pub fn opens_ms(bucket: &Bucket, units: f64, needed: f64) -> i64 {
    let share = (bucket.day_used + needed) / units;
    let left = ((1.0 - MARGIN - share) / RESERVE).clamp(0.0, 1.0);
    bucket.day_ms + ((1.0 - left) * DAY_MS as f64) as i64
}

pub fn is_over(bucket: &Bucket, now_ms: i64) -> bool {
    now_ms >= bucket.day_ms + DAY_MS
}

/// The condition and the changes that count, into a new day when the old one is over.
pub fn count(bucket: &Bucket, units: f64, count: &Count, now_ms: i64) -> (Condition, Vec<Set>) {
    let is_this_day = Condition::Equal("dd", bucket.day_ms.into());
    if is_over(bucket, now_ms) {
        let days = (now_ms - bucket.day_ms) / DAY_MS;
        let start = bucket.day_ms + days * DAY_MS;
        return (
            is_this_day,
            vec![
                Set::To("du", count.used.into()),
                Set::To("dd", start.into()),
            ],
        );
    }
    let needed = needed_units(bucket, count, now_ms);
    let most = units_max(bucket, units, now_ms) - handed_out(bucket, now_ms) - needed;
    let mut conditions = vec![is_this_day, Condition::LessOrEqual("du", most.into())];
    let reach = slice_units(bucket, AHEAD_MAX_MS, now_ms) * bucket.tails.len() as f64;
    if most - bucket.day_used < reach {
        // Slices that others have acquired meanwhile could use up the rest.
        conditions.extend(TAILS.iter().zip(&bucket.tails).map(|(name, tail)| {
            let is_known = Condition::LessOrEqual(name, (*tail).into());
            Condition::Any(vec![is_known, Condition::Absent(name)])
        }));
    }
    (
        Condition::All(conditions),
        vec![Set::Add("du", count.used.into())],
    )
}
