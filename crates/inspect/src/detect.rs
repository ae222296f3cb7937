//! What kinds of sensitive data a text holds.
//!
//! One automaton of all words and marks and one look for digits yield candidates; only there are they validated. What is kept
//! of a text is counts, keyed hashes and masked samples.

mod americas;
mod assigned;
mod catalog;
mod checks;
mod clouds;
mod config;
mod credentials;
mod edition;
mod europe;
mod exact;
mod exclude;
mod findings;
mod layout;
mod literals;
mod mask;
mod money;
mod names;
mod normal;
mod north;
mod numbers;
mod offices;
mod own;
mod pacific;
mod personal;
mod places;
mod plan;
mod scanner;
mod secrets;
mod services;
mod shape;
mod south;
mod tokens;
mod window;
mod written;

pub use catalog::{Detector, Kind, detectors};
pub use config::{
    Config, DetectorsError, Exclusions, Key, On, OwnPattern, PROXIMITY_MAX, Setting, WordList,
};
pub use exact::{ENTRIES_MAX, ExactEntry, ExactSet, Normalisation, VALUE_MAX, WORDS_MAX};
pub use findings::{DISTINCT_MAX, SAMPLES_MAX};
pub use own::OWN_MATCH_MAX;
pub use scanner::Scanner;
pub use written::{Written, WrittenError, WrittenSet};

use plan::Plan;
use std::fmt;

/// Everything that is looked for, compiled once and shared.
pub struct Detectors {
    plan: Plan,
    edition: String,
}

impl Detectors {
    /// Checks and compiles a configuration.
    pub fn new(config: &Config) -> Result<Detectors, DetectorsError> {
        Ok(Detectors {
            plan: Plan::new(config)?,
            edition: edition::of(config),
        })
    }

    /// What is looked for, in few characters that say nothing of it: the same for the same configuration and version.
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// Begins a document.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(&self.plan)
    }
}

impl fmt::Debug for Detectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detectors")
            .field("entries", &self.plan.entries.len())
            .finish_non_exhaustive()
    }
}
