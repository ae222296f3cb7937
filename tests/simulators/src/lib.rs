//! SaaS tenants as small state machines, written from the vendors' documentation.

pub mod microsoft365;
