//! govern: plans what somebody asked for, waits until it is allowed, does it, reads it back, and can put it back.
//!
//! One stream per connection does all of it, so two actions never meet at one target. It works in short turns and takes
//! the action with the least left first: who asks for one object does not wait for who asked for thousands. A turn is one
//! transaction with the stream's fence: what was done, what is told of it, and how far the action is.
//!
//! Vendors' writes cannot be fenced. So what is about to be sent is marked first; whoever finds a mark reads the target
//! before anything else, and sends only what still looks as it was planned from (pipeline design, section 14).

mod ask;
mod attempt;
mod carrying;
mod check;
mod item;
mod lists;
mod planning;
mod policy;
pub mod record;
mod selection;
mod stop;
mod views;

use casbah_connector::{ConnectorError, Governance, Session};
use casbah_model::action::{ActionId, ActionState};
use casbah_model::connection::Cause;
use casbah_model::message::Ticket;
use casbah_model::permission::Tier;
use casbah_model::ports::Query;
use casbah_model::state::{Change, Condition, Write};
use casbah_model::{SignedDuration, Timestamp};

use serde::de::IgnoredAny;

use crate::context::Context;
use crate::error::StageError;
use crate::hint::nudge;
use crate::items::{self, Scope};
use crate::step::{Committed, Next, Step, leave};

pub use ask::{Asked, Decision, actions, ask, cancel, decide, find, undo, work_until};
pub use item::{ActionItem, Counts, Exception, Happened, Progress, Wish};
pub use policy::{Approval, Policy};
use record::Journal;
pub use selection::{Selecting, Selection};
pub use stop::{Stop, is_stopped, resume, stop};
pub use views::{ActionView, UnitView, units};

/// The stream's name.
pub const STREAM: &str = "govern";
/// With nothing to do it looks again this late; whoever asks for something wakes it, unless they die in that moment.
const IDLE: SignedDuration = SignedDuration::from_mins(15);
/// While everything is stopped.
const STOPPED_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Actions on no more objects than this are what somebody waits for.
const INTERACTIVE_MAX: u64 = 10;
/// Who does what time does.
const NOBODY: &str = "casbah";

/// How a turn ended.
pub(crate) enum Turn {
    /// There may be more to do.
    Again,
    /// Nothing to do for this action until then.
    Idle(Option<Timestamp>),
    /// Somebody else has the stream.
    Lost,
    /// What was done is saved; the rest met this.
    Broke(ConnectorError),
}

/// The step of the stream.
pub async fn govern(mut step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (bulk, connector) = ctx
        .session(&step.connection, ticket, step.budget_end)
        .await?;
    let Some(governance) = connector.governance() else {
        return step.release(Next::CaughtUp(ctx.now() + IDLE), None).await;
    };
    let (prompt, _) = ctx.interactive_session(&step.connection).await?;
    let tier = step.connection.settings.tier;
    let mut later: Vec<Timestamp> = vec![];
    let mut idle = vec![];
    // Calls that somebody waits for have a small share of the limit; who has used it up takes turns with the others.
    let mut is_share_spent = false;
    let next = loop {
        if !step.has_time() {
            break Next::Continue;
        }
        if !step.is_still_wanted().await? {
            break Next::Wait(ctx.now() + STOPPED_AGAIN);
        }
        let Some(action) = choose(ctx, &step.scope, tier, &idle, &mut later).await? else {
            // Never later than that, though something waits for days: whoever decides may die before they wake us.
            let last = ctx.now() + IDLE;
            let first = later.iter().min().copied();
            break Next::CaughtUp(first.map_or(last, |first| first.min(last)));
        };
        let id = action.id.clone();
        let is_prompt = action.counts.objects <= INTERACTIVE_MAX && !is_share_spent;
        let session = if is_prompt { &prompt } else { &bulk };
        match turn(&mut step, session, governance, action).await? {
            Turn::Again => {}
            Turn::Idle(at) => {
                later.extend(at);
                idle.push(id);
            }
            Turn::Lost => return Ok(()),
            Turn::Broke(ConnectorError::Throttled { .. }) if is_prompt => is_share_spent = true,
            // The others of that stretch went on meanwhile, and so does this.
            Turn::Broke(ConnectorError::Throttled { until }) if until <= ctx.now() => {}
            Turn::Broke(error) => {
                let ticket = leave(&bulk, &Next::Wait(ctx.now())).await;
                return step.recover(error, ticket).await;
            }
        }
    };
    let ticket = leave(&bulk, &next).await;
    let (key, scope) = (step.key.clone(), step.scope.clone());
    let is_idle = matches!(next, Next::CaughtUp(_));
    step.release(next, ticket).await?;
    if is_idle {
        // Who asked for something while this was at work left it alone.
        let missed = choose(ctx, &scope, tier, &idle, &mut vec![]).await?;
        if missed.is_some() {
            nudge(ctx, &key).await?;
        }
    }
    Ok(())
}

async fn turn(
    step: &mut Step<'_>,
    session: &Session,
    governance: &dyn Governance,
    mut action: ActionItem,
) -> Result<Turn, StageError> {
    match action.state {
        ActionState::Planning => planning::turn(step, session, governance, action).await,
        ActionState::Approved | ActionState::Applying | ActionState::Undoing => {
            carrying::turn(step, session, governance, action).await
        }
        ActionState::Pending if is_expired(&action, step.ctx.now()) => expire(step, action).await,
        // What people decided is told, and then there is no more to do.
        ActionState::Pending
        | ActionState::Planned
        | ActionState::Verified
        | ActionState::Failed
        | ActionState::Rejected
        | ActionState::Expired
        | ActionState::Undone => {
            let mut journal = Journal::new(step, step.ctx)?;
            journal.tell(&mut action).await?;
            save(step, action, journal, None).await
        }
    }
}

/// Actions that are open, or not told to their end.
pub(crate) async fn open(ctx: &Context, scope: &Scope) -> Result<Vec<ActionItem>, StageError> {
    let mut keys = vec![];
    items::each(
        ctx,
        Query::prefix(scope.pk(), "O#"),
        |key, _: IgnoredAny| {
            let id = key.sk.strip_prefix("O#").and_then(|id| id.parse().ok());
            keys.extend(id.map(|id| scope.action(&id)));
        },
    )
    .await?;
    let mut open = vec![];
    for some in keys.chunks(GET_MAX) {
        let found = ctx.state.get(some).await?;
        for (key, item) in some.iter().zip(found) {
            if let Some(item) = item {
                open.push(items::read(key, &item)?);
            }
        }
    }
    Ok(open)
}

/// Items that the table gives at once.
const GET_MAX: usize = 100;

/// The action to go on with, but none of those that are idle; when there is none, `later` says when to look again.
async fn choose(
    ctx: &Context,
    scope: &Scope,
    tier: Tier,
    idle: &[ActionId],
    later: &mut Vec<Timestamp>,
) -> Result<Option<ActionItem>, StageError> {
    let now = ctx.now();
    let is_stopped = is_stopped(ctx).await?.is_some();
    let mut open = open(ctx, scope).await?;
    open.retain(|action| !idle.contains(&action.id));
    open.sort_by_key(|action| (action.left(), action.requested_at));
    for action in open {
        let acts = matches!(
            action.state,
            ActionState::Approved | ActionState::Applying | ActionState::Undoing
        );
        // A connection that is to observe by now does not go on with what was asked for before.
        // What is cancelled is only read back.
        if acts && !action.is_cancelled && (is_stopped || tier < Tier::Act) {
            later.push(now + STOPPED_AGAIN);
        } else if action.state == ActionState::Pending
            && action.is_told()
            && !is_expired(&action, now)
        {
            later.extend(action.expires_at);
        } else {
            return Ok(Some(action));
        }
    }
    Ok(None)
}

fn is_expired(action: &ActionItem, now: Timestamp) -> bool {
    action.expires_at.is_some_and(|at| at <= now)
}

async fn expire(step: &mut Step<'_>, mut action: ActionItem) -> Result<Turn, StageError> {
    let now = step.ctx.now();
    action.happened("expired", NOBODY, now, None);
    // An undoing that nobody allowed leaves the action as it was.
    action.state = match action.is_undo {
        true => ask::ended(&action),
        false => ActionState::Expired,
    };
    if !action.is_undo {
        action.cause = Some(Cause::new(
            "expired",
            "nobody approved it in time",
            "plan it again",
        ));
    }
    action.is_undo = false;
    let mut journal = Journal::new(step, step.ctx)?;
    journal.tell(&mut action).await?;
    save(step, action, journal, None).await
}

/// Commits a turn: the action as it is now, and what is told of it.
pub(crate) async fn save(
    step: &mut Step<'_>,
    mut action: ActionItem,
    journal: Journal,
    broke_off: Option<ConnectorError>,
) -> Result<Turn, StageError> {
    let ended = journal.ended();
    let entry = journal.finish().await?;
    let mut writes = vec![action.write(&step.scope)];
    if !action.state.is_open() && action.is_told() {
        writes.push(Write {
            key: step.scope.open_action(&action.id),
            condition: Condition::Always,
            change: Change::Delete,
        });
    }
    if let Some(cause) = action
        .cause
        .as_ref()
        .filter(|_| action.state == ActionState::Failed)
    {
        tracing::info!(connection = %step.scope, action = %action.id, %cause, "an action failed");
    }
    match step.commit(entry, writes).await? {
        Committed::Yes => {
            step.ctx.meter.action_ended(ended);
            Ok(match broke_off {
                Some(error) => Turn::Broke(error),
                None => Turn::Again,
            })
        }
        // Somebody decided something about it meanwhile: it is read again.
        Committed::Refused { .. } => Ok(Turn::Again),
        Committed::FencedOff => Ok(Turn::Lost),
    }
}
