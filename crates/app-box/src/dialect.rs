//! What Box's answers say about what was wrong. A pure reading of status, headers and body.

use casbah_connector::Dialect;
use casbah_http::gate::Signs;
use casbah_http::{Refusal, RefusalKind, redact};
use casbah_model::Timestamp;
use casbah_model::transport::Headers;
use serde::Deserialize;

pub(crate) struct BoxCom;

/// Names of refusals that differ from what their status says (OpenAPI, "ClientError").
const NAME_RESERVED: &str = "name_temporarily_reserved";
const BLOCKED: &str = "operation_blocked_temporary";

impl Dialect for BoxCom {
    /// Only a refusal tells of the limit, by `Retry-After` (developer guides, "Rate limits").
    fn signs(&self, _bucket: &str, _headers: &Headers, _now: Timestamp) -> Signs {
        Signs::default()
    }

    fn refusal(&self, status: u16, headers: &Headers, body: &[u8]) -> Refusal {
        let answer: ApiError = serde_json::from_slice(body).unwrap_or_default();
        // The body of a refused token may be empty (developer guides, "Common errors").
        let challenge = headers.get("WWW-Authenticate").unwrap_or_default();
        let told = answer.code().map(redact::message);
        let code = told
            .or_else(|| quoted(challenge, "error"))
            .unwrap_or_default();
        let kind = match status {
            429 => RefusalKind::Throttled,
            401 => RefusalKind::Unauthorized,
            403 => RefusalKind::Forbidden,
            404 => RefusalKind::NotFound,
            410 => RefusalKind::Gone,
            408 | 500.. => RefusalKind::Unavailable,
            409 if code == NAME_RESERVED || code == BLOCKED => RefusalKind::Unavailable,
            _ => RefusalKind::Invalid,
        };
        let message = match answer.message() {
            Some(message) => redact::message(message),
            None => quoted(challenge, "error_description")
                .unwrap_or_else(|| "an answer that is not an error of Box's".into()),
        };
        Refusal {
            kind,
            status,
            code,
            message,
            location: None,
        }
    }
}

/// An error of the API (OpenAPI, "ClientError"), or of the token endpoint ("OAuth2Error").
#[derive(Default, Deserialize)]
#[serde(default)]
struct ApiError {
    code: serde_json::Value,
    message: serde_json::Value,
    error: serde_json::Value,
    error_description: serde_json::Value,
}

impl ApiError {
    fn code(&self) -> Option<&str> {
        self.code.as_str().or_else(|| self.error.as_str())
    }

    fn message(&self) -> Option<&str> {
        let message = self.message.as_str();
        message.or_else(|| self.error_description.as_str())
    }
}

/// A parameter of a challenge, such as `error="invalid_token"` (RFC 6750, 3).
fn quoted(challenge: &str, name: &str) -> Option<String> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(redact::message(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, kind: RefusalKind, code: &str) {
        let headers = Headers::default().with(
            "WWW-Authenticate",
            "Bearer realm=\"Service\", error=\"invalid_token\", error_description=\"The access token provided is invalid.\"",
        );
        let headers = match status {
            401 => headers,
            _ => Headers::default(),
        };
        let refusal = BoxCom.refusal(status, &headers, body.as_bytes());
        assert_eq!(
            (refusal.kind, refusal.code.as_str()),
            (kind, code),
            "{body}"
        );
        assert!(!refusal.message.is_empty());
    }

    fn error(code: &str) -> String {
        format!(
            r#"{{"type":"error","status":1,"code":"{code}","context_info":{{"errors":[]}},"help_url":"http://x",
                "message":"No for a@corp.example","request_id":"abcdef123456"}}"#
        )
    }

    #[test]
    fn status_and_code_say_what_a_refusal_means() {
        use RefusalKind::*;
        check(
            429,
            &error("rate_limit_exceeded"),
            Throttled,
            "rate_limit_exceeded",
        );
        check(
            429,
            &error("too_many_requests"),
            Throttled,
            "too_many_requests",
        );
        check(401, "", Unauthorized, "invalid_token");
        check(401, &error("unauthorized"), Unauthorized, "unauthorized");
        check(
            403,
            &error("insufficient_scope"),
            Forbidden,
            "insufficient_scope",
        );
        check(404, &error("trashed"), NotFound, "trashed");
        check(
            409,
            &error("operation_blocked_temporary"),
            Unavailable,
            "operation_blocked_temporary",
        );
        check(
            409,
            &error("name_temporarily_reserved"),
            Unavailable,
            "name_temporarily_reserved",
        );
        check(409, &error("conflict"), Invalid, "conflict");
        check(
            412,
            &error("precondition_failed"),
            Invalid,
            "precondition_failed",
        );
        check(400, &error("bad_request"), Invalid, "bad_request");
        check(503, &error("unavailable"), Unavailable, "unavailable");
        check(502, "<html>Bad gateway</html>", Unavailable, "");
        check(
            400,
            r#"{"error":"invalid_grant","error_description":"no"}"#,
            Invalid,
            "invalid_grant",
        );
        check(403, r#"{"code":7,"message":["x"]}"#, Forbidden, "");
    }

    #[test]
    fn what_is_shown_of_a_refusal_names_nobody() {
        let refusal = BoxCom.refusal(403, &Headers::default(), error("x").as_bytes());
        assert_eq!(refusal.message, "No for …");
    }
}
