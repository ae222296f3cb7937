//! One column of a row group as bytes: pages of numbers into a dictionary as long as that is small, of values after that.

use bytes::Bytes;
use casbah_model::tables::TableError;
use parquet::basic::{Encoding, PageType, Type as Physical};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::columns::{Entry, Leaf};
use crate::levels;
use crate::table::Column;
use crate::values::{Dictionary, Value, Values};
use crate::write::{COMPRESSION, Compressor, unwritable};

/// Half of what a page may hold before compression (Security Lake user guide, "Data source best practices": 1 MB), so
/// that one long value more does not matter.
const PAGE_BYTES: usize = 512 << 10;
const PAGE_ENTRIES: usize = 20_000;
/// Texts are cut in statistics: engines only compare them.
const STATISTICS_BYTES: usize = 64;

pub(crate) struct Chunk {
    kind: Physical,
    definition: u8,
    repetition: u8,
    /// `None` once it was too large: the values themselves follow.
    dictionary: Option<Dictionary>,
    dictionary_bytes: usize,
    begins_with_dictionary: bool,
    page: Open,
    pages: Vec<Encoded>,
    rows: u64,
    entries: u64,
    nulls: u64,
    least: Option<Values>,
    most: Option<Values>,
}

/// The page that is being filled.
#[derive(Default)]
struct Open {
    definitions: Vec<u8>,
    repetitions: Vec<u8>,
    /// Numbers into the dictionary, and flags.
    places: Vec<u32>,
    plain: Vec<u8>,
}

/// A compressed page.
struct Encoded {
    bytes: Bytes,
    uncompressed: usize,
    entries: u32,
    encoding: Encoding,
}

/// Which number the dictionary of a chunk gives to the values of a column, once it is known.
#[derive(Default)]
pub(crate) struct Places(Vec<u32>);

const UNKNOWN: u32 = u32::MAX;

impl Places {
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

impl Chunk {
    pub(crate) fn new(column: &Column) -> Chunk {
        Chunk {
            kind: column.kind,
            definition: column.definition,
            repetition: column.repetition,
            dictionary: column.repeats.then(Dictionary::default),
            begins_with_dictionary: false,
            dictionary_bytes: 0,
            page: Open::default(),
            pages: vec![],
            rows: 0,
            entries: 0,
            nulls: 0,
            least: None,
            most: None,
        }
    }

    /// Adds what a column has in a row.
    pub(crate) fn push(
        &mut self,
        leaf: &Leaf,
        row: usize,
        places: &mut Places,
        compressor: &mut Compressor,
    ) -> Result<(), TableError> {
        self.rows += 1;
        match &leaf.lists {
            None => {
                let entry = leaf.entries.get(row).copied();
                self.push_entry(leaf, entry.unwrap_or(Entry::ABSENT), 0, places);
            }
            Some(lists) => {
                let entries = leaf.row(row);
                if entries.is_empty() {
                    self.push_entry(leaf, Entry::ABSENT, 0, places);
                }
                for at in entries {
                    self.push_entry(leaf, leaf.entries[at], lists.levels[at], places);
                }
            }
        }
        let is_full =
            self.page.definitions.len() >= PAGE_ENTRIES || self.page.plain.len() >= PAGE_BYTES;
        if is_full || self.dictionary_bytes >= PAGE_BYTES {
            self.end_page(compressor)?;
        }
        Ok(())
    }

    #[inline]
    fn push_entry(&mut self, leaf: &Leaf, entry: Entry, repetition: u8, places: &mut Places) {
        match entry.get() {
            Ok(place) => {
                self.push_level(self.definition, repetition);
                self.push_value(&leaf.values, place, places);
            }
            Err(definition) => {
                self.push_level(definition, repetition);
                self.nulls += 1;
            }
        }
    }

    #[inline]
    fn push_level(&mut self, definition: u8, repetition: u8) {
        self.page.definitions.push(definition);
        if self.repetition > 0 {
            self.page.repetitions.push(repetition);
        }
    }

    #[inline]
    fn push_value(&mut self, values: &Values, place: u32, places: &mut Places) {
        let Some(dictionary) = &mut self.dictionary else {
            return self.push_plain(values.get(place));
        };
        if places.0.is_empty() {
            places.0.resize(values.len(), UNKNOWN);
        }
        let known = &mut places.0[place as usize];
        if *known != UNKNOWN {
            return self.page.places.push(*known);
        }
        let value = values.get(place);
        let (place, is_new) = dictionary.place(value);
        *known = place;
        self.page.places.push(place);
        if is_new {
            self.dictionary_bytes += plain_bytes(self.kind, value);
            self.compare(value);
        }
    }

    fn push_plain(&mut self, value: Value<'_>) {
        self.compare(value);
        match (self.kind, value) {
            (Physical::BOOLEAN, Value::Number(flag)) => self.page.places.push(flag as u32),
            (kind, value) => write_plain(kind, value, &mut self.page.plain),
        }
    }

    /// Widens what the statistics say.
    fn compare(&mut self, value: Value<'_>) {
        let is_beyond = |known: &Option<Values>, is_it: fn(Value<'_>, Value<'_>) -> bool| {
            known
                .as_ref()
                .is_none_or(|known| is_it(value, known.get(0)))
        };
        let only = || {
            let mut values = Values::like(value);
            values.push(value);
            Some(values)
        };
        if is_beyond(&self.least, |value, least| value < least) {
            self.least = only();
        }
        if is_beyond(&self.most, |value, most| value > most) {
            self.most = only();
        }
    }

    /// Ends the page that was begun, and with it the dictionary if that is too large by now.
    fn end_page(&mut self, compressor: &mut Compressor) -> Result<(), TableError> {
        let page = &mut self.page;
        let mut bytes = vec![];
        for (numbers, most) in [
            (&page.repetitions, self.repetition),
            (&page.definitions, self.definition),
        ] {
            if most > 0 {
                // Its length, and then the levels.
                let begin = bytes.len();
                bytes.extend([0; 4]);
                levels::encode(numbers, levels::width(most.into()), &mut bytes);
                let length = (bytes.len() - begin - 4) as u32;
                bytes[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
            }
        }
        // What has no value yet needs no dictionary.
        let encoding = match self.dictionary.as_ref().filter(|found| found.len() > 0) {
            Some(dictionary) => {
                let width = levels::width(dictionary.len() as u32 - 1);
                bytes.push(width);
                levels::encode(&page.places, width, &mut bytes);
                Encoding::RLE_DICTIONARY
            }
            None => {
                levels::pack(&page.places, 1, &mut bytes);
                bytes.extend_from_slice(&page.plain);
                Encoding::PLAIN
            }
        };
        let entries = page.definitions.len() as u32;
        page.definitions.clear();
        page.repetitions.clear();
        page.places.clear();
        page.plain.clear();
        self.entries += u64::from(entries);
        self.pages.push(Encoded {
            bytes: compressor.compress(&bytes)?,
            uncompressed: bytes.len(),
            entries,
            encoding,
        });
        if self.dictionary_bytes >= PAGE_BYTES {
            self.end_dictionary(compressor)?;
        }
        Ok(())
    }

    /// Puts the dictionary before the pages there are.
    fn end_dictionary(&mut self, compressor: &mut Compressor) -> Result<(), TableError> {
        self.dictionary_bytes = 0;
        let Some(dictionary) = self.dictionary.take().filter(|found| found.len() > 0) else {
            return Ok(());
        };
        let values = dictionary.into_values();
        let count = values.len() as u32;
        let mut bytes = vec![];
        for place in 0..count {
            write_plain(self.kind, values.get(place), &mut bytes);
        }
        let page = Encoded {
            bytes: compressor.compress(&bytes)?,
            uncompressed: bytes.len(),
            entries: count,
            encoding: Encoding::PLAIN,
        };
        self.pages.insert(0, page);
        self.begins_with_dictionary = true;
        Ok(())
    }

    /// All its pages, and what the footer says of them.
    pub(crate) fn finish(
        mut self,
        column: ColumnDescPtr,
        compressor: &mut Compressor,
    ) -> Result<(Bytes, ColumnCloseResult), TableError> {
        if !self.page.definitions.is_empty() {
            self.end_page(compressor)?;
        }
        self.end_dictionary(compressor)?;
        let statistics = self.statistics();
        let has_dictionary = self.begins_with_dictionary;
        let mut written = Written::new(has_dictionary);
        for page in self.pages {
            written.write(page).map_err(unwritable)?;
        }
        let Written {
            bytes,
            uncompressed,
            data,
            stats,
            ..
        } = written;
        let bytes = bytes.into_inner().map_err(unwritable)?;
        let encodings = stats
            .iter()
            .map(|stats| stats.encoding)
            .chain([Encoding::RLE]);
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(*COMPRESSION)
            .set_encodings(encodings.collect())
            .set_page_encoding_stats(stats)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_num_values(self.entries as i64)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_data_page_offset(data as i64)
            .set_statistics(statistics)
            .build()
            .map_err(unwritable)?;
        let closed = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes.into(), closed))
    }

    fn statistics(&self) -> Statistics {
        let least = self.least.as_ref().map(|values| values.get(0));
        let most = self.most.as_ref().map(|values| values.get(0));
        let nulls = Some(self.nulls);
        let number = |value: Option<Value<'_>>| match value {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        };
        match self.kind {
            Physical::BYTE_ARRAY => text_statistics(least, most, nulls),
            Physical::BOOLEAN => {
                let flag = |value| number(value).map(|number| number != 0);
                ValueStatistics::new(flag(least), flag(most), None, nulls, false).into()
            }
            Physical::INT32 => {
                let small = |value| number(value).map(|number| number as i32);
                ValueStatistics::new(small(least), small(most), None, nulls, false).into()
            }
            _ => ValueStatistics::new(number(least), number(most), None, nulls, false).into(),
        }
    }
}

fn text_statistics(
    least: Option<Value<'_>>,
    most: Option<Value<'_>>,
    nulls: Option<u64>,
) -> Statistics {
    let text = |value| match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    let (least, most) = (text(least), text(most));
    let is_whole = |text: Option<&[u8]>| text.is_some_and(|text| text.len() <= STATISTICS_BYTES);
    let below = least.map(|text| ByteArray::from(beginning(text).to_vec()));
    let above = most.and_then(|text| match is_whole(most) {
        true => Some(text.to_vec()),
        false => next(beginning(text)),
    });
    ValueStatistics::new(below, above.map(ByteArray::from), None, nulls, false)
        .with_min_is_exact(is_whole(least))
        .with_max_is_exact(is_whole(most))
        .into()
}

/// What a text begins with, in whole characters.
fn beginning(text: &[u8]) -> &[u8] {
    if text.len() <= STATISTICS_BYTES {
        return text;
    }
    let is_border = |end: &usize| text[*end] & 0xc0 != 0x80;
    let end = (0..=STATISTICS_BYTES).rev().find(is_border);
    &text[..end.unwrap_or(0)]
}

/// A short text behind all that begin with this one; `None` if there is none.
fn next(text: &[u8]) -> Option<Vec<u8>> {
    let mut text: Vec<char> = std::str::from_utf8(text).ok()?.chars().collect();
    while let Some(last) = text.pop() {
        // The next character, beyond those that stand for no character alone.
        let after = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(after) = after {
            text.push(after);
            return Some(String::from_iter(text).into_bytes());
        }
    }
    None
}

fn plain_bytes(kind: Physical, value: Value<'_>) -> usize {
    match (kind, value) {
        (_, Value::Text(text)) => 4 + text.len(),
        (Physical::INT32, _) => 4,
        _ => 8,
    }
}

fn write_plain(kind: Physical, value: Value<'_>, out: &mut Vec<u8>) {
    match (kind, value) {
        (_, Value::Text(text)) => {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text);
        }
        (Physical::INT32, Value::Number(number)) => {
            out.extend_from_slice(&(number as i32).to_le_bytes());
        }
        (_, Value::Number(number)) => out.extend_from_slice(&number.to_le_bytes()),
    }
}

/// The pages of a chunk one after the other.
struct Written {
    bytes: TrackedWrite<Vec<u8>>,
    uncompressed: usize,
    /// Where the first page of data begins.
    data: usize,
    is_dictionary: bool,
    stats: Vec<PageEncodingStats>,
}

impl Written {
    fn new(begins_with_dictionary: bool) -> Written {
        Written {
            bytes: TrackedWrite::new(vec![]),
            uncompressed: 0,
            data: 0,
            is_dictionary: begins_with_dictionary,
            stats: vec![],
        }
    }

    fn write(&mut self, page: Encoded) -> Result<(), parquet::errors::ParquetError> {
        let (buf, num_values, encoding) = (page.bytes, page.entries, page.encoding);
        let is_dictionary = std::mem::take(&mut self.is_dictionary);
        let (kind, content) = match is_dictionary {
            true => (
                PageType::DICTIONARY_PAGE,
                Page::DictionaryPage {
                    buf,
                    num_values,
                    encoding,
                    is_sorted: false,
                },
            ),
            false => (
                PageType::DATA_PAGE,
                Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding: Encoding::RLE,
                    rep_level_encoding: Encoding::RLE,
                    statistics: None,
                },
            ),
        };
        let content = CompressedPage::new(content, page.uncompressed);
        let spec = SerializedPageWriter::new(&mut self.bytes).write_page(content)?;
        self.uncompressed += spec.uncompressed_size;
        if is_dictionary {
            self.data = self.bytes.bytes_written();
        }
        let like =
            |stats: &&mut PageEncodingStats| stats.page_type == kind && stats.encoding == encoding;
        match self.stats.iter_mut().find(like) {
            Some(stats) => stats.count += 1,
            None => self.stats.push(PageEncodingStats {
                page_type: kind,
                encoding,
                count: 1,
            }),
        }
        Ok(())
    }
}
