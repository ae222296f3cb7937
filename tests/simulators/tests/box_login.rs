//! Who may call an enterprise of Box, and with which rights.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use box_reader::{Reader, jwt, small_plan};
use casbah_model::transport::{Headers, Method};
use casbah_simulators::box_com::{
    ActingGone, ActingInactive, AppAccess, Deed, Fault, FaultSettings, MissingScope, RefusedScope,
    Role, Status, UnauthorizedApp, UnauthorizedBody,
};
use serde_json::{Value, json};

const DENIED: &str = "access_denied_insufficient_permissions";

fn denied(status: u16, error: &str, description: &str) -> (u16, String, String) {
    (status, error.into(), description.into())
}

#[test]
fn client_credentials_make_the_service_account_or_a_user() {
    let reader = Reader::small(1);
    let answer = reader.credentials("enterprise", &reader.plan.enterprise());
    let token = answer.json();
    assert_eq!(
        (&token["expires_in"], &token["token_type"]),
        (&json!(4123), &json!("bearer"))
    );
    assert_eq!(token["restricted_to"], json!([]));
    let me = reader.get("/2.0/users/me?fields=id,login,enterprise,is_platform_access_only");
    let me = me.json();
    assert_eq!(me["id"], reader.simulator.service_account_id());
    assert_eq!(me["enterprise"]["id"], reader.plan.enterprise());
    assert!(
        me["login"]
            .as_str()
            .unwrap()
            .ends_with("@boxdevedition.com")
    );
    assert_eq!(me["is_platform_access_only"], true);
    let user = reader.simulator.user_id(10);
    let token = Reader::token_of(&reader.credentials("user", &user));
    assert_eq!(reader.get_with(&token, "/2.0/users/me").json()["id"], user);
    assert_eq!(
        reader.get_with(&token, "/2.0/users").refusal(),
        (403, DENIED.into())
    );
    let admin = Reader::token_of(&reader.credentials("user", &reader.simulator.user_id(0)));
    assert_eq!(reader.get_with(&admin, "/2.0/users").status, 200);
}

#[test]
fn the_service_account_sees_no_content_but_its_own() {
    let reader = Reader::small(1);
    assert!(reader.get("/2.0/folders/0/items").entries().is_empty());
    let file = reader.simulator.items(10, None, "file").remove(0);
    let path = format!("/2.0/files/{file}");
    assert_eq!(reader.get(&path).refusal(), (404, "not_found".into()));
    let owner = reader.simulator.user_id(10);
    assert_eq!(reader.get_as(&owner, &path).status, 200);
}

#[test]
fn wrong_credentials_have_the_errors_of_the_table() {
    let reader = Reader::small(2);
    let enterprise = reader.plan.enterprise();
    let bad = denied(400, "invalid_grant", "Grant credentials are invalid");
    assert_eq!(reader.credentials("enterprise", "1").denial(), bad);
    assert_eq!(reader.credentials("group", &enterprise).denial(), bad);
    let suspended = reader.simulator.user_id(4);
    assert_eq!(reader.credentials("user", &suspended).denial(), bad);
    let form = format!(
        "grant_type=client_credentials&client_id=x&client_secret=y&box_subject_type=enterprise&box_subject_id={enterprise}"
    );
    let refused = denied(400, "invalid_client", "The client credentials are invalid");
    assert_eq!(reader.token_endpoint(&form).denial(), refused);
    let unknown = reader.token_endpoint("grant_type=password");
    assert_eq!(unknown.code(), "unsupported_grant_type");
    let refresh = reader.token_endpoint("grant_type=refresh_token&refresh_token=old");
    assert_eq!(
        refresh.denial(),
        denied(400, "invalid_grant", "Invalid refresh token")
    );
}

#[test]
fn an_app_must_be_authorized_by_the_enterprise() {
    let mut plan = small_plan(2);
    plan.client.is_authorized = false;
    let reader = Reader::new(plan.clone());
    let ask = |reader: &Reader| {
        reader
            .credentials("enterprise", &reader.plan.enterprise())
            .denial()
    };
    let text = "This app is not authorized by the enterprise";
    assert_eq!(ask(&reader), denied(400, "unauthorized_client", text));
    reader.simulator.act(Deed::AuthorizeApp);
    assert_eq!(ask(&reader).0, 200);
    reader.simulator.act(Deed::UnauthorizeApp);
    assert_eq!(ask(&reader).0, 400);
    plan.choices.unauthorized_app = UnauthorizedApp::InvalidGrant;
    let text = "Grant credentials are invalid";
    let answer = ask(&Reader::new(plan.clone()));
    assert_eq!(answer, denied(400, "invalid_grant", text));
    plan.client.is_authorized = true;
    plan.client.access = AppAccess::App;
    let text = "Cannot obtain token based on the enterprise configuration for your app";
    assert_eq!(ask(&Reader::new(plan.clone())).2, text);
}

#[test]
fn an_assertion_makes_a_token_and_is_used_once() {
    let reader = Reader::small(3);
    let assertion = jwt(&reader.assertion_header(), &reader.assertion_claims());
    let token = Reader::token_of(&reader.token_by(&assertion));
    assert_eq!(reader.get_with(&token, "/2.0/users?limit=1").status, 200);
    let again = reader.token_by(&assertion);
    assert_eq!(
        again.denial(),
        denied(400, "invalid_grant", "Please check the 'jti' claim.")
    );
    let mut claims = reader.assertion_claims();
    claims["sub"] = reader.simulator.user_id(9).into();
    claims["box_sub_type"] = "user".into();
    let token = Reader::token_of(&reader.token_by(&jwt(&reader.assertion_header(), &claims)));
    let me = reader.get_with(&token, "/2.0/users/me").json();
    assert_eq!(me["id"], reader.simulator.user_id(9));
}

#[test]
fn every_claim_of_an_assertion_is_checked() {
    let reader = Reader::small(3);
    let sub = "Please check the 'sub' claim. The 'sub' specified is invalid.";
    let late =
        "Current date time must be before the expiration date time listed in the 'exp' claim.";
    let now = reader.now();
    let long = "x".repeat(129);
    let rows: [(&str, &str, Value, &str); 14] = [
        ("header", "alg", json!("HS256"), ""),
        ("header", "alg", json!("none"), ""),
        ("header", "kid", json!("another"), ""),
        ("header", "typ", json!("at+jwt"), ""),
        ("claims", "iss", json!("another"), ""),
        ("claims", "aud", json!("https://api.box.com/"), ""),
        ("claims", "sub", json!("1"), sub),
        ("claims", "sub", json!(reader.simulator.user_id(9)), sub),
        ("claims", "box_sub_type", json!("user"), sub),
        ("claims", "exp", json!(now), late),
        ("claims", "exp", json!(now - 30), late),
        ("claims", "exp", json!(now + 61), ""),
        ("claims", "jti", json!("fifteen-letters"), ""),
        ("claims", "jti", json!(long), ""),
    ];
    for (place, name, value, text) in rows {
        let (mut header, mut claims) = (reader.assertion_header(), reader.assertion_claims());
        let part = if place == "header" {
            &mut header
        } else {
            &mut claims
        };
        part[name] = value.clone();
        let answer = reader.token_by(&jwt(&header, &claims));
        let (status, error, description) = answer.denial();
        assert_eq!(
            (status, error.as_str()),
            (400, "invalid_grant"),
            "{name} {value}"
        );
        assert!(text.is_empty() || text == description, "{name} {value}");
    }
    for algorithm in ["RS256", "RS384", "RS512"] {
        let mut header = reader.assertion_header();
        header["alg"] = algorithm.into();
        let mut claims = reader.assertion_claims();
        claims["exp"] = (now + 60).into();
        assert_eq!(reader.token_by(&jwt(&header, &claims)).status, 200);
    }
    assert_eq!(reader.token_by("a.b").code(), "invalid_grant");
}

#[test]
fn a_clock_that_runs_ahead_can_be_read_from_date() {
    let skew = FaultSettings::always().with_value("90");
    let reader = box_reader::with(Fault::SkewedClock, skew);
    let assertion = jwt(&reader.assertion_header(), &reader.assertion_claims());
    let refused = reader.token_by(&assertion);
    assert!(refused.denial().2.contains("'exp' claim"));
    let date = refused.headers.get("Date").unwrap();
    let expected = reader.plan.started + casbah_model::SignedDuration::from_secs(90);
    assert_eq!(
        date,
        expected.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    );
    let mut claims = reader.assertion_claims();
    claims["exp"] = (reader.now() + 90 + 45).into();
    let assertion = jwt(&reader.assertion_header(), &claims);
    assert_eq!(reader.token_by(&assertion).status, 200);
}

#[test]
fn tokens_expire_and_are_revoked() {
    let reader = Reader::small(4);
    let token = reader.token();
    reader.wait(4122);
    assert_eq!(reader.get_with(&token, "/2.0/users/me").status, 200);
    reader.wait(1);
    let gone = reader.get_with(&token, "/2.0/users/me");
    assert_eq!((gone.status, gone.text.as_str()), (401, ""));
    let challenge = gone.headers.get("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""));
    reader.forget_token();
    let token_two = reader.token();
    assert_ne!(token, token_two);
    let client = &reader.plan.client;
    let form = format!(
        "client_id={}&client_secret={}&token={token_two}",
        client.id, client.secret
    );
    let revoked = reader.ask(Method::Post, "/oauth2/revoke", Headers::default(), &form);
    assert_eq!((revoked.status, revoked.text.as_str()), (200, ""));
    assert_eq!(reader.get("/2.0/users/me").status, 401);
    assert_eq!(reader.get_with("nonsense", "/2.0/users/me").status, 401);
    let mut plan = small_plan(4);
    plan.choices.unauthorized_body = UnauthorizedBody::Error;
    let refused = Reader::new(plan).get_with("nonsense", "/2.0/users/me");
    assert_eq!(refused.refusal(), (401, "unauthorized".into()));
}

#[test]
fn a_scope_is_probed_by_an_exchange() {
    let reader = Reader::small(5);
    let token = reader.token();
    let granted = reader.exchange(&token, "manage_groups");
    assert_eq!(
        granted.json()["restricted_to"],
        json!([{ "scope": "manage_groups" }])
    );
    let narrow = Reader::token_of(&granted);
    assert_eq!(reader.get_with(&narrow, "/2.0/groups").status, 200);
    let refused = reader.get_with(&narrow, "/2.0/users?limit=1");
    assert_eq!(refused.refusal(), (403, "insufficient_scope".into()));
    let both = reader.exchange(&token, "manage_groups manage_managed_users");
    assert_eq!(both.json()["restricted_to"].as_array().unwrap().len(), 2);
    for scope in [
        "manage_webhook",
        "root_readonly",
        "manage_groups manage_webhook",
        "",
        "no_scope",
    ] {
        let refused = reader.exchange(&token, scope);
        assert_eq!(refused.refusal(), (400, "invalid_scope".into()), "{scope}");
    }
    assert_eq!(reader.exchange("nonsense", "manage_groups").status, 400);
    let mut plan = small_plan(5);
    plan.choices.refused_scope = RefusedScope::Unauthorized;
    let reader = Reader::new(plan);
    let refused = reader.exchange(&reader.token(), "manage_webhook");
    assert_eq!(refused.status, 401);
}

#[test]
fn every_family_needs_its_scope() {
    let file = |reader: &Reader| {
        let user = reader.simulator.user_id(10);
        reader.get_as(&user, "/2.0/folders/0/items?limit=1").status
    };
    for (scope, paths) in [
        ("manage_managed_users", vec!["/2.0/users?limit=1"]),
        ("manage_groups", vec!["/2.0/groups?limit=1"]),
        (
            "manage_enterprise_properties",
            vec![
                "/2.0/events?stream_type=admin_logs_streaming&stream_position=now",
                "/2.0/collaboration_whitelist_entries",
            ],
        ),
        ("root_readonly", vec![]),
    ] {
        let mut plan = small_plan(6);
        plan.client.scopes.retain(|known| known != scope);
        let reader = Reader::new(plan.clone());
        for path in &paths {
            let refused = reader.get(path);
            assert_eq!(
                refused.refusal(),
                (403, "insufficient_scope".into()),
                "{path}"
            );
            assert_eq!(Reader::small(6).get(path).status, 200, "{path}");
        }
        assert_eq!(file(&reader) == 403, scope == "root_readonly");
        assert_eq!(reader.get("/2.0/users/me").status, 200);
        plan.choices.missing_scope = MissingScope::AccessDenied;
        for path in &paths {
            let refused = Reader::new(plan.clone()).get(path);
            assert_eq!(refused.refusal(), (403, DENIED.into()));
        }
    }
    let reader = Reader::small(6);
    let scope = "manage_groups".to_string();
    reader.token();
    reader.simulator.act(Deed::RevokeScope { scope });
    assert_eq!(reader.get("/2.0/groups").status, 200);
    reader.forget_token();
    assert_eq!(reader.get("/2.0/groups").status, 403);
}

#[test]
fn acting_as_a_user_has_conditions() {
    let reader = Reader::small(7);
    let status = |user: &str| reader.get_as(user, "/2.0/folders/0/items?limit=1").status;
    assert_eq!(status(&reader.simulator.user_id(10)), 200);
    let me = reader.get_as(&reader.simulator.user_id(10), "/2.0/users/me");
    assert_eq!(me.json()["id"], reader.simulator.user_id(10));
    let listing = reader.get_as(&reader.simulator.user_id(10), "/2.0/users");
    assert_eq!(listing.refusal(), (403, DENIED.into()));
    let itself = reader.simulator.service_account_id();
    for user in [&reader.simulator.outside_id(0), &itself, "1", ""] {
        assert_eq!(status(user), 403, "{user}");
    }
    let suspended = reader.simulator.user_id(4);
    assert_eq!(
        reader.simulator.holds().users[&suspended].status,
        Status::Inactive
    );
    assert_eq!(status(&suspended), 403);
    reader.simulator.act(Deed::DeleteUser { user: 11 });
    assert_eq!(status(&reader.simulator.user_id(11)), 403);
    let mut plan = small_plan(7);
    plan.choices.acting_gone = ActingGone::NotFound;
    for (choice, expected) in [
        (ActingInactive::BadRequest, 400),
        (ActingInactive::Allowed, 200),
    ] {
        plan.choices.acting_inactive = choice;
        let reader = Reader::new(plan.clone());
        let path = "/2.0/folders/0/items?limit=1";
        assert_eq!(reader.get_as(&suspended, path).status, expected);
        assert_eq!(reader.get_as("1", path).status, 404);
    }
    plan.client.may_act_as_users = false;
    let reader = Reader::new(plan);
    let refused = reader.get_as(&reader.simulator.user_id(10), "/2.0/folders/0/items");
    assert_eq!(refused.refusal(), (403, DENIED.into()));
}

#[test]
fn a_co_administrator_does_not_see_what_administrators_own() {
    let reader = Reader::small(8);
    reader.simulator.act(Deed::SetRole {
        user: 10,
        role: Role::Coadmin,
    });
    let token = Reader::token_of(&reader.credentials("user", &reader.simulator.user_id(10)));
    let act = |user: u64| {
        let headers = Reader::bearer(&token).with("as-user", reader.simulator.user_id(user));
        let path = "/2.0/folders/0/items?limit=1";
        reader.ask(Method::Get, path, headers, "").status
    };
    assert_eq!((act(12), act(0), act(1)), (200, 403, 403));
    assert_eq!(reader.get_with(&token, "/2.0/users?limit=1").status, 200);
}

#[test]
fn the_token_of_a_suspended_user_is_refused() {
    let reader = Reader::small(9);
    let token = Reader::token_of(&reader.credentials("user", &reader.simulator.user_id(10)));
    assert_eq!(reader.get_with(&token, "/2.0/users/me").status, 200);
    reader.simulator.act(Deed::Suspend { user: 10 });
    assert_eq!(reader.get_with(&token, "/2.0/users/me").status, 401);
    reader.simulator.act(Deed::Restore { user: 10 });
    assert_eq!(reader.get_with(&token, "/2.0/users/me").status, 200);
    reader.simulator.act(Deed::DeleteUser { user: 10 });
    assert_eq!(reader.get_with(&token, "/2.0/users/me").status, 401);
}
