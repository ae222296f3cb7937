//! Mail (RFC 5322) with its parts (MIME, RFC 2045 and 2046), and mailboxes of many.
//!
//! Parts are found in place, one after the other; `mail-parser` reads their headers. Attachments are documents of their own.

use std::io::{self, Read};

use encoding_rs::Encoding;
use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};

use super::decode;
use super::html;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// Parts in parts. Mail programs make three or four.
const DEPTH_MAX: usize = 16;

/// Headers of one part; servers refuse more (Postfix, `header_size_limit`, has 100 KB).
const HEADER_BYTES_MAX: usize = 256 << 10;

pub(crate) fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    let entity = Entity::of(bytes);
    reading.part("headers")?;
    entity.write_headers(reading)?;
    read_entity(reading, &entity, DEPTH_MAX)
}

/// Messages that begin with "From " at the start of a line (RFC 4155, appendix A).
pub(crate) fn read_mailbox(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    let mut starts = memchr::memmem::find_iter(bytes, b"\nFrom ").map(|at| at + 1);
    let mut from = 0;
    let mut count = 0_u64;
    loop {
        let to = starts.next().unwrap_or(bytes.len());
        let message = &bytes[from..to];
        let start = memchr::memchr(b'\n', message).map_or(message.len(), |at| at + 1);
        count += 1;
        if !reading.has_room_for_entries() {
            return Err(Reason::TooManyEntries);
        }
        reading.enter(&format!("message {count}"), |reading| {
            read(reading, &message[start..])
        })?;
        if to == bytes.len() {
            return Ok(());
        }
        from = to;
    }
}

/// A message or a part of one: headers and body.
struct Entity<'b> {
    head: &'b [u8],
    /// There were more headers than are read.
    is_head_cut: bool,
    body: &'b [u8],
    content_type: Option<ContentType<'b>>,
    disposition: Option<ContentType<'b>>,
    transfer: Transfer,
}

#[derive(Clone, Copy, PartialEq)]
enum Transfer {
    Plain,
    Base64,
    QuotedPrintable,
}

impl<'b> Entity<'b> {
    fn of(bytes: &'b [u8]) -> Entity<'b> {
        let (head, body) = split(bytes);
        let mut entity = Entity {
            head: &head[..head.len().min(HEADER_BYTES_MAX)],
            is_head_cut: head.len() > HEADER_BYTES_MAX,
            body,
            content_type: None,
            disposition: None,
            transfer: Transfer::Plain,
        };
        for (name, value) in headers(entity.head) {
            if name.eq_ignore_ascii_case(b"content-type") {
                entity.content_type = content_type(value);
            } else if name.eq_ignore_ascii_case(b"content-disposition") {
                entity.disposition = content_type(value);
            } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                entity.transfer = match value.trim_ascii() {
                    value if value.eq_ignore_ascii_case(b"base64") => Transfer::Base64,
                    value if value.eq_ignore_ascii_case(b"quoted-printable") => {
                        Transfer::QuotedPrintable
                    }
                    _ => Transfer::Plain,
                };
            }
        }
        entity
    }

    fn write_headers(&self, reading: &mut Reading<'_>) -> Outcome {
        if self.is_head_cut {
            reading.miss(Reason::TooLarge);
        }
        for (name, value) in headers(self.head) {
            reading.text(&String::from_utf8_lossy(name))?;
            reading.text(": ")?;
            match MessageStream::new(value).parse_unstructured() {
                HeaderValue::Text(text) => reading.text(&text)?,
                _ => reading.text(decode::short(value, None).trim())?,
            }
            reading.line()?;
        }
        Ok(())
    }

    fn kind(&self) -> (String, String) {
        match &self.content_type {
            Some(kind) => (
                kind.c_type.to_ascii_lowercase(),
                kind.c_subtype
                    .as_deref()
                    .unwrap_or_default()
                    .to_ascii_lowercase(),
            ),
            // Without a type it is text (RFC 2045, 5.2).
            None => ("text".to_owned(), "plain".to_owned()),
        }
    }

    fn file_name(&self) -> Option<&str> {
        let of_disposition = self
            .disposition
            .as_ref()
            .and_then(|it| it.attribute("filename"));
        of_disposition.or_else(|| self.content_type.as_ref()?.attribute("name"))
    }

    fn charset(&self) -> Option<&'static Encoding> {
        let label = self.content_type.as_ref()?.attribute("charset")?;
        Encoding::for_label(label.as_bytes())
    }

    fn content(&self) -> Box<dyn Read + 'b> {
        match self.transfer {
            Transfer::Plain => Box::new(self.body),
            Transfer::Base64 => Box::new(Base64 {
                rest: self.body,
                bits: 0,
                count: 0,
            }),
            Transfer::QuotedPrintable => Box::new(QuotedPrintable { rest: self.body }),
        }
    }
}

fn content_type(value: &[u8]) -> Option<ContentType<'_>> {
    match MessageStream::new(value).parse_content_type() {
        HeaderValue::ContentType(kind) => Some(kind),
        _ => None,
    }
}

/// Headers end at the first empty line, which belongs to neither.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let after_empty = |rest: &[u8]| match rest {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    };
    if let Some(empty) = after_empty(bytes) {
        return (b"", &bytes[empty..]);
    }
    let mut ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
    match ends.find_map(|end| Some((end, after_empty(&bytes[end..])?))) {
        Some((end, empty)) => (&bytes[..end], &bytes[end + empty..]),
        None => (bytes, b""),
    }
}

/// Names and values, the latter with their folded lines and the end of the last.
fn headers(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = head;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = memchr::memchr_iter(b'\n', rest)
                .find(|at| !matches!(rest.get(at + 1), Some(b' ' | b'\t')))
                .map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            if let Some(colon) = memchr::memchr(b':', line) {
                return Some((line[..colon].trim_ascii(), &line[colon + 1..]));
            }
        }
        None
    })
}

fn read_entity(reading: &mut Reading<'_>, entity: &Entity<'_>, depth_left: usize) -> Outcome {
    if depth_left == 0 {
        return Err(Reason::TooDeep);
    }
    let (kind, subtype) = entity.kind();
    match (&*kind, &*subtype) {
        ("multipart", "encrypted") => {
            reading.miss(Reason::Encrypted);
            read_parts(reading, entity, depth_left)
        }
        ("multipart", _) => read_parts(reading, entity, depth_left),
        ("application", "pkcs7-mime" | "x-pkcs7-mime") if is_enveloped(entity) => {
            Err(Reason::Encrypted)
        }
        ("text", "plain" | "html") if entity.file_name().is_none() => {
            let declared = entity.charset();
            let mut content = entity.content();
            match &*subtype {
                "html" => {
                    reading.part("body (html)")?;
                    html::read_as(reading, &mut content, declared)
                }
                _ => {
                    reading.part("body")?;
                    decode::read_as(reading, &mut content, declared)
                }
            }
        }
        ("message", "rfc822" | "global") => {
            let name = entity.file_name().unwrap_or("message").to_owned();
            let mut content = entity.content();
            match entity.transfer {
                Transfer::Plain => reading.enter(&name, |reading| read(reading, entity.body)),
                _ => reading.entry_stream(&name, &mut content),
            }
        }
        _ => {
            let name = entity.file_name().unwrap_or("attachment").to_owned();
            match entity.transfer {
                Transfer::Plain => reading.entry(&name, entity.body),
                _ => reading.entry_stream(&name, &mut entity.content()),
            }
        }
    }
}

fn is_enveloped(entity: &Entity<'_>) -> bool {
    let kind = entity.content_type.as_ref();
    kind.and_then(|kind| kind.attribute("smime-type")) != Some("signed-data")
}

/// Parts between lines of "--boundary"; what stands before and after them is text too.
fn read_parts(reading: &mut Reading<'_>, entity: &Entity<'_>, depth_left: usize) -> Outcome {
    let boundary = entity
        .content_type
        .as_ref()
        .and_then(|kind| kind.attribute("boundary"));
    let Some(boundary) = boundary.filter(|boundary| !boundary.is_empty()) else {
        reading.part("body")?;
        return decode::read(reading, &mut entity.content());
    };
    let delimiter = format!("--{boundary}");
    let body = entity.body;
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    let mut delimiters = finder
        .find_iter(body)
        .filter(|at| *at == 0 || body[at - 1] == b'\n');
    let first = delimiters.next().unwrap_or(body.len());
    outside(reading, &body[..first])?;
    let mut from = first;
    while from < body.len() {
        let after = &body[from + delimiter.len()..];
        let line = memchr::memchr(b'\n', after).map_or(after.len(), |at| at + 1);
        let start = from + delimiter.len() + line;
        let is_last = after.starts_with(b"--");
        let end = delimiters.next().unwrap_or(body.len());
        let part = &body[start.min(end)..end];
        if is_last {
            outside(reading, part)?;
        } else {
            reading.count_entry()?;
            let part = Entity::of(trim_end(part));
            if part.is_head_cut {
                reading.miss(Reason::TooLarge);
            }
            let outcome = read_entity(reading, &part, depth_left - 1);
            reading.go_on(outcome)?;
        }
        from = end;
    }
    Ok(())
}

/// The line end before a delimiter belongs to the delimiter (RFC 2046, 5.1.1).
fn trim_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

fn outside(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    if bytes.trim_ascii().is_empty() {
        return Ok(());
    }
    reading.part("outside the parts")?;
    decode::read(reading, &mut &bytes[..])
}

/// Base64 with whatever stands between its letters ignored (RFC 2045, 6.8).
struct Base64<'b> {
    rest: &'b [u8],
    bits: u32,
    count: u32,
}

impl Read for Base64<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            let Some((byte, rest)) = self.rest.split_first() else {
                break;
            };
            self.rest = rest;
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                b'=' => {
                    (self.bits, self.count) = (0, 0);
                    continue;
                }
                _ => continue,
            };
            self.bits = self.bits << 6 | u32::from(value);
            self.count += 6;
            if self.count >= 8 {
                self.count -= 8;
                buffer[written] = (self.bits >> self.count) as u8;
                written += 1;
            }
        }
        Ok(written)
    }
}

/// Quoted-printable (RFC 2045, 6.7); what is not well formed stays as it is.
struct QuotedPrintable<'b> {
    rest: &'b [u8],
}

impl Read for QuotedPrintable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            let Some((byte, rest)) = self.rest.split_first() else {
                break;
            };
            self.rest = rest;
            let mut decoded = *byte;
            if decoded == b'=' {
                match rest {
                    [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => {
                        self.rest = rest;
                        continue;
                    }
                    [high, low, after @ ..] => {
                        let digit = |byte: &u8| (*byte as char).to_digit(16);
                        if let (Some(high), Some(low)) = (digit(high), digit(low)) {
                            decoded = (high << 4 | low) as u8;
                            self.rest = after;
                        }
                    }
                    _ => {}
                }
            }
            buffer[written] = decoded;
            written += 1;
        }
        Ok(written)
    }
}
