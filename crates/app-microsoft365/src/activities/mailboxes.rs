//! Exchange: what happens to mail, and cmdlets.
//!
//! Management Activity API schema, "Exchange Mailbox schema" and "Exchange Admin schema".

use std::borrow::Cow;

use casbah_model::event::{Deed, Event, MailVerb, Named, PersonKind, Text};

use super::deeds::{filled, pairs};
use super::record::{Field, Record};
use crate::scan::{Slice, items};

pub(super) fn item<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let mailbox = Named {
        id: record.text(Field::MailboxGuid),
        name: record.text(Field::MailboxOwnerUPN),
    };
    let item = match record.peek(Field::Item) {
        none if none.json.is_empty() => items(record.peek(Field::AffectedItems)).next(),
        item => Some(item),
    };
    let mail = &mut event.target.mail;
    item.unwrap_or_default()
        .members(|name, value| match name.as_ref() {
            "Id" => mail.id = filled(value),
            "InternetMessageId" => mail.message_id = filled(value),
            "Subject" => mail.subject = filled(value),
            "SizeInBytes" => mail.bytes = value.number().and_then(|bytes| bytes.try_into().ok()),
            _ => {}
        });
    // Mail goes out in the name of the mailbox, whoever wrote it.
    if let Deed::Mail(MailVerb::Send) = event.deed {
        mail.from = mailbox.name.clone();
    }
    if let Deed::Access(_) = event.deed {
        event.target.resource.named = mailbox;
        event.target.resource.kind = Some(Cow::Borrowed("Mailbox"));
        folder_member(event, record);
        return;
    }
    if let Deed::Api(_) = event.deed {
        event.target.resource.named = mailbox;
        event.target.resource.kind = Some(Cow::Borrowed("Mailbox"));
        return;
    }
    event.target.mail.mailbox = mailbox;
    if let Some(object) = record.text(Field::ObjectId) {
        event.target.resource.named.name = Some(object);
    }
}

/// Who was given rights to a folder: `Item.ParentFolder` names the member and the rights.
fn folder_member<'a>(event: &mut Event<'a>, record: &Record<'a>) {
    let folder = record.peek(Field::Item).member("ParentFolder");
    folder.members(|name, value| match name.as_ref() {
        "MemberUpn" => event.target.user.name = filled(value),
        "MemberRights" => event.target.privileges = rights(filled(value)),
        _ => {}
    });
}

/// Rights in one text, separated by commas.
fn rights(text: Option<Text<'_>>) -> Vec<Text<'_>> {
    let Some(text) = text else { return Vec::new() };
    let split = |letter: char| matches!(letter, ',' | ' ');
    match text {
        Cow::Borrowed(text) => {
            let words = text.split(split).filter(|word| !word.is_empty());
            words.map(Cow::Borrowed).collect()
        }
        Cow::Owned(text) => {
            let words = text.split(split).filter(|word| !word.is_empty());
            words.map(|word| Cow::Owned(word.to_string())).collect()
        }
    }
}

/// Parameters that say to whom a mailbox or a rule forwards.
const FORWARDS: &[&str] = &[
    "ForwardTo",
    "RedirectTo",
    "ForwardAsAttachmentTo",
    "ForwardingSmtpAddress",
    "ForwardingAddress",
];

pub(super) fn cmdlet<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let object = record.text(Field::ObjectId);
    let (mut user, mut identity, mut rights_text) = (None, None, None);
    pairs(record.peek(Field::Parameters), |name, value| match name {
        "Identity" => identity = filled(value),
        "User" | "Trustee" | "Member" => user = filled(value),
        "AccessRights" | "Role" => rights_text = filled(value),
        name if FORWARDS.contains(&name) => forwards(event, value),
        _ => {}
    });
    if let Deed::Access(_) = event.deed {
        event.target.user.name = user;
        event.target.user.kind = PersonKind::User;
        event.target.privileges = rights(rights_text);
        // Members of role groups get all that the group may.
        if event.target.privileges.is_empty() {
            event.target.privileges.extend(identity.clone());
        }
    }
    event.target.resource.named.name = object.or(identity);
}

/// Addresses, separated by semicolons; some begin with `smtp:`.
fn forwards<'a>(event: &mut Event<'a>, value: Slice<'a>) {
    let Some(text) = value.text() else { return };
    for address in text.split(';').take(FORWARDS_MAX) {
        let address = address.trim();
        let start = address.get(..5).unwrap_or_default();
        let address = match start.eq_ignore_ascii_case("smtp:") {
            true => &address[5..],
            false => address,
        };
        if !address.is_empty() {
            event.target.mail.to.push(Cow::Owned(address.to_string()));
        }
    }
}

/// More than a rule may have; what is beyond stays in the record.
const FORWARDS_MAX: usize = 100;
