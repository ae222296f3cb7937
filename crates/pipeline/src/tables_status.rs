//! How far the tables of a connection are, and what they take.

use casbah_lake::ManifestEntry;
use casbah_model::Timestamp;
use casbah_model::state::Key;
use serde::Serialize;

use crate::compact::{Cursor, Lags, behind, cursor, lanes, listed, prefixes};
use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, Scope, StreamItem};

/// How the tables of a connection stand.
#[derive(Debug, Serialize)]
pub struct TablesStatus {
    /// Events that were merged over all time.
    pub events: u64,
    /// Lines that were no events; their records are in the lake.
    pub unfit: u64,
    pub last: Option<Lags>,
    /// They are being made anew.
    pub is_rebuilding: bool,
    /// When the oldest commit was made whose events are in no table yet.
    pub waiting_since: Option<Timestamp>,
}

/// How the tables stand; `None` when nothing was put into any yet.
pub async fn status(
    ctx: &Context,
    scope: &Scope,
    streams: &[(Key, StreamItem)],
) -> Result<Option<TablesStatus>, StageError> {
    let Some(cursor) = cursor(streams)? else {
        return Ok(None);
    };
    Ok(Some(TablesStatus {
        events: cursor.events,
        unfit: cursor.unfit,
        last: cursor.last,
        is_rebuilding: cursor.again.is_some(),
        waiting_since: waiting_since(ctx, scope, streams, &cursor).await?,
    }))
}

/// When the oldest commit was made whose events are in no table yet.
async fn waiting_since(
    ctx: &Context,
    scope: &Scope,
    streams: &[(Key, StreamItem)],
    cursor: &Cursor,
) -> Result<Option<Timestamp>, StageError> {
    let mut oldest: Option<Timestamp> = None;
    for lane in lanes(streams) {
        let query = behind(scope, cursor, lane);
        for found in ctx.state.query(query).await? {
            let entry: ManifestEntry = items::read(&found.key, &found.item)?;
            if !entry.events.is_empty() {
                oldest = Some(oldest.map_or(entry.at, |known| known.min(entry.at)));
                break;
            }
        }
    }
    Ok(oldest)
}

/// How many objects the tables of a connection have, and their size; reads all of them.
pub async fn size(ctx: &Context, scope: &Scope) -> Result<(u64, u64), StageError> {
    let (mut objects, mut bytes) = (0, 0);
    for prefix in prefixes(&ctx.curated.region, scope) {
        for name in listed(ctx, &prefix).await? {
            objects += 1;
            bytes += ctx.objects.get(&name).await?.len() as u64;
        }
    }
    Ok((objects, bytes))
}
