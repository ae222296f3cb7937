//! Reading a JSON object field by field: every fault is collected with its JSON pointer (RFC 6901), none is guessed at.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::problem::{Code, FieldError, Problem, shown};

/// More faults than this help nobody.
const ERRORS_MAX: usize = 20;
/// Names of settings and endpoints are words.
const NAME_CHARS_MAX: usize = 40;

/// The faults found so far.
#[derive(Default)]
pub struct Errors(RefCell<Vec<FieldError>>);

impl Errors {
    pub fn add(&self, field: impl Into<String>, what: impl Into<String>) {
        let mut errors = self.0.borrow_mut();
        if errors.len() < ERRORS_MAX {
            errors.push(FieldError {
                field: field.into(),
                what: what.into(),
            });
        }
    }

    /// The value, if no fault was found anywhere.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Problem> {
        let errors = self.0.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => Err(Problem::fields(Code::BadField, errors)),
        }
    }
}

/// One object of a body. A field is read once by its name; [`Fields::end`] refuses those that nobody asked for.
pub struct Fields<'a> {
    pointer: String,
    object: &'a Map<String, Value>,
    known: Vec<&'static str>,
    errors: &'a Errors,
}

impl<'a> Fields<'a> {
    pub fn of(value: &'a Value, pointer: &str, errors: &'a Errors) -> Option<Fields<'a>> {
        let Value::Object(object) = value else {
            errors.add(pointer, format!("it is {}, not an object", kind(value)));
            return None;
        };
        Some(Fields {
            pointer: pointer.into(),
            object,
            known: vec![],
            errors,
        })
    }

    /// The pointer of a field of this object.
    pub fn at(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, escaped(name))
    }

    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object.get(name)
    }

    pub fn required(&mut self, name: &'static str) -> Option<&'a Value> {
        let value = self.value(name);
        if value.is_none() {
            self.errors.add(self.at(name), "it is missing");
        }
        value
    }

    /// A text of 1 to `chars_max` characters on one line.
    pub fn text(&mut self, name: &'static str, chars_max: usize) -> Option<&'a str> {
        let value = self.required(name)?;
        one_line(value, &self.at(name), chars_max, self.errors)
    }

    /// A text of 1 to `chars_max` characters that may have lines.
    pub fn lines(&mut self, name: &'static str, chars_max: usize) -> Option<&'a str> {
        let value = self.value(name)?;
        text(value, &self.at(name), chars_max, self.errors)
    }

    /// A list of 1 to `len_max` texts, with their pointers.
    pub fn texts(
        &mut self,
        name: &'static str,
        len_max: usize,
        chars_max: usize,
    ) -> Option<Vec<(String, &'a str)>> {
        let value = self.required(name)?;
        let at = self.at(name);
        let Value::Array(list) = value else {
            self.errors
                .add(at, format!("it is {}, not a list", kind(value)));
            return None;
        };
        if list.is_empty() || list.len() > len_max {
            let what = format!("it has {} entries instead of 1 to {len_max}", list.len());
            self.errors.add(at, what);
            return None;
        }
        let each = list.iter().enumerate().map(|(place, value)| {
            let at = format!("{at}/{place}");
            one_line(value, &at, chars_max, self.errors).map(|text| (at, text))
        });
        // All of them are looked at, so that all faults are told.
        let read: Vec<_> = each.collect();
        let read: Vec<_> = read.into_iter().collect::<Option<_>>()?;
        for (place, (at, text)) in read.iter().enumerate() {
            if read[..place].iter().any(|(_, earlier)| earlier == text) {
                self.errors.add(at, "it stands in the list already");
                return None;
            }
        }
        Some(read)
    }

    /// An object of texts by name; `null` is kept apart where it means "remove".
    pub fn text_map(
        &mut self,
        name: &'static str,
        len_max: usize,
        chars_max: usize,
        nulls: Nulls,
    ) -> Option<BTreeMap<String, Option<String>>> {
        let value = self.value(name)?;
        let at = self.at(name);
        let Value::Object(object) = value else {
            self.errors
                .add(at, format!("it is {}, not an object", kind(value)));
            return None;
        };
        if object.len() > len_max {
            let what = format!(
                "it has {} fields instead of at most {len_max}",
                object.len()
            );
            self.errors.add(at, what);
            return None;
        }
        let each = object.iter().map(|(name, value)| {
            let at = format!("{at}/{}", escaped(name));
            let chars = name.chars().count();
            if !(1..=NAME_CHARS_MAX).contains(&chars) || name.chars().any(char::is_control) {
                let what = format!("its name is not 1 to {NAME_CHARS_MAX} plain characters");
                self.errors.add(at, what);
                return None;
            }
            match (value, nulls) {
                (Value::Null, Nulls::Remove) => Some((name.clone(), None)),
                _ => one_line(value, &at, chars_max, self.errors)
                    .map(|text| (name.clone(), Some(text.to_string()))),
            }
        });
        let read: Vec<_> = each.collect();
        read.into_iter().collect()
    }

    /// Refuses fields that nobody asked for.
    pub fn end(self) {
        for name in self.object.keys() {
            if !self.known.contains(&name.as_str()) {
                let known = self.known.join(", ");
                let what = match self.known.is_empty() {
                    true => "it is not a field of this request, which has none".to_string(),
                    false => format!("it is not a field here; the fields are {known}"),
                };
                self.errors.add(self.at(name), what);
            }
        }
    }
}

/// Refuses a body with fields, where none means anything.
pub fn refuse_any(body: &Value) -> Result<(), Problem> {
    let errors = Errors::default();
    if let Some(fields) = Fields::of(body, "", &errors) {
        fields.end();
    }
    errors.or(Some(()))
}

/// What `null` means in an object of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    Refuse,
    /// The entry is taken out (RFC 7396).
    Remove,
}

/// What was parsed; a fault is noted at its field.
pub fn noted<T, E: std::fmt::Display>(
    parsed: Result<T, E>,
    at: &str,
    errors: &Errors,
) -> Option<T> {
    match parsed {
        Ok(value) => Some(value),
        Err(error) => {
            errors.add(at, error.to_string());
            None
        }
    }
}

fn one_line<'a>(value: &'a Value, at: &str, chars_max: usize, errors: &Errors) -> Option<&'a str> {
    let text = text(value, at, chars_max, errors)?;
    if text.chars().any(char::is_control) {
        errors.add(at, "it holds control characters");
        return None;
    }
    Some(text)
}

fn text<'a>(value: &'a Value, at: &str, chars_max: usize, errors: &Errors) -> Option<&'a str> {
    let Value::String(text) = value else {
        errors.add(at, format!("it is {}, not a text", kind(value)));
        return None;
    };
    let chars = text.chars().count();
    if chars == 0 || chars > chars_max {
        let what = format!("it has {chars} characters instead of 1 to {chars_max}");
        errors.add(at, what);
        return None;
    }
    Some(text)
}

/// A name as a step of a JSON pointer; a long one is cut, because it was sent by whoever reads the problem.
fn escaped(name: &str) -> String {
    shown(name).replace('~', "~0").replace('/', "~1")
}

pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
