//! Hints for files: what an audit event or a notification names as changed makes its root due at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use casbah_connector::{Connector, Sweep};
use casbah_model::ports::{Query, StoreError};
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::asked;
use crate::context::Context;
use crate::error::StageError;
use crate::file_scan::{GONE, LANES, QUEUE};
use crate::hint::{index_sets, nudge};
use crate::items::{self, Scope, StreamItem, StreamState, time};
use crate::sink::Touched;
use crate::status::all_units;

/// Addresses of roots are read again after this.
const ROOTS_FRESH: SignedDuration = SignedDuration::from_mins(10);
/// A root that was looked at because of an event is not looked at again within this.
const SOON_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Items of one batched read (DynamoDB API reference, "BatchGetItem").
pub(crate) const KEYS_PER_READ: usize = 100;

/// Roots by address, per connection: a cache that may vanish.
#[derive(Default)]
pub struct RootsCache(Mutex<BTreeMap<String, (Timestamp, Roots)>>);

type Roots = Arc<BTreeMap<String, Key>>;

/// Makes the roots due in which files were changed or shared. It is a hint: what is lost is found by the sweep.
pub async fn look_soon(
    ctx: &Context,
    scope: &Scope,
    connector: &'static dyn Connector,
    touched: &Touched,
) -> Result<(), StageError> {
    let Some(source) = connector.files().filter(|_| !touched.is_empty()) else {
        return Ok(());
    };
    let roots = roots(ctx, scope).await?;
    let mut due: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    for address in touched.iter() {
        let address = normal(address);
        // The root whose address is the longest beginning of the file's: the last one that is not after it.
        let candidates = roots.range(..=address.clone()).rev().take(8);
        let found = candidates.into_iter().find_map(|(root, key)| {
            let rest = address.strip_prefix(root.as_str())?;
            let is_below = rest.is_empty() || rest.starts_with('/');
            is_below.then(|| (key, rest.trim_start_matches('/').to_string()))
        });
        if let Some((key, rest)) = found {
            due.entry(key.clone()).or_default().push(rest);
        }
    }
    if source.sweep() == Sweep::Walk {
        asked::note(ctx, scope, &due).await?;
    }
    look_at(ctx, scope, &due.into_keys().collect::<Vec<_>>()).await
}

/// Looks whether roots of a walk are still there that the list of a run does not name any more.
pub(crate) async fn look_for_gone(
    ctx: &Context,
    scope: &Scope,
    run: &str,
) -> Result<(), StageError> {
    let mut is_any = false;
    for (key, unit) in all_units(ctx, scope, QUEUE).await? {
        let trouble = unit.trouble.as_ref();
        let is_known =
            unit.st == StreamState::Failed && trouble.is_some_and(|trouble| trouble.code == GONE);
        if unit.last_run.as_deref() != Some(run) && !is_known {
            is_any |= make_due(ctx, &key, unit).await?;
        }
    }
    wake_lane(ctx, scope, is_any).await
}

/// Makes finished units due, and wakes a lane for them. What is not there is no root that we know.
pub(crate) async fn look_at(ctx: &Context, scope: &Scope, units: &[Key]) -> Result<(), StageError> {
    let mut is_any = false;
    for some in units.chunks(KEYS_PER_READ) {
        let found = ctx.state.get(some).await?;
        for (key, item) in some.iter().zip(found) {
            let Some(item) = item else { continue };
            let unit: StreamItem = items::read(key, &item)?;
            if unit.st == StreamState::Done {
                is_any |= make_due(ctx, key, unit).await?;
            }
        }
    }
    wake_lane(ctx, scope, is_any).await
}

async fn wake_lane(ctx: &Context, scope: &Scope, is_any: bool) -> Result<(), StageError> {
    if is_any {
        let lane = ctx.rng.next_u64() as usize % LANES;
        nudge(ctx, &scope.stream(&format!("files-{lane}"))).await?;
    }
    Ok(())
}

async fn roots(ctx: &Context, scope: &Scope) -> Result<Roots, StageError> {
    let now = ctx.now();
    let name = scope.to_string();
    if let Some((read, roots)) = ctx
        .roots
        .0
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .get(&name)
        && now.duration_since(*read) < ROOTS_FRESH
    {
        return Ok(Arc::clone(roots));
    }
    let mut roots = BTreeMap::new();
    let query = Query::prefix(scope.units(QUEUE), "U#");
    items::each(ctx, query, |key, unit: StreamItem| {
        if let Some(root) = unit.root {
            roots.insert(normal(&root.address), key.clone());
        }
    })
    .await?;
    let roots = Arc::new(roots);
    let mut cache = ctx
        .roots
        .0
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    cache.insert(name, (now, Arc::clone(&roots)));
    Ok(roots)
}

/// Addresses differ in case, in a last slash, and in whether spaces are written out.
fn normal(address: &str) -> String {
    address
        .trim_end_matches('/')
        .replace("%20", " ")
        .to_lowercase()
}

/// Makes a unit due that others made, or one that is new.
pub(crate) async fn make_due_or_new(
    ctx: &Context,
    key: &Key,
    new: impl FnOnce() -> StreamItem,
) -> Result<bool, StageError> {
    let found = ctx.state.get(std::slice::from_ref(key)).await?;
    if let Some(item) = found.into_iter().next().flatten() {
        return make_due(ctx, key, items::read(key, &item)?).await;
    }
    let mut unit = new();
    unit.index(key);
    let create = Write::create(key.clone(), items::write(&unit));
    match ctx.state.write(create).await {
        Ok(_) => Ok(true),
        Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes a unit due again that is over, outside of any run; one that is waiting or at work will see the change anyway.
pub(crate) async fn make_due(
    ctx: &Context,
    key: &Key,
    mut unit: StreamItem,
) -> Result<bool, StageError> {
    let now = ctx.now();
    let state = match unit.st {
        StreamState::Done => "DONE",
        StreamState::Failed => "FAILED",
        StreamState::Wait | StreamState::Run => return Ok(false),
    };
    let due = now.max(time(unit.wake) + SOON_AGAIN);
    let condition = Condition::All(vec![
        Condition::Equal("v", unit.v.into()),
        Condition::Equal("st", state.into()),
    ]);
    unit.v += 1;
    unit.st = StreamState::Run;
    unit.lease = 0;
    unit.wake = due.as_millisecond();
    unit.index(key);
    let mut sets = vec![
        Set::To("v", unit.v.into()),
        Set::To("st", "RUN".into()),
        Set::To("wake", unit.wake.into()),
        Set::To("lease", 0.into()),
        Set::To("caught_up", false.into()),
    ];
    sets.extend(index_sets(&unit));
    match ctx
        .state
        .write(Write::update(key.clone(), condition, sets))
        .await
    {
        Ok(_) => Ok(true),
        Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
