//! One record of a list, read as one of our nouns.

use casbah_connector::json::Members;
use casbah_model::record::RecordId;
use casbah_model::user::{Application, Entity, Group, RoleAssignment, User};

use super::{GROUP_ROLES, GROUPS, ROLES, is_app_login};

/// Reads a record of a collection; `None` for who has no role in a list of roles. An error is the reason why it is no
/// record.
pub(super) fn read(collection: &str, raw: &[u8]) -> Result<Option<Entity>, &'static str> {
    if raw.first() != Some(&b'{') {
        return Err("not-an-object");
    }
    let members = Members::read(raw).ok_or("not-json")?;
    let id = members.text("id").map(RecordId::new);
    let id = id.unwrap_or_else(|| RecordId::of_content(raw));
    Ok(match collection {
        GROUPS => Some(Entity::Group(Group {
            id,
            members_added: 0,
            members_removed: 0,
        })),
        ROLES => role(&members).map(|role| {
            Entity::RoleAssignment(RoleAssignment {
                id: RecordId::new(format!("{role}/{id}")),
                principal: id,
                is_privileged: true,
            })
        }),
        // A group's admin says who gets what the group has.
        GROUP_ROLES if members.text("role").as_deref() == Some("admin") => {
            let user = members.object("user").text("id");
            Some(Entity::RoleAssignment(RoleAssignment {
                id,
                principal: RecordId::new(user.unwrap_or_default()),
                is_privileged: true,
            }))
        }
        GROUP_ROLES => None,
        _ => Some(user(id, &members)),
    })
}

/// The role of somebody who administers (OpenAPI, "User", "role"); one that nobody knows yet is no user's.
pub(super) fn role(members: &Members<'_>) -> Option<String> {
    let role = members.text("role")?;
    (role != "user").then(|| role.into_owned())
}

/// People, and the accounts of apps among them.
fn user(id: RecordId, members: &Members<'_>) -> Entity {
    let is_enabled = members
        .text("status")
        .and_then(|status| is_enabled(&status));
    let login = members.text("login").unwrap_or_default();
    let is_platform = members.get("is_platform_access_only");
    if is_app_login(&login) || is_platform.is_some_and(|flag| flag.get() == "true") {
        return Entity::Application(Application { id, is_enabled });
    }
    Entity::User(User {
        id,
        is_enabled,
        // Only the enterprise's own are listed.
        is_guest: false,
        // It is in no record (OpenAPI, "User"); sign-ins are events.
        last_sign_in: None,
    })
}

/// Whether somebody in this state may sign in (OpenAPI, "User", "status"). A state that nobody knows does not tell.
fn is_enabled(status: &str) -> Option<bool> {
    match status {
        "active" | "cannot_delete_edit" | "cannot_delete_edit_upload" => Some(true),
        "inactive" => Some(false),
        _ => None,
    }
}
