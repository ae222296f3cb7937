//! Excel 97 to 2003 ([MS-XLS]): records, one after the other; a field per cell, a line per row.

use std::collections::BTreeMap;

use super::compound::{Compound, long, short};
use super::decode;
use super::excel::SharedStrings;
use super::reading::{Outcome, Reading};
use super::sheet;
use crate::report::Reason;

const BOF: usize = 0x0809;
const BOUND_SHEET: usize = 0x0085;
const CONTINUE: usize = 0x003c;
const FILE_PASS: usize = 0x002f;
const FOOTER: usize = 0x0015;
const FORMULA: usize = 0x0006;
const HEADER: usize = 0x0014;
const LABEL: usize = 0x0204;
const LABEL_SST: usize = 0x00fd;
const MUL_RK: usize = 0x00bd;
const NOTE: usize = 0x001c;
const NUMBER: usize = 0x0203;
const RK: usize = 0x027e;
const SST: usize = 0x00fc;
const STRING: usize = 0x0207;
const TXO: usize = 0x01b6;

/// The version of streams that are read ([MS-XLS] 2.4.21, vers); those before have other strings.
const BIFF8: usize = 0x0600;

pub(crate) fn read(reading: &mut Reading<'_>, file: &mut Compound<'_>) -> Outcome {
    let name = if file.has("Workbook") {
        "Workbook"
    } else {
        "Book"
    };
    let bytes = file.bytes(reading, name)?;
    if short(&bytes, 4) != Some(BIFF8) {
        return Err(Reason::Unsupported);
    }
    reading.holding(bytes.len() as u64, |reading| {
        let mut workbook = Workbook::default();
        let mut records = Records {
            bytes: &bytes,
            at: 0,
        };
        while let Some(record) = records.next() {
            workbook.read(reading, &record, &mut records)?;
        }
        reading.line()?;
        match bytes.len() - records.at < HEADER_BYTES {
            true => Ok(()),
            // A record that is longer than what is left.
            false => Err(Reason::Corrupt),
        }
    })
}

/// The kind and the length of a record; less than that behind the last is padding.
const HEADER_BYTES: usize = 4;

struct Record<'b> {
    at: usize,
    kind: usize,
    data: &'b [u8],
}

#[derive(Clone)]
struct Records<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Records<'b> {
    fn next(&mut self) -> Option<Record<'b>> {
        let at = self.at;
        let kind = short(self.bytes, at)?;
        let length = short(self.bytes, at + 2)?;
        let data = self.bytes.get(at + 4..at + 4 + length)?;
        self.at = at + 4 + length;
        Some(Record { at, kind, data })
    }

    /// The rest of a record that is too long for one.
    fn next_continue(&mut self) -> Option<&'b [u8]> {
        let mut ahead = self.clone();
        let record = ahead.next().filter(|record| record.kind == CONTINUE)?;
        *self = ahead;
        Some(record.data)
    }
}

#[derive(Default)]
struct Workbook {
    /// Where each sheet begins, and its title.
    sheets: BTreeMap<usize, String>,
    shared: SharedStrings,
    row: Option<usize>,
}

impl Workbook {
    fn read<'b>(
        &mut self,
        reading: &mut Reading<'_>,
        record: &Record<'b>,
        records: &mut Records<'b>,
    ) -> Outcome {
        let data = record.data;
        match record.kind {
            FILE_PASS => return Err(Reason::Encrypted),
            BOUND_SHEET => self.add_sheet(data),
            SST => self.read_shared(reading, data, records)?,
            BOF => {
                self.row = None;
                if let Some(title) = self.sheets.get(&record.at) {
                    reading.part(title)?;
                }
            }
            LABEL_SST => {
                self.cell(reading, data)?;
                let text = long(data, 6).map_or("", |number| self.shared.get(number));
                reading.budget.spend(text.len() as u64)?;
                reading.text(text)?;
                reading.text("\t")?;
            }
            LABEL => {
                self.cell(reading, data)?;
                reading.text(&string(data.get(6..).unwrap_or_default()))?;
                reading.text("\t")?;
            }
            NUMBER | FORMULA => {
                self.cell(reading, data)?;
                // A result that is no number ends with two bytes of ones; texts follow in a record of their own.
                if let Some(value) = data.get(6..14)
                    && !(record.kind == FORMULA && value[6..] == [0xff, 0xff])
                    && let Ok(value) = value.try_into()
                {
                    reading.text(&sheet::float(f64::from_le_bytes(value)))?;
                    reading.text("\t")?;
                }
            }
            STRING => {
                reading.text(&string(data))?;
                reading.text("\t")?;
            }
            RK => {
                self.cell(reading, data)?;
                reading.text(&rk(long(data, 6).unwrap_or(0)))?;
                reading.text("\t")?;
            }
            MUL_RK => {
                self.cell(reading, data)?;
                let cells = data
                    .get(4..data.len().saturating_sub(2))
                    .unwrap_or_default();
                for cell in cells.chunks_exact(6) {
                    reading.text(&rk(long(cell, 2).unwrap_or(0)))?;
                    reading.text("\t")?;
                }
            }
            HEADER | FOOTER if !data.is_empty() => reading.aside(&string(data))?,
            NOTE => reading.aside(&string(data.get(8..).unwrap_or_default()))?,
            // Text boxes and comments: the text follows, then its formatting.
            TXO => {
                if let Some([flags, text @ ..]) = records.next_continue() {
                    reading.aside(&characters(text, flags & 1 != 0))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self, reading: &mut Reading<'_>, data: &[u8]) -> Outcome {
        let row = short(data, 0);
        if self.row != row {
            self.row = row;
            reading.line()?;
        }
        Ok(())
    }

    fn add_sheet(&mut self, data: &[u8]) {
        /// Sheets of one workbook; Excel has no limit but memory.
        const SHEETS_MAX: usize = 10_000;
        if let (Some(at), [_, _, _, _, state, _, length, flags, name @ ..]) = (long(data, 0), data)
            && self.sheets.len() < SHEETS_MAX
        {
            let is_wide = flags & 1 != 0;
            let bytes = usize::from(*length) * if is_wide { 2 } else { 1 };
            let name = characters(&name[..bytes.min(name.len())], is_wide);
            let title = match state & 3 {
                0 => format!("sheet {name}"),
                _ => format!("sheet {name} (hidden)"),
            };
            self.sheets.insert(at, title);
        }
    }

    /// Texts that cells refer to ([MS-XLS] 2.4.265), which go on in further records at any place.
    fn read_shared<'b>(
        &mut self,
        reading: &mut Reading<'_>,
        data: &'b [u8],
        records: &mut Records<'b>,
    ) -> Outcome {
        let count = long(data, 4).unwrap_or(0);
        let mut input = Segments {
            now: data.get(8..).unwrap_or_default(),
            records,
        };
        for _ in 0..count {
            let Some(text) = input.string() else {
                reading.miss(Reason::Corrupt);
                break;
            };
            if !self.shared.push(&text, reading.room() as usize) {
                reading.part("shared strings")?;
                reading.text(&text)?;
                reading.line()?;
            }
        }
        Ok(())
    }
}

struct Segments<'s, 'b> {
    now: &'b [u8],
    records: &'s mut Records<'b>,
}

impl Segments<'_, '_> {
    fn byte(&mut self) -> Option<u8> {
        while self.now.is_empty() {
            self.now = self.records.next_continue()?;
        }
        let (byte, rest) = self.now.split_first()?;
        self.now = rest;
        Some(*byte)
    }

    fn short(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes([
            self.byte()?,
            self.byte()?,
        ])))
    }

    /// A text with its number of characters, flags, and formatting after it ([MS-XLS] 2.5.293).
    fn string(&mut self) -> Option<String> {
        let mut left = self.short()?;
        let mut flags = self.byte()?;
        let runs = if flags & 8 != 0 { self.short()? } else { 0 };
        let extension = if flags & 4 != 0 {
            self.short()? | self.short()? << 16
        } else {
            0
        };
        let mut text = String::new();
        while left > 0 {
            if self.now.is_empty() {
                self.now = self.records.next_continue()?;
                // What goes on says anew how wide its characters are.
                flags = self.byte()?;
            }
            let width = if flags & 1 != 0 { 2 } else { 1 };
            let bytes = (left * width).min(self.now.len() / width * width);
            if bytes == 0 {
                return None;
            }
            let (raw, rest) = self.now.split_at(bytes);
            text.push_str(&characters(raw, width == 2));
            self.now = rest;
            left -= bytes / width;
        }
        let mut skipped = runs * 4 + extension;
        while skipped > 0 {
            if self.now.is_empty() {
                self.now = self.records.next_continue()?;
            }
            let bytes = skipped.min(self.now.len());
            self.now = &self.now[bytes..];
            skipped -= bytes;
        }
        Some(text)
    }
}

/// A text in one record: its length, whether it is wide, its characters.
fn string(data: &[u8]) -> String {
    match data {
        [low, high, flags, text @ ..] => {
            let is_wide = flags & 1 != 0;
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            let bytes = length * if is_wide { 2 } else { 1 };
            characters(&text[..bytes.min(text.len())], is_wide)
        }
        _ => String::new(),
    }
}

fn characters(raw: &[u8], is_wide: bool) -> String {
    match is_wide {
        true => decode::utf16(raw),
        false => raw.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Numbers in four bytes ([MS-XLS] 2.5.217): whole ones, or the upper half of a float; either may be a hundredfold.
fn rk(raw: usize) -> String {
    let raw = raw as u32;
    let value = match raw & 2 {
        0 => f64::from_bits(u64::from(raw & !3) << 32),
        _ => f64::from(raw as i32 >> 2),
    };
    sheet::float(if raw & 1 != 0 { value / 100.0 } else { value })
}
