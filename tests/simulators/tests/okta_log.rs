//! The system log of an Okta org: what is told, in which order, and when.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use std::collections::BTreeSet;

use casbah_model::ports::Clock;
use casbah_model::transport::Method;
use casbah_model::{SignedDuration, Timestamp};
use casbah_simulators::okta::{Deed, Fault, FaultSettings, OldCursor};
use okta_reader::{Reader, always, ids, small_plan, stamp};
use serde_json::Value;

const WEEK: i64 = 7 * 24;

fn published(event: &Value) -> Timestamp {
    event["published"].as_str().unwrap().parse().unwrap()
}

#[test]
fn polling_finds_every_event_once_and_never_ends() {
    let reader = Reader::small(1);
    let (events, tip) = reader.poll(&reader.logs_since(WEEK));
    let holds = reader.simulator.holds();
    assert_eq!(ids(&events, "uuid"), holds.activity_ids(reader.clock.now()));
    assert_eq!(events.len(), 1500);
    let empty = reader.get(&tip);
    assert_eq!(empty.json(), Value::Array(vec![]));
    assert_eq!(empty.link("next").unwrap(), tip);
    reader.simulator.act(Deed::SignIn { user: 1 });
    assert_eq!(reader.get(&tip).text, "[]");
    reader.clock.forward(SignedDuration::from_secs(5));
    let later = reader.get(&tip);
    let events = later.json();
    assert_eq!(events[0]["eventType"], "user.session.start");
    assert_ne!(later.link("next").unwrap(), tip);
}

#[test]
fn a_page_has_two_lower_case_link_lines_and_its_cursor_excludes_since() {
    let reader = Reader::small(2);
    let since = stamp(reader.clock.now() - SignedDuration::from_hours(WEEK));
    let answer = reader.get(&format!("/api/v1/logs?since={since}&limit=10"));
    let lines = answer.headers.iter().filter(|(name, _)| *name == "link");
    assert_eq!(lines.count(), 2);
    let next = answer.link("next").unwrap();
    assert!(!next.contains("since"), "{next}");
    assert!(answer.link("self").unwrap().ends_with("&limit=10"));
    let both = reader.get(&format!("{next}&since={since}"));
    assert_eq!(both.refusal(), (400, "E0000001".into()));
    let decoded = next.replace("%2B%3D", "+=");
    assert_eq!(reader.get(&decoded).status, 400);
}

#[test]
fn polling_follows_the_order_of_storing() {
    let mut plan = small_plan(3);
    plan.late_share = 0.05;
    let reader = Reader::new(plan);
    let (events, _) = reader.poll(&reader.logs_since(WEEK));
    let steps_back = events
        .windows(2)
        .filter(|two| published(&two[0]) > published(&two[1]));
    assert!(steps_back.count() > 20);
    let holds = reader.simulator.holds();
    let visible: std::collections::BTreeMap<_, _> = holds
        .activities
        .iter()
        .map(|one| (one.uuid.as_str(), one.visible))
        .collect();
    let order: Vec<Timestamp> = events
        .iter()
        .map(|event| visible[event["uuid"].as_str().unwrap()])
        .collect();
    assert!(order.is_sorted());
}

#[test]
fn a_bounded_query_follows_the_order_of_publishing_and_ends() {
    let reader = Reader::small(4);
    let now = reader.clock.now();
    let (from, to) = (
        now - SignedDuration::from_hours(50),
        now - SignedDuration::from_hours(2),
    );
    let window = format!("since={}&until={}&limit=100", stamp(from), stamp(to));
    let (events, pages) = reader.pages(&format!("/api/v1/logs?{window}"));
    assert!(pages > 3);
    let times: Vec<Timestamp> = events.iter().map(published).collect();
    assert!(times.is_sorted());
    let holds = reader.simulator.holds();
    let inside = holds
        .activities_visible(now)
        .filter(|one| from <= one.published && one.published < to);
    let expected: BTreeSet<String> = inside.map(|one| one.uuid.clone()).collect();
    assert_eq!(ids(&events, "uuid"), expected);
    let (mut back, _) = reader.pages(&format!("/api/v1/logs?{window}&sortOrder=DESCENDING"));
    back.reverse();
    assert_eq!(back, events);
    assert!(
        times.windows(2).any(|two| two[0] == two[1]),
        "ties are there"
    );
}

#[test]
fn a_late_event_is_missed_by_a_window_and_found_by_polling() {
    let reader = Reader::small(5);
    let from = reader.clock.now();
    let (_, tip) = reader.poll(&reader.logs_since(1));
    let late = FaultSettings::times(1).with_value("90");
    reader.simulator.switch(Fault::LateEvents, Some(late));
    reader.simulator.act(Deed::ShowPassword { user: 3 });
    reader.clock.forward(SignedDuration::from_mins(60));
    let window = format!(
        "/api/v1/logs?since={}&until={}",
        stamp(from),
        stamp(reader.clock.now())
    );
    assert!(reader.walk(&window).is_empty());
    let (events, tip) = reader.poll(&tip);
    assert!(events.is_empty());
    reader.clock.forward(SignedDuration::from_mins(31));
    let (events, _) = reader.poll(&tip);
    assert_eq!(
        ids(&events, "eventType"),
        ["application.user_membership.show_password".into()].into()
    );
    assert!(published(&events[0]) < reader.clock.now() - SignedDuration::from_mins(90));
    assert_eq!(reader.walk(&window).len(), 1);
}

#[test]
fn live_events_become_visible_when_they_are_stored() {
    let mut plan = small_plan(6);
    plan.live_activities_per_hour = 25;
    plan.late_share = 0.1;
    let reader = Reader::new(plan);
    let (mut events, mut tip) = reader.poll(&reader.logs_since(WEEK));
    for _ in 0..80 {
        reader.clock.forward(SignedDuration::from_mins(7));
        let (more, next) = reader.poll(&tip);
        events.extend(more);
        tip = next;
        let expected = reader.simulator.holds().activity_ids(reader.clock.now());
        assert_eq!(ids(&events, "uuid"), expected);
    }
    assert_eq!(ids(&events, "uuid").len(), events.len());
    assert!(events.len() > 1700);
}

#[test]
fn queries_have_limits() {
    let reader = Reader::small(7);
    let refusal = |query: &str| reader.get(&format!("/api/v1/logs?{query}")).refusal();
    assert_eq!(refusal("limit=1001"), (400, "E0000001".into()));
    assert_eq!(refusal("since=yesterday"), (400, "E0000001".into()));
    assert_eq!(refusal("sortOrder=UP"), (400, "E0000001".into()));
    assert_eq!(refusal("after=made-up"), (400, "E0000001".into()));
    assert_eq!(refusal("q=a+b+c+d+e+f+g+h+i+j+k"), (400, "E0000001".into()));
    assert_eq!(
        refusal(&format!("q={}", "x".repeat(41))),
        (400, "E0000001".into())
    );
    assert_eq!(refusal("filter=eventType"), (400, "E0000053".into()));
    assert_eq!(
        refusal("filter=colour%20eq%20%22red%22"),
        (400, "E0000053".into())
    );
    assert_eq!(
        refusal("filter=published%20gt%20%222026%22"),
        (400, "E0000031".into())
    );
    assert_eq!(
        refusal("filter=severity%20ne%20%22INFO%22"),
        (400, "E0000031".into())
    );
    let old = reader.clock.now() - SignedDuration::from_hours(181 * 24);
    let old = reader.get(&format!("/api/v1/logs?since={}", stamp(old)));
    assert_eq!(old.refusal(), (400, "E0000053".into()));
    assert!(old.text.contains("over 180 days prior"));
    let none = reader.get("/api/v1/logs?limit=0");
    assert_eq!(none.text, "[]");
    assert!(none.link("next").is_some());
    assert_eq!(reader.call(Method::Post, "/api/v1/logs", "").status, 405);
}

#[test]
fn a_filter_says_which_events_are_told() {
    let reader = Reader::small(8);
    let all = reader.poll(&reader.logs_since(WEEK)).0;
    let starts = all
        .iter()
        .filter(|event| event["eventType"] == "user.session.start");
    let expected = starts.count();
    let path = reader.logs_since(WEEK);
    let found = reader
        .poll(&format!(
            "{path}&filter=eventType%20eq%20%22user.session.start%22"
        ))
        .0;
    assert_eq!(found.len(), expected);
    let user = reader.simulator.user_id(0);
    let by = format!(
        "{path}&filter=actor.id%20eq%20%22{user}%22%20and%20target.type%20eq%20%22UserGroup%22"
    );
    let found = reader.poll(&by).0;
    assert!(
        found
            .iter()
            .all(|event| event["actor"]["id"] == user.as_str())
    );
    assert!(!found.is_empty());
    let words = reader.poll(&format!("{path}&q=suspicious+actor")).0;
    assert!(
        words
            .iter()
            .all(|event| event["eventType"] == "security.threat.detected")
    );
    reader.simulator.switch(Fault::LogFilterNe, always());
    let found = reader
        .poll(&format!(
            "{path}&filter=eventType%20ne%20%22user.session.start%22"
        ))
        .0;
    assert_eq!(found.len(), all.len() - expected);
}

#[test]
fn events_are_kept_for_90_days() {
    let mut plan = small_plan(9);
    plan.history = SignedDuration::from_hours(120 * 24);
    for choice in [OldCursor::FromOldest, OldCursor::Refused] {
        plan.choices.old_cursor = choice;
        let reader = Reader::new(plan.clone());
        let first = reader.get(&format!(
            "{}&limit=1",
            reader.logs_since(100 * 24).replace("limit=1000&", "")
        ));
        let cursor = first.link("next").unwrap();
        let events = reader.poll(&reader.logs_since(170 * 24)).0;
        let oldest = events.iter().map(published).min().unwrap();
        let limit = reader.clock.now() - SignedDuration::from_hours(90 * 24);
        assert!(oldest >= limit, "{oldest}");
        assert_eq!(
            ids(&events, "uuid"),
            reader.simulator.holds().activity_ids(reader.clock.now())
        );
        reader.clock.forward(SignedDuration::from_hours(95 * 24));
        // The API token is too old by now.
        let bearer = reader.bearer("okta.logs.read");
        let answer = reader.ask(Method::Get, &cursor, bearer, "");
        match choice {
            OldCursor::Refused => assert_eq!(answer.refusal(), (400, "E0000001".into())),
            OldCursor::FromOldest => assert_eq!(answer.status, 200),
        }
    }
}

#[test]
fn faults_of_the_log_strike() {
    let path = |reader: &Reader| reader.logs_since(WEEK);
    let reader = okta_reader::with(Fault::LogTimeout, FaultSettings::always().with_value("50"));
    assert_eq!(
        reader.get(&path(&reader)).refusal(),
        (500, "E0000009".into())
    );
    assert_eq!(reader.get(&path(&reader).replace("1000", "50")).status, 200);
    let reader = okta_reader::with(Fault::LogInternalError, FaultSettings::times(1));
    assert_eq!(
        reader.get(&path(&reader)).refusal(),
        (500, "E0000053".into())
    );
    assert_eq!(reader.get(&path(&reader)).status, 200);
    let reader = okta_reader::with(Fault::DeadCursor, FaultSettings::always());
    let first = reader.get(&path(&reader));
    assert_eq!(
        reader.get(&first.link("next").unwrap()).refusal(),
        (400, "E0000001".into())
    );
    let reader = okta_reader::with(Fault::NextMissing, FaultSettings::times(1));
    assert!(reader.get(&path(&reader)).link("next").is_none());
    assert!(reader.get(&path(&reader)).link("next").is_some());
    let reader = okta_reader::with(Fault::EmptyPage, FaultSettings::times(1));
    let empty = reader.get(&path(&reader));
    assert_eq!(empty.text, "[]");
    assert_eq!(reader.poll(&empty.link("next").unwrap()).0.len(), 1500);
    let reader = okta_reader::with(Fault::NextLinkCircle, FaultSettings::always());
    let first = reader.get(&path(&reader));
    let again = reader.get(&first.link("next").unwrap());
    assert_eq!(
        (again.text == first.text, again.link("next")),
        (true, first.link("next"))
    );
    let reader = okta_reader::with(Fault::RepeatedItems, FaultSettings::times(1));
    let events = reader.get(&path(&reader)).json();
    let events = events.as_array().unwrap();
    assert_eq!(events.len(), ids(events, "uuid").len() + 3);
}

#[test]
fn events_may_be_odd_and_stay_the_same_when_read_again() {
    let all = |fault, settings: FaultSettings| {
        let reader = okta_reader::with(fault, settings);
        let events = reader.poll(&reader.logs_since(WEEK)).0;
        assert_eq!(events, reader.poll(&reader.logs_since(WEEK)).0);
        events
    };
    let share = |fault| all(fault, FaultSettings::probability(0.3));
    let count = |events: &[Value], is_odd: &dyn Fn(&Value) -> bool| {
        let count = events.iter().filter(|event| is_odd(event)).count();
        assert!((380..560).contains(&count), "{count}");
    };
    count(&share(Fault::NullObjects), &|event| {
        event["client"].is_null()
    });
    count(&share(Fault::UnknownEventTypes), &|event| {
        event["eventType"] == "acme.future.thing_happened"
    });
    count(&share(Fault::UnknownKeys), &|event| {
        event.get("futureContext").is_some()
    });
    count(&share(Fault::EventWithoutUuid), &|event| {
        event.get("uuid").is_none()
    });
    let usual = Reader::small(1);
    let usual = usual.poll(&usual.logs_since(WEEK)).0;
    let first_is_app = |events: &[Value]| {
        let two = events
            .iter()
            .filter(|event| event["eventType"] == "user.authentication.sso");
        two.filter(|event| event["target"][0]["type"] == "AppInstance")
            .count()
    };
    let shuffled = all(Fault::ShuffledTargets, FaultSettings::always());
    assert_eq!(first_is_app(&shuffled), 0);
    assert!(first_is_app(&usual) > 50);
    assert!(usual.iter().any(|event| event["client"]["zone"] == "null"));
    assert!(usual.iter().any(|event| event["actor"]["id"] == "unknown"));
    let reader = okta_reader::with(Fault::EventOf1mb, FaultSettings::times(1));
    assert!(reader.get("/api/v1/logs?limit=1").text.len() > 1_000_000);
}

#[test]
fn the_ledger_has_every_kind_and_the_log_every_family() {
    let reader = Reader::small(10);
    let holds = reader.simulator.holds();
    let kinds = holds.activities_by_kind(reader.clock.now());
    assert_eq!(kinds.values().sum::<u64>(), 1500);
    assert!(kinds.values().all(|count| *count > 50), "{kinds:?}");
    let families: BTreeSet<_> = holds.activities.iter().map(|one| one.family).collect();
    assert_eq!(families.len(), 6);
}
