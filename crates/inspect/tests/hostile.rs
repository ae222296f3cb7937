//! What wants to harm whoever reads it: bombs, quines, cycles, depth, names. All of it ends, within limits, with a reason.

mod corpus;

use casbah_inspect::{Flow, Inspected, Limits, Reason, TextSink, extract};
use corpus::archives::{gzip, stored, tar, zip};
use corpus::old_office::compound;
use corpus::pdf::{deflated, file, stream};
use corpus::{Kept, read, read_within};

fn small() -> Limits {
    Limits {
        unpacked_max: 4 << 20,
        held_max: 80 << 20,
        entries_max: 100,
        ..Limits::default()
    }
}

#[track_caller]
fn check(name: &str, bytes: &[u8], reason: Reason) {
    let limits = small();
    let (read, kept) = read_within(name, bytes, &limits);
    let reasons: Vec<Reason> = match &read.inspected {
        Inspected::Whole => Vec::new(),
        Inspected::Partly(missed) => missed.iter().map(|(_, reason)| *reason).collect(),
        Inspected::Not(reason) => vec![*reason],
    };
    assert!(reasons.contains(&reason), "{name}: {:?}", read.inspected);
    assert!(
        kept.all().len() as u64 <= limits.unpacked_max * 2 + bytes.len() as u64 * 2,
        "{name}"
    );
}

fn pdf_with(kids: &str, content: Vec<u8>, more: Vec<Vec<u8>>) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] >>").into_bytes(),
        b"<< /Type /Page /Contents 4 0 R /Resources 5 0 R >>".to_vec(),
        content,
        b"<< /Font << /F 6 0 R >> /XObject << /X 7 0 R /Y 8 0 R >> >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 >>".to_vec(),
    ];
    objects.extend(more);
    file(&objects, "")
}

#[test]
fn a_document_above_the_limit_is_too_large() {
    let limits = Limits {
        bytes_max: 10,
        ..Limits::default()
    };
    let (read, kept) = read_within("a.txt", b"eleven bytes", &limits);
    assert_eq!(read.inspected, Inspected::Not(Reason::TooLarge));
    assert!(kept.parts.is_empty());
}

#[test]
fn bombs_expand_and_what_came_before_is_read() {
    let zeros = vec![b'0'; 64 << 20];
    check(
        "flat.zip",
        &zip(&[("a.txt", b"BEFORE-1"), ("b.txt", &zeros)]),
        Reason::Expands,
    );
    let (_, kept) = read_within(
        "flat.zip",
        &zip(&[("a.txt", b"BEFORE-1"), ("b.txt", &zeros)]),
        &small(),
    );
    assert!(kept.text("a.txt").contains("BEFORE-1"));
    check(
        "nested.zip",
        &zip(&[("in.zip", &zip(&[("b.txt", &zeros)]))]),
        Reason::Expands,
    );
    check("a.gz", &gzip(&zeros), Reason::Expands);
    check(
        "a.tar.gz",
        &gzip(&tar(&[("b.txt", &zeros)])),
        Reason::Expands,
    );
    check(
        "a.zst",
        &zstd::encode_all(&zeros[..], 3).unwrap(),
        Reason::Expands,
    );
    let sheet = [b"<worksheet><sheetData><c><v>".to_vec(), zeros.clone()].concat();
    let types = ("[Content_Types].xml", &b"<Types/>"[..]);
    check(
        "a.xlsx",
        &zip(&[
            types,
            ("xl/workbook.xml", b"<x/>"),
            ("xl/worksheets/sheet1.xml", &sheet),
        ]),
        Reason::Expands,
    );
    check(
        "page.pdf",
        &pdf_with("3 0 R", deflated("", &zeros), vec![]),
        Reason::Expands,
    );
    let twice = {
        let once = deflated("", &zeros);
        let at = memchr::memmem::find(&once, b"stream\n").unwrap() + 7;
        deflated("/Filter [/FlateDecode /FlateDecode] /X", &once[at..])
    };
    check(
        "twice.pdf",
        &pdf_with("3 0 R", twice, vec![]),
        Reason::Expands,
    );
    // Spaces are nothing in the end, but somebody has to walk through them.
    let spaces = {
        let once = deflated("", &vec![b' '; 64 << 20]);
        let at = memchr::memmem::find(&once, b"stream\n").unwrap() + 7;
        deflated(
            "/Filter [/FlateDecode /FlateDecode /ASCIIHexDecode] /X",
            &once[at..],
        )
    };
    check(
        "spaces.pdf",
        &pdf_with("3 0 R", spaces, vec![]),
        Reason::Expands,
    );
    let picture = [b"\x89PNG\r\n\x1a\n".to_vec(), {
        let mut encoder =
            flate2::write::ZlibEncoder::new(b"a\0\0".to_vec(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
        let content = encoder.finish().unwrap();
        [
            &(content.len() as u32).to_be_bytes()[..],
            b"zTXt",
            &content,
            b"\0\0\0\0",
        ]
        .concat()
    }]
    .concat();
    check("a.png", &picture, Reason::Expands);
}

/// All entries mean the bytes of the first one.
#[test]
fn overlapping_entries_count_each_time() {
    let text = vec![b'x'; 256 << 10];
    let whole = stored(&[("a.txt", &text)]);
    let directory = memchr::memmem::rfind(&whole, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::rfind(&whole, b"PK\x05\x06").unwrap();
    let header = whole[directory..end].to_vec();
    let count = 50_u16;
    let mut bytes = whole[..directory].to_vec();
    bytes.extend(header.repeat(count.into()));
    let mut tail = whole[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&(header.len() as u32 * u32::from(count)).to_le_bytes());
    bytes.extend(tail);
    check("overlap.zip", &bytes, Reason::Expands);
}

#[test]
fn archives_in_archives_end() {
    let mut bytes = zip(&[("a.txt", b"DEEPEST")]);
    for _ in 0..100 {
        bytes = stored(&[("in.zip", &bytes)]);
    }
    check("deep.zip", &bytes, Reason::TooDeep);
    let mut bytes = b"DEEPEST".to_vec();
    for _ in 0..100 {
        bytes = gzip(&bytes);
    }
    check("deep.gz", &bytes, Reason::TooDeep);
    let many: Vec<(&str, &[u8])> = vec![("a.txt", b"x"); 1000];
    check("many.zip", &zip(&many), Reason::TooManyEntries);
    check("many.tar", &tar(&many), Reason::TooManyEntries);
}

#[test]
fn mail_in_mail_and_parts_in_parts_end() {
    let mut body = String::from("Subject: x\n\nDEEPEST");
    for _ in 0..100 {
        body = format!(
            "From: a@b\nTo: a@b\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n{body}"
        );
    }
    check("deep.eml", body.as_bytes(), Reason::TooDeep);
    let mut body = String::from("\nDEEPEST");
    for level in 0..200 {
        body = format!(
            "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n{body}\n--b{level}--\n"
        );
    }
    let head = "From: a@b\nTo: a@b\nMIME-Version: 1.0\n";
    check(
        "parts.eml",
        format!("{head}{body}").as_bytes(),
        Reason::TooDeep,
    );
    let many = "--b\n\nx\n".repeat(10_000);
    let body = format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{many}");
    check("parts.eml", body.as_bytes(), Reason::TooManyEntries);
}

#[test]
fn entities_are_not_expanded_and_nothing_is_fetched() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "LOL"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><w:document><w:p><w:t>&b;&c;BODY-1</w:t></w:p></w:document>"#;
    let bytes = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", laughs.as_bytes()),
    ]);
    let (read, kept) = read("laughs.docx", &bytes);
    assert_eq!(read.inspected, Inspected::Whole);
    assert!(kept.text("document").contains("&b;&c;BODY-1"));
    assert!(!kept.all().contains("root:"));
}

#[test]
fn depth_ends_before_the_stack_does() {
    let word = |xml: &str| {
        zip(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("word/document.xml", xml.as_bytes()),
        ])
    };
    let deep = word(&"<w:p>".repeat(1_000_000));
    let page = format!("<html>{}BODY-1", "<div>".repeat(1_000_000)).into_bytes();
    let json = "[".repeat(1_000_000).into_bytes();
    let rtf = format!("{{\\rtf1 {}", "{".repeat(1_000_000)).into_bytes();
    let array = file(
        &[format!("<< /Type /Catalog /Pages {} >>", "[".repeat(1_000_000)).into_bytes()],
        "",
    );
    let dicts = file(
        &[format!("<< /Type /Catalog /Pages {} >>", "<</A".repeat(500_000)).into_bytes()],
        "",
    );
    // Less than any thread has.
    let thread = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(move || {
            check("deep.docx", &deep, Reason::TooDeep);
            check("deep.rtf", &rtf, Reason::TooDeep);
            check("array.pdf", &array, Reason::Corrupt);
            check("dicts.pdf", &dicts, Reason::Corrupt);
            let (read, kept) = read_within("deep.html", &page, &small());
            assert_eq!(read.inspected, Inspected::Whole);
            assert!(kept.all().contains("BODY-1"));
            let (read, _) = read_within("deep.json", &json, &small());
            assert_eq!(read.inspected, Inspected::Whole);
        });
    thread.unwrap().join().unwrap();
}

#[test]
fn documents_in_documents_fit_a_small_stack() {
    let mut bytes = corpus::pdf::whole();
    for _ in 0..6 {
        bytes = corpus::archives::gzip(&stored(&[("in", &bytes)]));
    }
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    let thread = thread.spawn(move || check("nested.zip.gz", &bytes, Reason::TooDeep));
    thread.unwrap().join().unwrap();
}

#[test]
fn cycles_of_pdf_end() {
    let page = stream("", b"BT /F 9 Tf (BODY-1) Tj ET");
    let own_parent = pdf_with("2 0 R 3 0 R 3 0 R", page.clone(), vec![]);
    let (read, kept) = read_within("tree.pdf", &own_parent, &small());
    assert_eq!(read.inspected, Inspected::Whole);
    assert_eq!(kept.text("page 1").trim(), "BODY-1");
    // A form that draws itself, and two that draw each other twice each.
    let form = |content: &[u8]| stream("/Type /XObject /Subtype /Form /Resources 5 0 R", content);
    let draws = pdf_with(
        "3 0 R",
        stream("", b"/X Do"),
        vec![form(b"/X Do"), form(b"/X Do")],
    );
    check("self.pdf", &draws, Reason::TooDeep);
    let each_other = pdf_with(
        "3 0 R",
        stream("", b"/X Do"),
        vec![form(b"/Y Do /Y Do /Y Do"), form(b"/X Do /X Do /X Do")],
    );
    check("other.pdf", &each_other, Reason::TooDeep);
    // A length that is its own stream, and a reference to itself.
    let length = pdf_with(
        "3 0 R",
        b"<< /Length 4 0 R >>\nstream\nBT /F 9 Tf (BODY-1) Tj ET\nendstream".to_vec(),
        vec![],
    );
    let (_, kept) = read_within("length.pdf", &length, &small());
    assert!(kept.text("page 1").contains("BODY-1"));
    let itself = file(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"2 0 R".to_vec(),
        ],
        "",
    );
    check("itself.pdf", &itself, Reason::Corrupt);
    // A table before itself.
    let mut prev = corpus::pdf::whole();
    let at = memchr::memmem::rfind(&prev, b"xref\n0").unwrap();
    let trailer = format!("startxref\n{at}\n%%EOF trailer << /Prev {at} >>");
    prev.extend_from_slice(trailer.as_bytes());
    let (_, kept) = read_within("prev.pdf", &prev, &small());
    assert!(kept.text("page 1").contains("BODY-1"));
}

#[test]
fn counts_that_lie_cost_nothing() {
    let table = b"%PDF-1.7\nxref\n0 4000000000\n0000000000 65535 f \ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF";
    check("table.pdf", table, Reason::Corrupt);
    let objects = file(
        &[
            b"<< /Type /Catalog /Pages 9 0 R >>".to_vec(),
            stream("/Type /ObjStm /N 4000000000 /First 4000000000", b"1 0 2 0"),
            stream(
                "/Type /XRef /W [1 8 8] /Size 4000000000 /Index [0 4000000000]",
                b"\x01",
            ),
        ],
        "",
    );
    check("objects.pdf", &objects, Reason::Corrupt);
    let columns = pdf_with(
        "3 0 R",
        stream(
            "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 4000000000 /Colors 4000000 >>",
            b"x\x9c\x03\0\0\0\0\x01",
        ),
        vec![],
    );
    check("columns.pdf", &columns, Reason::Unsupported);
    let mut tar = tar(&[("a.txt", b"x")]);
    tar[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    check("size.tar", &tar, Reason::Corrupt);
}

/// Whatever is walked through again and again is paid for: without that each of these takes minutes.
#[test]
fn what_a_pdf_has_searched_again_and_again_ends() {
    let head = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Kids[]>>endobj\n";
    let trailers = format!("%PDF-1.7\n{}", "trailer(".repeat(1_000_000));
    check("trailers.pdf", trailers.as_bytes(), Reason::Corrupt);
    // Streams that end nowhere.
    let streams: String = (3..100_000)
        .map(|number| format!("{number} 0 obj<</Length 1>>stream\n"))
        .collect();
    let streams = format!("{head}{streams}trailer<</Root 1 0 R>>");
    check("streams.pdf", streams.as_bytes(), Reason::TooLarge);
    // Objects that are said to be where one long text is.
    let mut texts = format!("{head}({})\n", "x".repeat(2_000_000));
    let table = texts.len();
    let place = |word: &str| head.find(word).unwrap();
    texts.push_str(&format!(
        "xref\n0 100003\n0000000000 65535 f \n{:010} 00000 n \n{:010} 00000 n \n",
        place("1 0 obj"),
        place("2 0 obj"),
    ));
    texts.push_str(&format!("{:010} 00000 n \n", head.len()).repeat(100_000));
    texts.push_str(&format!("trailer<</Root 1 0 R>>\nstartxref\n{table}\n"));
    check("texts.pdf", texts.as_bytes(), Reason::TooLarge);
}

/// Some programs see a directory with a file after it, others a directory that is as long as that file.
#[test]
fn a_tar_hides_nothing_behind_a_type() {
    let of_type = |kind: u8, entries: &[(&str, &[u8])]| {
        let mut bytes = tar(entries);
        let sum: u32 = bytes[..148]
            .iter()
            .chain(&bytes[156..512])
            .map(|byte| u32::from(*byte))
            .sum();
        let sum = sum + 8 * 32 - u32::from(bytes[156]) + u32::from(kind);
        bytes[156] = kind;
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes
    };
    for kind in *b"1256SZ" {
        let bytes = of_type(kind, &[("a", b"BEHIND-1"), ("b", b"AFTER-1")]);
        let (read, kept) = read("a.tar", &bytes);
        assert_eq!(read.inspected, Inspected::Whole);
        assert!(kept.all().contains("BEHIND-1"), "{}", kind as char);
        assert!(kept.all().contains("AFTER-1"), "{}", kind as char);
    }
}

/// Each comment begins within the one before: read from every beginning, it would be read a thousand times.
#[test]
fn comments_within_comments_of_a_gif_come_out_once() {
    let block = [b"\xff".to_vec(), b"\x21\xfe\xff".repeat(85)].concat();
    let bytes = [b"GIF89a\x21\xfe".to_vec(), block.repeat(1000)].concat();
    let (_, kept) = read("a.gif", &bytes);
    assert!(kept.all().len() < bytes.len() * 3, "{}", kept.all().len());
    let many = [b"GIF89a".to_vec(), b"\x21\xfe\x04text\0".repeat(100)].concat();
    let (_, kept) = read("b.gif", &many);
    assert_eq!(kept.all().matches("text").count(), 100);
}

#[test]
fn records_of_old_office_that_break_off_are_told() {
    let book = |end: &[u8]| {
        let begin = b"\x09\x08\x04\0\0\x06\x05\0";
        compound(&[("Workbook", &[&begin[..], end].concat())])
    };
    let (whole, _) = read("a.xls", &book(b"\x0a\0\0\0"));
    assert_eq!(whole.inspected, Inspected::Whole);
    check("torn.xls", &book(b"\x04\x02\xff\xffBODY"), Reason::Corrupt);
    let slides = compound(&[(
        "PowerPoint Document",
        b"\0\0\xa8\x0f\x04\0\0\0BODY\0\0\xe9\x03\xff\xff\0\0LOST",
    )]);
    check("torn.ppt", &slides, Reason::Corrupt);
}

/// Pieces of a text that say they are all of it, and lengths that do it 8000 times.
#[test]
fn pieces_and_copies_of_old_office_are_counted() {
    let mut text = vec![0; 0x800];
    text[..4].copy_from_slice(b"\xec\xa5\xc1\0");
    text[0x0a..0x0c].copy_from_slice(b"\0\x02");
    text[0x4c..0x50].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    let pieces = 8000_u32;
    let mut places = Vec::new();
    for number in 0..=pieces {
        places.extend_from_slice(&((number % 2) * 50_000).to_le_bytes());
    }
    let place = ((0x800_u32 * 2) | 0x4000_0000).to_le_bytes();
    for _ in 0..pieces {
        places.extend([&[0, 0][..], &place, &[0, 0]].concat());
    }
    let table = [&b"\x02\0\0\0\0"[..], &places].concat();
    text[0x1a6..0x1aa].copy_from_slice(&(table.len() as u32).to_le_bytes());
    text.resize(0x800 + 50_000, b'x');
    let word = compound(&[("WordDocument", &text), ("1Table", &table)]);
    check("pieces.doc", &word, Reason::Expands);
    // Every flag says a copy, of sixteen bytes: with seventeen the window would end it.
    let packed = [
        b"\0\0\0\0\0\0\0\0LZFu\0\0\0\0".to_vec(),
        [&[0xff_u8][..], &[0, 0x0e].repeat(8)]
            .concat()
            .repeat(200_000),
    ]
    .concat();
    let message = compound(&[
        ("__properties_version1.0", b"x"),
        ("__substg1.0_10090102", &packed),
    ]);
    let limits = Limits {
        held_max: 8 << 20,
        ..Limits::default()
    };
    let (read, _) = read_within("a.msg", &message, &limits);
    assert_eq!(read.inspected, Inspected::Not(Reason::TooLarge));
}

/// The most memory that this process ever held (Linux: VmHWM), all tests together.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// Each of a thousand tables that are not shown has the same style, with a name of two megabytes; and a zip of a hundred
/// thousand entries has names that triple when they are decoded.
#[test]
fn long_names_are_not_kept_a_thousand_times() {
    let hidden = "<table-properties display='false'/>".repeat(1000);
    let name = "n".repeat(2 << 20);
    let content = format!("<document-content><style name='{name}'/>{hidden}</document-content>");
    let sheets = zip(&[
        (
            "mimetype",
            b"application/vnd.oasis.opendocument.spreadsheet",
        ),
        ("content.xml", content.as_bytes()),
    ]);
    read("styles.ods", &sheets);
    let one = stored(&[("a", b"TEXT")]);
    let directory = memchr::memmem::rfind(&one, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::rfind(&one, b"PK\x05\x06").unwrap();
    let mut header = one[directory..directory + 46].to_vec();
    header[28..30].copy_from_slice(&512_u16.to_le_bytes());
    header.extend([0x98; 512]);
    let count = 60_000_u16;
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&(header.len() as u32 * u32::from(count)).to_le_bytes());
    let many = [&one[..directory], &header.repeat(count.into()), &tail].concat();
    let (read, _) = read_within("names.zip", &many, &Limits::default());
    assert_eq!(read.inspected, Inspected::Whole);
    assert!(peak_megabytes() < 1000, "{} MB", peak_megabytes());
}

#[test]
fn headers_of_mail_that_are_too_long_are_told() {
    let long = format!("X-Long: {}\n", "x".repeat(300_000));
    let head = "From: a@b\nTo: a@b\nMIME-Version: 1.0\n";
    check(
        "head.eml",
        format!("{head}{long}X-Last: LOST-1\n\nBODY-1").as_bytes(),
        Reason::TooLarge,
    );
    let body = format!("--b\n{long}X-Last: LOST-1\n\nBODY-1\n--b--\n");
    check(
        "part.eml",
        format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{body}").as_bytes(),
        Reason::TooLarge,
    );
}

#[test]
fn pages_that_break_off_or_are_not_there_are_told() {
    let text = b"BT /F 9 Tf (BODY-1) Tj ET ";
    let noise: Vec<String> = (0..2000).map(|number: u32| number.to_string()).collect();
    let content = deflated("", &[&text[..], noise.join(" ").as_bytes()].concat());
    let mut torn = content.clone();
    let middle = content.len() / 2;
    torn[middle..middle + 40].fill(0xff);
    check(
        "torn.pdf",
        &pdf_with("3 0 R", torn.clone(), vec![]),
        Reason::Corrupt,
    );
    let (_, kept) = read_within("torn.pdf", &pdf_with("3 0 R", torn, vec![]), &small());
    assert!(kept.text("page 1").contains("BODY-1"));
    // A table that sends the page elsewhere.
    let mut lost = pdf_with("3 0 R", content, vec![]);
    let place = memchr::memmem::find(&lost, b"4 0 obj").unwrap();
    let entry = format!("{place:010} 00000 n");
    let at = memchr::memmem::rfind(&lost, entry.as_bytes()).unwrap();
    lost[at..at + 10].copy_from_slice(b"0000000011");
    check("lost.pdf", &lost, Reason::Corrupt);
    // What is nested too deep ends the reading of its content.
    let deep = format!("BT /F 9 Tf (BODY-1) Tj {} (LOST) Tj ET", "[".repeat(60));
    let deep = pdf_with("3 0 R", stream("", deep.as_bytes()), vec![]);
    check("deep.pdf", &deep, Reason::Corrupt);
    // Nothing is nothing.
    let empty = pdf_with("3 0 R", stream("/Filter /FlateDecode", b""), vec![]);
    assert_eq!(read("empty.pdf", &empty).0.inspected, Inspected::Whole);
}

/// A zip whose only entry says that it is compressed in another way, as its bytes are.
fn with_method(method: u16, content: &[u8], unpacked: &[u8]) -> Vec<u8> {
    let mut bytes = stored(&[("a", content)]);
    let central = memchr::memmem::rfind(&bytes, b"PK\x01\x02").expect("it has a directory");
    bytes[8..10].copy_from_slice(&method.to_le_bytes());
    bytes[central + 10..central + 12].copy_from_slice(&method.to_le_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(unpacked);
    bytes[central + 16..central + 20].copy_from_slice(&crc.sum().to_le_bytes());
    bytes[central + 24..central + 28].copy_from_slice(&(unpacked.len() as u32).to_le_bytes());
    bytes
}

#[test]
fn decoders_of_archives_in_archives_are_held_together() {
    let pack = |bytes: &[u8]| {
        let packed = zstd::encode_all(bytes, 3).unwrap();
        with_method(93, &packed, bytes)
    };
    let once = pack(b"DEEPEST");
    let (read, kept) = read_within("once.zip", &once, &small());
    assert_eq!(read.inspected, Inspected::Whole);
    assert_eq!(kept.all().trim(), "DEEPEST");
    // Three windows of 32 MB are more than the 80 MB that there are.
    check("thrice.zip", &pack(&pack(&once)), Reason::TooLarge);
}

/// An object of two bytes costs sixteen to find again.
#[test]
fn a_stream_of_very_many_objects_is_cut() {
    let objects = file(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Kids [] >>".to_vec(),
            deflated(
                "/Type /ObjStm /N 1000000 /First 1000000",
                "1 1 ".repeat(250_000).as_bytes(),
            ),
            stream(
                "/Type /XRef /Size 9 /W [1 1 1] /Index [9 1]",
                b"\x02\x03\x00",
            ),
        ],
        "",
    );
    let at = memchr::memmem::find(&objects, b"4 0 obj").unwrap();
    let end = format!("xref\n0 0\ntrailer << /Root 1 0 R /XRefStm {at} /Prev ");
    let table = memchr::memmem::rfind(&objects, b"xref\n0 5").unwrap();
    let newest = objects.len();
    let end = format!("{end}{table} >>\nstartxref\n{newest}\n");
    let bytes = [objects, end.into_bytes()].concat();
    check("objects.pdf", &bytes, Reason::TooLarge);
}

/// A font is one entry of the resources that all pages share, however large it is.
#[test]
fn copies_of_large_resources_are_counted() {
    let font = format!("/Font << /F << /Widths [{}] >> >>", "1 ".repeat(100_000));
    let pages = "<< /Contents 3 0 R >> ".repeat(2000);
    let shared = file(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            format!("<< /Resources << {font} >> /Kids [{pages}] >>").into_bytes(),
            stream("", b"BT /F 9 Tf (x) Tj ET"),
        ],
        "",
    );
    check("resources.pdf", &shared, Reason::TooLarge);
}

/// Small documents in an archive do not each begin anew.
#[test]
fn what_the_files_in_an_archive_have_parsed_is_counted_together() {
    let comment = format!("%{}\n", "x".repeat(1_000_000));
    let pages = "3 0 R 3 0 R ".repeat(2);
    let heavy = file(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            format!(
                "<< /Kids [{pages} {}] >>",
                "<< /Resources 3 0 R >> ".repeat(150)
            )
            .into_bytes(),
            format!("<< {comment} >>").into_bytes(),
        ],
        "",
    );
    let (read, _) = read_within("alone.pdf", &heavy, &small());
    assert_eq!(read.inspected, Inspected::Whole);
    let many = zip(&[("a.pdf", &heavy), ("b.pdf", &heavy), ("c.pdf", &heavy)]);
    check("many.zip", &many, Reason::TooLarge);
}

#[test]
fn names_are_shown_and_nothing_else() {
    let long = "n".repeat(5000);
    let names = [
        "/etc/passwd",
        "C:\\windows\\x",
        "a\u{202e}txt.exe",
        "line\nbreak",
        "nul\0.txt",
        &long,
    ];
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"TEXT"[..])).collect();
    let (read, kept) = read("names.zip", &zip(&entries));
    assert_eq!(read.inspected, Inspected::Whole);
    assert_eq!(kept.parts.len(), names.len());
    for (name, _) in &kept.parts {
        assert!(name.chars().count() <= 201, "{name}");
        assert!(
            !name
                .chars()
                .any(|char| char.is_control() || char == '\u{202e}'),
            "{name:?}"
        );
    }
    let (_, kept) = corpus::read("tar", &tar(&[("../../up", b"TEXT")]));
    assert_eq!(kept.parts[0].0, "../../up");
}

/// A line of 20 MB, of which every piece is handed over as it comes.
#[test]
fn long_lines_come_in_pieces() {
    struct Longest(usize);
    impl TextSink for Longest {
        fn part(&mut self, _: &str) {}
        fn text(&mut self, piece: &str) -> Flow {
            self.0 = self.0.max(piece.len());
            Flow::Go
        }
    }
    let line = vec![b'x'; 20 << 20];
    let page = [b"<html><p>".to_vec(), line.clone()].concat();
    let rtf = |line: &[u8]| [b"{\\rtf1 ", line, b"}"].concat();
    for (name, bytes) in [
        ("a.txt", &line),
        ("a.html", &page),
        ("a.rtf", &rtf(&line)),
        ("umlauts.rtf", &rtf(&vec![0xe4; 20 << 20])),
    ] {
        let mut longest = Longest(0);
        let read = extract::read(name, bytes, &Limits::default(), &mut longest);
        assert_eq!(read.inspected, Inspected::Whole, "{name}");
        assert!(read.chars >= 20 << 20, "{name}");
        assert!(longest.0 <= 256 << 10, "{name}: {}", longest.0);
    }
}

#[test]
fn whoever_has_enough_gets_no_more() {
    for document in corpus::documents() {
        let mut kept = Kept {
            pieces_max: Some(1),
            ..Kept::default()
        };
        let read = extract::read(
            document.name,
            &document.bytes,
            &Limits::default(),
            &mut kept,
        );
        assert!(kept.pieces <= 1, "{}", document.name);
        if kept.pieces == 1 {
            let Inspected::Partly(missed) = &read.inspected else {
                panic!("{}: {:?}", document.name, read.inspected);
            };
            assert!(
                missed.iter().any(|(_, reason)| *reason == Reason::Stopped),
                "{}",
                document.name
            );
        }
    }
}

/// A cell that ends again and again, and one that never does.
#[test]
fn cells_come_out_once_and_are_not_gathered() {
    let sheet = |cells: &str| {
        zip(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.xml", b"<x/>"),
            (
                "xl/worksheets/sheet1.xml",
                format!("<worksheet><row><c t=\"str\"><v>{cells}").as_bytes(),
            ),
        ])
    };
    let many = sheet(&format!("CELL-1{}", "</c>".repeat(1000)));
    let (_, kept) = read("ends.xlsx", &many);
    assert_eq!(kept.all().matches("CELL-1").count(), 1);
    let endless = sheet(&format!("{}</v><v>", "x".repeat(1000)).repeat(1000));
    let mut first = Kept {
        pieces_max: Some(1),
        ..Kept::default()
    };
    extract::read("endless.xlsx", &endless, &Limits::default(), &mut first);
    assert!(first.all().len() < 300_000, "{}", first.all().len());
}

/// Cut anywhere, no document makes trouble or is silently shorter than its container.
#[test]
fn what_breaks_off_is_read_as_far_as_it_goes() {
    for document in corpus::documents() {
        let length = document.bytes.len();
        for cut in [
            1,
            length / 4,
            length / 2,
            length * 3 / 4,
            length.saturating_sub(1),
        ] {
            read_within(document.name, &document.bytes[..cut.min(length)], &small());
        }
    }
    let text = (0..100_000_u32)
        .map(|number| number.to_string())
        .collect::<String>();
    let packed = gzip(text.as_bytes());
    let (read, kept) = corpus::read("a.gz", &packed[..packed.len() / 2]);
    assert_eq!(
        read.inspected,
        Inspected::Partly(vec![("a".to_owned(), Reason::Corrupt)])
    );
    assert!(kept.all().starts_with("0123456"));
}
