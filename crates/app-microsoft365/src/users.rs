//! The directory, list by list: users, groups with members, roles and who holds them, applications and their grants.
//!
//! Lists that the vendor can tell changes of are read as deltas; the others as full passes.

mod details;
mod entity;

use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::{
    Collection, CollectionKind, ConnectorError, EntityDetails, List, Listed, Output, PageEnd,
    RefusedRecord, Session, UserSource,
};
use casbah_http::{Address, CallError, Piece, Records, Refusal, RefusalKind};
use casbah_model::app::Component;
use casbah_model::connection::Cause;
use casbah_model::cursor::Cursor;
use casbah_model::user::Entity;
use serde::{Deserialize, Serialize};

use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, GRAPH, Links, get, lacks, onward, segment};

pub(crate) struct Directory;

/// A quiet delta poll costs one unit of thousands per ten seconds, and its token lives for days (Microsoft Graph
/// documentation, "Use delta query": seven): often enough to see a suspended user in time, far from any limit.
const DELTA_EVERY: Duration = Duration::from_mins(15);
/// A full pass over roles and grants is a handful of pages.
const FULL_EVERY: Duration = Duration::from_hours(1);
/// At 10 pages of 500 a minute, 100,000 users take 20 minutes (Microsoft Graph throttling limits): daily at most.
const SIGN_IN_TIMES_EVERY: Duration = Duration::from_hours(24);

const COLLECTIONS: &[Collection] = &[
    Collection {
        is_gate: true,
        any_of: &["User.Read.All", "Directory.Read.All"],
        ..collection("users", Component::Users, CollectionKind::Delta)
    },
    Collection {
        any_of: &[
            "GroupMember.Read.All",
            "Group.Read.All",
            "Directory.Read.All",
        ],
        ..collection("groups", Component::Users, CollectionKind::Delta)
    },
    Collection {
        any_of: &["RoleManagement.Read.Directory", "Directory.Read.All"],
        ..collection("roles", Component::Users, CollectionKind::Full)
    },
    Collection {
        any_of: &["RoleManagement.Read.Directory", "Directory.Read.All"],
        ..collection("role-assignments", Component::Users, CollectionKind::Full)
    },
    Collection {
        every: SIGN_IN_TIMES_EVERY,
        any_of: &["AuditLog.Read.All"],
        ..collection("sign-in-times", Component::Users, CollectionKind::Facts)
    },
    Collection {
        any_of: &["Application.Read.All", "Directory.Read.All"],
        ..collection(
            "applications",
            Component::AppPermissions,
            CollectionKind::Delta,
        )
    },
    Collection {
        any_of: &["Directory.Read.All"],
        ..collection(
            "delegated-grants",
            Component::AppPermissions,
            CollectionKind::Delta,
        )
    },
    Collection {
        any_of: &["Application.Read.All", "Directory.Read.All"],
        ..collection(
            "app-grants",
            Component::AppPermissions,
            CollectionKind::Full,
        )
    },
];

const LISTS: &[List] = &[
    List {
        of: Listed::Users,
        rows: &["users"],
        facts: &["sign-in-times"],
    },
    List {
        of: Listed::Groups,
        rows: &["groups"],
        facts: &[],
    },
    List {
        of: Listed::Privileges,
        rows: &["role-assignments"],
        facts: &["roles"],
    },
    List {
        of: Listed::AppPermissions,
        rows: &["delegated-grants", "app-grants"],
        facts: &["applications"],
    },
];

const fn collection(name: &'static str, component: Component, kind: CollectionKind) -> Collection {
    let every = match kind {
        CollectionKind::Delta => DELTA_EVERY,
        CollectionKind::Full | CollectionKind::Facts => FULL_EVERY,
    };
    Collection {
        name,
        component,
        kind,
        every,
        is_gate: false,
        any_of: &[],
    }
}

/// Without a selection `accountEnabled` would not be among what comes back ("List users", "Optional query parameters").
const USERS: &str = "/v1.0/users/delta?$select=id,userPrincipalName,displayName,mail,accountEnabled,userType,\
    createdDateTime,department,jobTitle,companyName,officeLocation,usageLocation,assignedLicenses,\
    onPremisesSyncEnabled,onPremisesLastSyncDateTime,onPremisesImmutableId,externalUserState,\
    lastPasswordChangeDateTime,signInSessionsValidFromDateTime,proxyAddresses,otherMails";
const GROUPS: &str = "/v1.0/groups/delta?$select=id,displayName,mail,mailEnabled,securityEnabled,groupTypes,visibility,\
    isAssignableToRole,membershipRule,onPremisesSyncEnabled,resourceProvisioningOptions,members";
const ROLES: &str = "/v1.0/roleManagement/directory/roleDefinitions\
    ?$select=id,displayName,description,isBuiltIn,isEnabled,templateId,rolePermissions";
const ROLE_ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments?$expand=principal";
/// Pages with `signInActivity` hold at most 500 users ("List users").
const SIGN_IN_TIMES: &str =
    "/v1.0/users?$select=id,userType,accountEnabled,signInActivity&$top=500";
const APPLICATIONS: &str = "/v1.0/servicePrincipals/delta?$select=id,appId,displayName,accountEnabled,\
    appOwnerOrganizationId,servicePrincipalType,verifiedPublisher,homepage,replyUrls,tags,signInAudience,appRoles,\
    oauth2PermissionScopes,disabledByMicrosoftStatus";
const DELEGATED_GRANTS: &str = "/v1.0/oauth2PermissionGrants/delta";

/// The services whose application permissions reach data: Graph, Management APIs, Exchange Online, SharePoint Online.
/// Their application ids are the same in every tenant.
const RESOURCES: [&str; 4] = [
    "00000003-0000-0000-c000-000000000000",
    "c5393580-f805-4401-95e8-94b7a6ef2fc2",
    "00000002-0000-0ff1-ce00-000000000000",
    "00000003-0000-0ff1-ce00-000000000000",
];

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
        if collection.name == "app-grants" {
            return app_grants(session, collection, cursor, out).await;
        }
        let address = match cursor {
            Some(link) => session.follow(GRAPH, link.as_str())?,
            None => session.address(GRAPH, first(collection)?)?,
        };
        let links = read(session, collection, address, out).await?;
        if let Some(next) = links.next {
            return Ok(PageEnd::More(Cursor::new(next)));
        }
        match (collection.kind, links.delta) {
            (CollectionKind::Delta, Some(delta)) => Ok(PageEnd::CaughtUp(Some(Cursor::new(delta)))),
            (CollectionKind::Delta, None) => Err(ConnectorError::Unreadable {
                source: "a page of a delta has neither a next link nor a delta link".into(),
            }),
            (CollectionKind::Full | CollectionKind::Facts, _) => Ok(PageEnd::CaughtUp(None)),
        }
    }
}

fn first(collection: &Collection) -> Result<&'static str, ConnectorError> {
    match collection.name {
        "users" => Ok(USERS),
        "groups" => Ok(GROUPS),
        "roles" => Ok(ROLES),
        "role-assignments" => Ok(ROLE_ASSIGNMENTS),
        "sign-in-times" => Ok(SIGN_IN_TIMES),
        "applications" => Ok(APPLICATIONS),
        "delegated-grants" => Ok(DELEGATED_GRANTS),
        other => Err(ConnectorError::Unexpected {
            source: format!("no collection is named {other}").into(),
        }),
    }
}

/// Writes one page to `out`; links in the answer are checked.
async fn read(
    session: &Session,
    collection: &Collection,
    address: Address,
    out: &mut dyn Output<Entity>,
) -> Result<Links, ConnectorError> {
    let (bucket, class) = match collection.kind {
        CollectionKind::Delta => (Bucket::Directory, "delta"),
        CollectionKind::Facts => (Bucket::SignInTimes, "list"),
        CollectionKind::Full if collection.name == "role-assignments" => {
            (Bucket::Directory, "expanded")
        }
        CollectionKind::Full => (Bucket::Directory, "list"),
    };
    let mut call = get(address, bucket, class);
    if collection.kind == CollectionKind::Delta {
        // `$top` is not allowed in a delta ("user: delta", "Query parameters"); this asks for the same politely.
        call.headers.add("Prefer", "odata.maxpagesize=999");
    }
    let answer = session
        .send(&call)
        .await
        .map_err(|error| explain(collection, &call.address, error))?;
    let mut records = Records::member(answer.body, "value");
    while let Some(piece) = records.next().await? {
        match piece {
            Piece::Record(raw) => match entity::read(collection.name, raw) {
                Ok(entity) => out.record(entity, raw).await?,
                Err(reason) => out.refuse(RefusedRecord::whole(reason, raw)).await?,
            },
            Piece::Oversized { head, bytes } => {
                out.refuse(RefusedRecord::too_large(head, bytes)).await?;
            }
        }
    }
    let mut links = Links::read(records.envelope())?;
    if let Some(next) = links.next {
        links.next = Some(onward(session, GRAPH, &call.address, next)?);
    }
    if let Some(delta) = &links.delta {
        session.follow(GRAPH, delta)?;
    }
    Ok(links)
}

/// Where a pass over application permissions stands: a resource, and a page of what is granted there.
#[derive(Default, Deserialize, Serialize)]
struct Place {
    resource: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// Reads who holds permissions of the services that matter, service by service: there is no delta for these, and by
/// service it takes far fewer calls than by application.
async fn app_grants(
    session: &Session,
    collection: &Collection,
    cursor: Option<&Cursor>,
    out: &mut dyn Output<Entity>,
) -> Result<PageEnd, ConnectorError> {
    let place: Place = match cursor {
        None => Place::default(),
        Some(cursor) => {
            serde_json::from_str(cursor.as_str()).map_err(|_| ConnectorError::CursorExpired {
                code: "unreadable cursor".into(),
                resume: None,
            })?
        }
    };
    let after = |resource: usize, link: Option<String>| {
        if resource >= RESOURCES.len() {
            return Ok(PageEnd::CaughtUp(None));
        }
        let text = serde_json::to_string(&Place { resource, link });
        text.map(|text| PageEnd::More(Cursor::new(text)))
            .map_err(|error| ConnectorError::Unexpected {
                source: error.into(),
            })
    };
    let address = match (&place.link, RESOURCES.get(place.resource)) {
        (Some(link), _) => session.follow(GRAPH, link)?,
        (None, None) => return Ok(PageEnd::CaughtUp(None)),
        (None, Some(app_id)) => {
            let path = format!("/v1.0/servicePrincipals(appId='{app_id}')?$select=id");
            let call = get(session.address(GRAPH, &path)?, Bucket::Directory, "probe");
            let found: Identified = match session.send(&call).await {
                Ok(answer) => answer.json(ANSWER_BYTES_MAX).await?,
                // The tenant does not have this service.
                Err(CallError::Refused { refusal, .. })
                    if refusal.kind == RefusalKind::NotFound =>
                {
                    return after(place.resource + 1, None);
                }
                Err(error) => return Err(explain(collection, &call.address, error)),
            };
            let path = format!(
                "/v1.0/servicePrincipals/{}/appRoleAssignedTo?$top=999",
                segment(&found.id)?
            );
            session.address(GRAPH, &path)?
        }
    };
    match read(session, collection, address, out).await?.next {
        Some(next) => after(place.resource, Some(next)),
        None => after(place.resource + 1, None),
    }
}

/// What a refusal means for a collection.
fn explain(collection: &Collection, called: &Address, error: CallError) -> ConnectorError {
    let CallError::Refused { refusal, .. } = &error else {
        return error.into();
    };
    // First requests hold no token, so they cannot hold a dead one: starting anew would go round in circles.
    let has_token = called.as_str().contains("token");
    if has_token && is_dead_cursor(collection, refusal) {
        // The link in `Location` is not followed: it starts anew as well, but without our selection of properties.
        return ConnectorError::CursorExpired {
            code: named(refusal),
            resume: None,
        };
    }
    match (refusal.code.as_str(), refusal.kind) {
        ("Directory_ExpiredPageToken", _) => ConnectorError::PageExpired {
            code: named(refusal),
        },
        ("Authentication_RequestFromNonPremiumTenantOrB2CTenant", _) => {
            let what = "the tenant has no Entra ID P1 licence, so the time of the last sign-in is not told";
            let cause = Cause::new(
                "no-premium",
                what,
                "nothing has to be done; everything else works without it",
            );
            ConnectorError::Forbidden { cause }
        }
        (_, RefusalKind::Forbidden) => {
            let cause = lacks(
                collection.any_of,
                &format!("read {}", collection.name.replace('-', " ")),
            );
            ConnectorError::Forbidden { cause }
        }
        _ => error.into(),
    }
}

/// All the ways in which the directory says that it does not know a delta token any more (Microsoft Graph
/// documentation, "Use delta query"); one of more than 30 days is refused as an unsupported query.
fn is_dead_cursor(collection: &Collection, refusal: &Refusal) -> bool {
    collection.kind == CollectionKind::Delta
        && (refusal.kind == RefusalKind::Gone || refusal.code == "Request_UnsupportedQuery")
}

fn named(refusal: &Refusal) -> String {
    if refusal.code.is_empty() {
        refusal.status.to_string()
    } else {
        refusal.code.clone()
    }
}

#[cfg(test)]
mod tests;
