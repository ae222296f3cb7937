//! Counts by name, added up and compared: what was found beside what the simulated tenant holds.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::table::number;

/// What was found beside what there is.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Sums over the tenants.
    pub simulator: Value,
    pub equal: bool,
    /// Names of the counts that differ, with both values.
    pub differences: Vec<String>,
}

impl Default for Comparison {
    fn default() -> Comparison {
        Comparison {
            simulator: json!({}),
            equal: true,
            differences: vec![],
        }
    }
}

impl Comparison {
    /// Compares every count that the tenant of a connection names.
    pub fn add(&mut self, connection: &str, found: &Value, held: &Value) {
        differ(connection, found, held, &mut self.differences);
        self.equal = self.differences.is_empty();
        add(&mut self.simulator, held);
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
            let path = format!("{path}.{name}");
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
        let mut comparison = Comparison::default();
        let found = json!({"users": 5, "files_by_sharing": {"private": 1}, "extra": 3});
        let held = json!({"users": 6, "files_by_sharing": {"private": 1, "public": 0}});
        comparison.add("contoso", &found, &held);
        comparison.add("acme", &held, &held);
        assert_eq!(
            comparison.differences,
            ["contoso.users: found 5, the tenant holds 6"]
        );
        assert!(!comparison.equal);
        assert_eq!(comparison.simulator["users"], 12);
    }
}
