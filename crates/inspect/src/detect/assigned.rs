//! What is assigned to a name, and whether it can be a password or a key.

use super::shape::{Alphabet, distinct, is_drawn, is_placeholder};
use std::ops::Range;

/// The rest of a name after the word in it: `password_of_the_database`.
const NAME_MAX: usize = 32;

/// The longest value that counts as a password.
const PASSWORD_MAX: usize = 128;

/// The longest value that counts as a secret of any service.
const SECRET_MAX: usize = 512;

/// A value in a text.
pub(crate) struct Value {
    pub(crate) place: Range<usize>,
    pub(crate) is_quoted: bool,
}

/// What is assigned to the name that goes on at `at`: after `=`, `:`, `=>`, `:=`, a closing tag, or the next word of an option.
pub(crate) fn value(text: &[u8], at: usize) -> Option<Value> {
    let skip = |at: usize, most: usize, is_skipped: fn(u8) -> bool| {
        at + text[at.min(text.len())..]
            .iter()
            .take(most)
            .take_while(|byte| is_skipped(**byte))
            .count()
    };
    let at = skip(at, NAME_MAX, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
    });
    let at = skip(at, 2, |byte| matches!(byte, b'"' | b'\'' | b']' | b')'));
    let operator = skip(at, 4, |byte| matches!(byte, b' ' | b'\t'));
    let begin = skip(operator, 3, |byte| matches!(byte, b'=' | b':' | b'>'));
    // "==" and "::" compare and name.
    if begin == operator || matches!(&text[operator..begin], b"==" | b"===" | b"::" | b">>") {
        return None;
    }
    let at = skip(begin, 4, |byte| matches!(byte, b' ' | b'\t'));
    let at = match text.get(at..at + 7) {
        Some(scheme) if scheme.eq_ignore_ascii_case(b"bearer ") => at + 7,
        _ => at,
    };
    let quote = text
        .get(at)
        .copied()
        .filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let start = at + usize::from(quote.is_some());
    let rest = text[start.min(text.len())..].iter().take(SECRET_MAX + 1);
    let length = match quote {
        Some(quote) => rest
            .take_while(|byte| **byte != quote && **byte != b'\n' && **byte != b'\\')
            .count(),
        None => {
            let length = rest.take_while(|byte| is_bare(**byte)).count();
            // Base64 ends with its padding; any other `=` begins another value.
            length
                + text[(start + length).min(text.len())..]
                    .iter()
                    .take(2)
                    .take_while(|byte| **byte == b'=')
                    .count()
        }
    };
    let is_closed = quote.is_none_or(|quote| text.get(start + length) == Some(&quote));
    (is_closed && (1..=SECRET_MAX).contains(&length)).then(|| Value {
        place: start..start + length,
        is_quoted: quote.is_some(),
    })
}

/// Whether a value without quotes goes on with this byte.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b',' | b';' | b'"' | b'\'' | b'<' | b'&' | b'`' | b'=' | b':'
        )
}

/// Whether a value is as a service draws its keys: no hash's name, path, address or word.
pub(crate) fn is_secret(value: &[u8]) -> bool {
    let length = value.len();
    let is_token = value.iter().all(|byte| {
        Alphabet::Base64.has(*byte) || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'=')
    });
    if !(16..=SECRET_MAX).contains(&length) || !is_token || !is_drawn(value) {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_uuid =
        length == 36 && value.iter().filter(|byte| **byte == b'-').count() == 4 && value[8] == b'-';
    let is_path = value[0] == b'/'
        || value
            .iter()
            .filter(|byte| matches!(byte, b'/' | b'.'))
            .count()
            > 3;
    let is_hex = value.iter().all(u8::is_ascii_hexdigit);
    // Names of things have a number at their end; keys have digits all over.
    digits >= 3
        && !is_uuid
        && !is_path
        && distinct(value) >= if is_hex { 8 } else { 10 }
        && !is_words(value)
}

/// Whether letters and digits stand apart, as in "production-cluster-2024".
fn is_words(value: &[u8]) -> bool {
    let changes = value
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count();
    changes < 4
}

/// Whether a value can be a password: long enough, and not written where one belongs.
pub(crate) fn is_password(value: &[u8]) -> bool {
    const NONE: [&[u8]; 30] = [
        b"password",
        b"passwd",
        b"pass",
        b"pwd",
        b"secret",
        b"true",
        b"false",
        b"null",
        b"none",
        b"undefined",
        b"string",
        b"required",
        b"optional",
        b"hidden",
        b"text",
        b"varchar",
        b"username",
        b"enabled",
        b"disabled",
        b"default",
        b"empty",
        b"unset",
        b"todo",
        b"test",
        b"user",
        b"input",
        b"mypassword",
        b"passphrase",
        b"passwort",
        b"token",
    ];
    (4..=PASSWORD_MAX).contains(&value.len())
        && !matches!(
            value[0],
            b'$' | b'{' | b'<' | b'%' | b'*' | b'[' | b'(' | b'&' | b'@' | b'.'
        )
        && distinct(value) >= 3
        && !is_placeholder(value)
        && !NONE.iter().any(|none| none.eq_ignore_ascii_case(value))
        && !value
            .windows(2)
            .any(|pair| pair == b"${" || pair == b"{{" || pair == b"%(")
}

/// The same without quotes around it: no expression of a programming language, no word.
pub(crate) fn is_bare_password(value: &[u8]) -> bool {
    let value = value.strip_suffix(b".").unwrap_or(value);
    let is_expression = value
        .iter()
        .any(|byte| matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}'));
    let is_member = value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
        && value.windows(3).any(|three| {
            three[0].is_ascii_alphabetic() && three[1] == b'.' && three[2].is_ascii_alphabetic()
        });
    let has_letter = value.iter().any(u8::is_ascii_alphabetic);
    let has_other = value.iter().any(|byte| {
        byte.is_ascii_digit()
            || (byte.is_ascii_punctuation() && !matches!(byte, b'_' | b'.' | b'-' | b'/' | b':'))
    });
    is_password(value)
        && value.len() >= 6
        && !is_expression
        && !is_member
        && has_letter
        && has_other
        && !value.contains(&b'=')
}
