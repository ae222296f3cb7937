//! Words with digits in them: where they are, and whether a number may begin and end there.

use super::shape::is_word;
use std::ops::Range;

/// Digits and letters of the longest number, with room for the name of a month.
pub(crate) const CHARACTERS_MAX: usize = 40;

/// The longest word with digits that can be a number; longer ones are passed over.
pub(crate) const WORD_MAX: usize = 40;

/// A run of letters and digits with at least one digit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) is_digits: bool,
}

impl Token {
    pub(crate) fn len(self) -> usize {
        (self.end - self.start) as usize
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

pub(crate) fn is_separator(byte: u8) -> bool {
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
