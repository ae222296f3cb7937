//! An account's status and role, its sessions, and its password.

use casbah_connector::{ConnectorError, Order, Plan, Session};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::transport::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Found, declined, read, refused, send};
use crate::ENTERPRISE_ID;
use crate::users::MANAGE_USERS;
use crate::wire::{Acting, Content, change, is_id};

const STATUS: &str = "status";
const INACTIVE: &str = "inactive";
const ROLE: &str = "role";
const ADMIN: &str = "admin";
const FIELDS: &str = "id,login,status,role,enterprise,is_platform_access_only";

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    login: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    enterprise: Option<Enterprise>,
    #[serde(default)]
    is_platform_access_only: Option<bool>,
}

#[derive(Deserialize)]
struct Enterprise {
    id: String,
}

impl User {
    fn status(&self) -> &str {
        self.status.as_deref().unwrap_or("active")
    }

    fn role(&self) -> &str {
        self.role.as_deref().unwrap_or("user")
    }
}

fn path(order: &Order<'_>) -> Result<String, ConnectorError> {
    let target = order.target;
    match target.within.is_none() && is_id(&target.id) {
        true => Ok(format!("/users/{}", target.id)),
        false => Err(declined(
            "target",
            format!("\"{target}\" is no id of a user"),
            "name the user by the number that Box has for it",
        )),
    }
}

async fn user(session: &Session, order: &Order<'_>) -> Result<Option<User>, ConnectorError> {
    let path = format!("{}?fields={FIELDS}", path(order)?);
    match read(session, &path, Acting::Ourselves).await? {
        Found::There(user) => Ok(Some(user)),
        Found::Not(_) => Ok(None),
    }
}

/// The id of the user whose token it is.
async fn own_id(session: &Session) -> Result<Option<String>, ConnectorError> {
    match read::<User>(session, "/users/me?fields=id", Acting::Ourselves).await? {
        Found::There(me) => Ok(Some(me.id)),
        Found::Not(_) => Ok(None),
    }
}

fn image_of(kind: ActionKind, user: &User) -> Image {
    match kind {
        ActionKind::SuspendUser | ActionKind::RestoreUser => {
            Image::default().with(STATUS, user.status())
        }
        ActionKind::RevokeRole => Image::default().with(ROLE, user.role()),
        // What Box shows nothing of.
        _ => Image::default(),
    }
}

pub(super) async fn image(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let user = user(session, &order).await?;
    Ok(user.map(|user| image_of(order.kind, &user)))
}

pub(super) async fn plan(session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
    let Some(user) = user(session, &order).await? else {
        return Ok(Plan {
            label: order.target.to_string(),
            effect: refused("gone", "there is no such user", "name a user by id"),
        });
    };
    let own = own_id(session).await?;
    let is_ours = user.enterprise.as_ref();
    let is_ours = is_ours.is_some_and(|found| found.id == session.setting(ENTERPRISE_ID));
    let effect = match is_ours {
        _ if own.as_ref() == Some(&user.id) => refused(
            "own-account",
            "it is the account that Casbah works with",
            "name somebody else; or take the app's authorization away in the Admin Console",
        ),
        false => refused(
            "outside",
            "the user belongs to another enterprise, or to none",
            "take the user off what is shared, by remove-person or remove-external",
        ),
        true => effect(order.kind, &user),
    };
    let label = user.login.unwrap_or(user.id);
    Ok(Plan { label, effect })
}

fn effect(kind: ActionKind, user: &User) -> Effect {
    // Who holds an enterprise is thrown out of it for a while, but never locked out of it.
    if user.role() == ADMIN && kind != ActionKind::EndSessions {
        return refused(
            "main-admin",
            "it is the main admin of the enterprise",
            "make somebody else the main admin first, in the Admin Console",
        );
    }
    let never = |name: &str, before: &str, after: &str, why: &str| Effect::Change {
        before: Image::default().with(name, before),
        after: Image::default().with(name, after),
        undo: Undo::Never(why.into()),
    };
    let status = |to: &str| Effect::Change {
        before: image_of(kind, user),
        after: Image::default().with(STATUS, to),
        undo: Undo::Possible,
    };
    let is_inactive = user.status() == INACTIVE;
    match kind {
        ActionKind::SuspendUser if !is_inactive => status(INACTIVE),
        ActionKind::RestoreUser if is_inactive => status("active"),
        ActionKind::SuspendUser | ActionKind::RestoreUser => Effect::Nothing,
        ActionKind::RevokeRole if user.role() == "user" => Effect::Nothing,
        ActionKind::RevokeRole => never(
            ROLE,
            user.role(),
            "user",
            "Box does not tell what a co-admin may do, so it cannot be put back",
        ),
        ActionKind::RequireNewPassword if user.is_platform_access_only == Some(true) => refused(
            "no-password",
            "it is an app user, which has no password",
            "suspend it, or take the app's authorization away",
        ),
        ActionKind::RequireNewPassword => never(
            "password",
            "as it is",
            "to be chosen anew",
            "only the user can choose a new password",
        ),
        _ => never(
            "sessions",
            "whatever there are",
            "ended",
            "ended sessions stay ended",
        ),
    }
}

pub(super) async fn apply(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    match order.kind {
        ActionKind::EndSessions => end_sessions(session, &order).await,
        ActionKind::RequireNewPassword => {
            let body = json!({ "is_password_reset_required": true });
            put(session, &order, body).await
        }
        ActionKind::SuspendUser => {
            bring(session, order, now, to).await?;
            // An inactive user cannot use what is left of a session; this ends it for the eye, too. Nothing shows whether
            // it was done, so it comes after what shows, and is never repeated.
            end_sessions(session, &order).await
        }
        _ => bring(session, order, now, to).await,
    }
}

pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    for (name, _, wanted) in now.differences(to) {
        if let (STATUS | ROLE, Some(wanted)) = (name, wanted) {
            put(session, &order, json!({ name: wanted })).await?;
        }
    }
    Ok(())
}

async fn put(session: &Session, order: &Order<'_>, body: Value) -> Result<(), ConnectorError> {
    let (path, body) = (path(order)?, Content::Json(body));
    let call = change(session, Method::Put, &path, Acting::Ourselves, body)?;
    send(session, &call, MANAGE_USERS).await.map(|_| ())
}

/// Begins to end them: it is done later, and tells nothing (OpenAPI, "Create jobs to terminate users session").
async fn end_sessions(session: &Session, order: &Order<'_>) -> Result<(), ConnectorError> {
    let body = json!({ "user_ids": [order.target.id], "user_logins": [] });
    let path = "/users/terminate_sessions";
    let body = Content::Json(body);
    let call = change(session, Method::Post, path, Acting::Ourselves, body)?;
    send(session, &call, MANAGE_USERS).await.map(|_| ())
}
