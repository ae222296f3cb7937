//! How an app is changed: what can be done there, what it would do, doing it, reading it back, and putting it back.
//!
//! A connector makes one attempt on one target. Approval, order, repetition and proof are done around it, once, for all
//! apps: after every attempt, and instead of every repetition, the target is read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use casbah_http::Session;
use casbah_model::action::{ActionKind, Effect, Image, Subject, Target};
use casbah_model::app::Component;
use casbah_model::connection::Cause;

use crate::error::ConnectorError;

/// What an app can have done to it: a row for each action.
#[derive(Clone, Copy, Debug)]
pub struct ActionSpec {
    pub kind: ActionKind,
    /// What the rights belong to, among those a connection test compares.
    pub component: Component,
    /// Any one of these rights is enough; the least first.
    pub any_of: &'static [&'static str],
    /// How a target is written, in the app's words.
    pub target: &'static str,
    pub parameters: &'static [Parameter],
    pub way_back: WayBack,
    pub readback: Readback,
}

/// A value that an action takes beside its target.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub is_required: bool,
    /// What it says, and which values there are.
    pub what: &'static str,
}

/// Whether an action can be undone, as far as that is known before a target was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    Undo,
    /// Nothing is put back, for this reason.
    None(&'static str),
}

/// Whether the vendor shows what became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readback {
    Shown,
    /// It works on it after it answered, and shows it some minutes later.
    Late,
    /// It takes several steps, each of which shows, some only after minutes. A step that is sent twice is done once.
    Steps,
    /// It shows nothing that could be compared; this is where it can be seen instead.
    Hidden(&'static str),
}

/// What is to be done to one target.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub kind: ActionKind,
    pub target: &'a Target,
    pub parameters: &'a BTreeMap<String, String>,
    /// How the target was when it was planned, for targets that are not where they were once something was done.
    pub planned_from: Option<&'a Image>,
}

/// What a plan says of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What people call the target.
    pub label: String,
    pub effect: Effect,
}

#[async_trait]
pub trait Governance: Send + Sync {
    fn actions(&self) -> &'static [ActionSpec];

    /// The target that a record of users or files is about, by its id; `None` for actions that it takes more to name the
    /// target of, and for those on what no inventory lists.
    fn target(&self, kind: ActionKind, record: &str) -> Option<Target> {
        match kind {
            ActionKind::SuspendUser
            | ActionKind::RestoreUser
            | ActionKind::DeactivateUser
            | ActionKind::EndSessions
            | ActionKind::RequireNewPassword
            | ActionKind::ConfirmCompromised => record.parse().ok(),
            ActionKind::RestoreFile => None,
            _ if kind.subject() == Subject::File => record.parse().ok(),
            _ => None,
        }
    }

    /// Reads a target and says what the order would make of it. Changes nothing.
    async fn plan(&self, session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError>;

    /// How the target is now; `None` when it is not there any more. Changes nothing.
    async fn verify(
        &self,
        session: &Session,
        order: Order<'_>,
    ) -> Result<Option<Image>, ConnectorError>;

    /// Makes one attempt to bring the target from how it is to how it is planned, each call sent once at most.
    async fn apply(
        &self,
        session: &Session,
        order: Order<'_>,
        now: &Image,
        to: &Image,
    ) -> Result<(), ConnectorError>;

    /// Makes one attempt to bring the target from how it is to how it was before.
    async fn undo(
        &self,
        session: &Session,
        order: Order<'_>,
        now: &Image,
        to: &Image,
    ) -> Result<(), ConnectorError>;
}

/// What an app can do of this kind.
pub fn spec(governance: &dyn Governance, kind: ActionKind) -> Option<&'static ActionSpec> {
    governance.actions().iter().find(|spec| spec.kind == kind)
}

/// Checks that an order has the parameters of its action and no others; what their values may be is for the plan.
pub fn check_parameters(
    spec: &ActionSpec,
    parameters: &BTreeMap<String, String>,
) -> Result<(), Cause> {
    let known = |name: &str| {
        spec.parameters
            .iter()
            .any(|parameter| parameter.name == name)
    };
    if let Some(unknown) = parameters.keys().find(|name| !known(name)) {
        let shown: String = unknown
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect();
        let what = format!("\"{shown}\" is not a parameter of {}", spec.kind);
        let names: Vec<_> = spec.parameters.iter().map(|known| known.name).collect();
        let fix = match names.is_empty() {
            true => "leave it out; this action has none".into(),
            false => format!("leave it out; there is {}", names.join(", ")),
        };
        return Err(Cause::new("parameter", what, fix));
    }
    let missing = spec
        .parameters
        .iter()
        .find(|parameter| parameter.is_required && !parameters.contains_key(parameter.name));
    match missing {
        Some(parameter) => Err(Cause::new(
            "parameter",
            format!("{} needs the parameter \"{}\"", spec.kind, parameter.name),
            format!("give it: {}", parameter.what),
        )),
        None => Ok(()),
    }
}
