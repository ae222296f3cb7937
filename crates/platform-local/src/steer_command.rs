//! `casbah accept`, `pause` and `resume`: what a person decides about a connection, beside a run or without one.

use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::state::{Change, Condition, Key, Write};
use casbah_pipeline::{Context, StageError, connect, user_scan};

use crate::cli::{AcceptArgs, SteerArgs};
use crate::exit::{Exit, Failure};
use crate::folder;
use crate::output::print;
use crate::runtime;
use crate::table::{count, number};

/// Publishes what was held back.
pub fn accept(args: &AcceptArgs) -> Result<Exit, Failure> {
    let id = folder::name(&args.name)?;
    let system = folder::look(&args.out)?;
    let held = runtime::real()?.block_on(user_scan::accept(&system.ctx, &id, &args.collection))?;
    let left = count(held.of.saturating_sub(held.missing), "entry");
    print(&format!(
        "{id}: {} is published with {left}, {} fewer than before",
        args.collection,
        number(held.missing)
    ))?;
    Ok(Exit::Fine)
}

pub fn pause(args: &SteerArgs) -> Result<Exit, Failure> {
    let id = folder::name(&args.name)?;
    let system = folder::look(&args.out)?;
    runtime::real()?.block_on(async {
        connect::pause(&system.ctx, &id).await?;
        // Somebody wants it paused now, so the config file does not bring it back.
        mark(&system.ctx, &id, Absence::Over).await
    })?;
    print(&format!(
        "{id} is paused; `casbah resume {id} --out {}` lets it go on",
        args.out.display()
    ))?;
    Ok(Exit::Fine)
}

pub fn resume(args: &SteerArgs) -> Result<Exit, Failure> {
    let id = folder::name(&args.name)?;
    let system = folder::look(&args.out)?;
    let was_paused = runtime::real()?.block_on(async {
        let unknown = || StageError::UnknownConnection {
            name: id.to_string(),
        };
        let connection = connect::find(&system.ctx, &id).await?.ok_or_else(unknown)?;
        let is_paused = connection.state == ConnectionState::Paused;
        if is_paused {
            connect::resume(&system.ctx, &id).await?;
            mark(&system.ctx, &id, Absence::Over).await?;
        }
        Ok::<_, Failure>(is_paused)
    })?;
    match was_paused {
        true => print(&format!(
            "{id} goes on with the next or current `casbah run`"
        ))?,
        false => print(&format!("{id} was not paused"))?,
    }
    Ok(Exit::Fine)
}

/// Whether a connection is paused because the config file does not name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    Begun,
    Over,
}

pub async fn mark(ctx: &Context, id: &ConnectionId, absence: Absence) -> Result<(), Failure> {
    let (condition, change) = match absence {
        Absence::Begun => (Condition::Always, Change::Put(Default::default())),
        Absence::Over => (Condition::Always, Change::Delete),
    };
    let write = Write {
        key: absence_key(id),
        condition,
        change,
    };
    ctx.state.write(write).await.map_err(StageError::from)?;
    Ok(())
}

pub async fn is_absent(ctx: &Context, id: &ConnectionId) -> Result<bool, Failure> {
    let found = ctx
        .state
        .get(&[absence_key(id)])
        .await
        .map_err(StageError::from)?;
    Ok(found.iter().any(Option::is_some))
}

/// After the clock, which is looked for at the beginning of this partition.
fn absence_key(id: &ConnectionId) -> Key {
    Key::new("LOCAL", format!("NOT-IN-FILE#{id}"))
}
