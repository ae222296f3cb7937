//! When to try again: pure functions of an answer, an attempt and the time.

use std::time::Duration;

use casbah_model::Timestamp;
use casbah_model::transport::Headers;

/// Quick tries of one call inside one invocation; what lasts longer goes back to the queue.
pub const QUICK_TRIES_MAX: u32 = 3;
const QUICK_WAIT: Duration = Duration::from_millis(250);
/// A vendor that asks for more than a day is treated as asking for a day.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// The wait before try number `attempt` (from 1), with full jitter: between a half and the whole of a doubling step.
pub fn quick_wait(attempt: u32, fraction: f64) -> Duration {
    let step = QUICK_WAIT * 2_u32.pow(attempt.saturating_sub(1).min(4));
    step.mul_f64(0.5 + 0.5 * fraction.clamp(0.0, 1.0))
}

/// The wait before a step that failed `failures` times is tried again: 2 s doubling to an hour, half of it jitter.
pub fn step_wait(failures: u32, fraction: f64) -> Duration {
    let step = Duration::from_secs(2_u64 << failures.min(11)).min(Duration::from_secs(3600));
    step.mul_f64(0.5 + 0.5 * fraction.clamp(0.0, 1.0))
}

/// Reads `Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3).
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let text = headers.get("Retry-After")?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        let is_sane = seconds.is_finite() && seconds >= 0.0;
        return is_sane
            .then(|| Duration::from_secs_f64(seconds.min(RETRY_AFTER_MAX.as_secs_f64())));
    }
    let wait = Duration::try_from(http_date(text)?.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(RETRY_AFTER_MAX))
}

/// Reads a time of the form `Wed, 21 Oct 2026 07:28:00 GMT` (RFC 9110, 5.6.7).
pub fn http_date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> Option<Duration> {
        let now = "2026-10-21T07:28:00Z".parse().expect("a valid time");
        retry_after(&Headers::default().with("retry-after", value), now)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wait("30"), Some(Duration::from_secs(30)));
        assert_eq!(
            wait("Wed, 21 Oct 2026 07:28:10 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(wait("Wed, 21 Oct 2026 07:27:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("1e300"), Some(RETRY_AFTER_MAX));
    }

    #[test]
    fn a_step_that_keeps_failing_slows_down_to_one_try_an_hour() {
        assert_eq!(step_wait(0, 1.0), Duration::from_secs(2));
        assert_eq!(step_wait(40, 1.0), Duration::from_secs(3600));
    }
}
