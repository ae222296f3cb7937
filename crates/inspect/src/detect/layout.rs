//! Shapes of numbers with letters: `A` is a letter, `9` a digit, `#` either, `@` the name of a month; anything else is itself.

/// What stands before the first word with a digit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lead {
    Characters(usize),
    /// The name of a month and a space.
    Word,
}

/// The length of the first word with a digit in it, and what is before that word.
pub(crate) fn lead(shape: &str) -> (usize, Lead) {
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

/// What is after the first word with a digit in a text of this shape: a sign that is itself, and whether that word is of digits.
///
/// It keeps most words from being held against the whole shape.
pub(crate) fn first_word(shape: &str) -> (Option<u8>, Option<bool>) {
    let (length, lead) = lead(shape);
    let start = match lead {
        Lead::Characters(start) => start,
        Lead::Word => 2,
    };
    let word = &shape.as_bytes()[start..start + length];
    let is_digits = match (word.contains(&b'A'), word.contains(&b'#')) {
        (true, _) => Some(false),
        (false, true) => None,
        (false, false) => Some(true),
    };
    (shape.as_bytes().get(start + length).copied(), is_digits)
}

impl Lead {
    pub(crate) fn start(self, text: &[u8], at: usize) -> Option<usize> {
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
pub(crate) fn fit(shape: &str, text: &[u8]) -> Option<usize> {
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
