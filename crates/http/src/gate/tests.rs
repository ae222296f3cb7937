//! Each formula by itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use super::Signs;
use super::bucket::{Bucket, Mode};
use super::day;
use super::holder::Holder;
use super::leaving::rounded;
use super::limit::Limit;
use super::operations::{self, Want};
use super::pace;
use super::slice::Slice;
use super::told::{Reading, Told};

/// Some time in 2025, in epoch milliseconds.
pub const NOW: i64 = 1_748_736_000_000;
pub const MINUTE: i64 = 60_000;

pub fn limit(units: f64, window_s: u64) -> Limit {
    Limit {
        bucket: "mgmt",
        units,
        share: 1.0,
        window: Duration::from_secs(window_s),
        day_units: None,
        margin: None,
        in_flight: 32,
        tracks: 1,
        slice: None,
        speed_up: 1,
        costs: &[("users", 2.0)],
        first_cost: 1.0,
        growth: None,
        version: 1,
    }
}

pub fn per_minute() -> Limit {
    limit(2000.0, 60)
}

pub fn near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-6 * right.abs().max(1.0)
}

#[test]
fn sizes_follow_from_the_limit() {
    let check = |name, limit: Limit, margin: f64, slice_ms| {
        assert!(
            (limit.margin() - margin).abs() < 0.0005,
            "{name}: margin {}",
            limit.margin()
        );
        assert_eq!(limit.slice_ms(), slice_ms, "{name}");
    };
    check("2000/min", per_minute(), 0.01, 10_000);
    check(
        "5000 RU/10 s",
        Limit {
            first_cost: 2.0,
            ..limit(5000.0, 10)
        },
        0.01,
        10_000,
    );
    check("600/min", limit(600.0, 60), 0.01, 20_000);
    check("5 per 10 s", limit(5.0, 10), 0.025, 10_256);
    check(
        "1250 RU/min",
        Limit {
            first_cost: 2.0,
            ..limit(1250.0, 60)
        },
        0.01,
        20_000,
    );
    check(
        "sped up",
        Limit {
            speed_up: 4,
            ..per_minute()
        },
        0.015,
        10_000,
    );
    check(
        "as told",
        Limit {
            margin: Some(0.1),
            slice: Some(Duration::from_secs(7)),
            ..per_minute()
        },
        0.1,
        7_000,
    );
}

#[test]
fn a_slice_divides_its_window_or_is_a_multiple_of_it() {
    for (units, window_s) in [
        (2000.0, 60),
        (100.0, 60),
        (50_000.0, 300),
        (300.0, 300),
        (4000.0, 10),
        (40.0, 1),
    ] {
        let limit = limit(units, window_s);
        let (slice, window) = (limit.slice_ms(), limit.window_ms());
        assert!(
            window % slice <= 1 || slice % window == 0,
            "{units} in {window_s} s: {slice}"
        );
    }
}

#[test]
fn costs_are_documented_or_the_first_guess() {
    assert_eq!(per_minute().cost("users"), 2.0);
    assert_eq!(per_minute().cost("groups"), 1.0);
}

#[test]
fn growth_is_flat_first_and_fast_later() {
    assert!(near(pace::growth(60_000, 60.0), 1.015));
    assert!(near(pace::growth(600_000, 60.0), 16.0));
    assert!(near(pace::growth(-5, 60.0), 1.0));
}

#[test]
fn the_pace_follows_the_mode() {
    let limit = per_minute();
    let cap = 2000.0 / 60.0 * 0.99;
    let bucket = Bucket::new(&limit, NOW);
    assert!(near(bucket.pace_at(NOW + MINUTE), cap));
    let slow = Bucket {
        mode: Mode::Slow,
        pace: 5.0,
        ..bucket.clone()
    };
    assert!(near(slow.pace_at(NOW + 30_000), 20.0));
    assert!(near(slow.pace_at(NOW + 600_000), cap));
    let learnt = Bucket {
        mode: Mode::Learnt,
        pace: 10.0,
        growth_s: 500.0,
        ..bucket
    };
    assert!(near(learnt.pace_at(NOW + MINUTE), 10.15));
    let met = Bucket {
        met: Some(10.2),
        met_ms: NOW,
        ..learnt
    };
    assert!(near(
        met.pace_at(NOW + MINUTE),
        10.2 * 0.985 * pace::growth(MINUTE, 500.0)
    ));
    // After 20 minutes the place is no longer believed, and the pace recovers from there.
    assert!(met.pace_at(NOW + 20 * MINUTE) < 12.3);
    assert!(near(met.pace_at(NOW + 25 * MINUTE), cap));
}

#[test]
fn an_undocumented_limit_starts_slowly_and_does_not_come_back_as_a_flood() {
    let limit = limit(0.0, 60);
    let bucket = Bucket::new(&limit, NOW);
    assert_eq!((bucket.mode, bucket.cap), (Mode::Slow, None));
    assert!(near(bucket.pace_at(NOW), 5.0));
    let learnt = Bucket {
        mode: Mode::Learnt,
        pace: 8.0,
        ..bucket
    };
    assert!(near(learnt.pace_at(NOW + day::DAY_MS), 32.0));
}

#[test]
fn a_limit_that_was_not_met_for_twenty_minutes_is_not_overrun_at_once() {
    let limit = limit(0.0, 60);
    let learnt = Bucket {
        mode: Mode::Learnt,
        pace: 20.0,
        met: Some(25.0),
        met_ms: NOW,
        growth_s: 500.0,
        ..Bucket::new(&limit, NOW)
    };
    let paces: Vec<f64> = (0..3000)
        .map(|second| learnt.pace_at(NOW + 1000 * second))
        .collect();
    let leap = paces.windows(2).map(|pair| pair[1] / pair[0]);
    assert!(leap.fold(1.0, f64::max) < 1.02);
    assert!(near(paces[2999], 4.0 * 20.0));
}

#[test]
fn fresh_headers_decide_up_to_twice_the_pace() {
    let bucket = Bucket::new(&limit(600.0, 60), NOW);
    let told = |told_pace| Bucket {
        told_pace,
        told_until_ms: NOW + 10_000,
        ..bucket.clone()
    };
    assert!(near(told(3.0).pace_at(NOW), 3.0));
    assert!(near(told(99.0).pace_at(NOW), 2.0 * 9.9));
    assert!(near(told(3.0).pace_at(NOW + 10_000), 9.9));
}

#[test]
fn the_growth_constant_keeps_probing_rare() {
    let limit = per_minute();
    assert!(near(
        pace::growth_constant(&limit, 0.3, 1.0, 33.0),
        1500.0 * (0.3 + 1.0 / 33.0)
    ));
    assert!(near(pace::growth_constant(&limit, 0.01, 1.0, 500.0), 240.0));
    assert!(near(pace::growth_constant(&limit, 9.0, 1.0, 1.0), 3600.0));
    let told = Limit {
        growth: Some(Duration::from_secs(3)),
        ..limit
    };
    assert!(near(pace::growth_constant(&told, 0.3, 1.0, 33.0), 3.0));
}

#[test]
fn speed_up_rises_slowly_after_even_slices() {
    let limit = Limit {
        speed_up: 4,
        in_flight: 64,
        ..per_minute()
    };
    let speed = |bucket: &Bucket, limit: &Limit| pace::speed(bucket, limit, NOW, 0.3);
    let bucket = Bucket::new(&limit, NOW - MINUTE);
    assert_eq!(speed(&bucket, &limit), 4.0);
    assert_eq!(
        speed(
            &bucket,
            &Limit {
                margin: Some(0.01),
                ..limit.clone()
            }
        ),
        1.0
    );
    assert_eq!(
        speed(
            &bucket,
            &Limit {
                slice: Some(Duration::from_secs(7)),
                ..limit.clone()
            }
        ),
        1.0
    );
    assert_eq!(
        speed(
            &bucket,
            &Limit {
                in_flight: 32,
                ..limit.clone()
            }
        ),
        1.0
    );
    let after_part = Bucket {
        part_slice_ms: NOW - MINUTE,
        ..bucket.clone()
    };
    assert!(near(speed(&after_part, &limit), 0.045_f64.exp()));
    let after_hit = Bucket {
        hit_ms: NOW - 3_000_000,
        resumed_ms: NOW - 3_000_000,
        ..bucket.clone()
    };
    assert_eq!(speed(&after_hit, &limit), 1.0);
    assert_eq!(
        speed(
            &Bucket {
                mode: Mode::Learnt,
                pace: 9.0,
                pace_ms: NOW,
                ..bucket
            },
            &limit
        ),
        1.0
    );
}

#[test]
fn slices_grow_with_demand() {
    let limit = per_minute();
    let lengths: Vec<i64> = (0..5)
        .scan(0, |last, _| {
            *last = Slice::wanted_ms(&limit, *last, None, 1.0 / 33.0);
            Some(*last)
        })
        .collect();
    assert_eq!(lengths, [242, 968, 3872, 10_000, 10_000]);
}

#[test]
fn a_slice_is_acquired_for_the_calls_that_are_expected() {
    let limit = limit(2000.0, 60);
    let wanted = |expected| Slice::wanted_ms(&limit, 240, Some(expected), 0.03);
    assert_eq!((wanted(1), wanted(100)), (30, 3_000));
    assert_eq!(wanted(0), wanted(1), "a call that nobody expected");
    assert_eq!(wanted(100_000), limit.slice_ms());
}

#[test]
fn interactive_calls_take_their_turn_where_a_window_holds_one_call() {
    for (units, expected) in [(1.0, false), (2.0, true), (2000.0, true)] {
        assert_eq!(limit(units, 1).has_interactive_way(), expected, "{units}");
    }
}

#[test]
fn the_header_pace_uses_the_window_up() {
    let reading = |remaining, reset_ms| Reading {
        limit: 600.0,
        remaining,
        reset_ms,
    };
    let told = Told::update(None, reading(300.0, NOW + 30_000), 1.0, NOW);
    assert!(near(told.pace(6.0, NOW), (300.0 - 6.0 - 2.0) / 30.0));
    assert_eq!(told.pace(400.0, NOW), 0.0);
    // The reset is the earliest estimate, others' use is what the calls do not explain.
    let told = Told::update(Some(told), reading(290.0, NOW + 30_900), 1.0, NOW + 1000);
    assert_eq!(told.reset_ms, NOW + 30_000);
    let others = 9.0 * (1.0 - (-0.2_f64).exp());
    assert!(near(
        told.pace(0.0, NOW + 1000),
        (290.0 - 2.0 - 0.4 * others) / 29.0
    ));
    // An answer that was overtaken does not bring units back.
    let late = Told::update(
        Some(told.clone()),
        reading(295.0, NOW + 30_100),
        1.0,
        NOW + 1100,
    );
    assert!(late.pace(0.0, NOW + 1100) < told.pace(0.0, NOW + 1100));
    let next = Told::update(Some(late), reading(599.0, NOW + 90_000), 1.0, NOW + 30_100);
    assert_eq!(next.reset_ms, NOW + 90_000);
}

#[test]
fn headers_do_not_raise_the_pace_of_a_share() {
    let limit = Limit {
        share: 0.5,
        ..limit(25.0, 60)
    };
    let after = |remaining| {
        let mut holder = Holder::new(&limit, None);
        holder.learn(&limit, Bucket::new(&limit, NOW), NOW);
        let trip = holder.send_interactive(&limit, "logs", NOW as f64);
        let signs = Signs {
            limit: Some(600.0),
            remaining: Some(remaining),
            reset: Some(Duration::from_secs(30)),
            ..Signs::default()
        };
        holder.answered(&limit, &trip, &signs, NOW as f64);
        holder.known.expect("a bucket")
    };
    let bucket = after(400.0);
    assert!(near(bucket.cap_units, 300.0));
    // Half a minute is left and 400 calls are, of which others may not have theirs: still only our half a minute.
    assert!(near(
        bucket.told_pace,
        300.0 / 60.0 * (1.0 - limit.margin())
    ));
    assert!(near(bucket.pace_at(NOW), bucket.base_pace(NOW)));
    // Others have used nearly everything up: what is left is shared out over the rest of the window.
    assert!(near(after(32.0).told_pace, (32.0 - 2.0) / 30.0));
    assert_eq!(after(1.0).told_pace, 0.0);
}

#[test]
fn the_day_keeps_a_reserve_that_shrinks() {
    let bucket = Bucket {
        day_ms: NOW,
        day_used: 900_000.0,
        ..Bucket::default()
    };
    assert!(near(day::units_max(&bucket, 1e6, NOW), 847_000.0));
    assert!(near(
        day::units_max(&bucket, 1e6, NOW + day::DAY_MS / 2),
        922_000.0
    ));
    let opens = day::opens_ms(&bucket, 1e6, 22_000.0);
    assert!((opens - NOW - day::DAY_MS / 2).abs() <= 1);
    assert!(near(
        day::units_max(&bucket, 1e6, NOW + day::DAY_MS),
        997_000.0
    ));
    assert_eq!(day::opens_ms(&bucket, 1e6, 200_000.0), NOW + day::DAY_MS);
}

/// One seed of four once sent 15 calls more than a day's budget.
#[test]
fn a_slice_is_acquired_only_if_the_day_holds_all_of_it() {
    let limit = Limit {
        day_units: Some(40_000.0),
        ..per_minute()
    };
    let evening = NOW + day::DAY_MS - 1;
    let check = |name, day_used, tail_ms: i64, is_acquired| {
        let bucket = Bucket {
            day_used,
            tails: vec![evening + tail_ms],
            ..Bucket::new(&limit, NOW)
        };
        let key = Bucket::key(&limit, "c1.1", None);
        let want = Want {
            track: 0,
            own: None,
            length_ms: 10_000,
            used: 30.0,
            extras: Vec::new(),
        };
        let write = operations::acquire_used(&key, &bucket, &limit, &want, evening);
        let holds = |bucket: &Bucket| write.condition.holds(Some(&bucket.item()));
        assert_eq!(holds(&bucket), is_acquired, "{name}");
        let overtaken = Bucket {
            tails: vec![evening + tail_ms + 10_000],
            ..bucket
        };
        assert!(!holds(&overtaken), "{name}: another slice was handed out");
    };
    // Ten seconds are 330 calls, and 30 come to light with this acquire.
    check("room for the slice", 39_519.0, 0, true);
    check("no room for all of it", 39_521.0, 0, false);
    check("room beside another slice", 39_189.0, 10_000, true);
    check("no room beside another slice", 39_191.0, 10_000, false);
}

/// Left out at each of thousands of steps, they added up to two percent of a day's budget.
#[test]
fn few_units_are_counted_with_their_share_of_probability() {
    let check = |units, chance, counted: f64| assert_eq!(rounded(units, 10.0, chance), counted);
    check(12.0, 0.9, 12.0);
    check(3.0, 0.29, 10.0);
    check(3.0, 0.31, 0.0);
    check(-3.0, 0.29, -10.0);
    check(0.0, 0.0, 0.0);
}

#[test]
fn the_item_keeps_its_shape_and_size() {
    let mut bucket = Bucket::new(
        &Limit {
            tracks: 8,
            ..per_minute()
        },
        NOW,
    );
    bucket.met = Some(31.234_567_890_1);
    bucket.cost = (0..10)
        .map(|class| (format!("endpoint-{class}"), 1.234_567_8))
        .collect();
    let item = bucket.item();
    assert_eq!(
        Bucket::read(
            &item,
            &Limit {
                tracks: 8,
                ..per_minute()
            }
        )
        .unwrap(),
        bucket
    );
    assert!(serde_json::to_string(&item).unwrap().len() < 1024);
}
