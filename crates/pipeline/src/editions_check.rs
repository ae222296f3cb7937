//! Whether the inventories tell what is published, and nothing twice: for `casbah ledger --verify`.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::collection::Collection;
use casbah_model::tables::{State, Tables};

use crate::compact::listed;
use crate::context::Context;
use crate::editions::{Views, prefixes_of, published, shows};
use crate::error::StageError;
use crate::items::ConnectionItem;
use crate::ledger::Verified;
use crate::view;

/// Holds the inventories against what is published, and what ended against what is current: nothing is in two states at
/// once. Objects that wait for their next edition are held against themselves only.
pub(crate) async fn check(
    ctx: &Context,
    tables: &dyn Tables,
    connection: &ConnectionItem,
    verified: &mut Verified,
) -> Result<(), StageError> {
    let published = published(ctx, connection).await?;
    for collection in Collection::ALL {
        let mut states: BTreeSet<State> = BTreeSet::new();
        for prefix in prefixes_of(collection, &connection.scope()) {
            for name in listed(ctx, &prefix).await? {
                let Some(content) = verified.content(ctx, &name).await else {
                    continue;
                };
                let (Ok(shown), Ok(found)) = (tables.shown(&content), tables.states(&content))
                else {
                    verified.no_table(&name);
                    continue;
                };
                if let Some(views) = published.get(&name).filter(|views| shows(&shown, views)) {
                    let fault = differs(ctx, connection, views, &found).await?;
                    let fault = fault.map(|fault| format!("{name}: {fault}"));
                    verified.faults.extend(fault);
                }
                states.extend(found);
            }
        }
        verified.states += states.len() as u64;
        verified.faults.extend(twice(collection, &states));
    }
    Ok(())
}

/// What is in two states at once.
fn twice(collection: Collection, states: &BTreeSet<State>) -> Vec<String> {
    let pairs = states.iter().zip(states.iter().skip(1));
    let both =
        pairs.filter(|(one, next)| one.id == next.id && one.to.is_none_or(|to| to > next.from));
    both.map(|(_, State { id, from, .. })| format!("{collection}: {id} is in two states at {from}"))
        .collect()
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
    for (_, view) in views.values() {
        view::each_row(ctx, connection, view, |row| {
            if current.remove(row.id) != Some(row.state) {
                let id = row.id;
                fault = Some(format!("{id} is missing, or another state of it is there"));
            }
        })
        .await?;
    }
    let left = current.keys().next();
    Ok(fault.or(left.map(|id| format!("{id} is there and not published"))))
}
