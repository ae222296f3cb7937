//! Seeds that failed once, each by the name of what they found.
//!
//! A seed finds its mistake only as long as what it draws stays the same, so each mistake has a test of its own as well.

use casbah_simulation::suite::explain;
use casbah_simulation::{Options, run};

fn comes_right(seed: u64) {
    let options = Options::default();
    let outcome = run(seed, &options);
    assert!(outcome.failure.is_none(), "{}", explain(&outcome, &options));
}

/// Somebody chose more components, and the wake-up of the test was lost: nothing happened for twelve hours, until the
/// oldest events were out of reach.
#[test]
fn a_choice_of_components_whose_wake_up_is_lost() {
    for seed in [1792, 2048, 1145] {
        comes_right(seed);
    }
}

/// A drive answered 404 for the permissions of an item, which was written down as unreadable and never asked for again.
#[test]
fn sharing_that_could_not_be_read_once() {
    comes_right(60);
}

/// The answer to the creation of a connection was lost, and its first hint was sent without a look whether it exists.
#[test]
fn a_hint_for_a_connection_that_is_not_there() {
    for seed in [16, 86, 117, 222] {
        comes_right(seed);
    }
}

/// A commit was refused, the look whether it was applied failed, and the step let go of the stream at the version that its
/// commit would have made: that of somebody else's lease.
#[test]
fn a_stream_given_back_by_one_who_had_lost_it() {
    comes_right(216);
}
