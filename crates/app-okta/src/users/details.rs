//! What a record of a list says for people to read.

use casbah_connector::{EntityDetails, GroupKind, HolderKind};
use casbah_model::Timestamp;

use super::entity::scopes;
use crate::wire::moment;
use casbah_connector::json::Members;

/// Reads a record of a collection; one that cannot be read says nothing.
pub(super) fn read(collection: &str, raw: &[u8]) -> EntityDetails {
    let members = Members::read(raw).unwrap_or_default();
    match collection {
        "users" => user(&members),
        "groups" => EntityDetails {
            name: words(&members.object("profile"), "name"),
            created: created(&members),
            // Groups give rights; mail and common files are other products' business.
            group: Some(GroupKind::Security),
            ..EntityDetails::default()
        },
        "roles" => EntityDetails {
            name: words(&members, "label"),
            created: created(&members),
            ..EntityDetails::default()
        },
        "role-assignments" => assignment(&members, HolderKind::User),
        "group-role-assignments" => assignment(&members, HolderKind::Group),
        "client-role-assignments" => assignment(&members, HolderKind::Application),
        "applications" => EntityDetails {
            name: words(&members, "label").or_else(|| words(&members, "name")),
            created: created(&members),
            ..EntityDetails::default()
        },
        "app-scopes" | "app-tokens" | "user-grants" => EntityDetails {
            created: created(&members),
            resource: words(&members, "issuer"),
            permissions: scopes(&members),
            on_behalf_of: words(&members, "userId"),
            ..EntityDetails::default()
        },
        "api-tokens" => EntityDetails {
            name: words(&members, "name"),
            created: created(&members),
            on_behalf_of: words(&members, "userId"),
            ..EntityDetails::default()
        },
        _ => EntityDetails::default(),
    }
}

fn user(members: &Members<'_>) -> EntityDetails {
    let profile = members.object("profile");
    let names = ["firstName", "lastName"].map(|name| words(&profile, name));
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    EntityDetails {
        name: Some(name).filter(|name| !name.is_empty()),
        address: words(&profile, "email").or_else(|| words(&profile, "login")),
        created: created(members),
        last_sign_in: members.text("lastLogin").as_deref().and_then(moment),
        ..EntityDetails::default()
    }
}

/// A role of the customer's own is known by its id, a standard one by its type; both say in words what they are.
fn assignment(members: &Members<'_>, holder: HolderKind) -> EntityDetails {
    let role = words(members, "role").or_else(|| words(members, "type"));
    EntityDetails {
        holder: Some(holder),
        permissions: words(members, "label").into_iter().collect(),
        role,
        scope: words(members, "resource-set"),
        created: created(members),
        ..EntityDetails::default()
    }
}

fn created(members: &Members<'_>) -> Option<Timestamp> {
    members.text("created").as_deref().and_then(moment)
}

fn words(members: &Members<'_>, name: &str) -> Option<String> {
    members.text(name).map(String::from)
}
