//! Which events there are and when each comes into view in either stream, over one log.
//!
//! Memory: two words per event in each of two orders. The texts are made when a page is read.
//! A place in an order is a time and a tie in one number, above 2^53 as Box's positions are.

use std::collections::BTreeMap;

use super::faults::Fault;
use super::plan::Plan;
use crate::chance::{Draws, Stream};
use crate::moment::{DAY, HOUR, MINUTE, Millis, SECOND};
use crate::switches::Switches;

/// What either stream keeps (guides, "Events", "Enterprise events").
pub const STREAM_HISTORY: Millis = 14 * DAY;
pub const LOG_HISTORY: Millis = 365 * DAY;
/// Everything of the history is in view this long before the enterprise is connected.
const SETTLED: Millis = MINUTE;
/// Number of the first live event, and of the first event that a deed caused.
const LIVE: u64 = 1 << 40;
pub const DEED: u64 = 1 << 41;
/// A repeated event comes up to this much after the first.
const REPEATED_WITHIN: Millis = 10 * MINUTE;
const TIE_BITS: u32 = 16;

/// The first place of a time.
pub fn place_of(at: Millis) -> u64 {
    (at.max(0) as u64) << TIE_BITS
}

pub fn time_of(place: u64) -> Millis {
    (place >> TIE_BITS) as Millis
}

/// An event in the order of its happening.
#[derive(Clone, Copy)]
pub struct Logged {
    pub number: u64,
    /// When `admin_logs` has it.
    pub visible: Millis,
}

/// When an event happened and comes into view.
#[derive(Clone, Copy)]
struct Times {
    created: Millis,
    streamed: Millis,
    again: Option<Millis>,
    logged: Millis,
}

/// All events, historic and live.
pub struct Schedule {
    seed: u64,
    started: Millis,
    history: Millis,
    rate: u64,
    late_share: f64,
    late_max: Millis,
    duplicate_share: f64,
    stream_delay: Millis,
    log_delay: Millis,
    /// By the time they are streamed, repetitions included: numbers.
    pub streamed: BTreeMap<u64, u64>,
    /// By the time they happened.
    pub logged: BTreeMap<u64, Logged>,
    live_hours: u64,
}

impl Schedule {
    pub fn new(plan: &Plan) -> Schedule {
        let mut schedule = Schedule {
            seed: plan.seed,
            started: plan.started.as_millisecond(),
            history: plan.history.as_millis() as Millis,
            rate: plan.live_activities_per_hour,
            late_share: plan.late_share,
            late_max: plan.late_max.as_millis() as Millis,
            duplicate_share: plan.duplicate_share,
            stream_delay: plan.stream_delay.as_millis() as Millis,
            log_delay: plan.log_delay.as_millis() as Millis,
            streamed: BTreeMap::new(),
            logged: BTreeMap::new(),
            live_hours: 0,
        };
        let settled = schedule.started - SETTLED;
        let (mut streamed, mut logged) = (Vec::new(), Vec::new());
        for number in 0..plan.activities as u64 {
            let times = schedule.times(number, schedule.time(number));
            let views = [Some(times.streamed), times.again];
            let views = views.into_iter().flatten();
            streamed.extend(views.map(|at| (at.min(settled), number)));
            let visible = times.logged.min(settled);
            logged.push((times.created, Logged { number, visible }));
        }
        streamed.sort_unstable();
        logged.sort_unstable_by_key(|(created, logged)| (*created, logged.number));
        schedule.streamed = placed(streamed);
        schedule.logged = placed(logged);
        schedule
    }

    /// Adds the live events of every hour that has begun.
    pub fn advance(&mut self, now: Millis, switches: &mut Switches<Fault>) {
        if self.rate == 0 {
            return;
        }
        let hours = ((now - self.started).max(0) / HOUR + 1) as u64;
        while self.live_hours < hours {
            let first = LIVE + self.live_hours * self.rate;
            // Nothing may come into view before an hour that readers have passed.
            let begins = self.started + self.live_hours as Millis * HOUR;
            for number in first..first + self.rate {
                self.add(number, self.time(number), begins, switches);
            }
            self.live_hours += 1;
        }
    }

    /// Adds an event that happens, in view from `earliest` on.
    pub fn add(
        &mut self,
        number: u64,
        created: Millis,
        earliest: Millis,
        switches: &mut Switches<Fault>,
    ) {
        let mut later = |fault, minutes: i64| {
            let value = switches.strikes(fault);
            value.map_or(0, |value| value.parse().unwrap_or(minutes) * MINUTE)
        };
        let times = self.times(number, created);
        let stream_late = later(Fault::LateStream, 30);
        let log_late = later(Fault::LateEvents, 240);
        if switches.strikes(Fault::LostInStream).is_none() {
            for at in [Some(times.streamed), times.again].into_iter().flatten() {
                insert(&mut self.streamed, (at + stream_late).max(earliest), number);
            }
        }
        let visible = (times.logged + log_late).max(earliest);
        insert(&mut self.logged, created, Logged { number, visible });
    }

    /// When an event that no deed caused happened; Box tells whole seconds.
    pub fn time(&self, number: u64) -> Millis {
        let mut draws = Draws::new(self.seed, Stream::Event, number);
        if number >= LIVE {
            let hour = ((number - LIVE) / self.rate.max(1)) as Millis;
            return self.started + hour * HOUR + draws.below(3600) as Millis * SECOND;
        }
        let span = ((self.history - 10 * MINUTE) / SECOND).max(60);
        let begin = (self.started - self.history).div_euclid(SECOND) * SECOND;
        begin + draws.below(span as u64) as Millis * SECOND
    }

    fn times(&self, number: u64, created: Millis) -> Times {
        let mut draws = Draws::new(self.seed, Stream::Delay, number);
        let streamed = created + self.stream_delay / 2 + share_of(self.stream_delay, &mut draws);
        let again = draws.fraction() < self.duplicate_share;
        let again = again.then(|| streamed + SECOND + share_of(REPEATED_WITHIN, &mut draws));
        let is_late = number == 0 || draws.fraction() < self.late_share;
        let late = if is_late {
            self.late_max / 6 + share_of(self.late_max * 5 / 6, &mut draws)
        } else {
            0
        };
        Times {
            created,
            streamed,
            again,
            logged: created + self.log_delay + share_of(self.log_delay, &mut draws) + late,
        }
    }
}

fn share_of(span: Millis, draws: &mut Draws) -> Millis {
    draws.below(span.max(1) as u64) as Millis
}

/// Puts something at the first free place of a time.
fn insert<T>(order: &mut BTreeMap<u64, T>, at: Millis, value: T) {
    let first = place_of(at);
    let last = order.range(first..place_of(at + 1)).next_back();
    let place = last.map_or(first, |(place, _)| place + 1);
    order.insert(place, value);
}

/// The same for many, sorted by time.
fn placed<T>(sorted: Vec<(Millis, T)>) -> BTreeMap<u64, T> {
    let mut next = 0;
    let places = sorted.into_iter().map(|(at, value)| {
        let place = place_of(at).max(next);
        next = place + 1;
        (place, value)
    });
    places.collect()
}
