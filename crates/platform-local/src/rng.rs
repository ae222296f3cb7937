//! Randomness: from a seed where a run must repeat, from the system where it must not.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use casbah_model::ports::Rng;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub struct SeededRng {
    state: AtomicU64,
}

/// The odd number nearest to 2^64 divided by the golden ratio, by which the state advances.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl SeededRng {
    pub fn new(seed: u64) -> SeededRng {
        SeededRng {
            state: AtomicU64::new(seed),
        }
    }
}

impl Rng for SeededRng {
    fn next_u64(&self) -> u64 {
        let state = self
            .state
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Numbers that differ from run to run: for waiting times and owner ids, not for keys or tokens.
///
/// The standard library keys each new hasher from the system's randomness, so no crate is needed for it.
#[derive(Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::disallowed_methods, reason = "this is the Rng port")]
    fn next_u64(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    fn unguessable(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_sequence() {
        // Reference output of splitmix64.c (Vigna) for seed 1234567.
        let rng = SeededRng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn fractions_are_spread_over_zero_to_one() {
        for rng in [&SeededRng::new(1) as &dyn Rng, &SystemRng] {
            let fractions: Vec<f64> = (0..4000).map(|_| rng.fraction()).collect();
            assert!(
                fractions
                    .iter()
                    .all(|fraction| (0.0..1.0).contains(fraction))
            );
            let mean = fractions.iter().sum::<f64>() / 4000.0;
            assert!((0.45..0.55).contains(&mean), "mean {mean}");
        }
    }

    #[test]
    fn the_system_does_not_repeat_itself() {
        assert_ne!(SystemRng.next_u64(), SystemRng.next_u64());
    }
}
