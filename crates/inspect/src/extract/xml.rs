//! XML as a stream of nodes. Entities are never expanded and nothing is fetched: what is not one of the five predefined ones or
//! a number stays as it is written.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::budget::{Blamed, Budget};
use super::decode::Utf8;
use super::reading::Outcome;
use crate::report::Reason;

/// One tag, comment or text between tags is held in memory; a cell has at most 32,767 characters (Excel specifications and
/// limits), so that this is far above anything but an attack.
const NODE_BYTES_MAX: usize = 8 << 20;

/// Texts with entities are put together up to this.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Elements in elements. Documents have some dozens.
const DEPTH_MAX: usize = 1024;

/// The names of open elements are kept.
const NAME_BYTES_MAX: usize = 1024;

/// What comes next in a document. Names are without their prefix.
pub(crate) enum Node<'x> {
    Start(&'x str, Attributes<'x>),
    End(&'x str),
    Text(&'x str),
    Comment(&'x str),
}

#[derive(Clone, Copy)]
pub(crate) struct Attributes<'x>(&'x BytesStart<'x>);

impl<'x> Attributes<'x> {
    /// The attribute of this name, whatever its prefix.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'x, str>> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All attributes, names without their prefix, without declarations of namespaces.
    pub(crate) fn iter(self) -> impl Iterator<Item = (&'x str, Cow<'x, str>)> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        attributes.flatten().filter_map(|attribute| {
            let name = attribute.key.into_inner();
            if name == "xmlns" || name.starts_with("xmlns:") {
                return None;
            }
            let value = match attribute.normalized_value(XmlVersion::Implicit1_0) {
                Ok(value) => value,
                // An entity that nobody knows.
                Err(_) => attribute.value,
            };
            Some((local(name), value))
        })
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Walks through a document; `visit` gets each node.
pub(crate) fn walk(
    budget: &Budget,
    input: &mut dyn Read,
    visit: &mut dyn FnMut(Node<'_>) -> Outcome,
) -> Outcome {
    let input = BufReader::with_capacity(32 << 10, Utf8::new(input, None));
    let mut reader = Reader::from_reader(Bounded { input, used: 0 });
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut buffer = Vec::new();
    let mut text = String::new();
    let mut depth = 0_usize;
    loop {
        buffer.clear();
        reader.get_mut().used = 0;
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|error| match error {
                Error::Io(error) => budget.blame(&error),
                _ => Reason::Corrupt,
            })?;
        // A text comes in pieces where it has entities; it is one for whoever reads it, up to a limit.
        let is_text = matches!(
            event,
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_)
        );
        if !text.is_empty() && (!is_text || text.len() > TEXT_BYTES_MAX) {
            visit(Node::Text(&text))?;
            text.clear();
        }
        match event {
            Event::Start(start) => {
                let name = start.name().into_inner();
                depth += 1;
                if depth > DEPTH_MAX || name.len() > NAME_BYTES_MAX {
                    return Err(Reason::TooDeep);
                }
                visit(Node::Start(local(name), Attributes(&start)))?;
            }
            Event::Empty(start) => {
                let name = local(start.name().into_inner());
                visit(Node::Start(name, Attributes(&start)))?;
                visit(Node::End(name))?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visit(Node::End(local(end.name().into_inner())))?;
            }
            Event::Text(piece) => text.push_str(&piece.xml10_content()),
            Event::CData(piece) => text.push_str(&piece.xml10_content()),
            Event::GeneralRef(reference) => push_reference(&mut text, &reference),
            Event::Comment(text) => visit(Node::Comment(&text.xml10_content()))?,
            Event::PI(instruction) => visit(Node::Comment(&instruction.into_inner()))?,
            Event::DocType(text) => visit(Node::Comment(&text.xml10_content()))?,
            Event::Decl(_) => {}
            Event::Eof => return Ok(()),
        }
    }
}

/// What an entity stands for: a number, one of the five that all know, or else itself.
fn push_reference(text: &mut String, reference: &BytesRef<'_>) {
    if let Ok(Some(char)) = reference.resolve_char_ref() {
        text.push(char);
        return;
    }
    let name = reference.borrow().into_inner();
    match quick_xml::escape::resolve_predefined_entity(&name) {
        Some(known) => text.push_str(known),
        None => text.extend(["&", &*name, ";"]),
    }
}

/// Stops a node that is too long for memory.
struct Bounded<R> {
    input: R,
    used: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.input.read(buffer)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.used > NODE_BYTES_MAX {
            return Err(std::io::Error::other(Blamed(Reason::TooLarge)));
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.used += bytes;
        self.input.consume(bytes);
    }
}
