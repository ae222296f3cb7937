//! The invariants of the throttle design (section 13) as far as they can be seen from outside:
//! held against every call, wait and write of every worker.
//!
//! A worker is judged by what it was told: the newest item that the table delivered to it.

use std::collections::{BTreeMap, VecDeque};

use casbah_http::gate::Limit;
use casbah_model::state::{Change, Item, Set, Value, Write};

use crate::tracks::Tracks;

/// Clocks and items count whole milliseconds.
const ROUNDING_MS: f64 = 1.0;
/// The longest wait for a slice or a pause (invariant 7), and between two calls of one slice.
const WAIT_MS: f64 = 1500.0;
const SPACING_MS: f64 = 5000.0;
/// An item is old after this many slices (invariant 2).
const OLD_SLICES: f64 = 1.1;
/// Calls that the end of an invocation need not count (invariant 6).
const UNCOUNTED_CALLS: f64 = 10.0;
/// What an episode may change, once (invariant 4).
const LEARNT: [&str; 13] = [
    "m", "n", "n0", "k", "hi", "ht", "st", "le", "bl", "id", "is", "qu", "bp",
];
/// More of one kind say nothing new.
const VIOLATIONS_MAX: usize = 3;

/// A write that was applied.
pub struct Seen<'a> {
    pub write: &'a Write,
    pub before: Option<&'a Item>,
    pub after: Option<&'a Item>,
}

pub struct Invariants {
    limit: Limit,
    /// Least and most units of a call: its cost may be known only afterwards.
    costs: (f64, f64),
    tracks: Tracks,
    workers: Vec<Worker>,
    /// Who reported the epoch's 429, until that worker has probed.
    reporters: BTreeMap<i64, usize>,
    told_units: f64,
    window: Window,
    violations: Vec<String>,
}

#[derive(Clone, Default)]
struct Worker {
    known: Option<Known>,
    skew_ms: f64,
    /// Units sent and not counted in the day's budget.
    uncounted: f64,
}

#[derive(Clone, Copy)]
struct Known {
    epoch: i64,
    shift_ms: f64,
    reopens_ms: f64,
    cap: Option<f64>,
    at_ms: f64,
}

/// Calls of the last window, as the time each may take at the pace's ceiling.
#[derive(Default)]
struct Window {
    calls: VecDeque<Call>,
    taken_ms: f64,
    /// What may be too many by rounding: a call at the begin of each slice.
    begins_ms: f64,
}

struct Call {
    at_ms: f64,
    takes_ms: f64,
    begins_ms: f64,
}

/// A call that was sent.
#[derive(Clone, Copy)]
pub struct Sent {
    pub clock_ms: f64,
    pub units: f64,
    pub is_bulk: bool,
}

impl Invariants {
    pub fn new(limit: Limit, workers: usize, costs: (f64, f64)) -> Invariants {
        Invariants {
            limit,
            costs,
            tracks: Tracks::default(),
            workers: vec![Worker::default(); workers],
            reporters: BTreeMap::new(),
            told_units: 0.0,
            window: Window::default(),
            violations: Vec::new(),
        }
    }

    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// An invocation begins: it knows nothing.
    pub fn begins(&mut self, worker: usize, skew_ms: f64) {
        self.workers[worker] = Worker {
            skew_ms,
            ..Worker::default()
        };
    }

    /// An invocation ends after it has counted what it used.
    pub fn ends(&mut self, worker: usize) {
        let uncounted = self.workers[worker].uncounted;
        let most = UNCOUNTED_CALLS * self.limit.first_cost + self.in_flight_spread();
        self.check(
            self.limit.day_units.is_none() || uncounted <= most,
            worker,
            || format!("6: ended with {uncounted:.0} units not counted"),
        );
    }

    /// Headers told the worker a limit.
    pub fn heard(&mut self, units: f64) {
        self.told_units = self.told_units.max(units);
    }

    /// The table delivered an item; what was overtaken by a newer epoch is not taken in.
    pub fn told(&mut self, worker: usize, clock_ms: f64, item: &Item) {
        let epoch = number(item, "ep") as i64;
        let known = &mut self.workers[worker].known;
        if known.is_some_and(|known| epoch < known.epoch) {
            return;
        }
        *known = Some(Known {
            epoch,
            shift_ms: number(item, "sh"),
            reopens_ms: number(item, "res"),
            cap: item.get("cap").and_then(Value::as_f64),
            at_ms: clock_ms,
        });
    }

    pub fn wrote(&mut self, worker: usize, seen: &Seen) {
        if let Err(what) = self.tracks.wrote(worker, seen) {
            self.violated(worker, &what);
        }
        self.count(worker, seen.write);
        let (Some(before), Some(after)) = (seen.before, seen.after) else {
            return;
        };
        let value = |item, name| number(item, name) as i64;
        if value(after, "ep") > value(before, "ep") {
            self.reporters.insert(value(after, "ep"), worker);
        }
        let is_resumed = value(before, "pr") == 1 && value(after, "pr") == 0;
        let is_renewed =
            value(after, "pv") > value(before, "pv") || value(after, "ld") != value(before, "ld");
        let is_same = LEARNT
            .iter()
            .all(|name| before.get(*name) == after.get(*name));
        self.check(is_same || is_resumed || is_renewed, worker, || {
            "4: the pace changed outside an episode's end".into()
        });
        let told = number(after, "lim") / self.limit.window_s();
        let is_below = after.get("cap").is_none() || number(after, "cap") <= told + 1e-6;
        self.check(is_below, worker, || "5: the cap is above the limit".into());
    }

    /// Counts for the day; an acquire must bring all that was used before.
    fn count(&mut self, worker: usize, write: &Write) {
        let Change::Update(sets) = &write.change else {
            return;
        };
        let counted = sets.iter().find_map(|set| match set {
            Set::Add("du", units) | Set::To("du", units) => units.as_f64(),
            _ => None,
        });
        let Some(counted) = counted else { return };
        self.workers[worker].uncounted -= counted;
        let is_acquire = sets.iter().any(|set| matches!(set, Set::Add("t0", _)));
        let (uncounted, most) = (self.workers[worker].uncounted, self.in_flight_spread());
        self.check(!is_acquire || uncounted <= most + 1.0, worker, || {
            format!("6: an acquire left {uncounted:.0} units uncounted")
        });
    }

    /// A wait that the gate asks for.
    pub fn waits(&mut self, worker: usize, clock_ms: f64, wait_ms: f64) {
        if wait_ms <= WAIT_MS + ROUNDING_MS {
            return;
        }
        let shift_ms = self.workers[worker]
            .known
            .map_or(0.0, |known| known.shift_ms);
        let is_spacing = wait_ms <= SPACING_MS + ROUNDING_MS
            && self.tracks.is_inside(worker, (clock_ms - shift_ms) as i64);
        self.check(is_spacing, worker, || format!("7: waits {wait_ms:.0} ms"));
    }

    pub fn sent(&mut self, worker: usize, sent: Sent) {
        self.workers[worker].uncounted += sent.units;
        let Some(known) = self.workers[worker].known else {
            return self.violated(worker, "2: sent without knowing the bucket");
        };
        let early_ms = known.reopens_ms - sent.clock_ms;
        if early_ms > ROUNDING_MS {
            let is_probe = sent.is_bulk && self.reporters.get(&known.epoch) == Some(&worker);
            if is_probe {
                self.reporters.remove(&known.epoch);
            }
            return self.check(is_probe, worker, || {
                format!("3: sent {early_ms:.0} ms before the bucket reopens")
            });
        }
        if sent.is_bulk {
            self.sent_in_slice(worker, sent, known);
        }
    }

    fn sent_in_slice(&mut self, worker: usize, sent: Sent, known: Known) {
        let at_ms = (sent.clock_ms - known.shift_ms) as i64;
        let entered = self.tracks.enter(worker, at_ms);
        self.check(entered.is_some(), worker, || {
            format!("2: sent at {at_ms}, outside its slices")
        });
        let age_ms = sent.clock_ms - known.at_ms;
        let old_ms = OLD_SLICES * self.limit.slice_ms() as f64 + ROUNDING_MS;
        self.check(age_ms <= old_ms, worker, || {
            format!("2: sent by an item {age_ms:.0} ms old")
        });
        let Some(cap) = known.cap else { return };
        let ceiling = if self.told_units > 0.0 {
            2.0 * cap.max(self.told_units / self.limit.window_s())
        } else {
            cap
        };
        let call_ms = 1000.0 / ceiling;
        let is_first = entered == Some(true);
        self.window.push(Call {
            at_ms: sent.clock_ms - self.workers[worker].skew_ms,
            takes_ms: sent.units * call_ms,
            begins_ms: if is_first { sent.units * call_ms } else { 0.0 },
        });
        let most_ms = self.window_most_ms(call_ms);
        let taken_ms = self.window.taken_in(self.limit.window_ms() as f64);
        self.check(taken_ms <= most_ms, worker, || {
            format!("8: a window holds {taken_ms:.0} ms of calls, not {most_ms:.0}")
        });
    }

    /// Invariant 8: the window itself, catch-up, one slice of speed-up, and what nobody can know.
    fn window_most_ms(&self, call_ms: f64) -> f64 {
        let sped_ms = if self.limit.speed_up > 1 {
            self.limit.slice_ms() as f64
        } else {
            0.0
        };
        let skews = self.workers.iter().map(|worker| worker.skew_ms);
        let latest_ms = skews.clone().fold(0.0, f64::max);
        let earliest_ms = skews.fold(0.0, f64::min);
        self.limit.window_ms() as f64
            + self.limit.catch_ms()
            + sped_ms
            + (latest_ms - earliest_ms)
            + self.window.begins_ms
            + self.in_flight_spread() * call_ms
            + ROUNDING_MS
    }

    /// What calls in flight may have cost above the estimate: four standard deviations, and what the
    /// first guess was too low.
    fn in_flight_spread(&self) -> f64 {
        let calls = self.limit.in_flight as f64 * f64::from(self.limit.track_count());
        let (least, most) = self.costs;
        let guessed_low = (0.5 * (least + most) - self.limit.first_cost).max(0.0);
        2.0 * calls.sqrt() * (most - least) + calls * guessed_low
    }

    fn check(&mut self, holds: bool, worker: usize, what: impl FnOnce() -> String) {
        if !holds {
            self.violated(worker, &what());
        }
    }

    /// `what` begins with the number of the invariant.
    fn violated(&mut self, worker: usize, what: &str) {
        let kind = format!("invariant {}", &what[..2]);
        let known = self.violations.iter();
        if known.filter(|known| known.starts_with(&kind)).count() < VIOLATIONS_MAX {
            self.violations
                .push(format!("invariant {what} (worker {worker})"));
        }
    }
}

impl Window {
    fn push(&mut self, call: Call) {
        self.taken_ms += call.takes_ms;
        self.begins_ms += call.begins_ms;
        self.calls.push_back(call);
    }

    /// What the calls of the last `window_ms` take.
    fn taken_in(&mut self, window_ms: f64) -> f64 {
        let now_ms = self.calls.back().map_or(0.0, |call| call.at_ms);
        while let Some(first) = self.calls.front() {
            if first.at_ms > now_ms - window_ms {
                break;
            }
            self.taken_ms -= first.takes_ms;
            self.begins_ms -= first.begins_ms;
            self.calls.pop_front();
        }
        self.taken_ms
    }
}

fn number(item: &Item, name: &str) -> f64 {
    item.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}
