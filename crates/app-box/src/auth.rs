//! How a token is obtained: with the app's client secret alone, or with an assertion that its private key signs; as the
//! app's service account or as a user.

mod app;
mod key;
mod refusals;

use async_trait::async_trait;
use casbah_connector::{Authenticator, Session};
use casbah_http::{AuthError, Scheme, Token, retry};
use casbah_model::ports::Rng;
use casbah_model::secret::Secret;
use casbah_model::transport::{Headers, Method, Request};
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::wire::API;
use crate::{ENTERPRISE_ID, USER_ID};
use app::App;
pub(crate) use key::is_algorithm;
use refusals::{Refused, refused};

pub(crate) struct Credential;

/// Whom an assertion is for, wherever it is sent (developer guides, "JWT without SDKs", "aud").
const AUDIENCE: &str = "https://api.box.com/oauth2/token";

/// Tokens live about an hour; the sample has 4,123 s (developer guides, "Client credentials grant").
const LIFE_S: (i64, i64) = (60, 2 * 3_600);

/// An assertion may live 60 s at the most, samples have 45 (developer guides, "JWT without SDKs", "exp").
const ASSERTION_LIFE: SignedDuration = SignedDuration::from_secs(45);

/// A first try, one by the server's clock, one more when the connection broke behind the first.
const TRIES_MAX: u32 = 3;

/// The wait after a call too many when the answer does not tell.
const THROTTLED: SignedDuration = SignedDuration::from_secs(5);

#[async_trait]
impl Authenticator for Credential {
    async fn token(&self, session: &Session, _: &'static str) -> Result<Token, AuthError> {
        let app = App::read(session)?;
        // What is to be added to our clock to have Box's.
        let mut skew = SignedDuration::ZERO;
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let (status, headers, body) = send(session, form(session, &app, skew)?).await?;
            if status == 200 {
                return token(session, &body);
            }
            if status == 429 {
                return Err(throttled(&headers, session.now()));
            }
            match refusals::read(status, &body) {
                Refused::Failed(error) => return Err(error),
                // An assertion of its own time may pass where one of ours does not.
                Refused::Time(error) => {
                    let theirs = headers.get("Date").and_then(retry::http_date);
                    match theirs {
                        Some(theirs) => skew = theirs.duration_since(session.now()),
                        None => return Err(error),
                    }
                    last = Some(error);
                }
                Refused::Used(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| AuthError::Unavailable {
            reason: "it accepts no assertion".into(),
        }))
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: f64,
}

/// Claims of an assertion (developer guides, "JWT without SDKs").
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    box_sub_type: &'a str,
    aud: &'a str,
    jti: String,
    exp: i64,
}

/// Whose token it is: the user's, or the service account's of the app in the enterprise.
fn subject(session: &Session) -> (&'static str, &str) {
    match session.setting(USER_ID) {
        "" => ("enterprise", session.setting(ENTERPRISE_ID)),
        user => ("user", user),
    }
}

/// The request for a token. Every try is signed anew, because an assertion is good once.
fn form(session: &Session, app: &App, skew: SignedDuration) -> Result<String, AuthError> {
    let (kind, id) = subject(session);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", &app.id)
        .append_pair("client_secret", app.secret.reveal());
    match &app.key {
        None => {
            form.append_pair("grant_type", "client_credentials")
                .append_pair("box_subject_type", kind)
                .append_pair("box_subject_id", id);
        }
        Some(key) => {
            let assertion = key.sign(&Claims {
                iss: &app.id,
                sub: id,
                box_sub_type: kind,
                aud: AUDIENCE,
                jti: once(session.rng()),
                exp: (session.now() + skew + ASSERTION_LIFE).as_second(),
            })?;
            form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                .append_pair("assertion", assertion.reveal());
        }
    }
    Ok(form.finish())
}

async fn send(session: &Session, form: String) -> Result<(u16, Headers, Vec<u8>), AuthError> {
    let address = session.address(API, "/oauth2/token").map_err(|error| {
        let fix = "check the endpoint api if it is set";
        refused("misconfigured", error.to_string(), fix)
    })?;
    let request = Request {
        method: Method::Post,
        url: address.as_str().into(),
        headers: Headers::default()
            .with("Content-Type", "application/x-www-form-urlencoded")
            .with("Accept", "application/json"),
        body: form.into(),
    };
    let answer = session.send_unauthorised(request).await;
    answer.map_err(|error| AuthError::Unavailable {
        reason: error.to_string(),
    })
}

fn token(session: &Session, body: &[u8]) -> Result<Token, AuthError> {
    let granted: Granted = serde_json::from_slice(body).map_err(|_| AuthError::Unavailable {
        reason: "its answer is not a token".into(),
    })?;
    let life = (granted.expires_in as i64).clamp(LIFE_S.0, LIFE_S.1);
    Ok(Token {
        secret: Secret::new(granted.access_token),
        expires: session.now() + SignedDuration::from_secs(life),
        scheme: Scheme::Bearer,
    })
}

fn throttled(headers: &Headers, now: Timestamp) -> AuthError {
    let told = retry::retry_after(headers, now);
    let told = told.and_then(|wait| SignedDuration::try_from(wait).ok());
    let until = now + told.unwrap_or(THROTTLED).max(THROTTLED);
    AuthError::Throttled { until }
}

/// A value that nobody has used before, of 16 to 128 characters.
fn once(rng: &dyn Rng) -> String {
    format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64())
}

#[cfg(test)]
mod tests;
