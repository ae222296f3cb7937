//! What every table must do: the list of cases, and those about single items.

use std::sync::Arc;

use casbah_model::ports::{Query, StateStore, StoreError};
use casbah_model::state::{Change, Condition, Item, Key, Set, Value, Write};
use serde_json::json;

use super::{Case, state_queries as queries, state_transactions as transactions};

pub(super) type Store = Arc<dyn StateStore>;

pub const CASES: &[Case<Store>] = &[
    ("reads answer in the order of the keys", |store| {
        Box::pin(reads(store))
    }),
    ("a write answers with the item afterwards", |store| {
        Box::pin(answers(store))
    }),
    ("each kind of condition holds when it should", |store| {
        Box::pin(conditions(store))
    }),
    (
        "a refused write changes nothing and shows the item",
        |store| Box::pin(refused(store)),
    ),
    ("an update creates an item that is absent", |store| {
        Box::pin(creates(store))
    }),
    ("adding to an absent attribute starts at zero", |store| {
        Box::pin(adds(store))
    }),
    ("values come back as they were", |store| {
        Box::pin(values(store))
    }),
    ("keys can have any characters", |store| {
        Box::pin(odd_keys(store))
    }),
    ("of twenty creations one wins", |store| {
        Box::pin(one_winner(store))
    }),
    ("of concurrent additions none is lost", |store| {
        Box::pin(no_lost_addition(store))
    }),
    ("a transaction writes everything", |store| {
        Box::pin(transactions::whole_transaction(store))
    }),
    (
        "a refused transaction writes nothing and names the write",
        |store| Box::pin(transactions::refused_transaction(store)),
    ),
    ("a check in a transaction guards the rest", |store| {
        Box::pin(transactions::checks(store))
    }),
    ("a repeated token is the same transaction", |store| {
        Box::pin(transactions::repeated_token(store))
    }),
    (
        "a refused transaction may come again with its token",
        |store| Box::pin(transactions::refused_token(store)),
    ),
    ("a transaction has at most a hundred writes", |store| {
        Box::pin(transactions::transaction_limit(store))
    }),
    ("a transaction has one write for a key", |store| {
        Box::pin(transactions::one_write_per_key(store))
    }),
    ("a query stays in its partition and prefix", |store| {
        Box::pin(queries::prefixes(store))
    }),
    ("a query goes on page by page in both directions", |store| {
        Box::pin(queries::pages(store))
    }),
    ("sort keys are ordered by their bytes", |store| {
        Box::pin(queries::byte_order(store))
    }),
    ("the index shows what is due, smallest first", |store| {
        Box::pin(queries::due_order(store))
    }),
    ("an item leaves the index with its attributes", |store| {
        Box::pin(queries::due_removal(store))
    }),
];

pub(super) fn item(fields: Value) -> Item {
    match fields {
        Value::Object(fields) => fields.into_iter().collect(),
        other => panic!("an item is an object, not {other}"),
    }
}

pub(super) fn key(sk: &str) -> Key {
    Key::new("P#1", sk)
}

pub(super) async fn put(store: &Store, key: Key, fields: Value) {
    store
        .write(Write::put(key, item(fields)))
        .await
        .expect("put");
}

pub(super) async fn read(store: &Store, key: Key) -> Option<Item> {
    store.get(&[key]).await.expect("get").remove(0)
}

async fn reads(store: Store) {
    for sk in ["a", "b", "c"] {
        put(&store, key(sk), json!({ "name": sk })).await;
    }
    let found = store
        .get(&[key("c"), key("none"), key("a"), Key::new("P#2", "b")])
        .await
        .expect("get");
    assert_eq!(
        found,
        [
            Some(item(json!({ "name": "c" }))),
            None,
            Some(item(json!({ "name": "a" }))),
            None
        ]
    );
    let hundred: Vec<Key> = (0..100)
        .map(|number| key(&format!("none{number}")))
        .collect();
    assert_eq!(store.get(&hundred).await.expect("get"), vec![None; 100]);
    assert_eq!(store.get(&[]).await.expect("get"), []);
}

async fn answers(store: Store) {
    let one = item(json!({ "v": 1, "st": "RUN" }));
    assert_eq!(
        store
            .write(Write::create(key("a"), one.clone()))
            .await
            .expect("create"),
        Some(one)
    );
    let sets = vec![
        Set::To("v", 2.into()),
        Set::Remove("st"),
        Set::To("own", "me".into()),
    ];
    let after = store
        .write(Write::update(key("a"), Condition::Exists, sets))
        .await
        .expect("update");
    assert_eq!(after, Some(item(json!({ "v": 2, "own": "me" }))));
    let replaced = store
        .write(Write::put(key("a"), item(json!({ "x": true }))))
        .await
        .expect("put");
    assert_eq!(replaced, Some(item(json!({ "x": true }))));
    for _ in 0..2 {
        let delete = Write {
            key: key("a"),
            condition: Condition::Always,
            change: Change::Delete,
        };
        assert_eq!(store.write(delete).await.expect("delete"), None);
    }
    assert_eq!(read(&store, key("a")).await, None);
}

async fn conditions(store: Store) {
    put(
        &store,
        key("a"),
        json!({ "n": 5, "f": 0.5, "t": "mm", "same": 5, "b": true }),
    )
    .await;
    let number = |number: i64| Value::from(number);
    let text = |text: &str| Value::from(text);
    let rows = [
        (Condition::Always, true, true),
        (Condition::Exists, true, false),
        (Condition::NotExists, false, true),
        (Condition::Equal("n", number(5)), true, false),
        (Condition::Equal("n", number(6)), false, false),
        (Condition::Equal("n", text("5")), false, false),
        (Condition::Equal("b", true.into()), true, false),
        (Condition::Equal("none", number(5)), false, false),
        (Condition::Less("n", number(6)), true, false),
        (Condition::Less("n", number(5)), false, false),
        (Condition::Less("n", number(10)), true, false),
        (Condition::Less("f", 0.75.into()), true, false),
        (Condition::Less("t", text("mmm")), true, false),
        (Condition::Less("t", text("ma")), false, false),
        (Condition::Less("none", number(9)), false, false),
        (Condition::LessOrEqual("n", number(5)), true, false),
        (Condition::LessOrEqual("n", number(4)), false, false),
        (Condition::Between("n", number(5), number(5)), true, false),
        (Condition::Between("n", number(6), number(9)), false, false),
        (Condition::Between("n", number(1), number(4)), false, false),
        (Condition::Same("n", "same"), true, false),
        (Condition::Same("n", "f"), false, false),
        (Condition::Same("n", "none"), false, false),
        (Condition::Absent("none"), true, true),
        (Condition::Absent("n"), false, true),
        (
            Condition::All(vec![Condition::Exists, Condition::Equal("t", text("mm"))]),
            true,
            false,
        ),
        (
            Condition::All(vec![Condition::Exists, Condition::Equal("t", text("no"))]),
            false,
            false,
        ),
        (
            Condition::Any(vec![Condition::NotExists, Condition::Equal("n", number(5))]),
            true,
            true,
        ),
        (
            Condition::Any(vec![
                Condition::Equal("n", number(1)),
                Condition::Absent("t"),
            ]),
            false,
            true,
        ),
    ];
    for (row, (condition, holds_with, holds_without)) in rows.into_iter().enumerate() {
        for (sk, expected) in [("a", holds_with), ("none", holds_without)] {
            // Neither changes anything, so that each row finds the same items.
            let change = if sk == "a" {
                Change::Update(vec![Set::To("n", 5.into())])
            } else {
                Change::Delete
            };
            let write = Write {
                key: key(sk),
                condition: condition.clone(),
                change,
            };
            let outcome = store.write(write.clone()).await;
            assert_eq!(
                outcome.is_ok(),
                expected,
                "{condition:?} on {sk}: {outcome:?}"
            );
            let outcome = store.transact(&format!("{row}-{sk}"), vec![write]).await;
            assert_eq!(
                outcome.is_ok(),
                expected,
                "{condition:?} on {sk} in a transaction: {outcome:?}"
            );
        }
    }
}

async fn refused(store: Store) {
    put(&store, key("a"), json!({ "v": 3, "list": [1, "two"] })).await;
    let stale = Write::update(
        key("a"),
        Condition::Equal("v", 2.into()),
        vec![Set::To("v", 4.into())],
    );
    for write in [stale, Write::create(key("a"), item(json!({ "v": 1 })))] {
        match store.write(write).await {
            Err(StoreError::Refused {
                index: 0,
                current: Some(current),
            }) => {
                assert_eq!(current, item(json!({ "v": 3, "list": [1, "two"] })));
            }
            other => panic!("{other:?}"),
        }
    }
    let absent = Write::update(
        key("none"),
        Condition::Equal("v", 2.into()),
        vec![Set::To("v", 4.into())],
    );
    let outcome = store.write(absent).await;
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
    assert_eq!(
        read(&store, key("a")).await,
        Some(item(json!({ "v": 3, "list": [1, "two"] })))
    );
    assert_eq!(read(&store, key("none")).await, None);
}

async fn creates(store: Store) {
    let sets = vec![Set::To("v", 1.into()), Set::Remove("none")];
    let after = store
        .write(Write::update(key("a"), Condition::NotExists, sets))
        .await
        .expect("update");
    assert_eq!(after, Some(item(json!({ "v": 1 }))));
    assert_eq!(read(&store, key("a")).await, after);
}

async fn adds(store: Store) {
    let add = |by: Value| Write::update(key("a"), Condition::Always, vec![Set::Add("n", by)]);
    for (by, expected) in [
        (json!(2), json!(2)),
        (json!(-7), json!(-5)),
        (json!(0.5), json!(-4.5)),
    ] {
        let after = store.write(add(by)).await.expect("add");
        assert_eq!(after, Some(item(json!({ "n": expected }))));
    }
}

async fn values(store: Store) {
    let whole = [
        0,
        -1,
        1_750_000_000_123,
        (1 << 53) - 1,
        1 - (1 << 53),
        i64::MAX,
        i64::MIN,
    ];
    let broken = [
        0.1,
        -2.5,
        0.1 + 0.2,
        1.0 / 3.0,
        123_456_789.123_456_7,
        1.7e-100,
        4.9e88,
        f64::EPSILON,
    ];
    let mut fields = item(json!({
        "text": "line\nbreak \"quoted\" é漢😀 \u{0} end", "empty": "", "yes": true, "no": false,
        "list": [1, "two", [3.25], { "four": 4 }], "map": { "a": { "b": [] } }, "long": "x".repeat(100_000),
        "very long name of an attribute, with 'quotes' and dots.": 1,
    }));
    fields.extend(
        whole
            .iter()
            .enumerate()
            .map(|(index, number)| (format!("whole{index}"), (*number).into())),
    );
    fields.extend(
        broken
            .iter()
            .enumerate()
            .map(|(index, number)| (format!("broken{index}"), (*number).into())),
    );
    store
        .write(Write::put(key("a"), fields.clone()))
        .await
        .expect("put");
    assert_eq!(read(&store, key("a")).await, Some(fields.clone()));
    let found = store
        .query(Query::prefix("P#1", "a"))
        .await
        .expect("query")
        .remove(0);
    assert_eq!(found.item, fields);
}

async fn odd_keys(store: Store) {
    let keys = [
        Key::new("C#é漢😀", "S#%_*?"),
        Key::new("C#' OR 1=1 --", "S#\"quoted\""),
        Key::new("C# ", "S#\n"),
        Key::new("C#e\u{301}", "S#e\u{301}"),
        Key::new("C#\u{e9}", "S#\u{e9}"),
        Key::new("c#a", "s#a"),
        Key::new("C#a", "S#a"),
        Key::new("C#a", "S#A"),
    ];
    for (number, key) in keys.iter().enumerate() {
        put(&store, key.clone(), json!({ "number": number })).await;
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(
            read(&store, key.clone()).await,
            Some(item(json!({ "number": number }))),
            "{key}"
        );
    }
    assert_eq!(
        queries::sort_keys(&store, Query::prefix("C#é漢😀", "S#%")).await,
        ["S#%_*?"]
    );
}

async fn one_winner(store: Store) {
    let create =
        |number: u64| store.write(Write::create(key("a"), item(json!({ "owner": number }))));
    let outcomes = futures::future::join_all((0..20).map(create)).await;
    let winners: Vec<usize> = (0..20).filter(|&number| outcomes[number].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    let winner = item(json!({ "owner": winners[0] }));
    for outcome in outcomes {
        match outcome {
            Ok(after) => assert_eq!(after.as_ref(), Some(&winner)),
            Err(StoreError::Refused { index: 0, current }) => {
                assert_eq!(current.as_ref(), Some(&winner))
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn no_lost_addition(store: Store) {
    let add = |_| {
        store.write(Write::update(
            key("a"),
            Condition::Always,
            vec![Set::Add("n", 1.into())],
        ))
    };
    for outcome in futures::future::join_all((0..50).map(add)).await {
        outcome.expect("add");
    }
    assert_eq!(read(&store, key("a")).await, Some(item(json!({ "n": 50 }))));
}
