//! A call, its answer, and what an app says about answers that are no success.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use casbah_model::Timestamp;
use casbah_model::ports::{Rng, StoreError};
use casbah_model::secret::Secret;
use casbah_model::transport::{Body, Bytes, Headers, Method};
use serde::de::DeserializeOwned;

use crate::address::{Address, BadAddress};
use crate::gate::{GateError, Signs};
use crate::session::Session;
use crate::stream::StreamError;

/// What an app tells about its answers; a pure reading of status, headers and body.
pub trait Dialect: Send + Sync {
    /// What an answer that came at `now` says about the limit that was spent.
    fn signs(&self, bucket: &str, headers: &Headers, now: Timestamp) -> Signs;
    /// What an answer that is not a success means.
    fn refusal(&self, status: u16, headers: &Headers, body: &[u8]) -> Refusal;
}

/// An answer that is not a success, as the app reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub status: u16,
    /// The vendor's code, such as `AF20023`; empty when there is none.
    pub code: String,
    /// The vendor's words, safe to show.
    pub message: String,
    /// Where the vendor says to go on, for cursors that died.
    pub location: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Too many calls, whatever the status says.
    Throttled,
    /// The token is not accepted.
    Unauthorized,
    Forbidden,
    NotFound,
    /// It was there and is not any more: expired content, dead cursors.
    Gone,
    /// The request itself is refused; repeating it changes nothing.
    Invalid,
    /// The vendor's fault; it may pass.
    Unavailable,
}

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The next slice, or the end of the vendor's pause, is further away than a function should wait.
    #[error("the limit is spent until {until}")]
    Later { until: Timestamp },
    #[error("{host} answered {} {}: {}", refusal.status, refusal.code, refusal.message)]
    Refused { host: String, refusal: Box<Refusal> },
    #[error("{host} is not available: {reason}")]
    Unavailable { host: String, reason: String },
    /// A change was sent, and nobody knows whether it was made.
    #[error("{host} may have done it or not: {reason}")]
    Unsure { host: String, reason: String },
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error("the answer of {host} cannot be read")]
    Unreadable {
        host: String,
        #[source]
        source: StreamError,
    },
    #[error("the throttle cannot be used")]
    Gate(#[source] GateError),
}

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// The credential or the consent is wrong: nothing will work until somebody acts.
    #[error("{0}")]
    Refused(casbah_model::connection::Cause),
    #[error("the login service is not available: {reason}")]
    Unavailable { reason: String },
    /// The login service has a limit of its own, which is spent.
    #[error("the limit of the login service is spent until {until}")]
    Throttled { until: Timestamp },
}

#[derive(Clone, Debug)]
pub struct Token {
    pub secret: Secret,
    pub expires: Timestamp,
    pub scheme: Scheme,
}

/// How a token is shown to the vendor.
#[derive(Clone)]
pub enum Scheme {
    /// RFC 6750, 2.1.
    Bearer,
    /// A word of the vendor's own in front of the token.
    Named(&'static str),
    /// With a proof for each request that the sender holds a key (RFC 9449).
    Proved(Arc<dyn Prover>),
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Bearer => "Bearer",
            Scheme::Named(word) => word,
            Scheme::Proved(_) => "DPoP",
        })
    }
}

/// Holds the key that a token is bound to.
pub trait Prover: Send + Sync {
    /// The proof for one request, which is good once.
    fn prove(&self, proved: &Proved<'_>) -> Result<String, AuthError>;
    /// Takes the nonce that a refusal asks for; true when a new proof may pass where this one did not.
    fn challenged(&self, headers: &Headers) -> bool;
}

/// The request that a proof is for.
pub struct Proved<'a> {
    pub method: Method,
    pub address: &'a Address,
    pub token: &'a Secret,
    pub now: Timestamp,
    pub rng: &'a dyn Rng,
}

/// How a token is obtained; one per app.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// A new token for one of the app's services.
    async fn token(&self, session: &Session, audience: &'static str) -> Result<Token, AuthError>;
}

/// One call, before it is authorised.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub address: Address,
    /// The limit it spends, and the class of endpoint its cost is kept by.
    pub bucket: &'static str,
    /// Whose limit of this bucket, where the vendor counts the calls of each account by itself.
    pub account: Option<String>,
    pub class: &'static str,
    /// A further limit that it spends, with the class there, where the vendor counts a call twice.
    pub also: Option<(&'static str, &'static str)>,
    pub audience: &'static str,
    pub headers: Headers,
    pub body: Bytes,
}

/// An answer that is a success.
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Box<dyn Body>,
    pub host: String,
}

impl Answer {
    /// Reads the whole answer as JSON, up to `bytes_max`.
    pub async fn json<T: DeserializeOwned>(mut self, bytes_max: usize) -> Result<T, CallError> {
        let unreadable = |host: &str, source| CallError::Unreadable {
            host: host.into(),
            source,
        };
        let content = read(&mut *self.body, bytes_max)
            .await
            .map_err(|source| unreadable(&self.host, source))?;
        serde_json::from_slice(&content).map_err(|error| {
            let found = format!("{} at line {}", category(&error), error.line());
            unreadable(&self.host, StreamError::NotJson { found })
        })
    }
}

impl CallError {
    /// Whether the table, rather than the vendor, is the trouble.
    pub fn store(&self) -> Option<&StoreError> {
        match self {
            CallError::Gate(GateError::Store(error)) => Some(error),
            _ => None,
        }
    }
}

pub(crate) async fn read(body: &mut dyn Body, bytes_max: usize) -> Result<Vec<u8>, StreamError> {
    let mut content = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        if content.len() + chunk.len() > bytes_max {
            return Err(StreamError::NotJson {
                found: format!("more than {bytes_max} bytes"),
            });
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

fn category(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends in the middle,",
        serde_json::error::Category::Data => "a field has another type than documented,",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON,",
    }
}
