//! What an invocation learns: from the item, from answers, from headers (throttle design, section
//! 4).

use casbah_model::state::Set;

use super::bucket::Bucket;
use super::holder::{Holder, Probe, Trip};
use super::limit::{Limit, ms};
use super::told::{Reading, Told};
use super::{Signs, Urgency};

/// Taken as the answer time before the first answer.
const FIRST_RTT_S: f64 = 0.3;
/// Weight of one answer in the average answer time: about the last twenty count.
const WEIGHT: f64 = 0.1;
/// Calls that an average cost counts at most. Few enough to follow a scan into other pages, and
/// many enough that the calls in flight at the end of a slice, whose costs come too late for it, do
/// not add up to more than the margin.
const COST_CALLS: f64 = 100.0;

/// The longest documented window is a day; a header that tells more does not tell milliseconds from
/// seconds.
const RESET_MAX_MS: i64 = 24 * 3_600_000;

/// Average units of a class, and the calls it was made from.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    units: f64,
    calls: f64,
}

impl Holder {
    /// Takes in the item as it was a moment ago.
    pub fn learn(&mut self, limit: &Limit, bucket: Bucket, now_ms: i64) {
        let known_epoch = self.known.as_ref().map(|known| known.epoch);
        if known_epoch.is_some_and(|epoch| bucket.epoch < epoch) {
            // An answer that was overtaken by a report of this invocation.
            return;
        }
        let is_paused = known_epoch.is_some_and(|epoch| bucket.epoch > epoch);
        if is_paused || bucket.is_open == 0 {
            (self.probe, self.probe_ms) = (Probe::Idle, None);
        }
        if is_paused {
            self.paid_ms = self.paid_ms.max(bucket.reopens_ms as f64);
            // What is left of a sped-up slice goes at the plain pace: its head start was spent
            // before the pause.
            self.slice.iter_mut().for_each(|slice| slice.speed = 1.0);
        }
        let seen = self.interactive_seen.unwrap_or(bucket.interactive_repaid);
        let grown = (bucket.interactive_units - seen).clamp(0.0, limit.interactive_units_max());
        self.debt += grown / f64::from(limit.track_count());
        self.interactive_seen = Some(bucket.interactive_units);
        self.known = Some(bucket);
        self.known_ms = now_ms;
        self.apply_told(limit, now_ms);
    }

    fn apply_told(&mut self, limit: &Limit, now_ms: i64) {
        let (Some(told), Some(bucket)) = (&self.told, &mut self.known) else {
            return;
        };
        if now_ms >= told.reset_ms {
            return;
        }
        bucket.told_pace = told.pace(self.in_flight_units, now_ms);
        bucket.told_until_ms = told.reset_ms;
        if told.limit() > 0.0 && (told.limit() - bucket.cap_units).abs() > 0.5 {
            bucket.cap = limit.cap_for(told.limit());
            bucket.cap_units = told.limit();
        }
        // What others leave unused of a shared limit is not ours: headers only slow us down.
        if limit.share < 1.0 {
            let ours = bucket.cap.unwrap_or_else(|| limit.documented_pace());
            bucket.told_pace = bucket.told_pace.min(ours);
        }
    }

    /// Takes in an answer; whether its 429 is to be reported.
    pub fn answered(&mut self, limit: &Limit, trip: &Trip, signs: &Signs, now: f64) -> bool {
        self.arrived(trip, signs.throttled.is_none());
        if signs.throttled.is_none() {
            let took_s = (now - trip.sent_ms) / 1000.0;
            self.rtt_s = Some(
                self.rtt_s
                    .map_or(took_s, |rtt_s| rtt_s + WEIGHT * (took_s - rtt_s)),
            );
        }
        if let Some(units) = signs
            .units
            .filter(|units| units.is_finite() && *units >= 0.0)
        {
            self.learn_cost(limit, trip.class, units);
            self.debt += units - trip.cost;
            self.uncounted += units - trip.cost;
        }
        let finite = |value: &f64| value.is_finite();
        if let (Some(remaining), Some(reset)) = (signs.remaining.filter(finite), signs.reset) {
            let known = self
                .known
                .as_ref()
                .map_or(limit.units, |bucket| bucket.cap_units);
            let reset_ms = now as i64 + ms(reset).min(RESET_MAX_MS);
            let told = signs.limit.filter(finite);
            let reading = Reading {
                limit: told.map_or(known, |told| told * limit.share),
                remaining,
                reset_ms,
            };
            let units = signs.units.unwrap_or(trip.cost);
            self.told = Some(Told::update(self.told.take(), reading, units, now as i64));
            self.apply_told(limit, now as i64);
        }
        let is_news = self
            .known
            .as_ref()
            .is_some_and(|bucket| bucket.epoch == trip.epoch)
            && !self.is_reporting;
        signs.throttled.is_some() && is_news
    }

    /// A call has ended, with an answer or without.
    pub fn arrived(&mut self, trip: &Trip, is_good: bool) {
        if trip.urgency == Urgency::Bulk {
            self.in_flight -= 1;
        }
        self.in_flight_units -= trip.cost;
        let is_current = self
            .known
            .as_ref()
            .is_some_and(|bucket| bucket.epoch == trip.epoch);
        if trip.is_probe && is_current && self.probe == Probe::InFlight {
            self.probe = if is_good { Probe::Passed } else { Probe::Idle };
        }
    }

    fn learn_cost(&mut self, limit: &Limit, class: &'static str, units: f64) {
        let calls = if self.stored_cost(class).is_some() {
            COST_CALLS
        } else {
            0.0
        };
        let first = Cost {
            units: self.cost(limit, class),
            calls,
        };
        let cost = self.costs.entry(class).or_insert(first);
        cost.calls = (cost.calls + 1.0).min(COST_CALLS);
        cost.units += (units - cost.units) / cost.calls;
    }

    pub fn cost(&self, limit: &Limit, class: &str) -> f64 {
        let learnt = self.costs.get(class).map(|cost| cost.units);
        learnt
            .or_else(|| self.stored_cost(class))
            .unwrap_or_else(|| limit.cost(class))
    }

    fn stored_cost(&self, class: &str) -> Option<f64> {
        self.known
            .as_ref()
            .and_then(|bucket| bucket.cost.get(class))
            .copied()
    }

    pub fn rtt_s(&self) -> f64 {
        self.rtt_s.unwrap_or(FIRST_RTT_S)
    }

    /// What an acquire stores for free: costs, header pace, told limit, interactive units made room
    /// for.
    pub fn extras(&self, now_ms: i64) -> Vec<Set> {
        let Some(bucket) = &self.known else {
            return Vec::new();
        };
        let mut names = Vec::new();
        if self
            .told
            .as_ref()
            .is_some_and(|told| now_ms < told.reset_ms)
        {
            names.extend(["rw", "rx", "cap", "lim"]);
        }
        let mut after = bucket.clone();
        if !self.costs.is_empty() {
            after.cost.extend(
                self.costs
                    .iter()
                    .map(|(class, cost)| ((*class).to_string(), cost.units)),
            );
            names.push("cost");
        }
        if bucket.interactive_repaid < bucket.interactive_units {
            after.interactive_repaid = bucket.interactive_units;
            names.push("ib");
        }
        after.sets(&names)
    }

    /// The bucket has reopened and this invocation goes on.
    pub fn resumed(&mut self, now: f64) {
        self.paid_ms = self.paid_ms.max(now);
    }
}
