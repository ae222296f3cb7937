//! The throttle at scale: short-lived workers, a queue, a table and a vendor's limiter in virtual
//! time (throttle design, section 14).
//!
//! The workers drive the gate of `casbah-http` itself, not a model of it. What the design promises
//! is checked on every call, wait and write; `cargo run --release --bin casbah-throttle` writes the figures to
//! docs/throttle.md.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness is the clock and the workers"
)]

mod alone;
pub mod cases;
pub mod clock;
pub mod document;
pub mod invariants;
pub mod limiter;
pub mod outcome;
pub mod rows;
pub mod scenario;
pub mod table;
mod tracks;
mod vendor;
mod worker;
mod world;

pub use outcome::Outcome;
pub use scenario::{Scenario, Strategy};
pub use world::run;
