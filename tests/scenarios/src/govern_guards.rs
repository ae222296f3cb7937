//! What is never done, whoever asks and agrees: actions that would lock everybody out, or Casbah itself.

use casbah_model::action::{ActionKind, Effect};
use casbah_pipeline::govern::{self, Wish};
use casbah_simulators::governed::Ready;
use casbah_simulators::microsoft365::{Deed, Simulator};

use crate::govern::Stage;
use crate::world::{acted_on_tenant, in_virtual_time};

/// Global Administrator ("Microsoft Entra built-in roles").
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// The code of the refusal in a plan, or that it would be done.
async fn planned(stage: &Stage<Simulator>, id: &str, kind: ActionKind, target: &str) -> String {
    let id = stage
        .ask(id, kind, &[Ready::target(target)], Wish::DryRun)
        .await;
    stage.go_on().await;
    let action = stage.action(&id).await;
    let units = govern::units(&stage.system.ctx, &action, 0, 10).await;
    match &units.expect("a plan")[0].effect {
        Effect::Refused(cause) => cause.code.clone(),
        Effect::Change { .. } => "would be done".into(),
        Effect::Nothing => "nothing".into(),
    }
}

#[test]
fn the_last_global_administrator_who_can_sign_in_is_left_alone() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on_tenant()).await;
        let simulator = &stage.world.simulator;
        let admin = simulator.user_id(0);
        let role = format!("{admin}/{GLOBAL_ADMINISTRATOR}");
        let (suspend, revoke) = (ActionKind::SuspendUser, ActionKind::RevokeRole);
        assert_eq!(
            planned(&stage, "a1", suspend, &admin).await,
            "would be done"
        );
        assert_eq!(planned(&stage, "a2", revoke, &role).await, "would be done");
        simulator.act(Deed::DisableUser { user: 1 });
        for (id, kind, target) in [("a3", suspend, &admin), ("a4", revoke, &role)] {
            let refused = planned(&stage, id, kind, target).await;
            assert_eq!(refused, "last-administrator", "{kind}");
        }
    });
}

#[test]
fn casbahs_own_application_and_microsofts_are_left_alone() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on_tenant()).await;
        let simulator = &stage.world.simulator;
        // Four of Microsoft's, then the one that Casbah signs in with.
        for app in 0..5 {
            let target = simulator.app_id(app);
            let id = format!("a{app}");
            let refused = planned(&stage, &id, ActionKind::DisableApp, &target).await;
            assert_eq!(refused, "own-application", "application {app}");
        }
        let target = simulator.app_id(5);
        let planned = planned(&stage, "a5", ActionKind::DisableApp, &target).await;
        assert_ne!(planned, "own-application");
    });
}

#[test]
fn what_microsoft_refuses_is_told_with_what_to_do() {
    in_virtual_time(async {
        let stage = Stage::set(acted_on_tenant()).await;
        // Planned, because there is another one; refused, because our application holds no role itself.
        let ready = [Ready::target(&stage.world.simulator.user_id(0))];
        let action = stage.carry_out("a1", ActionKind::SuspendUser, &ready).await;
        let exception = &action.exceptions[0];
        assert_eq!(exception.outcome, "failed", "{action:?}");
        let told = format!("{action:?}");
        assert!(told.contains("User.EnableDisableAccount.All"), "{told}");
    });
}
