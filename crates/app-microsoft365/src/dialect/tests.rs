use super::*;

#[track_caller]
fn check(name: &str, status: u16, wait: Option<&str>, body: &str, kind: RefusalKind, code: &str) {
    let headers = wait.map_or(Headers::default(), |wait| {
        Headers::default().with("Retry-After", wait)
    });
    let refusal = Microsoft.refusal(status, &headers, body.as_bytes());
    assert_eq!(
        (refusal.kind, refusal.code.as_str()),
        (kind, code),
        "{name}"
    );
}

#[test]
fn codes_decide_before_the_status() {
    use RefusalKind::*;
    let af = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
    check(
        "throttled as forbidden",
        403,
        None,
        &af("AF429"),
        Throttled,
        "AF429",
    );
    check("throttled", 429, None, &af("AF429"), Throttled, "AF429");
    check(
        "expired content",
        400,
        None,
        &af("AF20051"),
        Gone,
        "AF20051",
    );
    check("feed off", 400, None, &af("AF20023"), Invalid, "AF20023");
    check(
        "internal",
        500,
        None,
        &af("AF50000"),
        Unavailable,
        "AF50000",
    );
    check(
        "internal as 400",
        400,
        None,
        &af("AF50000"),
        Unavailable,
        "AF50000",
    );
    check(
        "role missing",
        401,
        None,
        &af("AF10001"),
        Forbidden,
        "AF10001",
    );
    check(
        "unknown code",
        400,
        None,
        &af("AF99999"),
        Invalid,
        "AF99999",
    );
}

#[test]
fn the_status_decides_without_a_known_code() {
    use RefusalKind::*;
    check("bad gateway", 502, None, "<html>", Unavailable, "");
    check("pause", 503, Some("30"), "", Throttled, "");
    check("silent 503", 503, None, "", Unavailable, "");
    check("not implemented", 501, None, "", Invalid, "");
    check("token", 401, None, "", Unauthorized, "");
    check("gone", 410, None, "", Gone, "");
    check(
        "locked",
        423,
        None,
        r#"{"error":{"code":"resourceLocked"}}"#,
        Invalid,
        "resourceLocked",
    );
    check("redirect", 302, None, "", Invalid, "");
    check("bandwidth", 509, None, "", Throttled, "");
}

#[test]
fn the_deepest_known_code_counts_and_casing_of_the_name_does_not() {
    use RefusalKind::*;
    let nested =
        r#"{"error":{"code":"generalException","innererror":{"code":"resyncApplyDifferences"}}}"#;
    check("resync", 410, None, nested, Gone, "resyncApplyDifferences");
    let throttled =
        r#"{"error":{"code":"TooManyRequests","innerError":{"code":"429","status":"429"}}}"#;
    check(
        "429 as text",
        429,
        Some("10"),
        throttled,
        Throttled,
        "TooManyRequests",
    );
    let oauth = r#"{"error":"invalid_request","error_description":"d"}"#;
    check(
        "error as text",
        400,
        None,
        oauth,
        Invalid,
        "invalid_request",
    );
}

#[test]
fn an_audit_service_that_does_not_know_the_tenant_is_told_apart() {
    let body = r#"{"error":{"code":"X","message":"Microsoft.Office.Compliance.Audit.DataServiceException: Tenant 7 does not exist"}}"#;
    check(
        "audit off",
        400,
        None,
        body,
        RefusalKind::Invalid,
        AUDIT_OFF,
    );
}

#[test]
fn hostile_bodies_are_refusals_like_any_other() {
    use RefusalKind::*;
    check("deep", 400, None, &"[".repeat(100_000), Invalid, "");
    check("a list", 403, None, "[1,2]", Forbidden, "");
    check(
        "a number as code",
        400,
        None,
        r#"{"error":{"code":7}}"#,
        Invalid,
        "",
    );
    let long = format!(r#"{{"error":{{"code":"{}"}}}}"#, "x".repeat(5000));
    check("a code that is no word", 400, None, &long, Invalid, "…");
}

#[test]
fn headers_tell_cost_and_rest() {
    let headers = Headers::default()
        .with("x-ms-resource-unit", "3")
        .with("ratelimit-limit", "1250")
        .with("RateLimit-Remaining", "17")
        .with("RateLimit-Reset", "4");
    let signs = Microsoft.signs("sharepoint", &headers, Timestamp::UNIX_EPOCH);
    assert_eq!(
        (signs.units, signs.limit, signs.remaining),
        (Some(3.0), Some(1250.0), Some(17.0))
    );
    assert_eq!(signs.reset, Some(Duration::from_secs(4)));
    let odd = Microsoft.signs(
        "sharepoint",
        &Headers::default().with("RateLimit-Remaining", "NaN"),
        Timestamp::UNIX_EPOCH,
    );
    assert_eq!(odd.remaining, None);
}
