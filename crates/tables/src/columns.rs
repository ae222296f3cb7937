//! Rows in memory, column by column, as Parquet has them: each leaf of the nested attributes is a column of its own, and
//! levels tell what is absent and where lists begin (Apache Parquet, "Nested Encoding").

use std::ops::Range;

use crate::values::{Value, Values};

/// One place in a column: the number of a value, or how much of the way to one is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(u32);

const EMPTY: u32 = 1 << 31;

impl Entry {
    /// Not even the outermost attribute is there.
    pub(crate) const ABSENT: Entry = Entry(EMPTY);

    /// No value, with the definition level up to which something is there.
    #[inline]
    pub(crate) fn empty(definition: u8) -> Entry {
        Entry(EMPTY | u32::from(definition))
    }

    #[inline]
    pub(crate) fn value(place: u32) -> Entry {
        debug_assert!(place < EMPTY);
        Entry(place)
    }

    /// The number of its value, or else its definition level.
    #[inline]
    pub(crate) fn get(self) -> Result<u32, u8> {
        match self.0 & EMPTY {
            0 => Ok(self.0),
            _ => Err(self.0 as u8),
        }
    }
}

/// One column. Rows behind its last have nothing in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaf {
    pub(crate) entries: Vec<Entry>,
    /// Where lists lead to it: the repetition level of each entry, and the first entry of each row.
    pub(crate) lists: Option<Lists>,
    pub(crate) values: Values,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    pub(crate) levels: Vec<u8>,
    pub(crate) starts: Vec<u32>,
}

impl Lists {
    /// Adds the repetition level of the entry with this number.
    #[inline]
    pub(crate) fn push(&mut self, level: u8, entry: usize) {
        if level == 0 {
            self.starts.push(entry as u32);
        }
        self.levels.push(level);
    }
}

impl Leaf {
    /// The entries of a row; none where it has nothing.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> Range<usize> {
        let (begin, end) = match &self.lists {
            None => (row, row + 1),
            Some(lists) => {
                let start = |row: usize| lists.starts.get(row).map(|start| *start as usize);
                let all = self.entries.len();
                (start(row).unwrap_or(all), start(row + 1).unwrap_or(all))
            }
        };
        begin.min(self.entries.len())..end.min(self.entries.len())
    }

    /// The value of a row of a column that no list leads to.
    #[inline]
    fn get(&self, row: usize) -> Option<Value<'_>> {
        let place = self.entries.get(row)?.get().ok()?;
        Some(self.values.get(place))
    }
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) rows: usize,
    pub(crate) leaves: Vec<Leaf>,
}

impl Columns {
    #[inline]
    pub(crate) fn text(&self, leaf: usize, row: usize) -> Option<&[u8]> {
        match self.leaves[leaf].get(row)? {
            Value::Text(text) => Some(text),
            Value::Number(_) => None,
        }
    }

    #[inline]
    pub(crate) fn number(&self, leaf: usize, row: usize) -> Option<i64> {
        match self.leaves[leaf].get(row)? {
            Value::Number(number) => Some(number),
            Value::Text(_) => None,
        }
    }
}
