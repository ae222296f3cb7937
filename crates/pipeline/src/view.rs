//! Lists of what a connection holds, page by page: users, groups, privileges, app permissions, files.
//!
//! A list is a view: objects derived from what is published and named by it, so that anyone may build them, twice or
//! at once, and a reader keeps the view it began with while scans go on (decision 0003). No view depends on the table's
//! knowing of it.

mod build;
mod fold;
mod index;
mod name;
mod question;
mod reader;
mod roots;
mod row;
mod source;
mod token;

pub use casbah_model::collection::Collection;
pub use question::{Filter, Kind, LIMIT_MAX, Question, Status, UnknownWord, filters, kinds};

use casbah_connector::Listed;
use casbah_model::Timestamp;
use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::message::ViewName;
use casbah_model::tables::Current;
use serde_json::Value;

use crate::connect::find;
use crate::context::Context;
use crate::error::StageError;
use crate::items::ConnectionItem;
use build::Built;
pub(crate) use build::SharedFile;
pub(crate) use name::{of_root, version};
use reader::{Reader, Scanned, View};
use token::{Place, bad_token};

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Ready {
        items: Vec<Value>,
        /// The next page: `Question::after` of the next question. A page may be short, or empty, although there is more.
        next: Option<String>,
        /// Lists of the vendor that belong to this collection and were never read whole (a right is missing, or the
        /// first pass is not over): what they hold is unknown, not absent.
        lacking: Vec<String>,
    },
    /// The view is large and is being built: ask the same question again in some seconds, best with `next` as `after`,
    /// which waits for the very view that is being built.
    Building {
        /// When the newest commit that it will show was made.
        since: Timestamp,
        next: String,
    },
    /// Nothing of this collection was read whole yet, or the app has no such thing.
    Unknown,
}

/// Answers a question about what a connection holds.
///
/// Over all pages of one listing each entity comes once; roots of files are shown as they are when the listing comes
/// to them.
///
/// # Errors
/// `StageError::Refused` with the code `token` for a bad [`Question::after`] (begin anew without it), and with the code
/// `filter` for a filter that this collection does not have.
pub async fn page(
    ctx: &Context,
    connection: &ConnectionItem,
    question: &Question,
) -> Result<Answer, StageError> {
    question.filter.check(question.collection)?;
    let place = Place::read(&connection.scope(), question)?;
    let reader = Reader::new(ctx, connection, question);
    match question::listed(question.collection) {
        Some(listed) => list_page(reader, question, listed, place).await,
        None => roots::page(reader, question, place).await,
    }
}

/// A page of a list of the directory.
async fn list_page(
    mut reader: Reader<'_>,
    question: &Question,
    listed: Listed,
    place: Option<Place>,
) -> Result<Answer, StageError> {
    let Some(list) = source::list(reader.connection, listed) else {
        return Ok(Answer::Unknown);
    };
    let (view, row) = match place {
        Some(Place::Row { view, row }) if view.collection == question.collection.name() => {
            (view, row)
        }
        Some(_) => return Err(bad_token()),
        None => {
            let (ctx, connection) = (reader.ctx, reader.connection);
            let current = name::of_lists(ctx, connection, question.collection, list).await?;
            match current {
                Some(view) => (view, 0),
                None => return Ok(Answer::Unknown),
            }
        }
    };
    let is_shown = |name: &&&str| view.at.iter().any(|at| at.stream == **name);
    let lacking = list.rows.iter().filter(|name| !is_shown(name));
    let lacking = lacking.map(|name| name.to_string()).collect();
    let scanned = match reader.open(&view).await? {
        View::Open(opened) => reader.scan(&view, &opened, row).await?,
        View::Building { since } => Scanned::Building { since },
    };
    let next = match scanned {
        Scanned::All => None,
        Scanned::Until(row) => Some(reader.token(&Place::Row { view, row })),
        Scanned::Building { since } => {
            let next = reader.token(&Place::Row { view, row });
            return Ok(Answer::Building { since, next });
        }
    };
    Ok(Answer::Ready {
        items: reader.items,
        next,
        lacking,
    })
}

/// The view of a list of the directory as it is published by now; `None` before that, and of files, which have a view of
/// each root.
pub(crate) async fn published(
    ctx: &Context,
    connection: &ConnectionItem,
    collection: Collection,
) -> Result<Option<ViewName>, StageError> {
    let listed = question::listed(collection);
    let Some(list) = listed.and_then(|listed| source::list(connection, listed)) else {
        return Ok(None);
    };
    name::of_lists(ctx, connection, collection, list).await
}

/// Calls `each` with every row of a view that is published; nothing is stored.
pub(crate) async fn each_row(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    each: impl FnMut(&Current<'_>) + Send,
) -> Result<(), StageError> {
    let made_of = whole(ctx, connection, view).await?;
    build::each_row(ctx, connection, view, &made_of.sources, each).await
}

/// Calls `each` with every file of the view of a root that is published; nothing is stored.
pub(crate) async fn each_file(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
    each: impl FnMut(SharedFile<'_>) + Send,
) -> Result<(), StageError> {
    let made_of = whole(ctx, connection, view).await?;
    build::each_file(ctx, connection, view, &made_of.sources, each).await
}

/// What a view is made of, with runs of small objects joined.
async fn whole(
    ctx: &Context,
    connection: &ConnectionItem,
    view: &ViewName,
) -> Result<source::Sources, StageError> {
    let Some(made_of) = source::of_view(ctx, connection, view).await? else {
        let collection = view.collection.clone();
        return Err(StageError::Unpublished { collection });
    };
    let missing = source::missing_segments(ctx, connection, view, &made_of.sources).await?;
    for (name, objects) in missing {
        source::join(ctx, name, objects).await?;
    }
    Ok(made_of)
}

/// Builds a view that is too large to be built while somebody waits; goes on with another message when time is over.
pub async fn build(ctx: &Context, id: &ConnectionId, view: &ViewName) -> Result<(), StageError> {
    let Some(connection) = find(ctx, id).await? else {
        return Ok(());
    };
    if connection.state == ConnectionState::Deleting {
        return Ok(());
    }
    let Some(made_of) = source::of_view(ctx, &connection, view).await? else {
        tracing::warn!(connection = %id, collection = view.collection, "no such view");
        return Ok(());
    };
    let prefix = name::prefix(connection.settings.app, &connection.scope(), view);
    if let Some(opened) = index::Opened::open(ctx, &prefix).await? {
        let there = source::listed(ctx, &prefix).await?;
        if opened.names().iter().all(|name| there.contains(name)) {
            return Ok(());
        }
    }
    let deadline = ctx.now() + ctx.settings.function_limit / 2;
    let is_over = || ctx.now() >= deadline || ctx.is_stopping();
    let missing = source::missing_segments(ctx, &connection, view, &made_of.sources).await?;
    for (name, objects) in missing {
        source::join(ctx, name, objects).await?;
        if is_over() {
            return reader::send(ctx, &connection, view).await;
        }
    }
    match build::build(ctx, &connection, view, &made_of.sources, deadline).await? {
        Built::Whole => Ok(()),
        Built::Later => reader::send(ctx, &connection, view).await,
    }
}

#[cfg(test)]
mod tests;
