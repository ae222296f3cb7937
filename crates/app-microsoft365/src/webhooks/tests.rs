use super::*;

const TENANT: &str = "8f2c1b36-7a2c-4f0f-9a3e-1d2b3c4d5e6f";
const SECRET: &str = "the secret";

struct Post<'a> {
    query: &'a str,
    content_type: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

const JSON: Post<'static> = Post {
    query: "",
    content_type: "application/json",
    headers: &[],
    body: "",
};

fn receive(post: &Post<'_>) -> Received {
    let own = |(name, value): &(&str, &str)| ((*name).to_string(), (*value).to_string());
    let headers = post.headers.iter().map(own).collect();
    let settings = BTreeMap::from([(TENANT_ID.to_string(), TENANT.to_string())]);
    let call = Call {
        query: post.query,
        content_type: post.content_type,
        headers: &headers,
        body: post.body.as_bytes(),
        settings: &settings,
    };
    Notifications.receive(&call, &HookKey::new(HookKey::digest(SECRET)))
}

fn challenge(body: &str) -> Received {
    Received::Challenge { body: body.into() }
}

const STRANGER: Received = Received::Refused(HookRefusal::Stranger);
const MALFORMED: Received = Received::Refused(HookRefusal::Malformed);

fn hints<const N: usize>(hinted: [Hinted; N], strangers: usize) -> Received {
    Received::Hints {
        hinted: hinted.into(),
        strangers,
    }
}

#[test]
fn a_token_comes_back_decoded_and_only_as_text_that_cannot_break_out() {
    let check = |query: &str, expected: Received| {
        let post = Post {
            query,
            content_type: "text/plain",
            ..JSON
        };
        assert_eq!(receive(&post), expected, "{query}");
    };
    check(
        "validationToken=Validation%3a+Testing+a%2Bb%25",
        challenge("Validation: Testing a+b%"),
    );
    check(
        "x=1&validationToken=%3Cscript%3Ealert(1)%3C/script%3E",
        challenge("<script>alert(1)</script>"),
    );
    check("validationToken=", MALFORMED);
    check("validationToken=a%0d%0aSet-Cookie:%20b", MALFORMED);
    check("validationToken=%00", MALFORMED);
    check("validationToken=%ff%fe", MALFORMED);
    check(
        &format!("validationToken={}", "a".repeat(TOKEN_CHARS_MAX + 1)),
        MALFORMED,
    );
    let as_html = Post {
        query: "validationToken=a",
        content_type: "text/html",
        ..JSON
    };
    assert_eq!(receive(&as_html), MALFORMED);
}

#[test]
fn the_audit_service_is_answered_when_it_knows_the_secret() {
    let check = |headers: &[(&str, &str)], body: &str, expected: Received| {
        let post = Post {
            headers,
            body,
            ..JSON
        };
        assert_eq!(receive(&post), expected, "{headers:?} {body}");
    };
    let code = (VALIDATION_CODE, "X");
    let body = r#"{"validationCode":"X"}"#;
    check(&[(AUTH_ID, SECRET), code], body, challenge(""));
    check(&[(AUTH_ID, "a guess"), code], body, STRANGER);
    check(&[code], body, STRANGER);
    check(
        &[(AUTH_ID, SECRET), code],
        r#"{"validationCode":"Y"}"#,
        MALFORMED,
    );
    check(&[(AUTH_ID, SECRET), code], "", MALFORMED);
}

#[test]
fn notifications_of_the_audit_service_name_feeds() {
    let body = format!(
        r#"[{{"tenantId":"{TENANT}","contentType":"Audit.Exchange","contentId":"1"}},
            {{"tenantId":"{TENANT}","contentType":"Audit.Exchange","contentId":"1"}},
            {{"tenantId":"{TENANT}","contentType":"Audit.New"}},
            {{"tenantId":"00000000-0000-0000-0000-000000000001","contentType":"Audit.SharePoint"}},{{}}]"#
    );
    let post = |headers, body| {
        receive(&Post {
            headers,
            body,
            ..JSON
        })
    };
    let expected = hints([Hinted::Feed("exchange")], 0);
    assert_eq!(post(&[(AUTH_ID, SECRET)], &body), expected);
    assert_eq!(post(&[(AUTH_ID, SECRET)], "[]"), hints([], 0));
    assert_eq!(post(&[], &body), STRANGER);
    for wrong in ["[1]", "[", "[{\"contentType\":7}]", &"[".repeat(10_000)] {
        assert_eq!(post(&[(AUTH_ID, SECRET)], wrong), MALFORMED);
    }
}

#[test]
fn each_change_shows_the_secret_for_itself() {
    let change = |secret: &str, resource: &str| {
        format!(
            r#"{{"subscriptionId":"s","clientState":"{secret}","tenantId":"{TENANT}","changeType":"updated","resource":"{resource}"}}"#
        )
    };
    let post = |changes: &[String]| {
        let body = format!(r#"{{"value":[{}]}}"#, changes.join(","));
        receive(&Post {
            body: &body,
            ..JSON
        })
    };
    let root = |id: &str| Hinted::Root(RecordId::new(id));
    let known = change(SECRET, "drives/b!x/root");
    let other_form = change(SECRET, "/drives('b!y')/root");
    let strange = change("a guess", "drives/b!z/root");
    let by_user = change(SECRET, "users/1/drive/root");
    assert_eq!(
        post(&[known.clone(), known.clone()]),
        hints([root("b!x")], 0)
    );
    assert_eq!(
        post(&[known, other_form, strange.clone(), by_user]),
        hints([root("b!x"), root("b!y")], 1)
    );
    assert_eq!(post(&[strange]), STRANGER);
    assert_eq!(post(&[]), STRANGER);
    let lifecycle = format!(
        r#"{{"clientState":"{SECRET}","lifecycleEvent":"reauthorizationRequired","resource":"drives/b!x/root"}}"#
    );
    assert_eq!(post(&[lifecycle]), hints([root("b!x")], 0));
}

#[test]
fn what_is_no_notification_is_malformed() {
    for (content_type, body) in [
        ("application/json", "null"),
        ("application/json", "{}"),
        ("application/json", "{\"value\":{}}"),
        ("application/json", ""),
        ("text/html", "{\"value\":[]}"),
        ("", "[]"),
    ] {
        let post = Post {
            content_type,
            body,
            ..JSON
        };
        assert_eq!(receive(&post), MALFORMED, "{content_type} {body}");
    }
}
