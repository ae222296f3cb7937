//! What makes a limiter hard to follow: other apps, refusals by chance, silence, a second limit.

use casbah_model::ports::Rng;

use super::{Allowance, Limiter, Ruling};
use crate::clock::SeededRng;

/// Another app takes a part of the limit: twice its share in every other minute, evenly.
#[derive(Clone)]
pub struct Shared<L> {
    limiter: L,
    allowance: Allowance,
    share: f64,
    taken: f64,
    last_s: f64,
}

/// The other app's calls are this far apart.
const OTHERS_STEP_S: f64 = 0.1;

impl<L: Limiter> Shared<L> {
    pub fn new(limiter: L, allowance: Allowance, share: f64) -> Shared<L> {
        Shared {
            limiter,
            allowance,
            share,
            taken: 0.0,
            last_s: 0.0,
        }
    }

    fn pass(&mut self, now_s: f64) {
        while self.last_s + OTHERS_STEP_S <= now_s {
            self.last_s += OTHERS_STEP_S;
            if (self.last_s / 60.0) as i64 % 2 == 0 {
                continue;
            }
            let wanted = OTHERS_STEP_S * 2.0 * self.share * self.allowance.rate(self.last_s);
            if !self.limiter.rule(self.last_s, wanted).is_refused {
                self.taken += wanted;
            }
        }
    }
}

impl<L: Limiter> Limiter for Shared<L> {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        self.pass(now_s);
        self.limiter.rule(now_s, cost)
    }

    fn possible(&mut self, now_s: f64) -> f64 {
        self.pass(now_s);
        self.limiter.possible(now_s) - self.taken
    }
}

/// Refuses everything for some seconds now and then, whatever is sent.
#[derive(Clone)]
pub struct Bursts<L> {
    limiter: L,
    every_s: f64,
    long_s: f64,
}

impl<L: Limiter> Bursts<L> {
    pub fn new(limiter: L, every_s: f64, long_s: f64) -> Bursts<L> {
        Bursts {
            limiter,
            every_s,
            long_s,
        }
    }

    /// Start of the burst of a turn, anywhere in it.
    fn starts_s(&self, turn: f64) -> f64 {
        let chance = SeededRng::new(turn as u64).fraction();
        self.every_s * turn + (self.every_s - self.long_s) * chance
    }

    fn refused_s(&self, now_s: f64) -> f64 {
        let turn = (now_s / self.every_s).floor();
        let current_s = (now_s - self.starts_s(turn)).clamp(0.0, self.long_s);
        turn * self.long_s + current_s
    }
}

impl<L: Limiter> Limiter for Bursts<L> {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        let past_s = now_s - self.starts_s((now_s / self.every_s).floor());
        if (0.0..self.long_s).contains(&past_s) {
            return Ruling::refused(self.long_s - past_s);
        }
        self.limiter.rule(now_s, cost)
    }

    fn possible(&mut self, now_s: f64) -> f64 {
        self.limiter.possible(now_s) * (1.0 - self.refused_s(now_s) / now_s.max(1.0))
    }
}

/// Never says when to come back.
#[derive(Clone)]
pub struct Silent<L>(pub L);

impl<L: Limiter> Limiter for Silent<L> {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        Ruling {
            retry_after_s: None,
            ..self.0.rule(now_s, cost)
        }
    }

    fn possible(&mut self, now_s: f64) -> f64 {
        self.0.possible(now_s)
    }
}

/// At most so many units in the day that begins with the workers.
#[derive(Clone)]
pub struct Daily<L> {
    limiter: L,
    units: f64,
    used: f64,
}

const DAY_S: f64 = 86_400.0;

impl<L: Limiter> Daily<L> {
    pub fn new(limiter: L, units: f64) -> Daily<L> {
        Daily {
            limiter,
            units,
            used: 0.0,
        }
    }
}

impl<L: Limiter> Limiter for Daily<L> {
    fn rule(&mut self, now_s: f64, cost: f64) -> Ruling {
        if now_s < DAY_S && self.used + cost > self.units {
            return Ruling::refused(DAY_S - now_s);
        }
        let ruling = self.limiter.rule(now_s, cost);
        if !ruling.is_refused {
            self.used += cost;
        }
        ruling
    }

    fn possible(&mut self, now_s: f64) -> f64 {
        self.limiter.possible(now_s).min(self.units)
    }
}
