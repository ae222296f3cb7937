//! A finding: what it says, how it stands, and what is told of it.

use std::borrow::Cow;

use casbah_lake::view::IdKey;
use casbah_model::Timestamp;
use casbah_model::event::{self, Deed, Event, FindingVerb, Named, Outcome, Success, Value};
use casbah_model::file::Sharing;
use casbah_model::record::RecordId;
use casbah_policy::{Severity, Standing};
use serde::{Deserialize, Serialize};

use crate::journal::Told;

/// The family of these records.
pub const FAMILY: &str = "findings";

/// That a file breaks a policy: of one policy and one file there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub id: String,
    pub standing: Standing,
    pub policy: String,
    pub title: String,
    pub severity: Severity,
    /// The record id of the file.
    pub file: RecordId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    pub sharing: Sharing,
    /// Why, in words; nothing of what the file says.
    pub because: Vec<String>,
    /// The action to plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propose: Option<String>,
    /// Since when it is so, or was.
    pub since: Timestamp,
    /// When it was found to stand, or to say, something else.
    pub changed: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
}

/// That somebody said that it may be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// The id of the unit that judges a root, which ids of its findings begin with.
pub(super) fn unit_id(root: &RecordId) -> RecordId {
    let IdKey(hash, _) = IdKey::of(root.as_str());
    RecordId::new(format!("{hash:016x}"))
}

pub(super) fn finding_id(unit: &str, policy: &str, file: &str) -> String {
    let IdKey(hash, _) = IdKey::of(&format!("{policy} {file}"));
    format!("{unit}-{hash:016x}")
}

/// The unit that a finding of this id is kept by.
pub(super) fn unit_of(id: &str) -> Option<RecordId> {
    let is_hash =
        |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (unit, rest) = id.split_once('-')?;
    (is_hash(unit) && is_hash(rest)).then(|| RecordId::new(unit.to_string()))
}

impl Finding {
    /// Whether it tells the same as another, so that nothing has to be told.
    pub(super) fn tells_the_same(&self, before: &Finding) -> bool {
        let (of, standing) = (before.clone(), self.standing);
        if standing != before.standing || self.since != before.since {
            return false;
        }
        // What is over is not told of again.
        standing.is_over()
            || *self
                == Finding {
                    changed: self.changed,
                    ..of
                }
    }

    /// In the words that all apps share.
    pub fn event(&self) -> Event<'_> {
        let text = |text: &str| Some(Cow::Owned(text.into()));
        let mut event = Event {
            id: Some(self.id().into()),
            occurred: Some(self.changed),
            deed: Deed::DataSecurity(self.verb()),
            operation: Cow::Borrowed(&self.policy),
            outcome: Outcome {
                result: Success::Unknown,
                status: text(self.standing.name()),
                reason: Some(self.because.join("; ").into()),
                ..Outcome::default()
            },
            correlation: Some(Cow::Borrowed(&self.id)),
            ..Event::default()
        };
        event.source.log = text(FAMILY);
        event.target.file = event::File {
            id: text(self.file.as_str()),
            name: self.name.as_deref().and_then(text),
            path: self.address.as_deref().and_then(text),
            shape: event::FileShape::File,
            ..event::File::default()
        };
        event.target.finding = event::Finding {
            id: text(&self.id),
            title: text(&self.title),
            category: None,
            policy: Named {
                id: text(&self.policy),
                name: text(&self.title),
            },
            severity: severity(self.severity),
            address: self.address.as_deref().and_then(text),
        };
        let accepted = self.accepted.as_ref();
        let words = [
            ("standing", Some(self.standing.name().to_string())),
            ("sharing", Some(self.sharing.name().to_string())),
            ("since", Some(self.since.to_string())),
            ("propose", self.propose.clone()),
            ("accepted_by", accepted.map(|accepted| accepted.by.clone())),
            (
                "accepted_because",
                accepted.map(|accepted| accepted.reason.clone()),
            ),
        ];
        event.unmapped = words
            .into_iter()
            .filter_map(|(name, value)| Some((Cow::Borrowed(name), Value::Text(value?.into()))))
            .collect();
        event
    }

    fn verb(&self) -> FindingVerb {
        match self.standing {
            Standing::New if self.changed == self.since => FindingVerb::Create,
            Standing::New | Standing::Open => FindingVerb::Update,
            Standing::Accepted => FindingVerb::Suppress,
            Standing::FixedByUs | Standing::FixedByOwner | Standing::Withdrawn => {
                FindingVerb::Close
            }
        }
    }
}

impl Told for Finding {
    const FAMILY: &'static str = FAMILY;
    const KIND: &'static str = "finding";

    fn id(&self) -> String {
        format!("{}-{}", self.id, self.changed.as_millisecond())
    }

    fn at(&self) -> Timestamp {
        self.changed
    }

    fn of(&self) -> &str {
        self.file.as_str()
    }

    fn event(&self) -> Event<'_> {
        self.event()
    }
}

fn severity(severity: Severity) -> event::Severity {
    match severity {
        Severity::Informational => event::Severity::Informational,
        Severity::Low => event::Severity::Low,
        Severity::Medium => event::Severity::Medium,
        Severity::High => event::Severity::High,
        Severity::Critical => event::Severity::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_the_unit_that_keeps_them() {
        let root = RecordId::new("b!drive/root".to_string());
        let unit = unit_id(&root);
        let id = finding_id(unit.as_str(), "public-secrets", "b!drive/root/1");
        assert_eq!(unit_of(&id), Some(unit.clone()));
        let other = finding_id(unit.as_str(), "public-secrets", "b!drive/root/2");
        assert_ne!(id, other);
        for bad in [
            "",
            "-",
            "abc",
            "0123456789abcdef",
            "0123456789abcdef-x/../../y",
        ] {
            assert_eq!(unit_of(bad), None, "{bad}");
        }
    }
}
