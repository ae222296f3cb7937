//! Who calls: API tokens, and access tokens of the OAuth service app (Implement OAuth for Okta with a service app).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::transport::Method;
use serde::Deserialize;
use serde_json::Value;

use super::desk::{Desk, not_allowed};
use super::faults::Fault;
use super::people::Status;
use super::plan::{PartialScopes, is_scope};
use super::wire::{Call, api_error, oauth_error};
use crate::address::pairs;
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::{DAY, SECOND};
use crate::seal::{decode_part, signature};

/// Access tokens of the org authorization server live an hour.
const TOKEN_SECONDS: i64 = 3600;
/// A client assertion is valid for an hour at most.
const ASSERTION_SECONDS_MAX: i64 = 3600;
/// An API token expires 30 days after its last use (Create an API token).
const API_TOKEN_LIFE: i64 = 30 * DAY;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ALGORITHMS: [&str; 6] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];

/// Whoever calls.
pub enum Bearer {
    /// An API token acts as the administrator who made it.
    Admin {
        user: u64,
    },
    Client {
        scopes: Vec<String>,
    },
}

/// What an access token says.
#[derive(Deserialize)]
struct Claims {
    exp: i64,
    scp: Vec<String>,
    #[serde(default)]
    cnf: Option<Confirmation>,
}

/// The key that a token is bound to (RFC 9449, 6.1).
#[derive(Deserialize)]
struct Confirmation {
    jkt: String,
}

type Refusal = (u16, &'static str, String);

fn invalid_client(description: &str) -> Refusal {
    (401, "invalid_client", description.into())
}

impl Desk<'_> {
    pub fn login(&mut self, call: &Call) -> Answer {
        if call.method != Method::Post {
            return not_allowed();
        }
        let form = pairs(&String::from_utf8_lossy(&call.body));
        // Only the org authorization server issues `okta.*` scopes.
        if call.segments().as_slice() != ["oauth2", "v1", "token"] {
            return oauth_error(400, "invalid_scope", UNKNOWN_SCOPE);
        }
        if self.strikes(Fault::NetworkZone).is_some() {
            let description = "Policy evaluation failed for this request.";
            return oauth_error(403, "access_denied", description);
        }
        match self.grant(call, &form) {
            Ok(answer) => answer,
            Err(Denied::Plain((status, error, description))) => {
                oauth_error(status, error, &description)
            }
            Err(Denied::Nonce) => self.wants_nonce(400),
        }
    }

    fn grant(&mut self, call: &Call, form: &[(String, String)]) -> Result<Answer, Denied> {
        let field = |name: &str| {
            let found = form.iter().find(|(known, _)| known == name);
            found
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        if field("grant_type") != Some("client_credentials") {
            let description = "The authorization grant type is not supported.";
            return Err((400, "unsupported_grant_type", description.to_string()).into());
        }
        let Some(assertion) = field("client_assertion") else {
            let has_secret =
                field("client_secret").is_some() || call.headers.get("Authorization").is_some();
            let description = if has_secret {
                "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method."
            } else {
                "No client credentials found."
            };
            return Err(invalid_client(description).into());
        };
        if field("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(invalid_client("No client credentials found.").into());
        }
        self.check_assertion(assertion)?;
        let key = self.token_key(call)?;
        let scopes = self.granted_scopes(field("scope").unwrap_or_default())?;
        Ok(self.token(&scopes, key.as_deref()))
    }

    /// Checks everything about an assertion but its signature.
    fn check_assertion(&mut self, assertion: &str) -> Result<(), Refusal> {
        let parts: Vec<&str> = assertion.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            return Err(invalid_client("The client_assertion token is malformed."));
        };
        let (Some(header), Some(claims)) = (decode_part(header), decode_part(claims)) else {
            return Err(invalid_client("The client_assertion token is malformed."));
        };
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let is_known = header["kid"] == self.plan.client.key_id.as_str();
        if !ALGORITHMS.contains(&algorithm) || !is_known || signature.is_empty() {
            return Err(invalid_client("The client_assertion signature is invalid."));
        }
        let client = self.plan.client.id.as_str();
        let is_ours = claims["iss"] == client && claims["sub"] == client;
        if !is_ours || self.strikes(Fault::ClientRemoved).is_some() {
            return Err(invalid_client("Invalid value for 'client_id' parameter."));
        }
        if claims["aud"] != self.plan.token_url().as_str() {
            return Err(invalid_client(
                "The audience claim for client_assertion must be the endpoint invoked for the request.",
            ));
        }
        let now = self.now / SECOND;
        let expires = claims["exp"].as_i64().unwrap_or_default();
        if expires <= now {
            return Err(invalid_client("The client_assertion token is expired."));
        }
        if expires > now + ASSERTION_SECONDS_MAX {
            return Err(invalid_client(
                "The client_assertion token has an expiration too far into the future.",
            ));
        }
        if let Some(id) = claims["jti"].as_str()
            && !self.state.world.jtis.insert(format!("assertion {id}"))
        {
            return Err(invalid_client(
                "The client_assertion token has already been used.",
            ));
        }
        Ok(())
    }

    /// Of the scopes asked for, those that the token will have.
    fn granted_scopes(&mut self, wanted: &str) -> Result<Vec<String>, Refusal> {
        let wanted: Vec<&str> = wanted.split(' ').filter(|one| !one.is_empty()).collect();
        if wanted.is_empty() {
            return Err((400, "invalid_scope", "No scopes were requested.".into()));
        }
        if !wanted.iter().all(|scope| is_scope(scope)) {
            return Err((400, "invalid_scope", UNKNOWN_SCOPE.into()));
        }
        let gone = self.strikes(Fault::ScopesShrink);
        let world = &self.state.world;
        let is_granted = |scope: &&&str| {
            let is_kept = match gone.as_deref() {
                None => true,
                Some("") => wanted.first() == Some(*scope),
                Some(gone) => **scope != gone,
            };
            let scopes = &self.plan.client.scopes;
            is_kept
                && scopes.iter().any(|known| known == **scope)
                && !world.scopes_revoked.contains(**scope)
        };
        let granted: Vec<String> = wanted
            .iter()
            .filter(is_granted)
            .map(ToString::to_string)
            .collect();
        let refused = |error| {
            Err((
                400,
                error,
                "You are not allowed any of the requested scopes.".to_string(),
            ))
        };
        if granted.is_empty() {
            return refused("consent_required");
        }
        match self.plan.choices.partial_scopes {
            _ if granted.len() == wanted.len() => Ok(granted),
            PartialScopes::Reduced => Ok(granted),
            PartialScopes::ConsentRequired => refused("consent_required"),
            PartialScopes::InvalidScope => Err((400, "invalid_scope", UNKNOWN_SCOPE.into())),
        }
    }

    fn token(&mut self, scopes: &[String], key: Option<&str>) -> Answer {
        self.state.world.tokens += 1;
        let issued = self.now / SECOND;
        let quoted: Vec<String> = scopes.iter().map(|scope| text(scope)).collect();
        let payload = object(|claims| {
            claims
                .number("ver", 1)
                .text("jti", &format!("AT.{:032}", self.state.world.tokens))
                .text("iss", &self.plan.base)
                .text("aud", &self.plan.base)
                .text("sub", &self.plan.client.id)
                .text("cid", &self.plan.client.id)
                .number("iat", issued as u64)
                .number("exp", (issued + TOKEN_SECONDS) as u64)
                .raw("scp", &format!("[{}]", quoted.join(",")));
            if let Some(key) = key {
                claims.raw("cnf", &format!(r#"{{"jkt":"{key}"}}"#));
            }
        });
        let front = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"kid":"simulated","alg":"RS256"}"#),
            BASE64_URL_SAFE_NO_PAD.encode(payload)
        );
        let token = format!("{front}.{}", signature(self.plan.seed, &front));
        let body = object(|body| {
            body.text("token_type", if key.is_some() { "DPoP" } else { "Bearer" })
                .number("expires_in", TOKEN_SECONDS as u64)
                .text("access_token", &token)
                .text("scope", &scopes.join(" "));
        });
        Answer::json(200, body).with("Cache-Control", "no-cache, no-store")
    }

    /// Reads the `Authorization` header of a call.
    pub fn authorize(&mut self, call: &Call) -> Result<Bearer, Answer> {
        let header = call.headers.get("Authorization").unwrap_or_default();
        match header.split_once(' ') {
            Some(("SSWS", token)) => self.api_bearer(token),
            Some((scheme @ ("Bearer" | "DPoP"), token)) => self.client_bearer(call, scheme, token),
            _ => Err(api_error("E0000011", "")),
        }
    }

    fn api_bearer(&mut self, token: &str) -> Result<Bearer, Answer> {
        if self.strikes(Fault::ApiTokenRevoked).is_some() {
            self.state.world.api_tokens_revoked.insert(0);
        }
        let owner = self.api_token(0).owner;
        let is_alive = token == self.plan.api_token
            && !self.state.world.api_tokens_revoked.contains(&0)
            && self.status(owner).is_some_and(Status::can_sign_in)
            && self.now <= self.state.world.api_token_used + API_TOKEN_LIFE;
        if !is_alive {
            return Err(api_error("E0000011", ""));
        }
        self.state.world.api_token_used = self.now;
        Ok(Bearer::Admin { user: owner })
    }

    fn client_bearer(&mut self, call: &Call, scheme: &str, token: &str) -> Result<Bearer, Answer> {
        if self.strikes(Fault::TokenExpiresMidway).is_some() {
            self.state.world.dead_tokens.insert(token.to_string());
        }
        let refused = || {
            let challenge = format!(
                "{scheme} error=\"invalid_token\", error_description=\"The token is invalid or has expired.\""
            );
            api_error("E0000011", "").with("WWW-Authenticate", challenge)
        };
        let claims = self.claims(token).filter(|claims| {
            claims.exp > self.now / SECOND && !self.state.world.dead_tokens.contains(token)
        });
        let claims = claims.ok_or_else(refused)?;
        let is_bound = scheme == "DPoP";
        if claims.cnf.is_some() != is_bound {
            return Err(refused());
        }
        if let Some(confirmation) = &claims.cnf {
            self.check_resource_proof(call, token, &confirmation.jkt)?;
        }
        Ok(Bearer::Client { scopes: claims.scp })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let (front, seal) = token.rsplit_once('.')?;
        if signature(self.plan.seed, front) != seal {
            return None;
        }
        let payload: Value = decode_part(front.split('.').nth(1)?)?;
        serde_json::from_value(payload).ok()
    }
}

const UNKNOWN_SCOPE: &str =
    "One or more scopes are not configured for the authorization server resource.";

/// Why there is no token.
pub enum Denied {
    Plain(Refusal),
    /// The proof lacks a nonce that is valid.
    Nonce,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Denied {
        Denied::Plain(refusal)
    }
}
