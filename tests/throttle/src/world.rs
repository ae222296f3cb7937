//! Lanes of steps against one bucket: a queue with delays, functions that end or die, and people.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use casbah_http::gate::Urgency;
use casbah_model::message::Ticket;
use futures::future::{Either, join, select};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::clock::{SeededRng, VirtualClock, sleep};
use crate::invariants::Invariants;
use crate::outcome::{Counts, Outcome};
use crate::scenario::Scenario;
use crate::table::Table;
use crate::vendor::Vendor;
use crate::worker::{Ended, Worker};

/// A dead worker's step is noticed and sent again after about this long.
const REDRIVEN_S: (f64, f64) = (280.0, 300.0);
/// From a message to its function.
const DELIVERY_S: (f64, f64) = (0.05, 0.2);

pub struct World {
    pub scenario: Scenario,
    pub clock: Arc<VirtualClock>,
    pub rng: Arc<SeededRng>,
    pub table: Arc<Table>,
    pub vendor: RefCell<Vendor>,
    pub counts: RefCell<Counts>,
    pub invariants: Arc<Mutex<Invariants>>,
}

/// Simulates in virtual time: the same scenario gives the same outcome.
pub fn run(scenario: &Scenario) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads");
    runtime.block_on(async {
        let world = World::new(scenario.clone());
        let lanes: FuturesUnordered<_> =
            (0..scenario.workers).map(|lane| world.lane(lane)).collect();
        join(lanes.collect::<Vec<()>>(), world.people()).await;
        world.outcome()
    })
}

impl World {
    fn new(scenario: Scenario) -> World {
        let rng = Arc::new(SeededRng::new(scenario.seed));
        let vendor = Vendor::new(
            (scenario.limiter)(),
            scenario.measured_from_s,
            scenario.end_s(),
        );
        // The people's calls come from a worker of their own.
        let invariants =
            Invariants::new(scenario.limit.clone(), scenario.workers + 1, scenario.costs);
        World {
            clock: Arc::new(VirtualClock::start()),
            table: Arc::new(Table::new(rng.clone(), scenario.lost_answers)),
            rng,
            vendor: RefCell::new(vendor),
            counts: RefCell::default(),
            invariants: Arc::new(Mutex::new(invariants)),
            scenario,
        }
    }

    pub fn is_over(&self) -> bool {
        self.clock.now_s() >= self.scenario.end_s()
    }

    /// A chain of step messages: at most one function runs it at a time.
    async fn lane(&self, lane: usize) {
        let mut ticket: Option<Ticket> = None;
        let mut lives_s = self.lifetime_s();
        sleep(self.rng.uniform(0.0, 0.5)).await;
        while !self.is_over() {
            let started_s = self.clock.now_s();
            let ended = {
                let worker = Worker::start(self, lane);
                let step = pin!(worker.run(ticket.clone()));
                match select(step, pin!(sleep(lives_s))).await {
                    Either::Left((ended, _)) => Some(ended),
                    Either::Right(_) => None,
                }
            };
            let took_s = self.clock.now_s() - started_s;
            self.bill(took_s);
            if let Some(Ended {
                ticket: next,
                delay_s,
            }) = ended
            {
                ticket = next;
                lives_s -= took_s;
                // Queues delay by whole seconds.
                sleep(delay_s.max(0.0).floor() + self.rng.uniform(DELIVERY_S.0, DELIVERY_S.1))
                    .await;
            } else {
                // The same message comes again, with the ticket that it had.
                lives_s = self.lifetime_s();
                sleep(self.rng.uniform(REDRIVEN_S.0, REDRIVEN_S.1)).await;
            }
        }
    }

    fn lifetime_s(&self) -> f64 {
        let mean_s = self.scenario.dies_each_s;
        // About forever: longer than every scenario.
        mean_s.map_or(1e7, |mean_s| mean_s * self.rng.uniform(0.5, 1.5))
    }

    fn bill(&self, took_s: f64) {
        let mut counts = self.counts.borrow_mut();
        counts.billed_s += took_s;
        counts.steps += 1;
    }

    /// Somebody acts now and then.
    async fn people(&self) {
        let Some(each_s) = self.scenario.interactive_each_s else {
            return;
        };
        while !self.is_over() {
            sleep(self.rng.uniform(0.5, 1.5) * each_s).await;
            let worker = Worker::start(self, self.scenario.workers);
            let gates = worker.gates(None);
            let started_s = self.clock.now_s();
            if let Ok(sent_s) = worker.call(&gates, Urgency::Interactive).await {
                self.counts
                    .borrow_mut()
                    .interactive_s
                    .push(sent_s - started_s);
            }
        }
    }

    fn outcome(&self) -> Outcome {
        let (mut vendor, mut counts) = (self.vendor.borrow_mut(), self.counts.borrow_mut());
        let invariants = self
            .invariants
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.interactive_s.sort_by(f64::total_cmp);
        let p95 = counts.interactive_s.len() * 95 / 100;
        let sent_thousands = vendor.sent() as f64 / 1000.0;
        Outcome {
            used: vendor.used(),
            refused: 100.0 * vendor.refused as f64 / vendor.calls as f64,
            calls: vendor.calls,
            writes: self.table.writes() as f64 / sent_thousands,
            reads: self.table.reads() as f64 / sent_thousands,
            billed_s: counts.billed_s / sent_thousands,
            steps: counts.steps,
            longest_wait_s: counts.longest_wait_s,
            interactive_p95_s: counts.interactive_s.get(p95).copied().unwrap_or(0.0),
            violations: invariants.violations().to_vec(),
        }
    }
}
