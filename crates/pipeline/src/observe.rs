//! observe: looks at every connection once a minute, records the figures that alarms are made of, and sees to it that
//! people are told.
//!
//! It is the sweeper's second half and bound to cost little. A minute and connection cost two items of a batched read
//! (some 4 KB: the connection and what was told), one query (its streams, some 25 items in 20 KB) and, while a lane has
//! a backlog, one query of the index per feed. Once an hour five queries of the index and those of the known gaps come on
//! top. With 4 KB to a read unit that is about 6 units a minute and 260 000 a month.

mod figures;

use std::time::Duration;

use casbah_connector::Feed;
use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::message::Message;
use casbah_model::ports::{Query, Unit};
use casbah_model::record::RecordId;
use casbah_model::state::{Item, Key, Write};
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::apps;
use crate::books;
use crate::connect::chosen_feeds;
use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, CONNECTIONS, ConnectionItem, StreamItem, connection_key, told_key};
use crate::notify::{self, Facts, ToldItem, news};
use crate::status::streams;

/// Connections in one look; when there are more, each look goes on where the last one ended.
const CONNECTIONS_MAX: usize = 200;
/// Connections in one batched read, of two items each (DynamoDB API reference, "BatchGetItem": 100 items).
const AT_ONCE: usize = 50;
/// Connections that cannot be looked at, after which the look ends: the table itself is in trouble then.
const FAILURES_MAX: u32 = 3;
/// The last unit of a queue that is asked for.
const ONE: usize = 1;

/// Looks at the connections; what goes wrong here must not keep the sweeper from its work.
pub async fn observe(ctx: &Context) {
    if let Err(error) = look(ctx).await {
        tracing::warn!(error = %error.chain(), "connections could not be looked at");
    }
}

/// Where the next look begins, when one does not suffice.
#[derive(Default, Serialize, Deserialize)]
struct Place {
    after: String,
}

fn place_key() -> Key {
    Key::new("OBSERVE", "PLACE")
}

async fn look(ctx: &Context) -> Result<(), StageError> {
    let end = ctx.now() + ctx.settings.function_limit / 4;
    let (ids, is_all) = names(ctx).await?;
    let mut sums = Sums::default();
    let mut last = None;
    let mut failures = 0;
    'looks: for some in ids.chunks(AT_ONCE) {
        let keys: Vec<Key> = some
            .iter()
            .flat_map(|id| [connection_key(id), told_key(id)])
            .collect();
        let found = ctx.state.get(&keys).await?;
        for ((id, found), keys) in some.iter().zip(found.chunks(2)).zip(keys.chunks(2)) {
            if ctx.now() >= end || failures >= FAILURES_MAX {
                break 'looks;
            }
            last = Some(id);
            let [Some(connection), told] = found else {
                continue;
            };
            if let Err(error) = one(ctx, keys, connection, told.as_ref(), &mut sums).await {
                tracing::warn!(connection = %id, error = %error.chain(), "connection could not be looked at");
                failures += 1;
            }
        }
    }
    sums.record(ctx);
    if !is_all {
        let after = last.map(ToString::to_string).unwrap_or_default();
        let item = items::write(&Place { after });
        ctx.state.write(Write::put(place_key(), item)).await?;
    }
    Ok(())
}

/// The connections to look at, and whether these are all.
async fn names(ctx: &Context) -> Result<(Vec<ConnectionId>, bool), StageError> {
    let mut query = Query {
        limit: CONNECTIONS_MAX,
        ..Query::prefix(CONNECTIONS, "")
    };
    let mut found = ctx.state.query(query.clone()).await?;
    let is_all = found.len() < CONNECTIONS_MAX;
    if !is_all {
        let key = place_key();
        let place: Place = match ctx.state.get(std::slice::from_ref(&key)).await?.first() {
            Some(Some(item)) => items::read(&key, item)?,
            _ => Place::default(),
        };
        query.after = Some(place.after).filter(|after| !after.is_empty());
        let more = ctx.state.query(query).await?;
        // Behind the last one the first page comes again.
        found = if more.is_empty() { found } else { more };
    }
    let ids = found.iter().filter_map(|found| found.key.sk.parse().ok());
    Ok((ids.collect(), is_all))
}

/// What is recorded over all connections of a look.
#[derive(Default)]
struct Sums {
    lag: Option<SignedDuration>,
    stuck: u64,
    in_trouble: u64,
    credential_days: Option<f64>,
    open: Option<u64>,
}

impl Sums {
    fn record(&self, ctx: &Context) {
        let record = |name, unit, value| ctx.metrics.record(name, unit, value, &[]);
        if let Some(lag) = self.lag {
            record("LagSeconds", Unit::Seconds, lag.as_secs_f64());
        }
        record("StuckStreams", Unit::Count, self.stuck as f64);
        record("ConnectionsInTrouble", Unit::Count, self.in_trouble as f64);
        if let Some(days) = self.credential_days {
            record("CredentialDaysLeft", Unit::Count, days);
        }
        if let Some(open) = self.open {
            record("LedgerOpen", Unit::Count, open as f64);
        }
    }
}

/// Looks at one connection.
async fn one(
    ctx: &Context,
    keys: &[Key],
    connection: &Item,
    told: Option<&Item>,
    sums: &mut Sums,
) -> Result<(), StageError> {
    let now = ctx.now();
    let connection: ConnectionItem = items::read(&keys[0], connection)?;
    let told: ToldItem = match told {
        Some(told) => items::read(&keys[1], told)?,
        None => ToldItem::default(),
    };
    let id = &connection.settings.id;
    let is_quiet = matches!(
        connection.state,
        ConnectionState::Paused | ConnectionState::Disconnected
    );
    if is_quiet {
        return Ok(());
    }
    let name = id.as_str();
    let record = |metric, unit, value| {
        ctx.metrics
            .record(metric, unit, value, &[("connection", name)])
    };
    let streams = streams(ctx, &connection.scope()).await?;
    let stuck = figures::stuck(&connection, &streams, now);
    sums.stuck += stuck;
    record("StuckStreams", Unit::Count, stuck as f64);
    sums.in_trouble += u64::from(matches!(
        connection.state,
        ConnectionState::Failed { .. } | ConnectionState::Degraded { .. }
    ));
    if let Some(lag) = lag(ctx, &connection, &streams).await? {
        sums.lag = sums.lag.max(Some(lag));
        record("LagSeconds", Unit::Seconds, lag.as_secs_f64());
    }
    let report = connection.report.as_ref();
    if let Some(expires) = report.and_then(|report| report.credential_expires) {
        let days = expires.duration_since(now).as_secs_f64() / 86_400.0;
        sums.credential_days = Some(sums.credential_days.map_or(days, |least| least.min(days)));
        record("CredentialDaysLeft", Unit::Count, days);
    }
    let mut gaps = None;
    if is_its_minute(id, now) {
        gaps = Some(notify::gaps(ctx, &connection.scope()).await?);
        let feeds = feeds(&connection);
        let open = books::waiting_too_long(ctx, &connection, &feeds).await?;
        sums.open = Some(sums.open.unwrap_or(0) + open);
        record("LedgerOpen", Unit::Count, open as f64);
    }
    let before = told.what(&connection);
    let (_, next) = news(id, &before, &Facts::of(&connection, &streams, gaps), now);
    if next != before && told.claimed <= now.as_millisecond() {
        let connection = id.clone();
        let message = Message::Notify { connection };
        ctx.queue.send(&message, Duration::ZERO).await?;
    }
    Ok(())
}

/// What is looked at once an hour is looked at in a minute of the connection's own.
fn is_its_minute(id: &ConnectionId, now: Timestamp) -> bool {
    let minute = now.as_second().div_euclid(60).rem_euclid(60);
    RecordId::new(id.as_str()).hash() % 60 == minute.unsigned_abs()
}

fn feeds(connection: &ConnectionItem) -> Vec<Feed> {
    let connector = apps::connector(connection.settings.app);
    let source = connector.activities();
    source.map_or_else(Vec::new, |source| chosen_feeds(source, connection))
}

/// How far the feed that is most behind is behind, while anything may be read.
async fn lag(
    ctx: &Context,
    connection: &ConnectionItem,
    streams: &[(Key, StreamItem)],
) -> Result<Option<SignedDuration>, StageError> {
    if !connection.state.is_active() {
        return Ok(None);
    }
    let now = ctx.now();
    let feeds = feeds(connection);
    let mut most = None;
    for reading in figures::readings(connection, streams, &feeds)? {
        let mut oldest = None;
        if reading.has_backlog {
            let waiting = connection.scope().waiting(reading.feed.name);
            let found = ctx.state.due(&waiting, now.as_millisecond(), ONE).await?;
            if let Some(first) = found.first() {
                let unit: StreamItem = items::read(&first.key, &first.item)?;
                oldest = unit.content.map(|content| content.available);
            }
        }
        let lag = figures::lag(connection, reading.listed, oldest, now);
        most = most.max(Some(lag));
    }
    Ok(most)
}
