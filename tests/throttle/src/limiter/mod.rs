//! Vendors' limiters: how they count, and what they tell.

mod fixed;
mod sliding;
mod tokens;
mod troubles;

use std::time::Duration;

pub use fixed::{Fixed, PHASE_S};
pub use sliding::Sliding;
pub use tokens::Tokens;
pub use troubles::{Bursts, Daily, Shared, Silent};

/// What a call is answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ruling {
    pub is_refused: bool,
    pub retry_after_s: Option<f64>,
    pub headers: Option<Headers>,
}

/// Rate-limit headers.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    pub limit: f64,
    pub remaining: f64,
    pub reset_s: f64,
}

impl Ruling {
    pub fn refused(retry_after_s: f64) -> Ruling {
        Ruling {
            is_refused: true,
            retry_after_s: Some(retry_after_s.ceil().max(1.0)),
            headers: None,
        }
    }
}

/// One limit of a vendor. Times are seconds since the workers began, and never go back.
pub trait Limiter {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling;
    /// Units that our calls could have had since the beginning.
    fn possible(&mut self, now_s: f64) -> f64;
}

/// A limit that may halve at some time.
#[derive(Clone, Copy)]
pub struct Allowance {
    units: f64,
    window_s: f64,
    halves_s: f64,
}

impl Allowance {
    pub fn new(units: f64, window: Duration) -> Allowance {
        Allowance {
            units,
            window_s: window.as_secs_f64(),
            halves_s: f64::INFINITY,
        }
    }

    pub fn halves_at(self, halves_s: f64) -> Allowance {
        Allowance { halves_s, ..self }
    }

    /// Units per window.
    fn at(&self, now_s: f64) -> f64 {
        if now_s >= self.halves_s {
            self.units / 2.0
        } else {
            self.units
        }
    }

    /// Units per second.
    fn rate(&self, now_s: f64) -> f64 {
        self.at(now_s) / self.window_s
    }

    fn possible(&self, now_s: f64) -> f64 {
        let full_s = now_s.min(self.halves_s);
        (full_s + (now_s - full_s) / 2.0) * self.units / self.window_s
    }
}
