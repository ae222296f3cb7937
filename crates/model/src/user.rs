//! Who is in the directory and what they hold: users, groups, roles, applications and grants.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::record::{Noun, RecordId};

/// One entry of a directory. Each is a record of its own; relations name both ends by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    User(User),
    Group(Group),
    Role(Role),
    RoleAssignment(RoleAssignment),
    Application(Application),
    Grant(Grant),
    /// Something the vendor says is gone.
    Removed(Removed),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: RecordId,
    /// `None` when the record does not tell, which differs from "disabled".
    pub is_enabled: Option<bool>,
    pub is_guest: bool,
    pub last_sign_in: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub id: RecordId,
    /// Members named by this record; a large group comes as several records, so these add up.
    pub members_added: u64,
    pub members_removed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub id: RecordId,
    /// Whether its holders can change who may do what, or read everything.
    pub is_privileged: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    pub id: RecordId,
    pub principal: RecordId,
    pub is_privileged: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub id: RecordId,
    pub is_enabled: Option<bool>,
}

/// A right that an application holds: on behalf of users, or on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub id: RecordId,
    pub application: RecordId,
    pub kind: GrantKind,
    /// Whether it reaches mail, files, directory or audit data of more than its own user.
    pub is_risky: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantKind {
    Delegated,
    AppOnly,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    pub id: RecordId,
    pub is_restorable: bool,
}

impl Noun for Entity {
    fn id(&self) -> &RecordId {
        match self {
            Entity::User(User { id, .. })
            | Entity::Group(Group { id, .. })
            | Entity::Role(Role { id, .. })
            | Entity::RoleAssignment(RoleAssignment { id, .. })
            | Entity::Application(Application { id, .. })
            | Entity::Grant(Grant { id, .. })
            | Entity::Removed(Removed { id, .. }) => id,
        }
    }

    fn occurred(&self) -> Option<Timestamp> {
        None
    }

    fn belongs_to(&self) -> Option<&RecordId> {
        match self {
            Entity::RoleAssignment(held) => Some(&held.principal),
            Entity::Grant(grant) => Some(&grant.application),
            Entity::User(_)
            | Entity::Group(_)
            | Entity::Role(_)
            | Entity::Application(_)
            | Entity::Removed(_) => None,
        }
    }

    fn class(&self) -> &'static str {
        match self {
            Entity::User(user) => match (user.is_guest, user.is_enabled) {
                (true, Some(false)) => "guest-disabled",
                (true, _) => "guest",
                (false, Some(false)) => "member-disabled",
                (false, _) => "member",
            },
            Entity::Group(_) => "group",
            Entity::Role(role) => {
                if role.is_privileged {
                    "role-privileged"
                } else {
                    "role"
                }
            }
            Entity::RoleAssignment(held) => {
                if held.is_privileged {
                    "role-held-privileged"
                } else {
                    "role-held"
                }
            }
            Entity::Application(_) => "application",
            Entity::Grant(grant) => match (grant.kind, grant.is_risky) {
                (GrantKind::Delegated, false) => "grant-delegated",
                (GrantKind::Delegated, true) => "grant-delegated-risky",
                (GrantKind::AppOnly, false) => "grant-app-only",
                (GrantKind::AppOnly, true) => "grant-app-only-risky",
            },
            Entity::Removed(_) => "removed",
        }
    }
}
