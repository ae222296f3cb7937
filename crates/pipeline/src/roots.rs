//! The planner of a file sweep: names every place where files live, and makes each a unit of the run.
//!
//! A unit keeps its cursor from run to run, so a sweep of a quiet tenant costs one call per root. A run is closed by
//! whoever finishes its last unit, by the planner, or by the sweeper (pipeline design, section 10).

use casbah_connector::{ConnectorError, Sweep};
use casbah_http::retry;
use casbah_model::SignedDuration;
use casbah_model::Timestamp;
use casbah_model::connection::Cause;
use casbah_model::cursor::Cursor;
use casbah_model::file::Root;
use casbah_model::message::{Stage, Ticket};
use casbah_model::ports::StoreError;
use casbah_model::state::{Change, Condition, Key, Set, Write};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::StageError;
use crate::file_hints::look_for_gone;
use crate::file_scan::{LANES, QUEUE};
use crate::hint::{due_write, hint, index_sets, nudge};
use crate::items::{self, RunItem, Scope, StreamItem, StreamState, index_order, sweep_partition};
use crate::step::{Committed, Next, Step, leave, ms_duration};

/// Units in one transaction, beside the planner and the run.
const UNITS_PER_COMMIT: usize = 90;
/// A run that is not over when the next is due is looked at again after this.
const STILL_RUNNING: SignedDuration = SignedDuration::from_mins(10);
const COMMIT_TRIES_MAX: u32 = 8;

/// Where the planner stands: the run it plans, and the page of roots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Plan {
    /// Number of the run; 0 before the first.
    run: u64,
    begun: Timestamp,
    is_planning: bool,
    /// Somebody wants the next run now.
    #[serde(default)]
    is_asked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tok: Option<Cursor>,
}

pub fn run_name(number: u64) -> String {
    format!("files-{number:06}")
}

/// The planner's stream and its lanes, as they begin.
pub fn streams(scope: &Scope, now: Timestamp) -> Vec<(Key, StreamItem)> {
    let components = [casbah_model::app::Component::Files];
    let names =
        std::iter::once("files".to_string()).chain((0..LANES).map(|lane| format!("files-{lane}")));
    let stream = |name: String| {
        let key = scope.stream(&name);
        let stream = StreamItem::new(&key, Stage::FileScan, &components, now);
        (key, stream)
    };
    names.map(stream).collect()
}

/// Lets the next sweep begin now instead of at its time; one that is at work already is that sweep.
pub async fn sweep_now(ctx: &Context, scope: &Scope) -> Result<(), StageError> {
    let key = scope.stream("files");
    for _ in 0..COMMIT_TRIES_MAX {
        let found = ctx.state.get(std::slice::from_ref(&key)).await?;
        let Some(Some(item)) = found.first() else {
            return Ok(());
        };
        let mut stream: StreamItem = items::read(&key, item)?;
        let plan: Option<Plan> = stream.cursor(&key)?;
        let Some(mut plan) = plan.filter(|plan| !plan.is_planning && !plan.is_asked) else {
            return nudge(ctx, &key).await;
        };
        let run = read_run(ctx, scope, &run_name(plan.run)).await?;
        if run.is_some_and(|run| run.st == StreamState::Run) {
            return Ok(());
        }
        plan.is_asked = true;
        let plan = serde_json::to_value(&plan).expect("a plan is plain");
        let mut write = due_write(&key, &mut stream, ctx.now());
        if let Change::Update(sets) = &mut write.change {
            sets.push(Set::To("cur", plan));
        }
        match ctx.state.write(write).await {
            Ok(_) => return hint(ctx, &key, &stream, None).await,
            // The planner moved in this moment: look again.
            Err(StoreError::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StageError::Store(StoreError::Busy))
}

/// The step of the planner.
pub async fn plan(mut step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .prompt_session(&step.connection, ticket, step.budget_end)
        .await?;
    let Some(source) = connector.files() else {
        return step
            .release(Next::CaughtUp(ctx.now() + ctx.settings.file_sweep), None)
            .await;
    };
    let mut plan = match begin_run(&mut step).await? {
        Begun::Plan(plan) => plan,
        Begun::Wait(at) => return step.release(Next::CaughtUp(at), None).await,
        Begun::FencedOff => return Ok(()),
    };
    let next = loop {
        let mut roots = vec![];
        let page = match source.roots(&session, plan.tok.as_ref(), &mut roots).await {
            Ok(next) if next.is_some() && next == plan.tok => {
                let what = "the vendor's link to the next page leads to the same page".to_string();
                Err(ConnectorError::BadLink { what })
            }
            other => other,
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let ticket = session.gates().ticket();
                session.gates().finish().await;
                return rewind_or_recover(step, plan, error, ticket).await;
            }
        };
        let is_last = page.is_none();
        if !commit_page(&mut step, &mut plan, page, roots).await? {
            return Ok(());
        }
        for lane in 0..LANES {
            nudge(ctx, &step.scope.stream(&format!("files-{lane}"))).await?;
        }
        if is_last {
            close_run(ctx, &step.scope, &run_name(plan.run)).await?;
            if source.sweep() == Sweep::Walk {
                look_for_gone(ctx, &step.scope, &run_name(plan.run)).await?;
            }
            break Next::CaughtUp(plan.begun + ctx.settings.file_sweep);
        }
        if !step.has_time() {
            break Next::Continue;
        }
        if !step.is_still_wanted().await? {
            break Next::Wait(ctx.now());
        }
    };
    let ticket = leave(&session, &next).await;
    step.release(next, ticket).await
}

enum Begun {
    Plan(Plan),
    /// Nothing to plan before this time.
    Wait(Timestamp),
    FencedOff,
}

/// Goes on with the run that is being planned, or begins the next one when it is due and the last one is over.
async fn begin_run(step: &mut Step<'_>) -> Result<Begun, StageError> {
    let ctx = step.ctx;
    let now = ctx.now();
    let last: Option<Plan> = step.stream.cursor(&step.key)?;
    let number = match last {
        Some(plan) if plan.is_planning => return Ok(Begun::Plan(plan)),
        Some(plan) => {
            let due = match plan.is_asked {
                true => now,
                false => plan.begun + ctx.settings.file_sweep,
            };
            if due > now {
                return Ok(Begun::Wait(due));
            }
            let name = run_name(plan.run);
            close_run(ctx, &step.scope, &name).await?;
            if read_run(ctx, &step.scope, &name)
                .await?
                .is_some_and(|run| run.st == StreamState::Run)
            {
                return Ok(Begun::Wait(now + STILL_RUNNING));
            }
            plan.run + 1
        }
        None => 1,
    };
    let plan = Plan {
        run: number,
        begun: now,
        is_planning: true,
        is_asked: false,
        tok: None,
    };
    let key = step.scope.run(&run_name(number));
    let run = RunItem {
        v: 1,
        st: StreamState::Run,
        planned: 0,
        fin: 0,
        failed: 0,
        r#final: 0,
        begun: now,
        ended: None,
        gw: Some(sweep_partition(&key)),
        gk: Some(index_order(now.as_millisecond())),
    };
    step.stream.cur = Some(serde_json::to_value(&plan).expect("a plan is plain"));
    match step
        .commit(None, vec![Write::create(key, items::write(&run))])
        .await?
    {
        Committed::Yes => Ok(Begun::Plan(plan)),
        Committed::FencedOff | Committed::Refused { .. } => Ok(Begun::FencedOff),
    }
}

/// A page link that died starts the list of roots anew: units that are there already are not counted twice.
async fn rewind_or_recover(
    mut step: Step<'_>,
    mut plan: Plan,
    error: ConnectorError,
    ticket: Option<Ticket>,
) -> Result<(), StageError> {
    let is_page_fault = matches!(
        error,
        ConnectorError::PageExpired { .. }
            | ConnectorError::BadLink { .. }
            | ConnectorError::CursorExpired { .. }
    );
    if is_page_fault {
        plan.tok = None;
        step.stream.cur = Some(serde_json::to_value(&plan).expect("a plan is plain"));
        step.stream.fails += 1;
        let what = format!(
            "the list of places where files live cannot be read: {}",
            error.chain()
        );
        step.stream.trouble = Some(Cause::new(
            "unexpected-answer",
            what,
            "it is tried again by itself",
        ));
        let wait = retry::step_wait(step.stream.fails, step.ctx.rng.fraction());
        let again = step.ctx.now() + ms_duration(wait);
        return step.release(Next::Wait(again), ticket).await;
    }
    step.recover(error, ticket).await
}

async fn commit_page(
    step: &mut Step<'_>,
    plan: &mut Plan,
    page: Option<Cursor>,
    roots: Vec<Root>,
) -> Result<bool, StageError> {
    let run = step.scope.run(&run_name(plan.run));
    let mut chunks: Vec<&[Root]> = roots.chunks(UNITS_PER_COMMIT).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    for (number, chunk) in chunks.into_iter().enumerate() {
        let is_end = number == last;
        if is_end {
            plan.is_planning = page.is_some();
            plan.tok = page.clone();
        }
        let mut tries = 0;
        loop {
            step.stream.cur = Some(serde_json::to_value(&*plan).expect("a plan is plain"));
            let (count, mut writes) = units(step, plan, chunk).await?;
            let mut sets = vec![Set::Add("v", 1.into()), Set::Add("planned", count.into())];
            if is_end && !plan.is_planning {
                sets.push(Set::To("final", 1.into()));
            }
            writes.push(Write::update(run.clone(), Condition::Exists, sets));
            match step.commit(None, writes).await? {
                Committed::Yes => break,
                Committed::FencedOff => return Ok(false),
                // A unit moved in this moment: look again.
                Committed::Refused { .. } if tries < COMMIT_TRIES_MAX => tries += 1,
                Committed::Refused { .. } => return Err(StageError::Store(StoreError::Busy)),
            }
        }
    }
    Ok(true)
}

/// Writes that put roots into the run: new ones are created, known ones are taken over with their cursor.
async fn units(
    step: &Step<'_>,
    plan: &Plan,
    roots: &[Root],
) -> Result<(u64, Vec<Write>), StageError> {
    let ctx = step.ctx;
    let now = ctx.now();
    let name = run_name(plan.run);
    let mut roots: Vec<&Root> = roots.iter().collect();
    roots.sort_by(|left, right| left.id.cmp(&right.id));
    roots.dedup_by(|left, right| left.id == right.id);
    let keys: Vec<Key> = roots
        .iter()
        .map(|root| step.scope.unit(QUEUE, &root.id))
        .collect();
    let found = if keys.is_empty() {
        vec![]
    } else {
        ctx.state.get(&keys).await?
    };
    let mut writes = vec![];
    let mut count = 0;
    for ((root, key), item) in roots.into_iter().zip(keys).zip(found) {
        let Some(item) = item else {
            let mut unit = StreamItem::new(&key, Stage::FileScan, &[], now);
            unit.queue = Some(step.scope.waiting(QUEUE));
            unit.run = Some(name.clone());
            unit.last_run = Some(name.clone());
            unit.root = Some(root.clone());
            unit.index(&key);
            writes.push(Write::create(key, items::write(&unit)));
            count += 1;
            continue;
        };
        let mut unit: StreamItem = items::read(&key, &item)?;
        // The vendor named the root twice, or the page was read again: the run counts it already.
        if unit.last_run.as_deref() == Some(&name) {
            continue;
        }
        let condition = Condition::Equal("v", unit.v.into());
        unit.v += 1;
        unit.st = StreamState::Run;
        unit.run = Some(name.clone());
        unit.att = 0;
        unit.lease = 0;
        unit.wake = now.as_millisecond();
        unit.index(&key);
        let root = serde_json::to_value(root).expect("roots are plain");
        let mut sets = vec![
            Set::To("v", unit.v.into()),
            Set::To("st", "RUN".into()),
            Set::To("run", name.as_str().into()),
            Set::To("last_run", name.as_str().into()),
            Set::To("att", 0.into()),
            // Whoever is at work on it may not take this write for its own.
            Set::To("own", "".into()),
            Set::To("lease", 0.into()),
            Set::To("wake", unit.wake.into()),
            Set::To("root", root),
        ];
        sets.extend(index_sets(&unit));
        writes.push(Write::update(key, condition, sets));
        count += 1;
    }
    Ok((count, writes))
}

pub async fn read_run(
    ctx: &Context,
    scope: &Scope,
    name: &str,
) -> Result<Option<RunItem>, StageError> {
    let key = scope.run(name);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    match found.first() {
        Some(Some(item)) => Ok(Some(items::read(&key, item)?)),
        _ => Ok(None),
    }
}

/// Ends a run whose units are all done or failed; anyone may try, at any time.
pub async fn close_run(ctx: &Context, scope: &Scope, name: &str) -> Result<(), StageError> {
    let condition = Condition::All(vec![
        Condition::Equal("st", "RUN".into()),
        Condition::Equal("final", 1.into()),
        Condition::Same("fin", "planned"),
    ]);
    let ended = serde_json::to_value(ctx.now()).expect("times are plain");
    let sets = vec![
        Set::Add("v", 1.into()),
        Set::To("st", "DONE".into()),
        Set::To("ended", ended),
        Set::Remove("gw"),
        Set::Remove("gk"),
    ];
    match ctx
        .state
        .write(Write::update(scope.run(name), condition, sets))
        .await
    {
        Ok(_) => {
            tracing::info!(connection = %scope.connection, run = name, "file sweep is over");
            Ok(())
        }
        Err(StoreError::Refused { .. } | StoreError::Unknown | StoreError::Busy) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_sort_by_their_number() {
        assert!(super::run_name(9) < super::run_name(10));
    }
}
