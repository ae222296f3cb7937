//! Precision and recall of every detector, on values made by their standards in surroundings as people write them.
//!
//! The table is in the crate's README; a change of the figures is a change of that table.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

mod configured;
mod corpus;
mod cutting;
mod draw;
mod ids;
mod ids_europe;
mod lookalikes;
mod surroundings;
mod table;
mod tokens;

use casbah_inspect::detect::{Config, Detectors, Key, Setting, detectors};
use casbah_inspect::{Finding, TextSink};

/// Everything that comes with us, from the first match on.
pub fn all() -> Config {
    let mut config = Config::new(Key::new([9; 32]));
    for detector in detectors() {
        let setting = Setting {
            count_min: Some(1),
            ..Setting::default()
        };
        config.settings.insert(detector.name.to_owned(), setting);
    }
    config
}

pub fn scan(detectors: &Detectors, text: &str) -> Vec<Finding> {
    let mut scanner = detectors.scanner();
    scanner.part("text");
    let _ = scanner.text(text);
    scanner.finish()
}
