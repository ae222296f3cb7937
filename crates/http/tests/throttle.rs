//! The throttle against simulated vendors: short-lived workers, a queue, a table and a limiter in
//! virtual time (throttle design, section 14). `cargo test --test throttle -- --nocapture` prints
//! the figures.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::disallowed_methods,
    reason = "the harness is the clock and the workers"
)]

mod door;
mod world;

use std::time::Duration;

use casbah_http::gate::Limit;
use world::limiter::{Bursts, Fixed, Limiter, Sliding, Tokens};
use world::{Outcome, Scenario, run};

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn limit(units: f64, window: Duration) -> Limit {
    Limit {
        bucket: "mgmt",
        units,
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
        version: 1,
    }
}

fn scenario(name: &'static str, limiter: impl Limiter + 'static) -> Scenario {
    Scenario {
        name,
        limit: limit(2000.0, secs(60)),
        limiter: Box::new(limiter),
        lanes: 10,
        rtt_s: 0.3,
        lasts: secs(1800),
        costs: (1.0, 1.0),
        tells_costs: false,
        interactive_each_s: None,
        lost_answers: 0.0,
        calls_per_step: None,
        seed: 7,
    }
}

/// The least use and the most refused, in percent, and the most writes per thousand calls.
fn expect(scenario: Scenario, use_min: f64, refused_max: f64, writes_max: f64) -> Outcome {
    let outcome = run(scenario);
    assert!(
        outcome.used >= use_min,
        "use is {:.2} %, not {use_min} %: {outcome:?}",
        outcome.used
    );
    assert!(
        outcome.refused <= refused_max,
        "{:.3} % are refused, not {refused_max} %: {outcome:?}",
        outcome.refused
    );
    assert!(
        outcome.writes <= writes_max,
        "{:.1} writes per 1000 calls, not {writes_max}",
        outcome.writes
    );
    // 1.5 s for a slice, and 1.5 s for a pause that came meanwhile.
    assert!(
        outcome.longest_wait_s <= 3.1,
        "a function waited {:.2} s",
        outcome.longest_wait_s
    );
    outcome
}

#[test]
fn a_steady_limit_is_used_up_without_refusals() {
    expect(
        scenario("2000/min fixed", Fixed::new(2000.0, secs(60))),
        98.0,
        0.01,
        10.0,
    );
    expect(
        scenario("2000/min sliding", Sliding::new(2000.0, secs(60))),
        98.0,
        0.01,
        10.0,
    );
    expect(
        scenario("2000/min tokens", Tokens::new(2000.0, secs(60))),
        98.0,
        0.01,
        10.0,
    );
}

#[test]
fn one_lane_and_a_hundred_lanes_use_it_up_too() {
    expect(
        Scenario {
            lanes: 1,
            ..scenario("1 lane", Fixed::new(2000.0, secs(60)))
        },
        98.0,
        0.01,
        10.0,
    );
    expect(
        Scenario {
            lanes: 50,
            ..scenario("50 lanes", Fixed::new(2000.0, secs(60)))
        },
        98.0,
        0.01,
        10.0,
    );
}

#[test]
fn speed_up_inside_slices_keeps_windows_level() {
    let limit = || Limit {
        speed_up: 4,
        in_flight: 64,
        ..limit(2000.0, secs(60))
    };
    let lasts = secs(3600);
    expect(
        Scenario {
            limit: limit(),
            lasts,
            ..scenario("sped fixed", Fixed::new(2000.0, secs(60)))
        },
        97.0,
        0.1,
        10.0,
    );
    let sliding = scenario("sped sliding", Sliding::new(2000.0, secs(60)));
    expect(
        Scenario {
            limit: limit(),
            lasts,
            ..sliding
        },
        97.0,
        0.1,
        10.0,
    );
}

#[test]
fn costs_known_only_afterwards_are_settled() {
    let limit = || Limit {
        bucket: "graph",
        tracks: 4,
        first_cost: 2.0,
        margin: Some(0.015),
        ..limit(5000.0, secs(10))
    };
    let base = |name, limiter| Scenario {
        limit: limit(),
        lanes: 20,
        lasts: secs(300),
        costs: (1.0, 5.0),
        tells_costs: true,
        ..scenario(name, limiter)
    };
    expect(
        base("5000 RU/10 s tokens", Tokens::new(5000.0, secs(10))),
        97.0,
        0.01,
        10.0,
    );
    let sliding = Scenario {
        limiter: Box::new(Sliding::new(5000.0, secs(10))),
        ..base("5000 RU/10 s sliding", Tokens::new(5000.0, secs(10)))
    };
    expect(sliding, 96.0, 0.05, 10.0);
}

#[test]
fn headers_are_followed() {
    let limiter = Fixed::new(600.0, secs(60)).with_headers(0.0);
    expect(
        Scenario {
            limit: Limit {
                in_flight: 16,
                ..limit(600.0, secs(60))
            },
            ..scenario("600/min headers", limiter)
        },
        98.0,
        0.02,
        12.0,
    );
    let shared = Fixed::new(2000.0, secs(60))
        .with_headers(0.0)
        .with_others(0.3);
    expect(
        scenario("others take 30 %, headers", shared),
        97.0,
        0.1,
        12.0,
    );
}

/// In the middle of the hour.
const HALVES_S: f64 = 1800.0;

#[test]
fn a_limit_that_halves_is_learnt() {
    let lasts = secs(3600);
    let half = |limiter: Fixed| limiter.halves_at(HALVES_S);
    expect(
        Scenario {
            lasts,
            ..scenario("halves, fixed", half(Fixed::new(2000.0, secs(60))))
        },
        96.0,
        0.1,
        12.0,
    );
    expect(
        Scenario {
            lasts,
            ..scenario(
                "halves, sliding",
                Sliding::new(2000.0, secs(60)).halves_at(HALVES_S),
            )
        },
        95.0,
        0.1,
        12.0,
    );
    expect(
        Scenario {
            lasts,
            ..scenario(
                "halves, tokens",
                Tokens::new(2000.0, secs(60)).halves_at(HALVES_S),
            )
        },
        97.0,
        0.1,
        12.0,
    );
    let told = half(Fixed::new(2000.0, secs(60))).with_headers(0.0);
    expect(
        Scenario {
            lasts,
            ..scenario("halves, headers", told)
        },
        97.0,
        0.05,
        12.0,
    );
}

#[test]
fn a_documented_limit_that_is_too_high_is_learnt() {
    let lasts = secs(3600);
    let limit = || limit(3000.0, secs(60));
    expect(
        Scenario {
            limit: limit(),
            lasts,
            ..scenario("1.5x too high, fixed", Fixed::new(2000.0, secs(60)))
        },
        97.0,
        0.12,
        12.0,
    );
    expect(
        Scenario {
            limit: limit(),
            lasts,
            ..scenario("1.5x too high, tokens", Tokens::new(2000.0, secs(60)))
        },
        97.0,
        0.12,
        12.0,
    );
}

#[test]
fn refusals_that_do_not_depend_on_the_pace_do_not_lower_it_for_good() {
    // Each pause costs the calls that are in flight, whatever the throttle does: 0.15 s make five
    // of them.
    let check = |name, every_s, long_s, use_min| {
        let bursts = Bursts::new(Fixed::new(2000.0, secs(60)), every_s, long_s);
        expect(
            Scenario {
                rtt_s: 0.15,
                lasts: secs(4500),
                ..scenario(name, bursts)
            },
            use_min,
            0.1,
            12.0,
        );
    };
    check("5 s each 600 s", 600.0, 5.0, 94.0);
    check("5 s each 300 s", 300.0, 5.0, 91.0);
    check("30 s each 300 s", 300.0, 30.0, 77.0);
}

#[test]
fn interactive_calls_go_at_once_beside_a_scan() {
    let base = scenario("interactive each 5 s", Fixed::new(2000.0, secs(60)));
    let outcome = expect(
        Scenario {
            interactive_each_s: Some(5.0),
            ..base
        },
        97.5,
        0.02,
        25.0,
    );
    assert!(outcome.interactive_p95_s < 0.35, "{outcome:?}");
}

#[test]
fn lost_answers_and_a_busy_table_cost_little() {
    let base = scenario("5 % lost answers", Fixed::new(2000.0, secs(60)));
    expect(
        Scenario {
            lost_answers: 0.05,
            ..base
        },
        88.0,
        0.01,
        12.0,
    );
}

#[test]
fn a_very_small_limit_is_nearly_used_up() {
    let limit = Limit {
        in_flight: 4,
        ..limit(5.0, secs(10))
    };
    expect(
        Scenario {
            limit,
            lanes: 2,
            ..scenario("5 per 10 s", Sliding::new(5.0, secs(10)))
        },
        94.0,
        0.1,
        250.0,
    );
}

#[test]
fn a_day_budget_is_used_up_and_not_exceeded() {
    let limit = Limit {
        day_units: Some(40_000.0),
        ..limit(2000.0, secs(60))
    };
    let base = scenario("40 000/day", Fixed::new(2000.0, secs(60)));
    let outcome = run(Scenario {
        limit,
        lanes: 3,
        lasts: secs(24 * 3600),
        ..base
    });
    // What was sent since the last write of each lane is known a slice later.
    assert!(
        (38_800..=40_400).contains(&outcome.calls) && outcome.refused < 0.01,
        "{outcome:?}"
    );
}

#[test]
fn invocations_of_three_calls_do_not_hold_whole_slices() {
    let base = scenario("3 calls per step", Fixed::new(2000.0, secs(60)));
    let outcome = run(Scenario {
        calls_per_step: Some(3),
        lanes: 20,
        ..base
    });
    assert!(outcome.used > 20.0 && outcome.refused < 0.01, "{outcome:?}");
}
