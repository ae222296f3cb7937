//! Okta's identifiers: 20 characters behind a prefix per type, each carrying its number, so that no table is needed.
//!
//! The prefixes are Okta's (Core Okta API, and examples of the management API); readers must not take them apart.

use crate::chance::{Stream, draw};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    User = 1,
    Group,
    App,
    /// A standard role assigned to a user, to a group, to a client.
    UserRole,
    GroupRole,
    ClientRole,
    /// A custom role bound to a resource set.
    Binding,
    CustomRole,
    ResourceSet,
    Hook,
    Grant,
    AppGrant,
    RefreshToken,
    ApiToken,
    Session,
    Profile,
    Org,
    Service,
}

impl Type {
    fn prefix(self) -> &'static str {
        match self {
            Type::User => "00u",
            Type::Group => "00g",
            Type::App => "0oa",
            Type::UserRole => "ra1",
            Type::GroupRole => "gra",
            Type::ClientRole => "cra",
            Type::Binding => "irb",
            Type::CustomRole => "cr0",
            Type::ResourceSet => "iam",
            Type::Hook => "who",
            Type::Grant | Type::AppGrant => "oag",
            Type::RefreshToken => "oar",
            Type::ApiToken => "00T",
            Type::Session => "102",
            Type::Profile => "oty",
            Type::Org => "00o",
            Type::Service => "0oa",
        }
    }
}

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Letters that hold 64 bits.
const NUMBER_LETTERS: u32 = 11;
const CHECK_LETTERS: u32 = 6;

fn push_letters(out: &mut String, mut number: u64, count: u32) {
    for _ in 0..count {
        out.push(char::from(LETTERS[(number % 62) as usize]));
        number /= 62;
    }
}

fn mask(seed: u64, of: Type) -> u64 {
    draw(seed, Stream::Tenant, (of as u64) << 32)
}

pub fn id(seed: u64, of: Type, index: u64) -> String {
    let mut out = String::with_capacity(20);
    out.push_str(of.prefix());
    let mask = mask(seed, of);
    push_letters(&mut out, index ^ mask, NUMBER_LETTERS);
    push_letters(&mut out, draw(mask, Stream::Token, index), CHECK_LETTERS);
    out
}

/// The number inside an identifier of this type; `None` if this tenant did not make it.
pub fn index(seed: u64, of: Type, text: &str) -> Option<u64> {
    let letters = text.strip_prefix(of.prefix())?;
    let mut digits = letters.get(..NUMBER_LETTERS as usize)?.bytes().rev();
    let number = digits.try_fold(0_u64, |number, letter| {
        let place = LETTERS.iter().position(|known| *known == letter)?;
        number.checked_mul(62)?.checked_add(place as u64)
    })?;
    let index = number ^ mask(seed, of);
    (id(seed, of, index) == text).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_20_characters_and_carries_its_number() {
        for number in [0, 1, 61, 62, 4_000_000_000, u64::MAX] {
            let text = id(7, Type::User, number);
            assert_eq!(text.len(), 20);
            assert_eq!(index(7, Type::User, &text), Some(number));
            assert_eq!(index(8, Type::User, &text), None);
            assert_eq!(index(7, Type::Group, &text), None);
        }
        assert_eq!(index(7, Type::User, "00uzzzzzzzzzzzzzzzzz"), None);
        assert_eq!(index(7, Type::User, "00u"), None);
    }
}
