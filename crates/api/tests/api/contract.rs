//! The document and the code say the same.

use std::collections::BTreeSet;

use casbah_api::routes;
use serde_json::Value;

use crate::document::{DOCUMENT, resolved};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn parameters(path: &'static Value, operation: &'static Value) -> Vec<&'static Value> {
    let all = [&path["parameters"], &operation["parameters"]];
    let all = all.into_iter().filter_map(Value::as_array).flatten();
    all.map(resolved).collect()
}

fn names(parameters: &[&'static Value], place: &str) -> BTreeSet<&'static str> {
    let here = parameters
        .iter()
        .filter(|parameter| parameter["in"] == place);
    here.filter_map(|parameter| parameter["name"].as_str())
        .collect()
}

#[test]
fn every_route_is_described_with_its_parameters_and_nothing_else_is() {
    let mut described = BTreeSet::new();
    for (pattern, path) in DOCUMENT["paths"].as_object().expect("paths") {
        for method in METHODS.iter().filter(|method| path.get(**method).is_some()) {
            let parameters = parameters(path, &path[*method]);
            described.insert((
                method.to_ascii_uppercase(),
                pattern.as_str(),
                names(&parameters, "query"),
            ));
            let in_pattern: BTreeSet<_> = pattern
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(names(&parameters, "path"), in_pattern, "{method} {pattern}");
            let has_key = names(&parameters, "header").contains("Idempotency-Key");
            assert_eq!(has_key, *method == "post", "{method} {pattern}");
        }
    }
    let answered: BTreeSet<_> = routes()
        .map(|(method, pattern, query)| {
            (method.to_string(), pattern, query.iter().copied().collect())
        })
        .collect();
    assert_eq!(described, answered);
}

#[test]
fn every_kind_of_problem_is_described_under_its_status() {
    let responses = DOCUMENT["components"]["responses"]
        .as_object()
        .expect("responses");
    let mut described = BTreeSet::new();
    for response in responses.values() {
        let schema = &response["content"]["application/problem+json"]["schema"];
        let special = &schema["allOf"][1]["properties"];
        let status = special["status"]["const"].as_u64().expect("a status");
        for code in special["code"]["enum"].as_array().expect("codes") {
            described.insert((status, code.as_str().expect("text")));
        }
    }
    let known: BTreeSet<_> = casbah_api::CATALOGUE
        .iter()
        .map(|entry| (u64::from(entry.status.as_u16()), entry.name))
        .collect();
    assert_eq!(described, known);
    let all = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array();
    let all: BTreeSet<_> = all
        .expect("codes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(all, known.iter().map(|(_, name)| *name).collect());
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    fn walk(value: &'static Value) {
        match value {
            Value::Object(fields) => {
                if value["$ref"].is_string() {
                    resolved(value);
                }
                fields.values().for_each(walk);
            }
            Value::Array(list) => list.iter().for_each(walk),
            _ => {}
        }
    }
    walk(&DOCUMENT);
    let paths = DOCUMENT["paths"].as_object().expect("paths").values();
    let operations: Vec<_> = paths
        .flat_map(|path| METHODS.iter().filter_map(|method| path.get(*method)))
        .map(|operation| operation["operationId"].as_str().expect("a name"))
        .collect();
    let distinct: BTreeSet<_> = operations.iter().collect();
    assert_eq!(distinct.len(), operations.len());
}
