//! Copies between drives of Microsoft 365: how they stand, and what may go wrong with them and with uploads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod file_actor;
mod reader;

use std::collections::BTreeSet;

use casbah_model::SignedDuration;
use casbah_model::action::ActionKind;
use casbah_model::transport::{Headers, Method, Request, TransportError};
use casbah_simulators::microsoft365::{Fault, FaultSettings, Row};
use file_actor::Actor;
use file_actor::copies::{COPIED, content, refusal, text};
use reader::{Answer, GRAPH, Reader, small_plan};
use serde_json::{Value, json};

#[test]
fn a_name_that_is_taken_is_told_by_the_monitor() {
    let actor = Actor::quarantined();
    let to = actor.to();
    assert_eq!(actor.upload(&to, "first.txt", "there").status, 201);
    let link = actor.delta_of(&to.drive);
    let fails = |accepted: &Answer| {
        let ended = actor.ended(accepted);
        assert_eq!(ended["status"], "failed");
        assert_eq!(ended["error"]["code"], "nameAlreadyExists");
        assert!(ended["resourceId"].is_null());
    };
    fails(&actor.copy("FIRST.txt"));
    // One that is free again later is taken all the same.
    let accepted = actor.copy("first.txt");
    let first = text(&actor.by_name(&to, "first.txt").json()["id"]);
    let path = to.path("").replace(&to.id, &first);
    assert_eq!(actor.delete(&path).status, 204);
    fails(&accepted);
    assert_eq!(actor.names_in(&to), BTreeSet::new());
    assert_eq!(actor.changes(&link).len(), 1);
    // So is one that is taken meanwhile.
    let accepted = actor.copy("second.txt");
    assert_eq!(actor.upload(&to, "second.txt", "there").status, 201);
    fails(&accepted);
}

#[test]
fn of_two_copies_one_gets_the_name() {
    let actor = Actor::quarantined();
    let all = [actor.copy("same.docx"), actor.copy("same.docx")];
    actor.pass(COPIED);
    let ends = all.map(|accepted| text(&actor.monitored(&accepted).json()["status"]));
    let expected = ["completed", "failed"].map(String::from);
    assert_eq!(BTreeSet::from(ends), BTreeSet::from(expected));
    assert_eq!(actor.names_in(&actor.to()).len(), 1);
    let path = actor.path("/copy?@microsoft.graph.conflictBehavior=rename");
    let body = json!({"parentReference": actor.to().reference(), "name": "same.docx"});
    let renamed = actor.change(Method::Post, &path, &body);
    assert_eq!(actor.ended(&renamed)["status"], "completed");
    assert!(actor.names_in(&actor.to()).contains("same 1.docx"));
}

#[test]
fn only_files_are_copied_and_only_into_folders() {
    let actor = Actor::quarantined();
    let (to, home) = (actor.to(), actor.home());
    let copied = |path: &str, body: Value| {
        let answer = actor.change(Method::Post, &format!("{path}/copy"), &body);
        refusal(&answer)
    };
    let invalid = (400, "invalidRequest".to_string());
    let not_found = (404, "itemNotFound".to_string());
    let (file, reference) = (actor.path(""), to.reference());
    assert_eq!(copied(&home.path(""), json!({})).1, "notSupported");
    for (parent, name, expected) in [
        (json!({"driveId": "b!none", "id": to.id}), "a", &not_found),
        (
            json!({"driveId": to.drive, "id": "01NONE"}),
            "a",
            &not_found,
        ),
        (json!({"driveId": to.drive, "id": "root"}), "a", &invalid),
        (json!({"id": actor.item}), "a", &invalid),
        (reference, "a/b", &invalid),
    ] {
        let body = json!({"parentReference": parent, "name": name});
        assert_eq!(&copied(&file, body.clone()), expected, "{body}");
    }
    assert_eq!(copied(&to.path("-none"), json!({})), not_found);
    for behaviour in ["replace", "perhaps"] {
        let path = actor.path(&format!(
            "/copy?@microsoft.graph.conflictBehavior={behaviour}"
        ));
        let refused = actor.change(Method::Post, &path, &json!({"name": "b"}));
        assert_eq!(refusal(&refused), invalid, "{behaviour}");
    }
    // Without a word on where, it is where the file is.
    let accepted = actor.change(Method::Post, &format!("{file}/copy"), &json!({"name": "b"}));
    assert_eq!(actor.ended(&accepted)["status"], "completed");
    assert!(actor.names_in(&home).contains("b"));
}

#[test]
fn the_address_of_a_copy_is_all_it_takes_to_see_how_it_stands() {
    let actor = Actor::quarantined();
    let accepted = actor.copy("kept.docx");
    let address = accepted.headers.get("Location").unwrap();
    let ask = |address: &str, headers| actor.reader.ask(Method::Get, address, headers, "");
    assert_eq!(ask(address, actor.reader.bearer(GRAPH)).status, 401);
    let unknown = format!("{}{}", &address[..address.len() - 2], "AA");
    assert_eq!(ask(&unknown, Headers::default()).status, 404);
    actor.switch(Fault::MonitorGone);
    assert_eq!(refusal(&actor.monitored(&accepted)).0, 404);
    actor.reader.simulator.switch(Fault::MonitorGone, None);
    let mut last = 0.0;
    for _ in 0..2 {
        let answer = actor.monitored(&accepted);
        let told = answer.json();
        assert_eq!(
            (answer.status, &told["operation"], &told["status"]),
            (202, &json!("ItemCopy"), &json!("inProgress"))
        );
        let share = told["percentageComplete"].as_f64().unwrap();
        assert!(share >= last && share < 100.0, "{told}");
        last = share;
        actor.pass(SignedDuration::from_secs(1));
    }
    assert!(last > 0.0);
    actor.switch(Fault::MonitorGone);
    actor.pass(COPIED);
    assert_eq!(actor.monitored(&accepted).status, 404);
    assert_eq!(actor.by_name(&actor.to(), "kept.docx").status, 200);
}

#[test]
fn copies_fail_take_long_and_differ() {
    let actor = Actor::quarantined();
    let to = actor.to();
    actor.switch(Fault::CopyFails);
    let failed = actor.ended(&actor.copy("failed.docx"));
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error"]["code"], "generalException");
    assert_eq!(actor.by_name(&to, "failed.docx").status, 404);
    actor.reader.simulator.switch(Fault::CopyFails, None);

    for (value, seconds) in [(None, 600), (Some("90"), 90)] {
        let settings = FaultSettings {
            value: value.map(String::from),
            ..FaultSettings::times(1)
        };
        let simulator = &actor.reader.simulator;
        simulator.switch(Fault::CopySlow, Some(settings));
        let accepted = actor.copy(&format!("slow {seconds}.docx"));
        actor.pass(SignedDuration::from_secs(seconds - 1));
        assert_eq!(actor.monitored(&accepted).status, 202);
        actor.pass(SignedDuration::from_secs(1));
        assert_eq!(actor.monitored(&accepted).json()["status"], "completed");
    }

    actor.switch(Fault::CopyDiffers);
    let ended = actor.ended(&actor.copy("other.docx"));
    assert_eq!(ended["status"], "completed");
    let (original, copy) = (actor.seen(), actor.by_name(&to, "other.docx").json());
    assert_ne!(original["size"], copy["size"]);
    assert_ne!(content(&original).1, content(&copy).1);
}

#[test]
fn who_deletes_before_the_copy_is_there_has_none() {
    let actor = Actor::quarantined();
    let accepted = actor.copy("kept.docx");
    assert_eq!(actor.delete(&actor.path("")).status, 204);
    let ended = actor.ended(&accepted);
    assert_eq!(ended["error"]["code"], "itemNotFound");
    assert!(!actor.is_in_quarantine() && !actor.is_back());
}

#[test]
fn what_goes_wrong_with_changes_goes_wrong_with_these() {
    let actor = Actor::quarantined();
    let (to, home) = (actor.to(), actor.home());
    actor.switch(Fault::ItemLocked);
    let locked = (423, "resourceLocked".to_string());
    assert_eq!(refusal(&actor.copy("a.docx")), locked);
    assert_eq!(refusal(&actor.upload(&home, "a.txt", "a")), locked);
    actor.reader.simulator.switch(Fault::ItemLocked, None);

    actor.switch(Fault::DoneThough429);
    assert_eq!(actor.copy("b.docx").status, 429);
    assert_eq!(actor.upload(&home, "b.txt", "b").status, 429);
    actor.reader.simulator.switch(Fault::DoneThough429, None);
    actor.switch(Fault::AnswerLost);
    let request = Request {
        method: Method::Post,
        url: format!("{GRAPH}/v1.0/{}", actor.path("/copy")),
        headers: actor.reader.bearer(GRAPH),
        body: json!({"parentReference": to.reference(), "name": "c.docx"})
            .to_string()
            .into_bytes()
            .into(),
    };
    let lost = actor.reader.try_send(request);
    assert!(matches!(lost, Err(TransportError::Timeout { .. })));
    actor.reader.simulator.switch(Fault::AnswerLost, None);
    actor.pass(COPIED);
    let expected = ["b.docx", "c.docx"].map(String::from);
    assert_eq!(actor.names_in(&to), BTreeSet::from(expected));
    assert_eq!(actor.by_name(&home, "b.txt").status, 200);
}

#[test]
fn copies_and_uploads_cost_two_units_and_monitors_nothing() {
    let actor = Actor::quarantined();
    let home = actor.home();
    let spent = || actor.reader.simulator.traffic().granted[&Row::SharePointMinute];
    let before = spent();
    let accepted = actor.copy("kept.docx");
    assert_eq!(spent(), before + 2);
    actor.ended(&accepted);
    assert_eq!(spent(), before + 2);
    actor.upload(&home, "note.txt", "note");
    assert_eq!(spent(), before + 4);
    actor.by_name(&home, "note.txt");
    assert_eq!(spent(), before + 5);
}

#[test]
fn who_may_only_read_neither_copies_nor_uploads() {
    let reader = Reader::new(small_plan(5));
    let actor = Actor::with(reader, ActionKind::AdminQuarantine);
    let denied = (403, "accessDenied".to_string());
    assert_eq!(refusal(&actor.copy("kept.docx")), denied);
    let home = actor.home();
    assert_eq!(refusal(&actor.upload(&home, "note.txt", "note")), denied);
}
