//! The OpenAPI document, and whether an answer is one that it promises.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use http::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_yaml_ng::from_str(casbah_api::OPENAPI).expect("the document is YAML"));

/// Header fields that every answer has.
const OF_ALL: [&str; 3] = ["content-type", "cache-control", "x-content-type-options"];

/// The pattern that a path fits.
pub fn pattern(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or(path);
    let fits = |pattern: &str| {
        let (wanted, found) = (pattern.split('/'), path.split('/'));
        let same = |(wanted, found): (&str, &str)| wanted.starts_with('{') || wanted == found;
        wanted.clone().count() == found.clone().count() && wanted.zip(found).all(same)
    };
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    paths
        .keys()
        .map(String::as_str)
        .find(|pattern| fits(pattern))
}

pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => DOCUMENT
            .pointer(pointer.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{pointer} leads nowhere")),
        None => value,
    }
}

/// Fails unless the document promises such an answer.
#[track_caller]
pub fn assert_promised(method: &Method, path: &str, answer: &http::Response<bytes::Bytes>) {
    let status = answer.status();
    let pattern = pattern(path);
    let operation = pattern
        .map(|pattern| &DOCUMENT["paths"][pattern][method.as_str().to_ascii_lowercase().as_str()]);
    let promised = match operation {
        Some(operation) if !operation.is_null() => &operation["responses"][status.as_str()],
        // No path or method of ours: the problem is promised by its status.
        _ => by_status(status),
    };
    assert!(
        !promised.is_null(),
        "{method} {path}: {status} is not promised"
    );
    let promised = resolved(promised);
    for name in answer.headers().keys() {
        let headers = promised["headers"].as_object();
        let is_promised = headers.is_some_and(|headers| {
            headers
                .keys()
                .any(|known| known.eq_ignore_ascii_case(name.as_str()))
        });
        assert!(
            is_promised || OF_ALL.contains(&name.as_str()),
            "{method} {path}: {status} with {name} is not promised"
        );
    }
    let media_type = answer.headers()["content-type"].to_str().expect("text");
    let schema = &promised["content"][media_type]["schema"];
    assert!(
        !schema.is_null(),
        "{method} {path}: {status} as {media_type} is not promised"
    );
    if media_type.ends_with("json") {
        let body: Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_valid(schema, &body, &format!("{method} {path}: {status}"));
    }
}

fn by_status(status: StatusCode) -> &'static Value {
    let responses = DOCUMENT["components"]["responses"]
        .as_object()
        .expect("responses");
    let wanted = Value::from(status.as_u16());
    let has_status = |response: &&Value| {
        let schema = &response["content"]["application/problem+json"]["schema"];
        schema["allOf"][1]["properties"]["status"]["const"] == wanted
    };
    responses.values().find(has_status).unwrap_or(&Value::Null)
}

#[track_caller]
pub fn assert_valid(schema: &Value, body: &Value, at: &str) {
    static KNOWN: LazyLock<Mutex<HashMap<String, Validator>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().expect("no test panics in here");
    let validator = known.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&whole)
            .expect("a schema")
    });
    let faults: Vec<String> = validator
        .iter_errors(body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    drop(known);
    assert!(faults.is_empty(), "{at}: {faults:#?} in {body:#}");
}
