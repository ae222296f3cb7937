//! What an account holds: roles, memberships, and what it let applications do. Each is there or not.

use casbah_connector::{ConnectorError, Order, Plan, Session};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Method};
use serde::Deserialize;

use super::{GRANTS, GROUPS, ROLES, no_way_back, read_all, send, user_path, within, write};
use crate::limits::Bucket;
use crate::wire::{ORG, change, segment};

/// An assignment of a role (Role assignments API).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    id: String,
    r#type: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    assignment_type: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
    r#type: String,
    #[serde(default)]
    profile: GroupProfile,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupProfile {
    name: Option<String>,
}

/// A consent (Users API, "User grants").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    id: String,
    scope_id: String,
    #[serde(default)]
    client_id: Option<String>,
}

const CUSTOM: &str = "CUSTOM";
/// The most that one answer holds; else it is 20 (Users API, "List all user grants").
const GRANTS_A_PAGE: &str = "limit=200";

/// What was found: how it shows in an image, what people call it, and why it cannot be taken or put back.
struct Held {
    name: String,
    value: String,
    label: String,
    obstacle: Option<Cause>,
    undo: Undo,
}

pub(super) async fn plan(session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
    let held = find(session, order).await?;
    let Some(held) = held.flatten() else {
        return Ok(Plan {
            label: order.target.to_string(),
            effect: Effect::Nothing,
        });
    };
    let effect = match held.obstacle {
        Some(cause) => Effect::Refused(cause),
        None => Effect::Change {
            before: Image::default().with(held.name, held.value),
            after: Image::default(),
            undo: held.undo,
        },
    };
    Ok(Plan {
        label: held.label,
        effect,
    })
}

/// Nothing held is an empty image; `None` is a user or group that is not there.
pub(super) async fn image(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let held = find(session, order).await?;
    // What is held in a way that cannot be taken here is none of this action's business.
    let held = held.map(|held| held.filter(|held| held.obstacle.is_none()));
    Ok(held.map(|held| match held {
        Some(held) => Image::default().with(held.name, held.value),
        None => Image::default(),
    }))
}

async fn find(session: &Session, order: Order<'_>) -> Result<Option<Option<Held>>, ConnectorError> {
    match order.kind {
        ActionKind::RevokeRole => role(session, order).await,
        ActionKind::RemoveFromGroup => membership(session, order).await,
        _ => grant(session, order).await,
    }
}

async fn roles(session: &Session, user: &str) -> Result<Option<Vec<Role>>, ConnectorError> {
    let path = format!("{}/roles", user_path(user)?);
    read_all(session, &path, Bucket::Other).await
}

/// A standard role is known by its type, which stays when it is given anew; a custom one by its assignment.
fn is_meant(role: &Role, wanted: &str) -> bool {
    role.id == wanted || (role.r#type == wanted && wanted != CUSTOM)
}

/// Held as a member of a group, not by the user alone.
fn is_by_group(role: &Role) -> bool {
    role.assignment_type.as_deref() == Some("GROUP")
}

async fn role(session: &Session, order: Order<'_>) -> Result<Option<Option<Held>>, ConnectorError> {
    let user = within(&order, "whose role it is")?;
    let Some(roles) = roles(session, user).await? else {
        return Ok(None);
    };
    let (by_group, direct): (Vec<Role>, Vec<Role>) = roles
        .into_iter()
        .filter(|role| is_meant(role, &order.target.id))
        .partition(is_by_group);
    let found = direct.into_iter().chain(by_group).next();
    Ok(Some(found.map(|role| {
        let obstacle = is_by_group(&role).then(|| {
            Cause::new(
                "held-by-group",
                "the user has this role as a member of a group",
                "take the user out of the group, or the role from the group",
            )
        });
        let undo = match role.r#type == CUSTOM || role.id == order.target.id {
            true => Undo::Never(
                "a role that is named by its assignment gets another one when it is given again"
                    .into(),
            ),
            false => Undo::Possible,
        };
        Held {
            name: format!("role:{}", order.target.id),
            value: role.label.clone().unwrap_or_else(|| role.r#type.clone()),
            label: format!("{} of {user}", role.label.unwrap_or(role.r#type)),
            obstacle,
            undo,
        }
    })))
}

async fn membership(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Option<Held>>, ConnectorError> {
    let group = within(&order, "which group it is about")?;
    let user = &order.target.id;
    let path = format!("{}/groups", user_path(user)?);
    let groups: Option<Vec<Group>> = read_all(session, &path, Bucket::Other).await?;
    let Some(groups) = groups else {
        return Ok(None);
    };
    let found = groups.into_iter().find(|held| held.id == group);
    Ok(Some(found.map(|held| {
        let obstacle = (held.r#type != "OKTA_GROUP").then(|| {
            let what = format!(
                "the group is a {}, whose members come from elsewhere",
                held.r#type
            );
            Cause::new("mastered-elsewhere", what, "take the user out of it there")
        });
        let name = held.profile.name.unwrap_or(held.id);
        Held {
            name: "member".into(),
            value: "yes".into(),
            label: format!("{user} in {name}"),
            obstacle,
            undo: Undo::Possible,
        }
    })))
}

async fn grant(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Option<Held>>, ConnectorError> {
    let user = within(&order, "whose grant it is")?;
    let path = format!("{}/grants?{GRANTS_A_PAGE}", user_path(user)?);
    let grants: Option<Vec<Grant>> = read_all(session, &path, Bucket::Other).await?;
    let Some(grants) = grants else {
        return Ok(None);
    };
    let found = grants.into_iter().find(|grant| grant.id == order.target.id);
    Ok(Some(found.map(|grant| Held {
        name: format!("grant:{}", grant.id),
        label: format!(
            "{} for {} by {user}",
            grant.scope_id,
            grant.client_id.as_deref().unwrap_or("an application")
        ),
        value: grant.scope_id,
        obstacle: None,
        undo: Undo::Never("only the user can consent again".into()),
    })))
}

pub(super) async fn remove(session: &Session, order: Order<'_>) -> Result<(), ConnectorError> {
    let (path, scopes) = match order.kind {
        ActionKind::RevokeRole => {
            let user = within(&order, "whose role it is")?;
            // The id of an assignment changes when a role is given anew, so it is looked up each time.
            let roles = roles(session, user).await?.unwrap_or_default();
            let found = roles
                .iter()
                .find(|role| is_meant(role, &order.target.id) && !is_by_group(role));
            let Some(role) = found else {
                return Ok(());
            };
            (
                format!("{}/roles/{}", user_path(user)?, segment(&role.id)?),
                ROLES,
            )
        }
        ActionKind::RemoveFromGroup => (member_path(&order)?, GROUPS),
        _ => {
            let user = within(&order, "whose grant it is")?;
            let grant = segment(&order.target.id)?;
            (format!("{}/grants/{grant}", user_path(user)?), GRANTS)
        }
    };
    let bucket = bucket(order.kind);
    let call = write(session, Method::Delete, &path, bucket)?;
    send(session, &call, scopes).await
}

pub(super) async fn put_back(session: &Session, order: Order<'_>) -> Result<(), ConnectorError> {
    match order.kind {
        ActionKind::RevokeRole => {
            let path = format!("{}/roles", user_path(within(&order, "whose role it is")?)?);
            let body = serde_json::json!({ "type": order.target.id }).to_string();
            let address = session.address(ORG, &path)?;
            let call = change(Method::Post, address, Bucket::Other, Bytes::from(body));
            send(session, &call, ROLES).await
        }
        ActionKind::RemoveFromGroup => {
            let call = write(session, Method::Put, &member_path(&order)?, Bucket::Group)?;
            send(session, &call, GROUPS).await
        }
        kind => Err(no_way_back(kind)),
    }
}

fn member_path(order: &Order<'_>) -> Result<String, ConnectorError> {
    let group = segment(within(order, "which group it is about")?)?;
    Ok(format!(
        "/api/v1/groups/{group}/users/{}",
        segment(&order.target.id)?
    ))
}

fn bucket(kind: ActionKind) -> Bucket {
    match kind {
        ActionKind::RemoveFromGroup => Bucket::Group,
        _ => Bucket::Other,
    }
}
