//! Samples that a person recognises and nobody can use.

/// How a match of a detector is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// The last digits of a number: four of twelve or more, else two.
    Number,
    /// The first four characters, which are a vendor's prefix.
    Prefix,
    /// The first letter and the top level of an address.
    Mail,
    /// Nothing.
    All,
}

/// A mask says no more of a value's length than this.
const LENGTH_MAX: usize = 24;

/// A value of fewer characters is masked whole.
const PREFIXED_MIN: usize = 16;

impl Mask {
    pub(crate) fn apply(self, raw: &[u8]) -> String {
        match self {
            Mask::Number => number(raw),
            Mask::Prefix if raw.len() >= PREFIXED_MIN && raw[..4].is_ascii() => {
                format!("{}••••", String::from_utf8_lossy(&raw[..4]))
            }
            Mask::Mail => mail(raw),
            Mask::Prefix | Mask::All => "••••••••".to_owned(),
        }
    }
}

fn number(raw: &[u8]) -> String {
    let length = raw
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .count();
    let shown = match length {
        0..8 => 0,
        8..12 => 2,
        _ => 4,
    };
    let mut seen = 0;
    let text: String = raw
        .iter()
        .map(|byte| {
            if !byte.is_ascii_alphanumeric() {
                return if byte.is_ascii() {
                    char::from(*byte)
                } else {
                    '•'
                };
            }
            seen += 1;
            if seen + shown > length {
                char::from(*byte)
            } else {
                '•'
            }
        })
        .collect();
    let characters = text.chars().count();
    text.chars()
        .skip(characters.saturating_sub(LENGTH_MAX))
        .collect()
}

fn mail(raw: &[u8]) -> String {
    let top = raw
        .iter()
        .rposition(|byte| *byte == b'.')
        .map_or(&b""[..], |dot| &raw[dot..]);
    let first = raw
        .first()
        .filter(|byte| byte.is_ascii())
        .map_or('•', |byte| char::from(*byte));
    format!("{first}•••@•••{}", String::from_utf8_lossy(top))
}
