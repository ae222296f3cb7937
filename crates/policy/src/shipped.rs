//! The policies that come with Casbah.

/// As a file of one's own would be written.
pub const SHIPPED: &str = include_str!("shipped.toml");
