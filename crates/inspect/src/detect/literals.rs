//! All words and marks that are looked for, in one automaton that reads every byte once.

use super::catalog::{After, Secret};
use super::shape::is_word;
use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};
use std::collections::BTreeMap;

/// Sets of detectors: bit `n` is topic `n`.
pub(crate) type Topics = u128;

/// Words that say that a number is something else: "order", "invoice", "isbn".
pub(crate) const NOISE: Topics = 1;

/// Which word or mark ended where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) literal: u32,
}

/// What is to be done where a literal stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job {
    Secret(usize, &'static Secret),
    After(usize, &'static After),
    /// A word of a customer's list.
    Word(usize),
    Mark(Mark),
}

/// Places that have code of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// `@`
    At,
    /// `://`
    Address,
    /// A name that a secret is assigned to.
    Secret,
    /// A name that a password is assigned to.
    Password,
    /// `eyJ`: `{"` in base64.
    Jwt,
    /// `-----BEGIN `
    Pem,
}

/// A word or a mark.
#[derive(Clone, Debug, Default)]
pub(crate) struct Literal {
    pub(crate) topics: Topics,
    /// Topics that count wherever a word begins so.
    pub(crate) topics_of_beginning: Topics,
    pub(crate) jobs: Vec<Job>,
}

/// Literals before they become an automaton, by their lower-case text.
#[derive(Default)]
pub(crate) struct Literals(BTreeMap<Vec<u8>, Literal>);

impl Literals {
    /// A word of these topics; `*` at its end stands for any ending, and spaces may be `_`, `-` or nothing.
    pub(crate) fn word(&mut self, word: &str, topics: Topics) {
        for spelling in spellings(word.trim_end_matches('*')) {
            let literal = self.0.entry(spelling).or_default();
            if word.ends_with('*') {
                literal.topics_of_beginning |= topics;
            } else {
                literal.topics |= topics;
            }
        }
    }

    pub(crate) fn job(&mut self, literal: &str, job: Job) {
        let literal = self
            .0
            .entry(literal.to_ascii_lowercase().into_bytes())
            .or_default();
        literal.jobs.push(job);
    }

    pub(crate) fn words_job(&mut self, word: &str, job: Job) {
        for spelling in spellings(word.trim_end_matches('*')) {
            self.0.entry(spelling).or_default().jobs.push(job);
        }
    }

    /// A mark; names that something is assigned to are phrases, and are there once however many detectors want them.
    pub(crate) fn mark(&mut self, literal: &str, mark: Mark) {
        let texts = if literal.contains(char::is_alphabetic) && mark != Mark::Pem {
            spellings(literal)
        } else {
            vec![literal.to_ascii_lowercase().into_bytes()]
        };
        for text in texts {
            let jobs = &mut self.0.entry(text).or_default().jobs;
            if !jobs
                .iter()
                .any(|job| matches!(job, Job::Mark(other) if *other == mark))
            {
                jobs.push(Job::Mark(mark));
            }
        }
    }

    /// A word of a customer's list, as it is written there.
    pub(crate) fn listed(&mut self, word: &str, job: Job) {
        let mut texts = [word.to_lowercase(), word.to_uppercase(), word.to_owned()]
            .map(|text| text.to_ascii_lowercase().into_bytes())
            .to_vec();
        texts.sort();
        texts.dedup();
        for text in texts {
            self.0.entry(text).or_default().jobs.push(job);
        }
    }

    pub(crate) fn build(self) -> Result<Automat, aho_corasick::BuildError> {
        let (texts, literals): (Vec<Vec<u8>>, Vec<_>) = self.0.into_iter().unzip();
        let folded = texts.iter().map(|text| {
            text.iter()
                .map(|byte| FOLD[usize::from(*byte)])
                .collect::<Vec<u8>>()
        });
        let dfa = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(folded)?;
        Ok(Automat {
            dfa,
            literals,
            lengths: texts.iter().map(|text| text.len() as u32).collect(),
            other: texts
                .into_iter()
                .map(|text| if text.is_ascii() { Vec::new() } else { text })
                .collect(),
        })
    }
}

/// All ways to write a phrase: with spaces, joined by `_` or `-`, or as one word; in upper case too where ASCII does not know it.
fn spellings(word: &str) -> Vec<Vec<u8>> {
    let mut spellings = Vec::new();
    for text in [word.to_lowercase(), word.to_uppercase()] {
        for joint in [" ", "_", "-", ""] {
            spellings.push(text.replace(' ', joint).to_ascii_lowercase().into_bytes());
        }
    }
    spellings.sort();
    spellings.dedup();
    spellings
}

pub(crate) struct Automat {
    dfa: DFA,
    literals: Vec<Literal>,
    lengths: Vec<u32>,
    /// Texts that are not ASCII, which folding makes alike: a hit of one is compared with it.
    other: Vec<Vec<u8>>,
}

/// Bytes that are not ASCII are eight to the automaton, so that it is half as large and stays in the processor's cache.
const FOLD: [u8; 256] = {
    let mut fold = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        fold[byte] = if byte < 0x80 {
            byte as u8
        } else {
            0x80 | byte as u8 & 7
        };
        byte += 1;
    }
    fold
};

impl Automat {
    pub(crate) fn literal(&self, hit: Hit) -> &Literal {
        &self.literals[hit.literal as usize]
    }

    /// Topics of a hit, by how its word begins and ends.
    pub(crate) fn topics(&self, hit: Hit, text: &[u8]) -> Topics {
        let literal = self.literal(hit);
        if ends_word(text, hit.end as usize) {
            literal.topics | literal.topics_of_beginning
        } else {
            literal.topics_of_beginning
        }
    }

    /// Appends all places where a literal stands and may begin a word, in the order of their ends.
    pub(crate) fn find(&self, text: &[u8], hits: &mut Vec<Hit>) {
        let mut state = self
            .dfa
            .start_state(Anchored::No)
            .expect("the automaton is built for unanchored search");
        for (at, byte) in text.iter().enumerate() {
            state = self
                .dfa
                .next_state(Anchored::No, state, FOLD[usize::from(*byte)]);
            if !self.dfa.is_special(state) || !self.dfa.is_match(state) {
                continue;
            }
            for index in 0..self.dfa.match_len(state) {
                let literal = self.dfa.match_pattern(state, index).as_u32();
                let end = at as u32 + 1;
                let start = end - self.lengths[literal as usize];
                let other = &self.other[literal as usize];
                if !other.is_empty()
                    && !text[start as usize..end as usize].eq_ignore_ascii_case(other)
                {
                    continue;
                }
                if begins_word(text, start as usize)
                    || !self.literals[literal as usize].jobs.is_empty()
                {
                    hits.push(Hit {
                        start,
                        end,
                        literal,
                    });
                }
            }
        }
    }
}

/// Whether a word begins here: after anything but a letter, or at the hump of `someWord`.
pub(crate) fn begins_word(text: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).map(|before| text[before]) else {
        return true;
    };
    let first = text[start];
    !before.is_ascii_alphabetic()
        || !first.is_ascii_alphabetic()
        || (before.is_ascii_lowercase() && first.is_ascii_uppercase())
}

/// Whether a word ends here: before anything but a letter, at a hump, or with the `s` of many.
pub(crate) fn ends_word(text: &[u8], end: usize) -> bool {
    let last = text[end - 1];
    if !last.is_ascii_alphanumeric() {
        return true;
    }
    let end = match text.get(end) {
        Some(b's' | b'S')
            if last.is_ascii_alphabetic()
                && !text.get(end + 1).is_some_and(u8::is_ascii_alphabetic) =>
        {
            end + 1
        }
        _ => end,
    };
    match text.get(end) {
        Some(next) if next.is_ascii_alphabetic() => {
            last.is_ascii_lowercase() && next.is_ascii_uppercase()
        }
        _ => true,
    }
}

/// Whether a token may begin here: not within a longer one.
pub(crate) fn begins_token(text: &[u8], start: usize) -> bool {
    start == 0 || !is_word(text[start - 1])
}
