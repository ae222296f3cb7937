//! All detectors that come with us: what each finds, how a match is validated, and the document that says so.
//!
//! The tables are beside the code that validates, one file for each part of the world or kind of service.

use super::shape::{Alphabet, Shape};
use crate::report::Confidence;
use std::sync::LazyLock;

/// A kind of sensitive data that comes with us.
#[derive(Debug)]
pub struct Detector {
    /// "payment-card", "nl-bsn", "github-token".
    pub name: &'static str,
    pub kind: Kind,
    /// What it finds, for a person.
    pub what: &'static str,
    /// What a match must pass before it counts.
    pub check: &'static str,
    /// The public standard or the vendor's page that says how such a value is made.
    pub source: &'static str,
    /// Words that make a match likelier when they are near by. Ends with `*`: how a word begins.
    pub(crate) words: &'static [&'static str],
    /// When a match counts without any of those words.
    pub(crate) alone: Alone,
    /// How sure a match is with one of those words near by; one step less without.
    pub(crate) confidence: Confidence,
    /// Fewer matches in a document are no finding, unless the customer says otherwise.
    pub(crate) count_min: u64,
    pub(crate) finds: Finds,
}

/// What a detector is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Financial,
    NationalId,
    Health,
    Personal,
    Secret,
    Credential,
}

impl Kind {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Financial => "financial",
            Kind::NationalId => "national-id",
            Kind::Health => "health",
            Kind::Personal => "personal",
            Kind::Secret => "secret",
            Kind::Credential => "credential",
        }
    }
}

/// When a value counts that stands there without a word that says what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    /// Never: too many other numbers pass its check.
    Never,
    /// When it is written in groups, as people write it, and not as one run of digits.
    Grouped,
    Always,
}

/// How candidates of a detector are found in a text.
#[derive(Debug)]
pub(crate) enum Finds {
    /// Digits and letters of known lengths.
    Number(Number),
    /// Literals, with the shape around them.
    Secret(&'static [Secret]),
    /// What follows one of the detector's own words: values that have no mark of their own.
    After(After),
    /// Found by code of its own, which knows the detector by its name.
    Place,
}

/// A number with a check: groups of digits, or shapes with letters.
#[derive(Debug)]
pub(crate) struct Number {
    /// Lengths of the groups of digits, with one separator between any two.
    pub(crate) groups: &'static [&'static [u8]],
    /// `A` is a letter, `9` a digit, `#` either; anything else is itself.
    pub(crate) shapes: &'static [&'static str],
    /// Judges digits and upper-case letters, separators left out.
    pub(crate) judge: fn(&[u8]) -> Verdict,
}

/// A token that says itself what it is.
#[derive(Debug)]
pub(crate) struct Secret {
    /// What is looked for; it stands in the first piece of `shape`, unless `back` says how many characters are before it.
    pub(crate) literal: &'static str,
    pub(crate) back: (u8, u8),
    pub(crate) shape: Shape,
    pub(crate) sound: fn(&[u8]) -> bool,
}

/// A value that only the words before it give away.
#[derive(Debug)]
pub(crate) struct After {
    pub(crate) prefix: &'static str,
    pub(crate) alphabet: Alphabet,
    pub(crate) length: (usize, usize),
}

/// What a check says about a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not of this kind.
    Other,
    /// Everything fits but the check digit. Many of these say that those which pass do so by chance.
    Broken,
    Good,
}

impl Verdict {
    pub(crate) fn of(is_shaped: bool, is_checked: bool) -> Verdict {
        match (is_shaped, is_checked) {
            (false, _) => Verdict::Other,
            (true, false) => Verdict::Broken,
            (true, true) => Verdict::Good,
        }
    }
}

impl Detector {
    /// What most national ids have in common: a table names the rest.
    pub(crate) const NATIONAL_ID: Detector = Detector {
        name: "",
        kind: Kind::NationalId,
        what: "",
        check: "",
        source: "",
        words: &[],
        alone: Alone::Never,
        confidence: Confidence::High,
        count_min: 1,
        finds: Finds::Place,
    };

    /// What most secrets have in common.
    pub(crate) const SECRET: Detector = Detector {
        kind: Kind::Secret,
        alone: Alone::Always,
        ..Detector::NATIONAL_ID
    };
}

/// All detectors that come with us, in the order of their names.
pub fn detectors() -> &'static [&'static Detector] {
    &ALL
}

static ALL: LazyLock<Vec<&'static Detector>> = LazyLock::new(|| {
    let tables: [&'static [Detector]; 10] = [
        super::money::DETECTORS,
        super::europe::DETECTORS,
        super::south::DETECTORS,
        super::north::DETECTORS,
        super::americas::DETECTORS,
        super::pacific::DETECTORS,
        super::services::DETECTORS,
        super::clouds::DETECTORS,
        super::offices::DETECTORS,
        super::places::DETECTORS,
    ];
    let mut all: Vec<&'static Detector> = tables.into_iter().flatten().collect();
    all.sort_by_key(|detector| detector.name);
    all
});
