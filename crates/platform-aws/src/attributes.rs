//! Items as the table's attributes and back, with every number as it was.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use casbah_model::state::{Item, Key, Keyed, Value};

/// Names of the key, which are no attributes of an item.
pub(crate) const PARTITION_KEY: &str = "pk";
pub(crate) const SORT_KEY: &str = "sk";

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn key(key: &Key) -> Attributes {
    [
        (PARTITION_KEY.into(), AttributeValue::S(key.pk.clone())),
        (SORT_KEY.into(), AttributeValue::S(key.sk.clone())),
    ]
    .into()
}

pub(crate) fn attributes(key_of: &Key, item: &Item) -> Attributes {
    let mut attributes: Attributes = item
        .iter()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    attributes.extend(key(key_of));
    attributes
}

pub(crate) fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        // The shortest text that reads as the same number; the table takes it as a decimal of up to 38 digits.
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| (name.clone(), attribute(value));
            AttributeValue::M(fields.iter().map(field).collect())
        }
    }
}

/// An item as somebody wrote it, without its key.
///
/// # Errors
/// The name of an attribute of a kind that this program never writes.
pub(crate) fn item(attributes: Attributes) -> Result<Item, Foreign> {
    attributes
        .into_iter()
        .filter(|(name, _)| name != PARTITION_KEY && name != SORT_KEY)
        .map(|(name, found)| match value(found) {
            Some(value) => Ok((name, value)),
            None => Err(Foreign(name)),
        })
        .collect()
}

pub(crate) fn keyed(mut attributes: Attributes) -> Result<Keyed, Foreign> {
    let mut part = |name: &str| match attributes.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(Foreign(name.into())),
    };
    let key = Key {
        pk: part(PARTITION_KEY)?,
        sk: part(SORT_KEY)?,
    };
    Ok(Keyed {
        key,
        item: item(attributes)?,
    })
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("attribute {0} has a kind that nobody writes here")]
pub(crate) struct Foreign(String);

fn value(attribute: AttributeValue) -> Option<Value> {
    match attribute {
        AttributeValue::Bool(flag) => Some(Value::Bool(flag)),
        AttributeValue::N(text) => number(&text),
        AttributeValue::S(text) => Some(Value::String(text)),
        AttributeValue::L(values) => values.into_iter().map(value).collect(),
        AttributeValue::M(fields) => fields
            .into_iter()
            .map(|(name, field)| Some((name, value(field)?)))
            .collect(),
        AttributeValue::Null(_) => Some(Value::Null),
        _ => None,
    }
}

/// The table keeps no difference between 3 and 3.0, so whole numbers come back as integers.
fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let number: f64 = text.parse().ok()?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_come_back_as_they_were() {
        for original in [
            json!(0),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(0.1),
            json!(-1.7e-100),
            json!(4.9e88),
            json!(""),
            json!(true),
            json!([1, "two", [3.25], { "four": 4 }]),
            json!({ "a": { "b": [] } }),
        ] {
            assert_eq!(value(attribute(&original)), Some(original.clone()));
        }
    }

    #[test]
    fn a_kind_that_nobody_writes_is_named() {
        let odd = Attributes::from([("set".into(), AttributeValue::Ss(vec!["a".into()]))]);
        assert_eq!(item(odd), Err(Foreign("set".into())));
        assert_eq!(keyed(Attributes::new()), Err(Foreign("pk".into())));
    }
}
