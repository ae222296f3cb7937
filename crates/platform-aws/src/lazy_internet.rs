//! The network to the vendors: opened at the first call, and not to this machine.
//!
//! The client reads all roots that the system trusts, which is most of what a cold start would cost.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use casbah_http::internet::Internet;
use casbah_model::ports::Transport;
use casbah_model::transport::{Request, Response, TransportError};

use crate::settings::Loopback;

pub struct LazyInternet {
    loopback: Loopback,
    opened: Mutex<Option<Arc<Internet>>>,
}

impl LazyInternet {
    pub fn new(loopback: Loopback) -> LazyInternet {
        LazyInternet {
            loopback,
            opened: Mutex::new(None),
        }
    }

    fn open(&self) -> Result<Arc<Internet>, TransportError> {
        // Whatever panicked while it held the lock, the value is a whole client or none.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(internet) = &*opened {
            return Ok(Arc::clone(internet));
        }
        let internet = Arc::new(Internet::new()?);
        *opened = Some(Arc::clone(&internet));
        Ok(internet)
    }
}

#[async_trait]
impl Transport for LazyInternet {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // Endpoints without encryption are accepted on this machine only, so that this is all that leads to it: the
        // Runtime API and the credentials of the function speak plain http.
        if self.loopback == Loopback::Refused && !is_encrypted(&request.url) {
            return Err(TransportError::Unreachable {
                host: "this machine".into(),
                source: "no vendor is on the machine of a Lambda function".into(),
            });
        }
        self.open()?.send(request).await
    }
}

fn is_encrypted(url: &str) -> bool {
    url.get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use casbah_model::transport::Method;

    #[tokio::test]
    async fn the_runtime_api_cannot_be_reached_as_a_vendor() {
        let internet = LazyInternet::new(Loopback::Refused);
        for url in [
            "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
            "HTTP://localhost/",
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]:9001/",
            "x",
        ] {
            let request = Request {
                method: Method::Get,
                url: url.into(),
                headers: Default::default(),
                body: Default::default(),
            };
            let error = internet.send(request).await.err().expect(url);
            assert_eq!(error.to_string(), "cannot reach this machine", "{url}");
        }
    }
}
