//! The query of a request: every parameter is known to its route, stands there once, and is text.

use std::collections::BTreeMap;

use crate::problem::{Code, Problem, shown};

/// Parameters of a request, decoded.
#[derive(Debug, Default)]
pub struct Query(BTreeMap<&'static str, String>);

impl Query {
    /// Reads a query of which the route knows these parameters.
    pub fn read(raw: &str, known: &[&'static str]) -> Result<Query, Problem> {
        let mut read = BTreeMap::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, Plus::IsSpace)
                .ok_or_else(|| bad("query", "a name in it is not UTF-8"))?;
            let Some(known) = known.iter().find(|known| **known == name) else {
                let what = match known {
                    [] => "this path takes no parameters".to_string(),
                    known => format!("it is not a parameter here; they are {}", known.join(", ")),
                };
                return Err(bad(&shown(&name), what));
            };
            let value =
                decode(value, Plus::IsSpace).ok_or_else(|| bad(known, "its value is not UTF-8"))?;
            if read.insert(*known, value).is_some() {
                return Err(bad(known, "it is given twice"));
            }
        }
        Ok(Query(read))
    }

    /// A parameter of 1 to `chars_max` characters on one line.
    pub fn text(&self, name: &'static str, chars_max: usize) -> Result<Option<&str>, Problem> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let chars = value.chars().count();
        if chars == 0 || chars > chars_max {
            let what = format!("it has {chars} characters instead of 1 to {chars_max}");
            return Err(bad(name, what));
        }
        if value.chars().any(char::is_control) {
            return Err(bad(name, "it holds control characters"));
        }
        Ok(Some(value))
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| word == value);
        let found = found.ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let what = format!("\"{}\" is not one of {}", shown(value), words.join(", "));
            bad(name, what)
        })?;
        Ok(Some(found.1))
    }

    /// A whole number between two bounds, written in digits only.
    pub fn number(
        &self,
        name: &'static str,
        min: usize,
        max: usize,
    ) -> Result<Option<usize>, Problem> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse::<usize>().ok().filter(|_| is_plain);
        let number = number.filter(|number| (min..=max).contains(number));
        let number = number.ok_or_else(|| {
            let what = format!("\"{}\" is not a number from {min} to {max}", shown(value));
            bad(name, what)
        })?;
        Ok(Some(number))
    }

    /// What a token is bound to: every parameter but the page's own.
    pub fn filters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let of_page = |name: &str| ["limit", "next_token"].contains(&name);
        let filters = self.0.iter().filter(move |(name, _)| !of_page(name));
        filters.map(|(name, value)| (*name, value.as_str()))
    }
}

fn bad(name: &str, what: impl Into<String>) -> Problem {
    Problem::field(Code::BadParameter, name, what)
}

/// What `+` stands for: a space in queries (URL Standard, "application/x-www-form-urlencoded parsing"), itself in paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    IsSpace,
    IsPlus,
}

/// Undoes percent-encoding; `None` when the result is not UTF-8. A `%` that begins no code stands for itself.
pub fn decode(text: &str, plus: Plus) -> Option<String> {
    let hex = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let code = hex(bytes.get(place + 1)).zip(hex(bytes.get(place + 2)));
        match (byte, code) {
            (b'%', Some((high, low))) => {
                decoded.push((high * 16 + low) as u8);
                place += 2;
            }
            (b'+', _) if plus == Plus::IsSpace => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
        place += 1;
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_repeated_and_malformed_parameters_are_named() {
        let rows = [
            ("limit=1&limit=2", "limit"),
            ("page=1", "page"),
            ("limit=+1", "limit"),
            ("limit=-1", "limit"),
            ("limit=1e3", "limit"),
            ("limit=", "limit"),
            ("limit=1001", "limit"),
            ("limit=99999999999999999999999", "limit"),
        ];
        for (raw, name) in rows {
            let refused = Query::read(raw, &["limit"]).and_then(|query| {
                query.number("limit", 1, 1000)?;
                Ok(())
            });
            let refused = refused.expect_err(raw);
            assert_eq!(refused.code(), Code::BadParameter, "{raw}");
            assert!(format!("{refused:?}").contains(name), "{raw}: {refused:?}");
        }
    }

    #[test]
    fn percent_codes_are_decoded_and_must_be_text() {
        assert_eq!(decode("a%20b+c", Plus::IsSpace).as_deref(), Some("a b c"));
        assert_eq!(decode("a+%2", Plus::IsPlus).as_deref(), Some("a+%2"));
        assert_eq!(decode("%ff", Plus::IsPlus), None);
    }
}
