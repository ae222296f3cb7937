//! What the local adapters promise beyond the contracts of their ports.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use casbah_model::SignedDuration;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{
    Clock, ObjectStore, Queue, Receipt, SecretError, SecretStore, StateStore, StoreError,
};
use casbah_model::secret::Secret;
use casbah_model::state::{Condition, EXPIRES, Item, Key, Set, Write};
use casbah_platform_local::{
    FileSecrets, FolderObjects, ManualClock, MemoryQueue, QueueSettings, SqliteState,
};
use tempfile::TempDir;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(
        "2026-01-01T00:00:00Z".parse().expect("a time"),
    ))
}

fn item(name: &str, number: i64) -> Item {
    Item::from([(name.to_string(), number.into())])
}

fn add_one(key: Key) -> Write {
    Write::update(key, Condition::Always, vec![Set::Add("n", 1.into())])
}

#[tokio::test]
async fn what_was_written_is_there_after_the_process_was_killed() {
    let folder = TempDir::new().expect("a folder");
    let living = SqliteState::open(&folder.path().join("state.db"), clock()).expect("open");
    living
        .write(Write::create(Key::new("p", "a"), item("n", 7)))
        .await
        .expect("write");
    living
        .transact("token", vec![add_one(Key::new("p", "b"))])
        .await
        .expect("transact");
    // What a kill leaves: the files as they are, the log not yet merged.
    let left = TempDir::new().expect("a folder");
    for file in ["state.db", "state.db-wal"] {
        std::fs::copy(folder.path().join(file), left.path().join(file)).expect("copy");
    }
    let next = SqliteState::open(&left.path().join("state.db"), clock()).expect("open");
    next.transact("token", vec![add_one(Key::new("p", "b"))])
        .await
        .expect("the token is known");
    let found = next
        .get(&[Key::new("p", "a"), Key::new("p", "b")])
        .await
        .expect("get");
    assert_eq!(found, [Some(item("n", 7)), Some(item("n", 1))]);
}

#[test]
fn of_creations_through_two_connections_one_wins() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    for round in 0..50 {
        let start = Barrier::new(2);
        let create = |number: i64| {
            let store = SqliteState::open(&path, clock()).expect("open");
            let write = Write::create(Key::new("p", format!("{round}")), item("owner", number));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime");
            start.wait();
            runtime.block_on(store.write(write))
        };
        let outcomes = std::thread::scope(|scope| {
            let threads = [scope.spawn(|| create(0)), scope.spawn(|| create(1))];
            threads.map(|thread| thread.join().expect("no panic"))
        });
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(winners, 1, "{outcomes:?}");
        let is_refused =
            |outcome: &Result<_, StoreError>| matches!(outcome, Err(StoreError::Refused { .. }));
        assert!(outcomes.iter().any(is_refused), "{outcomes:?}");
    }
}

#[tokio::test]
async fn expired_items_go_with_time() {
    let clock = clock();
    let store = SqliteState::in_memory(clock.clone()).expect("open");
    let now = clock.now().as_second();
    for (sk, seconds) in [("soon", 30), ("later", 300)] {
        store
            .write(Write::put(Key::new("p", sk), item(EXPIRES, now + seconds)))
            .await
            .expect("put");
    }
    store
        .write(Write::put(Key::new("p", "never"), item("n", 1)))
        .await
        .expect("put");
    let names = || async {
        let all = store.scan(None, 10).expect("scan");
        all.into_iter()
            .filter(|keyed| keyed.key.pk == "p")
            .map(|keyed| keyed.key.sk)
            .collect::<Vec<_>>()
    };
    for (wait, left) in [
        (0, vec!["later", "never", "soon"]),
        (90, vec!["later", "never"]),
        (300, vec!["never"]),
    ] {
        clock.advance(Duration::from_secs(wait));
        store
            .transact(
                &format!("after-{wait}"),
                vec![add_one(Key::new("other", "a"))],
            )
            .await
            .expect("transact");
        assert_eq!(names().await, left, "after {wait} more seconds");
    }
    assert_eq!(store.sweep_expired(clock.now()).expect("sweep"), 0);
}

#[tokio::test]
async fn a_token_is_forgotten_after_ten_minutes() {
    let clock = clock();
    let store = SqliteState::in_memory(clock.clone()).expect("open");
    for (wait, expected) in [(0, 1), (599, 1), (2, 2), (0, 2)] {
        clock.advance(Duration::from_secs(wait));
        store
            .transact("token", vec![add_one(Key::new("p", "a"))])
            .await
            .expect("transact");
        let found = store.get(&[Key::new("p", "a")]).await.expect("get");
        assert_eq!(found, [Some(item("n", expected))]);
    }
}

#[tokio::test]
async fn a_scan_shows_everything_page_by_page() {
    let store = SqliteState::in_memory(clock()).expect("open");
    let mut keys: Vec<Key> = (0..40)
        .map(|n| Key::new(format!("p{}", n % 7), format!("s{n}")))
        .collect();
    for key in &keys {
        store
            .write(Write::put(key.clone(), item("n", 1)))
            .await
            .expect("put");
    }
    keys.sort();
    let mut found: Vec<Key> = Vec::new();
    loop {
        let page = store.scan(found.last(), 9).expect("scan");
        if page.is_empty() {
            break;
        }
        found.extend(page.into_iter().map(|keyed| keyed.key));
    }
    assert_eq!(found, keys);
}

#[tokio::test]
async fn a_file_that_is_no_table_is_named() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("state.db");
    std::fs::write(
        &path,
        "a letter to my aunt, which is not a table at all\n".repeat(100),
    )
    .expect("write");
    let error = SqliteState::open(&path, clock())
        .map(drop)
        .expect_err("it is no table");
    assert_eq!(
        error.to_string(),
        format!(
            "the table cannot be used: {}: it is not a file of this program",
            path.display()
        )
    );
}

#[tokio::test]
async fn the_queue_tells_when_it_is_worth_a_look() {
    let clock = clock();
    let start = clock.now();
    let queue = MemoryQueue::new(QueueSettings::default(), clock.clone());
    assert!(queue.is_empty());
    assert_eq!(queue.next_visible(), None);
    queue
        .send(&Message::Sweep, Duration::from_secs(90))
        .await
        .expect("send");
    let seconds = |seconds| Some(start + SignedDuration::from_secs(seconds));
    assert_eq!(
        (queue.next_visible(), queue.is_empty()),
        (seconds(90), false)
    );
    clock.advance(Duration::from_secs(100));
    let delivery = queue
        .receive(Stage::Sweep, 1)
        .await
        .expect("receive")
        .remove(0);
    assert_eq!(
        (queue.next_visible(), queue.is_empty()),
        (seconds(100 + 720), false)
    );
    queue.delete(&delivery.receipt).await.expect("delete");
    assert_eq!((queue.next_visible(), queue.is_empty()), (None, true));
}

#[tokio::test]
async fn messages_come_in_the_order_of_their_time_then_of_sending() {
    let clock = clock();
    let queue = MemoryQueue::new(QueueSettings::default(), clock.clone());
    for (version, delay) in [(1, 20), (2, 10), (3, 0), (4, 10), (5, 0)] {
        let key = Key::new("p", "s");
        let message = Message::Look {
            stage: Stage::Test,
            key,
            version,
            ticket: None,
        };
        queue
            .send(&message, Duration::from_secs(delay))
            .await
            .expect("send");
    }
    clock.advance(Duration::from_secs(20));
    let mut versions = Vec::new();
    for delivery in queue.receive(Stage::Test, 10).await.expect("receive") {
        if let Message::Look { version, .. } = delivery.message {
            versions.push(version);
        }
    }
    assert_eq!(versions, [3, 5, 2, 4, 1]);
}

#[tokio::test]
async fn a_message_received_too_often_becomes_a_dead_letter() {
    let clock = clock();
    let queue = MemoryQueue::new(
        QueueSettings {
            receives_max: 2,
            visibility: Duration::from_secs(10),
        },
        clock.clone(),
    );
    queue
        .send(&Message::Sweep, Duration::ZERO)
        .await
        .expect("send");
    for receives in [1, 2] {
        assert_eq!(
            queue.receive(Stage::Sweep, 1).await.expect("receive")[0].receives,
            receives
        );
        assert!(queue.dead_letters().is_empty());
        clock.advance(Duration::from_secs(10));
    }
    assert_eq!(queue.receive(Stage::Sweep, 1).await.expect("receive"), []);
    assert_eq!(queue.dead_letters(), [Message::Sweep]);
    assert!(queue.is_empty());
}

#[tokio::test]
async fn a_stale_receipt_deletes_nothing_and_a_foreign_one_is_an_error() {
    let clock = clock();
    let queue = MemoryQueue::new(QueueSettings::default(), clock.clone());
    queue
        .send(&Message::Sweep, Duration::ZERO)
        .await
        .expect("send");
    let stale = queue
        .receive(Stage::Sweep, 1)
        .await
        .expect("receive")
        .remove(0);
    clock.advance(Duration::from_secs(720));
    let current = queue
        .receive(Stage::Sweep, 1)
        .await
        .expect("receive")
        .remove(0);
    queue.delete(&stale.receipt).await.expect("no error");
    assert!(!queue.is_empty());
    queue.delete(&current.receipt).await.expect("delete");
    assert!(queue.is_empty());
    let foreign = Receipt {
        stage: Stage::Sweep,
        token: "AQEB".into(),
    };
    assert!(queue.delete(&foreign).await.is_err());
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path)
        .expect("metadata")
        .permissions()
        .mode()
        & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

#[tokio::test]
async fn the_secret_file_is_for_its_owner_only_from_its_first_write() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("secrets.json");
    // What a crash may have left, with rights that are too wide.
    std::fs::write(folder.path().join("secrets.json.new"), "{").expect("write");
    let secrets = FileSecrets::open(&path).expect("open");
    assert!(!path.exists(), "nothing to keep yet");
    for value in ["one", "two"] {
        secrets.put("c1", &Secret::new(value)).await.expect("put");
        assert_eq!(mode(&path), 0o600);
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a listing").count(),
        1,
        "nothing is left beside it"
    );
    assert_eq!(
        FileSecrets::open(&path)
            .expect("open")
            .get("c1")
            .await
            .expect("get")
            .reveal(),
        "two"
    );
}

#[tokio::test]
async fn a_secret_file_that_others_can_read_is_refused_with_the_command_that_helps() {
    let folder = TempDir::new().expect("a folder");
    for (name, typed) in [
        ("secrets.json", "secrets.json"),
        ("it's mine.json", r"it'\''s mine.json"),
    ] {
        let path = folder.path().join(name);
        let secrets = FileSecrets::open(&path).expect("open");
        secrets
            .put("c1", &Secret::new("hunter2"))
            .await
            .expect("put");
        let whole = folder.path().join(typed).display().to_string();
        let command = if typed.contains(' ') {
            format!("chmod 600 '{whole}'")
        } else {
            format!("chmod 600 {whole}")
        };
        for wide in [0o644, 0o640, 0o604, 0o660] {
            set_mode(&path, wide);
            let errors = [
                FileSecrets::open(&path).map(drop).expect_err("open"),
                secrets.get("c1").await.map(drop).expect_err("get"),
                secrets.put("c1", &Secret::new("x")).await.expect_err("put"),
                secrets.delete("c1").await.expect_err("delete"),
            ];
            for error in errors {
                assert!(matches!(error, SecretError::Unsafe { .. }), "{error}");
                assert!(
                    error.to_string().ends_with(&command),
                    "{error} should end with {command}"
                );
            }
        }
        set_mode(&path, 0o600);
        assert_eq!(secrets.get("c1").await.expect("get").reveal(), "hunter2");
    }
}

#[tokio::test]
async fn a_damaged_secret_file_is_named_and_not_quoted() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("secrets.json");
    for text in [
        r#"{"c1": "hunter2""#,
        r#"["hunter2"]"#,
        r#"{"c1": {"key": "hunter2"}}"#,
        "hunter2",
        "",
    ] {
        std::fs::write(&path, text).expect("write");
        set_mode(&path, 0o600);
        let error = FileSecrets::open(&path).map(drop).expect_err(text);
        assert!(matches!(error, SecretError::Unavailable { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        assert!(error.to_string().contains("secrets.json"), "{error}");
    }
}

#[tokio::test]
async fn files_that_are_no_objects_are_not_listed() {
    let folder = TempDir::new().expect("a folder");
    let objects = FolderObjects::open(folder.path()).expect("open");
    objects.put("a/whole", "content".into()).await.expect("put");
    // What a kill in the middle of a write leaves.
    std::fs::write(folder.path().join("a/whole2#1"), "cont").expect("write");
    assert_eq!(objects.list("", None, 10).await.expect("list"), ["a/whole"]);
    objects
        .put("a/whole2", "content".into())
        .await
        .expect("put");
    assert_eq!(objects.get("a/whole2").await.expect("get"), "content");
}

#[tokio::test]
async fn folders_go_with_their_last_object() {
    let folder = TempDir::new().expect("a folder");
    let objects = FolderObjects::open(&folder.path().join("lake")).expect("open");
    for name in ["a/b/one", "a/two"] {
        objects.put(name, "content".into()).await.expect("put");
    }
    objects.delete("a/b/one").await.expect("delete");
    assert!(!folder.path().join("lake/a/b").exists() && folder.path().join("lake/a").exists());
    objects.delete("a/two").await.expect("delete");
    assert!(!folder.path().join("lake/a").exists() && folder.path().join("lake").exists());
}
