//! The nouns of Casbah and the ports it reaches the outside through: plain data, no I/O.
//!
//! Everything else is built on this crate, so it compiles in seconds and changes rarely.

pub mod action;
pub mod activity;
pub mod app;
pub mod collection;
pub mod connection;
pub mod cursor;
pub mod event;
pub mod file;
pub mod inspection;
pub mod json;
pub mod message;
pub mod permission;
pub mod ports;
pub mod record;
pub mod secret;
pub mod state;
pub mod tables;
pub mod tally;
pub mod transport;
pub mod user;

pub use jiff::{SignedDuration, Timestamp};
