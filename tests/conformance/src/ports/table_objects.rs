//! What every store of table objects must do: these are replaced, and only over the state that was read.

use std::sync::Arc;

use bytes::Bytes;
use casbah_model::ports::{Mark, ObjectError, ObjectStore, TableStore};

use super::Case;

/// The two ports that one adapter is.
#[derive(Clone)]
pub struct Tables {
    pub store: Arc<dyn TableStore>,
    pub objects: Arc<dyn ObjectStore>,
}

/// A name as tables have it.
const NAME: &str =
    "ext/casbah-3002/region=eu/accountId=external_a.1/eventDay=20260102/00.zstd.parquet";

pub const CASES: &[Case<Tables>] = &[
    ("a table object comes back with a mark", |tables| {
        Box::pin(comes_back(tables))
    }),
    ("one that is not there is none", |tables| {
        Box::pin(none(tables))
    }),
    ("one is replaced over its mark", |tables| {
        Box::pin(replaced(tables))
    }),
    ("one is not replaced over another mark", |tables| {
        Box::pin(over_another(tables))
    }),
    ("what is there is not replaced without a mark", |tables| {
        Box::pin(without_mark(tables))
    }),
    ("what is gone is not replaced over its mark", |tables| {
        Box::pin(over_nothing(tables))
    }),
    (
        "of twenty writers over one mark, or over none, one wins",
        |tables| Box::pin(one_winner(tables)),
    ),
    ("a table object can have sixteen megabytes", |tables| {
        Box::pin(large(tables))
    }),
    ("names that leave the store are refused", |tables| {
        Box::pin(bad_names(tables))
    }),
];

impl Tables {
    async fn read(&self, name: &str) -> (Bytes, Mark) {
        let found = self.store.get(name).await;
        found
            .unwrap_or_else(|error| panic!("get {name:?}: {error}"))
            .unwrap_or_else(|| panic!("{name:?} is not there"))
    }

    async fn replace(&self, content: &'static str, over: Option<&Mark>) -> Result<(), ObjectError> {
        let content = Bytes::from_static(content.as_bytes());
        self.store.replace(NAME, content, over).await
    }

    /// Puts the content and gives its mark.
    async fn begin(&self, content: &'static str) -> Mark {
        self.replace(content, None).await.expect("a free name");
        self.read(NAME).await.1
    }
}

#[track_caller]
fn assert_refused(outcome: Result<(), ObjectError>) {
    assert!(
        matches!(&outcome, Err(ObjectError::Different { name }) if name == NAME),
        "{outcome:?}"
    );
}

async fn comes_back(tables: Tables) {
    let content = Bytes::from_iter((0..=255).cycle().take(100_000));
    let store = &tables.store;
    store
        .replace(NAME, content.clone(), None)
        .await
        .expect("put");
    let (found, mark) = tables.read(NAME).await;
    assert_eq!(found, content);
    assert_eq!(tables.read(NAME).await.1, mark, "nothing has changed");
    // It is an object like others to whoever reads, lists and removes.
    assert_eq!(tables.objects.get(NAME).await.expect("get"), content);
    let listed = tables.objects.list("ext/", None, 10).await.expect("list");
    assert_eq!(listed, [NAME]);
}

async fn none(tables: Tables) {
    tables.begin("one").await;
    for name in ["ext/other", "ext", "other"] {
        let found = tables.store.get(name).await.expect(name);
        assert_eq!(found, None, "{name}");
    }
}

async fn replaced(tables: Tables) {
    let mut mark = tables.begin("one").await;
    // The second is shorter, the last is what was there before the last but one.
    for content in ["two and more", "2", "two and more"] {
        let replaced = tables.replace(content, Some(&mark)).await;
        replaced.unwrap_or_else(|error| panic!("{content}: {error}"));
        let (found, now) = tables.read(NAME).await;
        assert_eq!(found, content);
        assert_ne!(now, mark, "{content}");
        mark = now;
    }
}

async fn over_another(tables: Tables) {
    let first = tables.begin("one").await;
    tables
        .replace("two", Some(&first))
        .await
        .expect("over its mark");
    assert_refused(tables.replace("three", Some(&first)).await);
    assert_eq!(tables.read(NAME).await.0, "two");
}

async fn without_mark(tables: Tables) {
    tables.begin("one").await;
    assert_refused(tables.replace("two", None).await);
    // Not even by the same: whoever writes must know what it was merged with.
    assert_refused(tables.replace("one", None).await);
    assert_eq!(tables.read(NAME).await.0, "one");
}

async fn over_nothing(tables: Tables) {
    let mark = tables.begin("one").await;
    tables.objects.delete(NAME).await.expect("delete");
    assert_refused(tables.replace("two", Some(&mark)).await);
    assert_eq!(tables.store.get(NAME).await.expect("get"), None);
    tables.replace("three", None).await.expect("a free name");
    assert_eq!(tables.read(NAME).await.0, "three");
}

async fn one_winner(tables: Tables) {
    let mut mark = None;
    for round in 0..2_u8 {
        let writers = (0..20_u8).map(|number| {
            let content = Bytes::from(vec![20 * round + number; 10_000]);
            tables.store.replace(NAME, content, mark.as_ref())
        });
        let outcomes = futures::future::join_all(writers).await;
        let winners: Vec<usize> = (0..20).filter(|&number| outcomes[number].is_ok()).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let is_expected = |outcome: &Result<(), ObjectError>| {
            matches!(outcome, Ok(()) | Err(ObjectError::Different { .. }))
        };
        assert!(outcomes.iter().all(is_expected), "{outcomes:?}");
        let (content, now) = tables.read(NAME).await;
        assert_eq!(content, vec![20 * round + winners[0] as u8; 10_000]);
        mark = Some(now);
    }
}

async fn large(tables: Tables) {
    let mark = tables.begin("small").await;
    let content = Bytes::from_iter((0..16_000_000_u32).map(|number| (number / 251) as u8));
    let store = &tables.store;
    store
        .replace(NAME, content.clone(), Some(&mark))
        .await
        .expect("replace");
    assert!(tables.read(NAME).await.0 == content);
}

async fn bad_names(tables: Tables) {
    let mark = Mark("any".into());
    for name in [
        "",
        "/",
        "/etc/passwd",
        "a//b",
        "a/",
        "../a",
        "a/../../b",
        "a/..",
        "./a",
    ] {
        for over in [None, Some(&mark)] {
            let content = Bytes::from_static(b"x");
            let outcome = tables.store.replace(name, content, over).await;
            assert!(outcome.is_err(), "replace {name:?}");
        }
        assert!(tables.store.get(name).await.is_err(), "get {name:?}");
    }
    let listed = tables.objects.list("", None, 100).await.expect("list");
    assert_eq!(listed, Vec::<String>::new());
}
