//! A transport that counts answers, and those that say "too many calls".
//!
//! Which ones say so is for the app's dialect to tell: some vendors hide it behind another status. So the body of an
//! answer that is no success is read here, which whoever sent the call would do at once anyway.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use casbah_http::{Dialect, RefusalKind};
use casbah_model::ports::Transport;
use casbah_model::transport::{Body, Bytes, Request, Response, TransportError};

use crate::meter::Meter;

/// Refusals are small; what is behind this much of one decides nothing.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

pub(crate) struct Counted {
    pub(crate) inner: Arc<dyn Transport>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) dialect: &'static dyn Dialect,
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let response = self.inner.send(request).await?;
        if response.status < 400 {
            self.meter.called(false);
            return Ok(response);
        }
        let Response {
            status,
            headers,
            body,
        } = response;
        let body = Read::ahead(body).await;
        let refusal = self.dialect.refusal(status, &headers, &body.text());
        self.meter.called(refusal.kind == RefusalKind::Throttled);
        let body = Box::new(body);
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

/// A body whose beginning was read already; whoever reads it sees what came, errors included.
struct Read {
    chunks: VecDeque<Result<Bytes, TransportError>>,
    rest: Option<Box<dyn Body>>,
}

impl Read {
    async fn ahead(mut body: Box<dyn Body>) -> Read {
        let mut chunks = VecDeque::new();
        let mut bytes = 0;
        let mut is_over = false;
        while !is_over && bytes < REFUSAL_BYTES_MAX {
            match body.chunk().await {
                Ok(Some(chunk)) => {
                    bytes += chunk.len();
                    chunks.push_back(Ok(chunk));
                }
                Ok(None) => is_over = true,
                Err(error) => {
                    chunks.push_back(Err(error));
                    is_over = true;
                }
            }
        }
        let rest = (!is_over).then_some(body);
        Read { chunks, rest }
    }

    /// What was read; nothing when it broke off or is longer, as for who sent the call.
    fn text(&self) -> Vec<u8> {
        let is_whole = self.rest.is_none() && self.chunks.iter().all(Result::is_ok);
        let chunks = self.chunks.iter().flatten().filter(|_| is_whole);
        chunks.flat_map(|chunk| chunk.iter().copied()).collect()
    }
}

#[async_trait]
impl Body for Read {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        match (self.chunks.pop_front(), &mut self.rest) {
            (Some(chunk), _) => chunk.map(Some),
            (None, Some(rest)) => rest.chunk().await,
            (None, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use casbah_model::transport::{Headers, Method, WholeBody};

    use super::*;

    struct Says(u16, &'static str);

    #[async_trait]
    impl Transport for Says {
        async fn send(&self, _: Request) -> Result<Response, TransportError> {
            Ok(Response {
                status: self.0,
                headers: Headers::default(),
                body: WholeBody::boxed(self.1),
            })
        }
    }

    fn check(name: &str, status: u16, body: &'static str, expected: u64) {
        let meter = Arc::new(Meter::default());
        let dialect = crate::apps::connector(casbah_model::app::App::Microsoft365).dialect();
        let counted = Counted {
            inner: Arc::new(Says(status, body)),
            meter: Arc::clone(&meter),
            dialect,
        };
        let request = Request {
            method: Method::Get,
            url: "https://example.com/".into(),
            headers: Headers::default(),
            body: Bytes::new(),
        };
        futures::executor::block_on(async {
            let mut answer = counted.send(request).await.expect("an answer");
            let mut read = vec![];
            while let Some(chunk) = answer.body.chunk().await.expect("a whole body") {
                read.extend_from_slice(&chunk);
            }
            assert_eq!(read, body.as_bytes(), "{name}");
        });
        let counts = [&meter.vendor_calls, &meter.vendor_refusals];
        let counts = counts.map(|counter| counter.load(Ordering::Relaxed));
        assert_eq!(counts, [1, expected], "{name}");
    }

    #[test]
    fn a_limit_is_known_by_what_it_says_and_not_by_its_status_alone() {
        check("a success", 200, "[]", 0);
        check("a plain limit", 429, "", 1);
        let hidden = r#"{"error":{"code":"AF429","message":"Too many requests."}}"#;
        check("a limit that looks like a missing right", 403, hidden, 1);
        check("a missing right", 403, r#"{"error":{"code":"AF10001"}}"#, 0);
        check("not there", 404, "", 0);
    }
}
