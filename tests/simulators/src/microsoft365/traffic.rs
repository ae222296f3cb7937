//! Who called what, and what the limits said.

use std::collections::BTreeMap;

use super::faults::Fault;
use super::limits::Row;
use super::wire::Call;

/// Counters since the simulator was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Calls per endpoint, as `GET users/{id}/drive`.
    pub calls: BTreeMap<String, u64>,
    /// Answers per status.
    pub statuses: BTreeMap<u16, u64>,
    /// Units that a limit let pass.
    pub granted: BTreeMap<Row, u64>,
    /// Calls that a limit refused.
    pub refused: BTreeMap<Row, u64>,
    /// How often each fault struck.
    pub faults: BTreeMap<Fault, u64>,
    /// Records handed out again by `duplicate-records`.
    pub duplicates: u64,
    /// Files whose content was handed out.
    pub downloaded: u64,
    /// The most calls at one time.
    pub concurrency_peak: u64,
}

impl Traffic {
    pub(super) fn count_call(&mut self, call: &Call) {
        let parts: Vec<&str> = call.path.iter().map(|part| shape(part)).collect();
        let name = format!("{} {}", call.method.name(), parts.join("/"));
        *self.calls.entry(name).or_default() += 1;
    }
}

/// No word of a path is longer than this; ids of permissions are, and may have few digits.
const WORD_CHARS_MAX: usize = 30;

/// A path segment with ids replaced, so that counters stay few.
fn shape(part: &str) -> &str {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    match part.split_once('(') {
        Some((name, _)) => name,
        None if digits >= 4 || part.contains('@') || part.len() > WORD_CHARS_MAX => "{id}",
        None => part,
    }
}
