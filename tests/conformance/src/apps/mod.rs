//! What every app must do, as named cases against its simulated tenants.
//!
//! The suite knows no single app: an app hands over its connector and a [`SimulatedTenant`] that can be told to
//! misbehave. A case is passed over when the app does not offer what it is about.

mod bench;
mod connection;
mod directory;
mod events;
mod files;
mod observed;
mod outputs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use casbah_connector::Connector;
use casbah_model::Timestamp;
use casbah_model::activity::ActivityKind;
use casbah_model::app::Component;
use casbah_model::connection::ConnectionSettings;
use casbah_model::file::Sharing;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use futures::future::LocalBoxFuture;

pub use bench::{Bench, VirtualClock};
pub use connection::CASES as CONNECTION;
pub use directory::CASES as DIRECTORY;
pub use events::CASES as EVENTS;
pub use files::CASES as FILES;

/// An app under examination.
pub struct Subject {
    pub connector: &'static dyn Connector,
    /// When the simulated tenants are connected.
    pub started: Timestamp,
    /// A new tenant, the same each time, that lives by this clock.
    pub tenant: fn(Arc<dyn Clock>) -> Box<dyn SimulatedTenant>,
}

/// A tenant of the app's simulator, and its switches.
pub trait SimulatedTenant: Send + Sync {
    fn transport(&self) -> Arc<dyn Transport>;
    fn settings(&self) -> ConnectionSettings;
    fn secret(&self) -> Secret;
    /// Lets a situation occur from now on; false when this app does not know it.
    fn arrange(&self, situation: Situation) -> bool;
    /// Ends all situations.
    fn relax(&self);
    /// What the tenant contains now.
    fn truth(&self) -> Truth;
}

/// What may happen to a reader, whatever the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// The login service refuses the credential for good.
    CredentialRefused,
    /// A token is refused once, before its time.
    TokenDies,
    /// New tokens lack a right that the component cannot do without.
    RightMissing(Component),
    /// The next call is throttled, once, for this long.
    Throttled(Duration),
    /// The vendor does not know cursors of directory lists any more.
    DeadDirectoryCursor,
    /// The vendor does not know cursors of file listings any more.
    DeadFileCursor,
    /// Pages and bundles repeat records.
    Repeats,
    NextLinkCircle,
    ForeignNextLink,
    /// A page of markup with the status of a success.
    NotJson,
    /// An answer breaks off, once.
    Truncated,
    UnknownEvents,
    EventsWithoutId,
    /// An event of a megabyte.
    LargeEvent,
    /// A bundle of at least [`HUGE_BYTES`].
    HugeBundle,
    /// Listed bundles are gone when they are fetched.
    BundlesGone,
    /// Feeds are switched off by somebody else.
    FeedsOff,
    /// Places where files live are gone.
    RootsGone,
}

/// Size of a bundle that must not be held in memory.
pub const HUGE_BYTES: u64 = 50_000_000;

/// What a simulated tenant really contains.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Ids by collection, for those whose whole content is known.
    pub directory: BTreeMap<&'static str, BTreeSet<String>>,
    /// Ids of all events published so far.
    pub events: BTreeSet<String>,
    /// What each of these events is about, by id.
    pub kinds: BTreeMap<String, ActivityKind>,
    pub roots: BTreeSet<String>,
    /// How far each file is visible, inheritance considered, by the last part of its id.
    pub files: BTreeMap<String, Sharing>,
}

/// A case by the sentence it proves. It panics when the sentence is not true of the app.
pub type Case = (
    &'static str,
    for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, ()>,
);

/// Runs each case against a new tenant. Time must be paused: cases wait for hours of it.
pub async fn run(subject: &Subject, cases: &[Case]) {
    for (sentence, case) in cases {
        // Shown only when the test fails, and then the last line names the case.
        println!("{sentence}");
        case(&Bench::new(subject)).await;
    }
}
