//! What `casbah inspect` says of a file: for people, and for programs.

use std::path::Path;

use casbah_inspect::{Confidence, Finding, Inspected, Reason};
use serde_json::{Value, json};

use crate::inspect_command::Looked;
use crate::table::{Align, Table, number};

/// A file for people; nothing of one that is read whole and holds nothing.
pub fn text(path: &Path, looked: &Looked) -> String {
    let name = plain(&path.display().to_string());
    let report = match looked {
        Looked::Unreadable(error) => return format!("{name}: cannot be opened: {error}"),
        Looked::Inside(report, _) => report,
    };
    let mut lines = vec![];
    for (part, reason) in reasons(&report.inspected) {
        let what = words(reason);
        lines.push(match part {
            Some(part) => format!("  not read: {}: {what}", plain(part)),
            None => format!("  not read: {what}"),
        });
    }
    let mut table = Table::new(
        "  ",
        &[
            Align::Left,
            Align::Left,
            Align::Right,
            Align::Left,
            Align::Left,
        ],
    );
    for finding in &report.findings {
        let sample = finding.samples.first();
        table.row([
            plain(&finding.detector),
            sure(finding.confidence).into(),
            counted(finding),
            sample.map(|one| plain(&one.masked)).unwrap_or_default(),
            sample.map(|one| plain(&one.part)).unwrap_or_default(),
        ]);
    }
    if lines.is_empty() && report.findings.is_empty() {
        return String::new();
    }
    let head = format!("{name} ({})", report.format);
    lines.insert(0, head);
    lines.push(table.text());
    lines.join("\n").trim_end().to_string()
}

/// `12, 3 different`.
fn counted(finding: &Finding) -> String {
    match finding.distinct == finding.count {
        true => number(finding.count),
        false => format!(
            "{} ({} different)",
            number(finding.count),
            number(finding.distinct)
        ),
    }
}

fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// Names come from whoever wrote the file, and may steer a terminal.
pub fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

fn reasons(inspected: &Inspected) -> Vec<(Option<&str>, Reason)> {
    match inspected {
        Inspected::Whole => vec![],
        Inspected::Partly(parts) => parts
            .iter()
            .map(|(part, reason)| (Some(part.as_str()), *reason))
            .collect(),
        Inspected::Not(reason) => vec![(None, *reason)],
    }
}

/// Why, and what can be done where something can.
fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Encrypted => "it opens with a password",
        Reason::Corrupt => "it is broken, or not what its format says",
        Reason::Unsupported => "a format without text, or one that is not read",
        Reason::TooLarge => "larger than --max-mb",
        Reason::TooDeep => "archives in archives, too deep",
        Reason::TooManyEntries => "too many entries",
        Reason::Expands => "it unpacks to far more than its size",
        Reason::Picture => "pictures; their text is not recognised",
        Reason::Stopped => "it was stopped",
    }
}

pub fn document(path: &Path, looked: &Looked) -> Value {
    let path = path.display().to_string();
    let report = match looked {
        Looked::Unreadable(error) => return json!({ "path": path, "error": error.to_string() }),
        Looked::Inside(report, _) => report,
    };
    let inspected = match &report.inspected {
        Inspected::Whole => "whole",
        Inspected::Partly(_) => "partly",
        Inspected::Not(_) => "not",
    };
    let reasons: Vec<Value> = reasons(&report.inspected)
        .into_iter()
        .map(|(part, reason)| json!({ "part": part, "reason": reason.name() }))
        .collect();
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    json!({
        "path": path,
        "format": report.format,
        "inspected": inspected,
        "reasons": reasons,
        "chars": report.chars,
        "findings": findings,
    })
}

fn finding(finding: &Finding) -> Value {
    let samples: Vec<Value> = finding
        .samples
        .iter()
        .map(|one| json!({ "masked": one.masked, "hash": one.hash, "part": one.part }))
        .collect();
    json!({
        "detector": finding.detector,
        "confidence": sure(finding.confidence),
        "count": finding.count,
        "distinct": finding.distinct,
        "samples": samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
