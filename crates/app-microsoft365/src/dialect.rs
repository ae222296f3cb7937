//! What Microsoft's answers say: about limits, and about what was wrong. A pure reading of status, headers and body.

use std::time::Duration;

use casbah_connector::Dialect;
use casbah_http::gate::Signs;
use casbah_http::{Refusal, RefusalKind, redact};
use casbah_model::Timestamp;
use casbah_model::transport::Headers;
use serde_json::Value;

pub(crate) struct Microsoft;

/// Our name for the audit service not knowing the tenant, which it says in words only.
pub(crate) const AUDIT_OFF: &str = "AuditOff";

/// Errors nest (Microsoft Graph documentation, "Error responses"); nobody has seen more levels than three.
const LEVELS_MAX: usize = 8;

/// Codes that decide more than the status does. Management Activity API reference, "Errors"; Microsoft Graph
/// documentation, "Error responses and resource types", "Use delta query" and "driveItem: delta".
const KINDS: &[(&str, RefusalKind)] = &[
    ("AF429", RefusalKind::Throttled),
    ("TooManyRequests", RefusalKind::Throttled),
    ("activityLimitReached", RefusalKind::Throttled),
    ("AF50000", RefusalKind::Unavailable),
    ("serviceNotAvailable", RefusalKind::Unavailable),
    ("AF10001", RefusalKind::Forbidden),
    ("AF20010", RefusalKind::Invalid),
    ("AF20011", RefusalKind::Invalid),
    ("AF20012", RefusalKind::Invalid),
    (AUDIT_OFF, RefusalKind::Invalid),
    ("AF20013", RefusalKind::Invalid),
    ("AF20022", RefusalKind::Invalid),
    ("AF20023", RefusalKind::Invalid),
    ("AF20024", RefusalKind::Invalid),
    ("AF20030", RefusalKind::Invalid),
    ("AF20031", RefusalKind::Invalid),
    ("AF20055", RefusalKind::Invalid),
    ("AF20050", RefusalKind::Gone),
    ("AF20051", RefusalKind::Gone),
    ("AF20052", RefusalKind::Gone),
    ("InvalidAuthenticationToken", RefusalKind::Unauthorized),
    ("Authorization_RequestDenied", RefusalKind::Forbidden),
    (
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        RefusalKind::Forbidden,
    ),
    ("accessDenied", RefusalKind::Forbidden),
    ("Request_ResourceNotFound", RefusalKind::NotFound),
    ("ResourceNotFound", RefusalKind::NotFound),
    ("itemNotFound", RefusalKind::NotFound),
    ("Request_BadRequest", RefusalKind::Invalid),
    ("Request_UnsupportedQuery", RefusalKind::Invalid),
    ("invalidRequest", RefusalKind::Invalid),
    ("Directory_ExpiredPageToken", RefusalKind::Invalid),
    ("syncStateNotFound", RefusalKind::Gone),
    ("resyncRequired", RefusalKind::Gone),
    ("resyncApplyDifferences", RefusalKind::Gone),
    ("resyncUploadDifferences", RefusalKind::Gone),
    ("resyncChangesApplyDifferences", RefusalKind::Gone),
    ("resyncChangesUploadDifferences", RefusalKind::Gone),
];

impl Dialect for Microsoft {
    fn signs(&self, _bucket: &str, headers: &Headers, _now: Timestamp) -> Signs {
        Signs {
            // Directory answers tell what they cost (Microsoft Graph throttling limits, "Response headers").
            units: number(headers, "x-ms-resource-unit"),
            // SharePoint tells how much is left, from 80 % use on ("Avoid getting throttled", "RateLimit headers").
            limit: number(headers, "RateLimit-Limit"),
            remaining: number(headers, "RateLimit-Remaining"),
            reset: number(headers, "RateLimit-Reset")
                .map(|seconds| Duration::from_secs_f64(seconds.min(86_400.0))),
            throttled: None,
        }
    }

    fn refusal(&self, status: u16, headers: &Headers, body: &[u8]) -> Refusal {
        let (code, message) = read(body);
        let by_code = KINDS
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, kind)| *kind);
        let has_wait = headers.get("Retry-After").is_some();
        let kind = by_code
            .filter(|_| status != 429)
            .unwrap_or_else(|| by_status(status, has_wait));
        let location = headers.get("Location").map(String::from);
        Refusal {
            kind,
            status,
            code,
            message,
            location,
        }
    }
}

fn by_status(status: u16, has_wait: bool) -> RefusalKind {
    match status {
        429 | 509 => RefusalKind::Throttled,
        503 if has_wait => RefusalKind::Throttled,
        501 => RefusalKind::Invalid,
        408 | 500.. => RefusalKind::Unavailable,
        401 => RefusalKind::Unauthorized,
        403 => RefusalKind::Forbidden,
        404 => RefusalKind::NotFound,
        410 => RefusalKind::Gone,
        _ => RefusalKind::Invalid,
    }
}

/// The code and the words of an error.
fn read(body: &[u8]) -> (String, String) {
    if contains(body, b"DataServiceException: Tenant") && contains(body, b"does not exist") {
        return (
            AUDIT_OFF.into(),
            "the audit service does not know the tenant".into(),
        );
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return (String::new(), "an answer that is not JSON".into());
    };
    // The Management API leaves the envelope out at times.
    let error = answer.get("error").unwrap_or(&answer);
    let message = ["message", "error_description"].iter().find_map(|name| {
        let text = error.get(name).or_else(|| answer.get(name))?;
        text.as_str()
    });
    (
        deepest_code(error),
        redact::message(message.unwrap_or_default()),
    )
}

/// The innermost code that is known; without one the outermost (Graph, "Error responses": "the most specific error
/// that an application can understand").
fn deepest_code(error: &Value) -> String {
    let mut level = Some(error);
    let mut codes = Vec::new();
    for _ in 0..LEVELS_MAX {
        let Some(error) = level else { break };
        codes.extend(error.get("code").or(Some(error)).and_then(Value::as_str));
        level = ["innerError", "innererror", "inner_error"]
            .iter()
            .find_map(|name| error.get(name));
    }
    let known = codes
        .iter()
        .rev()
        .find(|code| KINDS.iter().any(|(known, _)| known == *code));
    let code = known.or(codes.first()).copied().unwrap_or_default();
    redact::message(code)
}

fn number(headers: &Headers, name: &str) -> Option<f64> {
    let number: f64 = headers.get(name)?.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[cfg(test)]
mod tests;
