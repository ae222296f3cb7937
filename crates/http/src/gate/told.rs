//! Rate-limit headers: what the vendor tells about its window, and the pace that uses it up in time
//! (throttle design, section 4).

/// The vendor's window as the last answers described it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    limit: f64,
    remaining: f64,
    /// Earliest estimate of the reset: the header is rounded up to a second.
    pub reset_ms: i64,
    at_ms: i64,
    /// Units of our calls answered since `remaining` was told.
    answered: f64,
    /// What other apps take, in units per second.
    others: f64,
}

/// Two estimates of a reset this close mean the same one: headers count whole seconds.
const SAME_RESET_MS: i64 = 1500;
/// Time over which the use of others is averaged.
const OTHERS_S: f64 = 5.0;
/// What stays unused at the end of a window: two units or 0.3 %, and what others take in 0.4 s.
const KEEP: (f64, f64, f64) = (2.0, 0.003, 0.4);
const REST_S_MIN: f64 = 0.3;

/// What one answer says.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub limit: f64,
    pub remaining: f64,
    pub reset_ms: i64,
}

impl Told {
    /// Takes in an answer whose call cost `units`.
    pub fn update(before: Option<Told>, reading: Reading, units: f64, now_ms: i64) -> Told {
        let fresh = Told {
            limit: reading.limit,
            remaining: reading.remaining,
            reset_ms: reading.reset_ms,
            at_ms: now_ms,
            answered: 0.0,
            others: before.as_ref().map_or(0.0, |told| told.others),
        };
        let Some(mut told) = before.filter(|told| told.is_same_window(reading.reset_ms, now_ms))
        else {
            return fresh;
        };
        told.limit = reading.limit;
        told.reset_ms = told.reset_ms.min(reading.reset_ms);
        told.answered += units;
        // Answers overtake each other; within one window what remains only falls.
        if reading.remaining < told.remaining {
            let elapsed_s = ((now_ms - told.at_ms).max(1)) as f64 / 1000.0;
            let rate = (told.remaining - reading.remaining - told.answered) / elapsed_s;
            let weight = 1.0 - (-elapsed_s / OTHERS_S).exp();
            told.others = (told.others + weight * (rate - told.others)).max(0.0);
            (told.remaining, told.answered, told.at_ms) = (reading.remaining, 0.0, now_ms);
        }
        told
    }

    fn is_same_window(&self, reset_ms: i64, now_ms: i64) -> bool {
        now_ms < self.reset_ms && (reset_ms - self.reset_ms).abs() <= SAME_RESET_MS
    }

    /// Units per second that use up the window by its end, with `in_flight` units not yet answered.
    pub fn pace(&self, in_flight: f64, now_ms: i64) -> f64 {
        let keep = KEEP.0.max(KEEP.1 * self.limit) + KEEP.2 * self.others;
        let rest_s = (self.reset_ms - now_ms) as f64 / 1000.0;
        (self.remaining - self.answered - in_flight - keep).max(0.0) / rest_s.max(REST_S_MIN)
    }

    pub fn limit(&self) -> f64 {
        self.limit
    }
}
