//! What a stage has to work with: the ports, the settings, and the time it may take.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use casbah_connector::Connector;
use casbah_http::gate::Gates;
use casbah_http::{Base, Session, SessionParts, Tokens};
use casbah_model::message::Ticket;
use casbah_model::ports::{
    Clock, Inspector, Metrics, Notifier, ObjectStore, Queue, Rng, SecretStore, StateStore,
    TableStore, Transport,
};
use casbah_model::tables::Tables;
use casbah_model::{SignedDuration, Timestamp};
use casbah_ocsf::Profile;
use casbah_policy::Policies;

use crate::apps;
use crate::counted::Counted;
use crate::error::StageError;
use crate::file_hints::RootsCache;
use crate::govern::Policy;
use crate::items::ConnectionItem;
use crate::meter::Meter;
use crate::patient::Patient;

/// The ports and settings of this process, shared by all its invocations.
pub struct Context {
    pub state: Arc<dyn StateStore>,
    pub queue: Arc<dyn Queue>,
    pub objects: Arc<dyn ObjectStore>,
    pub secrets: Arc<dyn SecretStore>,
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub notifier: Arc<dyn Notifier>,
    pub metrics: Arc<dyn Metrics>,
    pub curated: Curated,
    pub settings: Settings,
    /// Looks inside files; only who does so has it.
    pub inspector: Option<Arc<dyn Inspector>>,
    /// What files are held against; only who judges them has it.
    pub policies: Option<Arc<Policies>>,
    /// What may be done without asking, and how much at once.
    pub policy: Policy,
    /// Caches that may vanish.
    pub tokens: Arc<Tokens>,
    pub roots: RootsCache,
    pub meter: Arc<Meter>,
    /// Set when the process is asked to end: steps stop at their next page border.
    pub stopping: AtomicBool,
}

/// Where tables for query engines are kept, and how they are made.
#[derive(Clone)]
pub struct Curated {
    /// The region of the bucket, which is part of the names of their objects.
    pub region: String,
    pub store: Arc<dyn TableStore>,
    /// Only who compacts has it.
    pub tables: Option<Arc<dyn Tables>>,
}

/// Times of the protocol (pipeline design, section 7). Safety does not depend on them.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The longest an invocation may live; its own budget is half of it.
    pub function_limit: SignedDuration,
    pub lease: SignedDuration,
    /// A leased stream is looked at this long after its lease.
    pub lease_slack: SignedDuration,
    pub sweep_period: SignedDuration,
    /// Pages of up to this long, or this many bytes, share one commit.
    pub commit_after: SignedDuration,
    pub commit_bytes: usize,
    /// How often every file is looked at.
    pub file_sweep: SignedDuration,
    /// Whether files are looked into.
    pub looks_inside: bool,
    /// Whether files are held against policies, by whoever has them.
    pub judges_files: bool,
    /// A view of more records than this is built in the background (decision 0003 says what it takes).
    pub view_records: u64,
    /// The version of OCSF that events are written in.
    pub ocsf: Profile,
    /// An object of a table with this many rows takes no more hours: about 15 MB, one row group.
    pub table_rows: u64,
    /// Whether whoever enters an address of a vendor may name this machine, or any host: yes where the machine is their
    /// own, no where a platform serves something of its own there (Lambda's runtime API is at 127.0.0.1).
    pub loopback_vendors: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        let function_limit = SignedDuration::from_secs(120);
        Settings {
            function_limit,
            lease: function_limit + SignedDuration::from_secs(20),
            lease_slack: SignedDuration::from_secs(30),
            sweep_period: SignedDuration::from_secs(60),
            commit_after: SignedDuration::from_secs(5),
            commit_bytes: 16 << 20,
            file_sweep: SignedDuration::from_hours(12),
            looks_inside: false,
            judges_files: false,
            view_records: 50_000,
            ocsf: Profile::default(),
            table_rows: 1 << 16,
            loopback_vendors: true,
        }
    }
}

impl Context {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The object store to write to: a put is repeated until it is known to have happened.
    pub fn patient_objects(&self) -> Arc<dyn ObjectStore> {
        let (inner, clock, rng) = (
            Arc::clone(&self.objects),
            Arc::clone(&self.clock),
            Arc::clone(&self.rng),
        );
        Arc::new(Patient { inner, clock, rng })
    }

    /// A random id, for an invocation or a token.
    pub fn random_id(&self) -> String {
        format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64())
    }

    pub async fn sleep(&self, wait: SignedDuration) {
        self.clock.sleep_until(self.now() + wait).await;
    }

    /// Opens a connection for calls that take their turn until `deadline`.
    pub async fn session(
        &self,
        connection: &ConnectionItem,
        ticket: Option<Ticket>,
        deadline: Timestamp,
    ) -> Result<(Session, &'static dyn Connector), StageError> {
        let (parts, connector) = self.parts(connection, ticket, deadline).await?;
        Ok((Session::new(parts), connector))
    }

    /// Opens a connection for lists that other work waits for, one call at a time, until `deadline`.
    pub async fn prompt_session(
        &self,
        connection: &ConnectionItem,
        ticket: Option<Ticket>,
        deadline: Timestamp,
    ) -> Result<(Session, &'static dyn Connector), StageError> {
        let (parts, connector) = self.parts(connection, ticket, deadline).await?;
        Ok((Session::prompt(parts), connector))
    }

    /// Opens a connection for calls that somebody waits for.
    pub async fn interactive_session(
        &self,
        connection: &ConnectionItem,
    ) -> Result<(Session, &'static dyn Connector), StageError> {
        let deadline = self.now() + self.settings.function_limit / 2;
        let (parts, connector) = self.parts(connection, None, deadline).await?;
        Ok((Session::interactive(parts), connector))
    }

    async fn parts(
        &self,
        connection: &ConnectionItem,
        ticket: Option<Ticket>,
        deadline: Timestamp,
    ) -> Result<(SessionParts, &'static dyn Connector), StageError> {
        let connector = apps::connector(connection.settings.app);
        let tenant = connection
            .report
            .as_ref()
            .map(|report| report.tenant.clone())
            .unwrap_or_default();
        let scope = connection.scope().to_string();
        let gates = Gates::new(
            Arc::clone(&self.state),
            Arc::clone(&self.clock),
            Arc::clone(&self.rng),
            scope.clone(),
            connector.limits(&tenant, &connection.settings.app_settings),
            ticket,
            deadline,
        );
        let transport = Arc::new(Counted {
            inner: Arc::clone(&self.transport),
            meter: Arc::clone(&self.meter),
            dialect: connector.dialect(),
        });
        let mut endpoints = BTreeMap::new();
        let settings = &connection.settings;
        for (name, address) in connector.endpoints() {
            let own = || connector.own_address(name, &settings.app_settings);
            let entered = settings.endpoints.get(*name).cloned().or_else(own);
            let address = entered.as_deref().unwrap_or(address);
            endpoints.insert(*name, Base::parse(address)?);
        }
        let parts = SessionParts {
            connection: connection.settings.id.clone(),
            scope,
            settings: connection.settings.app_settings.clone(),
            tier: connection.settings.tier,
            endpoints,
            secret: self.secrets.get(connection.settings.id.as_str()).await?,
            tenant,
            authenticator: connector.auth(),
            dialect: connector.dialect(),
            transport,
            clock: Arc::clone(&self.clock),
            rng: Arc::clone(&self.rng),
            tokens: Arc::clone(&self.tokens),
            gates,
        };
        Ok((parts, connector))
    }
}
