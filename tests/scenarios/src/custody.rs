//! What administrators keep: at Microsoft 365 a copy that takes its time, at Box something that changes hands.

use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, ActionState, Effect};
use casbah_pipeline::govern::ActionItem;
use casbah_simulators::box_com;
use casbah_simulators::governed::{Governed, Ready};
use casbah_simulators::microsoft365::{Fault, FaultSettings, Simulator};

use crate::box_acting::{acted_on, held};
use crate::govern::Stage;
use crate::world::{acted_on_tenant, in_virtual_time};

const KIND: ActionKind = ActionKind::AdminQuarantine;

async fn tenant() -> (Stage<Simulator>, Vec<Ready>) {
    let stage = Stage::set(acted_on_tenant()).await;
    let ready = stage.world.simulator.ready(KIND, 1);
    (stage, ready)
}

fn is_kept(stage: &Stage<Simulator>, ready: &Ready) -> bool {
    let simulator = &stage.world.simulator;
    simulator.is_in_quarantine(&ready.target, &ready.parameters["to"])
}

async fn hours_later<S: Governed + 'static>(
    stage: &Stage<S>,
    action: &ActionItem,
    hours: i64,
) -> ActionItem {
    let hours = SignedDuration::from_hours(hours);
    stage.world.run_for(&stage.system, hours).await;
    stage.action(&action.id).await
}

#[test]
fn a_copy_that_takes_half_an_hour_is_waited_for_and_then_its_file_goes() {
    in_virtual_time(async {
        let (stage, ready) = tenant().await;
        let slow = FaultSettings {
            value: Some("1800".into()),
            ..FaultSettings::always()
        };
        stage.world.simulator.switch(Fault::CopySlow, Some(slow));
        let begun = stage.carry_out("kept-1", KIND, &ready).await;
        assert_eq!(begun.state, ActionState::Applying, "{begun:?}");
        assert!(!is_kept(&stage, &ready[0]));
        let done = hours_later(&stage, &begun, 2).await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        assert!(is_kept(&stage, &ready[0]));
    });
}

#[test]
fn a_file_whose_copy_differs_stays_where_it_is() {
    in_virtual_time(async {
        let (stage, ready) = tenant().await;
        let simulator = &stage.world.simulator;
        simulator.switch(Fault::CopyDiffers, Some(FaultSettings::always()));
        let begun = stage.carry_out("kept-1", KIND, &ready).await;
        let done = hours_later(&stage, &begun, 6).await;
        assert_eq!(done.state, ActionState::Failed, "{done:?}");
        let why = &done.exceptions[0].why;
        assert!(why.contains("is not the same"), "{why}");
        let (_, unit) = stage.plan("kept-2", KIND, &ready).await;
        assert!(matches!(unit.effect, Effect::Change { .. }), "{unit:?}");
    });
}

#[test]
fn a_copy_that_fails_is_made_again() {
    in_virtual_time(async {
        let (stage, ready) = tenant().await;
        let simulator = &stage.world.simulator;
        simulator.switch(Fault::CopyFails, Some(FaultSettings::times(1)));
        let begun = stage.carry_out("kept-1", KIND, &ready).await;
        let done = hours_later(&stage, &begun, 1).await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        assert!(is_kept(&stage, &ready[0]));
    });
}

#[test]
fn nothing_is_planned_into_a_folder_that_is_not_there() {
    in_virtual_time(async {
        let (stage, mut ready) = tenant().await;
        for to in ["nowhere", "b!nothing/01NOTHING"] {
            ready[0].parameters.insert("to".into(), to.into());
            let id = format!("kept-{}", to.len());
            let (_, unit) = stage.plan(&id, KIND, &ready).await;
            let Effect::Refused(cause) = &unit.effect else {
                panic!("{unit:?}");
            };
            assert_eq!(cause.code, "parameter", "{cause}");
        }
    });
}

#[test]
fn whoever_has_to_accept_an_invitation_first_loses_nothing_by_it() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let simulator = &stage.world.simulator;
        let ready = simulator.ready(KIND, 4);
        let before = held(&stage, &ready);
        let always = Some(box_com::FaultSettings::always());
        simulator.switch(box_com::Fault::InvitationPending, always);
        let done = stage.carry_out("kept-1", KIND, &ready).await;
        assert_eq!(done.state, ActionState::Verified, "{done:?}");
        for (kept, was) in held(&stage, &ready).iter().zip(&before) {
            assert_ne!(kept.owner, was.owner);
            assert!(
                kept.collaborators.is_empty() && !kept.is_in_reach,
                "{kept:?}"
            );
        }
        simulator.switch(box_com::Fault::InvitationPending, None);
        let undone = stage.undo(&done).await;
        assert_eq!(undone.state, ActionState::Undone, "{undone:?}");
        assert_eq!(held(&stage, &ready), before);
    });
}

#[test]
fn what_an_enterprise_lets_nobody_move_stays_as_it_was() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let simulator = &stage.world.simulator;
        let ready = simulator.ready(KIND, 2);
        let before = held(&stage, &ready);
        let always = Some(box_com::FaultSettings::always());
        simulator.switch(box_com::Fault::MoveRefused, always);
        let done = stage.carry_out("kept-1", KIND, &ready).await;
        assert_eq!(done.counts.failed, 2, "{done:?}");
        assert_eq!(held(&stage, &ready), before);
    });
}

#[test]
fn what_was_done_of_a_change_that_failed_is_put_back_too() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on()).await;
        let simulator = &stage.world.simulator;
        let ready = simulator.ready(KIND, 1);
        let before = held(&stage, &ready);
        let always = Some(box_com::FaultSettings::always());
        simulator.switch(box_com::Fault::PolicyForbids, always);
        let failed = stage.carry_out("kept-1", KIND, &ready).await;
        assert_eq!(failed.counts.failed, 1, "{failed:?}");
        assert_ne!(held(&stage, &ready), before, "it was moved by then");
        simulator.switch(box_com::Fault::PolicyForbids, None);
        let undone = stage.undo(&failed).await;
        assert_eq!(undone.state, ActionState::Undone, "{undone:?}");
        assert_eq!(held(&stage, &ready), before);
    });
}
