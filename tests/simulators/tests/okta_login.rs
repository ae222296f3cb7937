//! Who may call an Okta org, and with which rights.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use casbah_model::SignedDuration;
use casbah_model::transport::{Headers, Method};
use casbah_simulators::okta::{
    Deed, Fault, FaultSettings, MissingRole, MissingScope, PartialScopes,
};
use okta_reader::{Reader, always, jwt, small_plan};
use serde_json::{Value, json};

const READ: &str = "okta.users.read okta.logs.read";

#[test]
fn an_api_token_acts_as_its_owner_is_now() {
    let reader = Reader::small(1);
    let me = reader.get("/api/v1/users/me").json();
    assert_eq!(me["id"], reader.simulator.user_id(0).as_str());
    assert_eq!(reader.get("/api/v1/api-tokens").status, 200);
    let wrong = Headers::default().with("Authorization", "SSWS 00wrong");
    let refused = reader.ask(Method::Get, "/api/v1/users", wrong, "");
    assert_eq!(refused.refusal(), (401, "E0000011".into()));
    reader.simulator.act(Deed::RevokeRoles { user: 0 });
    let demoted = reader.get("/api/v1/users");
    assert_eq!(demoted.refusal(), (403, "E0000006".into()));
    let role = "READ_ONLY_ADMIN".into();
    reader.simulator.act(Deed::GrantRole { user: 0, role });
    assert_eq!(reader.get("/api/v1/users?limit=1").status, 200);
    assert_eq!(reader.get("/api/v1/logs?limit=1").status, 200);
    assert_eq!(reader.get("/api/v1/api-tokens").status, 403);
    assert_eq!(reader.get("/api/v1/iam/assignees/users").status, 403);
    reader.simulator.act(Deed::Deactivate { user: 0 });
    assert_eq!(
        reader.get("/api/v1/users").refusal(),
        (401, "E0000011".into())
    );
}

#[test]
fn an_api_token_lives_30_days_after_its_last_use() {
    let reader = Reader::small(2);
    for _ in 0..3 {
        reader.clock.forward(SignedDuration::from_hours(29 * 24));
        assert_eq!(reader.get("/api/v1/users?limit=1").status, 200);
    }
    reader
        .clock
        .forward(SignedDuration::from_hours(30 * 24 + 1));
    assert_eq!(reader.get("/api/v1/users?limit=1").status, 401);
}

#[test]
fn an_api_token_may_give_itself_up() {
    let reader = Reader::small(3);
    let gone = reader.call(Method::Delete, "/api/v1/api-tokens/current", "");
    assert_eq!(gone.status, 204);
    assert_eq!(reader.get("/api/v1/users").status, 401);
    let bearer = reader.bearer("okta.apiTokens.read");
    let refused = reader.ask(Method::Delete, "/api/v1/api-tokens/current", bearer, "");
    assert_eq!(refused.status, 405);
}

#[test]
fn a_service_app_gets_the_scopes_it_was_granted_for_an_hour() {
    let reader = Reader::small(4);
    let answer = reader.token_answer(READ);
    let token = answer.json();
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(
        (&token["expires_in"], &token["scope"]),
        (&json!(3600), &json!(READ))
    );
    let bearer = reader.bearer("okta.users.read");
    let ask = |path: &str| reader.ask(Method::Get, path, bearer.clone(), "");
    assert_eq!(ask("/api/v1/users?limit=1").status, 200);
    assert_eq!(ask("/api/v1/groups").refusal(), (403, "E0000006".into()));
    assert_eq!(ask("/api/v1/users/me").status, 404);
    reader.clock.forward(SignedDuration::from_secs(3600));
    let late = ask("/api/v1/users?limit=1");
    assert_eq!(late.refusal(), (401, "E0000011".into()));
    let challenge = late.headers.get("WWW-Authenticate").unwrap();
    assert!(challenge.contains("invalid_token"));
}

#[test]
fn an_assertion_is_checked_in_every_part() {
    let reader = Reader::small(5);
    let check = |name: &str, change: &dyn Fn(&mut Value, &mut Value), word: &str| {
        let (mut header, mut claims) = (reader.assertion_header(), reader.assertion_claims());
        change(&mut header, &mut claims);
        let answer = reader.token_by(&jwt(&header, &claims), READ, None);
        assert_eq!(answer.refusal(), (401, "invalid_client".into()), "{name}");
        assert!(answer.text.contains(word), "{name}: {}", answer.text);
    };
    check(
        "algorithm",
        &|header, _| header["alg"] = "HS256".into(),
        "signature",
    );
    check(
        "key",
        &|header, _| header["kid"] = "other".into(),
        "signature",
    );
    check(
        "issuer",
        &|_, claims| claims["iss"] = "other".into(),
        "client_id",
    );
    check(
        "subject",
        &|_, claims| claims["sub"] = "other".into(),
        "client_id",
    );
    check(
        "audience",
        &|_, claims| claims["aud"] = "https://acme.okta.com".into(),
        "audience",
    );
    let now = reader.now();
    check(
        "expired",
        &|_, claims| claims["exp"] = now.into(),
        "expired",
    );
    check(
        "too long",
        &|_, claims| claims["exp"] = (now + 3601).into(),
        "future",
    );
    assert_eq!(reader.token_by("a.b", READ, None).code(), "invalid_client");

    let assertion = jwt(&reader.assertion_header(), &reader.assertion_claims());
    assert_eq!(reader.token_by(&assertion, READ, None).status, 200);
    let again = reader.token_by(&assertion, READ, None);
    assert!(again.text.contains("already been used"), "{}", again.text);
    let mut claims = reader.assertion_claims();
    claims.as_object_mut().unwrap().remove("jti");
    let assertion = jwt(&reader.assertion_header(), &claims);
    for _ in 0..2 {
        assert_eq!(reader.token_by(&assertion, READ, None).status, 200);
    }
}

#[test]
fn other_ways_to_a_token_are_refused() {
    let reader = Reader::small(6);
    let ask = |path: &str, form: &str| {
        reader
            .ask(Method::Post, path, Headers::default(), form)
            .refusal()
    };
    let form = "grant_type=client_credentials&scope=okta.users.read";
    let secret = format!("{form}&client_id=a&client_secret=b");
    assert_eq!(
        ask("/oauth2/v1/token", form),
        (401, "invalid_client".into())
    );
    assert_eq!(
        ask("/oauth2/v1/token", &secret),
        (401, "invalid_client".into())
    );
    assert_eq!(ask("/oauth2/v1/token", "grant_type=password").0, 400);
    assert_eq!(
        ask("/oauth2/default/v1/token", form),
        (400, "invalid_scope".into())
    );
}

#[test]
fn scopes_are_granted_in_part_in_three_ways() {
    let ask = |choice, scopes: &str| {
        let mut plan = small_plan(7);
        plan.client.scopes = vec!["okta.users.read".into()];
        plan.choices.partial_scopes = choice;
        let answer = Reader::new(plan).token_answer(scopes);
        let scope = answer.json()["scope"].as_str().map(String::from);
        (answer.status, scope.unwrap_or_else(|| answer.code()))
    };
    let reduced = PartialScopes::Reduced;
    assert_eq!(ask(reduced, READ), (200, "okta.users.read".into()));
    assert_eq!(
        ask(PartialScopes::ConsentRequired, READ),
        (400, "consent_required".into())
    );
    assert_eq!(
        ask(PartialScopes::InvalidScope, READ),
        (400, "invalid_scope".into())
    );
    assert_eq!(
        ask(reduced, "okta.logs.read"),
        (400, "consent_required".into())
    );
    assert_eq!(ask(reduced, "okta.nonsense"), (400, "invalid_scope".into()));
    assert_eq!(ask(reduced, ""), (400, "invalid_scope".into()));
}

#[test]
fn a_scope_that_is_taken_away_is_missing_in_the_next_token() {
    let reader = Reader::small(8);
    let scope = "okta.logs.read".into();
    reader.simulator.act(Deed::RevokeScope { scope });
    assert_eq!(reader.token_answer(READ).json()["scope"], "okta.users.read");
}

#[test]
fn a_right_is_a_scope_and_a_role() {
    let mut plan = small_plan(9);
    plan.client.roles = vec!["HELP_DESK_ADMIN".into()];
    let reader = Reader::new(plan);
    let bearer = reader.bearer("okta.users.read okta.logs.read");
    let ask = |path: &str| reader.ask(Method::Get, path, bearer.clone(), "");
    assert_eq!(ask("/api/v1/users?limit=1").status, 200);
    assert_eq!(
        ask("/api/v1/logs?limit=1").refusal(),
        (403, "E0000006".into())
    );
    reader.simulator.act(Deed::RevokeClientRoles);
    assert_eq!(
        ask("/api/v1/users?limit=1").refusal(),
        (403, "E0000006".into())
    );
}

#[test]
fn lists_may_be_short_for_want_of_a_role() {
    let mut plan = small_plan(10);
    plan.client.roles = Vec::new();
    plan.choices.missing_role = MissingRole::ShortLists;
    let reader = Reader::new(plan);
    let bearer = reader.bearer("okta.users.read okta.roles.read okta.logs.read");
    let ask = |path: &str| reader.ask(Method::Get, path, bearer.clone(), "");
    assert_eq!(ask("/api/v1/users").json(), json!([]));
    assert_eq!(
        ask("/api/v1/iam/assignees/users").json()["value"],
        json!([])
    );
    assert_eq!(ask("/api/v1/logs").status, 403);
}

#[test]
fn a_role_that_is_bound_to_a_resource_set_sees_no_more() {
    let mut plan = small_plan(15);
    plan.client.roles = vec!["Factor desk".into()];
    let reader = Reader::new(plan);
    let bearer = reader.bearer("okta.users.read okta.groups.read");
    let ask = |path: &str| reader.ask(Method::Get, path, bearer.clone(), "");
    let all = reader.walk("/api/v1/users");
    let in_sales = |user: &&Value| user["profile"]["department"] == "Sales";
    let (sales, others): (Vec<_>, Vec<_>) = all.iter().partition(in_sales);
    let listed = ask("/api/v1/users").json();
    assert_eq!(listed.as_array().unwrap().iter().collect::<Vec<_>>(), sales);
    let one = |user: &Value| format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    assert_eq!(ask(&one(sales[0])).status, 200);
    assert_eq!(ask(&one(others[0])).refusal(), (404, "E0000007".into()));
    assert_eq!(ask("/api/v1/groups").status, 403);
    let role = "READ_ONLY_ADMIN".into();
    reader.simulator.act(Deed::GrantClientRole { role });
    assert_eq!(ask(&one(others[0])).status, 200);
}

#[test]
fn a_missing_scope_is_told_in_three_ways() {
    let ask = |choice| {
        let mut plan = small_plan(11);
        plan.choices.missing_scope = choice;
        let reader = Reader::new(plan);
        let bearer = reader.bearer("okta.users.read");
        reader.ask(Method::Get, "/api/v1/logs", bearer, "")
    };
    assert_eq!(
        ask(MissingScope::E0000006).refusal(),
        (403, "E0000006".into())
    );
    assert_eq!(
        ask(MissingScope::E0000014).refusal(),
        (403, "E0000014".into())
    );
    let header = ask(MissingScope::InsufficientScope);
    assert_eq!(header.refusal(), (403, "insufficient_scope".into()));
    let challenge = header.headers.get("WWW-Authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""));
}

#[test]
fn the_grants_and_roles_of_a_service_app_can_be_read() {
    let reader = Reader::small(12);
    let client = &reader.plan.client.id;
    let grants = reader.walk(&format!("/api/v1/apps/{client}/grants"));
    let scopes = okta_reader::ids(&grants, "scopeId");
    assert_eq!(scopes, reader.plan.client.scopes.iter().cloned().collect());
    let roles = reader.walk(&format!("/oauth2/v1/clients/{client}/roles"));
    assert_eq!(roles[0]["type"], "SUPER_ADMIN");
    assert_eq!(roles[0]["assignmentType"], "CLIENT");
}

#[test]
fn the_token_endpoint_has_faults_of_its_own() {
    let ask = |fault, settings: FaultSettings| {
        let reader = Reader::small(13);
        reader.simulator.switch(fault, Some(settings));
        reader.token_answer(READ)
    };
    let zone = ask(Fault::NetworkZone, FaultSettings::always());
    assert_eq!(zone.refusal(), (403, "access_denied".into()));
    let gone = ask(Fault::ClientRemoved, FaultSettings::always());
    assert_eq!(gone.refusal(), (401, "invalid_client".into()));
    let one = FaultSettings::always().with_value("okta.logs.read");
    assert_eq!(
        ask(Fault::ScopesShrink, one).json()["scope"],
        "okta.users.read"
    );
    let reader = Reader::small(14);
    reader
        .simulator
        .switch(Fault::TokenExpiresMidway, Some(FaultSettings::times(1)));
    let bearer = reader.bearer(READ);
    for _ in 0..2 {
        let answer = reader.ask(Method::Get, "/api/v1/users", bearer.clone(), "");
        assert_eq!(answer.status, 401);
    }
    let fresh = reader.bearer(READ);
    assert_eq!(
        reader.ask(Method::Get, "/api/v1/users", fresh, "").status,
        200
    );
    reader.simulator.switch(Fault::ApiTokenRevoked, always());
    assert_eq!(reader.get("/api/v1/users").status, 401);
    reader.simulator.switch(Fault::ApiTokenRevoked, None);
    assert_eq!(reader.get("/api/v1/users").status, 401);
}
