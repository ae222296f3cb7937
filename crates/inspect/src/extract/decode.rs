//! Text of any encoding as UTF-8, chunk by chunk.
//!
//! UTF-8 as long as it is valid; where it is not, the encoding that browsers would guess for that chunk. So a log with lines of
//! several programs is read as each of them wrote it.

use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::reading::{Outcome, Reading};

/// Chunks are decided on alone: large enough for a guess, small against memory.
const CHUNK_BYTES: usize = 64 << 10;

/// As much of a chunk is guessed from, and as much in all: guessing is a hundred times slower than decoding.
const FED_BYTES: usize = 16 << 10;
const FED_BYTES_MAX: usize = 128 << 10;

/// As much is looked at to tell text from anything else.
const SAMPLE_BYTES: usize = 4096;

/// One control character in this many bytes is still text; random bytes have one in nine.
const BYTES_PER_CONTROL: usize = 50;

/// Reads text in whatever encoding it has.
pub(crate) fn read(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    read_as(reading, input, None)
}

/// Reads text whose encoding someone declared, who may be wrong about it.
pub(crate) fn read_as(
    reading: &mut Reading<'_>,
    input: &mut dyn Read,
    declared: Option<&'static Encoding>,
) -> Outcome {
    let mut text = Utf8::new(input, declared);
    loop {
        match text.next_chunk() {
            Ok(true) => reading.text(&text.decoded)?,
            Ok(false) => return Ok(()),
            Err(error) => return Err(reading.budget.blame(&error)),
        }
    }
}

/// Whether bytes are text of any encoding.
pub(crate) fn looks_like_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    if byte_order(sample).is_some() || wide(sample).is_some() {
        return true;
    }
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, 8..=13 | 27) || *byte == 0x7f;
    let controls = sample.iter().filter(|byte| is_control(byte)).count();
    controls * BYTES_PER_CONTROL <= sample.len() && !(controls > 0 && sample.len() < 16)
}

#[derive(Clone, Copy, PartialEq)]
enum Width {
    Encoding(&'static Encoding),
    Utf32 { is_little: bool },
}

/// What a byte order mark says, and its length.
fn byte_order(bytes: &[u8]) -> Option<(Width, usize)> {
    if bytes.starts_with(b"\xff\xfe\0\0") {
        return Some((Width::Utf32 { is_little: true }, 4));
    }
    if bytes.starts_with(b"\0\0\xfe\xff") {
        return Some((Width::Utf32 { is_little: false }, 4));
    }
    Encoding::for_bom(bytes).map(|(encoding, length)| (Width::Encoding(encoding), length))
}

/// UTF-16 and UTF-32 without a mark: nearly every second byte of most scripts' punctuation and spaces is zero.
fn wide(sample: &[u8]) -> Option<Width> {
    let quads = sample.len() / 4;
    if quads == 0 {
        return None;
    }
    let zeros = |of: usize, at: usize| sample.chunks_exact(of).filter(|unit| unit[at] == 0).count();
    let [a, b, c, d] = [zeros(4, 0), zeros(4, 1), zeros(4, 2), zeros(4, 3)];
    if d == quads && c > quads * 9 / 10 && a < quads / 10 + 1 {
        return Some(Width::Utf32 { is_little: true });
    }
    if a == quads && b > quads * 9 / 10 && d < quads / 10 + 1 {
        return Some(Width::Utf32 { is_little: false });
    }
    let pairs = sample.len() / 2;
    let (even, odd) = (zeros(2, 0), zeros(2, 1));
    if odd > pairs * 2 / 5 && even <= pairs / 50 {
        return Some(Width::Encoding(UTF_16LE));
    }
    if even > pairs * 2 / 5 && odd <= pairs / 50 {
        return Some(Width::Encoding(UTF_16BE));
    }
    None
}

enum Mode {
    /// UTF-8 where it is valid, a guess where it is not.
    Guess {
        detector: Box<EncodingDetector>,
        /// Bytes that the detector has seen.
        fed: usize,
        legacy: Option<(Decoder, &'static Encoding)>,
    },
    Known(Decoder),
    Utf32 {
        is_little: bool,
    },
}

/// Bytes of any encoding, read as UTF-8.
pub(crate) struct Utf8<R> {
    input: R,
    mode: Option<Mode>,
    declared: Option<&'static Encoding>,
    raw: Vec<u8>,
    /// The last chunk as text.
    pub(crate) decoded: String,
    /// As much of it was read through `Read`.
    taken: usize,
    is_over: bool,
    /// What ended the input, told once the text before it was taken.
    fault: Option<io::Error>,
}

impl<R: Read> Utf8<R> {
    pub(crate) fn new(input: R, declared: Option<&'static Encoding>) -> Utf8<R> {
        Utf8 {
            input,
            mode: None,
            declared,
            raw: Vec::with_capacity(CHUNK_BYTES),
            decoded: String::new(),
            taken: 0,
            is_over: false,
            fault: None,
        }
    }

    /// Puts the next text into `decoded`; false when there is none.
    pub(crate) fn next_chunk(&mut self) -> io::Result<bool> {
        self.decoded.clear();
        self.taken = 0;
        while self.decoded.is_empty() {
            if let Some(error) = self.fault.take() {
                return Err(error);
            }
            if self.is_over {
                return Ok(false);
            }
            let room = (CHUNK_BYTES - self.raw.len()) as u64;
            if let Err(error) = self.input.by_ref().take(room).read_to_end(&mut self.raw) {
                self.fault = Some(error);
            }
            self.is_over = self.raw.len() < CHUNK_BYTES;
            self.decode();
        }
        Ok(true)
    }

    fn decode(&mut self) {
        let mut mode = match self.mode.take() {
            Some(mode) => mode,
            None => self.begin(),
        };
        if let Mode::Guess { .. } = mode
            && is_iso_2022_jp(&self.raw)
        {
            mode = Mode::Known(ISO_2022_JP.new_decoder_without_bom_handling());
        }
        let used = match &mut mode {
            Mode::Known(decoder) => {
                decode_all(decoder, &self.raw, &mut self.decoded, self.is_over);
                self.raw.len()
            }
            Mode::Utf32 { is_little } => utf32(&self.raw, *is_little, &mut self.decoded),
            Mode::Guess {
                detector,
                fed,
                legacy,
            } => guess(
                &self.raw,
                self.is_over,
                detector,
                fed,
                legacy,
                &mut self.decoded,
            ),
        };
        self.raw.drain(..used);
        self.mode = Some(mode);
    }

    fn begin(&mut self) -> Mode {
        let sample = &self.raw[..self.raw.len().min(SAMPLE_BYTES)];
        let found = byte_order(sample).or_else(|| wide(sample).map(|width| (width, 0)));
        if let Some((_, length)) = found {
            self.raw.drain(..length);
        }
        match (found, self.declared) {
            (Some((Width::Utf32 { is_little }, _)), _) => Mode::Utf32 { is_little },
            (Some((Width::Encoding(encoding), _)), _) if encoding != UTF_8 => {
                Mode::Known(encoding.new_decoder_without_bom_handling())
            }
            // Declared UTF-16 would have been seen; who declares UTF-8 may be wrong, which the guess finds out.
            (None, Some(encoding))
                if encoding.is_single_byte() || encoding.output_encoding() == encoding =>
            {
                match encoding == UTF_8 {
                    true => self.guessing(),
                    false => Mode::Known(encoding.new_decoder_without_bom_handling()),
                }
            }
            _ => self.guessing(),
        }
    }

    fn guessing(&self) -> Mode {
        Mode::Guess {
            detector: Box::new(EncodingDetector::new(Iso2022JpDetection::Deny)),
            fed: 0,
            legacy: None,
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.decoded.len() && !self.next_chunk()? {
            return Ok(0);
        }
        let rest = &self.decoded.as_bytes()[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

/// Escapes to Japanese sets (RFC 1468) in what is otherwise ASCII.
fn is_iso_2022_jp(raw: &[u8]) -> bool {
    memchr::memchr_iter(0x1b, raw)
        .take(8)
        .any(|at| matches!(raw.get(at + 1..at + 3), Some(b"$B" | b"$@" | b"(J")))
}

/// Decodes a chunk that says nothing of its encoding; returns how much of it was used.
fn guess(
    raw: &[u8],
    is_last: bool,
    detector: &mut EncodingDetector,
    fed: &mut usize,
    legacy: &mut Option<(Decoder, &'static Encoding)>,
    decoded: &mut String,
) -> usize {
    let valid = match std::str::from_utf8(raw) {
        Ok(_) => raw.len(),
        // A character that goes on in the next chunk.
        Err(error) if error.error_len().is_none() && !is_last => error.valid_up_to(),
        Err(error) => {
            let from = if legacy.is_some() {
                0
            } else {
                error.valid_up_to()
            };
            push_valid(&raw[..from], decoded);
            if legacy.is_none() && is_broken_utf8(&raw[from..]) {
                return from + repair(&raw[from..], is_last, decoded);
            }
            let encoding = match legacy {
                Some((_, known)) if *fed >= FED_BYTES_MAX => *known,
                _ => {
                    let sample = &raw[from..raw.len().min(from + FED_BYTES)];
                    *fed += sample.len();
                    detector.feed(sample, false);
                    detector.guess(None, Utf8Detection::Deny)
                }
            };
            if legacy.as_ref().is_none_or(|(_, known)| *known != encoding) {
                *legacy = Some((encoding.new_decoder_without_bom_handling(), encoding));
            }
            if let Some((decoder, _)) = legacy {
                decode_all(decoder, &raw[from..], decoded, is_last);
            }
            return raw.len();
        }
    };
    if let Some((mut decoder, _)) = legacy.take() {
        decode_all(&mut decoder, b"", decoded, true);
    }
    push_valid(&raw[..valid], decoded);
    valid
}

fn push_valid(bytes: &[u8], decoded: &mut String) {
    decoded.push_str(std::str::from_utf8(bytes).expect("checked by the caller"));
}

/// More characters of several bytes than bytes that are none: UTF-8 that something damaged.
fn is_broken_utf8(raw: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in raw.utf8_chunks() {
        good += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        bad += chunk.invalid().len();
    }
    good > bad
}

/// Damaged UTF-8, with what is not valid read as Western European; returns how much was used.
fn repair(raw: &[u8], is_last: bool, decoded: &mut String) -> usize {
    let mut used = 0;
    for chunk in raw.utf8_chunks() {
        decoded.push_str(chunk.valid());
        used += chunk.valid().len();
        let bad = chunk.invalid();
        let may_go_on = used + bad.len() == raw.len() && bad.len() < 4;
        if may_go_on && !is_last && std::str::from_utf8(bad).is_err_and(|e| e.error_len().is_none())
        {
            return used;
        }
        decoded.push_str(&WINDOWS_1252.decode_without_bom_handling(bad).0);
        used += bad.len();
    }
    used
}

fn decode_all(decoder: &mut Decoder, raw: &[u8], decoded: &mut String, is_last: bool) {
    let room = decoder
        .max_utf8_buffer_length(raw.len())
        .unwrap_or(raw.len() * 3 + 16);
    decoded.reserve(room);
    let _ = decoder.decode_to_string(raw, decoded, is_last); // it has room for everything, and faults are replaced
}

fn utf32(raw: &[u8], is_little: bool, decoded: &mut String) -> usize {
    let units = raw.chunks_exact(4);
    let rest = units.remainder().len();
    decoded.extend(units.map(|unit| {
        let bytes = [unit[0], unit[1], unit[2], unit[3]];
        let value = if is_little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
    }));
    raw.len() - rest
}

/// Decodes a short text at once, of whatever encoding.
pub(crate) fn short(bytes: &[u8], declared: Option<&'static Encoding>) -> String {
    // Most are plain, and a guess costs more than they do.
    let is_plain = declared.is_none() && bytes.iter().all(|byte| matches!(byte, 9..=13 | 32..=126));
    if is_plain && let Ok(plain) = std::str::from_utf8(bytes) {
        return plain.to_owned();
    }
    let mut text = String::new();
    let mut chunks = Utf8::new(bytes, declared);
    while let Ok(true) = chunks.next_chunk() {
        text.push_str(&chunks.decoded);
    }
    text
}

/// UTF-16, little-endian, as Microsoft's formats have it.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let (text, _) = UTF_16LE.decode_without_bom_handling(bytes);
    text.into_owned()
}
