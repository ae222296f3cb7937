//! How fast text comes out of documents of 100 MB, and what that takes in memory:
//! `cargo run --release -p casbah-inspect --example bench [-- NAME…]`.
//!
//! Each document is made, written to a temporary file and read by a process of its own, whose highest use of memory is the
//! system's word (Linux: VmHWM); the document itself is part of it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench measures time and uses files"
)]

#[path = "../tests/corpus/mod.rs"]
mod corpus;

use std::io::{Cursor, Write};
use std::process::Command;
use std::time::Instant;

use casbah_inspect::{Flow, Limits, TextSink, extract};
use corpus::{archives, mail, old_office, pdf};

const MEGABYTE: usize = 1 << 20;

/// The size of a document, as far as it can be chosen.
const BYTES: usize = 99 * MEGABYTE;

struct Count(u64);

impl TextSink for Count {
    fn part(&mut self, _: &str) {}

    fn text(&mut self, piece: &str) -> Flow {
        self.0 += piece.len() as u64;
        Flow::Go
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, path] = &*arguments
        && flag == "--read"
    {
        return measure(path);
    }
    println!(
        "{:24} {:>7} {:>8} {:>7} {:>9} {:>8}  state",
        "document", "MB", "text MB", "s", "text MB/s", "peak MB"
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, make) in DOCUMENTS {
        if !arguments.is_empty() && !arguments.iter().any(|wanted| name.contains(&**wanted)) {
            continue;
        }
        let path = folder.path().join(name);
        std::fs::write(&path, make()).unwrap();
        let own = std::env::current_exe().unwrap();
        let output = Command::new(own).arg("--read").arg(&path).output().unwrap();
        print!("{name:24} {}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            println!("{}", output.status);
        }
        std::fs::remove_file(path).unwrap();
    }
}

fn measure(path: &str) {
    let bytes = std::fs::read(path).unwrap();
    let name = path.rsplit('/').next().unwrap();
    let mut count = Count(0);
    let begun = Instant::now();
    let read = extract::read(name, &bytes, &Limits::default(), &mut count);
    let seconds = begun.elapsed().as_secs_f64();
    let text = count.0 as f64 / MEGABYTE as f64;
    let peak = peak_megabytes();
    println!(
        "{:7.1} {text:8.1} {seconds:7.2} {:9.0} {peak:8}  {} {:?}",
        bytes.len() as f64 / MEGABYTE as f64,
        text / seconds,
        read.format,
        read.inspected
    );
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

type Make = fn() -> Vec<u8>;

const DOCUMENTS: &[(&str, Make)] = &[
    ("utf-8.txt", || words(BYTES).into_bytes()),
    ("windows-1252.txt", || {
        words(BYTES)
            .bytes()
            .map(|byte| if byte == b'e' { 0xe9 } else { byte })
            .collect()
    }),
    ("utf-16.txt", || {
        [
            b"\xff\xfe".to_vec(),
            words(BYTES / 2)
                .bytes()
                .flat_map(|byte| [byte, 0])
                .collect(),
        ]
        .concat()
    }),
    ("one-line.json", || {
        format!("[\"{}\"]", words(BYTES).replace('\n', " ")).into_bytes()
    }),
    ("a.html", || {
        format!(
            "<html>{}",
            paragraphs(BYTES, "<p class=\"a\" title=\"x\">", "</p>\n")
        )
        .into_bytes()
    }),
    ("a.rtf", || {
        format!(
            "{{\\rtf1\\ansi {}}}",
            paragraphs(BYTES, "\\pard ", "\\par\n")
        )
        .into_bytes()
    }),
    ("a.docx", || {
        office(
            "word/document.xml",
            &format!(
                "<w:document>{}</w:document>",
                paragraphs(
                    240 * MEGABYTE,
                    "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>",
                    "</w:t></w:r></w:p>"
                )
            ),
        )
    }),
    ("inline.xlsx", || {
        office(
            "xl/worksheets/sheet1.xml",
            &format!(
                "<worksheet>{}</worksheet>",
                paragraphs(
                    240 * MEGABYTE,
                    "<row><c t=\"inlineStr\"><is><t>",
                    "</t></is></c><c><v>4111111111111111</v></c></row>"
                )
            ),
        )
    }),
    ("shared.xlsx", shared_strings),
    ("a.odt", || {
        archives::zip(&[
            ("mimetype", b"application/vnd.oasis.opendocument.text"),
            (
                "content.xml",
                paragraphs(
                    240 * MEGABYTE,
                    "<text:p text:style-name=\"P1\">",
                    "</text:p>",
                )
                .as_bytes(),
            ),
        ])
    }),
    ("a.pdf", pages),
    ("objects.pdf", objects),
    ("a.zip", || {
        archives::zip(&[("a.txt", words(175 * MEGABYTE).as_bytes())])
    }),
    ("a.tar.gz", || {
        archives::gzip(&archives::tar(&[(
            "a.txt",
            words(175 * MEGABYTE).as_bytes(),
        )]))
    }),
    ("a.txt.zst", || {
        zstd::encode_all(words(175 * MEGABYTE).as_bytes(), 3).unwrap()
    }),
    ("held.zip", || {
        archives::zip(&[("in.pdf", &pages()[..93 * MEGABYTE])])
    }),
    ("entries.zip", || entries(90_000)),
    ("directory.zip", || entries(900_000)),
    ("a.eml", || {
        mail_with(&archives::stored(&[(
            "a.txt",
            words(70 * MEGABYTE).as_bytes(),
        )]))
    }),
    ("parts.eml", || {
        [&b"From: a@b\nTo: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"[..], &b"--b\n\nx\n".repeat(BYTES / 7)].concat()
    }),
    ("a.mbox", || {
        format!("From a\nSubject: x\n\n{}\n", words(1000))
            .repeat(BYTES / 1020)
            .into_bytes()
    }),
    ("a.jpg", || {
        [corpus::pictures::jpeg(), vec![0x55; BYTES]].concat()
    }),
    ("a.doc", || {
        old_office::doc_with(words(BYTES - MEGABYTE).as_bytes())
    }),
    ("a.ppt", || {
        old_office::compound(&[("PowerPoint Document", &slides())])
    }),
    ("directory.ole", directory),
    ("deep.xml.docx", || {
        office("word/document.xml", &"<w:p>".repeat(40 * MEGABYTE))
    }),
    ("nodes.docx", || {
        office(
            "word/document.xml",
            &format!("<w:p><w:t>{}", words(175 * MEGABYTE)),
        )
    }),
    ("attributes.docx", || {
        office(
            "word/document.xml",
            &format!("<w:p {}>", "a=\"b\" ".repeat(30 * MEGABYTE)),
        )
    }),
];

/// Words that do not compress well, ten in a line.
fn words(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 32);
    let mut state = 1_u64;
    let mut count = 0;
    while text.len() < bytes {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = state >> 36;
        text.push_str(&format!("{word:x}"));
        count += 1;
        text.push(if count % 10 == 0 { '\n' } else { ' ' });
    }
    text.truncate(bytes);
    text
}

fn paragraphs(bytes: usize, before: &str, after: &str) -> String {
    let mut text = String::with_capacity(bytes + 256);
    let words = words(bytes);
    for line in words.lines() {
        if text.len() >= bytes {
            break;
        }
        text.extend([before, line, after]);
    }
    text
}

fn office(part: &str, xml: &str) -> Vec<u8> {
    let mut bytes = archives::zip(&[("[Content_Types].xml", b"<Types/>"), (part, xml.as_bytes())]);
    bytes.shrink_to_fit();
    bytes
}

fn shared_strings() -> Vec<u8> {
    let strings = format!(
        "<sst>{}</sst>",
        paragraphs(180 * MEGABYTE, "<si><t>", "</t></si>")
    );
    let cells: String = (0..400_000)
        .map(|number| format!("<row><c t=\"s\"><v>{number}</v></c></row>"))
        .collect();
    archives::zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet>{cells}</worksheet>").as_bytes(),
        ),
    ])
}

/// Pages of 4 kB of text each.
fn pages() -> Vec<u8> {
    let words = words(155 * MEGABYTE);
    let chunks: Vec<&str> = words
        .as_bytes()
        .chunks(4000)
        .map(|chunk| std::str::from_utf8(chunk).unwrap())
        .collect();
    let kids: String = (0..chunks.len())
        .map(|number| format!("{} 0 R ", 4 + 2 * number))
        .collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Resources << /Font << /F 3 0 R >> >> >>")
            .into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    for (number, chunk) in chunks.iter().enumerate() {
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>",
                5 + 2 * number
            )
            .into_bytes(),
        );
        let lines: String = chunk
            .lines()
            .map(|line| format!("({line}) Tj T*\n"))
            .collect();
        objects.push(pdf::deflated(
            "",
            format!("BT /F 9 Tf 12 TL 72 720 Td\n{lines}ET").as_bytes(),
        ));
    }
    pdf::file(&objects, "")
}

/// As many objects as there is room for.
fn objects() -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [] >>".to_vec(),
    ];
    objects.resize(1_700_000, b"<< /Title (A-1) >>".to_vec());
    pdf::file(&objects, "")
}

fn entries(count: usize) -> Vec<u8> {
    let names: Vec<String> = (0..count).map(|number| format!("{number}.txt")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b"x"[..])).collect();
    archives::stored(&entries)
}

fn mail_with(attachment: &[u8]) -> Vec<u8> {
    let head = "From: a@b\nTo: a@b\nMIME-Version: 1.0\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n";
    format!("{head}{}", mail::base64(attachment)).into_bytes()
}

fn slides() -> Vec<u8> {
    let words = words(BYTES - MEGABYTE);
    let mut slides = Vec::new();
    for chunk in words.as_bytes().chunks(1000) {
        slides.extend_from_slice(&[0, 0, 0xa8, 0x0f]);
        slides.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        slides.extend_from_slice(chunk);
    }
    slides
}

/// A compound file that is all directory.
fn directory() -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for number in 0..15_000 {
        let path = format!("/a-stream-with-a-long-name-{number}");
        file.create_stream(path).unwrap().write_all(b"").unwrap();
    }
    file.into_inner().into_inner()
}
