//! Numbers with a check: groups of digits and shapes with letters, found by the digits in them.

use super::catalog::{Alone, Number, Verdict};
use super::findings::Findings;
use super::layout::{Lead, first_word, fit, lead};
use super::money;
use super::tokens::{CHARACTERS_MAX, Token, WORD_MAX, closes, gather, is_separator, opens};
use super::window::Window;
use std::collections::BTreeMap;
use std::ops::Range;

/// The longest name of a month and a space, or letters before the first word with a digit.
const LEAD_MAX: usize = 16;

/// Groups of the longest chain: the French number has seven.
const GROUPS_MAX: usize = 8;

/// Which detectors look at which lengths of digits.
#[derive(Default)]
pub(crate) struct Numbers {
    /// By the lengths of the groups, five bits each.
    groups: BTreeMap<u64, Vec<usize>>,
    /// The same for one group, by its length.
    runs: Vec<Vec<usize>>,
    /// Keys of `groups`, and how each begins: bits of a filter that keeps most chains from the map.
    begins: Vec<u64>,
    /// By the length of the first word with a digit: shapes, and how many characters before that word they begin.
    shapes: Vec<Vec<Shaped>>,
    judges: Vec<Option<Judge>>,
    card: Option<usize>,
    iban: Option<usize>,
}

type Judge = fn(&[u8]) -> Verdict;

/// A shape of a detector's values.
#[derive(Clone, Copy, Debug)]
struct Shaped {
    detector: usize,
    shape: &'static str,
    lead: Lead,
    /// What must follow the first word with a digit, and whether that word is of digits.
    next: Option<u8>,
    is_digits: Option<bool>,
}

/// What may begin with a first word of some length.
struct Active {
    has_groups: bool,
    shapes: Vec<Shaped>,
}

/// The longest run of digits that has a place in a key.
const RUN_MAX: usize = 31;

const FILTER: usize = 64;

impl Numbers {
    pub(crate) fn add(&mut self, detector: usize, name: &str, number: &'static Number) {
        self.prepare();
        if name == "payment-card" {
            self.card = Some(detector);
        }
        self.judges
            .resize(self.judges.len().max(detector + 1), None);
        self.judges[detector] = Some(number.judge);
        for groups in number.groups {
            let mut key = 0;
            for length in *groups {
                key = key << 5 | u64::from(*length);
                self.begins[slot(key)] |= 1 << (key >> 6 & 63);
            }
            match groups {
                [length] => self.runs[usize::from(*length)].push(detector),
                _ => self.groups.entry(key).or_default().push(detector),
            }
        }
        for shape in number.shapes {
            let (length, lead) = lead(shape);
            let (next, is_digits) = first_word(shape);
            self.shapes[length].push(Shaped {
                detector,
                shape,
                lead,
                next,
                is_digits,
            });
        }
    }

    pub(crate) fn add_iban(&mut self, detector: usize) {
        self.prepare();
        self.iban = Some(detector);
    }

    fn prepare(&mut self) {
        self.shapes.resize(WORD_MAX + 1, Vec::new());
        self.begins.resize(FILTER, 0);
        self.runs.resize(RUN_MAX + 1, Vec::new());
    }

    pub(crate) fn find(&self, window: &Window<'_>, tokens: &[Token], findings: &mut Findings<'_>) {
        if self.shapes.is_empty() {
            return;
        }
        let active = self.active(window, findings);
        for (index, token) in tokens.iter().enumerate() {
            if token.len() > WORD_MAX
                || !window
                    .core
                    .contains(&(token.start as usize).saturating_sub(LEAD_MAX))
                    && !window.core.contains(&(token.start as usize))
            {
                continue;
            }
            let active = &active[token.len()];
            if token.is_digits && active.has_groups {
                self.chain(window, tokens, index, findings);
            }
            if let Some(iban) = self.iban
                && !token.is_digits
            {
                iban_at(window, *token, iban, findings);
            }
            let next = window.text.get(token.end as usize).copied();
            for shaped in &active.shapes {
                let may_fit = (shaped.next.is_none() || shaped.next == next)
                    && shaped
                        .is_digits
                        .is_none_or(|is_digits| is_digits == token.is_digits);
                if !may_fit {
                    continue;
                }
                self.shaped(window, *token, shaped, findings);
            }
        }
    }

    /// For each length of a first word, what may begin with it in this window, where its words are or are not.
    fn active(&self, window: &Window<'_>, findings: &Findings<'_>) -> Vec<Active> {
        let may_find = |detector: &usize| findings.may_find(*detector, window);
        let mut active: Vec<Active> = (self.shapes.iter())
            .map(|shapes| Active {
                has_groups: false,
                shapes: shapes
                    .iter()
                    .filter(|shaped| may_find(&shaped.detector))
                    .copied()
                    .collect(),
            })
            .collect();
        for (length, detectors) in self.runs.iter().enumerate() {
            active[length].has_groups |= detectors.iter().any(may_find);
        }
        for (key, detectors) in &self.groups {
            active[first_group(*key)].has_groups |= detectors.iter().any(may_find);
        }
        active
    }

    /// Digits in groups that begin with this one.
    fn chain(
        &self,
        window: &Window<'_>,
        tokens: &[Token],
        index: usize,
        findings: &mut Findings<'_>,
    ) {
        let first = tokens[index];
        let start = first.start as usize;
        if !window.core.contains(&start) || !opens(window.text, start) {
            return;
        }
        let mut key = 0;
        let mut last = first;
        for (count, token) in tokens[index..].iter().take(GROUPS_MAX).enumerate() {
            if count > 0
                && !(token.is_digits
                    && token.start == last.end + 1
                    && is_separator(window.text[last.end as usize]))
            {
                break;
            }
            if token.len() > RUN_MAX {
                break;
            }
            key = key << 5 | token.len() as u64;
            if self.begins[slot(key)] & 1 << (key >> 6 & 63) == 0 {
                break;
            }
            last = *token;
            let detectors = match count {
                0 => &self.runs[token.len()],
                _ => self.groups.get(&key).unwrap_or(&NONE),
            };
            if !detectors
                .iter()
                .any(|detector| findings.may_find(*detector, window))
            {
                continue;
            }
            let place = start..last.end as usize;
            if !closes(window.text, place.end)
                || (count > 0 && continues(window.text, tokens, index, index + count))
            {
                continue;
            }
            let mut digits = [0; CHARACTERS_MAX];
            let length = gather(&window.text[place.clone()], &mut digits);
            for detector in detectors {
                self.judge(
                    window,
                    *detector,
                    &place,
                    &digits[..length],
                    count > 0,
                    findings,
                );
            }
        }
    }

    /// Letters and digits in a fixed order whose first digits are in this token.
    fn shaped(
        &self,
        window: &Window<'_>,
        token: Token,
        shaped: &Shaped,
        findings: &mut Findings<'_>,
    ) {
        let Some(start) = shaped.lead.start(window.text, token.start as usize) else {
            return;
        };
        let Some(length) = fit(shaped.shape, &window.text[start..]) else {
            return;
        };
        let place = start..start + length;
        if !window.core.contains(&start)
            || !opens(window.text, start)
            || !closes(window.text, place.end)
        {
            return;
        }
        let mut characters = [0; CHARACTERS_MAX];
        let length = gather(&window.text[place.clone()], &mut characters);
        let is_grouped = shaped
            .shape
            .bytes()
            .any(|byte| !byte.is_ascii_alphanumeric() && byte != b'#');
        self.judge(
            window,
            shaped.detector,
            &place,
            &characters[..length],
            is_grouped,
            findings,
        );
    }

    fn judge(
        &self,
        window: &Window<'_>,
        detector: usize,
        place: &Range<usize>,
        characters: &[u8],
        is_grouped: bool,
        findings: &mut Findings<'_>,
    ) {
        let alone = match findings.alone(detector) {
            Alone::Always => {
                self.card != Some(detector) || is_grouped || money::is_card_alone(characters)
            }
            Alone::Grouped => is_grouped,
            Alone::Never => false,
        };
        if !alone && !findings.may_find(detector, window) {
            return;
        }
        let Some(judge) = self.judges[detector] else {
            return;
        };
        let verdict = judge(characters);
        if verdict == Verdict::Other || is_flat(characters) {
            return;
        }
        let is_near = findings.is_near(detector, window, place);
        match verdict {
            _ if !is_near && (!alone || window.is_noise(place)) => {}
            Verdict::Broken if !is_near => findings.broken(detector),
            Verdict::Good => {
                findings.claim(place);
                findings.add(detector, window, place, characters, is_near);
            }
            Verdict::Broken | Verdict::Other => {}
        }
    }
}

/// The length of the first group of a key.
fn first_group(key: u64) -> usize {
    let bits = 64 - key.leading_zeros();
    (key >> (bits.saturating_sub(1) / 5 * 5)) as usize
}

static NONE: Vec<usize> = Vec::new();

fn slot(key: u64) -> usize {
    (key as usize) % FILTER
}

/// Whether all digits are the same, or count up: written where a number belongs, or a rule between lines.
fn is_flat(characters: &[u8]) -> bool {
    let mut pairs = characters.windows(2);
    let is_same = pairs.clone().all(|pair| pair[0] == pair[1]);
    let counts_up = pairs.all(|pair| pair[0] + 1 == pair[1] || pair == b"90");
    characters.len() >= 8 && (is_same || counts_up)
}

/// Whether groups of the same length and separator stand before or after: a table of numbers, not one number.
fn continues(text: &[u8], tokens: &[Token], first: usize, last: usize) -> bool {
    let separator = text[tokens[first].end as usize];
    let before = first.checked_sub(1).map(|before| tokens[before]);
    let follows = before.is_some_and(|before| {
        before.is_digits
            && before.end + 1 == tokens[first].start
            && text[before.end as usize] == separator
            && before.len() == tokens[first].len()
    });
    let after = tokens.get(last + 1);
    let precedes = after.is_some_and(|after| {
        after.is_digits
            && after.start == tokens[last].end + 1
            && text[tokens[last].end as usize] == separator
            && after.len() == tokens[last].len()
    });
    follows || precedes
}

/// An account number that begins with this token: in one word, or in groups of four.
fn iban_at(window: &Window<'_>, token: Token, detector: usize, findings: &mut Findings<'_>) {
    let start = token.start as usize;
    let text = &window.text[start..];
    let is_start = token.len() >= 4
        && text[..2].iter().all(u8::is_ascii_alphabetic)
        && text[2..4].iter().all(u8::is_ascii_digit);
    if !is_start || !window.core.contains(&start) || !opens(window.text, start) {
        return;
    }
    let Some(length) =
        money::iban_length([text[0].to_ascii_uppercase(), text[1].to_ascii_uppercase()])
    else {
        return;
    };
    let mut characters = [0; CHARACTERS_MAX];
    let (mut count, mut at) = (0, 0);
    while count < length {
        match text.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                characters[count] = byte.to_ascii_uppercase();
                count += 1;
            }
            // In paper form there is a space after each four characters (ISO 13616-1, 5).
            Some(b' ' | b'-' | b'.')
                if count % 4 == 0 && count > 0 && text[at - 1].is_ascii_alphanumeric() => {}
            _ => return,
        }
        at += 1;
    }
    let place = start..start + at;
    if !closes(window.text, place.end) {
        return;
    }
    match money::judge_iban(&characters[..count]) {
        Verdict::Good => {
            let is_near = findings.is_near(detector, window, &place);
            findings.add(detector, window, &place, &characters[..count], is_near);
        }
        Verdict::Broken | Verdict::Other => {}
    }
}
