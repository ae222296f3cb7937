use casbah_http::RefusalKind;
use casbah_model::activity::ActivityKind;

use super::*;

const FILE: &str = r#"{"CreationTime":"2026-05-16T09:58:14","Id":"7","Operation":"FileModified","RecordType":6,
    "ObjectId":"https://contoso.sharepoint.com/a.docx","UserType":0,"ItemType":"File"}"#;

#[test]
fn a_time_without_a_zone_is_utc() {
    let activity = event::read(FILE.as_bytes()).expect("a record");
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
    let activity = event::read(odd).expect("an object");
    assert!(activity.id.as_str().starts_with("sha256:"));
    assert_eq!(
        (activity.kind, activity.is_known, activity.occurred),
        (ActivityKind::SignIn, false, None)
    );
}

#[test]
fn escapes_repeated_fields_and_records_without_id_are_read() {
    let twice = br#"{"Id":"a","Id":"b","Operation":"User\u004coggedIn","RecordType":15}"#;
    let activity = event::read(twice).expect("an object");
    assert_eq!((activity.id.as_str(), activity.is_known), ("b", true));
    assert_eq!(
        event::read(b"{}").expect("an object").id,
        RecordId::of_content(b"{}")
    );
    assert_eq!(event::read(b"\"x\"").err(), Some("not-an-object"));
    assert_eq!(event::read(b"{\"Id\":}").err(), Some("not-json"));
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
