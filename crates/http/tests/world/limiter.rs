//! Vendors' limiters: how they count, and what they tell.

use std::collections::VecDeque;
use std::time::Duration;

/// What a call is answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ruling {
    pub is_refused: bool,
    pub retry_after_s: Option<f64>,
    /// Limit, remaining, seconds until the reset.
    pub headers: Option<(f64, f64, f64)>,
}

pub trait Limiter {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling;
    /// Units that clients could have had from `0` to `end_s`.
    fn possible(&self, end_s: f64) -> f64;
}

/// A limit that may halve at some time.
#[derive(Clone, Copy)]
struct Allowance {
    units: f64,
    window_s: f64,
    halves_s: f64,
}

impl Allowance {
    fn new(units: f64, window: Duration) -> Allowance {
        Allowance {
            units,
            window_s: window.as_secs_f64(),
            halves_s: f64::INFINITY,
        }
    }

    fn at(&self, now_s: f64) -> f64 {
        if now_s >= self.halves_s {
            self.units / 2.0
        } else {
            self.units
        }
    }

    fn possible(&self, end_s: f64) -> f64 {
        let full_s = end_s.min(self.halves_s);
        (full_s + (end_s - full_s) / 2.0) * self.units / self.window_s
    }
}

/// Windows at fixed times, which begin 17 s after the workers.
pub struct Fixed {
    allowance: Allowance,
    window: f64,
    used: f64,
    headers_from: Option<f64>,
    others: f64,
    others_taken: f64,
    last_s: f64,
}

const PHASE_S: f64 = 17.0;

impl Fixed {
    pub fn new(units: f64, window: Duration) -> Fixed {
        let allowance = Allowance::new(units, window);
        Fixed {
            allowance,
            window: -1.0,
            used: 0.0,
            headers_from: None,
            others: 0.0,
            others_taken: 0.0,
            last_s: 0.0,
        }
    }

    /// Headers once this part of the window is used.
    pub fn with_headers(self, from: f64) -> Fixed {
        Fixed {
            headers_from: Some(from),
            ..self
        }
    }

    /// Another app takes this part of the limit on average: twice of it in every other minute,
    /// evenly.
    pub fn with_others(self, others: f64) -> Fixed {
        Fixed { others, ..self }
    }

    pub fn halves_at(mut self, at_s: f64) -> Fixed {
        self.allowance.halves_s = at_s;
        self
    }
}

impl Fixed {
    /// Lets time pass in small steps: windows change, others take their part of what is left.
    fn pass(&mut self, now_s: f64) {
        while self.last_s < now_s {
            let step_s = (now_s - self.last_s).min(0.1);
            self.last_s += step_s;
            let units = self.allowance.at(self.last_s);
            let window = ((self.last_s + PHASE_S) / self.allowance.window_s).floor();
            if window > self.window {
                (self.window, self.used) = (window, 0.0);
            }
            if (self.last_s / 60.0) as i64 % 2 == 1 {
                let wanted = step_s * 2.0 * self.others * units / self.allowance.window_s;
                let taken = wanted.min(units - self.used);
                self.used += taken;
                self.others_taken += taken;
            }
        }
    }
}

impl Limiter for Fixed {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        self.pass(now_s);
        let units = self.allowance.at(now_s);
        let length = self.allowance.window_s;
        let window = self.window;
        let reset_s = (window + 1.0) * length - PHASE_S - now_s;
        let is_refused = self.used + cost > units;
        if !is_refused {
            self.used += cost;
        }
        let shown = self
            .headers_from
            .is_some_and(|from| self.used >= from * units);
        let headers = shown.then(|| (units, (units - self.used).max(0.0).floor(), reset_s.ceil()));
        Ruling {
            is_refused,
            retry_after_s: is_refused.then(|| reset_s.ceil()),
            headers,
        }
    }

    fn possible(&self, end_s: f64) -> f64 {
        self.allowance.possible(end_s) - self.others_taken
    }
}

/// At most so many units in any window.
pub struct Sliding {
    allowance: Allowance,
    past: VecDeque<(f64, f64)>,
    used: f64,
}

impl Sliding {
    pub fn new(units: f64, window: Duration) -> Sliding {
        Sliding {
            allowance: Allowance::new(units, window),
            past: VecDeque::new(),
            used: 0.0,
        }
    }

    pub fn halves_at(mut self, at_s: f64) -> Sliding {
        self.allowance.halves_s = at_s;
        self
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
            let frees_s = self
                .past
                .front()
                .map_or(1.0, |(at_s, _)| at_s + self.allowance.window_s - now_s);
            return Ruling {
                is_refused: true,
                retry_after_s: Some(frees_s.ceil().max(1.0)),
                headers: None,
            };
        }
        self.used += cost;
        self.past.push_back((now_s, cost));
        Ruling::default()
    }

    fn possible(&self, end_s: f64) -> f64 {
        self.allowance.possible(end_s)
    }
}

/// A bucket that fills evenly and holds a tenth of a window, or ten seconds' worth.
pub struct Tokens {
    allowance: Allowance,
    tokens: f64,
    last_s: f64,
}

impl Tokens {
    pub fn new(units: f64, window: Duration) -> Tokens {
        Tokens {
            allowance: Allowance::new(units, window),
            tokens: 0.1 * units,
            last_s: 0.0,
        }
    }

    pub fn halves_at(mut self, at_s: f64) -> Tokens {
        self.allowance.halves_s = at_s;
        self
    }
}

impl Limiter for Tokens {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        let rate = self.allowance.at(now_s) / self.allowance.window_s;
        self.tokens = (self.tokens + (now_s - self.last_s) * rate).min(0.1 * self.allowance.units);
        self.last_s = now_s;
        if self.tokens < cost {
            return Ruling {
                is_refused: true,
                retry_after_s: Some(1.0),
                headers: None,
            };
        }
        self.tokens -= cost;
        Ruling::default()
    }

    fn possible(&self, end_s: f64) -> f64 {
        self.allowance.possible(end_s)
    }
}

/// Refuses everything for some seconds now and then, whatever is sent.
pub struct Bursts {
    below: Fixed,
    every_s: f64,
    long_s: f64,
}

impl Bursts {
    pub fn new(below: Fixed, every_s: f64, long_s: f64) -> Bursts {
        Bursts {
            below,
            every_s,
            long_s,
        }
    }
}

impl Limiter for Bursts {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        // A little irregular, so that the times between look like chance.
        let turn = (now_s / self.every_s).floor();
        let start_s = self.every_s * (0.2 + 0.5 * ((turn * 0.618).fract()));
        let left_s = start_s + self.long_s - now_s % self.every_s;
        if (0.0..self.long_s).contains(&left_s) {
            return Ruling {
                is_refused: true,
                retry_after_s: Some(left_s.ceil()),
                headers: None,
            };
        }
        self.below.rule(now_s, cost)
    }

    fn possible(&self, end_s: f64) -> f64 {
        self.below.possible(end_s)
    }
}
