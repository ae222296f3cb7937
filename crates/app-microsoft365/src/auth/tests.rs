use super::*;

#[track_caller]
fn check(name: &str, status: u16, body: &str, expected: Option<&str>) {
    match (refusal(status, body.as_bytes()), expected) {
        (AuthError::Refused(cause), Some(code)) => assert_eq!(cause.code, code, "{name}"),
        (AuthError::Unavailable { .. }, None) => {}
        (found, _) => panic!("{name}: {found:?}"),
    }
}

fn aad(error: &str, code: u64) -> String {
    format!(
        r#"{{"error":"{error}","error_description":"AADSTS{code}: hunter2","error_codes":[{code}]}}"#
    )
}

#[test]
fn each_refusal_of_the_login_service_has_a_cause_to_act_on() {
    check(
        "wrong secret",
        401,
        &aad("invalid_client", 7_000_215),
        Some("credential"),
    );
    check(
        "expired secret",
        401,
        &aad("invalid_client", 7_000_222),
        Some("credential-expired"),
    );
    check(
        "certificate",
        401,
        &aad("invalid_client", 700_027),
        Some("credential"),
    );
    check(
        "app removed",
        400,
        &aad("unauthorized_client", 700_016),
        Some("consent-missing"),
    );
    check(
        "app disabled",
        400,
        &aad("unauthorized_client", 7_000_112),
        Some("consent-revoked"),
    );
    check(
        "no service",
        400,
        &aad("invalid_resource", 500_011),
        Some("resource-missing"),
    );
    check(
        "tenant",
        400,
        &aad("invalid_request", 90_002),
        Some("tenant-unknown"),
    );
    check(
        "cloud",
        400,
        &aad("invalid_request", 900_382),
        Some("wrong-cloud"),
    );
    check(
        "policy",
        400,
        &aad("interaction_required", 53_003),
        Some("blocked-by-policy"),
    );
    check(
        "scope",
        400,
        &aad("invalid_scope", 70_011),
        Some("misconfigured"),
    );
    check(
        "a finer number",
        401,
        &aad("invalid_client", 7_000_299),
        Some("credential"),
    );
    check("busy tenant", 400, &aad("invalid_request", 90_055), None);
    check(
        "temporarily",
        400,
        r#"{"error":"temporarily_unavailable"}"#,
        None,
    );
    check("gateway", 502, "<html>", None);
    check("a proxy's page", 400, "<html>", None);
}

#[test]
fn a_cause_repeats_nothing_the_login_service_said() {
    let AuthError::Refused(cause) = refusal(401, aad("invalid_client", 7_000_215).as_bytes())
    else {
        panic!("a wrong secret is final");
    };
    assert!(!cause.to_string().contains("hunter2"), "{cause}");
}

#[test]
fn tokens_are_asked_for_by_the_names_of_the_cloud() {
    assert_eq!(
        scope(GRAPH, "graph.microsoft.us"),
        "https://graph.microsoft.us/.default"
    );
    assert_eq!(
        scope(MANAGEMENT, "manage-gcc.office.com"),
        "https://manage-gcc.office.com/.default"
    );
    assert_eq!(
        scope(MANAGEMENT, "127.0.0.1"),
        "https://manage.office.com/.default"
    );
    assert_eq!(
        scope(GRAPH, "127.0.0.1"),
        "https://graph.microsoft.com/.default"
    );
}

#[test]
fn lifetimes_are_numbers_or_text() {
    let life = |text: &str| {
        serde_json::from_str::<Seconds>(text)
            .expect("a number or a text")
            .seconds()
    };
    assert_eq!(
        (life("3599"), life("\"3599\""), life("3599.5")),
        (3599, 3599, 3599)
    );
    assert_eq!(life("\"soon\""), LIFE_S.0);
}

/// A certificate, its key, and its public key alone.
const PEM: &str = include_str!("test_certificate.pem");

fn claims() -> Claims {
    let text = |text: &str| text.to_string();
    Claims {
        aud: text("a"),
        iss: text("c"),
        sub: text("c"),
        jti: text("j"),
        nbf: 1_000,
        iat: 1_000,
        exp: 1_600,
    }
}

#[test]
fn an_assertion_is_signed_with_pss_and_names_its_certificate() {
    let signed = sign(PEM, &claims()).expect("a usable certificate");
    let header = jsonwebtoken::decode_header(signed.reveal()).expect("a header");
    assert_eq!(
        (header.alg, header.typ.as_deref()),
        (Algorithm::PS256, Some("JWT"))
    );
    assert_eq!(
        header.x5t_s256.as_deref(),
        Some("VnkdVuMabVDQJmAomWDgCvyfB9F1kqau0g8jSBELM6w")
    );
    let public = pem_block(PEM, "PUBLIC KEY").expect("the public key");
    let key = jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()).expect("an RSA key");
    let mut checks = jsonwebtoken::Validation::new(Algorithm::PS256);
    (checks.validate_exp, checks.validate_aud) = (false, false);
    let read =
        jsonwebtoken::decode::<Claims>(signed.reveal(), &key, &checks).expect("a good signature");
    assert_eq!((read.claims.sub.as_str(), read.claims.exp), ("c", 1_600));
}

#[test]
fn a_certificate_that_cannot_sign_is_refused_without_a_word_of_it() {
    let key = pem_block(PEM, "PRIVATE KEY").expect("the key");
    let certificate = pem_block(PEM, "CERTIFICATE").expect("the certificate");
    let garbled = format!("{certificate}\n{}", key.replace("MII", "AAA"));
    for pem in [key, certificate, "hunter2", garbled.as_str()] {
        let Err(AuthError::Refused(cause)) = sign(pem, &claims()) else {
            panic!("it cannot sign")
        };
        assert_eq!(cause.code, "credential");
        assert!(
            !cause.to_string().contains("hunter2") && !cause.to_string().contains("MII"),
            "{cause}"
        );
    }
}
