//! SaaS tenants as small state machines, written from the vendors' documentation.

mod address;
mod answer;
pub mod box_com;
mod chance;
pub mod documents;
pub mod governed;
mod json;
mod latency;
pub mod microsoft365;
mod moment;
mod names;
pub mod okta;
mod seal;
pub mod simulated;
mod switches;
