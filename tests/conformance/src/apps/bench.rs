//! One simulated tenant with everything that a session needs, in virtual time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::{Collection, Connector, ConnectorError, PageEnd};
use casbah_http::gate::Gates;

use casbah_http::{Base, Session, SessionParts, Tokens};
use casbah_model::connection::{ConnectionSettings, Tenant};
use casbah_model::cursor::Cursor;
use casbah_model::message::Ticket;
use casbah_model::ports::{Clock, Rng};
use casbah_model::user::Entity;
use casbah_model::{SignedDuration, Timestamp};

use super::observed::{Flow, Observed};
use super::outputs::Kept;
use super::{SimulatedTenant, Situation, Subject};
use crate::memory_table::MemoryTable;

/// The time of a paused runtime, counted from a moment of choice: waiting takes none of ours.
pub struct VirtualClock {
    started: Timestamp,
    origin: tokio::time::Instant,
}

impl VirtualClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port")]
    pub fn new(started: Timestamp) -> VirtualClock {
        VirtualClock {
            started,
            origin: tokio::time::Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX);
        self.started + passed
    }

    #[expect(clippy::disallowed_methods, reason = "this is the Clock port")]
    async fn sleep_until(&self, until: Timestamp) {
        let wait = Duration::try_from(until.duration_since(self.now())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(wait).await;
    }
}

/// Randomness that is the same every time.
struct Seeded(AtomicU64);

impl Rng for Seeded {
    fn next_u64(&self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Pages of one walk; more of them mean that it goes round in circles.
const PAGES_MAX: usize = 5_000;
/// Waits of one call; a reader that is told to come later this often never gets through.
const WAITS_MAX: usize = 200;
/// A function's time, after which sessions ask for nothing more.
const INVOCATION: SignedDuration = SignedDuration::from_mins(15);

pub struct Bench {
    pub connector: &'static dyn Connector,
    pub tenant: Box<dyn SimulatedTenant>,
    pub clock: Arc<VirtualClock>,
    pub transport: Arc<Observed>,
    /// What the last test found; empty before the first.
    pub known: Mutex<Tenant>,
    table: Arc<MemoryTable>,
    tokens: Arc<Tokens>,
    rng: Arc<dyn Rng>,
}

impl Bench {
    pub fn new(subject: &Subject) -> Bench {
        let clock = Arc::new(VirtualClock::new(subject.started));
        let tenant = (subject.tenant)(clock.clone());
        let transport = Arc::new(Observed {
            inner: tenant.transport(),
            clock: clock.clone(),
            seen: Mutex::default(),
            flow: Arc::new(Flow::default()),
        });
        Bench {
            connector: subject.connector,
            tenant,
            clock,
            transport,
            known: Mutex::default(),
            table: Arc::default(),
            tokens: Arc::default(),
            rng: Arc::new(Seeded(AtomicU64::new(7))),
        }
    }

    /// A session as a new invocation would open it; limits and tokens are shared with those before.
    pub fn session(&self) -> Session {
        Session::new(self.parts(None))
    }

    pub fn interactive(&self) -> Session {
        Session::interactive(self.parts(None))
    }

    fn parts(&self, ticket: Option<Ticket>) -> SessionParts {
        let settings = self.tenant.settings();
        let mut endpoints = BTreeMap::new();
        for (name, worldwide) in self.connector.endpoints() {
            let address = self.address(&settings, name, worldwide);
            endpoints.insert(*name, Base::parse(&address).expect("an address"));
        }
        let known = self
            .known
            .lock()
            .expect("nobody panics while writing a tenant")
            .clone();
        let scope = format!("{}.1", settings.id);
        let gates = Gates::new(
            self.table.clone(),
            self.clock.clone(),
            self.rng.clone(),
            scope.clone(),
            self.connector.limits(&known, &settings.app_settings),
            ticket,
            self.clock.now() + INVOCATION,
        );
        SessionParts {
            connection: settings.id,
            scope,
            settings: settings.app_settings,
            tier: settings.tier,
            endpoints,
            secret: self.tenant.secret(),
            tenant: known,
            authenticator: self.connector.auth(),
            dialect: self.connector.dialect(),
            transport: self.transport.clone(),
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            tokens: self.tokens.clone(),
            gates,
        }
    }

    /// Where a service is: as entered, or the customer's own, or the vendor's for everybody.
    fn address(&self, settings: &ConnectionSettings, name: &str, worldwide: &str) -> String {
        let own = || self.connector.own_address(name, &settings.app_settings);
        let entered = settings.endpoints.get(name).cloned().or_else(own);
        entered.unwrap_or_else(|| worldwide.into())
    }

    /// Lets a situation occur; false when the app does not know it, and the case is passed over.
    pub fn arrange(&self, situation: Situation) -> bool {
        self.tenant.arrange(situation)
    }

    /// Tests the connection, so that sessions know the tenant from here on.
    pub async fn connect(&self) {
        let components = casbah_model::app::Component::ALL;
        let granted = self
            .connector
            .permissions()
            .granted(&self.interactive(), &components)
            .await;
        let tenant = granted
            .unwrap_or_else(|error| panic!("the connection works: {}", error.chain()))
            .tenant;
        *self
            .known
            .lock()
            .expect("nobody panics while writing a tenant") = tenant;
    }

    /// Calls with a new session each time, and comes back when the limit says so, as a queue would.
    pub async fn patiently<T>(
        &self,
        call: impl AsyncFn(&Session) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let mut ticket = None;
        for _ in 0..WAITS_MAX {
            let session = Session::new(self.parts(ticket.take()));
            let outcome = call(&session).await;
            ticket = session.gates().ticket();
            session.gates().finish().await;
            match outcome {
                Err(ConnectorError::Throttled { until }) => self.clock.sleep_until(until).await,
                other => return other,
            }
        }
        panic!("still told to come later after {WAITS_MAX} waits");
    }

    /// One page of a collection.
    pub async fn page(
        &self,
        collection: &Collection,
        cursor: Option<&Cursor>,
    ) -> Result<(Kept<Entity>, PageEnd), ConnectorError> {
        self.patiently(async |session| {
            let mut kept = Kept::default();
            let end = self
                .connector
                .users()
                .page(session, collection, cursor, &mut kept)
                .await?;
            Ok((kept, end))
        })
        .await
    }

    /// Reads a collection from a cursor to its end, page by page with a new session each.
    pub async fn walk(
        &self,
        collection: &Collection,
        mut cursor: Option<Cursor>,
    ) -> Result<(Kept<Entity>, Option<Cursor>), ConnectorError> {
        let mut all = Kept::default();
        for _ in 0..PAGES_MAX {
            let (page, end) = self.page(collection, cursor.as_ref()).await?;
            all.nouns.extend(page.nouns);
            all.refused.extend(page.refused);
            match end {
                PageEnd::More(next) => cursor = Some(next),
                PageEnd::CaughtUp(delta) => return Ok((all, delta)),
            }
        }
        panic!("{} has no end after {PAGES_MAX} pages", collection.name);
    }

    /// Every host that was called is one of the app's own, or one that the customer configured.
    pub fn assert_no_stranger_was_called(&self) {
        let settings = self.tenant.settings();
        let own: Vec<String> = self
            .connector
            .endpoints()
            .iter()
            .map(|(name, worldwide)| self.address(&settings, name, worldwide).to_lowercase())
            .collect();
        for call in self.transport.calls() {
            assert!(
                own.contains(&call.origin),
                "{} was called (token: {})",
                call.origin,
                call.has_token
            );
        }
    }
}
