//! The directory, list by list: users, groups with members, and who administers what.
//!
//! Box tells no changes, so all are full passes. Roles are a field of users, and those of groups one of memberships,
//! which can only be asked for one group at a time: `each` does that. External users are in no list, because only a
//! whole login finds them (OpenAPI, "List enterprise users", "filter_term"); they are seen in events and on files.

mod details;
mod each;
mod entity;

use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::{
    Collection, CollectionKind, ConnectorError, EntityDetails, List, Listed, Output, PageEnd,
    RefusedRecord, Session, UserSource,
};
use casbah_http::Piece;
use casbah_model::app::Component;
use casbah_model::cursor::Cursor;
use casbah_model::user::Entity;

use crate::wire::{self, Acting, Page, explain};

pub(crate) struct Directory;

pub(crate) const MANAGE_USERS: &str = "manage_managed_users";
pub(crate) const MANAGE_GROUPS: &str = "manage_groups";

/// A pass over 100,000 users is 100 pages.
const LISTS_EVERY: Duration = Duration::from_hours(1);
/// A pass asks once for each group.
const EACH_EVERY: Duration = Duration::from_hours(12);

const USERS: &str = "users";
const GROUPS: &str = "groups";
const MEMBERSHIPS: &str = "memberships";
const ROLES: &str = "role-assignments";
const GROUP_ROLES: &str = "group-role-assignments";

/// Logins of service accounts and app users end so (developer guides, "Service accounts").
const APP_LOGINS: &str = "@boxdevedition.com";

/// Fields that are asked for replace the standard ones (OpenAPI, "fields").
const USER_FIELDS: &str = "id,type,name,login,status,role,enterprise,created_at,modified_at,\
    is_external_collab_restricted,is_platform_access_only,is_exempt_from_login_verification,tracking_codes,space_used,\
    space_amount,job_title,language,timezone,notification_email,external_app_user_id";
const ROLE_FIELDS: &str = "id,type,name,login,status,role";
const GROUP_FIELDS: &str = "id,type,name,group_type,provenance,external_sync_identifier,description,\
    invitability_level,member_viewability_level,created_at,modified_at";

const COLLECTIONS: &[Collection] = &[
    Collection {
        is_gate: true,
        ..collection(USERS, &[MANAGE_USERS])
    },
    collection(GROUPS, &[MANAGE_GROUPS]),
    Collection {
        kind: CollectionKind::Facts,
        every: EACH_EVERY,
        ..collection(MEMBERSHIPS, &[MANAGE_GROUPS])
    },
    collection(ROLES, &[MANAGE_USERS]),
    Collection {
        every: EACH_EVERY,
        ..collection(GROUP_ROLES, &[MANAGE_GROUPS])
    },
];

const LISTS: &[List] = &[
    List {
        of: Listed::Users,
        rows: &[USERS],
        facts: &[],
    },
    List {
        of: Listed::Groups,
        rows: &[GROUPS],
        facts: &[],
    },
    List {
        of: Listed::Privileges,
        rows: &[ROLES, GROUP_ROLES],
        facts: &[],
    },
];

const fn collection(name: &'static str, any_of: &'static [&'static str]) -> Collection {
    Collection {
        name,
        component: Component::Users,
        kind: CollectionKind::Full,
        every: LISTS_EVERY,
        is_gate: false,
        any_of,
    }
}

/// Whether somebody who signs in so is a program.
pub(crate) fn is_app_login(login: &str) -> bool {
    login.to_ascii_lowercase().ends_with(APP_LOGINS)
}

#[async_trait]
impl UserSource for Directory {
    fn collections(&self) -> &'static [Collection] {
        COLLECTIONS
    }

    fn lists(&self) -> &'static [List] {
        LISTS
    }

    fn details(&self, collection: &str, record: &[u8]) -> EntityDetails {
        details::read(collection, record)
    }

    async fn page(
        &self,
        session: &Session,
        collection: &Collection,
        cursor: Option<&Cursor>,
        out: &mut dyn Output<Entity>,
    ) -> Result<PageEnd, ConnectorError> {
        match collection.name {
            GROUPS => groups(session, collection, cursor, out).await,
            MEMBERSHIPS | GROUP_ROLES => each::read(session, collection, cursor, out).await,
            _ => users(session, collection, cursor, out).await,
        }
    }
}

/// A page of users, or of those among them who have a role.
async fn users(
    session: &Session,
    collection: &Collection,
    cursor: Option<&Cursor>,
    out: &mut dyn Output<Entity>,
) -> Result<PageEnd, ConnectorError> {
    let fields = match collection.name {
        ROLES => ROLE_FIELDS,
        _ => USER_FIELDS,
    };
    let path = format!("/users?user_type=managed&fields={fields}");
    let marker = cursor.map(Cursor::as_str);
    let page = wire::marker_page(session, &path, marker, Acting::Ourselves).await;
    let mut page = page.map_err(|error| explain(MANAGE_USERS, &what(collection), error))?;
    write(collection, &mut page, out).await?;
    Ok(match page.next_marker(marker)? {
        Some(next) => PageEnd::More(Cursor::new(next)),
        None => PageEnd::CaughtUp(None),
    })
}

/// The path of the list of groups, which is paged by numbers only (OpenAPI, "List groups for enterprise").
fn groups_path() -> String {
    format!("/groups?fields={GROUP_FIELDS}")
}

async fn groups(
    session: &Session,
    collection: &Collection,
    cursor: Option<&Cursor>,
    out: &mut dyn Output<Entity>,
) -> Result<PageEnd, ConnectorError> {
    let offset = match cursor {
        Some(cursor) => cursor.as_str().parse().map_err(|_| unreadable())?,
        None => 0,
    };
    let page = wire::offset_page(session, &groups_path(), offset, Acting::Ourselves).await;
    let mut page = page.map_err(|error| explain(MANAGE_GROUPS, &what(collection), error))?;
    let entries = write(collection, &mut page, out).await?;
    Ok(match page.next_offset(offset, entries)? {
        Some(next) => PageEnd::More(Cursor::new(next.to_string())),
        None => PageEnd::CaughtUp(None),
    })
}

fn unreadable() -> ConnectorError {
    ConnectorError::CursorExpired {
        code: "unreadable cursor".into(),
        resume: None,
    }
}

/// Writes the records of a page; returns how many entries it had.
async fn write(
    collection: &Collection,
    page: &mut Page,
    out: &mut dyn Output<Entity>,
) -> Result<usize, ConnectorError> {
    let mut entries = 0;
    while let Some(piece) = page.records.next().await? {
        entries += 1;
        match piece {
            Piece::Record(raw) => match entity::read(collection.name, raw) {
                Ok(Some(entity)) => out.record(entity, raw).await?,
                // Somebody without a role, in a list of roles.
                Ok(None) => {}
                Err(reason) => out.refuse(RefusedRecord::whole(reason, raw)).await?,
            },
            Piece::Oversized { head, bytes } => {
                out.refuse(RefusedRecord::too_large(head, bytes)).await?;
            }
        }
    }
    Ok(entries)
}

/// What a collection is read for, as the end of the sentence "Box does not let Casbah …".
fn what(collection: &Collection) -> String {
    format!("read {}", collection.name.replace('-', " "))
}

#[cfg(test)]
mod tests;
