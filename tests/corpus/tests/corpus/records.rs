//! `APP/NAME.json` is a record as sent, `NAME.ocsf.json` the event it becomes.
//!
//! `CASBAH_CORPUS=write` writes the events anew. `CASBAH_RECORDS=FILE` maps a file of Microsoft 365 records instead, one a line, and
//! `CASBAH_EVENTS=FILE` takes what comes out, one a line, for `tests/corpus/validate`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use casbah_corpus::{mapped, records};
use casbah_model::app::App;
use casbah_ocsf::Profile;
use serde_json::Value;

#[allow(
    clippy::disallowed_methods,
    reason = "how the test is run, read where it starts"
)]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The corpus and a bare record of everything in the catalogue.
pub(crate) fn all_records() -> Vec<(App, Vec<u8>)> {
    let catalogue = crate::catalogue::records().into_iter();
    corpus()
        .map(|(app, path)| {
            let raw = fs::read(path).expect("a record");
            (app, raw.trim_ascii().to_vec())
        })
        .chain(catalogue.map(|raw| (App::Microsoft365, raw)))
        .collect()
}

/// Every record of the corpus.
fn corpus() -> impl Iterator<Item = (App, PathBuf)> {
    let of = |app| records(app).into_iter().map(move |path| (app, path));
    App::ALL.into_iter().flat_map(of)
}

/// With sorted keys and indented, to be read by people.
fn pretty(event: &[u8]) -> String {
    let value: Value = serde_json::from_slice(event).expect("valid JSON");
    let mut text = serde_json::to_string_pretty(&value).expect("valid JSON");
    text.push('\n');
    text
}

#[test]
fn every_record_becomes_the_event_beside_it() {
    let is_written = asked("CASBAH_CORPUS").as_deref() == Some("write");
    let mut wrong = Vec::new();
    for (app, path) in corpus() {
        let raw = fs::read(&path).expect("a record");
        let event = mapped(app, raw.trim_ascii(), Profile::V1_3_0).expect("an event");
        let expected = path.with_extension("ocsf.json");
        if is_written {
            fs::write(&expected, pretty(&event)).expect("written");
        } else if fs::read_to_string(&expected).ok().as_ref() != Some(&pretty(&event)) {
            wrong.push((path, pretty(&event)));
        }
    }
    let names = wrong.iter().map(|(path, _)| path.display().to_string());
    let names = names.collect::<Vec<_>>().join(" ");
    let first = wrong.first().map_or("", |(_, event)| event.as_str());
    assert!(
        wrong.is_empty(),
        "other events than expected: {names}\n{first}"
    );
    for app in App::ALL {
        let count = records(app).len();
        assert!(count >= 40, "only {count} records of {app}");
    }
}

/// Writes events for the validation, and tells what became of a file of records.
#[test]
fn events_are_written_for_validation_when_asked() {
    let Some(out) = asked("CASBAH_EVENTS") else {
        return;
    };
    let records: Vec<(App, Vec<u8>)> = match asked("CASBAH_RECORDS") {
        Some(file) => {
            let lines = fs::read(file).expect("a file of records");
            let lines = lines.split(|byte| *byte == b'\n');
            lines
                .filter(|line| !line.is_empty())
                .map(|line| (App::Microsoft365, line.to_vec()))
                .collect()
        }
        None => all_records(),
    };
    let mut events = match asked("CASBAH_RECORDS") {
        Some(_) => vec![],
        None => Profile::ALL
            .into_iter()
            .flat_map(|profile| {
                let ours = crate::actions::events(profile);
                ours.into_iter().chain(crate::findings::events(profile))
            })
            .flat_map(|event| [event, b"\n".to_vec()].concat())
            .collect(),
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (app, raw) in &records {
        for profile in Profile::ALL {
            let event = mapped(*app, raw, profile).expect("an event");
            if profile == Profile::V1_3_0 {
                let value: Value = serde_json::from_slice(&event).expect("valid JSON");
                let key = |name: &str| value[name].as_str().unwrap_or_default().to_string();
                *counts.entry(key("type_name")).or_default() += 1;
            }
            events.extend(event);
            events.push(b'\n');
        }
    }
    fs::write(out, events).expect("written");
    for (name, count) in counts {
        println!("{count:6} {name}");
    }
}
