//! Sheets of Office Open XML (ECMA-376, part 1, 18): a field per cell, a line per row, so that what stands in one row stays near.

use std::io::Read;

use super::office::TITLES_MAX;
use super::office_rels::{Relations, Titles};
use super::reading::{Outcome, Reading, shown};
use super::sheet;
use super::xml::{self, Attributes, Node};
use super::zip::Package;
use crate::report::Reason;

pub(crate) const SHARED_STRINGS: &str = "xl/sharedStrings.xml";

const WORKBOOK: &str = "xl/workbook.xml";

/// Texts that cells refer to are kept; those beyond this are read once, as a part of their own.
const SHARED_BYTES_MAX: usize = 40 << 20;

/// What is kept of a cell until it ends; Excel stops at 32,767 characters ("Excel specifications and limits").
const CELL_BYTES_MAX: usize = 128 << 10;

/// Names of sheets in their order, hidden ones said so.
pub(crate) fn sheets(
    reading: &mut Reading<'_>,
    package: &Package<'_>,
    relations: &Relations,
) -> Result<Titles, Reason> {
    let mut titles = Titles::new();
    let Some(entry) = package.find(WORKBOOK) else {
        return Ok(titles);
    };
    let outcome = package.with(reading, entry, |reading, content| {
        let budget = reading.budget;
        content.stream(&mut |input| {
            xml::walk(budget, input, &mut |node| {
                if let Node::Start("sheet", attributes) = node
                    && titles.len() < TITLES_MAX
                    && let Some(id) = attributes.get("id")
                    && let Some(path) = relations.target(WORKBOOK, &id)
                {
                    titles.insert(path.to_owned(), (titles.len(), title(attributes)));
                }
                Ok(())
            })
        })
    });
    reading.part("workbook")?;
    reading.go_on(outcome)?;
    Ok(titles)
}

fn title(attributes: Attributes<'_>) -> String {
    let name = shown(&attributes.get("name").unwrap_or_default());
    match attributes.get("state").as_deref() {
        Some("hidden" | "veryHidden") => format!("sheet {name} (hidden)"),
        _ => format!("sheet {name}"),
    }
}

/// Texts of cells, by number.
#[derive(Default)]
pub(crate) struct SharedStrings {
    text: String,
    /// Where each of them ends.
    ends: Vec<u32>,
}

impl SharedStrings {
    pub(crate) fn read(
        reading: &mut Reading<'_>,
        package: &Package<'_>,
    ) -> Result<SharedStrings, Reason> {
        let mut shared = SharedStrings::default();
        if let Some(entry) = package.find(SHARED_STRINGS) {
            reading.part("shared strings")?;
            let outcome = package.with(reading, entry, |reading, content| {
                content.stream(&mut |input| shared.collect(reading, input))
            });
            reading.go_on(outcome)?;
        }
        Ok(shared)
    }

    fn collect(&mut self, reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
        let budget = reading.budget;
        let bytes_max = SHARED_BYTES_MAX.min(reading.room() as usize / 2);
        let mut is_text = false;
        let mut is_phonetic = false;
        xml::walk(budget, input, &mut |node| {
            match node {
                Node::Start("t", _) => is_text = true,
                Node::End("t") => is_text = false,
                Node::Start("rPh", _) => is_phonetic = true,
                Node::End("rPh") => is_phonetic = false,
                Node::End("si") if self.bytes() as usize > bytes_max => return reading.line(),
                Node::End("si") => self.ends.push(self.text.len() as u32),
                Node::Text(text) if is_phonetic && is_text => return reading.aside(text),
                Node::Text(text) if is_text && self.bytes() as usize + text.len() > bytes_max => {
                    return reading.text(text);
                }
                Node::Text(text) if is_text => self.text.push_str(text),
                Node::Start(..) | Node::End(_) | Node::Text(_) | Node::Comment(_) => {}
            }
            Ok(())
        })
    }

    /// What they take in memory.
    pub(crate) fn bytes(&self) -> u64 {
        (self.text.len() + self.ends.len() * size_of::<u32>()) as u64
    }

    /// Adds a text, unless there is no room for it; then its number has none.
    pub(crate) fn push(&mut self, text: &str, room: usize) -> bool {
        let has_room = self.bytes() as usize + text.len() <= SHARED_BYTES_MAX.min(room);
        if has_room {
            self.text.push_str(text);
        }
        self.ends.push(self.text.len() as u32);
        has_room
    }

    /// The text of a number.
    pub(crate) fn get(&self, number: usize) -> &str {
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }
}

/// What stands between the tags of a cell.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Outside,
    Value,
    Formula,
    Inline,
    /// Headers, footers and texts of validations.
    Beside,
}

pub(crate) fn read_sheet(
    reading: &mut Reading<'_>,
    input: &mut dyn Read,
    shared: &SharedStrings,
) -> Outcome {
    let budget = reading.budget;
    let mut place = Place::Outside;
    let mut is_shared = false;
    let mut is_number = false;
    let (mut value, mut formula) = (String::new(), String::new());
    xml::walk(budget, input, &mut |node| match node {
        Node::Start(name, attributes) => {
            match name {
                "c" => {
                    let kind = attributes.get("t");
                    is_shared = kind.as_deref() == Some("s");
                    is_number = matches!(kind.as_deref(), None | Some("n"));
                    value.clear();
                    formula.clear();
                }
                "v" => place = Place::Value,
                "f" => place = Place::Formula,
                "t" => place = Place::Inline,
                "oddHeader" | "evenHeader" | "firstHeader" | "oddFooter" | "evenFooter"
                | "firstFooter" | "formula1" | "formula2" => place = Place::Beside,
                "dataValidation" | "hyperlink" | "protectedRange" => {
                    for wanted in [
                        "prompt",
                        "promptTitle",
                        "error",
                        "errorTitle",
                        "display",
                        "tooltip",
                        "location",
                        "name",
                    ] {
                        reading.aside(&attributes.get(wanted).unwrap_or_default())?;
                    }
                }
                _ => {}
            }
            Ok(())
        }
        Node::Text(text) => match place {
            Place::Value | Place::Inline => {
                value.push_str(text);
                match value.len() > CELL_BYTES_MAX {
                    true => reading.text(&std::mem::take(&mut value)),
                    false => Ok(()),
                }
            }
            Place::Formula => {
                formula.push_str(text);
                match formula.len() > CELL_BYTES_MAX {
                    true => reading.aside(&std::mem::take(&mut formula)),
                    false => Ok(()),
                }
            }
            Place::Beside => reading.aside(text),
            Place::Outside => Ok(()),
        },
        Node::End("c") => {
            let text = match (is_shared, is_number) {
                (true, _) => value
                    .trim()
                    .parse()
                    .map_or(&*value, |number| shared.get(number)),
                (false, true) => &sheet::number(&value),
                (false, false) => &*value,
            };
            // A text that many cells share comes out many times.
            if is_shared {
                budget.spend(text.len() as u64)?;
            }
            reading.text(text)?;
            // A formula is told where it has texts of its own.
            if formula.contains('"') {
                reading.text("\t=")?;
                reading.text(&formula)?;
            }
            // Ends may come without their beginnings.
            value.clear();
            formula.clear();
            reading.text("\t")
        }
        Node::End("row") => reading.line(),
        Node::End(_) => {
            place = Place::Outside;
            reading.line_if_aside()
        }
        Node::Comment(text) => reading.aside(text),
    })
}
