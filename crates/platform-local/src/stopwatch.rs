//! How long a command has taken, as the person in front of it measures it.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "a demo's clock jumps, and this is about the person who waits for it"
    )]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Seconds to the millisecond, which is enough for anybody.
    pub fn seconds(&self) -> f64 {
        self.elapsed().as_millis() as f64 / 1000.0
    }
}
