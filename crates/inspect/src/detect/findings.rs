//! What was found so far: counts, different values, a few samples, and nothing of the content.

use super::catalog::Alone;
use super::exclude::Exclude;
use super::literals::Topics;
use super::mask::Mask;
use super::window::Window;
use crate::report::{Confidence, Finding, Sample};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher13;
use std::collections::HashSet;
use std::hash::Hasher;
use std::ops::Range;

/// Different values that are told apart in one document and by one detector. A [`Finding`] with this many has at least so many.
///
/// Of each there are 8 bytes of a keyed hash; if every detector found so many, with and without words, sets of them had 40 MB.
pub const DISTINCT_MAX: usize = 10_000;

/// Samples of one detector in one document.
pub const SAMPLES_MAX: usize = 5;

/// So many claims before a place are asked whether they reach into it.
const CLAIMS_NEAR: usize = 8;

/// A detector as it is set for a customer.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) topics: Topics,
    pub(crate) reach: usize,
    pub(crate) alone: Alone,
    pub(crate) confidence: Confidence,
    pub(crate) confidence_min: Confidence,
    pub(crate) count_min: u64,
    pub(crate) mask: Mask,
}

/// Hashes under the customer's key.
pub(crate) struct Hashes {
    mac: Hmac<Sha256>,
    quick: [u8; 16],
}

impl Hashes {
    pub(crate) fn new(key: &[u8; 32]) -> Hashes {
        let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
        let mut quick = [0; 16];
        let derived = mac
            .clone()
            .chain_update(b"casbah inspect: tells values apart")
            .finalize()
            .into_bytes();
        quick.copy_from_slice(&derived[..16]);
        Hashes { mac, quick }
    }

    pub(crate) fn sample(&self, value: &[u8]) -> String {
        let hash = self.mac.clone().chain_update(value).finalize().into_bytes();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn quick(&self, value: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.quick);
        hasher.write(value);
        hasher.finish()
    }
}

/// Matches of one detector: those that a word near by supports, and those that stand alone.
#[derive(Default)]
pub(crate) struct Tally {
    near: Count,
    alone: Count,
    /// Candidates whose check digit is wrong.
    broken: u64,
}

#[derive(Default)]
struct Count {
    matches: u64,
    distinct: HashSet<u64>,
    samples: Vec<Sample>,
}

/// Takes matches while a document is read.
pub(crate) struct Findings<'s> {
    pub(crate) entries: &'s [Entry],
    pub(crate) exclude: &'s Exclude,
    pub(crate) hashes: &'s Hashes,
    pub(crate) tallies: &'s mut [Tally],
    /// Places that a detector of its own has, where the generic ones stay quiet.
    pub(crate) claims: &'s mut Vec<Range<usize>>,
    pub(crate) part: &'s str,
}

impl Findings<'_> {
    pub(crate) fn alone(&self, detector: usize) -> Alone {
        self.entries[detector].alone
    }

    /// Whether words of a detector are anywhere in the window.
    pub(crate) fn may_find(&self, detector: usize, window: &Window<'_>) -> bool {
        let entry = &self.entries[detector];
        entry.alone != Alone::Never || entry.topics & window.topics != 0
    }

    pub(crate) fn is_near(
        &self,
        detector: usize,
        window: &Window<'_>,
        place: &Range<usize>,
    ) -> bool {
        let entry = &self.entries[detector];
        window.near(entry.topics, place, entry.reach)
    }

    /// Counts a candidate that has all but a right check digit.
    pub(crate) fn broken(&mut self, detector: usize) {
        self.tallies[detector].broken += 1;
    }

    /// Claims a place for a detector that knows what it is, in the core or beside it.
    pub(crate) fn claim(&mut self, place: &Range<usize>) {
        self.claims.push(place.clone());
    }

    pub(crate) fn is_claimed(&self, place: &Range<usize>) -> bool {
        // Claims are sorted before the generic detectors ask.
        let after = self.claims.partition_point(|claim| claim.start < place.end);
        self.claims[..after]
            .iter()
            .rev()
            .take(CLAIMS_NEAR)
            .any(|claim| place.start < claim.end)
    }

    /// Counts a match that begins in the core. `value` is what is compared, without separators.
    pub(crate) fn add(
        &mut self,
        detector: usize,
        window: &Window<'_>,
        place: &Range<usize>,
        value: &[u8],
        is_near: bool,
    ) {
        let entry = &self.entries[detector];
        let confidence = if is_near || entry.topics == 0 {
            entry.confidence
        } else {
            less(entry.confidence)
        };
        let raw = &window.text[place.clone()];
        if !window.core.contains(&place.start)
            || confidence < entry.confidence_min
            || self.exclude.has(value, raw)
        {
            return;
        }
        let tally = &mut self.tallies[detector];
        let count = if is_near || entry.topics == 0 {
            &mut tally.near
        } else {
            &mut tally.alone
        };
        count.matches += 1;
        if count.distinct.len() < DISTINCT_MAX
            && count.distinct.insert(self.hashes.quick(value))
            && count.samples.len() < SAMPLES_MAX
        {
            count.samples.push(Sample {
                masked: entry.mask.apply(raw),
                hash: self.hashes.sample(value),
                part: self.part.to_owned(),
            });
        }
    }
}

fn less(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}

/// Findings of a document from its tallies, in the order of their names.
pub(crate) fn finish(entries: &[Entry], tallies: Vec<Tally>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = entries
        .iter()
        .zip(tallies)
        .filter_map(|(entry, tally)| finding(entry, tally))
        .collect();
    findings.sort_by(|left, right| left.detector.cmp(&right.detector));
    findings
}

fn finding(entry: &Entry, mut tally: Tally) -> Option<Finding> {
    // One number in ten passes a check digit by chance. Where many of the same kind fail, those that pass are such.
    if tally.broken > 2 * tally.alone.matches {
        tally.alone = Count::default();
    }
    let Tally {
        mut near, alone, ..
    } = tally;
    let matches = near.matches + alone.matches;
    if matches == 0 || matches < entry.count_min {
        return None;
    }
    let confidence = if near.matches > 0 {
        entry.confidence
    } else {
        less(entry.confidence)
    };
    for sample in alone.samples {
        if near.samples.len() < SAMPLES_MAX
            && !near.samples.iter().any(|known| known.hash == sample.hash)
        {
            near.samples.push(sample);
        }
    }
    near.distinct.extend(alone.distinct);
    Some(Finding {
        detector: entry.name.clone(),
        confidence,
        count: matches,
        distinct: near.distinct.len().min(DISTINCT_MAX) as u64,
        samples: near.samples,
    })
}
