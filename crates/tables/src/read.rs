//! Objects that are read again, a row group at a time, those of earlier versions as if they had the columns of this one.

use bytes::Bytes;
use casbah_model::ports::BoxError;
use casbah_model::tables::TableError;
use parquet::basic::{Encoding, Type as Physical};
use parquet::column::page::Page;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};

use crate::columns::{Columns, Entry, Leaf, Lists};
use crate::levels::{self, take};
use crate::table::{Column, Table};
use crate::values::{Value, Values};

/// More than any page of ours, or of earlier versions, has: what is damaged cannot claim all memory.
const PAGE_ENTRIES_MAX: u32 = 1 << 24;

/// An object whose footer was read.
pub(crate) struct Object {
    reader: SerializedFileReader<Bytes>,
}

impl Object {
    pub(crate) fn open(object: &Bytes) -> Result<Object, TableError> {
        // As they were written: what is copied stays the same to the byte.
        let options = ReadOptionsBuilder::new().with_encoding_stats_as_mask(false);
        let reader = SerializedFileReader::new_with_options(object.clone(), options.build());
        let reader = reader.map_err(unreadable)?;
        Ok(Object { reader })
    }

    pub(crate) fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    pub(crate) fn groups(&self) -> usize {
        self.metadata().num_row_groups()
    }

    /// How many rows a group has.
    pub(crate) fn rows(&self, group: usize) -> usize {
        let rows = self.metadata().row_group(group).num_rows();
        usize::try_from(rows).unwrap_or_default()
    }

    /// The rows of a group.
    pub(crate) fn read(&self, group: usize, table: &Table) -> Result<Columns, TableError> {
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let mut columns = self.read_some(group, table, &all)?;
        for (at, column) in table.columns.iter().enumerate() {
            if self.place(&column.path).is_none() {
                columns.leaves[at] = self.missing(&columns, table, column);
            }
        }
        Ok(columns)
    }

    /// The rows of a group, of which only these columns are read.
    pub(crate) fn read_some(
        &self,
        group: usize,
        table: &Table,
        chosen: &[usize],
    ) -> Result<Columns, TableError> {
        let rows = self.rows(group);
        let mut leaves: Vec<Leaf> = table.columns.iter().map(|_| Leaf::default()).collect();
        for at in chosen {
            let column = &table.columns[*at];
            if let Some(place) = self.place(&column.path) {
                leaves[*at] = self.leaf(group, place, column, rows)?;
            }
        }
        Ok(Columns { rows, leaves })
    }

    /// Where the object has a column.
    fn place(&self, path: &str) -> Option<usize> {
        let columns = self.metadata().file_metadata().schema_descr().columns();
        columns
            .iter()
            .position(|column| column.path().string() == path)
    }

    fn leaf(
        &self,
        group: usize,
        place: usize,
        column: &Column,
        rows: usize,
    ) -> Result<Leaf, TableError> {
        let found = self.metadata().file_metadata().schema_descr().column(place);
        let levels = (found.max_def_level(), found.max_rep_level());
        if found.physical_type() != column.kind
            || levels != (column.definition.into(), column.repetition.into())
        {
            return Err(unreadable(format!("{} is another column", column.path)));
        }
        let group = self.reader.get_row_group(group).map_err(unreadable)?;
        let mut reading = Reading::new(column);
        for page in group.get_column_page_reader(place).map_err(unreadable)? {
            let page = page.map_err(unreadable)?;
            let read = reading.page(&page);
            read.ok_or_else(|| unreadable(format!("a page of {} is damaged", column.path)))?;
        }
        let leaf = reading.leaf;
        let found = leaf
            .lists
            .as_ref()
            .map_or(leaf.entries.len(), |lists| lists.starts.len());
        if found != rows {
            return Err(unreadable(format!(
                "{} has {found} of {rows} rows",
                column.path
            )));
        }
        Ok(leaf)
    }

    /// A column that the object does not have: empty, as far as what is around it is there. A neighbour tells.
    fn missing(&self, columns: &Columns, table: &Table, column: &Column) -> Leaf {
        let names: Vec<&str> = column.path.split('.').collect();
        for shared in (1..names.len()).rev() {
            let around = format!("{}.", names[..shared].join("."));
            let is_known = |neighbour: &&(usize, &Column)| {
                neighbour.1.path.starts_with(&around) && self.place(&neighbour.1.path).is_some()
            };
            let mut neighbours = table.columns.iter().enumerate();
            if let Some((at, _)) = neighbours.by_ref().find(|found| is_known(&found)) {
                return beside(&columns.leaves[at], &names[..shared], column);
            }
        }
        Leaf::default()
    }
}

/// A column without values, with the levels that a neighbour has of what is around both.
fn beside(neighbour: &Leaf, around: &[&str], column: &Column) -> Leaf {
    // Every name adds one to the definition level, and those of lists to the repetition level, too.
    let definition = around.len() as u8;
    let repetition = around.iter().filter(|name| **name == "list").count() as u8;
    let mut leaf = Leaf {
        lists: (column.repetition > 0).then(Lists::default),
        ..Leaf::default()
    };
    for (at, entry) in neighbour.entries.iter().enumerate() {
        let level = neighbour.lists.as_ref().map_or(0, |lists| lists.levels[at]);
        if level > repetition {
            continue;
        }
        if let Some(lists) = &mut leaf.lists {
            lists.push(level, leaf.entries.len());
        }
        let there = entry.get().err().unwrap_or(definition).min(definition);
        leaf.entries.push(Entry::empty(there));
    }
    leaf
}

/// A column that is being read, page by page.
struct Reading<'c> {
    column: &'c Column,
    leaf: Leaf,
    /// How many values the dictionary has.
    dictionary: u32,
}

impl<'c> Reading<'c> {
    fn new(column: &'c Column) -> Reading<'c> {
        let values = match column.kind {
            Physical::BYTE_ARRAY => Values::like(Value::Text(b"")),
            _ => Values::like(Value::Number(0)),
        };
        Reading {
            column,
            leaf: Leaf {
                entries: vec![],
                lists: (column.repetition > 0).then(Lists::default),
                values,
            },
            dictionary: 0,
        }
    }

    /// Reads a page; `None` if it is none of ours, nor of an earlier version.
    fn page(&mut self, page: &Page) -> Option<()> {
        match page {
            Page::DictionaryPage {
                buf, num_values, ..
            } => {
                let is_first = self.leaf.entries.is_empty() && self.dictionary == 0;
                self.plain(buf, *num_values as usize)
                    .filter(|()| is_first)?;
                self.dictionary = *num_values;
                Some(())
            }
            Page::DataPage {
                buf,
                num_values,
                encoding,
                ..
            } if *num_values <= PAGE_ENTRIES_MAX => self.data(buf, *num_values as usize, *encoding),
            _ => None,
        }
    }

    fn data(&mut self, mut bytes: &[u8], count: usize, encoding: Encoding) -> Option<()> {
        let column = self.column;
        if let Some(lists) = &mut self.leaf.lists {
            let levels = read_levels(&mut bytes, column.repetition, count)?;
            let begins = lists.levels.len();
            if begins == 0 && levels.first().is_some_and(|level| *level != 0) {
                return None;
            }
            for (at, level) in levels.iter().enumerate() {
                lists.push(*level, begins + at);
            }
        }
        let levels = read_levels(&mut bytes, column.definition, count)?;
        let full = column.definition;
        let there = levels.iter().filter(|level| **level == full).count();
        let places = match encoding {
            Encoding::PLAIN => {
                let begin = self.leaf.values.len() as u32;
                self.plain(bytes, there)?;
                (begin..begin + there as u32).collect()
            }
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let places = match there {
                    0 => vec![],
                    _ => {
                        let width = take(&mut bytes, 1)?[0];
                        (width <= 32).then_some(())?;
                        levels::decode(bytes, width, there, |place| place)?
                    }
                };
                let is_known = |place: &u32| *place < self.dictionary;
                places.iter().all(is_known).then_some(places)?
            }
            _ => return None,
        };
        let mut places = places.into_iter();
        self.leaf
            .entries
            .extend(levels.iter().map(|level| match *level == full {
                true => Entry::value(places.next().expect("as many were counted")),
                false => Entry::empty(*level),
            }));
        Some(())
    }

    /// Reads values that are written as they are.
    fn plain(&mut self, mut bytes: &[u8], count: usize) -> Option<()> {
        let values = &mut self.leaf.values;
        match self.column.kind {
            Physical::BYTE_ARRAY => {
                for _ in 0..count {
                    let length = u32::from_le_bytes(take(&mut bytes, 4)?.try_into().ok()?);
                    let text = take(&mut bytes, length as usize)?;
                    values.push(Value::Text(text));
                }
            }
            Physical::INT32 => {
                for _ in 0..count {
                    let number = i32::from_le_bytes(take(&mut bytes, 4)?.try_into().ok()?);
                    values.push(Value::Number(number.into()));
                }
            }
            Physical::INT64 => {
                for _ in 0..count {
                    let number = i64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?);
                    values.push(Value::Number(number));
                }
            }
            Physical::BOOLEAN => {
                let Values::Numbers(numbers) = values else {
                    return None;
                };
                let read = levels::unpack(bytes, 1, count, numbers, i64::from);
                (read == count).then_some(())?;
            }
            _ => return None,
        }
        Some(())
    }
}

fn read_levels(bytes: &mut &[u8], most: u8, count: usize) -> Option<Vec<u8>> {
    let length = u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?);
    let coded = take(bytes, length as usize)?;
    let levels = levels::decode(coded, levels::width(most.into()), count, |level| {
        level as u8
    })?;
    levels.iter().all(|level| *level <= most).then_some(levels)
}

pub(crate) fn unreadable(error: impl Into<BoxError>) -> TableError {
    TableError::Unreadable(error.into())
}
