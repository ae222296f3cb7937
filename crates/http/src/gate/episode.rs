//! Episodes: what a 429 does to the time line, and what the pace learns when it ends (throttle
//! design, section 5).
//!
//! If the limit really is below our pace, `pace x f` is the limit, `f` being the share of time
//! between two resumes in which calls were answered; if the 429s come from the vendor's own load,
//! `f` says nothing. The rules tell apart.

use std::time::Duration;

use super::bucket::{Bucket, Chance, Mode};
use super::limit::{Limit, ms};
use super::pace::{BELOW_MET, growth_constant};

/// The probe goes this long before everybody else.
const PROBE_LEAD_MS: i64 = 600;
/// A 429 this soon after a resume continues the episode before.
const SAME_EPISODE_MS: i64 = 1500;
/// Who probes after the pause resumes within this; the time from resume to resume is what tells the
/// limit.
const PROMPT_MS: i64 = 2000;
const DAILY_S: f64 = 3600.0;
const HOUR_MS: i64 = 3_600_000;
const INDEPENDENT_MS: i64 = 30 * 60_000;
/// Slow start: by the time of the first 429 the window holds what 21.6 s at that pace make
/// (doubling each 15 s).
const SLOW_START_S: f64 = 21.6;
/// Hits below the known limit in a row after which lower paces are known not to help.
const HITS_BELOW: u32 = 4;
/// 429s that come this soon after a resume look like a limit.
const SHORT_S: f64 = 10.0;
const SHORTS_IN_A_ROW: u32 = 3;
/// So many pauses tell chance from a limit, by how much the times before them vary.
const CHANCE_COUNT: u32 = 6;
const CHANCE_VARIATION: f64 = 0.3;
const CHANCE_MEAN_S: f64 = 90.0;
const CAP_TRIM: f64 = 0.995;
/// A hit below the known limit lowers it by at most this much: few enough for chance to be found
/// out before.
const MET_STEP: f64 = 0.99;
/// Two estimates of the limit agree within this.
const AGREE: f64 = 0.15;
/// Never below this part of the documented rate.
const FLOOR: f64 = 0.02;

/// What a 429 does: the item's fields after the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub is_first: bool,
    pub tries: u32,
    /// When the reporter probes.
    pub probe_ms: i64,
    pub reopens_ms: i64,
    /// How far the time line moves.
    pub shift_ms: i64,
}

pub fn report(
    bucket: &Bucket,
    limit: &Limit,
    retry_after: Option<Duration>,
    now_ms: i64,
) -> Report {
    let is_first = bucket.is_open == 0;
    let continues =
        !is_first || (bucket.hit_ms > 0 && now_ms - bucket.resumed_ms < SAME_EPISODE_MS);
    let tries = if continues {
        bucket.tries.saturating_add(1)
    } else {
        0
    };
    let backoff_s = 0.5 * f64::from(tries.min(30)).exp2();
    let wait_ms = match retry_after {
        Some(told) => ms(told).max((backoff_s.min(limit.window_s() / 4.0) * 1000.0) as i64),
        None => (backoff_s.min(limit.window_s() / 2.0) * 1000.0) as i64,
    };
    let probe_ms = now_ms.saturating_add(wait_ms.clamp(500, RETRY_AFTER_MAX_MS));
    let reopens_ms = bucket.reopens_ms.max(probe_ms + PROBE_LEAD_MS);
    Report {
        is_first,
        tries,
        probe_ms,
        reopens_ms,
        shift_ms: reopens_ms - now_ms.max(bucket.reopens_ms),
    }
}

/// A vendor that asks for more than two days is asked again after two: the longest documented
/// window is a day, and a garbled header must not close a bucket for good.
const RETRY_AFTER_MAX_MS: i64 = 48 * HOUR_MS;

/// One episode as the rules see it.
struct Episode {
    /// Seconds from the last resume to the first 429.
    lasted_s: f64,
    /// Seconds that the vendor's pause took.
    pause_s: f64,
    /// Share of the time in which calls were answered.
    share: f64,
    pace: f64,
    window_s: f64,
    met: Option<f64>,
    is_near: bool,
    is_below: bool,
}

impl Episode {
    fn of(bucket: &Bucket, limit: &Limit, now_ms: i64) -> Episode {
        let lasted_s = (bucket.hit_ms - bucket.resumed_ms).max(0) as f64 / 1000.0;
        // A bucket that nobody came to reopen says nothing about the vendor.
        let ended_ms = now_ms.min(bucket.reopens_ms + PROMPT_MS);
        let pause_s = (ended_ms - bucket.hit_ms).max(1) as f64 / 1000.0;
        let met = bucket.believed(now_ms);
        let is_near = met.is_some_and(|met| bucket.hit_pace >= 0.995 * met);
        Episode {
            lasted_s,
            pause_s,
            share: lasted_s / (lasted_s + pause_s),
            pace: bucket.hit_pace,
            window_s: limit.window_s(),
            met,
            is_near,
            is_below: met.is_some() && !is_near && lasted_s >= 5.0,
        }
    }
}

impl Episode {
    /// Where the limit is believed after a hit below it.
    ///
    /// `pace x f` is some percent too high when the pause or the answers took longer than usual.
    /// Without this the pace came back to the same too high place again and again, until its own
    /// hits were taken as independent.
    fn lowered_met(&self) -> Option<f64> {
        self.met.map(|met| met.min(self.pace.max(MET_STEP * met)))
    }
}

/// The bucket after the episode.
///
/// `rtt_s` and `cost` are what the holder has seen lately; they only size the slow growth.
pub fn resume(before: &Bucket, limit: &Limit, rtt_s: f64, cost: f64, now_ms: i64) -> Bucket {
    let episode = Episode::of(before, limit, now_ms);
    let mut bucket = before.clone();
    bucket.is_open = 0;
    bucket.resumed_ms = now_ms;
    bucket.last_hit_ms = before.hit_ms;
    // A pause is no time to grow in.
    bucket.pace_ms = before.pace_ms + (now_ms - before.hit_ms).max(0);
    if episode.pause_s > DAILY_S {
        return bucket;
    }
    if episode.lasted_s >= 60.0 {
        bucket.best_pace = bucket.best_pace.max(episode.pace);
    }
    bucket.hits_below = match (episode.is_near, episode.is_below) {
        (true, _) => 0,
        (_, true) => bucket.hits_below + 1,
        _ => bucket.hits_below,
    };
    let learnt = judge(&mut bucket, limit, &episode, now_ms);
    if let Some(learnt) = learnt {
        let floor = FLOOR * limit.documented_pace();
        bucket.mode = Mode::Learnt;
        bucket.pace = learnt.pace.max(floor);
        bucket.pace_ms = now_ms;
        bucket.growth_s = growth_constant(limit, rtt_s, cost, bucket.pace);
        if let Some(met) = learnt.met {
            bucket.met = Some(met.max(floor));
            bucket.met_ms = now_ms;
        }
    }
    bucket
}

/// A new pace, and the place where the limit was met if that was learnt too.
struct Learnt {
    pace: f64,
    met: Option<f64>,
}

impl Learnt {
    fn below(met: f64) -> Option<Learnt> {
        Some(Learnt {
            pace: BELOW_MET * met,
            met: Some(met),
        })
    }

    fn pace(pace: f64) -> Option<Learnt> {
        Some(Learnt { pace, met: None })
    }
}

/// Rules 2 to 8, first match wins; `None` keeps the pace.
fn judge(bucket: &mut Bucket, limit: &Limit, episode: &Episode, now_ms: i64) -> Option<Learnt> {
    let Episode {
        lasted_s,
        pause_s,
        window_s,
        pace,
        ..
    } = *episode;
    if bucket.mode == Mode::Slow {
        bucket.quiet_until_ms = now_ms + limit.window_ms();
        return Learnt::pace(pace * (SLOW_START_S / window_s).min(1.0));
    }
    let is_old_burst = now_ms < bucket.quiet_until_ms && pause_s < window_s;
    if is_old_burst || (now_ms < bucket.sped_until_ms && pause_s < window_s / 4.0) {
        return None;
    }
    if bucket.hits_below >= HITS_BELOW && now_ms >= bucket.chance.ruled_out_ms {
        return take_as_independent(bucket, now_ms);
    }
    if now_ms < bucket.independent_until_ms {
        if lasted_s >= SHORT_S {
            return count_chance(bucket, episode, now_ms);
        }
        bucket.chance.shorts += 1;
        if bucket.chance.shorts < SHORTS_IN_A_ROW {
            return None;
        }
        rule_out_chance(bucket, now_ms);
        return judge_early(bucket, episode);
    }
    if lasted_s >= 2.0 * window_s.max(30.0) {
        return judge_late(bucket, episode, now_ms);
    }
    judge_early(bucket, episode)
}

/// Rule 4: slowing down has not helped.
fn take_as_independent(bucket: &mut Bucket, now_ms: i64) -> Option<Learnt> {
    bucket.independent_until_ms = now_ms + INDEPENDENT_MS;
    bucket.chance = Chance {
        start_ms: now_ms,
        ..Chance::default()
    };
    (bucket.met, bucket.hits_below, bucket.early_hits) = (None, 0, 0);
    if bucket.cap.is_some() {
        bucket.mode = Mode::Cap;
        return None;
    }
    Learnt::pace(bucket.best_pace.max(bucket.pace))
}

/// Rule 5: a limit answers after the same time each time, chance does not.
fn count_chance(bucket: &mut Bucket, episode: &Episode, now_ms: i64) -> Option<Learnt> {
    let chance = &mut bucket.chance;
    chance.shorts = 0;
    chance.count += 1;
    chance.sum_s += episode.lasted_s;
    chance.squares += episode.lasted_s.powi(2);
    let count = f64::from(chance.count);
    let mean = chance.sum_s / count;
    let deviation = (chance.squares / count - mean.powi(2)).max(0.0).sqrt();
    if chance.count >= CHANCE_COUNT && deviation < CHANCE_VARIATION * mean {
        rule_out_chance(bucket, now_ms);
        return Learnt::below(episode.pace * episode.share);
    }
    if (now_ms - chance.start_ms) as f64 / 1000.0 <= CHANCE_MEAN_S * count {
        bucket.independent_until_ms = now_ms + INDEPENDENT_MS;
    }
    None
}

fn rule_out_chance(bucket: &mut Bucket, now_ms: i64) {
    bucket.independent_until_ms = 0;
    bucket.chance = Chance {
        ruled_out_ms: now_ms + HOUR_MS,
        ..Chance::default()
    };
}

/// Rule 7: two windows went well, so the limit is not below our pace.
fn judge_late(bucket: &mut Bucket, episode: &Episode, now_ms: i64) -> Option<Learnt> {
    bucket.early_hits = 0;
    match bucket.cap {
        Some(cap) if episode.pace >= 0.995 * cap => {
            if now_ms - bucket.cap_trimmed_ms >= HOUR_MS {
                bucket.cap = Some(cap * CAP_TRIM);
                bucket.cap_trimmed_ms = now_ms;
            }
            Learnt::pace(BELOW_MET * episode.pace.min(cap))
        }
        Some(_) if !episode.is_near => Learnt::below(episode.lowered_met()?),
        _ => Learnt::below(episode.pace),
    }
}

/// Rule 8: the limit may be well below our pace, or there was bad luck.
fn judge_early(bucket: &mut Bucket, episode: &Episode) -> Option<Learnt> {
    let Episode {
        lasted_s,
        pause_s,
        share,
        pace,
        is_near,
        is_below,
        ..
    } = *episode;
    let estimate = pace * share;
    let agrees =
        (estimate - bucket.last_estimate).abs() <= AGREE * bucket.last_estimate || lasted_s < 15.0;
    bucket.early_hits += 1;
    bucket.last_estimate = estimate;
    let cut = match () {
        () if lasted_s < 1.5 => 0.9,
        () if pause_s < 2.5 => (1.0 + share) / 2.0,
        () => share,
    };
    if is_below {
        let is_quick = lasted_s < 15.0;
        let below = Learnt {
            pace: 0.97 * pace,
            met: episode.lowered_met(),
        };
        return if is_quick {
            Learnt::below(pace * cut.max(0.7))
        } else {
            Some(below)
        };
    }
    if is_near || (bucket.early_hits >= 2 && agrees) {
        return Learnt::below(pace * cut.max(if is_near { 0.9 } else { 0.4 }));
    }
    Learnt::pace(0.97 * pace)
}
