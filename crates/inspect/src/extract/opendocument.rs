//! OpenDocument (OASIS, 1.3): texts, spreadsheets and presentations.

use std::io::Read;

use super::office;
use super::reading::{Outcome, Reading};
use super::xml::{self, Attributes, Node};
use super::zip::{self, Package};
use crate::report::Reason;

/// The type of a package is its first entry, some dozen bytes (part 2, 3.3).
const TYPE_BYTES_MAX: u64 = 256;

/// Styles of tables that are not shown.
const HIDDEN_MAX: usize = 1000;

/// Programs number their styles; tables whose style has a longer name are not known as hidden.
const STYLE_BYTES_MAX: usize = 256;

/// Spaces that one element may stand for; more are cut.
const SPACES_MAX: usize = 100;

/// As much of a cell's text is compared with its value.
const CELL_BYTES_MAX: usize = 4096;

/// Which OpenDocument a package is, if it is one.
pub(crate) fn format(reading: &mut Reading<'_>, package: &Package<'_>) -> Option<&'static str> {
    let entry = package.find("mimetype")?;
    let kind = package.bytes(reading, entry, TYPE_BYTES_MAX).ok()?;
    let kind = kind
        .trim_ascii()
        .strip_prefix(b"application/vnd.oasis.opendocument.")?;
    let is = |word: &[u8]| kind.starts_with(word);
    if is(b"text") {
        Some("odt")
    } else if is(b"spreadsheet") {
        Some("ods")
    } else if is(b"presentation") {
        Some("odp")
    } else {
        Some("odf")
    }
}

pub(crate) fn read(reading: &mut Reading<'_>, package: &Package<'_>) -> Outcome {
    if is_encrypted(reading, package)? {
        return Err(Reason::Encrypted);
    }
    for entry in &package.entries {
        let path = entry.name.trim_start_matches('/');
        let file = path.rsplit('/').next().unwrap_or(path);
        if matches!(path, "mimetype" | "META-INF/manifest.xml") {
            continue;
        }
        if !path.ends_with(".xml") && !path.ends_with(".rdf") {
            let forgiven = path.starts_with("Thumbnails/").then_some(Reason::Picture);
            reading.forgiving(forgiven, |reading| zip::read_entry(reading, package, entry))?;
            continue;
        }
        reading.part(title(path, file))?;
        let outcome = package.with(reading, entry, |reading, content| {
            content.stream(&mut |input| match file {
                "content.xml" if path == file => Content::default().read(reading, input),
                "content.xml" | "styles.xml" => Content::nested().read(reading, input),
                _ => office::read_all(reading, input),
            })
        });
        reading.go_on(outcome)?;
    }
    Ok(())
}

fn title<'p>(path: &'p str, file: &str) -> &'p str {
    match path {
        "content.xml" => "",
        "meta.xml" => "properties",
        "styles.xml" => "headers and footers",
        "settings.xml" => "settings",
        // "Object 1/content.xml" is a document in the document.
        path => path
            .strip_suffix(file)
            .map_or(path, |folder| match folder.is_empty() {
                true => path,
                false => folder.trim_end_matches('/'),
            }),
    }
}

/// The manifest says of each entry how it is encrypted (part 2, 4.4).
fn is_encrypted(reading: &mut Reading<'_>, package: &Package<'_>) -> Result<bool, Reason> {
    let Some(entry) = package.find("META-INF/manifest.xml") else {
        return Ok(false);
    };
    let mut is_encrypted = false;
    let outcome = package.with(reading, entry, |reading, content| {
        let budget = reading.budget;
        content.stream(&mut |input| {
            xml::walk(budget, input, &mut |node| {
                is_encrypted |= matches!(node, Node::Start("encryption-data", _));
                Ok(())
            })
        })
    });
    reading.part("manifest")?;
    reading.go_on(outcome)?;
    Ok(is_encrypted)
}

/// Where we are in a content part.
#[derive(Default)]
struct Content {
    /// A part of another: its sheets and pages are none of their own.
    is_nested: bool,
    /// Styles of tables that are not shown.
    hidden: Vec<String>,
    style: String,
    tables: usize,
    cells: usize,
    paragraphs: usize,
    /// Pages so far, and the name of the one we are in.
    pages: usize,
    page: String,
    annotation: Option<String>,
    cell_text: String,
    cell_value: String,
}

impl Content {
    fn nested() -> Content {
        Content {
            is_nested: true,
            ..Content::default()
        }
    }

    fn read(mut self, reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
        let budget = reading.budget;
        xml::walk(budget, input, &mut |node| match node {
            Node::Start(name, attributes) => self.start(reading, name, attributes),
            Node::End(name) => self.end(reading, name),
            Node::Text(text) => self.text(reading, text),
            Node::Comment(text) => reading.aside(text),
        })
    }

    fn start(
        &mut self,
        reading: &mut Reading<'_>,
        name: &str,
        attributes: Attributes<'_>,
    ) -> Outcome {
        match name {
            "style" => {
                let name = attributes.get("name").unwrap_or_default();
                self.style.clear();
                if name.len() <= STYLE_BYTES_MAX {
                    self.style.push_str(&name);
                }
            }
            "table-properties"
                if attributes.get("display").as_deref() == Some("false")
                    && !self.style.is_empty()
                    && self.hidden.len() < HIDDEN_MAX =>
            {
                self.hidden.push(self.style.clone());
            }
            "table" => {
                self.tables += 1;
                if self.tables == 1 && !self.is_nested {
                    self.begin_table(reading, attributes)?;
                }
            }
            "page" if !self.is_nested => {
                self.pages += 1;
                self.page = match self.is_hidden(attributes) {
                    true => format!("slide {} (hidden)", self.pages),
                    false => format!("slide {}", self.pages),
                };
                reading.part(&self.page)?;
            }
            "notes" if !self.page.is_empty() => reading.part(&format!("{}, notes", self.page))?,
            "table-cell" | "covered-table-cell" => {
                self.cells += 1;
                self.cell_text.clear();
                let value = ["value", "string-value", "date-value"];
                let value = value.into_iter().find_map(|name| attributes.get(name));
                self.cell_value = value.unwrap_or_default().into_owned();
            }
            "annotation" => self.annotation = Some(String::new()),
            "p" | "h" => self.paragraphs += 1,
            "tab" => return self.text(reading, "\t"),
            "line-break" => return self.text(reading, "\n"),
            "s" => {
                let count = attributes.get("c").and_then(|count| count.parse().ok());
                let spaces = " ".repeat(count.unwrap_or(1).min(SPACES_MAX));
                return self.text(reading, &spaces);
            }
            _ => {}
        }
        for (name, value) in attributes.iter() {
            match name {
                "label" | "current-value" | "title" | "href" => reading.aside(&value)?,
                "formula" if value.contains('"') => reading.aside(&value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// In a spreadsheet the outermost tables are its sheets.
    fn begin_table(&mut self, reading: &mut Reading<'_>, attributes: Attributes<'_>) -> Outcome {
        if self.paragraphs > 0 || !self.page.is_empty() {
            return Ok(());
        }
        let name = attributes.get("name").unwrap_or_default();
        match self.is_hidden(attributes) {
            true => reading.part(&format!("sheet {name} (hidden)")),
            false => reading.part(&format!("sheet {name}")),
        }
    }

    fn is_hidden(&self, attributes: Attributes<'_>) -> bool {
        let style = attributes.get("style-name").unwrap_or_default();
        self.hidden.iter().any(|hidden| *hidden == style)
            || attributes.get("visibility").as_deref() == Some("hidden")
    }

    fn end(&mut self, reading: &mut Reading<'_>, name: &str) -> Outcome {
        match name {
            "table" => self.tables = self.tables.saturating_sub(1),
            "table-row" => return reading.line(),
            "table-cell" | "covered-table-cell" => {
                self.cells = self.cells.saturating_sub(1);
                // What is shown may be less than what is there.
                if !self.cell_value.is_empty() && !self.cell_text.contains(&self.cell_value) {
                    let value = std::mem::take(&mut self.cell_value);
                    reading.text(" ")?;
                    reading.text(&super::sheet::number(&value))?;
                }
                return reading.text("\t");
            }
            "annotation" => {
                if let Some(annotation) = self.annotation.take() {
                    return reading.aside(&annotation);
                }
            }
            "notes" if !self.page.is_empty() => return reading.part(&self.page.clone()),
            "p" | "h" => {
                self.paragraphs = self.paragraphs.saturating_sub(1);
                match self.annotation.as_mut() {
                    Some(annotation) if annotation.ends_with('\n') => {}
                    Some(annotation) => annotation.push('\n'),
                    None if self.cells > 0 => return reading.text(" "),
                    None => return reading.line(),
                }
            }
            "title" | "desc" | "creator" | "date" => {
                if let Some(annotation) = self.annotation.as_mut()
                    && !annotation.ends_with('\n')
                {
                    annotation.push('\n');
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, reading: &mut Reading<'_>, text: &str) -> Outcome {
        if let Some(annotation) = self.annotation.as_mut() {
            annotation.push_str(text);
            // Remarks are short; a longer one is handed over in pieces.
            if annotation.len() > CELL_BYTES_MAX {
                let piece = std::mem::take(annotation);
                return reading.aside(&piece);
            }
            return Ok(());
        }
        if self.paragraphs == 0 {
            return reading.aside(text);
        }
        if self.cells > 0 && self.cell_text.len() + text.len() <= CELL_BYTES_MAX {
            self.cell_text.push_str(text);
        }
        reading.text(text)
    }
}
