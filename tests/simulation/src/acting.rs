//! People who have things changed at the vendor: what they ask for, and what must have become of it in the end.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::SignedDuration;
use casbah_model::action::{ActionId, ActionKind, ActionState, Subject};
use casbah_pipeline::govern::{self, ActionItem, Asked, Decision, Wish};
use casbah_pipeline::inventory::{Reading, lines};
use casbah_pipeline::{Context, StageError, connect};
use casbah_simulators::governed::{Governed, Ready};

use crate::draw::Draw;
use crate::host::Host;
use crate::mark::Mark;
use crate::run::connection_name;
use crate::tenant::Tenant;

/// Who asks, and who decides.
const ASKER: &str = "ann";
const APPROVER: &str = "bob";
/// Accounts that actions are done to; nobody does anything else to them.
pub const ACCOUNTS: usize = 14;
/// How long somebody waits for a plan or an end, with a look every five seconds.
const LOOKS_MAX: u64 = 120;
/// A death leaves a lease behind, and clocks are wrong by half a minute; only then nobody else may go on.
const LEASE_BEYOND: SignedDuration = SignedDuration::from_secs(61);

/// One action that somebody asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    pub id: ActionId,
    pub kind: ActionKind,
    pub ready: Vec<Ready>,
    /// What calls hold that are about it: ids of its targets, and of what else is changed with them.
    pub words: Vec<String>,
    /// Somebody else may change its targets meanwhile.
    pub is_shared: bool,
}

/// What somebody does about an action, by its number.
#[derive(Clone, Copy, Debug)]
pub enum Move {
    Ask(usize),
    Approve(usize),
    Reject(usize),
    Undo(usize),
    Meddle(usize),
}

/// What a seed draws: actions, and for each when somebody does what about it, as a share of the turmoil.
pub struct Plan {
    pub asks: Vec<Ask>,
    pub moves: Vec<(f64, Move)>,
}

/// A function that is cut off cannot be kept from sending what it was about to send, unlike from writing. So whoever acts
/// holds a lease that outlives it, as in production.
pub fn lease(function_limit: SignedDuration) -> SignedDuration {
    function_limit + LEASE_BEYOND
}

impl Plan {
    pub fn none() -> Plan {
        Plan {
            asks: vec![],
            moves: vec![],
        }
    }

    /// Draws what is done of these kinds; nobody but those who act does anything to the last `ACCOUNTS` accounts.
    pub fn draw(draw: &Draw, tenant: &dyn Tenant, accounts: usize, of: &[ActionKind]) -> Plan {
        let Some(governed) = tenant.governed().filter(|_| !of.is_empty()) else {
            return Plan::none();
        };
        let last = accounts.saturating_sub(ACCOUNTS)..accounts;
        let apart: BTreeSet<_> = last.map(|one| tenant.account(one as u64)).collect();
        let count = draw.between(1, 4);
        let kinds: Vec<_> = (0..count)
            .map(|_| (draw.one(of), draw.between(1, 2) as usize))
            .collect();
        let mut plan = Plan::none();
        for (number, ready) in choose(governed, &kinds).into_iter().enumerate() {
            let at = 0.1 + 0.5 * draw.fraction();
            let mut then = |least: f64, what: Move| {
                let at = (at + least + 0.2 * draw.fraction()).min(0.97);
                plan.moves.push((at, what));
            };
            then(0.0, Move::Ask(number));
            match draw.fraction() {
                share if share < 0.75 => then(0.0, Move::Approve(number)),
                share if share < 0.9 => then(0.0, Move::Reject(number)),
                _ => {}
            }
            if draw.is(0.4) {
                then(0.15, Move::Undo(number));
            }
            let is_meddled = draw.is(0.15);
            if is_meddled {
                then(0.0, Move::Meddle(number));
            }
            let kind = kinds[number].0;
            let is_account = kind.subject() == Subject::Account;
            let is_others = is_account && ready.iter().any(|one| !apart.contains(&one.target.id));
            plan.asks.push(Ask {
                id: format!("action-{number}").parse().expect("a plain id"),
                kind,
                words: ready
                    .iter()
                    .flat_map(|ready| tenant.words(kind, ready))
                    .collect(),
                ready,
                is_shared: is_meddled || takes_a_change(kind) || is_others,
            });
        }
        plan
    }
}

/// Whether accounts are made ready for it by a change of their own, and so are any accounts of the tenant.
fn takes_a_change(kind: ActionKind) -> bool {
    matches!(kind, ActionKind::RestoreUser | ActionKind::RevokeRole)
}

/// Different targets for each action. Accounts that are made ready by a change come first, so they are none of the rest;
/// files are made anew, and belong to the last of the accounts.
fn choose(tenant: &dyn Governed, kinds: &[(ActionKind, usize)]) -> Vec<Vec<Ready>> {
    let ready = |is_wanted: &dyn Fn(ActionKind) -> bool| {
        let all = kinds.iter().enumerate();
        all.filter(|(_, (kind, _))| is_wanted(*kind))
            .map(|(number, (kind, count))| (number, alike(tenant.ready(*kind, *count))))
            .collect::<BTreeMap<_, _>>()
    };
    let mut chosen = ready(&takes_a_change);
    // The others of those that nobody else is busy with.
    let taken: usize = chosen.values().map(Vec::len).sum();
    let plain = tenant.ready(ActionKind::SuspendUser, ACCOUNTS - taken);
    chosen.extend(ready(&|kind| kind.subject() == Subject::File));
    let mut plain = plain.into_iter();
    let all = kinds.iter().enumerate();
    all.map(|(number, (_, count))| match chosen.remove(&number) {
        Some(ready) => ready,
        None => plain.by_ref().take(*count).collect(),
    })
    .collect()
}

/// Those that one action can be about: it has its parameters once.
fn alike(mut ready: Vec<Ready>) -> Vec<Ready> {
    if let Some(parameters) = ready.first().map(|first| first.parameters.clone()) {
        ready.retain(|one| one.parameters == parameters);
    }
    ready
}

impl Ask {
    /// Whether a change may arrive more often than once: sessions that come up while an account is being suspended are
    /// ended as often as it takes.
    pub fn may_repeat(&self, what: &str) -> bool {
        self.kind == ActionKind::SuspendUser && what.contains("/sessions")
    }
}

/// Does what somebody does, again and again until it is known to have been done.
pub async fn act(host: &Host, what: Move) {
    let (Move::Ask(number)
    | Move::Approve(number)
    | Move::Reject(number)
    | Move::Undo(number)
    | Move::Meddle(number)) = what;
    let ask = &host.conditions.acting.asks[number];
    let looks = std::cell::Cell::new(0);
    let is_waiting = || {
        looks.set(looks.get() + 1);
        looks.get() < LOOKS_MAX
    };
    if let Move::Meddle(_) = what {
        if let (Some(governed), Some(first)) =
            (host.conditions.tenant.governed(), ask.ready.first())
        {
            governed.meddle(ask.kind, first);
        }
        return;
    }
    host.operate("action", async |ctx| {
        let done = match what {
            Move::Ask(_) => take_in(ctx, ask).await,
            Move::Approve(_) => decide(ctx, ask, Decision::Approve, &is_waiting).await,
            Move::Reject(_) => {
                let why = "not now".into();
                decide(ctx, ask, Decision::Reject { why }, &is_waiting).await
            }
            Move::Undo(_) => undo(ctx, ask, &is_waiting).await,
            Move::Meddle(_) => Ok(()),
        };
        match done {
            Err(StageError::UnknownConnection { .. } | StageError::Refused(_)) => Ok(()),
            done => done,
        }
    })
    .await;
}

async fn take_in(ctx: &Context, ask: &Ask) -> Result<(), StageError> {
    let asked = Asked {
        id: ask.id.clone(),
        kind: ask.kind,
        targets: ask.ready.iter().map(|ready| ready.target.clone()).collect(),
        selection: None,
        parameters: ask
            .ready
            .first()
            .map(|ready| ready.parameters.clone())
            .unwrap_or_default(),
        reason: "a drill".into(),
        wish: Wish::Apply,
        by: ASKER.into(),
    };
    govern::ask(ctx, &connection_name(), asked).await.map(drop)
}

/// What is not far enough yet is looked at again for some minutes.
fn not_yet(is_waiting: &dyn Fn() -> bool) -> Result<(), StageError> {
    match is_waiting() {
        true => Err(StageError::Store(casbah_model::ports::StoreError::Busy)),
        false => Ok(()),
    }
}

async fn decide(
    ctx: &Context,
    ask: &Ask,
    decision: Decision,
    is_waiting: &dyn Fn() -> bool,
) -> Result<(), StageError> {
    let name = connection_name();
    match govern::find(ctx, &name, &ask.id).await?.state {
        ActionState::Planning => not_yet(is_waiting),
        ActionState::Pending => govern::decide(ctx, &name, &ask.id, APPROVER, decision)
            .await
            .map(drop),
        _ => Ok(()),
    }
}

async fn undo(ctx: &Context, ask: &Ask, is_waiting: &dyn Fn() -> bool) -> Result<(), StageError> {
    let name = connection_name();
    let action = govern::find(ctx, &name, &ask.id).await?;
    match action.state {
        ActionState::Verified | ActionState::Failed if !action.is_undo => {
            govern::undo(ctx, &name, &ask.id, ASKER, "it was a drill")
                .await
                .map(drop)
        }
        ActionState::Pending if action.is_undo => {
            decide(ctx, ask, Decision::Approve, is_waiting).await
        }
        ActionState::Planning | ActionState::Approved | ActionState::Applying => {
            not_yet(is_waiting)
        }
        _ => Ok(()),
    }
}

/// I20: what is wrong with what became of the actions; `None` when all of it is right.
pub async fn difference(host: &Host, ctx: &Context) -> Result<Option<String>, StageError> {
    let name = connection_name();
    for ask in &host.conditions.acting.asks {
        let action = match govern::find(ctx, &name, &ask.id).await {
            Ok(action) => action,
            // It was refused, never asked for, or went with its connection.
            Err(StageError::Refused(_)) => continue,
            Err(error) => return Err(error),
        };
        if let Some(what) = wrong(host, ask, &action) {
            return Ok(Some(format!("I20: {} of {}: {what}", ask.id, ask.kind)));
        }
        if let Some(what) = untold(ctx, &action).await? {
            return Ok(Some(format!("I20: {}: {what}", ask.id)));
        }
        let mark = match action.state {
            ActionState::Verified => Mark::ActionVerified,
            ActionState::Undone => Mark::ActionUndone,
            ActionState::Failed => Mark::ActionFailed,
            _ => continue,
        };
        host.world.watch.mark(mark);
    }
    Ok(None)
}

fn wrong(host: &Host, ask: &Ask, action: &ActionItem) -> Option<String> {
    let must_be_done = match action.state {
        ActionState::Verified => true,
        ActionState::Undone
        | ActionState::Rejected
        | ActionState::Expired
        | ActionState::Planned
        // Nobody decided.
        | ActionState::Pending
            if !action.is_undo || action.state == ActionState::Undone =>
        {
            false
        }
        // Its units say which were done; or it waits for somebody to agree to its undoing.
        ActionState::Failed | ActionState::Pending => return None,
        state => return Some(format!("it is still {}", state.name())),
    };
    // A plan may say of some targets that they cannot be changed, or are so already.
    let is_partial = must_be_done && action.counts.changes < ask.ready.len() as u64;
    if ask.is_shared || is_partial {
        return None;
    }
    let is_done = |ready: &&Ready| host.conditions.tenant.is_done(ask.kind, &ready.target);
    let strange = ask
        .ready
        .iter()
        .find(|ready| is_done(ready).is_some_and(|is_done| is_done != must_be_done));
    strange.map(|ready| {
        let state = action.state.name();
        format!("it is {state}, and {} does not look like it", ready.target)
    })
}

/// That the trail tells of each step once, and of the end.
async fn untold(ctx: &Context, action: &ActionItem) -> Result<Option<String>, StageError> {
    let Some(connection) = connect::find(ctx, &connection_name()).await? else {
        return Ok(None);
    };
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let of_it = format!("{}-", action.id);
    lines(
        ctx,
        &connection.scope(),
        "actions",
        Reading::All,
        |_, line| {
            let id = casbah_lake::read::marks(line).map(|marks| marks.id.into_owned());
            if let Some(id) = id.filter(|id| id.starts_with(&of_it)) {
                *told.entry(id).or_default() += 1;
            }
        },
    )
    .await?;
    if let Some((id, count)) = told.iter().find(|(_, count)| **count > 1) {
        return Ok(Some(format!("{id} is told {count} times")));
    }
    let told_of = |step: &str| {
        let mark = format!("{of_it}{step}");
        told.keys().filter(|id| id.starts_with(&mark)).count() as u64
    };
    let wanted = match action.state {
        ActionState::Verified => ("applied-", action.counts.verified + action.counts.sent),
        ActionState::Undone => ("undone-", action.counts.undone),
        _ => return Ok(None),
    };
    let (step, count) = wanted;
    Ok((told_of(step) < count || told_of("ended") == 0).then(|| {
        format!(
            "{count} objects are {step} and the trail tells of {}",
            told_of(step)
        )
    }))
}
