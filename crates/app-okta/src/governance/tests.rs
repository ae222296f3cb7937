use std::collections::{BTreeMap, BTreeSet};

use casbah_connector::{Connector, ConnectorError, Governance, Order};
use casbah_model::action::{ActionKind, Effect, Target};
use casbah_model::permission::Tier;

use super::{ACTIONS, Actions};
use crate::OKTA;
use crate::tests::{Asked, Credential, Reply, bench};

#[test]
fn every_right_that_an_action_takes_is_among_those_a_test_compares() {
    let needs = OKTA.permissions().needs().iter();
    let compared: BTreeSet<_> = needs
        .filter(|need| need.tier == Tier::Act)
        .flat_map(|need| need.any_of)
        .collect();
    let taken: BTreeSet<_> = ACTIONS.iter().flat_map(|spec| spec.any_of).collect();
    assert_eq!(taken, compared);
}

/// Two groups on two pages, and two consents.
fn in_two_pages(asked: &Asked) -> Reply {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let is_second = query.contains("after=");
    let onward = format!("https://acme.okta.com{path}?after=x%3D");
    let entry = |first: &str, second: &str| match is_second {
        true => Reply::ok(second),
        false => Reply::ok(first).next(&onward),
    };
    match path {
        "/api/v1/users/ann/groups" => entry(
            r#"[{"id":"g1","type":"OKTA_GROUP"}]"#,
            r#"[{"id":"g2","type":"OKTA_GROUP"}]"#,
        ),
        "/api/v1/users/ann/grants" => entry(
            r#"[{"id":"oag1","scopeId":"openid"}]"#,
            r#"[{"id":"oag2","scopeId":"email"}]"#,
        ),
        "/api/v1/users/ann/roles" => Reply::ok("[]").next(&onward),
        _ => Reply::error(404, "E0000007"),
    }
}

async fn is_held(kind: ActionKind, target: &str) -> Result<bool, ConnectorError> {
    let bench = bench(Credential::ApiToken, in_two_pages);
    let target: Target = target.parse().expect("a target");
    let order = Order {
        kind,
        target: &target,
        parameters: &BTreeMap::new(),
        planned_from: None,
    };
    let plan = Actions.plan(&bench.interactive(), order).await?;
    Ok(matches!(plan.effect, Effect::Change { .. }))
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_found_on_any_page() {
    let rows = [
        (ActionKind::RemoveFromGroup, "g1/ann", true),
        (ActionKind::RemoveFromGroup, "g2/ann", true),
        (ActionKind::RemoveFromGroup, "g3/ann", false),
        (ActionKind::RevokeUserGrant, "ann/oag1", true),
        (ActionKind::RevokeUserGrant, "ann/oag2", true),
        (ActionKind::RevokeUserGrant, "ann/oag3", false),
    ];
    for (kind, target, expected) in rows {
        let found = is_held(kind, target).await.expect("a plan");
        assert_eq!(found, expected, "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_in_circles_is_not_taken_for_an_empty_one() {
    let found = is_held(ActionKind::RevokeRole, "ann/APP_ADMIN").await;
    let is_told = matches!(found, Err(ConnectorError::BadLink { .. }));
    assert!(is_told, "{found:?}");
}
