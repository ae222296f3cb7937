//! editions: users, groups, privileges, app permissions and files as tables, what is current and since when.
//!
//! Each object is made anew as a whole, over the edition that was read, from what is published by then. It holds what is
//! current and, behind that, what ended with this very edition; the next one puts these rows to those that ended earlier
//! before it leaves them out. So whoever dies or is slow here loses no state and gives none two ends (decision 0007).

use std::collections::{BTreeMap, BTreeSet};

use casbah_http::retry;
use casbah_lake::layout;
use casbah_lake::view::IdKey;
use casbah_model::collection::Collection;
use casbah_model::connection::Cause;
use casbah_model::message::{Stage, ViewName};
use casbah_model::ports::{ObjectError, Query};
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::tables::{Edition, Shown, State, TableError, Tables};
use casbah_model::transport::Bytes;
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::compact::{self, TROUBLE_AGAIN, Trouble, find, listed};
use crate::context::Context;
use crate::error::StageError;
use crate::file_scan::QUEUE;
use crate::items::{self, ConnectionItem, Position, Scope, StreamItem, stream_name};
use crate::step::{Committed, Next, Step, ms_duration};
use crate::view;

/// The stream's name.
pub const STREAM: &str = "editions";
/// How often it is looked whether something was published.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// A large object is made anew less often, so that the work does not grow with the tenant: so many rows every five
/// minutes, and each object once an hour at the least.
const ROWS_PER_LOOK: u64 = 8_192;
const ANEW_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Roots that are looked through every five minutes; more are looked through less often, for the same reason.
const ROOTS_PER_LOOK: u64 = 1_000;
/// Files are kept in so many objects, by the root they lie in: ten million files are 300 000 rows in each.
const BUCKETS: u64 = 32;
/// Tries to replace one object, others replacing it as well, or the store being busy.
const REPLACE_TRIES_MAX: u32 = 8;

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
        let of = object.digest();
        self.objects.insert(object.word(), Made { of, at, rows });
    }
}

/// The stream that makes the editions of a connection.
pub fn stream(scope: &Scope, now: Timestamp) -> (Key, StreamItem) {
    let key = scope.stream(STREAM);
    let mut stream = StreamItem::new(&key, Stage::Compact, &[], now + EVERY);
    stream.caught_up = true;
    (key, stream)
}

pub(crate) fn is_ours(step: &Step<'_>) -> bool {
    step.name() == STREAM
}

/// An object, and what is published of what it shows.
struct Object {
    collection: Collection,
    bucket: u64,
    parts: Vec<Published>,
}

/// What is published of one part.
enum Published {
    /// A list of the directory.
    List(ViewName),
    /// The files of a root.
    Root(Box<StreamItem>, Position),
}

impl Object {
    /// Its name in the cursor.
    fn word(&self) -> String {
        match self.collection {
            Collection::Files => format!("{}/{:02}", self.collection, self.bucket),
            other => other.to_string(),
        }
    }

    fn digest(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Published::List(view) => text += &view::version(view),
                Published::Root(unit, at) => {
                    let root = unit.root.as_ref();
                    let (id, unshared) = root.map(|root| (&root.id, root.unshared)).unzip();
                    text += &format!("{id:?} {unshared:?} {} {}\n", at.ep, at.seq);
                }
            }
        }
        format!("{:016x}", IdKey::of(&text).0)
    }
}

/// Makes the editions that are due.
pub(crate) async fn make(mut step: Step<'_>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let Some(tables) = ctx.curated.tables.clone() else {
        tracing::warn!("a hint to make editions came to a function that makes no tables");
        return step.release(Next::Wait(ctx.now() + EVERY), None).await;
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
            objects.push(Object {
                collection,
                bucket: 0,
                parts: vec![Published::List(view)],
            });
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
            made.of != object.digest() && is_due(made.at, pace(made.rows, ROWS_PER_LOOK))
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
            let Some(published) = unit.published else {
                continue;
            };
            // Where it stands within its list is much, and not needed.
            unit.cur = None;
            let IdKey(hash, _) = IdKey::of(stream_name(&found.key));
            let bucket = buckets.entry(hash % BUCKETS).or_default();
            bucket.push(Published::Root(Box::new(unit), published));
        }
    }
    let object = |(bucket, parts)| Object {
        collection: Collection::Files,
        bucket,
        parts,
    };
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
    for tries in 1..=REPLACE_TRIES_MAX {
        let current = ctx.curated.store.get(&name).await?;
        let (content, mark) = current.unzip();
        let of_this = |source: TableError| unusable(&name, &source);
        if let Some(content) = &content {
            put_away(ctx, tables, &scope, object, content).await?;
        }
        let before = match &content {
            Some(content) => tables.shown(content).map_err(of_this)?,
            None => Shown::default(),
        };
        if shows(&before, &views) {
            return Ok(rows(&before));
        }
        let edition = tables.edition(object.collection, content, ctx.now());
        let edition = edition.map_err(of_this)?;
        let next = fill(ctx, connection, edition, &views, of_this).await?;
        let made = tables.shown(&next).map_err(of_this)?;
        match ctx.curated.store.replace(&name, next, mark.as_ref()).await {
            Ok(()) => return Ok(rows(&made)),
            Err(ObjectError::Different { .. } | ObjectError::Unavailable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        back_off(ctx, tries).await;
    }
    let reason = "others replace it all the time, or the store is busy".into();
    Err(ObjectError::Unavailable { name, reason }.into())
}

async fn back_off(ctx: &Context, tries: u32) {
    let wait = retry::quick_wait(tries, ctx.rng.fraction());
    ctx.sleep(ms_duration(wait)).await;
}

/// Rows that are current.
fn rows(shown: &Shown) -> u64 {
    shown.parts.iter().map(|part| part.rows).sum()
}

/// A part by its name, and the view that it is to show.
type Views = BTreeMap<String, ViewName>;

async fn views(
    ctx: &Context,
    connection: &ConnectionItem,
    object: &Object,
) -> Result<Views, StageError> {
    let mut views = Views::new();
    for part in &object.parts {
        match part {
            Published::List(view) => {
                views.insert(String::new(), view.clone());
            }
            Published::Root(unit, _) => {
                if let Some(view) = view::of_root(ctx, &connection.scope(), unit).await?
                    && let Some(root) = &view.root
                {
                    views.insert(root.id.as_str().into(), view);
                }
            }
        }
    }
    Ok(views)
}

/// Whether an edition shows just that.
fn shows(shown: &Shown, views: &Views) -> bool {
    let there = shown.parts.iter().filter(|part| !part.version.is_empty());
    let there = there.map(|part| (part.name.clone(), part.version.clone()));
    let wanted = views
        .iter()
        .map(|(name, view)| (name.clone(), view::version(view)));
    !shown.parts.is_empty() && there.eq(wanted)
}

/// Puts what is published into the next edition, or takes it over from the one before.
async fn fill(
    ctx: &Context,
    connection: &ConnectionItem,
    mut edition: Box<dyn Edition>,
    views: &Views,
    of_this: impl Fn(TableError) -> Trouble,
) -> Result<Bytes, Trouble> {
    for (name, view) in views {
        let version = view::version(view);
        let mut parts = edition.before().parts.iter();
        if parts.any(|part| part.name == *name && part.version == version) {
            edition.keep(name).map_err(&of_this)?;
            continue;
        }
        edition.begin(name, &version).map_err(&of_this)?;
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

/// Puts what ended with an edition to what ended earlier on its day.
async fn put_away(
    ctx: &Context,
    tables: &dyn Tables,
    scope: &str,
    object: &Object,
    edition: &Bytes,
) -> Result<(), Trouble> {
    let collection = object.collection;
    let name = layout::edition_object(collection, scope, object.bucket);
    let shown = tables.shown(edition);
    let shown = shown.map_err(|source| unusable(&name, &source))?;
    if shown.ended == 0 {
        return Ok(());
    }
    let name = layout::ended_object(collection, scope, shown.at, object.bucket);
    for tries in 1..=REPLACE_TRIES_MAX {
        let (before, mark) = ctx.curated.store.get(&name).await?.unzip();
        let next = tables.ended(collection, edition, before);
        let Some(next) = next.map_err(|source| unusable(&name, &source))? else {
            return Ok(());
        };
        match ctx.curated.store.replace(&name, next, mark.as_ref()).await {
            Ok(()) => return Ok(()),
            Err(ObjectError::Different { .. } | ObjectError::Unavailable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        back_off(ctx, tries).await;
    }
    let reason = "others replace it all the time, or the store is busy".into();
    Err(ObjectError::Unavailable { name, reason }.into())
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

/// Names of the objects of all inventories of a connection begin with these.
pub fn prefixes(scope: &Scope) -> impl Iterator<Item = String> + use<> {
    let scope = scope.to_string();
    Collection::ALL.into_iter().flat_map(move |collection| {
        [
            layout::edition_prefix(collection, &scope),
            layout::ended_prefix(collection, &scope),
        ]
    })
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
    let ours = streams.iter().find(|(key, _)| stream_name(key) == STREAM);
    ours?.1.trouble.as_ref()
}

fn cursor(streams: &[(Key, StreamItem)]) -> Result<Option<Cursor>, StageError> {
    match streams.iter().find(|(key, _)| stream_name(key) == STREAM) {
        Some((key, stream)) => stream.cursor(key),
        None => Ok(None),
    }
}

/// What reading the inventories of a connection showed.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    /// States that things are or were in.
    pub(crate) states: u64,
    pub(crate) faults: Vec<String>,
}

/// Holds the inventories against what is published, and what ended against what is current: nothing is in two states at
/// once. Objects that wait for their next edition are held against themselves only.
pub(crate) async fn check(
    ctx: &Context,
    connection: &ConnectionItem,
) -> Result<Checked, StageError> {
    let mut checked = Checked::default();
    let Some(tables) = ctx.curated.tables.clone() else {
        return Ok(checked);
    };
    let scope = connection.scope();
    let mut published = BTreeMap::new();
    for object in objects(ctx, connection, &mut Cursor::default(), Which::All).await? {
        let name = layout::edition_object(object.collection, &scope.to_string(), object.bucket);
        published.insert(name, views(ctx, connection, &object).await?);
    }
    for collection in Collection::ALL {
        let mut states: BTreeSet<State> = BTreeSet::new();
        let of_it = [
            layout::edition_prefix(collection, &scope.to_string()),
            layout::ended_prefix(collection, &scope.to_string()),
        ];
        for prefix in of_it {
            for name in listed(ctx, &prefix).await? {
                let content = match ctx.objects.get(&name).await {
                    Ok(content) => content,
                    Err(error) => {
                        checked.faults.push(error.to_string());
                        continue;
                    }
                };
                checked.objects += 1;
                checked.bytes += content.len() as u64;
                let (Ok(shown), Ok(found)) = (tables.shown(&content), tables.states(&content))
                else {
                    checked
                        .faults
                        .push(format!("{name}: it is no table of ours"));
                    continue;
                };
                if let Some(views) = published.get(&name).filter(|views| shows(&shown, views)) {
                    let fault = differs(ctx, connection, views, &found).await?;
                    checked
                        .faults
                        .extend(fault.map(|fault| format!("{name}: {fault}")));
                }
                states.extend(found);
            }
        }
        checked.states += states.len() as u64;
        let states: Vec<State> = states.into_iter().collect();
        let twice = |pair: &&[State]| {
            pair[0].id == pair[1].id && pair[0].to.is_none_or(|to| to > pair[1].from)
        };
        let twice = states.windows(2).filter(twice);
        checked.faults.extend(twice.map(|pair| {
            let State { id, from, .. } = &pair[1];
            format!("{collection}: {id} is in two states at {from}")
        }));
    }
    Ok(checked)
}

/// How what is current in an object differs from what is published.
async fn differs(
    ctx: &Context,
    connection: &ConnectionItem,
    views: &Views,
    states: &[State],
) -> Result<Option<String>, StageError> {
    let current = states.iter().filter(|state| state.to.is_none());
    let mut current: BTreeMap<&str, i64> = current
        .map(|state| (state.id.as_str(), state.state))
        .collect();
    let mut fault = None;
    for view in views.values() {
        view::each_row(ctx, connection, view, |row| {
            if current.remove(row.id) != Some(row.state) {
                fault = Some(format!(
                    "{} is missing, or another state of it is there",
                    row.id
                ));
            }
        })
        .await?;
    }
    let left = current.keys().next();
    Ok(fault.or(left.map(|id| format!("{id} is there and not published"))))
}
