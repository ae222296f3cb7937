//! The tests of the tests: each wrong variant of the protocol must be caught.

use std::num::NonZero;

use casbah_model::app::App;
use casbah_simulation::Options;
use casbah_simulation::suite::first_failure;
use casbah_simulation::variant::Variant;

/// Variants that are caught in a handful of seeds; `--variants` looks for all of them among a thousand.
const SEEDS: u64 = 12;
/// Variants that need a rare meeting of faults, and so many seeds that a change should not wait for them.
const RARE: [Variant; 10] = [
    Variant::CommitFencedBySequence,
    Variant::CommitWithoutFence,
    Variant::LeaseWithoutFence,
    Variant::UnfencedResync,
    Variant::GateWithoutCondition,
    Variant::OnlyLastFunctionClosesRun,
    Variant::SinglePassOverWindows,
    Variant::CursorBeforeTable,
    Variant::EditionBeforeEnded,
    Variant::MarkForgotten,
];

#[test]
fn a_wrong_protocol_is_caught() {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    for app in App::ALL {
        for variant in Variant::of(app).filter(|variant| !RARE.contains(variant)) {
            let options = Options {
                variant: Some(variant),
                ..Options::of(app)
            };
            let caught = first_failure(1..SEEDS + 1, cores, &options);
            assert!(
                caught.is_some(),
                "{} of {} is not caught in {SEEDS} seeds",
                variant.name(),
                app.name()
            );
        }
    }
}
