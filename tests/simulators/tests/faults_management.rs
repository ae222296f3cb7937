//! Faults of the audit feeds can be seen from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use casbah_model::SignedDuration;
use casbah_model::ports::Clock;
use casbah_model::transport::Method;
use casbah_simulators::microsoft365::{Fault, FaultSettings};
use reader::{Reader, ids, small_plan};

fn always() -> Option<FaultSettings> {
    Some(FaultSettings::always())
}

fn with(fault: Fault, settings: FaultSettings) -> Reader {
    let reader = Reader::small(1);
    reader.simulator.switch(fault, Some(settings));
    reader
}

#[test]
fn management_calls_fail_in_the_documented_ways() {
    let check = |fault: Fault, value: Option<&str>, status: u16, code: &str| {
        let mut settings = FaultSettings::always();
        settings.value = value.map(String::from);
        let reader = with(fault, settings);
        let now = reader.clock.now();
        let window = Reader::window("Audit.Exchange", now - SignedDuration::from_hours(5), now);
        let answer = reader.feed(Method::Get, &window);
        let code_found = if answer.status == 200 {
            String::new()
        } else {
            answer.code()
        };
        assert_eq!(
            (answer.status, code_found.as_str()),
            (status, code),
            "{}",
            fault.name()
        );
    };
    check(Fault::Throttle403, None, 403, "AF429");
    check(Fault::Throttle429, None, 429, "AF429");
    check(Fault::NoLicence, None, 400, "AF20012");
    check(Fault::AuditOff, None, 500, "AF50000");
    check(Fault::FeedDisabled, None, 400, "AF20023");
    check(Fault::FeedDisabled, Some("Audit.Exchange"), 400, "AF20023");
    check(Fault::FeedDisabled, Some("DLP.All"), 200, "");
    check(Fault::Plain500, None, 500, "AF50000");
}

#[test]
fn a_lost_blob_stays_lost_and_is_counted() {
    for (fault, code) in [
        (Fault::BlobExpired, "AF20051"),
        (Fault::BlobVanished, "AF20050"),
    ] {
        let reader = with(fault, FaultSettings::times(2));
        let items = reader.whole_listing("Audit.SharePoint");
        let fetch =
            |place: usize| reader.feed(Method::Get, items[place]["contentUri"].as_str().unwrap());
        assert_eq!(
            (fetch(0).code(), fetch(1).code()),
            (code.into(), code.into())
        );
        assert_eq!(fetch(0).code(), code);
        let kept = reader.records(&items[2..]).len() as u64;
        let held = reader.simulator.holds();
        assert_eq!(
            held.activities_available(reader.clock.now())["Audit.SharePoint"],
            kept
        );
        assert!(held.activities_lost() >= 2);
    }
}

#[test]
fn records_and_blobs_may_come_twice() {
    let reader = with(Fault::DuplicateRecords, FaultSettings::probability(0.5));
    let records = reader.records(&reader.whole_listing("Audit.Exchange"));
    let held = reader.simulator.holds();
    let distinct = ids(&records, "Id").len() as u64;
    assert_eq!(
        distinct,
        held.activities_available(reader.clock.now())["Audit.Exchange"]
    );
    assert_eq!(records.len() as u64, distinct + held.duplicates);
    assert!(held.duplicates > 50);
    let reader = with(Fault::DuplicateListing, FaultSettings::always());
    let items = reader.whole_listing("Audit.Exchange");
    assert!(items.len() > ids(&items, "contentId").len());
}

#[test]
fn listings_page_in_odd_ways_and_lose_nothing() {
    let mut plan = small_plan(4);
    plan.listing_page = 10;
    let plain = Reader::new(plan.clone()).whole_listing("Audit.SharePoint");
    for fault in [Fault::NextPageAlias, Fault::EmptyPage] {
        let reader = Reader::new(plan.clone());
        reader.simulator.switch(fault, always());
        assert_eq!(
            reader.whole_listing("Audit.SharePoint"),
            plain,
            "{}",
            fault.name()
        );
        assert!(reader.simulator.traffic().faults[&fault] > 3);
    }
}

#[test]
fn listings_may_lead_astray() {
    let next = |fault| {
        let mut plan = small_plan(4);
        plan.listing_page = 10;
        let reader = Reader::new(plan);
        reader.simulator.switch(fault, always());
        let now = reader.clock.now();
        let window = Reader::window(
            "Audit.SharePoint",
            now - SignedDuration::from_hours(24),
            now,
        );
        let page = reader.feed(Method::Get, &window);
        (
            page.headers.get("NextPageUri").unwrap().to_string(),
            page.text,
            reader,
        )
    };
    assert!(
        next(Fault::ForeignNextLink)
            .0
            .starts_with("https://mirror.contoso-backup.example/")
    );
    let (link, page, reader) = next(Fault::NextLinkCircle);
    assert_eq!(reader.feed(Method::Get, &link).text, page);
}

#[test]
fn a_window_too_long_may_be_answered_in_part() {
    let reader = with(Fault::WindowPartial, FaultSettings::always());
    let now = reader.clock.now();
    let long = reader.listing(&Reader::window(
        "Audit.SharePoint",
        now - SignedDuration::from_hours(48),
        now,
    ));
    let short = reader.listing(&Reader::window(
        "Audit.SharePoint",
        now - SignedDuration::from_hours(24),
        now,
    ));
    assert_eq!(long, short);
}

#[test]
fn a_hidden_subscription_meets_already_enabled() {
    let reader = with(Fault::AlreadyEnabled, FaultSettings::always());
    assert_eq!(reader.feed(Method::Get, "subscriptions/list").text, "[]");
    let start = "subscriptions/start?contentType=Audit.General";
    assert_eq!(reader.feed(Method::Post, start).code(), "AF20024");
}

#[test]
fn a_second_start_within_a_quarter_of_an_hour_is_throttled() {
    let mut plan = small_plan(5);
    plan.limits.is_on = true;
    let reader = Reader::new(plan);
    let call = |what: &str| {
        reader.feed(
            Method::Post,
            &format!("subscriptions/{what}?contentType=DLP.All"),
        )
    };
    assert_eq!((call("start").status, call("stop").status), (200, 200));
    assert_eq!(call("start").code(), "AF429");
    reader.clock.forward(SignedDuration::from_mins(16));
    assert_eq!(call("start").status, 200);
}

#[test]
fn a_feed_may_be_silent_for_its_first_hours() {
    let mut plan = small_plan(6);
    plan.live_activities_per_hour = 2000;
    let reader = Reader::new(plan);
    reader.simulator.switch(Fault::SilentFirstHours, always());
    reader.feed(Method::Post, "subscriptions/start?contentType=DLP.All");
    reader.clock.forward(SignedDuration::from_hours(11));
    assert!(reader.whole_listing("DLP.All").is_empty());
    reader.clock.forward(SignedDuration::from_hours(2));
    assert!(!reader.whole_listing("DLP.All").is_empty());
}

/// A tenant that goes on, two hours after it was connected.
fn lively() -> Reader {
    let mut plan = small_plan(7);
    plan.live_activities_per_hour = 600;
    let reader = Reader::new(plan);
    reader.clock.forward(SignedDuration::from_hours(2));
    reader
}

/// What the busiest feed lists of the two hours after the tenant was connected.
fn listed(reader: &Reader) -> Vec<serde_json::Value> {
    let from = reader.plan.started;
    let to = from + SignedDuration::from_hours(2);
    reader.listing(&Reader::window("Audit.SharePoint", from, to))
}

#[test]
fn a_late_blob_can_be_fetched_before_it_is_listed() {
    let reader = lively();
    let all = listed(&reader);
    let half = FaultSettings::probability(0.5);
    reader.simulator.switch(Fault::LateListing, Some(half));
    let early = listed(&reader);
    assert_eq!(early, listed(&reader), "the same blobs are late every time");
    let old = (reader.clock.now() - SignedDuration::from_mins(30)).to_string();
    let is_old = |item: &serde_json::Value| item["contentCreated"].as_str() <= Some(&old);
    let late: Vec<_> = all.iter().filter(|item| !early.contains(item)).collect();
    assert!(!late.is_empty() && !late.iter().any(|item| is_old(item)));
    assert!(early.iter().any(|item| !is_old(item)), "some are in time");
    assert_eq!(reader.simulator.traffic().faults[&Fault::LateListing], 2);
    let records = reader.records(&[late[0].clone()]);
    let held = reader.simulator.holds().activity_ids(reader.clock.now());
    assert!(!records.is_empty() && ids(&records, "Id").is_subset(&held));
    reader.clock.forward(SignedDuration::from_mins(30));
    assert_eq!(listed(&reader), all, "by now everything is listed");
    assert_eq!(reader.simulator.traffic().faults[&Fault::LateListing], 2);
}

#[test]
fn lateness_is_told_in_minutes_and_ends_with_the_fault() {
    let reader = lively();
    let all = listed(&reader);
    let check = |value: &str, minutes: i64| {
        let settings = FaultSettings::times(0).with_value(value);
        let fault = Fault::LateListing;
        reader.simulator.switch(fault, Some(settings));
        let last = (reader.clock.now() - SignedDuration::from_mins(minutes)).to_string();
        let mut expected = all.clone();
        expected.retain(|item| item["contentCreated"].as_str().unwrap() <= last.as_str());
        assert_eq!(listed(&reader), expected, "{value:?}");
        assert!(expected.len() < all.len() && !expected.is_empty());
    };
    check("10", 10);
    check("", 30);
    check("60", 60);
    check("90", 60);
    reader.simulator.switch(Fault::LateListing, None);
    assert_eq!(listed(&reader), all);
}

#[test]
fn records_may_be_odd() {
    let records = |fault| {
        let reader = with(fault, FaultSettings::probability(0.2));
        let items = reader.whole_listing("Audit.General");
        reader.records(&items[..2])
    };
    assert!(
        records(Fault::RecordWithoutId)
            .iter()
            .any(|record| record["Id"].is_null())
    );
    assert!(
        records(Fault::UnknownRecordTypes)
            .iter()
            .any(|record| record["RecordType"] == 9002)
    );
    assert!(
        records(Fault::RecordOf1mb)
            .iter()
            .any(|record| record.to_string().len() > 1_000_000)
    );
}
