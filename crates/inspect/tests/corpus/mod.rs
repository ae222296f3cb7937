//! Documents of every format, made in code, each with a known string in every place where text can hide.
//!
//! Shared by the tests, the fuzzer and the bench: a document says what must arrive, and in which part.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of those that share it uses some of it, and all of them are tests"
)]

pub mod archives;
pub mod mail;
pub mod office;
pub mod old_office;
pub mod pdf;
pub mod pictures;
pub mod texts;

use casbah_inspect::{Flow, Inspected, Limits, Reason, TextSink, extract};

/// A document and what must be read of it.
pub struct Document {
    pub name: &'static str,
    pub format: &'static str,
    pub bytes: Vec<u8>,
    pub inspected: Inspected,
    /// Part, and what it holds.
    pub strings: Vec<(&'static str, &'static str)>,
}

impl Document {
    pub fn whole(
        name: &'static str,
        format: &'static str,
        bytes: Vec<u8>,
        strings: &[(&'static str, &'static str)],
    ) -> Document {
        Document {
            name,
            format,
            bytes,
            inspected: Inspected::Whole,
            strings: strings.to_vec(),
        }
    }

    pub fn but(self, inspected: Inspected) -> Document {
        Document { inspected, ..self }
    }

    pub fn but_partly(self, part: &str, reason: Reason) -> Document {
        self.but(Inspected::Partly(vec![(part.to_owned(), reason)]))
    }
}

/// All of them.
pub fn documents() -> Vec<Document> {
    let mut documents = texts::documents();
    documents.extend(office::documents());
    documents.extend(old_office::documents());
    documents.extend(pdf::documents());
    documents.extend(mail::documents());
    documents.extend(archives::documents());
    documents.extend(pictures::documents());
    documents
}

/// Keeps all text, by part.
#[derive(Default)]
pub struct Kept {
    pub parts: Vec<(String, String)>,
    /// Says stop after so many pieces.
    pub pieces_max: Option<usize>,
    pub pieces: usize,
}

impl TextSink for Kept {
    fn part(&mut self, name: &str) {
        self.parts.push((name.to_owned(), String::new()));
    }

    fn text(&mut self, piece: &str) -> Flow {
        self.pieces += 1;
        let (_, text) = self
            .parts
            .last_mut()
            .expect("text comes after the name of its part");
        text.push_str(piece);
        match self.pieces_max {
            Some(max) if self.pieces >= max => Flow::Stop,
            _ => Flow::Go,
        }
    }
}

impl Kept {
    /// The text of all parts of this name.
    pub fn text(&self, part: &str) -> String {
        let of_part = self.parts.iter().filter(|(name, _)| name == part);
        of_part
            .map(|(_, text)| &**text)
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub fn all(&self) -> String {
        self.parts
            .iter()
            .map(|(_, text)| &**text)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Reads a document with the limits that everyone has.
pub fn read(name: &str, bytes: &[u8]) -> (extract::Read, Kept) {
    read_within(name, bytes, &Limits::default())
}

pub fn read_within(name: &str, bytes: &[u8], limits: &Limits) -> (extract::Read, Kept) {
    let mut kept = Kept::default();
    let read = extract::read(name, bytes, limits, &mut kept);
    (read, kept)
}
