//! One compressed stream: gzip, xz, Zstandard. What is in it is a document again: `a.tar.gz` holds `a.tar`.

use std::io::{BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::budget::Unpacked;
use super::kind::Packing;
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// Dictionaries of 64 MB are what `xz -9` makes (xz(1), "Preset"); larger ones are refused.
const DICTIONARY_KB_MAX: u32 = 66 << 10;
pub(crate) const DICTIONARY_BYTES_MAX: u64 = (DICTIONARY_KB_MAX as u64) << 10;

/// Windows above 8 MB are made on request only (RFC 8878, 3.1.1.1.2); this one is four times that.
const WINDOW_LOG_MAX: u32 = 25;
pub(crate) const WINDOW_BYTES_MAX: u64 = 1 << WINDOW_LOG_MAX;

pub(crate) fn read(
    reading: &mut Reading<'_>,
    packing: Packing,
    name: &str,
    input: &mut dyn Read,
) -> Outcome {
    let budget = reading.budget;
    let inner_name = inner_name(name);
    let input = BufReader::new(input);
    match packing {
        Packing::Gzip => {
            let unpacked = MultiGzDecoder::new(input);
            reading.entry_stream(&inner_name, &mut Unpacked::new(unpacked, budget))
        }
        Packing::Xz => {
            let unpacked = xz(input);
            reading.holding(DICTIONARY_BYTES_MAX, |reading| {
                reading.entry_stream(&inner_name, &mut Unpacked::new(unpacked, budget))
            })
        }
        Packing::Zstd => {
            let unpacked = zstd(input)?;
            reading.holding(WINDOW_BYTES_MAX, |reading| {
                reading.entry_stream(&inner_name, &mut Unpacked::new(unpacked, budget))
            })
        }
    }
}

pub(crate) fn xz<R: Read>(input: R) -> impl Read {
    XzReader::new_mem_limit(input, true, DICTIONARY_KB_MAX)
}

pub(crate) fn zstd<'a, R: std::io::BufRead + 'a>(input: R) -> Result<impl Read + 'a, Reason> {
    let mut decoder =
        zstd::stream::read::Decoder::with_buffer(input).map_err(|_| Reason::Corrupt)?;
    decoder
        .window_log_max(WINDOW_LOG_MAX)
        .map_err(|_| Reason::Corrupt)?;
    Ok(decoder)
}

/// "a.tar.gz" holds "a.tar", "a.tgz" too.
fn inner_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match name.rsplit_once('.') {
        Some((stem, "tgz" | "txz" | "tzst")) => format!("{stem}.tar"),
        Some((stem, "gz" | "xz" | "zst")) if !stem.is_empty() => stem.to_owned(),
        _ => name.to_owned(),
    }
}
