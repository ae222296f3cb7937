//! Where files live: in the tree of each managed user.
//!
//! Users of apps are managed users as well; one that stores nothing has no tree worth a call. Inactive users are asked
//! for too, because some enterprises can still read what they have; where it is refused the sweep says so.

use casbah_connector::{ConnectorError, Session};
use casbah_http::{CallError, Piece, Records, RefusalKind};
use casbah_model::cursor::Cursor;
use casbah_model::file::{Root, Sharing};
use casbah_model::record::RecordId;
use serde_json::value::RawValue;

use super::calls::{behind, envelope_of, marker_of, not_documented};
use super::fields::Fields;
use crate::wire::{ANSWER_BYTES_MAX, Acting, explain, get, owner_address};

/// What the address of the tree of the service account begins with: it may not act as itself.
const OURS: &str = "box://self/";

/// Whether a root is read with the token alone, and not on behalf of its user.
pub(super) fn is_ours(root: &Root) -> bool {
    root.address.starts_with(OURS)
}

pub(super) async fn page(
    session: &Session,
    cursor: Option<&Cursor>,
    out: &mut Vec<Root>,
) -> Result<Option<Cursor>, ConnectorError> {
    let own = own_id(session).await?;
    let behind = behind(cursor.map(Cursor::as_str))?;
    let path = format!(
        "/users?user_type=managed&usemarker=true&limit=1000\
         &fields=id,status,is_platform_access_only,space_used{behind}"
    );
    let call = get(session, &path, Acting::Ourselves)?;
    let answer = session.send(&call).await.map_err(|error| match error {
        // A marker that died: the list begins anew.
        CallError::Refused { refusal, .. }
            if cursor.is_some() && refusal.kind == RefusalKind::Invalid =>
        {
            ConnectorError::PageExpired { code: refusal.code }
        }
        error => explain("manage_managed_users", "list users", error),
    })?;
    let mut records = Records::member(answer.body, "entries");
    while let Some(piece) = records.next().await? {
        let Piece::Record(raw) = piece else {
            return Err(not_documented("a user has megabytes"));
        };
        out.extend(root(raw, own)?);
    }
    let envelope = envelope_of(&records)?;
    Ok(marker_of(envelope)?.map(Cursor::new))
}

/// The id of the user whose token it is.
async fn own_id(session: &Session) -> Result<Option<u64>, ConnectorError> {
    let call = get(session, "/users/me?fields=id", Acting::Ourselves)?;
    let answer = session.send(&call).await?;
    let raw: Box<RawValue> = answer.json(ANSWER_BYTES_MAX).await?;
    let me = Fields::read(raw.get().as_bytes()).map_err(not_documented)?;
    Ok(me.id("id"))
}

fn root(raw: &[u8], own: Option<u64>) -> Result<Option<Root>, ConnectorError> {
    let user = Fields::read(raw).map_err(not_documented)?;
    let id = user
        .id("id")
        .ok_or_else(|| not_documented("a user has no id"))?;
    let is_app = user.flag("is_platform_access_only") == Some(true);
    if is_app && user.number("space_used") == Some(0) {
        return Ok(None);
    }
    let name = id.to_string();
    Ok(Some(Root {
        address: match own == Some(id) {
            true => format!("{OURS}{id}"),
            false => owner_address(&name),
        },
        id: RecordId::new(name),
        unshared: Sharing::Private,
    }))
}
