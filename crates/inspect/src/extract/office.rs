//! Office Open XML (ECMA-376): documents, sheets and slides, with and without macros, and their templates.
//!
//! Every entry of the package is read: known parts as what they are, other XML with all of its text and attributes, and
//! everything else as a document of its own, so that nothing hides under a name that Office does not look for.

use std::io::Read;

use super::excel;
use super::office_rels::{self, Relations};
use super::reading::{Outcome, Reading};
use super::xml::{self, Attributes, Node};
use super::zip::{self, Entry, Package};

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
    let named = match flavour {
        Flavour::Excel => excel::sheets(reading, package, &relations)?,
        Flavour::PowerPoint => slides(reading, package, &relations)?,
        Flavour::Word | Flavour::Visio | Flavour::ExcelBinary => Vec::new(),
    };
    let shared = match flavour {
        Flavour::Excel => excel::SharedStrings::read(reading, package)?,
        Flavour::Word | Flavour::PowerPoint | Flavour::Visio | Flavour::ExcelBinary => {
            Default::default()
        }
    };
    reading.holding(shared.bytes(), |reading| {
        for entry in in_order(package, flavour, &named) {
            let path = entry.name.trim_start_matches('/');
            if path.ends_with(".rels")
                || path == "[Content_Types].xml"
                || path == excel::SHARED_STRINGS
            {
                continue;
            }
            if !is_xml(path) {
                zip::read_entry(reading, package, entry)?;
                continue;
            }
            reading.part(&office_rels::title(path, flavour, &relations, &named))?;
            let outcome = package.with(reading, entry, |reading, content| {
                content.stream(&mut |input| match form(path) {
                    Form::Sheet => excel::read_sheet(reading, input, &shared),
                    Form::Flow => read_flow(reading, input),
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
fn in_order<'p>(
    package: &'p Package<'_>,
    flavour: Flavour,
    named: &[(String, String)],
) -> Vec<&'p Entry> {
    let mut entries: Vec<&Entry> = package.entries.iter().collect();
    let places: std::collections::BTreeMap<&str, usize> = named
        .iter()
        .enumerate()
        .map(|(place, (path, _))| (&**path, place))
        .collect();
    entries.sort_by_key(|entry| {
        let path = entry.name.trim_start_matches('/');
        match places.get(path) {
            _ if path == flavour.main_part() => 0,
            Some(place) => place + 1,
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

/// Slides in the order of the presentation, and which of them are hidden.
fn slides(
    reading: &mut Reading<'_>,
    package: &Package<'_>,
    relations: &Relations,
) -> Result<Vec<(String, String)>, crate::Reason> {
    let main = Flavour::PowerPoint.main_part();
    let mut paths = Vec::new();
    if let Some(entry) = package.find(main) {
        let outcome = package.with(reading, entry, |reading, content| {
            let budget = reading.budget;
            content.stream(&mut |input| {
                xml::walk(budget, input, &mut |node| {
                    // It has two attributes of that name: its own number, and the relationship's.
                    if let Node::Start("sldId", attributes) = node
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
    let mut named = Vec::new();
    for (place, path) in paths.into_iter().enumerate() {
        let mut title = format!("slide {}", place + 1);
        if let Some(entry) = package.find(&path)
            && is_hidden(reading, package, entry)?
        {
            title.push_str(" (hidden)");
        }
        named.push((path, title));
    }
    Ok(named)
}

fn is_hidden(
    reading: &mut Reading<'_>,
    package: &Package<'_>,
    slide: &Entry,
) -> Result<bool, crate::Reason> {
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

/// Elements whose text is text: of runs, deleted runs, fields, cells of charts, comments ([ISO/IEC 29500-1] 17.3.3, 21.1.2).
fn is_run(element: &str) -> bool {
    matches!(
        element,
        "t" | "delText" | "instrText" | "delInstrText" | "text" | "v" | "Text"
    )
}

/// Alternatives of the same content are read once; longer ones are not compared.
const ALTERNATIVE_BYTES_MAX: usize = 64 << 10;

/// Text of paragraphs as it flows, with what stands beside it after each of them.
fn read_flow(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    let budget = reading.budget;
    let mut element = String::new();
    let mut alternatives = Alternatives::default();
    xml::walk(budget, input, &mut |node| match node {
        Node::Start(name, attributes) => {
            element.clear();
            element.push_str(name);
            match name {
                "tab" | "ptab" => reading.text("\t")?,
                "br" | "cr" => reading.text("\n")?,
                "noBreakHyphen" => reading.text("-")?,
                "AlternateContent" => alternatives.begin(),
                "Fallback" => alternatives.is_fallback = true,
                _ => {}
            }
            remarks(reading, name, attributes)
        }
        Node::End(name) => {
            element.clear();
            match name {
                "p" | "tr" | "comment" | "pt" | "cm" | "Shape" | "title" => reading.line(),
                "tc" => reading.text("\t"),
                "Fallback" => alternatives.end_fallback(reading),
                "AlternateContent" => {
                    alternatives.end();
                    Ok(())
                }
                _ => Ok(()),
            }
        }
        Node::Text(text) if is_run(&element) => match alternatives.take(text) {
            true => Ok(()),
            false => reading.text(text),
        },
        Node::Text(text) | Node::Comment(text) => match text.trim().is_empty() {
            true => Ok(()),
            false => reading.aside(text),
        },
    })
}

/// A drawing is written twice, for programs that know it and as a fallback for others (ECMA-376, part 3, 7.5).
#[derive(Default)]
struct Alternatives {
    depth: usize,
    is_fallback: bool,
    choice: String,
    fallback: String,
}

impl Alternatives {
    fn begin(&mut self) {
        self.depth += 1;
        if self.depth == 1 {
            self.choice.clear();
            self.fallback.clear();
        }
    }

    /// Whether a text waits until it is known to be another one.
    fn take(&mut self, text: &str) -> bool {
        if self.depth == 0 {
            return false;
        }
        let kept = if self.is_fallback {
            &mut self.fallback
        } else {
            &mut self.choice
        };
        if kept.len() + text.len() <= ALTERNATIVE_BYTES_MAX {
            kept.push_str(text);
            return self.is_fallback;
        }
        // Too long to compare: read both.
        kept.clear();
        false
    }

    fn end_fallback(&mut self, reading: &mut Reading<'_>) -> Outcome {
        self.is_fallback = false;
        if self.fallback != self.choice {
            reading.line()?;
            reading.text(&self.fallback)?;
            reading.line()?;
        }
        self.fallback.clear();
        Ok(())
    }

    fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.is_fallback = false;
    }
}

/// Text in attributes: alternative texts, tips, authors, choices and variables.
fn remarks(reading: &mut Reading<'_>, element: &str, attributes: Attributes<'_>) -> Outcome {
    /// Elements whose value somebody typed.
    const TYPED: [&str; 8] = [
        "docVar",
        "alias",
        "tag",
        "default",
        "listEntry",
        "helpText",
        "statusText",
        "docPartName",
    ];
    /// Attributes that somebody typed, of whatever element.
    const REMARKS: [&str; 9] = [
        "descr",
        "title",
        "tooltip",
        "author",
        "displayName",
        "userId",
        "alt",
        "string",
        "altText",
    ];
    if matches!(
        element,
        "tab" | "br" | "p" | "r" | "t" | "rPr" | "pPr" | "rFonts" | "sz"
    ) {
        return Ok(());
    }
    let is_typed = TYPED.contains(&element);
    for (name, value) in attributes.iter() {
        if REMARKS.contains(&name) || (is_typed && matches!(name, "val" | "name")) {
            reading.aside(&value)?;
        }
    }
    Ok(())
}

/// All text and all attributes, a line each.
pub(crate) fn read_all(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    let budget = reading.budget;
    xml::walk(budget, input, &mut |node| match node {
        Node::Start(_, attributes) => {
            for (_, value) in attributes.iter() {
                reading.aside(&value)?;
            }
            Ok(())
        }
        Node::End(_) => reading.line(),
        Node::Text(text) if text.trim().is_empty() => Ok(()),
        Node::Text(text) => reading.text(text),
        Node::Comment(text) => reading.aside(text),
    })
}
