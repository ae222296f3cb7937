//! What one invocation knows and holds of a bucket, and what it should do next (throttle design,
//! section 6).
//!
//! Nothing here waits or writes: `next_move` decides, the door acts.

use std::collections::BTreeMap;

use casbah_model::message::Ticket;
use futures::channel::oneshot;

use super::Urgency;
use super::bucket::Bucket;
use super::learning::Cost;
use super::limit::Limit;
use super::operations::Want;
use super::pace;
use super::slice::Slice;
use super::told::Told;

/// The longest wait for a slice or a pause inside a function (throttle design, invariant 7).
pub const WAIT_MAX_MS: i64 = 1500;
/// Who comes back comes this much before the slice. With the delay rounded down to whole seconds
/// that is never more than `WAIT_MAX_MS`; with the design's 0.7 s one return in four was too early
/// and left again.
pub const LEAD_MS: i64 = 500;
/// The longest wait between two calls of a very small limit before the function ends instead:
/// starting another costs about what a few seconds of waiting cost.
const SPACING_WAIT_MAX_MS: i64 = 5000;
/// The item is read this long before the slice, when what is known is older than `KNOWN_MS`.
const READ_LEAD_MS: i64 = 40;
const KNOWN_MS: i64 = 500;
/// The next slice is taken this long before the end of the current one (throttle design, section
/// 6).
const PREFETCH_MS: i64 = 1000;

/// What the caller at the head of the queue does next.
#[derive(Debug)]
pub enum Move {
    Send(Trip),
    /// Wait until this time, in milliseconds, or until the bell.
    Wait(f64),
    /// Wait for the bell: an answer, a report or a probe is under way.
    Listen,
    Read,
    Acquire(Want),
    Resume,
    Leave(i64),
}

/// A call on its way.
#[derive(Clone, Debug)]
pub struct Trip {
    pub class: &'static str,
    pub urgency: Urgency,
    pub cost: f64,
    pub(super) epoch: i64,
    pub(super) sent_ms: f64,
    pub(super) is_probe: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Probe {
    #[default]
    Idle,
    InFlight,
    Passed,
}

#[derive(Default)]
pub struct Holder {
    pub(super) known: Option<Bucket>,
    pub(super) known_ms: i64,
    pub(super) slice: Option<Slice>,
    pub(super) next: Option<Slice>,
    /// Length of the slice acquired last, by this invocation or by the one that sent the ticket.
    pub(super) length_ms: i64,
    /// The next call is due when `owed + debt` units have been paid at the current pace since
    /// `paid_ms`.
    pub(super) paid_ms: f64,
    pub(super) owed: f64,
    pub(super) debt: f64,
    pub(super) in_flight: usize,
    pub(super) in_flight_units: f64,
    /// Units used and not yet counted in the item; negative when more was announced than used.
    pub(super) uncounted: f64,
    pub(super) costs: BTreeMap<&'static str, Cost>,
    pub(super) told: Option<Told>,
    pub(super) rtt_s: Option<f64>,
    pub(super) probe: Probe,
    /// When this invocation probes, if it reported the 429.
    pub(super) probe_ms: Option<i64>,
    /// The report of a 429 is being written.
    pub(super) is_reporting: bool,
    /// The table has no slice to give, or did not answer: none is asked for before this.
    pub(super) acquire_after_ms: i64,
    pub(super) interactive_seen: Option<f64>,
    /// Calls that are still to come, if the invocation knows.
    pub(super) expected: Option<usize>,
    /// Until when a caller was told to stay away, if the last one was.
    pub(super) left_until_ms: Option<i64>,
    pub(super) bell: Option<oneshot::Sender<()>>,
}

impl Holder {
    pub fn new(limit: &Limit, ticket: Option<&Ticket>) -> Holder {
        let ticket = ticket.filter(|ticket| ticket.track < limit.track_count());
        let slice =
            ticket.map(|ticket| Slice::new(ticket.track as usize, ticket.from_ms, ticket.to_ms));
        let length_ms = slice.as_ref().map_or(0, Slice::length_ms);
        Holder {
            slice,
            length_ms,
            ..Holder::default()
        }
    }

    pub fn next_move(
        &mut self,
        limit: &Limit,
        class: &'static str,
        now: f64,
        deadline_ms: i64,
    ) -> Move {
        let now_ms = now as i64;
        if self.is_reporting {
            return Move::Listen;
        }
        if now_ms >= deadline_ms {
            return self.leave(now_ms, now_ms);
        }
        let Some(bucket) = &self.known else {
            return Move::Read;
        };
        let (shift_ms, reopens_ms, is_open) =
            (bucket.shift_ms, bucket.reopens_ms, bucket.is_open == 1);
        if let Some(step) = is_open
            .then(|| self.probe_move(limit, class, now))
            .flatten()
        {
            return step;
        }
        if !self.has_slice(limit, now_ms) {
            if now_ms < self.acquire_after_ms {
                return self.leave(self.acquire_after_ms, now_ms);
            }
            return Move::Acquire(self.want(limit, class, now_ms));
        }
        let Some(slice) = &self.slice else {
            return Move::Read;
        };
        let start_ms = (slice.from_ms + shift_ms).max(reopens_ms);
        if start_ms - now_ms > WAIT_MAX_MS || start_ms >= deadline_ms {
            return self.leave(start_ms - LEAD_MS, now_ms);
        }
        if start_ms - now_ms > READ_LEAD_MS {
            return Move::Wait((start_ms - READ_LEAD_MS) as f64);
        }
        let age_ms = now_ms - self.known_ms;
        if age_ms
            > if slice.is_begun {
                limit.slice_ms() * 11 / 10
            } else {
                KNOWN_MS
            }
        {
            return Move::Read;
        }
        if (start_ms as f64) > now {
            return Move::Wait(start_ms as f64);
        }
        if is_open {
            // Nobody has probed, or who did has left: the first call goes alone.
            return self.send(limit, class, now, true);
        }
        self.spend_move(limit, class, now, deadline_ms)
    }

    /// Inside the slice: keep the pace.
    fn spend_move(
        &mut self,
        limit: &Limit,
        class: &'static str,
        now: f64,
        deadline_ms: i64,
    ) -> Move {
        let now_ms = now as i64;
        self.begin(limit, class, now);
        let (Some(bucket), Some(slice)) = (&self.known, &self.slice) else {
            return Move::Read;
        };
        let even_pace = self.track_pace(limit, now_ms);
        let pace = even_pace * slice.speed;
        let has_room = slice.has_room(self.cost(limit, class), even_pace);
        let end_ms = slice.last_send_ms(limit) + bucket.shift_ms;
        let prefetch_ms = PREFETCH_MS.min(slice.length_ms() / 4);
        let wants_next = self.next.is_none() && now_ms >= self.acquire_after_ms;
        if wants_next && now_ms >= end_ms - prefetch_ms && end_ms < deadline_ms {
            return Move::Acquire(self.want(limit, class, now_ms));
        }
        if pace <= 0.0 {
            // The headers say that the window is used up. The next acquire tells the others.
            let until_ms = bucket.told_until_ms;
            return match until_ms - now_ms > WAIT_MAX_MS {
                true if wants_next => Move::Acquire(self.want(limit, class, now_ms)),
                true => self.leave(until_ms - LEAD_MS, now_ms),
                false => Move::Wait(until_ms as f64),
            };
        }
        if self.in_flight >= limit.in_flight.max(1) {
            return Move::Listen;
        }
        let due = self.due(limit, pace, now);
        if due >= end_ms as f64 || !has_room {
            // The rest of the slice holds no call; the next one goes on where this one ends. What
            // it was kept free for is paid, or slices shorter than a debt would never send.
            let rest_ms = (end_ms as f64 - now).max(0.0);
            self.debt = (self.debt - even_pace * rest_ms / 1000.0).max(0.0);
            if let Some(slice) = &mut self.slice {
                slice.is_spent = true;
            }
            return self.next_move(limit, class, now, deadline_ms);
        }
        if due <= now {
            self.paid_ms = due;
            return self.send(limit, class, now, false);
        }
        if due as i64 - now_ms > SPACING_WAIT_MAX_MS {
            if let Some(slice) = &mut self.slice {
                slice.from_ms = due as i64 - shift(&self.known);
                slice.is_begun = false;
            }
            return self.leave(due as i64 - LEAD_MS, now_ms);
        }
        Move::Wait(due)
    }

    /// Whether there is a slice that has not ended; moves on to the next one if need be.
    fn has_slice(&mut self, limit: &Limit, now_ms: i64) -> bool {
        let shift_ms = shift(&self.known);
        let is_over =
            |slice: &Slice| slice.is_spent || slice.last_send_ms(limit) + shift_ms <= now_ms;
        if self.slice.as_ref().is_some_and(is_over) {
            self.slice = None;
        }
        if self.slice.is_none() {
            self.slice = self.next.take().filter(|slice| !is_over(slice));
        }
        self.slice.is_some()
    }

    fn begin(&mut self, limit: &Limit, class: &'static str, now: f64) {
        let cost = self.cost(limit, class);
        let rtt_s = self.rtt_s();
        let pace = self.track_pace(limit, now as i64);
        let (Some(bucket), Some(slice)) = (&self.known, &mut self.slice) else {
            return;
        };
        if slice.is_begun {
            return;
        }
        slice.is_begun = true;
        if slice.is_full(limit) {
            slice.speed = pace::speed(bucket, limit, slice.from_ms, rtt_s);
        }
        let start = ((slice.from_ms + bucket.shift_ms) as f64).max(now);
        if slice.follows {
            self.paid_ms = self.paid_ms.max(start - limit.catch_ms());
        } else {
            // Half a spacing keeps the spacing over the hand-over; very small limits need not wait
            // so long for it.
            self.paid_ms = start;
            self.owed = (0.5 * cost).min(pace);
        }
    }

    pub(super) fn send(
        &mut self,
        limit: &Limit,
        class: &'static str,
        now: f64,
        is_probe: bool,
    ) -> Move {
        let cost = self.cost(limit, class);
        if is_probe {
            self.probe = Probe::InFlight;
            self.paid_ms = now;
        }
        (self.owed, self.debt) = (cost, 0.0);
        self.slice.iter_mut().for_each(|slice| slice.used += cost);
        self.uncounted += cost;
        self.expected = self.expected.map(|calls| calls.saturating_sub(1));
        self.left_until_ms = None;
        let epoch = self.known.as_ref().map_or(0, |bucket| bucket.epoch);
        let trip = Trip {
            class,
            urgency: Urgency::Bulk,
            cost,
            epoch,
            sent_ms: now,
            is_probe,
        };
        Move::Send(self.depart(trip))
    }

    fn depart(&mut self, trip: Trip) -> Trip {
        if trip.urgency == Urgency::Bulk {
            self.in_flight += 1;
        }
        self.in_flight_units += trip.cost;
        trip
    }

    /// An interactive call, already counted in the item.
    pub fn send_interactive(&mut self, limit: &Limit, class: &'static str, now: f64) -> Trip {
        let cost = self.cost(limit, class);
        let epoch = self.known.as_ref().map_or(0, |bucket| bucket.epoch);
        self.depart(Trip {
            class,
            urgency: Urgency::Interactive,
            cost,
            epoch,
            sent_ms: now,
            is_probe: false,
        })
    }

    fn leave(&mut self, until_ms: i64, now_ms: i64) -> Move {
        let until_ms = until_ms.max(now_ms);
        self.left_until_ms = Some(until_ms);
        Move::Leave(until_ms)
    }

    fn due(&self, limit: &Limit, pace: f64, now: f64) -> f64 {
        let due = self.paid_ms + (self.owed + self.debt) / pace * 1000.0;
        let speed = self.slice.as_ref().map_or(1.0, |slice| slice.speed);
        due.max(now - limit.catch_ms() / speed)
    }

    pub fn track_pace(&self, limit: &Limit, now_ms: i64) -> f64 {
        self.known
            .as_ref()
            .map_or(0.0, |bucket| bucket.pace_at(now_ms))
            / f64::from(limit.track_count())
    }

    fn want(&self, limit: &Limit, class: &'static str, now_ms: i64) -> Want {
        let base = self
            .known
            .as_ref()
            .map_or(0.0, |bucket| bucket.base_pace(now_ms));
        let pace = base / f64::from(limit.track_count());
        let cost = self.cost(limit, class);
        let rest_ms = match &self.slice {
            Some(slice) if !slice.is_spent => {
                slice.last_send_ms(limit) + shift(&self.known) - now_ms
            }
            _ => 0,
        };
        let planned = self.track_pace(limit, now_ms) * rest_ms.max(0) as f64 / 1000.0;
        // A slice for a few calls has to hold as well what they make room for.
        let owing = (self.debt / cost).ceil() as usize;
        let expected = self.expected.map(|calls| calls + owing);
        Want {
            track: 0,
            own: self.slice.as_ref().map(|slice| (slice.track, slice.to_ms)),
            length_ms: Slice::wanted_ms(limit, self.length_ms, expected, cost / pace),
            used: self.uncounted + planned,
            extras: self.extras(now_ms),
        }
    }

    /// Whether a slice is held in which a call could still be sent.
    pub fn can_send_in_slice(&self, limit: &Limit, now_ms: i64) -> bool {
        let now_ms = now_ms - shift(&self.known);
        let is_left = |slice: &Slice| !slice.is_spent && slice.last_send_ms(limit) > now_ms;
        self.next.is_some() || self.slice.as_ref().is_some_and(is_left)
    }

    /// Wakes the caller at the head of the queue, to decide again.
    pub fn ring(&mut self) {
        if let Some(bell) = self.bell.take() {
            // Who waited may have gone.
            let _ = bell.send(());
        }
    }
}

pub fn shift(known: &Option<Bucket>) -> i64 {
    known.as_ref().map_or(0, |bucket| bucket.shift_ms)
}
