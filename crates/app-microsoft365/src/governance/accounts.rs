//! An account: whether it may sign in, its sessions and its password.

use casbah_connector::{ConnectorError, Order, Session};
use casbah_model::action::{ActionKind, Image, Undo};
use casbah_model::connection::Cause;
use casbah_model::transport::Method;
use casbah_model::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::{Change, ENABLE, PASSWORDS, RISK, SESSIONS, Seen, holdings, read, send};
use crate::limits::Bucket;
use crate::wire::{moment_of, segment};

const ID: &str = "id";
const ENABLED: &str = "enabled";
const SIGNED_IN: &str = "sessions";
const OPEN: &str = "as they are";
const ENDED: &str = "ended";
/// Sessions of a disabled account count as ended if that was done this long ago at most: whoever went before us and died
/// is succeeded sooner. Ending them once more would do no harm.
const ENDED_FOR_MAX: SignedDuration = SignedDuration::from_hours(1);

/// "user resource type".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    user_principal_name: Option<String>,
    account_enabled: Option<bool>,
    user_type: Option<String>,
    on_premises_sync_enabled: Option<bool>,
    sign_in_sessions_valid_from_date_time: Option<String>,
}

impl User {
    fn is_enabled(&self) -> bool {
        self.account_enabled != Some(false)
    }

    fn is_guest(&self) -> bool {
        self.user_type.as_deref() == Some("Guest")
    }

    fn is_synced(&self) -> bool {
        self.on_premises_sync_enabled == Some(true)
    }

    /// People see the plan by this name, so it says what they have to know beside it.
    fn label(&self) -> String {
        let name = self.user_principal_name.as_deref().unwrap_or(&self.id);
        match self.is_synced() {
            true => format!("{name} (synchronised: the directory on premises may put it back)"),
            false => name.into(),
        }
    }

    /// With its id, because a principal name may pass to another account.
    fn image(&self) -> Image {
        let enabled = self.is_enabled().to_string();
        Image::default()
            .with(ID, self.id.as_str())
            .with(ENABLED, enabled)
    }

    fn sessions(&self, now: Timestamp) -> &'static str {
        let from = self.sign_in_sessions_valid_from_date_time.as_deref();
        let is_recent = from
            .and_then(moment_of)
            .is_some_and(|from| now.duration_since(from) <= ENDED_FOR_MAX);
        match is_recent && !self.is_enabled() {
            true => ENDED,
            false => OPEN,
        }
    }
}

const SELECT: &str = "id,userPrincipalName,accountEnabled,userType,onPremisesSyncEnabled,\
    signInSessionsValidFromDateTime";

async fn user(session: &Session, name: &str) -> Result<Option<User>, ConnectorError> {
    let path = format!("/v1.0/users/{}?$select={SELECT}", segment(name)?);
    read(session, &path).await
}

/// Whether there is such a user who can sign in.
pub(super) async fn is_active(session: &Session, id: &str) -> Result<bool, ConnectorError> {
    Ok(user(session, id)
        .await?
        .is_some_and(|user| user.is_enabled()))
}

pub(super) async fn see(
    session: &Session,
    order: Order<'_>,
) -> Result<Option<Seen>, ConnectorError> {
    let Some(user) = user(session, &order.target.id).await? else {
        return Ok(None);
    };
    let mut seen = match order.kind {
        ActionKind::SuspendUser => suspended(&user, session.now()),
        ActionKind::RestoreUser => Seen {
            goal: user.image().with(ENABLED, "true"),
            ..shown(&user)
        },
        kind => hidden(kind, &user),
    };
    let takes_the_way_in = order.kind == ActionKind::SuspendUser && user.is_enabled();
    if takes_the_way_in && holdings::is_last_admin(session, &user.id).await? {
        seen.obstacle = Some(holdings::last_admin());
    }
    Ok(Some(seen))
}

fn shown(user: &User) -> Seen {
    Seen {
        label: user.label(),
        image: user.image(),
        goal: user.image(),
        obstacle: None,
        undo: Undo::Possible,
    }
}

/// Who is disabled is suspended, whatever became of the sessions.
fn suspended(user: &User, now: Timestamp) -> Seen {
    // Guests sign in at home, where we end nothing ("user: revokeSignInSessions").
    let with_sessions = |image: Image, sessions: &str| match user.is_guest() {
        true => image,
        false => image.with(SIGNED_IN, sessions),
    };
    let image = with_sessions(user.image(), user.sessions(now));
    let goal = match user.is_enabled() {
        true => with_sessions(user.image().with(ENABLED, "false"), ENDED),
        false => image.clone(),
    };
    Seen {
        image,
        goal,
        ..shown(user)
    }
}

/// Actions whose outcome an account does not show.
fn hidden(kind: ActionKind, user: &User) -> Seen {
    let (name, from, to, why) = match kind {
        ActionKind::EndSessions => (SIGNED_IN, OPEN, ENDED, "ended sessions stay ended"),
        ActionKind::RequireNewPassword => (
            "password",
            "as it is",
            "to be changed at the next sign-in",
            "only the user can choose a new password",
        ),
        _ => (
            "risk",
            "as it is",
            "confirmed",
            "what policies did to a compromised user is not taken back",
        ),
    };
    let image = Image::default().with(ID, user.id.as_str());
    let is_elsewhere = kind != ActionKind::ConfirmCompromised && user.is_guest();
    let is_password = kind == ActionKind::RequireNewPassword;
    let obstacle = if is_elsewhere {
        Some(Cause::new(
            "mastered-elsewhere",
            "a guest signs in at home",
            "suspend the guest, or tell who runs the other directory",
        ))
    } else if is_password && user.is_synced() {
        Some(Cause::new(
            "mastered-elsewhere",
            "the directory on premises keeps this account's password",
            "let it expire there",
        ))
    } else {
        None
    };
    Seen {
        image: image.clone().with(name, from),
        goal: image.with(name, to),
        obstacle,
        undo: Undo::Never(why.into()),
        ..shown(user)
    }
}

pub(super) async fn bring(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    // By the id that was planned, whoever has the name now.
    let id = to.get(ID).unwrap_or(&order.target.id);
    match order.kind {
        ActionKind::EndSessions => end_sessions(session, id).await,
        ActionKind::RequireNewPassword => {
            let profile = json!({"passwordProfile": {"forceChangePasswordNextSignIn": true}});
            send(session, patch(id, PASSWORDS)?.with(profile)).await
        }
        ActionKind::ConfirmCompromised => confirm(session, id).await,
        _ => {
            if now.get(ENABLED) != to.get(ENABLED) {
                let is_enabled = to.get(ENABLED) == Some("true");
                let body = json!({ "accountEnabled": is_enabled });
                send(session, patch(id, ENABLE)?.with(body)).await?;
            }
            // Afterwards: who signs in between the two is thrown out as well.
            match to.get(SIGNED_IN) {
                Some(ENDED) => end_sessions(session, id).await,
                _ => Ok(()),
            }
        }
    }
}

fn patch<'a>(id: &str, rights: &'a [&'a str]) -> Result<Change<'a>, ConnectorError> {
    let path = format!("/v1.0/users/{}", segment(id)?);
    Ok(Change::of(Method::Patch, path, rights))
}

/// Takes refresh tokens and the cookies of browsers; access tokens that are out live on for about an hour.
async fn end_sessions(session: &Session, id: &str) -> Result<(), ConnectorError> {
    let path = format!("/v1.0/users/{}/revokeSignInSessions", segment(id)?);
    send(session, Change::of(Method::Post, path, SESSIONS)).await
}

/// "riskyUser: confirmCompromised".
async fn confirm(session: &Session, id: &str) -> Result<(), ConnectorError> {
    let path = "/v1.0/identityProtection/riskyUsers/confirmCompromised".to_string();
    let change = Change::of(Method::Post, path, RISK).spending(Bucket::Risk);
    send(session, change.with(json!({ "userIds": [id] }))).await
}
