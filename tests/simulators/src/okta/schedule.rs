//! Which events there are, when they were published and when they were stored, which is when they can be read.
//!
//! Memory: three words per event in each of two orders. The texts are made when a page is read.

use std::collections::{BTreeMap, BTreeSet};

use super::faults::Fault;
use super::plan::Plan;
use crate::chance::{Draws, Stream};
use crate::moment::{HOUR, MINUTE, Millis, SECOND};
use crate::switches::Switches;

/// Events are deleted after 90 days (System Log query, "Data retention").
pub const RETENTION: Millis = 90 * 24 * HOUR;
/// Everything of the history is stored this long before the org is connected.
const SETTLED: Millis = MINUTE;
/// Number of the first live event, and of the first event that a deed caused.
const LIVE: u64 = 1 << 40;
pub const DEED: u64 = 1 << 41;
/// One in so many events has the time of the one before it.
const TIE: u64 = 16;

/// A time and the number of an event: a place in one of the two orders.
pub type Place = (Millis, u64);

/// All events, historic and live.
pub struct Schedule {
    seed: u64,
    started: Millis,
    history: Millis,
    activities: u64,
    rate: u64,
    late_share: f64,
    late_max: Millis,
    /// By the time they were stored.
    stored: BTreeSet<Place>,
    /// By the time they were published, with the time they were stored.
    published: BTreeMap<Place, Millis>,
    live_hours: u64,
}

impl Schedule {
    pub fn new(plan: &Plan) -> Schedule {
        let mut schedule = Schedule {
            seed: plan.seed,
            started: plan.started.as_millisecond(),
            history: plan.history.as_millis() as Millis,
            activities: plan.activities as u64,
            rate: plan.live_activities_per_hour,
            late_share: plan.late_share,
            late_max: plan.late_max.as_millis() as Millis,
            stored: BTreeSet::new(),
            published: BTreeMap::new(),
            live_hours: 0,
        };
        for number in 0..schedule.activities {
            let published = schedule.time(number);
            let settled = schedule.started - SETTLED;
            let stored = (published + schedule.lag(number)).min(settled);
            schedule.insert(number, published, stored);
        }
        schedule
    }

    pub fn insert(&mut self, number: u64, published: Millis, stored: Millis) {
        self.stored.insert((stored, number));
        self.published.insert((published, number), stored);
    }

    /// Adds the live events of every hour that has begun.
    pub fn advance(&mut self, now: Millis, switches: &mut Switches<Fault>) {
        if self.rate == 0 {
            return;
        }
        let hours = ((now - self.started).max(0) / HOUR + 1) as u64;
        while self.live_hours < hours {
            let first = self.live_hours * self.rate;
            // Nothing may be stored before an hour that readers have passed.
            let begins = self.started + self.live_hours as Millis * HOUR;
            for number in first..first + self.rate {
                let published = self.time(LIVE + number);
                let late = later(switches);
                let stored = published + self.lag(LIVE + number) + late;
                self.insert(LIVE + number, published, stored.max(begins));
            }
            self.live_hours += 1;
        }
    }

    /// When an event that no deed caused was published.
    pub fn time(&self, number: u64) -> Millis {
        if number % TIE == TIE - 1 {
            return self.time(number - 1);
        }
        let mut draws = Draws::new(self.seed, Stream::Event, number);
        if number >= LIVE {
            let hour = ((number - LIVE) / self.rate.max(1)) as Millis;
            return self.started + hour * HOUR + draws.below(HOUR as u64) as Millis;
        }
        let span = (self.history - 10 * MINUTE).max(MINUTE);
        self.started - self.history + draws.below(span as u64) as Millis
    }

    /// How long an event waits: seconds as a rule, hours for a few and for the first.
    fn lag(&self, number: u64) -> Millis {
        let mut draws = Draws::new(self.seed, Stream::Delay, number);
        let usual = SECOND + draws.below(9 * SECOND as u64) as Millis;
        let is_late = number == 0 || draws.fraction() < self.late_share;
        if !is_late || self.late_max <= 0 {
            return usual;
        }
        self.late_max / 6 + draws.below(self.late_max as u64) as Millis * 5 / 6
    }

    /// Events stored after a place and until `until`, in the order they were stored.
    pub fn stored_after(&self, place: Place, until: Millis) -> impl Iterator<Item = Place> {
        let from = (place.0, place.1.saturating_add(1));
        let to = (until, u64::MAX).max(from);
        self.stored.range(from..=to).copied()
    }

    /// Events published in `[from, to)` and stored until `now`, in the order they were published. That the end is
    /// left out is uncertain.
    pub fn published_in(
        &self,
        from: Millis,
        to: Millis,
        now: Millis,
    ) -> impl DoubleEndedIterator<Item = Place> {
        let all = self.published.range((from, 0)..(to.max(from), 0));
        all.filter(move |(_, stored)| **stored <= now)
            .map(|(place, _)| *place)
    }

    /// Every event: its number, and when it was published and stored.
    pub fn all(&self) -> impl Iterator<Item = (u64, Millis, Millis)> {
        let all = self.published.iter();
        all.map(|((published, number), stored)| (*number, *published, *stored))
    }
}

/// What the fault `late-events` adds.
pub fn later(switches: &mut Switches<Fault>) -> Millis {
    let minutes = switches.strikes(Fault::LateEvents);
    minutes.map_or(0, |minutes| minutes.parse().unwrap_or(240) * MINUTE)
}
