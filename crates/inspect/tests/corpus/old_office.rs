//! Compound files: Office before 2007, Outlook, macros, and what Office encrypted.

use std::io::{Cursor, Write};

use casbah_inspect::{Inspected, Reason};

use super::Document;

pub fn documents() -> Vec<Document> {
    vec![
        Document::whole(
            "a.doc",
            "doc",
            doc(),
            &[
                ("document", "BODY-1 caf\u{e9}"),
                ("document", "CELL-1\tCELL-2"),
                ("comments", "COMMENT-1 \u{44f}"),
                ("properties", "TITLE-1"),
            ],
        ),
        Document::whole(
            "a.ppt",
            "ppt",
            ppt(),
            &[
                ("slide 1", "WIDE-1 \u{44f}"),
                ("slide 2", "NARROW-1"),
                ("notes 1", "NOTES-1"),
                ("embedded object, macros", "MACRO-1"),
            ],
        ),
        Document::whole(
            "a.xls",
            "xls",
            xls(),
            &[
                ("sheet Data", "SHARED-1\t4111111111111111\t42.5\t"),
                ("sheet Data", "RESULT-1"),
                ("sheet Secret (hidden)", "LABEL-1"),
            ],
        ),
        Document::whole(
            "a.msg",
            "msg",
            msg(),
            &[
                ("headers", "SUBJECT-1"),
                ("headers", "ann@example.com"),
                ("body", "BODY-1"),
                ("body (html)", "HTML-1"),
                ("a.txt", "ATTACHED-1"),
                ("attachment, body", "INNER-1"),
            ],
        ),
        Document::whole(
            "locked.docx",
            "encrypted-ooxml",
            compound(&[("EncryptedPackage", b"x"), ("EncryptionInfo", b"y")]),
            &[],
        )
        .but(Inspected::Not(Reason::Encrypted)),
        Document::whole("odd.bin", "ole", compound(&[("Whatever", b"x")]), &[])
            .but(Inspected::Not(Reason::Unsupported)),
    ]
}

pub fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, content) in streams {
        if let Some((folder, _)) = path.rsplit_once('/') {
            file.create_storage_all(format!("/{folder}")).unwrap();
        }
        file.create_stream(format!("/{path}"))
            .unwrap()
            .write_all(content)
            .unwrap();
    }
    file.into_inner().into_inner()
}

/// A project with one module, all literals.
pub fn macros() -> Vec<u8> {
    let source = b"Attribute VB_Name = \"M\"\r\nSub A()\r\nx = \"MACRO-1\"\r\nEnd Sub\r\n";
    let mut chunk = Vec::new();
    for eight in source.chunks(8) {
        chunk.push(0);
        chunk.extend_from_slice(eight);
    }
    let header = (chunk.len() as u16 - 1) | 0xb000;
    let module = [b"performance cache\x01", &header.to_le_bytes()[..], &chunk].concat();
    compound(&[("VBA/dir", b"x"), ("VBA/Module1", &module)])
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn doc() -> Vec<u8> {
    doc_with(b"BODY-1 caf\xe9\rCELL-1\x07CELL-2\x07\r")
}

/// A document with this text, and a comment.
pub fn doc_with(body: &[u8]) -> Vec<u8> {
    let comment = wide("COMMENT-1 \u{44f}\r");
    let mut text = vec![0; 0x800];
    text[..2].copy_from_slice(&0xa5ec_u16.to_le_bytes());
    text[2..4].copy_from_slice(&0x00c1_u16.to_le_bytes());
    text[0x0a..0x0c].copy_from_slice(&0x0200_u16.to_le_bytes());
    let (body_chars, comment_chars) = (body.len() as u32, comment.len() as u32 / 2);
    text[0x4c..0x50].copy_from_slice(&body_chars.to_le_bytes());
    text[0x5c..0x60].copy_from_slice(&comment_chars.to_le_bytes());
    let mut table = vec![1, 2, 0, 9, 9, 2, 0, 0, 0, 0];
    for at in [0, body_chars, body_chars + comment_chars] {
        table.extend_from_slice(&at.to_le_bytes());
    }
    let piece = |place: u32| [&[0, 0][..], &place.to_le_bytes(), &[0, 0]].concat();
    table.extend(piece((0x800 * 2) | 0x4000_0000));
    table.extend(piece(0x800 + body.len() as u32));
    text[0x1a2..0x1a6].copy_from_slice(&0_u32.to_le_bytes());
    text[0x1a6..0x1aa].copy_from_slice(&(table.len() as u32).to_le_bytes());
    text.extend_from_slice(body);
    text.extend(comment);
    let mut properties = vec![0; 48];
    properties[24] = 1;
    properties[44] = 48;
    properties
        .extend_from_slice(b"\0\0\0\0\x01\0\0\0\x02\0\0\0\x10\0\0\0\x1e\0\0\0\x08\0\0\0TITLE-1\0");
    compound(&[
        ("WordDocument", &text),
        ("1Table", &table),
        ("\u{5}SummaryInformation", &properties),
    ])
}

/// The size of a project of macros, and the project compressed.
fn storage() -> Vec<u8> {
    let mut encoder =
        flate2::write::ZlibEncoder::new(b"size".to_vec(), flate2::Compression::default());
    encoder.write_all(&macros()).unwrap();
    encoder.finish().unwrap()
}

fn ppt() -> Vec<u8> {
    let record = |version: u16, kind: u16, content: &[u8]| {
        [
            &version.to_le_bytes()[..],
            &kind.to_le_bytes(),
            &(content.len() as u32).to_le_bytes(),
            content,
        ]
        .concat()
    };
    let slides = [
        record(0xf, 0x03ee, &record(0, 0x0fa0, &wide("WIDE-1 \u{44f}"))),
        record(
            0xf,
            0x03ee,
            &record(0xf, 0xf00d, &record(0, 0x0fa8, b"NARROW-1")),
        ),
        record(0xf, 0x03f0, &record(0, 0x0fa8, b"NOTES-1")),
        record(0x10, 0x1011, &storage()),
    ]
    .concat();
    compound(&[("PowerPoint Document", &slides)])
}

fn xls() -> Vec<u8> {
    let record = |kind: u16, content: &[u8]| {
        [
            &kind.to_le_bytes()[..],
            &(content.len() as u16).to_le_bytes(),
            content,
        ]
        .concat()
    };
    let begin = record(0x0809, b"\0\x06\x05\0\0\0\0\0");
    let sheet = |at: u32, state: u8, name: &str| {
        record(
            0x0085,
            &[
                &at.to_le_bytes()[..],
                &[state, 0, name.len() as u8, 0],
                name.as_bytes(),
            ]
            .concat(),
        )
    };
    let shared = record(0x00fc, b"\x01\0\0\0\x01\0\0\0\x08\0\0SHA");
    let rest = record(0x003c, b"\0RED-1");
    let end = record(0x000a, b"");
    let globals = |first: u32, second: u32| {
        [
            begin.clone(),
            sheet(first, 0, "Data"),
            sheet(second, 2, "Secret"),
            shared.clone(),
            rest.clone(),
            end.clone(),
        ]
        .concat()
    };
    let first = [
        begin.clone(),
        record(0x00fd, b"\0\0\0\0\0\0\0\0\0\0"),
        record(
            0x0203,
            &[
                b"\0\0\x01\0\0\0",
                &4_111_111_111_111_111_f64.to_le_bytes()[..],
            ]
            .concat(),
        ),
        record(
            0x027e,
            &[b"\0\0\x02\0\0\0", &(4250_u32 << 2 | 3).to_le_bytes()[..]].concat(),
        ),
        record(
            0x0006,
            b"\x01\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\0\0\0\0\0",
        ),
        record(0x0207, b"\x08\0\0RESULT-1"),
        end.clone(),
    ]
    .concat();
    let second = [
        begin.clone(),
        record(0x0204, b"\0\0\0\0\0\0\x07\0\0LABEL-1"),
        end.clone(),
    ]
    .concat();
    let length = globals(0, 0).len() as u32;
    let all = [globals(length, length + first.len() as u32), first, second].concat();
    compound(&[("Workbook", &all)])
}

fn msg() -> Vec<u8> {
    let inner = "__attach_version1.0_#00000001/__substg1.0_3701000D";
    compound(&[
        ("__properties_version1.0", b"x"),
        ("__substg1.0_0037001F", &wide("SUBJECT-1")),
        ("__substg1.0_1000001F", &wide("BODY-1")),
        ("__substg1.0_10130102", b"<html><p>HTML-1</p></html>"),
        (
            "__recip_version1.0_#00000000/__substg1.0_39FE001F",
            &wide("ann@example.com"),
        ),
        (
            "__attach_version1.0_#00000000/__substg1.0_3707001F",
            &wide("a.txt"),
        ),
        (
            "__attach_version1.0_#00000000/__substg1.0_37010102",
            b"ATTACHED-1",
        ),
        (&format!("{inner}/__substg1.0_1000001E"), b"INNER-1"),
    ])
}
