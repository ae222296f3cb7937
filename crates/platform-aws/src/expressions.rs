//! Conditions and changes of the model in the table's own language (DynamoDB developer guide, "Expressions").
//!
//! Names and values are always placeholders, so that no name is a reserved word and no text is read as an expression.

use std::collections::{BTreeMap, HashMap};

use casbah_model::state::{Change, Condition, Set, Value};

use crate::attributes::{Attributes, PARTITION_KEY, attribute};

pub(crate) type Names = HashMap<String, String>;

/// What a call is given; the same condition and change always give the same text, so that a repeated transaction is
/// the same one.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expressions {
    pub condition: Option<String>,
    pub update: Option<String>,
    pub names: Names,
    pub values: Attributes,
}

impl Expressions {
    pub(crate) fn of_condition(condition: &Condition) -> Expressions {
        Expressions::new(condition, &[])
    }

    pub(crate) fn new(condition: &Condition, sets: &[Set]) -> Expressions {
        let mut expressions = Expressions::default();
        expressions.condition = match expressions.clause(condition) {
            Clause::True => None,
            Clause::False => Some(format!(
                "attribute_exists({PARTITION_KEY}) AND attribute_not_exists({PARTITION_KEY})"
            )),
            Clause::Text(text) => Some(text),
        };
        if !sets.is_empty() {
            expressions.update = Some(expressions.update(sets));
        }
        expressions
    }

    /// The maps as the SDK wants them: left out when empty, because an empty one is refused.
    pub(crate) fn into_maps(self) -> (Option<Names>, Option<Attributes>) {
        let names = Some(self.names).filter(|names| !names.is_empty());
        (names, Some(self.values).filter(|values| !values.is_empty()))
    }

    fn clause(&mut self, condition: &Condition) -> Clause {
        match condition {
            Condition::Always => Clause::True,
            Condition::Exists => Clause::Text(format!("attribute_exists({PARTITION_KEY})")),
            Condition::NotExists => Clause::Text(format!("attribute_not_exists({PARTITION_KEY})")),
            Condition::Equal(name, value) => self.comparison(name, "=", value),
            Condition::Less(name, value) => self.comparison(name, "<", value),
            Condition::LessOrEqual(name, value) => self.comparison(name, "<=", value),
            // Two comparisons: BETWEEN is refused as a whole when its ends are in the wrong order.
            Condition::Between(name, low, high) => {
                let ends = [
                    self.comparison(name, ">=", low),
                    self.comparison(name, "<=", high),
                ];
                all(ends)
            }
            Condition::Same(left, right) => {
                let (left, right) = (self.name(left), self.name(right));
                Clause::Text(format!("(attribute_exists({left}) AND {left} = {right})"))
            }
            Condition::Absent(name) => {
                let name = self.name(name);
                Clause::Text(format!("attribute_not_exists({name})"))
            }
            Condition::All(conditions) => {
                let clauses: Vec<Clause> =
                    conditions.iter().map(|part| self.clause(part)).collect();
                all(clauses)
            }
            Condition::Any(conditions) => {
                let clauses: Vec<Clause> =
                    conditions.iter().map(|part| self.clause(part)).collect();
                any(clauses)
            }
        }
    }

    /// A comparison with an attribute that is absent, or of another type, does not hold in the table either.
    fn comparison(&mut self, name: &str, sign: &str, value: &Value) -> Clause {
        let (name, value) = (self.name(name), self.value(value));
        Clause::Text(format!("{name} {sign} {value}"))
    }

    /// The table applies all parts of an update to the item as it was, and takes no attribute twice, so that changes
    /// of one attribute are worked out beforehand.
    fn update(&mut self, sets: &[Set]) -> String {
        let mut by_name: BTreeMap<&str, Vec<Set>> = BTreeMap::new();
        for set in sets {
            by_name.entry(name_of(set)).or_default().push(set.clone());
        }
        let (mut to, mut add, mut remove) = (vec![], vec![], vec![]);
        for (name, sets) in by_name {
            let is_relative = sets.iter().all(|set| matches!(set, Set::Add(..)));
            let after = Change::Update(sets).apply(None);
            let after = after.as_ref().and_then(|item| item.get(name));
            let name = self.name(name);
            match after {
                Some(sum) if is_relative => add.push(format!("{name} {}", self.value(sum))),
                Some(value) => to.push(format!("{name} = {}", self.value(value))),
                None => remove.push(name),
            }
        }
        let part = |word: &str, list: Vec<String>| {
            (!list.is_empty()).then(|| format!("{word} {}", list.join(", ")))
        };
        let parts = [part("SET", to), part("ADD", add), part("REMOVE", remove)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn name(&mut self, name: &str) -> String {
        let known = self.names.iter().find(|(_, known)| *known == name);
        if let Some((placeholder, _)) = known {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.into());
        placeholder
    }

    fn value(&mut self, value: &Value) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), attribute(value));
        placeholder
    }
}

#[derive(Debug)]
enum Clause {
    True,
    False,
    Text(String),
}

fn all(clauses: impl IntoIterator<Item = Clause>) -> Clause {
    let mut texts = vec![];
    for clause in clauses {
        match clause {
            Clause::True => {}
            Clause::False => return Clause::False,
            Clause::Text(text) => texts.push(text),
        }
    }
    joined(texts, " AND ").unwrap_or(Clause::True)
}

fn any(clauses: impl IntoIterator<Item = Clause>) -> Clause {
    let mut texts = vec![];
    for clause in clauses {
        match clause {
            Clause::True => return Clause::True,
            Clause::False => {}
            Clause::Text(text) => texts.push(text),
        }
    }
    joined(texts, " OR ").unwrap_or(Clause::False)
}

fn joined(mut texts: Vec<String>, word: &str) -> Option<Clause> {
    match texts.len() {
        0 => None,
        // Double brackets around one clause are refused ("redundant parentheses").
        1 => texts.pop().map(Clause::Text),
        _ => Some(Clause::Text(format!("({})", texts.join(word)))),
    }
}

fn name_of(set: &Set) -> &'static str {
    match set {
        Set::To(name, _) | Set::Add(name, _) | Set::Remove(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expressions with their placeholders filled in, which is how a person would write them.
    fn shown(condition: &Condition, sets: &[Set]) -> String {
        let expressions = Expressions::new(condition, sets);
        let mut text = format!(
            "{} / {}",
            expressions.condition.as_deref().unwrap_or("-"),
            expressions.update.as_deref().unwrap_or("-")
        );
        for (placeholder, name) in &expressions.names {
            text = text.replace(placeholder, name);
        }
        for (placeholder, value) in &expressions.values {
            let value = value
                .as_n()
                .or_else(|_| value.as_s())
                .expect("a number or a text");
            text = text.replace(placeholder, value);
        }
        text
    }

    #[test]
    fn conditions_are_written_in_the_language_of_the_table() {
        let n = |number: i64| Value::from(number);
        for (condition, expected) in [
            (Condition::Always, "-"),
            (Condition::Exists, "attribute_exists(pk)"),
            (Condition::NotExists, "attribute_not_exists(pk)"),
            (Condition::Equal("v", n(3)), "v = 3"),
            (Condition::Less("lease", n(3)), "lease < 3"),
            (Condition::LessOrEqual("lease", n(3)), "lease <= 3"),
            (Condition::Between("n", n(1), n(2)), "(n >= 1 AND n <= 2)"),
            (Condition::Same("a", "b"), "(attribute_exists(a) AND a = b)"),
            (Condition::Absent("a"), "attribute_not_exists(a)"),
            (Condition::All(vec![]), "-"),
            (
                Condition::Any(vec![]),
                "attribute_exists(pk) AND attribute_not_exists(pk)",
            ),
            (
                Condition::All(vec![Condition::Always, Condition::Equal("v", n(3))]),
                "v = 3",
            ),
            (
                Condition::All(vec![
                    Condition::Equal("st", "RUN".into()),
                    Condition::Any(vec![
                        Condition::Absent("own"),
                        Condition::Equal("own", "me".into()),
                    ]),
                ]),
                "(st = RUN AND (attribute_not_exists(own) OR own = me))",
            ),
            (
                Condition::Any(vec![Condition::Any(vec![]), Condition::Always]),
                "-",
            ),
        ] {
            assert_eq!(shown(&condition, &[]), format!("{expected} / -"));
        }
    }

    #[test]
    fn changes_are_written_in_the_language_of_the_table() {
        for (sets, expected) in [
            (vec![Set::To("v", 1.into())], "SET v = 1"),
            (vec![Set::Add("n", (-2).into())], "ADD n -2"),
            (vec![Set::Remove("own")], "REMOVE own"),
            (
                vec![
                    Set::Remove("c"),
                    Set::To("b", "x".into()),
                    Set::Add("d", 1.into()),
                    Set::To("a", 2.into()),
                ],
                "SET a = 2, b = x ADD d 1 REMOVE c",
            ),
        ] {
            assert_eq!(shown(&Condition::Always, &sets), format!("- / {expected}"));
        }
    }

    #[test]
    fn changes_of_one_attribute_are_worked_out_in_their_order() {
        for (sets, expected) in [
            (
                vec![Set::Add("n", 1.into()), Set::Add("n", 2.into())],
                "ADD n 3",
            ),
            (
                vec![Set::To("n", 5.into()), Set::Add("n", 2.into())],
                "SET n = 7",
            ),
            (vec![Set::To("n", 5.into()), Set::Remove("n")], "REMOVE n"),
            (vec![Set::Remove("n"), Set::Add("n", 2.into())], "SET n = 2"),
        ] {
            assert_eq!(shown(&Condition::Always, &sets), format!("- / {expected}"));
        }
    }

    #[test]
    fn names_and_values_are_never_part_of_the_text() {
        let condition = Condition::Equal("status", "x OR attribute_exists(pk)".into());
        let expressions = Expressions::of_condition(&condition);
        assert_eq!(expressions.condition.as_deref(), Some("#n0 = :v0"));
    }

    #[test]
    fn the_same_write_gives_the_same_expressions() {
        let sets = [Set::To("b", 1.into()), Set::To("a", 2.into())];
        let condition = Condition::Equal("v", 3.into());
        assert_eq!(
            Expressions::new(&condition, &sets),
            Expressions::new(&condition, &sets)
        );
    }
}
