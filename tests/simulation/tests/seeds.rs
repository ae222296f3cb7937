//! Two hundred seeds on each change, and that a seed is a seed: the same one does the same thing.

use std::num::NonZero;

use casbah_simulation::mark::Mark;
use casbah_simulation::suite::{explain, run_all};
use casbah_simulation::{Options, run};

/// Situations that so few seeds may miss; ten thousand must meet them.
const RARE: [Mark; 10] = [
    Mark::PauseDuringCommit,
    Mark::GateCommitAnswerLost,
    Mark::GateOpenAtCreation,
    Mark::DayUsedUp,
    Mark::UnitSetAside,
    Mark::RunClosedBySweeper,
    Mark::ConnectionFailed,
    Mark::CursorGone,
    Mark::DisconnectedAtWork,
    Mark::DeletedAtWork,
];

#[test]
fn two_hundred_seeds_lose_nothing_double_nothing_and_come_right() {
    let options = Options::default();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let totals = run_all(1..201, cores, &options);
    if let Some(failure) = totals.failures.first() {
        panic!("{}", explain(failure, &options));
    }
    let unmet = totals.unmet();
    assert!(
        unmet.iter().all(|mark| RARE.contains(mark)),
        "never happened: {unmet:?}"
    );
}

#[test]
fn a_seed_does_the_same_thing_twice() {
    for seed in [3, 17, 40, 77] {
        let once = run(seed, &Options::default());
        let again = run(seed, &Options::default());
        assert_eq!(
            (once.hash, once.events),
            (again.hash, again.events),
            "seed {seed}"
        );
        assert!(once.events > 100, "seed {seed} hardly did anything");
    }
}

#[test]
fn different_seeds_do_different_things() {
    let hash = |seed| run(seed, &Options::default()).hash;
    assert_ne!(hash(1), hash(2));
}
