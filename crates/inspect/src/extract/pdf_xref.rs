//! Where the objects of a PDF are: cross-reference tables and streams (ISO 32000-1, 7.5.4 and 7.5.8), or, where those are
//! broken, a search through the file.

use std::io::Read;

use super::pdf_file::File;
use super::pdf_object::{Dict, Lexer, Object, is_space};
use crate::report::Reason;

/// Objects of one file that are known; 16 bytes each. Files of a thousand pages have some ten thousand.
const OBJECTS_MAX: u32 = 1_000_000;

/// Changes that were appended to a file, each with a table of its own.
const TABLES_MAX: usize = 512;

/// "startxref" stands in the last kilobyte (ISO 32000-1, appendix H.3, note 18); some writers append more.
const TAIL_BYTES: usize = 4096;

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Free,
    At(usize),
    In(u32, u32),
}

#[derive(Default)]
pub(crate) struct Table {
    places: Vec<Option<Place>>,
    /// There were more than are known.
    pub(crate) is_cut: bool,
}

impl Table {
    pub(crate) fn get(&self, number: u32) -> Option<Place> {
        self.places.get(number as usize).copied().flatten()
    }

    pub(crate) fn numbers(&self) -> u32 {
        self.places.len() as u32
    }

    /// Remembers a place, unless a newer table has said another.
    fn add(&mut self, number: u32, place: Place) {
        if let Some(known) = self.slot(number) {
            known.get_or_insert(place);
        }
    }

    /// Remembers a place, whatever was said before.
    fn set(&mut self, number: u32, place: Place) {
        if let Some(known) = self.slot(number) {
            *known = Some(place);
        }
    }

    fn slot(&mut self, number: u32) -> Option<&mut Option<Place>> {
        if number >= OBJECTS_MAX {
            self.is_cut = true;
            return None;
        }
        let index = number as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, None);
        }
        self.places.get_mut(index)
    }
}

/// Reads the tables from the newest to the oldest, as far as they can be read.
pub(crate) fn read(file: &mut File<'_>) {
    let bytes = file.bytes();
    let tail = bytes.len().saturating_sub(TAIL_BYTES);
    let Some(at) = memchr::memmem::rfind(&bytes[tail..], b"startxref") else {
        return;
    };
    let start = Lexer::new(bytes, tail + at + 9)
        .object()
        .and_then(|it| it.count());
    let mut waiting: Vec<usize> = start.into_iter().collect();
    let mut read = Vec::new();
    while let Some(at) = waiting.pop() {
        if read.contains(&at) || read.len() >= TABLES_MAX {
            continue;
        }
        read.push(at);
        let Some(trailer) = table(file, at) else {
            continue;
        };
        let next = |key: &str| trailer.get(key).and_then(Object::count);
        // The hidden table is newer than the one before (7.5.8.4).
        waiting.extend(next("Prev"));
        waiting.extend(next("XRefStm"));
        for (key, value) in trailer.0 {
            file.trailer.0.entry(key).or_insert(value);
        }
    }
}

/// Reads one table; returns its trailer.
fn table(file: &mut File<'_>, at: usize) -> Option<Dict> {
    let mut lexer = Lexer::new(file.bytes(), at);
    match lexer.object()? {
        Object::Word(word) if word == b"xref" => plain_table(file, lexer),
        Object::Number(number) => table_stream(file, number as u32, at),
        _ => None,
    }
}

fn plain_table(file: &mut File<'_>, mut lexer: Lexer<'_>) -> Option<Dict> {
    loop {
        let first = match lexer.object()? {
            Object::Number(first) => first as u32,
            Object::Word(word) if word == b"trailer" => break,
            _ => return None,
        };
        let count = lexer.object()?.count()?;
        for step in 0..count {
            let at = lexer.object()?.count()?;
            lexer.object()?.number()?;
            let place = match lexer.object()? {
                Object::Word(word) if word == b"n" => Place::At(at),
                Object::Word(word) if word == b"f" => Place::Free,
                _ => return None,
            };
            file.table_mut()
                .add(first.saturating_add(step as u32), place);
        }
    }
    match lexer.object()? {
        Object::Dict(trailer) => Some(trailer),
        _ => None,
    }
}

fn table_stream(file: &mut File<'_>, number: u32, at: usize) -> Option<Dict> {
    let stream = file.stream_at(number, at)?;
    if !stream.dict.is("Type", "XRef") {
        return None;
    }
    let widths: Vec<usize> = stream
        .dict
        .get("W")?
        .array()?
        .iter()
        .map(|width| width.count().unwrap_or(0))
        .collect();
    let [kind_width, first_width, second_width, ..] = *widths else {
        return None;
    };
    // Numbers of eight bytes are enough for anything.
    if widths.iter().any(|width| *width > 8) || widths.iter().sum::<usize>() == 0 {
        return None;
    }
    let ranges: Vec<usize> = match stream.dict.get("Index").and_then(Object::array) {
        Some(ranges) => ranges
            .iter()
            .map(|value| value.count().unwrap_or(0))
            .collect(),
        None => vec![
            0,
            stream.dict.get("Size").and_then(Object::count).unwrap_or(0),
        ],
    };
    let mut input = std::io::BufReader::new(file.unpacked(&stream)?);
    let mut entry = vec![0; kind_width + first_width + second_width];
    let value = |field: &[u8]| {
        field
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
    };
    'all: for range in ranges.chunks_exact(2) {
        for step in 0..range[1] {
            if input.read_exact(&mut entry).is_err() {
                break 'all;
            }
            let (kind, rest) = entry.split_at(kind_width);
            let (first, second) = rest.split_at(first_width);
            let kind = if kind_width == 0 { 1 } else { value(kind) };
            let place = match kind {
                0 => Place::Free,
                1 => Place::At(value(first) as usize),
                2 => Place::In(value(first) as u32, value(second) as u32),
                _ => continue,
            };
            let number = range[0].saturating_add(step).min(u32::MAX as usize) as u32;
            file.table_mut().add(number, place);
        }
    }
    Some(stream.dict)
}

/// Finds all objects where no table says where they are: the last of a number counts.
pub(crate) fn rebuild(file: &mut File<'_>) -> Result<(), Reason> {
    let bytes = file.bytes();
    let mut holders = Vec::new();
    for found in memchr::memmem::find_iter(bytes, b"obj") {
        let Some((number, at)) = header(bytes, found) else {
            continue;
        };
        file.table_mut().set(number, Place::At(at));
        // Only the dictionaries of streams and of the catalogue are looked into.
        let start = &bytes[found..bytes.len().min(found + 512)];
        let has = |word: &[u8]| memchr::memmem::find(start, word).is_some();
        if has(b"ObjStm") || has(b"/XRef") || has(b"/Catalog") {
            holders.push((number, at));
        }
    }
    for at in memchr::memmem::find_iter(bytes, b"trailer") {
        let mut lexer = Lexer::new(bytes, at + 7);
        let object = lexer.object();
        if file.work(lexer.at - at).is_none() {
            break;
        }
        if let Some(Object::Dict(trailer)) = object {
            file.trailer.0.extend(trailer.0);
        }
    }
    for (number, at) in holders {
        if let Some(stream) = file.stream_at(number, at) {
            if stream.dict.is("Type", "XRef") {
                file.trailer.0.extend(stream.dict.0);
            } else if let Some(objects) = file.object_stream(&stream) {
                for (index, (inner, _)) in objects.places.iter().enumerate() {
                    file.table_mut()
                        .add(*inner, Place::In(number, index as u32));
                }
            }
        } else if let Some(Object::Dict(dict)) = file.object(number)
            && dict.is("Type", "Catalog")
            && !has_root(file)
        {
            file.trailer
                .0
                .insert(b"Root".to_vec(), Object::Reference(number));
        }
    }
    match file.trailer.get("Root") {
        Some(_) => Ok(()),
        None => Err(Reason::Corrupt),
    }
}

/// A trailer that breaks off may name anything as its root.
fn has_root(file: &mut File<'_>) -> bool {
    let trailer = file.trailer.clone();
    file.dict(&trailer, "Root").is_some()
}

/// "12 0 " before "obj": the number, and where it begins.
fn header(bytes: &[u8], obj: usize) -> Option<(u32, usize)> {
    let back = |from: usize, is: fn(u8) -> bool| {
        let mut at = from;
        while at > 0 && from - at < 12 && is(bytes[at - 1]) {
            at -= 1;
        }
        (at < from).then_some(at)
    };
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let after_generation = back(obj, is_space)?;
    let generation = back(after_generation, is_digit)?;
    let after_number = back(generation, is_space)?;
    let start = back(after_number, is_digit)?;
    let number = std::str::from_utf8(&bytes[start..after_number])
        .ok()?
        .parse()
        .ok()?;
    Some((number, start))
}
