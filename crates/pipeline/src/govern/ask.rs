//! What people do with actions: ask for one, decide about it, have it undone, and look at it.

use std::collections::{BTreeMap, BTreeSet};

use casbah_http::retry;
use casbah_lake::layout::Place;
use casbah_model::Timestamp;
use casbah_model::action::{ActionId, ActionKind, ActionState, Target};
use casbah_model::connection::{Cause, ConnectionId};
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{Query, StoreError};
use casbah_model::state::Write;

use super::check::check;
use super::item::{ActionItem, Counts, Exception, OrderLine, Progress, Wish};
use super::selection::{Selecting, Selection};
use super::{STREAM, lists};
use crate::connect;
use crate::context::Context;
use crate::error::StageError;
use crate::hint;
use crate::items::{self, ConnectionItem, Scope, StreamItem};
use crate::step::ms_duration;

/// Tries of a change against other writers of the action.
const TRIES_MAX: u32 = 6;
/// The family of the objects that hold targets.
pub(super) const FAMILY: &str = "orders";

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub id: ActionId,
    pub kind: ActionKind,
    /// Either targets, or what they are like.
    pub targets: Vec<Target>,
    pub selection: Option<Selection>,
    pub parameters: BTreeMap<String, String>,
    pub reason: String,
    pub wish: Wish,
    pub by: String,
}

/// What somebody says to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Reject { why: String },
}

pub(super) fn refused(code: &str, what: impl Into<String>, fix: impl Into<String>) -> StageError {
    StageError::Refused(Cause::new(code, what, fix))
}

/// Takes an action in; its plan follows by itself. The same id again is the same action.
pub async fn ask(
    ctx: &Context,
    connection: &ConnectionId,
    mut asked: Asked,
) -> Result<ActionItem, StageError> {
    let connection = connection_of(ctx, connection).await?;
    let scope = connection.scope();
    let unique: BTreeSet<Target> = std::mem::take(&mut asked.targets).into_iter().collect();
    let lines: Vec<_> = unique
        .into_iter()
        .map(|target| OrderLine { target })
        .collect();
    if let Some(known) = read(ctx, &scope, &asked.id).await? {
        return match is_same(ctx, &known, &asked, &lines).await? {
            true => Ok(known),
            false => Err(taken(&asked.id)),
        };
    }
    check(ctx, &connection, &asked, lines.len() as u64)?;
    let now = ctx.now();
    let place = Place {
        app: connection.settings.app,
        scope: scope.to_string(),
        family: FAMILY.into(),
        stream: asked.id.to_string(),
        epoch: 0,
        sequence: 0,
        // Whoever asks at the same time under the same id writes under another name.
        fence: ctx.rng.next_u64(),
        begun: now,
    };
    let mut action = ActionItem {
        v: 1,
        id: asked.id.clone(),
        kind: asked.kind,
        parameters: asked.parameters.clone(),
        reason: asked.reason.clone(),
        wish: asked.wish,
        state: ActionState::Planning,
        is_undo: false,
        is_cancelled: false,
        requested_by: asked.by.clone(),
        requested_at: now,
        approved_by: None,
        needs_approval: None,
        expires_at: None,
        selecting: asked
            .selection
            .clone()
            .map(|selection| Selecting::new(selection, now)),
        orders: match lines.is_empty() {
            true => vec![],
            false => lists::store(ctx, place, &lines).await?,
        },
        plan: vec![],
        counts: Counts {
            objects: lines.len() as u64,
            ..Counts::default()
        },
        progress: Progress::default(),
        applied_to: 0,
        exceptions: vec![],
        history: vec![],
        told: 0,
        cause: None,
    };
    action.happened("requested", &asked.by, now, Some(&asked.reason));
    let writes = vec![
        Write::create(scope.action(&action.id), items::write(&action)),
        open_write(&scope, &action.id),
    ];
    for attempt in 1.. {
        match change(ctx, &scope, writes.clone()).await {
            // Somebody else made the stream, or this very action, in this moment.
            Err(error) if is_passing(&error, attempt) => {
                if let Some(known) = read(ctx, &scope, &action.id).await? {
                    return match is_same(ctx, &known, &asked, &lines).await? {
                        true => Ok(known),
                        false => Err(taken(&action.id)),
                    };
                }
                wait_a_little(ctx, attempt).await;
            }
            done => return done.map(|()| action),
        }
    }
    unreachable!("the last attempt returns")
}

fn taken(id: &ActionId) -> StageError {
    let what = format!("{id} is the id of another action");
    refused("id-taken", what, "ask under another id")
}

/// Whether an action is what somebody asks for.
async fn is_same(
    ctx: &Context,
    known: &ActionItem,
    asked: &Asked,
    lines: &[OrderLine],
) -> Result<bool, StageError> {
    let selection = known.selecting.as_ref().map(|known| &known.selection);
    if known.kind != asked.kind
        || known.parameters != asked.parameters
        || selection != asked.selection.as_ref()
    {
        return Ok(false);
    }
    if selection.is_some() {
        return Ok(true);
    }
    let ordered: Vec<OrderLine> = lists::load(ctx, &known.orders, 0..u64::MAX).await?;
    Ok(ordered == lines)
}

/// Whether a write met other writers, and is worth another attempt.
fn is_passing(error: &StageError, attempt: u32) -> bool {
    let is_met = matches!(
        error,
        StageError::Store(StoreError::Refused { .. } | StoreError::Busy)
    );
    is_met && attempt < TRIES_MAX
}

async fn wait_a_little(ctx: &Context, attempt: u32) {
    let wait = retry::quick_wait(attempt, ctx.rng.fraction());
    ctx.sleep(ms_duration(wait)).await;
}

/// Approves or rejects a plan.
pub async fn decide(
    ctx: &Context,
    connection: &ConnectionId,
    id: &ActionId,
    by: &str,
    decision: Decision,
) -> Result<ActionItem, StageError> {
    let scope = connection_of(ctx, connection).await?.scope();
    update(ctx, &scope, id, |action, now| {
        if action.state != ActionState::Pending {
            let what = format!("{id} is {} and waits for nobody", action.state.name());
            return Err(refused(
                "state",
                what,
                "`casbah actions show` says how it stands",
            ));
        }
        if action.expires_at.is_some_and(|at| at <= now) {
            let what = format!("{id} has expired: what it was planned from is out of date");
            return Err(refused("expired", what, "plan it again"));
        }
        match &decision {
            Decision::Approve => {
                // The rule of today counts, if it is the stricter one.
                let now_needed = || ctx.policy.needs_approval(action.kind, &action.counts);
                action.needs_approval = action.needs_approval.take().or_else(now_needed);
                let objection = ctx.policy.objection(by, &action.requested_by);
                // Where nobody else has to agree, whoever asked for it says so by themselves.
                let is_enough = action.needs_approval.is_none() && by == action.requested_by;
                if let Some(why) = objection.filter(|_| !is_enough) {
                    let what = format!("{by} cannot approve {id}: {why}");
                    return Err(refused("approver", what, "let somebody else approve it"));
                }
                action.state = ActionState::Approved;
                action.approved_by = Some(by.into());
                action.happened("approved", by, now, None);
            }
            Decision::Reject { why } => {
                // An undoing that is rejected leaves the action as it was.
                action.state = match action.is_undo {
                    true => ended(action),
                    false => ActionState::Rejected,
                };
                action.is_undo = false;
                action.happened("rejected", by, now, Some(why));
            }
        }
        Ok(())
    })
    .await
}

/// Ends an action before it is done: what is begun is finished and read back, nothing else is sent.
pub async fn cancel(
    ctx: &Context,
    connection: &ConnectionId,
    id: &ActionId,
    by: &str,
    why: &str,
) -> Result<ActionItem, StageError> {
    let scope = connection_of(ctx, connection).await?.scope();
    update(ctx, &scope, id, |action, now| {
        if !action.state.is_open() {
            let what = format!("{id} is {} already", action.state.name());
            let fix = "`casbah actions undo` puts back what it changed";
            return Err(refused("state", what, fix));
        }
        let has_begun = matches!(action.state, ActionState::Applying | ActionState::Undoing);
        match (has_begun, action.is_undo) {
            (true, _) => action.is_cancelled = true,
            // An undoing that has not begun leaves the action as it was.
            (false, true) => {
                action.state = ended(action);
                action.is_undo = false;
            }
            (false, false) => action.state = ActionState::Rejected,
        }
        action.happened("cancelled", by, now, Some(why));
        Ok(())
    })
    .await
}

/// How an action ended before somebody wanted it undone.
pub(super) fn ended(action: &ActionItem) -> ActionState {
    match action.counts.failed {
        0 => ActionState::Verified,
        _ => ActionState::Failed,
    }
}

/// Asks for an action to be undone: what it changed is put back, object by object.
pub async fn undo(
    ctx: &Context,
    connection: &ConnectionId,
    id: &ActionId,
    by: &str,
    reason: &str,
) -> Result<ActionItem, StageError> {
    let scope = connection_of(ctx, connection).await?.scope();
    update(ctx, &scope, id, |action, now| {
        let is_over = matches!(action.state, ActionState::Verified | ActionState::Failed);
        // What failed may be done in part.
        let changed = action.counts.verified + action.counts.failed;
        if !is_over || changed == 0 {
            let what = format!("{id} is {} and has nothing to undo", action.state.name());
            let fix = "only what an action changed, and was read back, can be put back";
            return Err(refused("state", what, fix));
        }
        if action.counts.reversible == 0 {
            let what = format!("{} cannot be undone", action.kind);
            return Err(refused("no-way-back", what, "the plan says why"));
        }
        let counts = Counts {
            changes: changed,
            reversible: changed,
            ..Counts::default()
        };
        if !action.is_undo {
            action.applied_to = action.progress.next;
            let held = action.progress.later.iter().map(|later| later.unit);
            action.exceptions.extend(held.map(|unit| Exception {
                unit,
                outcome: "untouched".into(),
                why: "the action was stopped before it".into(),
                is_undo: false,
            }));
        }
        // What could not be put back the last time is tried again.
        action.exceptions.retain(|exception| !exception.is_undo);
        action.counts.undo_failed = 0;
        action.is_undo = true;
        action.is_cancelled = false;
        action.requested_by = by.into();
        action.requested_at = now;
        action.approved_by = None;
        action.needs_approval = ctx.policy.needs_approval(action.kind, &counts);
        let needs_approval = action.needs_approval.is_some();
        action.expires_at = needs_approval.then(|| now + ctx.policy.approval_life);
        action.state = match needs_approval {
            true => ActionState::Pending,
            false => ActionState::Approved,
        };
        action.happened("undo-requested", by, now, Some(reason));
        Ok(())
    })
    .await
}

/// Reads an action, changes it and wakes who works on it; begins anew when somebody else changed it in between.
async fn update(
    ctx: &Context,
    scope: &Scope,
    id: &ActionId,
    change_it: impl Fn(&mut ActionItem, Timestamp) -> Result<(), StageError>,
) -> Result<ActionItem, StageError> {
    for attempt in 1.. {
        let Some(mut action) = read(ctx, scope, id).await? else {
            return Err(no_such(id));
        };
        change_it(&mut action, ctx.now())?;
        let writes = vec![action.write(scope), open_write(scope, id)];
        match change(ctx, scope, writes).await {
            Ok(()) => return Ok(action),
            Err(error) if is_passing(&error, attempt) => wait_a_little(ctx, attempt).await,
            Err(error) => return Err(error),
        }
    }
    unreachable!("the last attempt returns")
}

/// Makes writes and wakes the stream that must look at them, which the first action makes.
///
/// Whoever is at work there is not disturbed: what is under way would be sent by two. They look again when they are done.
async fn change(ctx: &Context, scope: &Scope, mut writes: Vec<Write>) -> Result<(), StageError> {
    let key = scope.stream(STREAM);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    if found.iter().any(Option::is_some) {
        ctx.state.transact(&ctx.random_id(), writes).await?;
        return hint::nudge(ctx, &key).await;
    }
    let stream = StreamItem::new(&key, Stage::Govern, &[], ctx.now());
    writes.push(Write::create(key.clone(), items::write(&stream)));
    ctx.state.transact(&ctx.random_id(), writes).await?;
    hint::hint(ctx, &key, &stream, None).await
}

fn open_write(scope: &Scope, id: &ActionId) -> Write {
    Write::put(scope.open_action(id), Default::default())
}

async fn connection_of(ctx: &Context, id: &ConnectionId) -> Result<ConnectionItem, StageError> {
    let found = connect::find(ctx, id).await?;
    found.ok_or_else(|| StageError::UnknownConnection {
        name: id.to_string(),
    })
}

fn no_such(id: &ActionId) -> StageError {
    let what = format!("there is no action {id}");
    refused(
        "no-such-action",
        what,
        "`casbah actions list` shows those there are",
    )
}

async fn read(
    ctx: &Context,
    scope: &Scope,
    id: &ActionId,
) -> Result<Option<ActionItem>, StageError> {
    let key = scope.action(id);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    match found.first() {
        Some(Some(item)) => Ok(Some(items::read(&key, item)?)),
        _ => Ok(None),
    }
}

/// The action with this id.
pub async fn find(
    ctx: &Context,
    connection: &ConnectionId,
    id: &ActionId,
) -> Result<ActionItem, StageError> {
    let scope = connection_of(ctx, connection).await?.scope();
    read(ctx, &scope, id).await?.ok_or_else(|| no_such(id))
}

/// Every action of a connection, the latest first.
pub async fn actions(
    ctx: &Context,
    connection: &ConnectionId,
) -> Result<Vec<ActionItem>, StageError> {
    let scope = connection_of(ctx, connection).await?.scope();
    let mut actions: Vec<ActionItem> = vec![];
    let query = Query::prefix(scope.pk(), "A#");
    items::each(ctx, query, |_, action| actions.push(action)).await?;
    actions.sort_by(|a, b| b.history[0].at.cmp(&a.history[0].at).then(a.id.cmp(&b.id)));
    Ok(actions)
}

/// Works on a connection's actions here and now until `is_enough`, for one who knows that nobody else does.
pub async fn work_until(
    ctx: &Context,
    connection: &ConnectionId,
    id: &ActionId,
    is_enough: impl Fn(&ActionItem) -> bool,
) -> Result<ActionItem, StageError> {
    let key = connection_of(ctx, connection).await?.scope().stream(STREAM);
    loop {
        let action = find(ctx, connection, id).await?;
        if is_enough(&action) || ctx.is_stopping() {
            return Ok(action);
        }
        let found = ctx.state.get(std::slice::from_ref(&key)).await?;
        let Some(Some(item)) = found.first() else {
            return Ok(action);
        };
        let stream: StreamItem = items::read(&key, item)?;
        let at = items::time(stream.wake.max(stream.lease + 1));
        ctx.clock.sleep_until(at).await;
        let look = Message::Look {
            stage: Stage::Govern,
            key: key.clone(),
            version: stream.v,
            ticket: None,
        };
        crate::handle(ctx, &look).await?;
    }
}
