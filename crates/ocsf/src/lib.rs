//! Our nouns in the Open Cybersecurity Schema Framework (OCSF): pure functions from an event to JSON.
//!
//! Knows no app and does no I/O; all numbers of the schema are in [`class`].

pub mod class;
mod endpoint;
mod json;
pub mod map;
mod objects;
pub mod profile;

pub use map::{Origin, write};
pub use profile::Profile;
