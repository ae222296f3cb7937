//! The directory, list by list.

use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::{
    Collection, CollectionKind, ConnectorError, EntityDetails, List, Listed, Output, PageEnd,
    RefusedRecord, Session, UserSource,
};
use casbah_http::Piece;
use casbah_model::app::Component;
use casbah_model::cursor::Cursor;
use casbah_model::record::RecordId;
use casbah_model::user::{Entity, User};
use serde::Deserialize;

use crate::wire::{self, Acting, explain};

pub(crate) struct Directory;

/// A pass over 100,000 users is 100 pages.
const LISTS_EVERY: Duration = Duration::from_hours(1);

pub(crate) const MANAGE_USERS: &str = "manage_managed_users";

/// Fields that are asked for replace the standard ones (OpenAPI, "fields").
pub(crate) const USER_FIELDS: &str = "id,type,name,login,status,role,enterprise,created_at,modified_at,\
    is_external_collab_restricted,is_platform_access_only,is_exempt_from_login_verification,tracking_codes,space_used,\
    space_amount,job_title,language,timezone,notification_email,external_app_user_id";

const COLLECTIONS: &[Collection] = &[Collection {
    name: "users",
    component: Component::Users,
    kind: CollectionKind::Full,
    every: LISTS_EVERY,
    is_gate: true,
    any_of: &[MANAGE_USERS],
}];

const LISTS: &[List] = &[List {
    of: Listed::Users,
    rows: &["users"],
    facts: &[],
}];

#[async_trait]
impl UserSource for Directory {
    fn collections(&self) -> &'static [Collection] {
        COLLECTIONS
    }

    fn lists(&self) -> &'static [List] {
        LISTS
    }

    fn details(&self, _collection: &str, _record: &[u8]) -> EntityDetails {
        EntityDetails::default()
    }

    async fn page(
        &self,
        session: &Session,
        _collection: &Collection,
        cursor: Option<&Cursor>,
        out: &mut dyn Output<Entity>,
    ) -> Result<PageEnd, ConnectorError> {
        let path = format!("/users?user_type=managed&fields={USER_FIELDS}");
        let marker = cursor.map(Cursor::as_str);
        let page = wire::marker_page(session, &path, marker, Acting::Ourselves).await;
        let mut page = page.map_err(|error| explain(MANAGE_USERS, "list users", error))?;
        while let Some(piece) = page.records.next().await? {
            match piece {
                Piece::Record(raw) => match read(raw) {
                    Ok(user) => out.record(user, raw).await?,
                    Err(reason) => out.refuse(RefusedRecord::whole(reason, raw)).await?,
                },
                Piece::Oversized { head, bytes } => {
                    out.refuse(RefusedRecord::too_large(head, bytes)).await?;
                }
            }
        }
        Ok(match page.next_marker(marker)? {
            Some(next) => PageEnd::More(Cursor::new(next)),
            None => PageEnd::CaughtUp(None),
        })
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: wire::Field<'a>,
    #[serde(borrow, default)]
    status: wire::Field<'a>,
}

fn read(raw: &[u8]) -> Result<Entity, &'static str> {
    let user: Wire<'_> = serde_json::from_slice(raw).map_err(|_| "not-json")?;
    let id = wire::text_or_number(user.id).map_or_else(|| RecordId::of_content(raw), RecordId::new);
    Ok(Entity::User(User {
        id,
        is_enabled: wire::text_or_number(user.status).map(|status| status != "inactive"),
        is_guest: false,
        last_sign_in: None,
    }))
}
