//! Values of a customer's own, of which only keyed hashes are known: employees, accounts, projects.
//!
//! The customer makes entries where the values are, with [`ExactSet::entry`]; here a text's words and short phrases are hashed
//! in the same way and looked up.

use super::config::Key;
use super::findings::Findings;
use super::window::Window;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher13;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hasher;

/// Words of one value.
pub const WORDS_MAX: usize = 5;

/// Characters of one value, in bytes, as it is compared.
pub const VALUE_MAX: usize = 128;

/// Entries of all sets together: some 60 bytes each, and half a megabyte of a filter for each set.
pub const ENTRIES_MAX: usize = 1_000_000;

/// Values that are known by their hashes.
#[derive(Clone)]
pub struct ExactSet {
    /// The name of its findings.
    pub name: String,
    /// How the values were made comparable before they were hashed.
    pub normalisation: Normalisation,
    /// Words of the longest value, of [`Normalisation::Words`]; groups of the longest number, of [`Normalisation::Joined`].
    pub words_max: usize,
    pub entries: Vec<ExactEntry>,
}

impl fmt::Debug for ExactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactSet")
            .field("name", &self.name)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// How values are made comparable. Letters are in lower case, other characters end a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalisation {
    /// Words with one space between them: names.
    Words,
    /// Words with nothing between them: numbers, in whatever groups they are written.
    Joined,
}

/// What is known of a value: 4 bytes of a quick keyed hash, which most words of a text do not have, and 16 of HMAC-SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactEntry(pub [u8; 20]);

impl ExactSet {
    /// The entry of a value under a key; none if it has no letters and digits, more than [`WORDS_MAX`] words or is too long.
    pub fn entry(key: &Key, normalisation: Normalisation, value: &str) -> Option<ExactEntry> {
        let mut text = Vec::new();
        if super::normal::append(&mut text, value, VALUE_MAX * 4) < value.len() {
            return None;
        }
        let keys = ExactKeys::new(key);
        let mut words = Vec::new();
        words_of(&text, 0..text.len(), &mut words);
        let mut joined = Vec::new();
        for word in &words {
            join(
                &mut joined,
                &text[word.start as usize..word.end as usize],
                normalisation,
            );
        }
        ((1..=WORDS_MAX).contains(&words.len()) && joined.len() <= VALUE_MAX)
            .then(|| keys.entry(&joined))
    }
}

/// The two keys of entries, of one customer.
pub(crate) struct ExactKeys {
    quick: [u8; 16],
    mac: Hmac<Sha256>,
}

impl ExactKeys {
    pub(crate) fn new(key: &Key) -> ExactKeys {
        let derive = |purpose: &[u8]| {
            let mac =
                Hmac::<Sha256>::new_from_slice(key.bytes()).expect("a key may have any length");
            mac.chain_update(purpose).finalize().into_bytes()
        };
        let mut quick = [0; 16];
        quick.copy_from_slice(&derive(b"casbah inspect: filter of exact values")[..16]);
        let mac = Hmac::<Sha256>::new_from_slice(&derive(b"casbah inspect: exact values"))
            .expect("a key may have any length");
        ExactKeys { quick, mac }
    }

    fn quick(&self, value: &[u8]) -> u32 {
        let mut hasher = SipHasher13::new_with_key(&self.quick);
        hasher.write(value);
        hasher.finish() as u32
    }

    fn slow(&self, value: &[u8]) -> [u8; 16] {
        let mut slow = [0; 16];
        slow.copy_from_slice(&self.mac.clone().chain_update(value).finalize().into_bytes()[..16]);
        slow
    }

    fn entry(&self, value: &[u8]) -> ExactEntry {
        let mut entry = [0; 20];
        entry[..4].copy_from_slice(&self.quick(value).to_le_bytes());
        entry[4..].copy_from_slice(&self.slow(value));
        ExactEntry(entry)
    }
}

/// Sets of one customer, ready to be looked into.
pub(crate) struct Exact {
    keys: ExactKeys,
    sets: Vec<Set>,
}

struct Set {
    detector: usize,
    normalisation: Normalisation,
    words_max: usize,
    /// One bit for each value of the first 22 bits of quick hashes: of a hundred thousand entries it lets one word in forty by.
    filter: Vec<u64>,
    /// By the quick hash.
    entries: HashMap<u32, Vec<[u8; 16]>>,
}

const FILTER_BITS: u32 = 22;

/// A word of letters and digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Exact {
    pub(crate) fn new(key: &Key) -> Exact {
        Exact {
            keys: ExactKeys::new(key),
            sets: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, detector: usize, set: &ExactSet) {
        let mut filter = vec![0; 1 << (FILTER_BITS - 6)];
        let mut entries: HashMap<u32, Vec<[u8; 16]>> = HashMap::new();
        for ExactEntry(entry) in &set.entries {
            let (quick, slow) = entry
                .split_first_chunk::<4>()
                .expect("an entry has 20 bytes");
            let quick = u32::from_le_bytes(*quick);
            let bit = bit_of(quick);
            filter[bit / 64] |= 1 << (bit % 64);
            entries
                .entry(quick)
                .or_default()
                .extend(slow.first_chunk::<16>());
        }
        self.sets.push(Set {
            detector,
            normalisation: set.normalisation,
            words_max: set.words_max.min(WORDS_MAX),
            filter,
            entries,
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    pub(crate) fn find(
        &self,
        window: &Window<'_>,
        words: &mut Vec<Word>,
        findings: &mut Findings<'_>,
    ) {
        words.clear();
        let searched = window.core.start.saturating_sub(VALUE_MAX)
            ..window.text.len().min(window.core.end + 2 * VALUE_MAX);
        words_of(window.text, searched, words);
        let mut value = Vec::with_capacity(VALUE_MAX);
        for set in &self.sets {
            for (index, word) in words.iter().enumerate() {
                if !window.core.contains(&(word.start as usize)) {
                    continue;
                }
                if let Some(end) = self.longest(set, window.text, &words[index..], &mut value) {
                    let place = word.start as usize..end;
                    findings.add(set.detector, window, &place, &value, true);
                }
            }
        }
    }

    /// The end of the first value of the set that begins with these words; `value` is then that value.
    fn longest(
        &self,
        set: &Set,
        text: &[u8],
        words: &[Word],
        value: &mut Vec<u8>,
    ) -> Option<usize> {
        value.clear();
        let mut last = words[0].start as usize;
        for (count, word) in words.iter().take(set.words_max).enumerate() {
            let (start, end) = (word.start as usize, word.end as usize);
            // Punctuation and a space, but no new line, may be between words of a value.
            let is_apart = count > 0 && (start - last > 3 || text[last..start].contains(&b'\n'));
            if is_apart || value.len() + end - start > VALUE_MAX {
                return None;
            }
            join(value, &text[start..end], set.normalisation);
            last = end;
            let quick = self.keys.quick(value);
            let bit = bit_of(quick);
            if set.filter[bit / 64] >> (bit % 64) & 1 == 0 {
                continue;
            }
            if let Some(slow) = set.entries.get(&quick)
                && slow.contains(&self.keys.slow(value))
            {
                return Some(end);
            }
        }
        None
    }
}

fn bit_of(quick: u32) -> usize {
    (quick >> (32 - FILTER_BITS)) as usize
}

/// All words of letters and digits; whatever is not ASCII belongs to one.
fn words_of(text: &[u8], stretch: std::ops::Range<usize>, words: &mut Vec<Word>) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let mut at = stretch.start;
    // A word that began before is not one of this stretch.
    if at > 0 && is_part(&text[at - 1]) {
        at += text[at..stretch.end]
            .iter()
            .take_while(|byte| is_part(byte))
            .count();
    }
    while at < stretch.end {
        at += text[at..stretch.end]
            .iter()
            .take_while(|byte| !is_part(byte))
            .count();
        let start = at;
        at += text[at..].iter().take_while(|byte| is_part(byte)).count();
        if at > start {
            words.push(Word {
                start: start as u32,
                end: at as u32,
            });
        }
    }
}

/// Appends a word to a value, in lower case.
fn join(value: &mut Vec<u8>, word: &[u8], normalisation: Normalisation) {
    if !value.is_empty() && normalisation == Normalisation::Words {
        value.push(b' ');
    }
    if word.is_ascii() {
        value.extend(word.iter().map(u8::to_ascii_lowercase));
    } else {
        value.extend_from_slice(String::from_utf8_lossy(word).to_lowercase().as_bytes());
    }
}
