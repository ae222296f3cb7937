//! Raw objects: the vendor's records as they were sent, one a line, with four fields of ours at the end.
//!
//! `_rid` is the record's id, `_rv` its version, `_ck` the commit, `_at` when it was collected; `_kind` is our
//! one-word reading and `_of` what it belongs to. Ours stand last, so a vendor's field of the same name cannot shadow
//! them. An object is a row of zstd frames, each of which ends with a whole line.
//!
//! What a record says in the common language, and what was set aside, are objects beside those, in the same commit.

use std::io;
use std::sync::Arc;

use casbah_model::json::escape;
use casbah_model::ports::{ObjectError, ObjectStore};
use casbah_model::record::hex;
use sha2::{Digest, Sha256};

use crate::layout::Place;
use crate::manifest::ObjectEntry;

/// Lines are compressed in frames of about this size.
const FRAME_BYTES: usize = 1 << 20;
/// An object holds about this much before compression; more goes to the next part (pipeline design, section 5).
pub const PART_BYTES: usize = 16 << 20;
/// Records above this are not worth keeping whole in quarantine.
const QUARANTINE_BYTES_MAX: usize = 64 << 10;
const LEVEL: i32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum RawError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("records cannot be compressed")]
    Compress(#[source] io::Error),
    /// A part could not be stored earlier, so what was written is not whole.
    #[error("an object of this commit could not be stored")]
    Broken,
}

/// One record with what we say about it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub id: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
    pub of: Option<&'a str>,
    pub raw: &'a [u8],
}

/// Whether a vendor's record is an object, which is what a line can be made of.
pub fn is_object(raw: &[u8]) -> bool {
    let raw = raw.trim_ascii();
    raw.first() == Some(&b'{') && raw.last() == Some(&b'}') && raw.len() >= 2
}

/// Writes the objects of one commit.
///
/// Records are written page by page: a page counts only after [`RawSink::accept`], so what a page that broke off had
/// written already is left out, whatever its size.
pub struct RawSink {
    objects: Arc<dyn ObjectStore>,
    place: Place,
    /// The end of every line: position and time.
    tail: String,
    compressor: zstd::bulk::Compressor<'static>,
    /// Where frames are compressed to, before they are kept in their own size.
    compressed: Vec<u8>,
    records: Parts,
    quarantine: Parts,
    events: Parts,
    /// A part was lost on its way to the store: nothing of this commit may count.
    is_broken: bool,
}

/// The objects of one commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub records: Vec<ObjectEntry>,
    pub quarantine: Vec<ObjectEntry>,
    pub events: Vec<ObjectEntry>,
}

/// Parts of one kind: those that are stored, the one that is being filled, and the open page.
#[derive(Default)]
struct Parts {
    next_part: u32,
    stored: Vec<ObjectEntry>,
    /// Compressed frames of the part that is being filled, and what they hold.
    frames: Vec<u8>,
    frame_records: u64,
    raw_bytes: usize,
    page: Page,
}

#[derive(Default)]
struct Page {
    lines: Vec<u8>,
    line_records: u64,
    frames: Vec<u8>,
    frame_records: u64,
    raw_bytes: usize,
    /// Parts of a page too large to be held; they count if the page does.
    stored: Vec<ObjectEntry>,
}

impl RawSink {
    pub fn new(objects: Arc<dyn ObjectStore>, place: Place) -> Result<RawSink, RawError> {
        let compressor = zstd::bulk::Compressor::new(LEVEL).map_err(RawError::Compress)?;
        let tail = format!(
            "\",\"_ck\":\"{}\",\"_at\":\"{}\"}}\n",
            place.position(),
            place.begun
        );
        Ok(RawSink {
            objects,
            place,
            tail,
            compressor,
            compressed: Vec::new(),
            records: Parts::default(),
            quarantine: Parts::default(),
            events: Parts::default(),
            is_broken: false,
        })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Adds a record to the open page. The record must be an object (see [`is_object`]).
    pub async fn line(&mut self, line: Line<'_>) -> Result<(), RawError> {
        let page = &mut self.records.page;
        let before = page.lines.len();
        write_line(&mut page.lines, line, &self.tail);
        page.raw_bytes += page.lines.len() - before;
        page.line_records += 1;
        self.spill(Kind::Records).await
    }

    /// Adds what a record says in the common language to the open page: `write` appends it, without a line break.
    pub async fn event(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), RawError> {
        let page = &mut self.events.page;
        let before = page.lines.len();
        write(&mut page.lines);
        page.lines.push(b'\n');
        page.raw_bytes += page.lines.len() - before;
        page.line_records += 1;
        self.spill(Kind::Events).await
    }

    /// Sets a record aside in the open page, with the reason; what is not text is escaped.
    pub async fn refuse(&mut self, reason: &str, raw: &[u8], bytes: u64) -> Result<(), RawError> {
        let kept = &raw[..raw.len().min(QUARANTINE_BYTES_MAX)];
        let text = serde_json::json!({
            "reason": reason,
            "bytes": bytes,
            "record": String::from_utf8_lossy(kept),
            "_ck": self.place.position(),
            "_at": self.place.begun,
        });
        let page = &mut self.quarantine.page;
        let line = text.to_string();
        page.lines.extend_from_slice(line.as_bytes());
        page.lines.push(b'\n');
        page.raw_bytes += line.len() + 1;
        page.line_records += 1;
        self.spill(Kind::Quarantine).await
    }

    /// Makes the open page count and opens the next one.
    pub async fn accept(&mut self) -> Result<(), RawError> {
        for kind in Kind::ALL {
            self.close_frame(kind)?;
            let parts = self.parts(kind);
            let mut page = std::mem::take(&mut parts.page);
            parts.stored.extend(page.stored);
            parts.frames.extend_from_slice(&page.frames);
            parts.frame_records += page.frame_records;
            parts.raw_bytes += page.raw_bytes;
            page.frames.clear();
            // The buffers are the largest allocations here and serve the next page as well.
            (parts.page.lines, parts.page.frames) = (page.lines, page.frames);
            if parts.raw_bytes >= PART_BYTES {
                self.store(kind).await?;
            }
        }
        Ok(())
    }

    /// Forgets the open page.
    pub fn discard(&mut self) {
        for kind in Kind::ALL {
            self.parts(kind).page = Page::default();
        }
    }

    /// How much was accepted so far, before compression.
    pub fn raw_bytes(&self) -> usize {
        let stored: u64 = self
            .records
            .stored
            .iter()
            .map(|object| object.records)
            .sum();
        if stored > 0 {
            PART_BYTES.max(self.records.raw_bytes)
        } else {
            self.records.raw_bytes
        }
    }

    /// Stores what is left and returns all objects.
    pub async fn finish(mut self) -> Result<Written, RawError> {
        if self.is_broken {
            return Err(RawError::Broken);
        }
        for kind in Kind::ALL {
            if self.parts(kind).frame_records > 0 {
                self.store(kind).await?;
            }
        }
        Ok(Written {
            records: self.records.stored,
            quarantine: self.quarantine.stored,
            events: self.events.stored,
        })
    }

    fn parts(&mut self, kind: Kind) -> &mut Parts {
        match kind {
            Kind::Records => &mut self.records,
            Kind::Quarantine => &mut self.quarantine,
            Kind::Events => &mut self.events,
        }
    }

    /// Compresses full frames of the open page, and stores a page that outgrows a part under names of its own.
    async fn spill(&mut self, kind: Kind) -> Result<(), RawError> {
        if self.parts(kind).page.lines.len() < FRAME_BYTES {
            return Ok(());
        }
        self.close_frame(kind)?;
        let page = &mut self.parts(kind).page;
        if page.raw_bytes < PART_BYTES {
            return Ok(());
        }
        page.raw_bytes = 0;
        let frames = std::mem::take(&mut page.frames);
        let records = std::mem::take(&mut page.frame_records);
        let entry = self.put(kind, frames, records).await?;
        self.parts(kind).page.stored.push(entry);
        Ok(())
    }

    fn close_frame(&mut self, kind: Kind) -> Result<(), RawError> {
        let RawSink {
            compressor,
            compressed,
            records,
            quarantine,
            events,
            ..
        } = self;
        let page = match kind {
            Kind::Records => &mut records.page,
            Kind::Quarantine => &mut quarantine.page,
            Kind::Events => &mut events.page,
        };
        if page.lines.is_empty() {
            return Ok(());
        }
        let bound = zstd::zstd_safe::compress_bound(page.lines.len());
        compressed.resize(bound.max(compressed.len()), 0);
        let written = compressor
            .compress_to_buffer(&page.lines, &mut compressed[..])
            .map_err(RawError::Compress)?;
        page.frames.extend_from_slice(&compressed[..written]);
        page.frame_records += std::mem::take(&mut page.line_records);
        page.lines.clear();
        Ok(())
    }

    async fn store(&mut self, kind: Kind) -> Result<(), RawError> {
        let parts = self.parts(kind);
        parts.raw_bytes = 0;
        let frames = std::mem::take(&mut parts.frames);
        let records = std::mem::take(&mut parts.frame_records);
        let entry = self.put(kind, frames, records).await?;
        self.parts(kind).stored.push(entry);
        Ok(())
    }

    async fn put(
        &mut self,
        kind: Kind,
        content: Vec<u8>,
        records: u64,
    ) -> Result<ObjectEntry, RawError> {
        let part = self.parts(kind).next_part;
        self.parts(kind).next_part += 1;
        let name = match kind {
            Kind::Records => self.place.raw(part),
            Kind::Quarantine => self.place.quarantine(part),
            Kind::Events => self.place.events(part),
        };
        let entry = ObjectEntry {
            records,
            bytes: content.len() as u64,
            sha256: hex(&Sha256::digest(&content)),
            name,
        };
        let stored = self.objects.put(&entry.name, content.into()).await;
        // The content is out of our hands, whatever became of the call.
        self.is_broken |= stored.is_err();
        stored?;
        Ok(entry)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Records,
    Quarantine,
    Events,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Records, Kind::Quarantine, Kind::Events];
}

fn write_line(out: &mut Vec<u8>, line: Line<'_>, tail: &str) {
    let raw = line.raw.trim_ascii();
    let body = &raw[..raw.len() - 1];
    let start = out.len();
    out.extend_from_slice(body);
    flatten(&mut out[start..]);
    let is_empty = body[1..].trim_ascii().is_empty();
    out.extend_from_slice(if is_empty {
        b"\"_rid\":\""
    } else {
        b",\"_rid\":\""
    });
    escape(out, line.id);
    out.extend_from_slice(b"\",\"_rv\":\"");
    escape(out, line.version);
    out.extend_from_slice(b"\",\"_kind\":\"");
    escape(out, line.kind);
    if let Some(of) = line.of {
        out.extend_from_slice(b"\",\"_of\":\"");
        escape(out, of);
    }
    out.extend_from_slice(tail.as_bytes());
}

/// Line breaks cannot stand inside JSON strings, so between tokens they are white space like any other.
fn flatten(record: &mut [u8]) {
    // Written whether it changes or not, many bytes at a time.
    for byte in record {
        let is_break = *byte == b'\n' || *byte == b'\r';
        *byte = if is_break { b' ' } else { *byte };
    }
}

#[cfg(test)]
mod tests;
