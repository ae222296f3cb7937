//! An enterprise of Box: its token endpoint, the directory, the event streams, and folders with who can see them.
//!
//! Written from Box's documentation, never from a reader of it. Comments name the document a behaviour comes from;
//! "uncertain" marks what none says for sure. Where two behaviours are possible, `Choices` has both.
//! What is read is here, and what acts on users and items; webhooks and uploads are not.

mod collaboration_writes;
mod collaborations;
mod custody;
mod deeds;
mod desk;
mod directory;
mod downloads;
mod enterprise;
mod event_text;
mod events;
mod faults;
mod folders;
mod gate;
mod governed;
mod groups;
mod holdings;
mod ids;
mod item_deeds;
mod item_text;
mod item_writes;
mod items;
mod labels;
mod library;
mod limits;
mod log;
mod login;
mod paging;
mod people;
mod plan;
mod schedule;
mod sharing;
mod simulated;
mod simulator;
mod traffic;
mod trouble;
mod truth;
mod wire;
mod world;
mod writes;

pub use crate::latency::Latency;
pub use crate::switches::FaultSettings;
pub use faults::Fault;
pub use holdings::{Activity, Holdings, UserHeld};
pub use limits::{Bucket, BucketOwner, Limits};
pub use people::{DOMAINS, Role, Status};
pub use plan::{
    ACT_SCOPE, ActingGone, ActingInactive, AppAccess, Choices, Client, EndMarker, FieldsBeside,
    MissingScope, NowInLogs, OldPosition, Plan, PositionForm, READ_SCOPES, RefusedScope,
    ServiceAccount, StreamTimes, UnauthorizedApp, UnauthorizedBody,
};
pub use sharing::{Access, LABELS};
pub use simulator::Simulator;
pub use traffic::Traffic;
pub use truth::ItemHeld;
pub use world::{Deed, Invitee};
