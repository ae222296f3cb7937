//! What can be done to an Okta org from outside, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use casbah_model::SignedDuration;
use casbah_model::transport::Method;
use casbah_simulators::okta::{Deed, Fault, Status};
use okta_reader::{Answer, Reader, always, small_plan};

/// Users of the plan that are sure to have a status: 8 and up, in the order of `Status::ALL`.
const ACTIVE: u64 = 8;
const LOCKED: u64 = 11;
const SUSPENDED: u64 = 12;
const DEPROVISIONED: u64 = 13;
const STAGED: u64 = 14;

fn change(reader: &Reader, user: u64, change: &str) -> Answer {
    let id = reader.simulator.user_id(user);
    let path = format!("/api/v1/users/{id}/lifecycle/{change}");
    let headers = reader.api_token().with("Content-Length", "0");
    reader.ask(Method::Post, &path, headers, "")
}

fn status(reader: &Reader, user: u64) -> Status {
    reader.simulator.holds().users[&reader.simulator.user_id(user)]
}

#[test]
fn only_active_users_are_suspended_and_the_answer_is_empty() {
    let reader = Reader::small(1);
    let done = change(&reader, ACTIVE, "suspend");
    assert_eq!((done.status, done.text.as_str()), (200, ""));
    assert_eq!(status(&reader, ACTIVE), Status::Suspended);
    let again = change(&reader, ACTIVE, "suspend");
    assert_eq!(again.refusal(), (400, "E0000001".into()));
    assert_eq!(change(&reader, ACTIVE, "unsuspend").status, 200);
    assert_eq!(change(&reader, ACTIVE, "unsuspend").status, 400);
    for user in [LOCKED, SUSPENDED, DEPROVISIONED, STAGED] {
        assert_eq!(change(&reader, user, "suspend").status, 400, "{user}");
    }
}

#[test]
fn other_changes_of_status_work_where_they_may() {
    let reader = Reader::small(2);
    for (user, name, after) in [
        (LOCKED, "unlock", Status::Active),
        (SUSPENDED, "unsuspend", Status::Active),
        (STAGED, "activate", Status::Active),
        (
            20,
            "reset_password?sendEmail=true&revokeSessions=true",
            Status::Recovery,
        ),
        (21, "expire_password", Status::PasswordExpired),
        (22, "deactivate", Status::Deprovisioned),
        (23, "reset_factors", Status::Active),
    ] {
        reader.simulator.act(Deed::Activate {
            user: if user >= 20 { user } else { 0 },
        });
        assert_eq!(change(&reader, user, name).status, 200, "{name}");
        assert_eq!(status(&reader, user), after, "{name}");
    }
    assert_eq!(change(&reader, DEPROVISIONED, "deactivate").status, 400);
    let staged = change(&reader, 15, "reset_password");
    assert_eq!(staged.refusal(), (403, "E0000038".into()));
    assert_eq!(change(&reader, ACTIVE, "nonsense").status, 404);
    let active = change(&reader, ACTIVE, "activate");
    assert_eq!(active.refusal(), (403, "E0000016".into()));
}

#[test]
fn a_user_may_be_deactivated_by_and_by() {
    let reader = Reader::small(12);
    let path = format!("/api/v1/users/{}", reader.simulator.user_id(ACTIVE));
    let headers = reader.api_token().with("Prefer", "respond-async");
    let deactivate = format!("{path}/lifecycle/deactivate");
    let answer = reader.ask(Method::Post, &deactivate, headers, "");
    assert_eq!(answer.status, 200);
    let user = reader.get(&path).json();
    assert_eq!(user["status"], "ACTIVE");
    assert_eq!(user["transitioningToStatus"], "DEPROVISIONED");
    reader.clock.forward(SignedDuration::from_secs(5));
    let user = reader.get(&path).json();
    assert_eq!(user["status"], "DEPROVISIONED");
    assert!(user["transitioningToStatus"].is_null());
}

#[test]
fn users_of_another_directory_may_be_protected() {
    let reader = Reader::small(13);
    reader.simulator.switch(Fault::MasteredUser, always());
    let users = reader.walk("/api/v1/users?filter=status%20eq%20%22ACTIVE%22");
    let of = |provider: &str| {
        let is_it = |user: &&serde_json::Value| user["credentials"]["provider"]["type"] == provider;
        let user = users.iter().skip(20).find(is_it).unwrap();
        let path = format!(
            "/api/v1/users/{}/lifecycle/suspend",
            user["id"].as_str().unwrap()
        );
        reader.call(Method::Post, &path, "").status
    };
    assert_eq!(
        (of("ACTIVE_DIRECTORY"), of("LDAP"), of("OKTA")),
        (400, 400, 200)
    );
}

#[test]
fn administrators_are_protected() {
    let mut plan = small_plan(3);
    plan.client.roles = vec!["ORG_ADMIN".into()];
    plan.client.scopes.push("okta.users.manage".into());
    let reader = Reader::new(plan);
    assert_eq!(
        change(&reader, 0, "suspend").refusal(),
        (403, "E0000006".into())
    );
    let bearer = reader.bearer("okta.users.manage");
    let suspend = |user| {
        let path = format!(
            "/api/v1/users/{}/lifecycle/suspend",
            reader.simulator.user_id(user)
        );
        reader.ask(Method::Post, &path, bearer.clone(), "").status
    };
    assert_eq!((suspend(1), suspend(ACTIVE)), (403, 200));
}

#[test]
fn a_suspended_user_keeps_its_sessions_until_they_are_ended() {
    let reader = Reader::small(4);
    let user = 3;
    let id = reader.simulator.user_id(user);
    let sessions = || reader.simulator.holds().sessions.get(&id).copied();
    reader.simulator.act(Deed::SignIn { user });
    assert_eq!(sessions(), Some(3));
    assert_eq!(change(&reader, user, "suspend").status, 200);
    assert_eq!(sessions(), Some(3));
    let path = format!("/api/v1/users/{id}/sessions?oauthTokens=true&forgetDevices=true");
    assert_eq!(reader.call(Method::Delete, &path, "").status, 204);
    assert_eq!(sessions(), None);
    assert!(
        !reader
            .simulator
            .holds()
            .refresh_tokens
            .values()
            .any(|owner| *owner == id)
    );
}

#[test]
fn a_change_is_in_the_log_seconds_later() {
    let reader = Reader::small(5);
    let (_, tip) = reader.poll(&reader.logs_since(1));
    change(&reader, ACTIVE, "suspend");
    assert!(reader.poll(&tip).0.is_empty());
    reader.clock.forward(SignedDuration::from_secs(6));
    let (events, _) = reader.poll(&tip);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["eventType"], "user.lifecycle.suspend");
    assert_eq!(
        events[0]["actor"]["id"],
        reader.simulator.user_id(0).as_str()
    );
    assert_eq!(
        events[0]["target"][0]["id"],
        reader.simulator.user_id(ACTIVE).as_str()
    );
}

#[test]
fn a_subject_is_logged_out_everywhere() {
    let reader = Reader::small(6);
    let id = reader.simulator.user_id(3);
    let login = reader.get(&format!("/api/v1/users/{id}")).json()["profile"]["login"].clone();
    let revoke = |body: String| {
        reader
            .call(Method::Post, "/oauth2/v1/global-token-revocation", &body)
            .status
    };
    assert!(reader.simulator.holds().sessions.contains_key(&id));
    assert_eq!(
        revoke(format!(r#"{{"sub_id":{{"format":"opaque","id":"{id}"}}}}"#)),
        204
    );
    assert!(!reader.simulator.holds().sessions.contains_key(&id));
    let issuer = &reader.plan.base;
    let subject = format!(r#"{{"sub_id":{{"format":"iss_sub","iss":"{issuer}","sub":{login}}}}}"#);
    assert_eq!(revoke(subject), 204);
    assert_eq!(
        revoke(r#"{"sub_id":{"format":"opaque","id":"00unobody"}}"#.into()),
        404
    );
    assert_eq!(revoke(r#"{"sub_id":{"format":"email"}}"#.into()), 400);
    assert_eq!(revoke("no json".into()), 400);
}

#[test]
fn memberships_and_roles_are_taken_and_given_back() {
    let reader = Reader::small(7);
    let (group, user) = (reader.simulator.group_id(1), reader.simulator.user_id(2));
    let member = (group.clone(), user.clone());
    let path = format!("/api/v1/groups/{group}/users/{user}");
    assert_eq!(reader.call(Method::Delete, &path, "").status, 204);
    assert!(!reader.simulator.holds().memberships.contains(&member));
    assert_eq!(reader.call(Method::Put, &path, "").status, 204);
    assert!(reader.simulator.holds().memberships.contains(&member));
    let everyone = reader.simulator.group_id(0);
    let path = format!("/api/v1/groups/{everyone}/users/{user}");
    assert_eq!(reader.call(Method::Delete, &path, "").status, 403);

    let path = format!("/api/v1/users/{user}/roles");
    let give = || reader.call(Method::Post, &path, r#"{"type":"APP_ADMIN"}"#);
    let given = give();
    assert_eq!(
        (given.status, give().refusal()),
        (200, (400, "E0000090".into()))
    );
    let role = given.json()["id"].as_str().unwrap().to_string();
    let one = format!("{path}/{role}");
    assert_eq!(reader.call(Method::Delete, &one, "").status, 204);
    assert_eq!(reader.call(Method::Delete, &one, "").status, 404);
    assert_eq!(
        reader
            .call(Method::Post, &path, r#"{"type":"KING"}"#)
            .status,
        400
    );
}

#[test]
fn grants_and_tokens_are_revoked_apart() {
    let reader = Reader::small(8);
    let holds = reader.simulator.holds();
    let (token, user) = holds.refresh_tokens.iter().next().unwrap();
    let of_user = || {
        let holds = reader.simulator.holds();
        let count = |all: &std::collections::BTreeMap<String, String>| {
            all.values().filter(|owner| *owner == user).count()
        };
        (count(&holds.refresh_tokens), count(&holds.user_grants))
    };
    let clients = reader.walk(&format!("/api/v1/users/{user}/clients"));
    let has_token = |client: &&serde_json::Value| {
        let id = client["client_id"].as_str().unwrap();
        let path = format!("/api/v1/users/{user}/clients/{id}/tokens");
        reader.get(&path).text.contains(token.as_str())
    };
    let client = clients.iter().find(has_token).unwrap()["client_id"]
        .as_str()
        .unwrap();
    let before = of_user();
    let path = format!("/api/v1/users/{user}/clients/{client}/tokens/{token}");
    assert_eq!(reader.call(Method::Delete, &path, "").status, 204);
    assert_eq!(reader.call(Method::Delete, &path, "").status, 404);
    // A consent outlives its tokens.
    assert_eq!(of_user(), (before.0 - 1, before.1));
    let path = format!("/api/v1/users/{user}/clients/{client}/grants");
    assert_eq!(reader.call(Method::Delete, &path, "").status, 204);
    assert!(of_user().1 < before.1);
    let all = format!("/api/v1/users/{user}/grants");
    assert_eq!(reader.call(Method::Delete, &all, "").status, 204);
    assert_eq!(of_user().1, 0);
    let own = reader.walk("/api/v1/api-tokens")[1]["id"]
        .as_str()
        .unwrap()
        .to_string();
    let path = format!("/api/v1/api-tokens/{own}");
    assert_eq!(reader.call(Method::Delete, &path, "").status, 204);
    assert_eq!(reader.get(&path).status, 404);
}

#[test]
fn a_call_without_body_needs_a_length() {
    let reader = Reader::small(9);
    reader.simulator.switch(Fault::LengthRequired, always());
    let path = format!(
        "/api/v1/users/{}/lifecycle/suspend",
        reader.simulator.user_id(ACTIVE)
    );
    assert_eq!(reader.call(Method::Post, &path, "").status, 411);
    assert_eq!(change(&reader, ACTIVE, "suspend").status, 200);
}
