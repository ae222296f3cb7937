//! One record of a list, read as one of our nouns.

use casbah_model::record::RecordId;
use casbah_model::user::{
    Application, Entity, Grant, GrantKind, Group, Role, RoleAssignment, User,
};

use crate::wire::moment;
use casbah_connector::json::Members;

/// Reads a record of a collection, of the list of `parent` where it comes from one; an error is the reason why it is none.
pub(super) fn read(
    collection: &str,
    parent: Option<&str>,
    raw: &[u8],
) -> Result<Entity, &'static str> {
    if raw.first() != Some(&b'{') {
        return Err("not-an-object");
    }
    let members = Members::read(raw).ok_or("not-json")?;
    let id = members.text("id").map(RecordId::new);
    let id = id.unwrap_or_else(|| RecordId::of_content(raw));
    let named = |name| members.text(name).map(RecordId::new);
    let parent = parent.map(RecordId::new);
    Ok(match collection {
        "groups" => Entity::Group(Group {
            id,
            members_added: 0,
            members_removed: 0,
        }),
        // What a role of the customer's own permits is not read, so each may permit everything.
        "roles" => Entity::Role(Role {
            id,
            is_privileged: true,
        }),
        "role-assignments" | "group-role-assignments" | "client-role-assignments" => {
            let principal = parent.unwrap_or_else(nobody);
            Entity::RoleAssignment(RoleAssignment {
                id: assignment_id(collection, id, &principal, &members),
                principal,
                is_privileged: is_privileged(&members),
            })
        }
        "applications" => Entity::Application(Application {
            id,
            is_enabled: members.text("status").map(|status| status == "ACTIVE"),
        }),
        "app-scopes" => grant(id, parent, GrantKind::AppOnly, &scopes(&members)),
        "app-tokens" => {
            // One sample of Okta's own spells it in the other way.
            let client = named("clientId").or_else(|| named("client_id"));
            grant(
                id,
                client.or(parent),
                GrantKind::Delegated,
                &scopes(&members),
            )
        }
        "user-grants" => {
            let client = named("clientId").or_else(|| named("client_id"));
            grant(id, client, GrantKind::Delegated, &scopes(&members))
        }
        // It may do all that its owner may, so it is on behalf of somebody, and of no application of the org.
        "api-tokens" => Entity::Grant(Grant {
            application: id.clone(),
            id,
            kind: GrantKind::Delegated,
            is_risky: true,
        }),
        _ => Entity::User(User {
            id,
            is_enabled: members
                .text("status")
                .and_then(|status| is_enabled(&status)),
            // Okta keeps everybody in one directory.
            is_guest: false,
            last_sign_in: members.text("lastLogin").as_deref().and_then(moment),
        }),
    })
}

/// A relation whose other end is not named.
fn nobody() -> RecordId {
    RecordId::new("")
}

/// A role that a group has comes with each of its members, under the id it has for the group.
fn assignment_id(
    collection: &str,
    id: RecordId,
    principal: &RecordId,
    members: &Members<'_>,
) -> RecordId {
    let is_inherited = collection == "role-assignments"
        && members.text("assignmentType").as_deref() == Some("GROUP");
    match is_inherited {
        true => RecordId::new(format!("{id}/{principal}")),
        false => id,
    }
}

/// Whether somebody in this state may sign in (core-okta-api, "User status"). Who is locked out may, after a while; who
/// was invited and did not come yet may not. A state that nobody knows does not tell.
fn is_enabled(status: &str) -> Option<bool> {
    match status {
        "ACTIVE" | "PASSWORD_EXPIRED" | "RECOVERY" | "LOCKED_OUT" => Some(true),
        "SUSPENDED" | "DEPROVISIONED" | "STAGED" | "PROVISIONED" => Some(false),
        _ => None,
    }
}

/// Standard roles whose holders cannot change who may do what, nor read everything (concepts, "Standard administrator
/// roles"). Any other may be able to, also those that are new or the customer's own.
const HARMLESS_ROLES: [&str; 2] = ["REPORT_ADMIN", "MOBILE_ADMIN"];

fn is_privileged(members: &Members<'_>) -> bool {
    members
        .text("type")
        .is_none_or(|kind| !HARMLESS_ROLES.contains(&kind.as_ref()))
}

/// The scopes of a grant, which has one, or of a token, which has several.
pub(super) fn scopes(members: &Members<'_>) -> Vec<String> {
    let listed = members.list("scopes").into_iter();
    let listed = listed.filter_map(casbah_connector::json::text);
    let one = members.text("scopeId");
    listed.chain(one).map(String::from).collect()
}

fn grant(
    id: RecordId,
    application: Option<RecordId>,
    kind: GrantKind,
    scopes: &[String],
) -> Entity {
    Entity::Grant(Grant {
        id,
        application: application.unwrap_or_else(nobody),
        kind,
        is_risky: scopes.iter().any(|scope| is_risky(scope)),
    })
}

/// Scopes of Okta's own reach the whole org, except for those of the signed-in user (implement-oauth-for-okta, "Scopes").
fn is_risky(scope: &str) -> bool {
    scope.starts_with("okta.") && !scope.ends_with(".self")
}
