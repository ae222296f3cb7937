//! Who called what, and what the limits said.

use std::collections::BTreeMap;

use super::faults::Fault;
use super::limits::Bucket;
use super::wire::Call;

/// Counters since the simulator was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Calls per endpoint, as `GET 2.0/folders/{id}/items`.
    pub calls: BTreeMap<String, u64>,
    /// Answers per status.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that a bucket let pass.
    pub granted: BTreeMap<Bucket, u64>,
    /// Calls that a bucket refused.
    pub refused: BTreeMap<Bucket, u64>,
    /// How often each fault struck.
    pub faults: BTreeMap<Fault, u64>,
    /// Pages of `admin_logs` that ended between two events of one time.
    pub ties_split: u64,
    /// Files whose content was handed out.
    pub downloaded: u64,
    /// Times that a token came to where it had no business.
    pub tokens_told: u64,
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
    let is_id = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_id { "{id}" } else { part }
}
