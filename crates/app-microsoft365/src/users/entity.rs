//! One record of the directory, read as one of our nouns.

use casbah_model::record::RecordId;
use casbah_model::user::{
    Application, Entity, Grant, GrantKind, Group, Removed, Role, RoleAssignment, User,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::wire::{Field, flag, moment, record, text};

/// The fields of all collections that mean something to us; everything else stays in the record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow, rename = "@removed")]
    removed: Field<'a>,
    #[serde(borrow)]
    account_enabled: Field<'a>,
    #[serde(borrow)]
    user_type: Field<'a>,
    #[serde(borrow)]
    sign_in_activity: Field<'a>,
    #[serde(borrow, rename = "members@delta")]
    members: Field<'a>,
    #[serde(borrow)]
    template_id: Field<'a>,
    #[serde(borrow)]
    principal_id: Field<'a>,
    #[serde(borrow)]
    principal_type: Field<'a>,
    #[serde(borrow)]
    role_definition_id: Field<'a>,
    #[serde(borrow)]
    client_id: Field<'a>,
    #[serde(borrow)]
    app_role_id: Field<'a>,
    #[serde(borrow)]
    scope: Field<'a>,
}

/// Reads a record of a collection; an error is the reason why it is none.
pub(super) fn read(collection: &str, raw: &[u8]) -> Result<Entity, &'static str> {
    let mut once = String::new();
    let wire: Wire<'_> = record(raw, &mut once)?;
    Ok(entity(collection, &wire, raw))
}

fn entity(collection: &str, wire: &Wire<'_>, raw: &[u8]) -> Entity {
    let id = name(wire.id).unwrap_or_else(|| RecordId::of_content(raw));
    if let Some(removed) = wire.removed {
        // "changed" can be restored, "deleted" is for good ("Use delta query", "Resource representation").
        return Entity::Removed(Removed {
            id,
            is_restorable: reason(removed).as_deref() == Some("changed"),
        });
    }
    match collection {
        "groups" => {
            let (members_added, members_removed) = members(wire.members);
            Entity::Group(Group {
                id,
                members_added,
                members_removed,
            })
        }
        "roles" => {
            let is_privileged = [wire.template_id, wire.id]
                .iter()
                .any(|id| is_privileged_role(*id));
            Entity::Role(Role { id, is_privileged })
        }
        "role-assignments" => Entity::RoleAssignment(RoleAssignment {
            id,
            principal: name(wire.principal_id).unwrap_or_else(nobody),
            is_privileged: is_privileged_role(wire.role_definition_id),
        }),
        "applications" => Entity::Application(Application {
            id,
            is_enabled: flag(wire.account_enabled),
        }),
        "delegated-grants" => Entity::Grant(Grant {
            id,
            application: name(wire.client_id).unwrap_or_else(nobody),
            kind: GrantKind::Delegated,
            is_risky: text(wire.scope).is_some_and(|scopes| has_risky_scope(&scopes)),
        }),
        "app-grants" => Entity::Grant(Grant {
            id,
            application: name(wire.principal_id).unwrap_or_else(nobody),
            kind: GrantKind::AppOnly,
            is_risky: text(wire.principal_type).is_none_or(|kind| kind == "ServicePrincipal")
                && text(wire.app_role_id)
                    .is_some_and(|role| RISKY_ROLES.contains(&role.to_lowercase().as_str())),
        }),
        _ => Entity::User(User {
            id,
            is_enabled: flag(wire.account_enabled),
            is_guest: text(wire.user_type).is_some_and(|kind| kind.eq_ignore_ascii_case("guest")),
            last_sign_in: wire.sign_in_activity.and_then(last_sign_in),
        }),
    }
}

fn name(field: Field<'_>) -> Option<RecordId> {
    text(field).filter(|id| !id.is_empty()).map(RecordId::new)
}

/// A relation whose other end is not named.
fn nobody() -> RecordId {
    RecordId::new("")
}

#[derive(Deserialize)]
struct Reason {
    reason: Option<String>,
}

fn reason(removed: &RawValue) -> Option<String> {
    serde_json::from_str::<Reason>(removed.get()).ok()?.reason
}

#[derive(Deserialize)]
struct Member {
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
}

/// Members named by one record: how many came and how many went ("group: delta", "members@delta").
fn members(field: Field<'_>) -> (u64, u64) {
    let named: Vec<Member> = field
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let removed = named
        .iter()
        .filter(|member| member.removed.is_some())
        .count() as u64;
    (named.len() as u64 - removed, removed)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInActivity<'a> {
    #[serde(borrow)]
    last_sign_in_date_time: Field<'a>,
    #[serde(borrow)]
    last_non_interactive_sign_in_date_time: Field<'a>,
    #[serde(borrow)]
    last_successful_sign_in_date_time: Field<'a>,
}

/// The last success where it is told; else the last attempt of either kind.
pub(super) fn last_sign_in(raw: &RawValue) -> Option<casbah_model::Timestamp> {
    let told: SignInActivity<'_> = serde_json::from_str(raw.get()).ok()?;
    let attempts = [
        told.last_sign_in_date_time,
        told.last_non_interactive_sign_in_date_time,
    ];
    moment(told.last_successful_sign_in_date_time)
        .or_else(|| attempts.into_iter().filter_map(moment).max())
}

/// Template ids of roles whose holders can change who may do what, or read everything; they are the same in every
/// tenant ("Microsoft Entra built-in roles").
const PRIVILEGED_ROLES: [&str; 9] = [
    "62e90394-69f5-4237-9190-012177145e10", // Global Administrator
    "fe930be7-5e62-47db-91af-98c3a49a38b1", // User Administrator
    "e8611ab8-c189-46e8-94e1-60213ab1f814", // Privileged Role Administrator
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13", // Privileged Authentication Administrator
    "29232cdf-9323-42fd-ade2-1d097af3e4de", // Exchange Administrator
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c", // SharePoint Administrator
    "194ae4cb-b126-40b2-bd5b-6091b380977d", // Security Administrator
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", // Application Administrator
    "158c047a-c907-4556-b7ef-446551a6b5f7", // Cloud Application Administrator
];

/// Built-in definitions have their template's id as their own.
fn is_privileged_role(id: Field<'_>) -> bool {
    text(id).is_some_and(|id| PRIVILEGED_ROLES.contains(&id.to_lowercase().as_str()))
}

/// Delegated scopes that reach mail, files, directory or audit data ("Microsoft Graph permissions reference").
const RISKY_SCOPES: [&str; 24] = [
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "EWS.AccessAsUser.All",
    "Files.Read.All",
    "Files.ReadWrite.All",
    "Group.ReadWrite.All",
    "IMAP.AccessAsUser.All",
    "Mail.Read",
    "Mail.Read.Shared",
    "Mail.ReadWrite",
    "Mail.Send",
    "MailboxSettings.ReadWrite",
    "RoleManagement.ReadWrite.Directory",
    "Sites.FullControl.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "User.EnableDisableAccount.All",
    "User.ReadWrite.All",
    "full_access_as_user",
];

/// Scopes come as one text, with a space in front at times.
fn has_risky_scope(scopes: &str) -> bool {
    scopes.split_whitespace().any(|scope| {
        RISKY_SCOPES
            .iter()
            .any(|risky| risky.eq_ignore_ascii_case(scope))
    })
}

/// Ids of application permissions that reach mail, files, directory or audit data of everybody; they are the same in
/// every tenant ("Microsoft Graph permissions reference").
const RISKY_ROLES: [&str; 23] = [
    "594c1fb6-4f81-4475-ae41-0c394909246c", // ActivityFeed.Read
    "4807a72c-ad38-4250-94c9-4eabfe26cd55", // ActivityFeed.ReadDlp
    "b0afded3-3588-46d8-8b3d-9842eff778da", // AuditLog.Read.All
    "7ab1d382-f21e-4acd-a863-ba3e13f7da61", // Directory.Read.All
    "19dbc75e-c2e2-444c-a770-ec69d8559fc7", // Directory.ReadWrite.All
    "332a536c-c7ef-4017-ab91-336970924f0d", // Sites.Read.All
    "9492366f-7969-46a4-8d15-ed1a20078fff", // Sites.ReadWrite.All
    "a82116e5-55eb-4c41-a434-62fe8a61c773", // Sites.FullControl.All of Graph
    "678536fe-1083-478a-9c59-b99265e6b0d3", // Sites.FullControl.All of SharePoint
    "01d4889c-1287-42c6-ac1f-5d1e02578ef6", // Files.Read.All
    "75359482-378d-4052-8f01-80520e7db3cd", // Files.ReadWrite.All
    "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", // Application.ReadWrite.All
    "8e8e4742-1d95-4f68-9d56-6ee75648c72a", // DelegatedPermissionGrant.ReadWrite.All
    "06b708a9-e830-4db3-a914-8e69da51d44f", // AppRoleAssignment.ReadWrite.All
    "3011c876-62b7-4ada-afa2-506cbbecc68c", // User.EnableDisableAccount.All
    "77f3a031-c388-4f99-b373-dc68676a979e", // User.RevokeSessions.All
    "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7", // User-PasswordProfile.ReadWrite.All
    "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8", // RoleManagement.ReadWrite.Directory
    "741f803b-c850-494e-b5df-cde7c675a1ca", // User.ReadWrite.All
    "810c84a8-4a9e-49e6-bf7d-12d183f40d01", // Mail.Read
    "e2a3a72e-5f79-4c64-b1b1-878b674786c9", // Mail.ReadWrite
    "b633e1c5-b582-4048-a93e-9f11b44c7e96", // Mail.Send
    "dc890d15-9560-4a4c-9b7f-a736ec74ec40", // full_access_as_app of Exchange
];
