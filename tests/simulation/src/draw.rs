//! What a seed draws: a generator, and the shapes in which its numbers are wanted.

use casbah_model::SignedDuration;
use casbah_model::ports::Rng;
use casbah_platform_local::SeededRng;

pub struct Draw(SeededRng);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(SeededRng::new(seed))
    }

    /// In `[0, 1)`.
    pub fn fraction(&self) -> f64 {
        self.0.fraction()
    }

    pub fn between(&self, least: u64, most: u64) -> u64 {
        least + self.0.next_u64() % (most - least + 1)
    }

    pub fn one<T: Clone>(&self, of: &[T]) -> T {
        of[self.between(0, of.len() as u64 - 1) as usize].clone()
    }

    pub fn is(&self, chance: f64) -> bool {
        self.fraction() < chance
    }

    pub fn seconds(&self, least: u64, most: u64) -> SignedDuration {
        SignedDuration::from_millis(self.between(least * 1000, most * 1000) as i64)
    }
}
