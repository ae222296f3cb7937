//! The policy of actions as people write it in the config file, and as a folder keeps it for commands that are given none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use casbah_model::SignedDuration;
use casbah_model::action::{ActionKind, UnknownAction};
use casbah_pipeline::govern::{Approval, Policy};
use serde::{Deserialize, Serialize};

const FILE: &str = "policy.json";

/// What is left out is as strict as the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyText {
    approval: Option<String>,
    approval_hours: Option<i64>,
    objects_max: Option<u64>,
    approvers: Option<BTreeSet<String>>,
    /// Other rules for some actions.
    actions: BTreeMap<String, String>,
}

impl PolicyText {
    /// What it says.
    ///
    /// # Errors
    /// The key that is wrong, and what is right.
    pub fn policy(&self) -> Result<Policy, String> {
        let mut policy = Policy::default();
        if let Some(rule) = &self.approval {
            policy.approval = approval("approval", rule)?;
        }
        for (kind, rule) in &self.actions {
            let parsed: Result<ActionKind, UnknownAction> = kind.parse();
            let parsed = parsed.map_err(|error| format!("actions: {error}"))?;
            policy.of_kind.insert(parsed, approval(kind, rule)?);
        }
        if let Some(hours) = self.approval_hours {
            let most = Policy::HOURS_MAX;
            if !(1..=most).contains(&hours) {
                return Err(format!("approval_hours is {hours}, not 1 to {most}"));
            }
            policy.approval_life = SignedDuration::from_hours(hours);
        }
        if let Some(objects) = self.objects_max {
            let most = Policy::OBJECTS_MAX;
            if !(1..=most).contains(&objects) {
                return Err(format!("objects_max is {objects}, not 1 to {most}"));
            }
            policy.objects_max = objects;
        }
        if self.approvers.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err("approvers names nobody; leave it out to let anybody approve".into());
        }
        policy.approvers.clone_from(&self.approvers);
        Ok(policy)
    }

    /// Keeps it in a folder, as a whole or not at all.
    pub fn keep(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let new = folder.join("policy.json.new");
        fs::write(&new, text)?;
        fs::rename(new, folder.join(FILE))
    }

    /// What a folder keeps.
    pub fn kept(folder: &Path) -> io::Result<PolicyText> {
        match fs::read(folder.join(FILE)) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(PolicyText::default()),
            Err(error) => Err(error),
        }
    }
}

fn approval(key: &str, rule: &str) -> Result<Approval, String> {
    let parsed: Result<Approval, String> = rule.parse();
    parsed.map_err(|what| format!("{key} is {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Policy, String> {
        let text: PolicyText = toml::from_str(text).map_err(|error| error.message().to_string())?;
        text.policy()
    }

    #[test]
    fn what_is_written_counts_and_the_rest_is_the_default() {
        assert_eq!(parsed(""), Ok(Policy::default()));
        let policy = parsed(
            "approval = \"always\"\nobjects_max = 5000\napproval_hours = 8\napprovers = [\"ann\"]\n\
             [actions]\nsuspend-user = \"never\"",
        );
        let expected = Policy {
            approval: Approval::Always,
            of_kind: BTreeMap::from([(ActionKind::SuspendUser, Approval::Never)]),
            objects_max: 5000,
            approval_life: SignedDuration::from_hours(8),
            approvers: Some(BTreeSet::from(["ann".into()])),
        };
        assert_eq!(policy, Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_named() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = parsed(text).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
        check("approval = \"sometimes\"", "none of always, wary, never");
        check("objects_max = 0", "not 1 to 10000");
        check("approval_hours = 169", "not 1 to 168");
        check("approvers = []", "names nobody");
        check("[actions]\nsuspend = \"never\"", "actions kinds");
        check("[actions]\ntrash = \"no\"", "trash is \"no\"");
        check("limit = 3", "unknown field");
    }

    #[test]
    fn a_folder_keeps_it() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(
            PolicyText::kept(folder.path()).ok(),
            Some(PolicyText::default())
        );
        let text: PolicyText = toml::from_str("approvers = [\"ann\"]").expect("a policy");
        text.keep(folder.path()).expect("kept");
        assert_eq!(PolicyText::kept(folder.path()).ok(), Some(text));
    }
}
