//! Rich Text Format 1.9.1: control words, groups, and text in the code page that they say.
//!
//! No tree and no recursion: groups are a stack of small states. What a reader would not show (properties, hidden text, field
//! instructions, comments) is text too; binary data is skipped.

use std::collections::BTreeMap;
use std::io::{BufReader, Bytes, Read};
use std::iter::Peekable;

use encoding_rs::{Decoder, Encoding, WINDOWS_1252};

use super::budget::Budget;
use super::decode;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// Groups in groups. Word stops long before.
const DEPTH_MAX: usize = 1000;

/// A control word has at most 32 letters ("Control word"); more are no control word.
const WORD_BYTES_MAX: usize = 32;

/// What the text of a group is.
#[derive(Clone, Copy, PartialEq)]
enum Destination {
    Text,
    /// Stands beside the text: headers, notes, comments, properties, instructions of fields.
    Beside,
    /// Tables of fonts, colours and styles, pictures and embedded objects.
    Skipped,
}

#[derive(Clone, Copy)]
struct Group {
    destination: Destination,
    encoding: &'static Encoding,
    /// Bytes that stand for a `\u` in programs that do not know it.
    fallback: usize,
}

struct Rtf<'p, 'r> {
    reading: &'p mut Reading<'r>,
    groups: Vec<Group>,
    now: Group,
    /// Code pages by number of font.
    fonts: BTreeMap<i64, &'static Encoding>,
    font: i64,
    in_fonts: bool,
    /// The code page of the document, which fonts of the set 0 have.
    ansi: &'static Encoding,
    raw: Vec<u8>,
    beside: String,
    skip: usize,
    high: Option<u16>,
    is_starred: bool,
    has_objects: bool,
}

/// Fonts whose code page is remembered.
const FONTS_MAX: usize = 4096;

/// Bytes of one run that are decoded at a time.
const RUN_BYTES: usize = 4096;

/// As many are, even if that may tear a character of several bytes apart.
const RUN_BYTES_MAX: usize = 64 << 10;

pub(crate) fn read(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    let budget = reading.budget;
    let ground = Group {
        destination: Destination::Text,
        encoding: WINDOWS_1252,
        fallback: 1,
    };
    let mut rtf = Rtf {
        reading,
        groups: Vec::new(),
        now: ground,
        fonts: BTreeMap::new(),
        font: 0,
        in_fonts: false,
        ansi: WINDOWS_1252,
        raw: Vec::new(),
        beside: String::new(),
        skip: 0,
        high: None,
        is_starred: false,
        has_objects: false,
    };
    let mut bytes = BufReader::with_capacity(32 << 10, input).bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte.map_err(|error| budget.blame(&error))? {
            b'{' => rtf.open()?,
            b'}' => rtf.close()?,
            b'\\' => control(&mut rtf, &mut bytes, budget)?,
            b'\r' | b'\n' | 0 => {}
            byte => rtf.byte(byte)?,
        }
    }
    rtf.run()?;
    rtf.end_beside()?;
    let is_whole = rtf.groups.is_empty();
    let has_objects = rtf.has_objects;
    reading.line()?;
    if has_objects {
        reading.miss_part("objects", Reason::Unsupported);
    }
    match is_whole {
        true => Ok(()),
        false => Err(Reason::Corrupt),
    }
}

type Input<'i> = Peekable<Bytes<BufReader<&'i mut dyn Read>>>;

/// What follows a backslash: a symbol, a byte in hexadecimal, or a word with a number ("Control word", "Control symbol").
fn control(rtf: &mut Rtf<'_, '_>, bytes: &mut Input<'_>, budget: &Budget) -> Outcome {
    let first = match bytes.next() {
        Some(byte) => byte.map_err(|error| budget.blame(&error))?,
        None => return Ok(()),
    };
    if first == b'\'' {
        let mut digit = || match bytes.next() {
            Some(Ok(byte)) => (byte as char).to_digit(16).unwrap_or(0) as u8,
            _ => 0,
        };
        let high = digit() << 4;
        return rtf.byte(high | digit());
    }
    if !first.is_ascii_alphabetic() {
        return rtf.symbol(first);
    }
    let mut word = String::from(first as char);
    let mut number = String::new();
    while let Some(Ok(byte)) = bytes.peek() {
        let byte = *byte;
        let is_digit = byte.is_ascii_digit() || (byte == b'-' && number.is_empty());
        if number.is_empty() && byte.is_ascii_alphabetic() && word.len() < WORD_BYTES_MAX {
            word.push(byte as char);
        } else if is_digit && number.len() < WORD_BYTES_MAX {
            number.push(byte as char);
        } else {
            break;
        }
        bytes.next();
    }
    if let Some(Ok(b' ')) = bytes.peek() {
        bytes.next();
    }
    let number = number.parse::<i64>().ok();
    if word != "bin" {
        return rtf.word(&word, number);
    }
    let count = number.and_then(|count| usize::try_from(count).ok());
    bytes.by_ref().take(count.unwrap_or(0)).for_each(drop);
    Ok(())
}

impl Rtf<'_, '_> {
    fn open(&mut self) -> Outcome {
        self.run()?;
        self.is_starred = false;
        self.skip = 0;
        if self.groups.len() >= DEPTH_MAX {
            return Err(Reason::TooDeep);
        }
        self.groups.push(self.now);
        Ok(())
    }

    fn close(&mut self) -> Outcome {
        self.run()?;
        self.skip = 0;
        let Some(before) = self.groups.pop() else {
            return Ok(());
        };
        if self.now.destination != before.destination {
            self.in_fonts = false;
            self.end_beside()?;
        }
        self.now = before;
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> Outcome {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        if self.now.destination == Destination::Skipped {
            return Ok(());
        }
        self.raw.push(byte);
        let has_end = self.raw.len() >= RUN_BYTES && byte.is_ascii();
        match has_end || self.raw.len() >= RUN_BYTES_MAX {
            true => self.run(),
            false => Ok(()),
        }
    }

    fn symbol(&mut self, symbol: u8) -> Outcome {
        match symbol {
            b'*' => {
                self.is_starred = true;
                Ok(())
            }
            b'\\' | b'{' | b'}' => self.byte(symbol),
            b'~' => self.text("\u{a0}"),
            b'_' => self.text("-"),
            b'\r' | b'\n' => self.end_line(),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &str, number: Option<i64>) -> Outcome {
        self.run()?;
        let is_starred = std::mem::take(&mut self.is_starred);
        match word {
            "u" => return self.unicode(number.unwrap_or(0) as u16),
            "uc" => self.now.fallback = number.unwrap_or(1).clamp(0, 16) as usize,
            "ansicpg" => {
                self.ansi = code_page(number.unwrap_or(1252));
                self.now.encoding = self.ansi;
            }
            "fonttbl" => {
                self.now.destination = Destination::Skipped;
                self.in_fonts = true;
            }
            "f" if self.in_fonts => self.font = number.unwrap_or(0),
            "f" => {
                let font = number.unwrap_or(0);
                if let Some(encoding) = self.fonts.get(&font) {
                    self.now.encoding = encoding;
                }
            }
            "fcharset" if self.in_fonts && self.fonts.len() < FONTS_MAX => {
                let encoding = character_set(number.unwrap_or(0)).unwrap_or(self.ansi);
                self.fonts.insert(self.font, encoding);
            }
            "par" | "line" | "row" | "sect" | "page" | "nestrow" => return self.end_line(),
            "tab" | "cell" | "nestcell" => return self.text("\t"),
            "emdash" | "endash" => return self.text("-"),
            "lquote" | "rquote" => return self.text("'"),
            "ldblquote" | "rdblquote" => return self.text("\""),
            "emspace" | "enspace" | "qmspace" => return self.text(" "),
            "object" => self.has_objects = true,
            "colortbl" | "stylesheet" | "pict" | "objdata" | "themedata" | "colorschememapping"
            | "datastore" | "latentstyles" | "listtable" | "listoverridetable" | "rsidtbl"
            | "blipuid" | "panose" | "filetbl" | "generator" | "xmlnstbl" | "mmathPr"
            | "wgrffmtfilter" => {
                self.now.destination = Destination::Skipped;
            }
            "info" | "title" | "subject" | "author" | "manager" | "company" | "operator"
            | "category" | "keywords" | "comment" | "doccomm" | "hlinkbase" | "userprops"
            | "propname" | "staticval" | "header" | "headerl" | "headerr" | "headerf"
            | "footer" | "footerl" | "footerr" | "footerf" | "footnote" | "annotation"
            | "atnid" | "atnauthor" | "fldinst" | "docvar" | "formfield" | "ffdeftext"
            | "ffname" | "shpinst" | "sn" | "sv" | "bkmkstart" | "xe" | "tc" => {
                self.begin_beside()?;
            }
            "shptxt" | "fldrslt" if self.now.destination == Destination::Beside => {}
            // An unknown destination: a reader would skip it, and so would hide what is in it.
            _ if is_starred && self.now.destination == Destination::Text => self.begin_beside()?,
            _ => {}
        }
        Ok(())
    }

    fn begin_beside(&mut self) -> Outcome {
        if self.now.destination == Destination::Skipped {
            return Ok(());
        }
        if self.now.destination == Destination::Beside && !self.beside.is_empty() {
            self.beside.push('\n');
        }
        self.now.destination = Destination::Beside;
        Ok(())
    }

    fn end_beside(&mut self) -> Outcome {
        let beside = std::mem::take(&mut self.beside);
        self.reading.aside(&beside)
    }

    fn end_line(&mut self) -> Outcome {
        match self.now.destination {
            Destination::Text => {
                self.reading.text("\n")?;
                self.reading.line()
            }
            Destination::Beside => self.text("\n"),
            Destination::Skipped => Ok(()),
        }
    }

    /// UTF-16, a unit each, written as signed numbers ("Unicode RTF").
    fn unicode(&mut self, unit: u16) -> Outcome {
        self.skip = self.now.fallback;
        let high = self.high.take();
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
            return Ok(());
        }
        let char = match high {
            Some(high) => char::decode_utf16([high, unit]).next().and_then(Result::ok),
            None => char::from_u32(unit.into()),
        };
        let mut utf8 = [0; 4];
        self.text(
            char.unwrap_or(char::REPLACEMENT_CHARACTER)
                .encode_utf8(&mut utf8),
        )
    }

    fn run(&mut self) -> Outcome {
        if self.raw.is_empty() {
            return Ok(());
        }
        let raw = std::mem::take(&mut self.raw);
        let mut decoder: Decoder = self.now.encoding.new_decoder_without_bom_handling();
        let mut text = String::with_capacity(raw.len() * 3 + 16);
        let _ = decoder.decode_to_string(&raw, &mut text, true); // it has room for everything, and faults are replaced
        let outcome = self.text(&text);
        self.raw = raw;
        self.raw.clear();
        outcome
    }

    fn text(&mut self, text: &str) -> Outcome {
        match self.now.destination {
            Destination::Text => self.reading.text(text),
            Destination::Beside => {
                self.beside.push_str(text);
                match self.beside.len() > RUN_BYTES {
                    true => self.end_beside(),
                    false => Ok(()),
                }
            }
            Destination::Skipped => Ok(()),
        }
    }
}

fn code_page(number: i64) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        65001 => "utf-8".to_owned(),
        874 => "windows-874".to_owned(),
        10000 => "macintosh".to_owned(),
        866 => "ibm866".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

/// Character sets of fonts ("Font Table", `\fcharset`).
fn character_set(number: i64) -> Option<&'static Encoding> {
    let page = match number {
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    Some(code_page(page))
}

/// RTF that is in memory, as a part of something else.
pub(crate) fn read_text(reading: &mut Reading<'_>, rtf: &[u8]) -> Outcome {
    match decode::looks_like_text(rtf) {
        true => read(reading, &mut &rtf[..]),
        false => Ok(()),
    }
}
