//! Spans of the log and the chain of the stream, page by page.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use casbah_conformance::apps::Bench;
use casbah_connector::OutputError;
use serde_json::json;

use super::super::*;
use crate::tests::{Asked, Reply, Script, TOKEN, bench, started};

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
    assert_eq!(pages, turn::IDLE_MAX, "empty pages have an end");
}

/// What is older than a day when it is connected is read once.
#[tokio::test(start_paused = true)]
async fn an_empty_page_is_asked_for_again_where_no_later_reading_would_find_the_rest() {
    let bench = bench(|asked| match asked.path.as_str() {
        "/oauth2/token" => Reply::ok(TOKEN),
        _ => page(&[], "0"),
    });
    let day = 24 * 60;
    let mut content = listed(&bench, window(-day - 120, -day - 60))
        .await
        .remove(0);
    let mut names = vec![];
    while let Some(next) = read_page(&bench, &content).await.expect("a page").1 {
        assert!(
            next.address.contains("stream_position=0"),
            "{}",
            next.address
        );
        names.push(next.id.to_string());
        content = next;
    }
    let ends = names.iter().filter_map(|id| id.rsplit_once("-3+"));
    let behind: Vec<&str> = ends.map(|(_, end)| end).collect();
    assert_eq!(behind, ["1~1", "2~2", "3~3"]);
}

/// What lay behind such a page came a day late (seeds 40456 and 40989 of Box).
#[tokio::test(start_paused = true)]
async fn a_page_that_leads_back_to_itself_is_asked_for_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let bench = bench(|asked| match asked_position(asked) {
        _ if asked.path == "/oauth2/token" => Reply::ok(TOKEN),
        "0" if ASKED.fetch_add(1, Ordering::Relaxed) < 2 => page(&["a"], "0"),
        "0" => page(&["a"], "7"),
        "7" => page(&["b"], "8"),
        _ => page(&[], "8"),
    });
    let mut content = listed(&bench, window(-10, -5)).await.remove(0);
    let mut all = vec![];
    loop {
        let (ids, next) = read_page(&bench, &content).await.expect("a page");
        all.extend(ids);
        let Some(next) = next else { break };
        content = next;
    }
    assert_eq!(
        all,
        ["a", "a", "a", "b"],
        "what comes twice is dropped by its id"
    );
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
