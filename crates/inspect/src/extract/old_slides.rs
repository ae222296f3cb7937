//! PowerPoint 97 to 2003 ([MS-PPT]): records in records, of which those with text are read in their order.

use super::budget::Unpacked;
use super::compound::{Compound, long, short};
use super::decode;
use super::inflate::{Frame, Inflate};
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// What the stream "Current User" begins with when slides are encrypted ([MS-PPT] 2.3.2, headerToken).
const ENCRYPTED: usize = 0xf3d1_c4df;

const SLIDE: usize = 0x03ee;
const NOTES: usize = 0x03f0;
const TEXT_WIDE: usize = 0x0fa0;
const TEXT_NARROW: usize = 0x0fa8;
const STRING: usize = 0x0fba;
/// An embedded document or the project of macros, compressed where its instance is 1 ([MS-PPT] 2.10.34).
const STORAGE: usize = 0x1011;

pub(crate) fn read(reading: &mut Reading<'_>, file: &mut Compound<'_>) -> Outcome {
    if let Ok(user) = file.bytes(reading, "Current User")
        && long(&user, 12) == Some(ENCRYPTED)
    {
        return Err(Reason::Encrypted);
    }
    let bytes = file.bytes(reading, "PowerPoint Document")?;
    reading.holding(bytes.len() as u64, |reading| {
        let (mut slides, mut notes) = (0, 0);
        let mut at = 0;
        while let (Some(version), Some(kind), Some(length)) = (
            short(&bytes, at),
            short(&bytes, at + 2),
            long(&bytes, at + 4),
        ) {
            let start = at + 8;
            let data = || {
                bytes
                    .get(start..start.checked_add(length)?)
                    .ok_or(Reason::Corrupt)
                    .ok()
            };
            match kind {
                SLIDE => {
                    slides += 1;
                    reading.part(&format!("slide {slides}"))?;
                }
                NOTES => {
                    notes += 1;
                    reading.part(&format!("notes {notes}"))?;
                }
                TEXT_WIDE | STRING => {
                    write(reading, &decode::utf16(data().ok_or(Reason::Corrupt)?))?
                }
                // The low bytes of UTF-16.
                TEXT_NARROW => {
                    let narrow = data().ok_or(Reason::Corrupt)?;
                    write(
                        reading,
                        &narrow
                            .iter()
                            .map(|byte| char::from(*byte))
                            .collect::<String>(),
                    )?;
                }
                STORAGE => {
                    let storage = data().ok_or(Reason::Corrupt)?;
                    read_storage(reading, storage, version >> 4 == 1)?;
                }
                _ => {}
            }
            // Containers are gone into, which needs no stack: their records follow.
            at = match version & 0xf {
                0xf => start,
                _ => start.saturating_add(length),
            };
        }
        match at > bytes.len() {
            // A record that is longer than what is left.
            true => Err(Reason::Corrupt),
            false => Ok(()),
        }
    })
}

fn write(reading: &mut Reading<'_>, text: &str) -> Outcome {
    reading.text(&text.replace(['\r', '\u{b}'], "\n"))?;
    reading.line()
}

fn read_storage(reading: &mut Reading<'_>, storage: &[u8], is_compressed: bool) -> Outcome {
    if !reading.has_room_for_entries() {
        return Err(Reason::TooManyEntries);
    }
    if !is_compressed {
        return reading.entry("embedded object", storage);
    }
    let budget = reading.budget;
    // Its size comes first, and is not believed.
    let zlib = storage.get(4..).unwrap_or_default();
    let inflated = Inflate::new(zlib, Frame::Zlib, budget);
    reading.entry_stream("embedded object", &mut Unpacked::new(inflated, budget))
}
