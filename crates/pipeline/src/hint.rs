//! Hints: messages that say "look at this stream", and making a stream due now.

use std::time::Duration;

use casbah_model::message::{Message, Ticket};
use casbah_model::ports::{DELAY_MAX, StoreError};
use casbah_model::state::{Condition, Key, Set, Value, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, StreamItem, StreamState, time};

/// Sends the hint for a stream's next step; what is due later than a queue can wait is left to the sweeper.
pub async fn hint(
    ctx: &Context,
    key: &Key,
    stream: &StreamItem,
    ticket: Option<Ticket>,
) -> Result<(), StageError> {
    let wait_ms = stream.wake - ctx.now().as_millisecond();
    let delay = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
    if delay > DELAY_MAX {
        return Ok(());
    }
    let message = Message::Look {
        stage: stream.stage,
        key: key.clone(),
        version: stream.v,
        ticket,
    };
    if let Err(error) = ctx.queue.send(&message, delay).await {
        // A lost hint costs time only: the sweeper finds the stream by its wake time.
        tracing::warn!(stream = %key, %error, "hint not sent");
    }
    Ok(())
}

/// Longer waits than this are not for a slice: slices go round among a few lanes.
const SLICE_WAIT_MAX: SignedDuration = SignedDuration::from_mins(2);

/// Makes a free stream due now and sends its hint; a stream that is being worked on looks again by itself.
pub async fn nudge(ctx: &Context, key: &Key) -> Result<(), StageError> {
    let found = ctx.state.get(std::slice::from_ref(key)).await?;
    let Some(Some(item)) = found.first() else {
        return Ok(());
    };
    let mut stream: StreamItem = items::read(key, item)?;
    let now = ctx.now();
    // A stream that waits for its slice of a limit holds a ticket for it, which a new hint would take from it.
    let waits_for_slice = !stream.caught_up && time(stream.wake) < now + SLICE_WAIT_MAX;
    let is_idle = stream.st == StreamState::Run
        && stream.lease < now.as_millisecond()
        && time(stream.wake) > now + SignedDuration::from_secs(1)
        && !waits_for_slice;
    if !is_idle {
        return Ok(());
    }
    let write = due_write(key, &mut stream, now);
    match ctx.state.write(write).await {
        Ok(_) => hint(ctx, key, &stream, None).await,
        Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes a stream due now and free, for one who knows that nobody is at work on it; `None` when it is not there.
pub(crate) async fn free(ctx: &Context, key: &Key) -> Result<Option<StreamItem>, StageError> {
    let found = ctx.state.get(std::slice::from_ref(key)).await?;
    let Some(Some(item)) = found.first() else {
        return Ok(None);
    };
    let mut stream: StreamItem = items::read(key, item)?;
    ctx.state
        .write(due_write(key, &mut stream, ctx.now()))
        .await?;
    Ok(Some(stream))
}

/// Makes a stream due, and free: whoever is at work on it is fenced off.
pub(crate) fn due_write(key: &Key, stream: &mut StreamItem, now: Timestamp) -> Write {
    let condition = Condition::Equal("v", stream.v.into());
    stream.v += 1;
    // Nobody who was at work may take this write for a commit of its own whose answer was lost.
    stream.own = String::new();
    stream.lease = 0;
    stream.wake = now.as_millisecond();
    stream.caught_up = false;
    stream.index(key);
    let mut sets = vec![
        Set::To("v", stream.v.into()),
        Set::To("own", stream.own.as_str().into()),
        Set::To("lease", stream.lease.into()),
        Set::To("wake", stream.wake.into()),
        Set::To("caught_up", false.into()),
    ];
    sets.extend(index_sets(stream));
    Write::update(key.clone(), condition, sets)
}

/// Makes changes together with streams that must look at them: alone, a change would wait for their next look, and one
/// that is at work already knows nothing of it.
///
/// # Errors
/// `Refused` when something moved in this moment: read again and repeat.
pub async fn change_and_wake(
    ctx: &Context,
    changes: Vec<Write>,
    streams: &[Key],
) -> Result<(), StageError> {
    let now = ctx.now();
    let mut writes = changes;
    let mut due = vec![];
    let found = match streams.is_empty() {
        true => vec![],
        false => ctx.state.get(streams).await?,
    };
    for (key, found) in streams.iter().zip(found) {
        let Some(item) = found else { continue };
        let mut stream: StreamItem = items::read(key, &item)?;
        if stream.st == StreamState::Run {
            writes.push(due_write(key, &mut stream, now));
            due.push((key, stream));
        }
    }
    ctx.state.transact(&ctx.random_id(), writes).await?;
    for (key, stream) in due {
        hint(ctx, key, &stream, None).await?;
    }
    Ok(())
}

/// The index attributes of a stream, for writes that set only some of it.
pub fn index_sets(stream: &StreamItem) -> [Set; 2] {
    let set =
        |name, value: Option<Value>| value.map_or(Set::Remove(name), |value| Set::To(name, value));
    [
        set("gw", stream.gw.clone().map(Value::from)),
        set("gk", stream.gk.map(Value::from)),
    ]
}
