//! The objects of a view: an index, written last, its parts, and where each id is.
//!
//! A view of one part is one object: the rows follow the index.

use casbah_lake::read::ReadError;
use casbah_lake::view::{pack, unpack};
use casbah_model::ports::ObjectError;
use casbah_model::record::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::StageError;
use crate::view::row::{Classes, Row};

/// Rows of one part: a page of a thousand reads one or two of 160 (users) to 330 KB (files).
pub(super) const PART_ROWS: u32 = 2_000;
/// Entries of one table of ids: 200 KB.
pub(super) const TABLE_IDS: usize = 16_384;
/// A key's half and a row.
const ENTRY_BYTES: usize = 12;

/// What is in a view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) rows: u32,
    pub(super) parts: Vec<Part>,
    /// The first key of each table of ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tables: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) rows: u32,
    pub(super) classes: Classes,
    /// Of the object; absent when the rows follow the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
}

/// A view that can be read.
#[derive(Debug)]
pub(super) struct Opened {
    prefix: String,
    pub(super) index: Index,
    /// The rows, when they followed the index.
    inline: Option<Vec<u8>>,
}

fn index_name(prefix: &str) -> String {
    format!("{prefix}index.jsonl.zst")
}

pub(super) fn part_name(prefix: &str, part: u32) -> String {
    format!("{prefix}part-{part:06}.jsonl.zst")
}

fn table_name(prefix: &str, table: usize) -> String {
    format!("{prefix}table-{table:06}.ids.zst")
}

impl Opened {
    /// Opens a view; `None` when it is not there, or not whole.
    pub(super) async fn open(ctx: &Context, prefix: &str) -> Result<Option<Opened>, StageError> {
        let name = index_name(prefix);
        let content = match ctx.objects.get(&name).await {
            Ok(content) => content,
            Err(ObjectError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut lines = unpack(&name, &content)?;
        let end = lines.iter().position(|byte| *byte == b'\n');
        let end = end.unwrap_or(lines.len());
        let index: Index = parsed(&name, &lines[..end])?;
        let rows: u32 = index.parts.iter().map(|part| part.rows).sum();
        if rows != index.rows {
            return Err(wrong_count(&name, rows, index.rows));
        }
        let is_inline = index.parts.iter().any(|part| part.sha256.is_none());
        let inline = is_inline.then(|| lines.split_off((end + 1).min(lines.len())));
        Ok(Some(Opened {
            prefix: prefix.into(),
            index,
            inline,
        }))
    }

    /// The names of all its objects but the index.
    pub(super) fn names(&self) -> Vec<String> {
        let parts = match &self.inline {
            Some(_) => 0,
            None => self.index.parts.len() as u32,
        };
        let parts = (0..parts).map(|part| part_name(&self.prefix, part));
        let tables = (0..self.index.tables.len()).map(|table| table_name(&self.prefix, table));
        parts.chain(tables).collect()
    }

    /// The rows of a part.
    ///
    /// # Errors
    /// `Object(NotFound)` when it expired before its index; it can be built again.
    pub(super) async fn rows(&self, ctx: &Context, part: u32) -> Result<Vec<Row>, StageError> {
        let Part { rows, sha256, .. } = &self.index.parts[part as usize];
        let read;
        let (name, lines) = match (&self.inline, sha256) {
            (Some(lines), _) => (index_name(&self.prefix), lines),
            (None, sha256) => {
                let name = part_name(&self.prefix, part);
                let content = ctx.objects.get(&name).await?;
                if Some(sum(&content)) != *sha256 {
                    return Err(StageError::Read(ReadError::Changed { name }));
                }
                read = unpack(&name, &content)?;
                (name, &read)
            }
        };
        let found = parse_rows(&name, lines)?;
        match found.len() as u32 {
            count if count == *rows => Ok(found),
            count => Err(wrong_count(&name, count, *rows)),
        }
    }

    /// Rows whose id has this key; `None` when there is no table and all rows have to be looked at.
    pub(super) async fn find(
        &self,
        ctx: &Context,
        key: u64,
    ) -> Result<Option<Vec<u32>>, StageError> {
        if self.index.tables.is_empty() {
            return Ok(None);
        }
        let mut found = vec![];
        // The first that may hold it is the one before those that begin with it or behind it.
        let first = self.index.tables.partition_point(|begin| *begin < key);
        for table in first.saturating_sub(1)..self.index.tables.len() {
            if self.index.tables[table] > key {
                break;
            }
            let name = table_name(&self.prefix, table);
            let content = unpack(&name, &ctx.objects.get(&name).await?)?;
            let rows = content.chunks_exact(ENTRY_BYTES).filter_map(|entry| {
                let (this, row) = entry.split_at(8);
                let number = |bytes: &[u8]| {
                    bytes
                        .iter()
                        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
                };
                (number(this) == key).then(|| number(row) as u32)
            });
            found.extend(rows);
        }
        Ok(Some(found))
    }
}

/// Stores the index of a view that has parts.
pub(super) async fn finish(
    ctx: &Context,
    prefix: &str,
    parts: Vec<Part>,
    places: &[(u64, u32)],
) -> Result<(), StageError> {
    let mut tables = vec![];
    for (number, chunk) in places.chunks(TABLE_IDS).enumerate() {
        let entry =
            |(key, row): &(u64, u32)| key.to_be_bytes().into_iter().chain(row.to_be_bytes());
        let content: Vec<u8> = chunk.iter().flat_map(entry).collect();
        put_same(ctx, &table_name(prefix, number), &content).await?;
        tables.push(chunk[0].0);
    }
    let index = Index {
        rows: parts.iter().map(|part| part.rows).sum(),
        parts,
        tables,
    };
    put_index(ctx, prefix, &index, b"").await
}

/// Stores a view whose rows follow the index.
pub(super) async fn finish_inline(
    ctx: &Context,
    prefix: &str,
    part: Part,
    lines: &[u8],
) -> Result<(), StageError> {
    let index = Index {
        rows: part.rows,
        parts: vec![part],
        tables: vec![],
    };
    put_index(ctx, prefix, &index, lines).await
}

async fn put_index(
    ctx: &Context,
    prefix: &str,
    index: &Index,
    lines: &[u8],
) -> Result<(), StageError> {
    let mut content = serde_json::to_vec(index).expect("an index is plain");
    content.push(b'\n');
    content.extend_from_slice(lines);
    put_same(ctx, &index_name(prefix), &content).await?;
    Ok(())
}

/// Packs rows and stores them; returns the checksum of the object.
///
/// Another version of the compressor makes other bytes of the same rows; then what is there stays.
pub(super) async fn put_same(ctx: &Context, name: &str, rows: &[u8]) -> Result<String, StageError> {
    let packed =
        pack(rows).map_err(|error| StageError::Raw(casbah_lake::RawError::Compress(error)))?;
    let own = sum(&packed);
    match ctx.patient_objects().put(name, packed.into()).await {
        Ok(()) => Ok(own),
        Err(ObjectError::Different { name }) => {
            let there = ctx.objects.get(&name).await?;
            if unpack(&name, &there)? == rows {
                Ok(sum(&there))
            } else {
                Err(ObjectError::Different { name }.into())
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// What the index says of a part that a builder before has stored.
pub(super) async fn read_back(ctx: &Context, prefix: &str, part: u32) -> Result<Part, StageError> {
    let name = part_name(prefix, part);
    let content = ctx.objects.get(&name).await?;
    let rows = parse_rows(&name, &unpack(&name, &content)?)?;
    let mut classes = Classes::new();
    rows.iter().for_each(|row| row.count(&mut classes));
    match rows.len() as u32 {
        PART_ROWS => Ok(Part {
            rows: PART_ROWS,
            classes,
            sha256: Some(sum(&content)),
        }),
        found => Err(wrong_count(&name, found, PART_ROWS)),
    }
}

fn sum(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn parse_rows(name: &str, lines: &[u8]) -> Result<Vec<Row>, StageError> {
    let lines = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(|line| parsed(name, line)).collect()
}

fn parsed<'a, T: Deserialize<'a>>(name: &str, line: &'a [u8]) -> Result<T, StageError> {
    serde_json::from_slice(line).map_err(|error| {
        StageError::Read(ReadError::Unreadable {
            name: name.into(),
            source: error.into(),
        })
    })
}

fn wrong_count(name: &str, found: u32, expected: u32) -> StageError {
    StageError::Read(ReadError::Count {
        name: name.into(),
        found: found.into(),
        expected: expected.into(),
    })
}
