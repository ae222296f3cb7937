//! Policies: which files, with what in them, seen by whom, are a finding, how bad it is, and what to propose.
//!
//! A file of policies is read once ([`Policies::read`]) and held against the facts of one file after the other
//! ([`Policies::broken_by`]). What a finding becomes over time is in [`Standing`].

mod facts;
mod policy;
mod shipped;
mod standing;
mod written;

pub use facts::{Facts, Link};
pub use policy::{Broken, Policies, Policy, Severity};
pub use shipped::SHIPPED;
pub use standing::{Seen, Standing};
pub use written::{Detectable, PolicyError};
