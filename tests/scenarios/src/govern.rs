//! Actions, of every app that has some: planned as they are applied, applied as they are verified, undone to what was
//! before; and nothing is done twice, whatever is lost on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use casbah_connector::{Readback, WayBack};
use casbah_model::SignedDuration;
use casbah_model::action::{ActionId, ActionKind, ActionState, Effect, Image};
use casbah_model::app::{App, Component};
use casbah_model::permission::Tier;
use casbah_pipeline::govern::{self, ActionItem, Asked, Decision, UnitView, Wish};
use casbah_pipeline::{apps, connect};
use casbah_platform_local::LocalSystem;
use casbah_simulators::governed::{Governed, Ready};
use casbah_simulators::okta;

use crate::deaths::{Fate, mortal};
use crate::postman::{Postman, Strike};
use crate::world::{World, acted_on_tenant, in_virtual_time, name, run, started};

/// How often the change arrived that arrived most often. Sessions that come up while an account is being suspended are
/// ended as often as it takes, which changes nothing that was not asked for.
fn most(kind: ActionKind, arrived: &BTreeMap<String, u64>) -> u64 {
    let counted = arrived
        .iter()
        .filter(|(line, _)| kind != ActionKind::SuspendUser || !line.contains("/sessions"));
    counted.map(|(_, times)| *times).max().unwrap_or_default()
}

/// A tenant that may be acted on, connected and read.
pub struct Stage<S> {
    pub world: World<S>,
    pub postman: Arc<Postman>,
    pub system: LocalSystem,
}

pub const ASKER: &str = "ann";
pub const APPROVER: &str = "bob";

impl<S: Governed + 'static> Stage<S> {
    pub async fn set(world: World<S>) -> Stage<S> {
        let postman = Postman::new(Arc::clone(&world.simulator) as _);
        let system = world.open_with(Arc::clone(&postman) as _);
        let mut settings = world.settings(&acted_on(world.simulator.app()));
        settings.tier = Tier::Act;
        connect::connect(&system.ctx, &settings, &world.simulator.secret())
            .await
            .expect("connected");
        run(&system).await;
        Stage {
            world,
            postman,
            system,
        }
    }

    /// Goes on for as long as an action may wait for something.
    pub async fn go_on(&self) {
        self.world
            .run_for(&self.system, SignedDuration::from_mins(10))
            .await;
    }

    pub async fn ask(&self, id: &str, kind: ActionKind, ready: &[Ready], wish: Wish) -> ActionId {
        let asked = asked(id, kind, ready, wish);
        let action = govern::ask(&self.system.ctx, &name(), asked).await;
        action.expect("taken in").id
    }

    pub async fn plan(
        &self,
        id: &str,
        kind: ActionKind,
        ready: &[Ready],
    ) -> (ActionItem, UnitView) {
        let id = self.ask(id, kind, ready, Wish::DryRun).await;
        self.go_on().await;
        (self.action(&id).await, self.unit(&id).await)
    }

    /// Asks for an action, lets it be approved where that takes somebody, and waits until it is over.
    pub async fn carry_out(&self, id: &str, kind: ActionKind, ready: &[Ready]) -> ActionItem {
        let id = self.ask(id, kind, ready, Wish::Apply).await;
        self.go_on().await;
        self.approve(&id).await;
        self.go_on().await;
        self.action(&id).await
    }

    pub async fn approve(&self, id: &ActionId) {
        if self.action(id).await.state == ActionState::Pending {
            govern::decide(&self.system.ctx, &name(), id, APPROVER, Decision::Approve)
                .await
                .expect("approved");
        }
    }

    /// Has an action undone, and waits until that is over.
    pub async fn undo(&self, action: &ActionItem) -> ActionItem {
        let ctx = &self.system.ctx;
        let undo = govern::undo(ctx, &name(), &action.id, ASKER, "a drill").await;
        undo.expect("a way back");
        self.go_on().await;
        self.approve(&action.id).await;
        self.go_on().await;
        self.action(&action.id).await
    }

    pub async fn action(&self, id: &ActionId) -> ActionItem {
        govern::find(&self.system.ctx, &name(), id)
            .await
            .expect("an action")
    }

    async fn unit(&self, id: &ActionId) -> UnitView {
        let action = self.action(id).await;
        let units = govern::units(&self.system.ctx, &action, 0, 10).await;
        units.expect("a plan").remove(0)
    }
}

/// Names of the components that an app's actions belong to, and of what those need.
fn acted_on(app: App) -> Vec<&'static str> {
    let governance = apps::connector(app).governance();
    let specs = governance.expect("an app that is acted on").actions();
    let components: BTreeSet<_> = specs
        .iter()
        .flat_map(|spec| [&[spec.component], spec.component.needs()].concat())
        .collect();
    components.into_iter().map(Component::name).collect()
}

pub fn asked(id: &str, kind: ActionKind, ready: &[Ready], wish: Wish) -> Asked {
    Asked {
        id: id.parse().expect("an id"),
        kind,
        selection: None,
        targets: ready.iter().map(|ready| ready.target.clone()).collect(),
        parameters: ready
            .first()
            .map(|ready| ready.parameters.clone())
            .unwrap_or_default(),
        reason: "the account was phished".into(),
        wish,
        by: ASKER.into(),
    }
}

fn images(unit: &UnitView) -> (Image, Image) {
    match &unit.effect {
        Effect::Change { before, after, .. } => (before.clone(), after.clone()),
        other => panic!("{} would not change: {other:?}", unit.label),
    }
}

fn kinds<S: Governed + 'static>(world: &World<S>) -> Vec<(ActionKind, WayBack, Readback)> {
    let connector = apps::connector(world.simulator.app());
    let governance = connector.governance().expect("an app that is acted on");
    let specs = governance.actions().iter();
    specs
        .map(|spec| (spec.kind, spec.way_back, spec.readback))
        .collect()
}

/// Runs a test for each action of an app, each in a tenant of its own.
fn each<S, T>(tenant: impl Fn() -> World<S>, test: T)
where
    S: Governed + 'static,
    T: AsyncFn(&Stage<S>, ActionKind, WayBack, Readback),
{
    for (kind, way_back, readback) in kinds(&tenant()) {
        in_virtual_time(async {
            let stage = Stage::set(tenant()).await;
            test(&stage, kind, way_back, readback).await;
        });
    }
}

async fn is_done_and_undone<S: Governed + 'static>(
    stage: &Stage<S>,
    kind: ActionKind,
    way_back: WayBack,
    readback: Readback,
) {
    let ready = stage.world.simulator.ready(kind, 1);
    let (_, planned) = stage.plan("plan-1", kind, &ready).await;
    let (before, after) = images(&planned);
    assert_ne!(before, after, "{kind}");
    assert_eq!(
        stage.postman.arrived(),
        BTreeMap::new(),
        "{kind} was only planned"
    );
    let done = stage.carry_out("done-1", kind, &ready).await;
    assert_eq!(done.state, ActionState::Verified, "{kind}: {done:?}");
    let arrived = stage.postman.arrived();
    assert_eq!(most(kind, &arrived), 1, "{arrived:?}");
    if matches!(readback, Readback::Shown | Readback::Late | Readback::Steps) {
        assert_eq!(done.counts.verified, 1, "{kind}");
        let (again, _) = stage.plan("plan-2", kind, &ready).await;
        assert_eq!(
            (again.counts.already, again.counts.changes),
            (1, 0),
            "{kind}: {again:?}"
        );
    } else {
        assert_eq!((done.counts.sent, done.counts.verified), (1, 0), "{kind}");
    }
    let ctx = &stage.system.ctx;
    let undo = govern::undo(ctx, &name(), &done.id, ASKER, "it was a drill").await;
    if way_back != WayBack::Undo {
        assert!(undo.is_err(), "{kind} has no way back");
        return;
    }
    undo.expect("a way back");
    stage.go_on().await;
    let undone = stage.action(&done.id).await;
    assert_eq!(undone.state, ActionState::Undone, "{kind}: {undone:?}");
    let back = stage.world.simulator.back(kind, &ready[0]);
    let back = back.unwrap_or_else(|| panic!("{kind}: nothing came back"));
    let (_, restored) = stage.plan("plan-3", kind, &[back]).await;
    assert_eq!(
        images(&restored),
        (before, after),
        "{kind} is not as it was before"
    );
}

async fn survives<S: Governed + 'static>(
    stage: &Stage<S>,
    kind: ActionKind,
    readback: Readback,
    strike: Strike,
) {
    let ready = stage.world.simulator.ready(kind, 1);
    // An account that is suspended has its sessions ended first.
    match kind {
        ActionKind::SuspendUser => stage.postman.strike(&[Strike::Spared, strike]),
        _ => stage.postman.strike(&[strike]),
    }
    let done = stage.carry_out("struck-1", kind, &ready).await;
    let arrived = stage.postman.arrived();
    let most = most(kind, &arrived);
    match readback {
        Readback::Shown | Readback::Late | Readback::Steps => {
            assert_eq!(
                done.state,
                ActionState::Verified,
                "{kind} after {strike:?}: {done:?}"
            );
            assert_eq!(most, 1, "{kind} after {strike:?}: {arrived:?}");
        }
        Readback::Hidden(_) => {
            assert_eq!(
                done.state,
                ActionState::Failed,
                "{kind} after {strike:?}: {done:?}"
            );
            assert_eq!(done.exceptions[0].outcome, "unsure");
            assert!(most <= 1, "{kind} after {strike:?}: {arrived:?}");
        }
    }
}

/// Dies at one call after another; whoever comes after goes on, and no change arrives twice.
async fn survives_deaths<S: Governed + 'static>(
    tenant: &impl Fn() -> World<S>,
    kind: ActionKind,
    readback: Readback,
    calls: impl Iterator<Item = u64>,
) {
    let mut stage = Stage::set(tenant()).await;
    for fatal in calls {
        let mut ready = stage.world.simulator.ready(kind, 1);
        if ready.is_empty() {
            // Everything there was has been dealt with.
            stage = Stage::set(tenant()).await;
            ready = stage.world.simulator.ready(kind, 1);
        }
        stage.postman.strike(&[]);
        let id = stage
            .ask(&format!("died-{fatal}"), kind, &ready, Wish::Apply)
            .await;
        let Stage {
            world,
            postman,
            system,
        } = stage;
        drop(system);
        let fate = Fate::after(fatal);
        let mortal = lenient(mortal(world.open_with(Arc::clone(&postman) as _), &fate));
        let has_died = tokio::select! {
            biased;
            () = fate.died.notified() => true,
            () = until_over(&world, &mortal, &id) => false,
        };
        drop(mortal);
        let system = lenient(world.open_with(Arc::clone(&postman) as _));
        until_over(&world, &system, &id).await;
        stage = Stage {
            world,
            postman,
            system,
        };
        stage.came_right(kind, readback, &id, fatal).await;
        if !has_died {
            return;
        }
    }
}

/// Lets actions through without anybody being asked: what dies is the work.
fn lenient(mut system: LocalSystem) -> LocalSystem {
    system.ctx.policy = govern::Policy {
        approval: govern::Approval::Never,
        ..govern::Policy::default()
    };
    system
}

/// Goes on until an action is over, for as long as it may wait for something.
async fn until_over<S: Governed + 'static>(world: &World<S>, system: &LocalSystem, id: &ActionId) {
    for _ in 0..60 {
        world.run_for(system, SignedDuration::from_secs(10)).await;
        let action = govern::find(&system.ctx, &name(), id).await;
        if !action.expect("an action").state.is_open() {
            return;
        }
    }
}

impl<S: Governed + 'static> Stage<S> {
    async fn came_right(&self, kind: ActionKind, readback: Readback, id: &ActionId, fatal: u64) {
        let action = self.action(id).await;
        let arrived = self.postman.arrived();
        assert!(
            most(kind, &arrived) <= 1,
            "{kind}, dead at {fatal}: {arrived:?}"
        );
        match readback {
            Readback::Shown | Readback::Late | Readback::Steps => {
                assert_eq!(
                    action.state,
                    ActionState::Verified,
                    "{kind}, dead at {fatal}: {action:?}"
                );
            }
            Readback::Hidden(_) => {
                let is_honest = matches!(action.state, ActionState::Verified | ActionState::Failed);
                assert!(is_honest, "{kind}, dead at {fatal}: {action:?}");
                assert_eq!(action.counts.sent + action.counts.failed, 1);
            }
        }
    }
}

async fn leaves_what_changed<S: Governed + 'static>(stage: &Stage<S>, kind: ActionKind) {
    let ready = stage.world.simulator.ready(kind, 1);
    let id = stage.ask("late-1", kind, &ready, Wish::Plan).await;
    // It is planned, and waits where it takes a second person; else it is stopped before it is applied.
    govern::stop(&stage.system.ctx, APPROVER, "a drill")
        .await
        .expect("stopped");
    stage.go_on().await;
    stage.approve(&id).await;
    stage.go_on().await;
    assert_eq!(
        stage.postman.arrived(),
        BTreeMap::new(),
        "{kind} while all is stopped"
    );
    if !stage.world.simulator.meddle(kind, &ready[0]) {
        return;
    }
    govern::resume(&stage.system.ctx).await.expect("resumed");
    stage.go_on().await;
    let action = stage.action(&id).await;
    assert_eq!(action.state, ActionState::Failed, "{kind}: {action:?}");
    assert_eq!(
        action.exceptions[0].outcome, "changed",
        "{kind}: {action:?}"
    );
    assert_eq!(
        stage.postman.arrived(),
        BTreeMap::new(),
        "{kind} of what changed"
    );
}

/// The tests of an app: for each of its actions.
macro_rules! governed {
    ($app:ident, $tenant:expr) => {
        mod $app {
            use super::*;

            #[test]
            fn every_action_is_done_as_planned_read_back_and_undone() {
                each($tenant, is_done_and_undone);
            }

            #[test]
            fn a_lost_answer_is_resolved_by_reading() {
                each($tenant, async |stage, kind, _, readback| {
                    survives(stage, kind, readback, Strike::AnswerLost).await;
                });
            }

            #[test]
            fn an_error_after_the_deed_is_no_reason_to_repeat_it() {
                for status in [500, 503, 429] {
                    each($tenant, async |stage, kind, _, readback| {
                        survives(stage, kind, readback, Strike::ErrorButDone(status)).await;
                    });
                }
            }

            #[test]
            fn what_was_not_done_is_sent_again() {
                each($tenant, async |stage, kind, _, readback| {
                    if matches!(readback, Readback::Shown | Readback::Late | Readback::Steps) {
                        survives(stage, kind, readback, Strike::Refused(503)).await;
                    }
                });
            }

            #[test]
            fn what_changed_since_the_plan_is_left_alone() {
                each($tenant, async |stage, kind, _, _| {
                    leaves_what_changed(stage, kind).await;
                });
            }

            #[test]
            fn whoever_dies_at_any_call_leaves_nothing_done_twice() {
                // What can be read back is dealt with alike: one kind dies at the even calls, and the next at the odd ones.
                for (number, (kind, _, readback)) in (0..).zip(kinds(&$tenant())) {
                    let (first, step) = match readback {
                        Readback::Shown | Readback::Late | Readback::Steps => (number % 2, 2),
                        Readback::Hidden(_) => (0, 1),
                    };
                    let calls = (first..).step_by(step);
                    in_virtual_time(survives_deaths(&$tenant, kind, readback, calls));
                }
            }
        }
    };
}

pub fn org() -> World<okta::Simulator> {
    let plan = okta::Plan {
        history: SignedDuration::from_hours(1),
        started: started(),
        ..okta::Plan::new(5).sized(24, 4, 20)
    };
    World::of(plan.started, |clock| okta::Simulator::new(plan, clock))
}

governed!(okta_org, org);
governed!(microsoft365_tenant, acted_on_tenant);
governed!(box_enterprise, crate::box_acting::acted_on);
