//! Actions on everything that an inventory shows to be like something.

use std::collections::BTreeMap;

use casbah_model::action::{ActionKind, ActionState};
use casbah_pipeline::StageError;
use casbah_pipeline::govern::{self, ActionItem, Asked, Policy, Selection, Wish};
use casbah_simulators::okta::{Simulator, Status};

use crate::govern::{ASKER, Stage, org};
use crate::world::{in_virtual_time, name};

fn selection(words: &[(&str, &str)]) -> Selection {
    let words = words.iter();
    let words: BTreeMap<String, String> = words
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    Selection::try_from(words).expect("words that are known")
}

fn asked(kind: ActionKind, words: &[(&str, &str)]) -> Asked {
    Asked {
        id: "all-of-them".parse().expect("an id"),
        kind,
        targets: vec![],
        selection: Some(selection(words)),
        parameters: BTreeMap::new(),
        reason: "the office is closed".into(),
        wish: Wish::Plan,
        by: ASKER.into(),
    }
}

async fn planned(stage: &Stage<Simulator>, asked: Asked) -> ActionItem {
    let action = govern::ask(&stage.system.ctx, &name(), asked).await;
    let id = action.expect("taken in").id;
    stage.go_on().await;
    stage.action(&id).await
}

fn count(stage: &Stage<Simulator>, status: Status) -> u64 {
    let users = stage.world.simulator.holds().users;
    users.values().filter(|known| **known == status).count() as u64
}

#[test]
fn everybody_who_is_like_that_is_planned_for_once() {
    in_virtual_time(async {
        let stage = Stage::set(org()).await;
        let action = planned(
            &stage,
            asked(ActionKind::SuspendUser, &[("status", "enabled")]),
        )
        .await;
        let counts = action.counts;
        assert_eq!(action.state, ActionState::Pending, "{action:?}");
        assert_eq!(counts.planned, counts.objects);
        assert_eq!(counts.changes, count(&stage, Status::Active));
        assert_eq!(counts.already, 0, "who is suspended is not enabled");
        let units = govern::units(&stage.system.ctx, &action, 0, counts.objects).await;
        let mut targets: Vec<_> = units
            .expect("units")
            .into_iter()
            .map(|unit| unit.target)
            .collect();
        targets.sort();
        targets.dedup();
        assert_eq!(targets.len() as u64, counts.objects);
    });
}

#[test]
fn nobody_who_is_like_that_is_nothing_to_do() {
    in_virtual_time(async {
        let stage = Stage::set(org()).await;
        let words = [("query", "nobody is called like this")];
        let action = planned(&stage, asked(ActionKind::SuspendUser, &words)).await;
        assert_eq!(
            (action.state, action.counts.objects),
            (ActionState::Verified, 0)
        );
    });
}

#[test]
fn more_than_the_policy_allows_is_refused_before_anything_is_planned() {
    in_virtual_time(async {
        let mut stage = Stage::set(org()).await;
        stage.system.ctx.policy = Policy {
            objects_max: 3,
            ..Policy::default()
        };
        let action = planned(
            &stage,
            asked(ActionKind::SuspendUser, &[("status", "enabled")]),
        )
        .await;
        let cause = action.cause.expect("a reason");
        assert_eq!(
            (action.state, cause.code.as_str(), action.counts.planned),
            (ActionState::Failed, "blast-radius", 0)
        );
    });
}

#[test]
fn what_cannot_be_selected_is_refused_by_name() {
    in_virtual_time(async {
        let stage = Stage::set(org()).await;
        let both = Asked {
            targets: vec!["00u1".parse().expect("a target")],
            ..asked(ActionKind::SuspendUser, &[("status", "enabled")])
        };
        for (asked, expected) in [
            (
                asked(ActionKind::RevokeRole, &[("status", "enabled")]),
                "selection",
            ),
            (asked(ActionKind::SuspendUser, &[]), "selection"),
            (
                asked(ActionKind::SuspendUser, &[("unchanged-days", "90")]),
                "selection",
            ),
            (
                asked(ActionKind::SuspendUser, &[("sharing", "public")]),
                "filter",
            ),
            (both, "targets"),
        ] {
            match govern::ask(&stage.system.ctx, &name(), asked).await {
                Err(StageError::Refused(cause)) => assert_eq!(cause.code, expected),
                other => panic!("{other:?} instead of {expected}"),
            }
        }
    });
}
