use casbah_conformance::apps::Bench;
use casbah_connector::OutputError;
use casbah_model::activity::ActivityKind;
use casbah_model::event::{AccessVerb, Deed, LogonVerb, PersonKind, Severity, Success, Value};
use casbah_model::record::RecordId;
use proptest::prelude::*;

use super::*;
use crate::tests::{Credential, Reply, Script, bench, started};

fn read(raw: &str) -> (Activity, Event<'_>) {
    let (activity, event) = event::read(raw.as_bytes()).expect("a record");
    assert_eq!(event.id.as_deref(), Some(activity.id.as_str()));
    assert_eq!(event.occurred, activity.occurred);
    (activity, event)
}

/// A whole event, with invented people.
const ROLE_GIVEN: &str = r#"{"uuid":"2a992f80-0001","published":"2026-05-04T09:27:03.496Z",
    "eventType":"user.account.privilege.grant","version":"0","severity":"WARN",
    "legacyEventType":"core.user.admin_privilege.granted","displayMessage":"Grant user privilege",
    "actor":{"id":"00u1","type":"User","alternateId":"ada@acme.example","displayName":"Ada","detailEntry":null},
    "client":{"userAgent":{"rawUserAgent":"Mozilla/5.0","os":"Mac OS X","browser":"CHROME"},"zone":"null",
        "device":"Computer","id":null,"ipAddress":"203.0.113.5","geographicalContext":{"city":"Bern"}},
    "device":null,"outcome":{"result":"SUCCESS","reason":null},
    "target":[{"id":"0oa7","type":"AppInstance","displayName":"Wiki"},
        {"id":"00u2","type":"User","alternateId":"bob@acme.example","displayName":"Bob","changeDetails":null}],
    "transaction":{"type":"WEB","id":"X777","detail":{}},
    "debugContext":{"debugData":{"privilegeGranted":"Super administrator, Report administrator"}},
    "authenticationContext":{"authenticationStep":0,"externalSessionId":"102abc"},
    "securityContext":{},"request":{"ipChain":[]},"newMember":{"of":[2027]}}"#;

#[test]
fn an_event_tells_who_did_what_to_whom() {
    let (activity, event) = read(ROLE_GIVEN);
    assert_eq!(
        (activity.kind, activity.is_known),
        (ActivityKind::Admin, true)
    );
    assert_eq!(
        event.occurred.map(|at| at.to_string()).as_deref(),
        Some("2026-05-04T09:27:03.496Z")
    );
    assert_eq!(event.deed, Deed::Access(AccessVerb::AssignRole));
    assert_eq!(event.outcome.result, Success::Success);
    assert_eq!(event.actor.name.as_deref(), Some("ada@acme.example"));
    assert_eq!(
        (event.actor.id.as_deref(), event.actor.kind),
        (Some("00u1"), PersonKind::User)
    );
    assert_eq!(event.target.user.id.as_deref(), Some("00u2"));
    assert_eq!(event.target.resource.named.name.as_deref(), Some("Wiki"));
    assert_eq!(
        event.target.privileges,
        ["Super administrator", "Report administrator"]
    );
    assert_eq!(event.target.finding.severity, Severity::Medium);
    assert_eq!(event.client.address.as_deref(), Some("203.0.113.5"));
    assert_eq!(event.client.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert_eq!(
        (event.session.as_deref(), event.correlation.as_deref()),
        (Some("102abc"), Some("X777"))
    );
    let unmapped: Vec<_> = event
        .unmapped
        .iter()
        .map(|(name, _)| name.as_ref())
        .collect();
    for kept in [
        "newMember",
        "client",
        "target",
        "debugContext",
        "legacyEventType",
    ] {
        assert!(unmapped.contains(&kept), "{kept} is lost: {unmapped:?}");
    }
    for gone in ["uuid", "severity", "device", "securityContext", "outcome"] {
        assert!(!unmapped.contains(&gone), "{gone} is repeated");
    }
}

#[test]
fn targets_are_found_in_any_order() {
    let (_, straight) = read(ROLE_GIVEN);
    let record: serde_json::Value = serde_json::from_str(ROLE_GIVEN).expect("JSON");
    let mut turned = record.clone();
    turned["target"].as_array_mut().expect("a list").reverse();
    let turned = turned.to_string();
    let (_, turned) = read(&turned);
    assert_eq!(straight.target, turned.target);
}

#[test]
fn a_failed_sign_in_of_nobody_has_no_ids() {
    let raw = r#"{"uuid":"1","eventType":"user.session.start","published":"2026-05-04T09:00:00.000Z",
        "actor":{"id":"unknown","type":"User","alternateId":"eve@acme.example","displayName":"unknown"},
        "outcome":{"result":"FAILURE","reason":"VERIFICATION_ERROR"},"severity":"INFO","target":null,
        "authenticationContext":{"externalSessionId":"unknown","credentialType":"PASSWORD"}}"#;
    let (activity, event) = read(raw);
    assert_eq!(
        (activity.kind, event.deed),
        (ActivityKind::SignIn, Deed::Logon(LogonVerb::LogOn))
    );
    assert_eq!(
        (&event.actor.id, &event.session, &event.actor.full_name),
        (&None, &None, &None)
    );
    assert_eq!(event.outcome.result, Success::Failure);
    assert_eq!(event.outcome.reason.as_deref(), Some("VERIFICATION_ERROR"));
    assert_eq!(event.logon.protocol.as_deref(), Some("PASSWORD"));
}

#[test]
fn who_changed_themselves_is_a_user_and_who_changed_others_an_administrator() {
    let kind = |actor: &str, kind: &str| {
        let raw = format!(
            r#"{{"eventType":"user.mfa.factor.activate","actor":{{"id":"{actor}","type":"{kind}"}},
                "target":[{{"type":"User","id":"00u1"}}]}}"#
        );
        read(&raw).0.kind
    };
    assert_eq!(kind("00u1", "User"), ActivityKind::User);
    assert_eq!(kind("00u2", "User"), ActivityKind::Admin);
    assert_eq!(kind("00u1", "SystemPrincipal"), ActivityKind::Admin);
}

#[test]
fn wrong_types_nulls_and_unknown_types_do_not_lose_the_record() {
    let odd = r#"{"uuid":7,"published":12,"eventType":[1],"actor":"x","target":{"a":1},"client":null,
        "outcome":{"result":["SUCCESS"]},"severity":null,"debugContext":3,"version":0}"#;
    let (activity, event) = read(odd);
    assert!(activity.id.as_str().starts_with("sha256:"));
    assert_eq!((activity.occurred, activity.is_known), (None, false));
    let unmapped: Vec<_> = event
        .unmapped
        .iter()
        .map(|(name, _)| name.as_ref())
        .collect();
    for kept in ["uuid", "published", "eventType", "outcome", "version"] {
        assert!(unmapped.contains(&kept), "{kept} is lost: {unmapped:?}");
    }
    let new = r#"{"uuid":"1","eventType":"galaxy.star.create","actor":{"type":"User","id":"a"}}"#;
    let (activity, event) = read(new);
    assert_eq!(
        (activity.kind, activity.is_known),
        (ActivityKind::User, false)
    );
    assert_eq!(event.operation, "galaxy.star.create");
    assert_eq!(read("{}").0.id, RecordId::of_content(b"{}"));
}

#[test]
fn what_is_no_record_says_why() {
    for raw in ["", "7", "[]", "null", " {}"] {
        assert_eq!(
            event::read(raw.as_bytes()).err(),
            Some("not-an-object"),
            "{raw}"
        );
    }
    for raw in ["{", "{\"uuid\":}", "{\"a\":1}}", "{'a':1}"] {
        assert_eq!(event::read(raw.as_bytes()).err(), Some("not-json"), "{raw}");
    }
    let cut = &ROLE_GIVEN.as_bytes()[..ROLE_GIVEN.len() - 1];
    assert_eq!(event::read(cut).err(), Some("not-json"));
}

#[test]
fn what_strict_readers_refuse_is_kept_as_text() {
    let raw = r#"{"uuid":"1","half":"\ud800","huge":1e999,"plain":[1]}"#;
    let (_, event) = read(raw);
    for (name, value) in &event.unmapped {
        let is_text = matches!(value, Value::Text(_));
        assert_eq!(is_text, name != "plain", "{name}");
    }
}

#[test]
fn deep_and_long_records_are_read_in_reasonable_time() {
    let deep = format!(
        r#"{{"uuid":"1","x":{}1{}}}"#,
        "[".repeat(90_000),
        "]".repeat(90_000)
    );
    let (_, event) = read(&deep);
    assert!(matches!(event.unmapped[0].1, Value::Text(_)));
    let many = (0..20_000).map(|at| format!(r#"{{"type":"User","id":"{at}"}}"#));
    let many = format!(r#"{{"target":[{}]}}"#, many.collect::<Vec<_>>().join(","));
    assert_eq!(read(&many).1.target.user.id.as_deref(), Some("0"));
}

proptest! {
    #[test]
    fn no_record_makes_a_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = event::read(&raw);
    }

    #[test]
    fn a_record_that_is_damaged_is_read_or_refused(at in 0..ROLE_GIVEN.len(), byte in any::<u8>()) {
        let mut raw = ROLE_GIVEN.as_bytes().to_vec();
        raw[at] = byte;
        if let Ok((activity, event)) = event::read(&raw) {
            prop_assert_eq!(event.id.as_deref(), Some(activity.id.as_str()));
            let values = event.unmapped.iter().filter_map(|(_, value)| match value {
                Value::Json(json) => Some(*json),
                Value::Text(_) => None,
            });
            for json in values {
                prop_assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{}", json);
            }
        }
    }
}

/// Keeps the ids of what is read.
#[derive(Default)]
struct Ids(Vec<String>);

#[async_trait]
impl ActivityOutput for Ids {
    async fn record(&mut self, noun: Activity, _: &Event<'_>, _: &[u8]) -> Result<(), OutputError> {
        self.0.push(noun.id.to_string());
        Ok(())
    }

    async fn refuse(&mut self, refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.0.push(refused.reason.into());
        Ok(())
    }
}

fn content(query: &str) -> ContentRef {
    ContentRef {
        id: RecordId::new("1777888800000-3600000-1"),
        address: format!("https://acme.okta.com/api/v1/logs?{query}"),
        available: started(),
        expires: started(),
        not_before: None,
    }
}

async fn read_page(
    bench: &Bench,
    content: &ContentRef,
) -> Result<(Vec<String>, Option<ContentRef>), ConnectorError> {
    let mut ids = Ids::default();
    let session = bench.interactive();
    let next = SystemLog
        .read(&session, &FEEDS[0], content, &mut ids)
        .await?;
    Ok((ids.0, next))
}

#[tokio::test(start_paused = true)]
async fn a_page_names_the_next_one_also_when_it_is_empty() {
    let bench = bench(Credential::ApiToken, |asked| match asked.path.as_str() {
        "/api/v1/logs?limit=1000" => Reply::ok(r#"[{"uuid":"a"},7,{"uuid":"b"}]"#)
            .next("https://acme.okta.com/api/v1/logs?after=x%2Cy,1&limit=1000"),
        "/api/v1/logs?after=x%2Cy,1&limit=1000" => {
            Reply::ok("[]").next("https://acme.okta.com/api/v1/logs?after=z&limit=1000")
        }
        "/api/v1/logs?after=z&limit=1000" => Reply::ok(r#"[{"uuid":"c"}]"#),
        other => panic!("{other} was called"),
    });
    let first = content("limit=1000");
    let (ids, next) = read_page(&bench, &first).await.expect("a page");
    assert_eq!(ids, ["a", "not-an-object", "b"]);
    let second = next.expect("there is more");
    assert_eq!(second.id.as_str(), "1777888800000-3600000-1+1");
    assert_eq!(second.available, first.available);
    let (ids, next) = read_page(&bench, &second).await.expect("a page");
    assert!(ids.is_empty());
    let third = next.expect("there may be more");
    assert_eq!(third.id.as_str(), "1777888800000-3600000-1+2~1");
    let (ids, next) = read_page(&bench, &third).await.expect("a page");
    assert_eq!((ids, next), (vec!["c".to_string()], None));
}

#[test]
fn chains_of_pages_have_an_end() {
    let after = |id: String, is_empty| {
        let mut page = content("limit=1000");
        page.id = RecordId::new(id);
        let next = follow(&page, "x".into(), is_empty)?;
        Ok::<_, ConnectorError>(next.map(|next| next.id.to_string()))
    };
    let last = after(format!("1-2-3+{}", PAGES_MAX - 1), false).expect("the last page");
    let last = last.expect("a page");
    assert_eq!(last, format!("1-2-3+{PAGES_MAX}"));
    assert!(matches!(
        after(last, false),
        Err(ConnectorError::BadLink { .. })
    ));
    let mut id = "1-2-3".to_string();
    let mut empty = 0;
    while let Some(next) = after(id, true).expect("no end yet") {
        (id, empty) = (next, empty + 1);
    }
    assert_eq!(empty + 1, EMPTY_MAX);
    let full = after("1-2-3+7~4".into(), false).expect("a page");
    assert_eq!(full.as_deref(), Some("1-2-3+8"));
}

#[tokio::test(start_paused = true)]
async fn a_query_that_takes_too_long_is_asked_for_less() {
    let bench = bench(Credential::ApiToken, |asked| {
        match asked.path.ends_with("limit=1000") {
            true => Reply::error(500, "E0000009"),
            false => Reply::ok(r#"[{"uuid":"a"}]"#),
        }
    });
    let (ids, _) = read_page(&bench, &content("since=x&limit=1000"))
        .await
        .expect("a page");
    assert_eq!(ids, ["a"]);
    let calls = bench.transport.calls().len();
    assert_eq!(calls, 2);
    let always: Script = |_| Reply::error(500, "E0000009");
    let bench = crate::tests::bench(Credential::ApiToken, always);
    let error = read_page(&bench, &content("limit=1000"))
        .await
        .expect_err("too slow");
    assert!(
        matches!(error, ConnectorError::Unavailable { .. }),
        "{}",
        error.chain()
    );
}

#[tokio::test(start_paused = true)]
async fn hostile_answers_are_errors_and_no_end() {
    let cases: [(&str, Script); 5] = [
        ("markup", |_| Reply::ok("<html></html>")),
        ("an object", |_| Reply::ok(r#"{"uuid":"a"}"#)),
        ("cut", |_| Reply::ok(r#"[{"uuid":"a"},{"uui"#)),
        ("away", |_| {
            Reply::ok(r#"[{"uuid":"a"}]"#).next("https://evil.example/api/v1/logs")
        }),
        ("back", |_| {
            Reply::ok(r#"[{"uuid":"a"}]"#).next("https://acme.okta.com/api/v1/logs?limit=1000")
        }),
    ];
    for (name, script) in cases {
        let bench = bench(Credential::ApiToken, script);
        let read = read_page(&bench, &content("limit=1000")).await;
        assert!(read.is_err(), "{name}");
    }
    let nobody: Script = |asked| panic!("{} was called", asked.host);
    let bench = bench(Credential::ApiToken, nobody);
    let mut away = content("limit=1000");
    away.address = "https://evil.example/api/v1/logs".into();
    let error = read_page(&bench, &away)
        .await
        .expect_err("nobody reads from there");
    assert!(matches!(error, ConnectorError::BadLink { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_may_not_be_read_is_refused_when_it_is_started() {
    let bench = bench(Credential::ApiToken, |_| Reply::error(403, "E0000006"));
    let states = SystemLog
        .start(&bench.interactive(), FEEDS)
        .await
        .expect("a state");
    let FeedState::Refused(cause) = &states[0].1 else {
        panic!("{states:?}")
    };
    assert!(cause.fix.contains("okta.logs.read"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn listing_calls_nobody() {
    let bench = bench(Credential::ApiToken, |asked| {
        panic!("{} was called", asked.path)
    });
    let hour = SignedDuration::from_hours(1);
    let window = Window::new(started() - hour, started());
    let mut found = vec![];
    let session = bench.interactive();
    let next = SystemLog
        .list(&session, &FEEDS[0], window, None, &mut found)
        .await
        .expect("spans");
    assert_eq!((next, found.len()), (None, 1));
    assert_eq!(
        found[0].address,
        "https://acme.okta.com/api/v1/logs?since=2026-05-04T08:59:59.999Z&until=2026-05-04T10:00:00.000Z\
         &sortOrder=ASCENDING&limit=1000"
    );
}
