//! The policy of actions, from the environment of a function: what takes a second person, and who that may be.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::SignedDuration;
use casbah_model::action::ActionKind;
use casbah_pipeline::govern::{Approval, Policy};

/// Reads the policy; what is wrong is added to `troubles`, and what is not set is as strict as the default.
pub fn read(lookup: impl Fn(&str) -> Option<String>, troubles: &mut Vec<String>) -> Policy {
    let default = Policy::default();
    let mut noted = |name: &str, parsed: Result<(), String>| {
        if let Err(what) = parsed {
            troubles.push(format!("{name} is {what}"));
        }
    };
    let mut policy = default;
    let mut set = |name: &str, change: &mut dyn FnMut(&str) -> Result<(), String>| {
        if let Some(text) = lookup(name) {
            noted(name, change(&text));
        }
    };
    set("CASBAH_APPROVAL", &mut |text| {
        policy.approval = text.parse()?;
        Ok(())
    });
    set("CASBAH_APPROVAL_OF", &mut |text| {
        policy.of_kind = of_kind(text)?;
        Ok(())
    });
    set("CASBAH_OBJECTS_MAX", &mut |text| {
        policy.objects_max = number(text, Policy::OBJECTS_MAX as i64)? as u64;
        Ok(())
    });
    set("CASBAH_APPROVAL_HOURS", &mut |text| {
        policy.approval_life = SignedDuration::from_hours(number(text, Policy::HOURS_MAX)?);
        Ok(())
    });
    set("CASBAH_APPROVERS", &mut |text| {
        policy.approvers = Some(approvers(text)?);
        Ok(())
    });
    policy
}

/// `kind=rule`, with commas between.
fn of_kind(text: &str) -> Result<BTreeMap<ActionKind, Approval>, String> {
    let mut rules = BTreeMap::new();
    for part in parts(text) {
        let (kind, rule) = part
            .split_once('=')
            .ok_or_else(|| format!("{text:?}; {part:?} is not KIND=RULE"))?;
        let kind: ActionKind = kind.trim().parse().map_err(|error| {
            let error: casbah_model::action::UnknownAction = error;
            format!("{text:?}; {error}")
        })?;
        if rules.insert(kind, rule.trim().parse()?).is_some() {
            return Err(format!("{text:?}, with two rules for {kind}"));
        }
    }
    Ok(rules)
}

/// Names of callers as the API sees them: ARNs, or ISSUER#SUBJECT of tokens. A name is taken as it is: who is named
/// wrongly can approve nothing, which shows at once, while a pattern that fits too many would not.
fn approvers(text: &str) -> Result<BTreeSet<String>, String> {
    let names: BTreeSet<String> = parts(text).map(String::from).collect();
    let is_caller = |name: &str| name.starts_with("arn:") || name.contains('#');
    match names.iter().find(|name| !is_caller(name)) {
        Some(name) => Err(format!(
            "{text:?}; {name:?} is neither an ARN nor ISSUER#SUBJECT"
        )),
        None if names.is_empty() => Err(format!("{text:?}, which names nobody")),
        None => Ok(names),
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn number(text: &str, most: i64) -> Result<i64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("{text:?}, not a number from 1 to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[(&str, &str)]) -> (Policy, Vec<String>) {
        let mut troubles = vec![];
        let find = |name: &str| {
            let found = values.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_string())
        };
        let policy = read(find, &mut troubles);
        (policy, troubles)
    }

    #[test]
    fn what_is_not_set_is_the_default() {
        assert_eq!(parse(&[]), (Policy::default(), vec![]));
    }

    #[test]
    fn everything_that_is_set_is_read() {
        let (policy, troubles) = parse(&[
            ("CASBAH_APPROVAL", "always"),
            ("CASBAH_APPROVAL_OF", "end-sessions=never, trash=always"),
            ("CASBAH_OBJECTS_MAX", "20"),
            ("CASBAH_APPROVAL_HOURS", "4"),
            (
                "CASBAH_APPROVERS",
                "arn:aws:iam::1:role/a,https://idp#alice",
            ),
        ]);
        assert_eq!(troubles, Vec::<String>::new());
        let rules = [
            (ActionKind::EndSessions, Approval::Never),
            (ActionKind::Trash, Approval::Always),
        ];
        let names = ["arn:aws:iam::1:role/a", "https://idp#alice"];
        let expected = Policy {
            approval: Approval::Always,
            of_kind: rules.into(),
            objects_max: 20,
            approval_life: SignedDuration::from_hours(4),
            approvers: Some(names.map(String::from).into()),
        };
        assert_eq!(policy, expected);
    }

    #[test]
    fn what_cannot_be_right_is_named_with_its_variable() {
        let rows = [
            ("CASBAH_APPROVAL", "sometimes", "always, wary, never"),
            ("CASBAH_APPROVAL_OF", "trash", "KIND=RULE"),
            ("CASBAH_APPROVAL_OF", "burn=always", "not an action"),
            ("CASBAH_APPROVAL_OF", "trash=maybe", "always, wary, never"),
            (
                "CASBAH_APPROVAL_OF",
                "trash=never,trash=always",
                "two rules",
            ),
            ("CASBAH_OBJECTS_MAX", "0", "1 to 10000"),
            ("CASBAH_OBJECTS_MAX", "10001", "1 to 10000"),
            ("CASBAH_APPROVAL_HOURS", "1d", "1 to 168"),
            ("CASBAH_APPROVERS", "ann", "neither an ARN"),
            ("CASBAH_APPROVERS", " , ", "names nobody"),
        ];
        for (name, value, expected) in rows {
            let (_, troubles) = parse(&[(name, value)]);
            assert_eq!(troubles.len(), 1, "{name}={value}");
            let is_named = troubles[0].starts_with(name) && troubles[0].contains(expected);
            assert!(is_named, "{name}={value}: {}", troubles[0]);
        }
    }
}
