//! Pictures: what is shown is not read, what is written beside it is (EXIF, IPTC, XMP, comments).

use super::budget::Unpacked;
use super::decode;
use super::inflate::{Frame, Inflate};
use super::office;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// Directories and entries of one EXIF block that are read; cameras write some hundred.
const FIELDS_MAX: usize = 10_000;

/// Blocks of metadata of one picture that are looked for.
const BLOCKS_MAX: usize = 64;

/// As much of a comment is decoded at a time.
const COMMENT_BYTES_MAX: usize = 64 << 10;

/// One block of XMP; larger ones are split by writers (XMP specification, part 3, 1.1.3.1).
const XMP_BYTES_MAX: usize = 8 << 20;

pub(crate) fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    for tiff in exif_blocks(bytes) {
        reading.part("exif")?;
        read_exif(reading, tiff)?;
    }
    for packet in blocks(bytes, b"<x:xmpmeta", b"</x:xmpmeta>") {
        reading.part("xmp")?;
        reading.budget.spend(packet.len() as u64)?;
        let outcome = office::read_all(reading, &mut &packet[..]);
        reading.go_on(outcome)?;
    }
    if memchr::memmem::find(bytes, b"8BIM\x04\x04").is_some() {
        reading.part("iptc")?;
        read_iptc(reading, bytes)?;
    }
    match bytes {
        [0xff, 0xd8, ..] => read_jpeg_comments(reading, bytes)?,
        [0x89, b'P', b'N', b'G', ..] => read_png(reading, bytes)?,
        [b'G', b'I', b'F', ..] => read_gif(reading, bytes)?,
        _ => {}
    }
    reading.part("")?;
    Err(Reason::Picture)
}

fn blocks<'b>(
    bytes: &'b [u8],
    start: &'static [u8],
    end: &'static [u8],
) -> impl Iterator<Item = &'b [u8]> {
    let starts = memchr::memmem::find_iter(bytes, start).take(BLOCKS_MAX);
    starts.filter_map(move |at| {
        let rest = &bytes[at..bytes.len().min(at + XMP_BYTES_MAX)];
        let length = memchr::memmem::find(rest, end)? + end.len();
        Some(&rest[..length])
    })
}

/// A block begins with the header of TIFF, wherever a container keeps it.
fn exif_blocks(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_tiff = bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
    let whole = is_tiff.then_some(bytes);
    let marked = memchr::memmem::find_iter(bytes, b"Exif\0\0").map(|at| at + 6);
    // PNG has a chunk for it, WebP another.
    let chunks = memchr::memmem::find_iter(bytes, b"eXIf").map(|at| at + 4);
    let webp = memchr::memmem::find_iter(bytes, b"EXIF").map(|at| at + 8);
    let starts = marked.chain(chunks).chain(webp).take(BLOCKS_MAX);
    let found = starts.filter_map(|at| bytes.get(at..));
    whole
        .into_iter()
        .chain(found.filter(|block| block.starts_with(b"II*\0") || block.starts_with(b"MM\0*")))
}

struct Tiff<'b> {
    bytes: &'b [u8],
    is_little: bool,
}

impl Tiff<'_> {
    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn long(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let value = if self.is_little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        usize::try_from(value).ok()
    }
}

/// Texts of all directories (TIFF 6.0, 2; Exif 2.32, 4.6).
fn read_exif(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    let tiff = Tiff {
        bytes,
        is_little: bytes.starts_with(b"II"),
    };
    let mut directories = vec![tiff.long(4).unwrap_or(0)];
    let mut fields = 0;
    let mut read = Vec::new();
    while let Some(at) = directories.pop() {
        if at == 0 || read.contains(&at) || read.len() > BLOCKS_MAX {
            continue;
        }
        read.push(at);
        let count = usize::from(tiff.short(at).unwrap_or(0));
        for number in 0..count {
            fields += 1;
            if fields > FIELDS_MAX {
                return Ok(());
            }
            let entry = at + 2 + number * 12;
            let (Some(tag), Some(kind), Some(count)) = (
                tiff.short(entry),
                tiff.short(entry + 2),
                tiff.long(entry + 4),
            ) else {
                break;
            };
            match tag {
                // Further directories: EXIF, GPS, interoperability.
                0x8769 | 0x8825 | 0xa005 => directories.extend(tiff.long(entry + 8)),
                _ => {}
            }
            // Bytes, ASCII, undefined (comments of users), UTF-8.
            if !matches!(kind, 1 | 2 | 7 | 129) || count < 4 {
                continue;
            }
            let start = if count <= 4 {
                entry + 8
            } else {
                tiff.long(entry + 8).unwrap_or(0)
            };
            let Some(value) = start
                .checked_add(count)
                .and_then(|end| bytes.get(start..end))
            else {
                continue;
            };
            write_field(reading, tag, kind, value)?;
        }
        directories.extend(tiff.long(at + 2 + count * 12));
    }
    Ok(())
}

fn write_field(reading: &mut Reading<'_>, tag: u16, kind: u16, value: &[u8]) -> Outcome {
    // Fields may share their bytes.
    reading.budget.spend(value.len() as u64)?;
    let text = match (tag, kind) {
        // Title, comment, author, keywords and subject as Windows writes them.
        (0x9c9b..=0x9c9f, _) => decode::utf16(value),
        // The first eight bytes say the encoding (Exif 2.32, 4.6.5, UserComment).
        (0x9286, _) => match value.split_at_checked(8) {
            Some((b"UNICODE\0", text)) => decode::short(text, None),
            Some((_, text)) => decode::short(text, None),
            None => return Ok(()),
        },
        (_, 2 | 129) => decode::short(value, None),
        _ => return Ok(()),
    };
    reading.text(text.trim_end_matches('\0'))?;
    reading.line()
}

/// Datasets of the application record (IPTC-NAA IIM 4.2, 1.5), in JPEG within resources of Photoshop.
fn read_iptc(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    for at in memchr::memmem::find_iter(bytes, b"8BIM\x04\x04").take(BLOCKS_MAX) {
        let rest = &bytes[at + 6..];
        // A name, padded to an even length, then four bytes of length.
        let name = rest
            .first()
            .map_or(0, |length| usize::from(*length) + 1)
            .next_multiple_of(2);
        let mut rest = rest.get(name + 4..).unwrap_or_default();
        while let [0x1c, _, _, high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((value, next)) = after.split_at_checked(length) else {
                break;
            };
            reading.budget.spend(length as u64)?;
            if length > 2 {
                reading.text(&decode::short(value, None))?;
                reading.line()?;
            }
            rest = next;
        }
    }
    Ok(())
}

/// Segments of the type COM (ITU T.81, B.2.4.5).
fn read_jpeg_comments(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    reading.part("comments")?;
    let mut rest = &bytes[2..];
    while let [0xff, marker, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(2);
        let Some((value, next)) = after.split_at_checked(length) else {
            return Ok(());
        };
        if *marker == 0xfe {
            reading.text(&decode::short(value, None))?;
            reading.line()?;
        }
        // The picture itself follows.
        if *marker == 0xda {
            return Ok(());
        }
        rest = next;
    }
    Ok(())
}

/// Chunks of text (PNG specification, 11.3.3).
fn read_png(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    reading.part("comments")?;
    let mut rest = &bytes[8..];
    while let [a, b, c, d, k1, k2, k3, k4, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let Some((value, next)) = after.split_at_checked(length) else {
            return Err(Reason::Corrupt);
        };
        let zero = |bytes: &[u8]| memchr::memchr(0, bytes).unwrap_or(bytes.len());
        match &[*k1, *k2, *k3, *k4] {
            b"tEXt" => reading.text(&decode::short(value, None).replace('\0', ": "))?,
            b"zTXt" => {
                let text = value.get(zero(value) + 2..).unwrap_or_default();
                inflate(reading, text)?;
            }
            b"iTXt" => {
                let key = zero(value);
                let is_compressed = value.get(key + 1) == Some(&1);
                let rest = value.get(key + 3..).unwrap_or_default();
                let rest = rest.get(zero(rest) + 1..).unwrap_or_default();
                let text = rest.get(zero(rest) + 1..).unwrap_or_default();
                match is_compressed {
                    true => inflate(reading, text)?,
                    // XMP is read as such.
                    false if text.starts_with(b"<?xpacket") => {}
                    false => reading.text(&decode::short(text, None))?,
                }
            }
            _ => {}
        }
        reading.line()?;
        rest = next.get(4..).unwrap_or_default();
    }
    Ok(())
}

fn inflate(reading: &mut Reading<'_>, zlib: &[u8]) -> Outcome {
    let budget = reading.budget;
    let inflated = Inflate::new(zlib, Frame::Zlib, budget);
    let mut inflated = Unpacked::new(inflated, budget);
    decode::read(reading, &mut inflated)
}

/// Comment extensions (GIF89a, 24), in blocks of 255 bytes.
fn read_gif(reading: &mut Reading<'_>, bytes: &[u8]) -> Outcome {
    reading.part("comments")?;
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&bytes[from..], b"\x21\xfe") {
        let mut rest = &bytes[from + at + 2..];
        let mut comment = Vec::new();
        while let [length, after @ ..] = rest
            && *length > 0
            && let Some((value, next)) = after.split_at_checked(usize::from(*length))
            && decode::looks_like_text(value)
        {
            comment.extend_from_slice(value);
            rest = next;
            if comment.len() >= COMMENT_BYTES_MAX {
                reading.text(&decode::short(&comment, None))?;
                comment.clear();
            }
        }
        reading.text(&decode::short(&comment, None))?;
        reading.line()?;
        // What was read as a comment holds no other.
        from = bytes.len() - rest.len();
    }
    Ok(())
}
