//! Messages of Outlook ([MS-OXMSG]): a stream per property, a storage per recipient and attachment.

use super::compound::{Compound, long};
use super::decode;
use super::html;
use super::reading::{Outcome, Reading};
use super::rtf;
use crate::report::Reason;

/// Where a property is: "__substg1.0_" and its number and type, hexadecimal ([MS-OXMSG] 2.2.1).
const PROPERTY: &str = "__substg1.0_";
const ATTACHMENT: &str = "__attach_version1.0_";

/// What a text takes in memory while it is decoded, as a multiple of its bytes.
const TEXT_GROWTH: u64 = 3;

const BODY: &str = "1000";
const BODY_HTML: &str = "1013";
const BODY_RTF: &str = "1009";
const DATA: &str = "3701";
const LONG_NAME: &str = "3707";
const NAME: &str = "3704";

/// Reads the message in a storage: the file's own, or one that is attached to it.
pub(crate) fn read(
    reading: &mut Reading<'_>,
    file: &mut Compound<'_>,
    storage: &str,
    depth: usize,
) -> Outcome {
    if depth >= reading.limits.depth_max {
        return Err(Reason::TooDeep);
    }
    let within: Vec<String> = file
        .streams
        .iter()
        .filter_map(|path| path.strip_prefix(storage))
        .map(str::to_owned)
        .collect();
    reading.part("headers")?;
    for name in within.iter().filter(|name| !name.starts_with(ATTACHMENT)) {
        read_text(reading, file, storage, name, |number| {
            !matches!(number, BODY | BODY_HTML | BODY_RTF)
        })?;
    }
    for name in within.iter().filter(|name| !name.contains('/')) {
        let outcome = read_body(reading, file, storage, name);
        reading.go_on(outcome)?;
    }
    let mut attachments: Vec<&str> = within
        .iter()
        .filter(|name| name.starts_with(ATTACHMENT))
        .filter_map(|name| name.split('/').next())
        .collect();
    attachments.dedup();
    for attachment in attachments {
        let folder = format!("{storage}{attachment}/");
        let outcome = read_attachment(reading, file, &folder, depth);
        reading.go_on(outcome)?;
    }
    Ok(())
}

/// The number and the type of a property.
fn property(name: &str) -> Option<(&str, &str)> {
    let code = name.rsplit('/').next()?.strip_prefix(PROPERTY)?;
    code.get(..8)?.split_at_checked(4)
}

fn text_of(
    reading: &Reading<'_>,
    file: &mut Compound<'_>,
    path: &str,
) -> Result<Option<String>, Reason> {
    let is_text = matches!(property(path), Some((_, "001F" | "001E")));
    // It is held as bytes and as characters, which may be three of two bytes.
    if is_text && file.length(path)?.saturating_mul(TEXT_GROWTH) > reading.room() {
        return Err(Reason::TooLarge);
    }
    match property(path) {
        Some((_, "001F")) => Ok(Some(decode::utf16(&file.bytes(reading, path)?))),
        Some((_, "001E")) => Ok(Some(decode::short(&file.bytes(reading, path)?, None))),
        _ => Ok(None),
    }
}

fn read_text(
    reading: &mut Reading<'_>,
    file: &mut Compound<'_>,
    storage: &str,
    name: &str,
    is_wanted: impl Fn(&str) -> bool,
) -> Outcome {
    let path = format!("{storage}{name}");
    if property(name).is_some_and(|(number, _)| is_wanted(number))
        && let Some(text) = text_of(reading, file, &path)?
    {
        reading.text(text.trim_end_matches('\0'))?;
        reading.line()?;
    }
    Ok(())
}

fn read_body(
    reading: &mut Reading<'_>,
    file: &mut Compound<'_>,
    storage: &str,
    name: &str,
) -> Outcome {
    let path = format!("{storage}{name}");
    match property(name) {
        Some((BODY, _)) => {
            reading.part("body")?;
            read_text(reading, file, storage, name, |_| true)
        }
        Some((BODY_HTML, _)) => {
            let page = match text_of(reading, file, &path)? {
                Some(page) => page.into_bytes(),
                None => file.bytes(reading, &path)?,
            };
            reading.part("body (html)")?;
            html::read_text(reading, &page, None)
        }
        Some((BODY_RTF, _)) => {
            let packed = file.bytes(reading, &path)?;
            let plain = unpack(reading, &packed)?;
            reading.part("body (rtf)")?;
            rtf::read_text(reading, &plain)
        }
        _ => Ok(()),
    }
}

fn read_attachment(
    reading: &mut Reading<'_>,
    file: &mut Compound<'_>,
    folder: &str,
    depth: usize,
) -> Outcome {
    let mut name = "attachment".to_owned();
    let streams: Vec<String> = file
        .streams
        .iter()
        .filter(|path| path.starts_with(folder))
        .cloned()
        .collect();
    for number in [NAME, LONG_NAME] {
        for path in &streams {
            if path[folder.len()..].starts_with(&format!("{PROPERTY}{number}00"))
                && let Some(text) = text_of(reading, file, path)?
            {
                name = text.trim_end_matches('\0').to_owned();
            }
        }
    }
    let data = format!("{folder}{PROPERTY}{DATA}0102");
    if streams.contains(&data) {
        let bytes = file.bytes(reading, &data)?;
        return reading.holding(bytes.len() as u64, |reading| reading.entry(&name, &bytes));
    }
    // A message or an object of its own.
    let storage = format!("{folder}{PROPERTY}{DATA}000D/");
    match streams.iter().any(|path| path.starts_with(&storage)) {
        true => reading.enter(&name, |reading| read(reading, file, &storage, depth + 1)),
        false => Ok(()),
    }
}

/// What the window of compressed RTF holds before anything is written ([MS-OXRTFCP] 2.1.2.1).
const WINDOW: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Compressed RTF ([MS-OXRTFCP] 2.2).
fn unpack(reading: &Reading<'_>, packed: &[u8]) -> Result<Vec<u8>, Reason> {
    const COMPRESSED: usize = 0x7546_5a4c;
    let kind = long(packed, 8).ok_or(Reason::Corrupt)?;
    let mut rest = packed.get(16..).unwrap_or_default();
    if kind != COMPRESSED {
        return Ok(rest.to_vec());
    }
    let mut window = [0; 4096];
    window[..WINDOW.len()].copy_from_slice(WINDOW);
    let mut at = WINDOW.len();
    let mut plain = Vec::new();
    'all: while let [flags, after @ ..] = rest {
        // A copy of two bytes stands for up to seventeen.
        if (packed.len() + plain.len()) as u64 > reading.room() {
            return Err(Reason::TooLarge);
        }
        rest = after;
        for bit in 0..8 {
            if flags >> bit & 1 == 0 {
                let [byte, after @ ..] = rest else {
                    break 'all;
                };
                rest = after;
                plain.push(*byte);
                window[at] = *byte;
                at = (at + 1) % window.len();
                continue;
            }
            let [high, low, after @ ..] = rest else {
                break 'all;
            };
            rest = after;
            let token = u16::from_be_bytes([*high, *low]);
            let from = usize::from(token >> 4);
            if from == at {
                break 'all;
            }
            for step in 0..usize::from(token & 0xf) + 2 {
                let byte = window[(from + step) % window.len()];
                plain.push(byte);
                window[at] = byte;
                at = (at + 1) % window.len();
            }
        }
    }
    reading.budget.spend(plain.len() as u64)?;
    Ok(plain)
}
