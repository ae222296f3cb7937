//! PDF: pages with their comments, then everything else that holds text: properties, bookmarks, forms, scripts, attachments.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::rc::Rc;

use super::decode;
use super::office;
use super::pdf_file::File;
use super::pdf_object::{Dict, Object};
use super::pdf_page::Painter;
use super::pdf_xref::Place;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// Pages of one file.
const PAGES_MAX: usize = 100_000;

/// Nodes of the page tree above each other.
const TREE_DEPTH_MAX: usize = 64;

/// Streams of content of one page.
const CONTENTS_MAX: usize = 10_000;

/// Comments, links and fields of one page.
const ANNOTATIONS_MAX: usize = 10_000;

/// Keys whose strings people read or write, of whatever dictionary (ISO 32000-1, tables 164, 170, 220, 153, 317, 323, 206, 217).
const TEXTS: [&str; 22] = [
    "Title",
    "Author",
    "Subject",
    "Keywords",
    "Creator",
    "Producer",
    "Contents",
    "T",
    "TU",
    "V",
    "DV",
    "RC",
    "Subj",
    "ActualText",
    "Alt",
    "E",
    "JS",
    "URI",
    "Desc",
    "CA",
    "Opt",
    "Lang",
];

pub(crate) fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    let mut file = File::open(bytes, reading.budget)?;
    let mut seen = BTreeSet::new();
    let outcome = read_pages(reading, &mut file, &mut seen);
    reading.go_on(outcome)?;
    read_rest(reading, &mut file, &seen)?;
    match file.table().is_cut {
        true => Err(Reason::TooLarge),
        false => Ok(()),
    }
}

/// A node of the page tree: what is left of its children, and the resources of those that have none of their own.
struct Node {
    kids: std::vec::IntoIter<Object>,
    resources: Rc<Dict>,
}

fn read_pages(reading: &mut Reading<'_>, file: &mut File<'_>, seen: &mut BTreeSet<u32>) -> Outcome {
    let trailer = file.trailer.clone();
    let root = file.dict(&trailer, "Root").ok_or(Reason::Corrupt)?;
    let pages = root.get("Pages").cloned().ok_or(Reason::Corrupt)?;
    let mut painter = Painter::new();
    let mut count = 0;
    let mut nodes = vec![Node {
        kids: vec![pages].into_iter(),
        resources: Rc::default(),
    }];
    while let Some(node) = nodes.last_mut() {
        let Some(kid) = node.kids.next() else {
            nodes.pop();
            continue;
        };
        // A page that is its own parent is read once.
        if let Object::Reference(number) = kid
            && !seen.insert(number)
        {
            continue;
        }
        let Object::Dict(dict) = file.resolve(kid) else {
            reading.miss_part(&format!("page {}", count + 1), Reason::Corrupt);
            continue;
        };
        let resources = match file.dict(&dict, "Resources") {
            Some(resources) => Rc::new(resources),
            None => Rc::clone(&node.resources),
        };
        if let Object::Array(kids) = file.value(&dict, "Kids") {
            if nodes.len() >= TREE_DEPTH_MAX {
                return Err(Reason::TooDeep);
            }
            nodes.push(Node {
                kids: kids.into_iter(),
                resources,
            });
            continue;
        }
        count += 1;
        if count > PAGES_MAX {
            return Err(Reason::TooManyEntries);
        }
        reading.part(&format!("page {count}"))?;
        let outcome = read_page(reading, file, &mut painter, &dict, &resources, seen);
        reading.go_on(outcome)?;
        if painter.has_picture && !painter.has_text {
            reading.miss(Reason::Picture);
        }
        if painter.is_mute {
            reading.miss(Reason::Unsupported);
        }
        reading.part(&format!("page {count}, comments"))?;
        read_annotations(reading, file, &dict, seen)?;
    }
    Ok(())
}

fn read_page(
    reading: &mut Reading<'_>,
    file: &mut File<'_>,
    painter: &mut Painter,
    page: &Dict,
    resources: &Dict,
    seen: &mut BTreeSet<u32>,
) -> Outcome {
    painter.begin();
    let contents = match page.get("Contents") {
        Some(Object::Reference(number)) => match file.object(*number) {
            Some(Object::Array(contents)) => contents,
            _ => vec![Object::Reference(*number)],
        },
        Some(Object::Array(contents)) => contents.clone(),
        _ => return Ok(()),
    };
    for content in contents.into_iter().take(CONTENTS_MAX) {
        if let Object::Reference(number) = content
            && let Some(stream) = file.stream(number)
        {
            seen.insert(number);
            painter.paint(reading, file, &stream, resources, 0)?;
        }
    }
    Ok(())
}

fn read_annotations(
    reading: &mut Reading<'_>,
    file: &mut File<'_>,
    page: &Dict,
    seen: &mut BTreeSet<u32>,
) -> Outcome {
    let Object::Array(annotations) = file.value(page, "Annots") else {
        return Ok(());
    };
    for annotation in annotations.into_iter().take(ANNOTATIONS_MAX) {
        if let Object::Reference(number) = annotation
            && !seen.insert(number)
        {
            continue;
        }
        if let Object::Dict(annotation) = file.resolve(annotation) {
            write_texts(reading, file, &annotation)?;
            // What a click does.
            for key in ["A", "AA"] {
                if let Some(Object::Dict(action)) = annotation.get(key) {
                    write_texts(reading, file, action)?;
                }
            }
        }
    }
    Ok(())
}

/// Looks at every object that no page has led to.
fn read_rest(reading: &mut Reading<'_>, file: &mut File<'_>, seen: &BTreeSet<u32>) -> Outcome {
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

fn write_texts(reading: &mut Reading<'_>, file: &mut File<'_>, dict: &Dict) -> Outcome {
    for key in TEXTS {
        match dict.get(key) {
            Some(Object::Text(bytes)) => {
                reading.text(&text(bytes))?;
                reading.line()?;
            }
            Some(Object::Array(_)) if key == "Opt" || key == "V" => {
                let values = file.value(dict, key);
                for value in values.array().unwrap_or_default() {
                    write_text(reading, file, value)?;
                }
            }
            Some(value @ Object::Reference(_)) => write_text(reading, file, value)?,
            _ => {}
        }
    }
    Ok(())
}

fn write_text(reading: &mut Reading<'_>, file: &mut File<'_>, value: &Object) -> Outcome {
    let bytes = match value {
        Object::Text(bytes) => bytes.clone(),
        Object::Reference(number) => match file.object(*number) {
            Some(Object::Text(bytes)) => bytes,
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    reading.text(&text(&bytes))?;
    reading.line()
}

/// A text string: UTF-16 or UTF-8 where a mark says so, else an encoding that is Latin in most of its places (ISO 32000-1,
/// 7.9.2.2, and 32000-2).
pub(crate) fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0xef, 0xbb, 0xbf, ..] => decode::short(bytes, None),
        bytes => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}
