//! What all lanes have in common: they wait for units, and end so that no unit waits for them in vain.

use casbah_connector::Session;
use casbah_model::connection::Cause;
use casbah_model::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::error::StageError;
use crate::hint::nudge;
use crate::items::{self, StreamItem, time};
use crate::step::{Next, Step, leave};

/// A lane without work looks again after this, in case a nudge was lost.
pub const IDLE: SignedDuration = SignedDuration::from_mins(10);
/// Units that are looked at to learn whether one is more than a place in a stream, of which a feed has two at the most.
const PLACES_MAX: usize = 5;

/// When there is something to do again, not before `earliest`, and why not now.
///
/// A unit that waits for its next try keeps the lane from having caught up; one behind which there is nothing yet does not.
pub async fn idle_until(
    ctx: &Context,
    waiting: &str,
    earliest: Timestamp,
) -> Result<(Next, Option<Cause>), StageError> {
    let first = ctx.state.due(waiting, i64::MAX >> 11, PLACES_MAX).await?;
    let units: Vec<StreamItem> = first
        .iter()
        .map(|found| items::read(&found.key, &found.item))
        .collect::<Result<_, _>>()?;
    let is_place = |unit: &StreamItem| {
        let content = unit.content.as_ref();
        unit.fails == 0 && content.is_some_and(|content| content.not_before.is_some())
    };
    let Some(first) = units.first() else {
        return Ok((Next::CaughtUp(ctx.now() + IDLE), None));
    };
    let at = time(first.wake).max(earliest);
    Ok(match units.iter().find(|unit| !is_place(unit)) {
        Some(behind) => (Next::Wait(at), behind.trouble.clone()),
        None => (Next::CaughtUp(at.min(ctx.now() + IDLE)), None),
    })
}

/// Ends a lane's step.
pub async fn end(
    step: Step<'_>,
    session: &Session,
    next: Next,
    waiting: &str,
) -> Result<(), StageError> {
    let (ctx, key) = (step.ctx, step.key.clone());
    let ticket = leave(session, &next).await;
    let is_idle = matches!(next, Next::CaughtUp(_));
    step.release(next, ticket).await?;
    // A unit that came between the last look and the release found the lane at work and did not wake it.
    let now_ms = ctx.now().as_millisecond();
    if is_idle && !ctx.state.due(waiting, now_ms, 1).await?.is_empty() {
        nudge(ctx, &key).await?;
    }
    Ok(())
}
