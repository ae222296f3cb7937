//! Building a view: one pass over the records finds the last word on each id, another writes the rows.
//!
//! Everything is a function of the view's name, so it does not matter who builds, how often, or who was killed on the
//! way: parts that are there are taken as they are.

use std::collections::HashMap;

use casbah_connector::{FileDetails, Reach};
use casbah_lake::read::{self, Marks};
use casbah_lake::view::IdKey;
use casbah_model::Timestamp;
use casbah_model::file::Sharing;
use casbah_model::message::ViewName;
use casbah_model::tables::Current;
use casbah_model::transport::Bytes;
use futures::{StreamExt, TryStreamExt};

use crate::apps;
use crate::context::Context;
use crate::error::StageError;
use crate::items::ConnectionItem;
use crate::view::fold::{Fold, Rows};
use crate::view::index::{self, PART_ROWS, Part, part_name, put_same};
use crate::view::row::{self, Names, Row};
use crate::view::source::{self, Piece, Role, Source, content, each_line};

/// Objects that are fetched ahead, each up to 3 MB.
const FETCHED_AHEAD: usize = 8;
/// Parts that are stored, or read back, at the same time; each is up to 330 KB.
const PARTS_AT_ONCE: usize = 8;
/// Content up to this size, compressed, is kept from one pass to the next.
const KEPT_BYTES_MAX: u64 = 8 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Built {
    Whole,
    /// Time is over; what was written counts.
    Later,
}

/// Builds a view, or as much of it as there is time for: one object of records at least.
pub(super) async fn build(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    sources: &[Source],
    deadline: Timestamp,
) -> Result<Built, StageError> {
    let mut builder = Builder::new(ctx, connection, view, sources);
    builder.fold().await?;
    builder.write(deadline).await
}

/// Calls `each` with the rows of a view, in their order.
pub(super) async fn each_row(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    sources: &[Source],
    mut each: impl FnMut(&Current<'_>) + Send,
) -> Result<(), StageError> {
    let mut builder = Builder::new(ctx, connection, view, sources);
    builder.fold().await?;
    let rows = builder.fold.rows();
    let mut json = vec![];
    for (piece, source, from, kept) in builder.pieces() {
        if rows.before(from + piece.records() as u32) == rows.before(from) {
            continue;
        }
        let content = builder.content(piece, kept).await?;
        each_row_line(piece, &content, from, &rows, |_, line| {
            let Some(row) = builder.row(source, line) else {
                return;
            };
            json.clear();
            serde_json::to_writer(&mut json, &row).expect("a row is plain");
            let id = row.id.clone();
            let told = row.collected_at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
            each(&Current {
                id: &id,
                state: row.state(),
                told,
                json: &json,
            });
        })?;
    }
    Ok(())
}

/// A file with all that is known of who can see it.
pub(crate) struct SharedFile<'a> {
    pub(crate) id: &'a str,
    pub(crate) details: FileDetails,
    pub(crate) sharing: Sharing,
    pub(crate) reach: Reach,
}

/// Calls `each` with the files of a root, in the order of the rows of its view.
pub(super) async fn each_file(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    sources: &[Source],
    mut each: impl FnMut(SharedFile<'_>) + Send,
) -> Result<(), StageError> {
    let files = apps::connector(connection.settings.app).files();
    let (Some(files), Some(root)) = (files, &view.root) else {
        return Ok(());
    };
    let mut builder = Builder::new(ctx, connection, view, sources);
    builder.reaches = Some(HashMap::new());
    builder.fold().await?;
    let reaches = builder.reaches.take().unwrap_or_default();
    let rows = builder.fold.rows();
    for (piece, _, from, kept) in builder.pieces() {
        if rows.before(from + piece.records() as u32) == rows.before(from) {
            continue;
        }
        let content = builder.content(piece, kept).await?;
        each_row_line(piece, &content, from, &rows, |_, line| {
            let Some(marks) = read::marks(line).filter(|marks| marks.kind.starts_with("file"))
            else {
                return;
            };
            let inheritance = files.inheritance();
            let mut reach = Reach::default();
            for giver in builder.fold.givers(&marks.id, inheritance) {
                if let Some(given) = reaches.get(&giver) {
                    reach.join(given);
                }
            }
            each(SharedFile {
                id: &marks.id,
                details: files.details(line),
                sharing: builder.fold.sharing(&marks.id, root.unshared, inheritance),
                reach,
            });
        })?;
    }
    Ok(())
}

/// Calls `each` with the lines of a piece that are rows, each with the number of its row.
fn each_row_line(
    piece: &Piece,
    content: &[u8],
    from: u32,
    rows: &Rows,
    mut each: impl FnMut(u32, &[u8]),
) -> Result<(), StageError> {
    let (mut line_number, mut row_number) = (from, rows.before(from));
    each_line(piece, content, |line| {
        if rows.has(line_number) {
            each(row_number, line);
            row_number += 1;
        }
        line_number += 1;
    })
}

struct Builder<'a> {
    ctx: &'a Context,
    connection: &'a ConnectionItem,
    view: &'a ViewName,
    sources: &'a [Source],
    prefix: String,
    fold: Fold,
    names: Names,
    clients: Names,
    /// Who items are shared with, by their number; kept where somebody asks for it.
    reaches: Option<HashMap<u32, Reach>>,
    /// Content of all pieces, source by source, when it is little.
    kept: Option<Vec<Bytes>>,
}

impl<'a> Builder<'a> {
    fn new(
        ctx: &'a Context,
        connection: &'a ConnectionItem,
        view: &'a ViewName,
        sources: &'a [Source],
    ) -> Builder<'a> {
        let app = connection.settings.app;
        let prefix = super::name::prefix(app, &connection.scope(), view);
        let pieces = sources.iter().flat_map(|source| &source.pieces);
        let bytes: u64 = pieces.map(Piece::bytes).sum();
        Builder {
            ctx,
            connection,
            view,
            sources,
            prefix,
            fold: Fold::default(),
            names: Names::default(),
            clients: Names::default(),
            reaches: None,
            kept: (bytes <= KEPT_BYTES_MAX).then(Vec::new),
        }
    }

    /// The first pass: which line of which id holds.
    async fn fold(&mut self) -> Result<(), StageError> {
        let (ctx, sources) = (self.ctx, self.sources);
        let pieces = sources
            .iter()
            .flat_map(|source| source.pieces.iter().map(move |piece| (source, piece)));
        let fetched = futures::stream::iter(pieces).map(|(source, piece)| async move {
            let content = content(ctx, piece).await?;
            Ok::<_, StageError>((source, piece, content))
        });
        let mut fetched = std::pin::pin!(fetched.buffered(FETCHED_AHEAD));
        while let Some((source, piece, content)) = fetched.try_next().await? {
            each_line(piece, &content, |line| self.note(source, line))?;
            if let Some(kept) = &mut self.kept {
                kept.push(content);
            }
        }
        Ok(())
    }

    fn note(&mut self, source: &Source, line: &[u8]) {
        let marks = read::marks(line);
        match source.role {
            Role::Rows(list) => self.fold.note_entity(list, marks.as_ref()),
            Role::Files => {
                self.fold.note_file(marks.as_ref());
                self.note_reach(marks.as_ref(), line);
            }
            Role::Facts => {
                if let Some(marks) = marks {
                    self.note_fact(&source.name, &marks, line);
                }
            }
        }
    }

    fn note_reach(&mut self, marks: Option<&Marks<'_>>, line: &[u8]) {
        let (Some(reaches), Some(marks)) = (&mut self.reaches, marks) else {
            return;
        };
        let files = apps::connector(self.connection.settings.app).files();
        let (Some(number), Some(files)) = (self.fold.number(&marks.id), files) else {
            return;
        };
        match &*marks.kind {
            "file" | "file-shared" | "folder" | "folder-shared" | "removed" => {
                reaches.remove(&number);
            }
            "unreadable" => {}
            // Who can see it, told after it was listed.
            _ => reaches.entry(number).or_default().join(&files.reach(line)),
        }
    }

    fn note_fact(&mut self, collection: &str, marks: &Marks<'_>, line: &[u8]) {
        let key = IdKey::of(&marks.id);
        if marks.kind == "removed" {
            self.names.remove(&key);
            self.clients.remove(&key);
            return;
        }
        let details = self.users().details(collection, line);
        if let Some(at) = details.last_sign_in {
            self.fold.note_sign_in(&marks.id, at);
        }
        if let Some(name) = details.name {
            self.names.insert(key, name.into());
        }
        if let Some(client) = details.client {
            self.clients.insert(key, client.into());
        }
        for (id, name) in details.defines {
            self.names.insert(IdKey::of(&id), name.into());
        }
    }

    fn users(&self) -> &'static dyn casbah_connector::UserSource {
        apps::connector(self.connection.settings.app).users()
    }

    /// The second pass: the rows, part by part.
    async fn write(&self, deadline: Timestamp) -> Result<Built, StageError> {
        let rows = self.fold.rows();
        // One part that is full is a part like any other: only what stays open to the end goes behind the index.
        let is_inline = rows.count() < PART_ROWS;
        let mut parts = match is_inline {
            true => vec![],
            false => self.parts_there(rows.count()).await?,
        };
        let there = parts.len();
        let mut open = OpenPart::default();
        for (piece, source, from, kept) in self.pieces() {
            let to = from + piece.records() as u32;
            let first = parts.len() as u32 * PART_ROWS + open.part.rows;
            if rows.before(to) <= first.max(rows.before(from)) {
                continue;
            }
            let content = self.content(piece, kept).await?;
            let full = self.rows_of(source, piece, &content, from, first, &rows, &mut open)?;
            parts.extend(self.store(parts.len() as u32, full).await?);
            let is_over = self.ctx.now() >= deadline || self.ctx.is_stopping();
            if is_over && parts.len() > there {
                return Ok(Built::Later);
            }
        }
        if is_inline {
            index::finish_inline(self.ctx, &self.prefix, open.part, &open.lines).await?;
            return Ok(Built::Whole);
        }
        if open.part.rows > 0 {
            parts.extend(self.store(parts.len() as u32, vec![open]).await?);
        }
        let places = self.fold.places(&rows);
        index::finish(self.ctx, &self.prefix, parts, &places).await?;
        Ok(Built::Whole)
    }

    /// The content of a piece, fetched again if it was not kept.
    async fn content(&self, piece: &Piece, kept: Option<Bytes>) -> Result<Bytes, StageError> {
        match kept {
            Some(content) => Ok(content),
            None => content(self.ctx, piece).await,
        }
    }

    /// The pieces that rows come from, each with its source and first line, and its content if that was kept.
    fn pieces(&self) -> impl Iterator<Item = (&'a Piece, &'a Source, u32, Option<Bytes>)> {
        let sources = self.sources.iter();
        let pieces =
            sources.flat_map(|source| source.pieces.iter().map(move |piece| (piece, source)));
        let mut line = 0;
        let kept = self.kept.as_ref();
        let numbered = pieces.enumerate().map(move |(index, (piece, source))| {
            let from = line;
            if source.role != Role::Facts {
                line += piece.records() as u32;
            }
            (piece, source, from, kept.map(|kept| kept[index].clone()))
        });
        numbered.filter(|(_, source, _, _)| source.role != Role::Facts)
    }

    /// Full parts that somebody before has stored, from the first on without a gap.
    async fn parts_there(&self, rows: u32) -> Result<Vec<Part>, StageError> {
        let names = source::listed(self.ctx, &self.prefix).await?;
        let full = 0..rows / PART_ROWS;
        let there = full.take_while(|part| names.contains(&part_name(&self.prefix, *part)));
        let parts = futures::stream::iter(there)
            .map(|part| index::read_back(self.ctx, &self.prefix, part))
            .buffered(PARTS_AT_ONCE);
        parts.try_collect().await
    }

    /// Writes the rows of a piece behind row `first` to the open part; returns the parts that became full.
    #[expect(
        clippy::too_many_arguments,
        reason = "where the piece and the rows begin are two numbers of one walk"
    )]
    fn rows_of(
        &self,
        source: &Source,
        piece: &Piece,
        content: &[u8],
        from: u32,
        first: u32,
        rows: &Rows,
        open: &mut OpenPart,
    ) -> Result<Vec<OpenPart>, StageError> {
        let mut full = vec![];
        each_row_line(piece, content, from, rows, |row_number, line| {
            if row_number >= first
                && let Some(row) = self.row(source, line)
            {
                open.push(&row);
            }
            if open.part.rows == PART_ROWS {
                full.push(std::mem::take(open));
            }
        })?;
        Ok(full)
    }

    fn row(&self, source: &Source, line: &[u8]) -> Option<Row> {
        let marks = read::marks(line)?;
        match &self.view.root {
            None => {
                let last_sign_in = self.fold.last_sign_in(&marks.id);
                let details = self.users().details(&source.name, line);
                let row = row::entity(marks, details, last_sign_in, &self.names);
                let client = row.application.as_deref();
                let client = client.and_then(|id| row::name_of(&self.clients, id));
                Some(Row { client, ..row })
            }
            Some(root) => {
                let files = apps::connector(self.connection.settings.app).files()?;
                let sharing = self
                    .fold
                    .sharing(&marks.id, root.unshared, files.inheritance());
                Some(row::file(
                    marks,
                    files.details(line),
                    root.id.as_str(),
                    sharing,
                ))
            }
        }
    }

    async fn store(&self, first: u32, parts: Vec<OpenPart>) -> Result<Vec<Part>, StageError> {
        let stored = futures::stream::iter((first..).zip(parts))
            .map(|(number, open)| async move {
                let name = part_name(&self.prefix, number);
                let sha256 = put_same(self.ctx, &name, &open.lines).await?;
                Ok(Part {
                    sha256: Some(sha256),
                    ..open.part
                })
            })
            .buffered(PARTS_AT_ONCE);
        stored.try_collect().await
    }
}

/// The part that is being filled.
#[derive(Default)]
struct OpenPart {
    lines: Vec<u8>,
    part: Part,
}

impl OpenPart {
    fn push(&mut self, row: &Row) {
        serde_json::to_writer(&mut self.lines, row).expect("a row is plain");
        self.lines.push(b'\n');
        self.part.rows += 1;
        row.count(&mut self.part.classes);
    }
}
