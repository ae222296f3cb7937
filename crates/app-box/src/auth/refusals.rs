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

pub(super) enum Refused {
    /// The assertion is of another time than Box's.
    Time(AuthError),
    /// The assertion was used before: the connection broke after Box had read it.
    Used(AuthError),
    Failed(AuthError),
}

/// Reads a refusal (OpenAPI, "OAuth2Error"; developer guides, "Authentication errors"). The words of its description
/// decide, because one code means many things.
pub(super) fn read(status: u16, body: &[u8]) -> Refused {
    let answer: OauthError = serde_json::from_slice(body).unwrap_or_default();
    let code = answer.error.as_str().unwrap_or_default();
    let words = answer.error_description.as_str().unwrap_or_default();
    let words = words.to_lowercase();
    let has = |part: &str| words.contains(part);
    if status >= 500 || code.is_empty() {
        // A proxy's page, or nothing at all.
        let reason = format!("it answered {status}");
        return Refused::Failed(AuthError::Unavailable { reason });
    }
    // Codes are names; what is shown of one is not to be more.
    let code = casbah_http::redact::message(code);
    if has("'exp' claim") || has("'iat' claim") || has("'nbf' claim") {
        return Refused::Time(refused(
            "clock",
            format!("Box takes the assertion for one of another time ({code})"),
            "check the clock of this machine",
        ));
    }
    if has("'jti' claim") {
        return Refused::Used(refused(
            "credential",
            format!("Box takes the assertion for one that was used before ({code})"),
            "run `casbah test` again",
        ));
    }
    let (kind, what, fix) = cause(&code, has);
    Refused::Failed(refused(kind, format!("{what} ({code})"), fix))
}

/// The kind of a refusal, what it means, and what to do about it.
fn cause(code: &str, has: impl Fn(&str) -> bool) -> (&'static str, &'static str, &'static str) {
    if has("enterprise configuration for your app") {
        return (
            "misconfigured",
            "the app may only act in its own accounts",
            "set App Access Level to \"App + Enterprise Access\" in the Developer Console, and authorize the app again \
             in the Admin Console",
        );
    }
    if code == "unauthorized_client"
        || has("not authorized by the enterprise")
        || has("cannot authorize with this service")
    {
        return (
            "consent-missing",
            "the enterprise has not authorized the app",
            "let an admin authorize the app's Client ID in the Admin Console, under Integrations, Platform Apps Manager",
        );
    }
    if has("without having an enterprise") {
        return (
            "misconfigured",
            "the account belongs to no enterprise",
            "connect an enterprise, with an app that one of its admins made or authorized",
        );
    }
    if has("'sub' claim") {
        return (
            "credential",
            "Box does not know the enterprise or user that the token is for",
            "check enterprise_id and user_id, that the user is active, and that the app is authorized in the Admin \
             Console",
        );
    }
    if has("'kid' ") || has("signature") {
        return (
            "credential",
            "Box does not accept the signature of the private key",
            "make a new keypair on the app's Configuration page and enter the new file; the old public key may have \
             been removed",
        );
    }
    if code == "invalid_client" {
        return (
            "credential",
            "Box does not accept the app's client id and secret",
            "enter the Client Secret that the Developer Console shows for client_id; it may have been reset",
        );
    }
    if has("refresh token") {
        return (
            "credential",
            "the refresh token was used, has expired or was revoked",
            "connect again with a client secret or a configuration file",
        );
    }
    if has("grant credentials are invalid") {
        return (
            "credential",
            "Box gives the app no token for this enterprise or user",
            "check enterprise_id and user_id, and that an admin has authorized the app; a token for a user takes the \
             app's right to generate user access tokens",
        );
    }
    (
        "credential",
        "Box does not accept the app's credential",
        "check client_id, the secret or the configuration file, and that the app is enabled and authorized",
    )
}

pub(super) fn refused(code: &str, what: String, fix: &str) -> AuthError {
    AuthError::Refused(Cause::new(code, what, fix))
}
