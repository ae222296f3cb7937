//! HTML as browsers tokenise it: text, what attributes and comments say, hidden elements and scripts.
//!
//! Nothing is rendered: what a style hides is text like any other.

use std::convert::Infallible;
use std::io::Read;

use encoding_rs::Encoding;
use html5gum::{Emitter, Error, IoReader, State, Tokenizer};

use super::decode::{self, Utf8};
use super::reading::{HEAD_BYTES, Outcome, Reading};

/// Names of tags and attributes are short; the rest of a longer one is not kept.
const NAME_BYTES_MAX: usize = 64;

/// Values and comments are handed over in pieces of this.
const VALUE_BYTES_MAX: usize = 32 << 10;

/// Values of these say nothing.
const DULL: [&[u8]; 12] = [
    b"class", b"style", b"width", b"height", b"xmlns", b"d", b"viewbox", b"colspan", b"rowspan",
    b"align", b"valign", b"lang",
];

/// Elements that do not end a line (HTML standard, 15.3.3 has those that do, which are more).
const INLINE: [&[u8]; 30] = [
    b"a", b"abbr", b"acronym", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del",
    b"dfn", b"em", b"font", b"i", b"ins", b"kbd", b"label", b"mark", b"q", b"s", b"samp", b"small",
    b"span", b"strong", b"sub", b"sup", b"u", b"var", b"wbr",
];

pub(crate) fn read(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    read_as(reading, input, None)
}

/// Reads HTML whose encoding someone declared; else the one that it declares itself.
pub(crate) fn read_as(
    reading: &mut Reading<'_>,
    input: &mut dyn Read,
    declared: Option<&'static Encoding>,
) -> Outcome {
    let budget = reading.budget;
    let mut head = Vec::new();
    let mut input = input;
    // The declaration stands within the first KB (HTML standard, 4.2.5.4); pages are known to break that rule.
    let read = (&mut input).take(HEAD_BYTES as u64).read_to_end(&mut head);
    read.map_err(|error| budget.blame(&error))?;
    let declared = declared.or_else(|| declaration(&head));
    let text = Utf8::new(head.chain(input), declared);
    let page = Page {
        reading,
        outcome: Ok(()),
        tag: Vec::new(),
        last_start: Vec::new(),
        is_end: false,
        attribute: Vec::new(),
        value: Vec::new(),
        carried: Vec::new(),
    };
    let mut tokens = Tokenizer::new_with_emitter(IoReader::new(text), page);
    match tokens.next() {
        None => Ok(()),
        // The page wants no more.
        Some(Ok(Err(reason))) => Err(reason),
        Some(Ok(Ok(never))) => match never {},
        Some(Err(error)) => Err(budget.blame(&error)),
    }
}

/// The encoding that a page says it has.
fn declaration(head: &[u8]) -> Option<&'static Encoding> {
    let at = memchr::memmem::find_iter(head, b"charset").next()?;
    let rest = head[at + 7..].trim_ascii_start().strip_prefix(b"=")?;
    let rest = rest.trim_ascii_start();
    let rest = rest
        .strip_prefix(b"\"")
        .or(rest.strip_prefix(b"'"))
        .unwrap_or(rest);
    let end = rest
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:".contains(byte));
    Encoding::for_label(&rest[..end.unwrap_or(rest.len())])
}

/// Receives what the tokeniser sees. It may be in pieces, which end anywhere.
struct Page<'p, 'r> {
    reading: &'p mut Reading<'r>,
    outcome: Outcome,
    tag: Vec<u8>,
    last_start: Vec<u8>,
    is_end: bool,
    attribute: Vec<u8>,
    value: Vec<u8>,
    /// The start of a character that goes on in the next piece.
    carried: Vec<u8>,
}

impl Page<'_, '_> {
    fn hand_over(&mut self, text: &[u8]) {
        if self.outcome.is_err() {
            return;
        }
        if self.carried.is_empty()
            && let Ok(text) = std::str::from_utf8(text)
        {
            self.outcome = self.reading.text(text);
            return;
        }
        self.carried.extend_from_slice(text);
        let valid = match std::str::from_utf8(&self.carried) {
            Ok(_) => self.carried.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            // Never the input's, which is UTF-8; told as it is.
            Err(_) => {
                let text = String::from_utf8_lossy(&self.carried).into_owned();
                self.carried.clear();
                self.outcome = self.reading.text(&text);
                return;
            }
        };
        let rest = self.carried.split_off(valid);
        let text = std::mem::replace(&mut self.carried, rest);
        self.outcome = self.reading.text(&String::from_utf8_lossy(&text));
    }

    fn then(&mut self, f: impl FnOnce(&mut Reading<'_>) -> Outcome) {
        if self.outcome.is_ok() {
            self.outcome = f(self.reading);
        }
    }

    /// What was gathered of a value or a comment.
    fn remark(&mut self) {
        let value = std::mem::take(&mut self.value);
        let is_dull = DULL.contains(&&self.attribute[..]);
        if !value.is_empty() && !is_dull {
            self.then(|reading| reading.aside(&String::from_utf8_lossy(&value)));
        }
        self.value = value;
        self.value.clear();
    }

    fn gather(&mut self, piece: &[u8]) {
        self.value.extend_from_slice(piece);
        if self.value.len() > VALUE_BYTES_MAX {
            self.remark();
        }
    }

    fn end_attribute(&mut self) {
        self.remark();
        self.attribute.clear();
    }
}

fn push_name(name: &mut Vec<u8>, piece: &[u8]) {
    let room = NAME_BYTES_MAX.saturating_sub(name.len());
    name.extend_from_slice(&piece[..piece.len().min(room)]);
}

impl Emitter for Page<'_, '_> {
    type Token = Result<Infallible, crate::Reason>;

    fn set_last_start_tag(&mut self, tag: Option<&[u8]>) {
        self.last_start.clear();
        self.last_start.extend_from_slice(tag.unwrap_or_default());
    }

    fn emit_eof(&mut self) {
        self.remark();
    }

    fn emit_error(&mut self, _: Error) {}

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn pop_token(&mut self) -> Option<Self::Token> {
        match self.outcome {
            Ok(()) => None,
            Err(reason) => Some(Err(reason)),
        }
    }

    fn emit_string(&mut self, text: &[u8]) {
        self.hand_over(text);
    }

    fn init_start_tag(&mut self) {
        self.tag.clear();
        self.is_end = false;
    }

    fn init_end_tag(&mut self) {
        self.tag.clear();
        self.is_end = true;
    }

    fn init_comment(&mut self) {
        self.attribute.clear();
        self.value.clear();
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.end_attribute();
        let tag = std::mem::take(&mut self.tag);
        match &*tag {
            b"td" | b"th" if self.is_end => self.then(|reading| reading.text("\t")),
            b"td" | b"th" => {}
            name if INLINE.contains(&name) => {}
            _ => self.then(|reading| reading.line()),
        }
        if self.is_end {
            self.tag = tag;
            return None;
        }
        self.last_start.clone_from(&tag);
        let state = html5gum::naive_next_state(&tag);
        self.tag = tag;
        state
    }

    fn emit_current_comment(&mut self) {
        self.remark();
    }

    fn emit_current_doctype(&mut self) {}

    fn set_self_closing(&mut self) {}

    fn set_force_quirks(&mut self) {}

    fn push_tag_name(&mut self, piece: &[u8]) {
        push_name(&mut self.tag, piece);
    }

    fn push_comment(&mut self, piece: &[u8]) {
        self.gather(piece);
    }

    fn push_doctype_name(&mut self, _: &[u8]) {}

    fn init_doctype(&mut self) {}

    fn init_attribute(&mut self) {
        self.end_attribute();
    }

    fn push_attribute_name(&mut self, piece: &[u8]) {
        push_name(&mut self.attribute, piece);
    }

    fn push_attribute_value(&mut self, piece: &[u8]) {
        self.gather(piece);
    }

    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && !self.tag.is_empty() && self.tag == self.last_start
    }
}

/// A page that is in memory, as a part of something else.
pub(crate) fn read_text(
    reading: &mut Reading<'_>,
    page: &[u8],
    declared: Option<&'static Encoding>,
) -> Outcome {
    match decode::looks_like_text(page) {
        true => read_as(reading, &mut &page[..], declared),
        false => Ok(()),
    }
}
