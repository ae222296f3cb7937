//! Where a stream stands: an opaque cursor, and half-open windows of time.

use serde::{Deserialize, Serialize};

use crate::{SignedDuration, Timestamp};

/// A position that means something to the connector that made it and nothing to anyone else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    pub fn new(value: impl Into<String>) -> Cursor {
        Cursor(value.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A half-open span of time `[from, to)`, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Window {
    pub fn new(from: Timestamp, to: Timestamp) -> Window {
        Window { from, to }
    }

    pub fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// The latest multiple of `step`, counted from the epoch, that is not after `at`.
pub fn floor(at: Timestamp, step: SignedDuration) -> Timestamp {
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let floored = at.as_millisecond().div_euclid(step_ms) * step_ms;
    Timestamp::from_millisecond(floored).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_aligned_to_their_length_from_the_epoch() {
        let at: Timestamp = "2026-05-04T10:07:31Z".parse().expect("a valid time");
        let aligned = floor(at, SignedDuration::from_mins(5));
        assert_eq!(aligned.to_string(), "2026-05-04T10:05:00Z");
        assert_eq!(floor(aligned, SignedDuration::from_mins(5)), aligned);
    }
}
