//! A call that was admitted.

use std::sync::Arc;

use super::desk::milliseconds;
use super::holder::Trip;
use super::{Gate, GateError, Gates, Signs, Verdict};

/// Leave to send one call. Dropping it without `settle` counts the units as spent and frees its
/// place in flight.
pub struct Pass<'a> {
    pub(super) gates: &'a Gates,
    pub(super) gate: Arc<Gate>,
    pub(super) trip: Option<Trip>,
}

impl Pass<'_> {
    /// Takes in what the answer says.
    ///
    /// # Errors
    /// `Later` when the call was throttled and the vendor's pause is longer than a function should
    /// wait.
    pub async fn settle(mut self, signs: Signs) -> Result<Verdict, GateError> {
        let Some(trip) = self.trip.take() else {
            return Ok(Verdict::Done);
        };
        let is_news = {
            let mut holder = self.gate.lock();
            let now = milliseconds(self.gate.desk.clock.now());
            let is_news = holder.answered(&self.gate.desk.limit, &trip, &signs, now);
            holder.is_reporting |= is_news;
            holder.ring();
            is_news
        };
        match signs.throttled {
            Some(throttled) => self.gates.throttled(&self.gate, throttled, is_news).await,
            None => Ok(Verdict::Done),
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(trip) = self.trip.take() {
            let mut holder = self.gate.lock();
            holder.arrived(&trip, false);
            holder.ring();
        }
    }
}
