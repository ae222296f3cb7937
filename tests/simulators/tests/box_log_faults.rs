//! The event streams of an enterprise of Box when they are late, odd or still growing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use std::collections::BTreeSet;

use box_reader::{Reader, always, ids, small_plan};
use casbah_model::ports::Clock;
use casbah_simulators::box_com::{Deed, Fault, FaultSettings, Plan};
use serde_json::Value;

const STREAM: &str = "admin_logs_streaming";
const LOGS: &str = "admin_logs";

/// No event twice, none late.
fn plain_plan(seed: u64) -> Plan {
    let mut plan = small_plan(seed);
    (plan.duplicate_share, plan.late_share) = (0.0, 0.0);
    plan
}

#[test]
fn a_late_event_is_missed_behind_a_position_and_found_in_its_window() {
    let reader = Reader::new(plain_plan(3));
    let late = FaultSettings::times(1).with_value("60");
    reader.simulator.switch(Fault::LateEvents, Some(late));
    let since = reader.clock.now();
    reader.simulator.act(Deed::SignIn { user: 3 });
    reader.wait(60);
    reader.simulator.act(Deed::SignIn { user: 4 });
    reader.wait(900);
    let window = format!("created_after={}", since.strftime("%Y-%m-%dT%H:%M:%SZ"));
    let (seen, position) = reader.chunk(&format!("stream_type={LOGS}&{window}"));
    assert_eq!(seen.len(), 1);
    reader.wait(3600);
    let query = format!("stream_type={LOGS}&{window}&stream_position={position}");
    assert!(reader.chunk(&query).0.is_empty());
    let (repaired, _) = reader.chunk(&format!("stream_type={LOGS}&{window}"));
    assert_eq!(repaired.len(), 2);
}

#[test]
fn pages_of_events_may_be_odd() {
    let odd = |fault, settings| {
        let reader = Reader::new(plain_plan(11));
        reader.simulator.switch(fault, Some(settings));
        reader
    };
    let query = format!("stream_type={STREAM}&limit=10&stream_position=0");
    let reader = odd(Fault::EmptyEvents, FaultSettings::times(1));
    let (empty, next) = reader.chunk(&query);
    assert!(empty.is_empty());
    assert_eq!(reader.drain(STREAM, &next).0.len(), 1500);
    let reader = odd(Fault::ShortEvents, FaultSettings::always());
    assert_eq!(reader.chunk(&query).0.len(), 5);
    assert_eq!(reader.drain(STREAM, "0").0.len(), 1500);
    let reader = odd(Fault::RepeatedEvents, FaultSettings::always());
    let (page, _) = reader.chunk(&query);
    assert_eq!((page.len(), ids(&page, "event_id").len()), (13, 10));
    let reader = odd(Fault::PositionCircle, FaultSettings::times(1));
    let (page, same) = reader.chunk(&query);
    let again = format!("stream_type={STREAM}&limit=10&stream_position={same}");
    assert_eq!(reader.chunk(&again).0, page);
    let reader = odd(Fault::DeadPosition, FaultSettings::times(1));
    let (_, next) = reader.chunk(&query);
    let path = format!("/2.0/events?stream_type={STREAM}&stream_position={next}");
    assert_eq!(
        reader.get(&path).refusal(),
        (400, "invalid_parameter".into())
    );
    assert_eq!(reader.get(&path).status, 200);
    let reader = odd(Fault::ZeroPosition, FaultSettings::always());
    let (events, next) = reader.drain(LOGS, "0");
    assert_eq!((events.len(), next.as_str()), (1500, "0"));
}

#[test]
fn events_may_be_odd() {
    let all = |fault| {
        let reader = Reader::new(plain_plan(12));
        reader
            .simulator
            .switch(fault, Some(FaultSettings::probability(0.5)));
        let (events, _) = reader.drain(LOGS, "0");
        let again = reader.drain(LOGS, "0").0;
        assert_eq!(events, again, "{fault:?} hits the same events every time");
        events
    };
    let share = |events: &[Value], is_odd: &dyn Fn(&Value) -> bool| {
        let odd = events.iter().filter(|event| is_odd(event)).count();
        odd as f64 / events.len() as f64
    };
    let nulls = all(Fault::NullSource);
    assert!(share(&nulls, &|event| event["source"].is_null()) > 0.4);
    assert!(nulls.iter().all(|event| event.get("source").is_some()));
    let without = all(Fault::NoSource);
    assert!(share(&without, &|event| event.get("source").is_none()) > 0.4);
    let nobody = all(Fault::NullCreator);
    assert!(share(&nobody, &|event| event["created_by"].is_null()) > 0.4);
    let unknown = all(Fault::UnknownEventTypes);
    let is_unknown = |event: &Value| {
        event["event_type"]
            .as_str()
            .unwrap()
            .ends_with("_OF_TOMORROW")
    };
    assert!(share(&unknown, &is_unknown) > 0.4);
    let nameless = all(Fault::NoEventId);
    assert!(share(&nameless, &|event| event.get("event_id").is_none()) > 0.4);
    let texts = all(Fault::DetailsAsText);
    assert!(share(&texts, &|event| event["additional_details"].is_string()) > 0.4);
    let keys = all(Fault::UnknownKeys);
    assert!(share(&keys, &|event| event.get("simulated_key").is_some()) > 0.4);
    let reader = Reader::new(plain_plan(12));
    reader
        .simulator
        .switch(Fault::EventOf1mb, Some(FaultSettings::times(1)));
    let page = reader.get("/2.0/events?stream_type=admin_logs&limit=100");
    assert!(page.text.len() > 1_000_000);
}

#[test]
fn what_is_lost_or_late_in_the_stream_is_in_the_log() {
    let reader = Reader::new(plain_plan(13));
    let (_, tail) = reader.chunk(&format!("stream_type={STREAM}&stream_position=now"));
    reader
        .simulator
        .switch(Fault::LostInStream, Some(FaultSettings::times(1)));
    reader.simulator.act(Deed::SignIn { user: 3 });
    reader
        .simulator
        .switch(Fault::LateStream, Some(FaultSettings::times(1)));
    reader.simulator.act(Deed::SignIn { user: 4 });
    reader.wait(700);
    assert!(reader.drain(STREAM, &tail).0.is_empty());
    let held = reader.simulator.holds();
    let now = reader.clock.now();
    assert_eq!(held.logged_ids(now).len(), held.streamed_ids(now).len() + 2);
    reader.wait(1800);
    assert_eq!(reader.drain(STREAM, &tail).0.len(), 1);
    assert_eq!(
        reader
            .simulator
            .holds()
            .activities
            .iter()
            .filter(|one| one.streamed.is_empty())
            .count(),
        1
    );
}

#[test]
fn life_goes_on() {
    let mut plan = plain_plan(14);
    plan.live_activities_per_hour = 50;
    let reader = Reader::new(plan);
    let (_, tail) = reader.chunk(&format!("stream_type={STREAM}&stream_position=now"));
    let (mut seen, mut position) = (BTreeSet::new(), tail);
    for _ in 0..36 {
        reader.wait(300);
        let (events, next) = reader.drain(STREAM, &position);
        seen.extend(ids(&events, "event_id"));
        position = next;
    }
    let held = reader.simulator.holds();
    let live = held
        .activities
        .iter()
        .filter(|one| one.created >= reader.plan.started);
    let until = reader.clock.now();
    let expected: BTreeSet<String> = live
        .filter(|one| one.streamed[0] <= until)
        .map(|one| one.id.clone())
        .collect();
    assert!(expected.len() > 100);
    assert_eq!(seen, expected);
    reader.simulator.switch(Fault::LateEvents, always());
    reader.wait(3600);
    assert_eq!(reader.get("/2.0/events?stream_type=admin_logs").status, 200);
}
