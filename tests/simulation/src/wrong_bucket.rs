//! The bucket as wrong variants of the protocol use it: too late, or under names that two functions have.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::ports::{Mark, ObjectError, ObjectStore, TableStore};

use crate::variant::Variant;

/// The bucket for a function that does something wrong: it puts objects after the commit, or under a name that another
/// function has as well.
pub struct Deferred {
    pub inner: Arc<dyn ObjectStore>,
    pub variant: Option<Variant>,
    pub waiting: Mutex<Vec<(String, Bytes)>>,
}

impl Deferred {
    pub async fn flush(&self) {
        let waiting =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, content) in waiting {
            // The worker believes that it is stored, whatever comes of it.
            drop(self.inner.put(&name, content).await);
        }
    }

    /// Without the third number, which is the fence.
    pub fn name(&self, name: &str) -> String {
        let Some((folder, file)) = name.rsplit_once('/') else {
            return name.into();
        };
        let parts: Vec<&str> = file.split('-').collect();
        if self.variant != Some(Variant::ObjectNameWithoutFence) || parts.len() < 4 {
            return name.into();
        }
        format!(
            "{folder}/{}-{}-00000000-{}",
            parts[0],
            parts[1],
            parts[3..].join("-")
        )
    }
}

#[async_trait]
impl ObjectStore for Deferred {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        if self.variant == Some(Variant::CursorBeforeObject) {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((name.into(), content));
            return Ok(());
        }
        self.inner.put(&self.name(name), content).await
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.inner.get(&self.name(name)).await
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
        self.inner.delete(name).await
    }
}

/// An object of a table that waits to be stored: its name, what it is to hold, and the state it is to replace.
type Late = (String, Bytes, Option<Mark>);

/// Tables for a function that does something wrong: it replaces their objects after the commit that says so.
pub struct WrongTables {
    pub inner: Arc<dyn TableStore>,
    pub variant: Variant,
    pub waiting: Mutex<Vec<Late>>,
}

impl WrongTables {
    pub async fn flush(&self) {
        let waiting =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        // Who puts away what ended after the edition may never come to it.
        let is_forgotten = |name: &str| name.contains("/ended/");
        for (name, content, over) in waiting {
            if self.variant == Variant::EditionBeforeEnded && is_forgotten(&name) {
                continue;
            }
            // The worker believes that it is stored, whatever comes of it.
            drop(self.inner.replace(&name, content, over.as_ref()).await);
        }
    }
}

#[async_trait]
impl TableStore for WrongTables {
    async fn get(&self, name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        self.inner.get(name).await
    }

    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        over: Option<&Mark>,
    ) -> Result<(), ObjectError> {
        let is_late = match self.variant {
            Variant::CursorBeforeTable => true,
            Variant::EditionBeforeEnded => name.contains("/ended/"),
            _ => false,
        };
        if is_late {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((name.into(), content, over.cloned()));
            return Ok(());
        }
        self.inner.replace(name, content, over).await
    }
}
