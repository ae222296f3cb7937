//! Findings that somebody said may be so.

use std::collections::BTreeMap;

use casbah_model::connection::Cause;
use casbah_model::ports::Query;
use casbah_model::state::{Change, Condition, Key, Write};
use casbah_policy::Standing;

use super::finding::{Acceptance, Finding, unit_of};
use super::{QUEUE, STREAM, of_unit};
use crate::context::Context;
use crate::error::StageError;
use crate::file_hints::make_due;
use crate::hint::nudge;
use crate::items::{self, ConnectionItem, Scope};

/// Letters of a reason, and of who gives it.
const REASON_MAX: usize = 1_000;
const NAME_MAX: usize = 200;

fn key(scope: &Scope, id: &str) -> Key {
    Key::new(scope.pk(), format!("F#{id}"))
}

/// What was accepted, by the ids of findings.
pub(super) async fn all(
    ctx: &Context,
    scope: &Scope,
) -> Result<BTreeMap<String, Acceptance>, StageError> {
    let mut all = BTreeMap::new();
    items::each(ctx, Query::prefix(scope.pk(), "F#"), |key, accepted| {
        let id = key.sk.trim_start_matches("F#").to_string();
        all.insert(id, accepted);
    })
    .await?;
    Ok(all)
}

/// A finding as it is to be shown: what was decided is told by the next judgement.
pub(super) fn shown(mut finding: Finding, accepted: &BTreeMap<String, Acceptance>) -> Finding {
    if finding.standing.is_over() {
        return finding;
    }
    finding.accepted = accepted.get(&finding.id).cloned();
    finding.standing = match (&finding.accepted, finding.standing) {
        (Some(_), _) => Standing::Accepted,
        (None, Standing::Accepted) => Standing::Open,
        (None, standing) => standing,
    };
    finding
}

/// Says that a finding may be so, until it is reopened: it is told as suppressed, and counted as open no more.
///
/// # Errors
/// `Refused` when there is no such finding, it is over, or no reason is given.
pub async fn accept(
    ctx: &Context,
    connection: &ConnectionItem,
    id: &str,
    by: &str,
    reason: &str,
) -> Result<Finding, StageError> {
    let reason = reason.trim();
    let is_short = |text: &str, most| text.chars().count() <= most;
    if reason.is_empty() || !is_short(reason, REASON_MAX) || !is_short(by, NAME_MAX) {
        let what = format!("a reason has 1 to {REASON_MAX} letters");
        return Err(refused("reason", what, "say why it may be so"));
    }
    let finding = find(ctx, connection, id).await?;
    if finding.standing.is_over() {
        let what = format!("finding {id} is {}", finding.standing.name());
        return Err(refused("over", what, "nothing has to be done"));
    }
    let accepted = Acceptance {
        by: by.into(),
        at: ctx.now(),
        reason: reason.into(),
    };
    let key = key(&connection.scope(), id);
    let write = Write {
        key: key.clone(),
        condition: Condition::Always,
        change: Change::Put(items::write(&accepted)),
    };
    ctx.state.write(write).await?;
    judge_soon(ctx, connection, id).await?;
    Ok(shown(finding, &BTreeMap::from([(id.into(), accepted)])))
}

/// Says that an accepted finding may not be so any more.
///
/// # Errors
/// `Refused` when there is no such finding.
pub async fn reopen(
    ctx: &Context,
    connection: &ConnectionItem,
    id: &str,
) -> Result<Finding, StageError> {
    let finding = find(ctx, connection, id).await?;
    let write = Write {
        key: key(&connection.scope(), id),
        condition: Condition::Always,
        change: Change::Delete,
    };
    ctx.state.write(write).await?;
    judge_soon(ctx, connection, id).await?;
    Ok(shown(finding, &BTreeMap::new()))
}

async fn find(ctx: &Context, connection: &ConnectionItem, id: &str) -> Result<Finding, StageError> {
    if let Some(unit) = unit_of(id) {
        let unit = connection.scope().unit(QUEUE, &unit);
        let mut kept = of_unit(ctx, &unit).await?.into_iter();
        if let Some(finding) = kept.find(|finding| finding.id == id) {
            return Ok(finding);
        }
    }
    let what = format!(
        "there is no finding with this id in {}",
        connection.settings.id
    );
    Err(refused("finding", what, "`casbah findings` names them"))
}

async fn judge_soon(
    ctx: &Context,
    connection: &ConnectionItem,
    id: &str,
) -> Result<(), StageError> {
    let Some(unit) = unit_of(id) else {
        return Ok(());
    };
    let scope = connection.scope();
    let key = scope.unit(QUEUE, &unit);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    if let Some(item) = found.into_iter().next().flatten() {
        make_due(ctx, &key, items::read(&key, &item)?).await?;
        nudge(ctx, &scope.stream(STREAM)).await?;
    }
    Ok(())
}

fn refused(code: &str, what: String, fix: &str) -> StageError {
    StageError::Refused(Cause::new(code, what, fix))
}
