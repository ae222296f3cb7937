//! A Microsoft 365 tenant: login, Office 365 Management Activity API and Microsoft Graph.
//!
//! Written from Microsoft's documentation, never from a reader of it. Comments name the document and section a
//! behaviour comes from; what no document says is marked as the simulator's own.

mod apps;
mod batch;
mod blobs;
mod changes;
mod changes_apps;
mod content;
mod copies;
mod deeds;
mod desk;
mod directory;
mod directory_apps;
mod directory_roles;
mod downloads;
mod drives;
mod faults;
mod file_content;
mod gate;
mod governed;
mod governed_files;
mod grants;
mod holdings;
mod hooks;
mod item_deeds;
mod item_writes;
mod items;
mod labels;
mod library;
mod limits;
mod login;
mod management;
mod monitor;
mod paging;
mod people;
mod permissions;
mod plan;
mod quarantine;
mod records;
mod records_entra;
mod records_exchange;
mod records_sharepoint;
mod roles;
mod schedule;
mod sharing_writes;
mod simulated;
mod simulator;
mod tenant;
mod traffic;
mod tree;
mod trouble;
mod uploads;
mod wire;
mod world;

pub use crate::latency::Latency;
pub use crate::switches::FaultSettings;
pub use faults::Fault;
pub use holdings::{Activity, Holdings};
pub use hooks::{HookPost, HookSender};
pub use limits::{Limits, Row, Shape};
pub use plan::{ACT_ROLES, BaseUrls, ContentType, OBSERVE_ROLES, Plan};
pub use records::sample;
pub use simulator::Simulator;
pub use traffic::Traffic;
pub use world::Deed;
