//! JSON written straight into a text: objects field by field, with the caller's `$select` applied.

/// Writes a text with its quotes.
pub fn push_text(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "?",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(escaped);
        from = at + 1;
    }
    out.push_str(&text[from..]);
    out.push('"');
}

pub fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    push_text(&mut out, value);
    out
}

/// Which fields the caller asked for; `None` is all of them.
#[derive(Clone, Copy)]
pub struct Select<'a>(pub Option<&'a [String]>);

impl Select<'_> {
    pub const ALL: Select<'static> = Select(None);

    /// `members@delta` is asked for as `members`.
    pub fn has(self, name: &str) -> bool {
        let name = name.strip_suffix("@delta").unwrap_or(name);
        name == "id"
            || name.starts_with('@')
            || self
                .0
                .is_none_or(|names| names.iter().any(|known| known == name))
    }
}

/// An object being written; `end` closes it.
pub struct Object<'a> {
    out: &'a mut String,
    select: Select<'a>,
    is_first: bool,
}

impl<'a> Object<'a> {
    pub fn new(out: &'a mut String, select: Select<'a>) -> Object<'a> {
        out.push('{');
        Object {
            out,
            select,
            is_first: true,
        }
    }

    fn name(&mut self, name: &str) -> bool {
        if !self.select.has(name) {
            return false;
        }
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        push_text(self.out, name);
        self.out.push(':');
        true
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        if self.name(name) {
            push_text(self.out, value);
        }
        self
    }

    /// A text, or null.
    pub fn maybe(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    pub fn number(&mut self, name: &str, value: u64) -> &mut Self {
        if self.name(name) {
            self.out.push_str(&value.to_string());
        }
        self
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, name: &str, value: &str) -> &mut Self {
        if self.name(name) {
            self.out.push_str(value);
        }
        self
    }

    pub fn end(self) {
        self.out.push('}');
    }
}

/// The object that `write` fills, as a text.
pub fn object(write: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = String::new();
    let mut object = Object::new(&mut out, Select::ALL);
    write(&mut object);
    object.end();
    out
}
