//! The suites that every app and every adapter must pass.

pub mod apps;
pub mod memory_table;
pub mod ports;
