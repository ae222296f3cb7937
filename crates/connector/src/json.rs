//! An object's members in their order, borrowed from its text: vendors add members without notice, and what has no place
//! in our words for an event is kept as it came.

use std::borrow::Cow;
use std::fmt;

use casbah_model::event::Text;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one object.
#[derive(Clone, Debug, Default)]
pub struct Members<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads a text that is an object, and nothing else.
    pub fn read(raw: &'a [u8]) -> Option<Members<'a>> {
        serde_json::from_slice(raw).ok()
    }

    /// The members of a value; none when it is no object.
    pub fn of(value: Option<&'a RawValue>) -> Members<'a> {
        let value = value.and_then(|value| serde_json::from_str(value.get()).ok());
        value.unwrap_or_default()
    }

    /// A member; when a name comes twice the last one holds, as everywhere else in JSON.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut found = self.0.iter().rev().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| *value)
    }

    /// A text that says something.
    pub fn text(&self, name: &str) -> Option<Text<'a>> {
        text(self.get(name)?).filter(|text| !text.is_empty())
    }

    pub fn object(&self, name: &str) -> Members<'a> {
        Members::of(self.get(name))
    }

    /// The items of a list; none when it is no list.
    pub fn list(&self, name: &str) -> Vec<&'a RawValue> {
        let list = self.get(name);
        let list = list.and_then(|list| serde_json::from_str(list.get()).ok());
        list.unwrap_or_default()
    }

    /// The members without these, each name once.
    pub fn without(mut self, taken: &[&str]) -> Vec<(Text<'a>, &'a RawValue)> {
        self.0.retain(|(name, _)| !taken.contains(&name.as_ref()));
        // Stable, so that of two members of a name the last stays the last.
        self.0.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut once: Vec<(Text<'a>, &'a RawValue)> = Vec::with_capacity(self.0.len());
        for member in self.0 {
            match once.last_mut() {
                Some(last) if last.0 == member.0 => *last = member,
                _ => once.push(member),
            }
        }
        once
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(20);
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// A name, borrowed where it needs no unescaping.
struct Name<'a>(Text<'a>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.into())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// A text; `None` for anything else.
pub fn text(value: &RawValue) -> Option<Text<'_>> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(value.get()).ok().map(Cow::Owned)
}

/// Whether it says nothing: null, an empty text, an empty list, an empty object.
pub fn is_empty(value: &RawValue) -> bool {
    says_nothing(value.get())
}

/// The same of a value's text.
pub fn says_nothing(json: &str) -> bool {
    matches!(json, "null" | "\"\"" | "[]" | "{}")
}

/// JSON by its grammar that strict readers refuse: half a surrogate pair, a number beyond a double, nesting that is too
/// deep for them within an event.
pub fn is_odd(value: &RawValue) -> bool {
    let json = value.get();
    !is_surely_plain(json) && is_refused(json)
}

/// Whether strict readers refuse it within an event.
pub(crate) fn is_refused(json: &str) -> bool {
    // An event adds levels of its own.
    let within = format!("[[[{json}]]]");
    serde_json::from_str::<serde_json::Value>(&within).is_err()
}

/// Whether a look at each byte is enough to know that strict readers take it, as it is for nearly all values.
fn is_surely_plain(json: &str) -> bool {
    // With 99 as the exponent a number of so many digits fits a double, and an exponent of three digits may not.
    const DIGITS: u32 = 200;
    const LEVELS: u32 = 100;
    if json.contains("\\u") {
        return false;
    }
    let bytes = json.as_bytes();
    let (mut opened, mut digits) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if digits > DIGITS {
                    return false;
                }
                continue;
            }
            b'e' | b'E' if digits > 0 => {
                let exponent = &bytes[at + 1..];
                let exponent = exponent.strip_prefix(b"+").unwrap_or(exponent);
                let is_long = exponent.len() > 2 && exponent[..3].iter().all(u8::is_ascii_digit);
                if is_long {
                    return false;
                }
            }
            b'[' | b'{' => opened += 1,
            _ => {}
        }
        digits = 0;
    }
    opened < LEVELS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_holds_and_names_are_unescaped() {
        let raw = br#" {"a": 1, "b": "x", "a": "two", "\u0063": null} "#;
        let members = Members::read(raw).expect("an object");
        assert_eq!(members.text("a").as_deref(), Some("two"));
        assert!(members.get("c").is_some());
        let rest = members.without(&["b", "c"]);
        let rest: Vec<_> = rest
            .iter()
            .map(|(name, value)| (&**name, value.get()))
            .collect();
        assert_eq!(rest, [("a", "\"two\"")]);
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for raw in [
            "",
            "[]",
            "{",
            "{\"a\":1",
            "null",
            "{\"a\":1}x",
            "{a:1}",
            "\u{feff}{}",
        ] {
            assert!(Members::read(raw.as_bytes()).is_none(), "{raw}");
        }
        assert!(Members::read(b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn what_strict_readers_refuse_is_odd() {
        let is_odd_text = |json: &str| {
            let value: &RawValue = serde_json::from_str(json).expect("JSON by its grammar");
            is_odd(value)
        };
        assert!(is_odd_text(r#""\ud800""#));
        assert!(is_odd_text("1e999"));
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(is_odd_text(&nested(500)));
        assert!(is_odd_text(&nested(126)), "too deep within an event");
        assert!(!is_odd_text(&nested(120)));
        assert!(is_odd_text(&format!("[{}e99]", "9".repeat(250))));
        assert!(!is_odd_text(&format!("[{}e99]", "9".repeat(199))));
        assert!(is_odd_text("[1, 2E+999]"));
        assert!(!is_odd_text("\"1e999\""), "a text is no number");
        assert!(!is_odd_text(r#"{"a":"\u00e4 1e3"}"#));
        assert!(!is_odd_text("[1, 2]"));
    }
}
