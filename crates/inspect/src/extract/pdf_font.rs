//! Fonts of PDF, as far as text needs them: which characters the codes of a string are, and how far each goes.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GBK, MACINTOSH, SHIFT_JIS, UTF_16BE, WINDOWS_1252,
};

use super::pdf_file::File;
use super::pdf_glyph;
use super::pdf_object::{Dict, Lexer, Object};

/// The map of one font to characters; the largest fonts have 65,535 glyphs.
const MAP_BYTES_MAX: u64 = 8 << 20;

/// Entries of maps and widths.
const ENTRIES_MAX: usize = 70_000;

/// Of the widths that the standard fonts have (thousandths of their size), the middle.
const WIDTH: f64 = 530.0;

pub(crate) struct Font {
    codes: Codes,
    /// From the map that the font brings along: first code, last code, what the first one is.
    to_unicode: Vec<(u32, u32, String)>,
    /// First code, last code, width of each of them in thousandths.
    widths: Vec<(u32, u32, f64)>,
    default_width: f64,
}

enum Codes {
    /// A byte each, with the characters that they are and how wide.
    Narrow(Box<[(Option<String>, f64); 256]>),
    /// Two bytes each, whose characters only the map knows.
    Wide,
    /// A text in an encoding.
    Encoded(&'static Encoding),
}

/// One code of a string.
pub(crate) struct Glyph {
    pub(crate) width: f64,
    /// A space of one byte, which word spacing widens (ISO 32000-1, 9.3.3).
    pub(crate) is_space: bool,
}

impl Font {
    pub(crate) fn read(file: &mut File<'_>, dict: &Dict) -> Font {
        let to_unicode = match dict.get("ToUnicode") {
            Some(Object::Reference(number)) => map(file, *number),
            _ => Vec::new(),
        };
        match dict.is("Subtype", "Type0") {
            true => Font::wide(file, dict, to_unicode),
            false => Font::narrow(file, dict, to_unicode),
        }
    }

    fn narrow(file: &mut File<'_>, dict: &Dict, to_unicode: Vec<(u32, u32, String)>) -> Font {
        let first = file.value(dict, "FirstChar").count().unwrap_or(0) as u32;
        let mut widths = Vec::new();
        // Fonts of type 3 have their own measure; a thousandth is common and errors only move spaces.
        let scale = match file.value(dict, "FontMatrix") {
            Object::Array(matrix) if dict.is("Subtype", "Type3") => {
                matrix
                    .first()
                    .and_then(Object::number)
                    .unwrap_or(0.001)
                    .abs()
                    * 1000.0
            }
            _ => 1.0,
        };
        if let Object::Array(values) = file.value(dict, "Widths") {
            for (step, width) in values.into_iter().take(256).enumerate() {
                let code = first.saturating_add(step as u32);
                let width = file.resolve(width).number().unwrap_or(WIDTH);
                widths.push((code, code, width * scale));
            }
        }
        let encoding = file.value(dict, "Encoding");
        let base = match &encoding {
            Object::Name(name) => base(name),
            Object::Dict(encoding) => encoding.name("BaseEncoding").map_or(WINDOWS_1252, base),
            _ => WINDOWS_1252,
        };
        let mut table: Box<[Option<String>; 256]> = Box::new(std::array::from_fn(|code| {
            let byte = [code as u8];
            let (text, _) = base.decode_without_bom_handling(&byte);
            (code >= 32).then(|| text.into_owned())
        }));
        if let Object::Dict(encoding) = &encoding
            && let Object::Array(differences) = file.value(encoding, "Differences")
        {
            let mut code = 0;
            for item in differences {
                match item {
                    Object::Number(number) => code = number as usize,
                    Object::Name(name) => {
                        if let Some(slot) = table.get_mut(code) {
                            *slot = pdf_glyph::text(&name).or_else(|| slot.take());
                        }
                        code = code.saturating_add(1);
                    }
                    _ => {}
                }
            }
        }
        let default_width = if widths.is_empty() { WIDTH } else { 0.0 };
        let mut texts = table.into_iter();
        let narrow = std::array::from_fn(|code| {
            let width = find(&widths, code as u32).map_or(default_width, |(_, _, width)| *width);
            (texts.next().flatten(), width)
        });
        Font {
            codes: Codes::Narrow(Box::new(narrow)),
            to_unicode,
            widths: Vec::new(),
            default_width,
        }
    }

    fn wide(file: &mut File<'_>, dict: &Dict, to_unicode: Vec<(u32, u32, String)>) -> Font {
        let codes = match file.value(dict, "Encoding") {
            Object::Name(name) => predefined(&name).map_or(Codes::Wide, Codes::Encoded),
            _ => Codes::Wide,
        };
        let descendant = match file.value(dict, "DescendantFonts") {
            Object::Array(fonts) => file.resolve(fonts.into_iter().next().unwrap_or(Object::Null)),
            _ => Object::Null,
        };
        let mut font = Font {
            codes,
            to_unicode,
            widths: Vec::new(),
            default_width: 1000.0,
        };
        if let Object::Dict(descendant) = descendant {
            font.default_width = file.value(&descendant, "DW").number().unwrap_or(1000.0);
            if let Object::Array(widths) = file.value(&descendant, "W") {
                font.read_widths(file, widths);
            }
        }
        font
    }

    /// "first [width …]" or "first last width" (ISO 32000-1, 9.7.4.3).
    fn read_widths(&mut self, file: &mut File<'_>, values: Vec<Object>) {
        let mut values = values.into_iter();
        while let (Some(first), Some(second)) = (values.next(), values.next()) {
            let Some(first) = first.count() else {
                break;
            };
            let first = first as u32;
            match file.resolve(second) {
                Object::Array(widths) => {
                    for (step, width) in widths.iter().enumerate() {
                        let code = first.saturating_add(step as u32);
                        self.widths
                            .push((code, code, width.number().unwrap_or(1000.0)));
                    }
                }
                last => {
                    let width = values
                        .next()
                        .and_then(|width| width.number())
                        .unwrap_or(1000.0);
                    self.widths
                        .push((first, last.count().unwrap_or(0) as u32, width));
                }
            }
            if self.widths.len() > ENTRIES_MAX {
                break;
            }
        }
        self.widths.sort_by_key(|(first, ..)| *first);
    }

    fn width(&self, code: u32) -> f64 {
        find(&self.widths, code).map_or(self.default_width, |(_, _, width)| *width)
    }

    /// Whether nothing says what the codes are.
    pub(crate) fn is_mute(&self) -> bool {
        matches!(self.codes, Codes::Wide) && self.to_unicode.is_empty()
    }

    /// Appends the characters of a string, and tells of each of its codes.
    pub(crate) fn decode(&self, string: &[u8], text: &mut String, glyph: &mut dyn FnMut(Glyph)) {
        match &self.codes {
            Codes::Narrow(table) => {
                for byte in string {
                    let (character, width) = &table[usize::from(*byte)];
                    let is_mapped =
                        !self.to_unicode.is_empty() && self.push_mapped((*byte).into(), text);
                    if !is_mapped && let Some(character) = character {
                        text.push_str(character);
                    }
                    glyph(Glyph {
                        width: *width,
                        is_space: *byte == b' ',
                    });
                }
            }
            Codes::Wide => {
                for pair in string.chunks(2) {
                    let code = pair
                        .iter()
                        .fold(0, |code, byte| code << 8 | u32::from(*byte));
                    self.push_mapped(code, text);
                    glyph(Glyph {
                        width: self.width(code),
                        is_space: false,
                    });
                }
            }
            Codes::Encoded(encoding) => {
                let (decoded, _) = encoding.decode_without_bom_handling(string);
                for character in decoded.chars() {
                    // Signs of these scripts are as wide as they are high.
                    let width = if character.is_ascii() { 500.0 } else { 1000.0 };
                    glyph(Glyph {
                        width,
                        is_space: false,
                    });
                }
                text.push_str(&decoded);
            }
        }
    }

    fn push_mapped(&self, code: u32, text: &mut String) -> bool {
        let Some((first, _, start)) = find(&self.to_unicode, code) else {
            return false;
        };
        let step = code - first;
        let mut characters = start.chars();
        match characters.next_back() {
            // Within a range only the last character counts on.
            Some(last) if step > 0 => {
                text.push_str(characters.as_str());
                text.extend(char::from_u32(last as u32 + step));
            }
            _ => text.push_str(start),
        }
        true
    }
}

fn find<T>(ranges: &[(u32, u32, T)], code: u32) -> Option<&(u32, u32, T)> {
    let after = ranges.partition_point(|(first, ..)| *first <= code);
    let range = ranges.get(after.checked_sub(1)?)?;
    (code <= range.1).then_some(range)
}

fn base(name: &[u8]) -> &'static Encoding {
    match name {
        b"MacRomanEncoding" => MACINTOSH,
        _ => WINDOWS_1252,
    }
}

/// Encodings that are known by name (ISO 32000-1, 9.7.5.2), as far as they are those of texts.
fn predefined(name: &[u8]) -> Option<&'static Encoding> {
    let name = std::str::from_utf8(name).ok()?;
    let has = |part: &str| name.contains(part);
    if has("UTF16") || has("UCS2") {
        return Some(UTF_16BE);
    }
    if has("RKSJ") {
        return Some(SHIFT_JIS);
    }
    if name == "EUC-H" || name == "EUC-V" {
        return Some(EUC_JP);
    }
    if has("GBK") || has("GB-EUC") || has("GBpc") || has("GBKp") {
        return Some(GBK);
    }
    if has("B5") || has("ETen") || has("HKscs") {
        return Some(BIG5);
    }
    if has("KSC") {
        return Some(EUC_KR);
    }
    None
}

/// The map from codes to characters that a font brings along (ISO 32000-1, 9.10.3).
fn map(file: &mut File<'_>, number: u32) -> Vec<(u32, u32, String)> {
    let mut map = Vec::new();
    let Some(stream) = file.stream(number) else {
        return map;
    };
    let Ok((bytes, _)) = file.content(&stream, MAP_BYTES_MAX) else {
        return map;
    };
    let mut lexer = Lexer::new(&bytes, 0);
    let mut operands: Vec<Object> = Vec::new();
    while let Some(object) = lexer.object() {
        match object {
            Object::Word(word) => {
                match &*word {
                    b"endbfchar" => {
                        for pair in operands.chunks_exact(2) {
                            if let [Object::Text(code), Object::Text(text)] = pair {
                                map.push((self::code(code), self::code(code), utf16(text)));
                            }
                        }
                    }
                    b"endbfrange" => {
                        for range in operands.chunks_exact(3) {
                            push_range(&mut map, range);
                        }
                    }
                    _ => {}
                }
                operands.clear();
            }
            operand if operands.len() < ENTRIES_MAX => operands.push(operand),
            _ => {}
        }
        if map.len() > ENTRIES_MAX {
            break;
        }
    }
    map.sort_by_key(|(first, ..)| *first);
    map
}

fn push_range(map: &mut Vec<(u32, u32, String)>, range: &[Object]) {
    let [Object::Text(first), Object::Text(last), to] = range else {
        return;
    };
    let (first, last) = (code(first), code(last));
    match to {
        Object::Text(text) => map.push((first, last, utf16(text))),
        Object::Array(texts) => {
            for (step, text) in texts.iter().enumerate() {
                if let Object::Text(text) = text {
                    let code = first.saturating_add(step as u32);
                    map.push((code, code, utf16(text)));
                }
            }
        }
        _ => {}
    }
}

fn code(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .fold(0, |code, byte| code << 8 | u32::from(*byte))
}

fn utf16(bytes: &[u8]) -> String {
    /// Ligatures are three characters; what is longer is no glyph.
    const BYTES_MAX: usize = 16;
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    if let [byte] = bytes {
        return char::from(*byte).to_string();
    }
    UTF_16BE.decode_without_bom_handling(bytes).0.into_owned()
}
