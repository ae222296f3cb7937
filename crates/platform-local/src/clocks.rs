//! Clocks: the real one, one that follows tokio's virtual time, and one that tests turn by hand.

#![expect(
    clippy::disallowed_methods,
    reason = "these are the adapters of the Clock port"
)]

use std::time::Duration;

use async_trait::async_trait;
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

/// The longest sleep before the wall clock is read again, since timers stand still while a computer is suspended.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The time of this computer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, until: Timestamp) {
        while let Some(rest) = positive(self.now().duration_until(until)) {
            tokio::time::sleep(rest.min(SLEEP_MAX)).await;
        }
    }
}

/// Begins at a chosen time and goes on with tokio's clock; while that is paused, it jumps from timer to timer.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    base: Timestamp,
    started: Instant,
}

impl VirtualClock {
    /// Must be called inside the runtime whose time it follows.
    pub fn new(base: Timestamp) -> VirtualClock {
        VirtualClock {
            base,
            started: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        // A process does not run for the ten thousand years after which this would stop.
        self.base
            .saturating_add(self.started.elapsed())
            .unwrap_or(Timestamp::MAX)
    }

    async fn sleep_until(&self, until: Timestamp) {
        if let Some(rest) = positive(self.now().duration_until(until)) {
            tokio::time::sleep(rest).await;
        }
    }
}

/// Stands still until a test moves it; sleepers wake when their time has come.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    pub fn new(now: Timestamp) -> ManualClock {
        ManualClock {
            now: watch::Sender::new(now),
        }
    }

    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }

    pub fn advance(&self, by: Duration) {
        self.now
            .send_modify(|now| *now = now.saturating_add(by).unwrap_or(Timestamp::MAX));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, until: Timestamp) {
        let waited = self
            .now
            .subscribe()
            .wait_for(|now| *now >= until)
            .await
            .map(drop);
        waited.expect("the sender lives in self, which is borrowed");
    }
}

/// The duration as timers take it, or `None` when nothing is left to wait for.
fn positive(rest: SignedDuration) -> Option<Duration> {
    Duration::try_from(rest).ok().filter(|rest| !rest.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time in range")
    }

    #[tokio::test(start_paused = true)]
    async fn virtual_time_jumps_a_week_in_no_time() {
        let real = std::time::Instant::now();
        let clock = VirtualClock::new(at(1_750_000_000));
        clock.sleep_until(at(1_750_000_000 + 7 * 86_400)).await;
        assert_eq!(clock.now(), at(1_750_000_000 + 7 * 86_400));
        assert!(real.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_is_past_is_not_waited_for() {
        let clock = VirtualClock::new(at(1000));
        clock.sleep_until(at(0)).await;
        assert_eq!(clock.now(), at(1000));
        SystemClock.sleep_until(at(1000)).await;
        ManualClock::new(at(1000)).sleep_until(at(1000)).await;
    }

    #[tokio::test]
    async fn sleepers_of_the_manual_clock_wake_when_their_time_has_come() {
        let clock = Arc::new(ManualClock::new(at(0)));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at(10)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.set(at(10));
        sleeper.await.expect("no panic");
    }

    #[tokio::test]
    async fn the_system_clock_is_not_early() {
        let until = SystemClock.now() + SignedDuration::from_millis(20);
        SystemClock.sleep_until(until).await;
        assert!(SystemClock.now() >= until);
    }
}
