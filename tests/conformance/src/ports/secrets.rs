//! What every secret store must do.

use std::sync::Arc;

use casbah_model::ports::{SecretError, SecretStore};
use casbah_model::secret::Secret;

use super::Case;

type Store = Arc<dyn SecretStore>;

pub const CASES: &[Case<Store>] = &[
    ("a secret comes back as it was", |store| {
        Box::pin(comes_back(store))
    }),
    ("a secret can have any characters", |store| {
        Box::pin(any_characters(store))
    }),
    ("a secret that is not there is not found", |store| {
        Box::pin(not_found(store))
    }),
    ("a second put replaces the first", |store| {
        Box::pin(replaced(store))
    }),
    ("a deleted secret is gone and the others stay", |store| {
        Box::pin(deleted(store))
    }),
    ("errors hold nothing of a secret", |store| {
        Box::pin(silent(store))
    }),
];

async fn comes_back(store: Store) {
    store.put("one", &Secret::new("alpha")).await.expect("put");
    store.put("two", &Secret::new("beta")).await.expect("put");
    assert_eq!(store.get("one").await.expect("get").reveal(), "alpha");
    assert_eq!(store.get("two").await.expect("get").reveal(), "beta");
}

async fn any_characters(store: Store) {
    let value = "-----BEGIN PRIVATE KEY-----\nMII\"\\/\t{}\u{1}é漢😀\n-----END PRIVATE KEY-----\n"
        .repeat(20);
    store
        .put("connection-with_signs.1", &Secret::new(value.clone()))
        .await
        .expect("put");
    assert_eq!(
        store
            .get("connection-with_signs.1")
            .await
            .expect("get")
            .reveal(),
        value
    );
}

async fn not_found(store: Store) {
    let error = store.get("nobody").await.expect_err("it was never put");
    assert!(
        matches!(&error, SecretError::NotFound { name } if name == "nobody"),
        "{error}"
    );
}

async fn replaced(store: Store) {
    store
        .put("one", &Secret::new("a longer first value"))
        .await
        .expect("put");
    store.put("one", &Secret::new("second")).await.expect("put");
    assert_eq!(store.get("one").await.expect("get").reveal(), "second");
}

async fn deleted(store: Store) {
    store.put("one", &Secret::new("alpha")).await.expect("put");
    store.put("two", &Secret::new("beta")).await.expect("put");
    store.delete("one").await.expect("delete");
    store
        .delete("one")
        .await
        .expect("deleting again changes nothing");
    assert!(matches!(
        store.get("one").await,
        Err(SecretError::NotFound { .. })
    ));
    assert_eq!(store.get("two").await.expect("get").reveal(), "beta");
}

async fn silent(store: Store) {
    store
        .put("one", &Secret::new("hunter2"))
        .await
        .expect("put");
    let error = store.get("other").await.expect_err("it was never put");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
