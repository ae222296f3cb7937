//! A transport that writes down who was called when, and how far bodies are read ahead of what is done with them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use casbah_model::Timestamp;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Body, Bytes, Request, Response, TransportError};

/// A call as it crossed the border.
#[derive(Clone, Debug)]
pub struct Seen {
    pub sent: Timestamp,
    pub answered: Timestamp,
    /// Scheme, host and port.
    pub origin: String,
    pub path: String,
    pub has_token: bool,
    /// Zero when there was no answer.
    pub status: u16,
}

/// Bytes that were taken from bodies, and those of records that were handed on.
#[derive(Default)]
pub struct Flow {
    taken: AtomicU64,
    handed_on: AtomicU64,
    backlog: AtomicU64,
}

impl Flow {
    pub fn hand_on(&self, bytes: u64) {
        self.handed_on.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts everything taken so far as handed on, and begins to measure anew.
    pub fn settle(&self) {
        self.handed_on.store(self.taken(), Ordering::Relaxed);
        self.backlog.store(0, Ordering::Relaxed);
    }

    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// The most bytes that were taken and not handed on yet.
    pub fn backlog_max(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) {
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.backlog.fetch_max(
            taken.saturating_sub(self.handed_on.load(Ordering::Relaxed)),
            Ordering::Relaxed,
        );
    }
}

pub struct Observed {
    pub inner: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub seen: Mutex<Vec<Seen>>,
    pub flow: Arc<Flow>,
}

impl Observed {
    pub fn calls(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn forget(&self) {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

#[async_trait]
impl Transport for Observed {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (origin, path) = split(&request.url);
        let has_token = request.headers.get("Authorization").is_some();
        let sent = self.clock.now();
        let answer = self.inner.send(request).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let seen = Seen {
            sent,
            answered: self.clock.now(),
            origin,
            path,
            has_token,
            status,
        };
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(seen);
        let answer = answer?;
        let body = Box::new(Metered {
            inner: answer.body,
            flow: self.flow.clone(),
        });
        Ok(Response { body, ..answer })
    }
}

struct Metered {
    inner: Box<dyn Body>,
    flow: Arc<Flow>,
}

#[async_trait]
impl Body for Metered {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let chunk = self.inner.chunk().await?;
        self.flow
            .take(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64));
        Ok(chunk)
    }
}

/// Origin and path of an absolute address.
fn split(url: &str) -> (String, String) {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[scheme..]
        .find(['/', '?'])
        .map_or(url.len(), |at| scheme + at);
    let path = url[end..].split('?').next().unwrap_or_default();
    (url[..end].to_lowercase(), path.into())
}
