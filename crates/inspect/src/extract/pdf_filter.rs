//! Filters of PDF streams (ISO 32000-1, 7.4), as readers behind each other: nothing is unpacked that is not wanted.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use super::budget::{Blamed, Budget, Unpacked};
use super::inflate::{Frame, Inflate};
use super::pdf_object::{Dict, Object, is_space};
use super::pdf_predictor::Predictor;

/// Filters behind each other. Writers use one or two.
const FILTERS_MAX: usize = 8;

/// A row of a predictor: colours, bits and columns are numbers that anyone may write.
const ROW_BYTES_MAX: usize = 1 << 20;

/// What a chain of filters makes of a stream; none where it is a picture or a filter that nobody knows.
pub(crate) fn chain<'b>(
    raw: Box<dyn Read + 'b>,
    filters: &[(Vec<u8>, Dict)],
    budget: &'b Budget,
    fault: &Fault,
) -> Option<Box<dyn Read + 'b>> {
    if filters.len() > FILTERS_MAX {
        return None;
    }
    let mut input = raw;
    for (step, (name, parameters)) in filters.iter().enumerate() {
        // What goes from one to the next is counted too: the next may make nothing of it. The end of the chain is counted
        // by whoever reads it.
        if step > 0 {
            input = Box::new(Unpacked::new(input, budget));
        }
        let number = |key: &str, default: usize| {
            parameters
                .get(key)
                .and_then(Object::count)
                .unwrap_or(default)
        };
        let is_lzw = matches!(&**name, b"LZWDecode" | b"LZW");
        input = match &**name {
            b"FlateDecode" | b"Fl" => Box::new(inflate(input, budget, fault)),
            b"LZWDecode" | b"LZW" => Box::new(Lzw::new(input, number("EarlyChange", 1) != 0)),
            b"ASCIIHexDecode" | b"AHx" => Box::new(Hexadecimal {
                input: BufReader::new(input),
                is_over: false,
            }),
            b"ASCII85Decode" | b"A85" => Box::new(Ascii85 {
                input: BufReader::new(input),
                ready: [0; 4],
                left: 0,
                is_over: false,
            }),
            b"RunLengthDecode" | b"RL" => Box::new(RunLength {
                input: BufReader::new(input),
                literal: 0,
                repeat: 0,
                byte: 0,
                is_over: false,
            }),
            b"Crypt" => input,
            _ => return None,
        };
        let predictor = number("Predictor", 1);
        if predictor > 1 && (is_lzw || matches!(&**name, b"FlateDecode" | b"Fl")) {
            let bits =
                number("Colors", 1).clamp(1, 64) * number("BitsPerComponent", 8).clamp(1, 16);
            let row = (bits * number("Columns", 1).min(ROW_BYTES_MAX)).div_ceil(8);
            if row > ROW_BYTES_MAX {
                return None;
            }
            input = Box::new(Predictor::new(input, predictor, bits.div_ceil(8), row));
        }
    }
    Some(input)
}

/// Streams are zlib; some writers leave its header out, and of what is empty everything.
fn inflate<'b>(input: Box<dyn Read + 'b>, budget: &'b Budget, fault: &Fault) -> impl Read + 'b {
    let mut input = BufReader::with_capacity(16 << 10, input);
    let (frame, is_empty) = match input.fill_buf() {
        Ok([cmf, flg, ..])
            if cmf & 0xf == 8
                && (usize::from(*cmf) << 8 | usize::from(*flg)).is_multiple_of(31) =>
        {
            (Frame::Zlib, false)
        }
        Ok([_, _, ..]) => (Frame::Bare, false),
        Ok(start) => (Frame::Zlib, start.trim_ascii().is_empty()),
        Err(_) => (Frame::Zlib, false),
    };
    Lenient {
        inflated: Inflate::new(input, frame, budget),
        fault: (!is_empty).then(|| Rc::clone(fault)),
    }
}

/// Set where a stream broke off.
pub(crate) type Fault = Rc<Cell<bool>>;

/// A stream that breaks off ends there, as readers show it; what was before is read, and the fault is told.
struct Lenient<R> {
    inflated: R,
    fault: Option<Fault>,
}

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inflated.read(buffer) {
            Err(error) if error.get_ref().is_none_or(|inner| !inner.is::<Blamed>()) => {
                if let Some(fault) = &self.fault {
                    fault.set(true);
                }
                Ok(0)
            }
            result => result,
        }
    }
}

fn byte(input: &mut impl Read) -> io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((input.read(&mut byte)? > 0).then_some(byte[0]))
}

struct Hexadecimal<R> {
    input: R,
    is_over: bool,
}

impl<R: BufRead> Hexadecimal<R> {
    fn digit(&mut self) -> io::Result<Option<u8>> {
        while !self.is_over {
            match byte(&mut self.input)? {
                None | Some(b'>') => self.is_over = true,
                Some(letter) => {
                    if let Some(digit) = (letter as char).to_digit(16) {
                        return Ok(Some(digit as u8));
                    }
                }
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Read for Hexadecimal<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            let Some(high) = self.digit()? else {
                break;
            };
            buffer[written] = high << 4 | self.digit()?.unwrap_or(0);
            written += 1;
        }
        Ok(written)
    }
}

struct Ascii85<R> {
    input: R,
    ready: [u8; 4],
    left: usize,
    is_over: bool,
}

impl<R: BufRead> Ascii85<R> {
    /// Five digits, or fewer at the end, are four bytes.
    fn group(&mut self) -> io::Result<Vec<u8>> {
        let mut digits = Vec::with_capacity(5);
        while digits.len() < 5 {
            match byte(&mut self.input)? {
                None | Some(b'~') => {
                    self.is_over = true;
                    break;
                }
                Some(b'z') if digits.is_empty() => return Ok(vec![0; 4]),
                Some(digit @ b'!'..=b'u') => digits.push(u32::from(digit - b'!')),
                Some(_) => {}
            }
        }
        let count = digits.len();
        if count < 2 {
            return Ok(Vec::new());
        }
        digits.resize(5, 84);
        let value = digits.iter().fold(0_u32, |value, digit| {
            value.wrapping_mul(85).wrapping_add(*digit)
        });
        Ok(value.to_be_bytes()[..count - 1].to_vec())
    }
}

impl<R: BufRead> Read for Ascii85<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            if self.left == 0 {
                if self.is_over {
                    break;
                }
                let group = self.group()?;
                self.left = group.len();
                self.ready[4 - group.len()..].copy_from_slice(&group);
                continue;
            }
            buffer[written] = self.ready[4 - self.left];
            self.left -= 1;
            written += 1;
        }
        Ok(written)
    }
}

struct RunLength<R> {
    input: R,
    literal: usize,
    repeat: usize,
    byte: u8,
    is_over: bool,
}

impl<R: BufRead> Read for RunLength<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            if self.repeat > 0 {
                self.repeat -= 1;
                buffer[written] = self.byte;
                written += 1;
                continue;
            }
            if self.is_over {
                break;
            }
            let Some(next) = byte(&mut self.input)? else {
                break;
            };
            if self.literal > 0 {
                self.literal -= 1;
                buffer[written] = next;
                written += 1;
                continue;
            }
            match next {
                128 => self.is_over = true,
                length @ 0..128 => self.literal = usize::from(length) + 1,
                length => {
                    self.byte = byte(&mut self.input)?.unwrap_or(0);
                    self.repeat = 257 - usize::from(length);
                }
            }
        }
        Ok(written)
    }
}

/// LZW with codes of 9 to 12 bits, high bits first (ISO 32000-1, 7.4.4.2).
struct Lzw<'b> {
    input: BufReader<Box<dyn Read + 'b>>,
    bits: u32,
    count: u32,
    width: u32,
    is_early: bool,
    /// Each entry is one that was before and a byte; the first 258 stand for themselves.
    table: Vec<(u16, u8)>,
    previous: Option<u16>,
    /// What is decoded, backwards.
    ready: Vec<u8>,
    is_over: bool,
}

const CLEAR: u16 = 256;
const END: u16 = 257;
const CODES_MAX: usize = 4096;

impl<'b> Lzw<'b> {
    fn new(input: Box<dyn Read + 'b>, is_early: bool) -> Lzw<'b> {
        Lzw {
            input: BufReader::new(input),
            bits: 0,
            count: 0,
            width: 9,
            is_early,
            table: Vec::new(),
            previous: None,
            ready: Vec::new(),
            is_over: false,
        }
    }

    fn code(&mut self) -> io::Result<Option<u16>> {
        while self.count < self.width {
            let Some(byte) = byte(&mut self.input)? else {
                return Ok(None);
            };
            self.bits = self.bits << 8 | u32::from(byte);
            self.count += 8;
        }
        self.count -= self.width;
        Ok(Some(
            (self.bits >> self.count & ((1 << self.width) - 1)) as u16,
        ))
    }

    /// Puts what a code stands for into `ready`; false if it stands for nothing.
    fn expand(&mut self, code: u16) -> bool {
        let mut code = code;
        while code > END {
            let Some((before, byte)) = self.table.get(usize::from(code - END - 1)) else {
                return false;
            };
            self.ready.push(*byte);
            code = *before;
        }
        self.ready.push(code as u8);
        true
    }

    fn step(&mut self) -> io::Result<()> {
        let code = match self.code()? {
            None | Some(END) => {
                self.is_over = true;
                return Ok(());
            }
            Some(CLEAR) => {
                self.table.clear();
                self.width = 9;
                self.previous = None;
                return Ok(());
            }
            Some(code) => code,
        };
        let next = self.table.len() + usize::from(END) + 1;
        match self.previous {
            // The code that is just being made: the one before and its own first byte again.
            Some(previous) if usize::from(code) == next => {
                if self.expand(previous) {
                    let first = *self
                        .ready
                        .last()
                        .expect("a code stands for at least one byte");
                    self.ready.insert(0, first);
                }
            }
            _ => self.is_over = !self.expand(code),
        }
        if let (Some(previous), Some(first)) = (self.previous, self.ready.last())
            && next < CODES_MAX
        {
            self.table.push((previous, *first));
        }
        self.previous = Some(code);
        let codes = self.table.len() + usize::from(END) + 1 + usize::from(self.is_early);
        self.width = match codes {
            0..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        };
        Ok(())
    }
}

impl Read for Lzw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            match self.ready.pop() {
                Some(byte) => {
                    buffer[written] = byte;
                    written += 1;
                }
                None if self.is_over => break,
                None => self.step()?,
            }
        }
        Ok(written)
    }
}

/// The start of the data of a stream: after the word, one end of line (ISO 32000-1, 7.3.8.1).
pub(crate) fn data_start(bytes: &[u8], after_word: usize) -> usize {
    let mut at = after_word;
    // Spaces before the end of line are a fault that is common.
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    match bytes.get(at..) {
        Some([b'\r', b'\n', ..]) => at + 2,
        Some([byte, ..]) if is_space(*byte) => at + 1,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::Limits;
    use crate::extract::pdf_object::Lexer;

    #[track_caller]
    fn check(filter: &str, parameters: &str, packed: &[u8], expected: &[u8]) {
        let Some(Object::Dict(parameters)) = Lexer::new(parameters.as_bytes(), 0).object() else {
            panic!("{parameters} is no dictionary");
        };
        let budget = Budget::of(0, &Limits::default());
        let filters = [(filter.as_bytes().to_vec(), parameters)];
        let mut unpacked = Vec::new();
        let mut input = chain(Box::new(packed), &filters, &budget, &Fault::default()).unwrap();
        input.read_to_end(&mut unpacked).unwrap();
        assert_eq!(
            unpacked.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{filter}"
        );
    }

    #[test]
    fn filters_unpack_what_the_standard_shows() {
        check(
            "ASCIIHexDecode",
            "<<>>",
            b"48 65 6C6c 6F 7>ignored",
            b"Hellop",
        );
        check(
            "ASCII85Decode",
            "<<>>",
            b"87cURD]i,\"Ebo80~>",
            b"Hello World!",
        );
        check("ASCII85Decode", "<<>>", b"z87cUR~>", b"\0\0\0\0Hell");
        check("RunLengthDecode", "<<>>", b"\x02abc\xfed\x80x", b"abcddd");
        // ISO 32000-1, 7.4.4.2, example 1.
        let lzw = b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01";
        check("LZWDecode", "<<>>", lzw, b"-----A---B");
        let zlib = b"x\x9c\xcbH\xcd\xc9\xc9\x07\0\x06,\x02\x15";
        check("FlateDecode", "<<>>", zlib, b"hello");
        check("FlateDecode", "<<>>", &zlib[2..9], b"hello");
        check("FlateDecode", "<<>>", &zlib[..6], b"hel");
    }

    #[test]
    fn rows_of_differences_become_numbers() {
        // One row of each kind of PNG: none, left, up, mean, Paeth.
        let rows =
            b"\x00\x01\x02\x03\x01\x01\x01\x01\x02\x01\x01\x01\x03\x01\x01\x01\x04\x01\x01\x01";
        let stored = [b"\x01\x14\0\xeb\xff", &rows[..]].concat();
        let expected = b"\x01\x02\x03\x01\x02\x03\x02\x03\x04\x02\x03\x04\x03\x04\x05";
        check(
            "FlateDecode",
            "<< /Predictor 15 /Columns 3 >>",
            &stored,
            expected,
        );
    }
}
