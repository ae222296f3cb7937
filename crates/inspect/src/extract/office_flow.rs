//! Text of Office documents that flows: paragraphs, tables, drawings, comments, and what stands beside them in attributes.

use std::io::Read;

use super::office::REMARK_BYTES_MIN;
use super::reading::{Outcome, Reading};
use super::xml::{self, Attributes, Node};

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
pub(crate) fn read_flow(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    let budget = reading.budget;
    let mut element = String::new();
    let mut cells = 0_usize;
    let mut alternatives = Alternatives::default();
    xml::walk(budget, input, &mut |node| match node {
        Node::Start(name, attributes) => {
            element.clear();
            element.push_str(name);
            match name {
                "tab" | "ptab" => reading.text("\t")?,
                "br" | "cr" => reading.text("\n")?,
                "noBreakHyphen" => reading.text("-")?,
                "tc" => cells += 1,
                "AlternateContent" => alternatives.begin(),
                "Fallback" => alternatives.is_fallback = true,
                _ => {}
            }
            remarks(reading, name, attributes)
        }
        Node::End(name) => {
            element.clear();
            match name {
                // What stands in one row stays in one line.
                "p" if cells > 0 => reading.text(" "),
                "p" | "tr" | "v" | "comment" | "pt" | "cm" | "Shape" | "title" => reading.line(),
                "tc" => {
                    cells = cells.saturating_sub(1);
                    reading.text("\t")
                }
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
        // Places and sizes are short numbers.
        Node::Text(text) if text.trim().len() < REMARK_BYTES_MIN => Ok(()),
        Node::Text(text) | Node::Comment(text) => reading.aside(text),
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
