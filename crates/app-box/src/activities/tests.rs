use async_trait::async_trait;
use casbah_conformance::apps::Bench;
use casbah_connector::OutputError;
use casbah_model::activity::ActivityKind;
use casbah_model::event::{Deed, FileShape, FileVerb, PersonKind, Severity, Success, Value};
use serde_json::json;

use super::*;
use crate::tests::{Asked, Reply, Script, TOKEN, bench, started};

fn read_text(text: &str) -> (Activity, Event<'_>) {
    event::read(text.as_bytes()).unwrap_or_else(|reason| panic!("{reason}: {text}"))
}

/// An invitation to a folder, in the form that collaborations have (OpenAPI, "Event"; samples of enterprise events).
fn invitation() -> serde_json::Value {
    json!({
        "type": "event", "event_id": "45f43783-da1c-4b9f-a609-0dee9e4bdb93", "event_type": "COLLABORATION_INVITE",
        "created_at": "2026-02-24T08:10:18-08:00", "session_id": null, "ip_address": "203.0.113.9", "action_by": null,
        "created_by": {"type": "user", "id": "123", "name": "Ada Acting", "login": "ada@corp.example"},
        "accessible_by": {"type": "user", "id": "265", "name": "Tim Target", "login": "tim@other.example"},
        "source": {
            "folder_id": "3088", "folder_name": "Plans", "user_id": "265", "user_name": "Tim Target",
            "owned_by": {"type": "user", "id": "124", "name": "Olga", "login": "olga@corp.example"},
            "parent": {"type": "folder", "name": "All Files", "id": "0"},
        },
        "additional_details": {
            "collab_id": "1123", "role": "Editor", "is_performed_by_admin": false,
            "service_id": "77", "service_name": "Invented Sync",
        },
    })
}

#[test]
fn an_invitation_names_the_folder_its_owner_and_who_may_see_it() {
    let text = invitation().to_string();
    let (activity, event) = read_text(&text);
    assert_eq!(activity.id.as_str(), "45f43783-da1c-4b9f-a609-0dee9e4bdb93");
    assert_eq!(
        (activity.kind, activity.is_known),
        (ActivityKind::User, true)
    );
    let occurred = activity.occurred.expect("a time").to_string();
    assert_eq!(occurred, "2026-02-24T16:10:18Z");
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/124/folders/3088")
    );
    assert_eq!(event.deed, Deed::File(FileVerb::Share));
    assert_eq!(event.outcome.result, Success::Success);
    let file = &event.target.file;
    assert_eq!(
        (file.id.as_deref(), file.name.as_deref()),
        (Some("3088"), Some("Plans"))
    );
    assert_eq!(
        (file.shape, file.path.as_deref()),
        (FileShape::Folder, Some("All Files/Plans"))
    );
    assert_eq!(event.target.user.name.as_deref(), Some("tim@other.example"));
    assert_eq!(event.target.privileges, ["Editor"]);
    assert_eq!(event.actor.name.as_deref(), Some("ada@corp.example"));
    assert_eq!(event.app.name.as_deref(), Some("Invented Sync"));
    assert_eq!(event.client.address.as_deref(), Some("203.0.113.9"));
    let names: Vec<_> = event
        .unmapped
        .iter()
        .map(|(name, _)| name.as_ref())
        .collect();
    assert!(
        names.contains(&"source") && names.contains(&"additional_details"),
        "{names:?}"
    );
    assert!(!names.contains(&"session_id"), "{names:?}");
}

/// An event of this type about this source.
fn event_of(event_type: &str, source: serde_json::Value) -> String {
    let mut event = invitation();
    event["event_type"] = event_type.into();
    event["source"] = source;
    event["accessible_by"] = serde_json::Value::Null;
    event.to_string()
}

#[test]
fn every_form_of_a_source_is_placed() {
    let owner = json!({"type": "user", "id": "124", "login": "olga@corp.example"});
    let item = json!({
        "item_type": "file", "item_id": "901", "item_name": "Plan.v2.PDF", "classification": {"name": "Secret"},
        "parent": {"type": "folder", "id": "3088", "name": "Plans"}, "owned_by": owner,
    });
    let text = event_of("DOWNLOAD", item.clone());
    let (activity, event) = read_text(&text);
    assert_eq!(activity.touched_file, None, "a download changes nothing");
    let file = &event.target.file;
    assert_eq!(
        (file.extension.as_deref(), file.label.as_deref()),
        (Some("PDF"), Some("Secret"))
    );
    let text = event_of("UPLOAD", item.clone());
    let (activity, _) = read_text(&text);
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/124/files/901")
    );

    let whole = json!({"type": "file", "id": 902, "name": "a.txt", "size": 17, "owned_by": owner});
    let text = event_of("ITEM_UPLOAD", whole);
    let (activity, event) = read_text(&text);
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/124/files/902")
    );
    assert_eq!(event.target.file.bytes, Some(17));

    let text = event_of(
        "COLLABORATION_REMOVE",
        json!({"file_id": "903", "file_name": "b", "user_id": "9", "user_name": "X"}),
    );
    let (activity, event) = read_text(&text);
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("box://users/123/files/903"),
        "the owner is not told"
    );
    assert_eq!(event.target.user.id.as_deref(), Some("9"));

    let text = event_of(
        "NEW_USER",
        json!({"type": "user", "id": "5", "name": "New", "login": "new@corp.example"}),
    );
    let (_, event) = read_text(&text);
    assert_eq!(event.target.user.name.as_deref(), Some("new@corp.example"));
    assert!(!event.target.file.is_named());

    let text = event_of(
        "GROUP_ADD_USER",
        json!({"group_id": "6", "group_name": "Staff", "user_id": "5", "user_name": "New"}),
    );
    let (_, event) = read_text(&text);
    assert_eq!(event.target.group.name.as_deref(), Some("Staff"));
    assert_eq!(event.target.user.id.as_deref(), Some("5"));

    let text = event_of(
        "METADATA_TEMPLATE_CREATE",
        json!({"type": "template", "id": "7", "name": "Invoice"}),
    );
    let (_, event) = read_text(&text);
    let entity = &event.target.entity;
    assert_eq!(
        (entity.kind, entity.named.name.as_deref()),
        ("Metadata Template", Some("Invoice"))
    );

    let text = event_of("COMMENT_CREATE", item);
    let (_, event) = read_text(&text);
    assert_eq!(
        event.target.resource.named.name.as_deref(),
        Some("Plan.v2.PDF")
    );

    let text = event_of(
        "BOX_AI_ASK",
        json!({"type": "app_item", "id": "8", "app_item_type": "hubs"}),
    );
    let (_, event) = read_text(&text);
    assert_eq!(event.target.resource.named.id.as_deref(), Some("8"));
    for nothing in [json!(null), json!("x"), json!([]), json!({})] {
        let text = event_of("DELETE", nothing);
        let (activity, event) = read_text(&text);
        assert_eq!(
            (activity.touched_file, event.target.file.is_named()),
            (None, false)
        );
    }
}

#[test]
fn people_are_told_apart() {
    let with = |created_by: serde_json::Value, is_admin: bool| {
        let mut event = invitation();
        event["created_by"] = created_by;
        event["additional_details"]["is_performed_by_admin"] = is_admin.into();
        let text = event.to_string();
        let (_, event) = read_text(&text);
        (
            event.actor.kind,
            event.actor.id.map(std::borrow::Cow::into_owned),
        )
    };
    let ada = || json!({"type": "user", "id": "123", "login": "ada@corp.example"});
    let id = || Some("123".to_string());
    assert_eq!(with(ada(), false), (PersonKind::User, id()));
    assert_eq!(with(ada(), true), (PersonKind::Admin, id()));
    let app = json!({"id": "123", "login": "AutomationUser_1_x@boxdevedition.com"});
    assert_eq!(with(app, false), (PersonKind::Application, id()));
    assert_eq!(
        with(json!({"id": "2", "name": "Anonymous"}), false),
        (PersonKind::Unknown, None)
    );
    assert_eq!(with(json!(null), false), (PersonKind::Unknown, None));
}

#[test]
fn an_alert_tells_its_risk_also_when_its_details_are_a_text() {
    let alert = json!({"shield_alert": {
        "rule_category": "Anomalous Download", "risk_score": 77, "alert_id": "500",
        "alert_summary": {"description": "Much more than last week."},
    }});
    for details in [alert.clone(), alert.to_string().into()] {
        let mut event = invitation();
        event["event_type"] = "SHIELD_ALERT".into();
        event["additional_details"] = details;
        let text = event.to_string();
        let (_, event) = read_text(&text);
        let finding = &event.target.finding;
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.title.as_deref(), Some("Much more than last week."));
        assert_eq!(finding.category.as_deref(), Some("Anomalous Download"));
        assert_eq!(finding.id.as_deref(), Some("500"));
    }
}

#[test]
fn odd_members_lose_nothing() {
    let text = r#"{"type":"event","event_id":7,"event_type":["x"],"created_at":"yesterday","created_by":"ada","source":5,
        "additional_details":"{not json","ip_address":{"a":1},"extra":"\ud800"}"#;
    let (activity, event) = read_text(text);
    assert!(activity.id.as_str().starts_with("sha256:"));
    assert_eq!((activity.is_known, activity.occurred), (false, None));
    assert_eq!(event.deed, Deed::default());
    let names: Vec<_> = event
        .unmapped
        .iter()
        .map(|(name, _)| name.as_ref())
        .collect();
    for kept in [
        "event_id",
        "event_type",
        "created_at",
        "created_by",
        "source",
        "extra",
    ] {
        assert!(names.contains(&kept), "{kept}: {names:?}");
    }
    let extra = event.unmapped.iter().find(|(name, _)| name == "extra");
    assert!(matches!(extra, Some((_, Value::Text(_)))), "{extra:?}");
    assert_eq!(event::read(b"[]").err(), Some("not-an-object"));
    assert_eq!(event::read(b"{\"a\":").err(), Some("not-json"));
    assert_eq!(event::read(b"").err(), Some("not-an-object"));
}

#[test]
fn ids_that_are_none_make_no_address() {
    let odd = json!({"item_type": "file", "item_id": "../1", "owned_by": {"id": "124"}});
    let text = event_of("UPLOAD", odd);
    assert_eq!(read_text(&text).0.touched_file, None);
}

/// Keeps the ids of what is read.
#[derive(Default)]
struct Ids(Vec<String>);

#[async_trait]
impl ActivityOutput for Ids {
    async fn record(&mut self, noun: Activity, _: &Event<'_>, _: &[u8]) -> Result<(), OutputError> {
        self.0.push(noun.id.to_string());
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.0.push(refused.reason.into());
        Ok(())
    }
}

async fn read_page(
    bench: &Bench,
    content: &ContentRef,
) -> Result<(Vec<String>, Option<ContentRef>), ConnectorError> {
    let mut ids = Ids::default();
    let session = bench.interactive();
    let next = Events.read(&session, &FEEDS[0], content, &mut ids).await?;
    Ok((ids.0, next))
}

async fn listed(bench: &Bench, window: Window) -> Vec<ContentRef> {
    let mut found = vec![];
    let session = bench.session();
    let next = Events
        .list(&session, &FEEDS[0], window, None, &mut found)
        .await;
    assert_eq!(next.expect("a listing"), None);
    found
}

fn page(ids: &[&str], position: &str) -> Reply {
    let entries: Vec<_> = ids.iter().map(|id| json!({"event_id": id})).collect();
    let entries = serde_json::Value::from(entries);
    let size = ids.len();
    Reply::ok(format!(
        r#"{{"chunk_size":{size},"next_stream_position":{position},"entries":{entries}}}"#
    ))
}

/// The position that was asked for.
fn asked_position(asked: &Asked) -> &str {
    let after = asked
        .path
        .split("stream_position=")
        .nth(1)
        .unwrap_or_default();
    after.split('&').next().unwrap_or_default()
}

fn window(from_min: i64, to_min: i64) -> Window {
    let at = |minutes| started() + SignedDuration::from_mins(minutes);
    Window::new(at(from_min), at(to_min))
}

#[tokio::test(start_paused = true)]
async fn listing_calls_nobody_and_names_the_stream_of_the_hour() {
    let bench = bench(|asked| panic!("{} was called", asked.path));
    let found = listed(&bench, window(-10, -5)).await;
    let ids: Vec<_> = found.iter().map(|content| content.id.as_str()).collect();
    assert_eq!(ids, ["1777888200000-300000-1", "stream-1777888800000"]);
    assert_eq!(
        found[0].address,
        "https://api.box.com/2.0/events?stream_type=admin_logs&created_after=2026-05-04T09:49:59%2B00:00\
         &created_before=2026-05-04T09:55:01%2B00:00&stream_position=0&limit=500"
    );
    assert_eq!(
        found[1].address,
        "https://api.box.com/2.0/events?stream_type=admin_logs_streaming&stream_position=now&limit=500"
    );
    assert!(
        found
            .iter()
            .all(|content| window(-10, -5).contains(content.available))
    );
    let again = listed(&bench, window(-5, 0)).await;
    assert_eq!(again[1].id, found[1].id, "it is one chain an hour");
    // What is over long since says nothing of now, and a look is the stream's business.
    let old = listed(&bench, window(-180, -120)).await;
    assert!(old.iter().all(|content| !stream::is_of(content)), "{old:?}");
    let look = Window::new(
        window(-3, 0).from,
        started() - SignedDuration::from_secs(10),
    );
    assert_eq!(listed(&bench, look).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_span_is_read_until_nothing_comes() {
    // Positions are texts or numbers, beyond what a double can hold.
    let bench = bench(|asked| match asked_position(asked) {
        _ if asked.path == "/oauth2/token" => Reply::ok(TOKEN),
        "0" => page(&["a", "b"], "30401068076164269"),
        "30401068076164269" => page(&[], "\"30401068076164270\""),
        "30401068076164270" => page(&["c"], "\"30401068076164271\""),
        "30401068076164271" => page(&[], "30401068076164271"),
        other => panic!("{other} was asked for"),
    });
    let mut content = listed(&bench, window(-10, -5)).await.remove(0);
    let (mut all, mut names) = (vec![], vec![]);
    loop {
        let (ids, next) = read_page(&bench, &content).await.expect("a page");
        all.extend(ids);
        let Some(next) = next else { break };
        assert!(next.not_before.is_none());
        names.push(next.id.to_string());
        content = next;
    }
    assert_eq!(all, ["a", "b", "c"]);
    let span = "1777888200000-300000-1";
    let expected = ["+1", "+2~1", "+3"].map(|behind| format!("{span}{behind}"));
    assert_eq!(names, expected);
    assert!(
        content
            .address
            .contains("created_after=2026-05-04T09%3A49%3A59%2B00%3A00"),
        "{}",
        content.address
    );
}

#[tokio::test(start_paused = true)]
async fn a_span_without_events_ends_whatever_its_position_is() {
    let scripts: [Script; 4] = [
        |asked| match asked.path.as_str() {
            "/oauth2/token" => Reply::ok(TOKEN),
            _ => page(&[], "0"),
        },
        |asked| match asked.path.as_str() {
            "/oauth2/token" => Reply::ok(TOKEN),
            _ => page(&[], "\"0\""),
        },
        |asked| match asked.path.as_str() {
            "/oauth2/token" => Reply::ok(TOKEN),
            _ => page(&[], "null"),
        },
        |asked| match asked.path.as_str() {
            "/oauth2/token" => Reply::ok(TOKEN),
            _ => page(&[], "\"\""),
        },
    ];
    for script in scripts {
        let bench = bench(script);
        let content = listed(&bench, window(-10, -5)).await.remove(0);
        let (ids, next) = read_page(&bench, &content).await.expect("a page");
        assert_eq!((ids, next), (vec![], None));
    }
    let moving: Script = |asked| match asked.path.as_str() {
        "/oauth2/token" => Reply::ok(TOKEN),
        _ => page(
            &[],
            &format!("{}1", asked_position(asked).replace('0', "1")),
        ),
    };
    let bench = bench(moving);
    let mut content = listed(&bench, window(-10, -5)).await.remove(0);
    let mut pages = 1;
    while let Some(next) = read_page(&bench, &content).await.expect("a page").1 {
        (content, pages) = (next, pages + 1);
    }
    assert_eq!(pages, turn::EMPTY_MAX, "empty pages have an end");
}

#[tokio::test(start_paused = true)]
async fn the_stream_goes_on_from_each_position_and_waits_where_nothing_is() {
    let bench = bench(|asked| match asked_position(asked) {
        _ if asked.path == "/oauth2/token" => Reply::ok(TOKEN),
        "now" => page(&[], "30401068076164269"),
        "30401068076164269" if asked.times == 0 => page(&[], "30401068076164269"),
        "30401068076164269" => page(&["b", "a", "b"], "\"9007199254740993\""),
        "9007199254740993" => page(&[], "9007199254740993"),
        other => panic!("{other} was asked for"),
    });
    let mut content = listed(&bench, window(-5, 0)).await.remove(1);
    let mut waits = vec![];
    let mut all = vec![];
    for _ in 0..4 {
        let (ids, next) = read_page(&bench, &content).await.expect("a page");
        let next = next.expect("the hour is not over");
        let wait = next
            .not_before
            .map(|at| at.duration_since(bench.session().now()).as_secs());
        waits.push(wait);
        all.extend(ids);
        content = next;
    }
    assert_eq!(waits, [Some(60), Some(60), None, Some(60)]);
    assert_eq!(
        all,
        ["b", "a", "b"],
        "what comes twice is dropped by who writes it"
    );
    assert_eq!(content.id.as_str(), "stream-1777888800000+4");
}

#[tokio::test(start_paused = true)]
async fn a_position_that_is_refused_is_replaced_by_now() {
    let bench = bench(|asked| match asked_position(asked) {
        _ if asked.path == "/oauth2/token" => Reply::ok(TOKEN),
        "1" => Reply::error(400, "bad_request"),
        "now" => page(&[], "2"),
        other => panic!("{other} was asked for"),
    });
    let mut content = listed(&bench, window(-5, 0)).await.remove(1);
    content.address = content.address.replace("position=now", "position=1");
    let (_, next) = read_page(&bench, &content).await.expect("a fresh position");
    let next = next.expect("the chain goes on");
    assert_eq!(
        (next.id.as_str(), next.not_before),
        ("stream-1777888800000+1", None)
    );
    let (_, next) = read_page(&bench, &next).await.expect("a page");
    assert!(
        next.expect("the chain goes on")
            .address
            .contains("stream_position=2")
    );
}

#[tokio::test(start_paused = true)]
async fn a_chain_ends_when_the_next_one_has_begun() {
    let bench = bench(|asked| match asked_position(asked) {
        _ if asked.path == "/oauth2/token" => Reply::ok(TOKEN),
        "5" => page(&["late"], "6"),
        "7" => page(&["same"], "7"),
        _ => page(&[], "6"),
    });
    let began = |minutes: i64| {
        let hour = started() - SignedDuration::from_mins(minutes);
        format!("stream-{}+3", hour.as_millisecond())
    };
    let mut content = listed(&bench, window(-5, 0)).await.remove(1);
    let mut at = |minutes: i64, position: &str| {
        content.id = RecordId::new(began(minutes));
        content.address = turn::at_position(
            &bench
                .session()
                .follow(API, &content.address)
                .expect("an address"),
            position,
        );
        content.clone()
    };
    let goes_on = async |content: ContentRef| {
        let read = read_page(&bench, &content).await.expect("a page");
        read.1.is_some()
    };
    assert!(
        goes_on(at(69, "6")).await,
        "the next one may not have begun"
    );
    assert!(!goes_on(at(70, "6")).await);
    assert!(
        goes_on(at(700, "5")).await,
        "it is behind, and reads on to its end"
    );
    assert!(
        !goes_on(at(700, "7")).await,
        "a page that leads nowhere is the end"
    );
    let last = RecordId::new(format!("stream-{}+{PAGES_MAX}", started().as_millisecond()));
    let endless = ContentRef {
        id: last,
        ..at(0, "5")
    };
    let error = read_page(&bench, &endless).await.expect_err("no end");
    assert!(matches!(error, ConnectorError::BadLink { .. }));
}

#[tokio::test(start_paused = true)]
async fn hostile_answers_are_errors_and_no_end() {
    fn answer(asked: &Asked, body: &str) -> Reply {
        match asked.path.as_str() {
            "/oauth2/token" => Reply::ok(TOKEN),
            _ => Reply::ok(body),
        }
    }
    let scripts: [(&str, Script); 5] = [
        ("markup", |asked| answer(asked, "<html></html>")),
        ("a list", |asked| answer(asked, "[]")),
        ("cut", |asked| {
            answer(asked, r#"{"entries":[{"event_id":"a"},{"ev"#)
        }),
        ("no entries", |asked| {
            answer(asked, r#"{"next_stream_position":"5"}"#)
        }),
        ("a position of markup", |asked| {
            answer(asked, "{\"entries\":[],\"next_stream_position\":\"a\\nb\"}")
        }),
    ];
    for (name, script) in scripts {
        let bench = bench(script);
        for content in listed(&bench, window(-5, 0)).await {
            let read = read_page(&bench, &content).await;
            assert!(read.is_err(), "{name}");
        }
    }
    let bench = bench(|asked| panic!("{} was called", asked.host));
    let mut away = listed(&bench, window(-5, 0)).await.remove(0);
    away.address = "https://evil.example/2.0/events".into();
    let error = read_page(&bench, &away)
        .await
        .expect_err("nobody reads from there");
    assert!(matches!(error, ConnectorError::BadLink { .. }));
}

#[tokio::test(start_paused = true)]
async fn events_that_may_not_be_read_are_refused_when_the_feed_is_started() {
    let bench = bench(|asked| match asked.path.as_str() {
        "/oauth2/token" => Reply::ok(TOKEN),
        _ => Reply::error(403, "insufficient_scope"),
    });
    let session = bench.interactive();
    let states = Events.start(&session, FEEDS).await.expect("a state");
    let FeedState::Refused(cause) = &states[0].1 else {
        panic!("{states:?}")
    };
    assert!(cause.fix.contains(SCOPE), "{cause}");
}
