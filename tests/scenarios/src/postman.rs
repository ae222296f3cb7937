//! Whoever carries changes to the vendor: they may arrive and nobody hears of it, and how often each arrived is counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use casbah_model::ports::Transport;
use casbah_model::transport::{Headers, Method, Request, Response, TransportError};

/// What happens to a change on its way to the vendor or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Nothing.
    Spared,
    /// It is done, and the answer never comes.
    AnswerLost,
    /// It is done, and answered with an error.
    ErrorButDone(u16),
    /// It is not done, and answered with an error.
    Refused(u16),
}

/// Hands requests on, counts those that change something, and lets strikes happen to them in turn.
pub struct Postman {
    inner: Arc<dyn Transport>,
    strikes: Mutex<VecDeque<Strike>>,
    /// Changes that arrived, by method, address and body.
    arrived: Mutex<BTreeMap<String, u64>>,
}

impl Postman {
    pub fn new(inner: Arc<dyn Transport>) -> Arc<Postman> {
        let (strikes, arrived) = Default::default();
        Arc::new(Postman {
            inner,
            strikes,
            arrived,
        })
    }

    pub fn strike(&self, strikes: &[Strike]) {
        self.strikes.lock().expect("no panic").extend(strikes);
        self.arrived.lock().expect("no panic").clear();
    }

    pub fn arrived(&self) -> BTreeMap<String, u64> {
        self.arrived.lock().expect("no panic").clone()
    }
}

/// Calls that are posted and are nobody's action.
const READING: [&str; 3] = ["/token", "/subscriptions/", "/extractSensitivityLabels"];

fn is_change(request: &Request) -> bool {
    request.method != Method::Get && !READING.iter().any(|path| request.url.contains(path))
}

struct NoBody;

#[async_trait]
impl casbah_model::transport::Body for NoBody {
    async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, TransportError> {
        Ok(None)
    }
}

fn answer(status: u16) -> Response {
    Response {
        status,
        headers: Headers::default(),
        body: Box::new(NoBody),
    }
}

#[async_trait]
impl Transport for Postman {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if !is_change(&request) {
            return self.inner.send(request).await;
        }
        let strike = self.strikes.lock().expect("no panic").pop_front();
        if let Some(Strike::Refused(status)) = strike {
            return Ok(answer(status));
        }
        let body = String::from_utf8_lossy(&request.body);
        let line = format!("{:?} {} {body}", request.method, request.url);
        let answered = self.inner.send(request).await;
        let is_done = answered.as_ref().is_ok_and(|answer| answer.status < 300);
        if is_done {
            *self
                .arrived
                .lock()
                .expect("no panic")
                .entry(line)
                .or_default() += 1;
        }
        match strike {
            Some(Strike::AnswerLost) => Err(TransportError::Timeout {
                host: "the vendor".into(),
            }),
            Some(Strike::ErrorButDone(status)) => Ok(answer(status)),
            Some(Strike::Refused(_) | Strike::Spared) | None => answered,
        }
    }
}
