//! What can be changed at Microsoft 365: accounts, who is in a group or holds a role, and what applications may do.
//!
//! Each file of this folder says how a target is and is to be, and brings it from one to the other; this one lists the
//! actions, and reads and writes for all of them. Sources: Microsoft Graph documentation, pages of the resources.

mod accounts;
mod apps;
mod holdings;

use async_trait::async_trait;
use casbah_connector::{
    ActionSpec, ConnectorError, Governance, Order, Plan, Readback, Session, WayBack, spec,
};
use casbah_http::{Call, CallError, RefusalKind};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::app::Component;
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, GRAPH, Links, lacks, onward, urgent};

pub(crate) struct Actions;

const ENABLE: &[&str] = &["User.EnableDisableAccount.All"];
const SESSIONS: &[&str] = &["User.RevokeSessions.All"];
const PASSWORDS: &[&str] = &["User-PasswordProfile.ReadWrite.All"];
const RISK: &[&str] = &["IdentityRiskyUser.ReadWrite.All"];
const ROLES: &[&str] = &["RoleManagement.ReadWrite.Directory"];
const MEMBERS: &[&str] = &["GroupMember.ReadWrite.All"];
const GRANTS: &[&str] = &["DelegatedPermissionGrant.ReadWrite.All"];
const APP_ROLES: &[&str] = &["AppRoleAssignment.ReadWrite.All"];
const APPS: &[&str] = &["Application.ReadWrite.All"];

const ACTIONS: &[ActionSpec] = &[
    account(ActionKind::SuspendUser, ENABLE),
    account(ActionKind::RestoreUser, ENABLE),
    ActionSpec {
        way_back: WayBack::None("sessions that were ended cannot be begun by anybody but the user"),
        readback: Readback::Hidden(
            "\"Update StsRefreshTokenValidFrom Timestamp.\" in the audit log",
        ),
        ..account(ActionKind::EndSessions, SESSIONS)
    },
    ActionSpec {
        way_back: WayBack::None("only the user can choose a new password"),
        readback: Readback::Hidden("\"Update user.\" in the audit log"),
        ..account(ActionKind::RequireNewPassword, PASSWORDS)
    },
    ActionSpec {
        way_back: WayBack::None("what policies did to a compromised user is not taken back"),
        readback: Readback::Hidden("the report of risky users"),
        ..account(ActionKind::ConfirmCompromised, RISK)
    },
    ActionSpec {
        target: "USER/ROLE, by the ids of the user and of the role's definition",
        ..account(ActionKind::RevokeRole, ROLES)
    },
    ActionSpec {
        target: "GROUP/USER, by their ids",
        ..account(ActionKind::RemoveFromGroup, MEMBERS)
    },
    ActionSpec {
        target: "id of a delegated grant",
        way_back: WayBack::None("only who consented can consent again"),
        ..application(ActionKind::RevokeUserGrant, GRANTS)
    },
    ActionSpec {
        target: "APPLICATION/ROLE, by the ids of the service principal and of the application role",
        ..application(ActionKind::RevokeAppRole, APP_ROLES)
    },
    ActionSpec {
        target: "id of a service principal",
        ..application(ActionKind::DisableApp, APPS)
    },
];

const fn account(kind: ActionKind, any_of: &'static [&'static str]) -> ActionSpec {
    ActionSpec {
        kind,
        component: Component::Users,
        any_of,
        target: "id or principal name of a user",
        parameters: &[],
        way_back: WayBack::Undo,
        readback: Readback::Shown,
    }
}

const fn application(kind: ActionKind, any_of: &'static [&'static str]) -> ActionSpec {
    ActionSpec {
        component: Component::AppPermissions,
        ..account(kind, any_of)
    }
}

/// What was found at a target, and what the action would make of it.
struct Seen {
    label: String,
    image: Image,
    goal: Image,
    obstacle: Option<Cause>,
    undo: Undo,
}

#[async_trait]
impl Governance for Actions {
    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }

    async fn plan(&self, session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
        let Some(seen) = see(session, order).await? else {
            let cause = Cause::new("gone", "there is nothing of this id", "name it by its id");
            return Ok(Plan {
                label: order.target.to_string(),
                effect: Effect::Refused(cause),
            });
        };
        let effect = match seen.obstacle {
            _ if seen.image == seen.goal => Effect::Nothing,
            Some(cause) => Effect::Refused(cause),
            None => Effect::Change {
                before: seen.image,
                after: seen.goal,
                undo: seen.undo,
            },
        };
        let label = seen.label;
        Ok(Plan { label, effect })
    }

    async fn verify(
        &self,
        session: &Session,
        order: Order<'_>,
    ) -> Result<Option<Image>, ConnectorError> {
        Ok(see(session, order).await?.map(|seen| seen.image))
    }

    async fn apply(
        &self,
        session: &Session,
        order: Order<'_>,
        now: &Image,
        to: &Image,
    ) -> Result<(), ConnectorError> {
        bring(session, order, now, to).await
    }

    async fn undo(
        &self,
        session: &Session,
        order: Order<'_>,
        now: &Image,
        to: &Image,
    ) -> Result<(), ConnectorError> {
        match spec(self, order.kind).map(|spec| spec.way_back) {
            Some(WayBack::Undo) => bring(session, order, now, to).await,
            Some(WayBack::None(_)) | None => Err(unknown(order.kind)),
        }
    }
}

async fn see(session: &Session, order: Order<'_>) -> Result<Option<Seen>, ConnectorError> {
    match order.kind {
        ActionKind::SuspendUser
        | ActionKind::RestoreUser
        | ActionKind::EndSessions
        | ActionKind::RequireNewPassword
        | ActionKind::ConfirmCompromised => accounts::see(session, order).await,
        ActionKind::RevokeRole => holdings::roles(session, order).await,
        ActionKind::RemoveFromGroup => holdings::membership(session, order).await,
        ActionKind::RevokeUserGrant => apps::grant(session, order).await,
        ActionKind::RevokeAppRole => apps::roles(session, order).await,
        ActionKind::DisableApp => apps::app(session, order).await,
        kind => Err(unknown(kind)),
    }
}

/// Makes what differs between two images as it is in the second.
async fn bring(
    session: &Session,
    order: Order<'_>,
    now: &Image,
    to: &Image,
) -> Result<(), ConnectorError> {
    match order.kind {
        ActionKind::SuspendUser
        | ActionKind::RestoreUser
        | ActionKind::EndSessions
        | ActionKind::RequireNewPassword
        | ActionKind::ConfirmCompromised => accounts::bring(session, order, now, to).await,
        ActionKind::RevokeRole => holdings::bring_roles(session, order, now, to).await,
        ActionKind::RemoveFromGroup => holdings::bring_membership(session, order, now, to).await,
        ActionKind::RevokeUserGrant => apps::end_grant(session, order).await,
        ActionKind::RevokeAppRole => apps::bring_roles(session, order, now, to).await,
        ActionKind::DisableApp => apps::bring_app(session, to).await,
        kind => Err(unknown(kind)),
    }
}

fn unknown(kind: ActionKind) -> ConnectorError {
    declined(
        "no-way-back",
        format!("{kind} cannot be done this way"),
        "nothing was changed",
    )
}

/// What the target is in; every target of some actions has that.
fn within<'a>(order: &Order<'a>, what: &str) -> Result<&'a str, ConnectorError> {
    order.target.within.as_deref().ok_or_else(|| {
        declined(
            "target",
            format!("\"{}\" does not say {what}", order.target),
            "write it in front, with a slash between them",
        )
    })
}

fn declined(code: &str, what: impl Into<String>, fix: impl Into<String>) -> ConnectorError {
    ConnectorError::Declined {
        cause: Cause::new(code, what, fix),
    }
}

fn reading(session: &Session, path: &str) -> Result<Call, ConnectorError> {
    let address = session.address(GRAPH, path)?;
    Ok(urgent(Method::Get, address, Bucket::Directory, "probe"))
}

/// Reads one object; `None` where there is none.
async fn read<T: DeserializeOwned>(
    session: &Session,
    path: &str,
) -> Result<Option<T>, ConnectorError> {
    answered(session, &reading(session, path)?).await
}

async fn answered<T: DeserializeOwned>(
    session: &Session,
    call: &Call,
) -> Result<Option<T>, ConnectorError> {
    match session.send(call).await {
        Ok(answer) => Ok(Some(answer.json(ANSWER_BYTES_MAX).await?)),
        Err(CallError::Refused { refusal, .. }) => match refusal.kind {
            RefusalKind::NotFound => Ok(None),
            RefusalKind::Forbidden => Err(ConnectorError::Forbidden {
                cause: lacks(&["Directory.Read.All"], "read the target of an action"),
            }),
            _ => Err(refused(&refusal, call)),
        },
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(flatten)]
    links: Links,
}

/// Pages of one list; a target with more is no person's, application's or file's.
const PAGES_MAX: usize = 50;

/// Reads a whole list; `None` where there is none.
async fn read_all<T: DeserializeOwned>(
    session: &Session,
    path: &str,
) -> Result<Option<Vec<T>>, ConnectorError> {
    let mut call = reading(session, path)?;
    let mut all = Vec::new();
    for _ in 0..PAGES_MAX {
        let Some(page) = answered::<Page<T>>(session, &call).await? else {
            return Ok(None);
        };
        all.extend(page.value);
        let Some(next) = page.links.next else {
            return Ok(Some(all));
        };
        let next = onward(session, GRAPH, &call.address, next)?;
        call.address = session.follow(GRAPH, &next)?;
    }
    Err(ConnectorError::BadLink {
        what: format!("a list has more than {PAGES_MAX} pages"),
    })
}

/// A change of something.
struct Change<'a> {
    method: Method,
    path: String,
    body: Option<Value>,
    bucket: Bucket,
    rights: &'a [&'a str],
}

impl<'a> Change<'a> {
    fn of(method: Method, path: String, rights: &'a [&'a str]) -> Change<'a> {
        Change {
            method,
            path,
            body: None,
            bucket: Bucket::DirectoryWrites,
            rights,
        }
    }

    fn with(self, body: Value) -> Change<'a> {
        Change {
            body: Some(body),
            ..self
        }
    }
}

/// Sends a change once.
async fn send(session: &Session, change: Change<'_>) -> Result<(), ConnectorError> {
    let address = session.address(GRAPH, &change.path)?;
    let mut call = urgent(change.method, address, change.bucket, "write");
    match &change.body {
        Some(body) => {
            call.headers.add("Content-Type", "application/json");
            call.body = Bytes::from(body.to_string());
        }
        None if change.method == Method::Post => call.headers.add("Content-Length", "0"),
        None => {}
    }
    match session.write(&call).await {
        Ok(_) => Ok(()),
        Err(CallError::Refused { refusal, .. }) => Err(match refusal.kind {
            RefusalKind::Forbidden => ConnectorError::Forbidden {
                cause: forbidden(&refusal, &change),
            },
            _ => refused(&refusal, &call),
        }),
        Err(error) => Err(error.into()),
    }
}

const ABOVE: &str = "an account that holds an admin role can be changed only by an application that holds a role itself";

/// A missing right and a target above us are refused with the same words.
fn forbidden(refusal: &casbah_http::Refusal, change: &Change<'_>) -> Cause {
    let what = format!(
        "Microsoft 365 does not let Casbah make this change ({})",
        refusal.code
    );
    let right = change.rights.join(" or ");
    let fix = format!("grant the application permission {right} and run `casbah test`; {ABOVE}");
    Cause::new("permission", what, fix)
}

/// The target is locked, or was changed while we looked (Microsoft Graph documentation, "Error responses").
const HELD: [u16; 2] = [412, 423];

/// What a refusal says of the target.
fn refused(refusal: &casbah_http::Refusal, call: &Call) -> ConnectorError {
    let words = format!("({}): {}", refusal.code, refusal.message);
    match refusal.kind {
        RefusalKind::Unauthorized => CallError::Refused {
            host: call.address.host().into(),
            refusal: Box::new(refusal.clone()),
        }
        .into(),
        RefusalKind::NotFound | RefusalKind::Gone => ConnectorError::Gone {
            code: refusal.code.clone(),
        },
        _ if HELD.contains(&refusal.status) => ConnectorError::Locked {
            cause: Cause::new(
                "locked",
                format!("somebody is working on it {words}"),
                "it is tried again; close it where it is open",
            ),
        },
        _ => declined(
            "declined",
            format!("Microsoft 365 refused it {words}"),
            "look at it in Microsoft's admin center: another directory may master it",
        ),
    }
}

#[cfg(test)]
mod tests;
