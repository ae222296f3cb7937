//! What kinds of sensitive data a text holds.

use crate::report::{Finding, Flow, TextSink};

/// Everything that is looked for, compiled once and shared.
pub struct Detectors {}

impl Detectors {
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner { detectors: self }
    }
}

/// Looks through one document.
pub struct Scanner<'a> {
    #[expect(dead_code, reason = "the detectors come next")]
    detectors: &'a Detectors,
}

impl Scanner<'_> {
    pub fn finish(self) -> Vec<Finding> {
        Vec::new()
    }
}

impl TextSink for Scanner<'_> {
    fn part(&mut self, _name: &str) {}

    fn text(&mut self, _piece: &str) -> Flow {
        Flow::Go
    }
}
