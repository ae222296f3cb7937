//! The rows of docs/throttle.md: which limit, which workers, and where the line is not reached.

use crate::cases::{
    bursts, day, dying, few, fixed, halves, headers, hour, late_headers, others,
    others_with_headers, resource_units, sliding, sped, tokens, too_high, unknown,
};
use crate::limiter::{Fixed, Silent, Sliding, Tokens};
use crate::scenario::{Scenario, Strategy, per_minute};

/// One line of a table for each number of workers.
pub struct Row {
    pub name: &'static str,
    pub workers: &'static [usize],
    pub scenario: Scenario,
}

/// Rows below the line, and why.
pub struct Short {
    pub reason: &'static str,
    pub rows: Vec<Row>,
}

pub const STRATEGIES: [(Strategy, &str); 4] = [
    (Strategy::Slices, "**slices (this)**"),
    (Strategy::Backoff, "exponential backoff"),
    (Strategy::RetryAfter, "`Retry-After` only"),
    (Strategy::Split, "fixed split"),
];

fn by(workers: &'static [usize], name: &'static str, scenario: Scenario) -> Row {
    Row {
        name,
        workers,
        scenario,
    }
}

fn ten(name: &'static str, scenario: Scenario) -> Row {
    by(&[10], name, scenario)
}

fn both(name: &'static str, scenario: Scenario) -> Row {
    by(&[10, 100], name, scenario)
}

/// Quick rows: the tests hold the document against them.
pub fn headline() -> Vec<Row> {
    vec![
        both("2000 a minute, fixed windows", fixed()),
        both("2000 a minute, sliding window", sliding()),
        both("2000 a minute, token bucket", tokens()),
        both("600 a minute, headers on each answer", headers()),
    ]
}

/// Limits that are documented or visible.
pub fn known() -> Vec<Row> {
    let fixed_units = resource_units(|all| Scenario::new(Fixed::new(all)));
    let sliding_units = resource_units(|all| Scenario::new(Sliding::new(all)));
    let token_units = resource_units(|all| Scenario::new(Tokens::new(all)));
    let told_half = hour(Scenario::new(Fixed::new(halves()).with_headers(0.0)));
    let mut rows = headline();
    rows.extend([
        both("2000 a minute, fixed windows, 4x speed-up", sped(fixed())),
        both(
            "2000 a minute, sliding window, 4x speed-up",
            sped(sliding()),
        ),
        both(
            "5000 units in 10 s, cost known afterwards, fixed windows",
            fixed_units,
        ),
        both(
            "5000 units in 10 s, cost known afterwards, sliding window",
            sliding_units,
        ),
        both(
            "5000 units in 10 s, cost known afterwards, token bucket",
            token_units,
        ),
        both(LATE_HEADERS, late_headers()),
        ten(
            "the same with 1.2 million units a day, one whole day",
            day(),
        ),
        both(OTHERS, others_with_headers()),
        both("the limit is halved, headers", told_half),
    ]);
    rows
}

const LATE_HEADERS: &str = "1200 units a minute, headers from 80 % on, rejected calls charged";
const OTHERS: &str = "another app takes 30 % in bursts, headers";
const DYING: &str = "workers die every 600 busy seconds";

/// Limits that are not what the documentation says, and workers in trouble.
pub fn troubled() -> Vec<Row> {
    let silent = || Scenario::new(Silent(Fixed::new(per_minute())));
    let skew = |skew_s| Scenario {
        skew_s,
        ..sliding()
    };
    let far = |rtt_s| Scenario { rtt_s, ..fixed() };
    let losing = hour(Scenario {
        lost_answers: 0.001,
        ..fixed()
    });
    let people = Scenario {
        interactive_each_s: Some(5.0),
        ..fixed()
    };
    vec![
        both(
            "the limit is halved without a sign, fixed windows",
            hour(Scenario::new(Fixed::new(halves()))),
        ),
        both(
            "the limit is halved without a sign, token bucket",
            hour(Scenario::new(Tokens::new(halves()))),
        ),
        both(
            "documented 1.5 times too high, fixed windows",
            too_high(fixed()),
        ),
        ten(
            "documented 1.5 times too high, sliding window",
            too_high(sliding()),
        ),
        ten(
            "documented 1.5 times too high, token bucket",
            too_high(tokens()),
        ),
        ten(
            "documented 1.5 times too high, no `Retry-After`, fixed windows",
            too_high(silent()),
        ),
        both(
            "not documented at all, fixed windows",
            unknown(Fixed::new(per_minute()).from_start()),
        ),
        ten(
            "not documented at all, token bucket",
            unknown(Tokens::new(per_minute())),
        ),
        ten(
            "everything is refused for 5 s each 600 s, whatever we send",
            bursts(600.0, 5.0),
        ),
        both(DYING, dying()),
        ten("workers' clocks differ by 20 ms", skew(0.02)),
        ten("workers' clocks differ by 200 ms", skew(0.2)),
        ten("answers take 40 ms", far(0.04)),
        ten("answers take 450 ms", far(0.45)),
        ten(
            "the table loses 1 answer in 1000 and is busy as often",
            losing,
        ),
        ten("a person acts every 5 s", people),
    ]
}

/// What each strategy makes of the same vendor and workers.
pub fn compared() -> Vec<Row> {
    let units = resource_units(|all| Scenario::new(Tokens::new(all)));
    vec![
        both("2000 a minute, fixed windows", fixed()),
        by(
            &[20, 100],
            "5000 units in 10 s, cost known afterwards, token bucket",
            units,
        ),
        both(LATE_HEADERS, late_headers()),
        both(OTHERS, others_with_headers()),
        ten(DYING, dying()),
    ]
}

/// Where the line is not reached.
pub fn short() -> Vec<Short> {
    let mut short = short_of_workers();
    short.extend(short_of_signs());
    short
}

fn short_of_workers() -> Vec<Short> {
    let skewed = Scenario {
        skew_s: 1.0,
        ..sliding()
    };
    let losing = hour(Scenario {
        lost_answers: 0.05,
        ..fixed()
    });
    vec![
        Short {
            reason: "between two invocations of a single lane, half a second each minute, nobody sends",
            rows: vec![by(&[1], "one worker, fixed windows", fixed())],
        },
        Short {
            reason: "a dead worker's step is sent again after 290 s; a single lane is idle until then, and of three lanes now and then all are",
            rows: vec![by(
                &[1, 3],
                "workers die every 600 busy seconds, few lanes",
                dying(),
            )],
        },
        Short {
            reason: "slices that overlap by a second are met as refusals, and gaps stay empty",
            rows: vec![ten("workers' clocks differ by 1 s, sliding window", skewed)],
        },
        Short {
            reason: "a slice whose answer was lost stays empty, because nobody can tell whose it is",
            rows: vec![ten(
                "the table loses 1 answer in 20 and is busy as often",
                losing,
            )],
        },
        Short {
            reason: "the spacing of so few calls does not fit the window, so a part of a call is lost in each",
            rows: vec![by(&[2], "5 in 10 s, sliding window", few())],
        },
    ]
}

fn short_of_signs() -> Vec<Short> {
    let minute = || Fixed::new(per_minute());
    vec![
        Short {
            reason: "the calls of the old minute fill the halved window, which lets nobody in until they have left",
            rows: vec![both(
                "the limit is halved without a sign, sliding window",
                hour(Scenario::new(Sliding::new(halves()))),
            )],
        },
        Short {
            reason: "the first overrun fills the window for a minute, so the pauses that follow make the limit look lower than it is",
            rows: vec![both(
                "not documented at all, sliding window",
                unknown(Sliding::new(per_minute())),
            )],
        },
        Short {
            reason: "a swing of another app that nobody tells can only be met by refusals or avoided by keeping a distance, and each costs more than the line allows",
            rows: vec![
                ten(
                    "another app takes 30 % in bursts, no headers, fixed windows",
                    others(minute()),
                ),
                ten(
                    "another app takes 30 % in bursts, no headers, sliding window",
                    others(Sliding::new(per_minute())),
                ),
                ten(
                    "another app takes 30 % in bursts, no headers, token bucket",
                    others(Tokens::new(per_minute())),
                ),
            ],
        },
        Short {
            reason: "each pause costs the calls that are in flight when it begins, and the second in which a probe finds out that it is over",
            rows: vec![
                ten(
                    "everything is refused for 5 s each 300 s, whatever we send",
                    bursts(300.0, 5.0),
                ),
                ten(
                    "everything is refused for 30 s each 300 s, whatever we send",
                    bursts(300.0, 30.0),
                ),
                ten(
                    "everything is refused for 2 s each 60 s, whatever we send",
                    bursts(60.0, 2.0),
                ),
            ],
        },
    ]
}
