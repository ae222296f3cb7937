//! The reading of one document with everything in it: where we are, what was handed over, what was left out and why.
//!
//! Readers say `part`, `text` and `line`; documents in documents come back here through `document`, `stream` and `entry`.

use std::cell::Cell;
use std::io::{self, Read as _};

use super::budget::Budget;
use super::kind::{self, Kind};
use super::{Limits, Read};
use crate::guard;
use crate::report::{Flow, Inspected, Reason, TextSink};

/// What a reader ends with; an error leaves the rest of its document unread, and everything else goes on.
pub(crate) type Outcome = Result<(), Reason>;

/// Pieces are gathered up to this before they are handed over: a sheet has millions of small ones.
const PIECE_BYTES: usize = 16 << 10;

/// Remarks beside the text are kept until the paragraph ends, but no more than this.
const ASIDE_BYTES_MAX: usize = 64 << 10;

/// As much is looked at to tell a format.
pub(crate) const HEAD_BYTES: usize = 64 << 10;

/// Longer names are cut when they are shown; file systems end at 255 bytes.
const NAME_CHARS_MAX: usize = 200;

pub(crate) struct Reading<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) budget: &'a Budget,
    sink: &'a mut dyn TextSink,
    /// Names of the documents that we are in, without the outermost.
    path: Vec<String>,
    entries: u64,
    held: u64,
    /// The part that begins with the next text.
    part: Option<String>,
    /// Where we are, for what is left out.
    here: String,
    pending: String,
    aside: String,
    ends_line: bool,
    chars: u64,
    is_stopped: bool,
    missed: Vec<(String, Reason)>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(limits: &'a Limits, budget: &'a Budget, sink: &'a mut dyn TextSink) -> Self {
        Reading {
            limits,
            budget,
            sink,
            path: Vec::new(),
            entries: 0,
            held: 0,
            part: Some("document".to_owned()),
            here: "document".to_owned(),
            pending: String::new(),
            aside: String::new(),
            ends_line: true,
            chars: 0,
            is_stopped: false,
            missed: Vec::new(),
        }
    }

    /// Another part begins; `""` is the main text of the document.
    pub(crate) fn part(&mut self, name: &str) -> Outcome {
        self.flush()?;
        let name = shown(name);
        self.here = match (self.path.is_empty(), name.is_empty()) {
            (true, true) => "document".to_owned(),
            (true, false) => name,
            (false, true) => self.path.join("/"),
            (false, false) => format!("{}, {name}", self.path.join("/")),
        };
        self.part = Some(self.here.clone());
        self.ends_line = true;
        Ok(())
    }

    /// Text in reading order.
    pub(crate) fn text(&mut self, piece: &str) -> Outcome {
        if piece.is_empty() {
            return Ok(());
        }
        self.ends_line = piece.ends_with('\n');
        if self.pending.len() + piece.len() <= PIECE_BYTES {
            self.pending.push_str(piece);
            return Ok(());
        }
        self.hand_over()?;
        if piece.len() >= PIECE_BYTES {
            return self.give(piece);
        }
        self.pending.push_str(piece);
        Ok(())
    }

    /// A line ends, unless it has just ended; remarks that were made on it follow.
    pub(crate) fn line(&mut self) -> Outcome {
        if !self.ends_line {
            self.text("\n")?;
        }
        if self.aside.is_empty() {
            return Ok(());
        }
        let aside = std::mem::take(&mut self.aside);
        self.text(&aside)?;
        // The buffer is kept for the next remarks.
        self.aside = aside;
        self.aside.clear();
        Ok(())
    }

    /// Text that stands beside the line that is being read (an attribute, a comment): it must not tear a number apart.
    pub(crate) fn aside(&mut self, remark: &str) -> Outcome {
        let remark = remark.trim();
        if remark.is_empty() {
            return Ok(());
        }
        if self.aside.len() + remark.len() > ASIDE_BYTES_MAX {
            self.line()?;
        }
        if remark.len() > ASIDE_BYTES_MAX {
            self.text(remark)?;
            return self.line();
        }
        self.aside.push_str(remark);
        self.aside.push('\n');
        Ok(())
    }

    /// A line ends where remarks wait for it.
    pub(crate) fn line_if_aside(&mut self) -> Outcome {
        match self.aside.is_empty() {
            true => Ok(()),
            false => self.line(),
        }
    }

    /// Something of the part that is being read was left out.
    pub(crate) fn miss(&mut self, reason: Reason) {
        let here = self.here.clone();
        self.note(here, reason);
    }

    /// Something of this document was left out, which is no part that was begun.
    pub(crate) fn miss_part(&mut self, name: &str, reason: Reason) {
        let name = shown(name);
        let place = match self.path.is_empty() {
            true => name,
            false => format!("{}, {name}", self.path.join("/")),
        };
        self.note(place, reason);
    }

    /// Runs `f` and does not mind if it leaves something out for this reason.
    pub(crate) fn forgiving(
        &mut self,
        forgiven: Option<Reason>,
        f: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let before = self.missed.len();
        let outcome = f(self);
        let mut number = 0;
        self.missed.retain(|(_, reason)| {
            number += 1;
            number <= before || Some(*reason) != forgiven
        });
        outcome
    }

    fn note(&mut self, place: String, reason: Reason) {
        if !self.missed.iter().any(|(_, known)| *known == reason) {
            self.missed.push((place, reason));
        }
    }

    /// Goes on after a part that failed, unless nobody wants more.
    pub(crate) fn go_on(&mut self, outcome: Outcome) -> Outcome {
        match outcome {
            Err(Reason::Stopped) => Err(Reason::Stopped),
            Err(reason) => {
                self.miss(reason);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Counts bytes that are kept in memory while `f` runs.
    pub(crate) fn holding<T>(
        &mut self,
        bytes: u64,
        f: impl FnOnce(&mut Self) -> Result<T, Reason>,
    ) -> Result<T, Reason> {
        if self.held + bytes > self.limits.held_max {
            return Err(Reason::TooLarge);
        }
        self.held += bytes;
        let result = f(self);
        self.held -= bytes;
        result
    }

    /// Bytes that may still be kept in memory.
    pub(crate) fn room(&self) -> u64 {
        self.limits.held_max.saturating_sub(self.held)
    }

    /// A document in this one, whose bytes are in memory.
    pub(crate) fn entry(&mut self, name: &str, bytes: &[u8]) -> Outcome {
        self.enter(name, |reading| {
            reading.document(name, bytes);
            Ok(())
        })
    }

    /// A document in this one, whose bytes come one after the other; it is held in memory only if its format needs that.
    pub(crate) fn entry_stream(&mut self, name: &str, input: &mut dyn io::Read) -> Outcome {
        self.enter(name, |reading| reading.stream(name, input))
    }

    /// Goes into a document in this one and comes out again, whatever happens there.
    pub(crate) fn enter(&mut self, name: &str, f: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        self.flush()?;
        self.path.push(shown(name));
        self.entries += 1;
        let outcome = self.part("").and_then(|()| {
            if self.entries > self.limits.entries_max {
                Err(Reason::TooManyEntries)
            } else if self.path.len() >= self.limits.depth_max {
                Err(Reason::TooDeep)
            } else {
                f(self)
            }
        });
        let outcome = self.go_on(outcome).and_then(|()| self.flush());
        self.path.pop();
        outcome.and_then(|()| self.part(""))
    }

    /// Counts an entry that is no document of its own.
    pub(crate) fn count_entry(&mut self) -> Outcome {
        self.entries += 1;
        match self.entries > self.limits.entries_max {
            true => Err(Reason::TooManyEntries),
            false => Ok(()),
        }
    }

    /// Whether more entries are wanted; who asks stops at the first that is not.
    pub(crate) fn has_room_for_entries(&self) -> bool {
        self.entries < self.limits.entries_max
    }

    /// Reads a document that is in memory; returns what it is.
    pub(crate) fn document(&mut self, name: &str, bytes: &[u8]) -> &'static str {
        let kind = kind::of(name, bytes);
        let format = Cell::new(kind.format(name));
        self.guarded(|reading| reading.read_bytes(&kind, name, bytes, &format));
        format.get()
    }

    fn read_bytes(
        &mut self,
        kind: &Kind,
        name: &str,
        bytes: &[u8],
        format: &Cell<&'static str>,
    ) -> Outcome {
        match kind {
            Kind::Pdf => super::pdf::read(self, bytes),
            Kind::Zip => super::zip::read(self, bytes, format),
            Kind::Compound => super::compound::read(self, bytes, format),
            Kind::SevenZ => super::sevenz::read(self, bytes),
            Kind::Mail => super::mail::read(self, bytes),
            Kind::Mailbox => super::mail::read_mailbox(self, bytes),
            Kind::Picture(_) => super::picture::read(self, bytes),
            _ => self.read_stream(kind, name, &mut &bytes[..]),
        }
    }

    /// Reads a document whose bytes come one after the other.
    pub(crate) fn stream(&mut self, name: &str, input: &mut dyn io::Read) -> Outcome {
        let mut head = Vec::new();
        let outcome = input.take(HEAD_BYTES as u64).read_to_end(&mut head);
        if let Err(error) = outcome {
            let reason = self.budget.blame(&error);
            // What came before the fault is read.
            self.document(name, &head);
            return Err(reason);
        }
        let kind = kind::of(name, &head);
        if head.len() < HEAD_BYTES {
            self.document(name, &head);
            return Ok(());
        }
        if kind.is_streamed() {
            let mut whole = head.chain(input);
            self.guarded(|reading| reading.read_stream(&kind, name, &mut whole));
            return Ok(());
        }
        if let Err(error) = hold(input, &mut head, self.room()) {
            return Err(self.budget.blame(&error));
        }
        let bytes = head.len() as u64;
        self.holding(bytes, |reading| {
            reading.document(name, &head);
            Ok(())
        })
    }

    fn read_stream(&mut self, kind: &Kind, name: &str, input: &mut dyn io::Read) -> Outcome {
        match kind {
            Kind::Text => super::decode::read(self, input),
            Kind::Html => super::html::read(self, input),
            Kind::Rtf => super::rtf::read(self, input),
            Kind::Tar => super::tar::read(self, input),
            Kind::Packed(packing) => super::packed::read(self, *packing, name, input),
            Kind::Encrypted(_) => Err(Reason::Encrypted),
            _ => Err(Reason::Unsupported),
        }
    }

    /// A panic of a library is a document that it could not read, and no more than that.
    fn guarded(&mut self, read: impl FnOnce(&mut Self) -> Outcome) {
        let (depth, held) = (self.path.len(), self.held);
        let outcome = guard::run(|| read(self));
        self.path.truncate(depth);
        self.held = held;
        match outcome.unwrap_or(Err(Reason::Corrupt)) {
            Ok(()) => {}
            Err(reason) => self.miss(reason),
        }
    }

    fn flush(&mut self) -> Outcome {
        self.line()?;
        self.hand_over()
    }

    fn hand_over(&mut self) -> Outcome {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let outcome = self.give(&pending);
        pending.clear();
        self.pending = pending;
        outcome
    }

    fn give(&mut self, piece: &str) -> Outcome {
        if self.is_stopped {
            return Err(Reason::Stopped);
        }
        if let Some(name) = self.part.take() {
            self.sink.part(&name);
        }
        self.chars += piece.chars().count() as u64;
        match self.sink.text(piece) {
            Flow::Go => Ok(()),
            Flow::Stop => {
                self.is_stopped = true;
                Err(Reason::Stopped)
            }
        }
    }

    pub(crate) fn finish(mut self, format: &'static str) -> Read {
        if self.flush().is_err() {
            self.miss(Reason::Stopped);
        }
        let inspected = match self.missed.first() {
            None => Inspected::Whole,
            Some((_, reason)) if self.chars == 0 => Inspected::Not(*reason),
            Some(_) => Inspected::Partly(self.missed),
        };
        Read {
            format,
            inspected,
            chars: self.chars,
        }
    }
}

/// Reads up to one byte more than there is room for. Memory grows by an eighth, where a `Vec` would double it.
fn hold(input: &mut dyn io::Read, bytes: &mut Vec<u8>, room: u64) -> io::Result<()> {
    while bytes.len() as u64 <= room {
        let length = bytes.len();
        if bytes.capacity() - length < HEAD_BYTES {
            bytes.reserve_exact((length / 8).max(HEAD_BYTES));
        }
        bytes.resize(length + HEAD_BYTES, 0);
        let count = input.read(&mut bytes[length..])?;
        bytes.truncate(length + count);
        if count == 0 {
            break;
        }
    }
    Ok(())
}

/// A name as people may see it: no control characters, nothing that turns the direction of writing, not too long.
pub(crate) fn shown(name: &str) -> String {
    let mut shown = String::with_capacity(name.len().min(NAME_CHARS_MAX));
    for (count, char) in name.chars().enumerate() {
        if count == NAME_CHARS_MAX {
            shown.push('…');
            break;
        }
        match char {
            // Marks and overrides of direction, invisible spaces, line and paragraph separators.
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(char.escape_unicode());
            }
            char if char.is_control() => shown.extend(char.escape_default()),
            char => shown.push(char),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_tricks() {
        assert_eq!(shown("../a\nb"), "../a\\nb");
        assert_eq!(shown("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(shown(&"x".repeat(300)).chars().count(), NAME_CHARS_MAX + 1);
    }
}
