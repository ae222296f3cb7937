//! PDF: pages with their comments, then everything else that holds text: properties, bookmarks, forms, scripts, attachments.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::decode;
use super::pdf_file::File;
use super::pdf_object::{Dict, Object};
use super::pdf_page::Painter;
use super::pdf_rest;
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
    pdf_rest::read(reading, &mut file, &seen)?;
    // Of tables and of what no page shows.
    if file.take_fault() {
        reading.part("")?;
        reading.miss(Reason::Corrupt);
    }
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
        let Object::Reference(number) = content else {
            continue;
        };
        if let Some(stream) = file.stream(number) {
            seen.insert(number);
            painter.paint(reading, file, &stream, resources, 0)?;
        } else if file.object(number) != Some(Object::Null) {
            reading.miss(Reason::Corrupt);
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

pub(crate) fn write_texts(reading: &mut Reading<'_>, file: &mut File<'_>, dict: &Dict) -> Outcome {
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

pub(crate) fn write_text(
    reading: &mut Reading<'_>,
    file: &mut File<'_>,
    value: &Object,
) -> Outcome {
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
