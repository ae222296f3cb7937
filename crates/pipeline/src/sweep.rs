//! sweep: sends a hint for everything that is due; the clock of the system, and what makes lost messages harmless.

use casbah_model::SignedDuration;
use casbah_model::message::Message;

use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, SWEEP_PARTITIONS, Scope, StreamItem, stream_name, time};
use crate::observe::observe;
use crate::roots::close_run;

/// Due items of one partition in one sweep; the rest is found by the next.
const HINTS_MAX: usize = 500;
/// What is due has this long to be looked at by the hint of its own chain (pipeline design, section 7).
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// Looks through the index once. Two sweepers at once, or one that dies in the middle, do no harm.
pub async fn sweep(ctx: &Context) -> Result<(), StageError> {
    let now = ctx.now();
    let up_to = (now - GRACE.min(ctx.settings.sweep_period)).as_millisecond();
    for partition in 0..SWEEP_PARTITIONS {
        let partition = format!("W#{partition:02}");
        for found in ctx.state.due(&partition, up_to, HINTS_MAX).await? {
            if found.key.sk.starts_with("R#") {
                if let Some(scope) = Scope::of(&found.key) {
                    close_run(ctx, &scope, stream_name(&found.key)).await?;
                }
                continue;
            }
            let stream: StreamItem = items::read(&found.key, &found.item)?;
            if time(stream.lease) > now {
                continue;
            }
            let message = Message::Look {
                stage: stream.stage,
                key: found.key,
                version: stream.v,
                ticket: None,
            };
            ctx.queue.send(&message, std::time::Duration::ZERO).await?;
        }
    }
    observe(ctx).await;
    Ok(())
}
