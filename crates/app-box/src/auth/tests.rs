use casbah_connector::Session;
use casbah_model::transport::Method;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::*;
use crate::tests::{Asked, CLIENT_SECRET, ENTERPRISE, Reply, Script, bench, bench_with};
use crate::{ALGORITHM, CLIENT_ID};

const PLAIN: &str = include_str!("test_key.pem");
const DES3: &str = include_str!("test_key_des3.pem");
const AES: &str = include_str!("test_key_aes.pem");
/// Encrypted in a way of before 2000 (RFC 8018, A.3), which nobody hands out any more.
const OLD: &str = include_str!("test_key_pbe1.pem");
const PASSPHRASE: &str = "invented-passphrase";

fn private() -> &'static str {
    let end = PLAIN.find("-----BEGIN PUBLIC KEY").expect("the public key");
    &PLAIN[..end]
}

fn public() -> DecodingKey {
    let from = PLAIN.find("-----BEGIN PUBLIC KEY").expect("the public key");
    DecodingKey::from_rsa_pem(&PLAIN.as_bytes()[from..]).expect("an RSA key")
}

/// A file as the Developer Console makes it.
fn file(pem: &str, passphrase: &str) -> String {
    let file = serde_json::json!({
        "boxAppSettings": {
            "clientID": "invented-client",
            "clientSecret": CLIENT_SECRET,
            "appAuth": {"publicKeyID": "abc1def2", "privateKey": pem, "passphrase": passphrase},
        },
        "enterpriseID": ENTERPRISE,
    });
    file.to_string()
}

fn fields(form: &str) -> std::collections::BTreeMap<String, String> {
    form_urlencoded::parse(form.as_bytes())
        .into_owned()
        .collect()
}

fn read_assertion(asked: &Asked, algorithm: Algorithm) -> Value {
    let assertion = fields(&asked.body)
        .remove("assertion")
        .expect("an assertion");
    let header = jsonwebtoken::decode_header(&assertion).expect("a header");
    assert_eq!(
        (header.alg, header.kid.as_deref()),
        (algorithm, Some("abc1def2"))
    );
    let mut checks = Validation::new(algorithm);
    (checks.validate_exp, checks.validate_aud) = (false, false);
    checks.required_spec_claims.clear();
    let read = jsonwebtoken::decode::<Value>(&assertion, &public(), &checks);
    read.expect("a good signature").claims
}

const GRANTED: &str =
    r#"{"access_token":"t","expires_in":4123,"restricted_to":[],"token_type":"bearer"}"#;

async fn ask(session: &Session) -> Result<Token, AuthError> {
    Credential.token(session, API).await
}

#[track_caller]
fn refused_with(result: Result<Token, AuthError>) -> String {
    match result {
        Err(AuthError::Refused(cause)) => cause.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_secret_is_a_credential_for_the_enterprise_or_a_user() {
    let script: Script = |asked| {
        assert_eq!(asked.method, Method::Post);
        assert_eq!(
            (asked.host.as_str(), asked.path.as_str()),
            ("api.box.com", "/oauth2/token")
        );
        let fields = fields(&asked.body);
        let shown = ["grant_type", "client_id", "client_secret", "box_subject_id"];
        let shown = shown.map(|name| fields[name].as_str());
        let subject = match fields["box_subject_type"].as_str() {
            "user" => "77",
            _ => ENTERPRISE,
        };
        assert_eq!(
            shown,
            [
                "client_credentials",
                "invented-client",
                CLIENT_SECRET,
                subject
            ]
        );
        Reply::ok(GRANTED)
    };
    let bench = bench(script);
    let token = ask(&bench.session()).await.expect("a token");
    let life = token.expires.duration_since(bench.session().now());
    assert_eq!((token.secret.reveal(), life.as_secs()), ("t", 4123));
    let bench = bench_with(&[(USER_ID, "77")], CLIENT_SECRET, script);
    ask(&bench.session()).await.expect("a token");
}

#[tokio::test(start_paused = true)]
async fn the_file_of_an_app_with_a_key_is_a_credential_as_it_is_downloaded() {
    let script: Script = |asked| {
        let claims = read_assertion(asked, Algorithm::RS512);
        let jti = claims["jti"].as_str().expect("an id");
        assert!((16..=128).contains(&jti.len()), "{jti}");
        let texts = ["iss", "sub", "box_sub_type", "aud"].map(|name| claims[name].clone());
        assert_eq!(
            texts,
            ["invented-client", ENTERPRISE, "enterprise", AUDIENCE]
        );
        let life = claims["exp"].as_i64().expect("a time") - crate::tests::started().as_second();
        assert!((1..=60).contains(&life), "{life}");
        let form = fields(&asked.body);
        assert_eq!(
            form["grant_type"],
            "urn:ietf:params:oauth:grant-type:jwt-bearer"
        );
        assert_eq!(form["client_secret"], CLIENT_SECRET);
        Reply::ok(GRANTED)
    };
    for (pem, passphrase) in [(DES3, PASSPHRASE), (AES, PASSPHRASE), (private(), "")] {
        let bench = bench_with(&[], &file(pem, passphrase), script);
        ask(&bench.session()).await.expect("a token");
    }
}

#[tokio::test(start_paused = true)]
async fn the_customer_may_say_what_assertions_are_signed_with() {
    let rows: [(&str, Script); 2] = [
        ("RS256", |asked| {
            read_assertion(asked, Algorithm::RS256);
            Reply::ok(GRANTED)
        }),
        ("RS384", |asked| {
            read_assertion(asked, Algorithm::RS384);
            Reply::ok(GRANTED)
        }),
    ];
    for (name, script) in rows {
        let bench = bench_with(&[(ALGORITHM, name)], &file(DES3, PASSPHRASE), script);
        ask(&bench.session()).await.expect("a token");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_without_a_key_is_a_client_secret() {
    let script: Script = |asked| {
        assert_eq!(fields(&asked.body)["grant_type"], "client_credentials");
        Reply::ok(GRANTED)
    };
    let bench = bench_with(&[], &file("", ""), script);
    ask(&bench.session()).await.expect("a token");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_set_by_the_answer() {
    let script: Script = |asked| {
        let theirs = crate::tests::started().as_second() + 7200;
        let life = read_assertion(asked, Algorithm::RS512)["exp"]
            .as_i64()
            .expect("a time")
            - theirs;
        match (1..=60).contains(&life) {
            true => Reply::ok(GRANTED),
            false => {
                let words = "Current date time must be before the expiration date time listed in the 'exp' claim.";
                Reply::refusal(400, "invalid_grant", words)
                    .with("Date", "Mon, 04 May 2026 12:00:00 GMT")
            }
        }
    };
    let bench = bench_with(&[], &file(DES3, PASSPHRASE), script);
    ask(&bench.session()).await.expect("a token by their clock");
    assert_eq!(bench.transport.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_assertion_that_was_used_is_made_anew_and_no_loop_is_without_end() {
    let script: Script = |asked| match asked.times {
        0 => Reply::refusal(
            400,
            "invalid_grant",
            "Please check the 'jti' claim. A unique 'jti' value is required.",
        ),
        _ => Reply::ok(GRANTED),
    };
    let bench = bench_with(&[], &file(DES3, PASSPHRASE), script);
    ask(&bench.session()).await.expect("a token");
    let script: Script = |_| {
        Reply::refusal(400, "invalid_grant", "Please check the 'exp' claim.")
            .with("Date", "Mon, 04 May 2026 12:00:00 GMT")
    };
    let bench = bench_with(&[], &file(DES3, PASSPHRASE), script);
    let shown = refused_with(ask(&bench.session()).await);
    assert!(shown.contains("clock"), "{shown}");
    assert_eq!(bench.transport.calls().len(), TRIES_MAX as usize);
}

#[test]
fn every_refusal_says_what_to_do() {
    let check = |status, code: &str, words: &str, part: &str| {
        let body = serde_json::json!({"error": code, "error_description": words}).to_string();
        let shown = match refusals::read(status, body.as_bytes()) {
            Refused::Failed(AuthError::Refused(cause)) => cause.to_string(),
            Refused::Failed(other) => other.to_string(),
            Refused::Time(error) => format!("time: {error}"),
            Refused::Used(error) => format!("used: {error}"),
        };
        assert!(shown.contains(part), "{code} {words}: {shown}");
    };
    check(
        400,
        "invalid_grant",
        "Grant credentials are invalid",
        "enterprise_id and user_id",
    );
    let sub = "Please check the 'sub' claim. The 'sub' specified is invalid.";
    check(400, "invalid_grant", sub, "the user is active");
    let exp =
        "Current date time must be before the expiration date time listed in the 'exp' claim.";
    check(400, "invalid_grant", exp, "time: ");
    check(
        400,
        "invalid_grant",
        "Invalid refresh token",
        "connect again",
    );
    check(
        400,
        "invalid_client",
        "The client credentials are invalid",
        "Client Secret",
    );
    check(
        400,
        "unauthorized_client",
        "This app is not authorized by the enterprise",
        "Admin Console",
    );
    let level = "Cannot obtain token based on the enterprise configuration for your app";
    check(400, "unauthorized_client", level, "App + Enterprise Access");
    check(401, "invalid_request", level, "App + Enterprise Access");
    check(
        400,
        "x",
        "User cannot access this feature without having an enterprise",
        "no enterprise",
    );
    check(
        401,
        "x",
        "Unauthorized - Cannot authorize with this service",
        "has not authorized",
    );
    check(400, "something_new", "No.", "something_new");
    check(503, "x", "y", "not available");
    check(400, "", "", "not available");
}

#[test]
fn a_page_of_somebody_elses_is_no_refusal_of_box() {
    for body in [
        "<html></html>",
        "",
        "{",
        "[]",
        r#"{"error":{"a":1},"error_description":[]}"#,
    ] {
        let read = refusals::read(403, body.as_bytes());
        assert!(
            matches!(read, Refused::Failed(AuthError::Unavailable { .. })),
            "{body}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_credential_is_refused_without_a_word_of_it() {
    let nobody: Script = |asked| panic!("{} was called", asked.path);
    let with = |change: fn(&mut Value)| {
        let mut file: Value = serde_json::from_str(&file(DES3, PASSPHRASE)).expect("JSON");
        change(&mut file);
        file.to_string()
    };
    let cases = [
        ("two words", "hunter2 hunter2".to_string()),
        ("nothing", " ".into()),
        ("a page", format!("hunter2{}", "x".repeat(500))),
        ("a key alone", DES3.replace("MII", "hunter2")),
        ("half a file", file(DES3, "hunter2")[..300].to_string()),
        ("a list", "{\"hunter2\":[1]}".into()),
        ("another passphrase", file(DES3, "hunter2")),
        ("no passphrase", file(AES, "")),
        ("an old cipher", file(OLD, PASSPHRASE)),
        (
            "a damaged key",
            file(&AES.replace("MII", "NJJ"), PASSPHRASE),
        ),
        ("no key", file("hunter2", "")),
        (
            "another app",
            with(|file| file["boxAppSettings"]["clientID"] = "hunter2".into()),
        ),
        (
            "another enterprise",
            with(|file| file["enterpriseID"] = "5550".into()),
        ),
        (
            "no secret",
            with(|file| file["boxAppSettings"]["clientSecret"] = "".into()),
        ),
        (
            "no key id",
            with(|file| file["boxAppSettings"]["appAuth"]["publicKeyID"] = "".into()),
        ),
        ("a long file", file(&"hunter2".repeat(20_000), "")),
    ];
    for (name, secret) in cases {
        let bench = bench_with(&[], &secret, nobody);
        let shown = refused_with(ask(&bench.session()).await);
        assert!(!shown.contains("hunter2"), "{name}: {shown}");
        assert!(!shown.is_empty());
    }
    let settings = [(ENTERPRISE_ID, ENTERPRISE)];
    let bench = crate::tests::bench_of(&settings, CLIENT_SECRET, nobody);
    let shown = refused_with(ask(&bench.session()).await);
    assert!(shown.contains(CLIENT_ID), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_login_waits_as_long_as_it_is_told() {
    let bench = bench(|_| Reply::new(429, "{}").with("Retry-After", "120"));
    let Err(AuthError::Throttled { until }) = ask(&bench.session()).await else {
        panic!("it was throttled")
    };
    assert_eq!(until.duration_since(bench.session().now()).as_secs(), 120);
    let odd: [Script; 3] = [
        |_| Reply::ok("{\"access_token\":7}"),
        |_| Reply::ok("<html>"),
        |_| Reply::new(302, ""),
    ];
    for script in odd {
        let bench = crate::tests::bench(script);
        let error = ask(&bench.session()).await.expect_err("no token");
        assert!(matches!(error, AuthError::Unavailable { .. }), "{error}");
    }
}
