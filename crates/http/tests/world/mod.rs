//! Workers, queue, table and vendor in virtual time.

pub mod limiter;
pub mod table;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use casbah_http::gate::{GateError, Gates, Limit, Signs, Spend, Throttled, Urgency, Verdict};
use casbah_model::Timestamp;
use casbah_model::message::Ticket;
use casbah_model::ports::{Clock, Rng};
use futures::stream::{FuturesUnordered, StreamExt};

use limiter::Limiter;
use table::Table;

pub struct Scenario {
    pub name: &'static str,
    pub limit: Limit,
    pub limiter: Box<dyn Limiter>,
    pub lanes: usize,
    pub rtt_s: f64,
    pub lasts: Duration,
    /// Least and most units of a call.
    pub costs: (f64, f64),
    pub tells_costs: bool,
    pub interactive_each_s: Option<f64>,
    /// Part of the writes whose answer is lost; as many find the table busy.
    pub lost_answers: f64,
    /// Calls after which a step has no more work.
    pub calls_per_step: Option<u64>,
    pub seed: u64,
}

#[derive(Debug)]
pub struct Outcome {
    /// Percent of what was possible.
    pub used: f64,
    /// Percent of the calls.
    pub refused: f64,
    pub calls: u64,
    /// Per thousand calls.
    pub writes: f64,
    pub reads: f64,
    /// Function seconds per thousand calls.
    pub billed_s: f64,
    pub steps: u64,
    /// The longest time from a step's start to its first call or its end.
    pub longest_wait_s: f64,
    pub interactive_p95_s: f64,
}

/// A step's time (of a function's minute).
const STEP: Duration = Duration::from_secs(55);
/// 2025-06-01T00:00:00Z.
const BASE_S: i64 = 1_748_736_000;

pub struct VirtualClock(pub tokio::time::Instant);

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(BASE_S).unwrap() + self.0.elapsed()
    }

    async fn sleep_until(&self, until: Timestamp) {
        let wait = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
        tokio::time::sleep(wait).await;
    }
}

/// SplitMix64.
pub struct SeededRng(pub AtomicU64);

impl Rng for SeededRng {
    fn next_u64(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[derive(Default)]
struct Counts {
    calls: u64,
    refused: u64,
    accepted_units: f64,
    billed_s: f64,
    steps: u64,
    longest_wait_s: f64,
    interactive_s: Vec<f64>,
}

struct World {
    clock: Arc<VirtualClock>,
    rng: Arc<SeededRng>,
    table: Arc<Table>,
    limiter: RefCell<Box<dyn Limiter>>,
    counts: RefCell<Counts>,
    limit: Limit,
    rtt_s: f64,
    costs: (f64, f64),
    tells_costs: bool,
    calls_per_step: Option<u64>,
    end_s: f64,
}

pub fn run(scenario: Scenario) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(simulate(scenario))
}

async fn simulate(scenario: Scenario) -> Outcome {
    let clock = Arc::new(VirtualClock(tokio::time::Instant::now()));
    let rng = Arc::new(SeededRng(AtomicU64::new(scenario.seed)));
    let table = Arc::new(Table::new(rng.clone(), scenario.lost_answers));
    let world = World {
        table,
        rng,
        clock,
        limiter: RefCell::new(scenario.limiter),
        counts: RefCell::default(),
        limit: scenario.limit,
        rtt_s: scenario.rtt_s,
        costs: scenario.costs,
        tells_costs: scenario.tells_costs,
        calls_per_step: scenario.calls_per_step,
        end_s: scenario.lasts.as_secs_f64(),
    };
    let lanes: FuturesUnordered<_> = (0..scenario.lanes).map(|_| world.lane()).collect();
    let people = async {
        if let Some(each_s) = scenario.interactive_each_s {
            world.people(each_s).await;
        }
    };
    futures::future::join(lanes.collect::<Vec<()>>(), people).await;
    let outcome = world.outcome();
    println!(
        "{:28} use {:6.2} %   429 {:6.3} %   writes/1000 {:5.1}   reads/1000 {:5.1}   billed s/1000 {:5.1}   calls {:7}   steps {:5}",
        scenario.name,
        outcome.used,
        outcome.refused,
        outcome.writes,
        outcome.reads,
        outcome.billed_s,
        outcome.calls,
        outcome.steps
    );
    outcome
}

impl World {
    fn now_s(&self) -> f64 {
        self.clock.0.elapsed().as_secs_f64()
    }

    fn uniform(&self, least: f64, most: f64) -> f64 {
        least + self.rng.fraction() * (most - least)
    }

    fn gates(&self, ticket: Option<Ticket>) -> Gates {
        let deadline = self.clock.now() + STEP;
        let limits = vec![self.limit.clone()];
        Gates::new(
            self.table.clone(),
            self.clock.clone(),
            self.rng.clone(),
            "c1.1".into(),
            limits,
            ticket,
            deadline,
        )
    }

    /// A chain of step messages: at most one function runs it at a time.
    async fn lane(&self) {
        let mut ticket = None;
        sleep(self.uniform(0.0, 0.5)).await;
        while self.now_s() < self.end_s {
            let gates = self.gates(ticket.take());
            let start_s = self.now_s();
            let until = self.step(&gates, start_s).await;
            ticket = gates.ticket();
            gates.finish().await;
            {
                let mut counts = self.counts.borrow_mut();
                counts.billed_s += self.now_s() - start_s;
                counts.steps += 1;
            }
            let delay_s = until.map_or(0.0, |until| {
                until.duration_since(self.clock.now()).as_secs_f64()
            });
            // Queues delay by whole seconds.
            sleep(delay_s.max(0.0).floor() + self.uniform(0.05, 0.2)).await;
        }
    }

    /// Calls until the gate says later, or the work of the step is done.
    async fn step(&self, gates: &Gates, start_s: f64) -> Option<Timestamp> {
        let mut calls: FuturesUnordered<_> = FuturesUnordered::new();
        let mut later: Option<Timestamp> = None;
        let mut left = self.calls_per_step.unwrap_or(u64::MAX);
        let mut first_s = self.end_s;
        loop {
            while later.is_none()
                && left > 0
                && calls.len() < self.limit.in_flight + 4
                && self.now_s() < self.end_s
            {
                calls.push(self.call(gates, Urgency::Bulk));
                left -= 1;
            }
            let Some(answer) = calls.next().await else {
                break;
            };
            first_s = first_s.min(*answer.as_ref().unwrap_or(&self.now_s()));
            match answer {
                Ok(_) => {}
                Err(GateError::Later { until }) => later = later.max(Some(until)),
                Err(error) => panic!("{error:?}"),
            }
        }
        let mut counts = self.counts.borrow_mut();
        counts.longest_wait_s = counts.longest_wait_s.max(first_s - start_s);
        later
    }

    /// One call, again after a short pause; when it was sent first.
    async fn call(&self, gates: &Gates, urgency: Urgency) -> Result<f64, GateError> {
        let mut first_s = None;
        loop {
            let pass = gates
                .admit(Spend {
                    bucket: self.limit.bucket,
                    class: "list",
                    urgency,
                })
                .await?;
            let sent_s = *first_s.get_or_insert_with(|| self.now_s());
            let cost = self
                .uniform(self.costs.0, self.costs.1 + 1.0)
                .floor()
                .min(self.costs.1);
            sleep(self.rtt_s * self.uniform(0.35, 0.65)).await;
            let now_s = self.now_s();
            let ruling = self.limiter.borrow_mut().rule(now_s, cost);
            if now_s < self.end_s {
                let mut counts = self.counts.borrow_mut();
                counts.calls += 1;
                counts.refused += u64::from(ruling.is_refused);
                counts.accepted_units += if ruling.is_refused { 0.0 } else { cost };
            }
            sleep(self.rtt_s * self.uniform(0.35, 0.65)).await;
            let retry_after = ruling.retry_after_s.map(Duration::from_secs_f64);
            let signs = Signs {
                units: (self.tells_costs && !ruling.is_refused).then_some(cost),
                limit: ruling.headers.map(|(limit, ..)| limit),
                remaining: ruling.headers.map(|(_, remaining, _)| remaining),
                reset: ruling
                    .headers
                    .map(|(.., reset_s)| Duration::from_secs_f64(reset_s)),
                throttled: ruling.is_refused.then_some(Throttled { retry_after }),
            };
            match pass.settle(signs).await? {
                Verdict::Done => return Ok(sent_s),
                Verdict::Again => {}
            }
        }
    }

    /// Somebody acts now and then.
    async fn people(&self, each_s: f64) {
        while self.now_s() < self.end_s {
            sleep(self.uniform(0.5, 1.5) * each_s).await;
            let gates = self.gates(None);
            let start_s = self.now_s();
            if let Ok(sent_s) = self.call(&gates, Urgency::Interactive).await {
                self.counts
                    .borrow_mut()
                    .interactive_s
                    .push(sent_s - start_s);
            }
        }
    }

    fn outcome(&self) -> Outcome {
        let mut counts = self.counts.borrow_mut();
        counts.interactive_s.sort_by(f64::total_cmp);
        let p95 = counts.interactive_s.len() * 95 / 100;
        let thousands = counts.calls as f64 / 1000.0;
        Outcome {
            used: 100.0 * counts.accepted_units / self.limiter.borrow().possible(self.end_s),
            refused: 100.0 * counts.refused as f64 / counts.calls as f64,
            calls: counts.calls,
            writes: self.table.writes() as f64 / thousands,
            reads: self.table.reads() as f64 / thousands,
            billed_s: counts.billed_s / thousands,
            steps: counts.steps,
            longest_wait_s: counts.longest_wait_s,
            interactive_p95_s: counts.interactive_s.get(p95).copied().unwrap_or(0.0),
        }
    }
}

async fn sleep(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
