//! Faults of an Okta org that belong to no single endpoint, and the promise that each is tried.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use casbah_model::SignedDuration;
use casbah_model::ports::Clock;
use casbah_model::transport::{Method, TransportError};
use casbah_simulators::okta::{Fault, FaultSettings};
use okta_reader::{BASE, Reader, always, ids, with};

#[test]
fn names_are_read_back() {
    for fault in Fault::ALL {
        assert_eq!(fault.name().parse(), Ok(fault));
        let is_plain = |letter| matches!(letter, 'a'..='z' | '0'..='9' | '-');
        assert!(fault.name().chars().all(is_plain));
    }
    assert!("no-such-fault".parse::<Fault>().is_err());
}

#[test]
fn a_fault_strikes_as_often_as_it_was_told() {
    let reader = with(Fault::Plain500, FaultSettings::times(2));
    let statuses: Vec<u16> = (0..4).map(|_| reader.get("/api/v1/org").status).collect();
    assert_eq!(statuses, [500, 500, 200, 200]);
    let traffic = reader.simulator.traffic();
    assert_eq!(traffic.faults[&Fault::Plain500], 2);
    assert_eq!(
        (traffic.statuses[&500], traffic.calls["GET api/v1/org"]),
        (2, 4)
    );
}

#[test]
fn a_permission_may_be_denied_for_one_family() {
    let reader = with(
        Fault::PermissionDenied,
        FaultSettings::always().with_value("iam"),
    );
    let refused = reader.get("/api/v1/iam/assignees/users");
    assert_eq!(refused.refusal(), (403, "E0000006".into()));
    assert_eq!(reader.get("/api/v1/users?limit=1").status, 200);
    reader.simulator.switch(Fault::PermissionDenied, always());
    assert_eq!(reader.get("/api/v1/users?limit=1").status, 403);
}

#[test]
fn pages_may_be_odd() {
    let path = "/api/v1/users?limit=50";
    let page = |fault| {
        let reader = with(fault, FaultSettings::always());
        (reader.get(path), reader)
    };
    let (repeated, _) = page(Fault::RepeatedItems);
    let items = repeated.json();
    let items = items.as_array().unwrap();
    assert_eq!(items.len(), ids(items, "id").len() + 3);
    let (circle, reader) = page(Fault::NextLinkCircle);
    assert_eq!(reader.get(&circle.link("next").unwrap()).text, circle.text);
    let (foreign, reader) = page(Fault::ForeignNextLink);
    assert!(!foreign.link("next").unwrap().starts_with(BASE));
    assert!(foreign.link("self").unwrap().starts_with(BASE));
    let roles = reader.get("/api/v1/iam/assignees/users?limit=1").json();
    assert!(
        !roles["_links"]["next"]["href"]
            .as_str()
            .unwrap()
            .contains("acme")
    );
    let (empty, reader) = page(Fault::EmptyPage);
    assert_eq!(empty.text, "[]");
    let all = ids(&reader.walk(path), "id");
    let usual = Reader::small(1);
    assert_eq!(all, ids(&usual.walk(path), "id"));
    let (joined, reader) = page(Fault::JoinedLinks);
    let lines = joined.headers.iter().filter(|(name, _)| *name == "link");
    assert_eq!(lines.count(), 1);
    assert!(joined.link("self").is_some());
    assert_eq!(ids(&reader.walk(path), "id"), all);
    let (first, reader) = page(Fault::ExpiredPage);
    let refused = reader.get(&first.link("next").unwrap());
    assert_eq!(refused.refusal(), (400, "E0000001".into()));
}

#[test]
fn bodies_may_be_spoilt() {
    for (fault, status) in [
        (Fault::NotJson, 200),
        (Fault::Plain502, 502),
        (Fault::Plain503, 503),
    ] {
        let answer = with(fault, FaultSettings::always()).get("/api/v1/users");
        assert_eq!(answer.status, status);
        assert!(answer.text.starts_with("<!DOCTYPE html>"));
    }
    let reader = Reader::small(2);
    let request = || Reader::request(Method::Get, "/api/v1/users", reader.api_token(), "");
    reader
        .simulator
        .switch(Fault::TruncatedBody, Some(FaultSettings::times(1)));
    let broken = reader.try_send(request());
    assert!(matches!(broken, Err(TransportError::BrokenOff { .. })));
    reader
        .simulator
        .switch(Fault::Timeout, Some(FaultSettings::times(1)));
    let silent = reader.try_send(request());
    assert!(matches!(silent, Err(TransportError::Timeout { .. })));
    let slow = FaultSettings::always().with_value("90");
    reader.simulator.switch(Fault::SlowAnswers, Some(slow));
    let before = reader.clock.now();
    assert!(reader.try_send(request()).is_ok());
    let waited = reader.clock.now().duration_since(before);
    assert_eq!(waited, SignedDuration::from_secs(90));
    for url in [
        "https://elsewhere.example/",
        "https://acme.okta.com.evil.example/",
    ] {
        let away = Reader::request(Method::Get, url, reader.api_token(), "");
        let away = reader.try_send(away);
        assert!(
            matches!(away, Err(TransportError::Unreachable { .. })),
            "{url}"
        );
    }
}

#[test]
fn an_answer_names_its_request_and_wants_json_asked_for() {
    let reader = Reader::small(3);
    let first = reader.get("/api/v1/org");
    let second = reader.get("/api/v1/org");
    let id =
        |answer: &okta_reader::Answer| answer.headers.get("X-Okta-Request-Id").map(String::from);
    assert!(id(&first).is_some());
    assert_ne!(id(&first), id(&second));
    let headers = reader.api_token().with("Accept", "text/html");
    let refused = reader.ask(Method::Get, "/api/v1/org", headers, "");
    assert_eq!(refused.refusal(), (400, "E0000021".into()));
}

#[test]
fn every_fault_is_tried_here() {
    let source = [
        include_str!("okta_directory.rs"),
        include_str!("okta_dpop.rs"),
        include_str!("okta_faults.rs"),
        include_str!("okta_governance.rs"),
        include_str!("okta_hooks.rs"),
        include_str!("okta_limits.rs"),
        include_str!("okta_log.rs"),
        include_str!("okta_login.rs"),
    ]
    .concat();
    for fault in Fault::ALL {
        assert!(
            source.contains(&format!("Fault::{fault:?}")),
            "{}",
            fault.name()
        );
    }
}
