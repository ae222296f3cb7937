//! The simulator's door: a transport that answers for the whole tenant, and the controls behind it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Bytes, Request, Response, TransportError};

use super::desk::{Desk, State};
use super::faults::Fault;
use super::holdings::Holdings;
use super::plan::{ContentType, Plan};
use super::records::event_id;
use super::schedule::Blob;
use super::tenant::Tenant;
use super::traffic::Traffic;
use super::wire::Call;
use super::world::Deed;
use crate::address::host;
use crate::documents::Held;
use crate::latency::Flights;
use crate::switches::FaultSettings;

/// What the fault `slow-answers` waits when it has no value.
const SLOW: Duration = Duration::from_secs(30);

/// A tenant that answers. Clones share the tenant.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

struct Inner {
    plan: Plan,
    tenant: Arc<Tenant>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    requests: AtomicU64,
    flights: Flights,
}

impl Simulator {
    pub fn new(plan: Plan, clock: Arc<dyn Clock>) -> Simulator {
        let tenant = Arc::new(Tenant::new(&plan));
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

    /// What the tenant really contains at this moment.
    pub fn holds(&self) -> Holdings {
        self.inner.at_desk(|desk| Holdings::of(desk))
    }

    /// The `Id`s of the records that a published blob really holds, whatever faults make of them; expired and lost
    /// blobs included. `None` if there is no such blob, and for the one of the fault `huge-blob`, whose records are
    /// no part of the tenant's holdings.
    pub fn records_of(&self, content_id: &str) -> Option<Vec<String>> {
        let blob = Blob::parse(content_id)?;
        let seed = self.inner.plan.seed;
        self.inner.at_desk(|desk| {
            let is_published = blob.created <= desk.now;
            let records = desk.state.schedule.records(blob)?;
            is_published.then(|| {
                records
                    .iter()
                    .map(|number| event_id(seed, *number))
                    .collect()
            })
        })
    }

    pub fn traffic(&self) -> Traffic {
        let state = self.inner.state();
        let mut traffic = state.traffic.clone();
        traffic.faults = state.switches.struck();
        traffic.duplicates = state.world.duplicates;
        traffic.concurrency_peak = self.inner.flights.peak();
        traffic
    }

    /// The id of a user by number; the first two are global administrators.
    pub fn user_id(&self, user: u64) -> String {
        self.inner.tenant.people.id(user)
    }

    /// Whether a user can sign in; `None` for one who is not there.
    pub fn is_enabled(&self, id: &str) -> Option<bool> {
        let user = self.inner.tenant.people.find(id)?;
        self.at_desk(|desk| desk.user(user).map(|user| user.is_enabled))
    }

    /// The object id of an application by number: four of Microsoft's, the reader's own, and then others.
    pub fn app_id(&self, app: u64) -> String {
        self.inner.tenant.apps.id(app)
    }

    pub(super) fn at_desk<T>(&self, work: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        self.inner.at_desk(work)
    }

    /// What a file holds, by its drive and id; `None` of one that is not there.
    pub fn held_in(&self, drive: &str, file: &str) -> Option<Held> {
        self.inner.at_desk(|desk| {
            let drive = desk.tenant.library.find_drive(drive)?;
            Some(desk.held(desk.item_named(drive, file)?))
        })
    }

    /// Puts bytes into a file, as somebody who edits it would.
    pub fn put_content(&self, drive: &str, file: &str, bytes: impl Into<Bytes>) {
        self.inner.at_desk(|desk| {
            let drive = desk.tenant.library.find_drive(drive);
            if let Some(place) = drive.and_then(|drive| desk.item_named(drive, file)) {
                desk.put_content(place, bytes.into());
            }
        });
    }

    /// Lets somebody do something now: the state changes, and audit records follow with a delay.
    pub fn act(&self, deed: Deed) {
        self.inner.at_desk(|desk| desk.act(deed));
    }

    /// Switches a feed on from now on, as its subscription would be that was made before.
    pub fn start_feed(&self, feed: ContentType) {
        self.inner.at_desk(|desk| {
            let now = desk.now;
            let subscription = desk.state.world.subscriptions.entry(feed).or_default();
            if !subscription.is_on() {
                subscription.spans.push((now, None));
            }
        });
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
        state.schedule.advance(now);
        let mut desk = Desk {
            plan: &self.plan,
            tenant: &self.tenant,
            state: &mut state,
            now,
        };
        desk.end_what_is_due();
        desk.finish_labellings();
        desk.finish_copies();
        work(&mut desk)
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
        if call.is_change() && inner.state().switches.strikes(Fault::AnswerLost).is_some() {
            return Err(TransportError::Timeout { host });
        }
        Ok(answer.into_response())
    }
}
