use crate::corpus::{Case, cases};
use crate::draw::Draw;
use crate::lookalikes::LOOKALIKES;
use crate::{all, scan};
use casbah_inspect::Detectors;
use casbah_inspect::detect::detectors;
use std::collections::BTreeMap;
use std::fmt::Write;

const ROUNDS: usize = 12;

#[derive(Default)]
struct Score {
    wanted: u64,
    right: u64,
    wrong: u64,
    /// Values that look like it and are none.
    lookalikes: u64,
}

#[derive(Default)]
struct Scores {
    by_name: BTreeMap<String, Score>,
    /// What went wrong.
    faults: Vec<String>,
}

impl Scores {
    /// A detector should find so many values in a document, and all others none.
    fn judge(&mut self, detectors: &Detectors, case: &Case) {
        let findings = scan(detectors, &case.text);
        let of_case = |name: &str| name == case.detector;
        let found = findings
            .iter()
            .find(|finding| of_case(&finding.detector))
            .map_or(0, |finding| finding.count);
        if !case.detector.is_empty() {
            let score = self.by_name.entry(case.detector.to_owned()).or_default();
            score.wanted += case.wanted;
            score.right += found.min(case.wanted);
            score.wrong += found.saturating_sub(case.wanted);
            score.lookalikes += case.values - case.wanted;
        }
        if found != case.wanted {
            self.faults.push(format!(
                "{}: {found} and not {} in {:?}",
                case.detector,
                case.wanted,
                head(&case.text)
            ));
        }
        for finding in findings
            .iter()
            .filter(|finding| !of_case(&finding.detector))
        {
            self.by_name
                .entry(finding.detector.clone())
                .or_default()
                .wrong += finding.count;
            self.faults.push(format!(
                "{} where {} is: {}",
                finding.detector,
                case.detector,
                head(&case.text)
            ));
        }
    }
}

fn head(text: &str) -> String {
    text.chars().take(300).collect()
}

fn scores() -> Scores {
    let detectors = Detectors::new(&all()).unwrap();
    let mut scores = Scores::default();
    for case in cases(ROUNDS) {
        scores.judge(&detectors, &case);
    }
    scores
}

#[test]
fn every_detector_finds_what_it_should_and_little_else() {
    let scores = scores();
    let mut table = String::from(
        "| detector | values | look-alikes | recall | precision |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut short = Vec::new();
    for (name, score) in &scores.by_name {
        let recall = score.right as f64 / score.wanted as f64;
        let precision = score.right as f64 / (score.right + score.wrong) as f64;
        writeln!(
            table,
            "| {name} | {} | {} | {recall:.3} | {precision:.3} |",
            score.wanted, score.lookalikes
        )
        .unwrap();
        if recall < 0.98 || precision < 0.95 {
            short.push(name);
        }
    }
    println!("{table}");
    for name in &short {
        for fault in scores
            .faults
            .iter()
            .filter(|fault| fault.starts_with(name.as_str()))
            .take(4)
        {
            println!("{fault}\n");
        }
    }
    assert!(short.is_empty(), "below 0.98 and 0.95: {short:?}");
    assert!(
        include_str!("../../README.md").contains(&table),
        "the README has other figures than these:\n{table}"
    );
}

#[test]
fn every_detector_has_values_in_the_corpus() {
    let scores = scores();
    for detector in detectors() {
        let score = scores
            .by_name
            .get(detector.name)
            .unwrap_or_else(|| panic!("{} has none", detector.name));
        assert!(score.wanted >= 40, "{} has few values", detector.name);
    }
}

#[test]
fn look_alikes_stay_quiet() {
    let detectors = Detectors::new(&all()).unwrap();
    let mut draw = Draw(7);
    for (name, make) in LOOKALIKES {
        for _ in 0..5 {
            let text = make(&mut draw);
            let found = scan(&detectors, &text);
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}
