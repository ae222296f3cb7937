//! What Box allows, as data: 1,000 calls a minute for each user that calls are made as, and what the licence counts.
//!
//! Nobody documents whose calls those are that are made as somebody else; they are taken for the acting user's
//! (developer guides, "Rate limits": "per user").

use std::collections::BTreeMap;
use std::time::Duration;

use casbah_connector::Limit;

use crate::{MONTHLY_CALLS, SHARE};

/// Calls of one user, which each user that is acted as has for itself.
pub(crate) const USER: &str = "user";

/// Raised with every change of the numbers in this file.
const VERSION: u32 = 1;

/// Developer guides, "Rate limits": general API calls.
const CALLS: f64 = 1000.0;
const WINDOW: Duration = Duration::from_secs(60);
/// At 0.3 s an answer this is what 1,000 calls a minute take.
const IN_FLIGHT: usize = 6;

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
    vec![Limit {
        bucket: USER,
        units: CALLS * share,
        share,
        window: WINDOW,
        // The share is of the rate; the monthly number is entered as what is ours.
        day_units: monthly.map(|calls| calls as f64 / MONTH_DAYS),
        margin: None,
        in_flight: IN_FLIGHT,
        tracks: 1,
        slice: None,
        speed_up: 1,
        costs: &[],
        first_cost: 1.0,
        growth: None,
        version: VERSION,
    }]
}

/// On whose account a call is counted that is made as this user, or as Casbah's own when there is none.
///
/// What a licence counts is the enterprise's, so with such a number all calls share one account: it is used up long
/// before 1,000 calls a minute are.
pub(crate) fn account(monthly_calls: &str, user: Option<&str>) -> Option<String> {
    match monthly_calls.is_empty() {
        true => user.map(String::from),
        false => None,
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

    fn row(entered: &[(&str, &str)]) -> Limit {
        let entered = entered.iter();
        let entered = entered.map(|(name, value)| (name.to_string(), value.to_string()));
        of(&entered.collect()).remove(0)
    }

    #[test]
    fn the_customer_says_what_part_of_the_limits_is_ours() {
        assert_eq!((row(&[]).units, row(&[]).share), (500.0, 0.5));
        assert_eq!(row(&[(SHARE, "100")]).units, 1000.0);
        assert_eq!(row(&[]).day_units, None);
        assert_eq!(row(&[(MONTHLY_CALLS, "310000")]).day_units, Some(10_000.0));
        for wrong in ["0", "4", "101", "-1", "50 %", "", "0.5", "256"] {
            assert_eq!(share(wrong), None, "{wrong}");
        }
        for wrong in ["0", "9999", "-1", "1e9", "", "200000000000"] {
            assert_eq!(monthly(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_acting_user_has_an_account_unless_the_licence_counts_all_calls() {
        assert_eq!(account("", Some("11")).as_deref(), Some("11"));
        assert_eq!(account("", None), None);
        assert_eq!(account("100000", Some("11")), None);
    }
}
