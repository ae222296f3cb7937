//! Teams and their members, and everything else that is looked at or administered: reports, forms, plans, settings.
//!
//! Management Activity API schema, "Microsoft Teams schema" and the schemas of the single services.

use std::borrow::Cow;

use casbah_model::event::{Deed, Event, Person, PersonKind};

use super::deeds::filled;
use super::record::{Field, Record};
use crate::scan::{Slice, items};

pub(super) fn activity<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let group = &mut event.target.group;
    group.id = record
        .text(Field::AADGroupId)
        .or_else(|| record.text(Field::TeamGuid));
    group.name = record.text(Field::TeamName);
    if !matches!(event.deed, Deed::Group(_) | Deed::Access(_)) {
        resource(event, record);
        return;
    }
    let mut members = items(record.peek(Field::Members));
    if let Some(first) = members.next() {
        let role = member(&mut event.target.user, first);
        if let Deed::Access(_) = event.deed {
            event.target.privileges.extend(role.map(Cow::Borrowed));
        }
    }
    event.target.resource.named = event.target.group.clone();
    event.target.resource.kind = Some(Cow::Borrowed("Team"));
}

/// A member, and the role it has (schema, "MemberRoleType").
fn member<'a>(person: &mut Person<'a>, member: Slice<'a>) -> Option<&'static str> {
    let mut role = None;
    member.members(|name, value| match name.as_ref() {
        "UPN" => person.name = filled(value),
        "DisplayName" => person.full_name = filled(value),
        "Role" => role = value.number(),
        _ => {}
    });
    person.kind = match role {
        Some(2) => PersonKind::Guest,
        _ => PersonKind::User,
    };
    match role {
        Some(0) => Some("Member"),
        Some(1) => Some("Owner"),
        Some(2) => Some("Guest"),
        _ => None,
    }
}

/// Names of what was looked at or changed, the most exact first.
const NAMES: &[Field] = &[
    Field::ReportName,
    Field::DashboardName,
    Field::DatasetName,
    Field::FormName,
    Field::ListTitle,
    Field::ChannelName,
    Field::ItemName,
    Field::SourceFileName,
    Field::WorkSpaceName,
];
const IDS: &[Field] = &[
    Field::ReportId,
    Field::FormId,
    Field::MessageId,
    Field::ChannelGuid,
    Field::ListId,
];

pub(super) fn resource<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let resource = &mut event.target.resource;
    resource.named.name = NAMES.iter().find_map(|field| record.text(*field));
    resource.named.id = IDS.iter().find_map(|field| record.text(*field));
    resource.kind = record.text(Field::ItemType);
    let Some(object) = record.text(Field::ObjectId) else {
        return;
    };
    if object.starts_with("http") {
        resource.address = Some(object);
    } else if resource.named.id.is_none() {
        resource.named.id = Some(object);
    } else if resource.named.name.is_none() {
        resource.named.name = Some(object);
    }
}
