//! A clock that jumps.

use std::sync::Mutex;

use async_trait::async_trait;
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};

/// Sleeping moves it.
pub struct JumpingClock(Mutex<Timestamp>);

impl JumpingClock {
    pub fn at(now: Timestamp) -> JumpingClock {
        JumpingClock(Mutex::new(now))
    }

    pub fn forward(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

#[async_trait]
impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, until: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = (*now).max(until);
    }
}
