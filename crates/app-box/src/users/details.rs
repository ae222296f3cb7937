//! What a record of a list says for people to read.

use casbah_connector::json::Members;
use casbah_connector::{EntityDetails, GroupKind, HolderKind};

use super::{GROUP_ROLES, GROUPS, ROLES, USERS, entity};
use crate::wire::moment;

/// Reads a record of a collection; one that cannot be read says nothing.
pub(super) fn read(collection: &str, raw: &[u8]) -> EntityDetails {
    let members = Members::read(raw).unwrap_or_default();
    match collection {
        USERS => person(&members),
        GROUPS => EntityDetails {
            // Groups give rights to files.
            group: Some(GroupKind::Security),
            address: None,
            ..person(&members)
        },
        ROLES => EntityDetails {
            holder: Some(HolderKind::User),
            role: entity::role(&members),
            permissions: entity::role(&members).into_iter().collect(),
            ..person(&members)
        },
        GROUP_ROLES => {
            let group = members.object("group");
            EntityDetails {
                holder: Some(HolderKind::User),
                role: Some("group-admin".into()),
                permissions: vec!["group-admin".into()],
                scope: words(&group, "id"),
                created: person(&members).created,
                ..person(&members.object("user"))
            }
        }
        _ => EntityDetails::default(),
    }
}

fn person(members: &Members<'_>) -> EntityDetails {
    let created = members.text("created_at");
    EntityDetails {
        name: words(members, "name"),
        address: words(members, "login"),
        created: created.as_deref().and_then(moment),
        ..EntityDetails::default()
    }
}

fn words(members: &Members<'_>, name: &str) -> Option<String> {
    members.text(name).map(String::from)
}
