//! JSON read record by record, in constant memory whatever the size of the answer.
//!
//! The splitter only finds where records begin and end; whether one is valid JSON is found out by who reads it.

use casbah_model::transport::{Body, Bytes, TransportError};
use memchr::memchr2;

/// Larger records are passed over and reported as [`Piece::Oversized`].
pub const RECORD_BYTES_MAX: usize = 8 << 20;
/// What is kept of a record that is too large.
const HEAD_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Everything around the records: links and counts.
const ENVELOPE_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("the answer is not the JSON that was asked for: {found}")]
    NotJson { found: String },
    /// The body ended inside a record or before the list was closed.
    #[error("the answer ends in the middle")]
    Truncated,
    #[error("more than {ENVELOPE_BYTES_MAX} bytes around the records of the answer")]
    EnvelopeTooLarge,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// One element of the list, byte for byte.
    Record(&'a [u8]),
    /// An element above [`RECORD_BYTES_MAX`]; only its beginning is kept.
    Oversized { head: &'a [u8], bytes: u64 },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first byte that is not white space.
    Start,
    /// In the object around the list, outside of it.
    Envelope,
    /// In the list, between elements.
    Between,
    /// In an element.
    Element,
    /// After the last byte of the answer that means something.
    End,
}

/// The elements of one list in an answer, in order.
pub struct Records {
    body: Box<dyn Body>,
    /// The list is this member of the answer, or the answer itself.
    member: Option<&'static str>,
    buffer: Vec<u8>,
    /// Where the current element begins, and up to where it was looked at.
    begin: usize,
    scan: usize,
    place: Place,
    /// Open brackets: of the element in a list, of the envelope outside.
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// Bytes of an oversized element that were dropped already.
    dropped: u64,
    head: Vec<u8>,
    envelope: Vec<u8>,
    /// Where the last string of the envelope lies in `envelope`, to recognise the member's name.
    name: (usize, usize),
    is_after_colon: bool,
    is_body_over: bool,
}

impl Records {
    /// Reads an answer that is a list.
    pub fn array(body: Box<dyn Body>) -> Records {
        Records::new(body, None)
    }

    /// Reads an answer that is an object, one member of which is the list.
    pub fn member(body: Box<dyn Body>, name: &'static str) -> Records {
        Records::new(body, Some(name))
    }

    fn new(body: Box<dyn Body>, member: Option<&'static str>) -> Records {
        Records {
            body,
            member,
            buffer: Vec::new(),
            begin: 0,
            scan: 0,
            place: Place::Start,
            depth: 0,
            in_string: false,
            is_escaped: false,
            dropped: 0,
            head: Vec::new(),
            envelope: Vec::new(),
            name: (0, 0),
            is_after_colon: false,
            is_body_over: false,
        }
    }

    /// The next element; `None` after the last one, when the whole answer was read.
    pub async fn next(&mut self) -> Result<Option<Piece<'_>>, StreamError> {
        loop {
            if let Some((begin, end)) = self.advance()? {
                return Ok(Some(self.piece(begin, end)));
            }
            if self.is_body_over {
                return if self.place == Place::End {
                    Ok(None)
                } else {
                    Err(StreamError::Truncated)
                };
            }
            match self.body.chunk().await? {
                Some(chunk) => self.take(&chunk),
                None => self.finish()?,
            }
        }
    }

    /// What was around the list, with an empty list in its place; complete after `next` gave `None`.
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    fn take(&mut self, chunk: &Bytes) {
        // Everything before `begin` is done with: elements were handed out, envelope bytes were copied.
        self.buffer.drain(..self.begin);
        self.scan -= self.begin;
        self.begin = 0;
        self.buffer.extend_from_slice(chunk);
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        self.is_body_over = true;
        match self.place {
            Place::Start => Err(StreamError::NotJson {
                found: "an empty answer".into(),
            }),
            _ => Ok(()),
        }
    }

    fn piece(&mut self, begin: usize, end: usize) -> Piece<'_> {
        let bytes = std::mem::take(&mut self.dropped) + (end - begin) as u64;
        if bytes <= RECORD_BYTES_MAX as u64 {
            return Piece::Record(&self.buffer[begin..end]);
        }
        if bytes == (end - begin) as u64 {
            self.head = self.buffer[begin..begin + HEAD_BYTES].to_vec();
        }
        Piece::Oversized {
            head: &self.head,
            bytes,
        }
    }

    /// Looks at what is buffered; returns where the next whole element lies.
    fn advance(&mut self) -> Result<Option<(usize, usize)>, StreamError> {
        while self.scan < self.buffer.len() {
            match self.place {
                Place::Start => self.start()?,
                Place::Envelope => self.around()?,
                Place::Between => self.between()?,
                Place::Element => {
                    if let Some(end) = self.element() {
                        let begin = std::mem::replace(&mut self.begin, end);
                        self.place = Place::Between;
                        return Ok(Some((begin, end)));
                    }
                    self.drop_oversized();
                }
                Place::End => self.trailing()?,
            }
        }
        if self.place != Place::Element {
            self.begin = self.scan;
        }
        Ok(None)
    }

    fn start(&mut self) -> Result<(), StreamError> {
        let byte = self.buffer[self.scan];
        self.scan += 1;
        // A byte order mark is not JSON, yet some servers send one; `depth` counts its bytes.
        if BYTE_ORDER_MARK.get(self.depth) == Some(&byte) {
            self.depth += 1;
            return Ok(());
        }
        match (byte, self.member) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            (b'[', None) => {
                self.depth = 0;
                self.place = Place::Between;
            }
            (b'{', Some(_)) => {
                self.envelope.push(byte);
                self.depth = 1;
                self.place = Place::Envelope;
            }
            (b'{', None) => return Err(not_json("an object instead of a list")),
            (b'[', Some(_)) => return Err(not_json("a list instead of an object")),
            (b'<', _) => return Err(not_json("a page of markup")),
            _ => return Err(not_json("neither an object nor a list")),
        }
        Ok(())
    }

    fn around(&mut self) -> Result<(), StreamError> {
        let byte = self.buffer[self.scan];
        self.scan += 1;
        if self.envelope.len() >= ENVELOPE_BYTES_MAX {
            return Err(StreamError::EnvelopeTooLarge);
        }
        self.envelope.push(byte);
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => {
                    self.in_string = false;
                    self.name.1 = self.envelope.len() - 1;
                }
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if !self.is_after_colon {
                    self.name = (self.envelope.len(), self.envelope.len());
                }
            }
            b':' => self.is_after_colon = true,
            b',' => self.is_after_colon = false,
            b'[' if self.depth == 1 && self.is_after_colon && self.is_member() => {
                self.place = Place::Between
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.is_after_colon = false;
            }
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.place = Place::End;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn is_member(&self) -> bool {
        let name = self.envelope.get(self.name.0..self.name.1);
        self.member
            .is_some_and(|member| name == Some(member.as_bytes()))
    }

    fn between(&mut self) -> Result<(), StreamError> {
        let byte = self.buffer[self.scan];
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => self.scan += 1,
            b']' => {
                self.scan += 1;
                if self.member.is_some() {
                    self.envelope.push(byte);
                    self.place = Place::Envelope;
                } else {
                    self.place = Place::End;
                }
            }
            b'}' => return Err(not_json("brackets that do not match")),
            _ => {
                self.begin = self.scan;
                self.depth = 0;
                self.place = Place::Element;
                return Ok(());
            }
        }
        self.begin = self.scan;
        Ok(())
    }

    /// Looks for the end of the current element; `None` when it is not buffered yet.
    fn element(&mut self) -> Option<usize> {
        while self.scan < self.buffer.len() {
            if self.in_string {
                self.string()?;
                if self.depth == 0 {
                    self.restore_depth();
                    return Some(self.scan);
                }
                continue;
            }
            match self.buffer[self.scan] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.scan += 1;
                        self.restore_depth();
                        return Some(self.scan);
                    }
                }
                // A number or word at the top of the list ends where the next element or the list's end begins.
                b',' | b']' | b'}' if self.depth == 0 => {
                    self.restore_depth();
                    return Some(self.scan);
                }
                _ => {}
            }
            self.scan += 1;
        }
        None
    }

    /// Passes over a string, which may end in a later chunk.
    fn string(&mut self) -> Option<()> {
        if std::mem::take(&mut self.is_escaped) {
            self.scan += 1;
        }
        while let Some(found) = self
            .buffer
            .get(self.scan..)
            .and_then(|rest| memchr2(b'"', b'\\', rest))
        {
            self.scan += found + 1;
            if self.buffer[self.scan - 1] == b'"' {
                self.in_string = false;
                return Some(());
            }
            if self.scan >= self.buffer.len() {
                self.is_escaped = true;
                return None;
            }
            self.scan += 1;
        }
        self.scan = self.buffer.len();
        None
    }

    /// `depth` counts brackets of the element while one is read, and of the envelope otherwise.
    fn restore_depth(&mut self) {
        self.depth = usize::from(self.member.is_some());
    }

    fn drop_oversized(&mut self) {
        if self.scan - self.begin <= RECORD_BYTES_MAX {
            return;
        }
        if self.dropped == 0 {
            self.head = self.buffer[self.begin..self.begin + HEAD_BYTES].to_vec();
        }
        self.dropped += (self.scan - self.begin) as u64;
        self.begin = self.scan;
    }

    fn trailing(&mut self) -> Result<(), StreamError> {
        let byte = self.buffer[self.scan];
        self.scan += 1;
        if byte.is_ascii_whitespace() {
            Ok(())
        } else {
            Err(not_json("something after its end"))
        }
    }
}

fn not_json(found: &str) -> StreamError {
    StreamError::NotJson {
        found: found.into(),
    }
}

#[cfg(test)]
mod tests;
