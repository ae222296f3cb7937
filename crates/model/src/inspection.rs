//! What was found inside a file. What the file says is in none of it.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::record::{Noun, RecordId};

/// What looking into one document brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// What its bytes are, whatever its name says: `pdf`, `docx`, `zip`.
    pub format: String,
    pub extent: Extent,
    /// What was not looked at, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Characters of text that were looked at.
    pub chars: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// How much of a document was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    Whole,
    Partly,
    Not,
}

/// A part of a document that was not looked at, or the document itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// `encrypted`, `corrupt`, `too-large`; or why its bytes were not to be had.
    pub reason: String,
    /// What can be done about it, where something can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// What one detector found in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `payment-card`, `iban`, or the name of a customer's own.
    pub detector: String,
    pub confidence: Confidence,
    /// Matches, repeats included.
    pub count: u64,
    /// Different values among them; at least so many, where they are very many.
    pub distinct: u64,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// One match, told without telling it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub masked: String,
    /// A keyed hash of the value: the same in every document of a customer.
    pub hash: String,
    /// Where it is, for a person.
    pub part: String,
}

impl Inspection {
    /// Of a document that was not looked at at all.
    pub fn not(reason: impl Into<String>, fix: Option<String>) -> Inspection {
        let skipped = Skipped {
            part: None,
            reason: reason.into(),
            fix,
        };
        Inspection {
            format: String::new(),
            extent: Extent::Not,
            skipped: vec![skipped],
            chars: 0,
            findings: vec![],
        }
    }

    /// In one word: what it came to.
    pub fn class(&self) -> &'static str {
        match self.extent {
            _ if !self.findings.is_empty() => "sensitive",
            Extent::Whole => "clean",
            Extent::Partly => "partly-read",
            Extent::Not => "not-read",
        }
    }
}

/// What is kept of a file that was looked into: the record of it, by the file's own id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    pub file: RecordId,
    pub name: String,
    pub bytes: u64,
    /// The vendor's own hash of its bytes, or the version that stands for one.
    pub version: String,
    /// What was looked for; another edition looks anew.
    pub edition: String,
    pub inspected_at: Timestamp,
    #[serde(flatten)]
    pub inspection: Inspection,
}

impl Noun for Looked {
    fn id(&self) -> &RecordId {
        &self.file
    }

    fn occurred(&self) -> Option<Timestamp> {
        None
    }

    fn class(&self) -> &'static str {
        self.inspection.class()
    }
}

/// A file that is not there any more, so that nothing is known of what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vanished(pub RecordId);

impl Noun for Vanished {
    fn id(&self) -> &RecordId {
        &self.0
    }

    fn occurred(&self) -> Option<Timestamp> {
        None
    }

    fn class(&self) -> &'static str {
        "removed"
    }
}
