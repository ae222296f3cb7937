//! Box's identifiers: decimal texts, each carrying its number, so that no table is needed.

use crate::chance::{Stream, draw};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Enterprise = 1,
    User,
    Group,
    Membership,
    /// A folder, a file or a link to the web.
    Item,
    Version,
    Collaboration,
    /// An allowed domain.
    Entry,
    Target,
    Template,
}

/// Numbers of one type are this far apart, with a place in between that only the seed tells.
const STEP: u64 = 7;

fn first(seed: u64, of: Type) -> u64 {
    let digits = draw(seed, Stream::Tenant, (of as u64) << 32) % 1_000_000_000;
    of as u64 * 10_000_000_000 + digits
}

pub fn id(seed: u64, of: Type, index: u64) -> String {
    let place = draw(seed ^ of as u64, Stream::Token, index) % STEP;
    (first(seed, of) + index * STEP + place).to_string()
}

/// The number inside an identifier of this type; `None` if this enterprise did not make it.
pub fn index(seed: u64, of: Type, text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    let index = number.checked_sub(first(seed, of))? / STEP;
    (id(seed, of, index) == text).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_decimal_and_carries_its_number() {
        for number in [0, 1, 61, 4_000_000_000, 1 << 52] {
            let text = id(7, Type::Item, number);
            assert!(text.bytes().all(|byte| byte.is_ascii_digit()));
            assert_eq!(index(7, Type::Item, &text), Some(number));
            assert_ne!(index(8, Type::Item, &text), Some(number));
        }
        for text in ["0", "", "-1", "99999999999999999999999", "05"] {
            assert_eq!(index(7, Type::Item, text), None, "{text}");
        }
    }
}
