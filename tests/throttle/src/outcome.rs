//! What a run has come to.

/// Figures of one run, over the time that was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Accepted units, in percent of what the vendor would have given.
    pub used: f64,
    /// Percent of the calls.
    pub refused: f64,
    pub calls: u64,
    /// Per thousand calls.
    pub writes: f64,
    pub reads: f64,
    /// Function seconds per thousand calls.
    pub billed_s: f64,
    pub steps: u64,
    /// The longest time in which a running function had no call under way.
    pub longest_wait_s: f64,
    pub interactive_p95_s: f64,
    /// Invariants that did not hold, with the first three times of each.
    pub violations: Vec<String>,
}

/// What workers count.
#[derive(Default)]
pub struct Counts {
    pub billed_s: f64,
    pub steps: u64,
    pub longest_wait_s: f64,
    pub interactive_s: Vec<f64>,
}
