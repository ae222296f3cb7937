//! The filter language of lists and of the system log (Core Okta API, "Filter"): a part of SCIM's (RFC 7644, 3.4.2.2).

use casbah_model::Timestamp;
use serde_json::Value;

/// Nothing that a reader needs is longer or deeper.
const DEPTH_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Compare {
        field: String,
        operator: Operator,
        value: String,
    },
    Present(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sw,
    Co,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Filter {
    pub fn parse(text: &str) -> Result<Filter, Malformed> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens, at: 0 };
        let filter = parser.any(0)?;
        if parser.at == parser.tokens.len() {
            Ok(filter)
        } else {
            Err(Malformed)
        }
    }

    /// Every field that is named, with its operator; presence has none.
    pub fn fields(&self) -> Vec<(&str, Option<Operator>)> {
        match self {
            Filter::And(parts) | Filter::Or(parts) => {
                parts.iter().flat_map(Filter::fields).collect()
            }
            Filter::Compare {
                field, operator, ..
            } => vec![(field, Some(*operator))],
            Filter::Present(field) => vec![(field, None)],
        }
    }

    pub fn matches(&self, record: &Value) -> bool {
        match self {
            Filter::And(parts) => parts.iter().all(|part| part.matches(record)),
            Filter::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Filter::Present(field) => values(record, field).iter().any(|one| !one.is_null()),
            Filter::Compare {
                field,
                operator: Operator::Ne,
                value,
            } => !values(record, field)
                .iter()
                .any(|one| compare(one, Operator::Eq, value)),
            Filter::Compare {
                field,
                operator,
                value,
            } => values(record, field)
                .iter()
                .any(|one| compare(one, *operator, value)),
        }
    }
}

/// What stands at a path; a list on the way stands for each of its entries.
fn values<'a>(record: &'a Value, field: &str) -> Vec<&'a Value> {
    let mut found = vec![record];
    for name in field.split('.') {
        found = found
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(entries) => entries.iter().collect(),
                value => vec![value],
            })
            .filter_map(|value| value.get(name))
            .collect();
    }
    found
}

fn compare(found: &Value, operator: Operator, value: &str) -> bool {
    let text = match found {
        Value::String(text) => text.clone(),
        Value::Null | Value::Object(_) => return false,
        Value::Array(entries) => {
            return entries.iter().any(|one| compare(one, operator, value));
        }
        other => other.to_string(),
    };
    // Times are compared as times, however they are written; texts without case.
    let order = match (text.parse::<Timestamp>(), value.parse::<Timestamp>()) {
        (Ok(text), Ok(value)) => text.cmp(&value),
        _ => text.to_lowercase().cmp(&value.to_lowercase()),
    };
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Sw => text.to_lowercase().starts_with(&value.to_lowercase()),
        Operator::Co => text.to_lowercase().contains(&value.to_lowercase()),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
}

fn tokens(text: &str) -> Result<Vec<Token>, Malformed> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '"' => {
                let mut text = String::new();
                loop {
                    match letters.next().ok_or(Malformed)? {
                        '"' => break,
                        '\\' => text.push(letters.next().ok_or(Malformed)?),
                        letter => text.push(letter),
                    }
                }
                tokens.push(Token::Text(text));
            }
            first => {
                let mut word = String::from(first);
                while let Some(letter) =
                    letters.next_if(|one| !matches!(one, ' ' | '(' | ')' | '"'))
                {
                    word.push(letter);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, Malformed> {
        let token = self.tokens.get(self.at).cloned().ok_or(Malformed)?;
        self.at += 1;
        Ok(token)
    }

    fn has_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(is_it);
        is_it
    }

    fn any(&mut self, depth: usize) -> Result<Filter, Malformed> {
        let mut parts = vec![self.all(depth)?];
        while self.has_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, Malformed> {
        let mut parts = vec![self.term(depth)?];
        while self.has_word("and") {
            parts.push(self.term(depth)?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn term(&mut self, depth: usize) -> Result<Filter, Malformed> {
        if depth > DEPTH_MAX {
            return Err(Malformed);
        }
        let field = match self.next()? {
            Token::Open => {
                let inside = self.any(depth + 1)?;
                return match self.next()? {
                    Token::Close => Ok(inside),
                    _ => Err(Malformed),
                };
            }
            Token::Word(field) => field,
            _ => return Err(Malformed),
        };
        if self.has_word("pr") {
            return Ok(Filter::Present(field));
        }
        let Token::Word(word) = self.next()? else {
            return Err(Malformed);
        };
        let operator = match word.to_ascii_lowercase().as_str() {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            "sw" => Operator::Sw,
            "co" => Operator::Co,
            _ => return Err(Malformed),
        };
        let value = match self.next()? {
            Token::Text(text) => text,
            Token::Word(word) if word == "true" || word == "false" => word,
            Token::Word(word) if word.parse::<f64>().is_ok() => word,
            _ => return Err(Malformed),
        };
        Ok(Filter::Compare {
            field,
            operator,
            value,
        })
    }
}

fn one_or(mut parts: Vec<Filter>, many: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, is_match: bool) {
        let record = serde_json::json!({
            "status": "ACTIVE",
            "published": "2026-05-04T08:00:00.000Z",
            "nothing": null,
            "profile": { "login": "ines.dahl4@acme.example" },
            "target": [{ "type": "User", "id": "a" }, { "type": "AppInstance", "id": "b" }],
        });
        let parsed = Filter::parse(filter).unwrap();
        assert_eq!(parsed.matches(&record), is_match, "{filter}");
    }

    #[test]
    fn a_filter_says_which_records_it_means() {
        check("status eq \"active\"", true);
        check("status ne \"ACTIVE\"", false);
        check("profile.login sw \"INES\" and status pr", true);
        check(
            "profile.login co \"@other\" or (status eq \"ACTIVE\")",
            true,
        );
        check("target.id eq \"b\"", true);
        check("target.id eq \"c\"", false);
        check("nothing pr", false);
        check("missing.deep pr", false);
        check("published gt \"2026-05-04T07:59:59Z\"", true);
        check("published le \"2026-05-04T08:00:00Z\"", true);
        check("published lt \"2026-05-04T08:00:00Z\"", false);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "",
            "status",
            "status eq",
            "status eq ACTIVE",
            "status is \"x\"",
            "(status pr",
            "status pr)",
            "a eq \"b",
        ] {
            assert_eq!(Filter::parse(text), Err(Malformed), "{text}");
        }
        let deep = format!("{}a pr{}", "(".repeat(100), ")".repeat(100));
        assert_eq!(Filter::parse(&deep), Err(Malformed));
    }
}
