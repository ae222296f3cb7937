//! Who called what, and what the limits said.

use std::collections::BTreeMap;

use super::faults::Fault;
use super::limits::Bucket;
use super::wire::Call;

/// Counters since the simulator was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Calls per endpoint, as `GET api/v1/users/{id}/roles`.
    pub calls: BTreeMap<String, u64>,
    /// Answers per status.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that a bucket let pass.
    pub granted: BTreeMap<Bucket, u64>,
    /// Calls that a bucket refused.
    pub refused: BTreeMap<Bucket, u64>,
    /// Calls that were refused because too many were under way.
    pub refused_concurrent: u64,
    /// How often each fault struck.
    pub faults: BTreeMap<Fault, u64>,
    /// Pages of the system log that ended between two events of one time.
    pub ties_split: u64,
    /// The most calls at one time.
    pub concurrency_peak: u64,
}

impl Traffic {
    pub(super) fn count_call(&mut self, call: &Call) {
        let parts: Vec<&str> = call.path.iter().map(|part| shape(part)).collect();
        let name = format!("{} {}", call.method.name(), parts.join("/"));
        *self.calls.entry(name).or_default() += 1;
    }

    /// All calls so far.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// A path segment with ids replaced, so that counters stay few.
fn shape(part: &str) -> &str {
    let has_digit = part.bytes().any(|byte| byte.is_ascii_digit());
    if part.contains('@') || (part.len() > 12 && has_digit) {
        "{id}"
    } else {
        part
    }
}
