//! Actions as people read them, on the command line and over the API.

use std::collections::BTreeMap;

use casbah_model::Timestamp;
use casbah_model::action::{ActionId, ActionKind, ActionState, Effect, Target};
use casbah_model::connection::{Cause, ConnectionId};
use serde::{Deserialize, Serialize};

use super::item::{ActionItem, Counts, Happened, PlanLine};
use super::lists;
use super::selection::Selection;
use crate::context::Context;
use crate::error::StageError;

/// An action without its units.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActionView {
    pub id: ActionId,
    pub connection: ConnectionId,
    pub kind: ActionKind,
    pub parameters: BTreeMap<String, String>,
    /// What was asked for instead of targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// Lists that were never read whole: what they hold is not in the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    pub reason: String,
    pub state: ActionState,
    /// It is being undone, or was to be.
    pub is_undo: bool,
    pub requested_by: String,
    pub requested_at: Timestamp,
    pub approved_by: Option<String>,
    /// Why a second person has to agree.
    pub needs_approval: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub counts: Counts,
    /// Objects that are held by somebody else and tried again.
    pub held: usize,
    /// Whether something of it can be put back now.
    pub can_be_undone: bool,
    pub cause: Option<Cause>,
    pub history: Vec<Happened>,
}

impl ActionView {
    pub fn of(connection: &ConnectionId, action: &ActionItem) -> ActionView {
        let is_over = matches!(action.state, ActionState::Verified | ActionState::Failed);
        let (counts, selecting) = (action.counts, action.selecting.as_ref());
        ActionView {
            id: action.id.clone(),
            connection: connection.clone(),
            kind: action.kind,
            parameters: action.parameters.clone(),
            selection: selecting.map(|selecting| selecting.selection.clone()),
            unread: selecting.map_or_else(Vec::new, |selecting| selecting.unread.clone()),
            reason: action.reason.clone(),
            state: action.state,
            is_undo: action.is_undo,
            requested_by: action.requested_by.clone(),
            requested_at: action.requested_at,
            approved_by: action.approved_by.clone(),
            needs_approval: action.needs_approval.clone(),
            expires_at: action.expires_at,
            counts,
            held: action.progress.later.len(),
            can_be_undone: is_over && counts.verified + counts.failed > 0 && counts.reversible > 0,
            cause: action.cause.clone(),
            history: action.history.clone(),
        }
    }
}

/// One unit of an action, as people read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitView {
    pub unit: u64,
    pub target: Target,
    pub label: String,
    pub effect: Effect,
    /// How it stands: `planned`, `verified`, `undone`, or what happened instead.
    pub outcome: String,
    pub why: Option<String>,
}

/// Some units of an action, from a number on.
pub async fn units(
    ctx: &Context,
    action: &ActionItem,
    from: u64,
    limit: u64,
) -> Result<Vec<UnitView>, StageError> {
    let lines: Vec<PlanLine> =
        lists::load(ctx, &action.plan, from..from.saturating_add(limit)).await?;
    let numbered = (from..).zip(lines);
    Ok(numbered
        .map(|(unit, line)| view(action, unit, line))
        .collect())
}

fn view(action: &ActionItem, unit: u64, line: PlanLine) -> UnitView {
    let exception = action
        .exceptions
        .iter()
        .rfind(|exception| exception.unit == unit);
    let is_held = action.progress.later.iter().any(|later| later.unit == unit);
    let is_undoing = action.is_undo
        && matches!(
            action.state,
            ActionState::Undoing | ActionState::Undone | ActionState::Failed
        );
    let is_passed = unit < action.progress.next && !is_held;
    let (outcome, why) = match (&line.effect, exception) {
        (Effect::Refused(cause), _) => ("refused".to_string(), Some(cause.to_string())),
        (Effect::Nothing, _) => ("already".into(), None),
        (Effect::Change { .. }, Some(exception)) => {
            let why = Some(exception.why.clone()).filter(|why| !why.is_empty());
            (exception.outcome.clone(), why)
        }
        (Effect::Change { .. }, None) if is_held => ("held".into(), None),
        (Effect::Change { .. }, None) if is_undoing && is_passed => ("undone".into(), None),
        (Effect::Change { .. }, None) if is_undoing || is_passed => ("verified".into(), None),
        (Effect::Change { .. }, None) => ("planned".into(), None),
    };
    UnitView {
        unit,
        target: line.target,
        label: line.label,
        effect: line.effect,
        outcome,
        why,
    }
}
