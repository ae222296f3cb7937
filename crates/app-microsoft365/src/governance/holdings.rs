//! What an account holds: directory roles, and memberships of groups.

use casbah_connector::{ConnectorError, Order, Session};
use casbah_model::action::{Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::transport::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Change, MEMBERS, ROLES, Seen, accounts, read, read_all, send, within};
use crate::wire::{GRAPH, segment};

/// The template id of the role that can do everything ("Microsoft Entra built-in roles").
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Other administrators that are asked whether they can still sign in.
const ADMINS_ASKED_MAX: usize = 20;

/// "unifiedRoleAssignment resource type".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    id: String,
    principal_id: String,
    role_definition_id: String,
    /// The whole directory is `/`.
    directory_scope_id: Option<String>,
}

impl Assignment {
    /// An assignment has another id when it is made again; its scope stays.
    fn name(&self) -> String {
        let scope = self.directory_scope_id.as_deref().unwrap_or("/");
        format!("{SCOPE}{scope}")
    }
}

const SCOPE: &str = "scope:";
const HELD: &str = "held";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    display_name: Option<String>,
}

/// Filters the list on their side, and again on ours.
async fn assignments(
    session: &Session,
    field: &str,
    id: &str,
) -> Result<Vec<Assignment>, ConnectorError> {
    let path = format!(
        "/v1.0/roleManagement/directory/roleAssignments?$filter={field}%20eq%20%27{}%27",
        segment(id)?
    );
    let all: Option<Vec<Assignment>> = read_all(session, &path).await?;
    Ok(all.unwrap_or_default())
}

/// Assignments of the role that is meant to the user that is meant, without those by way of a group.
async fn held(session: &Session, order: &Order<'_>) -> Result<Vec<Assignment>, ConnectorError> {
    let user = within(order, "whose role it is")?;
    let all = assignments(session, "principalId", user).await?;
    let meant = all
        .into_iter()
        .filter(|held| held.principal_id == user && held.role_definition_id == order.target.id);
    Ok(meant.collect())
}

/// Whether a user is a global administrator and nobody else who is one can sign in. Whoever may become one, or is one by
/// way of a group, does not count: better to be refused than to be locked out.
pub(super) async fn is_last_admin(session: &Session, user: &str) -> Result<bool, ConnectorError> {
    let admins = assignments(session, "roleDefinitionId", GLOBAL_ADMINISTRATOR).await?;
    let admins = || {
        let all = admins.iter();
        all.filter(|held| held.role_definition_id == GLOBAL_ADMINISTRATOR)
    };
    if !admins().any(|held| held.principal_id == user) {
        return Ok(false);
    }
    let others = admins().filter(|held| held.principal_id != user);
    for other in others.take(ADMINS_ASKED_MAX) {
        if accounts::is_active(session, &other.principal_id).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn last_admin() -> Cause {
    Cause::new(
        "last-administrator",
        "this is the last global administrator who can sign in",
        "make somebody else a global administrator first",
    )
}

pub(super) async fn roles(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let (user, role) = (within(&order, "whose role it is")?, &order.target.id);
    let path = format!(
        "/v1.0/roleManagement/directory/roleDefinitions/{}",
        segment(role)?
    );
    let definition: Option<Definition> = read(session, &path).await?;
    let Some(definition) = definition else {
        return Ok(None);
    };
    let held = held(session, &order).await?;
    let is_last = role == GLOBAL_ADMINISTRATOR && !held.is_empty();
    let obstacle = match is_last && is_last_admin(session, user).await? {
        true => Some(last_admin()),
        false => None,
    };
    let name = definition.display_name.as_deref().unwrap_or(role);
    Ok(Some(Seen {
        label: format!("{name} of {user}"),
        image: held.iter().fold(Image::default(), |image, held| {
            image.with(held.name(), HELD)
        }),
        goal: Image::default(),
        obstacle,
        undo: Undo::Possible,
    }))
}

pub(super) async fn bring_roles(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let user = within(&order, "whose role it is")?;
    const PATH: &str = "/v1.0/roleManagement/directory/roleAssignments";
    for held in held(session, &order).await? {
        if to.get(&held.name()).is_none() {
            let path = format!("{PATH}/{}", segment(&held.id)?);
            send(session, Change::of(Method::Delete, path, ROLES)).await?;
        }
    }
    for (name, _) in to.iter().filter(|(name, _)| now.get(name).is_none()) {
        let body = json!({
            "@odata.type": "#microsoft.graph.unifiedRoleAssignment",
            "principalId": user,
            "roleDefinitionId": order.target.id,
            "directoryScopeId": name.strip_prefix(SCOPE).unwrap_or("/"),
        });
        let change = Change::of(Method::Post, PATH.into(), ROLES);
        send(session, change.with(body)).await?;
    }
    Ok(())
}

/// "group resource type".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    id: String,
    display_name: Option<String>,
    #[serde(default)]
    group_types: Vec<String>,
    mail_enabled: Option<bool>,
    on_premises_sync_enabled: Option<bool>,
}

impl Group {
    fn has_type(&self, name: &str) -> bool {
        self.group_types.iter().any(|one| one == name)
    }

    /// Why its members cannot be changed here.
    fn obstacle(&self) -> Option<Cause> {
        let (what, fix) = if self.has_type("DynamicMembership") {
            ("the group takes its members by a rule", "change the rule")
        } else if self.on_premises_sync_enabled == Some(true) {
            (
                "the directory on premises keeps the group's members",
                "take the user out of it there",
            )
        } else if self.mail_enabled == Some(true) && !self.has_type("Unified") {
            (
                "Exchange keeps the members of distribution lists and mail-enabled security groups",
                "take the user out of it in the Exchange admin center",
            )
        } else {
            return None;
        };
        Some(Cause::new("mastered-elsewhere", what, fix))
    }
}

#[derive(Deserialize)]
struct Object {
    id: String,
}

const MEMBER: &str = "member";

pub(super) async fn membership(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let (group, user) = (within(&order, "which group it is about")?, &order.target.id);
    let select = "id,displayName,groupTypes,mailEnabled,onPremisesSyncEnabled";
    let path = format!("/v1.0/groups/{}?$select={select}", segment(group)?);
    let Some(group) = read::<Group>(session, &path).await? else {
        return Ok(None);
    };
    // Direct memberships; a user has fewer than a group has members.
    let path = format!(
        "/v1.0/users/{}/memberOf?$select=id&$top=999",
        segment(user)?
    );
    let Some(groups) = read_all::<Object>(session, &path).await? else {
        return Ok(None);
    };
    let image = match groups.iter().any(|held| held.id == group.id) {
        true => Image::default().with(MEMBER, "yes"),
        false => Image::default(),
    };
    let obstacle = group.obstacle();
    let name = group.display_name.unwrap_or(group.id);
    Ok(Some(Seen {
        label: format!("{user} in {name}"),
        image,
        goal: Image::default(),
        obstacle,
        undo: Undo::Possible,
    }))
}

pub(super) async fn bring_membership(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    let group = segment(within(&order, "which group it is about")?)?;
    let user = segment(&order.target.id)?;
    match (now.get(MEMBER), to.get(MEMBER)) {
        (Some(_), None) => {
            // Without `$ref` the call would delete the user.
            let path = format!("/v1.0/groups/{group}/members/{user}/$ref");
            send(session, Change::of(Method::Delete, path, MEMBERS)).await
        }
        (None, Some(_)) => {
            let path = format!("/v1.0/groups/{group}/members/$ref");
            let object = session.address(GRAPH, &format!("/v1.0/directoryObjects/{user}"))?;
            let body = json!({ "@odata.id": object.as_str() });
            let change = Change::of(Method::Post, path, MEMBERS);
            send(session, change.with(body)).await
        }
        _ => Ok(()),
    }
}
