//! Numbers with a check: groups of digits and shapes with letters, found by the digits in them.

use super::catalog::{Alone, Number, Verdict};
use super::findings::Findings;
use super::money;
use super::shape::is_word;
use super::window::Window;
use std::collections::BTreeMap;
use std::ops::Range;

/// Digits and letters of the longest number, with room for the name of a month.
const CHARACTERS_MAX: usize = 40;

/// The longest word with digits that can be a number; longer ones are passed over.
const WORD_MAX: usize = 40;

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
    shapes: Vec<Vec<(usize, &'static str, Lead)>>,
    judges: Vec<Option<fn(&[u8]) -> Verdict>>,
    card: Option<usize>,
    iban: Option<usize>,
}

/// What stands before the first word with a digit.
#[derive(Clone, Copy, Debug)]
enum Lead {
    Characters(usize),
    /// The name of a month and a space.
    Word,
}

/// A run of letters and digits with at least one digit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) is_digits: bool,
}

impl Token {
    fn len(self) -> usize {
        (self.end - self.start) as usize
    }
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
            self.shapes[length].push((detector, shape, lead));
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
            if token.len() > WORD_MAX || !active[token.len()] {
                continue;
            }
            if token.is_digits {
                self.chain(window, tokens, index, findings);
            } else if let Some(iban) = self.iban {
                iban_at(window, *token, iban, findings);
            }
            self.shaped(window, *token, findings);
        }
    }

    /// For each length of a first word, whether any detector that words or shapes allow in this window begins with it.
    fn active(&self, window: &Window<'_>, findings: &Findings<'_>) -> [bool; WORD_MAX + 1] {
        let mut active = [self.iban.is_some(); WORD_MAX + 1];
        let may_find = |detector: &usize| findings.may_find(*detector, window);
        for (length, is_active) in active.iter_mut().enumerate() {
            let begins_group = |(key, detectors): (&u64, &Vec<usize>)| first_group(*key) == length && detectors.iter().any(may_find);
            *is_active = (length >= 4 && *is_active && length != 5)
                || self.shapes[length].iter().any(|(detector, ..)| may_find(detector))
                || self.runs.get(length).is_some_and(|detectors| detectors.iter().any(may_find))
                || self.groups.iter().any(begins_group);
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
            if !detectors.iter().any(|detector| {
                findings.may_find(*detector, window)
            }) {
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
    fn shaped(&self, window: &Window<'_>, token: Token, findings: &mut Findings<'_>) {
        for (detector, shape, lead) in &self.shapes[token.len()] {
            if !findings.may_find(*detector, window) {
                continue;
            }
            let Some(start) = lead.start(window.text, token.start as usize) else {
                continue;
            };
            let Some(length) = fit(shape, &window.text[start..]) else {
                continue;
            };
            let place = start..start + length;
            if !window.core.contains(&start)
                || !opens(window.text, start)
                || !closes(window.text, place.end)
            {
                continue;
            }
            let mut characters = [0; CHARACTERS_MAX];
            let length = gather(&window.text[place.clone()], &mut characters);
            let is_grouped = shape
                .bytes()
                .any(|byte| !byte.is_ascii_alphanumeric() && byte != b'#');
            self.judge(
                window,
                *detector,
                &place,
                &characters[..length],
                is_grouped,
                findings,
            );
        }
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

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/')
}

/// Whether a number may begin here: not within a word, a decimal, a path or a longer chain.
pub(crate) fn opens(text: &[u8], start: usize) -> bool {
    match start.checked_sub(1).map(|before| text[before]) {
        None => true,
        Some(before) if is_word(before) => false,
        Some(b'.' | b'-' | b'/' | b'\\' | b'+' | b'@' | b'$' | b'%' | b'~') => {
            // "Nr.", "no-", "ssn -": the sign belongs to what is before it.
            start >= 2
                && matches!(text[start - 1], b'.' | b'-')
                && (text[start - 2] == b' '
                    || (text[start - 1] == b'.' && text[start - 2].is_ascii_alphabetic()))
        }
        Some(_) => true,
    }
}

/// Whether a number may end here.
pub(crate) fn closes(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        None => true,
        Some(after) if is_word(*after) => false,
        Some(b'.' | b'-' | b'/' | b'+' | b'@' | b'\\' | b':') => {
            !text.get(end + 1).is_some_and(|next| is_word(*next))
        }
        Some(b'%') => false,
        Some(_) => true,
    }
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

/// Letters and digits without what is between them, in upper case.
pub(crate) fn gather(text: &[u8], into: &mut [u8; CHARACTERS_MAX]) -> usize {
    let characters = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let mut length = 0;
    for (slot, character) in into.iter_mut().zip(characters) {
        *slot = character.to_ascii_uppercase();
        length += 1;
    }
    length
}

/// The length of the first word with a digit in it, and what is before that word.
fn lead(shape: &str) -> (usize, Lead) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    if let Some(rest) = shape.strip_prefix("@ ") {
        return (
            rest.bytes().take_while(|byte| is_part(byte)).count(),
            Lead::Word,
        );
    }
    let digit = shape.find(['9', '#']).expect("a shape has digits");
    let start = shape[..digit]
        .rfind(|character: char| !character.is_ascii_alphanumeric())
        .map_or(0, |before| before + 1);
    let length = shape.as_bytes()[start..]
        .iter()
        .take_while(|byte| is_part(byte))
        .count();
    (length, Lead::Characters(start))
}

impl Lead {
    fn start(self, text: &[u8], at: usize) -> Option<usize> {
        match self {
            Lead::Characters(count) => at.checked_sub(count),
            Lead::Word => {
                let space = at.checked_sub(1).filter(|space| text[*space] == b' ')?;
                let letters = text[space.saturating_sub(12)..space]
                    .iter()
                    .rev()
                    .take_while(|byte| byte.is_ascii_alphabetic())
                    .count();
                (letters >= 3).then(|| space - letters)
            }
        }
    }
}

/// How long the text is that fits a shape.
fn fit(shape: &str, text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for sign in shape.bytes() {
        let byte = *text.get(at)?;
        let fits = match sign {
            b'A' => byte.is_ascii_alphabetic(),
            b'9' => byte.is_ascii_digit(),
            b'#' => byte.is_ascii_alphanumeric(),
            b'@' => {
                let letters = text[at..]
                    .iter()
                    .take(12)
                    .take_while(|byte| byte.is_ascii_alphabetic())
                    .count();
                if letters < 3 {
                    return None;
                }
                at += letters;
                continue;
            }
            other => byte == other,
        };
        if !fits {
            return None;
        }
        at += 1;
    }
    Some(at)
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

/// All tokens with a digit in a stretch of the text, in their order.
pub(crate) fn tokens(text: &[u8], stretch: Range<usize>, tokens: &mut Vec<Token>) {
    const BLOCK: usize = 16;
    let mut at = stretch.start;
    while at < stretch.end {
        // Most blocks of prose have no digit: this is one comparison of 16 bytes.
        if let Some(block) = text[at..stretch.end].first_chunk::<BLOCK>()
            && !block
                .iter()
                .fold(false, |has, byte| has | byte.is_ascii_digit())
        {
            at += BLOCK;
            continue;
        }
        let block_end = (at + BLOCK).min(stretch.end);
        while at < block_end {
            if !text[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let least = tokens
                .last()
                .map_or(0, |last| last.end as usize)
                .max(at.saturating_sub(WORD_MAX + 1));
            let start = least
                + text[least..at]
                    .iter()
                    .rposition(|byte| !is_word(*byte))
                    .map_or(0, |before| before + 1);
            let digits = text[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let rest = text[at + digits..]
                .iter()
                .take_while(|byte| is_word(**byte))
                .count();
            let end = at + digits + rest;
            tokens.push(Token {
                start: start as u32,
                end: end as u32,
                is_digits: start == at && rest == 0,
            });
            at = end;
        }
    }
}
