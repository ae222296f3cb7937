//! The end of an invocation: one slice goes on with the next message, others are given back.

use casbah_model::message::Ticket;

use super::bucket::Bucket;
use super::desk::milliseconds;
use super::holder::{Holder, LEAD_MS, shift};
use super::limit::Limit;
use super::slice::Slice;
use super::{Gates, operations};

/// Less than this is not worth the write that gives it back.
const GIVE_BACK_MIN_MS: i64 = 1000;
/// A day's budget is told of fewer calls than these only now and then.
const COUNT_MIN_CALLS: f64 = 10.0;

impl Gates {
    /// The slice to carry in the next message, after a `Later`; it is then no longer this
    /// invocation's.
    pub fn ticket(&self) -> Option<Ticket> {
        let left = self.lock_left().take()?;
        let gate = self.all().into_iter().find(|gate| gate.name == left)?;
        let slice = gate.lock().carry(&gate.desk.limit)?;
        let track = u32::try_from(slice.track).ok()?;
        Some(Ticket {
            bucket: left,
            track,
            from_ms: slice.from_ms,
            to_ms: slice.to_ms,
        })
    }

    /// The slice to carry in the next message when this invocation's time is over and there is more
    /// to do: what is left of the one in use, with the one that follows it.
    ///
    /// Without it the next invocation would queue behind everybody else, and a slice that was
    /// acquired ahead would stay empty, ten seconds of the limit in each minute.
    pub fn hand_over(&self) -> Option<Ticket> {
        let now = milliseconds(self.now());
        let rests = self.all().into_iter().filter_map(|gate| {
            let slice = gate.lock().hand_over(&gate.desk.limit, now)?;
            Some((gate.name.clone(), slice))
        });
        let (bucket, slice) = rests.max_by_key(|(_, slice)| slice.length_ms())?;
        let track = u32::try_from(slice.track).ok()?;
        let (from_ms, to_ms) = (slice.from_ms, slice.to_ms);
        (to_ms > from_ms).then_some(Ticket {
            bucket,
            track,
            from_ms,
            to_ms,
        })
    }

    /// Gives back what is left of slices that no ticket carries, and counts what a day's budget
    /// does not know yet.
    ///
    /// To be called when the step ends, after `ticket`. Not calling it loses at most the rest of a
    /// slice.
    pub async fn finish(&self) {
        for gate in self.all() {
            let limit = &gate.desk.limit;
            let (known, rests, uncounted) = gate.lock().release(limit, milliseconds(self.now()));
            let Some(bucket) = known else { continue };
            let mut used = limit.day_units.map(|_| uncounted);
            for rest in rests
                .iter()
                .filter(|rest| rest.to_ms - rest.from_ms >= GIVE_BACK_MIN_MS)
            {
                let counted = used.take();
                let (end, start) = (rest.to_ms, rest.from_ms);
                let write =
                    operations::give_back(&gate.desk.key, &bucket, rest.track, end, start, counted);
                gate.desk.try_write(write).await;
            }
            let least = COUNT_MIN_CALLS * limit.first_cost;
            let counted = used.map_or(0.0, |used| rounded(used, least, gate.desk.rng.fraction()));
            if counted != 0.0 {
                gate.desk
                    .try_write(operations::count(&gate.desk.key, &bucket, counted))
                    .await;
            }
        }
    }
}

/// Units to count: all, or with their share of probability the `least` that is worth a write.
///
/// Left out each time, the few units of thousands of steps were two percent of a day's budget.
pub fn rounded(units: f64, least: f64, chance: f64) -> f64 {
    if units.abs() >= least {
        units
    } else if chance < units.abs() / least {
        least.copysign(units)
    } else {
        0.0
    }
}

impl Holder {
    /// A new slice: the next one, or the only one.
    pub fn take(&mut self, mut slice: Slice) {
        let last = self.slice.as_ref();
        slice.follows =
            last.is_some_and(|last| last.track == slice.track && last.to_ms == slice.from_ms);
        self.length_ms = slice.length_ms();
        self.next = Some(slice);
    }

    /// Takes out the slice that the next invocation goes on with: the one that has not ended when
    /// it comes.
    pub fn carry(&mut self, limit: &Limit) -> Option<Slice> {
        let back_ms = self.left_until_ms? + LEAD_MS - shift(&self.known);
        let is_left = |slice: &Slice| !slice.is_spent && slice.last_send_ms(limit) > back_ms;
        if self.slice.as_ref().is_some_and(is_left) {
            return self.slice.take();
        }
        self.next.take()
    }

    /// Takes out what is left of the slice in use, joined with the one that follows it.
    pub fn hand_over(&mut self, limit: &Limit, now: f64) -> Option<Slice> {
        let rest = self
            .slice
            .take()
            .map(|slice| self.rest_of(slice, limit, now));
        match (rest, self.next.take()) {
            (Some(rest), Some(next)) if next.follows => Some(Slice {
                to_ms: next.to_ms,
                is_spent: false,
                ..rest
            }),
            (rest, Some(next)) => {
                // The later one goes back, if nobody queued behind it.
                if rest.is_some() {
                    self.next = Some(next);
                    return rest;
                }
                Some(next)
            }
            (rest, None) => rest,
        }
    }

    /// What is left of a slice: from where an even pace would stand, and not before the last call
    /// has been paid.
    fn rest_of(&self, mut slice: Slice, limit: &Limit, now: f64) -> Slice {
        if slice.is_begun {
            let pace = self.even_pace(limit, now);
            let owed_ms = (0.5 * self.owed / pace * 1000.0) as i64;
            let paid = self.paid_ms as i64 - shift(&self.known) + owed_ms;
            let even = slice.even_ms(pace);
            slice.from_ms = paid.max(even).max(slice.from_ms).min(slice.to_ms);
        }
        slice
    }

    /// Without what headers say: that may be zero, and the time line knows nothing of it.
    fn even_pace(&self, limit: &Limit, now: f64) -> f64 {
        let base = self
            .known
            .as_ref()
            .map_or(0.0, |bucket| bucket.base_pace(now as i64));
        base / f64::from(limit.track_count())
    }

    /// Lets go of all slices: what is left of them, and the units not yet counted.
    pub fn release(&mut self, limit: &Limit, now: f64) -> (Option<Bucket>, Vec<Slice>, f64) {
        let mut rests = Vec::new();
        if let Some(slice) = self.slice.take() {
            let half = slice.from_ms + slice.length_ms() / 2;
            let is_small = slice.is_begun && slice.even_ms(self.even_pace(limit, now)) > half;
            let mut rest = self.rest_of(slice, limit, now);
            // A small rest would only be a part slice in somebody's way.
            if is_small {
                rest.from_ms = rest.to_ms;
            }
            rests.push(rest);
        }
        match (self.next.take(), rests.last_mut()) {
            (Some(next), Some(rest)) if next.follows => rest.to_ms = next.to_ms,
            (Some(next), _) => rests.push(next),
            (None, _) => {}
        }
        rests.retain(|rest| rest.to_ms > rest.from_ms);
        (
            self.known.clone(),
            rests,
            std::mem::take(&mut self.uncounted),
        )
    }
}
