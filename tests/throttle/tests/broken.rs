//! Workers that break the rules are caught: the invariants of the harness can fail.

use casbah_model::state::{Item, Value};
use casbah_throttle::scenario::{limit, secs};
use casbah_throttle::table::Misreading;
use casbah_throttle::{Scenario, cases, run};

fn move_by(item: &mut Item, name: &str, ms: i64) {
    let before = item.get(name).and_then(Value::as_i64).unwrap_or(0);
    item.insert(name.into(), (before + ms).into());
}

/// What the harness says about a tenth of the workers, the first one, reading items like this.
fn caught(misreading: Misreading, scenario: Scenario) -> Vec<String> {
    let scenario = Scenario {
        lasts: secs(600),
        ..scenario
    };
    let honest = run(&scenario);
    assert!(honest.violations.is_empty(), "{honest:?}");
    let broken = run(&Scenario {
        misreading: Some(misreading),
        ..scenario
    });
    let of_others = |violation: &&String| {
        !violation.contains("(worker 0)") && !violation.contains("invariant 8")
    };
    assert_eq!(broken.violations.iter().find(of_others), None);
    broken.violations
}

fn check(name: &str, violations: &[String], invariant: &str) {
    let is_caught = violations
        .iter()
        .any(|violation| violation.starts_with(invariant));
    assert!(is_caught, "{name}: {violations:?}");
}

/// Twice the true limit is documented, so there are pauses.
fn pausing() -> Scenario {
    Scenario {
        limit: limit(4000.0, secs(60)),
        ..cases::fixed()
    }
}

#[test]
fn a_worker_that_goes_on_after_the_end_of_its_slice_is_caught() {
    let late: Misreading = |item| move_by(item, "t0", 3_000);
    check("end of slice", &caught(late, cases::fixed()), "invariant 2");
}

#[test]
fn a_worker_that_disregards_the_vendors_pause_is_caught() {
    let heedless: Misreading = |item| {
        for name in ["res", "sh", "pr"] {
            item.insert(name.into(), 0.into());
        }
    };
    check("pause", &caught(heedless, pausing()), "invariant 3");
}

#[test]
fn a_worker_that_sends_faster_than_the_pace_is_caught() {
    let fast: Misreading = |item| {
        item.insert("cap".into(), 60.into());
    };
    let lonely = Scenario {
        workers: 1,
        ..cases::fixed()
    };
    check("pace", &caught(fast, lonely), "invariant 8");
}
