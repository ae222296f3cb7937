//! The gate: what waits for the first complete user scan, and how it opens once (pipeline design, section 10).
//!
//! Opening, the commit of the last page of users, and the start of everything that waits are one transaction.
//! Adding a stream that waits raises the gate's version as opening does, so neither can miss the other.

use casbah_model::Timestamp;
use casbah_model::ports::Query;
use casbah_model::state::{Condition, Key, Set, Write};

use crate::context::Context;
use crate::error::StageError;
use crate::hint;
use crate::items::{self, GateItem, GateState, Scope, StreamItem, StreamState};

/// Writes that open the gate and start what waits, and the streams to hint afterwards; `None` when it is open.
pub struct Opening {
    pub writes: Vec<Write>,
    pub started: Vec<(Key, StreamItem)>,
}

pub async fn read(ctx: &Context, scope: &Scope) -> Result<GateItem, StageError> {
    let key = scope.gate();
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    match found.first() {
        Some(Some(item)) => items::read(&key, item),
        _ => Ok(GateItem {
            v: 0,
            st: GateState::Shut,
            opened_by: None,
        }),
    }
}

/// Prepares to open the gate; `None` when it is open already.
pub async fn opening(
    ctx: &Context,
    scope: &Scope,
    opened_by: &str,
    now: Timestamp,
) -> Result<Option<Opening>, StageError> {
    let gate = read(ctx, scope).await?;
    if gate.st == GateState::Open {
        return Ok(None);
    }
    let condition = Condition::All(vec![
        Condition::Equal("v", gate.v.into()),
        Condition::Equal("st", "SHUT".into()),
    ]);
    let sets = vec![
        Set::To("v", (gate.v + 1).into()),
        Set::To("st", "OPEN".into()),
        Set::To("opened_by", opened_by.into()),
    ];
    let mut writes = vec![Write::update(scope.gate(), condition, sets)];
    let mut started = vec![];
    for found in ctx.state.query(Query::prefix(scope.pk(), "S#")).await? {
        let mut stream: StreamItem = items::read(&found.key, &found.item)?;
        if stream.st != StreamState::Wait {
            continue;
        }
        let condition = Condition::All(vec![
            Condition::Equal("v", stream.v.into()),
            Condition::Equal("st", "WAIT".into()),
        ]);
        stream.v += 1;
        stream.st = StreamState::Run;
        // What was put off on purpose stays put off.
        stream.wake = stream.wake.max(now.as_millisecond());
        stream.index(&found.key);
        let mut sets = vec![
            Set::To("v", stream.v.into()),
            Set::To("st", "RUN".into()),
            Set::To("wake", stream.wake.into()),
        ];
        sets.extend(hint::index_sets(&stream));
        writes.push(Write::update(found.key.clone(), condition, sets));
        started.push((found.key, stream));
    }
    Ok(Some(Opening { writes, started }))
}

/// Writes that create streams behind the gate: they wait while it is shut, and run at once when it is open.
pub async fn creations(
    ctx: &Context,
    scope: &Scope,
    streams: Vec<(Key, StreamItem)>,
) -> Result<(Vec<Write>, Vec<(Key, StreamItem)>), StageError> {
    let gate = read(ctx, scope).await?;
    let state = match gate.st {
        GateState::Shut => "SHUT",
        GateState::Open => "OPEN",
    };
    let condition = Condition::All(vec![
        Condition::Equal("v", gate.v.into()),
        Condition::Equal("st", state.into()),
    ]);
    let mut writes = vec![Write::update(
        scope.gate(),
        condition,
        vec![Set::To("v", (gate.v + 1).into())],
    )];
    let mut created = vec![];
    for (key, stream) in absent(ctx, streams).await? {
        let stream = if gate.st == GateState::Shut {
            stream.waiting()
        } else {
            stream
        };
        writes.push(Write::create(key.clone(), items::write(&stream)));
        created.push((key, stream));
    }
    if created.is_empty() {
        Ok((vec![], vec![]))
    } else {
        Ok((writes, created))
    }
}

/// Those of the streams that do not exist yet.
pub async fn absent(
    ctx: &Context,
    streams: Vec<(Key, StreamItem)>,
) -> Result<Vec<(Key, StreamItem)>, StageError> {
    let keys: Vec<Key> = streams.iter().map(|(key, _)| key.clone()).collect();
    let mut found = vec![];
    for chunk in keys.chunks(100) {
        found.extend(ctx.state.get(chunk).await?);
    }
    Ok(streams
        .into_iter()
        .zip(found)
        .filter(|(_, item)| item.is_none())
        .map(|(stream, _)| stream)
        .collect())
}

/// Sends the first hints of streams that were started.
pub async fn hint_all(ctx: &Context, started: &[(Key, StreamItem)]) -> Result<(), StageError> {
    for (key, stream) in started {
        if stream.st == StreamState::Run {
            hint::hint(ctx, key, stream, None).await?;
        }
    }
    Ok(())
}
