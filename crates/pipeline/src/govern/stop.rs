//! The switch that holds all actions at once.

use casbah_model::Timestamp;
use casbah_model::state::{Change, Condition, Key, Write};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::StageError;
use crate::items;

/// Who stopped all actions, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

fn stop_key() -> Key {
    Key::new("GOVERN", "STOP")
}

/// Holds all actions of all connections: what is under way ends with the units that are begun.
pub async fn stop(ctx: &Context, by: &str, reason: &str) -> Result<Stop, StageError> {
    let stop = Stop {
        by: by.into(),
        at: ctx.now(),
        reason: reason.into(),
    };
    ctx.state
        .write(Write::put(stop_key(), items::write(&stop)))
        .await?;
    tracing::warn!(by, "all actions are stopped");
    Ok(stop)
}

/// Lets actions go on, within a minute.
pub async fn resume(ctx: &Context) -> Result<(), StageError> {
    let write = Write {
        key: stop_key(),
        condition: Condition::Always,
        change: Change::Delete,
    };
    ctx.state.write(write).await?;
    Ok(())
}

/// Whether all actions are stopped, and by whom.
pub async fn is_stopped(ctx: &Context) -> Result<Option<Stop>, StageError> {
    let key = stop_key();
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    match found.first() {
        Some(Some(item)) => Ok(Some(items::read(&key, item)?)),
        _ => Ok(None),
    }
}
