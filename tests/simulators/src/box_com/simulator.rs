//! The simulator's door: a transport that answers for the whole enterprise, and the controls behind it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Bytes, Request, Response, TransportError};

use super::desk::{Desk, State, Tenant};
use super::downloads::DOWNLOADS;
use super::faults::Fault;
use super::holdings::Holdings;
use super::library::{Kind, Place, ROOT};
use super::people::{EXTERNAL, SERVICE};
use super::plan::Plan;
use super::traffic::Traffic;
use super::truth::ItemHeld;
use super::wire::{Call, api_error};
use super::world::Deed;
use crate::address::host;
use crate::documents::Held;
use crate::latency::Flights;
use crate::switches::FaultSettings;

/// What the fault `slow-answers` waits when it has no value.
const SLOW: Duration = Duration::from_secs(30);

/// An enterprise that answers. Clones share the enterprise.
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

    /// What the enterprise really contains at this moment, files left out.
    pub fn holds(&self) -> Holdings {
        self.inner.at_desk(|desk| Holdings::of(desk))
    }

    /// The truth about every item, in the trash or not, one after the other.
    pub fn each_item(&self, mut see: impl FnMut(ItemHeld)) {
        self.inner.at_desk(|desk| desk.each_item(&mut see));
    }

    /// The same as a map by id, for enterprises that are small; folders left out.
    pub fn files(&self) -> BTreeMap<String, ItemHeld> {
        self.held(|item| item.kind != "folder")
    }

    pub fn folders(&self) -> BTreeMap<String, ItemHeld> {
        self.held(|item| item.kind == "folder")
    }

    fn held(&self, is_wanted: impl Fn(&ItemHeld) -> bool) -> BTreeMap<String, ItemHeld> {
        let mut found = BTreeMap::new();
        self.each_item(|item| {
            if is_wanted(&item) {
                found.insert(item.id.clone(), item);
            }
        });
        found
    }

    /// The truth about one item that is there.
    pub fn item(&self, id: &str) -> Option<ItemHeld> {
        self.inner.at_desk(|desk| {
            let place = desk.tenant.library.find(id)?;
            desk.item_held(place)
        })
    }

    /// What a file holds; `None` of one that is not there, has no room for it, or was filled by [`Simulator::put_content`].
    pub fn held_in(&self, file: &str) -> Option<Held> {
        self.inner
            .at_desk(|desk| desk.held(desk.tenant.library.find(file)?))
    }

    /// Puts bytes into a file, as an upload of a new version would.
    pub fn put_content(&self, file: &str, bytes: impl Into<Bytes>) {
        self.inner.at_desk(|desk| {
            if let Some(place) = desk.tenant.library.find(file) {
                desk.put_content(place, bytes.into());
            }
        });
    }

    /// The id of the managed user with a number, for calls that need one.
    pub fn user_id(&self, user: u64) -> String {
        self.inner.tenant.people.id(user)
    }

    /// The id of somebody outside.
    pub fn outside_id(&self, number: u64) -> String {
        self.inner.tenant.people.id(EXTERNAL + number)
    }

    pub fn service_account_id(&self) -> String {
        self.inner.tenant.people.id(SERVICE)
    }

    pub fn group_id(&self, group: u64) -> String {
        self.inner.tenant.groups.id(group)
    }

    /// Ids of the items in a folder of a managed user, by kind (`folder`, `file`, `web_link`); `None` is the root.
    pub fn items(&self, user: u64, folder: Option<&str>, kind: &str) -> Vec<String> {
        self.inner.at_desk(|desk| {
            let root = Place {
                owner: user,
                item: ROOT,
            };
            let place = folder.map_or(Some(root), |id| desk.tenant.library.find(id));
            let is_wanted = |known: Kind| known.name() == kind;
            let items = place.map(|place| desk.children(place)).unwrap_or_default();
            let items = items.into_iter();
            let wanted =
                items.filter(|one| desk.item(*one).is_some_and(|item| is_wanted(item.kind)));
            wanted.map(|one| desk.tenant.library.id(one)).collect()
        })
    }

    /// Ids of the collaborations of an item, the oldest first.
    pub fn collaborations(&self, item: &str) -> Vec<String> {
        self.inner.at_desk(|desk| {
            let place = desk.tenant.library.find(item);
            let all = place.map(|place| desk.collaborations(place));
            let all = all.unwrap_or_default().into_iter();
            all.map(|one| desk.tenant.sharing.id(one.number)).collect()
        })
    }

    /// Users whose sessions were ended, by id, once for each time.
    pub fn sessions_ended(&self) -> Vec<String> {
        let ended = self.inner.state().world.sessions_ended.clone();
        ended.into_iter().map(|user| self.user_id(user)).collect()
    }

    /// Users who have to choose a new password, by id.
    pub fn passwords_asked(&self) -> Vec<String> {
        let asked = self.inner.state().world.passwords_asked.clone();
        asked.into_iter().map(|user| self.user_id(user)).collect()
    }

    pub fn traffic(&self) -> Traffic {
        let state = self.inner.state();
        let mut traffic = state.traffic.clone();
        traffic.faults = state.switches.struck();
        traffic.concurrency_peak = self.inner.flights.peak();
        traffic
    }

    /// Lets somebody do something now: the state changes, and events follow with a delay. The id of what was made, if
    /// anything was.
    pub fn act(&self, deed: Deed) -> Option<String> {
        self.inner.at_desk(|desk| desk.act(deed))
    }

    /// Lets it happen later, when so many more calls were answered: in the middle of what a reader reads.
    pub fn act_after(&self, calls: u64, deed: Deed) {
        let mut state = self.inner.state();
        let at = state.traffic.total() + calls;
        state.world.planned.entry(at).or_default().push(deed);
    }

    /// Answers like `send`; what would be no answer at all becomes a 503.
    pub async fn answer(&self, request: Request) -> Response {
        match self.send(request).await {
            Ok(response) => response,
            Err(_) => api_error("unavailable").into_response(),
        }
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
            skew: 0,
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
        let called = Call::read(&inner.plan.base, &request);
        let Some(call) = called.or_else(|| Call::read(DOWNLOADS, &request)) else {
            return Err(TransportError::Unreachable {
                host,
                source: "no such host".into(),
            });
        };
        let answer = inner.at_desk(|desk| desk.answer(&call));
        Ok(answer.into_response())
    }
}
