//! What an action did, as records: a line for each step and each unit, kept and told like everything else that happens.

use std::borrow::Cow;

use casbah_lake::ManifestEntry;
use casbah_model::Timestamp;
use casbah_model::action::{ActionId, ActionKind, ActionState, Image, Subject, Target};
use casbah_model::event::{self, Deed, Event, Outcome, Person, Success, Value};
use serde::{Deserialize, Serialize};

use super::item::{ActionItem, Happened};
use crate::context::Context;
use crate::error::StageError;
use crate::journal::{self, Told};
use crate::step::Step;

/// The family of these records.
pub const FAMILY: &str = "actions";

/// One line. Its own `id` is that of the action, the step and the unit, so that it is the same whoever writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub action: ActionId,
    pub kind: ActionKind,
    /// `requested`, `approved`, `rejected`, `cancelled`, `expired`, `undo-requested`, `applied`, `undone` or `ended`.
    pub step: String,
    pub at: Timestamp,
    /// Who asked for it, or who took this step.
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The number of the target in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Image>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Image>,
    /// `verified`, `already`, `sent`, `changed`, `unsure`, `failed` or, for the whole action, its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Record {
    /// A step that somebody took.
    pub(crate) fn of_history(action: &ActionItem, happened: &Happened) -> Record {
        Record {
            reason: happened.why.clone(),
            approved_by: None,
            ..Record::of(action, &happened.step, &happened.by, happened.at)
        }
    }

    /// A step of the action itself.
    pub(crate) fn of(action: &ActionItem, step: &str, by: &str, at: Timestamp) -> Record {
        Record {
            action: action.id.clone(),
            kind: action.kind,
            step: step.into(),
            at,
            by: by.into(),
            approved_by: action.approved_by.clone(),
            reason: Some(action.reason.clone()),
            unit: None,
            target: None,
            label: None,
            before: None,
            after: None,
            outcome: None,
            why: None,
        }
    }

    /// How an action ended, or its undoing.
    pub(crate) fn ended(action: &ActionItem, at: Timestamp) -> Record {
        let why = action.cause.as_ref().map(ToString::to_string);
        Record {
            outcome: Some(action.state.name().into()),
            why,
            ..Record::of(action, "ended", &action.requested_by, at)
        }
    }

    /// What the record tells, in the words that all apps share.
    pub fn event(&self) -> Event<'_> {
        let text = |text: &String| Cow::Owned(text.clone());
        let mut event = Event {
            id: Some(self.id().into()),
            occurred: Some(self.at),
            deed: Deed::Remediation(self.kind.countermeasure(), self.kind.subject()),
            operation: Cow::Borrowed(self.kind.name()),
            outcome: Outcome {
                result: self.result(),
                status: Some(text(self.outcome.as_ref().unwrap_or(&self.step))),
                reason: self.why.as_ref().map(text),
                ..Outcome::default()
            },
            actor: Person {
                name: Some(text(&self.by)),
                ..Person::default()
            },
            correlation: Some(self.action.as_str().into()),
            ..Event::default()
        };
        event.source.log = Some("actions".into());
        self.subject(&mut event);
        let words = [
            ("step", Some(&self.step)),
            ("reason", self.reason.as_ref()),
            ("approved_by", self.approved_by.as_ref()),
        ];
        let words = words
            .into_iter()
            .filter_map(|(name, value)| Some((name, Cow::Owned(value?.clone()))));
        let images = [("before", &self.before), ("after", &self.after)];
        let images = images.into_iter().filter_map(|(name, image)| {
            let image = image.as_ref()?;
            Some((name, Cow::Owned(serde_json::to_string(image).ok()?)))
        });
        event.unmapped = words
            .chain(images)
            .map(|(name, value)| (Cow::Borrowed(name), Value::Text(value)))
            .collect();
        event
    }

    fn result(&self) -> Success {
        match self.outcome.as_deref() {
            None | Some("verified" | "already" | "sent" | "undone") => Success::Success,
            Some("unsure") => Success::Unknown,
            Some(_) => Success::Failure,
        }
    }

    fn subject<'a>(&'a self, event: &mut Event<'a>) {
        let (Some(target), label) = (&self.target, self.label.as_deref()) else {
            return;
        };
        let id = Some(Cow::Borrowed(target.id.as_str()));
        let name = label.map(Cow::Borrowed);
        match self.kind.subject() {
            Subject::Account => {
                event.target.user = Person {
                    id,
                    name,
                    ..Person::default()
                }
            }
            Subject::File => {
                event.target.file = event::File {
                    id,
                    name,
                    ..event::File::default()
                };
            }
            Subject::App => {
                event.target.entity = event::Entity {
                    named: event::Named { id, name },
                    kind: "Application",
                };
            }
        }
    }
}

impl Told for Record {
    const FAMILY: &'static str = FAMILY;
    const KIND: &'static str = "action";

    fn id(&self) -> String {
        let Record { action, step, .. } = self;
        match self.unit {
            Some(unit) => format!("{action}-{step}-{unit}"),
            // A person may approve an action and later its undoing.
            None => format!("{action}-{step}-{}", self.at.as_millisecond()),
        }
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn of(&self) -> &str {
        self.action.as_str()
    }

    fn event(&self) -> Event<'_> {
        self.event()
    }
}

/// The records of one commit, and how the action ended by them.
pub(crate) struct Journal {
    inner: journal::Journal,
    ended: Option<ActionState>,
}

impl Journal {
    pub(crate) fn new(step: &Step<'_>, ctx: &Context) -> Result<Journal, StageError> {
        Ok(Journal {
            inner: journal::Journal::new::<Record>(step, ctx)?,
            ended: None,
        })
    }

    pub(crate) async fn note(&mut self, record: &Record) -> Result<(), StageError> {
        self.inner.note(record).await
    }

    /// Adds how an action ended, or its undoing.
    pub(crate) async fn end(
        &mut self,
        action: &ActionItem,
        at: Timestamp,
    ) -> Result<(), StageError> {
        self.ended = Some(action.state);
        self.note(&Record::ended(action, at)).await
    }

    /// How an action ended by what is told here, if it did.
    pub(crate) fn ended(&self) -> Option<ActionState> {
        self.ended
    }

    /// Adds what happened to an action since the last time, and takes note that it was.
    pub(crate) async fn tell(&mut self, action: &mut ActionItem) -> Result<(), StageError> {
        for happened in &action.history[action.told.min(action.history.len())..] {
            self.note(&Record::of_history(action, happened)).await?;
        }
        action.told = action.history.len();
        Ok(())
    }

    /// Stores the objects; `None` when there was nothing to tell.
    pub(crate) async fn finish(self) -> Result<Option<ManifestEntry>, StageError> {
        self.inner.finish().await
    }
}
