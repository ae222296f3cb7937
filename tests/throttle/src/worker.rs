//! One invocation: what it knows ends with it, except the ticket of the next message.

use std::cell::Cell;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use casbah_http::gate::{GateError, Gates, Signs, Spend, Throttled, Urgency, Verdict};
use casbah_model::SignedDuration;
use casbah_model::message::Ticket;
use casbah_model::ports::Clock;
use futures::stream::{FuturesUnordered, StreamExt};

use crate::clock::{WorkerClock, sleep};
use crate::invariants::{Invariants, Sent};
use crate::limiter::Ruling;
use crate::scenario::{Scenario, Strategy};
use crate::table::WorkerTable;
use crate::world::World;

/// A step's time (of a function's minute).
pub const STEP: Duration = Duration::from_secs(55);
/// Calls beyond those in flight that wait at the gate.
const WAITING_CALLS: usize = 4;
/// How much a way takes, in parts of half the median.
const LEG: (f64, f64) = (0.7, 1.3);
/// One answer in fifty is slow: the vendor has counted the call and takes its time.
const SLOW_SHARE: f64 = 0.02;
const SLOW_LEG: f64 = 7.0;

pub struct Worker<'a> {
    pub world: &'a World,
    lane: usize,
    clock: Arc<WorkerClock>,
    in_flight: Cell<usize>,
    /// Since when no call is under way.
    idle_s: Cell<f64>,
}

/// The end of an invocation: what the next message brings, and when.
#[derive(Default)]
pub struct Ended {
    pub ticket: Option<Ticket>,
    pub delay_s: f64,
}

impl<'a> Worker<'a> {
    pub fn start(world: &'a World, lane: usize) -> Worker<'a> {
        let skew_s = world.scenario.skew_s * world.rng.normal();
        let clock = WorkerClock {
            truth: world.clock.clone(),
            skew: SignedDuration::from_secs_f64(skew_s),
            worker: lane,
            invariants: world.invariants.clone(),
        };
        let worker = Worker {
            world,
            lane,
            clock: Arc::new(clock),
            in_flight: Cell::new(0),
            idle_s: Cell::new(world.clock.now_s()),
        };
        worker.invariants().begins(lane, skew_s * 1000.0);
        worker
    }

    pub fn scenario(&self) -> &Scenario {
        &self.world.scenario
    }

    fn invariants(&self) -> MutexGuard<'_, Invariants> {
        let invariants = &self.world.invariants;
        invariants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn gates(&self, ticket: Option<Ticket>) -> Gates {
        let misreading = self.scenario().misreading.filter(|_| self.lane == 0);
        let table = WorkerTable {
            table: self.world.table.clone(),
            clock: self.clock.clone(),
            misreading,
        };
        let deadline = self.clock.now() + STEP;
        let limits = vec![self.scenario().limit.clone()];
        let (table, clock, rng) = (Arc::new(table), self.clock.clone(), self.world.rng.clone());
        Gates::new(table, clock, rng, "c1.1".into(), limits, ticket, deadline)
    }

    /// Calls until the gate says later, or the work of the step is done.
    pub async fn run(&self, ticket: Option<Ticket>) -> Ended {
        let ended = match self.scenario().strategy {
            Strategy::Slices => self.run_gate(ticket).await,
            Strategy::Backoff | Strategy::RetryAfter | Strategy::Split => {
                self.run_alone().await;
                Ended::default()
            }
        };
        self.note_idle();
        ended
    }

    async fn run_gate(&self, ticket: Option<Ticket>) -> Ended {
        let gates = self.gates(ticket);
        let later = self.calls(&gates).await;
        let ticket = gates.ticket();
        gates.finish().await;
        self.invariants().ends(self.lane);
        let delay_s = later.map_or(0.0, |until| {
            until.duration_since(self.clock.now()).as_secs_f64()
        });
        Ended { ticket, delay_s }
    }

    async fn calls(&self, gates: &Gates) -> Option<casbah_model::Timestamp> {
        let mut calls: FuturesUnordered<_> = FuturesUnordered::new();
        let mut later = None;
        let mut left = self.scenario().calls_per_step.unwrap_or(u64::MAX);
        let most = self.scenario().limit.in_flight + WAITING_CALLS;
        loop {
            while later.is_none() && left > 0 && calls.len() < most && !self.world.is_over() {
                calls.push(self.call(gates, Urgency::Bulk));
                left -= 1;
            }
            match calls.next().await {
                None => return later,
                Some(Ok(_)) => {}
                Some(Err(GateError::Later { until })) => later = later.max(Some(until)),
                Some(Err(error)) => panic!("{error:?}"),
            }
        }
    }

    /// One call, again after a short pause; when it was sent first.
    pub async fn call(&self, gates: &Gates, urgency: Urgency) -> Result<f64, GateError> {
        let mut first_s = None;
        loop {
            let spend = Spend {
                bucket: self.scenario().limit.bucket,
                account: None,
                class: "list",
                urgency,
            };
            let pass = gates.admit(spend).await?;
            first_s.get_or_insert(self.world.clock.now_s());
            let cost = self.cost();
            self.invariants().sent(
                self.lane,
                Sent {
                    clock_ms: self.clock.now_ms(),
                    units: cost,
                    is_bulk: urgency == Urgency::Bulk,
                },
            );
            let ruling = self.send(cost).await;
            if let Some(headers) = ruling.headers {
                self.invariants().heard(headers.limit);
            }
            match pass.settle(self.signs(ruling, cost)).await? {
                Verdict::Done => return Ok(first_s.unwrap_or_default()),
                Verdict::Again => {}
            }
        }
    }

    fn signs(&self, ruling: Ruling, cost: f64) -> Signs {
        let retry_after = ruling.retry_after_s.map(Duration::from_secs_f64);
        let headers = ruling.headers;
        Signs {
            units: (self.scenario().tells_costs && !ruling.is_refused).then_some(cost),
            limit: headers.map(|headers| headers.limit),
            remaining: headers.map(|headers| headers.remaining),
            reset: headers.map(|headers| Duration::from_secs_f64(headers.reset_s)),
            throttled: ruling.is_refused.then_some(Throttled { retry_after }),
        }
    }

    /// Units of the next call.
    pub fn cost(&self) -> f64 {
        let (least, most) = self.scenario().costs;
        self.world.rng.uniform(least, most + 1.0).floor().min(most)
    }

    /// A call's way to the vendor and back.
    pub async fn send(&self, cost: f64) -> Ruling {
        if self.in_flight.get() == 0 {
            self.note_idle();
        }
        self.in_flight.set(self.in_flight.get() + 1);
        let (there_s, back_s) = (self.leg_s(0.0), self.leg_s(SLOW_SHARE));
        let arrives_s = self.world.clock.now_s() + there_s;
        let ticket = self.world.vendor.borrow_mut().send(arrives_s, cost);
        sleep(there_s).await;
        let ruling = self.world.vendor.borrow_mut().answer(ticket);
        sleep(back_s).await;
        self.in_flight.set(self.in_flight.get() - 1);
        self.idle_s.set(self.world.clock.now_s());
        ruling
    }

    fn leg_s(&self, slow_share: f64) -> f64 {
        let rng = &self.world.rng;
        let factor = if rng.uniform(0.0, 1.0) < slow_share {
            SLOW_LEG
        } else {
            rng.uniform(LEG.0, LEG.1)
        };
        0.5 * self.scenario().rtt_s * factor
    }

    /// The function did nothing but wait until now.
    fn note_idle(&self) {
        let waited_s = self.world.clock.now_s() - self.idle_s.get();
        let mut counts = self.world.counts.borrow_mut();
        counts.longest_wait_s = counts.longest_wait_s.max(waited_s);
    }
}
