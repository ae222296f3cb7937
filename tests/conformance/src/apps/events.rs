//! Cases about audit trails: feeds, windows, bundles and the events in them.

use std::collections::{BTreeMap, BTreeSet};

use casbah_connector::{ActivitySource, ConnectorError, Feed, FeedState, Recovery};
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::cursor::{Cursor, Window};
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};

use super::outputs::{Counted, Kept};
use super::{Bench, Case, HUGE_BYTES, Situation};

pub const CASES: &[Case] = &[
    ("switching feeds on twice is the same as once", |bench| {
        Box::pin(started_twice(bench))
    }),
    (
        "every event is read, late ones included, page by page in new sessions",
        |bench| Box::pin(complete(bench)),
    ),
    (
        "windows that meet at a bundle's time list it once",
        |bench| Box::pin(ties(bench)),
    ),
    ("repeated bundles and events have the same ids", |bench| {
        Box::pin(repeats(bench))
    }),
    ("events of an unknown kind are kept and counted", |bench| {
        Box::pin(unknown(bench))
    }),
    (
        "an event without an id is kept under a hash of its content",
        |bench| Box::pin(without_id(bench)),
    ),
    ("an event of a megabyte is kept whole", |bench| {
        Box::pin(large(bench))
    }),
    ("a huge bundle is read in little memory", |bench| {
        Box::pin(huge(bench))
    }),
    ("a bundle that is gone is written down as lost", |bench| {
        Box::pin(gone(bench))
    }),
    (
        "a feed that is switched off parks alone and says why",
        |bench| Box::pin(feeds_off(bench)),
    ),
    ("links away or back are not followed", |bench| {
        Box::pin(links(bench))
    }),
    (
        "a bundle that is not JSON is an error and no end",
        |bench| Box::pin(not_json(bench)),
    ),
];

/// Pages of one listing; more of them mean that it goes round in circles.
const PAGES_MAX: usize = 1_000;
/// What a reader may hold of a bundle: one record of the largest size that is accepted, and a chunk.
const BACKLOG_MAX: u64 = 10_000_000;

fn source(bench: &Bench) -> Option<&'static dyn ActivitySource> {
    bench.connector.activities()
}

async fn list_window(
    bench: &Bench,
    feed: &Feed,
    window: Window,
) -> Result<Vec<ContentRef>, ConnectorError> {
    let source = source(bench).expect("the case is about audit trails");
    let (mut all, mut page): (Vec<ContentRef>, Option<Cursor>) = Default::default();
    for _ in 0..PAGES_MAX {
        let (found, next) = bench
            .patiently(async |session| {
                let mut found = Vec::new();
                let next = source
                    .list(session, feed, window, page.as_ref(), &mut found)
                    .await?;
                Ok((found, next))
            })
            .await?;
        all.extend(found);
        match next {
            Some(next) => page = Some(next),
            None => return Ok(all),
        }
    }
    panic!("a listing of {} has no end", feed.name);
}

async fn read_bundle(
    bench: &Bench,
    feed: &Feed,
    content: &ContentRef,
) -> Result<Kept<Activity>, ConnectorError> {
    let source = source(bench).expect("the case is about audit trails");
    let (mut all, mut content) = (Kept::default(), content.clone());
    for _ in 0..PAGES_MAX {
        let (kept, next) = bench
            .patiently(async |session| {
                let mut kept = Kept::default();
                let next = source.read(session, feed, &content, &mut kept).await?;
                Ok((kept, next))
            })
            .await?;
        all.nouns.extend(kept.nouns);
        all.refused.extend(kept.refused);
        all.raw_bytes_max = all.raw_bytes_max.max(kept.raw_bytes_max);
        match next {
            // A place behind which there is nothing yet.
            Some(next) if next.not_before.is_some() => return Ok(all),
            Some(next) => content = next,
            None => return Ok(all),
        }
    }
    panic!("what follows a bundle of {} has no end", feed.name);
}

/// Follows the links of a window's listing and, for feeds whose listings have none, those between bundles.
async fn follow_links(
    bench: &Bench,
    feed: &Feed,
    window: Window,
    is_seen: bool,
) -> Result<(), ConnectorError> {
    let listed = list_window(bench, feed, window).await?;
    for content in listed.iter().filter(|_| !is_seen) {
        read_bundle(bench, feed, content).await?;
    }
    Ok(())
}

/// The past that listings reach, in the longest windows.
fn windows(bench: &Bench, feed: &Feed) -> Vec<Window> {
    let now = bench.clock.now();
    let step = SignedDuration::try_from(feed.window_max).expect("days");
    // Walking takes time; what lies at the far end is out of reach by then.
    let margin = SignedDuration::from_mins(30);
    let mut from = now - SignedDuration::try_from(feed.reach).expect("days") + margin;
    let mut windows = Vec::new();
    while from < now {
        let to = (from + step).min(now);
        windows.push(Window::new(from, to));
        from = to;
    }
    windows
}

async fn list_all(bench: &Bench, feed: &Feed) -> Vec<ContentRef> {
    let mut all = Vec::new();
    for window in windows(bench, feed) {
        let listed = list_window(bench, feed, window).await;
        all.extend(listed.unwrap_or_else(|error| panic!("{}: {}", feed.name, error.chain())));
    }
    all
}

/// Feeds that can be read, switched on if need be.
async fn feeds(bench: &Bench) -> Vec<Feed> {
    let Some(source) = source(bench) else {
        return Vec::new();
    };
    let started = bench
        .patiently(async |session| source.start(session, source.feeds()).await)
        .await;
    let states =
        started.unwrap_or_else(|error| panic!("feeds are on or say why not: {}", error.chain()));
    states
        .into_iter()
        .filter(|(_, state)| !matches!(state, FeedState::Refused(_)))
        .map(|(feed, _)| feed)
        .collect()
}

/// All events by id, with how often each came; records that were refused are none.
async fn read_all(bench: &Bench) -> (Vec<Activity>, BTreeMap<String, u64>) {
    let (mut nouns, mut times) = (Vec::new(), BTreeMap::new());
    for feed in feeds(bench).await {
        for content in list_all(bench, &feed).await {
            let kept = read_bundle(bench, &feed, &content).await;
            let kept = kept.unwrap_or_else(|error| panic!("{}: {}", feed.name, error.chain()));
            assert_eq!(kept.refused, []);
            for id in kept.ids() {
                *times.entry(id).or_default() += 1;
            }
            nouns.extend(kept.nouns);
        }
    }
    (nouns, times)
}

fn assert_all_there(bench: &Bench, found: &BTreeMap<String, u64>) {
    let truth = bench.tenant.truth().events;
    let missing = truth.iter().filter(|id| !found.contains_key(*id)).count();
    assert_eq!(missing, 0, "of {} events", truth.len());
}

async fn started_twice(bench: &Bench) {
    let Some(source) = source(bench) else { return };
    feeds(bench).await;
    let again = bench
        .patiently(async |session| source.start(session, source.feeds()).await)
        .await;
    let again = again.expect("feeds that are on stay on");
    assert_eq!(again.len(), source.feeds().len());
    assert!(
        again.iter().all(|(_, state)| *state != FeedState::Started),
        "{again:?}"
    );
}

async fn complete(bench: &Bench) {
    if source(bench).is_none() {
        return;
    }
    let (nouns, times) = read_all(bench).await;
    assert_all_there(bench, &times);
    assert!(nouns.iter().all(|event| event.occurred.is_some()));
    let kinds = bench.tenant.truth().kinds;
    let is_other = |event: &&Activity| {
        kinds
            .get(event.id.as_str())
            .is_some_and(|kind| *kind != event.kind)
    };
    let other: Vec<_> = nouns.iter().filter(is_other).take(3).collect();
    assert_eq!(
        other,
        Vec::<&Activity>::new(),
        "events of another kind than the vendor made them"
    );
    bench.assert_no_stranger_was_called();
}

async fn ties(bench: &Bench) {
    for feed in feeds(bench).await {
        for window in windows(bench, &feed).into_iter().take(2) {
            let whole = list_window(bench, &feed, window).await.expect("a window");
            let is_whole_second = |at: &Timestamp| at.subsec_nanosecond() == 0;
            let Some(middle) = whole
                .get(whole.len() / 2)
                .map(|content| content.available)
                .filter(is_whole_second)
            else {
                continue;
            };
            let mut halves = list_window(bench, &feed, Window::new(window.from, middle))
                .await
                .expect("a half");
            assert!(
                halves.iter().all(|content| content.available < middle),
                "{}",
                feed.name
            );
            halves.extend(
                list_window(bench, &feed, Window::new(middle, window.to))
                    .await
                    .expect("a half"),
            );
            assert_eq!(halves, whole, "{}", feed.name);
        }
    }
}

async fn repeats(bench: &Bench) {
    if source(bench).is_none() || !bench.arrange(Situation::Repeats) {
        return;
    }
    let (_, times) = read_all(bench).await;
    assert_all_there(bench, &times);
    assert!(
        times.values().any(|times| *times > 1),
        "nothing was repeated"
    );
}

async fn unknown(bench: &Bench) {
    if source(bench).is_none() || !bench.arrange(Situation::UnknownEvents) {
        return;
    }
    let (nouns, times) = read_all(bench).await;
    assert_all_there(bench, &times);
    assert!(
        nouns.iter().any(|event| !event.is_known),
        "no unknown event came"
    );
}

async fn without_id(bench: &Bench) {
    if source(bench).is_none() || !bench.arrange(Situation::EventsWithoutId) {
        return;
    }
    let (nouns, _) = read_all(bench).await;
    assert!(
        nouns
            .iter()
            .any(|event| event.id.as_str().starts_with("sha256:")),
        "every event had an id"
    );
}

async fn large(bench: &Bench) {
    if source(bench).is_none() || !bench.arrange(Situation::LargeEvent) {
        return;
    }
    let mut largest = 0;
    for feed in feeds(bench).await {
        for content in list_all(bench, &feed).await {
            let kept = read_bundle(bench, &feed, &content).await.expect("a bundle");
            assert_eq!(kept.refused, []);
            largest = largest.max(kept.raw_bytes_max);
        }
    }
    assert!(
        largest >= 1_000_000,
        "the largest event has {largest} bytes"
    );
}

async fn huge(bench: &Bench) {
    let Some(source) = source(bench) else { return };
    let feeds = feeds(bench).await;
    let mut before = BTreeMap::new();
    for feed in &feeds {
        let ids: BTreeSet<_> = list_all(bench, feed)
            .await
            .into_iter()
            .map(|content| content.id)
            .collect();
        before.insert(feed.name, ids);
    }
    if !bench.arrange(Situation::HugeBundle) {
        return;
    }
    for feed in &feeds {
        let listed = list_all(bench, feed).await;
        for content in listed
            .iter()
            .filter(|content| !before[feed.name].contains(&content.id))
        {
            let flow = bench.transport.flow.clone();
            // What was taken before is no backlog of this bundle.
            flow.settle();
            let begin = flow.taken();
            let mut counted = Counted {
                records: 0,
                flow: flow.clone(),
            };
            source
                .read(&bench.session(), feed, content, &mut counted)
                .await
                .expect("a huge bundle");
            if flow.taken() - begin >= HUGE_BYTES {
                assert!(counted.records > 1_000, "{} records", counted.records);
                let backlog = flow.backlog_max();
                assert!(backlog <= BACKLOG_MAX, "{backlog} bytes were held");
                return;
            }
        }
    }
    panic!("there was no huge bundle");
}

async fn gone(bench: &Bench) {
    for feed in feeds(bench).await {
        let Some(content) = list_all(bench, &feed).await.into_iter().next() else {
            continue;
        };
        if !bench.arrange(Situation::BundlesGone) {
            return;
        }
        let error = read_bundle(bench, &feed, &content)
            .await
            .expect_err("the bundle is gone");
        assert!(
            matches!(error.recovery(), Recovery::Lose(_)),
            "{}",
            error.chain()
        );
        bench.tenant.relax();
    }
}

async fn feeds_off(bench: &Bench) {
    let feeds = feeds(bench).await;
    if feeds.is_empty() || !bench.arrange(Situation::FeedsOff) {
        return;
    }
    for feed in feeds {
        let window = *windows(bench, &feed).last().expect("at least one window");
        let error = list_window(bench, &feed, window)
            .await
            .expect_err("the feed is off");
        let Recovery::Park(cause) = error.recovery() else {
            panic!("{}", error.chain())
        };
        assert!(!cause.fix.is_empty(), "{cause:?}");
    }
}

async fn links(bench: &Bench) {
    let feeds = feeds(bench).await;
    for situation in [Situation::NextLinkCircle, Situation::ForeignNextLink] {
        if !bench.arrange(situation) {
            continue;
        }
        let mut refused = 0;
        for feed in &feeds {
            for window in windows(bench, feed) {
                let is_seen = refused > 0;
                if let Err(error) = follow_links(bench, feed, window, is_seen).await {
                    assert!(
                        matches!(error, ConnectorError::BadLink { .. }),
                        "{}",
                        error.chain()
                    );
                    refused += 1;
                }
            }
        }
        assert!(
            refused > 0,
            "some listing or bundle must have several pages"
        );
        bench.tenant.relax();
    }
    if let Some(feed) = feeds.first() {
        let now = bench.clock.now();
        let expires = now + SignedDuration::from_hours(24);
        let address = "https://evil.example/steal".to_string();
        let id = casbah_model::record::RecordId::new("x");
        let content = ContentRef {
            id,
            address,
            available: now,
            expires,
            not_before: None,
        };
        let error = read_bundle(bench, feed, &content)
            .await
            .expect_err("nobody reads from there");
        assert!(
            matches!(error, ConnectorError::BadLink { .. }),
            "{}",
            error.chain()
        );
    }
    bench.assert_no_stranger_was_called();
}

async fn not_json(bench: &Bench) {
    for feed in feeds(bench).await {
        let Some(content) = list_all(bench, &feed).await.into_iter().next() else {
            continue;
        };
        if !bench.arrange(Situation::NotJson) {
            return;
        }
        let error = read_bundle(bench, &feed, &content)
            .await
            .expect_err("markup is no bundle");
        assert_eq!(error.recovery(), Recovery::Count, "{}", error.chain());
        bench.tenant.relax();
    }
}
