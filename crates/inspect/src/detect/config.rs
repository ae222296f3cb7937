//! What a customer chooses: detectors, limits, own patterns, words and values.

use super::exact::ExactSet;
use crate::report::Confidence;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is looked for, and the key under which it is told.
#[derive(Clone, Debug)]
pub struct Config {
    pub key: Key,
    pub on: On,
    /// By the name of a detector, ours or the customer's own.
    pub settings: BTreeMap<String, Setting>,
    pub patterns: Vec<OwnPattern>,
    pub word_lists: Vec<WordList>,
    pub exact_sets: Vec<ExactSet>,
    pub exclusions: Exclusions,
}

/// Everything is on, nothing of the customer's own is there.
impl Config {
    pub fn new(key: Key) -> Config {
        Config {
            key,
            on: On::All,
            settings: BTreeMap::new(),
            patterns: Vec::new(),
            word_lists: Vec::new(),
            exact_sets: Vec::new(),
            exclusions: Exclusions::default(),
        }
    }
}

/// The customer's key: hashes of values are made with it, and nobody without it can try values against them.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    pub fn new(key: [u8; 32]) -> Key {
        Key(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Which of our detectors are on. The customer's own always are.
#[derive(Clone, Debug)]
pub enum On {
    All,
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

/// Changes of one detector; what is not said stays as the detector has it.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Fewer matches in a document are no finding.
    pub count_min: Option<u64>,
    /// Less sure matches do not count.
    pub confidence_min: Option<Confidence>,
    /// How far before a match its words may be, in bytes of UTF-8; half as far after it. At most [`PROXIMITY_MAX`].
    pub proximity: Option<usize>,
}

/// How far words may be at most: what is kept of a text before and after a place allows no more.
pub const PROXIMITY_MAX: usize = 512;

/// A pattern of the customer's own.
#[derive(Clone, Debug)]
pub struct OwnPattern {
    /// The name of its findings.
    pub name: String,
    /// In the syntax of the `regex` crate: no look-around, no back-references, matched in linear time.
    pub pattern: String,
    /// Words that must be near by (`words_required`) or that make a match likelier.
    pub words: Vec<String>,
    pub words_required: bool,
}

/// Words of the customer's own: names of projects, of products, markings.
#[derive(Clone, Debug)]
pub struct WordList {
    /// The name of its findings.
    pub name: String,
    /// Whole words or phrases, in any case.
    pub words: Vec<String>,
}

/// What is known not to be sensitive.
#[derive(Clone, Debug)]
pub struct Exclusions {
    /// Numbers and keys that vendors publish for tests and in documents.
    pub published: bool,
    /// Values, compared without case and separators.
    pub values: Vec<String>,
    /// Patterns that a whole match fits.
    pub patterns: Vec<String>,
}

impl Default for Exclusions {
    fn default() -> Exclusions {
        Exclusions {
            published: true,
            values: Vec::new(),
            patterns: Vec::new(),
        }
    }
}

/// Why a configuration is not taken.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum DetectorsError {
    #[error("there is no detector with the name {name}")]
    UnknownDetector { name: String },
    #[error("two detectors have the name {name}")]
    SameName { name: String },
    #[error("the name {name:?} is not one of 1 to 64 letters, digits, spaces and hyphens")]
    BadName { name: String },
    #[error("pattern {name} cannot be used: {fault}")]
    BadPattern { name: String, fault: String },
    #[error("words of {name} cannot be used: {fault}")]
    BadWords { name: String, fault: String },
    #[error("exact set {name} cannot be used: {fault}")]
    BadSet { name: String, fault: String },
    #[error("the proximity of {name} is above {PROXIMITY_MAX}")]
    TooFar { name: String },
    #[error("more than {most} {what}")]
    TooMany { what: &'static str, most: usize },
}
