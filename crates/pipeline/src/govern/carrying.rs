//! Carrying out: stretches of units, each marked as begun before anything of it is sent, and told when it is done.

use casbah_connector::{ConnectorError, Governance, Order, Readback, Session, spec};
use casbah_model::action::{ActionState, Effect, Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::{SignedDuration, Timestamp};
use futures::StreamExt;

use super::attempt::{Direction, Outcome, Unit, attempt};
use super::item::{ActionItem, Exception, Later, PlanLine, Progress};
use super::record::{Journal, Record};
use super::{Turn, lists};
use crate::context::Context;
use crate::error::StageError;
use crate::step::{Committed, Step};

/// Units that are marked as begun together.
const CHUNK: u64 = 40;
/// Units that are worked on side by side.
const WIDTH: usize = 8;
/// Units that wait for somebody else to let go of them; more count as failed.
const LATER_MAX: usize = 200;
const LATER_TRIES_MAX: u32 = 8;
/// Grows with each try: about three hours in all.
const LATER_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Looks at what a vendor works on after it answered, over 7 minutes.
const LATE_LOOKS_MAX: u32 = 3;
/// Units that are looked at again like that; with more of them no others are begun.
const LATE_MAX: usize = 200;
/// So many failures in a row are no accident: whatever is wrong, it is wrong for the rest as well.
const FAILURES_IN_A_ROW_MAX: u32 = 25;
/// The outcome of units that may be done in part.
const FAILED: &str = "failed";
/// Exceptions that an action keeps; with more of them it stops.
const EXCEPTIONS_MAX: usize = 500;

/// Deals with the next units of an action, or with those that were held and are due.
pub(crate) async fn turn(
    step: &mut Step<'_>,
    session: &Session,
    governance: &dyn Governance,
    mut action: ActionItem,
) -> Result<Turn, StageError> {
    let ctx = step.ctx;
    let tried_before = action.progress.tried;
    let begun = begin(ctx, &mut action);
    let Some(units) = begun else {
        // Everything left is held by somebody else.
        let later = action.progress.later.iter();
        let later = later.filter(|later| later.may_be_sent || !action.is_cancelled);
        let at = later.map(|later| later.at).min();
        return Ok(Turn::Idle(at));
    };
    // What is about to be sent is marked first, so that whoever comes after us reads before they send.
    let mark = action.write(&step.scope);
    match step.commit(None, vec![mark]).await? {
        Committed::Yes => {}
        Committed::Refused { .. } => return Ok(Turn::Again),
        Committed::FencedOff => return Ok(Turn::Lost),
    }
    let done = work(step, session, governance, &action, &units).await?;
    // What shows nothing is known not to be sent when it ends with an error: else it would be "unsure".
    let readback = spec(governance, action.kind).map(|spec| spec.readback);
    let is_shown = matches!(readback, Some(Readback::Shown | Readback::Steps));
    let mut journal = Journal::new(step, ctx)?;
    journal.tell(&mut action).await?;
    let mut broke_off = None;
    forget_unstarted(&mut action, tried_before, &units, done.len());
    for (unit, line, outcome) in done {
        match outcome {
            Ok(outcome) => {
                let outcome = settle(ctx, &mut action, unit, &line, outcome);
                if let Some(outcome) = outcome {
                    let record = record(&action, unit, line, &outcome, ctx.now());
                    journal.note(&record).await?;
                }
            }
            // What the others of this stretch came to is kept all the same.
            Err(error) => {
                let was_marked = units.contains(&(unit, true));
                let may_be_sent = is_shown || was_marked;
                break_off(&mut action, unit, ctx.now(), may_be_sent);
                broke_off.get_or_insert(error);
            }
        }
    }
    if is_over(&action) {
        end(&mut action);
        journal.end(&action, ctx.now()).await?;
    }
    super::save(step, action, journal, broke_off).await
}

/// The numbers of the next units, and for each whether it may have been sent before.
fn begin(ctx: &Context, action: &mut ActionItem) -> Option<Vec<(u64, bool)>> {
    if action.state == ActionState::Approved {
        action.state = match action.is_undo {
            true => ActionState::Undoing,
            false => ActionState::Applying,
        };
        if action.is_undo {
            action.progress = Progress::default();
            action.cause = None;
        }
    }
    let progress = &mut action.progress;
    let last = match action.is_cancelled {
        true => progress.tried,
        false => action.counts.planned,
    };
    let end = last.min(progress.next + CHUNK);
    let late = progress.later.iter().filter(|later| later.may_be_sent);
    if progress.next < end && late.count() < LATE_MAX {
        let units = (progress.next..end).map(|unit| (unit, unit < progress.tried));
        let units = units.collect();
        progress.tried = progress.tried.max(end);
        return Some(units);
    }
    let now = ctx.now();
    // Of what is cancelled only that is looked at which may have been sent.
    let is_cancelled = action.is_cancelled;
    let is_left = |later: &Later| later.may_be_sent || !is_cancelled;
    let is_over = !progress.later.iter().any(is_left);
    let due = progress.later.iter_mut();
    let mut units: Vec<_> = due
        .filter(|later| later.at <= now && is_left(later))
        .map(|later| {
            // Who was at work on it died, and may have sent it a moment ago: it is waited for from the beginning.
            if std::mem::replace(&mut later.is_at_work, true) {
                later.tries = 0;
            }
            (later.unit, std::mem::replace(&mut later.may_be_sent, true))
        })
        .collect();
    units.sort_unstable();
    (!units.is_empty() || is_over).then_some(units)
}

/// Takes the marks of units back that were never started, because time was over.
fn forget_unstarted(
    action: &mut ActionItem,
    tried_before: u64,
    units: &[(u64, bool)],
    started: usize,
) {
    let progress = &mut action.progress;
    let is_stretch = units
        .first()
        .is_some_and(|(first, _)| *first == progress.next);
    if is_stretch && let Some((unit, _)) = units.get(started) {
        progress.tried = tried_before.max(*unit);
    }
    for (unit, may_be_sent) in &units[started..] {
        let mut waiting = progress.later.iter_mut();
        if let Some(later) = waiting.find(|later| later.unit == *unit) {
            later.may_be_sent = *may_be_sent;
            later.is_at_work = false;
        }
    }
}

/// Keeps a unit for later that something else came in between of; it is no failure of its own.
fn break_off(action: &mut ActionItem, unit: u64, now: Timestamp, may_be_sent: bool) {
    let progress = &mut action.progress;
    progress.next = progress.next.max(unit + 1);
    let known = progress.later.iter().find(|later| later.unit == unit);
    let tries = known.map_or(0, |later| later.tries);
    let is_taken = known.is_some_and(|later| later.is_taken);
    progress.later.retain(|later| later.unit != unit);
    progress.later.push(Later {
        unit,
        tries,
        at: now,
        may_be_sent,
        is_taken,
        is_at_work: false,
    });
}

type Done = (u64, PlanLine, Result<Outcome, ConnectorError>);

/// Works on units side by side while there is time; returns those that were worked on, in their order.
async fn work(
    step: &Step<'_>,
    session: &Session,
    governance: &dyn Governance,
    action: &ActionItem,
    units: &[(u64, bool)],
) -> Result<Vec<Done>, StageError> {
    let ctx = step.ctx;
    let mut lines = vec![];
    if let (Some((first, _)), Some((last, _))) = (units.first(), units.last()) {
        let all: Vec<PlanLine> = lists::load(ctx, &action.plan, *first..last + 1).await?;
        let wanted = units.iter().filter_map(|(unit, may_be_sent)| {
            let line = all.get(usize::try_from(unit - first).ok()?)?;
            Some((*unit, *may_be_sent, line.clone()))
        });
        lines = wanted.collect();
    }
    let done = futures::stream::iter(lines)
        .take_while(|_| std::future::ready(step.has_time()))
        .map(|(unit, may_be_sent, line)| async move {
            let outcome = one(ctx, session, governance, action, unit, may_be_sent, &line).await;
            (unit, line, outcome)
        })
        .buffered(WIDTH);
    Ok(done.collect().await)
}

async fn one(
    ctx: &Context,
    session: &Session,
    governance: &dyn Governance,
    action: &ActionItem,
    number: u64,
    may_be_sent: bool,
    line: &PlanLine,
) -> Result<Outcome, ConnectorError> {
    let Some((from, to)) = way(action, &line.effect) else {
        return Ok(Outcome::Already);
    };
    let order = Order {
        kind: action.kind,
        target: &line.target,
        parameters: &action.parameters,
        planned_from: line.effect.before(),
    };
    let direction = match action.is_undo {
        false => Direction::Apply,
        true => Direction::Undo,
    };
    if action.is_undo {
        if let Effect::Change {
            undo: Undo::Never(why),
            ..
        } = &line.effect
        {
            let cause = Cause::new("no-way-back", why.clone(), "nothing can be put back");
            return Ok(Outcome::Failed(cause));
        }
        if was_spared(action, number) {
            return Ok(Outcome::Already);
        }
    }
    let looks = match spec(governance, action.kind).map(|spec| spec.readback) {
        Some(Readback::Steps) => 1,
        _ => LATE_LOOKS_MAX,
    };
    let mut waiting = action.progress.later.iter();
    let later = waiting.find(|later| later.unit == number);
    let unit = Unit {
        order,
        direction,
        from,
        to,
        may_be_sent,
        only_look: action.is_cancelled,
        is_taken: later.is_some_and(|later| later.is_taken),
        has_waited: later.is_some_and(|later| later.tries >= looks),
    };
    let outcome = attempt(ctx, session, governance, unit).await?;
    Ok(match outcome {
        // Whatever it is now, it is none of what the action failed to make of it.
        Outcome::Changed(_) if action.is_undo && has_failed(action, number) => Outcome::Already,
        outcome => outcome,
    })
}

/// What a unit is brought from, and to, in the direction that its action goes.
fn way<'a>(action: &ActionItem, effect: &'a Effect) -> Option<(&'a Image, &'a Image)> {
    match effect {
        Effect::Change { before, after, .. } if action.is_undo => Some((after, before)),
        Effect::Change { before, after, .. } => Some((before, after)),
        Effect::Nothing | Effect::Refused(_) => None,
    }
}

/// Whether the action did not change a unit, so that there is nothing of its doing to undo.
fn was_spared(action: &ActionItem, unit: u64) -> bool {
    if unit >= action.applied_to {
        return true;
    }
    let mut exceptions = action.exceptions.iter();
    exceptions.any(|exception| exception.unit == unit && !exception.is_undo)
        && !has_failed(action, unit)
}

/// Whether the action failed at a unit, and may have done part of it.
fn has_failed(action: &ActionItem, unit: u64) -> bool {
    let mut exceptions = action.exceptions.iter();
    exceptions.any(|exception| {
        exception.unit == unit && !exception.is_undo && exception.outcome == FAILED
    })
}

/// Counts how a unit ended; returns what is to be told of it.
fn settle(
    ctx: &Context,
    action: &mut ActionItem,
    unit: u64,
    line: &PlanLine,
    outcome: Outcome,
) -> Option<Outcome> {
    let progress = &mut action.progress;
    let waiting = progress.later.iter().position(|later| later.unit == unit);
    let waiting = waiting.map(|at| progress.later.remove(at));
    let tries = waiting.map_or(0, |later| later.tries);
    let was_taken = waiting.is_some_and(|later| later.is_taken);
    if waiting.is_none() {
        progress.next = progress.next.max(unit + 1);
    }
    if !matches!(line.effect, Effect::Change { .. }) {
        return None;
    }
    let outcome = match outcome {
        Outcome::Locked { is_begun, .. }
            if tries < LATER_TRIES_MAX && (is_begun || progress.later.len() < LATER_MAX) =>
        {
            let wait = LATER_AGAIN * (1 << tries.min(6));
            progress.later.push(Later {
                unit,
                tries: tries + 1,
                at: ctx.now() + wait,
                may_be_sent: is_begun,
                is_taken: false,
                is_at_work: false,
            });
            return None;
        }
        Outcome::Locked { cause, .. } => Outcome::Failed(cause),
        Outcome::Awaited { is_taken } => {
            let tries = if is_taken && !was_taken { 0 } else { tries };
            progress.later.push(Later {
                unit,
                tries: tries + 1,
                at: ctx.now() + LATER_AGAIN * (1 << tries.min(6)),
                may_be_sent: true,
                is_taken,
                is_at_work: false,
            });
            return None;
        }
        outcome => outcome,
    };
    count(action, unit, &outcome)
}

fn count(action: &mut ActionItem, unit: u64, outcome: &Outcome) -> Option<Outcome> {
    let is_undo = action.is_undo;
    let counts = &mut action.counts;
    let is_spared = is_undo && *outcome == Outcome::Already;
    match outcome {
        // Nothing of our doing, before or now.
        Outcome::Already if is_undo => {}
        Outcome::Verified if is_undo => counts.undone += 1,
        Outcome::Verified => counts.verified += 1,
        Outcome::Sent => counts.sent += 1,
        Outcome::Already => counts.already += 1,
        _ if is_undo => counts.undo_failed += 1,
        _ => counts.failed += 1,
    }
    let progress = &mut action.progress;
    match outcome.cause() {
        Some(_) => progress.failures_in_a_row += 1,
        None => progress.failures_in_a_row = 0,
    }
    let is_as_planned = matches!(outcome, Outcome::Verified | Outcome::Sent);
    if !is_as_planned && !is_spared {
        action.exceptions.push(Exception {
            unit,
            outcome: outcome.name().into(),
            why: outcome.cause().map(ToString::to_string).unwrap_or_default(),
            is_undo,
        });
    }
    (!is_spared).then(|| outcome.clone())
}

fn record(
    action: &ActionItem,
    unit: u64,
    line: PlanLine,
    outcome: &Outcome,
    at: Timestamp,
) -> Record {
    let step = match action.is_undo {
        false => "applied",
        true => "undone",
    };
    let (before, after) = way(action, &line.effect).unzip();
    Record {
        unit: Some(unit),
        target: Some(line.target),
        label: Some(line.label),
        before: before.cloned(),
        after: after.cloned(),
        outcome: Some(outcome.name().into()),
        why: outcome.cause().map(ToString::to_string),
        ..Record::of(action, step, &action.requested_by, at)
    }
}

fn is_over(action: &ActionItem) -> bool {
    is_done(action) || is_wound_up(action) || must_stop(action)
}

fn is_done(action: &ActionItem) -> bool {
    let progress = &action.progress;
    progress.next >= action.counts.planned && progress.later.is_empty()
}

/// Whether all that was begun before somebody cancelled it has been read back.
fn is_wound_up(action: &ActionItem) -> bool {
    let progress = &action.progress;
    let is_waiting = progress.later.iter().any(|later| later.may_be_sent);
    action.is_cancelled && progress.next >= progress.tried && !is_waiting
}

fn must_stop(action: &ActionItem) -> bool {
    let of_now = |exception: &&Exception| {
        exception.is_undo == action.is_undo && exception.outcome != "already"
    };
    action.progress.failures_in_a_row >= FAILURES_IN_A_ROW_MAX
        || action.exceptions.iter().filter(of_now).count() >= EXCEPTIONS_MAX
}

fn end(action: &mut ActionItem) {
    let counts = &action.counts;
    let failed = match action.is_undo {
        true => counts.undo_failed,
        false => counts.failed,
    };
    let ahead = counts.planned - action.progress.next.min(counts.planned);
    let left = ahead + action.progress.later.len() as u64;
    let cancelled = action.is_cancelled && !is_done(action);
    action.is_cancelled = false;
    action.cause = if cancelled {
        Some(Cause::new(
            "cancelled",
            format!("it was cancelled with {left} objects not dealt with"),
            "`casbah actions undo` puts back what it changed",
        ))
    } else if !is_done(action) {
        Some(Cause::new(
            "stopped",
            format!("it was stopped after {failed} failures, with {left} objects not dealt with"),
            "see why they failed, mend that, and plan the rest again",
        ))
    } else if failed > 0 {
        Some(Cause::new(
            "partial",
            format!("{failed} of {} objects are not as planned", counts.changes),
            "the units say why for each of them; plan those again",
        ))
    } else {
        None
    };
    action.state = match (&action.cause, action.is_undo) {
        (Some(_), _) => ActionState::Failed,
        (None, true) => ActionState::Undone,
        (None, false) => ActionState::Verified,
    };
}
