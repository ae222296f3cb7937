//! What an inspection says, and the border between reading a document and looking for something in it.

use std::fmt;

/// What was found in a document, and how much of it was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What the bytes are, whatever the name says: "pdf", "docx", "zip".
    pub format: &'static str,
    pub inspected: Inspected,
    /// Characters of text that were looked at.
    pub chars: u64,
    /// One per detector that found something, in the order of their names.
    pub findings: Vec<Finding>,
}

/// How much of a document was looked at. Never silence: what was not looked at has a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inspected {
    Whole,
    /// Some of it was; the parts that were not, with why, of each reason the first.
    Partly(Vec<(String, Reason)>),
    /// None of it was.
    Not(Reason),
}

/// Why something was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It opens with a password or a key that we do not have.
    Encrypted,
    /// It is not what its format says it must be.
    Corrupt,
    /// A format that has no text, or none that we read.
    Unsupported,
    /// More bytes than the limit.
    TooLarge,
    /// Archives in archives, deeper than the limit.
    TooDeep,
    /// More entries in an archive than the limit.
    TooManyEntries,
    /// It unpacks to more than the limit, or to many times its size: a bomb.
    Expands,
    /// Pages that are pictures.
    Picture,
    /// Whoever asked had no more time.
    Stopped,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::Encrypted => "encrypted",
            Reason::Corrupt => "corrupt",
            Reason::Unsupported => "unsupported",
            Reason::TooLarge => "too-large",
            Reason::TooDeep => "too-deep",
            Reason::TooManyEntries => "too-many-entries",
            Reason::Expands => "expands",
            Reason::Picture => "picture",
            Reason::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one detector found in a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// "payment-card", "iban", "aws-secret-key".
    pub detector: String,
    /// The highest of its matches.
    pub confidence: Confidence,
    /// Matches, repeats included.
    pub count: u64,
    /// Different values among them.
    pub distinct: u64,
    /// The first few different values.
    pub samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// One match, told without telling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// "•••• •••• •••• 1111": never enough to use it.
    pub masked: String,
    /// A keyed hash of the value as it is compared (digits without their spaces), hexadecimal: the same value has the same one
    /// in every document of a customer, and nobody without the key can find the value by trying.
    pub hash: String,
    /// Where it is, for a person: "page 3", "sheet Salaries (hidden)", "invoice.zip/a.docx, comment".
    pub part: String,
}

/// Takes the text of a document while it is read.
pub trait TextSink {
    /// Another part begins: a page, a sheet, an attachment. Nothing is found across parts.
    fn part(&mut self, name: &str);

    /// Text in the order in which people read it, in pieces of any length that may end in the middle of a word.
    fn text(&mut self, piece: &str) -> Flow;
}

/// Whether more text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Go,
    Stop,
}
