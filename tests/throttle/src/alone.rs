//! Workers that know nothing of each other: what they would get instead.

use std::cell::Cell;

use futures::future::join_all;

use crate::clock::sleep;
use crate::scenario::Strategy;
use crate::worker::{STEP, Worker};

/// Calls of one worker at the same time.
const CALLS: usize = 4;
/// The bound of a random wait: at first, and at most.
const BACKOFF_S: (f64, f64) = (0.5, 32.0);
/// A vendor that does not say when to come back is asked again after this.
const SILENT_S: f64 = 1.0;
/// What a fixed split keeps free, as the gate does.
const SPLIT_MARGIN: f64 = 0.01;

impl Worker<'_> {
    /// Sends until the step's time is over.
    pub async fn run_alone(&self) {
        let deadline_s = self.world.clock.now_s() + STEP.as_secs_f64();
        let next_s = Cell::new(self.world.clock.now_s());
        join_all((0..CALLS).map(|_| self.caller(deadline_s, &next_s))).await;
    }

    async fn caller(&self, deadline_s: f64, next_s: &Cell<f64>) {
        let is_over = || self.world.clock.now_s() >= deadline_s || self.world.is_over();
        while !is_over() {
            let cost = self.cost();
            let mut refusals = 0;
            loop {
                if self.scenario().strategy == Strategy::Split {
                    self.wait_for_share(cost, next_s).await;
                }
                if is_over() {
                    return;
                }
                let ruling = self.send(cost).await;
                if !ruling.is_refused {
                    break;
                }
                refusals += 1;
                let wait_s = self.wait_s(refusals, ruling.retry_after_s);
                sleep(wait_s.min(deadline_s - self.world.clock.now_s())).await;
            }
        }
    }

    fn wait_s(&self, refusals: i32, retry_after_s: Option<f64>) -> f64 {
        if self.scenario().strategy != Strategy::Backoff {
            return retry_after_s.unwrap_or(SILENT_S);
        }
        let bound_s = BACKOFF_S.0 * f64::from(refusals).exp2();
        self.world.rng.uniform(0.0, bound_s.min(BACKOFF_S.1))
    }

    /// Each worker has its part of the documented limit.
    async fn wait_for_share(&self, cost: f64, next_s: &Cell<f64>) {
        let (limit, workers) = (&self.scenario().limit, self.scenario().workers as f64);
        let pace = limit.documented_pace() * (1.0 - SPLIT_MARGIN) / workers;
        let due_s = next_s.get().max(self.world.clock.now_s());
        next_s.set(due_s + cost / pace);
        sleep(due_s - self.world.clock.now_s()).await;
    }
}
