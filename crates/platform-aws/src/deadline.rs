//! The end of an invocation: work is asked to stop some time before it, and left behind shortly before it.
//!
//! What is left behind loses nothing but work: its message comes again, and the sweeper finds its stream.

use std::future::Future;
use std::sync::atomic::Ordering;

use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::Context;
use futures::future::{Either, select};

/// Steps plan to end at half of their time. Those that still run this long before the end, or in the last quarter of a
/// short invocation, stop at their next page.
const STOP_BEFORE: SignedDuration = SignedDuration::from_secs(15);
/// Time to say which messages were not done: without an answer all messages of the batch come again.
const LEAVE_BEFORE: SignedDuration = SignedDuration::from_secs(2);

/// Works until it is done or the time is over; `None` when it was left behind.
pub(crate) async fn within<T>(
    ctx: &Context,
    deadline: Timestamp,
    work: impl Future<Output = T>,
) -> Option<T> {
    let work = std::pin::pin!(work);
    let left = ctx.now().duration_until(deadline).max(SignedDuration::ZERO);
    let stop = ctx.clock.sleep_until(deadline - STOP_BEFORE.min(left / 4));
    let work = match select(work, stop).await {
        Either::Left((done, _)) => return Some(done),
        Either::Right(((), work)) => work,
    };
    ctx.stopping.store(true, Ordering::Relaxed);
    match select(work, ctx.clock.sleep_until(deadline - LEAVE_BEFORE)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
