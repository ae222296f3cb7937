//! What it means when the token endpoint refuses, in words that a person can act on.

use casbah_http::AuthError;
use casbah_model::connection::Cause;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct OauthError {
    error: serde_json::Value,
    error_description: serde_json::Value,
}

/// Reads a refusal (OpenAPI, "OAuth2Error"; developer guides, "Authentication errors"). The words of its description
/// decide, because one code means many things.
pub(super) fn read(status: u16, body: &[u8]) -> AuthError {
    let answer: OauthError = serde_json::from_slice(body).unwrap_or_default();
    let code = answer.error.as_str().unwrap_or_default();
    let words = answer.error_description.as_str().unwrap_or_default();
    let words = words.to_lowercase();
    let has = |part: &str| words.contains(part);
    if status >= 500 || code.is_empty() {
        // A proxy's page, or nothing at all.
        let reason = format!("it answered {status}");
        return AuthError::Unavailable { reason };
    }
    if has("enterprise configuration for your app") {
        return refused(
            "misconfigured",
            "the app may only act in its own accounts".into(),
            "set App Access Level to \"App + Enterprise Access\" in the Developer Console, and authorize the app again \
             in the Admin Console",
        );
    }
    if code == "unauthorized_client" || has("not authorized by the enterprise") {
        return refused(
            "consent-missing",
            format!("the enterprise has not authorized the app ({code})"),
            "let an admin authorize the app's Client ID in the Admin Console, under Apps, Custom Apps Manager",
        );
    }
    if has("'exp' claim") || has("'iat' claim") || has("'nbf' claim") {
        return refused(
            "clock",
            format!("Box takes the assertion for one of another time ({code})"),
            "check the clock of this machine",
        );
    }
    if has("'sub' claim") {
        return refused(
            "credential",
            format!("Box does not know the enterprise or user that the token is for ({code})"),
            "check enterprise_id and user_id, that the user is active, and that the app is authorized in the Admin \
             Console",
        );
    }
    if code == "invalid_client" {
        return refused(
            "credential",
            format!("Box does not accept the app's client id and secret ({code})"),
            "enter the Client Secret that the Developer Console shows for client_id; it may have been reset",
        );
    }
    if has("grant credentials are invalid") {
        return refused(
            "credential",
            format!("Box gives the app no token for this enterprise or user ({code})"),
            "check enterprise_id and user_id, and that an admin has authorized the app; a user needs the app's right \
             to generate user access tokens",
        );
    }
    refused(
        "credential",
        format!("Box does not accept the app's credential ({code})"),
        "check client_id, the secret or the configuration file, and that the app is enabled and authorized",
    )
}

pub(super) fn refused(code: &str, what: String, fix: &str) -> AuthError {
    AuthError::Refused(Cause::new(code, what, fix))
}
