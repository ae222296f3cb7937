use std::borrow::Cow;

use super::*;

fn object(fill: impl FnOnce(&mut Json<'_>)) -> String {
    let mut out = Vec::new();
    let mut json = Json::begin(&mut out);
    fill(&mut json);
    json.end();
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn texts_are_escaped() {
    let text = object(|json| json.text("a", "say \"hi\"\n\u{1}\\ä, twice \"hi\""));
    assert_eq!(text, r#"{"a":"say \"hi\"\n\u0001\\ä, twice \"hi\""}"#);
}

#[test]
fn longer_texts_than_the_schema_has_are_cut_between_characters() {
    let text = object(|json| json.text("a", &"ä".repeat(70_000)));
    assert_eq!(text.chars().filter(|letter| *letter == 'ä').count(), 65_535);
}

#[test]
fn objects_and_lists_without_members_are_left_out() {
    let text = object(|json| {
        json.object("a", |_| {});
        json.list_if_any("b", |_| {});
        json.list("c", |_| {});
        json.object("d", |json| {
            json.list("e", |json| json.object_item(|json| json.flag("f", true)))
        });
    });
    assert_eq!(text, r#"{"c":[],"d":{"e":[{"f":true}]}}"#);
    assert_eq!(object(|_| {}), "{}");
}

#[test]
fn values_stay_on_one_line() {
    let text = object(|json| {
        json.value("a", &Value::Json("{\n\t\"b\": [1,\r\n2]}"));
        json.value("c\n", &Value::Text(Cow::Borrowed("[\"")));
        json.signed("d", i64::MIN);
    });
    assert_eq!(
        text,
        r#"{"a":{"b": [1,2]},"c\n":"[\"","d":-9223372036854775808}"#
    );
}
