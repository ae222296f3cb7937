//! Compound files ([MS-CFB]): Office before 2007, messages of Outlook, projects of macros, and what Office encrypted.

use std::cell::Cell;
use std::io::{Cursor, Read};

use cfb::CompoundFile;

use super::decode;
use super::reading::{Outcome, Reading};
use super::{msg, old_excel, old_slides, old_word};
use crate::report::Reason;

/// Streams of one file; documents have dozens, messages some thousands.
const STREAMS_MAX: usize = 10_000;

/// Streams that make a storage a document.
const DOCUMENTS: [&str; 4] = ["WordDocument", "Workbook", "Book", "PowerPoint Document"];

/// Properties of one set ([MS-OLEPS] has no limit; programs write some dozen).
const PROPERTIES_MAX: usize = 1000;

/// A module of macros; Visual Basic stops at 65,534 lines.
const MODULE_BYTES_MAX: usize = 8 << 20;

pub(crate) struct Compound<'b> {
    file: CompoundFile<Cursor<&'b [u8]>>,
    /// Paths, separated by "/", in the order of the directory.
    pub(crate) streams: Vec<String>,
    /// There were more than are known.
    is_cut: bool,
}

impl<'b> Compound<'b> {
    fn open(bytes: &'b [u8]) -> Result<Compound<'b>, Reason> {
        let file = CompoundFile::open(Cursor::new(bytes)).map_err(|_| Reason::Corrupt)?;
        let streams = file
            .walk()
            .filter(|entry| entry.is_stream())
            .take(STREAMS_MAX);
        let streams: Vec<String> = streams
            .map(|entry| {
                entry
                    .path()
                    .to_string_lossy()
                    .trim_start_matches('/')
                    .to_owned()
            })
            .collect();
        let is_cut = streams.len() >= STREAMS_MAX;
        Ok(Compound {
            file,
            streams,
            is_cut,
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.streams.iter().any(|path| path == name)
    }

    pub(crate) fn length(&mut self, path: &str) -> Result<u64, Reason> {
        let stream = self.file.open_stream(format!("/{path}"));
        stream.map(|it| it.len()).map_err(|_| Reason::Corrupt)
    }

    /// A whole stream in memory.
    pub(crate) fn bytes(&mut self, reading: &Reading<'_>, path: &str) -> Result<Vec<u8>, Reason> {
        let room = reading.room();
        let stream = self
            .file
            .open_stream(format!("/{path}"))
            .map_err(|_| Reason::Corrupt)?;
        if stream.len() > room {
            return Err(Reason::TooLarge);
        }
        // Streams may share their sectors.
        reading.budget.spend(stream.len())?;
        let mut bytes = Vec::with_capacity(stream.len() as usize);
        stream
            .take(room)
            .read_to_end(&mut bytes)
            .map_err(|_| Reason::Corrupt)?;
        Ok(bytes)
    }
}

pub(crate) fn read(
    reading: &mut Reading<'_>,
    bytes: &[u8],
    format: &Cell<&'static str>,
) -> Outcome {
    let mut file = Compound::open(bytes)?;
    if file.is_cut {
        reading.miss(Reason::TooManyEntries);
    }
    // [MS-OFFCRYPTO] 2.3: the package is a stream of its own.
    if file.has("EncryptedPackage") {
        format.set("encrypted-ooxml");
        return Err(Reason::Encrypted);
    }
    let is_known = if file.has("WordDocument") {
        format.set("doc");
        let outcome = old_word::read(reading, &mut file);
        reading.go_on(outcome)?;
        true
    } else if file.has("Workbook") || file.has("Book") {
        format.set("xls");
        let outcome = old_excel::read(reading, &mut file);
        reading.go_on(outcome)?;
        true
    } else if file.has("PowerPoint Document") {
        format.set("ppt");
        let outcome = old_slides::read(reading, &mut file);
        reading.go_on(outcome)?;
        true
    } else if file.has("__properties_version1.0") {
        format.set("msg");
        return msg::read(reading, &mut file, "", 0);
    } else {
        false
    };
    let has_macros = read_beside(reading, &mut file)?;
    match is_known || has_macros {
        true => Ok(()),
        false => Err(Reason::Unsupported),
    }
}

/// Properties, macros and embedded packages; whether there are macros.
fn read_beside(reading: &mut Reading<'_>, file: &mut Compound<'_>) -> Result<bool, Reason> {
    let mut has_macros = false;
    for path in file.streams.clone() {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let is_macro = folder.rsplit('/').next() == Some("VBA");
        let is_set = name.ends_with("SummaryInformation");
        let is_package = matches!(name, "Package" | "CONTENTS" | "\u{1}Ole10Native");
        // Documents that are storages within this one are known, but not read.
        if !folder.is_empty() && DOCUMENTS.contains(&name) {
            reading.miss_part(folder, Reason::Unsupported);
        }
        if !(is_macro || is_set || is_package) {
            continue;
        }
        let outcome = file.bytes(reading, &path).and_then(|bytes| {
            reading.holding(bytes.len() as u64, |reading| {
                if is_package {
                    return reading.entry(name, attached(name, &bytes));
                }
                reading.part(if is_macro { "macros" } else { "properties" })?;
                if is_set {
                    return read_properties(reading, &bytes);
                }
                has_macros = true;
                read_module(reading, &bytes)
            })
        });
        reading.go_on(outcome)?;
    }
    Ok(has_macros)
}

/// Texts of a set of properties ([MS-OLEPS] 2.21).
fn read_properties(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    let sets = long(bytes, 24).unwrap_or(0).min(2);
    for set in 0..sets {
        let Some(start) = long(bytes, 28 + set * 20 + 16) else {
            break;
        };
        let count = long(bytes, start.saturating_add(4))
            .unwrap_or(0)
            .min(PROPERTIES_MAX);
        for number in 0..count {
            let Some(offset) = long(bytes, start + 8 + number * 8 + 4) else {
                break;
            };
            let at = start.saturating_add(offset);
            let value = |kind: usize, width: usize| {
                let length = long(bytes, at + 4)?.checked_mul(width)?;
                let text = bytes.get(at + 8..(at + 8).checked_add(length)?)?;
                (long(bytes, at)? & 0xffff == kind).then_some(text)
            };
            // VT_LPSTR and VT_LPWSTR.
            if let Some(text) = value(0x1e, 1) {
                reading.text(decode::short(text, None).trim_end_matches('\0'))?;
            } else if let Some(text) = value(0x1f, 2) {
                reading.text(decode::utf16(text).trim_end_matches('\0'))?;
            }
            reading.line()?;
        }
    }
    Ok(())
}

/// The source of a module. Where it begins stands in another stream; but all begin with the same word, after the mark of the
/// container, the header of its first chunk and eight literals ([MS-OVBA] 2.4.1).
fn read_module(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    let Some(at) = memchr::memmem::find(bytes, b"\0Attribut") else {
        return Ok(());
    };
    let mut source = Vec::new();
    let mut rest = bytes.get(at.saturating_sub(2)..).unwrap_or_default();
    while let [low, high, after @ ..] = rest {
        let header = u16::from_le_bytes([*low, *high]);
        let length = usize::from(header & 0xfff) + 1;
        let (chunk, next) = after.split_at_checked(length).unwrap_or((after, &[]));
        if header & 0x7000 != 0x3000 || source.len() > MODULE_BYTES_MAX {
            break;
        }
        match header & 0x8000 {
            0 => source.extend_from_slice(chunk),
            _ => unpack(chunk, &mut source),
        }
        rest = next;
    }
    reading.text(&decode::short(&source, None))
}

/// Chunks of 4,096 bytes, whose copies reach back to their start ([MS-OVBA] 2.4.1.3).
fn unpack(chunk: &[u8], source: &mut Vec<u8>) {
    const CHUNK_BYTES: usize = 4096;
    let start = source.len();
    let mut rest = chunk;
    while let [flags, after @ ..] = rest {
        rest = after;
        for bit in 0..8 {
            let done = source.len() - start;
            if rest.is_empty() || done >= CHUNK_BYTES {
                return;
            }
            if flags >> bit & 1 == 0 {
                source.push(rest[0]);
                rest = &rest[1..];
                continue;
            }
            let [low, high, after @ ..] = rest else {
                return;
            };
            rest = after;
            let token = u16::from_le_bytes([*low, *high]);
            let bits = (usize::BITS - done.saturating_sub(1).leading_zeros()).clamp(4, 12);
            let length = usize::from(token & (0xffff >> bits)) + 3;
            let back = usize::from(token >> (16 - bits)) + 1;
            if back > done {
                return;
            }
            for _ in 0..length.min(CHUNK_BYTES - done) {
                source.push(source[source.len() - back]);
            }
        }
    }
}

/// The file in a package of the old kind: sizes, three names, then its bytes ([MS-OLEDS] 2.3.6).
fn attached<'b>(name: &str, bytes: &'b [u8]) -> &'b [u8] {
    if name != "\u{1}Ole10Native" {
        return bytes;
    }
    let after_name = |at: usize| {
        let rest = bytes.get(at..)?;
        Some(at + memchr::memchr(0, rest)? + 1)
    };
    let found = after_name(6).and_then(after_name).and_then(|at| {
        let names = at + 4;
        let temporary = long(bytes, names)?;
        let start = names.checked_add(4)?.checked_add(temporary)?;
        let length = long(bytes, start)?;
        bytes.get(start + 4..(start + 4).checked_add(length)?)
    });
    found.unwrap_or(bytes)
}

/// Four bytes, little-endian.
pub(crate) fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// Two bytes, little-endian.
pub(crate) fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(bytes)))
}
