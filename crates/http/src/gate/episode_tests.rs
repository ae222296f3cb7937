//! The rules about 429s, one by one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use super::bucket::{Bucket, Mode};
use super::episode::{self, Report};
use super::limit::Limit;
use super::tests::{MINUTE, NOW, near, per_minute};

#[test]
fn the_pause_is_what_the_vendor_asks_for_or_doubles() {
    let limit = per_minute();
    let check = |name, bucket: &Bucket, after_s: Option<u64>, tries, wait_ms| {
        let report = episode::report(bucket, &limit, after_s.map(Duration::from_secs), NOW);
        let expected = Report {
            is_first: bucket.is_open == 0,
            tries,
            probe_ms: NOW + wait_ms,
            reopens_ms: NOW + wait_ms + 600,
            shift_ms: wait_ms + 600 - (bucket.reopens_ms - NOW).max(0),
        };
        assert_eq!(report, expected, "{name}");
    };
    let calm = Bucket::new(&limit, NOW - MINUTE);
    check("first, silent", &calm, None, 0, 500);
    check("first, told", &calm, Some(7), 0, 7000);
    let again = Bucket {
        hit_ms: NOW - 9000,
        resumed_ms: NOW - 1000,
        tries: 1,
        ..calm.clone()
    };
    check("right after a resume", &again, None, 2, 2000);
    let open = Bucket {
        is_open: 1,
        tries: 3,
        reopens_ms: NOW + 600,
        ..calm.clone()
    };
    check("failed probe", &open, None, 4, 8000);
    check("failed probe, told less", &open, Some(1), 4, 8000);
    let many = Bucket {
        is_open: 1,
        tries: 40,
        ..calm
    };
    check("never more than half a window", &many, None, 41, 30_000);
}

/// A bucket at the end of an episode: resumed `lasted_s` before the 429, paused for `pause_s`.
pub fn hit(limit: &Limit, pace: f64, lasted_s: f64, pause_s: f64) -> Bucket {
    let hit_ms = NOW - (pause_s * 1000.0) as i64;
    let resumed_ms = hit_ms - (lasted_s * 1000.0) as i64;
    Bucket {
        is_open: 1,
        hit_ms,
        hit_pace: pace,
        reopens_ms: NOW,
        ..Bucket::new(limit, resumed_ms)
    }
}

fn after(bucket: &Bucket) -> Bucket {
    episode::resume(bucket, &per_minute(), 0.3, 1.0, NOW)
}

#[test]
fn a_long_pause_says_nothing_about_the_pace() {
    let bucket = hit(&per_minute(), 33.0, 20.0, 7200.0);
    assert!(near(after(&bucket).pace_at(NOW), 33.0));
}

#[test]
fn slow_start_ends_at_the_first_429() {
    let bucket = Bucket {
        mode: Mode::Slow,
        cap: None,
        ..hit(&per_minute(), 20.0, 30.0, 5.0)
    };
    let after = after(&bucket);
    assert_eq!(after.mode, Mode::Learnt);
    assert!(near(after.pace, 20.0 * 0.36));
    assert_eq!(after.quiet_until_ms, NOW + MINUTE);
}

#[test]
fn old_bursts_do_not_count() {
    let bucket = Bucket {
        quiet_until_ms: NOW + 1,
        ..hit(&per_minute(), 33.0, 20.0, 5.0)
    };
    assert!(near(after(&bucket).pace_at(NOW), 33.0));
    let sped = Bucket {
        sped_until_ms: NOW + 1,
        ..hit(&per_minute(), 33.0, 20.0, 14.0)
    };
    assert!(near(after(&sped).pace_at(NOW), 33.0));
    assert!(
        after(&Bucket {
            quiet_until_ms: 0,
            ..bucket
        })
        .pace_at(NOW)
            < 33.0
    );
}

#[test]
fn a_hit_after_two_good_windows_trims_the_cap_once_an_hour() {
    let bucket = hit(&per_minute(), 33.0, 300.0, 2.0);
    let once = after(&bucket);
    assert!(
        near(once.cap.unwrap(), 33.0 * 0.995)
            && near(once.pace, 33.0 * 0.985)
            && once.met.is_none()
    );
    let twice = after(&Bucket {
        cap_trimmed_ms: NOW - MINUTE,
        ..bucket
    });
    assert!(near(twice.cap.unwrap(), 33.0));
}

#[test]
fn two_early_hits_that_agree_tell_the_limit() {
    let bucket = hit(&per_minute(), 33.0, 30.0, 30.0);
    let first = after(&bucket);
    assert!(near(first.pace, 0.97 * 33.0) && first.met.is_none());
    assert!(near(first.last_estimate, 16.5));
    let second = after(&Bucket {
        early_hits: 1,
        last_estimate: 16.5,
        ..bucket.clone()
    });
    assert!(near(second.met.unwrap(), 16.5) && near(second.pace, 0.985 * 16.5));
    let other = after(&Bucket {
        early_hits: 1,
        last_estimate: 25.0,
        ..bucket
    });
    assert!(other.met.is_none());
}

#[test]
fn a_hit_below_the_known_limit_lowers_it_a_little() {
    let known = Bucket {
        met: Some(20.0),
        met_ms: NOW - MINUTE,
        mode: Mode::Learnt,
        ..hit(&per_minute(), 19.7, 40.0, 3.0)
    };
    let after = after(&known);
    assert!(near(after.met.unwrap(), 19.8) && near(after.pace, 0.97 * 19.7));
    assert_eq!(after.hits_below, 1);
}

#[test]
fn hits_that_slowing_down_does_not_stop_are_independent_of_the_pace() {
    let known = Bucket {
        met: Some(20.0),
        met_ms: NOW - MINUTE,
        hits_below: 3,
        mode: Mode::Learnt,
        ..hit(&per_minute(), 15.0, 40.0, 3.0)
    };
    let free = after(&known);
    assert_eq!((free.mode, free.met), (Mode::Cap, None));
    assert_eq!(free.independent_until_ms, NOW + 30 * MINUTE);
    let again = Bucket {
        is_open: 1,
        hit_ms: NOW + 40_000,
        hit_pace: 33.0,
        reopens_ms: NOW + 43_000,
        ..free
    };
    let kept = episode::resume(&again, &per_minute(), 0.3, 1.0, NOW + 43_000);
    assert!(near(kept.pace_at(NOW + 43_000), 33.0));
}

/// Six more 429s after these times; the bucket afterwards.
fn independent_hits(times_s: [f64; 6]) -> Bucket {
    let limit = per_minute();
    let mut now_ms = NOW;
    let mut bucket = Bucket::new(&limit, NOW);
    bucket.independent_until_ms = NOW + 30 * MINUTE;
    bucket.chance.start_ms = NOW;
    for lasted_s in times_s {
        let hit_ms = bucket.resumed_ms + (lasted_s * 1000.0) as i64;
        now_ms = hit_ms + 20_000;
        let open = Bucket {
            is_open: 1,
            hit_ms,
            hit_pace: 33.0,
            reopens_ms: now_ms,
            ..bucket
        };
        bucket = episode::resume(&open, &limit, 0.3, 1.0, now_ms);
    }
    assert!(bucket.resumed_ms == now_ms);
    bucket
}

#[test]
fn a_limit_answers_after_the_same_time_and_chance_does_not() {
    let limit = independent_hits([40.0, 41.0, 39.0, 40.0, 42.0, 40.0]);
    assert!(near(limit.met.unwrap(), 33.0 * 40.0 / 60.0));
    assert!(limit.chance.ruled_out_ms > limit.resumed_ms);
    let chance = independent_hits([12.0, 90.0, 45.0, 150.0, 20.0, 70.0]);
    assert!(chance.met.is_none() && near(chance.pace_at(chance.resumed_ms), 33.0));
    let shorts = independent_hits([2.0, 3.0, 2.0, 40.0, 40.0, 40.0]);
    assert!(shorts.mode == Mode::Learnt);
}
