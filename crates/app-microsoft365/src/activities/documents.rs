//! SharePoint and OneDrive: files, folders, pages and lists, and with whom they were shared.
//!
//! Management Activity API schema, "SharePoint Base schema", "File Operations" and "Sharing schema".

use std::borrow::Cow;

use casbah_model::event::{AccessVerb, Deed, Event, File, FileShape, FileVerb, PersonKind, Text};

use super::deeds::part;
use super::record::{Field, Record};

pub(super) fn document<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let kind = record.text(Field::ItemType);
    grantee(event, record);
    details(event, record);
    match event.deed {
        Deed::File(verb) => {
            event.target.moved_to = moved_to(record, verb);
            event.target.file = file(record, kind);
        }
        _ => {
            let name = [Field::ListTitle, Field::SourceFileName, Field::ItemName];
            let resource = &mut event.target.resource;
            resource.named.name = name.into_iter().find_map(|field| record.text(field));
            resource.address = record.text(Field::ObjectId);
            resource.named.id = [Field::ListItemUniqueId, Field::ListId, Field::Site]
                .into_iter()
                .find_map(|field| record.text(field));
            if resource.named.name.is_none() {
                resource.named.name = resource.address.clone();
            }
            resource.kind = kind;
        }
    }
    if let Deed::Access(AccessVerb::AssignRole | AccessVerb::RevokeRole) = event.deed
        && event.target.privileges.is_empty()
    {
        let role = role(&event.operation);
        event.target.privileges.push(Cow::Borrowed(role));
    }
}

/// Operations that name the role themselves.
fn role(operation: &str) -> &'static str {
    match operation {
        "GeoAdminAdded" | "GeoAdminDeleted" => "Geo administrator",
        _ => "Site collection administrator",
    }
}

fn file<'a>(record: &mut Record<'a>, kind: Option<Text<'a>>) -> File<'a> {
    let shape = match kind.as_deref() {
        Some("File") => FileShape::File,
        Some("Folder") => FileShape::Folder,
        Some(_) => FileShape::Place,
        None => FileShape::Unknown,
    };
    let bytes = record.peek(Field::FileSizeBytes).number();
    let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok());
    if bytes.is_some() {
        record.take(Field::FileSizeBytes);
    }
    File {
        id: record.text(Field::ListItemUniqueId),
        name: record
            .text(Field::SourceFileName)
            .or_else(|| record.text(Field::ItemName)),
        path: record.text(Field::ObjectId),
        kind,
        shape,
        extension: record.text(Field::SourceFileExtension),
        bytes,
        label: record.text(Field::SensitivityLabelId),
    }
}

/// Where a file was moved or copied to, or what it is called now.
fn moved_to<'a>(record: &mut Record<'a>, verb: FileVerb) -> File<'a> {
    if !matches!(verb, FileVerb::Move | FileVerb::Copy | FileVerb::Rename) {
        return File::default();
    }
    let name = record.text(Field::DestinationFileName);
    let site = record.peek(Field::SiteUrl).text().unwrap_or_default();
    let folder = record.peek(Field::DestinationRelativeUrl).text();
    let path = name.as_deref().zip(folder.as_deref());
    let path = path.map(|(name, folder)| {
        let (site, folder) = (site.trim_end_matches('/'), folder.trim_matches('/'));
        Cow::Owned(format!("{site}/{folder}/{name}"))
    });
    File {
        path,
        extension: record.text(Field::DestinationFileExtension),
        shape: match name {
            Some(_) => FileShape::File,
            None => FileShape::Unknown,
        },
        name,
        ..File::default()
    }
}

/// With whom something was shared.
fn grantee<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let kind = record.peek(Field::TargetUserOrGroupType).text();
    let Some(name) = record.text(Field::TargetUserOrGroupName) else {
        return;
    };
    let kind = match kind.as_deref() {
        Some("SecurityGroup" | "SharePointGroup") => {
            event.target.group.name = Some(name);
            record.take(Field::TargetUserOrGroupType);
            return;
        }
        Some("Member") => PersonKind::User,
        Some("Guest") => PersonKind::Guest,
        Some("Partner") => PersonKind::Partner,
        _ => PersonKind::Unknown,
    };
    if kind != PersonKind::Unknown {
        record.take(Field::TargetUserOrGroupType);
    }
    event.target.user.name = Some(name);
    event.target.user.kind = kind;
}

/// What `EventData` tells, which looks like XML and is none: names of tags may have spaces.
fn details<'a>(event: &mut Event<'a>, record: &mut Record<'a>) {
    let Some(text) = record.peek(Field::EventData).text() else {
        return;
    };
    let tagged = |tag: &'static str| part(&text, |text| inside(text, tag));
    if matches!(event.deed, Deed::File(_)) {
        let granted = tagged("Permissions granted").or_else(|| tagged("Type"));
        event.target.privileges.extend(granted);
    }
    if matches!(event.deed, Deed::Group(_)) && event.target.group.name.is_none() {
        event.target.group.name = tagged("Group").or_else(|| tagged("Group title"));
    }
}

/// The text between `<tag>` and the next tag.
fn inside<'t>(text: &'t str, tag: &str) -> Option<&'t str> {
    text.match_indices(tag).find_map(|(at, _)| {
        let before = text[..at].ends_with('<');
        let rest = text[at + tag.len()..].strip_prefix('>')?;
        let inner = rest.split('<').next().unwrap_or_default().trim();
        (before && !inner.is_empty()).then_some(inner)
    })
}
