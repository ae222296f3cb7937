//! At most so many units in any window.

use std::collections::VecDeque;

use super::{Allowance, Limiter, Ruling};

#[derive(Clone)]
pub struct Sliding {
    allowance: Allowance,
    past: VecDeque<(f64, f64)>,
    used: f64,
}

impl Sliding {
    pub fn new(allowance: Allowance) -> Sliding {
        Sliding {
            allowance,
            past: VecDeque::new(),
            used: 0.0,
        }
    }
}

impl Limiter for Sliding {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        while let Some((at_s, cost)) = self.past.front().copied() {
            if at_s > now_s - self.allowance.window_s {
                break;
            }
            self.past.pop_front();
            self.used -= cost;
        }
        if self.used + cost > self.allowance.at(now_s) {
            let frees = self.past.front();
            return Ruling::refused(
                frees.map_or(1.0, |(at_s, _)| at_s + self.allowance.window_s - now_s),
            );
        }
        self.used += cost;
        self.past.push_back((now_s, cost));
        Ruling::default()
    }

    fn possible(&mut self, now_s: f64) -> f64 {
        self.allowance.possible(now_s)
    }
}
