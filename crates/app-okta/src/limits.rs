//! What Okta allows, as data: calls a minute by group of endpoints, shared with everything else that calls the org.
//!
//! The numbers are the smallest that Okta has published; now only the org's own dashboard shows them, and every answer
//! (core-okta-api, "Rate limits"; rate-limits). So these are where a connection begins, and the headers tell the rest.

use std::time::Duration;

use casbah_connector::Limit;

/// Groups of endpoints with a limit of their own (rl-global-mgmt, "Management endpoints").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// `/api/v1/logs`
    Logs,
    /// `/api/v1/users`
    Users,
    /// `/api/v1/users/{id}`
    User,
    /// `/api/v1/groups`
    Groups,
    /// `/api/v1/groups/{id}` and below
    Group,
    /// `/api/v1/apps`
    Apps,
    /// `/api/v1/apps/{id}` and below
    App,
    /// `/oauth2/v1/clients`
    Clients,
    /// Everything else below `/api/v1`, also what is below a user.
    Other,
}

impl Bucket {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Bucket::Logs => "logs",
            Bucket::Users => "users",
            Bucket::User => "user",
            Bucket::Groups => "groups",
            Bucket::Group => "group",
            Bucket::Apps => "apps",
            Bucket::App => "app",
            Bucket::Clients => "clients",
            Bucket::Other => "other",
        }
    }
}

/// Raised with every change of the numbers in this file.
const VERSION: u32 = 2;

/// Windows of a minute that are not aligned to the clock (rate-limits).
const WINDOW: Duration = Duration::from_secs(60);

/// New API tokens get half of each limit as well (rate-limits; create-an-api-token).
const SHARE_PERCENT: u8 = 50;

/// Calls a minute of the smallest kind of org (rl-global-mgmt), and calls side by side. Together they are 16, of the 35
/// that the smallest org allows at once (rl2-concurrency).
const ROWS: [(Bucket, f64, usize); 9] = [
    (Bucket::Logs, 20.0, 4),
    (Bucket::Users, 100.0, 1),
    (Bucket::User, 100.0, 2),
    (Bucket::Groups, 100.0, 1),
    (Bucket::Group, 100.0, 2),
    (Bucket::Apps, 20.0, 1),
    (Bucket::App, 20.0, 1),
    (Bucket::Clients, 25.0, 1),
    (Bucket::Other, 100.0, 3),
];

/// The rows for an org, of which the customer says what part is ours.
pub(crate) fn of(entered: Option<&str>) -> Vec<Limit> {
    let percent = entered.and_then(share).unwrap_or(SHARE_PERCENT);
    let share = f64::from(percent) / 100.0;
    let row = |(bucket, units, in_flight): (Bucket, f64, usize)| Limit {
        bucket: bucket.name(),
        units: units * share,
        share,
        window: WINDOW,
        day_units: None,
        margin: None,
        in_flight,
        tracks: 1,
        slice: None,
        // Others call the same org: a burst of ours would meet theirs.
        speed_up: 1,
        costs: &[],
        first_cost: 1.0,
        growth: None,
        version: VERSION,
    };
    ROWS.map(row).into()
}

/// A tenth of the smallest limit is two calls a minute; with less the log of a busy org could not be followed.
const LEAST_PERCENT: u8 = 10;

/// A share in percent, as somebody entered it.
pub(crate) fn share(entered: &str) -> Option<u8> {
    let percent = entered.parse().ok()?;
    (LEAST_PERCENT..=100).contains(&percent).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customer_says_what_part_of_the_limits_is_ours() {
        let logs = |entered| {
            let rows = of(entered);
            let row = rows.iter().find(|row| row.bucket == "logs").expect("a row");
            (row.units, row.share)
        };
        assert_eq!(logs(None), (10.0, 0.5));
        assert_eq!(logs(Some("10")), (2.0, 0.1));
        assert_eq!(logs(Some("100")), (20.0, 1.0));
        for wrong in ["0", "9", "101", "-1", "50 %", "", "0.5", "256"] {
            assert_eq!(share(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn all_rows_together_stay_below_half_of_the_calls_at_once_of_the_smallest_org() {
        let at_once: usize = of(None).iter().map(|row| row.in_flight).sum();
        assert!(at_once <= 35 / 2, "{at_once}");
    }
}
