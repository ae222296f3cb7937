//! Items that events named in roots that are walked: each is read again by itself, because a walk takes hours (decision
//! 0010).
//!
//! They wait in the table beside the unit and not in it: whoever added to a unit that is worked on would fence the worker
//! off. An item that is asked for again meanwhile gets another mark, so that only what was read is taken away.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_connector::{ConnectorError, FileSource, Session};
use casbah_model::SignedDuration;
use casbah_model::file::Root;
use casbah_model::ports::{Query, StoreError};
use casbah_model::record::RecordId;
use casbah_model::state::{
    Change, Condition, EXPIRES, Item, Key, Keyed, TRANSACTION_WRITES_MAX, Write,
};

use crate::context::Context;
use crate::error::StageError;
use crate::file_hints::KEYS_PER_READ;
use crate::items::{self, Position, Scope, StreamItem};
use crate::sink::InventorySink;
use crate::step::{Committed, Step};

/// Items that one commit reads again: their removals go into its transaction.
const ITEMS_PER_COMMIT: usize = 50;
/// What nobody has read by then was found by a sweep.
const LIVES: SignedDuration = SignedDuration::from_hours(48);

/// How the reading of single items ended.
pub(crate) enum Read {
    /// As far as there was time.
    Done,
    FencedOff,
    Failed(ConnectorError),
}

/// Notes items that are to be read again, by the units of their roots.
///
/// Before the first walk of a root is over nothing is noted: it comes by every item anyway, and the events of the days
/// before would have each read twice.
pub(crate) async fn note(
    ctx: &Context,
    scope: &Scope,
    touched: &BTreeMap<Key, Vec<String>>,
) -> Result<(), StageError> {
    let keys: Vec<Key> = touched.keys().cloned().collect();
    let mark = ctx.random_id();
    let expires = (ctx.now() + LIVES).as_second();
    let mut writes = vec![];
    for some in keys.chunks(KEYS_PER_READ) {
        for (key, found) in some.iter().zip(ctx.state.get(some).await?) {
            let Some(found) = found else { continue };
            let unit: StreamItem = items::read(key, &found)?;
            let (Some(root), Some(_)) = (unit.root, unit.published) else {
                continue;
            };
            for item in touched.get(key).into_iter().flatten() {
                let asked = Item::from([
                    ("v".to_string(), mark.as_str().into()),
                    ("item".to_string(), item.as_str().into()),
                    (EXPIRES.to_string(), expires.into()),
                ]);
                writes.push(Write::put(asked_key(scope, &root, item), asked));
            }
        }
    }
    for some in writes.chunks(TRANSACTION_WRITES_MAX) {
        match ctx.state.transact(&ctx.random_id(), some.to_vec()).await {
            // It is a hint: what is lost is found by the sweep.
            Ok(()) | Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether items of a root wait to be read again.
pub(crate) async fn is_any(ctx: &Context, scope: &Scope, root: &Root) -> Result<bool, StageError> {
    Ok(!waiting(ctx, scope, root, 1).await?.is_empty())
}

/// Reads the items again that wait, into the pass that is published; without any it makes sure that the root is there.
pub(crate) async fn read(
    step: &mut Step<'_>,
    session: &Session,
    source: &dyn FileSource,
    root: &Root,
) -> Result<Read, StageError> {
    let ctx = step.ctx;
    let ep = step.stream.ep;
    loop {
        // A pass that was not finished is no place for them: the next one is complete in itself.
        let is_current = step.stream.published.is_some_and(|at| at.ep == ep);
        let asked = match is_current {
            true => waiting(ctx, &step.scope, root, ITEMS_PER_COMMIT).await?,
            false => vec![],
        };
        let names = asked
            .iter()
            .filter_map(|asked| asked.item.get("item")?.as_str());
        let names: Vec<String> = names.map(String::from).collect();
        let objects = ctx.patient_objects();
        let mut sink = InventorySink::new(Arc::clone(&objects), step.place("files"))?;
        // Whoever works beside this gets what of the limit is not needed here.
        session.gates().expect(Some(names.len()));
        let read = source.items(session, root, &names, &mut sink).await;
        session.gates().expect(None);
        if let Err(error) = read {
            return Ok(Read::Failed(error));
        }
        if asked.is_empty() {
            return Ok(Read::Done);
        }
        sink.accept().await?;
        let entry = sink.finish(&*objects, false).await?;
        step.stream.published = Some(Position {
            ep,
            seq: step.stream.seq,
        });
        let is_last = asked.len() < ITEMS_PER_COMMIT;
        let mut removals: Vec<Write> = asked.into_iter().filter_map(removal).collect();
        loop {
            match step.commit(Some(entry.clone()), removals.clone()).await? {
                Committed::Yes => break,
                Committed::FencedOff => return Ok(Read::FencedOff),
                // It was asked for again meanwhile, and stays.
                Committed::Refused { index, .. } => {
                    removals.remove(index);
                }
            }
        }
        if is_last || !step.has_time() {
            return Ok(Read::Done);
        }
    }
}

async fn waiting(
    ctx: &Context,
    scope: &Scope,
    root: &Root,
    limit: usize,
) -> Result<Vec<Keyed>, StageError> {
    let query = Query {
        limit,
        ..Query::prefix(scope.asked(), format!("{}#", root.id))
    };
    Ok(ctx.state.query(query).await?)
}

fn asked_key(scope: &Scope, root: &Root, item: &str) -> Key {
    // What stands in an address is of any length; a key is not.
    Key::new(
        scope.asked(),
        format!("{}#{}", root.id, RecordId::new(item)),
    )
}

/// Takes away an item that was read, unless it was asked for again.
fn removal(asked: Keyed) -> Option<Write> {
    Some(Write {
        condition: Condition::Equal("v", asked.item.get("v")?.clone()),
        key: asked.key,
        change: Change::Delete,
    })
}
