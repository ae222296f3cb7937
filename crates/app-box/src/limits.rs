//! What Box allows, as data: 1,000 calls a minute for each user that calls are made as, and what the licence counts.
//!
//! Nobody documents whose calls those are that are made as somebody else; they are taken for the acting user's
//! (developer guides, "Rate limits": "per user").

use std::collections::BTreeMap;
use std::time::Duration;

use casbah_connector::Limit;

use crate::{MONTHLY_CALLS, SHARE};

/// Calls as one of the users, each of whom has this limit for themselves.
const USER: &str = "user";
/// Calls as ourselves, parted so that a pass over the directory is in no way of the events.
const EVENTS: &str = "events";
const OWN: &str = "own";

/// Raised with every change of the numbers in this file.
const VERSION: u32 = 1;

/// Developer guides, "Rate limits": general API calls.
const CALLS: f64 = 1000.0;
const WINDOW: Duration = Duration::from_secs(60);
/// What part of the limit each row has, and how many calls side by side: at 0.3 s an answer as many as its pace takes.
const ROWS: [(&str, f64, usize); 3] = [(EVENTS, 0.4, 3), (OWN, 0.6, 4), (USER, 1.0, 6)];

/// Users have other integrations, and those that sync act as them all the time.
const SHARE_PERCENT: u8 = 50;
/// With less a user with many folders is not walked in a day.
const LEAST_PERCENT: u8 = 5;

/// Months have no more days; a licence counts by the month (developer guides, "Rate limits", "Licensed API calls").
const MONTH_DAYS: f64 = 31.0;
/// What the smallest licences have is 50,000; with much less nothing could be followed.
const MONTHLY_LEAST: u64 = 10_000;
const MONTHLY_MOST: u64 = 99_999_999_999;

/// The rows for an enterprise, of which the customer says what part is ours.
pub(crate) fn of(entered: &BTreeMap<String, String>) -> Vec<Limit> {
    let percent = entered.get(SHARE).and_then(|text| share(text));
    let share = f64::from(percent.unwrap_or(SHARE_PERCENT)) / 100.0;
    let monthly = entered.get(MONTHLY_CALLS).and_then(|text| monthly(text));
    let row = |(bucket, part, in_flight): (&'static str, f64, usize)| Limit {
        bucket,
        units: CALLS * share * part,
        share: share * part,
        window: WINDOW,
        // The share is of the rate; the monthly number is entered as what is ours.
        day_units: monthly
            .filter(|_| bucket == USER)
            .map(|calls| calls as f64 / MONTH_DAYS),
        margin: None,
        in_flight,
        tracks: 1,
        slice: None,
        speed_up: 1,
        costs: &[],
        first_cost: 1.0,
        growth: None,
        version: VERSION,
    };
    ROWS.map(row).into()
}

/// What a call spends, and whose: one that is made as a user spends that user's.
///
/// What a licence counts is the enterprise's, so with such a number all calls share one row: it is used up long before
/// 1,000 calls a minute are.
pub(crate) fn spent(
    monthly_calls: &str,
    path: &str,
    user: Option<&str>,
) -> (&'static str, Option<String>) {
    match user {
        _ if !monthly_calls.is_empty() => (USER, None),
        Some(user) => (USER, Some(user.into())),
        None if path.contains("/2.0/events?") => (EVENTS, None),
        None => (OWN, None),
    }
}

/// A share in percent, as somebody entered it.
pub(crate) fn share(entered: &str) -> Option<u8> {
    let percent = entered.parse().ok()?;
    (LEAST_PERCENT..=100).contains(&percent).then_some(percent)
}

/// Calls a month, as somebody entered them.
pub(crate) fn monthly(entered: &str) -> Option<u64> {
    let calls = entered.parse().ok()?;
    (MONTHLY_LEAST..=MONTHLY_MOST)
        .contains(&calls)
        .then_some(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, entered: &[(&str, &str)]) -> Limit {
        let entered = entered.iter();
        let entered = entered.map(|(name, value)| (name.to_string(), value.to_string()));
        let mut rows = of(&entered.collect()).into_iter();
        rows.find(|row| row.bucket == name).expect("a row")
    }

    #[test]
    fn the_customer_says_what_part_of_the_limits_is_ours() {
        let usual = row(USER, &[]);
        assert_eq!(
            (usual.units, usual.share, usual.day_units),
            (500.0, 0.5, None)
        );
        assert_eq!(row(USER, &[(SHARE, "100")]).units, 1000.0);
        let counted = [(MONTHLY_CALLS, "310000")];
        assert_eq!(row(USER, &counted).day_units, Some(10_000.0));
        assert_eq!(row(OWN, &counted).day_units, None);
        for wrong in ["0", "4", "101", "-1", "50 %", "", "0.5", "256"] {
            assert_eq!(share(wrong), None, "{wrong}");
        }
        for wrong in ["0", "9999", "-1", "1e9", "", "200000000000"] {
            assert_eq!(monthly(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_we_spend_as_ourselves_is_no_more_than_one_users_limit() {
        let own = row(EVENTS, &[]).units + row(OWN, &[]).units;
        assert_eq!(own, row(USER, &[]).units);
    }

    #[test]
    fn each_acting_user_has_an_account_unless_the_licence_counts_all_calls() {
        let events = "https://api.box.com/2.0/events?limit=500";
        let users = "https://api.box.com/2.0/users?limit=1";
        let eleven = || Some("11".to_string());
        assert_eq!(spent("", users, Some("11")), (USER, eleven()));
        assert_eq!(spent("", users, None), (OWN, None));
        assert_eq!(spent("", events, None), (EVENTS, None));
        for (path, user) in [(users, Some("11")), (users, None), (events, None)] {
            assert_eq!(spent("100000", path, user), (USER, None));
        }
    }
}
