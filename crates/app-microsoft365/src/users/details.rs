//! What a record of the directory says for people to read.

use casbah_connector::{EntityDetails, GroupKind, HolderKind};
use serde::Deserialize;

use super::entity::last_sign_in;
use crate::wire::{Field, flag, moment, record, text};

/// The fields of all collections that lists show.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire<'a> {
    #[serde(borrow)]
    display_name: Field<'a>,
    #[serde(borrow)]
    user_principal_name: Field<'a>,
    #[serde(borrow)]
    mail: Field<'a>,
    #[serde(borrow)]
    created_date_time: Field<'a>,
    #[serde(borrow)]
    sign_in_activity: Field<'a>,
    #[serde(borrow)]
    group_types: Field<'a>,
    #[serde(borrow)]
    security_enabled: Field<'a>,
    #[serde(borrow)]
    principal: Field<'a>,
    #[serde(borrow)]
    principal_id: Field<'a>,
    #[serde(borrow)]
    principal_display_name: Field<'a>,
    #[serde(borrow)]
    role_definition_id: Field<'a>,
    #[serde(borrow)]
    directory_scope_id: Field<'a>,
    #[serde(borrow)]
    app_id: Field<'a>,
    #[serde(borrow)]
    resource_id: Field<'a>,
    #[serde(borrow)]
    resource_display_name: Field<'a>,
    #[serde(borrow)]
    app_role_id: Field<'a>,
    #[serde(borrow)]
    app_roles: Field<'a>,
    #[serde(borrow)]
    scope: Field<'a>,
}

/// Reads a record of a collection; one that cannot be read says nothing.
pub(super) fn read(collection: &str, raw: &[u8]) -> EntityDetails {
    let mut once = String::new();
    let wire: Wire<'_> = record(raw, &mut once).unwrap_or_default();
    match collection {
        "users" => EntityDetails {
            name: words(wire.display_name),
            address: words(wire.mail).or_else(|| words(wire.user_principal_name)),
            created: moment(wire.created_date_time),
            ..EntityDetails::default()
        },
        "sign-in-times" => EntityDetails {
            last_sign_in: wire.sign_in_activity.and_then(last_sign_in),
            ..EntityDetails::default()
        },
        "groups" => EntityDetails {
            name: words(wire.display_name),
            address: words(wire.mail),
            group: Some(group_kind(&wire)),
            ..EntityDetails::default()
        },
        "role-assignments" => role_assignment(&wire),
        "delegated-grants" => EntityDetails {
            resource: words(wire.resource_id),
            permissions: scopes(wire.scope),
            on_behalf_of: words(wire.principal_id),
            ..EntityDetails::default()
        },
        "app-grants" => EntityDetails {
            name: words(wire.principal_display_name),
            resource: words(wire.resource_id),
            resource_name: words(wire.resource_display_name),
            permissions: words(wire.app_role_id).into_iter().collect(),
            created: moment(wire.created_date_time),
            ..EntityDetails::default()
        },
        "applications" => EntityDetails {
            name: words(wire.display_name),
            client: words(wire.app_id),
            defines: roles(wire.app_roles),
            ..EntityDetails::default()
        },
        _ => EntityDetails {
            name: words(wire.display_name),
            ..EntityDetails::default()
        },
    }
}

fn words(field: Field<'_>) -> Option<String> {
    let found = text(field).filter(|text| !text.is_empty());
    found.map(String::from)
}

/// "Unified" is a Microsoft 365 group; of the others, those that give rights have `securityEnabled`, mail or not
/// (Microsoft Graph documentation, "Working with groups", "Group types").
fn group_kind(wire: &Wire<'_>) -> GroupKind {
    let types: Vec<String> = wire
        .group_types
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    if types
        .iter()
        .any(|kind| kind.eq_ignore_ascii_case("unified"))
    {
        GroupKind::Collaboration
    } else if flag(wire.security_enabled) == Some(false) {
        GroupKind::Mail
    } else {
        GroupKind::Security
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Principal<'a> {
    #[serde(borrow, rename = "@odata.type")]
    kind: Field<'a>,
    #[serde(borrow)]
    display_name: Field<'a>,
    #[serde(borrow)]
    user_principal_name: Field<'a>,
    #[serde(borrow)]
    mail: Field<'a>,
}

fn role_assignment(wire: &Wire<'_>) -> EntityDetails {
    let principal: Principal<'_> = wire
        .principal
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let holder = match text(principal.kind).as_deref() {
        Some("#microsoft.graph.user") => Some(HolderKind::User),
        Some("#microsoft.graph.group") => Some(HolderKind::Group),
        Some("#microsoft.graph.servicePrincipal") => Some(HolderKind::Application),
        _ => None,
    };
    EntityDetails {
        name: words(principal.display_name),
        address: words(principal.mail).or_else(|| words(principal.user_principal_name)),
        holder,
        role: words(wire.role_definition_id),
        // "/" is all of the tenant ("unifiedRoleAssignment resource type", "directoryScopeId").
        scope: words(wire.directory_scope_id).filter(|scope| scope != "/"),
        ..EntityDetails::default()
    }
}

/// Scopes come as one text, with a space in front at times.
fn scopes(field: Field<'_>) -> Vec<String> {
    let all = text(field).unwrap_or_default();
    all.split_whitespace().map(String::from).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AppRole<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow)]
    value: Field<'a>,
}

/// What a service offers as application permissions: what grants name by id only.
fn roles(field: Field<'_>) -> Vec<(String, String)> {
    let roles: Vec<AppRole<'_>> = field
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let named = |role: AppRole<'_>| Some((words(role.id)?, words(role.value)?));
    roles.into_iter().filter_map(named).collect()
}
