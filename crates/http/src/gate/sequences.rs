//! Random sequences of operations on one item keep the invariants (throttle design, section 13: 1,
//! 3, 4 and 5).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use casbah_model::state::{Item, Key, Write};
use proptest::prelude::*;

use super::bucket::{Bucket, Mode};
use super::episode;
use super::episode_tests::hit;
use super::limit::Limit;
use super::operations::{self, Hit, Want};
use super::slice::Slice;
use super::tests::{MINUTE, NOW, per_minute};

/// One item under random operations of several workers, with what each knows possibly stale.
struct Playground {
    limit: Limit,
    key: Key,
    item: Item,
    now_ms: i64,
    known: Vec<Bucket>,
    slices: Vec<Slice>,
    lowered: u32,
    episodes: u32,
}

#[derive(Clone, Debug)]
enum Action {
    Acquire {
        worker: usize,
        length_ms: i64,
    },
    Report {
        worker: usize,
        retry_after: Option<u64>,
    },
    Resume {
        worker: usize,
    },
    GiveBack {
        worker: usize,
        share: f64,
    },
    Read {
        worker: usize,
    },
    Pass {
        ms: i64,
    },
}

const WORKERS: usize = 4;

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let worker = 0..WORKERS;
    let action = prop_oneof![
        4 => (worker.clone(), 200_i64..10_000).prop_map(|(worker, length_ms)| Action::Acquire { worker, length_ms }),
        2 => (worker.clone(), proptest::option::of(0_u64..40))
            .prop_map(|(worker, retry_after)| Action::Report { worker, retry_after }),
        2 => worker.clone().prop_map(|worker| Action::Resume { worker }),
        1 => (worker.clone(), 0.0..1.0).prop_map(|(worker, share)| Action::GiveBack { worker, share }),
        1 => worker.prop_map(|worker| Action::Read { worker }),
        4 => (0_i64..20_000).prop_map(|ms| Action::Pass { ms }),
    ];
    proptest::collection::vec(action, 1..80)
}

impl Playground {
    fn new() -> Playground {
        let limit = Limit {
            tracks: 2,
            ..per_minute()
        };
        let bucket = Bucket::new(&limit, NOW);
        Playground {
            key: Bucket::key(&limit, "c1.1", None),
            item: bucket.item(),
            now_ms: NOW,
            known: vec![bucket; WORKERS],
            slices: Vec::new(),
            lowered: 0,
            episodes: 0,
            limit,
        }
    }

    fn bucket(&self) -> Bucket {
        Bucket::read(&self.item, &self.limit).unwrap()
    }

    fn write(&mut self, worker: usize, write: &Write) -> bool {
        let is_written = write.condition.holds(Some(&self.item));
        if is_written {
            self.item = write.change.apply(Some(&self.item)).unwrap();
        }
        self.known[worker] = self.bucket();
        is_written
    }

    fn play(&mut self, action: &Action) {
        let before = self.bucket();
        match *action {
            Action::Acquire { worker, length_ms } => self.acquire(worker, length_ms),
            Action::Report {
                worker,
                retry_after,
            } => {
                let known = self.known[worker].clone();
                let report = episode::report(
                    &known,
                    &self.limit,
                    retry_after.map(Duration::from_secs),
                    self.now_ms,
                );
                let hit = Hit {
                    pace: known.pace_at(self.now_ms),
                    used: 1.0,
                    is_sped: false,
                };
                let write =
                    operations::report(&self.key, &known, &report, hit, &self.limit, self.now_ms);
                if self.write(worker, &write) {
                    self.episodes += u32::from(before.is_open == 0);
                    let after = self.bucket();
                    assert!(
                        after.reopens_ms >= self.now_ms + 1100
                            && after.reopens_ms >= before.reopens_ms
                    );
                    // Invariant 4: a report never lowers the pace.
                    assert_eq!(after.base_pace(self.now_ms), before.base_pace(self.now_ms));
                }
            }
            Action::Resume { worker } if self.known[worker].is_open == 1 => {
                let after =
                    episode::resume(&self.known[worker], &self.limit, 0.3, 1.0, self.now_ms);
                if self.now_ms >= self.known[worker].reopens_ms
                    && self.write(worker, &operations::resume(&self.key, &after))
                {
                    self.lowered += 1;
                }
            }
            Action::Resume { .. } => {}
            Action::GiveBack { worker, share } => {
                if let Some(last) = self.slices.pop() {
                    let end_ms = last.from_ms + (last.length_ms() as f64 * share) as i64;
                    let known = self.known[worker].clone();
                    self.write(
                        worker,
                        &operations::give_back(
                            &self.key, &known, last.track, last.to_ms, end_ms, None,
                        ),
                    );
                    // Whether or not it was written, the holder has let go of the rest.
                    self.slices.push(Slice {
                        to_ms: end_ms,
                        ..last
                    });
                }
            }
            Action::Read { worker } => self.known[worker] = self.bucket(),
            Action::Pass { ms } => self.now_ms += ms,
        }
    }

    fn acquire(&mut self, worker: usize, length_ms: i64) {
        let before = self.bucket();
        let known = self.known[worker].clone();
        let mut want = Want {
            track: 0,
            own: None,
            length_ms,
            used: 0.0,
            extras: Vec::new(),
        };
        want.choose(&known);
        let is_idle = known.tails[want.track] < known.earliest_ms(self.now_ms);
        let build = if is_idle {
            operations::acquire_idle
        } else {
            operations::acquire_used
        };
        if self.write(
            worker,
            &build(&self.key, &known, &self.limit, &want, self.now_ms),
        ) {
            let to_ms = self.bucket().tails[want.track];
            // Invariant 1: the tail moves forward by at least the slice.
            assert!(to_ms - length_ms >= before.tails[want.track]);
            // Invariant 3: nothing is handed out before the bucket reopens.
            assert!(
                to_ms - length_ms + self.bucket().shift_ms >= self.now_ms.max(before.reopens_ms)
            );
            self.slices
                .push(Slice::new(want.track, to_ms - length_ms, to_ms));
        }
    }
}

proptest! {
    #[test]
    fn slices_never_overlap_and_pauses_and_cuts_keep_their_order(actions in actions()) {
        let mut playground = Playground::new();
        for action in &actions {
            playground.play(action);
        }
        let mut slices = playground.slices.clone();
        slices.sort_by_key(|slice| (slice.track, slice.from_ms, slice.to_ms));
        for pair in slices.windows(2).filter(|pair| pair[0].track == pair[1].track) {
            prop_assert!(pair[0].to_ms <= pair[1].from_ms, "{pair:?}");
        }
        // Invariant 4: the pace is judged at most once per episode, however many saw the 429.
        prop_assert!(playground.lowered <= playground.episodes);
    }

    #[test]
    fn the_pace_is_never_above_the_cap_and_never_below_its_floor(
        lasted_s in 0.0..4000.0_f64, pause_s in 0.5..4000.0_f64, share in 0.02..1.0_f64,
        met in proptest::option::of(0.5..40.0_f64), hits_below in 0_u32..6, early_hits in 0_u32..4, later_s in 0_i64..5000,
    ) {
        let limit = per_minute();
        let mode = if share > 0.9 { Mode::Cap } else { Mode::Learnt };
        let before = Bucket {
            mode, met, met_ms: NOW - MINUTE, hits_below, early_hits, pace: 33.0 * share, growth_s: 500.0,
            ..hit(&limit, 33.0 * share, lasted_s, pause_s)
        };
        let after = episode::resume(&before, &limit, 0.3, 1.0, NOW);
        let pace = after.base_pace(NOW + later_s * 1000);
        prop_assert!(pace <= after.cap.unwrap() && pace >= 0.98 * 0.02 * limit.documented_pace(), "{pace}");
        prop_assert!(after.cap.unwrap() <= 33.0 + 1e-9);
    }
}
