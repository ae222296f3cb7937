//! The audit trail of a tenant from fetch to commit, without what the simulator spends on its answers.

#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use async_trait::async_trait;
use casbah_model::Timestamp;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Request, Response, TransportError, WholeBody};
use casbah_simulators::microsoft365::Plan;
use casbah_simulators::simulated::{Simulated, Size};
use casbah_simulators::{box_com, okta};

use crate::{Scan, cpu_seconds, scan, scan_of};

/// What it took to read so many events.
pub struct Fetched {
    pub events: u64,
    pub wall_seconds: f64,
    /// Time that passed for the tenant.
    pub virtual_seconds: f64,
    pub cpu_seconds: f64,
    /// From the commits to Parquet.
    pub table_cpu_seconds: f64,
    /// What was sent, and what lies in the lake: the compressed records and the compressed events.
    pub fetched_bytes: u64,
    pub record_bytes: u64,
    pub event_bytes: u64,
    pub table_bytes: u64,
}

/// Reads a week of events in bundles of about `bundle` and commits them, each with its record.
pub fn fetch_to_commit(events: usize, bundle: u64) -> Fetched {
    let mut plan = Plan::new(1).sized(50, 0, events);
    plan.blob_records_mean = bundle;
    MADE.set(0.0);
    BYTES.set(0);
    let begun = Instant::now();
    let found = scan(plan, &["activities", "sign-in-events"], drained);
    fetched(found, events, begun)
}

/// The same with the System Log of an org of Okta.
pub fn okta_to_commit(events: usize) -> Fetched {
    let plan = okta::Plan::of_size(&size(events));
    let started = plan.started;
    to_commit(events, started, |clock| okta::Simulator::new(plan, clock))
}

/// The same with the events of an enterprise of Box.
pub fn box_to_commit(events: usize) -> Fetched {
    let plan = box_com::Plan::of_size(&size(events));
    let started = plan.started;
    to_commit(events, started, |clock| {
        box_com::Simulator::new(plan, clock)
    })
}

fn size(events: usize) -> Size {
    Size {
        seed: 1,
        users: 50,
        files: 0,
        activities: events,
    }
}

fn to_commit<S: Simulated + 'static>(
    events: usize,
    started: Timestamp,
    tenant: impl FnOnce(Arc<dyn Clock>) -> S,
) -> Fetched {
    MADE.set(0.0);
    BYTES.set(0);
    let begun = Instant::now();
    let chosen = ["activities", "sign-in-events"];
    let found = scan_of(started, tenant, &chosen, drained);
    fetched(found, events, begun)
}

fn fetched<S>(found: Scan<S>, events: usize, begun: Instant) -> Fetched {
    assert!(
        found.closes && found.written == events as u64,
        "{} events",
        found.written
    );
    let bytes = |kind| found.object_bytes.get(kind).copied().unwrap_or(0);
    Fetched {
        events: found.written,
        wall_seconds: begun.elapsed().as_secs_f64(),
        virtual_seconds: found.virtual_seconds,
        cpu_seconds: found.cpu_seconds - MADE.get(),
        table_cpu_seconds: found.table_cpu_seconds,
        fetched_bytes: BYTES.get(),
        record_bytes: bytes("raw"),
        event_bytes: bytes("ocsf"),
        table_bytes: bytes("ext"),
    }
}

thread_local! {
    /// Processor seconds that the simulator spent on bodies.
    static MADE: Cell<f64> = const { Cell::new(0.0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

/// Answers as they come, with their bodies made beforehand: what a body costs the simulator is counted apart.
struct Drained<S>(Arc<S>);

fn drained<S: Simulated + 'static>(simulator: Arc<S>) -> Arc<dyn Transport> {
    Arc::new(Drained(simulator))
}

#[async_trait]
impl<S: Simulated> Transport for Drained<S> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let paths = ["/activity/feed/audit/", "/api/v1/logs", "/events?"];
        let is_bundle = paths.iter().any(|path| request.url.contains(path));
        let mut send = self.0.send(request);
        if !is_bundle {
            return send.await;
        }
        let mut answer = apart(|context| send.as_mut().poll(context)).await?;
        let mut whole = Vec::new();
        loop {
            let mut chunk = answer.body.chunk();
            let Some(chunk) = apart(|context| chunk.as_mut().poll(context)).await? else {
                break;
            };
            whole.extend_from_slice(&chunk);
        }
        BYTES.set(BYTES.get() + whole.len() as u64);
        answer.body = WholeBody::boxed(whole);
        Ok(answer)
    }
}

/// Waits for the simulator and counts its time apart, without that of others who run while it waits.
async fn apart<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    std::future::poll_fn(|context| {
        let before = cpu_seconds();
        let polled = poll(context);
        MADE.set(MADE.get() + cpu_seconds() - before);
        polled
    })
    .await
}
