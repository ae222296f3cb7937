//! Rate limits: a thousand calls a minute for each user (guides, "Rate limits").

use std::collections::BTreeMap;

use crate::chance::{Stream, draw};
use crate::moment::{MINUTE, Millis, SECOND};

/// Which limits hold, and how they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub is_on: bool,
    /// Calls that a user has per minute.
    pub per_minute: u64,
    pub owner: BucketOwner,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            is_on: true,
            per_minute: 1000,
            owner: BucketOwner::Acting,
        }
    }
}

/// Whose limit a call with `as-user` uses; no document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketOwner {
    /// The user that the header names.
    Acting,
    /// Whoever the token belongs to.
    Token,
}

/// What counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// The token endpoint, which has no limit of its own.
    Token,
    /// The app's service account.
    Service,
    /// A user, by number.
    User(u64),
}

#[derive(Default)]
struct Count {
    window: Millis,
    used: u64,
}

/// All buckets of an enterprise.
#[derive(Default)]
pub struct Limiter {
    counts: BTreeMap<Bucket, Count>,
}

impl Limiter {
    /// Takes one call out of a bucket; if it is empty, the seconds until it is full again.
    pub fn charge(
        &mut self,
        limits: &Limits,
        seed: u64,
        now: Millis,
        bucket: Bucket,
    ) -> Result<(), i64> {
        if !limits.is_on || bucket == Bucket::Token {
            return Ok(());
        }
        // Windows are not aligned to the clock.
        let number = match bucket {
            Bucket::Token | Bucket::Service => u64::MAX,
            Bucket::User(user) => user,
        };
        let offset = (draw(seed, Stream::Request, number) % MINUTE as u64) as Millis;
        let window = (now - offset).div_euclid(MINUTE);
        let count = self.counts.entry(bucket).or_default();
        if count.window != window {
            *count = Count { window, used: 0 };
        }
        if count.used >= limits.per_minute {
            let ends = (window + 1) * MINUTE + offset;
            return Err((ends - now + SECOND - 1).div_euclid(SECOND));
        }
        count.used += 1;
        Ok(())
    }
}
