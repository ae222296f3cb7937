//! Tar archives, header by header (POSIX.1-2017, pax, "ustar Interchange Format"), with the long names of GNU and pax.

use std::io::{self, Read};

use super::decode;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

const BLOCK: usize = 512;

/// Names beyond this are cut, whatever their header says.
const NAME_BYTES_MAX: u64 = 64 << 10;

pub(crate) fn read(reading: &mut Reading<'_>, input: &mut dyn Read) -> Outcome {
    let mut block = [0; BLOCK];
    let mut long_name = None;
    loop {
        match fill(input, &mut block) {
            Ok(BLOCK) => {}
            Ok(0) => return Ok(()),
            Ok(_) => return Err(Reason::Corrupt),
            Err(error) => return Err(reading.budget.blame(&error)),
        }
        // Two blocks of zeros end it; what follows is padding.
        if block.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        if !has_sum(&block) {
            return Err(Reason::Corrupt);
        }
        if !reading.has_room_for_entries() {
            return Err(Reason::TooManyEntries);
        }
        let bytes = number(&block[124..136]).ok_or(Reason::Corrupt)?;
        let padding = bytes.next_multiple_of(BLOCK as u64) - bytes;
        let mut data = input.take(bytes);
        let outcome = match block[156] {
            b'L' | b'x' => {
                let mut head = Vec::new();
                let read = data.by_ref().take(NAME_BYTES_MAX).read_to_end(&mut head);
                long_name = match block[156] {
                    b'L' => Some(decode::short(head.trim_ascii_end(), None)),
                    _ => pax_path(&head).or(long_name),
                };
                read.map(|_| Ok(()))
            }
            // Headers for all that follows, and long names of links.
            b'g' | b'K' => Ok(Ok(())),
            // Directories, links and devices hold nothing, and programs differ in what they skip where one says it does.
            b'1'..=b'6' if bytes == 0 => {
                long_name = None;
                Ok(Ok(()))
            }
            // Unknown types are files ("ustar Interchange Format", typeflag).
            _ => {
                let name = long_name.take().unwrap_or_else(|| name(&block));
                Ok(reading.entry_stream(name.trim_end_matches('\0'), &mut data))
            }
        };
        let outcome = outcome.map_err(|error| reading.budget.blame(&error))?;
        reading.go_on(outcome)?;
        let left = data.limit();
        match skip(input, left + padding) {
            Ok(true) => {}
            Ok(false) if padding > 0 && left == 0 => return Ok(()),
            Ok(false) => return Err(Reason::Corrupt),
            Err(error) => return Err(reading.budget.blame(&error)),
        }
    }
}

fn fill(input: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match input.read(&mut block[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

fn skip(input: &mut dyn Read, bytes: u64) -> io::Result<bool> {
    Ok(io::copy(&mut input.take(bytes), &mut io::sink())? == bytes)
}

/// The sum of all bytes of a header, its own field counted as spaces.
fn has_sum(block: &[u8; BLOCK]) -> bool {
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let field: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
    number(&block[148..156]) == Some(sum - field + 8 * u64::from(b' '))
}

/// Octal digits, or base 256 when the first bit is set (GNU tar manual, "Basic Tar Format").
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let tail = &field[field.len() - 8..];
        return Some(
            tail.iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte))
                & !(1 << 63),
        );
    }
    let digits = field
        .iter()
        .map(|byte| *byte as char)
        .skip_while(|char| *char == ' ')
        .take_while(|char| !matches!(char, ' ' | '\0'));
    digits.into_iter().try_fold(0_u64, |value, char| {
        Some(value << 3 | u64::from(char.to_digit(8)?))
    })
}

fn name(block: &[u8; BLOCK]) -> String {
    let field = |bytes: &[u8]| {
        let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
        decode::short(&bytes[..end], None)
    };
    let prefix = match &block[257..263] {
        b"ustar\0" => field(&block[345..500]),
        _ => String::new(),
    };
    match prefix.is_empty() {
        true => field(&block[..100]),
        false => format!("{prefix}/{}", field(&block[..100])),
    }
}

/// Records are "length key=value\n".
fn pax_path(head: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(head, b" path=")?;
    let value = &head[at + 6..];
    let end = memchr::memchr(b'\n', value).unwrap_or(value.len());
    Some(decode::short(&value[..end], None))
}
