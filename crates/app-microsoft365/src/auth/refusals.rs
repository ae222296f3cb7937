//! What it means when the login service refuses, in words that a person can act on.

use casbah_http::AuthError;
use casbah_model::connection::Cause;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoginError {
    error: String,
    error_codes: Vec<u64>,
}

/// What a refusal of the login service means (identity platform documentation, "Authentication and authorization
/// error codes"). The number tells most; `error` decides for numbers that are not listed here.
pub(super) fn refusal(status: u16, body: &[u8]) -> AuthError {
    let answer: LoginError = serde_json::from_slice(body).unwrap_or_default();
    let code = answer.error_codes.first().copied().unwrap_or(0);
    let unavailable = || AuthError::Unavailable {
        reason: format!("it answered {status} AADSTS{code}"),
    };
    if let Some((_, cause, what, fix)) = CODES.iter().find(|(codes, ..)| codes.contains(&code)) {
        return refused(cause, format!("{what} (AADSTS{code})"), fix);
    }
    let is_transient = [90055, 90006, 90012, 90024, 90033, 50000].contains(&code);
    if is_transient || status >= 500 || status == 429 {
        return unavailable();
    }
    let (cause, what) = match answer.error.as_str() {
        "invalid_client" => (
            "credential",
            "the login service does not accept the credential",
        ),
        "unauthorized_client" | "invalid_grant" | "consent_required" => (
            "consent-missing",
            "the login service does not let this application in",
        ),
        "invalid_resource" => (
            "resource-missing",
            "the tenant does not have the service that is asked for",
        ),
        "invalid_scope" | "invalid_request" | "unsupported_grant_type" => (
            "misconfigured",
            "the login service does not understand the request",
        ),
        "interaction_required" | "access_denied" => (
            "blocked-by-policy",
            "a policy of the tenant does not let this application in",
        ),
        // A proxy's page, `temporarily_unavailable`, or nothing at all.
        _ => return unavailable(),
    };
    let fix = "check tenant_id, client_id and the credential in the Entra admin center and run `casbah test`";
    refused(
        cause,
        format!("{what} ({} AADSTS{code})", answer.error),
        fix,
    )
}

/// A row of [`CODES`]: numbers, code of the cause, what happened, what to do.
type Row = (&'static [u64], &'static str, &'static str, &'static str);

const CODES: &[Row] = &[
    (
        &[7_000_215],
        "credential",
        "the client secret is wrong",
        "enter the secret's value, not its id; create a new secret if the value is lost",
    ),
    (
        &[7_000_222],
        "credential-expired",
        "the client secret has expired",
        "create a new client secret in the app registration and enter it",
    ),
    (
        &[700_027, 50_012],
        "credential",
        "the certificate is not accepted",
        "upload the certificate to the app registration, or enter the one that is there with its private key",
    ),
    (
        &[700_016],
        "consent-missing",
        "the application is not known in this tenant",
        "check client_id and tenant_id, then give admin consent with the consent link",
    ),
    (
        &[7_000_112],
        "consent-revoked",
        "the application is disabled in this tenant",
        "enable it under Enterprise applications, Properties, \"Enabled for users to sign-in\"",
    ),
    (
        &[65_001],
        "consent-missing",
        "nobody gave consent for this application",
        "give admin consent with the consent link",
    ),
    (
        &[650_052, 500_011],
        "resource-missing",
        "the tenant does not have the service that is asked for",
        "assign a Microsoft 365 licence to at least one user, then give admin consent again",
    ),
    (
        &[
            650_056, 650_057, 70_011, 7_000_218, 900_144, 9_001_023, 700_022,
        ],
        "misconfigured",
        "the app registration does not ask for this service, or the request is incomplete",
        "add the permissions that `casbah test` lists to the app registration and give admin consent",
    ),
    (
        &[90_002],
        "tenant-unknown",
        "there is no such tenant in this cloud",
        "check tenant_id and the login endpoint",
    ),
    (
        &[90_038, 900_432, 900_382],
        "wrong-cloud",
        "the tenant lives in another Microsoft cloud",
        "set the endpoints login, graph and management to those of the tenant's cloud",
    ),
    (
        &[53_003],
        "blocked-by-policy",
        "a conditional access policy blocks this application",
        "exclude the application from the policy, or allow the addresses that Casbah calls from",
    ),
];

pub(super) fn refused(code: &str, what: String, fix: &str) -> AuthError {
    AuthError::Refused(Cause::new(code, what, fix))
}
