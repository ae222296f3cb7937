//! The bucket: objects in memory, and how a function sees them: puts fail before or after their effect, or come late.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::ports::{Mark, ObjectError, ObjectStore, TableStore};
use casbah_model::record::RecordId;

use crate::fault::Fault;
use crate::invocation::{Fate, Invocation, Perils};

/// Objects that end with this value.
#[derive(Default)]
pub struct MemoryObjects(Mutex<BTreeMap<String, Bytes>>);

impl MemoryObjects {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        // Objects are stored as a whole, so a panic elsewhere leaves no half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(name: &str) -> Result<(), ObjectError> {
    if name.split('/').any(|part| ["", ".", ".."].contains(&part)) {
        let reason = format!("{name:?} cannot be the name of an object");
        return Err(ObjectError::Unusable { reason });
    }
    Ok(())
}

#[async_trait]
impl ObjectStore for MemoryObjects {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        check(name)?;
        let mut objects = self.objects();
        match objects.get(name) {
            Some(known) if *known != content => Err(ObjectError::Different { name: name.into() }),
            Some(_) => Ok(()),
            None => {
                objects.insert(name.into(), content);
                Ok(())
            }
        }
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        check(name)?;
        let found = self.objects().get(name).cloned();
        found.ok_or_else(|| ObjectError::NotFound { name: name.into() })
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        let objects = self.objects();
        let names = objects.keys().filter(|name| {
            name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after)
        });
        Ok(names.take(limit).cloned().collect())
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        check(name)?;
        self.objects().remove(name);
        Ok(())
    }
}

#[async_trait]
impl TableStore for MemoryObjects {
    async fn get(&self, name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        check(name)?;
        let found = self.objects().get(name).cloned();
        Ok(found.map(|content| {
            let mark = mark(&content);
            (content, mark)
        }))
    }

    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        over: Option<&Mark>,
    ) -> Result<(), ObjectError> {
        check(name)?;
        let mut objects = self.objects();
        if objects.get(name).map(|known| mark(known)).as_ref() != over {
            return Err(ObjectError::Different { name: name.into() });
        }
        objects.insert(name.into(), content);
        Ok(())
    }
}

fn mark(content: &[u8]) -> Mark {
    Mark(RecordId::of_content(content).as_str().into())
}

const PUTS: Perils = Perils {
    slow: Fault::PutSlow,
    fails: Fault::PutFails,
    silent: None,
    answer_lost: Fault::PutAnswerLost,
    late: Some(Fault::PutLate),
    draws: 1,
};
const GETS: Perils = Perils {
    slow: Fault::PutSlow,
    fails: Fault::GetFails,
    silent: None,
    answer_lost: Fault::GetFails,
    late: None,
    draws: 1,
};

pub struct FaultyObjects {
    pub inner: Arc<dyn ObjectStore>,
    pub invocation: Arc<Invocation>,
}

fn unavailable(name: &str) -> ObjectError {
    ObjectError::Unavailable {
        name: name.into(),
        reason: "no answer".into(),
    }
}

#[async_trait]
impl ObjectStore for FaultyObjects {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        let (inner, invocation) = (Arc::clone(&self.inner), Arc::clone(&self.invocation));
        let put = name.to_string();
        let effect = async move {
            let answer = inner.put(&put, content.clone()).await;
            let watch = &invocation.world.watch;
            watch.put(invocation.number, &put, &content, answer.is_ok());
            answer
        };
        match self.invocation.call(&PUTS, name, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed | Fate::Unknown => Err(unavailable(name)),
        }
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        let (inner, wanted) = (Arc::clone(&self.inner), name.to_string());
        let effect = async move { inner.get(&wanted).await };
        match self.invocation.call(&GETS, name, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed | Fate::Unknown => Err(unavailable(name)),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        let inner = Arc::clone(&self.inner);
        let (from, after) = (prefix.to_string(), after.map(String::from));
        let effect = async move { inner.list(&from, after.as_deref(), limit).await };
        match self.invocation.call(&GETS, prefix, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed | Fate::Unknown => Err(unavailable(prefix)),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let (inner, invocation) = (Arc::clone(&self.inner), Arc::clone(&self.invocation));
        let doomed = name.to_string();
        let effect = async move {
            let answer = inner.delete(&doomed).await;
            invocation.world.watch.removed(invocation.number, &doomed);
            answer
        };
        match self.invocation.call(&PUTS, name, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed | Fate::Unknown => Err(unavailable(name)),
        }
    }
}

/// Objects of tables, as a function sees them.
pub struct FaultyTables {
    pub inner: Arc<dyn TableStore>,
    pub invocation: Arc<Invocation>,
}

#[async_trait]
impl TableStore for FaultyTables {
    async fn get(&self, name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        let (inner, wanted) = (Arc::clone(&self.inner), name.to_string());
        let effect = async move { inner.get(&wanted).await };
        match self.invocation.call(&GETS, name, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed | Fate::Unknown => Err(unavailable(name)),
        }
    }

    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        over: Option<&Mark>,
    ) -> Result<(), ObjectError> {
        let (inner, invocation) = (Arc::clone(&self.inner), Arc::clone(&self.invocation));
        let (put, over) = (name.to_string(), over.cloned());
        let effect = async move {
            let answer = inner.replace(&put, content.clone(), over.as_ref()).await;
            if answer.is_ok() {
                let watch = &invocation.world.watch;
                watch.replaced(invocation.number, &put, &content);
            }
            answer
        };
        match self.invocation.call(&PUTS, name, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed | Fate::Unknown => Err(unavailable(name)),
        }
    }
}
