//! Cases about lists of a directory: paging, cursors, limits, and answers that nobody documents.

use std::collections::BTreeSet;
use std::time::Duration;

use casbah_connector::{Collection, CollectionKind, ConnectorError, PageEnd, Recovery};
use casbah_model::SignedDuration;
use casbah_model::user::Entity;

use super::outputs::Kept;
use super::{Bench, Case, Situation};

pub const CASES: &[Case] = &[
    (
        "every page of every list can be resumed in a new session",
        |bench| Box::pin(resumed(bench)),
    ),
    ("repeated records change nothing", |bench| {
        Box::pin(repeats(bench))
    }),
    (
        "a delta that caught up goes on with what changed since",
        |bench| Box::pin(quiet(bench)),
    ),
    ("a dead cursor starts the list anew", |bench| {
        Box::pin(dead_cursor(bench))
    }),
    (
        "a token that dies is replaced and nothing is lost",
        |bench| Box::pin(token_dies(bench)),
    ),
    (
        "after a refusal for want of quota nobody calls before its time",
        |bench| Box::pin(throttled(bench)),
    ),
    ("a next link that leads back is not followed", |bench| {
        Box::pin(circle(bench))
    }),
    ("a next link to another host is never called", |bench| {
        Box::pin(foreign(bench))
    }),
    ("a page that is not JSON is an error and no end", |bench| {
        Box::pin(not_json(bench))
    }),
    ("an answer that breaks off is no end", |bench| {
        Box::pin(truncated(bench))
    }),
];

/// Ids that a walk found and that are not told to be gone.
fn present(kept: &Kept<Entity>) -> BTreeSet<String> {
    let gone: BTreeSet<_> = kept.nouns.iter().filter_map(removed).collect();
    kept.ids().filter(|id| !gone.contains(id)).collect()
}

fn removed(entity: &Entity) -> Option<String> {
    match entity {
        Entity::Removed(removed) => Some(removed.id.to_string()),
        _ => None,
    }
}

fn collections(bench: &Bench) -> &'static [Collection] {
    bench.connector.users().collections()
}

async fn walked(bench: &Bench, collection: &Collection) -> BTreeSet<String> {
    let walk = bench.walk(collection, None).await;
    let (kept, delta) =
        walk.unwrap_or_else(|error| panic!("{}: {}", collection.name, error.chain()));
    assert_eq!(kept.refused, [], "{}", collection.name);
    assert_eq!(
        delta.is_some(),
        collection.kind == CollectionKind::Delta,
        "{}",
        collection.name
    );
    present(&kept)
}

async fn assert_complete(bench: &Bench) {
    for collection in collections(bench) {
        let found = walked(bench, collection).await;
        match bench.tenant.truth().directory.get(collection.name) {
            Some(truth) => {
                let (missing, extra) = (
                    truth.difference(&found).count(),
                    found.difference(truth).count(),
                );
                assert_eq!(
                    (missing, extra),
                    (0, 0),
                    "{}: {} of {}",
                    collection.name,
                    found.len(),
                    truth.len()
                );
            }
            None => assert!(!found.is_empty(), "{}", collection.name),
        }
    }
}

async fn resumed(bench: &Bench) {
    assert_complete(bench).await;
    bench.assert_no_stranger_was_called();
}

async fn repeats(bench: &Bench) {
    if bench.arrange(Situation::Repeats) {
        assert_complete(bench).await;
    }
}

async fn quiet(bench: &Bench) {
    for collection in collections(bench)
        .iter()
        .filter(|list| list.kind == CollectionKind::Delta)
    {
        let (_, delta) = bench.walk(collection, None).await.expect("a walk");
        let (kept, again) = bench.walk(collection, delta).await.expect("a second walk");
        assert!(again.is_some(), "{}", collection.name);
        assert_eq!(
            kept.nouns.len(),
            0,
            "{}: nothing happened in between",
            collection.name
        );
    }
}

async fn dead_cursor(bench: &Bench) {
    for collection in collections(bench)
        .iter()
        .filter(|list| list.kind == CollectionKind::Delta)
    {
        let (_, delta) = bench.walk(collection, None).await.expect("a walk");
        if !bench.arrange(Situation::DeadDirectoryCursor) {
            return;
        }
        let error = bench
            .page(collection, delta.as_ref())
            .await
            .expect_err("the cursor is dead");
        let Recovery::Resync(resume) = error.recovery() else {
            panic!("{}: {}", collection.name, error.chain())
        };
        bench.tenant.relax();
        let (kept, _) = bench
            .walk(collection, resume)
            .await
            .expect("a walk from the start");
        let found = present(&kept);
        if let Some(truth) = bench.tenant.truth().directory.get(collection.name) {
            assert_eq!(found.len(), truth.len(), "{}", collection.name);
        }
    }
}

async fn token_dies(bench: &Bench) {
    let collection = &collections(bench)[0];
    let whole = walked(bench, collection).await;
    if bench.arrange(Situation::TokenDies) {
        assert_eq!(walked(bench, collection).await, whole);
    }
}

async fn throttled(bench: &Bench) {
    const WAIT: Duration = Duration::from_secs(40);
    let collection = &collections(bench)[0];
    if !bench.arrange(Situation::Throttled(WAIT)) {
        return;
    }
    walked(bench, collection).await;
    let calls = bench.transport.calls();
    let refused = calls
        .iter()
        .find(|call| call.status == 429)
        .expect("one call is refused");
    let until = refused.answered + SignedDuration::try_from(WAIT).expect("a short time");
    let early = calls
        .iter()
        .filter(|call| call.sent > refused.sent && call.sent < until && call.has_token);
    assert_eq!(early.count(), 0, "calls before {until}");
    assert_eq!(calls.iter().filter(|call| call.status == 429).count(), 1);
}

async fn circle(bench: &Bench) {
    if !bench.arrange(Situation::NextLinkCircle) {
        return;
    }
    for collection in collections(bench) {
        match bench.walk(collection, None).await {
            // A list of one page has no next link to bend.
            Ok(_) => {}
            Err(error) => assert!(
                matches!(error, ConnectorError::BadLink { .. }),
                "{}",
                error.chain()
            ),
        }
    }
    let first = bench.walk(&collections(bench)[0], None).await;
    assert!(first.is_err(), "the first list must have several pages");
}

async fn foreign(bench: &Bench) {
    if !bench.arrange(Situation::ForeignNextLink) {
        return;
    }
    for collection in collections(bench) {
        if let Err(error) = bench.walk(collection, None).await {
            assert!(
                matches!(error, ConnectorError::BadLink { .. }),
                "{}",
                error.chain()
            );
        }
    }
    assert!(
        bench.walk(&collections(bench)[0], None).await.is_err(),
        "the first list must have several pages"
    );
    bench.assert_no_stranger_was_called();
}

async fn not_json(bench: &Bench) {
    if !bench.arrange(Situation::NotJson) {
        return;
    }
    for collection in collections(bench) {
        let error = bench.page(collection, None).await.err();
        let error = error.unwrap_or_else(|| panic!("{} took markup for a page", collection.name));
        assert_eq!(error.recovery(), Recovery::Count, "{}", error.chain());
    }
}

async fn truncated(bench: &Bench) {
    let collection = &collections(bench)[0];
    let whole = walked(bench, collection).await;
    if !bench.arrange(Situation::Truncated) {
        return;
    }
    let error = bench
        .page(collection, None)
        .await
        .expect_err("half a page is no page");
    assert_eq!(error.recovery(), Recovery::Retry, "{}", error.chain());
    bench.tenant.relax();
    assert_eq!(walked(bench, collection).await, whole);
    assert!(!matches!(
        bench.page(collection, None).await,
        Ok((_, PageEnd::CaughtUp(None)))
    ));
}
