//! Who may have what done, how much at once, and what a large plan leaves behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use casbah_lake::read;
use casbah_model::SignedDuration;
use casbah_model::action::{ActionId, ActionKind, ActionState};
use casbah_model::permission::Tier;
use casbah_pipeline::govern::{self, Asked, Decision, Policy, Wish};
use casbah_pipeline::inventory::{Reading, lines};
use casbah_pipeline::ledger::verify;
use casbah_pipeline::{StageError, connect};
use casbah_simulators::governed::Governed;
use casbah_simulators::okta::{Plan, Simulator, Status};
use casbah_simulators::simulated::Simulated;

use crate::deaths::{Fate, mortal};
use crate::govern::{APPROVER, ASKER, Stage, asked, org};
use crate::world::{World, in_virtual_time, name, run, started};

fn code<T>(refused: Result<T, StageError>) -> String {
    match refused {
        Err(StageError::Refused(cause)) => cause.code,
        Err(error) => panic!("{}", error.chain()),
        Ok(_) => "nothing".into(),
    }
}

async fn decide(stage: &Stage<Simulator>, id: &ActionId, by: &str) -> String {
    let ctx = &stage.system.ctx;
    code(govern::decide(ctx, &name(), id, by, Decision::Approve).await)
}

const SUSPEND: ActionKind = ActionKind::SuspendUser;

#[test]
fn a_connection_that_observes_holds_no_right_to_act() {
    in_virtual_time(async {
        let world = org();
        let system = world.caught_up_with(&["users"]).await;
        let ready = world.simulator.ready(SUSPEND, 1);
        let asked = asked("a1", SUSPEND, &ready, Wish::DryRun);
        assert_eq!(code(govern::ask(&system.ctx, &name(), asked).await), "tier");
    });
}

#[test]
fn what_is_asked_for_wrongly_is_refused_by_name() {
    in_virtual_time(async {
        let stage = Stage::set(org()).await;
        let ready = stage.world.simulator.ready(SUSPEND, 1);
        let good = || asked("a1", SUSPEND, &ready, Wish::Plan);
        let with = |change: &dyn Fn(&mut Asked)| {
            let mut asked = good();
            change(&mut asked);
            asked
        };
        let many = |asked: &mut Asked| {
            let targets = (0..501).map(|number| format!("u{number}").parse().expect("a target"));
            asked.targets = targets.collect();
        };
        for (asked, expected) in [
            (with(&|asked| asked.targets.clear()), "targets"),
            (with(&|asked| asked.reason = "  ".into()), "reason"),
            (with(&|asked| asked.reason = "x".repeat(501)), "reason"),
            (with(&|asked| asked.kind = ActionKind::RemoveLink), "action"),
            (
                with(&|asked| drop(asked.parameters.insert("a".into(), "b".into()))),
                "parameter",
            ),
            (with(&many), "blast-radius"),
        ] {
            let refused = govern::ask(&stage.system.ctx, &name(), asked).await;
            assert_eq!(code(refused), expected);
        }
        let left = govern::actions(&stage.system.ctx, &name()).await;
        assert_eq!(
            left.expect("a list").len(),
            0,
            "what was refused left something"
        );
    });
}

#[test]
fn an_id_that_comes_again_is_the_same_action_or_refused() {
    in_virtual_time(async {
        let stage = Stage::set(org()).await;
        let (ctx, name) = (&stage.system.ctx, name());
        let ready = stage.world.simulator.ready(SUSPEND, 2);
        let one = || asked("a1", SUSPEND, &ready[..1], Wish::Plan);
        let (first, beside) = tokio::join!(
            govern::ask(ctx, &name, one()),
            govern::ask(ctx, &name, one()),
        );
        let again = govern::ask(ctx, &name, one()).await;
        for known in [&beside, &again] {
            let known = known.as_ref().expect("the same action");
            assert_eq!(known.orders, first.as_ref().expect("taken in").orders);
        }
        let other = asked("a1", SUSPEND, &ready[1..], Wish::Plan);
        assert_eq!(code(govern::ask(ctx, &name, other).await), "id-taken");
    });
}

#[test]
fn several_objects_take_a_second_person_who_is_another_one() {
    in_virtual_time(async {
        let mut stage = Stage::set(org()).await;
        stage.system.ctx.policy = Policy {
            approvers: Some(BTreeSet::from([APPROVER.to_string(), ASKER.to_string()])),
            ..Policy::default()
        };
        let ready = stage.world.simulator.ready(SUSPEND, 3);
        let id = stage.ask("several", SUSPEND, &ready, Wish::Apply).await;
        stage.go_on().await;
        let pending = stage.action(&id).await;
        assert_eq!(pending.state, ActionState::Pending);
        assert_eq!(
            pending.needs_approval.as_deref(),
            Some("it changes 3 objects")
        );
        assert_eq!(decide(&stage, &id, ASKER).await, "approver");
        assert_eq!(decide(&stage, &id, "somebody").await, "approver");
        assert!(stage.postman.arrived().is_empty(), "nobody agreed yet");
        assert_eq!(decide(&stage, &id, APPROVER).await, "nothing");
        stage.go_on().await;
        let done = stage.action(&id).await;
        assert_eq!(
            (done.state, done.counts.verified),
            (ActionState::Verified, 3)
        );
        assert_eq!(decide(&stage, &id, APPROVER).await, "state");
        let suspended = stage.world.simulator.holds().users;
        for one in &ready {
            assert_eq!(suspended.get(&one.target.id), Some(&Status::Suspended));
        }
    });
}

#[test]
fn a_plan_that_nobody_approves_ends_and_a_rejected_one_does_nothing() {
    in_virtual_time(async {
        let stage = Stage::set(org()).await;
        let ready = stage.world.simulator.ready(SUSPEND, 2);
        let late = stage.ask("late", SUSPEND, &ready, Wish::Apply).await;
        let rejected = stage.ask("rejected", SUSPEND, &ready, Wish::Apply).await;
        stage.go_on().await;
        let why = "it is their holiday".to_string();
        let decision = Decision::Reject { why };
        let ctx = &stage.system.ctx;
        govern::decide(ctx, &name(), &rejected, APPROVER, decision)
            .await
            .expect("rejected");
        let day = SignedDuration::from_hours(25);
        stage.world.run_for(&stage.system, day).await;
        assert_eq!(stage.action(&rejected).await.state, ActionState::Rejected);
        let expired = stage.action(&late).await;
        assert_eq!(expired.state, ActionState::Expired);
        let steps: Vec<_> = expired
            .history
            .iter()
            .map(|step| step.step.as_str())
            .collect();
        assert_eq!(steps, ["requested", "expired"]);
        assert!(stage.postman.arrived().is_empty());
        assert_eq!(decide(&stage, &late, APPROVER).await, "state");
    });
}

/// Enough active users for a plan of several stretches.
fn large() -> World<Simulator> {
    let plan = Plan {
        history: SignedDuration::from_hours(1),
        started: started(),
        ..Plan::new(6).sized(220, 4, 20)
    };
    World::of(plan.started, |clock| Simulator::new(plan, clock))
}

#[test]
fn a_large_plan_that_is_killed_twice_does_each_object_once_and_tells_each_once() {
    in_virtual_time(async {
        let Stage {
            world,
            postman,
            system,
        } = Stage::set(large()).await;
        let ready = world.simulator.ready(SUSPEND, 100);
        assert!(ready.len() > 60, "only {} users", ready.len());
        let asked = asked("large", SUSPEND, &ready, Wish::Apply);
        let id = govern::ask(&system.ctx, &name(), asked)
            .await
            .expect("taken in")
            .id;
        drop(system);
        let lenient = Policy {
            approval: govern::Approval::Never,
            ..Policy::default()
        };
        for fatal in [150, 200] {
            let fate = Fate::after(fatal);
            let mut system = mortal(world.open_with(Arc::clone(&postman) as _), &fate);
            system.ctx.policy = lenient.clone();
            tokio::select! {
                biased;
                () = fate.died.notified() => {}
                () = world.run_for(&system, SignedDuration::from_hours(1)) => panic!("it lives on"),
            }
        }
        let mut system = world.open_with(Arc::clone(&postman) as _);
        system.ctx.policy = lenient;
        world.run_for(&system, SignedDuration::from_hours(2)).await;
        let done = govern::find(&system.ctx, &name(), &id)
            .await
            .expect("there");
        let counts = done.counts;
        assert_eq!(
            done.state,
            ActionState::Verified,
            "{counts:?} {:?}",
            done.cause
        );
        assert_eq!(counts.verified, ready.len() as u64, "{:?}", done.exceptions);
        let twice: Vec<_> = postman
            .arrived()
            .into_iter()
            .filter(|(line, times)| *times > 1 && line.contains("suspend"))
            .collect();
        assert_eq!(twice, [], "done twice");
        run(&system).await;
        let told = told(&system, &id).await;
        let once: BTreeSet<&String> = told.iter().collect();
        assert_eq!(told.len(), once.len(), "told twice");
        let units = told.iter().filter(|id| id.contains("-applied-")).count();
        assert_eq!(units, ready.len());
        let verified = verify(&system.ctx, None).await.expect("objects");
        assert_eq!((verified.repeated, verified.faults), (0, vec![]));
    });
}

/// Ids of the records of an action.
async fn told(system: &casbah_platform_local::LocalSystem, id: &ActionId) -> Vec<String> {
    let ctx = &system.ctx;
    let connection = connect::find(ctx, &name()).await.expect("a table");
    let scope = connection.expect("a connection").scope();
    let mut ids = vec![];
    lines(
        ctx,
        &scope,
        govern::record::FAMILY,
        Reading::Published,
        |_, line| {
            let marks = read::marks(line).expect("our fields");
            if marks.of.as_deref() == Some(id.as_str()) {
                ids.push(marks.id.into_owned());
            }
        },
    )
    .await
    .expect("readable");
    ids
}

#[test]
fn a_few_objects_are_done_when_their_share_of_the_limit_is_spent() {
    in_virtual_time(async {
        let mut stage = Stage::set(large()).await;
        stage.system.ctx.policy.approval = govern::Approval::Never;
        let ready = stage.world.simulator.ready(SUSPEND, 10);
        assert_eq!(ready.len(), 10);
        let done = stage.carry_out("ten", SUSPEND, &ready).await;
        assert_eq!(
            (done.state, done.counts.verified),
            (ActionState::Verified, 10),
            "{done:?}"
        );
    });
}

#[test]
fn an_action_whose_every_object_fails_stops_by_itself() {
    in_virtual_time(async {
        let mut stage = Stage::set(large()).await;
        stage.system.ctx.policy.approval = govern::Approval::Never;
        let ready = stage.world.simulator.ready(SUSPEND, 100);
        // Nothing is done, and each is answered with an error that stays.
        stage
            .postman
            .strike(&[crate::postman::Strike::Refused(403); 400]);
        let done = stage.carry_out("failing", SUSPEND, &ready).await;
        assert_eq!(done.state, ActionState::Failed);
        assert_eq!(done.cause.expect("why").code, "stopped");
        assert!(done.counts.failed < ready.len() as u64, "{:?}", done.counts);
        assert!(stage.postman.arrived().is_empty());
    });
}

#[test]
fn a_right_that_is_known_to_be_missing_is_named_before_anything_is_read() {
    in_virtual_time(async {
        let world = org();
        let system = world.open();
        let mut settings = world.settings(&["users"]);
        settings.tier = Tier::Act;
        connect::connect(&system.ctx, &settings, &world.simulator.secret())
            .await
            .expect("connected");
        run(&system).await;
        // An API token does not tell its rights; this is how a service app's are told.
        let mut connection = connect::find(&system.ctx, &name())
            .await
            .expect("a table")
            .expect("a connection");
        let report = connection.report.as_mut().expect("a test");
        report.grants.is_known = true;
        report.grants.granted = vec![];
        let key = casbah_pipeline::items::connection_key(&name());
        let item = casbah_pipeline::items::write(&connection);
        system
            .ctx
            .state
            .write(casbah_model::state::Write::put(key, item))
            .await
            .expect("written");
        let ready = world.simulator.ready(SUSPEND, 1);
        let asked = asked("a1", SUSPEND, &ready, Wish::Plan);
        match govern::ask(&system.ctx, &name(), asked).await {
            Err(StageError::Refused(cause)) => {
                assert_eq!(cause.code, "permission");
                assert!(cause.what.contains("okta.users.manage"), "{cause}");
            }
            other => panic!("{other:?}"),
        }
    });
}
