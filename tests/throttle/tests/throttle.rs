//! The throttle against simulated vendors (throttle design, section 14): the quick part of
//! docs/throttle.md, and what the document has no row for.

use casbah_http::gate::Limit;
use casbah_throttle::limiter::{Allowance, Fixed, Sliding, Tokens};
use casbah_throttle::scenario::{limit, per_minute, secs};
use casbah_throttle::{Outcome, Scenario, Strategy, cases, document, rows, run};

/// What a run may come to at worst.
struct Bounds {
    used: f64,
    refused: f64,
    writes: f64,
}

/// What the document promises.
const PROMISED: Bounds = Bounds {
    used: document::USED_MIN,
    refused: document::REFUSED_MAX,
    writes: 20.0,
};

fn expect(name: &str, scenario: &Scenario, bounds: &Bounds) -> Outcome {
    let outcome = run(scenario);
    assert!(outcome.violations.is_empty(), "{name}: {outcome:?}");
    assert!(
        outcome.used >= bounds.used && outcome.refused <= bounds.refused,
        "{name}: {outcome:?}"
    );
    assert!(outcome.writes <= bounds.writes, "{name}: {outcome:?}");
    outcome
}

/// Ten workers and a hundred keep the promise.
fn promised(name: &str, scenario: &Scenario) {
    for workers in [10, 100] {
        let scenario = Scenario {
            workers,
            ..scenario.clone()
        };
        expect(&format!("{name}, {workers} workers"), &scenario, &PROMISED);
    }
}

#[test]
fn a_steady_limit_is_used_up_without_refusals() {
    promised("fixed", &cases::fixed());
    promised("sliding", &cases::sliding());
    promised("tokens", &cases::tokens());
}

#[test]
fn one_worker_uses_it_up_too() {
    let bounds = Bounds {
        used: 97.5,
        refused: 0.0,
        writes: 5.0,
    };
    let alone = Scenario {
        workers: 1,
        ..cases::fixed()
    };
    expect("one worker", &alone, &bounds);
}

#[test]
fn speed_up_inside_slices_keeps_windows_level() {
    promised("sped fixed", &cases::sped(cases::fixed()));
    promised("sped sliding", &cases::sped(cases::sliding()));
}

#[test]
fn costs_known_only_afterwards_are_settled() {
    let units = |limiter| Scenario {
        lasts: secs(300),
        ..cases::resource_units(limiter)
    };
    promised("tokens", &units(|all| Scenario::new(Tokens::new(all))));
    promised("fixed", &units(|all| Scenario::new(Fixed::new(all))));
    let bounds = Bounds {
        used: 97.0,
        refused: 0.02,
        ..PROMISED
    };
    let sliding = units(|all| Scenario::new(Sliding::new(all)));
    expect("sliding", &sliding, &bounds);
}

#[test]
fn headers_are_followed() {
    promised("late headers", &cases::late_headers());
    promised("another app", &cases::others_with_headers());
}

/// In the middle of the hour.
const HALVES_S: f64 = 1800.0;

#[test]
fn a_limit_that_halves_is_learnt() {
    let hour = |scenario| Scenario {
        lasts: secs(3600),
        ..scenario
    };
    let half = per_minute().halves_at(HALVES_S);
    promised("fixed", &hour(Scenario::new(Fixed::new(half))));
    promised("tokens", &hour(Scenario::new(Tokens::new(half))));
    let told = Fixed::new(half).with_headers(0.0);
    promised("headers", &hour(Scenario::new(told)));
    let bounds = Bounds {
        used: 97.5,
        ..PROMISED
    };
    expect("sliding", &hour(Scenario::new(Sliding::new(half))), &bounds);
}

#[test]
fn a_documented_limit_that_is_too_high_is_learnt() {
    let bounds = Bounds {
        used: 97.5,
        ..PROMISED
    };
    for scenario in [cases::fixed(), cases::sliding(), cases::tokens()] {
        let scenario = Scenario {
            limit: limit(3000.0, secs(60)),
            lasts: secs(3600),
            ..scenario
        };
        expect("1.5 times too high", &scenario, &bounds);
    }
}

/// Twenty minutes after the last 429 the pace used to leap to four times the limit, and hundreds of
/// workers were refused for a minute.
#[test]
fn an_undocumented_limit_is_not_overrun_when_it_was_not_met_for_a_while() {
    let scenario = Scenario {
        limit: limit(0.0, secs(60)),
        lasts: secs(3600),
        workers: 100,
        ..cases::sliding()
    };
    let bounds = Bounds {
        used: 90.0,
        refused: 0.3,
        ..PROMISED
    };
    expect("unknown", &scenario, &bounds);
}

#[test]
fn interactive_calls_go_at_once_beside_a_scan() {
    let scenario = Scenario {
        interactive_each_s: Some(5.0),
        ..cases::fixed()
    };
    let outcome = expect("interactive", &scenario, &PROMISED);
    assert!(outcome.interactive_p95_s < 0.35, "{outcome:?}");
}

#[test]
fn workers_that_die_and_answers_that_are_lost_cost_little() {
    let dying = Scenario {
        dies_each_s: Some(600.0),
        lasts: secs(3600),
        ..cases::fixed()
    };
    let bounds = Bounds {
        used: 97.0,
        ..PROMISED
    };
    expect("deaths", &dying, &bounds);
    let losing = Scenario {
        lost_answers: 0.05,
        ..cases::fixed()
    };
    let bounds = Bounds {
        used: 88.0,
        ..PROMISED
    };
    expect("lost answers", &losing, &bounds);
}

#[test]
fn a_very_small_limit_is_nearly_used_up() {
    let bounds = Bounds {
        used: 94.0,
        refused: 0.1,
        writes: 250.0,
    };
    let few = Scenario {
        workers: 2,
        ..cases::few()
    };
    expect("5 per 10 s", &few, &bounds);
}

#[test]
fn a_day_budget_is_used_up_and_never_exceeded() {
    let scenario = |seed| Scenario {
        limit: Limit {
            day_units: Some(40_000.0),
            ..limit(2000.0, secs(60))
        },
        workers: 3,
        lasts: secs(24 * 3600),
        measured_from_s: 0.0,
        seed,
        ..Scenario::new(Fixed::new(Allowance::new(2000.0, secs(60))))
    };
    for seed in 1..=6 {
        let outcome = run(&scenario(seed));
        assert!(outcome.violations.is_empty(), "{outcome:?}");
        assert!(
            (38_800..=40_000).contains(&outcome.calls) && outcome.refused < 0.01,
            "{outcome:?}"
        );
    }
}

#[test]
fn invocations_of_three_calls_do_not_hold_whole_slices() {
    let scenario = Scenario {
        calls_per_step: Some(3),
        workers: 20,
        ..cases::fixed()
    };
    let bounds = Bounds {
        used: 20.0,
        refused: 0.01,
        writes: 400.0,
    };
    expect("three calls per step", &scenario, &bounds);
}

#[test]
fn the_same_seed_gives_the_same_outcome() {
    for strategy in [Strategy::Slices, Strategy::Backoff] {
        let scenario = |seed| Scenario {
            strategy,
            seed,
            dies_each_s: Some(200.0),
            skew_s: 0.1,
            lost_answers: 0.01,
            lasts: secs(600),
            ..cases::others_with_headers()
        };
        assert_eq!(run(&scenario(5)), run(&scenario(5)));
        assert_ne!(run(&scenario(5)), run(&scenario(6)));
    }
}

#[test]
fn who_goes_without_slices_is_refused_more_or_gets_less() {
    let with = |strategy| {
        run(&Scenario {
            strategy,
            workers: 100,
            ..cases::fixed()
        })
    };
    assert!(with(Strategy::Backoff).refused > 1.0);
    assert!(with(Strategy::RetryAfter).refused > 1.0);
    let split = run(&Scenario {
        strategy: Strategy::Split,
        ..cases::others_with_headers()
    });
    assert!(split.refused > 0.1, "{split:?}");
}

/// `cargo run --release --bin casbah-throttle` writes the document anew.
#[test]
fn the_document_says_what_the_code_does() {
    let page = include_str!("../../../docs/throttle.md");
    for row in rows::headline() {
        for line in document::lines(&row).lines() {
            assert!(page.contains(line), "docs/throttle.md does not say: {line}");
        }
    }
}
