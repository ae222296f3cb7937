//! Acting on an enterprise of Box: small, because each death that is tried has one of its own; and what it comes to in
//! the end, held against what the simulator knows.

use std::collections::BTreeMap;

use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, ActionState};
use casbah_model::file::Sharing;
use casbah_pipeline::StageError;
use casbah_pipeline::govern::{self, Asked, Selection, Wish};
use casbah_simulators::box_com::{
    ACT_SCOPE, Access, Deed, Fault, FaultSettings, ItemHeld, Plan, Simulator,
};
use casbah_simulators::governed::{Governed, Ready};

use crate::box_com::enterprise;
use crate::govern::{ASKER, Stage, asked};
use crate::world::{World, in_virtual_time, name, started};

fn plan() -> Plan {
    let mut plan = Plan {
        history: SignedDuration::from_hours(1),
        started: started(),
        external_folders: 0,
        ..Plan::new(5).sized(10, 1, 6, 20)
    };
    plan.client.scopes.push(ACT_SCOPE.into());
    plan
}

pub fn acted_on() -> World<Simulator> {
    enterprise(plan())
}

/// Ids of what is ready.
fn ids(ready: &[Ready]) -> Vec<&str> {
    let ids = ready.iter().map(|ready| ready.target.id.as_str());
    ids.map(|id| id.rsplit(':').next().unwrap_or(id)).collect()
}

pub fn held(stage: &Stage<Simulator>, ready: &[Ready]) -> Vec<ItemHeld> {
    let held = ids(ready)
        .into_iter()
        .map(|id| stage.world.simulator.item(id));
    held.map(|held| held.expect("it is there")).collect()
}

#[test]
fn what_is_quarantined_is_its_owners_alone_and_comes_back_as_it_was() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let ready = stage.world.simulator.ready(ActionKind::Quarantine, 3);
        let before = held(&stage, &ready);
        // Who sees the folder sees what lies in it, until it lies elsewhere.
        for item in &before {
            stage.world.simulator.act(Deed::Share {
                item: item.folders[0].clone(),
                access: Access::Open,
                has_password: false,
            });
        }
        let done = stage
            .carry_out("away-1", ActionKind::Quarantine, &ready)
            .await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        for item in held(&stage, &ready) {
            assert_eq!(item.sharing, Sharing::Private, "{item:?}");
            let others = (
                item.collaborators.len(),
                item.groups.len(),
                item.invited.len(),
            );
            assert_eq!(others, (0, 0, 0), "{item:?}");
        }
        let undone = stage.undo(&done).await;
        assert_eq!(undone.state, ActionState::Undone, "{undone:?}");
        assert_eq!(held(&stage, &ready), before);
    });
}

#[test]
fn a_quarantine_that_others_see_is_none() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let ready = stage.world.simulator.ready(ActionKind::Quarantine, 2);
        let done = stage
            .carry_out("away-1", ActionKind::Quarantine, &ready[..1])
            .await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        let folder = held(&stage, &ready)[0].folders[0].clone();
        let (access, has_password) = (Access::Company, false);
        stage.world.simulator.act(Deed::Share {
            item: folder,
            access,
            has_password,
        });
        // The same owner, because it is the owner's folder.
        let again = stage.undo(&done).await;
        assert_eq!(again.state, ActionState::Undone, "{again:?}");
        let refused = stage
            .carry_out("away-2", ActionKind::Quarantine, &ready[..1])
            .await;
        assert_eq!(
            (refused.state, refused.counts.refused),
            (ActionState::Failed, 1)
        );
    });
}

#[test]
fn what_came_from_a_folder_that_is_gone_stays_in_quarantine() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let ready = stage.world.simulator.ready(ActionKind::Quarantine, 1);
        let folder = held(&stage, &ready)[0].folders[0].clone();
        let done = stage
            .carry_out("away-1", ActionKind::Quarantine, &ready)
            .await;
        stage.world.simulator.act(Deed::Trash { item: folder });
        let undone = stage.undo(&done).await;
        assert_eq!(undone.counts.undo_failed, 1, "{undone:?}");
        let why = &undone.exceptions[0].why;
        assert!(why.contains("folder"), "{why}");
        assert_eq!(held(&stage, &ready)[0].sharing, Sharing::Private);
    });
}

#[test]
fn whoever_is_suspended_has_no_sessions_left() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let kind = ActionKind::SuspendUser;
        let ready = stage.world.simulator.ready(kind, 1);
        let done = stage.carry_out("out-1", kind, &ready).await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        let ended = stage.world.simulator.sessions_ended();
        assert_eq!(ended, [ready[0].target.id.clone()]);
    });
}

/// Whatever Box answers to changes that were made or not, each is made once.
#[test]
fn errors_of_box_around_a_change_of_many_calls_are_survived() {
    for fault in [Fault::ErrorAfterWrite, Fault::WriteBlocked] {
        in_virtual_time(async {
            let stage = Stage::set(acted_on()).await;
            let simulator = &stage.world.simulator;
            let ready = simulator.ready(ActionKind::Quarantine, 1);
            let before = held(&stage, &ready);
            simulator.switch(fault, Some(FaultSettings::times(2)));
            let done = stage
                .carry_out("away-1", ActionKind::Quarantine, &ready)
                .await;
            assert_eq!(done.state, ActionState::Verified, "{fault:?}: {done:?}");
            simulator.switch(fault, Some(FaultSettings::times(2)));
            let undone = stage.undo(&done).await;
            assert_eq!(undone.state, ActionState::Undone, "{fault:?}: {undone:?}");
            assert_eq!(held(&stage, &ready), before, "{fault:?}");
        });
    }
}

#[test]
fn whoever_may_only_read_is_told_before_anything_is_planned() {
    in_virtual_time(async {
        let mut plan = plan();
        plan.client.scopes.retain(|scope| scope != ACT_SCOPE);
        let stage = Stage::set(enterprise(plan)).await;
        for (kind, expected) in [
            (ActionKind::Quarantine, Some("permission")),
            (ActionKind::SuspendUser, None),
        ] {
            let ready = stage.world.simulator.ready(kind, 1);
            let asked = asked("asked-1", kind, &ready, Wish::DryRun);
            let refused = govern::ask(&stage.system.ctx, &name(), asked).await;
            let code = match &refused {
                Err(StageError::Refused(cause)) => Some(cause.code.as_str()),
                Err(error) => panic!("{}", error.chain()),
                Ok(_) => None,
            };
            assert_eq!(code, expected, "{kind}");
        }
    });
}

#[test]
fn what_box_refuses_says_why() {
    for fault in [Fault::PolicyForbids, Fault::ItemLocked] {
        in_virtual_time(async {
            let stage = Stage::set(acted_on()).await;
            let simulator = &stage.world.simulator;
            let ready = simulator.ready(ActionKind::RemoveLink, 1);
            simulator.switch(fault, Some(FaultSettings::always()));
            let done = stage
                .carry_out("close-1", ActionKind::RemoveLink, &ready)
                .await;
            match fault {
                Fault::ItemLocked => assert_eq!(done.progress.later.len(), 1, "{done:?}"),
                _ => assert_eq!(done.exceptions[0].outcome, "failed", "{done:?}"),
            }
            // It goes on by itself where somebody held it.
            simulator.switch(fault, None);
            stage
                .world
                .run_for(&stage.system, SignedDuration::from_hours(6))
                .await;
            let ended = stage.action(&done.id).await;
            let expected = match fault {
                Fault::ItemLocked => ActionState::Verified,
                _ => ActionState::Failed,
            };
            assert_eq!(ended.state, expected, "{ended:?}");
        });
    }
}

/// Ids of what anybody can open who has its address, or that of a folder above it.
fn public(simulator: &Simulator) -> Vec<String> {
    let mut public = vec![];
    simulator.each_item(|item| {
        if item.sharing == Sharing::PublicByLink && !item.is_trashed {
            public.push(item.id);
        }
    });
    public
}

#[test]
fn every_public_link_is_removed_by_one_plan() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let simulator = &stage.world.simulator;
        let before = public(simulator);
        assert!(before.len() > 1, "{before:?}");
        let words = BTreeMap::from([("sharing".to_string(), "public-by-link".to_string())]);
        let asked = Asked {
            targets: vec![],
            selection: Some(Selection::try_from(words).expect("a filter")),
            ..asked("all-1", ActionKind::RemoveLink, &[], Wish::Apply)
        };
        let asked = govern::ask(&stage.system.ctx, &name(), asked).await;
        let id = asked.expect("taken in").id;
        stage.go_on().await;
        let planned = stage.action(&id).await;
        assert_eq!(planned.state, ActionState::Pending, "{planned:?}");
        assert_eq!(planned.counts.objects, before.len() as u64, "{planned:?}");
        stage.approve(&id).await;
        stage.go_on().await;
        let done = stage.action(&id).await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        assert_eq!(public(simulator), [] as [String; 0]);
    });
}

/// One of two is locked: it is ended with what was done, which can be undone.
#[test]
fn what_is_cancelled_goes_no_further_and_can_be_undone() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let (ctx, kind) = (&stage.system.ctx, ActionKind::Quarantine);
        let ready = stage.world.simulator.ready(kind, 2);
        let before = held(&stage, &ready);
        let locked = Some(FaultSettings::times(1));
        stage.world.simulator.switch(Fault::ItemLocked, locked);
        let id = stage.ask("away-1", kind, &ready, Wish::Apply).await;
        stage.go_on().await;
        stage.approve(&id).await;
        stage
            .world
            .run_for(&stage.system, SignedDuration::from_secs(20))
            .await;
        let begun = stage.action(&id).await;
        assert_eq!((begun.counts.verified, begun.left()), (1, 1), "{begun:?}");
        let stopped = govern::stop(ctx, ASKER, "something is wrong").await;
        stopped.expect("stopped");
        let cancelled = govern::cancel(ctx, &name(), &id, ASKER, "the wrong folder").await;
        assert!(cancelled.expect("it goes on").is_cancelled);
        stage.go_on().await;
        let done = stage.action(&id).await;
        assert_eq!(done.state, ActionState::Failed, "{done:?}");
        let code = done.cause.as_ref().map(|cause| cause.code.as_str());
        assert_eq!(code, Some("cancelled"));
        assert_eq!((done.counts.verified, done.counts.failed), (1, 0));
        let again = govern::cancel(ctx, &name(), &id, ASKER, "again").await;
        assert!(again.is_err(), "it is over");
        govern::resume(ctx).await.expect("resumed");
        let undone = stage.undo(&done).await;
        assert_eq!(undone.state, ActionState::Undone, "{undone:?}");
        assert_eq!(held(&stage, &ready), before);
    });
}

#[test]
fn what_is_cancelled_before_it_began_is_rejected() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let (ctx, kind) = (&stage.system.ctx, ActionKind::Trash);
        let ready = stage.world.simulator.ready(kind, 2);
        let id = stage.ask("away-1", kind, &ready, Wish::Apply).await;
        stage.go_on().await;
        let stopped = govern::stop(ctx, ASKER, "a drill").await;
        stopped.expect("stopped");
        stage.approve(&id).await;
        assert_eq!(stage.action(&id).await.state, ActionState::Approved);
        let cancelled = govern::cancel(ctx, &name(), &id, ASKER, "the wrong folder").await;
        assert_eq!(cancelled.expect("ended").state, ActionState::Rejected);
        govern::resume(ctx).await.expect("resumed");
        stage.go_on().await;
        assert_eq!(stage.action(&id).await.state, ActionState::Rejected);
        assert_eq!(stage.postman.arrived(), BTreeMap::new());
    });
}
