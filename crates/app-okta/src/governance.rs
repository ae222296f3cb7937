//! What can be changed at Okta: accounts, who is in a group or holds a role, and what users let applications do.
//!
//! Sources: Users API, "Lifecycle operations", "User sessions" and "User grants"; Groups API; Role assignments API.

mod accounts;
mod holdings;

use async_trait::async_trait;
use casbah_connector::{
    ActionSpec, ConnectorError, Governance, Order, Plan, Readback, Session, WayBack,
};
use casbah_http::{Answer, Call, CallError, RefusalKind};
use casbah_model::action::{ActionKind, Image};
use casbah_model::app::Component;
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Method};
use serde::de::DeserializeOwned;

use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, ORG, change, explain, get, lacks, next, segment};

pub(crate) struct Actions;

const USERS: &[&str] = &["okta.users.manage"];
const GROUPS: &[&str] = &["okta.groups.manage"];
const ROLES: &[&str] = &["okta.roles.manage"];
const GRANTS: &[&str] = &["okta.appGrants.manage"];

const USER: &str = "id or login of a user";

/// Of what one user holds, at 200 entries each. A circle of links ends here, too.
const PAGES_MAX: usize = 50;

const ACTIONS: &[ActionSpec] = &[
    account(ActionKind::SuspendUser),
    account(ActionKind::RestoreUser),
    ActionSpec {
        way_back: WayBack::None("what the account had in applications is taken away for good"),
        ..account(ActionKind::DeactivateUser)
    },
    ActionSpec {
        way_back: WayBack::None("sessions that were ended cannot be begun by anybody but the user"),
        readback: Readback::Hidden("user.session.clear in the System Log"),
        ..account(ActionKind::EndSessions)
    },
    ActionSpec {
        way_back: WayBack::None("only the user can choose a new password"),
        ..account(ActionKind::RequireNewPassword)
    },
    ActionSpec {
        any_of: ROLES,
        target: "USER/ROLE, with the type of a standard role or the id of the assignment",
        ..account(ActionKind::RevokeRole)
    },
    ActionSpec {
        any_of: GROUPS,
        target: "GROUP/USER, by their ids",
        ..account(ActionKind::RemoveFromGroup)
    },
    ActionSpec {
        component: Component::AppPermissions,
        any_of: GRANTS,
        target: "USER/GRANT, by their ids",
        way_back: WayBack::None("only the user can consent again"),
        ..account(ActionKind::RevokeUserGrant)
    },
];

const fn account(kind: ActionKind) -> ActionSpec {
    ActionSpec {
        kind,
        component: Component::Users,
        any_of: USERS,
        target: USER,
        parameters: &[],
        way_back: WayBack::Undo,
        readback: Readback::Shown,
    }
}

/// What an account holds is there or not; else an action is about the account itself.
fn is_holding(kind: ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::RevokeRole | ActionKind::RemoveFromGroup | ActionKind::RevokeUserGrant
    )
}

#[async_trait]
impl Governance for Actions {
    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }

    async fn plan(&self, session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
        match is_holding(order.kind) {
            true => holdings::plan(session, order).await,
            false => accounts::plan(session, order).await,
        }
    }

    async fn verify(
        &self,
        session: &Session,
        order: Order<'_>,
    ) -> Result<Option<Image>, ConnectorError> {
        match is_holding(order.kind) {
            true => holdings::image(session, order).await,
            false => accounts::image(session, order).await,
        }
    }

    async fn apply(
        &self,
        session: &Session,
        order: Order<'_>,
        _now: &Image,
        _to: &Image,
    ) -> Result<(), ConnectorError> {
        match is_holding(order.kind) {
            true => holdings::remove(session, order).await,
            false => accounts::apply(session, order).await,
        }
    }

    async fn undo(
        &self,
        session: &Session,
        order: Order<'_>,
        _now: &Image,
        _to: &Image,
    ) -> Result<(), ConnectorError> {
        match is_holding(order.kind) {
            true => holdings::put_back(session, order).await,
            false => accounts::undo(session, order).await,
        }
    }
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

/// Nothing can be put back: said before anything is sent, wherever somebody asks for it all the same.
fn no_way_back(kind: ActionKind) -> ConnectorError {
    declined(
        "no-way-back",
        format!("{kind} cannot be undone"),
        "nothing can be put back",
    )
}

fn declined(code: &str, what: impl Into<String>, fix: impl Into<String>) -> ConnectorError {
    ConnectorError::Declined {
        cause: Cause::new(code, what, fix),
    }
}

/// Reads one object; `None` where there is none.
async fn read<T: DeserializeOwned>(
    session: &Session,
    path: &str,
    bucket: Bucket,
) -> Result<Option<T>, ConnectorError> {
    let call = get(session.address(ORG, path)?, bucket);
    match answered(session, &call).await? {
        Some(answer) => Ok(Some(answer.json(ANSWER_BYTES_MAX).await?)),
        None => Ok(None),
    }
}

/// Reads a list to its end; `None` where there is none. What is on its last page is there all the same.
async fn read_all<T: DeserializeOwned>(
    session: &Session,
    path: &str,
    bucket: Bucket,
) -> Result<Option<Vec<T>>, ConnectorError> {
    let mut call = get(session.address(ORG, path)?, bucket);
    let mut all = Vec::new();
    for _ in 0..PAGES_MAX {
        let Some(answer) = answered(session, &call).await? else {
            return Ok(None);
        };
        let onward = next(session, &call.address, &answer.headers)?;
        let page: Vec<T> = answer.json(ANSWER_BYTES_MAX).await?;
        all.extend(page);
        let Some(onward) = onward else {
            return Ok(Some(all));
        };
        call.address = session.follow(ORG, &onward)?;
    }
    Err(ConnectorError::BadLink {
        what: format!("a list has more than {PAGES_MAX} pages"),
    })
}

async fn answered(session: &Session, call: &Call) -> Result<Option<Answer>, ConnectorError> {
    match session.send(call).await {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::Refused { refusal, .. }) if refusal.kind == RefusalKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(explain(
            &["okta.users.read"],
            "read the target of an action",
            error,
        )),
    }
}

/// Sends a change once.
async fn send(session: &Session, call: &Call, scopes: &[&str]) -> Result<(), ConnectorError> {
    match session.write(call).await {
        Ok(_) => Ok(()),
        Err(CallError::Refused { refusal, .. }) => Err(match refusal.kind {
            RefusalKind::Forbidden => ConnectorError::Forbidden {
                cause: lacks(scopes, "make this change"),
            },
            RefusalKind::Unauthorized => CallError::Refused {
                host: call.address.host().into(),
                refusal,
            }
            .into(),
            _ => declined(
                "declined",
                format!("Okta refused it ({}): {}", refusal.code, refusal.message),
                "look at the account in Okta's console: another directory may master it",
            ),
        }),
        Err(error) => Err(error.into()),
    }
}

fn write(
    session: &Session,
    method: Method,
    path: &str,
    bucket: Bucket,
) -> Result<Call, ConnectorError> {
    Ok(change(
        method,
        session.address(ORG, path)?,
        bucket,
        Bytes::new(),
    ))
}

fn user_path(user: &str) -> Result<String, ConnectorError> {
    Ok(format!("/api/v1/users/{}", segment(user)?))
}

#[cfg(test)]
mod tests;
