//! Rate limits: one bucket per family of paths, shared with the org's other clients.

use std::collections::BTreeMap;

use super::wire::Call;
use crate::chance::{Stream, draw, fraction};
use crate::moment::{MINUTE, Millis, SECOND};

/// Which limits hold, and how they count.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub is_on: bool,
    pub class: Class,
    /// Multiplies every bucket; 0.1 makes a small test meet them.
    pub scale: f64,
    /// Share of each bucket that this token or app may use (Create an API token, "Rate limits": half).
    pub share: f64,
    /// What the org's other clients use of each bucket per window, in the mean; seen in the headers only.
    pub others: f64,
    pub shown: LimitShown,
    /// Calls at one time (Rate limits, "Concurrent rate limits": 75, or 35 for free orgs).
    pub concurrency: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            is_on: true,
            class: Class::Enterprise,
            scale: 1.0,
            share: 0.5,
            others: 0.2,
            shown: LimitShown::Share,
            concurrency: 75,
        }
    }
}

/// Classes of orgs, by the numbers published last (Rate limits, management endpoints; they differ by customer today).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Integrator,
    OneApp,
    Enterprise,
    Workforce,
}

/// What `X-Rate-Limit-Limit` says for a token with a share; no document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitShown {
    Share,
    Whole,
}

/// The families of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    Logs,
    Users,
    User,
    Groups,
    Group,
    Apps,
    App,
    Clients,
    Token,
    Other,
}

impl Bucket {
    pub fn name(self) -> &'static str {
        match self {
            Bucket::Logs => "logs",
            Bucket::Users => "users",
            Bucket::User => "user-by-id",
            Bucket::Groups => "groups",
            Bucket::Group => "group-by-id",
            Bucket::Apps => "apps",
            Bucket::App => "app-by-id",
            Bucket::Clients => "clients",
            Bucket::Token => "token",
            Bucket::Other => "other",
        }
    }

    /// The bucket of a call; `None` where nothing is limited.
    pub fn of(call: &Call) -> Option<Bucket> {
        use casbah_model::transport::Method::Get;
        Some(match (call.method, call.segments().as_slice()) {
            (_, ["oauth2", "v1", "keys"] | [".well-known", ..]) => return None,
            (_, ["oauth2", .., "token"]) => Bucket::Token,
            (_, ["oauth2", "v1", "clients", ..]) => Bucket::Clients,
            (Get, ["api", "v1", "logs"]) => Bucket::Logs,
            (Get, ["api", "v1", "users"]) => Bucket::Users,
            (Get, ["api", "v1", "users", _]) => Bucket::User,
            (Get, ["api", "v1", "groups"]) => Bucket::Groups,
            (_, ["api", "v1", "groups", _, ..]) => Bucket::Group,
            (Get, ["api", "v1", "apps"]) => Bucket::Apps,
            (_, ["api", "v1", "apps", _, ..]) => Bucket::App,
            _ => Bucket::Other,
        })
    }

    /// Calls per minute. That of the token endpoint is ours, since no document gives it.
    pub fn limit(self, class: Class) -> u64 {
        let numbers = match self {
            Bucket::Logs => [20, 50, 50, 120],
            Bucket::Users => [100, 600, 600, 600],
            Bucket::User => [100, 1000, 1000, 2000],
            Bucket::Groups => [100, 600, 600, 500],
            Bucket::Group => [100, 600, 600, 1000],
            Bucket::Apps => [20, 100, 100, 100],
            Bucket::App => [100, 600, 600, 500],
            Bucket::Clients => [25, 100, 100, 100],
            Bucket::Token => [100, 300, 300, 300],
            Bucket::Other => [100, 600, 600, 1200],
        };
        numbers[class as usize]
    }
}

/// The answer of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub is_granted: bool,
    pub limit: u64,
    pub remaining: u64,
    /// When the window ends, in epoch seconds.
    pub reset: Millis,
}

#[derive(Default)]
struct Count {
    window: Millis,
    used: u64,
}

/// All buckets of an org.
#[derive(Default)]
pub struct Limiter {
    counts: BTreeMap<Bucket, Count>,
}

impl Limiter {
    /// Takes one call out of a bucket, or says that it may not pass. Refused calls cost nothing (uncertain).
    pub fn charge(&mut self, limits: &Limits, seed: u64, now: Millis, bucket: Bucket) -> Verdict {
        let scaled = |share: f64| {
            (bucket.limit(limits.class) as f64 * limits.scale * share)
                .ceil()
                .max(1.0) as u64
        };
        let (whole, ours) = (scaled(1.0), scaled(limits.share.min(1.0)));
        // Windows are not aligned to the clock.
        let offset = (draw(seed, Stream::Request, bucket as u64) % MINUTE as u64) as Millis;
        let window = (now - offset).div_euclid(MINUTE);
        let ends = (window + 1) * MINUTE + offset;
        let count = self.counts.entry(bucket).or_default();
        if count.window != window {
            *count = Count { window, used: 0 };
        }
        // The others go on evenly, half to one and a half times their mean in each window.
        let place = (bucket as u64) << 48 | (window as u64 & 0xFFFF_FFFF);
        let pace = limits.others * (0.5 + fraction(draw(seed, Stream::Shuffle, place)));
        let elapsed = 1.0 - (ends - now) as f64 / MINUTE as f64;
        let others = (whole as f64 * pace * elapsed) as u64;
        let left = |used: u64| {
            let of_all = whole.saturating_sub(used + others);
            ours.saturating_sub(used).min(of_all)
        };
        let is_granted = left(count.used) > 0;
        count.used += u64::from(is_granted || !limits.is_on);
        let remaining = if is_granted { left(count.used) } else { 0 };
        Verdict {
            is_granted: is_granted || !limits.is_on,
            limit: match limits.shown {
                LimitShown::Share => ours,
                LimitShown::Whole => whole,
            },
            remaining,
            reset: (ends + SECOND - 1).div_euclid(SECOND),
        }
    }
}
