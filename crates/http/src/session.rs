//! A connection opened for calls: base addresses, token, budget and transport in one value.
//!
//! Every call to a vendor goes through [`Session::send`]: it waits for the gate, authorises, sends, reads what the
//! answer says about limits, renews a token once, and tries a broken connection again a few times. What takes longer
//! than that is given back to the caller with the time at which to come again.

mod fetch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use casbah_model::connection::{ConnectionId, Tenant};
use casbah_model::permission::Tier;
use casbah_model::ports::{Clock, Rng, Transport};
use casbah_model::secret::Secret;
use casbah_model::transport::{Headers, Request, Response, TransportError};
use casbah_model::{SignedDuration, Timestamp};

use crate::address::{Address, BadAddress, Base};
use crate::call::{
    Answer, Authenticator, Call, CallError, Dialect, Proved, Refusal, RefusalKind, Scheme, Token,
    read,
};
use crate::gate::{GateError, Gates, Pass, Spend, Throttled, Urgency, Verdict};
use crate::retry;

pub use fetch::Fetched;

/// Error answers are read up to here; they are small, unless somebody is being nasty.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
/// A call that is throttled this often in one invocation goes back to the queue.
const THROTTLED_TRIES_MAX: u32 = 4;

/// Tokens of all connections of this process: a cache that may vanish.
#[derive(Default)]
pub struct Tokens(Mutex<BTreeMap<(String, &'static str), Token>>);

impl Tokens {
    fn get(&self, scope: &str, audience: &'static str, now: Timestamp) -> Option<Token> {
        let tokens = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let token = tokens.get(&(scope.to_string(), audience))?;
        (token.expires > now).then(|| token.clone())
    }

    fn keep(&self, scope: &str, audience: &'static str, token: Token) {
        let mut tokens = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        tokens.insert((scope.to_string(), audience), token);
    }

    /// Forgets the tokens of a connection, so that the next call asks for what is granted by then.
    pub fn forget(&self, scope: &str) {
        let mut tokens = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        tokens.retain(|(known, _), _| known != scope);
    }

    /// Forgets one token, unless somebody replaced it already; tells whether it was still in use.
    fn forget_one(&self, scope: &str, audience: &'static str, used: &Secret) -> bool {
        let mut tokens = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let key = (scope.to_string(), audience);
        let is_in_use = tokens.get(&key).is_some_and(|token| token.secret == *used);
        if is_in_use {
            tokens.remove(&key);
        }
        is_in_use
    }
}

/// Tokens are replaced when a fifth of their life is left, and never kept for less than this.
const TOKEN_LIFE_MIN: SignedDuration = SignedDuration::from_secs(60);

/// How often a call comes with a token that was replaced meanwhile, before its refusal counts.
const OUTDATED_TRIES_MAX: u32 = 3;

/// How often a call comes with a new proof because the vendor asked for a nonce; one is enough (RFC 9449, 9).
const NONCES_MAX: u32 = 2;

/// What a session is made of.
pub struct SessionParts {
    pub connection: ConnectionId,
    /// Connection and incarnation: what tokens and limits are kept by.
    pub scope: String,
    pub settings: BTreeMap<String, String>,
    /// How deep the connection may reach, for what is asked for with a token.
    pub tier: Tier,
    pub endpoints: BTreeMap<&'static str, Base>,
    pub secret: Secret,
    pub tenant: Tenant,
    pub authenticator: &'static dyn Authenticator,
    pub dialect: &'static dyn Dialect,
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub tokens: Arc<Tokens>,
    pub gates: Gates,
}

/// A connection opened for calls; shared by reference by everything that one invocation does.
pub struct Session {
    parts: SessionParts,
    urgency: Urgency,
}

impl Session {
    /// A session for scans and polls, which take their turn.
    pub fn new(parts: SessionParts) -> Session {
        Session {
            parts,
            urgency: Urgency::Bulk,
        }
    }

    /// A session for one call at a time that much else waits for, such as the pages of a list.
    pub fn prompt(parts: SessionParts) -> Session {
        Session {
            parts,
            urgency: Urgency::Prompt,
        }
    }

    /// A session for what somebody waits for, such as a connection test.
    pub fn interactive(parts: SessionParts) -> Session {
        Session {
            parts,
            urgency: Urgency::Interactive,
        }
    }

    pub fn connection(&self) -> &ConnectionId {
        &self.parts.connection
    }

    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub fn tenant(&self) -> &Tenant {
        &self.parts.tenant
    }

    pub fn tier(&self) -> Tier {
        self.parts.tier
    }

    /// A setting of the app; empty when it was not given.
    pub fn setting(&self, name: &str) -> &str {
        self.parts
            .settings
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The credential, for the authenticator.
    pub fn secret(&self) -> &Secret {
        &self.parts.secret
    }

    pub fn rng(&self) -> &dyn Rng {
        &*self.parts.rng
    }

    pub fn gates(&self) -> &Gates {
        &self.parts.gates
    }

    /// Makes the next call ask for a new token, because grants are fixed when a token is issued.
    pub fn forget_tokens(&self) {
        self.parts.tokens.forget(&self.parts.scope);
    }

    pub fn address(&self, endpoint: &str, path_and_query: &str) -> Result<Address, CallError> {
        Ok(self.base(endpoint)?.join(path_and_query)?)
    }

    /// A link that the vendor sent, if it leads to the configured host.
    pub fn follow(&self, endpoint: &str, link: &str) -> Result<Address, CallError> {
        Ok(self.base(endpoint)?.follow(link)?)
    }

    pub fn base(&self, endpoint: &str) -> Result<&Base, BadAddress> {
        let base = self.parts.endpoints.get(endpoint);
        base.ok_or_else(|| BadAddress::Unreadable(format!("no endpoint named {endpoint}")))
    }

    /// Sends a call when the limit allows it and returns the answer if it is a success.
    pub async fn send(&self, call: &Call) -> Result<Answer, CallError> {
        self.exchange(call, Repeat::Freely, Accepted::Successes)
            .await
    }

    /// Sends a call that changes something at the vendor, and never again unless the vendor said that it did nothing.
    ///
    /// # Errors
    /// `Unsure` when nobody knows whether it was done: the answer was lost, or is one that vendors also give after they
    /// did it. Whoever wrote must read before writing once more.
    pub async fn write(&self, call: &Call) -> Result<Answer, CallError> {
        self.exchange(call, Repeat::IfNotDone, Accepted::Successes)
            .await
    }

    async fn exchange(
        &self,
        call: &Call,
        repeat: Repeat,
        accepted: Accepted,
    ) -> Result<Answer, CallError> {
        let mut throttled = 0;
        let mut broken = 0;
        let mut is_renewed = false;
        let mut outdated = 0;
        let mut nonces = 0;
        loop {
            let token = self.token(call.audience).await?;
            // What is spent here is spent whatever is answered, so nothing is settled.
            let also = self.admit_also(call).await?;
            let pass = self.admit(call).await?;
            let request = self.authorised(call, &token)?;
            let sent = self.parts.transport.send(request).await;
            drop(also);
            let refused = match self
                .settle(call, accepted, &token.scheme, pass, sent)
                .await?
            {
                Settled::Answer(answer) => return Ok(answer),
                Settled::Again if repeat == Repeat::IfNotDone => {
                    return Err(unsure(call, "too many calls".into()));
                }
                Settled::Again if throttled < THROTTLED_TRIES_MAX => {
                    throttled += 1;
                    continue;
                }
                Settled::Again => {
                    let until = self.now() + SignedDuration::from_secs(2);
                    return Err(CallError::Later { until });
                }
                Settled::Challenged(_) if nonces < NONCES_MAX => {
                    nonces += 1;
                    continue;
                }
                Settled::Challenged(refusal) | Settled::Refused(refusal) => refusal,
                Settled::Broken(reason) if repeat == Repeat::IfNotDone => {
                    return Err(unsure(call, reason));
                }
                Settled::Broken(reason) => {
                    broken += 1;
                    self.pause_or_fail(call, broken, reason).await?;
                    continue;
                }
            };
            // Vendors give such answers after they did it, too, whatever their codes mean for who reads.
            let may_be_done = refused.status >= 500 || refused.status == 408;
            if repeat == Repeat::IfNotDone && may_be_done {
                let reason = format!("{} {} {}", refused.status, refused.code, refused.message);
                return Err(unsure(call, reason.trim().into()));
            }
            match refused.kind {
                RefusalKind::Unauthorized if !is_renewed && outdated < OUTDATED_TRIES_MAX => {
                    let tokens = &self.parts.tokens;
                    // A call that waited for the limit may come with a token that others have replaced meanwhile, which
                    // says nothing about the new one.
                    match tokens.forget_one(&self.parts.scope, call.audience, &token.secret) {
                        true => is_renewed = true,
                        false => outdated += 1,
                    }
                }
                RefusalKind::Unavailable => {
                    let reason = format!("{} {} {}", refused.status, refused.code, refused.message);
                    if repeat == Repeat::IfNotDone {
                        return Err(unsure(call, reason.trim().into()));
                    }
                    broken += 1;
                    self.pause_or_fail(call, broken, reason.trim().into())
                        .await?;
                }
                _ => {
                    let host = call.address.host().into();
                    return Err(CallError::Refused {
                        host,
                        refusal: Box::new(refused),
                    });
                }
            }
        }
    }

    /// Sends a request that needs no token and has no documented limit: the login itself.
    pub async fn send_unauthorised(
        &self,
        request: Request,
    ) -> Result<(u16, Headers, Vec<u8>), TransportError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.parts.transport.send(request.clone()).await {
                Ok(mut answer) => {
                    let body = read(&mut *answer.body, REFUSAL_BYTES_MAX).await;
                    return Ok((answer.status, answer.headers, body.unwrap_or_default()));
                }
                Err(error) if tries >= retry::QUICK_TRIES_MAX => return Err(error),
                Err(_) => {
                    self.sleep(retry::quick_wait(tries, self.parts.rng.fraction()))
                        .await
                }
            }
        }
    }

    async fn token(&self, audience: &'static str) -> Result<Token, CallError> {
        let now = self.now();
        if let Some(token) = self.parts.tokens.get(&self.parts.scope, audience, now) {
            return Ok(token);
        }
        let token = self.parts.authenticator.token(self, audience).await?;
        let life = token.expires.duration_since(now);
        let keep = (life - life / 5).max(TOKEN_LIFE_MIN);
        self.parts.tokens.keep(
            &self.parts.scope,
            audience,
            Token {
                expires: now + keep,
                ..token.clone()
            },
        );
        Ok(token)
    }

    async fn admit(&self, call: &Call) -> Result<Pass<'_>, CallError> {
        let spend = Spend {
            bucket: call.bucket,
            account: call.account.as_deref(),
            class: call.class,
            urgency: self.urgency,
        };
        self.parts.gates.admit(spend).await.map_err(gate_error)
    }

    async fn admit_also(&self, call: &Call) -> Result<Option<Pass<'_>>, CallError> {
        let Some((bucket, class)) = call.also else {
            return Ok(None);
        };
        let spend = Spend {
            bucket,
            account: None,
            class,
            urgency: self.urgency,
        };
        let pass = self.parts.gates.admit(spend).await;
        pass.map(Some).map_err(gate_error)
    }

    fn authorised(&self, call: &Call, token: &Token) -> Result<Request, CallError> {
        let mut headers = call.headers.clone();
        let word = match &token.scheme {
            Scheme::Bearer => "Bearer",
            Scheme::Named(word) => word,
            Scheme::Proved(prover) => {
                let proof = prover.prove(&Proved {
                    method: call.method,
                    address: &call.address,
                    token: &token.secret,
                    now: self.now(),
                    rng: self.rng(),
                })?;
                headers.add("DPoP", proof);
                "DPoP"
            }
        };
        headers.add("Authorization", format!("{word} {}", token.secret.reveal()));
        Ok(Request {
            method: call.method,
            url: call.address.as_str().into(),
            headers,
            body: call.body.clone(),
        })
    }

    /// Reads what an answer says about the limit and, if it is no success, what it means.
    async fn settle(
        &self,
        call: &Call,
        accepted: Accepted,
        scheme: &Scheme,
        pass: Pass<'_>,
        sent: Result<Response, TransportError>,
    ) -> Result<Settled, CallError> {
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                // Nobody answered, so nothing was learnt about the limit; the units count as spent.
                drop(pass);
                return Ok(Settled::Broken(chain(&error)));
            }
        };
        let now = self.now();
        let dialect = self.parts.dialect;
        let mut signs = dialect.signs(call.bucket, &response.headers, now);
        if accepted.has(response.status) {
            pass.settle(signs).await.map_err(gate_error)?;
            let host = call.address.host().into();
            let Response {
                status,
                headers,
                body,
            } = response;
            return Ok(Settled::Answer(Answer {
                status,
                headers,
                body,
                host,
            }));
        }
        let body = read(&mut *response.body, REFUSAL_BYTES_MAX)
            .await
            .unwrap_or_default();
        let refusal = dialect.refusal(response.status, &response.headers, &body);
        if refusal.kind != RefusalKind::Throttled {
            pass.settle(signs).await.map_err(gate_error)?;
            if let (401, Scheme::Proved(prover)) = (response.status, scheme)
                && prover.challenged(&response.headers)
            {
                return Ok(Settled::Challenged(refusal));
            }
            return Ok(Settled::Refused(refusal));
        }
        // Some vendors do not say how long to wait but when the window ends.
        let retry_after = retry::retry_after(&response.headers, now).or(signs.reset);
        tracing::debug!(connection = %self.parts.connection, bucket = call.bucket, ?retry_after, "throttled");
        signs.throttled = Some(Throttled { retry_after });
        match pass.settle(signs).await.map_err(gate_error)? {
            Verdict::Done | Verdict::Again => Ok(Settled::Again),
        }
    }

    async fn pause_or_fail(
        &self,
        call: &Call,
        broken: u32,
        reason: String,
    ) -> Result<(), CallError> {
        if broken >= retry::QUICK_TRIES_MAX {
            return Err(CallError::Unavailable {
                host: call.address.host().into(),
                reason,
            });
        }
        self.sleep(retry::quick_wait(broken, self.parts.rng.fraction()))
            .await;
        Ok(())
    }

    async fn sleep(&self, wait: Duration) {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO);
        self.parts.clock.sleep_until(self.now() + wait).await;
    }
}

/// When a call is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Freely,
    /// Only after a refusal that is sure to have changed nothing.
    IfNotDone,
}

/// What is an answer and no refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepted {
    Successes,
    /// What is asked for may be handed out elsewhere.
    Redirects,
}

impl Accepted {
    fn has(self, status: u16) -> bool {
        match self {
            Accepted::Successes => (200..300).contains(&status),
            Accepted::Redirects => (200..400).contains(&status),
        }
    }
}

fn unsure(call: &Call, reason: String) -> CallError {
    CallError::Unsure {
        host: call.address.host().into(),
        reason,
    }
}

enum Settled {
    Answer(Answer),
    Again,
    /// The proof lacks a nonce, which is known now.
    Challenged(Refusal),
    Refused(Refusal),
    Broken(String),
}

/// A throttle that cannot be read is no reason to send: the step comes back a little later (throttle design, 12).
fn gate_error(error: GateError) -> CallError {
    match error {
        GateError::Later { until } => CallError::Later { until },
        other => CallError::Gate(other),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_replaced_says_nothing_about_the_new_one() {
        let tokens = Tokens::default();
        let token = |text: &str| Token {
            secret: Secret::new(text),
            expires: Timestamp::MAX,
            scheme: Scheme::Bearer,
        };
        let (old, new) = (token("old").secret, token("new").secret);
        tokens.keep("contoso.1", "graph", token("new"));
        assert!(!tokens.forget_one("contoso.1", "graph", &old));
        let kept = tokens.get("contoso.1", "graph", Timestamp::UNIX_EPOCH);
        assert_eq!(kept.map(|token| token.secret), Some(new.clone()));
        assert!(tokens.forget_one("contoso.1", "graph", &new));
        assert!(!tokens.forget_one("contoso.1", "graph", &new));
    }
}
