//! Admin roles, and who holds which.

use super::ids::{Type, id};
use super::people::{ADMIN_GROUP, ADMINS};
use super::plan::Plan;
use super::rights::Right;
use crate::chance::{Stream, draw};

/// A standard role: its type, its label, and what it opens.
pub struct Role {
    pub kind: &'static str,
    pub label: &'static str,
    pub rights: &'static [Right],
}

/// What READ_ONLY_ADMIN reads; roles and API tokens are not among it (uncertain: no document lists it by call).
const READ: &[Right] = &[
    Right::Users,
    Right::Groups,
    Right::Logs,
    Right::Apps,
    Right::Grants,
    Right::Org,
];

/// Standard roles (Role assignments API, "Standard role types"); what each opens is cut to what is simulated.
pub const ROLES: [Role; 12] = [
    role("SUPER_ADMIN", "Super Administrator", Right::ALL),
    role(
        "ORG_ADMIN",
        "Organization Administrator",
        &[
            Right::Users,
            Right::Groups,
            Right::Logs,
            Right::Apps,
            Right::Grants,
            Right::Org,
            Right::ManageUsers,
            Right::ManageGroups,
            Right::ManageHooks,
        ],
    ),
    role("APP_ADMIN", "Application Administrator", READ),
    role(
        "USER_ADMIN",
        "Group Administrator",
        &[
            Right::Users,
            Right::Groups,
            Right::ManageUsers,
            Right::ManageGroups,
        ],
    ),
    role(
        "HELP_DESK_ADMIN",
        "Help Desk Administrator",
        &[Right::Users, Right::Groups],
    ),
    role("READ_ONLY_ADMIN", "Read-only Administrator", READ),
    role("REPORT_ADMIN", "Report Administrator", &[Right::Logs]),
    role(
        "GROUP_MEMBERSHIP_ADMIN",
        "Group Membership Administrator",
        &[Right::Users, Right::Groups, Right::ManageGroups],
    ),
    role(
        "API_ACCESS_MANAGEMENT_ADMIN",
        "API Access Management Administrator",
        &[Right::Apps, Right::Grants],
    ),
    role("WORKFLOWS_ADMIN", "Workflows Administrator", &[]),
    role(
        "ACCESS_CERTIFICATIONS_ADMIN",
        "Access Certifications Administrator",
        &[],
    ),
    role(
        "ACCESS_REQUESTS_ADMIN",
        "Access Requests Administrator",
        &[],
    ),
];

const fn role(kind: &'static str, label: &'static str, rights: &'static [Right]) -> Role {
    Role {
        kind,
        label,
        rights,
    }
}

/// A role that the org made; it is bound to a resource set.
pub struct CustomRole {
    pub label: &'static str,
    pub description: &'static str,
    pub permissions: &'static [&'static str],
    pub rights: &'static [Right],
}

/// `okta.iam.read` lets its holder read roles (uncertain).
pub const CUSTOM_ROLES: [CustomRole; 2] = [
    CustomRole {
        label: "Access auditor",
        description: "Reads who may do what",
        permissions: &["okta.users.read", "okta.groups.read", "okta.iam.read"],
        rights: &[Right::Users, Right::Groups, Right::Roles],
    },
    CustomRole {
        label: "Factor desk",
        description: "Resets factors of one department",
        permissions: &["okta.users.read", "okta.users.credentials.resetFactors"],
        rights: &[Right::Users],
    },
];

/// What a custom role is bound to.
pub struct ResourceSet {
    pub label: &'static str,
    pub description: &'static str,
    /// Users of this department only.
    pub department: Option<&'static str>,
}

pub const RESOURCE_SETS: [ResourceSet; 2] = [
    ResourceSet {
        label: "All users and groups",
        description: "Everything of the directory",
        department: None,
    },
    ResourceSet {
        label: "Sales only",
        description: "Users of one department",
        department: Some("Sales"),
    },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleRef {
    Standard(usize),
    /// The role and the resource set have the same number.
    Custom(usize),
    /// A type that no list names.
    Unlisted,
}

impl RoleRef {
    /// A standard role by its type or a custom one by its label.
    pub fn named(name: &str) -> Option<RoleRef> {
        let standard = ROLES.iter().position(|role| role.kind == name);
        let custom = || CUSTOM_ROLES.iter().position(|role| role.label == name);
        standard
            .map(RoleRef::Standard)
            .or_else(|| custom().map(RoleRef::Custom))
    }

    pub fn kind(self) -> &'static str {
        match self {
            RoleRef::Standard(role) => ROLES[role].kind,
            RoleRef::Custom(_) => "CUSTOM",
            RoleRef::Unlisted => "IDENTITY_GUARDIAN_ADMIN",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            RoleRef::Standard(role) => ROLES[role].label,
            RoleRef::Custom(role) => CUSTOM_ROLES[role].label,
            RoleRef::Unlisted => "Identity Guardian Administrator",
        }
    }

    /// The only department whose users the role sees.
    pub fn department(self) -> Option<&'static str> {
        match self {
            RoleRef::Custom(set) => RESOURCE_SETS[set].department,
            RoleRef::Standard(_) | RoleRef::Unlisted => None,
        }
    }

    pub fn rights(self) -> &'static [Right] {
        match self {
            RoleRef::Standard(role) => ROLES[role].rights,
            RoleRef::Custom(role) => CUSTOM_ROLES[role].rights,
            RoleRef::Unlisted => &[],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignee {
    User(u64),
    Group(u64),
    Client,
}

/// A role that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub number: u64,
    pub role: RoleRef,
    pub assignee: Assignee,
}

impl Assignment {
    pub fn id(&self, seed: u64) -> String {
        let of = match (self.role, self.assignee) {
            (RoleRef::Custom(_), _) => Type::Binding,
            (_, Assignee::User(_)) => Type::UserRole,
            (_, Assignee::Group(_)) => Type::GroupRole,
            (_, Assignee::Client) => Type::ClientRole,
        };
        id(seed, of, self.number)
    }
}

/// Two super administrators, a handful of others with standard roles, two with custom ones, one group, and the client.
pub fn assignments(plan: &Plan) -> Vec<Assignment> {
    let users = plan.users.max(1) as u64;
    let more = (users / 200).min(40);
    let mut held = vec![
        (RoleRef::Standard(0), Assignee::User(0)),
        (RoleRef::Standard(0), Assignee::User(1 % users)),
        (RoleRef::Custom(0), Assignee::User(2 % users)),
        (RoleRef::Custom(1), Assignee::User(6 % users)),
        (RoleRef::Unlisted, Assignee::User(7 % users)),
        (RoleRef::Standard(4), Assignee::Group(ADMIN_GROUP)),
    ];
    for number in 0..3 + more {
        let role = 1 + draw(plan.seed, Stream::RoleAssignment, number) as usize % (ROLES.len() - 1);
        // Those beyond the administrators may be of any status.
        let user = if number < 3 {
            3 + number
        } else {
            ADMINS + 9 * number
        };
        held.push((RoleRef::Standard(role), Assignee::User(user % users)));
    }
    let roles = plan.client.roles.iter();
    held.extend(
        roles
            .filter_map(|name| RoleRef::named(name))
            .map(|role| (role, Assignee::Client)),
    );
    let numbered = held.into_iter().enumerate();
    numbered
        .map(|(number, (role, assignee))| Assignment {
            number: number as u64,
            role,
            assignee,
        })
        .collect()
}
