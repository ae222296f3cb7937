//! Tokens that are bound to a key (DPoP).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use casbah_model::SignedDuration;
use casbah_model::transport::{Headers, Method};
use casbah_simulators::okta::{Fault, FaultSettings};
use okta_reader::{Answer, BASE, Reader, jwt, small_plan};
use serde_json::{Value, json};

const SCOPE: &str = "okta.users.read";

fn reader() -> Reader {
    let mut plan = small_plan(1);
    plan.client.is_dpop_required = true;
    Reader::new(plan)
}

fn token_with(reader: &Reader, claims: &Value) -> Answer {
    let assertion = jwt(&reader.assertion_header(), &reader.assertion_claims());
    reader.token_by(&assertion, SCOPE, Some(&Reader::proof(claims)))
}

fn nonce(answer: &Answer) -> String {
    assert_eq!(answer.code(), "use_dpop_nonce", "{}", answer.text);
    answer.headers.get("dpop-nonce").unwrap().to_string()
}

fn token(reader: &Reader) -> String {
    let url = reader.plan.token_url();
    let mut claims = reader.proof_claims("POST", &url, None);
    claims["nonce"] = nonce(&token_with(reader, &claims)).into();
    claims["jti"] = reader.fresh().into();
    let answer = token_with(reader, &claims).json();
    assert_eq!(answer["token_type"], "DPoP");
    answer["access_token"].as_str().unwrap().to_string()
}

fn ask(reader: &Reader, token: &str, path: &str, proof: &str) -> Answer {
    let headers = Headers::default()
        .with("Authorization", format!("DPoP {token}"))
        .with("DPoP", proof);
    reader.ask(Method::Get, path, headers, "")
}

#[test]
fn a_token_is_given_after_the_nonce_was_asked_for() {
    let reader = reader();
    let plain = reader.token_answer(SCOPE);
    assert_eq!(plain.refusal(), (400, "invalid_dpop_proof".into()));
    let token = token(&reader);
    let path = "/api/v1/users";
    let proof = Reader::proof(&reader.proof_claims("GET", &format!("{BASE}{path}"), Some(&token)));
    assert_eq!(
        ask(&reader, &token, "/api/v1/users?limit=2", &proof).status,
        200
    );
    let again = ask(&reader, &token, "/api/v1/users?limit=2", &proof);
    assert_eq!(again.refusal(), (400, "invalid_dpop_proof".into()));
    let bearer = Headers::default().with("Authorization", format!("Bearer {token}"));
    assert_eq!(reader.ask(Method::Get, path, bearer, "").status, 401);
}

#[test]
fn the_second_request_of_the_dance_needs_another_assertion() {
    let reader = reader();
    let assertion = jwt(&reader.assertion_header(), &reader.assertion_claims());
    let mut claims = reader.proof_claims("POST", &reader.plan.token_url(), None);
    let refused = reader.token_by(&assertion, SCOPE, Some(&Reader::proof(&claims)));
    (claims["nonce"], claims["jti"]) = (nonce(&refused).into(), reader.fresh().into());
    let again = reader.token_by(&assertion, SCOPE, Some(&Reader::proof(&claims)));
    assert_eq!(again.refusal(), (401, "invalid_client".into()));
    assert_eq!(token_with(&reader, &claims).status, 200);
}

#[test]
fn an_app_that_need_not_may_bind_its_token_all_the_same() {
    let reader = Reader::small(2);
    assert_eq!(token(&reader).split('.').count(), 3);
    assert_eq!(reader.token_answer(SCOPE).json()["token_type"], "Bearer");
}

#[test]
fn a_proof_is_checked_in_every_part() {
    let reader = reader();
    let token = token(&reader);
    let url = format!("{BASE}/api/v1/users");
    let check = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut claims = reader.proof_claims("GET", &url, Some(&token));
        change(&mut claims);
        let answer = ask(
            &reader,
            &token,
            "/api/v1/users?limit=1",
            &Reader::proof(&claims),
        );
        assert_eq!(
            answer.refusal(),
            (400, "invalid_dpop_proof".into()),
            "{name}"
        );
    };
    check("method", &|claims| claims["htm"] = "POST".into());
    check("query", &|claims| {
        claims["htu"] = format!("{url}?limit=1").into()
    });
    check("token", &|claims| claims["ath"] = "other".into());
    check("no id", &|claims| claims["jti"] = Value::Null);
    let now = reader.now();
    check("old", &|claims| claims["iat"] = (now - 301).into());
    check("early", &|claims| claims["iat"] = (now + 301).into());
    let headers = [
        json!({ "typ": "jwt", "alg": "RS256", "jwk": { "kty": "RSA", "n": "0vx7", "e": "AQAB" } }),
        json!({ "typ": "dpop+jwt", "alg": "none", "jwk": { "kty": "RSA", "n": "0vx7", "e": "AQAB" } }),
        json!({ "typ": "dpop+jwt", "alg": "RS256", "jwk": { "kty": "RSA", "n": "0vx7", "e": "AQAB", "d": "x" } }),
        json!({ "typ": "dpop+jwt", "alg": "RS256" }),
        json!({ "typ": "dpop+jwt", "alg": "RS256", "jwk": { "kty": "RSA", "n": "other", "e": "AQAB" } }),
    ];
    for header in headers {
        let proof = jwt(&header, &reader.proof_claims("GET", &url, Some(&token)));
        let answer = ask(&reader, &token, "/api/v1/users", &proof);
        assert_eq!(answer.code(), "invalid_dpop_proof", "{header}");
    }
}

#[test]
fn a_nonce_is_good_for_three_days() {
    let reader = reader();
    let url = reader.plan.token_url();
    let mut claims = reader.proof_claims("POST", &url, None);
    claims["nonce"] = nonce(&token_with(&reader, &claims)).into();
    let fresh = |claims: &Value| {
        let mut claims = claims.clone();
        (claims["jti"], claims["iat"]) = (reader.fresh().into(), reader.now().into());
        claims
    };
    reader.clock.forward(SignedDuration::from_hours(47));
    assert_eq!(token_with(&reader, &fresh(&claims)).status, 200);
    reader.clock.forward(SignedDuration::from_hours(25));
    let newer = nonce(&token_with(&reader, &fresh(&claims)));
    assert_ne!(claims["nonce"], newer.as_str());
}

#[test]
fn a_nonce_may_be_replaced_at_any_time() {
    let reader = reader();
    let url = reader.plan.token_url();
    let mut claims = reader.proof_claims("POST", &url, None);
    let first = nonce(&token_with(&reader, &claims));
    reader
        .simulator
        .switch(Fault::NonceRotated, Some(FaultSettings::times(1)));
    (claims["nonce"], claims["jti"]) = (first.clone().into(), reader.fresh().into());
    let second = nonce(&token_with(&reader, &claims));
    assert_ne!(first, second);
    (claims["nonce"], claims["jti"]) = (second.into(), reader.fresh().into());
    assert_eq!(token_with(&reader, &claims).status, 200);
}

#[test]
fn a_resource_may_ask_for_a_nonce_too() {
    let reader = reader();
    let token = token(&reader);
    reader
        .simulator
        .switch(Fault::ResourceNonce, Some(FaultSettings::always()));
    let url = format!("{BASE}/api/v1/users");
    let mut claims = reader.proof_claims("GET", &url, Some(&token));
    let refused = ask(&reader, &token, "/api/v1/users", &Reader::proof(&claims));
    assert_eq!(refused.status, 401);
    let challenge = refused.headers.get("WWW-Authenticate").unwrap();
    assert!(challenge.starts_with("DPoP ") && challenge.contains("use_dpop_nonce"));
    (claims["nonce"], claims["jti"]) = (nonce(&refused).into(), reader.fresh().into());
    let answer = ask(&reader, &token, "/api/v1/users", &Reader::proof(&claims));
    assert_eq!(answer.status, 200);
}
