//! What a file holds: bytes in, findings out, no I/O.
//!
//! [`extract`] turns a document of any format into text, part by part; [`detect`] reads that text once and says what kinds of
//! sensitive data are in it. Between them is [`TextSink`], so that neither holds a whole document's text.

pub mod detect;
pub mod extract;
mod guard;
pub mod report;
mod told;

pub use detect::Detectors;
pub use extract::Limits;
pub use report::{Confidence, Finding, Flow, Inspected, Reason, Report, Sample, TextSink};

/// Looks inside a document of this name.
///
/// Never panics, whatever the bytes are: a reader that does leaves a document that could not be read.
pub fn inspect(detectors: &Detectors, limits: &Limits, name: &str, bytes: &[u8]) -> Report {
    let mut scanner = detectors.scanner();
    let read = extract::read(name, bytes, limits, &mut scanner);
    let (inspected, findings) = match guard::run(|| scanner.finish()) {
        Some(findings) => (read.inspected, findings),
        None => (Inspected::Not(Reason::Corrupt), Vec::new()),
    };
    Report {
        format: read.format,
        inspected,
        chars: read.chars,
        findings,
    }
}
