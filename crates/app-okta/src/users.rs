//! The directory, list by list: users, groups with members, admin roles and who holds them, applications and grants.
//!
//! Okta tells no removals, so all are full passes. Much of it can only be asked for one user, group or application at a
//! time: `each` does that. Rights and paths are rows of the table here.

mod details;
mod each;
mod entity;
mod pages;

use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::{
    Collection, CollectionKind, ConnectorError, EntityDetails, List, Listed, Output, PageEnd,
    Session, UserSource,
};
use casbah_model::app::Component;
use casbah_model::cursor::Cursor;
use casbah_model::user::Entity;

use crate::limits::Bucket;
use each::Each;
use pages::{Lists, Paging};

pub(crate) struct Directory;

/// A pass over 100,000 users is 500 pages, two minutes of what a usual org allows (rl-global-mgmt).
const LISTS_EVERY: Duration = Duration::from_hours(1);
/// A pass asks once for each group or application, or each user with a role.
const EACH_EVERY: Duration = Duration::from_hours(12);
/// A pass asks once for each user.
const EACH_USER_EVERY: Duration = Duration::from_hours(24);

const USERS_READ: &[&str] = &["okta.users.read"];
const GROUPS_READ: &[&str] = &["okta.groups.read"];
const ROLES_READ: &[&str] = &["okta.roles.read"];
const APPS_READ: &[&str] = &["okta.apps.read"];
const GRANTS_READ: &[&str] = &["okta.appGrants.read"];
const TOKENS_READ: &[&str] = &["okta.apiTokens.read"];

const COLLECTIONS: &[Collection] = &[
    Collection {
        is_gate: true,
        ..collection("users", Component::Users, USERS_READ)
    },
    collection("groups", Component::Users, GROUPS_READ),
    Collection {
        kind: CollectionKind::Facts,
        ..each("memberships", Component::Users, GROUPS_READ)
    },
    collection("roles", Component::Users, ROLES_READ),
    each("role-assignments", Component::Users, ROLES_READ),
    each("group-role-assignments", Component::Users, ROLES_READ),
    each("client-role-assignments", Component::Users, ROLES_READ),
    collection("applications", Component::AppPermissions, APPS_READ),
    each("app-scopes", Component::AppPermissions, GRANTS_READ),
    each("app-tokens", Component::AppPermissions, APPS_READ),
    Collection {
        every: EACH_USER_EVERY,
        ..each("user-grants", Component::AppPermissions, USERS_READ)
    },
    collection("api-tokens", Component::AppPermissions, TOKENS_READ),
];

const LISTS: &[List] = &[
    List {
        of: Listed::Users,
        rows: &["users"],
        facts: &[],
    },
    List {
        of: Listed::Groups,
        rows: &["groups"],
        facts: &[],
    },
    List {
        of: Listed::Privileges,
        rows: &[
            "role-assignments",
            "group-role-assignments",
            "client-role-assignments",
        ],
        facts: &["roles"],
    },
    List {
        of: Listed::AppPermissions,
        rows: &["user-grants", "app-tokens", "app-scopes", "api-tokens"],
        facts: &["applications"],
    },
];

const fn collection(
    name: &'static str,
    component: Component,
    any_of: &'static [&'static str],
) -> Collection {
    Collection {
        name,
        component,
        kind: CollectionKind::Full,
        every: LISTS_EVERY,
        is_gate: false,
        any_of,
    }
}

const fn each(
    name: &'static str,
    component: Component,
    any_of: &'static [&'static str],
) -> Collection {
    Collection {
        every: EACH_EVERY,
        ..collection(name, component, any_of)
    }
}

/// How a collection is read.
enum Reading {
    Lists(Lists),
    Each(Each),
}

/// Most of the list of users leaves out who was deactivated, so they are asked for apart (core-okta-api, "List users").
const USERS: &[&str] = &[
    "/api/v1/users?limit=200",
    "/api/v1/users?limit=200&filter=status%20eq%20%22DEPROVISIONED%22",
];

const fn lists(bucket: Bucket, paths: &'static [&'static str]) -> Reading {
    Reading::Lists(Lists {
        bucket,
        paths,
        paging: Paging::Links,
    })
}

/// Parents of one page: as many calls as are made before the place is kept.
const GROUPS: Lists = Lists {
    bucket: Bucket::Groups,
    paths: &["/api/v1/groups?limit=20"],
    paging: Paging::Links,
};
const APPS: Lists = Lists {
    bucket: Bucket::Apps,
    paths: &["/api/v1/apps?limit=20"],
    paging: Paging::Links,
};
const ADMINS: Lists = Lists {
    bucket: Bucket::Other,
    paths: &["/api/v1/iam/assignees/users?limit=20"],
    paging: Paging::Member("value"),
};
const PEOPLE: Lists = Lists {
    bucket: Bucket::Users,
    paths: &[
        "/api/v1/users?limit=20",
        "/api/v1/users?limit=20&filter=status%20eq%20%22DEPROVISIONED%22",
    ],
    paging: Paging::Links,
};

const fn of_each(parents: Lists, bucket: Bucket, around: (&'static str, &'static str)) -> Reading {
    Reading::Each(Each {
        parents,
        bucket,
        before: around.0,
        behind: around.1,
    })
}

fn reading(collection: &Collection) -> Result<Reading, ConnectorError> {
    let reading = match collection.name {
        "users" => lists(Bucket::Users, USERS),
        "groups" => lists(Bucket::Groups, &["/api/v1/groups?limit=200"]),
        "memberships" => of_each(
            GROUPS,
            Bucket::Group,
            ("/api/v1/groups/", "/users?limit=200"),
        ),
        // Its form is told by the specification of the API only: an object like that of who holds roles.
        "roles" => Reading::Lists(Lists {
            bucket: Bucket::Other,
            paths: &["/api/v1/iam/roles"],
            paging: Paging::Member("roles"),
        }),
        "role-assignments" => of_each(ADMINS, Bucket::Other, ("/api/v1/users/", "/roles")),
        "group-role-assignments" => of_each(GROUPS, Bucket::Group, ("/api/v1/groups/", "/roles")),
        "client-role-assignments" => {
            of_each(APPS, Bucket::Clients, ("/oauth2/v1/clients/", "/roles"))
        }
        "applications" => lists(Bucket::Apps, &["/api/v1/apps?limit=200"]),
        "app-scopes" => of_each(APPS, Bucket::App, ("/api/v1/apps/", "/grants")),
        "app-tokens" => of_each(APPS, Bucket::App, ("/api/v1/apps/", "/tokens")),
        "user-grants" => of_each(
            PEOPLE,
            Bucket::Other,
            ("/api/v1/users/", "/grants?limit=200&expand=scope"),
        ),
        "api-tokens" => lists(Bucket::Other, &["/api/v1/api-tokens"]),
        other => {
            return Err(ConnectorError::Unexpected {
                source: format!("no collection is named {other}").into(),
            });
        }
    };
    Ok(reading)
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
        match reading(collection)? {
            Reading::Lists(lists) => pages::read(session, collection, &lists, cursor, out).await,
            Reading::Each(each) => each::read(session, collection, &each, cursor, out).await,
        }
    }
}

/// What is done when a collection is read, as the end of the sentence "Okta does not let Casbah …".
fn what(collection: &Collection) -> String {
    format!("read {}", collection.name.replace('-', " "))
}

#[cfg(test)]
mod tests;
