//! How a token is obtained: with the app's client secret, as its service account or as a user.

mod refusals;

use async_trait::async_trait;
use casbah_connector::{Authenticator, Session};
use casbah_http::{AuthError, Scheme, Token};
use casbah_model::SignedDuration;
use casbah_model::secret::Secret;
use casbah_model::transport::{Headers, Method, Request};
use serde::Deserialize;
use url::form_urlencoded;

use crate::wire::API;
use crate::{CLIENT_ID, ENTERPRISE_ID, USER_ID};
use refusals::refused;

pub(crate) struct Credential;

/// Tokens live about an hour; the sample has 4,123 s (developer guides, "Client credentials grant").
const LIFE_S: (i64, i64) = (60, 2 * 3_600);
/// Client secrets have 32 characters; anything much longer is something else.
const SECRET_CHARS_MAX: usize = 200;
/// The wait after a call too many when the answer does not tell.
const THROTTLED: SignedDuration = SignedDuration::from_secs(5);

#[async_trait]
impl Authenticator for Credential {
    async fn token(&self, session: &Session, _: &'static str) -> Result<Token, AuthError> {
        let granted = ask(session, form(session)?).await?;
        let life = (granted.expires_in as i64).clamp(LIFE_S.0, LIFE_S.1);
        Ok(Token {
            secret: Secret::new(granted.access_token),
            expires: session.now() + SignedDuration::from_secs(life),
            scheme: Scheme::Bearer,
        })
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: f64,
}

/// Whose token it is: the user's, or the service account's of the app in the enterprise.
fn subject(session: &Session) -> (&'static str, &str) {
    match session.setting(USER_ID) {
        "" => ("enterprise", session.setting(ENTERPRISE_ID)),
        user => ("user", user),
    }
}

fn form(session: &Session) -> Result<String, AuthError> {
    let (kind, id) = subject(session);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client_id(session)?)
        .append_pair("client_secret", client_secret(session)?)
        .append_pair("box_subject_type", kind)
        .append_pair("box_subject_id", id);
    Ok(form.finish())
}

fn client_id(session: &Session) -> Result<&str, AuthError> {
    match session.setting(CLIENT_ID) {
        "" => {
            let fix = "set client_id to the Client ID on the app's Configuration page in the Developer Console";
            Err(refused("credential", "client_id is missing".into(), fix))
        }
        id => Ok(id),
    }
}

fn client_secret(session: &Session) -> Result<&str, AuthError> {
    let text = session.secret().reveal().trim();
    let is_secret = !text.is_empty()
        && text.len() <= SECRET_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_secret {
        let what = "the credential is not a client secret".to_string();
        let fix = "enter the Client Secret of the app's Configuration page alone";
        return Err(refused("credential", what, fix));
    }
    Ok(text)
}

async fn ask(session: &Session, form: String) -> Result<Granted, AuthError> {
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
    let (status, headers, body) = answer.map_err(|error| AuthError::Unavailable {
        reason: error.to_string(),
    })?;
    if status == 200 {
        return serde_json::from_slice(&body).map_err(|_| AuthError::Unavailable {
            reason: "its answer is not a token".into(),
        });
    }
    if status == 429 {
        let told = casbah_http::retry::retry_after(&headers, session.now());
        let told = told.and_then(|wait| SignedDuration::try_from(wait).ok());
        let until = session.now() + told.unwrap_or(THROTTLED).max(THROTTLED);
        return Err(AuthError::Throttled { until });
    }
    Err(refusals::read(status, &body))
}
