//! Names of views: which commits one shows, and where its objects are.

use casbah_connector::List;
use casbah_lake::layout;
use casbah_model::app::App;
use casbah_model::message::{ViewCommit, ViewName, ViewRoot};
use casbah_model::ports::Query;

use crate::context::Context;
use crate::error::StageError;
use crate::file_scan::QUEUE;
use crate::items::{self, ConnectionItem, Position, Scope, StreamItem, manifest_sk};
use crate::view::Collection;

/// Version of rows, order and packing. Whoever changes one of them raises it: tokens of the version before are refused,
/// and nothing of it is mixed with what is built now.
pub(super) const VERSION: u32 = 2;

/// The first look for a commit that wrote something; most rounds of a quiet tenant write nothing.
const LOOK_BACK: usize = 16;

/// Where the objects of a view are; ends in a slash.
pub(super) fn prefix(app: App, scope: &Scope, view: &ViewName) -> String {
    let begin = layout::prefix("view", app, &scope.to_string());
    let (collection, version) = (&view.collection, version(view));
    let (rows, commits) = version.split_once('/').expect("a slash is in it");
    match &view.root {
        None => format!("{begin}{rows}/{collection}/{commits}/"),
        Some(root) => {
            // The stream of a root is named by its id, which may hold anything.
            let folder = layout::safe(root.id.as_str());
            format!("{begin}{rows}/{collection}/{folder}/{commits}/")
        }
    }
}

/// What the names of the segments of a stream's epoch begin with.
pub(super) fn segments(connection: &ConnectionItem, commit: &ViewCommit) -> String {
    let begin = layout::prefix(
        "view",
        connection.settings.app,
        &connection.scope().to_string(),
    );
    let stream = layout::safe(&commit.stream);
    format!("{begin}lines={VERSION}/{stream}/{:04}/", commit.epoch)
}

/// The commits that a view shows, as one word.
pub(crate) fn version(view: &ViewName) -> String {
    let commits: Vec<String> = view.at.iter().map(commit).collect();
    match &view.root {
        None => format!("rows={VERSION}/{}", commits.join("_")),
        Some(root) => {
            let ViewCommit {
                epoch, sequence, ..
            } = &view.at[0];
            let unshared = root.unshared;
            format!("rows={VERSION}/{epoch:04}-{sequence:012}-{unshared}")
        }
    }
}

fn commit(at: &ViewCommit) -> String {
    let ViewCommit {
        stream,
        epoch,
        sequence,
    } = at;
    format!("{stream}.{epoch:04}-{sequence:012}")
}

/// The view of lists of the directory as it is published by now; `None` when none of its rows is.
pub(super) async fn of_lists(
    ctx: &Context,
    connection: &ConnectionItem,
    collection: Collection,
    list: &List,
) -> Result<Option<ViewName>, StageError> {
    let scope = connection.scope();
    let names: Vec<&str> = list.rows.iter().chain(list.facts).copied().collect();
    let mut at: Vec<ViewCommit> = vec![];
    for (name, stream) in names.iter().zip(streams(ctx, &scope, &names).await?) {
        if let Some(published) = stream.and_then(|stream| stream.published) {
            at.push(last_writing(ctx, &scope, name, published).await?);
        }
    }
    let is_row = |at: &ViewCommit| list.rows.contains(&at.stream.as_str());
    Ok(at.first().is_some_and(is_row).then(|| ViewName {
        incarnation: scope.incarnation,
        collection: collection.name().into(),
        root: None,
        at,
    }))
}

/// The view of a root as it is published by now; `None` before its first pass is over.
pub(crate) async fn of_root(
    ctx: &Context,
    scope: &Scope,
    unit: &StreamItem,
) -> Result<Option<ViewName>, StageError> {
    let (Some(root), Some(published)) = (&unit.root, unit.published) else {
        return Ok(None);
    };
    let commit = last_writing(ctx, scope, root.id.as_str(), published).await?;
    Ok(Some(ViewName {
        incarnation: scope.incarnation,
        collection: Collection::Files.name().into(),
        root: Some(ViewRoot {
            id: root.id.clone(),
            unshared: root.unshared,
        }),
        at: vec![commit],
    }))
}

async fn streams(
    ctx: &Context,
    scope: &Scope,
    names: &[&str],
) -> Result<Vec<Option<StreamItem>>, StageError> {
    let keys: Vec<_> = names.iter().map(|name| scope.stream(name)).collect();
    let found = ctx.state.get(&keys).await?;
    let read = |(key, item): (_, Option<_>)| match item {
        Some(item) => items::read(key, &item).map(Some),
        None => Ok(None),
    };
    keys.iter().zip(found).map(read).collect()
}

/// The last commit up to `published` that wrote records: rounds that find nothing new publish as well, and a view
/// named by them would be built again for the same rows.
async fn last_writing(
    ctx: &Context,
    scope: &Scope,
    stream: &str,
    published: Position,
) -> Result<ViewCommit, StageError> {
    let mut query = Query {
        after: Some(manifest_sk(published.ep, published.seq + 1)),
        is_descending: true,
        limit: LOOK_BACK,
        ..Query::prefix(scope.manifest(stream), format!("{:04}#", published.ep))
    };
    let commit = |epoch, sequence| ViewCommit {
        stream: stream.into(),
        epoch,
        sequence,
    };
    loop {
        let page = ctx.state.query(query.clone()).await?;
        for found in &page {
            let entry: casbah_lake::ManifestEntry = items::read(&found.key, &found.item)?;
            if !entry.objects.is_empty() {
                return Ok(commit(entry.epoch, entry.sequence));
            }
        }
        let Some(last) = page.last() else {
            // Nothing was there in this epoch.
            return Ok(commit(published.ep, published.seq));
        };
        query.after = Some(last.key.sk.clone());
        query.limit = Query::prefix("", "").limit;
    }
}

/// Whether the commits of a view that somebody names were published: a token or a message is not believed.
pub(super) async fn is_published(
    ctx: &Context,
    scope: &Scope,
    view: &ViewName,
) -> Result<bool, StageError> {
    if let Some(root) = &view.root {
        let key = scope.unit(QUEUE, &root.id);
        let found = ctx.state.get(std::slice::from_ref(&key)).await?;
        let Some(Some(item)) = found.first() else {
            return Ok(false);
        };
        let unit: StreamItem = items::read(&key, item)?;
        return Ok(is_behind(&view.at[0], unit.published));
    }
    let names: Vec<&str> = view.at.iter().map(|at| at.stream.as_str()).collect();
    let found = streams(ctx, scope, &names).await?;
    let mut pairs = view.at.iter().zip(found);
    Ok(pairs.all(|(at, stream)| stream.is_some_and(|stream| is_behind(at, stream.published))))
}

fn is_behind(at: &ViewCommit, published: Option<Position>) -> bool {
    let at = Position {
        ep: at.epoch,
        seq: at.sequence,
    };
    published.is_some_and(|published| at <= published)
}
