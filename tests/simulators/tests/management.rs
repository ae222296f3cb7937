//! The audit feeds, seen through the door of the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use casbah_model::ports::Clock;
use casbah_model::transport::Method;
use casbah_model::{SignedDuration, Timestamp};
use casbah_simulators::microsoft365::{Deed, Fault, FaultSettings, Row, Shape, Simulator};
use reader::{FEEDS, MANAGEMENT, Reader, ids, small_plan};
use std::collections::{BTreeMap, BTreeSet};

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

#[test]
fn every_event_of_the_week_is_found_by_walking_the_feeds() {
    let reader = Reader::small(1);
    let held = reader.simulator.holds();
    let available = held.activities_available(reader.clock.now());
    let mut found = std::collections::BTreeSet::new();
    let mut total = 0;
    for feed in FEEDS {
        let items = reader.whole_listing(feed);
        let records = reader.records(&items);
        assert_eq!(records.len() as u64, available[feed], "{feed}");
        assert!(items.windows(2).all(|pair| {
            pair[0]["contentCreated"].as_str() <= pair[1]["contentCreated"].as_str()
        }));
        total += records.len();
        found.extend(ids(&records, "Id"));
    }
    assert_eq!(total, reader.plan.activities);
    assert_eq!(found, held.activity_ids(reader.clock.now()));
}

#[test]
fn kinds_follow_the_record_types() {
    let reader = Reader::small(2);
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for feed in FEEDS {
        for record in reader.records(&reader.whole_listing(feed)) {
            let kind = match record["RecordType"].as_u64().unwrap() {
                15 => "sign-in",
                8 | 1 => "admin",
                _ => "user",
            };
            *counted.entry(kind).or_default() += 1;
        }
    }
    let held = reader
        .simulator
        .holds()
        .activities_by_kind(reader.clock.now());
    let held: BTreeMap<&str, u64> = held
        .iter()
        .map(|(kind, count)| (kind.name(), *count))
        .collect();
    assert_eq!(counted, held);
}

#[test]
fn records_are_about_1300_bytes_and_name_real_drives() {
    let reader = Reader::small(3);
    let items = reader.whole_listing("Audit.SharePoint");
    let mut bytes = 0;
    let mut count = 0;
    for feed in FEEDS {
        let records = reader.records(&reader.whole_listing(feed));
        bytes += records
            .iter()
            .map(|record| record.to_string().len())
            .sum::<usize>();
        count += records.len();
    }
    assert!(
        (900..1700).contains(&(bytes / count)),
        "{} bytes",
        bytes / count
    );
    let mut drives = Vec::new();
    for site in reader.walk("sites/getAllSites", "").0 {
        let path = format!("sites/{}/drives", site["id"].as_str().unwrap());
        let drive = reader.walk(&path, "").0[0]["webUrl"]
            .as_str()
            .unwrap()
            .replace("%20", " ");
        drives.push(drive);
    }
    for record in reader.records(&items) {
        let object = record["ObjectId"].as_str().unwrap();
        let fits = drives
            .iter()
            .filter(|drive| object.starts_with(&format!("{drive}/")))
            .count();
        assert_eq!(fits, 1, "{object}");
    }
}

#[test]
fn a_newer_blob_may_hold_older_events_and_records_have_no_order() {
    let reader = Reader::small(4);
    let records = reader.records(&reader.whole_listing("Audit.SharePoint"));
    let times: Vec<&str> = records
        .iter()
        .map(|record| record["CreationTime"].as_str().unwrap())
        .collect();
    assert!(
        times.iter().all(|time| time.len() == 19),
        "no Z and no fraction"
    );
    assert!(times.windows(2).filter(|pair| pair[0] > pair[1]).count() > 20);
}

#[test]
fn windows_over_a_day_or_a_week_back_are_refused() {
    let reader = Reader::small(5);
    let now = reader.clock.now();
    let feed = "Audit.Exchange";
    let check = |name: &str, from: Timestamp, to: Timestamp, code: &str| {
        let answer = reader.feed(Method::Get, &Reader::window(feed, from, to));
        let found = if answer.status == 200 {
            String::new()
        } else {
            answer.code()
        };
        assert_eq!(found, code, "{name}");
    };
    check("a day", now - hours(24), now, "");
    check("a day and an hour", now - hours(25), now, "AF20030");
    check("the oldest day", now - hours(168), now - hours(144), "");
    check("older", now - hours(169), now - hours(150), "AF20030");
    check("backwards", now, now - hours(1), "AF20030");
    let half = format!("subscriptions/content?contentType={feed}&startTime=2026-05-04T00:00:00");
    assert_eq!(reader.feed(Method::Get, &half).code(), "AF20030");
    let wrong = format!("subscriptions/content?contentType={feed}&nextPage=nonsense");
    assert_eq!(reader.feed(Method::Get, &wrong).code(), "AF20031");
    assert_eq!(
        reader
            .feed(
                Method::Get,
                "subscriptions/content?contentType=Audit.Nothing"
            )
            .code(),
        "AF20020"
    );
    assert_eq!(
        reader
            .feed(Method::Get, "subscriptions/content?contentType=DLP.All")
            .code(),
        "AF20022"
    );
}

#[test]
fn the_records_of_a_blob_are_known_whatever_faults_make_of_it() {
    let mut plan = small_plan(3);
    plan.live_activities_per_hour = 300;
    let reader = Reader::new(plan);
    reader.simulator.act(Deed::AddUser);
    reader.clock.forward(hours(3));
    let records_of = |item: &serde_json::Value| {
        let records = reader
            .simulator
            .records_of(item["contentId"].as_str().unwrap());
        records.map(|ids| ids.into_iter().collect::<BTreeSet<_>>())
    };
    let items: Vec<_> = FEEDS
        .iter()
        .flat_map(|feed| reader.whole_listing(feed))
        .collect();
    for item in &items {
        let records = reader.records(std::slice::from_ref(item));
        assert_eq!(records_of(item), Some(ids(&records, "Id")));
    }
    for fault in [
        Fault::DuplicateRecords,
        Fault::RecordWithoutId,
        Fault::BlobExpired,
    ] {
        let known = records_of(&items[1]);
        reader
            .simulator
            .switch(fault, Some(FaultSettings::always()));
        reader.feed(Method::Get, items[1]["contentUri"].as_str().unwrap());
        assert_eq!(records_of(&items[1]), known, "{}", fault.name());
    }
    for item in reader.simulator.holds().activities {
        let is_published = item.available <= reader.clock.now().as_millisecond();
        let records = reader.simulator.records_of(&item.content_id());
        assert_eq!(
            records.is_some_and(|ids| ids.contains(&item.id())),
            is_published
        );
    }
    assert_eq!(reader.simulator.records_of("no-such-blob"), None);
    let id = items[0]["contentId"].as_str().unwrap();
    assert_eq!(reader.simulator.records_of(&id.replacen('2', "1", 2)), None);
}

#[test]
fn a_feed_that_is_off_starts_at_the_moment_it_is_started() {
    let mut plan = small_plan(6);
    plan.live_activities_per_hour = 2000;
    let reader = Reader::new(plan);
    let start = "subscriptions/start?contentType=DLP.All";
    assert_eq!(reader.feed(Method::Post, start).json()["status"], "enabled");
    assert_eq!(reader.feed(Method::Post, start).code(), "AF20024");
    assert_eq!(
        reader
            .feed(Method::Get, "subscriptions/list")
            .json()
            .as_array()
            .unwrap()
            .len(),
        5
    );
    assert!(reader.whole_listing("DLP.All").is_empty());
    reader.clock.forward(hours(6));
    let records = reader.records(&reader.whole_listing("DLP.All"));
    let held = reader
        .simulator
        .holds()
        .activities_available(reader.clock.now());
    assert_eq!(records.len() as u64, held["DLP.All"]);
    assert!(records.len() > 50);
}

#[test]
fn stopping_a_feed_loses_what_is_published_meanwhile() {
    let mut plan = small_plan(7);
    plan.live_activities_per_hour = 600;
    let reader = Reader::new(plan);
    let feed = "Audit.General";
    assert_eq!(
        reader
            .feed(
                Method::Post,
                &format!("subscriptions/stop?contentType={feed}")
            )
            .status,
        200
    );
    let from = reader.clock.now();
    let window = |to| Reader::window(feed, from, to);
    assert_eq!(
        reader.feed(Method::Get, &window(from + hours(1))).code(),
        "AF20023"
    );
    reader.clock.forward(hours(5));
    assert_eq!(
        reader
            .feed(
                Method::Post,
                &format!("subscriptions/start?contentType={feed}")
            )
            .status,
        200
    );
    assert!(reader.listing(&window(reader.clock.now())).is_empty());
    reader.clock.forward(hours(2));
    assert!(!reader.listing(&window(reader.clock.now())).is_empty());
}

#[test]
fn life_goes_on_alike_however_often_it_is_looked_at() {
    let mut plan = small_plan(8);
    plan.live_activities_per_hour = 1000;
    let (often, once) = (Reader::new(plan.clone()), Reader::new(plan));
    for _ in 0..5 {
        often.clock.forward(hours(1));
        often.simulator.holds();
    }
    once.clock.forward(hours(5));
    assert_eq!(often.clock.now(), once.clock.now());
    let feed = "Audit.Exchange";
    assert_eq!(often.whole_listing(feed), once.whole_listing(feed));
    let records = often.records(&often.whole_listing(feed));
    let held = often.simulator.holds();
    assert_eq!(
        records.len() as u64,
        held.activities_available(often.clock.now())[feed]
    );
}

#[test]
fn links_outlive_a_simulator_built_anew() {
    let mut plan = small_plan(9);
    plan.listing_page = 5;
    let first = Reader::new(plan.clone());
    let now = first.clock.now();
    let path = Reader::window("Audit.SharePoint", now - hours(24), now);
    let page = first.feed(Method::Get, &path);
    let next = page.headers.get("NextPageUri").unwrap().to_string();
    let token = first.bearer(MANAGEMENT);
    let second = Reader::new(plan);
    let answers = [&first, &second].map(|reader: &Reader| {
        reader
            .ask(
                Method::Get,
                &format!("{next}&{}", reader::PUBLISHER),
                token.clone(),
                "",
            )
            .text
    });
    assert_eq!(answers[0], answers[1]);
    let blob = page.json()[0]["contentUri"].as_str().unwrap().to_string();
    assert_eq!(
        first.feed(Method::Get, &blob).text,
        second.feed(Method::Get, &blob).text
    );
}

#[test]
fn blobs_expire_after_seven_days_and_wrong_ids_are_told_apart() {
    let reader = Reader::small(10);
    let items = reader.whole_listing("Audit.Exchange");
    let uri = items[0]["contentUri"].as_str().unwrap();
    assert_eq!(reader.feed(Method::Get, "audit/nonsense").code(), "AF20052");
    let unknown = uri.replace("000000$", "799999$");
    assert_eq!(reader.feed(Method::Get, &unknown).code(), "AF20050");
    reader.clock.forward(hours(24 * 7));
    assert_eq!(reader.feed(Method::Get, uri).code(), "AF20051");
}

#[test]
fn the_limit_refuses_the_call_after_the_last_granted_one() {
    let check = |shape: Shape, scale: f64, granted: u64| {
        let mut plan = small_plan(11);
        plan.limits.is_on = true;
        plan.limits.scale = scale;
        plan.limits.management = shape;
        let reader = Reader::new(plan);
        let codes: Vec<u16> = (0..granted + 3)
            .map(|_| reader.feed(Method::Get, "subscriptions/list").status)
            .collect();
        assert_eq!(
            codes.iter().filter(|status| **status == 200).count() as u64,
            granted,
            "{shape:?}"
        );
        let refused = reader.feed(Method::Get, "subscriptions/list");
        assert_eq!(refused.code(), "AF429");
        assert!(
            refused.headers.get("Retry-After").is_none(),
            "none is documented"
        );
        let traffic = reader.simulator.traffic();
        assert_eq!(traffic.granted[&Row::Management], granted);
        assert_eq!(traffic.refused[&Row::Management], 4);
        reader.clock.forward(SignedDuration::from_secs(61));
        assert_eq!(reader.feed(Method::Get, "subscriptions/list").status, 200);
    };
    check(Shape::FixedWindow, 0.05, 100);
    check(Shape::SlidingWindow, 0.05, 100);
    check(Shape::TokenBucket, 0.05, 100);
    check(Shape::FixedWindow, 1.0, 2000);
}

#[test]
fn calls_without_a_publisher_share_a_tiny_pool() {
    let mut plan = small_plan(12);
    plan.limits.is_on = true;
    let reader = Reader::new(plan);
    let url = format!(
        "{MANAGEMENT}/api/v1.0/{}/activity/feed/subscriptions/list",
        reader.plan.tenant_id
    );
    let token = reader.bearer(MANAGEMENT);
    let ask = || reader.ask(Method::Get, &url, token.clone(), "");
    let granted = (0..30).filter(|_| ask().status == 200).count();
    assert_eq!(granted, 20);
    assert!(
        ask()
            .text
            .contains("PublisherId=00000000-0000-0000-0000-000000000000")
    );
}

#[test]
fn deeds_come_back_as_records_after_their_delay() {
    let reader = Reader::small(13);
    let before = reader.simulator.holds().activities.len();
    reader.simulator.act(Deed::ShareByAnonymousLink { file: 3 });
    reader.simulator.act(Deed::SignIn { user: 4 });
    let from = reader.clock.now();
    reader.clock.forward(hours(2));
    let window = |feed| Reader::window(feed, from, reader.clock.now());
    let records = reader.records(&reader.listing(&window("Audit.SharePoint")));
    let operations = ids(&records, "Operation");
    assert_eq!(
        operations.into_iter().collect::<Vec<_>>(),
        ["AnonymousLinkCreated", "SharingSet"]
    );
    assert_eq!(
        reader
            .records(&reader.listing(&window("Audit.AzureActiveDirectory")))
            .len(),
        1
    );
    assert_eq!(reader.simulator.holds().activities.len(), before + 3);
}

#[test]
fn a_tenant_must_fit_its_token_and_its_role() {
    let reader = Reader::small(14);
    let ask = |tenant: &str| {
        let url = format!("{MANAGEMENT}/api/v1.0/{tenant}/activity/feed/subscriptions/list");
        reader.ask(Method::Get, &url, reader.bearer(MANAGEMENT), "")
    };
    assert_eq!(ask("contoso.com").code(), "AF20013");
    assert_eq!(
        ask("11111111-2222-4333-8444-555555555555").code(),
        "AF20010"
    );
    reader
        .simulator
        .switch(Fault::RolesShrink, Some(FaultSettings::always()));
    let answer = reader.feed(Method::Get, "subscriptions/list");
    assert_eq!((answer.status, answer.code().as_str()), (403, "AF10001"));
}

#[test]
fn the_huge_blob_is_made_while_it_is_read() {
    let mut plan = small_plan(15);
    plan.huge_blob_bytes = 3_000_000;
    let reader = Reader::new(plan);
    reader
        .simulator
        .switch(Fault::HugeBlob, Some(FaultSettings::always()));
    let items = reader.whole_listing("Audit.SharePoint");
    let huge = items
        .iter()
        .find(|item| item["contentId"].as_str().unwrap().contains("999999$"))
        .unwrap();
    let records = reader.records(std::slice::from_ref(huge));
    assert!(records.len() > 1500, "{}", records.len());
}

/// Two simulators of a plan agree on everything; another seed is another tenant.
#[test]
fn the_seed_decides() {
    let text = |seed| {
        let reader = Reader::small(seed);
        let items = reader.whole_listing("Audit.General");
        let records = reader.records(&items[..3]);
        format!("{records:?}")
    };
    assert_eq!(text(16), text(16));
    assert_ne!(text(16), text(17));
    let _: Simulator = Reader::small(16).simulator.clone();
}
