//! What a vendor allows, as data, and the sizes that follow from it (throttle design, sections 8
//! and 15).

use std::time::Duration;

/// One limit scope of a vendor.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Name of the bucket, such as `mgmt` or `graph-identity`.
    pub bucket: &'static str,
    /// Units allowed per window, after scaling by seats; zero when the vendor documents none.
    pub units: f64,
    /// Part of the vendor's limit that `units` are; the rest is for others, also what they leave unused.
    pub share: f64,
    pub window: Duration,
    /// Units allowed per 24 hours, when there is such a limit too.
    pub day_units: Option<f64>,
    /// Share of the limit that stays unused; the rule of section 8 when absent.
    pub margin: Option<f64>,
    /// Calls in flight of one holder; times `tracks` it is never above the vendor's concurrency
    /// limit.
    pub in_flight: usize,
    /// Parallel copies of the time line, for buckets that one function cannot use up; at most
    /// [`TRACKS_MAX`].
    pub tracks: u32,
    /// Length of a full slice; the rule of section 8 when absent.
    pub slice: Option<Duration>,
    /// How many times faster a holder may spend its slice; 1 turns it off. For a token bucket only
    /// when its documented depth is at least the budget of a slice.
    pub speed_up: u32,
    /// Documented units per call by endpoint class.
    pub costs: &'static [(&'static str, f64)],
    /// Units of a call whose class is not in `costs`, until the vendor has told better.
    pub first_cost: f64,
    /// Growth constant near the place where the limit was met; automatic when absent.
    pub growth: Option<Duration>,
    /// Raised with every change of the numbers above, so that buckets made from older ones follow.
    pub version: u32,
}

/// As many as there are attribute names for tails; one function does some 100 calls per second, so
/// eight are far above every documented limit of one scope.
pub const TRACKS_MAX: u32 = 8;

/// A full slice holds about this many calls (throttle design, section 8).
const SLICE_CALLS: f64 = 300.0;
/// A slice of at most so many calls loses too much at its edges when it holds a fraction of a call.
const FEW_CALLS: f64 = 10.0;
/// Shortest and longest full slice, in seconds (throttle design, section 8).
const SLICE_S: (f64, f64) = (5.0, 20.0);
/// A burst may move by this much on its way to the vendor (throttle design, section 8: 0.25
/// s/window).
const BURST_S: f64 = 0.25;
/// Jitter of one send, in seconds (throttle design, section 8: the 0.05 of the margin).
const JITTER_S: f64 = 0.05;
const MARGIN_MIN: f64 = 0.01;
/// Below this margin a sped-up slice met 429s on sliding windows (throttle design, section 10).
pub const SPED_MARGIN_MIN: f64 = 0.015;
/// Part of the limit that interactive calls may use (throttle design, section 5).
const INTERACTIVE_SHARE: f64 = 0.05;
/// Interactive calls in one go, at least: a person's action is a handful of calls.
const INTERACTIVE_CALLS: f64 = 10.0;
/// Where a limit that nobody documents begins, in units per second (throttle design, section 14).
const FIRST_PACE: f64 = 5.0;

impl Limit {
    /// Units per second as documented, or where to begin when nothing is.
    pub fn documented_pace(&self) -> f64 {
        if self.units > 0.0 {
            self.units / self.window_s()
        } else {
            FIRST_PACE
        }
    }

    /// The ceiling of the pace for `units` per window, which may be what the vendor told instead of
    /// what it documents.
    pub fn cap_for(&self, units: f64) -> Option<f64> {
        (units > 0.0).then(|| units / self.window_s() * (1.0 - self.margin()))
    }

    pub fn margin(&self) -> f64 {
        if let Some(margin) = self.margin {
            return margin;
        }
        let least = if self.speed_up > 1 {
            SPED_MARGIN_MIN
        } else {
            MARGIN_MIN
        };
        if self.units <= 0.0 {
            return least;
        }
        let spread = 4.0 * (2.0 * self.calls_per_s() * JITTER_S).sqrt() + 1.0;
        let edge = (BURST_S / self.window_s()).min(spread * self.first_cost / self.units);
        edge.max(least)
    }

    /// Length of a full slice: about 300 calls in 5 to 20 s, and a divisor or a multiple of the
    /// window, so that every window holds the same slices.
    ///
    /// A window below 20 s is not divided: at the end of each slice the calls in flight are not
    /// settled yet, and with two ends per window and track a sliding limiter saw their sum.
    pub fn slice_ms(&self) -> i64 {
        if let Some(slice) = self.slice {
            return ms(slice);
        }
        let (window, least) = (self.window_s(), SLICE_S.0);
        let whole = if window <= SLICE_S.1 { window } else { least };
        let wanted = (SLICE_CALLS / self.calls_per_s()).clamp(whole.max(least), SLICE_S.1);
        let slice = if wanted * self.calls_per_s() <= FEW_CALLS {
            // Only whole windows hold a whole number of so few calls.
            (wanted.min(least) / window).round().max(1.0) * window / (1.0 - self.margin())
        } else if window >= wanted {
            let parts = (window / wanted).floor();
            if window / parts > SLICE_S.1 {
                window / (parts + 1.0)
            } else {
                window / parts
            }
        } else {
            (wanted / window).round() * window
        };
        (slice * 1000.0).round() as i64
    }

    /// How far a holder that fell behind may catch up, in milliseconds (throttle design, section
    /// 6).
    pub fn catch_ms(&self) -> f64 {
        (self.window_s() * 1000.0 * 0.004).clamp(20.0, 250.0)
    }

    pub fn cost(&self, class: &str) -> f64 {
        let known = self.costs.iter().find(|(known, _)| *known == class);
        known.map_or(self.first_cost, |(_, cost)| *cost)
    }

    pub fn window_s(&self) -> f64 {
        self.window.as_secs_f64()
    }

    pub fn window_ms(&self) -> i64 {
        ms(self.window)
    }

    pub fn track_count(&self) -> u32 {
        self.tracks.clamp(1, TRACKS_MAX)
    }

    /// Units per second of interactive calls.
    pub fn interactive_pace(&self) -> f64 {
        self.documented_pace() * INTERACTIVE_SHARE
    }

    /// Whether interactive calls have a way of their own: where a window holds one call there is no room beside it.
    pub fn has_interactive_way(&self) -> bool {
        self.units <= 0.0 || self.units >= 2.0 * self.first_cost
    }

    /// How far interactive calls may run ahead of their pace, in milliseconds.
    pub fn interactive_burst_ms(&self) -> i64 {
        (INTERACTIVE_CALLS * self.first_cost / self.interactive_pace() * 1000.0) as i64
    }

    /// The most units that interactive calls can have used within a window.
    pub fn interactive_units_max(&self) -> f64 {
        self.documented_pace() * self.window_s() * INTERACTIVE_SHARE
            + INTERACTIVE_CALLS * self.first_cost
    }

    /// Whether slices repeat with every window, which speed-up relies on.
    pub fn has_aligned_slices(&self) -> bool {
        let (window, slice) = (self.window_ms(), self.slice_ms());
        slice >= window || window % slice == 0
    }

    fn calls_per_s(&self) -> f64 {
        self.documented_pace() / self.first_cost
    }
}

pub fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
