//! What can be changed at Box: accounts, who sees files and folders, where they lie, and how they are classified.
//!
//! Sources: OpenAPI, "Update user", "Create jobs to terminate users session", "Update file", "Collaborations", "Trashed
//! files"; developer guides, "Classifications". Files are changed as their owners, with the etag of what was read.

mod accounts;
mod custody;
mod item;
mod labels;
mod link;
mod people;
mod quarantine;
mod sharing;
mod trash;

use std::ops::ControlFlow;

use async_trait::async_trait;
use casbah_connector::{
    ActionSpec, ConnectorError, Governance, Order, Parameter, Plan, Readback, Session, WayBack,
};
use casbah_http::{Answer, Call, CallError, Piece, Refusal, RefusalKind};
use casbah_model::action::{ActionKind, Effect, Image};
use casbah_model::app::Component;
use casbah_model::connection::Cause;
use serde::de::DeserializeOwned;

use crate::permissions::needs::{AS_USER, WRITE_CONTENT};
use crate::users::MANAGE_USERS;
use crate::wire::{ANSWER_BYTES_MAX, Acting, explain, get, lacks, marker_page};

pub(crate) struct Actions;

const ACTIONS: &[ActionSpec] = &[
    account(ActionKind::SuspendUser),
    account(ActionKind::RestoreUser),
    ActionSpec {
        way_back: WayBack::None("sessions that were ended cannot be begun by anybody but the user"),
        readback: Readback::Hidden("the admin events of the enterprise"),
        ..account(ActionKind::EndSessions)
    },
    ActionSpec {
        way_back: WayBack::None("only the user can choose a new password"),
        readback: Readback::Hidden("the user's settings in the Admin Console"),
        ..account(ActionKind::RequireNewPassword)
    },
    ActionSpec {
        way_back: WayBack::None(
            "Box does not tell what a co-admin may do, so it cannot be put back",
        ),
        ..account(ActionKind::RevokeRole)
    },
    ActionSpec {
        way_back: WayBack::None(link::NO_WAY_BACK),
        ..file(ActionKind::RemoveLink)
    },
    ActionSpec {
        parameters: &[Parameter {
            name: sharing::ACCESS,
            is_required: true,
            what: "company or collaborators, for whom the link is to be",
        }],
        ..file(ActionKind::NarrowLink)
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
            name: people::PERSON,
            is_required: true,
            what: "login or id of a user, address of an invitation, or id of a group",
        }],
        ..file(ActionKind::RemovePerson)
    },
    file(ActionKind::RemoveExternal),
    file(ActionKind::MakePrivate),
    file(ActionKind::Quarantine),
    file(ActionKind::AdminQuarantine),
    file(ActionKind::Trash),
    file(ActionKind::RestoreFile),
    ActionSpec {
        parameters: &[Parameter {
            name: labels::LABEL,
            is_required: true,
            what: "name of a classification of the enterprise",
        }],
        ..file(ActionKind::ApplyLabel)
    },
    file(ActionKind::RemoveLabel),
];

const fn account(kind: ActionKind) -> ActionSpec {
    ActionSpec {
        kind,
        component: Component::Users,
        any_of: &[MANAGE_USERS],
        target: "id of a user",
        parameters: &[],
        way_back: WayBack::Undo,
        readback: Readback::Shown,
    }
}

const fn file(kind: ActionKind) -> ActionSpec {
    ActionSpec {
        kind,
        component: Component::Files,
        any_of: &[WRITE_CONTENT],
        target: "OWNER/FILE, OWNER/folder:ID or OWNER/web_link:ID, by their ids",
        parameters: &[],
        way_back: WayBack::Undo,
        readback: Readback::Shown,
    }
}

/// What an action is about.
enum Area {
    Account,
    Sharing,
    Trash,
    Label,
}

fn area(kind: ActionKind) -> Area {
    match kind {
        ActionKind::SuspendUser
        | ActionKind::RestoreUser
        | ActionKind::EndSessions
        | ActionKind::RequireNewPassword
        | ActionKind::RevokeRole => Area::Account,
        ActionKind::Trash | ActionKind::RestoreFile => Area::Trash,
        ActionKind::ApplyLabel | ActionKind::RemoveLabel => Area::Label,
        _ => Area::Sharing,
    }
}

#[async_trait]
impl Governance for Actions {
    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }

    async fn plan(&self, session: &Session, order: Order<'_>) -> Result<Plan, ConnectorError> {
        match area(order.kind) {
            Area::Account => accounts::plan(session, order).await,
            Area::Sharing => sharing::plan(session, order).await,
            Area::Trash => trash::plan(session, order).await,
            Area::Label => labels::plan(session, order).await,
        }
    }

    async fn verify(
        &self,
        session: &Session,
        order: Order<'_>,
    ) -> Result<Option<Image>, ConnectorError> {
        match area(order.kind) {
            Area::Account => accounts::image(session, order).await,
            Area::Sharing => sharing::image(session, order).await,
            Area::Trash => trash::image(session, order).await,
            Area::Label => labels::image(session, order).await,
        }
    }

    async fn apply(
        &self,
        session: &Session,
        order: Order<'_>,
        now: &Image,
        to: &Image,
    ) -> Result<(), ConnectorError> {
        match area(order.kind) {
            Area::Account => accounts::apply(session, order, now, to).await,
            _ => self.undo(session, order, now, to).await,
        }
    }

    /// What an image has is put back as it is put there: an attempt brings the target to what it is to be.
    async fn undo(
        &self,
        session: &Session,
        order: Order<'_>,
        now: &Image,
        to: &Image,
    ) -> Result<(), ConnectorError> {
        match area(order.kind) {
            Area::Account => accounts::bring(session, order, now, to).await,
            Area::Sharing => sharing::bring(session, order, now, to).await,
            Area::Trash => trash::bring(session, order, to).await,
            Area::Label => labels::bring(session, order, now, to).await,
        }
    }
}

fn declined(code: &str, what: impl Into<String>, fix: impl Into<String>) -> ConnectorError {
    ConnectorError::Declined {
        cause: Cause::new(code, what, fix),
    }
}

fn refused(code: &str, what: impl Into<String>, fix: impl Into<String>) -> Effect {
    Effect::Refused(Cause::new(code, what, fix))
}

/// What was asked for, or why it is not there: the code of a 404.
enum Found<T> {
    There(T),
    Not(String),
}

async fn read<T: DeserializeOwned>(
    session: &Session,
    path: &str,
    acting: Acting<'_>,
) -> Result<Found<T>, ConnectorError> {
    let call = get(session, path, acting)?;
    match session.send(&call).await {
        Ok(answer) => Ok(Found::There(answer.json(ANSWER_BYTES_MAX).await?)),
        Err(CallError::Refused { refusal, .. })
            if matches!(refusal.kind, RefusalKind::NotFound | RefusalKind::Gone) =>
        {
            Ok(Found::Not(refusal.code))
        }
        Err(error) => {
            let (scope, what) = match acting {
                Acting::Ourselves => (MANAGE_USERS, "read the target of an action"),
                Acting::User(_) => (AS_USER, "act as the owner of this file"),
            };
            Err(explain(scope, what, error))
        }
    }
}

/// Pages of a list that an action looks through, of a thousand entries each, as in a sweep.
const PAGES_MAX: usize = 50;

/// Hands the entries of a list to `take`, until that has enough.
async fn each<T: DeserializeOwned>(
    session: &Session,
    path: &str,
    acting: Acting<'_>,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) -> Result<(), ConnectorError> {
    let mut marker: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut page = marker_page(session, path, marker.as_deref(), acting).await?;
        while let Some(piece) = page.records.next().await? {
            let Piece::Record(raw) = piece else { continue };
            let entry = serde_json::from_slice(raw);
            let entry = entry.map_err(|error| ConnectorError::Unreadable {
                source: error.into(),
            })?;
            if take(entry).is_break() {
                return Ok(());
            }
        }
        marker = page.next_marker(marker.as_deref())?;
        if marker.is_none() {
            return Ok(());
        }
    }
    let what = format!("a list that an action looks through has more than {PAGES_MAX} pages");
    Err(ConnectorError::BadLink { what })
}

/// Sends a change once.
async fn send(session: &Session, call: &Call, scope: &str) -> Result<Answer, ConnectorError> {
    match session.write(call).await {
        Ok(answer) => Ok(answer),
        Err(CallError::Refused { host, refusal }) => match refusal.kind {
            RefusalKind::Unauthorized => Err(CallError::Refused { host, refusal }.into()),
            RefusalKind::NotFound | RefusalKind::Gone => {
                Err(ConnectorError::Gone { code: refusal.code })
            }
            _ => Err(meaning(&refusal, scope)),
        },
        Err(error) => Err(error.into()),
    }
}

/// What a refusal of a change says of its object, and what to do.
fn meaning(refusal: &Refusal, scope: &str) -> ConnectorError {
    match refusal.code.as_str() {
        "access_denied_item_locked" => ConnectorError::Locked {
            cause: Cause::new(
                "locked",
                "somebody has locked the file",
                "it is tried again for some hours; or unlock it at Box",
            ),
        },
        "insufficient_scope" => ConnectorError::Forbidden {
            cause: lacks(scope, "make this change", &refusal.code),
        },
        "forbidden_by_policy" => declined(
            "policy",
            "a policy of the enterprise forbids it",
            "look at the policies for content and sharing in the Admin Console",
        ),
        "item_name_in_use" => declined(
            "name-in-use",
            "something of the same name lies where it would go",
            "rename one of the two at Box, and plan it again",
        ),
        "precondition_failed" | "tuple_already_exists" | "conflict" => declined(
            "changed",
            "somebody changed it at the same moment",
            "plan again to see what would be done now",
        ),
        code if refusal.kind == RefusalKind::Forbidden => declined(
            "permission",
            format!("Box does not let its owner do it ({code})"),
            format!(
                "a retention policy or legal hold may keep it, or the app lacks {scope} or the right to act as users"
            ),
        ),
        code => declined(
            "declined",
            format!("Box refused it ({code}): {}", refusal.message),
            "look at it at Box",
        ),
    }
}

#[cfg(test)]
mod tests;
