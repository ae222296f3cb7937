//! The door between the apps and the rest: what an app implements, and what may go wrong in it.
//!
//! A connector answers one page. Loops, retries, budgets, cursors and writing are done around it, once, for all apps.
//! It reads no clock, sleeps nowhere, spawns nothing and sees no queue: it asks its [`Session`].

mod capability;
mod contents;
mod details;
mod error;
mod governance;
pub mod json;
pub mod json_tree;
mod output;
pub mod spans;
mod text;
pub mod webhook;

use std::time::Duration;

use async_trait::async_trait;
pub use casbah_http::gate::Limit;
pub use casbah_http::{Authenticator, Dialect, Session};
use casbah_model::Timestamp;
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::app::{App, Component};
use casbah_model::connection::{Cause, ConnectionSettings, Tenant};
use casbah_model::cursor::{Cursor, Window};
use casbah_model::event::Event;
use casbah_model::file::{File, Root};
use casbah_model::permission::{Need, Permission};
use casbah_model::user::Entity;
use std::collections::BTreeMap;

pub use capability::{Capability, Support, lacks};
pub use contents::{ContentSource, Download, Holding, Withheld};
pub use details::{
    EntityDetails, FileDetails, GroupKind, HolderKind, LinkReach, List, Listed, Reach, Telling,
};
pub use error::{ConnectorError, PARKED, Recovery};
pub use governance::{
    ActionSpec, Governance, Order, Parameter, Plan, Readback, WayBack, check_parameters, spec,
};
pub use output::{ActivityOutput, Output, OutputError, RefusedRecord};
pub use text::{pem_block, segment, told_apart};
pub use webhook::WebhookSource;

/// What an app crate exports; stateless, one static value. A capability is the presence of a value.
pub trait Connector: Send + Sync {
    fn app(&self) -> App;
    /// How the app shows something, or why it does not.
    fn capability(&self, what: Capability) -> Support;
    /// The setting that says which tenant it is: what a connection keeps is of one tenant only.
    fn tenant_setting(&self) -> &'static str;
    /// Checks the settings a customer entered; an error names the setting and what is right.
    fn check(&self, settings: &ConnectionSettings) -> Result<(), Cause>;
    /// The app's services by name, with the vendor's own addresses.
    fn endpoints(&self) -> &'static [(&'static str, &'static str)];
    /// The hosts of its services in every cloud of the vendor, as service and host.
    fn hosts(&self) -> &'static [(&'static str, &'static str)];
    /// The address of a service that belongs to one customer, for apps where every customer has their own.
    fn own_address(
        &self,
        _service: &str,
        _app_settings: &BTreeMap<String, String>,
    ) -> Option<String> {
        None
    }
    /// The vendor's limits for a tenant, as data; of some of them a customer says which share is ours.
    fn limits(&self, tenant: &Tenant, app_settings: &BTreeMap<String, String>) -> Vec<Limit>;
    fn dialect(&self) -> &'static dyn Dialect;
    fn auth(&self) -> &'static dyn Authenticator;
    fn permissions(&self) -> &dyn PermissionSource;
    fn users(&self) -> &dyn UserSource;
    fn activities(&self) -> Option<&dyn ActivitySource> {
        None
    }
    fn files(&self) -> Option<&dyn FileSource> {
        None
    }
    /// What files hold, for apps whose files can be fetched.
    fn contents(&self) -> Option<&dyn ContentSource> {
        None
    }
    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        None
    }
    fn governance(&self) -> Option<&dyn Governance> {
        None
    }
}

/// What a connection test found out.
#[derive(Debug)]
pub struct Granted {
    /// `None` when the vendor does not tell; then the probes alone say what works.
    pub permissions: Option<Vec<Permission>>,
    pub tenant: Tenant,
    /// Components that a probe found not to work although the rights are there, with the reason.
    pub refused: BTreeMap<Component, Cause>,
    /// When the credential ends; `None` when nobody tells.
    pub credential_expires: Option<Timestamp>,
}

#[async_trait]
pub trait PermissionSource: Send + Sync {
    /// Every right that a component can use: the only source for tests, documents and consent links.
    fn needs(&self) -> &'static [Need];
    /// Where an administrator of the tenant gives consent.
    fn consent_link(&self, settings: &ConnectionSettings) -> Option<String>;
    /// Reads what was granted with a new token, and probes each component that is asked for.
    async fn granted(
        &self,
        session: &Session,
        components: &[Component],
    ) -> Result<Granted, ConnectorError>;
}

/// One list of a directory, read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Names the stream and its objects, such as `users`.
    pub name: &'static str,
    pub component: Component,
    pub kind: CollectionKind,
    /// How often it is looked at again.
    pub every: Duration,
    /// What the other streams of the connection wait for.
    pub is_gate: bool,
    /// Any one of these rights is enough; empty when the component's own are.
    pub any_of: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionKind {
    /// A first full pass, then changes: removals are told by the vendor.
    Delta,
    /// A full pass each time: what does not come back in a complete pass is gone.
    Full,
    /// Facts about entities of other collections; says nothing about who exists.
    Facts,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageEnd {
    /// There is more, from here.
    More(Cursor),
    /// That was all for now; a delta goes on from the cursor, a full pass starts anew.
    CaughtUp(Option<Cursor>),
}

#[async_trait]
pub trait UserSource: Send + Sync {
    fn collections(&self) -> &'static [Collection];
    /// Which collections the lists of the API are made of.
    fn lists(&self) -> &'static [List];
    /// What the vendor's record of a collection says for people to read; what it does not say is absent.
    fn details(&self, collection: &str, record: &[u8]) -> EntityDetails;
    /// Writes one page to `out`; without a cursor it is the first.
    async fn page(
        &self,
        session: &Session,
        collection: &Collection,
        cursor: Option<&Cursor>,
        out: &mut dyn Output<Entity>,
    ) -> Result<PageEnd, ConnectorError>;
}

/// One branch of an audit trail that is polled by itself.
///
/// Its records come in bundles that are listed by the time at which they became available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The vendor's name for it.
    pub id: &'static str,
    /// Names the streams and their objects, such as `exchange`.
    pub name: &'static str,
    /// It is polled when any of these is chosen.
    pub components: &'static [Component],
    /// The longest window that one listing may cover.
    pub window_max: Duration,
    /// How far back listings reach.
    pub reach: Duration,
}

/// Whether a feed can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedState {
    /// It was on: its past can be read as far back as listings reach.
    On,
    /// It was off and has been switched on now: there is nothing before.
    Started,
    /// It cannot be switched on; the others go on.
    Refused(Cause),
}

#[async_trait]
pub trait ActivitySource: Send + Sync {
    fn feeds(&self) -> &'static [Feed];
    /// Switches on the feeds that are off; never touches one that is on.
    async fn start(
        &self,
        session: &Session,
        feeds: &[Feed],
    ) -> Result<Vec<(Feed, FeedState)>, ConnectorError>;
    /// Lists one page of what became available in the window; returns where the next page starts.
    async fn list(
        &self,
        session: &Session,
        feed: &Feed,
        window: Window,
        page: Option<&Cursor>,
        out: &mut Vec<ContentRef>,
    ) -> Result<Option<Cursor>, ConnectorError>;
    /// Writes the records of one bundle to `out`; returns the bundle that goes on where this one ends, for vendors who
    /// tell only there that there is more.
    ///
    /// What follows must have the same id each time the bundle is read, and an id that no listing gives.
    async fn read(
        &self,
        session: &Session,
        feed: &Feed,
        content: &ContentRef,
        out: &mut dyn ActivityOutput,
    ) -> Result<Option<ContentRef>, ConnectorError>;
    /// Reads one record as `read` does; an error is the reason why it is none.
    fn record<'a>(&self, raw: &'a [u8]) -> Result<(Activity, Event<'a>), &'static str>;
    /// Reads again all that a kept record tells; `None` for what is no record.
    fn event<'a>(&self, raw: &'a [u8]) -> Option<Event<'a>> {
        self.record(raw).ok().map(|(_, event)| event)
    }
}

/// How the items of a root are kept current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// A first full pass, then changes: removals are told by the vendor.
    Delta,
    /// A full pass each time: what it does not come upon is gone. In between single items are read again.
    Walk,
}

/// How far an item in shared folders is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inheritance {
    /// As its own sharing says or, where it has none, that of the nearest folder above that has.
    Nearest,
    /// As the widest of its own sharing and that of all folders above.
    Widest,
}

#[async_trait]
pub trait FileSource: Send + Sync {
    fn sweep(&self) -> Sweep {
        Sweep::Delta
    }
    fn inheritance(&self) -> Inheritance {
        Inheritance::Nearest
    }
    /// What the vendor's record of an item says for people to read; what it does not say is absent.
    fn details(&self, record: &[u8]) -> FileDetails;
    fn telling(&self) -> Telling {
        Telling::default()
    }
    /// Whom the vendor's record of an item's permissions lets see it; what it does not say is absent.
    fn reach(&self, record: &[u8]) -> Reach;
    /// Lists one page of the places where files live; returns where the next page starts.
    async fn roots(
        &self,
        session: &Session,
        cursor: Option<&Cursor>,
        out: &mut Vec<Root>,
    ) -> Result<Option<Cursor>, ConnectorError>;
    /// Writes one page of a root's items, and of the permissions of those that are shared, to `out`.
    ///
    /// What was written before the limit was spent counts: the cursor that comes back stands behind it.
    async fn page(
        &self,
        session: &Session,
        root: &Root,
        cursor: Option<&Cursor>,
        out: &mut dyn Output<File>,
    ) -> Result<PageEnd, ConnectorError>;
    /// Writes what single items of a walked root are now to `out`, which an event named by what stands in their address
    /// behind the root's. Without any it only makes sure that the root is there.
    async fn items(
        &self,
        _session: &Session,
        _root: &Root,
        _items: &[String],
        _out: &mut dyn Output<File>,
    ) -> Result<(), ConnectorError> {
        Ok(())
    }
}
