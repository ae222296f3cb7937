//! Tokens that say themselves what they are, and values that follow a word that does.

use super::catalog::{After, Secret};
use super::findings::Findings;
use super::literals::{Hit, begins_token};
use super::shape::{Alphabet, fit, is_drawn, is_word};
use super::window::{MATCH_MAX, Window};

/// How far after its word a value begins: a name, an operator, a comment.
const AFTER_MAX: usize = 80;

/// Looks for a token around its literal.
pub(crate) fn token(
    window: &Window<'_>,
    hit: Hit,
    detector: usize,
    secret: &Secret,
    findings: &mut Findings<'_>,
) {
    let literal = &window.text[hit.start as usize..hit.end as usize];
    if literal != secret.literal.as_bytes() {
        return;
    }
    let (least, most) = (usize::from(secret.back.0), usize::from(secret.back.1));
    for back in least..=most {
        let Some(start) = (hit.start as usize).checked_sub(back) else {
            return;
        };
        if !begins_token(window.text, start) {
            continue;
        }
        let end = window.text.len().min(start + MATCH_MAX);
        let Some(length) = fit(secret.shape, &window.text[start..end]) else {
            continue;
        };
        let place = start..start + length;
        let value = &window.text[place.clone()];
        if (secret.sound)(value) {
            findings.claim(&place);
            findings.add(detector, window, &place, value, true);
            return;
        }
    }
}

/// Looks for the first value of the right kind after a word.
pub(crate) fn after(
    window: &Window<'_>,
    hit: Hit,
    detector: usize,
    after: &After,
    seen: &mut Seen,
    findings: &mut Findings<'_>,
) {
    let begin = hit.end as usize;
    let end = window.text.len().min(begin + AFTER_MAX);
    // The value that an earlier word found is this word's too, and what it passed over is no value for this one.
    if begin <= seen.value {
        return;
    }
    let mut at = begin.max(seen.end);
    while at < end {
        if !after.alphabet.has(window.text[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let (least, most) = after.length;
        let run = after.alphabet.run(&window.text[start..], most + 1);
        let ends = window
            .text
            .get(start + run)
            .is_none_or(|next| !is_word(*next));
        at = start + run;
        let value = &window.text[start..at];
        let is_right = run >= least
            && run <= most
            && ends
            && begins_token(window.text, start)
            && value.starts_with(after.prefix.as_bytes());
        if !is_right || !is_drawn(value) || (after.alphabet == Alphabet::Base64 && !is_mixed(value))
        {
            // The rest of a longer run is no value either.
            if run > most {
                let rest = &window.text[at..end.max(at)];
                at += rest
                    .iter()
                    .take_while(|byte| after.alphabet.has(**byte))
                    .count();
            }
            continue;
        }
        findings.claim(&(start..at));
        findings.add(detector, window, &(start..at), value, true);
        *seen = Seen {
            value: start,
            end: at,
        };
        return;
    }
    seen.end = seen.end.max(at);
}

/// How far the words of a detector have been followed in a window, and the last value that one led to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    value: usize,
    end: usize,
}

/// Letters of both cases and digits: a path in base64's alphabet is none.
fn is_mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_digit)
}
