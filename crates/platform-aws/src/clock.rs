//! Time and randomness of the machine that a function runs on.

#![expect(
    clippy::disallowed_methods,
    reason = "these are the adapters of the Clock and Rng ports"
)]

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use async_trait::async_trait;
use casbah_model::Timestamp;
use casbah_model::ports::{Clock, Rng};

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, until: Timestamp) {
        // Lambda freezes functions between invocations, and timers with them: the wall clock has the last word.
        while let Ok(rest) = Duration::try_from(self.now().duration_until(until))
            && !rest.is_zero()
        {
            tokio::time::sleep(rest.min(Duration::from_secs(60))).await;
        }
    }
}

/// Numbers that differ from run to run, for waiting times and owner ids; secrets are made of the system's randomness.
///
/// The standard library keys each new hasher from the system's randomness, so no crate is needed for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn next_u64(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    fn unguessable(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("Linux has randomness");
        bytes
    }
}
