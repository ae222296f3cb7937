//! The language of the table: items, conditions and changes, as far as every adapter must understand it.
//!
//! It is the part of DynamoDB that the pipeline needs and no more; the contract tests hold each adapter to it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
pub use serde_json::Value;

/// Attributes by name. Numbers are integers below 2^53 or finite floats; there is no null.
pub type Item = BTreeMap<String, Value>;

/// Partition and sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Key {
        Key {
            pk: pk.into(),
            sk: sk.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.pk, self.sk)
    }
}

/// An item with the key it was found under.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyed {
    pub key: Key,
    pub item: Item,
}

/// What must hold for a write to happen. A comparison with an absent attribute does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    Always,
    Exists,
    NotExists,
    Equal(&'static str, Value),
    Less(&'static str, Value),
    LessOrEqual(&'static str, Value),
    /// Both ends included.
    Between(&'static str, Value, Value),
    /// Two attributes of the same item are equal.
    Same(&'static str, &'static str),
    Absent(&'static str),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    pub fn holds(&self, item: Option<&Item>) -> bool {
        let compare =
            |name: &str, value: &Value| item.and_then(|item| order(item.get(name)?, value));
        match self {
            Condition::Always => true,
            Condition::Exists => item.is_some(),
            Condition::NotExists => item.is_none(),
            Condition::Equal(name, value) => {
                compare(name, value).is_some_and(|order| order.is_eq())
            }
            Condition::Less(name, value) => compare(name, value).is_some_and(|order| order.is_lt()),
            Condition::LessOrEqual(name, value) => {
                compare(name, value).is_some_and(|order| order.is_le())
            }
            Condition::Between(name, low, high) => {
                compare(name, low).is_some_and(|order| order.is_ge())
                    && compare(name, high).is_some_and(|order| order.is_le())
            }
            Condition::Same(left, right) => {
                let right = item.and_then(|item| item.get(*right));
                right.is_some_and(|right| compare(left, right).is_some_and(|order| order.is_eq()))
            }
            Condition::Absent(name) => item.is_none_or(|item| !item.contains_key(*name)),
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(item)),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(item)),
        }
    }
}

/// Order of two values of one type: numbers by value, text by bytes; other types are equal or incomparable.
fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (left, right) => (left == right).then_some(std::cmp::Ordering::Equal),
    }
}

/// One change of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Set {
    To(&'static str, Value),
    /// Adds to a number; an absent attribute counts as zero.
    Add(&'static str, Value),
    Remove(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Replaces the whole item.
    Put(Item),
    /// Changes attributes; creates the item when it is absent and the condition allows it.
    Update(Vec<Set>),
    Delete,
    /// Changes nothing; the condition must hold.
    Check,
}

impl Change {
    /// The item after the change; `None` when there is none afterwards.
    pub fn apply(&self, before: Option<&Item>) -> Option<Item> {
        match self {
            Change::Put(item) => Some(item.clone()),
            Change::Delete => None,
            Change::Check => before.cloned(),
            Change::Update(sets) => {
                let mut item = before.cloned().unwrap_or_default();
                for set in sets {
                    match set {
                        Set::To(name, value) => drop(item.insert((*name).into(), value.clone())),
                        Set::Remove(name) => drop(item.remove(*name)),
                        Set::Add(name, value) => {
                            let sum = add(item.get(*name), value);
                            item.insert((*name).into(), sum);
                        }
                    }
                }
                Some(item)
            }
        }
    }
}

fn add(before: Option<&Value>, value: &Value) -> Value {
    let before = before.cloned().unwrap_or_else(|| 0.into());
    match (before.as_i64(), value.as_i64()) {
        (Some(left), Some(right)) => (left + right).into(),
        _ => (before.as_f64().unwrap_or(0.0) + value.as_f64().unwrap_or(0.0)).into(),
    }
}

/// A conditional write of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub key: Key,
    pub condition: Condition,
    pub change: Change,
}

impl Write {
    /// Puts an item under a key that is free.
    pub fn create(key: Key, item: Item) -> Write {
        Write {
            key,
            condition: Condition::NotExists,
            change: Change::Put(item),
        }
    }

    pub fn put(key: Key, item: Item) -> Write {
        Write {
            key,
            condition: Condition::Always,
            change: Change::Put(item),
        }
    }

    pub fn update(key: Key, condition: Condition, sets: Vec<Set>) -> Write {
        Write {
            key,
            condition,
            change: Change::Update(sets),
        }
    }
}

/// The most writes in one transaction (DynamoDB developer guide, "Transactions": 100 actions).
pub const TRANSACTION_WRITES_MAX: usize = 100;

/// Attributes of the sparse index: a partition to look in, and a number to look up to.
pub const INDEX_PARTITION: &str = "gw";
pub const INDEX_ORDER: &str = "gk";
/// Epoch seconds after which an item may be deleted by the store, at its leisure.
pub const EXPIRES: &str = "expires";

/// Reads an item as the type it was written from.
pub fn from_item<T: DeserializeOwned>(item: &Item) -> Result<T, serde_json::Error> {
    serde_json::from_value(Value::Object(item.clone().into_iter().collect()))
}

/// Writes a type as an item; absent options must be skipped by its `Serialize`, since there is no null.
pub fn to_item<T: Serialize>(value: &T) -> Result<Item, serde_json::Error> {
    match serde_json::to_value(value)? {
        Value::Object(fields) => Ok(fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect()),
        other => Err(serde::de::Error::custom(format!(
            "an item is an object, not {other}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(fields: &[(&str, Value)]) -> Item {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_string(), value.clone()))
            .collect()
    }

    #[test]
    fn a_comparison_with_an_absent_attribute_does_not_hold() {
        let item = item(&[("v", 3.into())]);
        assert!(!Condition::Less("lease", 9.into()).holds(Some(&item)));
        assert!(!Condition::Equal("v", 3.into()).holds(None));
        assert!(Condition::Same("v", "v").holds(Some(&item)));
        assert!(!Condition::Same("v", "w").holds(Some(&item)));
    }

    #[test]
    fn numbers_compare_by_value_and_text_by_bytes() {
        let item = item(&[("n", 10.into()), ("t", "10".into())]);
        assert!(!Condition::Less("n", 9.into()).holds(Some(&item)));
        assert!(Condition::Less("t", "9".into()).holds(Some(&item)));
        assert!(Condition::Between("n", 9.5.into(), 10.into()).holds(Some(&item)));
    }

    #[test]
    fn adding_to_an_absent_attribute_starts_at_zero() {
        let after = Change::Update(vec![Set::Add("n", 2.into())]).apply(None);
        assert_eq!(after, Some(item(&[("n", 2.into())])));
    }
}
