//! An Okta org: its authorization server, the management API and the system log.
//!
//! Written from Okta's documentation, never from a reader of it. Comments name the document and section a behaviour
//! comes from; "uncertain" marks what none says for sure. Where two behaviours are possible, `Choices` has both.

mod applications;
mod apps;
mod deeds;
mod desk;
mod directory;
mod directory_roles;
mod dpop;
mod event_text;
mod events;
mod faults;
mod filter;
mod gate;
mod governed;
mod holdings;
mod hook_state;
mod hooks;
mod ids;
mod lifecycle;
mod limits;
mod log;
mod login;
mod org;
mod paging;
mod people;
mod plan;
mod profiles;
mod rights;
mod roles;
mod schedule;
mod simulated;
mod simulator;
mod traffic;
mod trouble;
mod wire;
mod world;

pub use crate::latency::Latency;
pub use crate::switches::FaultSettings;
pub use events::Family;
pub use faults::Fault;
pub use holdings::{Activity, Holder, Holdings, RoleHeld};
pub use hook_state::{HookAnswer, HookCall};
pub use limits::{Bucket, Class, LimitShown, Limits};
pub use people::{GroupType, Status};
pub use plan::{
    Assignees, Choices, Client, Me, MissingRole, MissingScope, OldCursor, PartialScopes, Plan,
    READ_SCOPES,
};
pub use simulator::Simulator;
pub use traffic::Traffic;
pub use world::Deed;
