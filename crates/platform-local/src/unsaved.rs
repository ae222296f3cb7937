//! Ports that keep nothing: to test a connection without leaving a trace, not even its secret, on the disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use casbah_model::ports::{
    Clock, Mark, NoMetrics, ObjectError, ObjectStore, SecretError, SecretStore, TableStore,
    Transport,
};
use casbah_model::secret::Secret;
use casbah_model::transport::Bytes;
use casbah_pipeline::{Context, Curated, Settings};
use casbah_platform_local::{
    LOCAL_REGION, LogNotifier, MemoryQueue, QueueSettings, SqliteState, SystemClock, SystemRng,
};

use crate::exit::{Exit, Failure};

/// A context whose table, queue and secrets end with it.
pub fn context(transport: Arc<dyn Transport>) -> Result<Context, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let state = SqliteState::in_memory(Arc::clone(&clock));
    let state = state.map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    Ok(Context {
        state: Arc::new(state),
        queue: Arc::new(MemoryQueue::new(
            QueueSettings::default(),
            Arc::clone(&clock),
        )),
        objects: Arc::new(NoObjects),
        secrets: Arc::new(MemorySecrets::default()),
        transport,
        clock,
        rng: Arc::new(SystemRng),
        notifier: Arc::new(LogNotifier),
        metrics: Arc::new(NoMetrics),
        curated: Curated {
            region: LOCAL_REGION.into(),
            store: Arc::new(NoObjects),
            tables: None,
        },
        settings: Settings::default(),
        inspector: None,
        policies: None,
        policy: Default::default(),
        tokens: Arc::default(),
        roots: Default::default(),
        meter: Default::default(),
        stopping: Default::default(),
    })
}

/// A test writes no records.
struct NoObjects;

#[async_trait]
impl ObjectStore for NoObjects {
    async fn put(&self, _name: &str, _content: Bytes) -> Result<(), ObjectError> {
        Err(ObjectError::Unusable {
            reason: "a test keeps nothing".into(),
        })
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        Err(ObjectError::NotFound { name: name.into() })
    }

    async fn list(
        &self,
        _prefix: &str,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        Ok(vec![])
    }

    async fn delete(&self, _name: &str) -> Result<(), ObjectError> {
        Ok(())
    }
}

#[async_trait]
impl TableStore for NoObjects {
    async fn get(&self, _name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        Ok(None)
    }

    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        _over: Option<&Mark>,
    ) -> Result<(), ObjectError> {
        self.put(name, content).await
    }
}

#[derive(Default)]
struct MemorySecrets(Mutex<BTreeMap<String, Secret>>);

impl MemorySecrets {
    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        // The map is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn put(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        self.secrets().insert(name.into(), secret.clone());
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let found = self.secrets().get(name).cloned();
        found.ok_or_else(|| SecretError::NotFound { name: name.into() })
    }

    async fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.secrets().remove(name);
        Ok(())
    }
}
