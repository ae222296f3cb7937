//! What can be changed at Microsoft 365: accounts, who is in a group or holds a role, what applications may do, and who sees
//! files and where they lie.
//!
//! Each file of this folder says how a target is and is to be, and brings it from one to the other; this one lists the
//! actions, and reads and writes for all of them. Sources: Microsoft Graph documentation, pages of the resources.

mod accounts;
mod apps;
mod calls;
mod custody;
mod grants;
mod holdings;
mod item;
mod labels;
mod quarantine;
mod sharing;
mod trash;

use async_trait::async_trait;
use casbah_connector::{
    ActionSpec, ConnectorError, Governance, Order, Parameter, Plan, Readback, Session, WayBack,
    spec,
};
use casbah_model::action::{ActionKind, Effect, Image, Undo};
use casbah_model::app::Component;
use casbah_model::connection::Cause;

use calls::{Change, answer_to, answered, following, read, read_all, reading, send};

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
const FILES: &[&str] = &["Files.ReadWrite.All", "Sites.ReadWrite.All"];

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
    ActionSpec {
        way_back: WayBack::None(grants::NO_WAY_BACK),
        ..file(ActionKind::RemoveLink)
    },
    ActionSpec {
        parameters: &[Parameter {
            name: sharing::AT,
            is_required: true,
            what: "when the link is to end, such as 2026-12-24T18:00:00Z",
        }],
        ..file(ActionKind::ExpireLink)
    },
    ActionSpec {
        parameters: &[Parameter {
            name: sharing::PERSON,
            is_required: true,
            what: "address or id of a user, address of an invitation, or id of a group",
        }],
        ..file(ActionKind::RemovePerson)
    },
    file(ActionKind::RemoveExternal),
    file(ActionKind::MakePrivate),
    file(ActionKind::InheritSharing),
    file(ActionKind::Quarantine),
    ActionSpec {
        target: "DRIVE/ITEM of a file, by their ids",
        parameters: &[Parameter {
            name: custody::TO,
            is_required: true,
            what: "DRIVE/FOLDER that administrators keep it in, by their ids",
        }],
        readback: Readback::Steps,
        ..file(ActionKind::AdminQuarantine)
    },
    ActionSpec {
        way_back: WayBack::None(trash::NO_WAY_BACK),
        ..file(ActionKind::Trash)
    },
    ActionSpec {
        parameters: &[Parameter {
            name: labels::LABEL,
            is_required: true,
            what: "name or id of a sensitivity label",
        }],
        readback: Readback::Late,
        ..file(ActionKind::ApplyLabel)
    },
    ActionSpec {
        readback: Readback::Late,
        ..file(ActionKind::RemoveLabel)
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

const fn file(kind: ActionKind) -> ActionSpec {
    ActionSpec {
        component: Component::Files,
        target: "DRIVE/ITEM, by their ids",
        ..account(kind, FILES)
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
        match order.kind {
            // Which labels there are, and whether the folder will do, has been read for the plan.
            ActionKind::ApplyLabel | ActionKind::RemoveLabel => {
                labels::verify(session, order).await
            }
            ActionKind::AdminQuarantine => custody::verify(session, order).await,
            _ => Ok(see(session, order).await?.map(|seen| seen.image)),
        }
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
        ActionKind::RemoveLink
        | ActionKind::ExpireLink
        | ActionKind::RemovePerson
        | ActionKind::RemoveExternal
        | ActionKind::MakePrivate
        | ActionKind::InheritSharing
        | ActionKind::Quarantine => sharing::see(session, order).await,
        ActionKind::AdminQuarantine => custody::see(session, order).await,
        ActionKind::Trash => trash::see(session, order).await,
        ActionKind::ApplyLabel | ActionKind::RemoveLabel => labels::see(session, order).await,
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
        ActionKind::RemoveLink
        | ActionKind::ExpireLink
        | ActionKind::RemovePerson
        | ActionKind::RemoveExternal
        | ActionKind::MakePrivate
        | ActionKind::InheritSharing
        | ActionKind::Quarantine => sharing::bring(session, order, now, to).await,
        ActionKind::AdminQuarantine => custody::bring(session, order, now, to).await,
        ActionKind::Trash => trash::bring(session, order).await,
        ActionKind::ApplyLabel | ActionKind::RemoveLabel => labels::bring(session, order, to).await,
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

#[cfg(test)]
mod tests;
