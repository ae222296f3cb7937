//! Objects that are put, or removed, again until the store says yes: same name, same bytes (pipeline design, section 5).

use std::sync::Arc;

use async_trait::async_trait;
use casbah_http::retry;
use casbah_model::ports::{Clock, ObjectError, ObjectStore, Rng};
use casbah_model::transport::Bytes;

use crate::step::ms_duration;

/// Tries of one put or removal within an invocation: about eight seconds in all.
const TRIES_MAX: u32 = 6;

/// An object store whose puts and removals are repeated while it is only busy; everything else passes through.
pub struct Patient {
    pub inner: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
}

impl Patient {
    async fn wait(&self, tries: u32) {
        let wait = retry::quick_wait(tries, self.rng.fraction());
        self.clock
            .sleep_until(self.clock.now() + ms_duration(wait))
            .await;
    }
}

#[async_trait]
impl ObjectStore for Patient {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        let mut tries = 1;
        loop {
            match self.inner.put(name, content.clone()).await {
                Err(ObjectError::Unavailable { .. }) if tries < TRIES_MAX => {}
                other => return other,
            }
            self.wait(tries).await;
            tries += 1;
        }
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.inner.get(name).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let mut tries = 1;
        loop {
            match self.inner.delete(name).await {
                Err(ObjectError::Unavailable { .. }) if tries < TRIES_MAX => {}
                other => return other,
            }
            self.wait(tries).await;
            tries += 1;
        }
    }
}
