//! What policies and detections found: data loss prevention, alerts, threats, risks.
//!
//! Management Activity API schema, "DLP schema", "Security and Compliance Alerts schema" and "Defender for Office 365".

use casbah_model::event::{Deed, Event, FileShape, FindingVerb, Named, Severity};

use super::deeds::filled;
use super::record::{Field, Record};
use crate::scan::{Slice, items};

pub(super) fn finding<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let found = &mut event.target.finding;
    found.id = record
        .text(Field::AlertId)
        .or_else(|| record.text(Field::IncidentId));
    found.title = record.text(Field::Name);
    found.category = record.text(Field::Category);
    found.policy = Named {
        id: record.text(Field::PolicyId),
        name: record.text(Field::PolicyName),
    };
    if let Some(severity) = severity(record.peek(Field::Severity)) {
        found.severity = severity;
        record.take(Field::Severity);
    }
    if let Deed::Detection(FindingVerb::Update) = event.deed
        && matches!(
            record.peek(Field::Status).text().as_deref(),
            Some("Resolved" | "Dismissed")
        )
    {
        event.deed = Deed::Detection(FindingVerb::Close);
    }
    policy(event, record.peek(Field::PolicyDetails));
    document(event, record.peek(Field::SharePointMetaData));
    document(event, record.peek(Field::EndpointMetaData));
    message(event, record.peek(Field::ExchangeMetaData));
    let Some(object) = record.text(Field::ObjectId) else {
        return;
    };
    match event.deed {
        Deed::DataSecurity(_) if event.target.file.path.is_none() => {
            event.target.file.path = Some(object);
        }
        _ => event.target.resource.named.id = Some(object),
    }
}

fn severity(slice: Slice<'_>) -> Option<Severity> {
    match slice.text()?.as_ref() {
        "Informational" => Some(Severity::Informational),
        "Low" => Some(Severity::Low),
        "Medium" => Some(Severity::Medium),
        "High" => Some(Severity::High),
        "Critical" => Some(Severity::Critical),
        _ => None,
    }
}

/// The first policy that matched, and the first of its rules; the others stay in the record.
fn policy<'a>(event: &mut Event<'a>, details: Slice<'a>) {
    let Some(first) = items(details).next() else {
        return;
    };
    let found = &mut event.target.finding;
    let mut rules = Slice::default();
    first.members(|name, value| match name.as_ref() {
        "PolicyId" => found.policy.id = filled(value),
        "PolicyName" => found.policy.name = filled(value),
        "Rules" => rules = value,
        _ => {}
    });
    let Some(rule) = items(rules).next() else {
        return;
    };
    rule.members(|name, value| match name.as_ref() {
        "RuleName" => found.title = filled(value),
        "Severity" => found.severity = severity(value).unwrap_or_default(),
        _ => {}
    });
}

/// Where the data lies: `SharePointMetaData` and `EndpointMetaData`.
fn document<'a>(event: &mut Event<'a>, metadata: Slice<'a>) {
    let file = &mut event.target.file;
    metadata.members(|name, value| {
        let place = match name.as_ref() {
            "FileName" => &mut file.name,
            "FilePathUrl" | "FilePath" => &mut file.path,
            "ItemUniqueId" | "UniqueID" => &mut file.id,
            "FileExtension" => &mut file.extension,
            _ => return,
        };
        if let Some(text) = filled(value) {
            *place = Some(text);
            file.shape = FileShape::File;
        }
    });
}

/// The message that was stopped or reported.
fn message<'a>(event: &mut Event<'a>, metadata: Slice<'a>) {
    let mail = &mut event.target.mail;
    let mut to = Slice::default();
    metadata.members(|name, value| match name.as_ref() {
        "MessageID" => mail.message_id = filled(value),
        "Subject" => mail.subject = filled(value),
        "From" => mail.from = filled(value),
        "To" => to = value,
        _ => {}
    });
    let addresses = items(to).filter_map(filled);
    mail.to.extend(addresses.take(RECIPIENTS_MAX));
}

/// A message may have 1 000 recipients; the rest of a longer list stays in the record (Exchange Online limits).
const RECIPIENTS_MAX: usize = 1000;
