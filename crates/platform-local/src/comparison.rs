//! Counts by name, added up and compared: what was found beside what the simulated tenant holds.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::table::number;

/// What was found beside what there is.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    pub simulator: Value,
    pub equal: bool,
    /// Names of the counts that differ, with both values.
    pub differences: Vec<String>,
}

impl Comparison {
    /// Compares every count that the tenant names.
    pub fn of(found: &Value, simulator: Value) -> Comparison {
        let mut differences = vec![];
        differ("", found, &simulator, &mut differences);
        Comparison {
            equal: differences.is_empty(),
            simulator,
            differences,
        }
    }
}

/// Adds numbers of the same name, at any depth.
pub fn add(sum: &mut Value, other: &Value) {
    match other {
        Value::Object(fields) => {
            if !sum.is_object() {
                *sum = Value::Object(Map::new());
            }
            for (name, value) in fields {
                add(&mut sum[name], value);
            }
        }
        other => *sum = json!(sum.as_u64().unwrap_or(0) + other.as_u64().unwrap_or(0)),
    }
}

/// Names what differs; a count that is not there is zero.
fn differ(path: &str, found: &Value, held: &Value, differences: &mut Vec<String>) {
    if let Value::Object(fields) = held {
        for (name, held) in fields {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            differ(
                &path,
                found.get(name).unwrap_or(&Value::Null),
                held,
                differences,
            );
        }
        return;
    }
    let [found, held] = [found, held].map(|value| value.as_u64().unwrap_or(0));
    if found != held {
        differences.push(format!(
            "{path}: found {}, the tenant holds {}",
            number(found),
            number(held)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_add_up_at_any_depth() {
        let mut sum = json!({});
        add(&mut sum, &json!({"users": 2, "by": {"a": 1}}));
        add(&mut sum, &json!({"users": 3, "by": {"b": 4}}));
        assert_eq!(sum, json!({"users": 5, "by": {"a": 1, "b": 4}}));
    }

    #[test]
    fn differences_are_named_and_absent_counts_are_zero() {
        let mut differences = vec![];
        let found = json!({"users": 5, "files_by_sharing": {"private": 1}, "extra": 3});
        differ(
            "",
            &found,
            &json!({"users": 6, "files_by_sharing": {"private": 1, "public": 0}}),
            &mut differences,
        );
        assert_eq!(differences, ["users: found 5, the tenant holds 6"]);
    }
}
