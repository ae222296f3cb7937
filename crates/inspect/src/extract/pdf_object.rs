//! Objects of PDF (ISO 32000-1, 7.2 and 7.3) from bytes: of files, of object streams, of content.
//!
//! One object has a limit on its values and on its depth, so that no file makes it large; what does not follow the grammar is
//! skipped as readers do.

use std::collections::BTreeMap;

/// Arrays in dictionaries in arrays. Writers make a dozen.
const DEPTH_MAX: usize = 48;

/// Values of one object. Page trees and widths of fonts have some ten thousand.
const VALUES_MAX: usize = 200_000;

/// A text; the rest of a longer one is skipped (ISO 32000-1, annex C, names 32,767 bytes).
const STRING_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    Null,
    Bool(bool),
    Number(f64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Object>),
    Dict(Dict),
    Reference(u32),
    /// A word that is none of the above: an operator, "endobj", "stream".
    Word(Vec<u8>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dict(pub(crate) BTreeMap<Vec<u8>, Object>);

impl Dict {
    pub(crate) fn get(&self, key: &str) -> Option<&Object> {
        self.0.get(key.as_bytes())
    }

    pub(crate) fn name(&self, key: &str) -> Option<&[u8]> {
        match self.get(key) {
            Some(Object::Name(name)) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn is(&self, key: &str, name: &str) -> bool {
        self.name(key) == Some(name.as_bytes())
    }

    /// How many values a copy of it has.
    pub(crate) fn weight(&self) -> usize {
        self.0.values().map(Object::weight).sum()
    }
}

impl Object {
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Object::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn weight(&self) -> usize {
        match self {
            Object::Array(items) => 1 + items.iter().map(Object::weight).sum::<usize>(),
            Object::Dict(dict) => 1 + dict.weight(),
            _ => 1,
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self) -> Option<usize> {
        self.number()
            .filter(|number| *number >= 0.0)
            .map(|number| number as usize)
    }

    pub(crate) fn array(&self) -> Option<&[Object]> {
        match self {
            Object::Array(array) => Some(array),
            _ => None,
        }
    }

    pub(crate) fn dict(&self) -> Option<&Dict> {
        match self {
            Object::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !is_delimiter(byte)
}

/// Reads objects from bytes, one after the other.
#[derive(Clone)]
pub(crate) struct Lexer<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) at: usize,
}

impl<'b> Lexer<'b> {
    pub(crate) fn new(bytes: &'b [u8], at: usize) -> Lexer<'b> {
        Lexer { bytes, at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips spaces and comments.
    pub(crate) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let rest = &self.bytes[self.at..];
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next object; none at the end, or where an object is too large.
    pub(crate) fn object(&mut self) -> Option<Object> {
        self.value(DEPTH_MAX, &mut VALUES_MAX.clone())
    }

    fn value(&mut self, depth: usize, left: &mut usize) -> Option<Object> {
        *left = left.checked_sub(1)?;
        let depth = depth.checked_sub(1)?;
        self.skip_space();
        match self.peek()? {
            b'/' => Some(Object::Name(self.name())),
            b'(' => Some(Object::Text(self.literal())),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => self.dict(depth, left),
            b'<' => Some(Object::Text(self.hexadecimal())),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.skip_space();
                    match self.peek() {
                        None => break,
                        Some(b']') => {
                            self.at += 1;
                            break;
                        }
                        Some(_) => match self.value(depth, left)? {
                            // An array that nobody closed.
                            Object::Word(word) if word == b"endobj" => break,
                            Object::Word(_) => {}
                            item => items.push(item),
                        },
                    }
                }
                Some(Object::Array(items))
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => Some(self.number_or_reference()),
            byte if is_delimiter(byte) => {
                self.at += 1;
                Some(Object::Word(vec![byte]))
            }
            _ => {
                let start = self.at;
                while self.peek().is_some_and(is_regular) {
                    self.at += 1;
                }
                Some(match &self.bytes[start..self.at] {
                    b"true" => Object::Bool(true),
                    b"false" => Object::Bool(false),
                    b"null" => Object::Null,
                    // Words of the language are short; binary data is not.
                    word => Object::Word(word[..word.len().min(32)].to_vec()),
                })
            }
        }
    }

    fn dict(&mut self, depth: usize, left: &mut usize) -> Option<Object> {
        self.at += 2;
        let mut dict = BTreeMap::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => break,
                Some(b'>') => {
                    self.at += 1;
                    if self.peek() == Some(b'>') {
                        self.at += 1;
                        break;
                    }
                }
                Some(b'/') => {
                    let key = self.name();
                    self.skip_space();
                    // A key without a value.
                    if self.peek() == Some(b'>') && self.bytes.get(self.at + 1) == Some(&b'>') {
                        continue;
                    }
                    let value = self.value(depth, left)?;
                    dict.insert(key, value);
                }
                Some(_) => {
                    if let Object::Word(word) = self.value(depth, left)?
                        && matches!(&*word, b"endobj" | b"stream")
                    {
                        self.at -= word.len();
                        break;
                    }
                }
            }
        }
        Some(Object::Dict(Dict(dict)))
    }

    fn name(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(byte) = self.peek().filter(|byte| is_regular(*byte)) {
            self.at += 1;
            let digit = |at: usize| {
                self.bytes
                    .get(at)
                    .and_then(|byte| (*byte as char).to_digit(16))
            };
            match (byte, digit(self.at), digit(self.at + 1)) {
                (b'#', Some(high), Some(low)) => {
                    self.at += 2;
                    name.push((high << 4 | low) as u8);
                }
                _ if name.len() < 256 => name.push(byte),
                _ => {}
            }
        }
        name
    }

    fn literal(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut text = Vec::new();
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            let byte = match byte {
                b'(' => {
                    depth += 1;
                    byte
                }
                b')' if depth == 0 => break,
                b')' => {
                    depth -= 1;
                    byte
                }
                b'\\' => match self.escape() {
                    Some(byte) => byte,
                    None => continue,
                },
                byte => byte,
            };
            if text.len() < STRING_BYTES_MAX {
                text.push(byte);
            }
        }
        text
    }

    fn escape(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(12),
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
                None
            }
            b'\n' => None,
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    match self.peek() {
                        Some(digit @ b'0'..=b'7') => {
                            self.at += 1;
                            value = value << 3 | u32::from(digit - b'0');
                        }
                        _ => break,
                    }
                }
                Some(value as u8)
            }
            byte => Some(byte),
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut text = Vec::new();
        let mut high = None;
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            let Some(digit) = (byte as char).to_digit(16) else {
                continue;
            };
            match high.take() {
                None => high = Some(digit),
                Some(high) if text.len() < STRING_BYTES_MAX => text.push((high << 4 | digit) as u8),
                Some(_) => {}
            }
        }
        // The last digit may be missing.
        text.extend(high.map(|high| (high << 4) as u8));
        text
    }

    fn number_or_reference(&mut self) -> Object {
        let number = self.number();
        if number < 0.0 || number.fract() != 0.0 || number > f64::from(u32::MAX) {
            return Object::Number(number);
        }
        // "12 0 R" is a reference; anything else leaves the number alone.
        let mut ahead = self.clone();
        let mut digits = 0;
        if !ahead.peek().is_some_and(is_space) {
            return Object::Number(number);
        }
        ahead.skip_space();
        while ahead.peek().is_some_and(|byte| byte.is_ascii_digit()) && digits < 6 {
            ahead.at += 1;
            digits += 1;
        }
        if digits == 0 || !ahead.peek().is_some_and(is_space) {
            return Object::Number(number);
        }
        ahead.skip_space();
        if ahead.peek() == Some(b'R')
            && !ahead
                .bytes
                .get(ahead.at + 1)
                .copied()
                .is_some_and(is_regular)
        {
            self.at = ahead.at + 1;
            return Object::Reference(number as u32);
        }
        Object::Number(number)
    }

    fn number(&mut self) -> f64 {
        let (mut value, mut scale, mut sign) = (0.0_f64, 0.0_f64, 1.0_f64);
        while let Some(byte) = self.peek() {
            match byte {
                b'-' => sign = -1.0,
                b'+' => {}
                b'.' => scale = 1.0,
                b'0'..=b'9' if scale > 0.0 => {
                    scale /= 10.0;
                    value += f64::from(byte - b'0') * scale;
                }
                b'0'..=b'9' => value = value * 10.0 + f64::from(byte - b'0'),
                byte if is_regular(byte) => {
                    // Letters in a number: the word ends there, as readers have it.
                    if byte.is_ascii_alphabetic() {
                        break;
                    }
                }
                _ => break,
            }
            self.at += 1;
        }
        sign * value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        let object = Lexer::new(written.as_bytes(), 0).object();
        assert_eq!(format!("{object:?}"), expected, "{written}");
    }

    #[test]
    fn objects_are_what_they_are_written_as() {
        check(" % comment\n12", "Some(Number(12.0))");
        check("-.5", "Some(Number(-0.5))");
        check("12 0 R", "Some(Reference(12))");
        check("12 0 RG", "Some(Number(12.0))");
        check("/A#20B", "Some(Name([65, 32, 66]))");
        check(
            "(a\\(b(c)\\101\\\n)",
            "Some(Text([97, 40, 98, 40, 99, 41, 65]))",
        );
        check("<4 142>", "Some(Text([65, 66]))");
        check("[1 (a", "Some(Array([Number(1.0), Text([97])]))");
        check("<< /A 1 /B >>", "Some(Dict(Dict({[65]: Number(1.0)})))");
        check("BT", "Some(Word([66, 84]))");
        check(">", "Some(Word([62]))");
        check("", "None");
        check(&"[".repeat(100), "None");
        check(&format!("[{}]", "1 ".repeat(VALUES_MAX)), "None");
    }
}
