//! What of a PDF is on no page: properties, bookmarks, fields, scripts, metadata and attachments.

use std::collections::BTreeSet;
use std::io::Read as _;

use super::decode;
use super::office;
use super::pdf::{text, write_text, write_texts};
use super::pdf_file::File;
use super::pdf_object::{Dict, Object};
use super::pdf_xref::Place;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// Looks at every object that no page has led to.
pub(crate) fn read(
    reading: &mut Reading<'_>,
    file: &mut File<'_>,
    seen: &BTreeSet<u32>,
) -> Outcome {
    let info = match file.trailer.get("Info") {
        Some(Object::Reference(number)) => Some(*number),
        _ => None,
    };
    if let Some(Object::Dict(info)) = info.and_then(|number| file.object(number)) {
        reading.part("properties")?;
        for value in info.0.values() {
            write_text(reading, file, value)?;
        }
    }
    let names = attachment_names(file);
    reading.part("bookmarks, fields and scripts")?;
    for number in 0..file.table().numbers() {
        if seen.contains(&number) || info == Some(number) {
            continue;
        }
        let Some(Object::Dict(dict)) = file.object(number) else {
            continue;
        };
        if let Some(Place::At(_)) = file.table().get(number)
            && let Some(kind) = StreamKind::of(&dict)
        {
            let outcome = read_stream(reading, file, number, kind, &names);
            reading.go_on(outcome)?;
            reading.part("bookmarks, fields and scripts")?;
            continue;
        }
        write_texts(reading, file, &dict)?;
        for value in dict.0.values() {
            if let Object::Dict(inner) = value {
                write_texts(reading, file, inner)?;
            }
        }
    }
    Ok(())
}

/// Streams that hold text or documents, and are not content.
#[derive(Clone, Copy)]
enum StreamKind {
    Attachment,
    /// XML about the document: XMP, and forms in XFA.
    Metadata,
    /// Without a type: scripts, parts of XFA, rich texts. Read if it is text.
    Plain,
}

impl StreamKind {
    fn of(dict: &Dict) -> Option<StreamKind> {
        dict.get("Length")?;
        match (dict.name("Type"), dict.name("Subtype")) {
            (Some(b"EmbeddedFile"), _) => Some(StreamKind::Attachment),
            (Some(b"Metadata"), _) => Some(StreamKind::Metadata),
            (None, None) => match [
                "FunctionType",
                "ShadingType",
                "PatternType",
                "Length1",
                "N",
                "BBox",
            ]
            .iter()
            .any(|key| dict.get(key).is_some())
            {
                true => None,
                false => Some(StreamKind::Plain),
            },
            _ => None,
        }
    }
}

fn read_stream(
    reading: &mut Reading<'_>,
    file: &mut File<'_>,
    number: u32,
    kind: StreamKind,
    names: &[(u32, String)],
) -> Outcome {
    let Some(stream) = file.stream(number) else {
        return Ok(());
    };
    match kind {
        StreamKind::Attachment => {
            if !reading.has_room_for_entries() {
                return Err(Reason::TooManyEntries);
            }
            let mut unpacked = file.unpacked(&stream).ok_or(Reason::Unsupported)?;
            let name = names
                .iter()
                .find(|(known, _)| *known == number)
                .map(|(_, name)| &**name);
            reading.entry_stream(name.unwrap_or("attachment"), &mut unpacked)
        }
        StreamKind::Metadata => {
            let mut unpacked = file.unpacked(&stream).ok_or(Reason::Unsupported)?;
            reading.part("metadata")?;
            office::read_all(reading, &mut unpacked)
        }
        StreamKind::Plain => {
            let Some(mut unpacked) = file.unpacked(&stream) else {
                return Ok(());
            };
            /// As much is looked at to tell a script or a form from the content of a page.
            const SAMPLE_BYTES: u64 = 4096;
            let mut head = Vec::new();
            let read = unpacked.by_ref().take(SAMPLE_BYTES).read_to_end(&mut head);
            read.map_err(|error| reading.budget.blame(&error))?;
            if !decode::looks_like_text(&head) || !is_script(&head) {
                return Ok(());
            }
            decode::read(reading, &mut head.chain(unpacked))
        }
    }
}

/// Content and maps of fonts are text too, of operators; they have been read, or say nothing.
fn is_script(head: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let is_xml = head.trim_ascii_start().starts_with(b"<");
    is_xml || (!has(b" Tf") && !has(b"begincmap") && (has(b";") || has(b"=")) && has(b"("))
}

/// Names of attached files, by the number of their stream (ISO 32000-1, 7.11.4).
fn attachment_names(file: &mut File<'_>) -> Vec<(u32, String)> {
    /// More of them are called "attachment".
    const NAMES_MAX: usize = 10_000;
    let mut names = Vec::new();
    for number in 0..file.table().numbers() {
        if names.len() >= NAMES_MAX {
            break;
        }
        // An attachment may be described within what leads to it.
        let Some(object) = file.object(number) else {
            continue;
        };
        let specifications: Vec<Dict> = match object {
            Object::Dict(dict) if dict.get("EF").is_some() => vec![dict],
            Object::Dict(dict) => dict
                .get("FS")
                .and_then(Object::dict)
                .cloned()
                .into_iter()
                .collect(),
            _ => Vec::new(),
        };
        for specification in specifications {
            let name = ["UF", "F"]
                .into_iter()
                .find_map(|key| match specification.get(key) {
                    Some(Object::Text(name)) => Some(text(name)),
                    _ => None,
                });
            let files = file.dict(&specification, "EF").unwrap_or_default();
            for stream in files.0.values() {
                if let (Object::Reference(stream), Some(name)) = (stream, &name) {
                    names.push((*stream, name.clone()));
                }
            }
        }
    }
    names
}
