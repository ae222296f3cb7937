//! A clock that is wrong by a fixed time.

use std::sync::Arc;

use async_trait::async_trait;
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};

pub struct SkewedClock {
    pub inner: Arc<dyn Clock>,
    pub ahead: SignedDuration,
}

#[async_trait]
impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.inner.now() + self.ahead
    }

    async fn sleep_until(&self, until: Timestamp) {
        self.inner.sleep_until(until - self.ahead).await;
    }
}
