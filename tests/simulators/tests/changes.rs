//! What is changed in the directory of Microsoft 365 from outside, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reader;

use casbah_model::action::ActionKind;
use casbah_model::transport::Method;
use casbah_simulators::governed::Governed;
use casbah_simulators::microsoft365::{ACT_ROLES, Plan};
use reader::{Answer, GRAPH, Reader, ids, small_plan};

fn plan() -> Plan {
    let mut plan = small_plan(5);
    plan.roles.extend(ACT_ROLES.map(String::from));
    plan
}

fn acting() -> Reader {
    Reader::new(plan())
}

fn change(reader: &Reader, method: Method, path: &str, body: &str) -> Answer {
    let url = format!("{GRAPH}/v1.0/{path}");
    reader.ask(method, &url, reader.bearer(GRAPH), body)
}

const DISABLED: &str = r#"{"accountEnabled":false}"#;

/// The target of an action, and what it is in.
fn target(reader: &Reader, kind: ActionKind) -> (String, String) {
    let ready = reader.simulator.ready(kind, 1).remove(0).target;
    (ready.within.unwrap_or_default(), ready.id)
}

#[test]
fn a_user_who_is_disabled_shows_it_and_the_delta_tells() {
    let reader = acting();
    let (_, user) = target(&reader, ActionKind::SuspendUser);
    let (_, link) = reader.walk("users/delta?$select=id,accountEnabled", "");
    let done = change(&reader, Method::Patch, &format!("users/{user}"), DISABLED);
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    let ended = format!("users/{user}/revokeSignInSessions");
    assert_eq!(change(&reader, Method::Post, &ended, "").status, 200);
    let path = format!("users/{user}?$select=id,accountEnabled,signInSessionsValidFromDateTime");
    let seen = reader.graph(&path).json();
    assert_eq!(seen["accountEnabled"], false);
    let started = reader.simulator.plan().started.to_string();
    let from = seen["signInSessionsValidFromDateTime"].as_str().unwrap();
    assert!(from[..13] >= started[..13], "{from} after {started}");
    let (changed, _) = reader.walk(&link.unwrap(), "");
    assert_eq!(ids(&changed, "id"), [user].into());
}

#[test]
fn administrators_are_out_of_reach_and_so_is_everything_without_a_right() {
    let reader = acting();
    let admin = format!("users/{}", reader.simulator.user_id(0));
    let refused = change(&reader, Method::Patch, &admin, DISABLED);
    assert_eq!(refused.status, 403);
    let observer = Reader::small(5);
    for (method, path) in [
        (Method::Patch, "users/x"),
        (Method::Post, "users/x/revokeSignInSessions"),
        (
            Method::Post,
            "identityProtection/riskyUsers/confirmCompromised",
        ),
        (Method::Delete, "roleManagement/directory/roleAssignments/x"),
        (Method::Delete, "groups/x/members/y/$ref"),
        (Method::Delete, "oauth2PermissionGrants/x"),
        (Method::Delete, "servicePrincipals/x/appRoleAssignedTo/y"),
        (Method::Patch, "servicePrincipals/x"),
    ] {
        let refused = change(&observer, method, path, DISABLED);
        assert_eq!(refused.status, 403, "{path}");
        assert_eq!(refused.code(), "Authorization_RequestDenied", "{path}");
    }
}

#[test]
fn a_member_leaves_once_and_joins_once() {
    let reader = acting();
    let (group, user) = target(&reader, ActionKind::RemoveFromGroup);
    let members = || {
        let (members, _) = reader.walk(&format!("groups/{group}/members"), "");
        ids(&members, "id").contains(&user)
    };
    let before = reader.simulator.holds().memberships;
    let leave = format!("groups/{group}/members/{user}/$ref");
    assert_eq!(change(&reader, Method::Delete, &leave, "").status, 204);
    assert_eq!(change(&reader, Method::Delete, &leave, "").status, 404);
    assert!(!members());
    assert_eq!(reader.simulator.holds().memberships, before - 1);
    let join = format!("groups/{group}/members/$ref");
    let body = format!(r#"{{"@odata.id":"{GRAPH}/v1.0/directoryObjects/{user}"}}"#);
    assert_eq!(change(&reader, Method::Post, &join, &body).status, 204);
    assert_eq!(change(&reader, Method::Post, &join, &body).status, 400);
    assert!(members());
    assert_eq!(reader.simulator.holds().memberships, before);
}

#[test]
fn a_grant_that_was_taken_back_is_told_as_removed() {
    let reader = acting();
    let (_, grant) = target(&reader, ActionKind::RevokeUserGrant);
    let (all, link) = reader.walk("oauth2PermissionGrants/delta", "");
    assert!(ids(&all, "id").contains(&grant));
    let path = format!("oauth2PermissionGrants/{grant}");
    assert_eq!(change(&reader, Method::Delete, &path, "").status, 204);
    assert_eq!(reader.graph(&path).status, 404);
    let (changed, _) = reader.walk(&link.unwrap(), "");
    assert_eq!(changed[0]["id"], grant.as_str());
    assert!(changed[0]["@removed"].is_object());
    assert!(
        !reader
            .simulator
            .holds()
            .delegated_grant_ids
            .contains(&grant)
    );
}

#[test]
fn compromised_users_are_confirmed_one_a_second() {
    let mut plan = plan();
    plan.limits.is_on = true;
    let reader = Reader::new(plan);
    let (_, user) = target(&reader, ActionKind::ConfirmCompromised);
    let path = "identityProtection/riskyUsers/confirmCompromised";
    let body = format!(r#"{{"userIds":["{user}"]}}"#);
    assert_eq!(change(&reader, Method::Post, path, &body).status, 204);
    let refused = change(&reader, Method::Post, path, &body);
    assert_eq!(refused.status, 429);
    assert!(refused.headers.get("Retry-After").is_none());
}
