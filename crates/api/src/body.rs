//! The body of a request as one JSON value: its size, its media type, no repeated names, and not too deep.
//!
//! A parser that keeps the last of two fields of one name and a reader that looks at the first disagree about what was
//! asked (RFC 8259, section 4), so such a body is refused with the name.

use std::fmt;

use http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::BODY_BYTES_MAX;
use crate::problem::{Code, Problem, shown};

/// The deepest of our bodies has three levels.
const DEPTH_MAX: usize = 8;

/// Reads the body; one that is empty and has no need to be there is an empty object.
pub fn read(headers: &HeaderMap, body: &[u8], need: Need) -> Result<Value, Problem> {
    if body.len() > BODY_BYTES_MAX {
        let detail = format!("the body has more than {BODY_BYTES_MAX} bytes");
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    if body.is_empty() && need == Need::Nothing {
        return Ok(Value::Object(Map::new()));
    }
    check_media_type(headers)?;
    let parsed: Strict = serde_json::from_slice(body).map_err(|error| {
        // The parser's words may repeat what it stumbled over, which may be a secret.
        let place = format!("line {}, column {}", error.line(), error.column());
        let detail = format!("the body cannot be read as JSON at {place}");
        Problem::field(Code::BadJson, "", detail)
    })?;
    parsed.value("", 0)
}

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It has fields, some of which must be there.
    Fields,
    /// No field means anything, and the body may be left out.
    Nothing,
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(header::CONTENT_TYPE);
    let sent = sent.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = sent.split(';').next().unwrap_or("").trim();
    let is_json = ["application/json", "application/merge-patch+json"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known));
    if is_json {
        return Ok(());
    }
    let what = match essence {
        "" => "it is missing".to_string(),
        other => format!("\"{}\" is not read here", shown(other)),
    };
    Err(Problem::field(Code::MediaType, "Content-Type", what))
}

/// JSON as it was written, repeated names included.
enum Strict {
    Plain(Value),
    List(Vec<Strict>),
    Object(Vec<(String, Strict)>),
}

impl Strict {
    fn value(self, at: &str, depth: usize) -> Result<Value, Problem> {
        let is_deep = !matches!(self, Strict::Plain(_)) && depth >= DEPTH_MAX;
        if is_deep {
            let what = format!("it is nested deeper than {DEPTH_MAX} levels");
            return Err(Problem::field(Code::BadJson, at, what));
        }
        match self {
            Strict::Plain(value) => Ok(value),
            Strict::List(list) => list
                .into_iter()
                .enumerate()
                .map(|(place, value)| value.value(&format!("{at}/{place}"), depth + 1))
                .collect(),
            Strict::Object(fields) => {
                let mut object = Map::new();
                for (name, value) in fields {
                    let step = shown(&name).replace('~', "~0").replace('/', "~1");
                    let at = format!("{at}/{step}");
                    if object.contains_key(&name) {
                        return Err(Problem::field(Code::BadJson, at, "it stands there twice"));
                    }
                    object.insert(name, value.value(&at, depth + 1)?);
                }
                Ok(Value::Object(object))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict::Plain(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict::Plain(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict::Plain(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict::Plain(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Strict, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is too large"))?;
        Ok(Strict::Plain(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict::Plain(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Strict, A::Error> {
        let mut read = vec![];
        while let Some(value) = list.next_element()? {
            read.push(value);
        }
        Ok(Strict::List(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Strict, A::Error> {
        let mut read = vec![];
        while let Some(field) = object.next_entry()? {
            read.push(field);
        }
        Ok(Strict::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(text: &str) -> Result<Value, Problem> {
        let headers = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        )]);
        read(&headers, text.as_bytes(), Need::Fields)
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_with_its_pointer() {
        let refused = parse(r#"{"a": {"b/c": 1, "b/c": 1}}"#).expect_err("twice");
        let expected = Problem::field(Code::BadJson, "/a/b~1c", "it stands there twice");
        assert_eq!(refused, expected);
    }

    #[test]
    fn depth_is_bounded_long_before_the_stack_is() {
        assert!(parse(r#"[[[[[[[[1]]]]]]]]"#).is_ok());
        for text in ["[[[[[[[[[1]]]]]]]]]".to_string(), "[".repeat(60_000)] {
            let refused = parse(&text).expect_err("too deep");
            assert_eq!(refused.code(), Code::BadJson);
        }
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place_and_not_repeated() {
        let refused = parse("{\"secret\": \"hunter2\" oops").expect_err("no JSON");
        assert_eq!(refused.code(), Code::BadJson);
        assert!(!format!("{refused:?}").contains("hunter2"));
    }
}
