//! Alarms: what they watch, and where they send people.

use std::collections::BTreeSet;
use std::fs;

use super::document::{observability, resources, text};
use crate::contracts::root;

#[test]
fn an_alarm_names_a_section_and_a_section_has_an_alarm() {
    let page = text("docs/operate.md");
    let (_, rest) = page.split_once("\n## Alarms\n").expect("a part on alarms");
    let part = rest.split("\n## ").next().unwrap_or(rest);
    let headings: BTreeSet<&str> = part
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let observability = observability();
    let mut named = BTreeSet::new();
    let alarms = resources(&observability, "AWS::CloudWatch::Alarm");
    for (name, alarm) in &alarms {
        let description = alarm["AlarmDescription"].as_str().expect("a description");
        assert!(
            description.len() <= 1024,
            "{name}: CloudWatch takes 1024 characters"
        );
        let (_, section) = description
            .split_once("docs/operate.md, \"")
            .unwrap_or_else(|| panic!("{name}"));
        let section = section.trim_end_matches("\".");
        assert!(headings.contains(section), "{name} names \"{section}\"");
        named.insert(section.to_string());
        assert!(
            !alarm["AlarmActions"].is_null() && !alarm["TreatMissingData"].is_null(),
            "{name}"
        );
    }
    let without: Vec<_> = headings
        .iter()
        .filter(|heading| !named.contains(**heading))
        .collect();
    assert!(without.is_empty(), "no alarm leads to {without:?}");
    assert!(alarms.len() >= 20, "only {} alarms", alarms.len());
}

#[test]
fn alarms_watch_figures_that_somebody_records() {
    let mut recorded = String::new();
    let mut folders = vec![root().join("crates/pipeline/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("sources") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => recorded += &fs::read_to_string(path).expect("a source"),
            }
        }
    }
    let observability = text("infra/observability.yaml");
    let metrics = observability
        .split("Namespace: !Sub \"Casbah/${Stack}\"")
        .skip(1);
    let names: BTreeSet<&str> = metrics
        .filter_map(|rest| {
            rest.split("MetricName: ")
                .nth(1)?
                .split(['\n', ',', '}'])
                .next()
        })
        .collect();
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        assert!(
            recorded.contains(&format!("\"{name}\"")),
            "nobody records {name}"
        );
    }
}
