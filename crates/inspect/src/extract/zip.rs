//! Zip archives, and telling the documents that are one.
//!
//! `rawzip` reads the directory in place. Names are shown and never used as paths; sizes that entries claim are not believed.

use std::cell::Cell;
use std::io::Read;

use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};

use super::budget::{Blamed, Unpacked};
use super::decode;
use super::inflate::{Frame, Inflate};
use super::office::{self, Flavour};
use super::opendocument;
use super::packed;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// Longer names are cut: what an entry costs in memory must be bounded.
const NAME_BYTES_MAX: usize = 512;

pub(crate) struct Package<'b> {
    archive: ZipSliceArchive<&'b [u8]>,
    pub(crate) entries: Vec<Entry>,
    /// Places of entries in the order of their names, and of the same name in their own.
    by_name: Vec<usize>,
    /// The directory ended before its end, or with more entries than are read.
    fault: Option<Reason>,
}

pub(crate) struct Entry {
    pub(crate) name: String,
    method: CompressionMethod,
    is_encrypted: bool,
    place: ZipArchiveEntryWayfinder,
}

impl<'b> Package<'b> {
    pub(crate) fn open(bytes: &'b [u8], entries_max: u64) -> Result<Package<'b>, Reason> {
        let archive = ZipArchive::from_slice(bytes).map_err(|_| Reason::Corrupt)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut fault = None;
        let mut headers = archive.entries();
        loop {
            match headers.next_entry() {
                Ok(Some(_)) if entries.len() as u64 >= entries_max => {
                    fault = Some(Reason::TooManyEntries);
                    break;
                }
                Ok(Some(header)) => {
                    let raw = header.file_path().as_bytes();
                    // Directories have no text, unless one that calls itself one has.
                    if header.is_dir() && header.compressed_size_hint() == 0 {
                        continue;
                    }
                    entries.push(Entry {
                        name: name(raw),
                        method: header.compression_method(),
                        is_encrypted: header.flags().is_encrypted(),
                        place: header.wayfinder(),
                    });
                }
                Ok(None) => break,
                Err(_) => {
                    fault = Some(Reason::Corrupt);
                    break;
                }
            }
        }
        let mut by_name: Vec<usize> = (0..entries.len()).collect();
        by_name.sort_by_key(|place| entries[*place].path());
        Ok(Package {
            archive,
            entries,
            by_name,
            fault,
        })
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Entry> {
        let first = self
            .by_name
            .partition_point(|place| self.entries[*place].path() < name);
        let entry = self.entries.get(*self.by_name.get(first)?)?;
        (entry.path() == name).then_some(entry)
    }

    /// Hands the unpacked bytes of an entry to `f`: as a slice where they are not compressed.
    pub(crate) fn with(
        &self,
        reading: &mut Reading<'_>,
        entry: &Entry,
        f: impl FnOnce(&mut Reading<'_>, Content<'_>) -> Outcome,
    ) -> Outcome {
        if entry.is_encrypted || entry.method == CompressionMethod::AES {
            return Err(Reason::Encrypted);
        }
        let found = self
            .archive
            .get_entry(entry.place)
            .map_err(|_| Reason::Corrupt)?;
        let data = found.data();
        let budget = reading.budget;
        match entry.method {
            CompressionMethod::STORE => {
                // Entries may overlap, so that even what is not compressed can be a bomb.
                budget.spend(data.len() as u64)?;
                f(reading, Content::Bytes(data))
            }
            CompressionMethod::DEFLATE => {
                let unpacked = Unpacked::new(Inflate::new(data, Frame::Bare, budget), budget);
                let checked = found.verifying_reader(unpacked);
                f(reading, Content::Stream(&mut Checked(checked)))
            }
            // Decoders of archives in archives are all in memory at one time.
            CompressionMethod::ZSTD => {
                let unpacked = Unpacked::new(packed::zstd(data)?, budget);
                let mut checked = Checked(found.verifying_reader(unpacked));
                reading.holding(packed::WINDOW_BYTES_MAX, |reading| {
                    f(reading, Content::Stream(&mut checked))
                })
            }
            CompressionMethod::XZ => {
                let unpacked = Unpacked::new(packed::xz(data), budget);
                let mut checked = Checked(found.verifying_reader(unpacked));
                reading.holding(packed::DICTIONARY_BYTES_MAX, |reading| {
                    f(reading, Content::Stream(&mut checked))
                })
            }
            _ => Err(Reason::Unsupported),
        }
    }

    /// A whole entry in memory, up to a limit.
    pub(crate) fn bytes(
        &self,
        reading: &mut Reading<'_>,
        entry: &Entry,
        bytes_max: u64,
    ) -> Result<Vec<u8>, Reason> {
        let mut bytes = Vec::new();
        self.with(reading, entry, |reading, content| {
            let read = content.stream(&mut |input| input.take(bytes_max).read_to_end(&mut bytes));
            read.map(drop).map_err(|error| reading.budget.blame(&error))
        })?;
        Ok(bytes)
    }
}

impl Entry {
    /// Its name as other parts know it.
    fn path(&self) -> &str {
        self.name.trim_start_matches('/')
    }
}

/// What an entry holds.
pub(crate) enum Content<'c> {
    Bytes(&'c [u8]),
    Stream(&'c mut dyn Read),
}

impl Content<'_> {
    pub(crate) fn stream<T>(self, f: &mut dyn FnMut(&mut dyn Read) -> T) -> T {
        match self {
            Content::Bytes(mut bytes) => f(&mut bytes),
            Content::Stream(input) => f(input),
        }
    }
}

/// Bytes of other encodings become up to three.
fn name(raw: &[u8]) -> String {
    let mut name = decode::short(&raw[..raw.len().min(NAME_BYTES_MAX)], None);
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    name.shrink_to_fit();
    name
}

/// Turns what `rawzip` says of a wrong checksum into our reason, without losing the one of the decoder.
struct Checked<R>(R);

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.get_ref() {
            Some(inner) if inner.is::<Blamed>() => error,
            _ => std::io::Error::other(Blamed(Reason::Corrupt)),
        })
    }
}

/// Reads a zip, whichever document it is.
pub(crate) fn read(
    reading: &mut Reading<'_>,
    bytes: &[u8],
    format: &Cell<&'static str>,
) -> Outcome {
    let package = Package::open(bytes, reading.limits.entries_max)?;
    if let Some(flavour) = Flavour::of(&package) {
        format.set(flavour.format());
        office::read(reading, &package, flavour)?;
    } else if let Some(found) = opendocument::format(reading, &package) {
        format.set(found);
        opendocument::read(reading, &package)?;
    } else {
        for entry in &package.entries {
            read_entry(reading, &package, entry)?;
        }
    }
    read_comment(reading, &package)?;
    package.fault.map_or(Ok(()), Err)
}

/// Reads an entry as a document of its own.
pub(crate) fn read_entry(
    reading: &mut Reading<'_>,
    package: &Package<'_>,
    entry: &Entry,
) -> Outcome {
    if !reading.has_room_for_entries() {
        return Err(Reason::TooManyEntries);
    }
    reading.enter(&entry.name, |reading| {
        package.with(reading, entry, |reading, content| match content {
            Content::Bytes(bytes) => {
                reading.document(&entry.name, bytes);
                Ok(())
            }
            Content::Stream(input) => reading.stream(&entry.name, input),
        })
    })
}

fn read_comment(reading: &mut Reading<'_>, package: &Package<'_>) -> Outcome {
    let comment = package.archive.comment();
    if comment.as_bytes().is_empty() {
        return Ok(());
    }
    reading.part("comment of the archive")?;
    reading.text(&decode::short(comment.as_bytes(), None))
}
