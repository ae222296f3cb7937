//! What every table must do with queries and its index.

use std::time::Duration;

use casbah_model::ports::Query;
use casbah_model::state::{Change, Condition, INDEX_ORDER, INDEX_PARTITION, Key, Set, Write};
use serde_json::json;

use super::state::{Store, item, key, put, read};

pub(super) async fn sort_keys(store: &Store, query: Query) -> Vec<String> {
    store
        .query(query)
        .await
        .expect("query")
        .into_iter()
        .map(|keyed| keyed.key.sk)
        .collect()
}

pub(super) async fn prefixes(store: Store) {
    for sk in ["S", "S#", "S#a", "S#a#1", "S#b", "S$", "T#a"] {
        put(&store, key(sk), json!({ "v": 1 })).await;
    }
    put(&store, Key::new("P#10", "S#c"), json!({ "v": 1 })).await;
    assert_eq!(
        sort_keys(&store, Query::prefix("P#1", "S#")).await,
        ["S#", "S#a", "S#a#1", "S#b"]
    );
    assert_eq!(
        sort_keys(&store, Query::prefix("P#1", "S#a")).await,
        ["S#a", "S#a#1"]
    );
    assert_eq!(sort_keys(&store, Query::prefix("P#1", "")).await.len(), 7);
    assert_eq!(
        sort_keys(&store, Query::prefix("P#1", "U")).await,
        Vec::<String>::new()
    );
    assert_eq!(
        sort_keys(&store, Query::prefix("P#3", "")).await,
        Vec::<String>::new()
    );
    let after = |after: &str| Query {
        after: Some(after.into()),
        ..Query::prefix("P#1", "S#")
    };
    assert_eq!(sort_keys(&store, after("S#a")).await, ["S#a#1", "S#b"]);
    assert_eq!(
        sort_keys(&store, after("A")).await.len(),
        4,
        "a start before the prefix"
    );
    assert_eq!(
        sort_keys(&store, after("T")).await,
        Vec::<String>::new(),
        "a start behind the prefix"
    );
    let before = |before: &str| Query {
        is_descending: true,
        ..after(before)
    };
    assert_eq!(
        sort_keys(&store, before("S#b")).await,
        ["S#a#1", "S#a", "S#"]
    );
    assert_eq!(
        sort_keys(&store, before("T")).await.len(),
        4,
        "a start behind the prefix"
    );
    assert_eq!(
        sort_keys(&store, before("A")).await,
        Vec::<String>::new(),
        "a start before the prefix"
    );
}

pub(super) async fn pages(store: Store) {
    let all: Vec<String> = (0..25).map(|number| format!("M#{number:04}")).collect();
    for (number, sk) in all.iter().enumerate() {
        put(&store, key(sk), json!({ "number": number })).await;
    }
    for (is_descending, limit) in [
        (false, 1),
        (false, 7),
        (false, 25),
        (true, 1),
        (true, 7),
        (true, 100),
    ] {
        let mut paged: Vec<String> = Vec::new();
        loop {
            let query = Query {
                after: paged.last().cloned(),
                is_descending,
                limit,
                ..Query::prefix("P#1", "M#")
            };
            let page = sort_keys(&store, query).await;
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        if is_descending {
            paged.reverse();
        }
        assert_eq!(paged, all, "limit {limit}, descending {is_descending}");
    }
}

pub(super) async fn byte_order(store: Store) {
    let ordered = [
        "B",
        "a",
        "a\u{1}",
        "a#",
        "a10",
        "a9",
        "aa",
        "z",
        "é",
        "漢",
        "\u{ffff}",
        "😀",
        "\u{10ffff}",
    ];
    for sk in ordered.iter().rev() {
        put(&store, key(sk), json!({ "v": 1 })).await;
    }
    assert_eq!(sort_keys(&store, Query::prefix("P#1", "")).await, ordered);
    let last = sort_keys(&store, Query::prefix("P#1", "\u{10ffff}")).await;
    assert_eq!(last, ["\u{10ffff}"], "a prefix with nothing above it");
}

/// Asks until the index has caught up, for five seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "an adapter's index lags in real time"
)]
async fn expect_due(
    store: &Store,
    (partition, up_to, limit): (&str, i64, usize),
    expected: &[&str],
) {
    let mut found = Vec::new();
    for _ in 0..50 {
        let due = store.due(partition, up_to, limit).await.expect("due");
        found = due.into_iter().map(|keyed| keyed.key.sk).collect();
        if found == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("due in {partition} up to {up_to}: {found:?}, not {expected:?}");
}

pub(super) async fn due_order(store: Store) {
    for (sk, partition, order) in [
        ("late", "W#1", 300),
        ("soon", "W#1", 100),
        ("mid", "W#1", 200),
        ("other", "W#2", 1),
    ] {
        put(
            &store,
            key(sk),
            json!({ INDEX_PARTITION: partition, INDEX_ORDER: order, "v": 1 }),
        )
        .await;
    }
    put(&store, key("nowhere"), json!({ "v": 1 })).await;
    put(&store, key("no partition"), json!({ INDEX_ORDER: 1 })).await;
    put(&store, key("no order"), json!({ INDEX_PARTITION: "W#1" })).await;
    expect_due(&store, ("W#1", 300, 10), &["soon", "mid", "late"]).await;
    expect_due(&store, ("W#1", 299, 10), &["soon", "mid"]).await;
    expect_due(&store, ("W#1", 99, 10), &[]).await;
    expect_due(&store, ("W#1", 300, 2), &["soon", "mid"]).await;
    expect_due(&store, ("W#2", i64::MAX, 10), &["other"]).await;
    let found = store.due("W#1", 100, 1).await.expect("due").remove(0);
    assert_eq!(found.key, key("soon"));
    assert_eq!(
        found.item,
        item(json!({ INDEX_PARTITION: "W#1", INDEX_ORDER: 100, "v": 1 }))
    );
}

pub(super) async fn due_removal(store: Store) {
    for (sk, order) in [("a", 1), ("b", 2), ("c", 3)] {
        put(
            &store,
            key(sk),
            json!({ INDEX_PARTITION: "W#1", INDEX_ORDER: order }),
        )
        .await;
    }
    expect_due(&store, ("W#1", 9, 10), &["a", "b", "c"]).await;
    let leave = vec![
        Set::Remove(INDEX_PARTITION),
        Set::Remove(INDEX_ORDER),
        Set::To("st", "DONE".into()),
    ];
    let delete = Write {
        key: key("b"),
        condition: Condition::Always,
        change: Change::Delete,
    };
    store
        .transact(
            "token",
            vec![Write::update(key("a"), Condition::Exists, leave), delete],
        )
        .await
        .expect("transact");
    store
        .write(Write::update(
            key("c"),
            Condition::Exists,
            vec![Set::To(INDEX_ORDER, 8.into())],
        ))
        .await
        .expect("move");
    expect_due(&store, ("W#1", 7, 10), &[]).await;
    expect_due(&store, ("W#1", 9, 10), &["c"]).await;
    assert_eq!(
        read(&store, key("a")).await,
        Some(item(json!({ "st": "DONE" })))
    );
}
