//! How a token is obtained: a service app with a private key, with proofs of possession where the app asks for them, or
//! an API token, which is its own.

mod der;
mod key;
mod proof;
mod refusals;

use std::sync::Arc;

use async_trait::async_trait;
use casbah_connector::{Authenticator, Dialect, Session};
use casbah_http::{Address, AuthError, Scheme, Token};
use casbah_model::permission::Tier;
use casbah_model::ports::Rng;
use casbah_model::secret::Secret;
use casbah_model::transport::{Headers, Method, Request};
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::dialect;
use crate::wire::ORG;
use crate::{CLIENT_ID, KEY_ID, SCOPES as SCOPES_SETTING};
use key::Key;
use proof::ProofKey;
use refusals::{Refused, refused};

pub(crate) struct Credential;

/// Everything that reading takes; nothing that changes something.
pub(crate) const SCOPES: [&str; 7] = [
    "okta.users.read",
    "okta.groups.read",
    "okta.roles.read",
    "okta.logs.read",
    "okta.apps.read",
    "okta.appGrants.read",
    "okta.apiTokens.read",
];
/// What acting takes, asked for only where somebody wants to act.
pub(crate) const ACT_SCOPES: [&str; 4] = [
    "okta.users.manage",
    "okta.groups.manage",
    "okta.roles.manage",
    "okta.appGrants.manage",
];
/// Only tells the org's name.
const ORG_SCOPE: &str = "okta.orgs.read";

/// Access tokens live an hour, which is fixed (implement-oauth-for-okta-serviceapp).
const LIFE_S: (i64, i64) = (60, 3_600);

/// An assertion may live an hour (implement-oauth-for-okta-serviceapp); it is used at once.
const ASSERTION_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// An API token does not end by itself while it is used (create-an-api-token); this only says when it is read again.
const API_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// API tokens have 42 characters; anything much longer is something else.
const API_TOKEN_CHARS_MAX: usize = 200;

/// A first try, one that proves possession, one with the nonce, one more when the nonce was replaced (dpop).
const TRIES_MAX: u32 = 4;
/// The shortest wait after a call too many (rl2-concurrency: seconds).
const THROTTLED: SignedDuration = SignedDuration::from_secs(2);
/// An answer with a token has some kilobytes; scopes of it are names.
const SCOPES_MAX: usize = 200;

#[async_trait]
impl Authenticator for Credential {
    async fn token(&self, session: &Session, _: &'static str) -> Result<Token, AuthError> {
        let (token, _) = granted(session).await?;
        Ok(token)
    }
}

/// A new token and its scopes; an API token does not tell any.
pub(crate) async fn granted(session: &Session) -> Result<(Token, Option<Vec<String>>), AuthError> {
    if session.setting(CLIENT_ID).is_empty() {
        return Ok((api_token(session)?, None));
    }
    let mut client = Client::new(session)?;
    let wanted = wanted(session.setting(SCOPES_SETTING), session.tier());
    match client.ask(&wanted).await {
        Err(Asked::Scopes(_)) => {}
        Err(Asked::Failed(error)) => return Err(error),
        Ok(granted) => return client.token(granted),
    }
    // Nobody documents what happens when some of the scopes are not granted: a smaller token, or this refusal. So each
    // is asked for by itself, and then all that are granted.
    let mut found = vec![];
    let mut last = None;
    for scope in &wanted {
        match client.ask(&[*scope]).await {
            Ok(_) => found.push(*scope),
            Err(Asked::Scopes(error)) => last = Some(error),
            Err(Asked::Failed(error)) => return Err(error),
        }
    }
    match (found.is_empty(), last) {
        (true, Some(error)) => Err(error),
        _ => match client.ask(&found).await {
            Ok(granted) => client.token(granted),
            Err(Asked::Scopes(error) | Asked::Failed(error)) => Err(error),
        },
    }
}

/// Whether a setting names scopes that there is a use for.
pub(crate) fn are_scopes(entered: &str, tier: Tier) -> bool {
    let known = |scope: &str| {
        let acts = tier == Tier::Act && ACT_SCOPES.contains(&scope);
        SCOPES.contains(&scope) || acts || scope == ORG_SCOPE
    };
    !entered.trim().is_empty()
        && entered
            .split(' ')
            .all(|scope| scope.is_empty() || known(scope))
}

fn wanted(entered: &str, tier: Tier) -> Vec<&str> {
    if entered.is_empty() {
        let acting = ACT_SCOPES.into_iter().filter(|_| tier == Tier::Act);
        return SCOPES
            .into_iter()
            .chain([ORG_SCOPE])
            .chain(acting)
            .collect();
    }
    entered.split_whitespace().collect()
}

fn api_token(session: &Session) -> Result<Token, AuthError> {
    let text = session.secret().reveal();
    let is_token = !text.is_empty()
        && text.len() <= API_TOKEN_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        let what = "the credential is not an API token".to_string();
        let fix = "enter the token's value alone, or set client_id if it is the private key of a service app";
        return Err(refused("credential", what, fix));
    }
    Ok(Token {
        secret: session.secret().clone(),
        expires: session.now() + API_TOKEN_LIFE,
        scheme: Scheme::Named("SSWS"),
    })
}

/// The service app on its way to a token.
struct Client<'a> {
    session: &'a Session,
    address: Address,
    key: Key,
    /// Made when the app asks for it; the token is bound to it.
    proof: Option<Arc<ProofKey>>,
    nonce: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: f64,
    #[serde(default)]
    scope: String,
}

/// Why there is no token.
enum Asked {
    /// The scopes are refused; fewer of them may be granted.
    Scopes(AuthError),
    Failed(AuthError),
}

/// Claims of a client assertion (implement-oauth-for-okta-serviceapp; RFC 7523, 3).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl<'a> Client<'a> {
    fn new(session: &'a Session) -> Result<Client<'a>, AuthError> {
        // Only the org's own authorization server knows these scopes.
        let address = session.address(ORG, "/oauth2/v1/token").map_err(|error| {
            let fix = "check domain, and the endpoint if it is set";
            refused("misconfigured", error.to_string(), fix)
        })?;
        Ok(Client {
            session,
            address,
            key: Key::read(session.secret(), session.setting(KEY_ID))?,
            proof: None,
            nonce: None,
        })
    }

    async fn ask(&mut self, scopes: &[&str]) -> Result<Granted, Asked> {
        for _ in 0..TRIES_MAX {
            let request = self.request(scopes).map_err(Asked::Failed)?;
            let answer = self.session.send_unauthorised(request).await;
            let (status, headers, body) = answer.map_err(|error| {
                let reason = error.to_string();
                Asked::Failed(AuthError::Unavailable { reason })
            })?;
            if status == 200 {
                return serde_json::from_slice(&body).map_err(|_| {
                    let reason = "its answer is not a token".into();
                    Asked::Failed(AuthError::Unavailable { reason })
                });
            }
            if status == 429 {
                let until = self.session.now() + again(&headers, self.session.now());
                return Err(Asked::Failed(AuthError::Throttled { until }));
            }
            match refusals::read(status, &body) {
                Refused::Nonce => {
                    self.nonce = proof::nonce(&headers);
                    self.prove()?;
                }
                Refused::Proof(_) if self.proof.is_none() => self.prove()?,
                Refused::Scopes(error) => return Err(Asked::Scopes(error)),
                Refused::Proof(error) | Refused::Failed(error) => return Err(Asked::Failed(error)),
            }
        }
        let reason = "it keeps asking for another nonce".into();
        Err(Asked::Failed(AuthError::Unavailable { reason }))
    }

    fn prove(&mut self) -> Result<(), Asked> {
        if self.proof.is_none() {
            let made = ProofKey::generate().map_err(Asked::Failed)?;
            self.proof = Some(Arc::new(made));
        }
        Ok(())
    }

    /// Every try is signed anew, because an assertion and a proof are good once.
    fn request(&self, scopes: &[&str]) -> Result<Request, AuthError> {
        let (session, address) = (self.session, self.address.as_str());
        let now = session.now();
        let client = session.setting(CLIENT_ID);
        let assertion = self.key.sign(&Claims {
            iss: client,
            sub: client,
            aud: address,
            jti: once(session.rng()),
            iat: now.as_second(),
            exp: (now + ASSERTION_LIFE).as_second(),
        })?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("scope", &scopes.join(" "))
            .append_pair(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .append_pair("client_assertion", assertion.reveal());
        let mut headers = Headers::default()
            .with("Content-Type", "application/x-www-form-urlencoded")
            .with("Accept", "application/json");
        if let Some(proof) = &self.proof {
            let proof =
                proof.for_token(&self.address, self.nonce.as_deref(), now, session.rng())?;
            headers.add("DPoP", proof);
        }
        Ok(Request {
            method: Method::Post,
            url: address.into(),
            headers,
            body: form.finish().into(),
        })
    }

    fn token(&self, granted: Granted) -> Result<(Token, Option<Vec<String>>), AuthError> {
        let is_bound = granted.token_type.eq_ignore_ascii_case("DPoP");
        let scheme = match (&self.proof, is_bound) {
            (Some(proof), true) => Scheme::Proved(proof.clone()),
            (None, true) => {
                let reason = "its token is bound to a key that was never shown".into();
                return Err(AuthError::Unavailable { reason });
            }
            (_, false) => Scheme::Bearer,
        };
        let life = (granted.expires_in as i64).clamp(LIFE_S.0, LIFE_S.1);
        let token = Token {
            secret: Secret::new(granted.access_token),
            expires: self.session.now() + SignedDuration::from_secs(life),
            scheme,
        };
        let scopes = granted.scope.split_whitespace().take(SCOPES_MAX);
        Ok((token, Some(scopes.map(String::from).collect())))
    }
}

/// When the limit of the authorization server is open again. Too many calls side by side do not tell.
fn again(headers: &Headers, now: Timestamp) -> SignedDuration {
    let told = dialect::Okta.signs("token", headers, now).reset;
    let told = told.and_then(|wait| SignedDuration::try_from(wait).ok());
    told.unwrap_or(THROTTLED).max(THROTTLED)
}

/// A value that nobody has used before.
fn once(rng: &dyn Rng) -> String {
    format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64())
}

#[cfg(test)]
mod tests;
