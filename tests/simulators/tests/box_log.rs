//! The two streams of enterprise events over one log.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use std::collections::{BTreeMap, BTreeSet};

use box_reader::{Reader, ids, small_plan};
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};
use casbah_simulators::box_com::{Deed, NowInLogs, OldPosition, Plan, PositionForm, StreamTimes};
use serde_json::Value;

const STREAM: &str = "admin_logs_streaming";
const LOGS: &str = "admin_logs";

/// No event twice, none late.
fn plain_plan(seed: u64) -> Plan {
    let mut plan = small_plan(seed);
    (plan.duplicate_share, plan.late_share) = (0.0, 0.0);
    plan
}

fn created(event: &Value) -> Timestamp {
    event["created_at"].as_str().unwrap().parse().unwrap()
}

#[test]
fn both_streams_have_the_same_events() {
    let reader = Reader::small(1);
    let (streamed, _) = reader.drain(STREAM, "0");
    let (logged, _) = reader.drain(LOGS, "0");
    let now = reader.clock.now();
    let held = reader.simulator.holds();
    assert_eq!(held.activities.len(), 1500);
    assert_eq!(ids(&streamed, "event_id"), held.streamed_ids(now));
    assert_eq!(ids(&logged, "event_id"), held.logged_ids(now));
    assert_eq!(ids(&streamed, "event_id"), ids(&logged, "event_id"));
    assert_eq!(logged.len(), 1500);
    let texts = |events: &[Value]| -> BTreeMap<String, String> {
        let pair = |event: &Value| (event["event_id"].to_string(), event.to_string());
        events.iter().map(pair).collect()
    };
    assert_eq!(texts(&streamed), texts(&logged));
    for event in &logged {
        let held = held
            .activities
            .iter()
            .find(|one| event["event_id"] == one.id.as_str());
        let held = held.unwrap();
        assert_eq!(created(event), held.created);
        assert_eq!(event["event_type"], held.event_type);
    }
}

#[test]
fn streaming_repeats_and_disorders_and_the_log_does_not() {
    let reader = Reader::small(1);
    let (streamed, _) = reader.drain(STREAM, "0");
    let (logged, _) = reader.drain(LOGS, "0");
    assert!(streamed.len() > 1500, "{}", streamed.len());
    let falls = |events: &[Value]| {
        let pairs = events.windows(2);
        pairs
            .filter(|pair| created(&pair[0]) > created(&pair[1]))
            .count()
    };
    assert!(falls(&streamed) > 0);
    assert_eq!(falls(&logged), 0);
    let offsets: BTreeSet<String> = logged
        .iter()
        .map(|event| event["created_at"].as_str().unwrap()[19..].to_string())
        .collect();
    assert_eq!(offsets.len(), 4);
    assert!(!offsets.contains("Z"));
}

#[test]
fn a_page_has_a_position_that_is_a_text_or_a_number_above_2_to_53() {
    let reader = Reader::small(1);
    let ask = |reader: &Reader| {
        let path = format!("/2.0/events?stream_type={STREAM}&stream_position=0&limit=1");
        reader.get(&path).json()["next_stream_position"].clone()
    };
    let (first, second) = (ask(&reader), ask(&reader));
    assert!(first.is_string() && second.is_u64());
    assert_eq!(
        first.as_str().unwrap().parse::<u64>().unwrap(),
        second.as_u64().unwrap()
    );
    assert!(second.as_u64().unwrap() > 1 << 53);
    for (form, is_text) in [(PositionForm::Text, true), (PositionForm::Number, false)] {
        let mut plan = small_plan(1);
        plan.choices.position_form = form;
        let reader = Reader::new(plan);
        assert_eq!(
            [ask(&reader).is_string(), ask(&reader).is_string()],
            [is_text; 2]
        );
    }
    let page = reader
        .get("/2.0/events?stream_type=admin_logs&limit=3")
        .json();
    assert_eq!(page["chunk_size"], 3);
    let page = reader.get("/2.0/events?stream_type=admin_logs").entries();
    assert_eq!(page.len(), 100);
    let page = reader
        .get("/2.0/events?stream_type=admin_logs&limit=600")
        .entries();
    assert_eq!(page.len(), 500);
}

#[test]
fn an_event_is_streamed_in_seconds_and_logged_in_minutes() {
    let reader = Reader::new(plain_plan(2));
    let (nothing, tail) = reader.chunk(&format!("stream_type={STREAM}&stream_position=now"));
    assert!(nothing.is_empty());
    let file = reader.simulator.items(10, None, "file").remove(0);
    let since = reader.clock.now();
    reader.simulator.act(Deed::Edit { item: file.clone() });
    let streamed = |from: &str| reader.drain(STREAM, from);
    reader.wait(5);
    assert!(streamed(&tail).0.is_empty());
    reader.wait(14);
    let (events, next) = streamed(&tail);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_type"], "EDIT");
    assert_eq!(events[0]["source"]["id"], file);
    let (again, same) = streamed(&next);
    assert_eq!((again.len(), same), (0, next));
    let after = format!(
        "stream_type={LOGS}&created_after={}",
        since.strftime("%Y-%m-%dT%H:%M:%S%%2B00:00")
    );
    assert!(reader.chunk(&after).0.is_empty());
    reader.wait(600);
    let (logged, _) = reader.chunk(&after);
    assert_eq!(logged, events);
}

#[test]
fn windows_of_the_log_are_half_open_and_the_stream_ignores_or_refuses_them() {
    let reader = Reader::new(plain_plan(4));
    let (all, _) = reader.drain(LOGS, "0");
    let stamp = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (from, to) = (created(&all[100]), created(&all[300]));
    let window = format!("created_after={}&created_before={}", stamp(from), stamp(to));
    let (inside, _) = reader.chunk(&format!("stream_type={LOGS}&limit=500&{window}"));
    let expected = all
        .iter()
        .filter(|event| (from..to).contains(&created(event)));
    assert_eq!(inside.len(), expected.count());
    let (streamed, _) = reader.chunk(&format!("stream_type={STREAM}&limit=500&{window}"));
    assert_eq!(streamed.len(), 500);
    let mut plan = plain_plan(4);
    plan.choices.stream_times = StreamTimes::Refused;
    let path = format!("/2.0/events?stream_type={STREAM}&{window}");
    assert_eq!(Reader::new(plan).get(&path).status, 400);
}

#[test]
fn events_may_be_asked_for_by_type_and_pages_are_short_then() {
    let reader = Reader::new(plain_plan(5));
    let (all, _) = reader.drain(LOGS, "0");
    let wanted = ["LOGIN", "UPLOAD"];
    let is_wanted = |event: &&Value| wanted.contains(&event["event_type"].as_str().unwrap());
    let expected = all.iter().filter(is_wanted).count();
    let (mut found, mut position, mut sizes) = (0, "0".to_string(), BTreeSet::new());
    for _ in 0..20 {
        let query = format!(
            "stream_type={LOGS}&limit=100&event_type=LOGIN,UPLOAD&stream_position={position}"
        );
        let (page, next) = reader.chunk(&query);
        found += page.len();
        sizes.insert(page.len());
        position = next;
    }
    assert_eq!(found, expected);
    assert!(sizes.iter().all(|size| *size < 100));
}

#[test]
fn streaming_keeps_two_weeks_and_the_log_a_year() {
    let mut plan = plain_plan(6);
    plan.history = SignedDuration::from_hours(30 * 24);
    let reader = Reader::new(plan.clone());
    let (logged, _) = reader.drain(LOGS, "0");
    assert_eq!(logged.len(), 1500);
    let (streamed, _) = reader.drain(STREAM, "0");
    let edge = plan.started - SignedDuration::from_hours(14 * 24);
    assert!(streamed.len() < 1000);
    let slack = SignedDuration::from_secs(60);
    assert!(streamed.iter().all(|event| created(event) > edge - slack));
    let (_, old) = reader.chunk(&format!("stream_type={STREAM}&limit=1"));
    reader.wait(20 * 24 * 3600);
    let (events, _) = reader.drain(STREAM, &old);
    assert!(events.is_empty());
    reader.wait(400 * 24 * 3600);
    assert!(reader.drain(LOGS, "0").0.is_empty());
    plan.choices.old_position = OldPosition::Refused;
    let reader = Reader::new(plan);
    reader.wait(20 * 24 * 3600);
    let path = format!("/2.0/events?stream_type={STREAM}&stream_position={old}");
    assert_eq!(
        reader.get(&path).refusal(),
        (400, "invalid_parameter".into())
    );
}

#[test]
fn now_in_the_log_has_three_behaviours() {
    let ask = |choice| {
        let mut plan = plain_plan(7);
        plan.choices.now_in_logs = choice;
        let reader = Reader::new(plan);
        reader.get(&format!(
            "/2.0/events?stream_type={LOGS}&stream_position=now"
        ))
    };
    let position = |choice| {
        let json = ask(choice).json();
        json["next_stream_position"]
            .to_string()
            .trim_matches('"')
            .to_string()
    };
    assert!(position(NowInLogs::Tail).len() > 15);
    assert_eq!(position(NowInLogs::Zero), "0");
    assert_eq!(ask(NowInLogs::Refused).status, 400);
}

#[test]
fn an_empty_log_has_position_zero() {
    let mut plan = plain_plan(8);
    plan.activities = 0;
    let reader = Reader::new(plan);
    let (events, next) = reader.chunk(&format!("stream_type={LOGS}"));
    assert_eq!((events.len(), next.as_str()), (0, "0"));
}

#[test]
fn bad_questions_are_refused() {
    let reader = Reader::small(9);
    for query in [
        "stream_type=admin_logs&stream_position=abc",
        "stream_type=admin_logs&created_after=yesterday",
        "stream_type=admin_logs&limit=0",
        "stream_type=everything",
    ] {
        assert_eq!(
            reader.get(&format!("/2.0/events?{query}")).status,
            400,
            "{query}"
        );
    }
    let user = reader.simulator.user_id(10);
    let refused = reader.get_as(&user, "/2.0/events?stream_type=admin_logs");
    assert_eq!(refused.status, 403);
    assert!(reader.get("/2.0/events").entries().is_empty());
}

#[test]
fn sources_have_every_form() {
    let mut plan = small_plan(10);
    plan.activities = 6000;
    let reader = Reader::new(plan);
    let (events, _) = reader.drain(LOGS, "0");
    let with = |key: &str| {
        events
            .iter()
            .filter(|event| !event["source"][key].is_null())
            .count()
    };
    for key in [
        "login",
        "item_id",
        "folder_id",
        "file_id",
        "group_id",
        "service_id",
        "classification",
    ] {
        assert!(with(key) > 0, "{key}");
    }
    let object = events
        .iter()
        .find(|event| event["event_type"] == "EDIT")
        .unwrap();
    assert!(object["source"]["id"].is_string());
    assert!(events.iter().any(|event| event["source"].is_null()));
    assert!(events.iter().any(|event| event["created_by"]["id"] == "2"));
    assert!(
        events
            .iter()
            .any(|event| event["accessible_by"]["login"].is_string())
    );
    assert!(
        events
            .iter()
            .all(|event| event.get("recorded_at").is_none())
    );
    assert!(
        events
            .iter()
            .any(|event| event["event_id"].as_str().unwrap().len() == 40)
    );
    let types = ids(&events, "event_type");
    assert!(types.len() > 90, "{}", types.len());
    let kinds = reader
        .simulator
        .holds()
        .activities_by_kind(reader.clock.now());
    assert_eq!(kinds.len(), 3);
    assert_eq!(kinds.values().sum::<u64>(), 6000);
}
