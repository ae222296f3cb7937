//! Reading objects back, line by line, after checking that they are what the manifest says.

use std::io::{BufRead, BufReader};

use bytes::Bytes;
use casbah_model::ports::{ObjectError, ObjectStore};
use casbah_model::record::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::manifest::ObjectEntry;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("object {name} is not what the manifest says: its checksum differs")]
    Changed { name: String },
    #[error("object {name} cannot be decompressed")]
    Unreadable {
        name: String,
        #[source]
        source: std::io::Error,
    },
    #[error("object {name} holds {found} records instead of {expected}")]
    Count {
        name: String,
        found: u64,
        expected: u64,
    },
}

/// Our own fields of a line.
#[derive(Debug, Deserialize)]
pub struct Marks<'a> {
    #[serde(rename = "_rid", borrow)]
    pub id: std::borrow::Cow<'a, str>,
    #[serde(rename = "_kind", borrow, default)]
    pub kind: std::borrow::Cow<'a, str>,
    #[serde(rename = "_of", borrow, default)]
    pub of: Option<std::borrow::Cow<'a, str>>,
    /// When it was collected.
    #[serde(rename = "_at", borrow, default)]
    pub at: std::borrow::Cow<'a, str>,
}

/// The vendor's part of a line: the record without our own fields.
pub fn vendors(line: &[u8]) -> Option<Vec<u8>> {
    let end = own_fields(line)?;
    let record = line[..end].trim_ascii_end();
    let record = record.strip_suffix(b",").unwrap_or(record);
    Some([record, b"}"].concat())
}

/// Where our own fields begin.
fn own_fields(line: &[u8]) -> Option<usize> {
    const FIRST: &[u8] = b"\"_rid\":\"";
    line.windows(FIRST.len())
        .rposition(|window| window == FIRST)
}

/// Reads our own fields from the end of a line, where they stand: the vendor's part is not looked at.
pub fn marks(line: &[u8]) -> Option<Marks<'_>> {
    let at = own_fields(line)?;
    // The slice ends with the line's own brace; the opening one is put in front.
    let mut text = Vec::with_capacity(line.len() - at + 1);
    text.push(b'{');
    text.extend_from_slice(&line[at..]);
    let Marks { id, kind, of, at } = serde_json::from_slice(&text).ok()?;
    let own = |text: std::borrow::Cow<'_, str>| std::borrow::Cow::Owned(text.into_owned());
    Some(Marks {
        id: own(id),
        kind: own(kind),
        of: of.map(own),
        at: own(at),
    })
}

/// Reads an object and calls `each` with every line, without its line break.
pub async fn lines(
    objects: &dyn ObjectStore,
    entry: &ObjectEntry,
    each: impl FnMut(&[u8]),
) -> Result<(), ReadError> {
    let content = content(objects, &entry.name, &entry.sha256).await?;
    each_line(entry, &content, each)
}

/// Reads an object and checks that it is what was written.
pub async fn content(
    objects: &dyn ObjectStore,
    name: &str,
    sha256: &str,
) -> Result<Bytes, ReadError> {
    let content = objects.get(name).await?;
    if hex(&Sha256::digest(&content)) == sha256 {
        return Ok(content);
    }
    Err(ReadError::Changed { name: name.into() })
}

/// Calls `each` with every line of an object's content, without its line break.
pub fn each_line(
    entry: &ObjectEntry,
    content: &[u8],
    mut each: impl FnMut(&[u8]),
) -> Result<(), ReadError> {
    let unreadable = |source| ReadError::Unreadable {
        name: entry.name.clone(),
        source,
    };
    let decoder = zstd::stream::read::Decoder::with_buffer(content).map_err(unreadable)?;
    let mut reader = BufReader::with_capacity(256 << 10, decoder);
    let mut line = Vec::new();
    let mut found = 0;
    while reader.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
        each(line.strip_suffix(b"\n").unwrap_or(&line));
        found += 1;
        line.clear();
    }
    if found == entry.records {
        return Ok(());
    }
    Err(ReadError::Count {
        name: entry.name.clone(),
        found,
        expected: entry.records,
    })
}
