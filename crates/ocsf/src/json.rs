//! JSON written straight into a buffer: every member ends with a comma, and closing takes the last one back.

use casbah_model::event::{Text, Value};
use casbah_model::json::escape;

/// Longer texts are cut: the schema's limit for strings, in characters (`dictionary.json`, type `string_t`).
const CHARACTERS_MAX: usize = 65_535;

pub(crate) struct Json<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Json<'o> {
    /// Begins an object at the end of `out`.
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Json<'o> {
        out.push(b'{');
        Json { out }
    }

    /// Ends the object that `begin` began.
    pub(crate) fn end(self) {
        if self.out.last() == Some(&b',') {
            self.out.pop();
        }
        self.out.push(b'}');
    }

    fn key(&mut self, key: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        push_text(self.out, value);
        self.out.push(b',');
    }

    /// Texts of our own in one, which need no escaping.
    pub(crate) fn joined(&mut self, key: &str, parts: &[&str]) {
        self.key(key);
        self.out.push(b'"');
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.extend_from_slice(b"\",");
    }

    pub(crate) fn maybe(&mut self, key: &str, value: &Option<Text<'_>>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        push_number(self.out, value);
        self.out.push(b',');
    }

    pub(crate) fn signed(&mut self, key: &str, value: i64) {
        self.key(key);
        if value < 0 {
            self.out.push(b'-');
        }
        push_number(self.out, value.unsigned_abs());
        self.out.push(b',');
    }

    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out
            .extend_from_slice(if value { b"true," } else { b"false," });
    }

    pub(crate) fn value(&mut self, key: &str, value: &Value<'_>) {
        self.out.reserve(key.len() + 8);
        push_text(self.out, key);
        self.out.push(b':');
        match value {
            Value::Json(json) => push_line(self.out, json.as_bytes()),
            Value::Text(text) => push_text(self.out, text),
        }
        self.out.push(b',');
    }

    /// An item of a list of texts.
    pub(crate) fn item(&mut self, value: &str) {
        push_text(self.out, value);
        self.out.push(b',');
    }

    /// An object, left out when `fill` writes nothing.
    pub(crate) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Json<'_>)) {
        let start = self.out.len();
        self.key(key);
        self.out.push(b'{');
        self.filled(start, fill);
    }

    /// An object in a list, left out when `fill` writes nothing.
    pub(crate) fn object_item(&mut self, fill: impl FnOnce(&mut Json<'_>)) {
        let start = self.out.len();
        self.out.push(b'{');
        self.filled(start, fill);
    }

    fn filled(&mut self, start: usize, fill: impl FnOnce(&mut Json<'_>)) {
        fill(&mut Json { out: self.out });
        match self.out.last_mut() {
            Some(last) if *last == b',' => {
                *last = b'}';
                self.out.push(b',');
            }
            _ => self.out.truncate(start),
        }
    }

    /// A list, which may be empty.
    pub(crate) fn list(&mut self, key: &str, fill: impl FnOnce(&mut Json<'_>)) {
        self.key(key);
        self.out.push(b'[');
        fill(&mut Json { out: self.out });
        match self.out.last_mut() {
            Some(last) if *last == b',' => *last = b']',
            _ => self.out.push(b']'),
        }
        self.out.push(b',');
    }

    /// A list, left out when `fill` writes nothing.
    pub(crate) fn list_if_any(&mut self, key: &str, fill: impl FnOnce(&mut Json<'_>)) {
        let start = self.out.len();
        self.list(key, fill);
        if self.out.ends_with(b"[],") {
            self.out.truncate(start);
        }
    }
}

/// JSON as it came, on one line: breaks stand only between its values, and an event is one line for many readers.
fn push_line(out: &mut Vec<u8>, json: &[u8]) {
    // Looks at all bytes, many at a time: breaks are rare.
    if json.iter().fold(false, |has, byte| has | (*byte < b' ')) {
        out.extend(json.iter().filter(|byte| **byte >= b' '));
    } else {
        out.extend_from_slice(json);
    }
}

fn push_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, cut(text));
    out.push(b'"');
}

fn cut(text: &str) -> &str {
    if text.len() <= CHARACTERS_MAX {
        return text;
    }
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

#[cfg(test)]
mod tests;
