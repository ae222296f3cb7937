//! Faults of an enterprise of Box that belong to no single endpoint, and the promise that each is tried.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use box_reader::{FIELDS, Reader, always, ids, with};
use casbah_model::transport::{Headers, Method, TransportError};
use casbah_simulators::box_com::{Fault, FaultSettings};
use serde_json::Value;

const DENIED: &str = "access_denied_insufficient_permissions";
const USERS: &str = "/2.0/users?limit=10&fields=status";

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
    let statuses: Vec<u16> = (0..4).map(|_| reader.get("/2.0/users/me").status).collect();
    assert_eq!(statuses, [500, 500, 200, 200]);
    let traffic = reader.simulator.traffic();
    assert_eq!(traffic.faults[&Fault::Plain500], 2);
    assert_eq!(traffic.total(), 5);
    assert_eq!(traffic.concurrency_peak, 1);
}

#[test]
fn pages_may_be_odd() {
    let usual = ids(&Reader::small(1).pages(None, USERS).0, "id");
    let path = format!("{USERS}&usemarker=true");
    let reader = with(Fault::RepeatedItems, FaultSettings::always());
    let entries = reader.get(&path).entries();
    assert_eq!((entries.len(), ids(&entries, "id").len()), (13, 10));
    let reader = with(Fault::EmptyPage, FaultSettings::always());
    assert!(reader.get(&path).entries().is_empty());
    assert_eq!(ids(&reader.pages(None, USERS).0, "id"), usual);
    let reader = with(Fault::ShortPages, FaultSettings::always());
    assert_eq!(reader.get(&path).entries().len(), 5);
    assert_eq!(ids(&reader.pages(None, USERS).0, "id"), usual);
    let reader = with(Fault::MarkerCircle, FaultSettings::always());
    let first = reader.get(&path);
    let marker = first.json()["next_marker"].as_str().unwrap().to_string();
    assert_eq!(
        reader.get(&format!("{path}&marker={marker}")).text,
        first.text
    );
    let reader = with(Fault::ExpiredMarker, FaultSettings::times(1));
    let marker = reader.get(&path).json()["next_marker"]
        .as_str()
        .unwrap()
        .to_string();
    let next = format!("{path}&marker={marker}");
    assert_eq!(
        reader.get(&next).refusal(),
        (400, "invalid_parameter".into())
    );
    assert_eq!(reader.get(&next).status, 200);
    let of_items = FaultSettings::always().with_value("items");
    let reader = with(Fault::ExpiredMarker, of_items);
    let user = reader.simulator.user_id(12);
    let path = "/2.0/folders/0/items?usemarker=true&limit=1";
    let marker = reader.get_as(&user, path).json()["next_marker"]
        .as_str()
        .unwrap()
        .to_string();
    assert_eq!(
        reader
            .get_as(&user, &format!("{path}&marker={marker}"))
            .status,
        400
    );
    assert_eq!(ids(&reader.pages(None, USERS).0, "id"), usual);
}

#[test]
fn items_may_be_odd() {
    let reader = with(Fault::NullOwner, FaultSettings::always());
    let user = reader.simulator.user_id(12);
    let path = format!("/2.0/folders/0/items?fields={FIELDS}");
    let entries = reader.get_as(&user, &path).entries();
    assert!(entries.iter().all(|item| item["owned_by"] == Value::Null));
    reader.simulator.switch(Fault::NullOwner, None);
    let entries = reader.get_as(&user, &path).entries();
    assert!(
        entries
            .iter()
            .all(|item| item["owned_by"]["id"].is_string())
    );
    reader.simulator.switch(Fault::UnknownKeys, always());
    for path in [path.as_str(), USERS, "/2.0/groups"] {
        let answer = match path {
            USERS | "/2.0/groups" => reader.get(path),
            _ => reader.get_as(&user, path),
        };
        assert!(
            answer
                .entries()
                .iter()
                .all(|one| one.get("simulated_key").is_some()),
            "{path}"
        );
    }
}

#[test]
fn bodies_may_be_spoilt() {
    let reader = with(Fault::NotJson, FaultSettings::times(1));
    let page = reader.get("/2.0/users/me");
    assert_eq!((page.status, page.text.starts_with('<')), (200, true));
    assert_eq!(reader.get("/2.0/users/me").status, 200);
    reader
        .simulator
        .switch(Fault::Plain502, Some(FaultSettings::times(1)));
    let page = reader.get("/2.0/users/me");
    assert_eq!((page.status, page.text.starts_with('<')), (502, true));
    let request = || {
        let headers = Reader::bearer(&reader.token());
        Reader::request(Method::Get, "/2.0/users/me", headers, "")
    };
    reader
        .simulator
        .switch(Fault::TruncatedBody, Some(FaultSettings::times(1)));
    let broken = reader.try_send(request()).err().unwrap();
    assert!(matches!(broken, TransportError::BrokenOff { .. }));
    reader
        .simulator
        .switch(Fault::Timeout, Some(FaultSettings::times(1)));
    let silent = reader.try_send(request()).err().unwrap();
    assert!(matches!(silent, TransportError::Timeout { .. }));
    let mut elsewhere = request();
    elsewhere.url = "https://api.box.com.evil.example/2.0/users/me".into();
    let unreachable = reader.try_send(elsewhere).err().unwrap();
    assert!(matches!(unreachable, TransportError::Unreachable { .. }));
    assert_eq!(reader.try_send(request()).unwrap().status, 200);
}

#[test]
fn a_token_dies_before_its_time() {
    let reader = with(Fault::TokenExpiresMidway, FaultSettings::times(1));
    assert_eq!(reader.get("/2.0/users/me").status, 401);
    assert_eq!(reader.get("/2.0/users/me").status, 401);
    reader.forget_token();
    assert_eq!(reader.get("/2.0/users/me").status, 200);
}

#[test]
fn the_app_may_lose_what_it_had() {
    let reader = Reader::small(1);
    let enterprise = reader.plan.enterprise();
    let ask = || reader.credentials("enterprise", &enterprise).code();
    for (fault, code) in [
        (Fault::SecretRotated, "invalid_client"),
        (Fault::AppUnauthorized, "unauthorized_client"),
    ] {
        reader
            .simulator
            .switch(fault, Some(FaultSettings::times(1)));
        assert_eq!(ask(), code);
        assert_eq!(ask(), "");
    }
    let lost = FaultSettings::always().with_value("manage_groups");
    reader.simulator.switch(Fault::ScopesShrink, Some(lost));
    assert_eq!(
        (reader.get("/2.0/groups").status, reader.get(USERS).status),
        (403, 200)
    );
    reader.simulator.switch(Fault::ScopesShrink, always());
    reader.forget_token();
    assert_eq!(reader.get(USERS).status, 403);
}

#[test]
fn permissions_may_be_denied_for_a_family_or_a_user() {
    let reader = with(
        Fault::PermissionDenied,
        FaultSettings::always().with_value("events"),
    );
    let events = "/2.0/events?stream_type=admin_logs&limit=1";
    assert_eq!(reader.get(events).refusal(), (403, DENIED.into()));
    assert_eq!(reader.get(USERS).status, 200);
    reader.simulator.switch(Fault::PermissionDenied, always());
    assert_eq!(reader.get(USERS).status, 403);
    let (one, other) = (reader.simulator.user_id(12), reader.simulator.user_id(13));
    let meant = FaultSettings::always().with_value(&one);
    let reader = with(Fault::ActingRefused, meant);
    let status = |user: &str| reader.get_as(user, "/2.0/folders/0/items?limit=1").status;
    assert_eq!((status(&one), status(&other)), (403, 200));
    reader.simulator.switch(Fault::ActingRefused, always());
    assert_eq!(status(&other), 403);
}

#[test]
fn what_is_no_call_of_the_api_is_refused() {
    let reader = Reader::small(1);
    for method in [Method::Post, Method::Put, Method::Delete] {
        let headers = Reader::bearer(&reader.token());
        let refused = reader.ask(method, "/2.0/users/me", headers, "{}");
        assert_eq!(refused.refusal(), (405, "method_not_allowed".into()));
    }
    let get = reader.ask(Method::Get, "/oauth2/token", Headers::default(), "");
    assert_eq!(get.status, 405);
    assert_eq!(reader.get("/2.0").status, 404);
    assert_eq!(reader.get("/3.0/users").status, 404);
}

#[test]
fn every_fault_is_tried_here() {
    let source = [
        include_str!("box_changes.rs"),
        include_str!("box_custody.rs"),
        include_str!("box_directory.rs"),
        include_str!("box_downloads.rs"),
        include_str!("box_faults.rs"),
        include_str!("box_governance.rs"),
        include_str!("box_limits.rs"),
        include_str!("box_log_faults.rs"),
        include_str!("box_login.rs"),
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
