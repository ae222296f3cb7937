//! Sensitivity labels: which there are, which one a file has, and putting one on, which takes a while (driveItem:
//! extractSensitivityLabels and assignSensitivityLabel; sensitivityLabel: List).

use serde_json::Value;

use super::desk::Desk;
use super::faults::Fault;
use super::item_writes::invalid;
use super::library::Place;
use super::records::{APPLICATION, Deal};
use super::wire::graph_error;
use crate::answer::Answer;
use crate::chance::{Draws, Stream, guid, guid_index};
use crate::json::object;
use crate::moment::{Millis, SECOND};

/// The tenant's labels, from the least to the most; the last one encrypts.
pub const LABELS: [&str; 4] = ["Public", "General", "Confidential", "Highly Confidential"];
/// What can be labelled (Sensitivity labels in Defender for Cloud Apps, "File types").
const LABELLED: [&str; 15] = [
    "docm", "docx", "dotm", "dotx", "xlam", "xlsm", "xlsx", "xltx", "potm", "potx", "ppsx", "ppsm",
    "pptm", "pptx", "pdf",
];
/// How long it takes to put a label on; no document gives a number.
const LABELLING: Millis = 5 * SECOND;
/// Numbers of labels are below, numbers of jobs above.
const FIRST_JOB: u64 = 1 << 24;
/// The name of this work in monitors.
pub const OPERATION: &str = "AssignSensitivityLabel";

/// A label that was accepted, whatever becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Labelling {
    pub place: Place,
    pub label: Option<usize>,
    pub done: Millis,
    pub is_failing: bool,
    pub is_over: bool,
}

impl Desk<'_> {
    /// Most files have none, and others cannot have any.
    pub fn label_of(&self, place: Place) -> Option<usize> {
        let change = self.state.world.item(place);
        if let Some(label) = change.and_then(|change| change.label) {
            return label;
        }
        let number = place.drive << 32 | place.item;
        let mut draws = Draws::new(self.plan.seed, Stream::Label, number | 1 << 62);
        let has_label = draws.below(20) == 0 && self.can_be_labelled(place);
        has_label.then(|| draws.below(LABELS.len() as u64) as usize)
    }

    fn can_be_labelled(&self, place: Place) -> bool {
        let name = self.name_of(place).to_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        !self.is_folder(place) && extension.is_some_and(|extension| LABELLED.contains(&extension))
    }

    fn label_id(&self, label: usize) -> String {
        guid(self.plan.seed, Stream::Label, label as u64)
    }

    pub fn all_labels(&self) -> Answer {
        let labels = LABELS.iter().enumerate().map(|(number, name)| {
            object(|label| {
                label
                    .text("id", &self.label_id(number))
                    .text("name", name)
                    .text("displayName", name)
                    .number("priority", number as u64)
                    .flag("isDefault", number == 1)
                    .flag("hasProtection", number + 1 == LABELS.len())
                    .raw("sublabels", "[]");
            })
        });
        let labels: Vec<String> = labels.collect();
        self.collection("sensitivityLabels", &labels.join(","))
    }

    /// The answer is nested in the example, and plain in the description of its type.
    pub fn extract_labels(&mut self, place: Place) -> Answer {
        let labels = self.label_of(place).map(|label| {
            object(|found| {
                found
                    .text("sensitivityLabelId", &self.label_id(label))
                    .text("assignmentMethod", "standard")
                    .text("tenantId", &self.plan.tenant_id);
            })
        });
        let labels = format!(r#"{{"labels":[{}]}}"#, labels.unwrap_or_default());
        match self.strikes(Fault::LabelsNested) {
            Some(_) => Answer::json(200, format!(r#"{{"value":{labels}}}"#)),
            None => Answer::json(200, labels),
        }
    }

    /// What is accepted here may fail later; that is told where `Location` points.
    pub fn assign_label(&mut self, place: Place, body: &Value) -> Result<Answer, Answer> {
        if self.strikes(Fault::LabelsUnpaid).is_some() {
            let message = "The application has no billing set up for this metered API.";
            return Err(graph_error(402, "paymentRequired", message));
        }
        if let Some(code) = self.strikes(Fault::LabelLocked) {
            let code = if code.is_empty() {
                "fileDecryptionDeferred"
            } else {
                &code
            };
            let message = "The file's protection cannot be handled.";
            return Err(graph_error(423, code, message));
        }
        let label = self.asked_label(place, body)?;
        let is_failing =
            !self.can_be_labelled(place) || self.strikes(Fault::LabellingFails).is_some();
        let number = FIRST_JOB + self.state.world.labellings.len() as u64;
        self.state.world.labellings.push(Labelling {
            place,
            label,
            done: self.now + LABELLING,
            is_failing,
            is_over: false,
        });
        let id = guid(self.plan.seed, Stream::Label, number);
        Ok(self.accepted(OPERATION, &id))
    }

    fn asked_label(&self, place: Place, body: &Value) -> Result<Option<usize>, Answer> {
        let asked = body["sensitivityLabelId"].as_str();
        let label = match asked.ok_or_else(|| invalid("No label was named."))? {
            "" => None,
            id => {
                let found = (0..LABELS.len()).find(|label| self.label_id(*label) == id);
                Some(found.ok_or_else(|| invalid("There is no such label."))?)
            }
        };
        if self.is_folder(place) {
            return Err(invalid("Folders have no labels."));
        }
        let is_explained = body["justificationText"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
        // None is less than any.
        if label < self.label_of(place) && !is_explained {
            return Err(invalid("A justification is needed."));
        }
        Ok(label)
    }

    /// Puts on the labels whose time has come.
    pub fn finish_labellings(&mut self) {
        for number in 0..self.state.world.labellings.len() {
            let one = self.state.world.labellings[number];
            if one.is_over || one.done > self.now {
                continue;
            }
            self.state.world.labellings[number].is_over = true;
            if !one.is_failing && self.has_item(one.place) {
                self.set_label(APPLICATION, one.place, one.label);
            }
        }
    }

    /// Labels are kept inside of files, so that the content changes as well.
    pub fn set_label(&mut self, actor: u64, place: Place, label: Option<usize>) {
        let operation = match (self.label_of(place), label) {
            (_, None) => "FileSensitivityLabelRemoved",
            (None, Some(_)) => "FileSensitivityLabelApplied",
            (Some(_), Some(_)) => "FileSensitivityLabelChanged",
        };
        let now = self.now;
        let change = self.revise(place, false);
        change.label = Some(label);
        (change.edits, change.edited) = (change.edits + 1, Some(now));
        self.tell_of_item(actor, Deal::File(operation), 0, place, self.told_of(place));
    }

    /// How a labelling stands.
    pub fn labelling_told(&self, id: &str) -> Option<Answer> {
        let number = guid_index(self.plan.seed, Stream::Label, id)?;
        let number = number.checked_sub(FIRST_JOB)?;
        let job = self.state.world.labellings.get(number as usize)?;
        let (status, share, state) = match (job.is_over, job.is_failing) {
            (false, _) => (202, "40.0", "inProgress"),
            (true, true) => (200, "40.0", "failed"),
            (true, false) => (200, "100.0", "completed"),
        };
        let item = self.tenant.library.item_id(job.place);
        let body = object(|body| {
            body.text("operation", OPERATION)
                .raw("percentageComplete", share)
                .text("status", state)
                .text("resourceId", &item);
        });
        Some(Answer::json(status, body))
    }
}
