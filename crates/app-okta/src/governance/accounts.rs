//! An account's status, and its sessions.

use casbah_connector::{ConnectorError, Order, Plan, Session};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::transport::Method;
use serde::Deserialize;

use super::{USERS, no_way_back, read, send, user_path, write};
use crate::limits::Bucket;

const STATUS: &str = "status";
const ACTIVE: &str = "ACTIVE";
const SUSPENDED: &str = "SUSPENDED";
const DEPROVISIONED: &str = "DEPROVISIONED";
const PASSWORD_EXPIRED: &str = "PASSWORD_EXPIRED";

#[derive(Deserialize)]
struct User {
    id: String,
    status: String,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    credentials: Credentials,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Profile {
    login: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Credentials {
    provider: Provider,
}

/// Who masters the account (Users API, "Authentication provider object").
#[derive(Default, Deserialize)]
#[serde(default)]
struct Provider {
    r#type: Option<String>,
}

async fn user(session: &Session, order: Order<'_>) -> Result<Option<User>, ConnectorError> {
    read(session, &user_path(&order.target.id)?, Bucket::User).await
}

/// How the account is, as far as the action is about it; what has no image is done whatever it is.
pub(super) async fn image(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Image>, ConnectorError> {
    let user = user(session, order).await?;
    Ok(user.map(|user| image_of(&user.id, &user.status)))
}

/// With its id, because a login may pass to another account.
fn image_of(id: &str, status: &str) -> Image {
    Image::default().with("id", id).with(STATUS, status)
}

pub(super) async fn plan(session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
    let Some(user) = user(session, order).await? else {
        return Ok(Plan {
            label: order.target.to_string(),
            effect: Effect::Refused(Cause::new(
                "gone",
                "there is no such user",
                "name a user by id or login",
            )),
        });
    };
    let label = user
        .profile
        .login
        .clone()
        .unwrap_or_else(|| user.id.clone());
    let effect = effect(order.kind, &user);
    Ok(Plan { label, effect })
}

fn effect(kind: ActionKind, user: &User) -> Effect {
    // Users API, "User status": which change leads where, and from where it is possible.
    let (from, to): (&[&str], &str) = match kind {
        ActionKind::SuspendUser => (&[ACTIVE], SUSPENDED),
        ActionKind::RestoreUser => (&[SUSPENDED], ACTIVE),
        ActionKind::RequireNewPassword => (&[ACTIVE], PASSWORD_EXPIRED),
        ActionKind::DeactivateUser => (
            &[
                ACTIVE,
                SUSPENDED,
                PASSWORD_EXPIRED,
                "STAGED",
                "PROVISIONED",
                "RECOVERY",
                "LOCKED_OUT",
            ],
            DEPROVISIONED,
        ),
        // Sessions are not told; of an account that cannot sign in there are none.
        _ if user.status == DEPROVISIONED => return Effect::Nothing,
        _ => {
            return Effect::Change {
                before: Image::default().with("sessions", "whatever there are"),
                after: Image::default().with("sessions", "ended"),
                undo: Undo::Never("ended sessions stay ended".into()),
            };
        }
    };
    if user.status == to {
        return Effect::Nothing;
    }
    if !from.contains(&user.status.as_str()) {
        let what = format!("the account is {}", user.status);
        let fix = format!(
            "only an account that is {} can become {to}",
            from.join(" or ")
        );
        return Effect::Refused(Cause::new("state", what, fix));
    }
    let is_mastered = matches!(
        user.credentials.provider.r#type.as_deref(),
        Some("ACTIVE_DIRECTORY" | "LDAP")
    );
    if is_mastered && kind == ActionKind::RequireNewPassword {
        return Effect::Refused(Cause::new(
            "mastered-elsewhere",
            "another directory keeps this account's password",
            "let it expire there",
        ));
    }
    let undo = match kind {
        ActionKind::SuspendUser | ActionKind::RestoreUser => Undo::Possible,
        ActionKind::DeactivateUser => {
            Undo::Never("the account's applications are taken away for good".into())
        }
        _ => Undo::Never("only the user can choose a new password".into()),
    };
    Effect::Change {
        before: image_of(&user.id, &user.status),
        after: image_of(&user.id, to),
        undo,
    }
}

pub(super) async fn apply(session: &Session, order: Order<'_>) -> Result<(), ConnectorError> {
    match order.kind {
        ActionKind::SuspendUser => {
            // Before, because the account does not show whether it was done; after, for who signed in between the two.
            end_sessions(session, order).await?;
            lifecycle(session, order, "suspend").await?;
            end_sessions(session, order).await
        }
        ActionKind::RestoreUser => lifecycle(session, order, "unsuspend").await,
        ActionKind::DeactivateUser => lifecycle(session, order, "deactivate").await,
        ActionKind::RequireNewPassword => lifecycle(session, order, "expire_password").await,
        _ => end_sessions(session, order).await,
    }
}

pub(super) async fn undo(session: &Session, order: Order<'_>) -> Result<(), ConnectorError> {
    match order.kind {
        ActionKind::SuspendUser => lifecycle(session, order, "unsuspend").await,
        ActionKind::RestoreUser => lifecycle(session, order, "suspend").await,
        kind => Err(no_way_back(kind)),
    }
}

async fn lifecycle(
    session: &Session,
    order: Order<'_>,
    change: &str,
) -> Result<(), ConnectorError> {
    let path = format!("{}/lifecycle/{change}", user_path(&order.target.id)?);
    let call = write(session, Method::Post, &path, Bucket::Other)?;
    send(session, &call, USERS).await
}

/// Ends Okta's own sessions and takes back tokens; sessions that applications keep themselves live on.
async fn end_sessions(session: &Session, order: Order<'_>) -> Result<(), ConnectorError> {
    let path = format!("{}/sessions?oauthTokens=true", user_path(&order.target.id)?);
    let call = write(session, Method::Delete, &path, Bucket::Other)?;
    send(session, &call, USERS).await
}
