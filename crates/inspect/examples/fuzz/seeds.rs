//! The documents that are damaged: those of the corpus, those of other producers, and what is packed in some of them.

use std::io::Read;

use rawzip::{CompressionMethod, ZipArchive};

use super::corpus::{self, Document};
use super::families::FAMILIES;

/// Documents of one family, by their formats.
pub(crate) struct Seeds {
    pub(crate) family: &'static str,
    pub(crate) formats: Vec<Vec<Seed>>,
    /// Of all families: ends of other documents, and names.
    pub(crate) others: Vec<(&'static str, Vec<u8>)>,
}

pub(crate) struct Seed {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// Entries of a zip, whose checksums and compression would keep damage out.
    pub(crate) entries: Vec<(String, Vec<u8>)>,
    /// What a gzip holds.
    pub(crate) inner: Option<Vec<u8>>,
}

impl Seeds {
    /// Those of a family, or of one format of it.
    pub(crate) fn of(name: &str) -> Seeds {
        let documents = with_real_ones(corpus::documents());
        let is_in = |format: &str| {
            FAMILIES
                .iter()
                .any(|(_, formats)| formats.contains(&format))
        };
        let left_out = documents.iter().find(|document| !is_in(document.format));
        assert!(left_out.is_none(), "a format is in no family");
        let (family, formats) = FAMILIES
            .iter()
            .find_map(|(family, formats)| {
                if *family == name {
                    return Some((*family, formats.to_vec()));
                }
                let format = formats.iter().find(|format| **format == name)?;
                Some((*format, vec![*format]))
            })
            .unwrap_or_else(|| panic!("{name} is neither a family nor a format"));
        let seeds_of = |format: &&str| {
            let of_format = documents.iter().filter(|it| it.format == *format);
            of_format.flat_map(Seed::of).collect()
        };
        let others = documents.iter().map(|it| (it.name, it.bytes.clone()));
        Seeds {
            family,
            formats: formats.iter().map(seeds_of).collect(),
            others: others.collect(),
        }
    }
}

impl Seed {
    fn of(document: &Document) -> Vec<Seed> {
        let seed = |bytes: Vec<u8>| Seed {
            name: document.name,
            entries: entries(&bytes).unwrap_or_default(),
            inner: inner(&bytes),
            bytes,
        };
        let mut seeds = vec![seed(document.bytes.clone())];
        if document.format == "pdf" {
            seeds.push(seed(inflated(&document.bytes)));
        }
        seeds
    }
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

fn entries(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let archive = ZipArchive::from_slice(bytes).ok()?;
    let mut headers = archive.entries();
    let mut entries = Vec::new();
    while let Ok(Some(header)) = headers.next_entry() {
        let name = String::from_utf8_lossy(header.file_path().as_bytes()).into_owned();
        let entry = archive.get_entry(header.wayfinder()).ok()?;
        let mut content = entry.data().to_vec();
        if header.compression_method() == CompressionMethod::DEFLATE {
            let mut plain = Vec::new();
            flate2::bufread::DeflateDecoder::new(&content[..])
                .read_to_end(&mut plain)
                .ok()?;
            content = plain;
        }
        entries.push((name, content));
    }
    Some(entries)
}

fn inner(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut inner = Vec::new();
    let read = flate2::bufread::GzDecoder::new(bytes).read_to_end(&mut inner);
    read.ok().map(|_| inner)
}

/// A PDF whose streams are not compressed, as far as nothing else was done to them. Neither lengths nor places of its
/// table are right any more, so that its reader also has to look for objects.
fn inflated(pdf: &[u8]) -> Vec<u8> {
    const FILTER: &[u8] = b"/Filter /FlateDecode";
    const START: &[u8] = b"stream\n";
    let mut plain = Vec::new();
    let mut rest = pdf;
    while let Some(at) = memchr::memmem::find(rest, FILTER) {
        let Some(start) = memchr::memmem::find(&rest[at..], START) else {
            break;
        };
        let start = at + start + START.len();
        let end = memchr::memmem::find(&rest[start..], b"endstream");
        let end = end.map_or(rest.len(), |end| start + end);
        let mut content = Vec::new();
        let read = flate2::bufread::ZlibDecoder::new(&rest[start..end]).read_to_end(&mut content);
        match read {
            Ok(_) => {
                plain.extend_from_slice(&rest[..at]);
                plain.extend_from_slice(&rest[at + FILTER.len()..start]);
                plain.extend_from_slice(&content);
            }
            Err(_) => plain.extend_from_slice(&rest[..end]),
        }
        rest = &rest[end..];
    }
    plain.extend_from_slice(rest);
    plain
}
