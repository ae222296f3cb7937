//! The login service: tokens for client credentials, and the check of the tokens it gave out.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use casbah_model::transport::Method;
use serde::Deserialize;

use super::apps::{GRAPH, GRAPH_APP, MANAGEMENT, MANAGEMENT_APP, OURS, resource_of};
use super::desk::Desk;
use super::faults::Fault;
use super::people::DOMAINS;
use super::wire::{Call, Service, graph_error, login_error, management_error};
use crate::address::pairs;
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::SECOND;
use crate::seal::{decode_part, signature};

/// Lifetime of an access token in Microsoft's samples.
const TOKEN_SECONDS: i64 = 3599;
const GRAPH_AUDIENCE: &str = "https://graph.microsoft.com";
const MANAGEMENT_AUDIENCE: &str = "https://manage.office.com";

/// What a token says about its bearer.
#[derive(Debug, Deserialize)]
pub struct Claims {
    pub aud: String,
    pub tid: String,
    pub exp: i64,
    #[serde(default)]
    pub roles: Vec<String>,
}

impl Claims {
    /// Whether the token has one of the roles, or one that contains it by writing as well.
    pub fn has_any(&self, roles: &[&str]) -> bool {
        roles.iter().any(|role| {
            let writing = role.replace(".Read.", ".ReadWrite.");
            self.roles
                .iter()
                .any(|held| held == role || *held == writing)
        })
    }
}

/// What the client sends as proof of itself.
struct Proof<'a> {
    form: &'a [(String, String)],
    basic: Option<(String, String)>,
}

impl Proof<'_> {
    fn field(&self, name: &str) -> Option<&str> {
        let found = self.form.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

type Refusal = (u16, &'static str, u32, String);

impl Desk<'_> {
    pub fn login(&mut self, call: &Call) -> Answer {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let is_v1 = match (call.method, path.as_slice()) {
            (Method::Post, [_, "oauth2", "v2.0", "token"]) => false,
            (Method::Post, [_, "oauth2", "token"]) => true,
            (Method::Get, [_, "adminconsent"]) => return self.consent_page(call),
            _ => return Answer::empty(404),
        };
        let form = pairs(&String::from_utf8_lossy(&call.body));
        let basic = call
            .headers
            .get("Authorization")
            .and_then(basic_credentials);
        match self.grant(path[0], is_v1, &Proof { form: &form, basic }) {
            Ok(answer) => answer,
            Err((status, error, code, message)) => {
                login_error(status, error, code, &message, self.now)
            }
        }
    }

    fn grant(&mut self, tenant: &str, is_v1: bool, proof: &Proof<'_>) -> Result<Answer, Refusal> {
        if matches!(tenant, "common" | "consumers" | "organizations") {
            let message = format!("The grant type is not supported over the /{tenant} endpoint.");
            return Err((400, "invalid_request", 9_001_023, message));
        }
        let is_ours = tenant.eq_ignore_ascii_case(&self.plan.tenant_id)
            || DOMAINS
                .iter()
                .any(|domain| domain.eq_ignore_ascii_case(tenant));
        if !is_ours {
            return Err((
                400,
                "invalid_request",
                90_002,
                format!("Tenant '{tenant}' not found."),
            ));
        }
        match proof.field("grant_type") {
            Some("client_credentials") => {}
            Some(_) => {
                let message = "The app requested an unsupported grant type.".into();
                return Err((400, "unsupported_grant_type", 70_003, message));
            }
            None => return Err(missing("grant_type")),
        }
        self.check_client(is_v1, proof)?;
        let wanted = proof.field(if is_v1 { "resource" } else { "scope" });
        let wanted = wanted.ok_or_else(|| missing(if is_v1 { "resource" } else { "scope" }))?;
        let Some(resource) = self.resource(wanted, is_v1) else {
            let message = format!(
                "The provided value for the input parameter 'scope' is not valid: {wanted}."
            );
            return Err((400, "invalid_scope", 70_011, message));
        };
        Ok(self.token(resource, is_v1, proof.field("client_assertion").is_some()))
    }

    fn check_client(&mut self, is_v1: bool, proof: &Proof<'_>) -> Result<(), Refusal> {
        let basic = proof.basic.as_ref();
        let client = proof
            .field("client_id")
            .or(basic.map(|(id, _)| id.as_str()));
        let client = client.ok_or_else(|| missing("client_id"))?;
        if client != self.plan.client_id || self.strikes(Fault::AppRemoved).is_some() {
            let message =
                format!("Application with identifier '{client}' was not found in the directory.");
            return Err((400, "unauthorized_client", 700_016, message));
        }
        if self.strikes(Fault::AppDisabled).is_some() {
            let message = format!("Application '{client}' is disabled.");
            return Err((400, "unauthorized_client", 7_000_112, message));
        }
        if let Some(assertion) = proof.field("client_assertion") {
            return self.check_assertion(assertion, is_v1);
        }
        let secret = proof
            .field("client_secret")
            .or(basic.map(|(_, secret)| secret.as_str()));
        let Some(secret) = secret else {
            let message = "The request body must contain: 'client_assertion' or 'client_secret'.";
            return Err((401, "invalid_client", 7_000_218, message.into()));
        };
        if secret != self.plan.client_secret {
            let message = format!("Invalid client secret provided for app '{client}'.");
            return Err((401, "invalid_client", 7_000_215, message));
        }
        if self.strikes(Fault::SecretExpired).is_some() {
            let message =
                format!("The provided client secret keys for app '{client}' are expired.");
            return Err((401, "invalid_client", 7_000_222, message));
        }
        Ok(())
    }

    /// Checks everything about an assertion but its signature (Certificate credentials, "Assertion format").
    fn check_assertion(&self, assertion: &str, is_v1: bool) -> Result<(), Refusal> {
        let refused = |code, message: &str| Err((401, "invalid_client", code, message.to_string()));
        let mut parts = assertion.split('.').map(decode_part);
        let (Some(Some(header)), Some(Some(claims))) = (parts.next(), parts.next()) else {
            return refused(50_027, "JWT token is invalid or malformed.");
        };
        let Some(thumbprint) = &self.plan.certificate_thumbprint else {
            return refused(
                700_027,
                "The certificate with identifier used to sign the client assertion is not registered on application.",
            );
        };
        let algorithm = header["alg"].as_str().unwrap_or_default();
        if !matches!(algorithm, "PS256" | "RS256") || header["x5t#S256"] != thumbprint.as_str() {
            return refused(
                700_027,
                "The certificate with identifier used to sign the client assertion is not registered on application.",
            );
        }
        let endpoint = if is_v1 {
            "oauth2/token"
        } else {
            "oauth2/v2.0/token"
        };
        let login = self.plan.base.login.trim_end_matches('/');
        let audience = claims["aud"].as_str().unwrap_or_default();
        let is_for_us = audience.starts_with(login) && audience.ends_with(endpoint);
        let client = self.plan.client_id.as_str();
        let now = self.now / SECOND;
        let is_current = claims["exp"].as_i64().is_some_and(|exp| exp > now)
            && claims["nbf"].as_i64().is_none_or(|nbf| nbf <= now + 300);
        if !is_for_us || claims["iss"] != client || claims["sub"] != client {
            return refused(
                50_012,
                "Client assertion has an invalid audience, issuer or subject.",
            );
        }
        if !is_current {
            return refused(
                700_024,
                "Client assertion is not within its valid time range.",
            );
        }
        Ok(())
    }

    fn resource(&self, wanted: &str, is_v1: bool) -> Option<Service> {
        let name = if is_v1 {
            Some(wanted)
        } else {
            wanted.strip_suffix("/.default")
        };
        let name = name?.trim_end_matches('/');
        let (graph, management) = (&self.plan.base.graph, &self.plan.base.management);
        // With one host for everything its own address means Graph.
        if [GRAPH_AUDIENCE, GRAPH_APP, graph.trim_end_matches('/')].contains(&name) {
            return Some(Service::Graph);
        }
        let names = [
            MANAGEMENT_AUDIENCE,
            MANAGEMENT_APP,
            management.trim_end_matches('/'),
        ];
        names.contains(&name).then_some(Service::Management)
    }

    /// Issues a token. One is issued even when nothing was granted: then it has no `roles`.
    fn token(&mut self, service: Service, is_v1: bool, is_certificate: bool) -> Answer {
        self.state.tokens += 1;
        let (audience, resource) = match service {
            Service::Management => (MANAGEMENT_AUDIENCE, MANAGEMENT),
            _ => (GRAPH_AUDIENCE, GRAPH),
        };
        let gone = self.strikes(Fault::RolesShrink);
        let is_kept = |role: &&String| match gone.as_deref() {
            None => true,
            Some("") => false,
            Some(gone) => *role != gone,
        };
        let roles = self
            .plan
            .roles
            .iter()
            .filter(|role| resource_of(role) == resource);
        let roles: Vec<String> = roles.filter(is_kept).map(|role| text(role)).collect();
        let issued = self.now / SECOND;
        let object_id = self.tenant.apps.id(OURS);
        let payload = object(|claims| {
            claims
                .text("aud", audience)
                .text(
                    "iss",
                    &format!("https://sts.windows.net/{}/", self.plan.tenant_id),
                )
                .number("iat", issued as u64)
                .number("nbf", issued as u64)
                .number("exp", (issued + TOKEN_SECONDS) as u64)
                .text("appid", &self.plan.client_id)
                .text("appidacr", if is_certificate { "2" } else { "1" })
                .text("oid", &object_id)
                .text("sub", &object_id)
                .text("tid", &self.plan.tenant_id);
            if !roles.is_empty() {
                claims.raw("roles", &format!("[{}]", roles.join(",")));
            }
            claims
                .text("uti", &self.state.tokens.to_string())
                .text("ver", "1.0");
        });
        let front = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"RS256","kid":"simulated"}"#),
            BASE64_URL_SAFE_NO_PAD.encode(payload)
        );
        let token = format!("{front}.{}", signature(self.plan.seed, &front));
        let body = object(|body| {
            body.text("token_type", "Bearer");
            // The older endpoint writes every number as text (Get started with the Management APIs).
            if is_v1 {
                body.text("expires_in", &TOKEN_SECONDS.to_string())
                    .text("ext_expires_in", &TOKEN_SECONDS.to_string())
                    .text("expires_on", &(issued + TOKEN_SECONDS).to_string())
                    .text("not_before", &issued.to_string())
                    .text("resource", audience);
            } else {
                body.number("expires_in", TOKEN_SECONDS as u64)
                    .number("ext_expires_in", TOKEN_SECONDS as u64);
            }
            body.text("access_token", &token);
        });
        Answer::json(200, body).with("Cache-Control", "no-store, no-cache")
    }

    /// Admin consent: whoever asks is an administrator who agrees.
    fn consent_page(&mut self, call: &Call) -> Answer {
        let Some(back) = call.parameter("redirect_uri") else {
            return login_error(
                400,
                "invalid_request",
                900_144,
                "The request must contain: 'redirect_uri'.",
                self.now,
            );
        };
        let state = crate::address::encode(call.parameter("state").unwrap_or_default());
        let tenant = &self.plan.tenant_id;
        let mark = if back.contains('?') { '&' } else { '?' };
        let to = format!("{back}{mark}tenant={tenant}&state={state}&admin_consent=True");
        Answer::empty(302).with("Location", to)
    }

    /// Reads the bearer token of a call.
    pub fn authorize(&mut self, call: &Call, service: Service) -> Result<Claims, Answer> {
        let header = call.headers.get("Authorization").unwrap_or_default();
        let token = header.strip_prefix("Bearer ").unwrap_or_default();
        let audience = if service == Service::Management {
            MANAGEMENT_AUDIENCE
        } else {
            GRAPH_AUDIENCE
        };
        if self.strikes(Fault::TokenExpiresMidway).is_some() {
            self.state.world.revoked_tokens.insert(token.to_string());
        }
        let claims = self.claims(token).filter(|claims| {
            claims.aud == audience
                && claims.tid == self.plan.tenant_id
                && claims.exp > self.now / SECOND
                && !self.state.world.revoked_tokens.contains(token)
        });
        claims.ok_or_else(|| match service {
            Service::Management => management_error(
                401,
                "AF10000",
                "Authorization has been denied for this request.",
            ),
            _ => graph_error(
                401,
                "InvalidAuthenticationToken",
                "Lifetime validation failed, the token is expired.",
            )
            .with(
                "WWW-Authenticate",
                "Bearer realm=\"\", error=\"invalid_token\"",
            ),
        })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let (front, seal) = token.rsplit_once('.')?;
        if signature(self.plan.seed, front) != seal {
            return None;
        }
        let payload = BASE64_URL_SAFE_NO_PAD
            .decode(front.split('.').nth(1)?)
            .ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

fn missing(parameter: &str) -> Refusal {
    let message = format!("The request body must contain the following parameter: '{parameter}'.");
    (400, "invalid_request", 900_144, message)
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let text = String::from_utf8(
        BASE64_STANDARD
            .decode(header.strip_prefix("Basic ")?)
            .ok()?,
    )
    .ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((
        crate::address::decode_path(id),
        crate::address::decode_path(secret),
    ))
}
