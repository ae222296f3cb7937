//! editions: users, groups, privileges, app permissions and files as tables, what is current and since when.
//!
//! Each object is made anew as a whole, over the edition that was read, from what is published by then. It holds what is
//! current and, behind that, what ended with this very edition; the next one puts these rows to those that ended earlier
//! before it leaves them out. So whoever dies or is slow here loses no state and gives none two ends (decision 0007).

use std::collections::BTreeMap;

use casbah_lake::layout;
use casbah_lake::view::IdKey;
use casbah_model::collection::Collection;
use casbah_model::connection::Cause;
use casbah_model::message::ViewName;
use casbah_model::ports::Query;
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::tables::{Edition, Shown, TableError, Tables};
use casbah_model::transport::Bytes;
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::compact::{self, EVERY, TROUBLE_AGAIN, Trouble, find};
use crate::context::Context;
use crate::error::StageError;
use crate::file_scan::QUEUE;
use crate::items::{self, ConnectionItem, Scope, StreamItem, stream_name};
use crate::step::{Committed, Next, Step};
use crate::tries::Tries;
use crate::view;

/// The stream's name.
pub const STREAM: &str = "editions";
/// A large object is made anew less often, so that the work does not grow with the tenant: so many rows every five
/// minutes, and each object once an hour at the least.
const ROWS_PER_LOOK: u64 = 8_192;
const ANEW_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Roots that are looked through every five minutes; more are looked through less often, for the same reason.
const ROOTS_PER_LOOK: u64 = 1_000;
/// Files are kept in so many objects, by the root they lie in: ten million files are 300 000 rows in each.
const BUCKETS: u64 = 32;

/// Which editions there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(default)]
    objects: BTreeMap<String, Made>,
    /// When roots were looked through last, and how many there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roots: Option<(Timestamp, u64)>,
}

/// An edition of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Made {
    /// A digest of what was published.
    of: String,
    at: Timestamp,
    /// Rows that are current.
    rows: u64,
}

impl Cursor {
    fn made(&mut self, object: &Object, at: Timestamp, rows: u64) {
        let of = object.digest.clone();
        self.objects.insert(object.word(), Made { of, at, rows });
    }
}

/// The stream that makes the editions of a connection.
pub fn stream(scope: &Scope, now: Timestamp) -> (Key, StreamItem) {
    compact::looking(scope, STREAM, now)
}

pub(crate) fn is_ours(step: &Step<'_>) -> bool {
    step.name() == STREAM
}

/// An object, and what is published of what it shows.
struct Object {
    collection: Collection,
    bucket: u64,
    parts: Vec<Published>,
    /// Of the parts.
    digest: String,
}

/// What is published of one part.
enum Published {
    /// A list of the directory.
    List(ViewName),
    /// The files of a root that was read whole.
    Root(Box<StreamItem>),
}

impl Object {
    fn new(collection: Collection, bucket: u64, parts: Vec<Published>) -> Object {
        let mut text = String::new();
        for part in &parts {
            match part {
                Published::List(view) => text += &view::version(view),
                Published::Root(unit) => {
                    text += &format!("{:?} {:?}\n", unit.root, unit.published);
                }
            }
        }
        Object {
            collection,
            bucket,
            parts,
            digest: format!("{:016x}", IdKey::of(&text).0),
        }
    }

    /// Its name in the cursor.
    fn word(&self) -> String {
        match self.collection {
            Collection::Files => format!("{}/{:02}", self.collection, self.bucket),
            other => other.to_string(),
        }
    }
}

/// Makes the editions that are due.
pub(crate) async fn make(mut step: Step<'_>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let Some(tables) = ctx.curated.tables.clone() else {
        tracing::warn!("a hint to make editions came to a function that makes no tables");
        let next = compact::unchanged(&step.stream, ctx.now());
        return step.release(next, None).await;
    };
    let mut cursor: Cursor = step.stream.cursor(&step.key)?.unwrap_or_default();
    let mut trouble = None;
    for object in objects(ctx, &step.connection, &mut cursor, Which::Due).await? {
        match anew(ctx, &*tables, &step.connection, &object).await {
            Ok(rows) => cursor.made(&object, ctx.now(), rows),
            Err(Trouble::Stage(error)) => return Err(error),
            // The others go on.
            Err(Trouble::Object(cause)) => {
                tracing::error!(connection = %step.scope, "{cause}");
                trouble = Some(cause);
                continue;
            }
        }
        step.stream.cur = Some(serde_json::to_value(&cursor).expect("a cursor is plain"));
        if step.commit(None, vec![]).await? != Committed::Yes {
            return Ok(());
        }
        if !step.has_time() {
            return step.release(Next::Continue, None).await;
        }
    }
    step.stream.cur = Some(serde_json::to_value(&cursor).expect("a cursor is plain"));
    if trouble.is_some() {
        step.stream.trouble = trouble;
        let next = Next::Wait(ctx.now() + TROUBLE_AGAIN);
        return step.release(next, None).await;
    }
    if step.commit(None, vec![]).await? != Committed::Yes {
        return Ok(());
    }
    step.release(Next::CaughtUp(ctx.now() + EVERY), None).await
}

/// After how long something is done again that has so many units, when so many are done every five minutes.
fn pace(units: u64, per_look: u64) -> SignedDuration {
    let looks = i32::try_from(units / per_look + 1).unwrap_or(i32::MAX);
    EVERY.saturating_mul(looks).min(ANEW_MAX)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Those that show something else, and whose time has come.
    Due,
    /// All: an object may have been moved away.
    All,
}

/// The objects, with what is published of what they show.
async fn objects(
    ctx: &Context,
    connection: &ConnectionItem,
    cursor: &mut Cursor,
    which: Which,
) -> Result<Vec<Object>, StageError> {
    let now = ctx.now();
    let mut objects = vec![];
    for collection in Collection::ALL {
        if let Some(view) = view::published(ctx, connection, collection).await? {
            objects.push(Object::new(collection, 0, vec![Published::List(view)]));
        }
    }
    let is_due = |at: Timestamp, pace| which == Which::All || at + pace <= now;
    let looked = cursor.roots;
    if looked.is_none_or(|(at, count)| is_due(at, pace(count, ROOTS_PER_LOOK))) {
        let (roots, count) = roots(ctx, connection).await?;
        cursor.roots = Some((now, count));
        objects.extend(roots);
    }
    objects.retain(|object| match cursor.objects.get(&object.word()) {
        Some(made) if which == Which::Due => {
            made.of != object.digest && is_due(made.at, pace(made.rows, ROWS_PER_LOOK))
        }
        _ => true,
    });
    Ok(objects)
}

/// The roots that were read whole, by the object they belong to, and how many roots there are.
async fn roots(
    ctx: &Context,
    connection: &ConnectionItem,
) -> Result<(Vec<Object>, u64), StageError> {
    let scope = connection.scope();
    let mut buckets: BTreeMap<u64, Vec<Published>> = BTreeMap::new();
    let mut count = 0;
    let mut query = Query::prefix(scope.units(QUEUE), "U#");
    loop {
        let page = ctx.state.query(query.clone()).await?;
        let Some(last) = page.last() else { break };
        query.after = Some(last.key.sk.clone());
        for found in page {
            count += 1;
            let mut unit: StreamItem = items::read(&found.key, &found.item)?;
            if unit.published.is_none() {
                continue;
            }
            // Where it stands within its list is much, and not needed.
            unit.cur = None;
            let IdKey(hash, _) = IdKey::of(stream_name(&found.key));
            let bucket = buckets.entry(hash % BUCKETS).or_default();
            bucket.push(Published::Root(Box::new(unit)));
        }
    }
    let object = |(bucket, parts)| Object::new(Collection::Files, bucket, parts);
    Ok((buckets.into_iter().map(object).collect(), count))
}

/// Makes the next edition of an object; returns how many rows are current.
async fn anew(
    ctx: &Context,
    tables: &dyn Tables,
    connection: &ConnectionItem,
    object: &Object,
) -> Result<u64, Trouble> {
    let views = views(ctx, connection, object).await?;
    let scope = connection.scope().to_string();
    let name = layout::edition_object(object.collection, &scope, object.bucket);
    let of_this = |source: TableError| unusable(&name, &source);
    let mut tries = Tries::default();
    loop {
        let (current, mark) = ctx.curated.store.get(&name).await?.unzip();
        let mut versions = BTreeMap::new();
        if let Some(current) = &current {
            let shown = tables.shown(current).map_err(of_this)?;
            if shown.ended > 0 {
                let ended =
                    layout::ended_object(object.collection, &scope, shown.at, object.bucket);
                put_away(ctx, tables, object.collection, current, &ended).await?;
            }
            if shows(&shown, &views) {
                return Ok(rows(&shown));
            }
            let parts = shown.parts.into_iter();
            versions.extend(parts.map(|part| (part.name, part.version)));
        }
        let edition = tables.edition(object.collection, current, ctx.now());
        let edition = edition.map_err(of_this)?;
        let next = fill(ctx, connection, edition, &views, &versions, of_this).await?;
        let made = tables.shown(&next).map_err(of_this)?;
        match ctx.curated.store.replace(&name, next, mark.as_ref()).await {
            Ok(()) => return Ok(rows(&made)),
            Err(error) => tries.again(ctx, &name, error).await?,
        }
    }
}

/// Rows that are current.
fn rows(shown: &Shown) -> u64 {
    shown.parts.iter().map(|part| part.rows).sum()
}

/// A part by its name, with the view that it is to show and that view's version.
pub(crate) type Views = BTreeMap<String, (String, ViewName)>;

async fn views(
    ctx: &Context,
    connection: &ConnectionItem,
    object: &Object,
) -> Result<Views, StageError> {
    let mut views = Views::new();
    for part in &object.parts {
        let view = match part {
            Published::List(view) => Some(view.clone()),
            Published::Root(unit) => view::of_root(ctx, &connection.scope(), unit).await?,
        };
        if let Some(view) = view {
            let root = view.root.as_ref();
            let name = root.map_or(String::new(), |root| root.id.as_str().into());
            views.insert(name, (view::version(&view), view));
        }
    }
    Ok(views)
}

/// Whether an edition shows just that.
pub(crate) fn shows(shown: &Shown, views: &Views) -> bool {
    let there = shown.parts.iter().filter(|part| !part.version.is_empty());
    let there = there.map(|part| (&part.name, &part.version));
    let wanted = views.iter().map(|(name, (version, _))| (name, version));
    !shown.parts.is_empty() && there.eq(wanted)
}

/// Puts what is published into the next edition, or takes it over from the one before, which shows these versions.
async fn fill(
    ctx: &Context,
    connection: &ConnectionItem,
    mut edition: Box<dyn Edition>,
    views: &Views,
    before: &BTreeMap<String, String>,
    of_this: impl Fn(TableError) -> Trouble,
) -> Result<Bytes, Trouble> {
    for (name, (version, view)) in views {
        if before.get(name) == Some(version) {
            edition.keep(name).map_err(&of_this)?;
            continue;
        }
        edition.begin(name, version).map_err(&of_this)?;
        let mut unfit = None;
        view::each_row(ctx, connection, view, |row| {
            if unfit.is_none() {
                unfit = edition.add(row).err();
            }
        })
        .await?;
        if let Some(error) = unfit {
            return Err(of_this(error));
        }
    }
    edition.finish().map_err(of_this)
}

/// Puts what ended with an edition to what ended earlier on its day, into the object `name`.
async fn put_away(
    ctx: &Context,
    tables: &dyn Tables,
    collection: Collection,
    edition: &Bytes,
    name: &str,
) -> Result<(), Trouble> {
    let mut tries = Tries::default();
    loop {
        let (before, mark) = ctx.curated.store.get(name).await?.unzip();
        let next = tables.ended(collection, edition, before);
        let Some(next) = next.map_err(|source| unusable(name, &source))? else {
            return Ok(());
        };
        match ctx.curated.store.replace(name, next, mark.as_ref()).await {
            Ok(()) => return Ok(()),
            Err(error) => tries.again(ctx, name, error).await?,
        }
    }
}

/// Brings the inventories of a connection up to what is published, for somebody who waits; nobody else is at work.
pub async fn to_the_end(ctx: &Context, connection: &ConnectionItem) -> Result<(), StageError> {
    let (key, stream) = find(ctx, stream(&connection.scope(), ctx.now())).await?;
    let Some(tables) = ctx.curated.tables.clone() else {
        return Ok(());
    };
    let mut cursor: Cursor = stream.cursor(&key)?.unwrap_or_default();
    cursor.roots = None;
    for object in objects(ctx, connection, &mut cursor, Which::All).await? {
        match anew(ctx, &*tables, connection, &object).await {
            Ok(rows) => cursor.made(&object, ctx.now(), rows),
            Err(Trouble::Stage(error)) => return Err(error),
            Err(Trouble::Object(cause)) => return Err(StageError::Refused(cause)),
        }
    }
    let fence = Condition::Equal("v", stream.v.into());
    let cursor = serde_json::to_value(&cursor).expect("a cursor is plain");
    let sets = vec![Set::To("v", (stream.v + 1).into()), Set::To("cur", cursor)];
    ctx.state.write(Write::update(key, fence, sets)).await?;
    Ok(())
}

fn unusable(name: &str, error: &TableError) -> Trouble {
    compact::unusable(
        name,
        error,
        "move the object away: what is current is made anew from what was published, and what ended before is in other objects",
    )
}

/// Names of the objects of one inventory of a connection begin with these.
pub(crate) fn prefixes_of(collection: Collection, scope: &Scope) -> [String; 2] {
    let scope = scope.to_string();
    [
        layout::edition_prefix(collection, &scope),
        layout::ended_prefix(collection, &scope),
    ]
}

/// Names of the objects of all inventories of a connection begin with these.
pub(crate) fn prefixes(scope: &Scope) -> impl Iterator<Item = String> + use<> {
    let scope = scope.clone();
    let all = Collection::ALL.into_iter();
    all.flat_map(move |collection| prefixes_of(collection, &scope))
}

/// How an inventory stands as a table.
#[derive(Debug, Serialize)]
pub struct InventoryStatus {
    pub collection: Collection,
    /// What is current.
    pub rows: u64,
    /// When the newest of its objects was made; what did not change since is not made again.
    pub made: Timestamp,
}

/// How the inventories stand; empty when none was made yet.
pub fn inventories(streams: &[(Key, StreamItem)]) -> Result<Vec<InventoryStatus>, StageError> {
    let Some(cursor) = cursor(streams)? else {
        return Ok(vec![]);
    };
    let mut all = vec![];
    for collection in Collection::ALL {
        let is_of_it = |word: &str| word.split('/').next() == Some(collection.name());
        let objects = cursor.objects.iter().filter(|(word, _)| is_of_it(word));
        let objects: Vec<&Made> = objects.map(|(_, made)| made).collect();
        if let Some(made) = objects.iter().map(|made| made.at).max() {
            let rows = objects.iter().map(|made| made.rows).sum();
            all.push(InventoryStatus {
                collection,
                rows,
                made,
            });
        }
    }
    Ok(all)
}

/// What keeps the inventories from getting on.
pub fn trouble(streams: &[(Key, StreamItem)]) -> Option<&Cause> {
    compact::named(streams, STREAM)?.1.trouble.as_ref()
}

fn cursor(streams: &[(Key, StreamItem)]) -> Result<Option<Cursor>, StageError> {
    match compact::named(streams, STREAM) {
        Some((key, stream)) => stream.cursor(key),
        None => Ok(None),
    }
}

/// What is published of each object, by its name.
pub(crate) async fn published(
    ctx: &Context,
    connection: &ConnectionItem,
) -> Result<BTreeMap<String, Views>, StageError> {
    let scope = connection.scope().to_string();
    let mut published = BTreeMap::new();
    for object in objects(ctx, connection, &mut Cursor::default(), Which::All).await? {
        let name = layout::edition_object(object.collection, &scope, object.bucket);
        published.insert(name, views(ctx, connection, &object).await?);
    }
    Ok(published)
}
