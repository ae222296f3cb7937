//! Archives, whole and hostile.

use std::io::Write;

use casbah_inspect::{Inspected, Reason};
use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::{Document, office};

pub fn documents() -> Vec<Document> {
    let text = b"GZIP-TEXT 1".to_vec();
    vec![
        Document::whole(
            "files.zip",
            "zip",
            zip(&[
                ("notes.txt", b"NOTE-1"),
                ("dir/a.docx", &office::docx()),
                ("in.zip", &zip(&[("deep.csv", b"a,DEEP-1")])),
            ]),
            &[
                ("notes.txt", "NOTE-1"),
                ("dir/a.docx", "BODY-1"),
                ("dir/a.docx, comments", "COMMENT-1"),
                ("in.zip/deep.csv", "DEEP-1"),
            ],
        ),
        Document::whole(
            "stored.zip",
            "zip",
            stored(&[("notes.txt", b"NOTE-1")]),
            &[("notes.txt", "NOTE-1")],
        ),
        // Content decides: a document is one whatever it is called.
        Document::whole(
            "renamed.txt",
            "docx",
            office::docx(),
            &[("document", "BODY-1")],
        ),
        Document::whole("a.txt.gz", "gzip", gzip(&text), &[("a.txt", "GZIP-TEXT 1")]),
        Document::whole(
            "a.tgz",
            "gzip",
            gzip(&tar(&[("dir/b.txt", b"TAR-TEXT 1")])),
            &[("a.tar/dir/b.txt", "TAR-TEXT 1")],
        ),
        Document::whole(
            "b.tar",
            "tar",
            tar(&[("b.txt", b"TAR-TEXT 1"), ("c.txt", b"TAR-TEXT 2")]),
            &[("b.txt", "TAR-TEXT 1"), ("c.txt", "TAR-TEXT 2")],
        ),
        Document::whole(
            "a.txt.zst",
            "zstd",
            zstd::encode_all(&text[..], 3).unwrap(),
            &[("a.txt", "GZIP-TEXT 1")],
        ),
        Document::whole(
            "up.zip",
            "zip",
            zip(&[("../../etc/pass\u{7}wd", b"EVIL-1")]),
            &[("../../etc/pass\\u{7}wd", "EVIL-1")],
        ),
        Document::whole("locked.zip", "zip", encrypted_zip(), &[])
            .but(Inspected::Not(Reason::Encrypted)),
        Document::whole(
            "a.bz2",
            "bzip2",
            b"BZh91AY&SY\0\x01\x02\x03\x04\x05\xff\xff\x80\0\0".to_vec(),
            &[],
        )
        .but(Inspected::Not(Reason::Unsupported)),
        Document::whole(
            "a.rar",
            "rar",
            b"Rar!\x1a\x07\x01\0 and so on".to_vec(),
            &[],
        )
        .but(Inspected::Not(Reason::Unsupported)),
        Document::whole("empty.zip", "zip", zip(&[]), &[]),
    ]
}

pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    write(entries, CompressionMethod::DEFLATE)
}

pub fn stored(entries: &[(&str, &[u8])]) -> Vec<u8> {
    write(entries, CompressionMethod::STORE)
}

fn write(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    for (name, content) in entries {
        let path = rawzip::path::EntryPath::verbatim(name.as_bytes());
        let (mut entry, config) = archive
            .new_file(path)
            .compression_method(method)
            .start()
            .unwrap();
        let descriptor = if method == CompressionMethod::DEFLATE {
            let encoder =
                flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
            let mut writer = config.wrap(encoder);
            writer.write_all(content).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(content).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

/// The first flag of an entry says that it is encrypted (APPNOTE 4.4.4).
fn encrypted_zip() -> Vec<u8> {
    let mut bytes = stored(&[("a.txt", b"secret")]);
    let central = memchr::memmem::rfind(&bytes, b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[central + 8] |= 1;
    bytes
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in entries {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..108].copy_from_slice(b"0000644\0");
        block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        block[156] = b'0';
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].copy_from_slice(b"        ");
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend_from_slice(&block);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}
