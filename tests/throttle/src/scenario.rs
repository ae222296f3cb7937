//! What is simulated: a limit as we know it, the limiter as it is, the workers and their troubles.

use std::rc::Rc;
use std::time::Duration;

use casbah_http::gate::Limit;

use crate::limiter::{Allowance, Fixed, Limiter, PHASE_S};
use crate::table::Misreading;

#[derive(Clone)]
pub struct Scenario {
    pub limit: Limit,
    /// Makes the limiter as it is before the first call.
    pub limiter: Rc<dyn Fn() -> Box<dyn Limiter>>,
    /// Lanes of steps: so many functions run at the same time at most.
    pub workers: usize,
    pub strategy: Strategy,
    /// Median time of an answer.
    pub rtt_s: f64,
    /// Time that is measured, and what passes before: until the vendor's first whole window.
    pub lasts: Duration,
    pub measured_from_s: f64,
    /// Least and most units of a call, evenly distributed whole numbers.
    pub costs: (f64, f64),
    pub tells_costs: bool,
    pub interactive_each_s: Option<f64>,
    /// Part of the writes whose answer is lost; as many find the table busy.
    pub lost_answers: f64,
    /// Calls after which a step has no more work.
    pub calls_per_step: Option<u64>,
    /// Average time that a worker runs before it dies.
    pub dies_each_s: Option<f64>,
    /// Standard deviation of the workers' clocks.
    pub skew_s: f64,
    /// What the first worker takes items for, if it is broken.
    pub misreading: Option<Misreading>,
    pub seed: u64,
}

/// How a worker keeps to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The gate of `casbah-http`.
    Slices,
    /// Each call is sent at once; after a 429 again after a random time below a doubling bound.
    Backoff,
    /// Each call is sent at once; after a 429 again when `Retry-After` says so.
    RetryAfter,
    /// Each worker paces its calls at its share of the limit.
    Split,
}

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A limit of calls, with the rules of section 8 for all sizes.
pub fn limit(units: f64, window: Duration) -> Limit {
    Limit {
        bucket: "mgmt",
        units,
        share: 1.0,
        window,
        day_units: None,
        margin: None,
        in_flight: 32,
        tracks: 1,
        slice: None,
        speed_up: 1,
        costs: &[],
        first_cost: 1.0,
        growth: None,
        version: 1,
    }
}

/// 2000 calls in each minute.
pub fn per_minute() -> Allowance {
    Allowance::new(2000.0, secs(60))
}

impl Scenario {
    /// Ten workers for half an hour against 2000 calls a minute.
    pub fn new(limiter: impl Limiter + Clone + 'static) -> Scenario {
        Scenario {
            limit: limit(2000.0, secs(60)),
            limiter: Rc::new(move || Box::new(limiter.clone())),
            workers: 10,
            strategy: Strategy::Slices,
            rtt_s: 0.3,
            lasts: secs(1800),
            measured_from_s: 60.0 - PHASE_S,
            costs: (1.0, 1.0),
            tells_costs: false,
            interactive_each_s: None,
            lost_answers: 0.0,
            calls_per_step: None,
            dies_each_s: None,
            skew_s: 0.0,
            misreading: None,
            seed: 1,
        }
    }

    pub fn end_s(&self) -> f64 {
        self.measured_from_s + self.lasts.as_secs_f64()
    }
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario::new(Fixed::new(per_minute()))
    }
}
