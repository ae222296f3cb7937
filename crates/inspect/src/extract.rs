//! The text of a document, whatever its format.
//!
//! Pure: bytes in, text out through [`TextSink`], no files and no clock. Formats are told by content ([`kind`]); every reader
//! streams where its format lets it, and all of them share one account of what they unpack and hold ([`reading`]).

mod budget;
mod compound;
mod decode;
mod excel;
mod html;
mod inflate;
mod kind;
mod mail;
mod msg;
mod office;
mod office_flow;
mod office_rels;
mod old_excel;
mod old_slides;
mod old_word;
mod opendocument;
mod packed;
mod pdf;
mod pdf_crypt;
mod pdf_file;
mod pdf_filter;
mod pdf_font;
mod pdf_glyph;
mod pdf_object;
mod pdf_page;
mod pdf_predictor;
mod pdf_rest;
mod pdf_xref;
mod picture;
mod reading;
mod rtf;
mod sevenz;
mod sheet;
mod tar;
mod xml;
mod zip;

use crate::guard;
use crate::report::{Inspected, Reason, TextSink};
use budget::Budget;
use reading::Reading;

/// How much is read of one document.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The document itself.
    pub bytes_max: u64,
    /// Documents in documents: an attachment of a mail in a zip is three deep.
    pub depth_max: usize,
    /// Entries of all archives, attachments and embedded files together.
    pub entries_max: u64,
    /// What all of its compressed parts together may unpack to.
    pub unpacked_max: u64,
    /// As a multiple of the document's own size, once that is more than [`UNPACKED_FREE`].
    pub ratio_max: u64,
    /// What is in memory at one time beside the document: unpacked documents whose formats cannot be streamed, dictionaries
    /// of decoders, texts that cells refer to.
    pub held_max: u64,
}

/// What any document may unpack to, however small it is: short texts that repeat themselves compress a thousandfold.
pub const UNPACKED_FREE: u64 = 16 << 20;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            // The largest document that is asked for in "documents of any size up to a configured limit".
            bytes_max: 100 << 20,
            // Mail in archives in mail is common; deeper than this are bombs (42.zip has five layers).
            depth_max: 8,
            // A source tree has tens of thousands.
            entries_max: 100_000,
            // Ten documents of the largest size: sheets of numbers compress twentyfold, but large ones less.
            unpacked_max: 1 << 30,
            // Deflate reaches 1032 (zlib technical details, "Maximum Compression Factor"); XML of sheets about 100.
            ratio_max: 200,
            // Of 256 MB for everything, beside a document of 100 MB; the rest is for tables and buffers.
            held_max: 100 << 20,
        }
    }
}

/// How the reading of a document ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub format: &'static str,
    pub inspected: Inspected,
    pub chars: u64,
}

/// Reads a document and hands its text over part by part.
///
/// The parts of a document that stands alone are named for themselves ("page 3", "sheet Salaries (hidden)"), those of documents
/// in it begin with where they are ("invoice.zip/a.docx, comments").
pub fn read(name: &str, bytes: &[u8], limits: &Limits, sink: &mut dyn TextSink) -> Read {
    if bytes.len() as u64 > limits.bytes_max {
        return Read {
            format: kind::of(name, bytes).format(name),
            inspected: Inspected::Not(Reason::TooLarge),
            chars: 0,
        };
    }
    let budget = Budget::of(bytes.len() as u64, limits);
    let read = guard::run(|| {
        let mut reading = Reading::new(limits, &budget, sink);
        let format = reading.document(name, bytes);
        reading.finish(format)
    });
    // Parts that fail are missed alone; this is the telling of formats, or whoever takes the text.
    read.unwrap_or(Read {
        format: "unknown",
        inspected: Inspected::Not(Reason::Corrupt),
        chars: 0,
    })
}
