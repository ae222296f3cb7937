//! The vendor's limits as counters per row, and the headers that tell a caller how close it is.

use std::collections::{BTreeMap, VecDeque};

use crate::moment::{DAY, MINUTE, Millis, SECOND};

/// Which limits hold, and how they count.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub is_on: bool,
    /// Multiplies every limit; 0.1 makes a small test meet them.
    pub scale: f64,
    /// The vendor documents no shape for the Management API's limit, so a reader must stand all three.
    pub management: Shape,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            is_on: true,
            scale: 1.0,
            management: Shape::FixedWindow,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    FixedWindow,
    SlidingWindow,
    TokenBucket,
}

/// The rows that are counted; each has one key here, since one tenant and one client are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// Every Graph call (Graph throttling limits, "Global limit").
    Graph,
    /// Directory resource units (Graph throttling limits, "Identity and access service limits").
    Directory,
    /// Sign-in and audit reports (Graph throttling limits, "Identity and access reports").
    Reports,
    /// `signInActivity` in a read of users (same section).
    SignInActivity,
    /// SharePoint resource units per minute (Avoid getting throttled in SharePoint Online, "Application throttling").
    SharePointMinute,
    SharePointDay,
    /// Changes of who a file is shared with ("specific sharing APIs"; same page, same section). Which these are is not
    /// listed.
    SharingWrites,
    /// Labels put on files (same page, "assignSensitivityLabel").
    Labelling,
    /// Changes of the directory (Graph throttling limits, "Identity and access service limits").
    DirectoryWrites,
    /// Risky users (same page, "Identity protection and conditional access").
    RiskyUsers,
    /// Management Activity API reference, "API throttling".
    Management,
    /// Calls without PublisherIdentifier share one small pool of everyone (same section); its size is ours.
    ManagementAnonymous,
    /// Two starts of one subscription within 15 minutes (Management Activity API reference, "Start a subscription").
    ManagementStart,
}

impl Row {
    pub fn name(self) -> &'static str {
        match self {
            Row::Graph => "graph-all",
            Row::Directory => "directory-units",
            Row::Reports => "reports",
            Row::SignInActivity => "sign-in-activity",
            Row::SharePointMinute => "sharepoint-minute",
            Row::SharePointDay => "sharepoint-day",
            Row::SharingWrites => "sharepoint-sharing",
            Row::Labelling => "sharepoint-labels",
            Row::DirectoryWrites => "directory-writes",
            Row::RiskyUsers => "risky-users",
            Row::Management => "management",
            Row::ManagementAnonymous => "management-anonymous",
            Row::ManagementStart => "management-start",
        }
    }

    /// Units per window. `users` and `seats` choose the size class.
    pub fn limit(self, users: u64, seats: u64) -> (u64, Millis) {
        let by_licences = |classes: [u64; 5]| match seats {
            0..=1_000 => classes[0],
            1_001..=5_000 => classes[1],
            5_001..=15_000 => classes[2],
            15_001..=50_000 => classes[3],
            _ => classes[4],
        };
        match self {
            Row::Graph => (130_000, 10 * SECOND),
            Row::Directory => match users {
                0..50 => (3_500, 10 * SECOND),
                50..=500 => (5_000, 10 * SECOND),
                _ => (8_000, 10 * SECOND),
            },
            Row::Reports => (5, 10 * SECOND),
            Row::SignInActivity => (10, MINUTE),
            Row::SharePointMinute => (by_licences([1_250, 2_500, 3_750, 5_000, 6_250]), MINUTE),
            Row::SharePointDay => (
                by_licences([1_200_000, 2_400_000, 3_600_000, 4_800_000, 6_000_000]),
                DAY,
            ),
            Row::SharingWrites => (300, 5 * MINUTE),
            Row::Labelling => (100, 5 * MINUTE),
            Row::DirectoryWrites => (3_000, 150 * SECOND),
            Row::RiskyUsers => (1, SECOND),
            Row::Management => (2_000, MINUTE),
            Row::ManagementAnonymous => (20, MINUTE),
            Row::ManagementStart => (1, 15 * MINUTE),
        }
    }
}

/// The answer of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub row: Row,
    pub is_granted: bool,
    pub limit: u64,
    /// Units used in this window, this call included.
    pub used: u64,
    /// Seconds until the window ends, at least one.
    pub reset_seconds: u64,
}

impl Verdict {
    pub fn share(&self) -> f64 {
        self.used as f64 / self.limit.max(1) as f64
    }
}

#[derive(Default)]
struct Count {
    window: Millis,
    used: u64,
    /// Calls of the last window, for the sliding shape.
    recent: VecDeque<(Millis, u64)>,
    /// Tokens left and when they were counted, for the bucket shape.
    bucket: Option<(f64, Millis)>,
}

/// All counters of a tenant.
#[derive(Default)]
pub struct Limiter {
    counts: BTreeMap<(Row, &'static str), Count>,
}

/// One request to a row: `part` divides a row into keys, such as one per subscription.
pub struct Charge {
    pub row: Row,
    pub part: &'static str,
    pub units: u64,
}

impl Limiter {
    /// Charges a row and says whether the call may pass. SharePoint charges refused calls too ("throttled requests count").
    pub fn charge(
        &mut self,
        limits: &Limits,
        (users, seats): (u64, u64),
        now: Millis,
        charge: Charge,
    ) -> Verdict {
        let Charge { row, part, units } = charge;
        let (limit, window) = row.limit(users, seats);
        let scaled = (limit as f64 * limits.scale).ceil().max(1.0) as u64;
        let limit = if row == Row::ManagementStart {
            1
        } else {
            scaled
        };
        let count = self.counts.entry((row, part)).or_default();
        let shape = if row == Row::Management {
            limits.management
        } else {
            Shape::FixedWindow
        };
        let (is_granted, used, reset) = match shape {
            Shape::FixedWindow => count.fixed(row, now, window, limit, units),
            Shape::SlidingWindow => count.sliding(now, window, limit, units),
            Shape::TokenBucket => count.bucket(now, window, limit, units),
        };
        let reset_seconds = (reset.max(1) as u64).div_ceil(SECOND as u64);
        Verdict {
            row,
            is_granted: is_granted || !limits.is_on,
            limit,
            used,
            reset_seconds,
        }
    }
}

impl Count {
    fn fixed(
        &mut self,
        row: Row,
        now: Millis,
        window: Millis,
        limit: u64,
        units: u64,
    ) -> (bool, u64, Millis) {
        // A subscription's 15 minutes begin with its first start; the other windows are aligned.
        let begins = match row {
            Row::ManagementStart if now - self.window < window => self.window,
            Row::ManagementStart => now,
            _ => now.div_euclid(window) * window,
        };
        if self.window != begins {
            (self.window, self.used) = (begins, 0);
        }
        let is_granted = self.used + units <= limit;
        let charges_refused = matches!(row, Row::SharePointMinute | Row::SharePointDay);
        if is_granted || charges_refused {
            self.used += units;
        }
        (
            is_granted,
            if is_granted {
                self.used
            } else {
                self.used.max(limit + 1)
            },
            begins + window - now,
        )
    }

    fn sliding(
        &mut self,
        now: Millis,
        window: Millis,
        limit: u64,
        units: u64,
    ) -> (bool, u64, Millis) {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| *at <= now - window)
        {
            self.recent.pop_front();
        }
        let used: u64 = self.recent.iter().map(|(_, units)| units).sum();
        let is_granted = used + units <= limit;
        if is_granted {
            self.recent.push_back((now, units));
        }
        let oldest = self.recent.front().map_or(now, |(at, _)| *at);
        (is_granted, used + units, oldest + window - now)
    }

    fn bucket(
        &mut self,
        now: Millis,
        window: Millis,
        limit: u64,
        units: u64,
    ) -> (bool, u64, Millis) {
        let (left, at) = self.bucket.unwrap_or((limit as f64, now));
        let refilled = (now - at) as f64 * limit as f64 / window as f64;
        let left = (left + refilled).min(limit as f64);
        let is_granted = left >= units as f64;
        let left = if is_granted {
            left - units as f64
        } else {
            left
        };
        self.bucket = Some((left, now));
        let missing = (units as f64 - left).max(0.0) * window as f64 / limit as f64;
        (
            is_granted,
            limit.saturating_sub(left as u64),
            missing as Millis,
        )
    }
}
