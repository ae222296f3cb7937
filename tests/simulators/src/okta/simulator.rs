//! The simulator's door: a transport that answers for the whole org, and the controls behind it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Request, Response, TransportError};

use super::desk::{Desk, State, Tenant};
use super::faults::Fault;
use super::holdings::Holdings;
use super::hook_state::{HookAnswer, HookCall};
use super::plan::Plan;
use super::traffic::Traffic;
use super::wire::Call;
use super::world::Deed;
use crate::address::host;
use crate::latency::Flights;
use crate::switches::FaultSettings;

/// What the fault `slow-answers` waits when it has no value.
const SLOW: Duration = Duration::from_secs(30);

/// An org that answers. Clones share the org.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

struct Inner {
    plan: Plan,
    tenant: Tenant,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    requests: AtomicU64,
    flights: Flights,
}

impl Simulator {
    pub fn new(plan: Plan, clock: Arc<dyn Clock>) -> Simulator {
        let tenant = Tenant::new(&plan);
        let state = Mutex::new(State::new(&plan));
        let (requests, flights) = Default::default();
        Simulator {
            inner: Arc::new(Inner {
                plan,
                tenant,
                clock,
                state,
                requests,
                flights,
            }),
        }
    }

    pub fn plan(&self) -> &Plan {
        &self.inner.plan
    }

    /// Turns a fault on, or off with `None`.
    pub fn switch(&self, fault: Fault, settings: Option<FaultSettings>) {
        self.inner.state().switches.set(fault, settings);
    }

    /// What the org really contains at this moment.
    pub fn holds(&self) -> Holdings {
        self.inner.at_desk(|desk| Holdings::of(desk))
    }

    /// The id of the user with a number, for calls that need one.
    pub fn user_id(&self, user: u64) -> String {
        self.inner.tenant.people.id(user)
    }

    /// Who masters the account of a user: Okta, or another directory.
    pub fn provider(&self, user: u64) -> &'static str {
        self.inner.tenant.people.person(user).provider
    }

    pub fn group_id(&self, group: u64) -> String {
        self.inner.tenant.groups.id(group)
    }

    pub fn traffic(&self) -> Traffic {
        let state = self.inner.state();
        let mut traffic = state.traffic.clone();
        traffic.faults = state.switches.struck();
        traffic.concurrency_peak = self.inner.flights.peak();
        traffic
    }

    /// Lets somebody do something now: the state changes, and events follow with a delay.
    pub fn act(&self, deed: Deed) {
        self.inner.at_desk(|desk| desk.act(deed));
    }

    /// Calls that the org makes to hooks and that are due now, each handed out once.
    pub fn hook_calls(&self) -> Vec<HookCall> {
        self.inner.at_desk(|desk| desk.hook_calls())
    }

    /// Tells the org what became of a call to a hook.
    pub fn hook_answered(&self, call: &HookCall, answer: &HookAnswer) {
        self.inner.at_desk(|desk| desk.hook_answered(call, answer));
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // State is valid between any two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_desk<T>(&self, work: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        let now = self.clock.now().as_millisecond();
        let mut state = self.state();
        let State {
            schedule, switches, ..
        } = &mut *state;
        schedule.advance(now, switches);
        work(&mut Desk {
            plan: &self.plan,
            tenant: &self.tenant,
            state: &mut state,
            now,
            in_flight: self.flights.now(),
            skew: 0,
            view: None,
        })
    }

    /// The time this answer takes.
    fn wait(&self) -> Duration {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let usual = self.plan.latency.of(self.plan.seed, number);
        match self.state().switches.strikes(Fault::SlowAnswers) {
            Some(seconds) => usual + seconds.parse().map_or(SLOW, Duration::from_secs),
            None => usual,
        }
    }
}

#[async_trait]
impl Transport for Simulator {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let inner = &*self.inner;
        let _flight = inner.flights.begin();
        let wait = inner.wait();
        if !wait.is_zero() {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO);
            inner.clock.sleep_until(inner.clock.now() + wait).await;
        }
        let host = host(&request.url);
        if inner.state().switches.strikes(Fault::Timeout).is_some() {
            return Err(TransportError::Timeout { host });
        }
        let Some(call) = Call::read(&inner.plan.base, &request) else {
            return Err(TransportError::Unreachable {
                host,
                source: "no such host".into(),
            });
        };
        let answer = inner.at_desk(|desk| desk.answer(&call));
        Ok(answer.into_response())
    }
}
