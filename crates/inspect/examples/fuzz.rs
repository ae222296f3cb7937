//! A minute of hostile documents: `cargo run --release -p casbah-inspect --example fuzz -- --seconds 60 --seed 1`.
//!
//! Takes the documents of the corpus, damages them, and reads them within small limits. `--case N` runs one case again; a
//! finding is printed, its input is written to `target/fuzz-document-N`, and the exit is 1.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it runs for a time that is asked for"
)]

#[path = "../tests/corpus/mod.rs"]
mod corpus;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use casbah_inspect::{Flow, Limits, TextSink, extract};
use corpus::Document;

/// More of them are the same one.
const FINDINGS_MAX: usize = 10;

/// A document of some kilobytes that unpacks to no more than [`UNPACKED_MAX`] takes some milliseconds.
const TIME_MAX: Duration = Duration::from_secs(2);

const UNPACKED_MAX: u64 = 2 << 20;

/// What one byte may become: an entity, a character of another encoding, the same form drawn by several pages.
const OUTPUT_PER_BYTE: u64 = 16;

fn limits() -> Limits {
    Limits {
        bytes_max: 4 << 20,
        unpacked_max: UNPACKED_MAX,
        held_max: 80 << 20,
        entries_max: 500,
        ..Limits::default()
    }
}

/// Where it panicked, caught or not, and how often.
static PANICS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Panics of our own, which are findings even though they are caught.
fn own_panics() -> u64 {
    let panics = PANICS.lock().unwrap();
    let own = panics
        .iter()
        .filter(|(place, _)| place.contains("inspect/src"));
    own.map(|(_, count)| count).sum()
}

struct Count {
    bytes: u64,
    parts: u64,
}

impl TextSink for Count {
    fn part(&mut self, name: &str) {
        assert!(name.len() < 20_000, "a name of {} bytes", name.len());
        assert!(
            !name.contains(|c: char| c.is_control()),
            "a name with control characters"
        );
        self.parts += 1;
    }

    fn text(&mut self, piece: &str) -> Flow {
        self.bytes += piece.len() as u64;
        Flow::Go
    }
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

fn main() -> ExitCode {
    let seconds = Duration::from_secs(asked("--seconds").unwrap_or(60));
    let seed = asked("--seed").unwrap_or(1);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        if let Ok(mut panics) = PANICS.lock() {
            *panics.entry(place).or_default() += 1;
        }
    }));
    let documents = with_real_ones(corpus::documents());
    let mut runs: BTreeMap<&str, (u64, Duration)> = BTreeMap::new();
    if let Some(number) = asked("--case") {
        return end(usize::from(tell(number, &documents, &mut runs)));
    }
    let begun = Instant::now();
    let first = seed.wrapping_mul(1 << 40);
    let (mut number, mut findings) = (0, 0);
    while begun.elapsed() < seconds && findings < FINDINGS_MAX {
        findings += usize::from(tell(first.wrapping_add(number), &documents, &mut runs));
        number += 1;
    }
    for (format, (count, longest)) in &runs {
        println!("{format:16} {count:9} runs, the longest {longest:?}");
    }
    for (place, count) in PANICS.lock().unwrap().iter() {
        println!("caught {count} panics at {place}");
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "seed {seed}: {number} documents, {seconds:.0} s, {} MB at most, {findings} findings",
        peak_megabytes()
    );
    end(findings)
}

/// Documents of other producers have what ours leave out.
fn with_real_ones(mut documents: Vec<Document>) -> Vec<Document> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documents");
    let names = [
        "fpdf2-objects.pdf",
        "odfpy.ods",
        "py7zr.7z",
        "reportlab-aes256.pdf",
        "text.xz",
        "xlsxwriter.xlsx",
        "xlwt.xls",
    ];
    for name in names {
        let bytes = std::fs::read(format!("{folder}/{name}")).unwrap();
        let read = corpus::read(name, &bytes).0;
        documents.push(Document::whole(name, read.format, bytes, &[]));
    }
    documents
}

/// Damages a document in some ways.
fn damaged(dice: &mut Dice, documents: &[Document]) -> (usize, Vec<u8>) {
    let number = dice.roll(documents.len());
    let mut bytes = documents[number].bytes.clone();
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
                let other = &documents[dice.roll(documents.len())].bytes;
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
            7 => number_in_text(dice, &mut bytes, at),
            8 => word_in_text(dice, &mut bytes, at),
            _ => drop(bytes.drain(at..length.min(at + 1 + dice.roll(40)))),
        }
    }
    // Damage in what is compressed breaks it; packed anew, the damage arrives.
    match dice.roll(6) {
        0 => {
            bytes = corpus::archives::zip(&[
                ("word/document.xml", &bytes),
                ("[Content_Types].xml", b"<a/>"),
            ])
        }
        1 => {
            bytes = corpus::archives::zip(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", &bytes),
            ])
        }
        2 => {
            bytes = corpus::archives::zip(&[
                ("[Content_Types].xml", b"<a/>"),
                ("xl/worksheets/sheet1.xml", &bytes),
                ("xl/sharedStrings.xml", &bytes),
            ])
        }
        3 => bytes = corpus::archives::stored(&[("a", &bytes)]),
        _ => {}
    }
    (number, bytes)
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

/// Runs a case; tells of it if something does not hold.
fn tell<'d>(
    number: u64,
    documents: &'d [Document],
    runs: &mut BTreeMap<&'d str, (u64, Duration)>,
) -> bool {
    let (document, bytes) = damaged(&mut Dice(number), documents);
    let document = &documents[document];
    let begun = Instant::now();
    let broken = run(document.name, &bytes);
    let elapsed = begun.elapsed();
    let (count, longest) = runs.entry(document.format).or_default();
    *count += 1;
    *longest = elapsed.max(*longest);
    let broken = match broken {
        Some(broken) => broken,
        None if elapsed > TIME_MAX => format!("it takes {elapsed:?}"),
        None => return false,
    };
    println!(
        "case {number}, {} of {} bytes: {broken}",
        document.name,
        bytes.len()
    );
    let path = format!("target/fuzz-document-{number}");
    match std::fs::create_dir_all("target").and_then(|()| std::fs::write(&path, &bytes)) {
        Ok(()) => println!("  {path} has it; run it again with --case {number}"),
        Err(error) => println!("  {path} cannot be written: {error}"),
    }
    true
}

fn run(name: &str, bytes: &[u8]) -> Option<String> {
    let mut count = Count { bytes: 0, parts: 0 };
    let limits = limits();
    let before = own_panics();
    let read = catch_unwind(AssertUnwindSafe(|| {
        extract::read(name, bytes, &limits, &mut count)
    }));
    if read.is_err() {
        return Some("it panics".to_owned());
    }
    if own_panics() > before {
        return Some("it panics within".to_owned());
    }
    let most = (bytes.len() as u64 + UNPACKED_MAX) * OUTPUT_PER_BYTE;
    if count.bytes > most {
        return Some(format!("{} bytes come out", count.bytes));
    }
    None
}

fn asked(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1)?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} takes a number, not {value}")),
    )
}

fn end(findings: usize) -> ExitCode {
    match findings {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The most memory that it ever held (Linux: VmHWM).
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
