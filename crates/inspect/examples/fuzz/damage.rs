//! Cases: a document of a family, damaged in ways that follow from the number of the case.

use super::corpus::archives::{gzip, stored, zip};
use super::seeds::{Seed, Seeds};

/// A document that no one should be harmed by.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Case {
    pub(crate) fn of(number: u64, seeds: &Seeds) -> Case {
        let mut dice = Dice(number);
        let of_format = &seeds.formats[dice.roll(seeds.formats.len())];
        let seed = &of_format[dice.roll(of_format.len())];
        let bytes = damaged(&mut dice, seed, seeds);
        // Names decide between formats that are text.
        let name = match dice.roll(16) {
            0 => seeds.others[dice.roll(seeds.others.len())].0,
            _ => seed.name,
        };
        Case {
            name: name.to_owned(),
            bytes: packed(&mut dice, bytes),
        }
    }

    /// Says what is wrong with it, and keeps it.
    pub(crate) fn tell(&self, number: u64, family: &str, broken: &str) {
        let (name, length) = (&self.name, self.bytes.len());
        let path = format!("target/fuzz-document-{family}-{number}");
        let kept =
            std::fs::create_dir_all("target").and_then(|()| std::fs::write(&path, &self.bytes));
        println!("{family}, case {number}, {name} of {length} bytes: {broken}");
        match kept {
            Ok(()) => {
                println!("  {path} has it; run it again with --format {family} --case {number}")
            }
            Err(error) => println!("  {path} cannot be written: {error}"),
        }
    }
}

/// Damages a document, or what is packed in it.
fn damaged(dice: &mut Dice, seed: &Seed, seeds: &Seeds) -> Vec<u8> {
    if let Some(inner) = seed.inner.as_ref().filter(|_| dice.roll(2) == 0) {
        let mut inner = inner.clone();
        damage(dice, &mut inner, seeds);
        return gzip(&inner);
    }
    if seed.entries.is_empty() || dice.roll(4) == 0 {
        let mut bytes = seed.bytes.clone();
        damage(dice, &mut bytes, seeds);
        return bytes;
    }
    let mut entries = seed.entries.clone();
    for _ in 0..1 + dice.roll(2) {
        let at = dice.roll(entries.len());
        match dice.roll(12) {
            // A part in the place of another one.
            0 => entries[at].1 = entries[dice.roll(entries.len())].1.clone(),
            1 => entries[at].1 = seeds.others[dice.roll(seeds.others.len())].1.clone(),
            2 => entries[at].0 = entries[dice.roll(entries.len())].0.clone(),
            _ => damage(dice, &mut entries[at].1, seeds),
        }
    }
    let entries: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|(name, content)| (&**name, &**content))
        .collect();
    match dice.roll(4) {
        0 => zip(&entries),
        _ => stored(&entries),
    }
}

/// Sometimes in an archive, where bytes come one after the other.
fn packed(dice: &mut Dice, bytes: Vec<u8>) -> Vec<u8> {
    match dice.roll(24) {
        0 => gzip(&bytes),
        1 => zip(&[("a", &bytes), ("b", &bytes)]),
        2 => stored(&[("a", &bytes)]),
        _ => bytes,
    }
}

fn damage(dice: &mut Dice, bytes: &mut Vec<u8>, seeds: &Seeds) {
    for _ in 0..1 + dice.roll(4) {
        let length = bytes.len();
        if length == 0 {
            break;
        }
        let at = dice.roll(length);
        match dice.roll(10) {
            0 | 1 => bytes[at] ^= 1 << dice.roll(8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'<', b'(', b'{'][dice.roll(8)],
            3 => bytes.truncate(at),
            // A chunk many times over.
            4 => {
                let chunk = bytes[at..length.min(at + 1 + dice.roll(64))].to_vec();
                let many = chunk.repeat(1 + dice.roll(2000));
                bytes.splice(at..at, many);
            }
            // The start of this one and the end of another.
            5 => {
                let (_, other) = &seeds.others[dice.roll(seeds.others.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[dice.roll(other.len().max(1)).min(other.len())..]);
            }
            // A length or an offset.
            6 => {
                let value = [
                    0_u32,
                    1,
                    0xff,
                    0xffff,
                    0x7fff_ffff,
                    0xffff_ffff,
                    length as u32,
                ][dice.roll(7)];
                let width = [2, 4][dice.roll(2)];
                let end = length.min(at + width);
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            }
            7 => number_in_text(dice, bytes, at),
            8 => word_in_text(dice, bytes, at),
            _ => drop(bytes.drain(at..length.min(at + 1 + dice.roll(40)))),
        }
    }
}

/// Another number where one is written in digits, as in PDF, tar and RTF.
fn number_in_text(dice: &mut Dice, bytes: &mut Vec<u8>, at: usize) {
    let Some(start) = bytes[at..]
        .iter()
        .position(u8::is_ascii_digit)
        .map(|step| at + step)
    else {
        return;
    };
    let count = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = [
        "0",
        "1",
        "3",
        "7",
        "-1",
        "65536",
        "2147483648",
        "99999999999999999999",
        "0.00001",
        "1e9",
    ][dice.roll(10)];
    bytes.splice(start..start + count, number.bytes());
}

/// A word of a format in a place where it is not expected.
fn word_in_text(dice: &mut Dice, bytes: &mut Vec<u8>, at: usize) {
    const WORDS: [&str; 24] = [
        "<w:p>",
        "</w:p>",
        "<w:tc>",
        "<![CDATA[",
        "<!--",
        "&#x0;",
        "&amp;",
        "<mc:AlternateContent>",
        "<mc:Fallback>",
        "<<",
        ">>",
        "[",
        "]",
        "(",
        "1 0 R",
        "stream\n",
        "endobj",
        "{\\*\\x ",
        "}",
        "\\bin99 ",
        "<script>",
        "<t>",
        "\n--b1\r\n",
        "\r\n\r\n",
    ];
    let word = WORDS[dice.roll(WORDS.len())];
    bytes.splice(at..at, word.repeat(1 + dice.roll(3)).into_bytes());
}

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ value >> 31) % sides.max(1) as u64) as usize
    }
}
