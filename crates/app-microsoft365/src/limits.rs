//! What Microsoft allows, as data: units per window by size of the tenant, and units per call.
//!
//! All numbers may change without notice; those that answers tell (`RateLimit-*`, `x-ms-resource-unit`) override them.

use std::time::Duration;

use casbah_connector::Limit;
use casbah_model::connection::Tenant;

/// The limits that are spent apart from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// Management Activity API.
    Management,
    /// Users, groups, roles, applications and grants of Microsoft Graph.
    Directory,
    /// Sign-in and audit logs of Microsoft Graph; no collection reads them yet, the audit feed has the same events.
    Reports,
    /// Reads of users that ask for `signInActivity`.
    SignInTimes,
    /// SharePoint and OneDrive.
    Files,
    /// Changes of who sees a file, which spend units of `Files` as well.
    SharingWrites,
    /// Changes of sensitivity labels, which spend units of `Files` as well.
    Labels,
    /// Changes of users, groups, roles, applications and grants.
    DirectoryWrites,
    /// Risky users.
    Risk,
}

impl Bucket {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Bucket::Management => "mgmt",
            Bucket::Directory => "graph-identity",
            Bucket::Reports => "graph-reports",
            Bucket::SignInTimes => "sign-in-activity",
            Bucket::Files => "sharepoint",
            Bucket::SharingWrites => "sharepoint-sharing",
            Bucket::Labels => "sharepoint-labels",
            Bucket::DirectoryWrites => "graph-writes",
            Bucket::Risk => "risky-users",
        }
    }
}

/// Raised with every change of the numbers in this file.
const VERSION: u32 = 3;

/// Resource units of directory calls: 1 unless listed, `$select` takes 1 off, `$expand` adds 1, never below 1. Delta
/// calls are not listed, which makes them 1 (Microsoft Graph service-specific throttling limits, "Identity and access").
const DIRECTORY_COSTS: &[(&str, f64)] = &[
    ("delta", 1.0),
    ("list", 1.0),
    ("expanded", 2.0),
    ("probe", 1.0),
    ("skus", 2.0),
];

/// Resource units of file calls: 1 for an item or a delta with a token, 2 for lists, a delta without one and changes, 5
/// for permissions (SharePoint developer documentation, "Avoid getting throttled or blocked in SharePoint Online").
const FILE_COSTS: &[(&str, f64)] = &[
    ("item", 1.0),
    ("delta", 1.0),
    ("list", 2.0),
    ("permissions", 5.0),
    ("write", 2.0),
];

/// Units per minute and per day by assigned licences, per app and tenant (same page, "Application throttling").
const FILE_UNITS: [(u64, f64, f64); 5] = [
    (1_000, 1_250.0, 1.2e6),
    (5_000, 2_500.0, 2.4e6),
    (15_000, 3_750.0, 3.6e6),
    (50_000, 5_000.0, 4.8e6),
    (u64::MAX, 6_250.0, 6.0e6),
];

/// Units per 10 s by size of the tenant (Microsoft Graph service-specific throttling limits, "Identity and access").
const DIRECTORY_UNITS: [(u64, f64); 3] = [(49, 3_500.0), (500, 5_000.0), (u64::MAX, 8_000.0)];

/// The rows for a tenant; one whose size is unknown is treated as the smallest.
pub(crate) fn of(tenant: &Tenant) -> Vec<Limit> {
    let seats = tenant.seats.unwrap_or(0);
    let directory = DIRECTORY_UNITS
        .iter()
        .find(|(up_to, _)| seats <= *up_to)
        .map_or(3_500.0, |row| row.1);
    let (files, files_a_day) = FILE_UNITS
        .iter()
        .find(|(up_to, ..)| seats <= *up_to)
        .map_or((1_250.0, 1.2e6), |row| (row.1, row.2));
    vec![
        // A baseline for every tenant, more with more seats (Management Activity API reference, "API throttling").
        Limit {
            // As many as a lane fetches side by side: a slice is sped up no further than they can spend it.
            in_flight: 32,
            speed_up: 4,
            ..row(Bucket::Management, 2_000.0, secs(60))
        },
        // One lane cannot use it up: each collection is read page after page.
        Limit {
            tracks: 4,
            costs: DIRECTORY_COSTS,
            ..row(Bucket::Directory, directory, secs(10))
        },
        // 5 requests in 10 s (Microsoft Graph service-specific throttling limits, "Identity and access reports").
        Limit {
            in_flight: 4,
            ..row(Bucket::Reports, 5.0, secs(10))
        },
        // 10 requests a minute (same page, requests with `signInActivity`).
        Limit {
            in_flight: 4,
            ..row(Bucket::SignInTimes, 10.0, secs(60))
        },
        // No speed-up: who disregards this limit is blocked until further notice.
        Limit {
            day_units: Some(files_a_day),
            in_flight: 16,
            costs: FILE_COSTS,
            first_cost: 2.0,
            ..row(Bucket::Files, files, secs(60))
        },
        // 300 changes of sharing in 5 minutes, per app and tenant (same page as above, "Other resource limits").
        Limit {
            in_flight: 4,
            ..row(Bucket::SharingWrites, 300.0, secs(300))
        },
        // 100 labels in 5 minutes, per tenant (same page and chapter, "Assign sensitivity label").
        Limit {
            in_flight: 4,
            ..row(Bucket::Labels, 100.0, secs(300))
        },
        // 3,000 writes in 150 s (Microsoft Graph service-specific throttling limits, "Identity and access").
        Limit {
            in_flight: 8,
            ..row(Bucket::DirectoryWrites, 3_000.0, secs(150))
        },
        // 1 request a second, for all applications of a tenant, and a refusal does not say how long to wait (same page,
        // "Identity protection and conditional access").
        // Two calls a second apart may arrive in one second, so half of it is left.
        Limit {
            in_flight: 1,
            margin: Some(0.5),
            ..row(Bucket::Risk, 1.0, secs(1))
        },
    ]
}

fn row(bucket: Bucket, units: f64, window: Duration) -> Limit {
    Limit {
        bucket: bucket.name(),
        units,
        share: 1.0,
        window,
        day_units: None,
        margin: None,
        in_flight: 32,
        tracks: 1,
        slice: None,
        speed_up: 1,
        costs: &[],
        first_cost: 1.0,
        growth: None,
        version: VERSION,
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(seats: Option<u64>, bucket: &str) -> (f64, Option<f64>) {
        let rows = of(&Tenant {
            seats,
            ..Tenant::default()
        });
        let row = rows
            .iter()
            .find(|row| row.bucket == bucket)
            .expect("a row of this name");
        (row.units, row.day_units)
    }

    #[test]
    fn limits_follow_the_size_of_the_tenant() {
        assert_eq!(units(None, "sharepoint"), (1_250.0, Some(1.2e6)));
        assert_eq!(units(Some(1_000), "sharepoint"), (1_250.0, Some(1.2e6)));
        assert_eq!(units(Some(1_001), "sharepoint"), (2_500.0, Some(2.4e6)));
        assert_eq!(units(Some(90_000), "sharepoint"), (6_250.0, Some(6.0e6)));
        assert_eq!(units(Some(49), "graph-identity").0, 3_500.0);
        assert_eq!(units(Some(50), "graph-identity").0, 5_000.0);
        assert_eq!(units(Some(501), "graph-identity").0, 8_000.0);
        assert_eq!(units(Some(90_000), "mgmt"), (2_000.0, None));
    }
}
