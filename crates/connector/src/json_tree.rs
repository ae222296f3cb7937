//! A record that is read in one pass, with all its members at hand and as they came: what a connector looks up, and what
//! it keeps as it is, need no second look at the text.
//!
//! The grammar is RFC 8259's. What strict readers refuse beyond it, such as half a surrogate pair, is no error but odd.

use std::borrow::Cow;

use casbah_model::event::Text;

use crate::json::is_refused;

/// Levels whose members are at hand; what lies deeper is passed over.
const LEVELS: usize = 6;
/// Values that are nested deeper are looked at again before they are called plain.
const LEVELS_PLAIN: usize = 60;
/// Longer numbers are looked at again, too: shorter ones fit a double.
const DIGITS_PLAIN: usize = 200;

/// An object and what is in it.
pub struct Tree<'a>(Vec<Node<'a>>);

/// A value. What is in it stands behind it, before `end`.
struct Node<'a> {
    name: Text<'a>,
    raw: &'a str,
    end: usize,
    is_plain: bool,
}

/// A value of a tree, or none.
#[derive(Clone, Copy)]
pub struct Object<'t, 'a> {
    nodes: &'t [Node<'a>],
    at: Option<usize>,
}

impl<'a> Tree<'a> {
    /// Reads a text that is an object, and nothing else.
    pub fn read(raw: &'a [u8]) -> Option<Tree<'a>> {
        let mut reader = Reader {
            text: std::str::from_utf8(raw).ok()?,
            at: 0,
            nodes: Vec::with_capacity(100),
            oddities: 0,
            open: vec![],
        };
        reader.blanks();
        if reader.peek() != Some(b'{') || !reader.value(Cow::Borrowed(""), 0)? {
            return None;
        }
        reader.blanks();
        (reader.at == raw.len()).then_some(Tree(reader.nodes))
    }

    pub fn root(&self) -> Object<'_, 'a> {
        Object {
            nodes: &self.0,
            at: Some(0),
        }
    }
}

impl<'t, 'a> Object<'t, 'a> {
    fn node(self) -> Option<&'t Node<'a>> {
        Some(&self.nodes[self.at?])
    }

    /// Its members, or items; none when it has none, or is not there.
    pub fn each(self) -> impl Iterator<Item = Object<'t, 'a>> {
        let Object { nodes, at } = self;
        let (mut next, end) = at.map_or((0, 0), |at| (at + 1, nodes[at].end));
        std::iter::from_fn(move || {
            let at = (next < end).then_some(next)?;
            next = nodes[at].end;
            let at = Some(at);
            Some(Object { nodes, at })
        })
    }

    /// A member; when a name comes twice the last one holds, as everywhere else in JSON.
    pub fn get(self, name: &str) -> Object<'t, 'a> {
        let is_it = |member: &Object<'t, 'a>| member.node().is_some_and(|node| node.name == name);
        let is_object = self.raw().is_some_and(|raw| raw.starts_with('{'));
        let found = self.each().filter(is_it).last();
        found.filter(|_| is_object).unwrap_or(Object {
            nodes: self.nodes,
            at: None,
        })
    }

    /// The text of a member that says something.
    pub fn text(self, name: &str) -> Option<Text<'a>> {
        let inner = self.get(name).raw()?;
        let text = match inner.strip_prefix('"')?.strip_suffix('"')? {
            inner if inner.contains('\\') => {
                Cow::Owned(serde_json::from_str(self.get(name).raw()?).ok()?)
            }
            inner => Cow::Borrowed(inner),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// The items of a member; none when it is no list.
    pub fn list(self, name: &str) -> impl Iterator<Item = Object<'t, 'a>> {
        let list = self.get(name);
        let is_list = list.raw().is_some_and(|raw| raw.starts_with('['));
        list.each().filter(move |_| is_list)
    }

    /// As it came.
    pub fn raw(self) -> Option<&'a str> {
        self.node().map(|node| node.raw)
    }

    /// JSON by its grammar that strict readers refuse.
    pub fn is_odd(self) -> bool {
        self.node()
            .is_some_and(|node| !node.is_plain && is_refused(node.raw))
    }

    /// The members without these, each name once and in the order of the names.
    pub fn without(self, taken: &[&str]) -> Vec<(Text<'a>, Object<'t, 'a>)> {
        let named = |member: Object<'t, 'a>| Some((member.node()?.name.clone(), member));
        let mut members: Vec<(Text<'a>, Object<'t, 'a>)> = self
            .each()
            .filter_map(named)
            .filter(|(name, _)| !taken.contains(&name.as_ref()))
            .collect();
        // Stable, so that of two members of a name the last stays the last, and holds.
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.reverse();
        members.dedup_by(|one, other| one.0 == other.0);
        members.reverse();
        members
    }
}

/// Reads a text from its beginning to its end. All its functions tell by `None` that the text is no JSON.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node<'a>>,
    /// What was seen that strict readers might refuse.
    oddities: usize,
    /// Brackets that are open in a value that is passed over.
    open: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Reads a value with all that is in it; false if a name in it is one that strict readers refuse.
    fn value(&mut self, name: Text<'a>, level: usize) -> Option<bool> {
        let (begin, place, odd) = (self.at, self.nodes.len(), self.oddities);
        self.nodes.push(Node {
            name,
            raw: "",
            end: 0,
            is_plain: true,
        });
        let is_read = match self.peek()? {
            b'{' if level < LEVELS => self.object(level)?,
            b'[' if level < LEVELS => self.array(level)?,
            _ => self.pass()?,
        };
        if !is_read {
            // As if it were no object.
            self.nodes.truncate(place + 1);
        }
        let end = self.nodes.len();
        let node = &mut self.nodes[place];
        node.end = end;
        node.raw = &self.text[begin..self.at];
        node.is_plain = self.oddities == odd;
        Some(is_read)
    }

    fn object(&mut self, level: usize) -> Option<bool> {
        let mut has_names = true;
        self.at += 1;
        self.blanks();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(true);
        }
        loop {
            let name = self.name()?;
            has_names &= name.is_some();
            self.value(name.unwrap_or_default(), level + 1)?;
            self.blanks();
            match self.next()? {
                b',' => self.blanks(),
                b'}' => return Some(has_names),
                _ => return None,
            }
        }
    }

    fn array(&mut self, level: usize) -> Option<bool> {
        self.at += 1;
        self.blanks();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(true);
        }
        loop {
            self.value(Cow::Borrowed(""), level + 1)?;
            self.blanks();
            match self.next()? {
                b',' => self.blanks(),
                b']' => return Some(true),
                _ => return None,
            }
        }
    }

    /// A name and the colon behind it; no name if strict readers refuse it.
    fn name(&mut self) -> Option<Option<Text<'a>>> {
        let begin = self.at;
        let has_escapes = self.string()?;
        let raw = &self.text[begin..self.at];
        self.blanks();
        (self.next()? == b':').then_some(())?;
        self.blanks();
        Some(match has_escapes {
            true => serde_json::from_str(raw).ok().map(Cow::Owned),
            false => Some(Cow::Borrowed(&raw[1..raw.len() - 1])),
        })
    }

    /// Passes a value over, however deep it is.
    fn pass(&mut self) -> Option<bool> {
        self.open.clear();
        loop {
            let byte = self.peek()?;
            match byte {
                b'{' | b'[' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek()? == byte + 2 {
                        self.at += 1;
                    } else {
                        self.open.push(byte);
                        self.oddities += usize::from(self.open.len() > LEVELS_PLAIN);
                        if byte == b'{' {
                            self.name()?;
                        }
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                b'-' | b'0'..=b'9' => self.number()?,
                _ => self.word()?,
            }
            // Behind a value.
            loop {
                let Some(bracket) = self.open.last().copied() else {
                    return Some(true);
                };
                self.blanks();
                match self.next()? {
                    b',' => {
                        self.blanks();
                        if bracket == b'{' {
                            self.name()?;
                        }
                        break;
                    }
                    // Both closing brackets stand two behind their opening ones.
                    byte if byte == bracket + 2 => self.open.pop(),
                    _ => return None,
                };
            }
        }
    }

    fn word(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let words = ["true", "false", "null"];
        let word = words.into_iter().find(|word| rest.starts_with(word))?;
        self.at += word.len();
        Some(())
    }

    fn digits(&mut self) -> usize {
        let begin = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - begin
    }

    fn number(&mut self) -> Option<()> {
        let begin = self.at;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        let is_zero = self.peek()? == b'0';
        let digits = self.digits();
        if digits == 0 || (is_zero && digits > 1) {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            (self.digits() > 0).then_some(())?;
        }
        let mut exponent = 0;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            exponent = self.digits();
            (exponent > 0).then_some(())?;
        }
        // With 99 as the exponent a number of so many digits fits a double, and an exponent of three digits may not.
        self.oddities += usize::from(exponent > 2 || self.at - begin > DIGITS_PLAIN);
        Some(())
    }

    /// A text with its quotes; says whether it has escapes.
    fn string(&mut self) -> Option<bool> {
        (self.next()? == b'"').then_some(())?;
        let mut has_escapes = false;
        loop {
            self.at += plain_bytes(&self.text.as_bytes()[self.at..]);
            match self.next()? {
                b'"' => return Some(has_escapes),
                b'\\' => has_escapes = true,
                _ => return None,
            }
            match self.next()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    self.oddities += 1;
                    for _ in 0..4 {
                        self.next()?.is_ascii_hexdigit().then_some(())?;
                    }
                }
                _ => return None,
            }
        }
    }
}

/// How many bytes there are before the first that is a quote, a backslash or a control character.
fn plain_bytes(bytes: &[u8]) -> usize {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let last = rest.iter().position(is_special).unwrap_or(rest.len());
    words.len() * 8 + last
}

/// The highest bit of the first byte that is special, and of some behind it (Hacker's Delight, 6-1: the zero byte).
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zeros(word ^ (ONES * b'"' as u64));
    let backslashes = zeros(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGHS
}

#[cfg(test)]
mod tests;
