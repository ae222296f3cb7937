//! A record read once, in place: its members as slices of it, checked to be JSON (RFC 8259).
//!
//! A general parser spends more time on a record than everything that is done with it; this one knows only slices.
//! Texts are unescaped and nested values taken apart when somebody asks for them.

use std::borrow::Cow;

use casbah_model::json::first_special;

/// A value of a record, valid JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Slice<'a> {
    /// Empty when there is no value.
    pub(crate) json: &'a str,
    /// JSON by its grammar that strict readers refuse: half a surrogate pair, a number beyond a double.
    pub(crate) is_odd: bool,
    /// Whether there is a backslash in it.
    has_escapes: bool,
}

/// Why a text is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

/// Readers refuse JSON that is nested deeper than about 128 levels; a few are left for what it is wrapped in.
const DEPTH_MAX: u32 = 100;

/// Calls `each` with the members of an object, in their order; a name that comes twice comes twice.
pub(crate) fn members<'a>(
    text: &'a str,
    mut each: impl FnMut(Cow<'a, str>, Slice<'a>),
) -> Result<(), NotJson> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    scanner.expect(b'{')?;
    scanner.space();
    if !scanner.took(b'}') {
        loop {
            let (key, marks) = scanner.quoted()?;
            scanner.space();
            scanner.expect(b':')?;
            scanner.space();
            let value = scanner.slice(0)?;
            each(unescaped(key, marks.has_escapes), value);
            scanner.space();
            if scanner.took(b'}') {
                break;
            }
            scanner.expect(b',')?;
            scanner.space();
        }
    }
    scanner.space();
    match scanner.at == text.len() {
        true => Ok(()),
        false => Err(NotJson),
    }
}

/// The items of a list; nothing for anything else.
pub(crate) fn items<'a>(list: Slice<'a>) -> Items<'a> {
    let mut scanner = Scanner {
        text: list.json,
        at: 0,
    };
    let is_open = scanner.took(b'[');
    Items { scanner, is_open }
}

pub(crate) struct Items<'a> {
    scanner: Scanner<'a>,
    is_open: bool,
}

impl<'a> Iterator for Items<'a> {
    type Item = Slice<'a>;

    fn next(&mut self) -> Option<Slice<'a>> {
        if !self.is_open {
            return None;
        }
        self.scanner.space();
        self.scanner.took(b',');
        self.scanner.space();
        // What comes here was checked before: only the end is no value.
        let item = self.scanner.slice(0).ok();
        self.is_open = item.is_some();
        item
    }
}

impl<'a> Slice<'a> {
    /// A text; `None` for anything else.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.json.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescaped(inner, self.has_escapes))
    }

    /// A text or a number as text.
    pub(crate) fn scalar(self) -> Option<Cow<'a, str>> {
        match self.json.as_bytes().first()? {
            b'"' => self.text(),
            b'-' | b'0'..=b'9' => Some(Cow::Borrowed(self.json)),
            _ => None,
        }
    }

    pub(crate) fn number(self) -> Option<i64> {
        self.json.trim_matches('"').parse().ok()
    }

    /// The members of an object; nothing for anything else.
    pub(crate) fn members(self, each: impl FnMut(Cow<'a, str>, Slice<'a>)) {
        if self.json.starts_with('{') {
            // It was checked before, so there is no error to tell of.
            members(self.json, each).unwrap_or_default();
        }
    }

    /// One member of an object; the last, if there are several.
    pub(crate) fn member(self, name: &str) -> Slice<'a> {
        let mut found = Slice::default();
        self.members(|key, value| {
            if key == name {
                found = value;
            }
        });
        found
    }

    /// Whether it says nothing: null, an empty text, an empty list, an empty object.
    pub(crate) fn is_empty(self) -> bool {
        matches!(self.json, "" | "null" | "\"\"" | "[]" | "{}")
    }
}

/// What was noticed on the way through a value.
#[derive(Clone, Copy, Default)]
struct Marks {
    is_odd: bool,
    has_escapes: bool,
}

impl std::ops::BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Marks) {
        self.is_odd |= other.is_odd;
        self.has_escapes |= other.has_escapes;
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn took(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        match self.took(byte) {
            true => Ok(()),
            false => Err(NotJson),
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn slice(&mut self, depth: u32) -> Result<Slice<'a>, NotJson> {
        let start = self.at;
        let marks = self.value(depth)?;
        Ok(Slice {
            json: &self.text[start..self.at],
            is_odd: marks.is_odd,
            has_escapes: marks.has_escapes,
        })
    }

    /// Goes behind a value.
    fn value(&mut self, depth: u32) -> Result<Marks, NotJson> {
        if depth > DEPTH_MAX {
            return Err(NotJson);
        }
        match self.peek().ok_or(NotJson)? {
            b'"' => self.quoted().map(|(_, marks)| marks),
            b'{' => self.nested(b'}', depth, true),
            b'[' => self.nested(b']', depth, false),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn nested(&mut self, end: u8, depth: u32, has_names: bool) -> Result<Marks, NotJson> {
        let mut marks = Marks::default();
        self.at += 1;
        self.space();
        if self.took(end) {
            return Ok(marks);
        }
        loop {
            if has_names {
                marks |= self.quoted()?.1;
                self.space();
                self.expect(b':')?;
                self.space();
            }
            marks |= self.value(depth + 1)?;
            self.space();
            if self.took(end) {
                return Ok(marks);
            }
            self.expect(b',')?;
            self.space();
        }
    }

    fn word(&mut self, word: &str) -> Result<Marks, NotJson> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(Marks::default())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Marks, NotJson> {
        let start = self.at;
        self.took(b'-');
        if !self.took(b'0') && self.digits() == 0 {
            return Err(NotJson);
        }
        if self.took(b'.') && self.digits() == 0 {
            return Err(NotJson);
        }
        let has_exponent = self.took(b'e') || self.took(b'E');
        if has_exponent {
            let _is_signed = self.took(b'+') || self.took(b'-');
            if self.digits() == 0 {
                return Err(NotJson);
            }
        }
        let number = &self.text[start..self.at];
        let may_overflow = has_exponent || number.len() > 300;
        Ok(Marks {
            is_odd: may_overflow && number.parse().is_ok_and(f64::is_infinite),
            has_escapes: false,
        })
    }

    /// Goes behind a string and returns its inside.
    fn quoted(&mut self) -> Result<(&'a str, Marks), NotJson> {
        self.expect(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut marks = Marks::default();
        loop {
            self.at += first_special(&bytes[self.at..]).ok_or(NotJson)?;
            match bytes[self.at] {
                b'"' => break,
                b'\\' => {
                    marks.is_odd |= self.escape()?;
                    marks.has_escapes = true;
                }
                _ => return Err(NotJson),
            }
        }
        let inner = &self.text[start..self.at];
        self.at += 1;
        Ok((inner, marks))
    }

    /// Goes behind an escape; tells whether it is half a surrogate pair.
    fn escape(&mut self) -> Result<bool, NotJson> {
        let rest = &self.text.as_bytes()[self.at..];
        let (length, is_odd) = match rest.get(1).ok_or(NotJson)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => (2, false),
            b'u' => match (hex(rest).ok_or(NotJson)?, rest.get(6..).and_then(hex)) {
                (0xd800..=0xdbff, Some(0xdc00..=0xdfff)) => (12, false),
                (0xd800..=0xdfff, _) => (6, true),
                _ => (6, false),
            },
            _ => return Err(NotJson),
        };
        self.at += length;
        Ok(is_odd)
    }
}

/// The number of an escape `\uXXXX` at the beginning.
fn hex(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |number, digit| {
        Some(number << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// The text of a checked string; half a surrogate pair becomes U+FFFD.
fn unescaped(inner: &str, has_escapes: bool) -> Cow<'_, str> {
    if !has_escapes {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (letter, length) = one(&rest.as_bytes()[at..]);
        out.push(letter);
        rest = rest.get(at + length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of an escape, and its length.
fn one(escape: &[u8]) -> (char, usize) {
    let letter = match escape.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let first = hex(escape).unwrap_or(0xfffd);
            let second = escape.get(6..).and_then(hex);
            return match (first, second) {
                (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                    let number = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                    (char::from_u32(number).unwrap_or('\u{fffd}'), 12)
                }
                _ => (char::from_u32(first).unwrap_or('\u{fffd}'), 6),
            };
        }
        Some(byte) => char::from(*byte),
        None => '\u{fffd}',
    };
    (letter, 2)
}

#[cfg(test)]
mod tests;
