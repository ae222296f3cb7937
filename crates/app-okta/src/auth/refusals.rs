//! What it means when the authorization server refuses, in words that a person can act on.

use casbah_http::AuthError;
use casbah_model::connection::Cause;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct OauthError {
    error: String,
    error_description: String,
}

pub(super) enum Refused {
    /// The proof needs a nonce, which the answer's headers tell.
    Nonce,
    /// The proof is missing, or is not one.
    Proof(AuthError),
    /// The scopes together are not granted.
    Scopes(AuthError),
    Failed(AuthError),
}

/// Reads a refusal (oauth2-error-codes; dpop). The words of its description decide where one code means many things.
pub(super) fn read(status: u16, body: &[u8]) -> Refused {
    let answer: OauthError = serde_json::from_slice(body).unwrap_or_default();
    let words = answer.error_description.to_lowercase();
    if status >= 500 {
        return unavailable(status);
    }
    match answer.error.as_str() {
        "use_dpop_nonce" => Refused::Nonce,
        "invalid_dpop_proof" => Refused::Proof(refused(
            "clock",
            "Okta does not accept proofs of possession (invalid_dpop_proof)".into(),
            "check the clock of this machine; it may differ from Okta's by five minutes at most",
        )),
        "invalid_scope" | "consent_required" => Refused::Scopes(refused(
            "consent-missing",
            format!(
                "the service app is not granted what it asks for ({})",
                answer.error
            ),
            "grant the scopes of the README under Okta API Scopes of the service app",
        )),
        // The connection broke after Okta had read it: the next try is signed anew.
        "invalid_client" if words.contains("already been used") => unavailable(status),
        "invalid_client" if words.contains("expired") => Refused::Failed(refused(
            "clock",
            "Okta takes the client assertion for an old one (invalid_client)".into(),
            "check the clock of this machine",
        )),
        "invalid_client" if words.contains("signature") => Refused::Failed(refused(
            "credential",
            "Okta does not accept the signature of the private key (invalid_client)".into(),
            "enter the private key that belongs to a public key of the service app, and its key_id",
        )),
        "invalid_client" | "unauthorized_client" | "invalid_grant" => Refused::Failed(refused(
            "credential",
            format!(
                "Okta does not accept the service app's credential ({})",
                answer.error
            ),
            "check client_id, key_id and the private key, and that the service app is active and authenticates \
             with a public key",
        )),
        "access_denied" => Refused::Failed(refused(
            "blocked-by-policy",
            "a network zone does not let the service app in (access_denied)".into(),
            "allow the addresses that Casbah calls from in the network zones of the service app",
        )),
        "invalid_request" | "unsupported_grant_type" => Refused::Failed(refused(
            "misconfigured",
            format!(
                "the authorization server does not understand the request ({})",
                answer.error
            ),
            "check that client_id belongs to an app of the kind API Services",
        )),
        // A proxy's page, an error nobody knows, or nothing at all.
        _ => unavailable(status),
    }
}

fn unavailable(status: u16) -> Refused {
    let reason = format!("it answered {status}");
    Refused::Failed(AuthError::Unavailable { reason })
}

pub(super) fn refused(code: &str, what: String, fix: &str) -> AuthError {
    AuthError::Refused(Cause::new(code, what, fix))
}
