//! A simulated tenant of whichever app, as programs need it that show some: how it is reached, connected and counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::Timestamp;
use casbah_model::activity::ActivityKind;
use casbah_model::app::App;
use casbah_model::permission::Tier;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use casbah_model::transport::{Request, Response, TransportError};
use serde_json::Value;

use crate::address::host;
use crate::latency::Latency;
pub use crate::switches::FaultSettings;
use crate::{box_com, microsoft365, okta};

/// A simulated tenant.
pub trait Simulated: Transport {
    fn app(&self) -> App;
    /// What a connection to it is called where nobody chose a name.
    fn name(&self) -> &'static str;
    /// Whether this address is one of the tenant's.
    fn is_at(&self, url: &str) -> bool;
    /// What a connection to it is configured with.
    fn app_settings(&self) -> BTreeMap<String, String>;
    fn secret(&self) -> Secret;
    /// Switches a fault on by its name.
    ///
    /// # Errors
    /// That there is no such fault.
    fn switch(&self, fault: &str, settings: FaultSettings) -> Result<(), String>;
    /// Switches on the feeds that a reader switched on in an earlier process, which this one knows nothing of.
    fn resume(&self, feeds: &[&str]);
    /// About how many records it shows by now: of the directory, of the audit trail, and of files.
    fn records(&self, now: Timestamp) -> [u64; 3];
    /// What a reader must have found by now, under the names of a connector's summary.
    fn counts(&self, now: Timestamp) -> Value;
}

/// How large a tenant is, and which of the many of this size.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub seed: u64,
    pub users: usize,
    pub files: usize,
    pub activities: usize,
}

/// Where and how a tenant answers.
#[derive(Clone, Debug)]
pub struct Setup {
    pub size: Size,
    /// When it is connected; its history lies before.
    pub started: Timestamp,
    /// One address for all of its services instead of the vendor's.
    pub address: Option<String>,
    /// Instead of what is usual.
    pub latency: Option<Duration>,
    pub live_activities_per_hour: u64,
    /// What the reader was granted.
    pub tier: Tier,
}

impl Setup {
    pub(crate) fn latency(&self, usual: Latency) -> Latency {
        self.latency
            .map_or(usual, |all| Latency { min: all, max: all })
    }
}

/// Opens a tenant of an app.
pub fn open(app: App, setup: &Setup, clock: Arc<dyn Clock>) -> Arc<dyn Simulated> {
    match app {
        App::Microsoft365 => Arc::new(microsoft365::Simulator::set_up(setup, clock)),
        App::Okta => Arc::new(okta::Simulator::set_up(setup, clock)),
        App::Box => Arc::new(box_com::Simulator::set_up(setup, clock)),
    }
}

/// The names of what can be switched on in a tenant of an app.
pub fn faults(app: App) -> Vec<&'static str> {
    match app {
        App::Microsoft365 => microsoft365::Fault::ALL.map(|fault| fault.name()).to_vec(),
        App::Okta => okta::Fault::ALL.map(|fault| fault.name()).to_vec(),
        App::Box => box_com::Fault::ALL.map(|fault| fault.name()).to_vec(),
    }
}

/// Several tenants behind one transport, told apart by their addresses.
#[derive(Clone)]
pub struct Tenants(pub Vec<Arc<dyn Simulated>>);

#[async_trait]
impl Transport for Tenants {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        match self.0.iter().find(|tenant| tenant.is_at(&request.url)) {
            Some(tenant) => tenant.send(request).await,
            None => Err(TransportError::Unreachable {
                host: host(&request.url),
                source: "no such host".into(),
            }),
        }
    }
}

/// How many activities there are, and how many of each kind by its name.
pub(crate) fn count(by_kind: &BTreeMap<ActivityKind, u64>) -> (u64, BTreeMap<&'static str, u64>) {
    let named = by_kind.iter().map(|(kind, count)| (kind.name(), *count));
    (by_kind.values().sum(), named.collect())
}
