//! PDF, written object by object.

use std::io::Write;

use casbah_inspect::{Inspected, Reason};

use super::Document;

pub fn documents() -> Vec<Document> {
    let strings: &[(&str, &str)] = &[
        ("page 1", "BODY-1 4111 1111 1111 1111"),
        ("page 1", "FORM-1"),
        ("page 1", "KERNED WORDS"),
        ("page 1", "MAPPED-ü"),
        ("page 1, comments", "COMMENT-1"),
        ("page 1, comments", "FIELD-1"),
        ("page 2", "PAGE-2"),
        ("properties", "TITLE-1"),
        ("bookmarks, fields and scripts", "BOOKMARK-1"),
        ("bookmarks, fields and scripts", "SCRIPT-1"),
        ("metadata", "XMP-1"),
        ("a.txt", "ATTACHED-1"),
    ];
    vec![
        Document::whole("a.pdf", "pdf", whole(), strings),
        Document::whole("no-table.pdf", "pdf", without_table(), strings),
        Document::whole(
            "late.pdf",
            "pdf",
            [b"junk before it\n".to_vec(), whole()].concat(),
            strings,
        ),
        Document::whole("scan.pdf", "pdf", scan(), &[]).but(Inspected::Not(Reason::Picture)),
        Document::whole("locked.pdf", "pdf", locked(), &[]).but(Inspected::Not(Reason::Encrypted)),
    ]
}

/// Numbers the objects from 1 and writes a table; the first is the catalogue.
pub fn file(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
        bytes.extend_from_slice(format!("{} 0 obj\n", number + 1).as_bytes());
        bytes.extend_from_slice(object);
        bytes.extend_from_slice(b"\nendobj\n");
    }
    let start = bytes.len();
    let end = format!(
        "trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    bytes.extend_from_slice(table.as_bytes());
    bytes.extend_from_slice(end.as_bytes());
    bytes
}

pub fn stream(entries: &str, content: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {entries} /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend_from_slice(content);
    object.extend_from_slice(b"\nendstream");
    object
}

pub fn deflated(entries: &str, content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    stream(
        &format!("{entries} /Filter /FlateDecode"),
        &encoder.finish().unwrap(),
    )
}

fn objects() -> Vec<Vec<u8>> {
    let content = b"BT /F1 12 Tf 72 720 Td (BODY-1 4111 1111 ) Tj (1111 1111) Tj ET
BT /F1 12 Tf 72 700 Td [(KER) -20 (NED) -400 (W) 15 (ORDS)] TJ ET
BT /F2 12 Tf 72 680 Td <00010002> Tj ET /X1 Do";
    let map = b"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange
1 beginbfchar <0001> <004D00410050005000450044002D> endbfchar 1 beginbfrange <0002> <0003> <00FC> endbfrange endcmap";
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        text("<< /Type /Catalog /Pages 2 0 R /Outlines 12 0 R /Metadata 14 0 R /Names 15 0 R >>"),
        text(
            "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /Resources << /Font << /F1 5 0 R /F2 6 0 R >> /XObject << /X1 9 0 R >> >> >>",
        ),
        text(
            "<< /Type /Page /Parent 2 0 R /Contents 10 0 R /Annots [13 0 R << /Subtype /Widget /T (f) /V (FIELD-1) >>] >>",
        ),
        text("<< /Type /Page /Parent 2 0 R /Contents [11 0 R] >>"),
        text("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"),
        text(
            "<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [7 0 R] /ToUnicode 8 0 R >>",
        ),
        text("<< /Type /Font /Subtype /CIDFontType2 /DW 1000 /W [1 [500 500]] >>"),
        deflated("", map),
        deflated(
            "/Type /XObject /Subtype /Form /BBox [0 0 1 1]",
            b"BT /F1 9 Tf 10 10 Td (FORM-1) Tj ET",
        ),
        deflated("", content),
        stream(
            "/Filter /ASCIIHexDecode",
            b"4254202f46312031322054662028504147452d322920546a204554>",
        ),
        text("<< /Title (BOOKMARK-1) >>"),
        text(
            "<< /Type /Annot /Subtype /Text /Contents <FEFF0043004F004D004D0045004E0054002D0031> >>",
        ),
        stream(
            "/Type /Metadata /Subtype /XML",
            b"<x:xmpmeta><a>XMP-1</a></x:xmpmeta>",
        ),
        text("<< /EmbeddedFiles << /Names [(a.txt) 16 0 R] >> >>"),
        text("<< /Type /Filespec /F (a.txt) /EF << /F 17 0 R >> >>"),
        deflated("/Type /EmbeddedFile", b"ATTACHED-1"),
        text("<< /Title (TITLE-1) >>"),
        text("<< /S /JavaScript /JS (app.alert\\(\"SCRIPT-1\"\\)) >>"),
    ]
}

pub fn whole() -> Vec<u8> {
    file(&objects(), "/Info 18 0 R")
}

fn without_table() -> Vec<u8> {
    let mut bytes = whole();
    let table = memchr::memmem::rfind(&bytes, b"xref\n0").unwrap();
    bytes.truncate(table);
    bytes.extend_from_slice(b"trailer << /Root 1 0 R /Info 18 0 R >>");
    bytes
}

fn scan() -> Vec<u8> {
    file(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] >>".to_vec(),
            b"<< /Type /Page /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>".to_vec(),
            stream("", b"q 1 0 0 1 0 0 cm /I Do Q"),
            stream("/Subtype /Image /Filter /DCTDecode", b"\xff\xd8\xff\xd9"),
        ],
        "",
    )
}

fn locked() -> Vec<u8> {
    let text = "00".repeat(32);
    file(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [] >>".to_vec(),
        ],
        &format!(
            "/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <{text}> /U <{text}> >> /ID [<00> <00>]"
        ),
    )
}
