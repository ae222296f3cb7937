//! What every table must do with transactions.

use casbah_model::ports::{Query, StoreError};
use casbah_model::state::{Change, Condition, Key, Set, TRANSACTION_WRITES_MAX, Write};
use serde_json::json;

use super::state::{Store, item, key, put, read};
use super::state_queries::sort_keys;

pub(super) async fn whole_transaction(store: Store) {
    put(&store, key("gone"), json!({ "v": 1 })).await;
    let writes = vec![
        Write::create(key("new"), item(json!({ "v": 1 }))),
        Write::update(
            Key::new("P#2", "run"),
            Condition::Always,
            vec![Set::Add("done", 1.into())],
        ),
        Write {
            key: key("gone"),
            condition: Condition::Exists,
            change: Change::Delete,
        },
    ];
    store.transact("token", writes).await.expect("transact");
    let found = store
        .get(&[key("new"), Key::new("P#2", "run"), key("gone")])
        .await
        .expect("get");
    assert_eq!(
        found,
        [
            Some(item(json!({ "v": 1 }))),
            Some(item(json!({ "done": 1 }))),
            None
        ]
    );
}

pub(super) async fn refused_transaction(store: Store) {
    put(&store, key("taken"), json!({ "v": 9 })).await;
    let writes = vec![
        Write::create(key("new"), item(json!({ "v": 1 }))),
        Write::update(
            key("taken"),
            Condition::Equal("v", 8.into()),
            vec![Set::To("v", 10.into())],
        ),
        Write::create(key("newer"), item(json!({ "v": 1 }))),
    ];
    match store.transact("token", writes).await {
        Err(StoreError::Refused {
            index: 1,
            current: Some(current),
        }) => assert_eq!(current, item(json!({ "v": 9 }))),
        other => panic!("{other:?}"),
    }
    let found = store
        .get(&[key("new"), key("taken"), key("newer")])
        .await
        .expect("get");
    assert_eq!(found, [None, Some(item(json!({ "v": 9 }))), None]);
}

pub(super) async fn checks(store: Store) {
    put(&store, key("connection"), json!({ "st": "ACTIVE" })).await;
    let writes = |sk: &str, st: &str| {
        let condition = Condition::Equal("st", st.into());
        let check = Write {
            key: key("connection"),
            condition,
            change: Change::Check,
        };
        vec![check, Write::create(key(sk), item(json!({ "v": 1 })))]
    };
    store
        .transact("one", writes("a", "ACTIVE"))
        .await
        .expect("transact");
    let outcome = store.transact("two", writes("b", "PAUSED")).await;
    assert!(
        matches!(
            outcome,
            Err(StoreError::Refused {
                index: 0,
                current: Some(_)
            })
        ),
        "{outcome:?}"
    );
    assert_eq!(
        sort_keys(&store, Query::prefix("P#1", "")).await,
        ["a", "connection"]
    );
    assert_eq!(
        read(&store, key("connection")).await,
        Some(item(json!({ "st": "ACTIVE" })))
    );
}

pub(super) async fn repeated_token(store: Store) {
    let add = || {
        vec![Write::update(
            key("a"),
            Condition::Always,
            vec![Set::Add("n", 1.into())],
        )]
    };
    let create = || vec![Write::create(key("b"), item(json!({ "v": 1 })))];
    for _ in 0..3 {
        store.transact("add-1", add()).await.expect("transact");
        store
            .transact("create-1", create())
            .await
            .expect("its condition held when it was done");
    }
    assert_eq!(read(&store, key("a")).await, Some(item(json!({ "n": 1 }))));
    store
        .transact("add-2", add())
        .await
        .expect("another transaction");
    assert_eq!(read(&store, key("a")).await, Some(item(json!({ "n": 2 }))));
    let outcome = store.transact("add-1", create()).await;
    assert!(
        matches!(outcome, Err(StoreError::Unavailable { .. })),
        "a token for other writes: {outcome:?}"
    );
}

pub(super) async fn refused_token(store: Store) {
    let writes = || {
        vec![Write::update(
            key("a"),
            Condition::Exists,
            vec![Set::Add("n", 1.into())],
        )]
    };
    let outcome = store.transact("token", writes()).await;
    assert!(
        matches!(
            outcome,
            Err(StoreError::Refused {
                index: 0,
                current: None
            })
        ),
        "{outcome:?}"
    );
    put(&store, key("a"), json!({ "n": 1 })).await;
    store
        .transact("token", writes())
        .await
        .expect("its condition holds now");
    assert_eq!(read(&store, key("a")).await, Some(item(json!({ "n": 2 }))));
}

pub(super) async fn transaction_limit(store: Store) {
    let writes = |count: usize| -> Vec<Write> {
        (0..count)
            .map(|number| Write::create(key(&format!("{number:03}")), item(json!({ "v": number }))))
            .collect()
    };
    let outcome = store
        .transact("too many", writes(TRANSACTION_WRITES_MAX + 1))
        .await;
    assert!(
        matches!(outcome, Err(StoreError::Unavailable { .. })),
        "{outcome:?}"
    );
    assert_eq!(
        sort_keys(&store, Query::prefix("P#1", "")).await,
        Vec::<String>::new()
    );
    store
        .transact("most", writes(TRANSACTION_WRITES_MAX))
        .await
        .expect("transact");
    assert_eq!(
        sort_keys(&store, Query::prefix("P#1", "")).await.len(),
        TRANSACTION_WRITES_MAX
    );
}

pub(super) async fn one_write_per_key(store: Store) {
    let writes = vec![
        Write::put(key("a"), item(json!({ "v": 1 }))),
        Write::update(key("a"), Condition::Always, vec![Set::Add("v", 1.into())]),
    ];
    let outcome = store.transact("token", writes).await;
    assert!(
        matches!(outcome, Err(StoreError::Unavailable { .. })),
        "{outcome:?}"
    );
    assert_eq!(read(&store, key("a")).await, None);
}
