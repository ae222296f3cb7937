//! `template.yaml` and what belongs to it, read as plain JSON: `!Ref Table` becomes `{"Ref": "Table"}`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use crate::contracts::root;

pub(crate) fn template() -> Value {
    document("template.yaml")
}

pub(crate) fn observability() -> Value {
    document("infra/observability.yaml")
}

pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn document(name: &str) -> Value {
    plain(serde_yaml_ng::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                short @ ("Ref" | "Condition") => short.to_string(),
                short => format!("Fn::{short}"),
            };
            json!({ name: plain(tagged.value) })
        }
        Yaml::Mapping(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                (
                    name.as_str().expect("names are text").to_string(),
                    plain(value),
                )
            })
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        other => serde_json::to_value(other).expect("scalars are plain"),
    }
}

/// Fields of one section, such as all parameters.
pub(crate) fn section<'a>(document: &'a Value, name: &str) -> Vec<(&'a str, &'a Value)> {
    let fields = document[name]
        .as_object()
        .unwrap_or_else(|| panic!("no {name}"));
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect()
}

/// Names and properties of all resources of a type.
pub(crate) fn resources<'a>(document: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    section(document, "Resources")
        .into_iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name, &resource["Properties"]))
        .collect()
}

/// One value or a list of them, as a list.
pub(crate) fn several(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => vec![],
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

/// The text of a value, or of the `Fn::Sub`, `Fn::GetAtt` or `Ref` that it is.
pub(crate) fn words(value: &Value) -> &str {
    let found = match value {
        Value::Object(fields) => fields.values().next().and_then(Value::as_str),
        other => other.as_str(),
    };
    found.unwrap_or_else(|| panic!("{value} is no text"))
}

/// Everything that a value refers to: parameters, resources and conditions.
pub(crate) fn references(value: &Value, found: &mut BTreeSet<String>) {
    let mut note = |name: &str| {
        found.insert(name.split('.').next().unwrap_or(name).into());
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("Ref" | "Condition" | "Fn::GetAtt", Value::String(target)) => note(target),
                    ("Fn::Sub", Value::String(text)) => text
                        .split("${")
                        .skip(1)
                        .filter_map(|rest| rest.split('}').next())
                        .for_each(&mut note),
                    ("Fn::If", Value::Array(parts)) => note(words(&parts[0])),
                    _ => {}
                }
            }
            fields.values().for_each(|value| references(value, found));
        }
        _ => {}
    }
}

/// The statements of a role that allow something, those under a condition included.
pub(crate) fn statements(role: &Value) -> Vec<&Value> {
    several(&role["Policies"])
        .into_iter()
        .flat_map(|policy| several(&policy["PolicyDocument"]["Statement"]))
        .map(|statement| match statement.get("Fn::If") {
            Some(parts) => &parts[1],
            None => statement,
        })
        .collect()
}
