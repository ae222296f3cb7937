use super::*;

fn now() -> Timestamp {
    "2026-05-04T10:00:00Z".parse().expect("a valid time")
}

fn headers(limit: &str, remaining: &str, reset: &str) -> Headers {
    Headers::default()
        .with("x-rate-limit-limit", limit)
        .with("X-Rate-Limit-Remaining", remaining)
        .with("X-Rate-Limit-Reset", reset)
}

fn signs(headers: &Headers) -> Signs {
    Okta.signs("users", headers, now())
}

#[test]
fn headers_tell_the_limit_the_rest_and_the_time_left() {
    let at = now().as_second();
    let plain = headers("600", "598", &(at + 42).to_string());
    let told = signs(&plain);
    assert_eq!((told.limit, told.remaining), (Some(600.0), Some(598.0)));
    assert_eq!(told.reset, Some(Duration::from_secs(42)));
    let skewed = plain.clone().with("Date", "Mon, 04 May 2026 10:00:30 GMT");
    assert_eq!(signs(&skewed).reset, Some(Duration::from_secs(12)));
    let past = headers("600", "598", &(at - 5).to_string());
    assert_eq!(signs(&past).reset, Some(Duration::ZERO));
    let far = headers("600", "598", "99999999999");
    assert_eq!(signs(&far).reset, Some(RESET_MAX));
}

#[test]
fn too_many_calls_at_once_are_no_used_up_window() {
    let at = (now().as_second() + 50).to_string();
    assert_eq!(signs(&headers("0", "0", &at)), Signs::default());
}

#[test]
fn odd_headers_tell_nothing() {
    assert_eq!(signs(&Headers::default()), Signs::default());
    for odd in ["NaN", "-3", "soon", "", "inf"] {
        assert_eq!(signs(&headers(odd, odd, odd)), Signs::default(), "{odd}");
        assert_eq!(signs(&headers("600", odd, odd)).remaining, None, "{odd}");
    }
}

#[track_caller]
fn check(status: u16, code: &str, expected: RefusalKind) {
    let body = format!(
        r#"{{"errorCode":"{code}","errorSummary":"No: a@acme.example","errorLink":"x","errorId":"oae1","errorCauses":[]}}"#
    );
    let refusal = Okta.refusal(status, &Headers::default(), body.as_bytes());
    assert_eq!((refusal.kind, refusal.code.as_str()), (expected, code));
    assert_eq!(refusal.message, "No: …");
}

#[test]
fn the_status_decides_what_a_refusal_means() {
    check(429, "E0000047", RefusalKind::Throttled);
    check(401, "E0000011", RefusalKind::Unauthorized);
    check(401, "E0000004", RefusalKind::Unauthorized);
    check(403, "E0000006", RefusalKind::Forbidden);
    check(404, "E0000007", RefusalKind::NotFound);
    check(400, "E0000053", RefusalKind::Invalid);
    check(500, "E0000053", RefusalKind::Unavailable);
    check(500, INTERNAL, RefusalKind::Invalid);
    check(503, "", RefusalKind::Unavailable);
}

#[test]
fn errors_of_any_other_shape_are_errors_all_the_same() {
    for body in [
        "<html>Bad gateway</html>",
        "",
        "[]",
        r#"{"errorCode":7}"#,
        "{",
    ] {
        let refusal = Okta.refusal(502, &Headers::default(), body.as_bytes());
        assert_eq!(refusal.kind, RefusalKind::Unavailable, "{body}");
        assert_eq!(refusal.code, "", "{body}");
    }
    let oauth = br#"{"error":"invalid_token","error_description":"The token expired."}"#;
    let refusal = Okta.refusal(401, &Headers::default(), oauth);
    assert_eq!(refusal.code, "invalid_token");
}
