//! What a vendor hands out at another address: the call that is answered with a redirect, and the fetch behind it.
//!
//! The address is good for whoever has it, so it is told to nobody, and the token is not told to its host.

use casbah_model::SignedDuration;
use casbah_model::transport::{Bytes, Headers, Method, Request, Response};

use super::{Accepted, Repeat, Session, chain};
use crate::address::{Address, Base};
use crate::call::{Answer, Call, CallError};
use crate::retry;

/// What was fetched.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    Bytes(Vec<u8>),
    /// More than was wanted; the rest was not read.
    TooLarge,
}

/// An address that had expired, or broke off, is asked for anew this often.
const FETCHES_MAX: u32 = 3;
/// Where a vendor does not say how long to wait until something can be had.
const NOT_READY: SignedDuration = SignedDuration::from_secs(10);

/// How one fetch ended that brought nothing.
enum Broken {
    /// The address is good no more, or the connection broke.
    Again(String),
    Later(SignedDuration),
}

impl Session {
    /// Fetches what a call of a service hands out, up to `bytes_max`. It is sent on to the service's own host or to one of `hosts`, names or ends of
    /// names that begin with a dot; nowhere else.
    pub async fn fetch(
        &self,
        call: &Call,
        endpoint: &str,
        hosts: &[&str],
        bytes_max: u64,
    ) -> Result<Fetched, CallError> {
        let base = self.base(endpoint)?;
        let mut tries = 0;
        loop {
            let answer = self
                .exchange(call, Repeat::Freely, Accepted::Redirects)
                .await?;
            tries += 1;
            let broken = match self.handed(answer, base, hosts, bytes_max).await? {
                Ok(fetched) => return Ok(fetched),
                Err(broken) => broken,
            };
            match broken {
                Broken::Later(wait) => {
                    let until = self.now() + wait;
                    return Err(CallError::Later { until });
                }
                Broken::Again(reason) if tries >= FETCHES_MAX => {
                    let host = call.address.host().into();
                    return Err(CallError::Unavailable { host, reason });
                }
                Broken::Again(_) => {
                    let wait = retry::quick_wait(tries, self.parts.rng.fraction());
                    self.sleep(wait).await;
                }
            }
        }
    }

    async fn handed(
        &self,
        answer: Answer,
        base: &Base,
        hosts: &[&str],
        bytes_max: u64,
    ) -> Result<Result<Fetched, Broken>, CallError> {
        match answer.status {
            // Some answer with the content itself.
            200 => return Ok(bounded(answer.body, bytes_max).await),
            300..=399 => {}
            // It is being made ready.
            _ => {
                let wait = retry::retry_after(&answer.headers, self.now());
                return Ok(Err(Broken::Later(wait.map_or(NOT_READY, span))));
            }
        }
        let location = answer.headers.get("Location").unwrap_or_default();
        let address = base.handed(location, hosts)?;
        self.from(&address, bytes_max).await
    }

    async fn from(
        &self,
        address: &Address,
        bytes_max: u64,
    ) -> Result<Result<Fetched, Broken>, CallError> {
        let request = Request {
            method: Method::Get,
            url: address.as_str().into(),
            headers: Headers::default(),
            body: Bytes::new(),
        };
        let response = match self.parts.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return Ok(Err(Broken::Again(chain(&error)))),
        };
        let Response {
            status,
            headers,
            body,
        } = response;
        Ok(match status {
            200 => bounded(body, bytes_max).await,
            429 | 503 => {
                let wait = retry::retry_after(&headers, self.now());
                Err(Broken::Later(wait.map_or(NOT_READY, span)))
            }
            _ => Err(Broken::Again(format!(
                "{} answered {status} to an address that was just handed out",
                address.host()
            ))),
        })
    }
}

fn span(wait: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(wait).unwrap_or(NOT_READY)
}

async fn bounded(
    mut body: Box<dyn casbah_model::transport::Body>,
    bytes_max: u64,
) -> Result<Fetched, Broken> {
    let mut content = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) if (content.len() + chunk.len()) as u64 > bytes_max => {
                return Ok(Fetched::TooLarge);
            }
            Ok(Some(chunk)) => content.extend_from_slice(&chunk),
            Ok(None) => return Ok(Fetched::Bytes(content)),
            Err(error) => return Err(Broken::Again(chain(&error))),
        }
    }
}
