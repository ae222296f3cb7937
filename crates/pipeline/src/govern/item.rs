//! An action as the table has it: what was asked, who allowed it, and how far it is.

use std::collections::BTreeMap;

use casbah_lake::ObjectEntry;
use casbah_model::Timestamp;
use casbah_model::action::{ActionId, ActionKind, ActionState, Effect, Target};
use casbah_model::connection::Cause;
use casbah_model::state::{Condition, Key, Write};
use serde::{Deserialize, Serialize};

use super::selection::Selecting;
use crate::items::{self, Scope};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionItem {
    /// Raised by every write: whoever saw an older one is refused.
    pub v: u64,
    pub id: ActionId,
    pub kind: ActionKind,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Why it was asked for, in the words of who did.
    pub reason: String,
    pub wish: Wish,
    pub state: ActionState,
    /// It is being undone, or is to be.
    #[serde(default)]
    pub is_undo: bool,
    /// Somebody wants it ended: what may have been sent is read back, and nothing else is sent.
    #[serde(default)]
    pub is_cancelled: bool,
    /// Who asked for what is to be done now: the action, or its undoing.
    pub requested_by: String,
    pub requested_at: Timestamp,
    #[serde(default)]
    pub approved_by: Option<String>,
    /// Why somebody else has to approve it.
    #[serde(default)]
    pub needs_approval: Option<String>,
    /// When it ends if nobody approves it.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// What was asked for instead of targets.
    #[serde(default)]
    pub selecting: Option<Selecting>,
    /// The targets, as they were given or selected.
    pub orders: Vec<ObjectEntry>,
    /// What would become of each, in the same order.
    #[serde(default)]
    pub plan: Vec<ObjectEntry>,
    pub counts: Counts,
    #[serde(default)]
    pub progress: Progress,
    /// Units before this one were dealt with when it was asked to be undone.
    #[serde(default)]
    pub applied_to: u64,
    /// Units that did not become as planned.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    pub history: Vec<Happened>,
    /// How much of the history is in the lake.
    #[serde(default)]
    pub told: usize,
    /// Why it ended as it did.
    #[serde(default)]
    pub cause: Option<Cause>,
}

/// How far somebody wants it to go by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// The plan is all that is wanted.
    DryRun,
    /// The plan first; then they decide.
    Plan,
    /// Done as soon as it is planned, unless somebody else has to agree.
    Apply,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Targets that were given, or selected so far.
    pub objects: u64,
    pub planned: u64,
    /// Of those planned: how many would change, are so already, and cannot be changed.
    pub changes: u64,
    pub already: u64,
    pub refused: u64,
    /// Of those that would change: how many can be put back.
    pub reversible: u64,
    /// Done, and read back.
    pub verified: u64,
    /// Done as far as the vendor says; it shows nothing to read back.
    pub sent: u64,
    pub failed: u64,
    pub undone: u64,
    pub undo_failed: u64,
}

/// How far the units are, in the order of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Every unit before this one has been dealt with, or waits in `later`.
    pub next: u64,
    /// Units up to here may have been sent: they are read before anything else is done to them.
    pub tried: u64,
    /// Units that somebody else held, or that were broken off.
    #[serde(default)]
    pub later: Vec<Later>,
    #[serde(default)]
    pub failures_in_a_row: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    pub unit: u64,
    pub tries: u32,
    pub at: Timestamp,
    /// It may have been sent: it is read before anything else is done to it.
    pub may_be_sent: bool,
    /// The vendor took it and works on it.
    #[serde(default)]
    pub is_taken: bool,
    /// Somebody is at work on it again, and may have sent it once more.
    #[serde(default)]
    pub is_at_work: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    pub unit: u64,
    pub outcome: String,
    pub why: String,
    /// Whether it happened while undoing; then the unit is as the action made it.
    #[serde(default)]
    pub is_undo: bool,
}

/// One step of an action that a person took, or that time did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// `requested`, `approved`, `rejected`, `cancelled`, `expired` or `undo-requested`.
    pub step: String,
    pub by: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A line of the list of targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    pub target: Target,
}

/// A line of the plan: one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    pub target: Target,
    pub label: String,
    pub effect: Effect,
}

impl ActionItem {
    /// The write that replaces it as it was read by what it is now.
    pub(crate) fn write(&mut self, scope: &Scope) -> Write {
        let condition = Condition::Equal("v", self.v.into());
        self.v += 1;
        Write {
            key: scope.action(&self.id),
            condition,
            change: casbah_model::state::Change::Put(items::write(self)),
        }
    }

    pub(crate) fn happened(&mut self, step: &str, by: &str, at: Timestamp, why: Option<&str>) {
        self.history.push(Happened {
            step: step.into(),
            by: by.into(),
            at,
            why: why.map(Into::into),
        });
    }

    /// Whether everything that happened to it is in the lake.
    pub(crate) fn is_told(&self) -> bool {
        self.told >= self.history.len()
    }

    /// Units that are still to be dealt with.
    pub fn left(&self) -> u64 {
        let ahead = match self.state {
            ActionState::Planning => self.counts.objects - self.counts.planned,
            _ => self.counts.planned.saturating_sub(self.progress.next),
        };
        ahead + self.progress.later.len() as u64
    }
}

impl Scope {
    pub fn action(&self, id: &ActionId) -> Key {
        Key::new(self.pk(), format!("A#{id}"))
    }

    /// Names an action that there is something to do for, or to wait for.
    pub(crate) fn open_action(&self, id: &ActionId) -> Key {
        Key::new(self.pk(), format!("O#{id}"))
    }
}
