//! Faults of login and Graph can be seen from outside, and end when they are switched off.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use casbah_model::SignedDuration;
use casbah_model::ports::Clock;
use casbah_model::transport::{Method, Request, TransportError};
use casbah_simulators::microsoft365::{Deed, Fault, FaultSettings};
use reader::{Answer, GRAPH, Reader, ids, small_plan};

fn always() -> Option<FaultSettings> {
    Some(FaultSettings::always())
}

fn with(fault: Fault, settings: FaultSettings) -> Reader {
    let reader = Reader::small(1);
    reader.simulator.switch(fault, Some(settings));
    reader
}

fn first_drive(reader: &Reader) -> String {
    reader.graph("sites/root/drives").json()["value"][0]["id"]
        .as_str()
        .unwrap()
        .to_string()
}

#[test]
fn names_are_read_back() {
    for fault in Fault::ALL {
        assert_eq!(fault.name().parse(), Ok(fault));
        assert!(
            fault
                .name()
                .chars()
                .all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '-'))
        );
    }
    assert!("no-such-fault".parse::<Fault>().is_err());
}

#[test]
fn a_fault_strikes_as_often_as_it_was_told() {
    let reader = with(Fault::Plain500, FaultSettings::times(2));
    let statuses: Vec<u16> = (0..4)
        .map(|_| reader.graph("organization").status)
        .collect();
    assert_eq!(statuses, [500, 500, 200, 200]);
    assert_eq!(reader.simulator.traffic().faults[&Fault::Plain500], 2);
    let reader = with(Fault::Plain500, FaultSettings::probability(0.3));
    let failed = (0..200)
        .filter(|_| reader.graph("organization").status == 500)
        .count();
    assert!((40..80).contains(&failed), "{failed}");
    reader.simulator.switch(Fault::Plain500, None);
    assert_eq!(reader.graph("organization").status, 200);
}

#[test]
fn graph_calls_fail_in_the_documented_ways() {
    let check =
        |fault: Fault, value: &str, path: &str, status: u16, code: &str, after: Option<&str>| {
            let reader = Reader::small(2);
            let path = path.replace("{drive}", &first_drive(&reader));
            reader
                .simulator
                .switch(fault, Some(FaultSettings::always().with_value(value)));
            let answer = reader.graph(&path);
            assert_eq!(answer.status, status, "{}", fault.name());
            assert_eq!(answer.code(), code, "{}", fault.name());
            assert_eq!(answer.headers.get("Retry-After"), after, "{}", fault.name());
        };
    check(
        Fault::Graph429,
        "30",
        "users",
        429,
        "TooManyRequests",
        Some("30"),
    );
    check(
        Fault::Graph429,
        "none",
        "users",
        429,
        "TooManyRequests",
        None,
    );
    check(
        Fault::Graph429,
        "date",
        "users",
        429,
        "TooManyRequests",
        Some("Mon, 04 May 2026 08:00:10 GMT"),
    );
    check(
        Fault::Unavailable503,
        "7",
        "users",
        503,
        "serviceNotAvailable",
        Some("7"),
    );
    let token = "users/delta?$deltatoken=x";
    check(
        Fault::Directory410,
        "",
        token,
        410,
        "syncStateNotFound",
        None,
    );
    check(
        Fault::DeltaTooOld,
        "",
        token,
        400,
        "Request_UnsupportedQuery",
        None,
    );
    check(
        Fault::SyncStateNotFound,
        "",
        token,
        400,
        "syncStateNotFound",
        None,
    );
    check(
        Fault::ExpiredPageToken,
        "",
        "users?$skiptoken=x",
        400,
        "Directory_ExpiredPageToken",
        None,
    );
    check(
        Fault::NoPremium,
        "",
        "auditLogs/signIns",
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        None,
    );
    check(
        Fault::DriveGone,
        "",
        "drives/{drive}/root/delta",
        404,
        "itemNotFound",
        None,
    );
    check(
        Fault::SiteLocked,
        "",
        "drives/{drive}",
        423,
        "resourceLocked",
        None,
    );
    check(
        Fault::TokenExpiresMidway,
        "",
        "users",
        401,
        "InvalidAuthenticationToken",
        None,
    );
}

#[test]
fn a_dead_cursor_names_where_to_start_over() {
    let reader = Reader::small(3);
    let (_, link) = reader.walk("users/delta?$select=id", "");
    reader
        .simulator
        .switch(Fault::Directory410, Some(FaultSettings::times(1)));
    let gone = reader.graph(&link.unwrap());
    assert_eq!(gone.status, 410);
    let (again, _) = reader.walk(gone.headers.get("Location").unwrap(), "");
    assert_eq!(again.len(), reader.plan.users);
    let drive = first_drive(&reader);
    let (items, link) = reader.walk(&format!("drives/{drive}/root/delta"), "");
    let link = link.unwrap();
    reader
        .simulator
        .switch(Fault::Drive410, Some(FaultSettings::times(3)));
    let answers: Vec<Answer> = (0..3).map(|_| reader.graph(&link)).collect();
    assert!(answers.iter().all(|answer| answer.status == 410));
    let codes: std::collections::BTreeSet<String> = answers.iter().map(Answer::code).collect();
    assert_eq!(codes.len(), 3);
    let (again, _) = reader.walk(answers[0].headers.get("Location").unwrap(), "");
    assert_eq!(again.len(), items.len());
}

#[test]
fn login_fails_as_the_operator_would_see_it() {
    for (fault, code) in [
        (Fault::SecretExpired, "7000222"),
        (Fault::AppRemoved, "700016"),
        (Fault::AppDisabled, "7000112"),
    ] {
        let reader = with(fault, FaultSettings::always());
        let answer = reader.token_with(GRAPH, &reader.plan.client_secret);
        assert_eq!(answer.code(), code);
    }
}

#[test]
fn new_tokens_lack_a_role_that_was_taken_away() {
    let reader = with(
        Fault::RolesShrink,
        FaultSettings::always().with_value("Sites.Read.All"),
    );
    assert_eq!(reader.graph("sites/getAllSites").status, 403);
    assert_eq!(reader.graph("users").status, 200);
}

#[test]
fn pages_of_graph_may_be_odd() {
    let page = |fault| {
        let reader = with(fault, FaultSettings::always());
        let url = "users/delta?$select=id";
        (
            reader.graph(url).json(),
            format!("{GRAPH}/v1.0/{url}"),
            reader,
        )
    };
    let (repeated, _, _) = page(Fault::RepeatedItems);
    let values = repeated["value"].as_array().unwrap();
    assert_eq!(values.len(), ids(values, "id").len() + 3);
    let (circle, _, reader) = page(Fault::NextLinkCircle);
    let next = circle["@odata.nextLink"].as_str().unwrap();
    assert_eq!(reader.graph(next).json(), circle);
    let (foreign, _, _) = page(Fault::ForeignNextLink);
    assert!(
        !foreign["@odata.nextLink"]
            .as_str()
            .unwrap()
            .starts_with(GRAPH)
    );
    let (empty, _, reader) = page(Fault::EmptyPage);
    assert!(empty["value"].as_array().unwrap().is_empty());
    assert_eq!(
        reader.walk("users/delta?$select=id", "").0.len(),
        reader.plan.users
    );
}

#[test]
fn a_drive_may_name_its_root_on_every_page() {
    let mut plan = small_plan(7);
    plan.drive_page = 20;
    let reader = Reader::new(plan);
    reader.simulator.switch(Fault::RootRepeated, always());
    let (items, _) = reader.walk(&format!("drives/{}/root/delta", first_drive(&reader)), "");
    assert!(items.iter().filter(|item| item["root"].is_object()).count() > 1);
}

#[test]
fn changes_of_sharing_may_be_missing_from_the_delta() {
    let reader = with(Fault::SharedChangedMissing, FaultSettings::always());
    let (_, link) = reader.walk(&format!("drives/{}/root/delta", first_drive(&reader)), "");
    reader.simulator.act(Deed::ShareInside { file: 0 });
    assert!(reader.walk(&link.unwrap(), "").0.is_empty());
}

#[test]
fn bodies_may_be_spoilt() {
    for fault in [Fault::NotJson, Fault::Plain502] {
        let reader = with(fault, FaultSettings::always());
        assert!(reader.graph("users").text.starts_with("<!DOCTYPE html>"));
    }
    let reader = Reader::small(8);
    let headers = reader.bearer(GRAPH);
    let request = || Request {
        method: Method::Get,
        url: format!("{GRAPH}/v1.0/users"),
        headers: headers.clone(),
        body: Default::default(),
    };
    reader
        .simulator
        .switch(Fault::TruncatedBody, Some(FaultSettings::times(1)));
    assert!(matches!(
        reader.try_send(request()),
        Err(TransportError::BrokenOff { .. })
    ));
    reader
        .simulator
        .switch(Fault::Timeout, Some(FaultSettings::times(1)));
    assert!(matches!(
        reader.try_send(request()),
        Err(TransportError::Timeout { .. })
    ));
    reader.simulator.switch(
        Fault::SlowAnswers,
        Some(FaultSettings::always().with_value("90")),
    );
    let before = reader.clock.now();
    assert!(reader.try_send(request()).is_ok());
    assert_eq!(
        reader.clock.now().duration_since(before),
        SignedDuration::from_secs(90)
    );
    let elsewhere = Request {
        url: "https://elsewhere.example/".into(),
        ..request()
    };
    assert!(matches!(
        reader.try_send(elsewhere),
        Err(TransportError::Unreachable { .. })
    ));
}

#[test]
fn every_fault_is_tried_here() {
    let source = [
        include_str!("copy_faults.rs"),
        include_str!("downloads.rs"),
        include_str!("faults.rs"),
        include_str!("faults_management.rs"),
        include_str!("item_changes.rs"),
        include_str!("label_changes.rs"),
        include_str!("management.rs"),
        include_str!("sharing_changes.rs"),
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
