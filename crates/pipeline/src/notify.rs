//! notify: tells people how a connection stands, once per change, and gives dead letters a name.
//!
//! What was told last is an item of its own. Telling is at least once: first the notice, then the write that it was
//! told. A claim, written before, keeps two that tell at one time from telling the same. What is told follows from the
//! table alone: [`crate::observe`] looks every minute who has not been told, so a message that is lost costs a minute.

mod dead_letter;
mod news;

use casbah_http::retry;
use casbah_model::SignedDuration;
use casbah_model::connection::ConnectionId;
use casbah_model::ports::{Query, StoreError};
use casbah_model::state::{Change, Condition, Key, Write};
use serde::{Deserialize, Serialize};

pub use dead_letter::{DEAD, DeadLetter, DeadLetterItem, dead_letter, dead_letters};
pub use news::{Ending, Facts, Gaps, What, news};

use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, ConnectionItem, Scope, connection_key, told_key};
use crate::status::streams;
use crate::step::ms_duration;

/// Whoever tells has this long before somebody else does: a notice takes a second.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);
/// Tries of one write while the table is busy or its answer is lost.
const TRIES_MAX: u32 = 6;
/// Gaps that are counted: beyond these a connection has other troubles.
const GAPS_MAX: u64 = 10_000;

/// What was told of a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToldItem {
    pub v: u64,
    pub incarnation: u32,
    /// Who wrote last.
    pub own: String,
    /// Epoch milliseconds until which somebody is telling; 0 when nobody is.
    pub claimed: i64,
    pub what: What,
}

impl ToldItem {
    /// What was told of this incarnation: of another one nothing counts.
    pub fn what(&self, connection: &ConnectionItem) -> What {
        match self.incarnation == connection.incarnation {
            true => self.what.clone(),
            false => What::default(),
        }
    }
}

/// Tells how a connection stands, if that was not told yet.
pub async fn tell(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    let keys = [connection_key(id), told_key(id)];
    let found = ctx.state.get(&keys).await?;
    let Some(Some(connection)) = found.first() else {
        return Ok(());
    };
    let connection: ConnectionItem = items::read(&keys[0], connection)?;
    let told: ToldItem = match found.get(1) {
        Some(Some(item)) => items::read(&keys[1], item)?,
        _ => ToldItem::default(),
    };
    let now = ctx.now();
    if told.claimed > now.as_millisecond() {
        return Ok(());
    }
    let scope = connection.scope();
    let gaps = gaps(ctx, &scope).await?;
    let facts = Facts::of(&connection, &streams(ctx, &scope).await?, Some(gaps));
    let before = told.what(&connection);
    let (notices, next) = news(id, &before, &facts, now);
    if next == before {
        return Ok(());
    }
    let mut item = ToldItem {
        v: told.v,
        incarnation: connection.incarnation,
        own: ctx.random_id(),
        claimed: (now + CLAIM).as_millisecond(),
        what: before,
    };
    if !notices.is_empty() {
        if !write(ctx, id, &mut item).await? {
            return Ok(());
        }
        for notice in &notices {
            ctx.notifier.notify(notice).await?;
            tracing::info!(connection = %id, code = notice.code, "told");
        }
    }
    (item.claimed, item.what) = (0, next);
    // Refused: somebody took over because this took too long, and tells the same once more.
    write(ctx, id, &mut item).await?;
    Ok(())
}

/// Writes the item as the next version; false when somebody else wrote first.
async fn write(ctx: &Context, id: &ConnectionId, item: &mut ToldItem) -> Result<bool, StageError> {
    let condition = match item.v {
        0 => Condition::NotExists,
        version => Condition::Equal("v", version.into()),
    };
    item.v += 1;
    let write = Write {
        key: told_key(id),
        condition,
        change: Change::Put(items::write(item)),
    };
    for attempt in 1..=TRIES_MAX {
        match ctx.state.write(write.clone()).await {
            Ok(_) => return Ok(true),
            // An earlier try may have been the one: no other writer has our id and the version we gave it.
            Err(StoreError::Refused { current, .. }) => {
                let current: Option<ToldItem> = current
                    .map(|current| items::read(&write.key, &current))
                    .transpose()?;
                return Ok(current.is_some_and(|one| one.v == item.v && one.own == item.own));
            }
            Err(StoreError::Busy | StoreError::Unknown) => {
                let wait = retry::quick_wait(attempt, ctx.rng.fraction());
                ctx.sleep(ms_duration(wait)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(StageError::Store(StoreError::Busy))
}

/// Counts the known gaps of a connection: a query per thousand.
pub async fn gaps(ctx: &Context, scope: &Scope) -> Result<Gaps, StageError> {
    let mut gaps = Gaps::default();
    let mut query = Query::prefix(scope.gaps(), "");
    while gaps.count < GAPS_MAX {
        let page = ctx.state.query(query.clone()).await?;
        for found in &page {
            gaps.note(items::read(&found.key, &found.item)?);
        }
        let Some(Key { sk, .. }) = page.last().map(|last| &last.key) else {
            break;
        };
        query.after = Some(sk.clone());
    }
    Ok(gaps)
}
