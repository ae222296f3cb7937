//! Office Open XML (ECMA-376): documents, sheets and slides, with and without macros, and their templates.
//!
//! Every entry of the package is read: known parts as what they are, other XML with all of its text and attributes, and
//! everything else as a document of its own, so that nothing hides under a name that Office does not look for.

use std::io::Read;

use super::excel;
use super::office_flow;
use super::office_rels::{self, Relations, Titles};
use super::reading::{Outcome, Reading};
use super::xml::{self, Node};
use super::zip::{self, Entry, Package};
use crate::report::Reason;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    Word,
    Excel,
    /// Sheets in the binary form ([MS-XLSB]), which is not read; the rest of the package is.
    ExcelBinary,
    PowerPoint,
    Visio,
}

impl Flavour {
    pub(crate) fn of(package: &Package<'_>) -> Option<Flavour> {
        package.find("[Content_Types].xml")?;
        let has = |name: &str| package.find(name).is_some();
        if has("xl/workbook.bin") {
            return Some(Flavour::ExcelBinary);
        }
        let all = [
            Flavour::Word,
            Flavour::Excel,
            Flavour::PowerPoint,
            Flavour::Visio,
        ];
        all.into_iter().find(|flavour| {
            let folder = flavour.folder();
            has(flavour.main_part())
                || package
                    .entries
                    .iter()
                    .any(|entry| entry.name.starts_with(folder))
        })
    }

    pub(crate) fn format(self) -> &'static str {
        match self {
            Flavour::Word => "docx",
            Flavour::Excel => "xlsx",
            Flavour::ExcelBinary => "xlsb",
            Flavour::PowerPoint => "pptx",
            Flavour::Visio => "vsdx",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Flavour::Word => "word/",
            Flavour::Excel | Flavour::ExcelBinary => "xl/",
            Flavour::PowerPoint => "ppt/",
            Flavour::Visio => "visio/",
        }
    }

    pub(crate) fn main_part(self) -> &'static str {
        match self {
            Flavour::Word => "word/document.xml",
            Flavour::Excel => "xl/workbook.xml",
            Flavour::ExcelBinary => "xl/workbook.bin",
            Flavour::PowerPoint => "ppt/presentation.xml",
            Flavour::Visio => "visio/document.xml",
        }
    }
}

pub(crate) fn read(reading: &mut Reading<'_>, package: &Package<'_>, flavour: Flavour) -> Outcome {
    let relations = Relations::read(reading, package)?;
    let titles = match flavour {
        Flavour::Excel => excel::sheets(reading, package, &relations)?,
        Flavour::PowerPoint => slides(reading, package, &relations)?,
        Flavour::Word | Flavour::Visio | Flavour::ExcelBinary => Titles::new(),
    };
    let shared = match flavour {
        Flavour::Excel => excel::SharedStrings::read(reading, package)?,
        Flavour::Word | Flavour::PowerPoint | Flavour::Visio | Flavour::ExcelBinary => {
            Default::default()
        }
    };
    reading.holding(shared.bytes(), |reading| {
        for entry in in_order(package, flavour, &titles) {
            let path = entry.name.trim_start_matches('/');
            if path.ends_with(".rels")
                || path == "[Content_Types].xml"
                || path == excel::SHARED_STRINGS
            {
                continue;
            }
            if !is_xml(path) {
                // The small picture of the first page shows nothing that is not in the document.
                let forgiven = path
                    .starts_with("docProps/thumbnail")
                    .then_some(Reason::Picture);
                reading.forgiving(forgiven, |reading| zip::read_entry(reading, package, entry))?;
                continue;
            }
            reading.part(&office_rels::title(path, flavour, &relations, &titles))?;
            let outcome = package.with(reading, entry, |reading, content| {
                content.stream(&mut |input| match form(path) {
                    Form::Sheet => excel::read_sheet(reading, input, &shared),
                    Form::Flow => office_flow::read_flow(reading, input),
                    Form::Other => read_all(reading, input),
                })
            });
            reading.go_on(outcome)?;
            relations.write_links(reading, path)?;
        }
        Ok(())
    })
}

/// The main part first, then sheets or slides in the order in which people see them, then all others.
fn in_order<'p>(package: &'p Package<'_>, flavour: Flavour, titles: &Titles) -> Vec<&'p Entry> {
    let mut entries: Vec<&Entry> = package.entries.iter().collect();
    entries.sort_by_key(|entry| {
        let path = entry.name.trim_start_matches('/');
        match titles.get(path) {
            _ if path == flavour.main_part() => 0,
            Some((place, _)) => place + 1,
            None => usize::MAX,
        }
    });
    entries
}

fn is_xml(path: &str) -> bool {
    path.ends_with(".xml") || path.ends_with(".vml")
}

/// How an XML part is read.
enum Form {
    Sheet,
    /// Paragraphs and tables with marks between them.
    Flow,
    /// Whatever it is: all text, all attributes.
    Other,
}

fn form(path: &str) -> Form {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let stem = path
        .rsplit('/')
        .next()
        .unwrap_or(path)
        .trim_end_matches(".xml");
    let word = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    match (folder, word) {
        ("xl/worksheets" | "xl/chartsheets" | "xl/dialogsheets" | "xl/macrosheets", _) => {
            Form::Sheet
        }
        // What looks alike in every document, and has no text of its own.
        (_, "styles" | "theme" | "fontTable" | "webSettings" | "numbering") => Form::Flow,
        ("word" | "word/glossary" | "visio/pages", _) => Form::Flow,
        ("xl", "comments") => Form::Flow,
        ("xl/drawings" | "ppt/drawings" | "xl/threadedComments" | "ppt/comments", _) => Form::Flow,
        ("ppt/slides" | "ppt/notesSlides" | "ppt/slideLayouts" | "ppt/slideMasters", _) => {
            Form::Flow
        }
        ("ppt/notesMasters" | "ppt/handoutMasters", _) => Form::Flow,
        (folder, _) if folder.ends_with("/charts") || folder.ends_with("/diagrams") => Form::Flow,
        _ => Form::Other,
    }
}

/// Slides and sheets with a name of their own; PowerPoint and Excel have no limit but memory.
pub(crate) const TITLES_MAX: usize = 10_000;

/// Slides in the order of the presentation, and which of them are hidden.
fn slides(
    reading: &mut Reading<'_>,
    package: &Package<'_>,
    relations: &Relations,
) -> Result<Titles, Reason> {
    let main = Flavour::PowerPoint.main_part();
    let mut paths = Vec::new();
    if let Some(entry) = package.find(main) {
        let outcome = package.with(reading, entry, |reading, content| {
            let budget = reading.budget;
            content.stream(&mut |input| {
                xml::walk(budget, input, &mut |node| {
                    // It has two attributes of that name: its own number, and the relationship's.
                    if let Node::Start("sldId", attributes) = node
                        && paths.len() < TITLES_MAX
                        && let Some(path) = attributes
                            .iter()
                            .filter(|(name, _)| *name == "id")
                            .find_map(|(_, id)| relations.target(main, &id))
                    {
                        paths.push(path.to_owned());
                    }
                    Ok(())
                })
            })
        });
        // Slides of a presentation that cannot be read have the names of their files.
        reading.part("presentation")?;
        reading.go_on(outcome)?;
    }
    let mut titles = Titles::new();
    for (place, path) in paths.into_iter().enumerate() {
        let mut title = format!("slide {}", place + 1);
        if let Some(entry) = package.find(&path)
            && is_hidden(reading, package, entry)?
        {
            title.push_str(" (hidden)");
        }
        titles.insert(path, (place, title));
    }
    Ok(titles)
}

fn is_hidden(
    reading: &mut Reading<'_>,
    package: &Package<'_>,
    slide: &Entry,
) -> Result<bool, Reason> {
    /// The root element with its namespaces.
    const START_BYTES: u64 = 4096;
    let mut is_hidden = false;
    let _ = package.with(reading, slide, |reading, content| {
        let budget = reading.budget;
        content.stream(&mut |input| {
            xml::walk(budget, &mut input.take(START_BYTES), &mut |node| {
                if let Node::Start("sld", attributes) = node {
                    is_hidden = matches!(attributes.get("show").as_deref(), Some("0" | "false"));
                }
                Ok(())
            })
        })
    }); // the start of a document ends in the middle; when it is read whole, its faults are told
    Ok(is_hidden)
}

/// Shorter values are numbers and switches.
pub(crate) const REMARK_BYTES_MIN: usize = 4;

/// All text and all attributes, a line each.
pub(crate) fn read_all(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    let budget = reading.budget;
    xml::walk(budget, input, &mut |node| match node {
        Node::Start(_, attributes) => {
            for (_, value) in attributes.iter() {
                if value.len() >= REMARK_BYTES_MIN && value != "true" && value != "false" {
                    reading.aside(&value)?;
                }
            }
            Ok(())
        }
        Node::End(_) => reading.line(),
        Node::Text(text) if text.trim().is_empty() => Ok(()),
        Node::Text(text) => reading.text(text),
        Node::Comment(text) => reading.aside(text),
    })
}
