//! Planning: every target is read, and what would become of it is written down, before anybody approves anything.

use casbah_connector::{ConnectorError, Governance, Order, Session};
use casbah_model::action::{ActionState, Effect, Undo};
use casbah_model::connection::Cause;
use futures::StreamExt;

use super::attempt::{about_unit, gone};
use super::item::{ActionItem, OrderLine, PlanLine, Wish};
use super::record::Journal;
use super::{Turn, lists, selection};
use crate::error::StageError;
use crate::step::Step;

/// Targets whose plans share one commit.
const CHUNK: u64 = 100;
/// Objects that a plan has at the most, as the table keeps a line of each.
const OBJECTS_MAX: u64 = 200;
/// Targets that are read side by side.
const WIDTH: usize = 8;
/// The family of the objects that hold plans.
const FAMILY: &str = "plans";

/// Plans the next targets of an action; after the last the plan stands.
pub(crate) async fn turn(
    step: &mut Step<'_>,
    session: &Session,
    governance: &dyn Governance,
    mut action: ActionItem,
) -> Result<Turn, StageError> {
    if let Some(selecting) = action.selecting.take_if(|selecting| !selecting.is_done) {
        return selection::turn(step, governance, action, selecting).await;
    }
    let ctx = step.ctx;
    let from = action.counts.planned;
    let chunk = CHUNK.max(action.counts.objects.div_ceil(OBJECTS_MAX));
    let to = action.counts.objects.min(from + chunk);
    let orders: Vec<OrderLine> = lists::load(ctx, &action.orders, from..to).await?;
    let plans = futures::stream::iter(&orders)
        .map(|line| plan(session, governance, &action, line))
        .buffered(WIDTH);
    let plans: Vec<Result<PlanLine, ConnectorError>> = plans.collect().await;
    let mut lines = vec![];
    let mut broke_off = None;
    for plan in plans {
        match plan {
            Ok(line) => lines.push(line),
            Err(error) => {
                broke_off = Some(error);
                break;
            }
        }
    }
    for line in &lines {
        count(&mut action, line);
    }
    if !lines.is_empty() {
        let place = step.place(FAMILY);
        action.plan.extend(lists::store(ctx, place, &lines).await?);
    }
    let mut journal = Journal::new(step, ctx)?;
    journal.tell(&mut action).await?;
    if action.counts.planned == action.counts.objects {
        settle(step, &mut action);
        if !action.state.is_open() {
            journal.end(&action, ctx.now()).await?;
        }
    }
    super::save(step, action, journal, broke_off).await
}

async fn plan(
    session: &Session,
    governance: &dyn Governance,
    action: &ActionItem,
    line: &OrderLine,
) -> Result<PlanLine, ConnectorError> {
    let order = Order {
        kind: action.kind,
        target: &line.target,
        parameters: &action.parameters,
        planned_from: None,
    };
    let (label, effect) = match governance.plan(session, order).await {
        Ok(plan) => (plan.label, plan.effect),
        Err(error) => {
            let refused = about_unit(error)?;
            let cause = refused.cause().cloned().unwrap_or_else(gone);
            (line.target.to_string(), Effect::Refused(cause))
        }
    };
    Ok(PlanLine {
        target: line.target.clone(),
        label,
        effect,
    })
}

fn count(action: &mut ActionItem, line: &PlanLine) {
    let counts = &mut action.counts;
    counts.planned += 1;
    match &line.effect {
        Effect::Change { undo, .. } => {
            counts.changes += 1;
            counts.reversible += u64::from(*undo == Undo::Possible);
        }
        Effect::Nothing => counts.already += 1,
        Effect::Refused(_) => counts.refused += 1,
    }
}

/// What becomes of an action whose plan stands.
fn settle(step: &Step<'_>, action: &mut ActionItem) {
    let (ctx, now) = (step.ctx, step.ctx.now());
    let policy = &ctx.policy;
    action.needs_approval = policy.needs_approval(action.kind, &action.counts);
    let counts = &action.counts;
    if counts.changes == 0 {
        let is_so = counts.refused == 0;
        action.state = match is_so {
            true => ActionState::Verified,
            false => ActionState::Failed,
        };
        action.cause = (!is_so).then(|| {
            Cause::new(
                "refused",
                format!("none of the {} objects can be changed", counts.objects),
                "the plan says why for each of them",
            )
        });
    } else if action.wish == Wish::DryRun {
        action.state = ActionState::Planned;
    } else if action.wish == Wish::Apply && action.needs_approval.is_none() {
        action.state = ActionState::Approved;
    } else {
        action.state = ActionState::Pending;
        action.expires_at = Some(now + policy.approval_life);
    }
}
