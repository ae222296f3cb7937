use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::transport::Method;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;
use crate::tests::{API_TOKEN, Asked, Credential as Kind, PEM, Reply, bench};

const JWK: &str = include_str!("test_key.json");

fn public() -> DecodingKey {
    let from = PEM.find("-----BEGIN PUBLIC KEY").expect("the public key");
    DecodingKey::from_rsa_pem(&PEM.as_bytes()[from..]).expect("an RSA key")
}

/// The claims of a token that was signed with this key.
fn claims(token: &str, key: &DecodingKey) -> Value {
    claims_with(token, key, Algorithm::RS256)
}

fn claims_with(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Value {
    let mut checks = Validation::new(algorithm);
    (checks.validate_exp, checks.validate_aud) = (false, false);
    checks.required_spec_claims.clear();
    let read = jsonwebtoken::decode::<Value>(token, key, &checks);
    read.expect("a good signature").claims
}

fn read_key(text: &str, id: &str) -> Result<Secret, AuthError> {
    let key = Key::read(&Secret::new(text), id)?;
    key.sign(&serde_json::json!({"sub": "0oa1"}))
}

#[test]
fn a_key_is_a_pem_text_or_a_jwk() {
    for (text, id, expected) in [
        (PEM, "mine", Some("mine")),
        (PEM, "", None),
        (JWK, "", Some("test-key")),
        (JWK, "other", Some("other")),
    ] {
        let signed = read_key(text, id).expect("a usable key");
        let header = jsonwebtoken::decode_header(signed.reveal()).expect("a header");
        assert_eq!(
            (header.alg, header.kid.as_deref()),
            (Algorithm::RS256, expected)
        );
        assert_eq!(claims(signed.reveal(), &public())["sub"], "0oa1");
    }
}

/// A key of an elliptic curve in each of its forms, and its public key.
const ELLIPTIC: [(&str, Algorithm); 2] = [
    (include_str!("test_key_ec256.json"), Algorithm::ES256),
    (include_str!("test_key_ec384.json"), Algorithm::ES384),
];

#[test]
fn a_key_of_an_elliptic_curve_signs_with_the_algorithm_of_its_curve() {
    for (forms, algorithm) in ELLIPTIC {
        let forms: Value = serde_json::from_str(forms).expect("JSON");
        let form = |name: &str| forms[name].as_str().expect("a form of the key");
        let public = DecodingKey::from_ec_pem(form("public").as_bytes()).expect("an EC key");
        for name in ["pkcs8", "sec1", "jwk"] {
            let signed = read_key(form(name), "mine").expect("a usable key");
            let header = jsonwebtoken::decode_header(signed.reveal()).expect("a header");
            assert_eq!(header.alg, algorithm, "{name}");
            assert_eq!(header.kid.as_deref(), Some("mine"));
            let read = claims_with(signed.reveal(), &public, algorithm);
            assert_eq!(read["sub"], "0oa1", "{name}");
        }
    }
}

#[test]
fn what_is_no_key_is_refused_without_a_word_of_it() {
    let public_jwk = r#"{"kty":"RSA","kid":"hunter2","n":"AQAB","e":"AQAB"}"#;
    let cut = &PEM[..PEM.len() / 3];
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2\n-----END ENCRYPTED PRIVATE KEY-----";
    let odd = JWK.replace("\"e\":", "\"e\": \"!hunter2\", \"x\":");
    let elliptic = JWK.replace("\"RSA\"", "\"EC\"");
    let curve = r#"{"kty":"EC","crv":"P-521","x":"hunter2","y":"AQAB","d":"AQAB"}"#;
    let short = r#"{"kty":"EC","crv":"P-256","x":"hunter2","y":"AQAB","d":"AQAB"}"#;
    let cut_ec = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----";
    for text in [
        "hunter2", "", "{", public_jwk, cut, encrypted, &odd, &elliptic, curve, short, cut_ec,
    ] {
        let Err(AuthError::Refused(cause)) = read_key(text, "") else {
            panic!("it cannot sign: {text}")
        };
        assert_eq!(cause.code, "credential");
        let said = cause.to_string();
        assert!(!said.contains("hunter2") && !said.contains("MII"), "{said}");
    }
}

#[track_caller]
fn check(name: &str, status: u16, body: &str, expected: Option<&str>) {
    let error = match refusals::read(status, body.as_bytes()) {
        Refused::Scopes(error) | Refused::Proof(error) | Refused::Failed(error) => error,
        Refused::Nonce => panic!("{name}: it asks for a nonce"),
    };
    match (error, expected) {
        (AuthError::Refused(cause), Some(code)) => {
            assert_eq!(cause.code, code, "{name}");
            assert!(!cause.to_string().contains("hunter2"), "{name}: {cause}");
        }
        (AuthError::Unavailable { .. }, None) => {}
        (found, _) => panic!("{name}: {found:?}"),
    }
}

fn oauth(error: &str, words: &str) -> String {
    format!(r#"{{"error":"{error}","error_description":"{words} hunter2"}}"#)
}

#[test]
fn each_refusal_has_a_cause_to_act_on() {
    let invalid = |words| oauth("invalid_client", words);
    let expired = invalid("The client_assertion token is expired.");
    check("clock", 401, &expired, Some("clock"));
    let signature = invalid("The client_assertion signature is invalid.");
    check("wrong key", 401, &signature, Some("credential"));
    check("unknown client", 401, &invalid("No."), Some("credential"));
    let used = invalid("The client_assertion token has already been used.");
    check("a lost answer", 401, &used, None);
    let consent = oauth("consent_required", "");
    check("consent", 400, &consent, Some("consent-missing"));
    let zone = oauth("access_denied", "");
    check("zone", 403, &zone, Some("blocked-by-policy"));
    let kind = oauth("unsupported_grant_type", "");
    check("kind of app", 400, &kind, Some("misconfigured"));
    check("gateway", 502, "<html>", None);
    check("a proxy's page", 403, "<html>", None);
    check("odd types", 400, r#"{"error":7}"#, None);
}

fn form(asked: &Asked, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(asked.body.as_bytes());
    let found = pairs.find(|(known, _)| known == name);
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn token(kind: &str, scope: &str) -> Reply {
    Reply::ok(format!(
        r#"{{"token_type":"{kind}","expires_in":3600,"access_token":"at-1","scope":"{scope}"}}"#
    ))
}

/// A call of the API, which shows how the token is presented.
async fn call(bench: &casbah_conformance::apps::Bench) -> Result<u16, casbah_http::CallError> {
    let session = bench.interactive();
    let address = session.address(ORG, "/api/v1/users/me?x=1")?;
    let call = crate::wire::get(address, crate::limits::Bucket::Other);
    session.send(&call).await.map(|answer| answer.status)
}

#[tokio::test(start_paused = true)]
async fn an_api_token_is_shown_as_it_is() {
    let bench = bench(Kind::ApiToken, |asked| {
        assert_eq!(
            (asked.method, asked.host.as_str()),
            (Method::Get, "acme.okta.com")
        );
        let shown = asked.headers.get("Authorization");
        assert_eq!(shown, Some(format!("SSWS {API_TOKEN}").as_str()));
        Reply::ok("{}")
    });
    assert_eq!(call(&bench).await.expect("an answer"), 200);
}

#[tokio::test(start_paused = true)]
async fn a_service_app_signs_for_the_address_it_calls() {
    let bench = bench(Kind::ServiceApp, |asked| {
        if asked.path != "/oauth2/v1/token" {
            assert_eq!(asked.headers.get("Authorization"), Some("Bearer at-1"));
            assert_eq!(asked.headers.get("DPoP"), None);
            return Reply::ok("{}");
        }
        let claims = claims(&form(asked, "client_assertion"), &public());
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&claims["sub"], &claims["iss"])
        );
        assert_eq!(claims["sub"], "0oa1casbah");
        assert_eq!(claims["aud"], "https://acme.okta.com/oauth2/v1/token");
        let life = claims["exp"].as_i64().zip(claims["iat"].as_i64());
        assert!(life.is_some_and(|(exp, iat)| exp > iat && exp - iat <= 3_600));
        assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() >= 32));
        assert!(form(asked, "scope").contains("okta.logs.read"));
        token("Bearer", &form(asked, "scope"))
    });
    assert_eq!(call(&bench).await.expect("an answer"), 200);
}

/// The public key that a proof shows, and its claims.
fn proof(asked: &Asked) -> Option<Value> {
    let proof = asked.headers.get("DPoP")?;
    let header = jsonwebtoken::decode_header(proof).expect("a header");
    assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
    let jwk = header.jwk.expect("the public key");
    let shown = serde_json::to_value(&jwk).expect("a JWK");
    assert!(shown.get("d").is_none() && shown.get("p").is_none());
    let key = DecodingKey::from_jwk(&jwk).expect("an RSA key");
    Some(claims(proof, &key))
}

#[tokio::test(start_paused = true)]
async fn possession_is_proved_where_it_is_asked_for() {
    let bench = bench(Kind::ServiceApp, |asked| {
        if asked.path == "/oauth2/v1/token" {
            let Some(proof) = proof(asked) else {
                return Reply::new(400, oauth("invalid_dpop_proof", ""));
            };
            assert_eq!(proof["htm"], "POST");
            assert_eq!(proof["htu"], "https://acme.okta.com/oauth2/v1/token");
            if proof["nonce"] != "n-1" {
                return Reply::new(400, oauth("use_dpop_nonce", "")).with("dpop-nonce", "n-1");
            }
            return token("DPoP", &form(asked, "scope"));
        }
        assert_eq!(asked.headers.get("Authorization"), Some("DPoP at-1"));
        let proof = proof(asked).expect("a proof");
        assert_eq!(proof["htm"], "GET");
        assert_eq!(proof["htu"], "https://acme.okta.com/api/v1/users/me");
        // The SHA-256 of the token, as `printf at-1 | openssl dgst -sha256 -binary | base64` says.
        let ath = URL_SAFE_NO_PAD.encode(Sha256::digest("at-1"));
        assert_eq!(proof["ath"], ath.as_str());
        match asked.times {
            0 => {
                assert_eq!(proof.get("nonce"), None);
                Reply::error(401, "E0000011")
                    .with("WWW-Authenticate", "DPoP error=\"use_dpop_nonce\"")
                    .with("dpop-nonce", "n-2")
            }
            _ => {
                assert_eq!(proof["nonce"], "n-2");
                Reply::ok("{}")
            }
        }
    });
    assert_eq!(call(&bench).await.expect("an answer"), 200);
    let paths = bench.transport.calls();
    assert_eq!(paths.len(), 3 + 2, "{paths:?}");
}

#[tokio::test(start_paused = true)]
async fn an_org_that_asks_for_nonces_without_end_is_left_alone() {
    let bench = bench(Kind::ServiceApp, |asked| {
        let nonce = format!("n-{}", asked.times);
        Reply::new(400, oauth("use_dpop_nonce", "")).with("dpop-nonce", nonce)
    });
    let error = call(&bench).await.expect_err("there is no token");
    assert!(matches!(
        error,
        casbah_http::CallError::Auth(AuthError::Unavailable { .. })
    ));
    assert_eq!(bench.transport.calls().len(), TRIES_MAX as usize);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_authorization_server_is_waited_for() {
    let bench = bench(Kind::ServiceApp, |_| {
        Reply::error(429, "E0000047")
            .with("X-Rate-Limit-Limit", "100")
            .with("X-Rate-Limit-Remaining", "0")
            .with(
                "X-Rate-Limit-Reset",
                (crate::tests::started().as_second() + 40).to_string(),
            )
    });
    let error = call(&bench).await.expect_err("there is no token yet");
    let casbah_http::CallError::Auth(AuthError::Throttled { until }) = error else {
        panic!("{error}")
    };
    assert_eq!(until.to_string(), "2026-05-04T10:00:40Z");
}

#[tokio::test(start_paused = true)]
async fn scopes_that_are_refused_together_are_asked_for_one_by_one() {
    let bench = bench(Kind::ServiceApp, |asked| {
        let scopes = form(asked, "scope");
        match scopes.contains("okta.apps.read") || scopes.contains("okta.roles.read") {
            true => Reply::new(400, oauth("invalid_scope", "")),
            false => token("Bearer", &scopes),
        }
    });
    let (_, scopes) = granted(&bench.interactive()).await.expect("a token");
    let scopes = scopes.expect("they are told");
    assert_eq!(scopes.len(), SCOPES.len() + 1 - 2);
    assert!(!scopes.iter().any(|scope| scope == "okta.apps.read"));
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_granted_nothing_is_refused_with_a_cause() {
    let bench = bench(Kind::ServiceApp, |_| {
        Reply::new(400, oauth("consent_required", ""))
    });
    let error = granted(&bench.interactive()).await.expect_err("no token");
    let AuthError::Refused(cause) = error else {
        panic!("{error}")
    };
    assert_eq!(cause.code, "consent-missing");
}

#[test]
fn the_setting_names_scopes_to_read_with() {
    assert!(are_scopes("okta.logs.read okta.orgs.read", Tier::Observe));
    for wrong in [
        "",
        " ",
        "okta.users.manage",
        "openid",
        "okta.users.read,okta.logs.read",
    ] {
        assert!(!are_scopes(wrong, Tier::Observe), "{wrong}");
    }
    assert_eq!(wanted("okta.logs.read", Tier::Act).len(), 1);
    assert_eq!(wanted("", Tier::Observe).len(), 8);
    assert_eq!(wanted("", Tier::Act).len(), 12);
}
