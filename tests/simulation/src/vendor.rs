//! The vendor as a function sees it: calls and answers get lost on the way. What the vendor does wrong by itself is its
//! simulator's business.

use std::sync::Arc;

use async_trait::async_trait;
use casbah_model::ports::Transport;
use casbah_model::transport::{Method, Request, Response, TransportError};

use crate::fault::Fault;
use crate::invocation::{Fate, Invocation, Perils};

const CALLS: Perils = Perils {
    slow: Fault::CallSlow,
    fails: Fault::CallFails,
    silent: None,
    answer_lost: Fault::CallAnswerLost,
    late: None,
};

pub struct FaultyVendor {
    pub inner: Arc<dyn Transport>,
    pub invocation: Arc<Invocation>,
}

/// Whether a call changes something; to sign in, and to switch a feed on, is no action of anybody's.
fn is_change(request: &Request) -> bool {
    let is_of_reading = ["/token", "/subscriptions/", "/$batch"];
    request.method != Method::Get && !is_of_reading.iter().any(|part| request.url.contains(part))
}

#[async_trait]
impl Transport for FaultyVendor {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (inner, invocation) = (Arc::clone(&self.inner), Arc::clone(&self.invocation));
        // Without its query, which may hold tokens.
        let address = request
            .url
            .split('?')
            .next()
            .unwrap_or_default()
            .to_string();
        let what = format!("{} {address}", request.method.name());
        let noted = what.clone();
        let is_change = is_change(&request);
        let effect = async move {
            let is_orphan = invocation.is_dead();
            let watch = &invocation.world.watch;
            watch.called(invocation.number, &noted, is_orphan);
            if is_change {
                watch.changes(&noted, is_orphan);
            }
            let answer = inner.send(request).await;
            let is_done = |answer: &Response| (200..300).contains(&answer.status);
            if is_change && answer.as_ref().is_ok_and(is_done) {
                watch.changed(&noted);
            }
            answer
        };
        let host = address.split('/').nth(2).unwrap_or_default().to_string();
        match self.invocation.call(&CALLS, &what, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed => Err(TransportError::Unreachable {
                host,
                source: "connection refused".into(),
            }),
            Fate::Unknown => Err(TransportError::Timeout { host }),
        }
    }
}
