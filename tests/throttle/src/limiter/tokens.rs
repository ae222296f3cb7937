//! A bucket that fills evenly and holds a tenth of a window's units.

use super::{Allowance, Limiter, Ruling};

/// Depth in windows.
const DEPTH: f64 = 0.1;

#[derive(Clone)]
pub struct Tokens {
    allowance: Allowance,
    tokens: f64,
    last_s: f64,
}

impl Tokens {
    pub fn new(allowance: Allowance) -> Tokens {
        Tokens {
            allowance,
            tokens: DEPTH * allowance.units,
            last_s: 0.0,
        }
    }
}

impl Limiter for Tokens {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        let filled = self.tokens + (now_s - self.last_s) * self.allowance.rate(now_s);
        self.tokens = filled.min(DEPTH * self.allowance.units);
        self.last_s = now_s;
        if self.tokens < cost {
            return Ruling::refused((cost - self.tokens) / self.allowance.rate(now_s));
        }
        self.tokens -= cost;
        Ruling::default()
    }

    fn possible(&mut self, now_s: f64) -> f64 {
        self.allowance.possible(now_s)
    }
}
