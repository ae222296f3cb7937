use crate::draw::Draw;
use crate::ids::{IDS, Make};
use crate::lookalikes::LOOKALIKES;
use crate::surroundings::{Called, Document, labelled, settings, unlabelled};
use crate::tokens::{TOKENS, token};
use crate::{all, scan};
use casbah_inspect::Detectors;
use casbah_inspect::detect::detectors;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Rounds of all surroundings for each detector.
const ROUNDS: usize = 12;

#[derive(Default)]
struct Score {
    wanted: u64,
    right: u64,
    wrong: u64,
    /// Values that look like it and are none.
    lookalikes: u64,
}

struct Scores {
    detectors: Detectors,
    by_name: BTreeMap<String, Score>,
    /// What went wrong, the first of each detector.
    faults: Vec<String>,
}

impl Scores {
    /// A document in which a detector should find so many values, and all others none.
    fn document(&mut self, detector: &str, document: &Document, wanted: u64) {
        let findings = scan(&self.detectors, &document.text);
        let found = findings.iter().find(|finding| finding.detector == detector).map_or(0, |finding| finding.count);
        let score = self.by_name.entry(detector.to_owned()).or_default();
        score.wanted += wanted;
        score.right += found.min(wanted);
        score.wrong += found.saturating_sub(wanted);
        score.lookalikes += document.values.saturating_sub(wanted);
        if found != wanted {
            self.faults.push(format!("{detector}: {found} and not {wanted} in {:?}", head(&document.text)));
        }
        for finding in findings.iter().filter(|finding| finding.detector != detector) {
            self.by_name.entry(finding.detector.clone()).or_default().wrong += finding.count;
            self.faults.push(format!("{} where {detector} is: {}", finding.detector, head(&document.text)));
        }
    }

    fn present(&mut self, detector: &str, documents: Vec<Document>) {
        for document in documents {
            self.document(detector, &document, document.values);
        }
    }

    fn absent(&mut self, detector: &str, documents: Vec<Document>) {
        for document in documents {
            self.document(detector, &document, 0);
        }
    }
}

fn head(text: &str) -> String {
    text.chars().take(300).collect()
}

fn scores() -> Scores {
    let mut scores = Scores { detectors: Detectors::new(&all()).unwrap(), by_name: BTreeMap::new(), faults: Vec::new() };
    let mut draw = Draw(20_261_123);
    for _ in 0..ROUNDS {
        for (detector, label, name, make) in IDS {
            identity(&mut scores, &mut draw, detector, &Called { label, name }, *make);
        }
        for (detector, name, specification) in TOKENS {
            let documents = settings(&mut draw, name, |draw| token(draw, detector, specification));
            scores.present(detector, documents);
            let halves = settings(&mut draw, "file_id", |draw| half(&token(draw, detector, specification)));
            scores.absent(detector, halves);
        }
        personal(&mut scores, &mut draw);
        for (_, make) in LOOKALIKES {
            let text = make(&mut draw);
            scores.document("phone-number", &Document { text, values: 0 }, 0);
        }
    }
    scores
}

/// Numbers of people and accounts: right ones, and those of which a digit is wrong.
fn identity(scores: &mut Scores, draw: &mut Draw, detector: &str, called: &Called<'_>, make: Make) {
    let documents = labelled(draw, called, make);
    scores.present(detector, documents);
    let has_check = !["dk-cpr", "in-pan", "uk-nino", "us-ssn"].contains(&detector);
    if has_check {
        let documents = labelled(draw, called, |draw| match detector {
            // The last digit is that of a member of the family: the check is before it.
            "au-medicare" => {
                let value = make(draw);
                let check = value.trim_end_matches(|last: char| last.is_ascii_digit()).trim_end();
                if check.is_empty() { format!("{}{}", one_off(&value[..9]), &value[9..]) } else { format!("{}{}", one_off(check), &value[check.len()..]) }
            }
            _ => one_off(&make(draw)),
        });
        scores.absent(detector, documents);
    } else {
        let documents = labelled(draw, called, |draw| never_given_out(&make(draw), detector));
        scores.absent(detector, documents);
    }
    // A number like many others says nothing without a word; those with strong checks are right to be found.
    let is_weak = !["ch-ahv", "cn-resident-id", "fi-hetu", "fr-nir", "iban", "it-codice-fiscale", "mx-curp", "payment-card", "be-national-number", "no-fodselsnummer", "se-personnummer", "br-cpf", "kr-rrn", "us-ssn", "uk-nino"].contains(&detector);
    let documents = unlabelled(draw, make);
    if is_weak {
        scores.absent(detector, documents);
    } else if !["br-cpf", "us-ssn", "uk-nino"].contains(&detector) {
        scores.present(detector, documents);
    }
}

/// The last character is another: the check digit no longer fits.
fn one_off(value: &str) -> String {
    let (body, last) = value.split_at(value.len() - 1);
    let last = last.chars().next().unwrap();
    let other = match last {
        '9' => '0',
        'Z' => 'A',
        'X' => '1',
        other => char::from_u32(other as u32 + 1).unwrap(),
    };
    format!("{body}{other}")
}

/// Areas, letters and days that no authority uses.
fn never_given_out(value: &str, detector: &str) -> String {
    match detector {
        "dk-cpr" => format!("39{}", &value[2..]),
        "in-pan" => format!("{}X{}", &value[..3], &value[4..]),
        "uk-nino" => format!("DF{}", &value[2..]),
        _ => format!("9{}", &value[1..]),
    }
}

/// A token that broke off.
fn half(value: &str) -> String {
    let value: String = value.chars().filter(|character| !character.is_whitespace() && *character != '@').collect();
    let end = value.len() / 2;
    value[..end.min(18)].to_owned()
}

fn personal(scores: &mut Scores, draw: &mut Draw) {
    let mail = |draw: &mut Draw| format!("{}.{}@{}", draw.of(&["anna", "b", "chiara_m"]), draw.spell("{l6}"), draw.of(&["mail.fr", "firma-nord.de", "uni.ac.uk", "corp.io"]));
    let documents = labelled(draw, &Called { label: "e-mail address", name: "email" }, mail);
    scores.present("email-address", documents);
    let documents = unlabelled(draw, |draw| format!("{}@{}", draw.spell("{l6}"), draw.of(&["2x.png", "example.com", "host", "1.2.3"])));
    scores.absent("email-address", documents);
    let phone = |draw: &mut Draw| match draw.below(4) {
        0 => format!("+49 {} {}", draw.between(30, 89), draw.between(1_000_000, 9_999_999)),
        1 => format!("({}) {}-{}", draw.between(212, 989), draw.between(212, 989), draw.between(1000, 9999)),
        2 => format!("+33 6 {} {} {} {}", draw.between(10, 99), draw.between(10, 99), draw.between(10, 99), draw.between(10, 99)),
        _ => format!("+1-{}-{}-{}", draw.between(212, 989), draw.between(212, 989), draw.between(1000, 9999)),
    };
    let documents = labelled(draw, &Called { label: "phone number", name: "phone" }, phone);
    scores.present("phone-number", documents);
    let documents = unlabelled(draw, |draw| format!("+{}", draw.digits(4)));
    scores.absent("phone-number", documents);
    let birthday = |draw: &mut Draw| {
        let (day, month, year) = draw.born();
        match draw.below(4) {
            0 => format!("{year}-{month}-{day}"),
            1 => format!("{day}.{month}.{year}"),
            2 => format!("{month}/{day}/{year}"),
            _ => format!("{} {} {year}", day.trim_start_matches('0'), draw.of(&["March", "Oktober", "décembre", "July"])),
        }
    };
    let documents = labelled(draw, &Called { label: "date of birth", name: "date_of_birth" }, |draw| birthday(draw).replace("décembre", "December"));
    scores.present("date-of-birth", documents);
    let documents = unlabelled(draw, birthday);
    scores.absent("date-of-birth", documents);
    let documents = labelled(draw, &Called { label: "date of birth", name: "dob" }, |draw| format!("{}-{}-2024", draw.between(32, 99), draw.between(13, 99)));
    scores.absent("date-of-birth", documents);
    let code = |draw: &mut Draw| format!("{}{}.{}", draw.of(&["E", "F", "I", "J", "M"]), draw.between(10, 99), draw.below(10));
    let documents = labelled(draw, &Called { label: "diagnosis", name: "icd10" }, code);
    scores.present("icd-10", documents);
    let documents = unlabelled(draw, code);
    scores.absent("icd-10", documents);
    let record = |draw: &mut Draw| format!("{}{}", draw.of(&["", "H", "MR"]), draw.between(1_000_000, 9_999_999));
    let documents = labelled(draw, &Called { label: "medical record number", name: "mrn" }, record);
    scores.present("medical-record-number", documents);
    let documents = unlabelled(draw, record);
    scores.absent("medical-record-number", documents);
}

#[test]
fn every_detector_finds_what_it_should_and_little_else() {
    let scores = scores();
    let mut table = String::from("| detector | values | look-alikes | recall | precision |\n| --- | --- | --- | --- | --- |\n");
    let mut short = Vec::new();
    for (name, score) in &scores.by_name {
        let recall = score.right as f64 / score.wanted as f64;
        let precision = score.right as f64 / (score.right + score.wrong) as f64;
        writeln!(table, "| {name} | {} | {} | {recall:.3} | {precision:.3} |", score.wanted, score.lookalikes).unwrap();
        if recall < 0.98 || precision < 0.95 {
            short.push(name);
        }
    }
    println!("{table}");
    for name in &short {
        for fault in scores.faults.iter().filter(|fault| fault.starts_with(name.as_str())).take(4) {
            println!("{fault}\n");
        }
    }
    assert!(short.is_empty(), "below 0.98 and 0.95: {short:?}");
    assert!(include_str!("../../README.md").contains(&table), "the README has other figures than these:\n{table}");
}

#[test]
fn every_detector_has_values_in_the_corpus() {
    let scores = scores();
    for detector in detectors() {
        let score = scores.by_name.get(detector.name).unwrap_or_else(|| panic!("{} has none", detector.name));
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
            let found: Vec<String> = scan(&detectors, &text).into_iter().map(|finding| format!("{} {} {:?}", finding.detector, finding.count, finding.samples)).collect();
            println!("{name}: {found:?}");
        }
    }
}
