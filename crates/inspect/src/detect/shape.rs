//! Shapes of tokens: literals and runs of an alphabet, matched from left to right without going back.

/// A token from its first character to its last.
pub(crate) type Shape = &'static [Piece];

#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    Text(&'static str),
    /// As many characters of the alphabet as there are, no fewer and no more than these.
    Run(Alphabet, usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Digit,
    /// Hexadecimal, in either case.
    Hex,
    Upper,
    Lower,
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-`: base64 for addresses (RFC 4648, 5).
    Url,
    /// Letters, digits, `+` and `/`, at the end `=`: base64 (RFC 4648, 4).
    Base64,
    /// Letters, digits, `_`, `-`, `.` and `~`: what needs no escape in an address (RFC 3986, 2.3).
    Unreserved,
}

impl Alphabet {
    pub(crate) fn has(self, byte: u8) -> bool {
        match self {
            Alphabet::Digit => byte.is_ascii_digit(),
            Alphabet::Hex => byte.is_ascii_hexdigit(),
            Alphabet::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Alphabet::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Alphabet::Alnum => byte.is_ascii_alphanumeric(),
            Alphabet::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Alphabet::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Alphabet::Unreserved => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~')
            }
        }
    }

    /// How many characters of it there are from here on, as far as `most`.
    pub(crate) fn run(self, text: &[u8], most: usize) -> usize {
        let length = text
            .iter()
            .take(most)
            .take_while(|byte| self.has(**byte))
            .count();
        match self {
            Alphabet::Base64 => {
                let padding = text[length..].iter().take((most - length).min(2));
                length + padding.take_while(|byte| **byte == b'=').count()
            }
            _ => length,
        }
    }
}

/// Where a token of this shape ends that begins at the start of `text`; none if it goes on.
pub(crate) fn fit(shape: Shape, text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for piece in shape {
        match piece {
            Piece::Text(literal) => {
                if !text[at..].starts_with(literal.as_bytes()) {
                    return None;
                }
                at += literal.len();
            }
            Piece::Run(alphabet, least, most) => {
                let length = alphabet.run(&text[at..], *most);
                if length < *least {
                    return None;
                }
                at += length;
            }
        }
    }
    let goes_on = text.get(at).is_some_and(|next| is_word(*next));
    (!goes_on).then_some(at)
}

/// Whether a token would go on with this byte. Other scripts end it: in Chinese a number follows its word without a space.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a value is as a machine draws it, and not a word, a placeholder or a pattern.
///
/// Of `n` characters drawn from 16 or more, a third differ with a probability of more than 0.9999 from 16 characters on.
pub(crate) fn is_drawn(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && is_varied(value)
}

/// The same for tokens whose prefix says what they are: they need not have both digits and letters.
fn is_varied(value: &[u8]) -> bool {
    distinct(value) >= (value.len() / 3).clamp(5, 10) && !is_placeholder(value)
}

/// Different bytes in a value.
pub(crate) fn distinct(value: &[u8]) -> usize {
    let seen = value.iter().fold([0_u64; 4], |mut seen, byte| {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
        seen
    });
    seen.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// Whether a value is written where a real one belongs: it repeats, counts up, or says that it is an example.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let mut same = 1;
    let mut up = 1;
    for pair in value.windows(2) {
        same = if pair[0] == pair[1] { same + 1 } else { 1 };
        up = if pair[0].wrapping_add(1) == pair[1] {
            up + 1
        } else {
            1
        };
        if same >= 5 || up >= 6 {
            return true;
        }
    }
    const SAYS_SO: [&[u8]; 9] = [
        b"example",
        b"xxxx",
        b"your",
        b"placeholder",
        b"redacted",
        b"changeme",
        b"dummy",
        b"insert",
        b"sample",
    ];
    SAYS_SO.iter().any(|word| has_word(value, word))
}

fn has_word(value: &[u8], word: &[u8]) -> bool {
    value
        .windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}

/// Whether the last six characters are the CRC-32 of those after the prefix, in base 62
/// (GitHub, "Behind GitHub's new authentication token formats", 2021; npm's tokens are made the same way).
pub(crate) fn has_crc62(token: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(start) = token.iter().position(|byte| *byte == b'_') else {
        return false;
    };
    let Some((body, check)) = token[start + 1..].split_last_chunk::<6>() else {
        return false;
    };
    let mut crc = crc32fast::hash(body);
    for digit in check.iter().rev() {
        if DIGITS[crc as usize % 62] != *digit {
            return false;
        }
        crc /= 62;
    }
    crc == 0
}

/// Whether the part after the prefix was drawn by a machine.
pub(crate) fn is_drawn_token(token: &[u8]) -> bool {
    let body = token
        .iter()
        .rposition(|byte| *byte == b'_')
        .filter(|at| *at < 16)
        .map_or(token, |at| &token[at + 1..]);
    is_varied(if body.len() < 12 { token } else { body })
}
