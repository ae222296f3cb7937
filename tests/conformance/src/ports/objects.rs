//! What every object store must do.

use std::sync::Arc;

use bytes::Bytes;
use casbah_model::ports::{ObjectError, ObjectStore};

use super::Case;

type Store = Arc<dyn ObjectStore>;

pub const CASES: &[Case<Store>] = &[
    ("an object comes back as it was", |store| {
        Box::pin(comes_back(store))
    }),
    ("an object that is not there is not found", |store| {
        Box::pin(not_found(store))
    }),
    (
        "the same bytes under the same name are a success",
        |store| Box::pin(same_again(store)),
    ),
    ("other bytes under the same name are refused", |store| {
        Box::pin(different(store))
    }),
    ("of twenty writers with different bytes one wins", |store| {
        Box::pin(one_winner(store))
    }),
    ("an object can be empty", |store| Box::pin(empty(store))),
    ("an object can have sixteen megabytes", |store| {
        Box::pin(large(store))
    }),
    ("names come in the order of their bytes", |store| {
        Box::pin(order(store))
    }),
    ("a prefix may end inside a segment", |store| {
        Box::pin(prefixes(store))
    }),
    ("a listing goes on page by page", |store| {
        Box::pin(pages(store))
    }),
    ("odd names come back as they were", |store| {
        Box::pin(odd_names(store))
    }),
    ("names that leave the store are refused", |store| {
        Box::pin(bad_names(store))
    }),
    ("a deleted object is gone and its name is free", |store| {
        Box::pin(deleted(store))
    }),
];

async fn put(store: &Store, name: &str) {
    store
        .put(name, Bytes::from(name.to_string()))
        .await
        .unwrap_or_else(|error| panic!("put {name:?}: {error}"));
}

async fn list(store: &Store, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    store
        .list(prefix, after, limit)
        .await
        .unwrap_or_else(|error| panic!("list {prefix:?}: {error}"))
}

async fn comes_back(store: Store) {
    let content = Bytes::from_iter((0..=255).cycle().take(100_000));
    store
        .put("raw/v1/a.jsonl.zst", content.clone())
        .await
        .expect("put");
    assert_eq!(store.get("raw/v1/a.jsonl.zst").await.expect("get"), content);
}

async fn not_found(store: Store) {
    put(&store, "raw/one").await;
    for name in ["raw/two", "other", "raw", "raw/one/more"] {
        let error = store.get(name).await.expect_err(name);
        assert!(
            matches!(&error, ObjectError::NotFound { name: missing } if missing == name),
            "{name}: {error}"
        );
    }
}

async fn same_again(store: Store) {
    for _ in 0..3 {
        store
            .put("a/b", Bytes::from_static(b"content"))
            .await
            .expect("put");
    }
    assert_eq!(list(&store, "", None, 10).await, ["a/b"]);
}

async fn different(store: Store) {
    store
        .put("a/b", Bytes::from_static(b"content"))
        .await
        .expect("put");
    for other in ["Content", "content ", "", "conten"] {
        let error = store.put("a/b", Bytes::from(other)).await.expect_err(other);
        assert!(
            matches!(&error, ObjectError::Different { name } if name == "a/b"),
            "{other:?}: {error}"
        );
    }
    assert_eq!(store.get("a/b").await.expect("get"), "content");
}

async fn one_winner(store: Store) {
    let writers = (0..20_u8).map(|number| store.put("race/one", Bytes::from(vec![number; 10_000])));
    let outcomes = futures::future::join_all(writers).await;
    let winners: Vec<usize> = (0..20).filter(|&number| outcomes[number].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert_eq!(
        store.get("race/one").await.expect("get"),
        vec![winners[0] as u8; 10_000]
    );
    let is_expected = |outcome: &Result<(), ObjectError>| {
        matches!(outcome, Ok(()) | Err(ObjectError::Different { .. }))
    };
    assert!(outcomes.iter().all(is_expected), "{outcomes:?}");
}

async fn empty(store: Store) {
    store.put("empty", Bytes::new()).await.expect("put");
    assert!(store.get("empty").await.expect("get").is_empty());
    assert_eq!(list(&store, "", None, 10).await, ["empty"]);
}

async fn large(store: Store) {
    let mut state = 1_u32;
    let content = Bytes::from_iter((0..16_000_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    store.put("large", content.clone()).await.expect("put");
    assert!(store.get("large").await.expect("get") == content);
    store.put("large", content).await.expect("the same again");
}

/// Names where the order of folders and the order of whole names differ.
const UNORDERED: [&str; 8] = ["a/z", "a-b", "a0", "b/c/d", "a.b/c", "a/b/c", "B", "b!"];
const ORDERED: [&str; 8] = ["B", "a-b", "a.b/c", "a/b/c", "a/z", "a0", "b!", "b/c/d"];

async fn order(store: Store) {
    for name in UNORDERED {
        put(&store, name).await;
    }
    assert_eq!(list(&store, "", None, 100).await, ORDERED);
}

async fn prefixes(store: Store) {
    for name in ORDERED {
        put(&store, name).await;
    }
    assert_eq!(
        list(&store, "a", None, 100).await,
        ["a-b", "a.b/c", "a/b/c", "a/z", "a0"]
    );
    assert_eq!(list(&store, "a/", None, 100).await, ["a/b/c", "a/z"]);
    assert_eq!(list(&store, "a/b", None, 100).await, ["a/b/c"]);
    assert_eq!(list(&store, "a.b/c", None, 100).await, ["a.b/c"]);
    assert_eq!(
        list(&store, "a/b/c/", None, 100).await,
        Vec::<String>::new()
    );
    assert_eq!(
        list(&store, "nothing/here", None, 100).await,
        Vec::<String>::new()
    );
}

async fn pages(store: Store) {
    let names: Vec<String> = (0..30)
        .map(|number| format!("p/{}/{number:02}", number % 3))
        .collect();
    for name in &names {
        put(&store, name).await;
    }
    let whole = list(&store, "p/", None, 100).await;
    assert_eq!(whole.len(), 30);
    for size in [1, 7, 30] {
        let mut paged: Vec<String> = Vec::new();
        loop {
            let page = list(&store, "p/", paged.last().map(String::as_str), size).await;
            assert!(page.len() <= size);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, whole, "pages of {size}");
    }
    assert_eq!(
        list(&store, "p/", Some("p/1"), 1).await,
        ["p/1/01"],
        "a start that is no object"
    );
    assert_eq!(
        list(&store, "p/1", Some("a"), 1).await,
        ["p/1/01"],
        "a start before the prefix"
    );
    assert_eq!(
        list(&store, "p/1", Some("q"), 1).await,
        Vec::<String>::new(),
        "a start behind the prefix"
    );
}

async fn odd_names(store: Store) {
    let mut names = [
        "vendor=m365/conn=c1.1/dt=2026-01-02/act0/0001-000000000012-00000007-0.jsonl.zst",
        "percent/100%",
        "percent/%2F",
        "percent/a%20b",
        "signs/a b+c&d=e,f;g:h@i!j'k(l)m$",
        "signs/[x]{y}~z^`|\\\"<>?*",
        "hash/file#1",
        "hash/#",
        "dots/...",
        "dots/.hidden",
        "unicode/é漢😀",
        "unicode/e\u{301}",
    ];
    names.sort_unstable();
    for name in names {
        put(&store, name).await;
    }
    assert_eq!(list(&store, "", None, 100).await, names);
    for name in names {
        assert_eq!(store.get(name).await.expect(name), name);
        store.delete(name).await.expect(name);
    }
    assert_eq!(list(&store, "", None, 100).await, Vec::<String>::new());
}

async fn bad_names(store: Store) {
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
        assert!(
            store.put(name, Bytes::from_static(b"x")).await.is_err(),
            "put {name:?}"
        );
        assert!(store.get(name).await.is_err(), "get {name:?}");
        assert!(store.delete(name).await.is_err(), "delete {name:?}");
    }
    assert_eq!(list(&store, "", None, 100).await, Vec::<String>::new());
}

async fn deleted(store: Store) {
    put(&store, "a/b/one").await;
    put(&store, "a/two").await;
    for _ in 0..2 {
        store
            .delete("a/b/one")
            .await
            .expect("deleting again changes nothing");
    }
    store
        .delete("never/was")
        .await
        .expect("nor does deleting what never was");
    assert!(matches!(
        store.get("a/b/one").await,
        Err(ObjectError::NotFound { .. })
    ));
    assert_eq!(list(&store, "", None, 10).await, ["a/two"]);
    store
        .put("a/b/one", Bytes::from_static(b"new"))
        .await
        .expect("the name is free");
    assert_eq!(store.get("a/b/one").await.expect("get"), "new");
}
