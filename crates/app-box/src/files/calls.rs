//! Calls on behalf of a user, and what their answers and refusals have in common.

use casbah_connector::{ConnectorError, Session, segment};
use casbah_http::{Call, CallError, Records, Refusal, RefusalKind};
use casbah_model::connection::{Cause, INACTIVE_OWNER};
use casbah_model::file::Root;
use casbah_model::ports::BoxError;
use serde_json::value::RawValue;

use super::fields::Fields;
use super::roots::is_ours;
use super::walk::PAGE_MAX;
use crate::wire::{ANSWER_BYTES_MAX, Acting, get, lacks};

/// Fields that mean something (OpenAPI, "File" and "Folder"); they replace the standard ones. The path of an
/// item is left out: the walk knows it, and it would be most of the answer.
pub(super) const FIELDS: &str = "id,type,name,size,sha1,etag,sequence_id,file_version,extension,parent,owned_by,\
    created_by,modified_by,created_at,modified_at,content_modified_at,trashed_at,item_status,shared_link,\
    has_collaborations,is_externally_owned,permissions,classification,lock,allowed_invitee_roles,tags,\
    is_collaboration_restricted_to_enterprise,allowed_shared_link_access_levels,\
    can_non_owners_view_collaborators,folder_upload_email";

/// Markers are opaque; longer ones than this would not be accepted back.
const MARKER_BYTES_MAX: usize = 1 << 10;

/// A reading call on behalf of the user whose tree it is, which spends that user's limit.
pub(super) fn as_user(session: &Session, root: &Root, path: &str) -> Result<Call, ConnectorError> {
    let acting = match is_ours(root) {
        true => Acting::Ourselves,
        false => Acting::User(root.id.as_str()),
    };
    get(session, path, acting)
}

/// A page of items, by marker because offsets end at 10,000 (OpenAPI, "List items in folder").
pub(super) fn list(
    session: &Session,
    root: &Root,
    path: &str,
    marker: Option<&str>,
) -> Result<Call, ConnectorError> {
    let behind = behind(marker)?;
    let path = format!("{path}?usemarker=true&limit={PAGE_MAX}{behind}&fields={FIELDS}");
    as_user(session, root, &path)
}

/// The part of a query that says behind what.
pub(super) fn behind(marker: Option<&str>) -> Result<String, ConnectorError> {
    match marker {
        Some(marker) => Ok(format!("&marker={}", segment(marker, b"")?)),
        None => Ok(String::new()),
    }
}

/// What was around the records of an answer; one without a list is no end of anything.
pub(super) fn envelope_of(records: &Records) -> Result<&[u8], ConnectorError> {
    let envelope = records.envelope();
    let fields = Fields::read(envelope).map_err(not_documented)?;
    match fields.raw("entries") {
        Some(list) if list.get().starts_with('[') => Ok(envelope),
        _ => Err(not_documented("an answer without entries")),
    }
}

/// Where the next page begins; the last has a marker that is null, empty or absent.
pub(super) fn marker_of(envelope: &[u8]) -> Result<Option<String>, ConnectorError> {
    let fields = Fields::read(envelope).map_err(not_documented)?;
    let Some(raw) = fields.raw("next_marker") else {
        return Ok(None);
    };
    let marker: String = serde_json::from_str(raw.get()).map_err(not_documented)?;
    if marker.len() > MARKER_BYTES_MAX {
        let what = format!("a marker has more than {MARKER_BYTES_MAX} bytes");
        return Err(ConnectorError::BadLink { what });
    }
    Ok(Some(marker).filter(|marker| !marker.is_empty()))
}

/// Makes sure that the user is there and may be read; an error says what is wrong with them.
///
/// Box hides what may not be seen as 404, and how it refuses to act as somebody who is inactive or was deleted is not
/// documented: so it is the user's own record that tells.
pub(super) async fn standing(session: &Session, root: &Root) -> Result<(), ConnectorError> {
    let id = segment(root.id.as_str(), b"")?;
    let call = get(
        session,
        &format!("/users/{id}?fields=id,status"),
        Acting::Ourselves,
    )?;
    let raw: Box<RawValue> = match session.send(&call).await {
        Ok(answer) => answer.json(ANSWER_BYTES_MAX).await?,
        Err(CallError::Refused { refusal, .. })
            if matches!(refusal.kind, RefusalKind::NotFound | RefusalKind::Gone) =>
        {
            return Err(ConnectorError::Gone {
                code: refusal.code.clone(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let user = Fields::read(raw.get().as_bytes()).map_err(not_documented)?;
    if user.text("status").as_deref() == Some("inactive") {
        let what = "the user is inactive, and Box does not let anybody read what they have";
        let fix = "activate the user or transfer the content to somebody else; it is tried again with each sweep";
        return Err(ConnectorError::Forbidden {
            cause: Cause::new(INACTIVE_OWNER, what, fix),
        });
    }
    Ok(())
}

/// The reading of a refusal of a tree whose user is there and active.
pub(super) fn closed(error: CallError) -> ConnectorError {
    match &error {
        CallError::Refused { refusal, .. }
            if is_hidden(refusal) || refusal.kind == RefusalKind::Unauthorized =>
        {
            ConnectorError::Forbidden {
                cause: lacks(
                    "root_readonly and the right to make calls as users",
                    "read the files of this user",
                    &refusal.code,
                ),
            }
        }
        _ => error.into(),
    }
}

/// Whether one item is gone or not for us to see, which says nothing about the others.
pub(super) fn is_hidden(refusal: &Refusal) -> bool {
    matches!(
        refusal.kind,
        RefusalKind::NotFound | RefusalKind::Forbidden | RefusalKind::Gone
    )
}

/// A record that says why there is no other.
pub(super) fn unreadable(refusal: &Refusal) -> Result<Box<RawValue>, ConnectorError> {
    let code = match refusal.code.as_str() {
        "" => refusal.status.to_string(),
        code => code.into(),
    };
    let raw = serde_json::value::to_raw_value(&serde_json::json!({ "error": { "code": code } }));
    raw.map_err(|error| ConnectorError::Unexpected {
        source: error.into(),
    })
}

pub(super) fn not_documented(error: impl Into<BoxError>) -> ConnectorError {
    ConnectorError::Unreadable {
        source: error.into(),
    }
}
