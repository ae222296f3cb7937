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

/// When there is something to do again, not before `earliest`, and why not now.
///
/// A unit that waits for its next try keeps the lane from having caught up.
pub async fn idle_until(
    ctx: &Context,
    waiting: &str,
    earliest: Timestamp,
) -> Result<(Next, Option<Cause>), StageError> {
    let first = ctx.state.due(waiting, i64::MAX >> 11, 1).await?;
    let Some(first) = first.first() else {
        return Ok((Next::CaughtUp(ctx.now() + IDLE), None));
    };
    let unit: StreamItem = items::read(&first.key, &first.item)?;
    Ok((Next::Wait(time(unit.wake).max(earliest)), unit.trouble))
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
