use casbah_http::RefusalKind;
use casbah_model::activity::ActivityKind;
use proptest::prelude::*;

use super::*;

fn read(raw: &[u8]) -> Result<Activity, &'static str> {
    let (activity, event) = event::read(raw)?;
    assert_eq!(event.id.as_deref(), Some(activity.id.as_str()));
    assert_eq!(event.occurred, activity.occurred);
    Ok(activity)
}

const FILE: &str = r#"{"CreationTime":"2026-05-16T09:58:14","Id":"7","Operation":"FileModified","RecordType":6,
    "ObjectId":"https://contoso.sharepoint.com/a.docx","UserType":0,"ItemType":"File"}"#;

#[test]
fn a_time_without_a_zone_is_utc() {
    let activity = read(FILE.as_bytes()).expect("a record");
    assert_eq!(
        activity.occurred.map(|at| at.to_string()).as_deref(),
        Some("2026-05-16T09:58:14Z")
    );
    assert_eq!(
        activity.touched_file.as_deref(),
        Some("https://contoso.sharepoint.com/a.docx")
    );
    assert_eq!(
        (activity.id.as_str(), activity.kind, activity.is_known),
        ("7", ActivityKind::User, true)
    );
}

#[test]
fn a_wrong_type_in_a_field_does_not_lose_the_record() {
    let odd = br#"{"Id":7,"CreationTime":12,"Operation":["x"],"RecordType":"15","ObjectId":null}"#;
    let activity = read(odd).expect("an object");
    assert!(activity.id.as_str().starts_with("sha256:"));
    assert_eq!(
        (activity.kind, activity.is_known, activity.occurred),
        (ActivityKind::SignIn, false, None)
    );
}

#[test]
fn escapes_repeated_fields_and_records_without_id_are_read() {
    let twice = br#"{"Id":"a","Id":"b","Operation":"User\u004coggedIn","RecordType":15}"#;
    let activity = read(twice).expect("an object");
    assert_eq!((activity.id.as_str(), activity.is_known), ("b", true));
    assert_eq!(
        read(b"{}").expect("an object").id,
        RecordId::of_content(b"{}")
    );
    assert_eq!(read(b"\"x\"").err(), Some("not-an-object"));
    assert_eq!(read(b"{\"Id\":}").err(), Some("not-json"));
}

#[test]
fn one_pass_and_a_general_parser_see_the_same_record() {
    let nested = |levels| {
        format!(
            r#"{{"Id":"a","x":{}{}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    let texts = [
        FILE.to_string(),
        nested(99),
        nested(101),
        nested(5000),
        format!(r#"{{"Id":"a","Id":"b","x":{}{}}}"#, "[".repeat(200), "]".repeat(200)),
        format!(r#"{{"Id":"{}"}}"#, "i".repeat(600)),
        r#"{"Id":"\ud83d","Operation":"x\udc00","RecordType":"6","ObjectId":"http\ud83d"}"#.into(),
        r#"{"Id":"","RecordType":06}"#.into(),
        r#"{"Id":"a","RecordType":-0,"CreationTime":"2026-05-16T09:58:14"} "#.into(),
        r#"{"Id":"a","RecordType":-0,"RecordType":-0,"x":1e999}"#.into(),
        r#"{"Id":"a","\ud83d":1}"#.into(),
        r#"{"\u0049d":"a","CreationTime":"2026-05-16 09:58:14","Operation":"FileModified ","RecordType":6}"#.into(),
        r#"{"Id":"a","Name":1,"Name":"\ud83d"}"#.into(),
        r#"{"Id":"a"}}"#.into(),
        r#"{"Id":"a","x":"\x"}"#.into(),
    ];
    let mut records: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    records.push(b"{\"Id\":\"a\",\"x\":\"\xff\"}".to_vec());
    records.push(b"{\"Id\":\"\xff\"}".to_vec());
    for raw in records {
        assert_eq!(
            read(&raw),
            event::activity_of_any(&raw),
            "{}",
            String::from_utf8_lossy(&raw)
        );
    }
}

proptest! {
    #[test]
    fn whatever_the_record_is_one_pass_and_a_general_parser_see_the_same(
        members in proptest::collection::vec((
            "Id|CreationTime|Operation|RecordType|ObjectId|Strange|\\\\u0049d|\\\\ud83d",
            r#"[a-z\\"\[\]{}:,0-9.eE-]{0,6}|"[a-zA-Z0-9: \\ud-]{0,8}"|-?[0-9]{1,3}|"http(\\ud83d)?"|null|"2026-05-16T09:58:14Z?""#,
        ), 0..5),
    ) {
        let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
        let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        prop_assert_eq!(read(text.as_bytes()), event::activity_of_any(text.as_bytes()), "{}", text);
    }
}

#[test]
fn what_only_a_general_parser_reads_is_kept_with_a_bare_event() {
    let raw = b"{\"Id\":\"7\",\"CreationTime\":\"2026-05-16T09:58:14\",\"x\":\"\xff\"}";
    let (activity, event) = event::read(raw).expect("a record");
    let bare = Event {
        id: Some("7".into()),
        occurred: activity.occurred,
        ..Event::default()
    };
    assert!(activity.occurred.is_some());
    assert_eq!(event, bare);
}

#[test]
fn a_listed_bundle_without_an_end_lives_seven_days() {
    let raw = br#"{"contentType":"Audit.General","contentId":"a$b","contentUri":"https://manage.office.com/x/a$b",
        "contentCreated":"2026-10-13T18:00:51.748Z"}"#;
    let content = content(raw).expect("an item");
    assert_eq!(content.id.as_str(), "a$b");
    assert_eq!(content.expires.to_string(), "2026-10-20T18:00:51.748Z");
    assert!(super::content(br#"{"contentUri":"x","contentCreated":"then"}"#).is_err());
}

#[test]
fn refusals_of_the_audit_service_have_a_cause_to_act_on() {
    let cause = |code: &str, feed: &Feed| {
        let refusal = Refusal {
            kind: RefusalKind::Invalid,
            status: 400,
            code: code.into(),
            message: String::new(),
            location: None,
        };
        refusal_cause(&refusal, Some(feed)).map(|cause| cause.code)
    };
    let (exchange, dlp) = (&FEEDS[1], &FEEDS[4]);
    assert_eq!(cause("AF20023", exchange).as_deref(), Some("audit-off"));
    assert_eq!(cause("AF20023", dlp).as_deref(), Some("licence"));
    assert_eq!(cause("AF20012", exchange).as_deref(), Some("licence"));
    assert_eq!(cause(AUDIT_OFF, exchange).as_deref(), Some("audit-off"));
    assert_eq!(cause("AF10001", exchange).as_deref(), Some("permission"));
    assert_eq!(
        cause("AF20055", exchange).as_deref(),
        Some("window-out-of-reach")
    );
    assert_eq!(cause("AF99999", exchange), None);
}

#[test]
fn windows_are_listed_in_whole_seconds() {
    let at: Timestamp = "2026-05-16T09:58:14.9Z".parse().expect("a valid time");
    assert_eq!(second(at), "2026-05-16T09:58:14");
}
