//! What bytes are, told by their first ones; the name decides only between formats that are text.

use super::decode;

/// How a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Html,
    Rtf,
    Mail,
    Mailbox,
    Pdf,
    /// Zip, and everything that is one: Office Open XML, OpenDocument.
    Zip,
    /// Office before 2007, Outlook messages, and documents that Office encrypted ([MS-CFB] 2.2).
    Compound,
    SevenZ,
    Tar,
    Packed(Packing),
    Picture(&'static str),
    Encrypted(&'static str),
    Unsupported(&'static str),
}

/// One stream, compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Xz,
    Zstd,
}

impl Kind {
    /// Whether it is read from beginning to end, so that it need not be in memory.
    pub(crate) fn is_streamed(self) -> bool {
        match self {
            Kind::Text | Kind::Html | Kind::Rtf | Kind::Tar | Kind::Packed(_) => true,
            Kind::Encrypted(_) | Kind::Unsupported(_) => true,
            Kind::Mail | Kind::Mailbox | Kind::Pdf | Kind::Zip => false,
            Kind::Compound | Kind::SevenZ | Kind::Picture(_) => false,
        }
    }

    /// What it is called, until its reader knows better.
    pub(crate) fn format(self, name: &str) -> &'static str {
        match self {
            Kind::Text => text_format(name),
            Kind::Html => "html",
            Kind::Rtf => "rtf",
            Kind::Mail => "eml",
            Kind::Mailbox => "mbox",
            Kind::Pdf => "pdf",
            Kind::Zip => "zip",
            Kind::Compound => "ole",
            Kind::SevenZ => "7z",
            Kind::Tar => "tar",
            Kind::Packed(Packing::Gzip) => "gzip",
            Kind::Packed(Packing::Xz) => "xz",
            Kind::Packed(Packing::Zstd) => "zstd",
            Kind::Picture(format) | Kind::Encrypted(format) | Kind::Unsupported(format) => format,
        }
    }
}

const SIGNATURES: &[(&[u8], Kind)] = &[
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"PK\x07\x08", Kind::Zip),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Compound),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZ),
    (b"\x1f\x8b", Kind::Packed(Packing::Gzip)),
    (b"\xfd7zXZ\0", Kind::Packed(Packing::Xz)),
    (b"\x28\xb5\x2f\xfd", Kind::Packed(Packing::Zstd)),
    (b"BZh", Kind::Unsupported("bzip2")),
    (b"Rar!\x1a\x07", Kind::Unsupported("rar")),
    (b"MSCF\0\0\0\0", Kind::Unsupported("cab")),
    (b"{\\rtf", Kind::Rtf),
    (b"\xff\xd8\xff", Kind::Picture("jpeg")),
    (b"\x89PNG\r\n\x1a\n", Kind::Picture("png")),
    (b"GIF87a", Kind::Picture("gif")),
    (b"GIF89a", Kind::Picture("gif")),
    (b"II*\0", Kind::Picture("tiff")),
    (b"MM\0*", Kind::Picture("tiff")),
    (b"BM", Kind::Picture("bmp")),
    (b"\xd7\xcd\xc6\x9a", Kind::Picture("wmf")),
    (b"-----BEGIN PGP MESSAGE-----", Kind::Encrypted("pgp")),
    (b"\x7fELF", Kind::Unsupported("elf")),
    (b"SQLite format 3\0", Kind::Unsupported("sqlite")),
    (b"wOFF", Kind::Unsupported("font")),
    (b"wOF2", Kind::Unsupported("font")),
    (b"\0\x01\0\0\0", Kind::Unsupported("font")),
    (b"OTTO\0", Kind::Unsupported("font")),
    (b"ID3", Kind::Unsupported("mp3")),
    (b"OggS", Kind::Unsupported("ogg")),
];

/// The header may be preceded by anything within the first KB (PDF 1.7 reference, appendix H, 3.4.1, note 13).
const PDF_HEADER_WITHIN: usize = 1024;

/// A byte order mark, or empty lines.
const PDF_HEADER_SOON: usize = 8;

/// The end of a zip's directory with the longest comment (APPNOTE 4.3.16).
const ZIP_END_BYTES_MAX: usize = 22 + 65_535;

/// Tells what these bytes, or the first of them, are.
pub(crate) fn of(name: &str, bytes: &[u8]) -> Kind {
    let is_text = decode::looks_like_text(bytes);
    let signed = SIGNATURES
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature));
    match signed {
        // Two or three letters are no proof of anything when what follows is text.
        Some((signature, kind)) if signature.len() > 3 || !signature.is_ascii() || !is_text => {
            return *kind;
        }
        _ => {}
    }
    // The header of enhanced metafiles has its mark within ([MS-EMF] 2.2.9).
    if bytes.starts_with(b"\x01\0\0\0") && bytes.get(40..44) == Some(b" EMF") {
        return Kind::Picture("emf");
    }
    if is_tar(bytes) {
        return Kind::Tar;
    }
    if let Some(brand) = bytes
        .get(8..12)
        .filter(|_| bytes.get(4..8) == Some(b"ftyp"))
    {
        return media(brand);
    }
    if bytes.starts_with(b"RIFF") && !is_text {
        return match bytes.get(8..12) {
            Some(b"WEBP") => Kind::Picture("webp"),
            _ => Kind::Unsupported("riff"),
        };
    }
    let head = &bytes[..bytes.len().min(PDF_HEADER_WITHIN)];
    if let Some(at) = memchr::memmem::find(head, b"%PDF-") {
        let begins = at <= PDF_HEADER_SOON;
        // Text may mention it, and then has no objects.
        if begins || !is_text || memchr::memmem::find(&bytes[at..], b" obj").is_some() {
            return Kind::Pdf;
        }
    }
    if is_text {
        return text_kind(name, bytes);
    }
    // Programs and pictures with an archive behind them open as archives.
    let tail = &bytes[bytes.len().saturating_sub(ZIP_END_BYTES_MAX)..];
    if memchr::memmem::rfind(tail, b"PK\x05\x06").is_some() {
        return Kind::Zip;
    }
    if bytes.starts_with(b"MZ") {
        return Kind::Unsupported("exe");
    }
    Kind::Unsupported("unknown")
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// ISO base media: pictures have the brands of HEIF and AVIF (ISO/IEC 23008-12, 10.2), all else is film or sound.
fn media(brand: &[u8]) -> Kind {
    match brand {
        b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1" => Kind::Picture("heic"),
        b"avif" | b"avis" => Kind::Picture("avif"),
        _ => Kind::Unsupported("mp4"),
    }
}

fn text_kind(name: &str, bytes: &[u8]) -> Kind {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let extension = extension(name);
    if start.starts_with(b"From ") && looks_like_headers(after_line(start)) {
        return Kind::Mailbox;
    }
    let is_called_mail = matches!(&*extension, "eml" | "mht" | "mhtml");
    if (is_called_mail || looks_like_mail(start)) && looks_like_headers(start) {
        return Kind::Mail;
    }
    if looks_like_html(start) || (matches!(&*extension, "html" | "htm") && has_tags(start)) {
        return Kind::Html;
    }
    Kind::Text
}

fn after_line(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    &bytes[end..]
}

/// Mail begins with headers that only mail has.
fn looks_like_mail(bytes: &[u8]) -> bool {
    const HEADERS: [&str; 12] = [
        "received:",
        "return-path:",
        "delivered-to:",
        "message-id:",
        "mime-version:",
        "from:",
        "to:",
        "subject:",
        "date:",
        "content-type:",
        "dkim-signature:",
        "x-",
    ];
    /// Notes may begin with "To:"; three such lines are a message.
    const HEADERS_MIN: usize = 3;
    let lines = bytes.split(|byte| *byte == b'\n').take(60);
    let block = lines.take_while(|line| !line.trim_ascii().is_empty());
    let known = block.filter(|line| {
        let start = &line[..line.len().min(20)];
        HEADERS.iter().any(|header| {
            start.len() >= header.len()
                && start[..header.len()].eq_ignore_ascii_case(header.as_bytes())
        })
    });
    known.count() >= HEADERS_MIN
}

/// The first line is a header (RFC 5322, 2.2).
fn looks_like_headers(bytes: &[u8]) -> bool {
    let line = &bytes[..memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())];
    match memchr::memchr(b':', line) {
        Some(at) => at > 0 && line[..at].iter().all(|byte| (33..=126).contains(byte)),
        None => false,
    }
}

fn looks_like_html(bytes: &[u8]) -> bool {
    const TAGS: [&str; 12] = [
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<script",
        "<table",
        "<div",
        "<title",
        "<meta",
        "<style",
        "<p>",
        "<span",
    ];
    let mut start = &bytes[..bytes.len().min(4096)];
    // UTF-16 is told by every other byte.
    let narrow: Vec<u8>;
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        narrow = start
            .iter()
            .skip(2)
            .copied()
            .filter(|byte| *byte != 0)
            .collect();
        start = &narrow;
    }
    loop {
        start = start.trim_ascii_start();
        // Comments and declarations of XML may come before it.
        let end = if start.starts_with(b"<!--") {
            memchr::memmem::find(start, b"-->").map(|at| at + 3)
        } else if start.starts_with(b"<?xml") {
            memchr::memmem::find(start, b"?>").map(|at| at + 2)
        } else {
            break;
        };
        match end {
            Some(end) => start = &start[end..],
            None => return false,
        }
    }
    TAGS.iter().any(|tag| {
        start.len() >= tag.len() && start[..tag.len()].eq_ignore_ascii_case(tag.as_bytes())
    })
}

fn has_tags(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(4096)];
    memchr::memmem::find(start, b"</").is_some() || memchr::memmem::find(start, b"<!").is_some()
}

fn extension(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() <= 8 => extension.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Text is text, but people like to hear which.
fn text_format(name: &str) -> &'static str {
    match &*extension(name) {
        "csv" | "tsv" => "csv",
        "json" | "jsonl" | "ndjson" => "json",
        "xml" | "fodt" | "fods" | "fodp" => "xml",
        "yaml" | "yml" => "yaml",
        "md" => "markdown",
        "svg" => "svg",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, bytes: &[u8], expected: Kind) {
        assert_eq!(of(name, bytes), expected, "{name} {}", bytes.escape_ascii());
    }

    #[test]
    fn content_decides_and_names_break_ties() {
        check("a.txt", b"PK\x03\x04\0\0", Kind::Zip);
        check("a.docx", b"To whom it may concern", Kind::Text);
        check("a.pdf", b"\xef\xbb\xbf \n%PDF-1.4", Kind::Pdf);
        check("a.md", b"A file begins with %PDF-1.4.", Kind::Text);
        check("a", b"From a printer:\n%PDF-1.4\n1 0 obj", Kind::Pdf);
        check("a.txt", b"BMW is a make of cars", Kind::Text);
        check("a.txt", b"BZhang is a name", Kind::Text);
        check("a.txt", b"ID3 tags are explained here", Kind::Text);
        check("a", b"\x1f\x8b\x08\0\0\0", Kind::Packed(Packing::Gzip));
        check("a.txt", b"<!-- x --> <HTML>", Kind::Html);
        check("a.html", b"</p>", Kind::Html);
        check("a.html", b"just words", Kind::Text);
        check("a.txt", b"To: Ann\n\nbuy milk", Kind::Text);
        check("a.txt", b"From: a@b\nTo: b@c\nSubject: x\n\ny", Kind::Mail);
        check("a.eml", b"X-Y: z\n\ny", Kind::Mail);
        check("a", b"From ann\nSubject: x\n\ny", Kind::Mailbox);
        check("a.txt", b"From the beginning\nthere was a word", Kind::Text);
        check("a.exe", b"MZ\0\0\x01\x02 and then PK\x05\x06", Kind::Zip);
        check(
            "a.bin",
            b"\0\x01\x02\x03\x04\x05\x06\x07\x00\x01\x02\x03\x04\x05\x06\x07\x01",
            Kind::Unsupported("unknown"),
        );
    }
}
