//! A configuration in few characters, to tell whether a document was looked into for the same things.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::catalog::detectors;
use super::config::Config;

/// Bytes of a hash that are enough to tell some dozens of configurations apart.
const BYTES: usize = 6;

pub(crate) fn of(config: &Config) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(config.key.bytes());
    let mut mac = mac.expect("a key may have any length");
    // What a version of ours looks for is told by its number and by the names of its detectors.
    mac.update(env!("CARGO_PKG_VERSION").as_bytes());
    for detector in detectors() {
        mac.update(detector.name.as_bytes());
    }
    mac.update(format!("{config:?}").as_bytes());
    for set in &config.exact_sets {
        set.entries.iter().for_each(|entry| mac.update(&entry.0));
    }
    let mut edition = String::new();
    for byte in &mac.finalize().into_bytes()[..BYTES] {
        write!(edition, "{byte:02x}").expect("a string takes all text");
    }
    edition
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{ExactSet, Key, Normalisation, WordList};

    #[test]
    fn what_is_looked_for_makes_the_edition() {
        let key = Key::new([1; 32]);
        let plain = Config::new(key.clone());
        assert_eq!(of(&plain), of(&plain.clone()));
        let mut words = plain.clone();
        words.word_lists.push(WordList {
            name: "w".into(),
            words: vec!["kite".into()],
        });
        let set = |value: &str| {
            let mut config = plain.clone();
            let set = ExactSet::of_lines("s", Normalisation::Words, &key, value).0;
            config.exact_sets.push(set);
            of(&config)
        };
        let all = [
            of(&plain),
            of(&words),
            of(&Config::new(Key::new([2; 32]))),
            set("Ada"),
            set("Bob"),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{all:?}");
        }
    }
}
