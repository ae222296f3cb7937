//! Pictures with text beside them.

use casbah_inspect::{Inspected, Reason};

use super::Document;

pub fn documents() -> Vec<Document> {
    let picture = |name, format, bytes, strings: &[(&'static str, &'static str)]| {
        Document::whole(name, format, bytes, strings).but_partly("document", Reason::Picture)
    };
    vec![
        picture(
            "a.jpg",
            "jpeg",
            jpeg(),
            &[
                ("exif", "EXIF-1"),
                ("xmp", "XMP-1"),
                ("xmp", "XMP-2"),
                ("iptc", "IPTC-1"),
                ("comments", "COMMENT-1"),
            ],
        ),
        picture(
            "a.png",
            "png",
            png(),
            &[
                ("comments", "TEXT-1"),
                ("comments", "INFLATED-1"),
                ("exif", "EXIF-1"),
            ],
        ),
        picture(
            "a.gif",
            "gif",
            b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe\x09COMMENT-1\0;".to_vec(),
            &[("comments", "COMMENT-1")],
        ),
        picture("a.tif", "tiff", tiff(), &[("exif", "EXIF-1")]),
        picture(
            "a.heic",
            "heic",
            [
                b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0Exif\0\0".to_vec(),
                tiff(),
            ]
            .concat(),
            &[("exif", "EXIF-1")],
        ),
        Document::whole(
            "plain.png",
            "png",
            b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82".to_vec(),
            &[],
        )
        .but(Inspected::Not(Reason::Picture)),
        Document::whole("a.mp4", "mp4", b"\0\0\0\x18ftypisom\0\0\0\0".to_vec(), &[])
            .but(Inspected::Not(Reason::Unsupported)),
    ]
}

/// One directory with a description.
fn tiff() -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
    tiff.extend_from_slice(b"\x0e\x01\x02\0\x07\0\0\0\x1a\0\0\0\0\0\0\0EXIF-1\0");
    tiff
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() + 2) as u16;
    [&[0xff, marker][..], &length.to_be_bytes(), content].concat()
}

pub fn jpeg() -> Vec<u8> {
    let xmp = br#"http://ns.adobe.com/xap/1.0/ <x:xmpmeta xmlns:x="adobe:ns:meta/"><d a="XMP-1">XMP-2</d></x:xmpmeta>"#;
    let iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0b\x1c\x02\x78\0\x06IPTC-1\0";
    [
        b"\xff\xd8".to_vec(),
        segment(0xe1, &[b"Exif\0\0".to_vec(), tiff()].concat()),
        segment(0xe1, xmp),
        segment(0xed, iptc),
        segment(0xfe, b"COMMENT-1"),
        segment(0xda, b"\0"),
        b"\x12\x34\xff\xd9".to_vec(),
    ]
    .concat()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [
        &(content.len() as u32).to_be_bytes()[..],
        kind,
        content,
        b"\0\0\0\0",
    ]
    .concat()
}

fn png() -> Vec<u8> {
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut deflated, b"INFLATED-1").unwrap();
    let deflated = deflated.finish().unwrap();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"tEXt", b"Comment\0TEXT-1"),
        chunk(b"zTXt", &[b"Comment\0\0".to_vec(), deflated].concat()),
        chunk(b"eXIf", &tiff()),
        chunk(b"IEND", b""),
    ]
    .concat()
}
