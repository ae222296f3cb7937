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
    draws: 1,
};

/// A change at the vendor is one call among thousands, and the one that nothing takes back.
const CHANGES: Perils = Perils { draws: 20, ..CALLS };

pub struct FaultyVendor {
    pub inner: Arc<dyn Transport>,
    pub invocation: Arc<Invocation>,
}

/// Calls that are posted and are nobody's action: to sign in, to switch a feed on, to read.
const READING: [&str; 4] = [
    "/token",
    "/subscriptions/",
    "/$batch",
    "/extractSensitivityLabels",
];

/// Whether a call changes something.
fn is_change(request: &Request) -> bool {
    request.method != Method::Get
        && !READING.iter().any(|part| request.url.contains(part))
        && !is_question(request)
}

/// Whether nothing is asked for but an answer: who must not make folders is told so before what lacks is told.
fn is_question(request: &Request) -> bool {
    request.url.ends_with("/folders") && &request.body[..] == b"{}"
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
        // Some vendors have one address for a change and for its opposite.
        let body = String::from_utf8_lossy(&request.body);
        let change = format!("{what} {body}").trim_end().to_string();
        let effect = async move {
            let is_orphan = invocation.is_dead();
            let watch = &invocation.world.watch;
            watch.called(invocation.number, &noted, is_orphan);
            if is_change {
                watch.changes(&change, is_orphan);
            }
            let answer = inner.send(request).await;
            let is_done = |answer: &Response| (200..300).contains(&answer.status);
            if is_change && answer.as_ref().is_ok_and(is_done) {
                watch.changed(&change);
            }
            answer
        };
        let perils = if is_change { &CHANGES } else { &CALLS };
        let host = address.split('/').nth(2).unwrap_or_default().to_string();
        match self.invocation.call(perils, &what, |_| effect).await {
            Fate::Answered(answer) => answer,
            Fate::Failed => Err(TransportError::Unreachable {
                host,
                source: "connection refused".into(),
            }),
            Fate::Unknown => Err(TransportError::Timeout { host }),
        }
    }
}
