//! What may be done without asking a second person, and how much at once.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use casbah_model::SignedDuration;
use casbah_model::action::ActionKind;

use super::item::Counts;

/// The rules of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub approval: Approval,
    /// Other rules for some actions.
    pub of_kind: BTreeMap<ActionKind, Approval>,
    /// An action on more objects than this is refused.
    pub objects_max: u64,
    /// A plan that nobody approved for so long is out of date.
    pub approval_life: SignedDuration,
    /// Who may approve; anybody but the one who asked, when nobody is named.
    pub approvers: Option<BTreeSet<String>>,
}

/// When a second person has to agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    Always,
    /// For more than one object, and for what cannot be undone.
    #[default]
    Wary,
    Never,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            approval: Approval::Wary,
            of_kind: BTreeMap::new(),
            objects_max: 500,
            approval_life: SignedDuration::from_hours(24),
            approvers: None,
        }
    }
}

impl Approval {
    pub const ALL: [Approval; 3] = [Approval::Always, Approval::Wary, Approval::Never];

    pub fn name(self) -> &'static str {
        match self {
            Approval::Always => "always",
            Approval::Wary => "wary",
            Approval::Never => "never",
        }
    }
}

impl FromStr for Approval {
    /// What was written instead, as the end of "… is".
    type Err = String;

    fn from_str(name: &str) -> Result<Approval, String> {
        let found = Approval::ALL.into_iter().find(|rule| rule.name() == name);
        found.ok_or_else(|| {
            let names = Approval::ALL.map(Approval::name).join(", ");
            format!("{name:?}, none of {names}")
        })
    }
}

impl Policy {
    /// What an action keeps of each object that did not become as planned has room for no more.
    pub const OBJECTS_MAX: u64 = 10_000;
    /// A plan that is older says nothing about how its targets are.
    pub const HOURS_MAX: i64 = 168;

    /// Why a second person has to agree to a plan; `None` when nobody has to.
    pub fn needs_approval(&self, kind: ActionKind, counts: &Counts) -> Option<String> {
        let rule = self.of_kind.get(&kind).copied().unwrap_or(self.approval);
        match rule {
            Approval::Never => None,
            Approval::Always => Some(format!("{kind} always takes a second person")),
            Approval::Wary if counts.changes > 1 => {
                Some(format!("it changes {} objects", counts.changes))
            }
            Approval::Wary if counts.reversible < counts.changes => {
                Some("it cannot be undone".into())
            }
            Approval::Wary => None,
        }
    }

    /// Why this person may not approve what that one asked for.
    pub fn objection(&self, approver: &str, requested_by: &str) -> Option<&'static str> {
        let may = |approvers: &BTreeSet<String>| approvers.contains(approver);
        if approver == requested_by {
            return Some("nobody approves what they asked for themselves");
        }
        match &self.approvers {
            Some(approvers) if !may(approvers) => Some("they are not among those who may approve"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(changes: u64, reversible: u64) -> Counts {
        Counts {
            changes,
            reversible,
            ..Counts::default()
        }
    }

    #[test]
    fn a_second_person_agrees_to_more_than_one_object_and_to_what_cannot_be_undone() {
        let policy = Policy::default();
        let needs = |kind, counts| policy.needs_approval(kind, &counts).is_some();
        assert!(!needs(ActionKind::SuspendUser, counts(1, 1)));
        assert!(needs(ActionKind::SuspendUser, counts(2, 2)));
        assert!(needs(ActionKind::EndSessions, counts(1, 0)));
        let lenient = Policy {
            of_kind: BTreeMap::from([(ActionKind::EndSessions, Approval::Never)]),
            ..Policy::default()
        };
        let needed = lenient.needs_approval(ActionKind::EndSessions, &counts(1, 0));
        assert_eq!(needed, None);
    }

    #[test]
    fn nobody_approves_their_own_and_only_those_named_approve() {
        let named = Policy {
            approvers: Some(BTreeSet::from(["ann".to_string(), "bob".to_string()])),
            ..Policy::default()
        };
        assert!(named.objection("ann", "ann").is_some());
        assert!(named.objection("carl", "ann").is_some());
        assert_eq!(named.objection("bob", "ann"), None);
        assert_eq!(Policy::default().objection("carl", "ann"), None);
    }
}
