//! What a view is made of: the objects of its commits, with runs of small ones joined.
//!
//! A list that is read by changes grows by a small object per round, for years. Their content is joined once into
//! segments, which every later view of the same epoch reads instead.

use std::collections::BTreeSet;

use casbah_connector::Listed;
use casbah_lake::{ManifestEntry, ObjectEntry, read, view};
use casbah_model::Timestamp;
use casbah_model::message::{ViewCommit, ViewName};
use casbah_model::ports::{ObjectError, Query};
use casbah_model::transport::Bytes;
use futures::{StreamExt, TryStreamExt};

use crate::apps;
use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, ConnectionItem, manifest_sk};
use crate::view::index::put_same;
use crate::view::name;

/// Objects of one segment: a rebuild reads at most this many small objects of each stream.
const SEGMENT_OBJECTS: usize = 512;
/// A run of this many bytes, compressed, is full as well: its lines are some 20 MB.
const SEGMENT_BYTES: u64 = 2 << 20;
/// Fewer objects than this are not worth joining.
const SEGMENT_OBJECTS_MIN: usize = 16;
/// Small objects that are fetched at the same time; each takes some 30 ms and little memory.
const SMALL_AT_ONCE: usize = 32;
/// Names that one listing brings (Amazon S3 API reference, "ListObjectsV2": at most 1 000).
const LIST_PAGE: usize = 1000;

/// What the lines of a stream say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// They are rows of this list.
    Rows(usize),
    /// They say more about rows.
    Facts,
    /// They are items of a root.
    Files,
}

/// One stream of a view.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) role: Role,
    /// The collection, for the connector.
    pub(super) name: String,
    pub(super) pieces: Vec<Piece>,
}

/// Something that is read as a whole.
#[derive(Debug)]
pub(super) enum Piece {
    Object(ObjectEntry),
    /// The lines of these objects, joined.
    Segment {
        name: String,
        objects: Vec<ObjectEntry>,
    },
}

impl Piece {
    fn segment(&self) -> Option<(&str, &[ObjectEntry])> {
        match self {
            Piece::Segment { name, objects } => Some((name, objects)),
            Piece::Object(_) => None,
        }
    }

    /// Compressed; of a segment, before its objects were joined.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Piece::Object(object) => object.bytes,
            Piece::Segment { objects, .. } => objects.iter().map(|object| object.bytes).sum(),
        }
    }

    pub(super) fn records(&self) -> u64 {
        match self {
            Piece::Object(object) => object.records,
            Piece::Segment { objects, .. } => objects.iter().map(|object| object.records).sum(),
        }
    }
}

/// What a view is made of, and when the newest of its commits was made.
pub(super) struct Sources {
    pub(super) sources: Vec<Source>,
    pub(super) since: Timestamp,
}

impl Sources {
    pub(super) fn records(&self) -> u64 {
        let pieces = self.sources.iter().flat_map(|source| &source.pieces);
        pieces.map(Piece::records).sum()
    }

    pub(super) fn pieces(&self) -> usize {
        self.sources.iter().map(|source| source.pieces.len()).sum()
    }
}

/// The streams of a view; `None` when what is named is not a view of this connection.
pub(super) async fn of_view(
    ctx: &Context,
    connection: &ConnectionItem,
    named: &ViewName,
) -> Result<Option<Sources>, StageError> {
    let Some(roles) = roles(connection, named) else {
        return Ok(None);
    };
    if !name::is_published(ctx, &connection.scope(), named).await? {
        return Ok(None);
    }
    let mut sources = vec![];
    let mut since = Timestamp::UNIX_EPOCH;
    for (role, commit) in roles.into_iter().zip(&named.at) {
        let (objects, made) = objects(ctx, connection, commit).await?;
        since = since.max(made);
        sources.push(Source {
            role,
            name: commit.stream.clone(),
            pieces: pieces(connection, commit, objects),
        });
    }
    Ok(Some(Sources { sources, since }))
}

/// What each stream of a named view is for. Names come in tokens and messages, so they are checked.
pub(super) fn roles(connection: &ConnectionItem, named: &ViewName) -> Option<Vec<Role>> {
    if named.incarnation != connection.incarnation {
        return None;
    }
    let collection: super::Collection = named.collection.parse().ok()?;
    let connector = apps::connector(connection.settings.app);
    let streams: Vec<&str> = named.at.iter().map(|at| at.stream.as_str()).collect();
    let Some(listed) = super::question::listed(collection) else {
        let root = named.root.as_ref()?;
        let is_one = streams == [root.id.as_str()] && connector.files().is_some();
        return is_one.then(|| vec![Role::Files]);
    };
    let list = list(connection, listed)?;
    let mut roles = vec![];
    let mut known = list.rows.iter().chain(list.facts).enumerate();
    for stream in streams {
        let (index, _) = known.find(|(_, name)| **name == stream)?;
        roles.push(match index < list.rows.len() {
            true => Role::Rows(index),
            false => Role::Facts,
        });
    }
    let has_rows = matches!(roles.first(), Some(Role::Rows(_)));
    (has_rows && named.root.is_none()).then_some(roles)
}

pub(super) fn list(
    connection: &ConnectionItem,
    listed: Listed,
) -> Option<&'static casbah_connector::List> {
    let lists = apps::connector(connection.settings.app).users().lists();
    lists.iter().find(|list| list.of == listed)
}

/// The objects of an epoch of a stream up to a commit, in the order of commits.
async fn objects(
    ctx: &Context,
    connection: &ConnectionItem,
    commit: &ViewCommit,
) -> Result<(Vec<ObjectEntry>, Timestamp), StageError> {
    let manifest = connection.scope().manifest(&commit.stream);
    let last = manifest_sk(commit.epoch, commit.sequence);
    let mut query = Query::prefix(manifest, format!("{:04}#", commit.epoch));
    let mut objects = vec![];
    let mut made = Timestamp::UNIX_EPOCH;
    loop {
        let page = ctx.state.query(query.clone()).await?;
        let Some(end) = page.last().map(|found| found.key.sk.clone()) else {
            return Ok((objects, made));
        };
        for found in page {
            if found.key.sk > last {
                return Ok((objects, made));
            }
            let entry: ManifestEntry = items::read(&found.key, &found.item)?;
            made = entry.at;
            objects.extend(entry.objects);
        }
        query.after = Some(end);
    }
}

/// Puts full runs of small objects together. Where runs begin and end depends on what is before them only, so later
/// views have the same ones.
fn pieces(
    connection: &ConnectionItem,
    commit: &ViewCommit,
    objects: Vec<ObjectEntry>,
) -> Vec<Piece> {
    let begin = name::segments(connection, commit);
    let mut pieces = vec![];
    let mut run: Vec<ObjectEntry> = vec![];
    let (mut runs, mut bytes) = (0, 0);
    for object in objects {
        bytes += object.bytes;
        run.push(object);
        if run.len() < SEGMENT_OBJECTS && bytes < SEGMENT_BYTES {
            continue;
        }
        if run.len() < SEGMENT_OBJECTS_MIN {
            pieces.extend(run.drain(..).map(Piece::Object));
        } else {
            let objects = std::mem::take(&mut run);
            let name = format!("{begin}{runs:06}.jsonl.zst");
            pieces.push(Piece::Segment { name, objects });
            runs += 1;
        }
        bytes = 0;
    }
    pieces.extend(run.into_iter().map(Piece::Object));
    pieces
}

/// The segments that are not there.
pub(super) async fn missing_segments<'a>(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    sources: &'a [Source],
) -> Result<Vec<(&'a str, &'a [ObjectEntry])>, StageError> {
    let mut missing = vec![];
    for (source, commit) in sources.iter().zip(&view.at) {
        let segments: Vec<_> = source.pieces.iter().filter_map(Piece::segment).collect();
        if segments.is_empty() {
            continue;
        }
        let begin = name::segments(connection, commit);
        let there = listed(ctx, &begin).await?;
        missing.extend(
            segments
                .into_iter()
                .filter(|(name, _)| !there.contains(*name)),
        );
    }
    Ok(missing)
}

/// The names of all objects that begin with `begin`.
pub(super) async fn listed(ctx: &Context, begin: &str) -> Result<BTreeSet<String>, StageError> {
    let mut names = BTreeSet::new();
    loop {
        let after = names.last().cloned();
        let page = ctx.objects.list(begin, after.as_deref(), LIST_PAGE).await?;
        if page.is_empty() {
            return Ok(names);
        }
        names.extend(page);
    }
}

/// Joins the lines of one segment.
pub(super) async fn join(
    ctx: &Context,
    name: &str,
    objects: &[ObjectEntry],
) -> Result<(), StageError> {
    let lines = joined(ctx, objects).await?;
    put_same(ctx, name, &lines).await?;
    Ok(())
}

async fn joined(ctx: &Context, objects: &[ObjectEntry]) -> Result<Vec<u8>, StageError> {
    let mut lines = vec![];
    let contents = futures::stream::iter(objects)
        .map(|object| async move {
            let content = read::content(&*ctx.objects, &object.name, &object.sha256).await?;
            Ok::<_, StageError>((object, content))
        })
        .buffered(SMALL_AT_ONCE);
    let mut contents = std::pin::pin!(contents);
    while let Some((object, content)) = contents.try_next().await? {
        read::each_line(object, &content, |line| {
            lines.extend_from_slice(line);
            lines.push(b'\n');
        })?;
    }
    Ok(lines)
}

/// The content of a piece; of an object it is checked here, of a segment when it is unpacked.
pub(super) async fn content(ctx: &Context, piece: &Piece) -> Result<Bytes, StageError> {
    let (name, objects) = match piece {
        Piece::Object(object) => {
            return Ok(read::content(&*ctx.objects, &object.name, &object.sha256).await?);
        }
        Piece::Segment { name, objects } => (name, objects),
    };
    match ctx.objects.get(name).await {
        // It expired in this moment.
        Err(ObjectError::NotFound { .. }) => {
            join(ctx, name, objects).await?;
            Ok(ctx.objects.get(name).await?)
        }
        found => Ok(found?),
    }
}

/// Calls `each` with every line of a piece.
pub(super) fn each_line(
    piece: &Piece,
    content: &[u8],
    mut each: impl FnMut(&[u8]),
) -> Result<(), StageError> {
    let name = match piece {
        Piece::Object(object) => return Ok(read::each_line(object, content, each)?),
        Piece::Segment { name, .. } => name,
    };
    let lines = view::unpack(name, content)?;
    let mut found = 0;
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        each(line.strip_suffix(b"\n").unwrap_or(line));
        found += 1;
    }
    if found == piece.records() {
        return Ok(());
    }
    Err(StageError::Read(read::ReadError::Count {
        name: name.clone(),
        found,
        expected: piece.records(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_small_objects_are_the_same_for_every_later_commit() {
        let object = |number: u64| ObjectEntry {
            name: number.to_string(),
            records: 1,
            // Every 700th is large, and the rest is of two sizes.
            bytes: match number % 700 {
                3 => 3 << 20,
                4..300 => 20_000,
                _ => 100,
            },
            sha256: String::new(),
        };
        let named = |count: u64| {
            let connection = crate::view::tests::connection();
            let commit = ViewCommit {
                stream: "users".into(),
                epoch: 1,
                sequence: count,
            };
            let all = pieces(&connection, &commit, (0..count).map(object).collect());
            let read: u64 = all.iter().map(Piece::records).sum();
            assert_eq!(read, count, "each object once");
            let segment = |piece| match piece {
                Piece::Segment { name, objects } => Some((name, objects)),
                Piece::Object(_) => None,
            };
            all.into_iter().filter_map(segment).collect::<Vec<_>>()
        };
        let (before, after) = (named(2_000), named(2_600));
        assert!(before.len() > 1 && before.len() < after.len());
        assert_eq!(before, after[..before.len()]);
    }
}
