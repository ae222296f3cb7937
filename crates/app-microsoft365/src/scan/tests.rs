use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn read(text: &str) -> Result<Vec<(String, String)>, NotJson> {
    let mut read = Vec::new();
    members(text, |key, value| {
        read.push((key.into_owned(), value.json.to_string()));
    })?;
    Ok(read)
}

#[test]
fn members_are_slices_of_the_record() {
    let text = " {\"a\" : [1, {\"b\":\"}\"}] ,\"\\u0041\":\"x\\\"y\", \"c\":-1.5e3}\n";
    let members = read(text).expect("an object");
    let expected = [
        ("a", "[1, {\"b\":\"}\"}]"),
        ("A", "\"x\\\"y\""),
        ("c", "-1.5e3"),
    ];
    let expected = expected.map(|(key, value)| (key.to_string(), value.to_string()));
    assert_eq!(members, expected);
}

#[test]
fn what_strict_readers_refuse_is_odd() {
    let odd = |text: &str| {
        let mut odd = None;
        members(text, |_, value| odd = Some(value.is_odd)).expect("an object");
        odd
    };
    assert_eq!(odd(r#"{"a":["\ud83d"]}"#), Some(true));
    assert_eq!(odd(r#"{"a":["\ud83d\ude00"]}"#), Some(false));
    assert_eq!(odd(r#"{"a":1e999}"#), Some(true));
    assert_eq!(odd(r#"{"a":1e9}"#), Some(false));
}

#[test]
fn half_a_surrogate_pair_becomes_a_replacement_character() {
    let text = |json| {
        Slice {
            json,
            has_escapes: true,
            ..Slice::default()
        }
        .text()
    };
    assert_eq!(text(r#""a\ud83db""#).as_deref(), Some("a\u{fffd}b"));
    assert_eq!(text(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
    assert_eq!(text("7"), None);
}

#[test]
fn items_of_a_list_come_one_by_one() {
    let list = |json| {
        items(Slice {
            json,
            ..Slice::default()
        })
        .map(|item| item.json)
    };
    assert_eq!(list(" [1]").count(), 0);
    assert!(list(r#"[ 1, "a,]" ,[2]]"#).eq(["1", "\"a,]\"", "[2]"]));
    assert_eq!(list("[]").count(), 0);
    assert_eq!(list("{}").count(), 0);
}

#[test]
fn a_thousand_levels_are_refused() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(read(&deep), Err(NotJson));
}

proptest! {
    /// Whatever text it is: taken as an object exactly when serde_json takes it.
    #[test]
    fn it_takes_what_a_general_parser_takes(text in r#"[ \{\}\[\],:"\\a0-9u.eE+\-trulfasn\n]{0,24}"#) {
        let text = format!("{{{text}}}");
        let general = serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(&text);
        let raw = serde_json::from_str::<&RawValue>(&text);
        prop_assert_eq!(raw.is_ok(), read(&text).is_ok(), "{} {:?}", text, general);
    }
}
