//! What a person reads: how each connection and stream stands, what is missing, and how far the file sweep is.

use std::collections::BTreeMap;

use casbah_model::app::Component;
use casbah_model::connection::{Cause, ConnectionId, ConnectionState, TestReport};
use casbah_model::ports::Query;
use casbah_model::state::Key;
use casbah_model::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::connect::find;
use crate::contents::{self, InsideStatus};
use crate::context::Context;
use crate::delete::{self, Deletion};
use crate::editions::{self, InventoryStatus};
use crate::error::StageError;
use crate::file_scan::QUEUE;
use crate::findings::{self, FindingsStatus};
use crate::items::{
    self, CONNECTIONS, ConnectionItem, FeedItem, GapItem, Held, RunItem, Scope, StreamItem,
    StreamState, stream_name, time,
};
use crate::tables_status::{self, TablesStatus};

/// A stream in trouble that is tried again later than this is not waited for by a run that ends by itself.
const WAITED_FOR: SignedDuration = SignedDuration::from_secs(60);

#[derive(Debug, Serialize)]
pub struct ConnectionStatus {
    pub name: ConnectionId,
    pub app: &'static str,
    #[serde(flatten)]
    pub state: ConnectionState,
    pub components: Vec<Component>,
    pub connected_at: Timestamp,
    pub test: Option<TestReport>,
    pub feeds: BTreeMap<String, FeedItem>,
    pub streams: Vec<StreamStatus>,
    pub file_sweep: Option<SweepStatus>,
    /// How far the looking into files is, where somebody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<InsideStatus>,
    /// Files that break a policy.
    pub findings: Option<FindingsStatus>,
    pub tables: Option<TablesStatus>,
    /// What the connection holds, as tables.
    pub inventories: Vec<InventoryStatus>,
    pub gaps: Vec<GapItem>,
    pub failed_units: Vec<FailedUnit>,
    pub is_caught_up: bool,
    /// How far its deletion is, while it is being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
}

#[derive(Debug, Serialize)]
pub struct StreamStatus {
    pub name: String,
    /// `waiting`, `working`, `behind`, `caught-up`, `held`, `trouble`, `done` or `failed`.
    pub state: &'static str,
    pub records: u64,
    pub next_look: Option<Timestamp>,
    pub trouble: Option<Cause>,
    pub held: Option<Held>,
}

/// How far the current or last sweep over all files is.
#[derive(Debug, Serialize)]
pub struct SweepStatus {
    pub run: String,
    pub begun: Timestamp,
    pub ended: Option<Timestamp>,
    pub roots_planned: u64,
    pub roots_done: u64,
    pub roots_failed: u64,
    /// Whether every root is known yet; before that the coverage is of those named so far.
    pub is_planned: bool,
    pub coverage_percent: f64,
    pub roots_per_minute: f64,
    pub finish_estimate: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub struct FailedUnit {
    pub unit: String,
    pub why: Option<Cause>,
}

/// Every connection of the table.
pub async fn connections(ctx: &Context) -> Result<Vec<ConnectionItem>, StageError> {
    let mut connections = vec![];
    for found in ctx.state.query(Query::prefix(CONNECTIONS, "")).await? {
        let Ok(id) = found.key.sk.parse::<ConnectionId>() else {
            continue;
        };
        connections.extend(find(ctx, &id).await?);
    }
    Ok(connections)
}

/// The status of every connection.
pub async fn status(ctx: &Context) -> Result<Vec<ConnectionStatus>, StageError> {
    let mut all = vec![];
    for connection in connections(ctx).await? {
        all.push(of_connection(ctx, &connection).await?);
    }
    Ok(all)
}

async fn of_connection(
    ctx: &Context,
    connection: &ConnectionItem,
) -> Result<ConnectionStatus, StageError> {
    let scope = connection.scope();
    let now = ctx.now();
    let items = streams(ctx, &scope).await?;
    let settled = settle(ctx, connection, &items).await?;
    if connection.state == ConnectionState::Deleting {
        return of_deletion(connection, &items);
    }
    let is_chosen = |stream: &StreamItem| is_chosen(connection, stream);
    let streams = items.iter().filter(|(_, stream)| is_chosen(stream));
    let streams = streams
        .map(|(key, stream)| of_stream(key, stream, now))
        .collect();
    let mut gaps = vec![];
    for found in ctx.state.query(Query::prefix(scope.gaps(), "")).await? {
        gaps.push(items::read(&found.key, &found.item)?);
    }
    Ok(ConnectionStatus {
        streams,
        file_sweep: sweep_status(ctx, &scope).await?,
        inside: contents::status(ctx, &scope).await?,
        findings: findings::status(ctx, &scope).await?,
        tables: tables_status::status(ctx, &scope, &items).await?,
        inventories: editions::inventories(&items)?,
        gaps,
        failed_units: failed_units(ctx, &scope).await?,
        is_caught_up: settled == Settled::CaughtUp,
        ..bare(connection)
    })
}

/// Half of what there was says nothing, so only how far its removal is.
fn of_deletion(
    connection: &ConnectionItem,
    items: &[(Key, StreamItem)],
) -> Result<ConnectionStatus, StageError> {
    let job = items.iter().find(|(key, _)| delete::is_job_key(key));
    Ok(ConnectionStatus {
        deletion: match job {
            Some((key, job)) => job.cursor(key)?,
            None => None,
        },
        ..bare(connection)
    })
}

/// What the connection itself tells.
fn bare(connection: &ConnectionItem) -> ConnectionStatus {
    ConnectionStatus {
        name: connection.settings.id.clone(),
        app: connection.settings.app.name(),
        state: connection.state.clone(),
        components: connection.settings.components.iter().collect(),
        connected_at: connection.connected_at,
        test: connection.report.clone(),
        feeds: connection.feeds.clone(),
        streams: vec![],
        file_sweep: None,
        inside: None,
        findings: None,
        tables: None,
        inventories: vec![],
        gaps: vec![],
        failed_units: vec![],
        is_caught_up: false,
        deletion: None,
    }
}

/// How one stream stands.
pub fn of_stream(key: &Key, stream: &StreamItem, now: Timestamp) -> StreamStatus {
    let state = match stream.st {
        StreamState::Wait => "waiting",
        StreamState::Done => "done",
        StreamState::Failed => "failed",
        StreamState::Run if stream.held.is_some() => "held",
        StreamState::Run if stream.trouble.is_some() => "trouble",
        StreamState::Run if time(stream.lease) > now => "working",
        StreamState::Run if stream.caught_up => "caught-up",
        StreamState::Run => "behind",
    };
    StreamStatus {
        name: stream_name(key).into(),
        state,
        records: stream.records,
        next_look: (stream.st == StreamState::Run).then(|| time(stream.wake)),
        trouble: stream.trouble.clone(),
        held: stream.held,
    }
}

async fn failed_units(ctx: &Context, scope: &Scope) -> Result<Vec<FailedUnit>, StageError> {
    let mut failed = vec![];
    let mut units = all_units(ctx, scope, QUEUE).await?;
    units.extend(all_units(ctx, scope, contents::QUEUE).await?);
    for (key, unit) in units {
        if unit.st == StreamState::Failed {
            failed.push(FailedUnit {
                unit: stream_name(&key).into(),
                why: unit.trouble,
            });
        }
    }
    Ok(failed)
}

/// Every unit of a queue.
pub async fn all_units(
    ctx: &Context,
    scope: &Scope,
    queue: &str,
) -> Result<Vec<(Key, StreamItem)>, StageError> {
    let mut units = vec![];
    let query = Query::prefix(scope.units(queue), "U#");
    items::each(ctx, query, |key, unit| units.push((key.clone(), unit))).await?;
    Ok(units)
}

pub async fn streams(ctx: &Context, scope: &Scope) -> Result<Vec<(Key, StreamItem)>, StageError> {
    let found = ctx.state.query(Query::prefix(scope.pk(), "S#")).await?;
    found
        .into_iter()
        .map(|found| Ok((found.key.clone(), items::read(&found.key, &found.item)?)))
        .collect()
}

async fn runs(ctx: &Context, scope: &Scope) -> Result<Vec<(String, RunItem)>, StageError> {
    let query = Query {
        is_descending: true,
        limit: 2,
        ..Query::prefix(scope.pk(), "R#")
    };
    let found = ctx.state.query(query).await?;
    let read = |found: &casbah_model::state::Keyed| {
        Ok((
            stream_name(&found.key).to_string(),
            items::read(&found.key, &found.item)?,
        ))
    };
    found.iter().map(read).collect()
}

/// How far the current or last sweep over all files is.
pub async fn sweep_status(ctx: &Context, scope: &Scope) -> Result<Option<SweepStatus>, StageError> {
    let Some((name, run)) = runs(ctx, scope).await?.into_iter().next() else {
        return Ok(None);
    };
    let until = run.ended.unwrap_or_else(|| ctx.now());
    let minutes = (until.duration_since(run.begun).as_secs_f64() / 60.0).max(1.0 / 60.0);
    let rate = run.fin as f64 / minutes;
    let left = run.planned.saturating_sub(run.fin);
    let finish_estimate = (run.ended.is_none() && rate > 0.0).then(|| {
        let seconds = left as f64 / rate * 60.0;
        ctx.now() + SignedDuration::from_secs(seconds as i64)
    });
    let coverage_percent = if run.planned == 0 {
        0.0
    } else {
        100.0 * run.fin as f64 / run.planned as f64
    };
    Ok(Some(SweepStatus {
        run: name,
        begun: run.begun,
        ended: run.ended,
        roots_planned: run.planned,
        roots_done: run.fin - run.failed.min(run.fin),
        roots_failed: run.failed,
        is_planned: run.r#final == 1,
        coverage_percent,
        roots_per_minute: rate,
        finish_estimate,
    }))
}

/// Whether there is anything left to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    No,
    CaughtUp,
    /// Everything that can work has caught up; something cannot, and says why in the status.
    InTrouble,
}

/// Whether every connection has read everything there was to read.
pub async fn settled(ctx: &Context) -> Result<Settled, StageError> {
    let mut all = Settled::CaughtUp;
    for connection in connections(ctx).await? {
        let items = streams(ctx, &connection.scope()).await?;
        match settle(ctx, &connection, &items).await? {
            Settled::No => return Ok(Settled::No),
            Settled::InTrouble => all = Settled::InTrouble,
            Settled::CaughtUp => {}
        }
    }
    Ok(all)
}

/// Whether a stream is worked on, with the components as they are chosen now.
pub fn is_chosen(connection: &ConnectionItem, stream: &StreamItem) -> bool {
    stream.components.is_empty() || connection.settings.components.has_any(&stream.components)
}

async fn settle(
    ctx: &Context,
    connection: &ConnectionItem,
    items: &[(Key, StreamItem)],
) -> Result<Settled, StageError> {
    let mut settled = match connection.state {
        ConnectionState::Failed { .. } | ConnectionState::Paused => return Ok(Settled::InTrouble),
        // Nobody waits for it; what there was to read when it was connected does not matter any more.
        ConnectionState::Disconnected => return Ok(Settled::CaughtUp),
        ConnectionState::Deleting => return Ok(Settled::No),
        ConnectionState::Degraded { .. } => Settled::InTrouble,
        ConnectionState::Pending | ConnectionState::Connected => Settled::CaughtUp,
    };
    let now = ctx.now();
    let mut is_waiting = false;
    let mut is_at_work = false;
    for (_, stream) in items
        .iter()
        .filter(|(_, stream)| is_chosen(connection, stream))
    {
        let is_put_off =
            stream.trouble.is_some() && time(stream.wake) > now + WAITED_FOR && stream.lease == 0;
        match stream.st {
            StreamState::Wait => is_waiting = true,
            StreamState::Failed => settled = Settled::InTrouble,
            StreamState::Done => {}
            StreamState::Run if stream.held.is_some() || is_put_off => settled = Settled::InTrouble,
            StreamState::Run if stream.caught_up && time(stream.wake) > now => {}
            StreamState::Run => is_at_work = true,
        }
    }
    // What waits for the gate waits in vain while the list behind the gate is in trouble.
    if is_at_work || (is_waiting && settled == Settled::CaughtUp) {
        return Ok(Settled::No);
    }
    if connection.state == ConnectionState::Pending && settled == Settled::CaughtUp {
        return Ok(Settled::No);
    }
    let is_running = runs(ctx, &connection.scope())
        .await?
        .iter()
        .any(|(_, run)| run.st == StreamState::Run);
    if is_running && settled == Settled::CaughtUp {
        Ok(Settled::No)
    } else {
        Ok(settled)
    }
}
