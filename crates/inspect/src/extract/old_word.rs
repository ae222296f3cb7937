//! Word 97 to 2003 ([MS-DOC]): the text in its pieces, and which of it are notes, headers and comments.

use super::compound::{Compound, long, short};
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// The first version with pieces in a table stream ([MS-DOC] 2.5.1, nFib).
const WORD_97: usize = 0x00c1;

/// Where the header has the number of characters of each part of the text, in their order ([MS-DOC] 2.5.4).
const PARTS: [(&str, usize); 8] = [
    ("", 0x4c),
    ("footnotes", 0x50),
    ("headers and footers", 0x54),
    ("macros", 0x58),
    ("comments", 0x5c),
    ("endnotes", 0x60),
    ("text boxes", 0x64),
    ("text boxes of headers", 0x68),
];

pub(crate) fn read(reading: &mut Reading<'_>, file: &mut Compound<'_>) -> Outcome {
    let text = file.bytes(reading, "WordDocument")?;
    let flags = short(&text, 0x0a).ok_or(Reason::Corrupt)?;
    if flags & 0x0100 != 0 {
        return Err(Reason::Encrypted);
    }
    if short(&text, 0x02).is_none_or(|version| version < WORD_97) {
        return Err(Reason::Unsupported);
    }
    reading.holding(text.len() as u64, |reading| {
        let table = match flags & 0x0200 {
            0 => file.bytes(reading, "0Table")?,
            _ => file.bytes(reading, "1Table")?,
        };
        let pieces = pieces(&text, &table).ok_or(Reason::Corrupt)?;
        let mut ends = Vec::new();
        let mut end = 0;
        for (name, at) in PARTS {
            end += long(&text, at).unwrap_or(0);
            ends.push((name, end));
        }
        let mut ends = ends.into_iter();
        let mut part = ends.next().unwrap_or(("", usize::MAX));
        reading.part(part.0)?;
        for number in 0..pieces.count {
            let piece = pieces.get(number).ok_or(Reason::Corrupt)?;
            let mut from = piece.from;
            while from < piece.to {
                while from >= part.1 {
                    part = ends.next().unwrap_or(("", usize::MAX));
                    reading.part(part.0)?;
                }
                let to = piece.to.min(part.1);
                write(reading, &text, &piece, from, to)?;
                from = to;
            }
        }
        Ok(())
    })
}

/// The table of pieces ([MS-DOC] 2.8.35): where each begins, in characters, then where it is.
struct Pieces<'t> {
    table: &'t [u8],
    count: usize,
}

struct Piece {
    from: usize,
    to: usize,
    at: usize,
    is_narrow: bool,
}

fn pieces<'t>(text: &[u8], table: &'t [u8]) -> Option<Pieces<'t>> {
    let start = long(text, 0x01a2)?;
    let length = long(text, 0x01a6)?;
    let mut rest = table.get(start..start.checked_add(length)?)?;
    // Formatting comes first, of any number.
    while let [1, low, high, after @ ..] = rest {
        rest = after.get(usize::from(u16::from_le_bytes([*low, *high]))..)?;
    }
    let [2, _, _, _, _, table @ ..] = rest else {
        return None;
    };
    Some(Pieces {
        table,
        count: table.len().saturating_sub(4) / 12,
    })
}

impl Pieces<'_> {
    fn get(&self, number: usize) -> Option<Piece> {
        let place = long(self.table, (self.count + 1) * 4 + number * 8 + 2)?;
        let is_narrow = place & 0x4000_0000 != 0;
        let at = place & 0x3fff_ffff;
        Some(Piece {
            from: long(self.table, number * 4)?,
            to: long(self.table, number * 4 + 4)?,
            at: if is_narrow { at / 2 } else { at },
            is_narrow,
        })
    }
}

/// Characters that are decoded at a time.
const RUN_CHARS: usize = 8192;

fn write(reading: &mut Reading<'_>, text: &[u8], piece: &Piece, from: usize, to: usize) -> Outcome {
    let mut from = from;
    let mut plain = String::new();
    while from < to {
        let until = to.min(from + RUN_CHARS);
        let width = if piece.is_narrow { 1 } else { 2 };
        let start = piece.at + (from - piece.from) * width;
        let Some(raw) = text.get(start..start + (until - from) * width) else {
            return Err(Reason::Corrupt);
        };
        // Pieces may share their bytes.
        reading.budget.spend(raw.len() as u64)?;
        let run = match piece.is_narrow {
            true => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0,
            false => encoding_rs::UTF_16LE.decode_without_bom_handling(raw).0,
        };
        plain.clear();
        plain.extend(run.chars().filter_map(|char| match char {
            // Marks of paragraphs, lines, pages; of cells; of hyphens ([MS-DOC] 2.4.1).
            '\r' | '\u{b}' | '\u{c}' => Some('\n'),
            '\u{7}' => Some('\t'),
            '\u{1e}' => Some('-'),
            '\u{13}'..='\u{15}' => Some(' '),
            '\t' => Some('\t'),
            char if char < ' ' => None,
            char => Some(char),
        }));
        reading.text(&plain)?;
        from = until;
    }
    Ok(())
}
