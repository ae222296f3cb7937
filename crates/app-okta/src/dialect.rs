//! What Okta's answers say: about limits, and about what was wrong. A pure reading of status, headers and body.

use std::time::Duration;

use casbah_connector::Dialect;
use casbah_http::gate::Signs;
use casbah_http::{Refusal, RefusalKind, redact};
use casbah_model::Timestamp;
use casbah_model::transport::Headers;
use serde::Deserialize;

pub(crate) struct Okta;

/// The code of a query that took longer than 30 seconds (system-log-query), and of other faults of Okta's own.
pub(crate) const INTERNAL: &str = "E0000009";

/// Windows are a minute long (rate-limits); a reset that is further away tells of clocks that differ.
const RESET_MAX: Duration = Duration::from_secs(120);

impl Dialect for Okta {
    fn signs(&self, _bucket: &str, headers: &Headers, now: Timestamp) -> Signs {
        let limit = number(headers, "X-Rate-Limit-Limit");
        // Too many calls side by side are told as a limit of zero, with a reset that means nothing (rl2-concurrency).
        if limit.is_none_or(|limit| limit <= 0.0) {
            return Signs::default();
        }
        Signs {
            units: None,
            limit,
            remaining: number(headers, "X-Rate-Limit-Remaining"),
            reset: reset(headers, now),
            throttled: None,
        }
    }

    /// Only the status decides: the same code comes with faults of ours and of Okta's (error-codes, E0000053).
    fn refusal(&self, status: u16, _headers: &Headers, body: &[u8]) -> Refusal {
        let answer: ApiError = serde_json::from_slice(body).unwrap_or_default();
        let code = redact::message(answer.code().unwrap_or_default());
        let kind = match status {
            429 => RefusalKind::Throttled,
            // The same query would take as long again.
            500 if code == INTERNAL => RefusalKind::Invalid,
            501 => RefusalKind::Invalid,
            408 | 500.. => RefusalKind::Unavailable,
            401 => RefusalKind::Unauthorized,
            403 => RefusalKind::Forbidden,
            404 => RefusalKind::NotFound,
            410 => RefusalKind::Gone,
            _ => RefusalKind::Invalid,
        };
        let message = match answer.summary() {
            Some(summary) => redact::message(summary),
            None => "an answer that is not an error of Okta's".into(),
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

/// An error of the API (core-okta-api, "Errors") or of the authorization server (RFC 6749, 5.2).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ApiError {
    error_code: serde_json::Value,
    error_summary: serde_json::Value,
    error: serde_json::Value,
    #[serde(rename = "error_description")]
    error_description: serde_json::Value,
}

impl ApiError {
    fn code(&self) -> Option<&str> {
        self.error_code.as_str().or_else(|| self.error.as_str())
    }

    fn summary(&self) -> Option<&str> {
        let summary = self.error_summary.as_str();
        summary.or_else(|| self.error_description.as_str())
    }
}

/// Time until the window ends, by Okta's clock where it tells the time (core-okta-api: epoch seconds).
fn reset(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let at = number(headers, "X-Rate-Limit-Reset")? as i64;
    let their_now = headers.get("Date").and_then(casbah_http::retry::http_date);
    let seconds = at - their_now.unwrap_or(now).as_second();
    let seconds = u64::try_from(seconds).unwrap_or(0);
    Some(Duration::from_secs(seconds).min(RESET_MAX))
}

fn number(headers: &Headers, name: &str) -> Option<f64> {
    let number: f64 = headers.get(name)?.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

#[cfg(test)]
mod tests;
