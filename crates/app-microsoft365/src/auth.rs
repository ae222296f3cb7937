//! How a token is obtained: client credentials with a secret or a certificate, one token per service.

mod certificate;
mod refusals;

use std::fmt::Display;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use casbah_connector::{Authenticator, Session, pem_block};
use casbah_http::{Address, AuthError, Scheme, Token};
use casbah_model::ports::Rng;
use casbah_model::record::hex;
use casbah_model::secret::Secret;
use casbah_model::transport::{Headers, Method, Request};
use casbah_model::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::wire::{GRAPH, LOGIN, MANAGEMENT};
use crate::{CLIENT_ID, CREDENTIAL, TENANT_ID};
use refusals::{refusal, refused};

pub(crate) struct ClientCredentials;

/// Hosts a token can be asked for by their own name; tokens do not cross clouds (Microsoft Graph documentation,
/// "National cloud deployments"; Management Activity API reference, "Activity API operations").
const AUDIENCES: [&str; 8] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
    "manage.office.com",
    "manage-gcc.office.com",
    "manage.office365.us",
    "manage.protection.apps.mil",
];

/// Tokens live 60 to 90 minutes, with continuous access evaluation up to a day (identity platform documentation,
/// "Access tokens", "Token lifetime"); other values are taken for the nearer of these ends.
const LIFE_S: (i64, i64) = (60, 86_400);

/// An assertion is valid this long, beginning a minute ago for clocks that differ (identity platform documentation,
/// "Certificate credentials": `exp` 5 to 10 minutes after `nbf`).
const ASSERTION_LIFE: SignedDuration = SignedDuration::from_mins(10);
const ASSERTION_HEAD_START: SignedDuration = SignedDuration::from_mins(1);

#[async_trait]
impl Authenticator for ClientCredentials {
    async fn token(&self, session: &Session, audience: &'static str) -> Result<Token, AuthError> {
        let tenant = session.setting(TENANT_ID);
        let misconfigured = |error: &dyn Display| {
            refused("misconfigured", error.to_string(), "check the endpoints")
        };
        let path = format!("/{tenant}/oauth2/v2.0/token");
        let address = session
            .address(LOGIN, &path)
            .map_err(|error| misconfigured(&error))?;
        let service = session
            .address(audience, "/")
            .map_err(|error| misconfigured(&error))?;
        let request = request(session, &address, &scope(audience, service.host()))?;
        let asked = session.now();
        let answer = session.send_unauthorised(request).await;
        let (status, _, body) = answer.map_err(|error| AuthError::Unavailable {
            reason: error.to_string(),
        })?;
        if status != 200 {
            return Err(refusal(status, &body));
        }
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| AuthError::Unavailable {
                reason: "its answer is not a token".into(),
            })?;
        let life = granted.expires_in.seconds().clamp(LIFE_S.0, LIFE_S.1);
        Ok(Token {
            secret: Secret::new(granted.access_token),
            expires: asked + SignedDuration::from_secs(life),
            scheme: Scheme::Bearer,
        })
    }
}

/// When the credential ends: a certificate says it itself. Of a secret only the application's own object in its home
/// tenant would tell, which takes a right that nothing else needs.
pub(crate) fn expires(session: &Session) -> Option<Timestamp> {
    if session.setting(CREDENTIAL) != "certificate" {
        return None;
    }
    certificate::not_after(&der(pem_block(session.secret().reveal(), "CERTIFICATE")?)?)
}

/// What to ask a token for; services at other addresses are taken for the worldwide ones.
fn scope(audience: &str, host: &str) -> String {
    let worldwide = if audience == MANAGEMENT {
        "manage.office.com"
    } else {
        "graph.microsoft.com"
    };
    debug_assert!(audience == MANAGEMENT || audience == GRAPH);
    let known = AUDIENCES
        .into_iter()
        .find(|known| host.eq_ignore_ascii_case(known));
    format!("https://{}/.default", known.unwrap_or(worldwide))
}

fn request(session: &Session, address: &Address, scope: &str) -> Result<Request, AuthError> {
    let client = session.setting(CLIENT_ID);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", client)
        .append_pair("scope", scope)
        .append_pair("grant_type", "client_credentials");
    if session.setting(CREDENTIAL) == "certificate" {
        let assertion = assertion(session, address)?;
        form.append_pair(
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        );
        form.append_pair("client_assertion", assertion.reveal());
    } else {
        form.append_pair("client_secret", session.secret().reveal());
    }
    Ok(Request {
        method: Method::Post,
        url: address.as_str().into(),
        headers: Headers::default()
            .with("Content-Type", "application/x-www-form-urlencoded")
            .with("Accept", "application/json"),
        body: form.finish().into(),
    })
}

/// Claims of a client assertion (identity platform documentation, "Certificate credentials", "Claims").
#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

fn assertion(session: &Session, address: &Address) -> Result<Secret, AuthError> {
    let begin = session.now() - ASSERTION_HEAD_START;
    let client = session.setting(CLIENT_ID).to_string();
    let claims = Claims {
        aud: address.as_str().into(),
        iss: client.clone(),
        sub: client,
        jti: guid(session.rng()),
        nbf: begin.as_second(),
        iat: begin.as_second(),
        exp: (begin + ASSERTION_LIFE).as_second(),
    };
    sign(session.secret().reveal(), &claims)
}

/// Signs with the key of a PEM text that also holds its certificate, in any order.
fn sign(pem: &str, claims: &Claims) -> Result<Secret, AuthError> {
    let unusable = |what: &str| {
        let fix =
            "store a PEM text that holds the certificate and its RSA private key, not encrypted";
        refused(
            "credential",
            format!("the certificate cannot be used: {what}"),
            fix,
        )
    };
    let certificate =
        pem_block(pem, "CERTIFICATE").ok_or_else(|| unusable("there is no certificate in it"))?;
    let key = ["PRIVATE KEY", "RSA PRIVATE KEY"]
        .iter()
        .find_map(|label| pem_block(pem, label));
    let key = key.ok_or_else(|| unusable("there is no private key in it"))?;
    let key = EncodingKey::from_rsa_pem(key.as_bytes())
        .map_err(|_| unusable("its key is not an RSA key"))?;
    let thumbprint = thumbprint(certificate).ok_or_else(|| unusable("it is not Base64"))?;
    let header = Header {
        x5t_s256: Some(thumbprint),
        ..Header::new(Algorithm::PS256)
    };
    let signed = jsonwebtoken::encode(&header, claims, &key);
    signed
        .map(Secret::new)
        .map_err(|_| unusable("nothing can be signed with its key"))
}

/// `x5t#S256`: the SHA-256 of the certificate's DER form.
fn thumbprint(certificate: &str) -> Option<String> {
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(der(certificate)?)))
}

/// What is between the lines of dashes of a PEM block.
fn der(block: &str) -> Option<Vec<u8>> {
    let inner = block
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::trim);
    STANDARD.decode(inner.collect::<String>()).ok()
}

/// A random GUID (RFC 9562, version 4).
fn guid(rng: &dyn Rng) -> String {
    let mut bytes = [rng.next_u64().to_be_bytes(), rng.next_u64().to_be_bytes()].concat();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    parts.join("-")
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Seconds,
}

/// The v1.0 endpoint writes all its numbers as strings ("Get started with Office 365 Management APIs").
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    fn seconds(&self) -> i64 {
        match self {
            Seconds::Number(number) => *number as i64,
            Seconds::Text(text) => text.trim().parse().unwrap_or(LIFE_S.0),
        }
    }
}

#[cfg(test)]
mod tests;
