//! Hostile records: no panic, and what comes out is valid JSON with everything the schema requires.

use casbah_corpus::mapped;
use casbah_model::app::App;
use casbah_ocsf::Profile;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Fields that are looked into, and one that nobody knows.
const NAMES: &[&str] = &[
    "Id",
    "CreationTime",
    "Operation",
    "RecordType",
    "UserType",
    "UserId",
    "UserKey",
    "Workload",
    "ResultStatus",
    "ClientIP",
    "ObjectId",
    "Actor",
    "Target",
    "ModifiedProperties",
    "ExtendedProperties",
    "DeviceProperties",
    "Parameters",
    "Item",
    "AffectedItems",
    "Members",
    "EventData",
    "AppAccessContext",
    "PolicyDetails",
    "SharePointMetaData",
    "ExchangeMetaData",
    "SourceFileName",
    "FileSizeBytes",
    "MailboxOwnerUPN",
    "Strange",
];

fn operation() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        "UserLoggedIn",
        "Add member to role.",
        "Consent to application.",
        "Update user.",
        "FileMoved",
        "SharingSet",
        "AddedToGroup",
        "Send",
        "MailItemsAccessed",
        "MemberRoleChanged",
        "DlpRuleMatch",
        "AlertTriggered",
        "Set-Mailbox",
        "Add-MailboxPermission",
        "Something strange",
    ])
    .prop_map(Value::from)
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[<>a-z@. =:;,\\[\\]\"\\\\]{0,40}".prop_map(Value::from),
        operation(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "Name", "Value", "NewValue", "OldValue", "ID", "Type", "Rules", "UPN", "Role"
        ])
        .prop_map(String::from),
        any::<String>(),
    ];
    leaf().prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()).prop_map(String::from),
        1 => any::<String>(),
    ]
}

/// Members in any order, names twice now and then, a sensible record type and operation more often than not.
fn record() -> impl Strategy<Value = String> {
    let members = prop::collection::vec((name(), value()), 0..16);
    let types = prop::sample::select(vec![
        1, 2, 3, 4, 6, 8, 11, 13, 14, 15, 18, 20, 25, 40, 50, 9002,
    ]);
    (
        members,
        prop::option::of(types),
        prop::option::of(operation()),
    )
        .prop_map(|(mut members, number, operation)| {
            members.extend(number.map(|number| ("RecordType".to_string(), Value::from(number))));
            members.extend(operation.map(|name| ("Operation".to_string(), name)));
            let text = |(name, value): (String, Value)| format!("{}:{value}", Value::from(name));
            let members: Vec<String> = members.into_iter().map(text).collect();
            format!("{{{}}}", members.join(","))
        })
}

fn check(raw: &[u8]) {
    for profile in Profile::ALL {
        let Some(event) = mapped(App::Microsoft365, raw, profile) else {
            continue;
        };
        let event: Value = serde_json::from_slice(&event).expect("valid JSON");
        for name in [
            "class_uid",
            "category_uid",
            "activity_id",
            "type_uid",
            "severity_id",
            "time",
        ] {
            assert!(
                event[name].is_i64() || event[name].is_u64(),
                "{name} of {event}"
            );
        }
        assert_eq!(event["metadata"]["version"], profile.version());
        assert!(event["metadata"]["uid"].is_string(), "{event}");
        assert_eq!(event["metadata"]["product"]["vendor_name"], "Microsoft");
        if let Some(ip) = event["src_endpoint"]["ip"].as_str() {
            ip.parse::<std::net::IpAddr>().expect("a valid address");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_object_becomes_an_event(raw in record()) {
        prop_assert!(mapped(App::Microsoft365, raw.as_bytes(), Profile::V1_3_0).is_some(), "{}", raw);
        check(raw.as_bytes());
    }

    #[test]
    fn a_truncated_record_does_no_harm(raw in record(), at in any::<prop::sample::Index>()) {
        check(&raw.as_bytes()[..at.index(raw.len())]);
    }

    #[test]
    fn a_damaged_record_does_no_harm(raw in record(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut raw = raw.into_bytes();
        let at = at.index(raw.len());
        raw[at] = byte;
        check(&raw);
    }
}

/// A taste of what `cargo run --bin fuzz` does for as long as one likes.
#[test]
fn damaged_records_and_pages_break_no_law() {
    let healthy = casbah_corpus::cases::healthy();
    for number in 0..500 {
        let case = casbah_corpus::cases::case(number, &healthy);
        assert_eq!(case.run(), Ok(()), "case {number}");
    }
}

#[test]
fn a_megabyte_in_any_field_does_no_harm() {
    for name in NAMES {
        for letter in ["x", "\\u0000", "\\ud83d", "ä", "<"] {
            let long = letter.repeat(1_000_000 / letter.len());
            check(format!("{{\"RecordType\":14,\"{name}\":\"{long}\"}}").as_bytes());
        }
    }
}

#[test]
fn half_a_surrogate_pair_is_kept_as_text() {
    let event = mapped(
        App::Microsoft365,
        br#"{"Strange":["\ud83d"],"UserId":"\ud83d"}"#,
        Profile::V1_3_0,
    );
    let event: Value = serde_json::from_slice(&event.expect("an event")).expect("valid JSON");
    assert_eq!(event["unmapped"]["Strange"], r#"["\ud83d"]"#);
    assert_eq!(event["actor"]["user"]["name"], "\u{fffd}");
}

#[test]
fn what_is_no_object_is_no_event() {
    for raw in [&b"[]"[..], b"", b"\"x\"", b"{\"a\":}", b"{\"a\":1}{"] {
        assert!(mapped(App::Microsoft365, raw, Profile::V1_3_0).is_none());
    }
}
