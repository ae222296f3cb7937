//! The token endpoint: client credentials, JSON Web Tokens and token exchange (guides, "Authentication").

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use casbah_model::transport::Method;
use serde_json::Value;

use super::desk::Desk;
use super::faults::Fault;
use super::people::SERVICE;
use super::plan::{AppAccess, RefusedScope, UnauthorizedApp};
use super::wire::{Call, api_error, not_found, token_error};
use crate::address::pairs;
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::SECOND;
use crate::seal::{decode_part, seal, unseal};

/// `exp` is at most so far ahead (guides, "JWT").
const ASSERTION_SECONDS_MAX: i64 = 60;
const ASSERTION_ID_LENGTH: std::ops::RangeInclusive<usize> = 16..=128;
const ALGORITHMS: [&str; 3] = ["RS256", "RS384", "RS512"];
const CLIENT_CREDENTIALS: &str = "client_credentials";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Scopes that a token may be exchanged for (guides, "Downscope a token").
const EXCHANGEABLE: [&str; 8] = [
    "manage_managed_users",
    "manage_app_users",
    "manage_data_retention",
    "manage_enterprise_properties",
    "manage_groups",
    "manage_webhook",
    "sign_requests.readwrite",
    "ai.readwrite",
];

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub token: String,
    /// The service account or a user.
    pub user: u64,
    pub scopes: Vec<String>,
    expires: i64,
}

/// Why there is no token.
type Refusal = Answer;

fn invalid_grant(description: &str) -> Refusal {
    token_error(400, "invalid_grant", description)
}

const BAD_CREDENTIALS: &str = "Grant credentials are invalid";
const BAD_SUBJECT: &str = "Please check the 'sub' claim. The 'sub' specified is invalid.";
const BAD_EXPIRY: &str =
    "Current date time must be before the expiration date time listed in the 'exp' claim.";

/// The fields of a form.
struct Form(Vec<(String, String)>);

impl Form {
    fn field(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

impl Desk<'_> {
    pub fn login(&mut self, call: &Call) -> Answer {
        if call.method != Method::Post {
            return api_error("method_not_allowed");
        }
        let form = Form(pairs(&String::from_utf8_lossy(&call.body)));
        match call.segments().as_slice() {
            ["oauth2", "token"] => self.grant(&form).unwrap_or_else(|refusal| refusal),
            ["oauth2", "revoke"] => match self.check_client(&form) {
                Ok(()) => {
                    let token = form.field("token").to_string();
                    self.state.world.dead_tokens.insert(token);
                    Answer::empty(200)
                }
                Err(refusal) => refusal,
            },
            _ => not_found(),
        }
    }

    fn grant(&mut self, form: &Form) -> Result<Answer, Refusal> {
        match form.field("grant_type") {
            CLIENT_CREDENTIALS => {
                self.check_client(form)?;
                self.check_app()?;
                let kind = form.field("box_subject_type");
                let user = self.subject(kind, form.field("box_subject_id"));
                let user = user.ok_or_else(|| invalid_grant(BAD_CREDENTIALS))?;
                let scopes = self.app_scopes();
                Ok(self.token(user, &scopes, &[]))
            }
            JWT_BEARER => {
                self.check_client(form)?;
                let claims = self.assertion(form.field("assertion"))?;
                self.check_app()?;
                let claim = |name: &str| claims[name].as_str().unwrap_or_default();
                let user = self.subject(claim("box_sub_type"), claim("sub"));
                let user = user.ok_or_else(|| invalid_grant(BAD_SUBJECT))?;
                let scopes = self.app_scopes();
                Ok(self.token(user, &scopes, &[]))
            }
            TOKEN_EXCHANGE => self.exchange(form),
            // Accounts that people sign in with are not simulated; neither codes nor refresh tokens exist.
            "refresh_token" => Err(invalid_grant("Invalid refresh token")),
            "authorization_code" => Err(invalid_grant("The authorization code is invalid")),
            _ => Err(token_error(
                400,
                "unsupported_grant_type",
                "Unsupported grant type",
            )),
        }
    }

    fn check_client(&mut self, form: &Form) -> Result<(), Refusal> {
        let client = &self.plan.client;
        let is_ours =
            form.field("client_id") == client.id && form.field("client_secret") == client.secret;
        if !is_ours || self.strikes(Fault::SecretRotated).is_some() {
            let description = "The client credentials are invalid";
            return Err(token_error(400, "invalid_client", description));
        }
        Ok(())
    }

    /// Whether the enterprise lets the app in.
    fn check_app(&mut self) -> Result<(), Refusal> {
        let said = self.state.world.is_app_authorized;
        let is_authorized = said.unwrap_or(self.plan.client.is_authorized);
        if !is_authorized || self.strikes(Fault::AppUnauthorized).is_some() {
            return Err(match self.plan.choices.unauthorized_app {
                UnauthorizedApp::UnauthorizedClient => token_error(
                    400,
                    "unauthorized_client",
                    "This app is not authorized by the enterprise",
                ),
                UnauthorizedApp::InvalidGrant => invalid_grant(BAD_CREDENTIALS),
            });
        }
        if self.plan.client.access == AppAccess::App {
            // Which name this error has is uncertain.
            let description =
                "Cannot obtain token based on the enterprise configuration for your app";
            return Err(token_error(400, "unauthorized_client", description));
        }
        Ok(())
    }

    /// Who a token is for; `None` if the app may not have one for it.
    fn subject(&self, kind: &str, id: &str) -> Option<u64> {
        match kind {
            "enterprise" if id == self.plan.enterprise() => Some(SERVICE),
            "user" if self.plan.client.may_make_user_tokens => {
                let user = self.tenant.people.find(id)?;
                let is_able = self.has_user(user) && !self.is_suspended(user);
                (user < self.user_count() && is_able).then_some(user)
            }
            _ => None,
        }
    }

    /// Checks everything about an assertion but its signature. Texts other than of `sub` and `exp` are ours.
    fn assertion(&mut self, assertion: &str) -> Result<Value, Refusal> {
        let parts: Vec<&str> = assertion.split('.').collect();
        let malformed = || invalid_grant("The assertion is malformed.");
        let [header, claims, signature] = parts.as_slice() else {
            return Err(malformed());
        };
        let is_signed = BASE64_URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|bytes| !bytes.is_empty());
        let (Some(header), Some(claims)) = (decode_part(header), decode_part(claims)) else {
            return Err(malformed());
        };
        let algorithm = header["alg"].as_str().unwrap_or_default();
        if !ALGORITHMS.contains(&algorithm) || !is_signed {
            return Err(invalid_grant("Please check the 'alg' header."));
        }
        if header.get("typ").is_some_and(|kind| kind != "JWT") {
            return Err(invalid_grant("Please check the 'typ' header."));
        }
        if header["kid"] != self.plan.client.key_id.as_str() {
            return Err(invalid_grant(
                "OAuth JWT Public Key not found by 'kid' header.",
            ));
        }
        if claims["iss"] != self.plan.client.id.as_str() {
            return Err(invalid_grant("Please check the 'iss' claim."));
        }
        if claims["aud"] != self.plan.token_url().as_str() {
            return Err(invalid_grant("Please check the 'aud' claim."));
        }
        let now = self.now / SECOND + self.skew;
        let expires = claims["exp"].as_i64().unwrap_or_default();
        if expires <= now {
            return Err(invalid_grant(BAD_EXPIRY));
        }
        if expires > now + ASSERTION_SECONDS_MAX {
            return Err(invalid_grant(
                "Please check the 'exp' claim. It is more than 60 seconds ahead.",
            ));
        }
        let id = claims["jti"].as_str().unwrap_or_default();
        let is_long_enough = ASSERTION_ID_LENGTH.contains(&id.chars().count());
        if !is_long_enough || !self.state.world.jtis.insert(id.to_string()) {
            return Err(invalid_grant("Please check the 'jti' claim."));
        }
        Ok(claims)
    }

    /// The scopes that a new token has.
    fn app_scopes(&mut self) -> Vec<String> {
        let gone = self.strikes(Fault::ScopesShrink);
        let revoked = &self.state.world.scopes_revoked;
        let scopes = self.plan.client.scopes.iter().enumerate();
        let kept = scopes.filter(|(place, scope)| {
            let is_kept = match gone.as_deref() {
                None => true,
                Some("") => *place == 0,
                Some(gone) => *scope != gone,
            };
            is_kept && !revoked.contains(*scope)
        });
        kept.map(|(_, scope)| scope.clone()).collect()
    }

    /// A token with less than the one it is made of. The client is not asked for its secret here.
    fn exchange(&mut self, form: &Form) -> Result<Answer, Refusal> {
        if form.field("subject_token_type") != ACCESS_TOKEN {
            return Err(token_error(
                400,
                "invalid_request",
                "Unknown subject_token_type",
            ));
        }
        let bearer = self.read_token(form.field("subject_token"));
        let bearer = bearer.ok_or_else(|| invalid_grant("The subject token is invalid"))?;
        let wanted: Vec<&str> = form.field("scope").split_whitespace().collect();
        let is_held = |scope: &&str| {
            EXCHANGEABLE.contains(scope) && bearer.scopes.iter().any(|held| held == scope)
        };
        if wanted.is_empty() || !wanted.iter().all(is_held) {
            let description = "The requested scope is invalid, unknown, or not granted.";
            return Err(match self.plan.choices.refused_scope {
                RefusedScope::BadRequest => token_error(400, "invalid_scope", description),
                RefusedScope::Unauthorized => token_error(401, "unauthorized", description),
            });
        }
        let scopes: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        Ok(self.token(bearer.user, &scopes, &scopes))
    }

    fn token(&mut self, user: u64, scopes: &[String], restricted_to: &[String]) -> Answer {
        self.state.world.tokens += 1;
        let life = self.plan.token_life.as_secs();
        let expires = self.now / SECOND + life;
        let number = self.state.world.tokens;
        let claims = format!("token|{number}|{expires}|{user}|{}", scopes.join(","));
        let restricted: Vec<String> = restricted_to
            .iter()
            .map(|scope| format!(r#"{{"scope":{}}}"#, text(scope)))
            .collect();
        let body = object(|body| {
            body.text("access_token", &seal(self.plan.seed, &claims))
                .number("expires_in", life as u64)
                .raw("restricted_to", &format!("[{}]", restricted.join(",")))
                .text("token_type", "bearer");
        });
        Answer::json(200, body)
    }

    /// What a token says, if it lives and its user may act.
    pub fn read_token(&self, token: &str) -> Option<Bearer> {
        let claims = unseal(self.plan.seed, token)?;
        let parts: Vec<&str> = claims.split('|').collect();
        let ["token", _, expires, user, scopes] = parts.as_slice() else {
            return None;
        };
        let bearer = Bearer {
            token: token.to_string(),
            user: user.parse().ok()?,
            scopes: scopes.split(',').map(String::from).collect(),
            expires: expires.parse().ok()?,
        };
        let is_alive = bearer.expires > self.now / SECOND
            && !self.state.world.dead_tokens.contains(token)
            && self.has_user(bearer.user)
            && !self.is_suspended(bearer.user);
        is_alive.then_some(bearer)
    }
}
