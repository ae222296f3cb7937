//! Holds the local adapters to the contracts of their ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use casbah_conformance::ports::{self, queue::Bench, table_objects::Tables};
use casbah_model::Timestamp;
use casbah_model::ports::{ObjectStore, Query, SecretStore, StateStore, StoreError};
use casbah_model::state::{Item, Key, Keyed, Write};
use casbah_platform_local::{
    FileSecrets, FolderObjects, ManualClock, MemoryQueue, QueueSettings, SqliteState,
};
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(
        Timestamp::from_second(START).expect("a time in range"),
    ))
}

#[tokio::test(start_paused = true)]
async fn sqlite_in_memory_keeps_the_contract_of_the_table() {
    let make =
        async || Arc::new(SqliteState::in_memory(clock()).expect("open")) as Arc<dyn StateStore>;
    ports::run(ports::state::CASES, make).await;
}

#[tokio::test(start_paused = true)]
async fn sqlite_in_a_file_keeps_the_contract_of_the_table() {
    let folder = TempDir::new().expect("a folder");
    let number = std::cell::Cell::new(0);
    let make = async || {
        number.set(number.get() + 1);
        let path = folder.path().join(format!("{}.db", number.get()));
        Arc::new(SqliteState::open(&path, clock()).expect("open")) as Arc<dyn StateStore>
    };
    ports::run(ports::state::CASES, make).await;
}

/// Opens the file anew for each call, so that nothing can be kept in memory.
struct Reopened {
    folder: TempDir,
    clock: Arc<ManualClock>,
}

impl Reopened {
    fn open(&self) -> SqliteState {
        SqliteState::open(&self.folder.path().join("state.db"), self.clock.clone()).expect("open")
    }
}

#[async_trait]
impl StateStore for Reopened {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.open().get(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.open().write(write).await
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.open().transact(token, writes).await
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        self.open().query(query).await
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.open().due(partition, up_to, limit).await
    }
}

#[tokio::test(start_paused = true)]
async fn sqlite_keeps_the_contract_when_the_file_is_opened_for_each_call() {
    let make = async || {
        Arc::new(Reopened {
            folder: TempDir::new().expect("a folder"),
            clock: clock(),
        }) as Arc<dyn StateStore>
    };
    ports::run(ports::state::CASES, make).await;
}

#[tokio::test(start_paused = true)]
async fn the_memory_queue_keeps_the_contract_of_the_queue() {
    let make = async || {
        let clock = clock();
        let settings = QueueSettings {
            visibility: Duration::from_secs(720),
            receives_max: 5,
        };
        let queue = Arc::new(MemoryQueue::new(settings, clock.clone()));
        let advance = Box::new(move |by| {
            clock.advance(by);
            Box::pin(async {}) as futures::future::BoxFuture<'static, ()>
        });
        Bench {
            queue,
            advance,
            visibility: settings.visibility,
            receives_max: settings.receives_max,
        }
    };
    ports::run(ports::queue::CASES, make).await;
}

#[tokio::test(start_paused = true)]
async fn the_object_folder_keeps_the_contract_of_the_object_store() {
    let folder = TempDir::new().expect("a folder");
    let number = std::cell::Cell::new(0);
    let make = async || {
        number.set(number.get() + 1);
        let objects =
            FolderObjects::open(&folder.path().join(number.get().to_string())).expect("open");
        Arc::new(objects) as Arc<dyn ObjectStore>
    };
    ports::run(ports::objects::CASES, make).await;
}

#[tokio::test(flavor = "current_thread")]
async fn the_object_folder_keeps_the_contract_without_waiting_for_the_disk() {
    let folder = TempDir::new().expect("a folder");
    let number = std::cell::Cell::new(0);
    let make = async || {
        number.set(number.get() + 1);
        let objects =
            FolderObjects::open(&folder.path().join(number.get().to_string())).expect("open");
        Arc::new(objects.without_sync()) as Arc<dyn ObjectStore>
    };
    ports::run(ports::objects::CASES, make).await;
}

#[tokio::test]
async fn the_object_folder_keeps_the_contract_of_the_table_store() {
    let folder = TempDir::new().expect("a folder");
    let number = std::cell::Cell::new(0);
    let make = async || {
        number.set(number.get() + 1);
        let objects =
            FolderObjects::open(&folder.path().join(number.get().to_string())).expect("open");
        let objects = Arc::new(objects);
        Tables {
            store: Arc::clone(&objects) as _,
            objects,
        }
    };
    ports::run(ports::table_objects::CASES, make).await;
}

#[tokio::test(start_paused = true)]
async fn the_secret_file_keeps_the_contract_of_the_secret_store() {
    let folder = TempDir::new().expect("a folder");
    let number = std::cell::Cell::new(0);
    let make = async || {
        number.set(number.get() + 1);
        let path = folder.path().join(format!("{}.json", number.get()));
        Arc::new(FileSecrets::open(&path).expect("open")) as Arc<dyn SecretStore>
    };
    ports::run(ports::secrets::CASES, make).await;
}
