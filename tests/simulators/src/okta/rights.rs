//! What a call needs: one of some scopes, and a right that an admin role gives.
//!
//! The right of a caller is what scopes and roles have in common (Implement OAuth for Okta with a service app). Scopes
//! are those the management API names per call; where no document at hand does, the nearest ones are taken.

use casbah_model::transport::Method;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    Users,
    Groups,
    Roles,
    Logs,
    Apps,
    Grants,
    ApiTokens,
    Org,
    Services,
    ManageUsers,
    ManageGroups,
    ManageRoles,
    ManageGrants,
    ManageApiTokens,
    ManageHooks,
    Logout,
}

impl Right {
    pub const ALL: &'static [Right] = &[
        Right::Users,
        Right::Groups,
        Right::Roles,
        Right::Logs,
        Right::Apps,
        Right::Grants,
        Right::ApiTokens,
        Right::Org,
        Right::Services,
        Right::ManageUsers,
        Right::ManageGroups,
        Right::ManageRoles,
        Right::ManageGrants,
        Right::ManageApiTokens,
        Right::ManageHooks,
        Right::Logout,
    ];
}

pub struct Need {
    /// Any of them will do.
    pub scopes: &'static [&'static str],
    pub right: Right,
}

const fn need(right: Right, scopes: &'static [&'static str]) -> Need {
    Need { scopes, right }
}

const USERS: Need = need(Right::Users, &["okta.users.read", "okta.users.manage"]);
const MANAGE_USERS: Need = need(Right::ManageUsers, &["okta.users.manage"]);
const GROUPS: Need = need(Right::Groups, &["okta.groups.read", "okta.groups.manage"]);
const MANAGE_GROUPS: Need = need(Right::ManageGroups, &["okta.groups.manage"]);
const ROLES: Need = need(Right::Roles, &["okta.roles.read", "okta.roles.manage"]);
const MANAGE_ROLES: Need = need(Right::ManageRoles, &["okta.roles.manage"]);
const APPS: Need = need(Right::Apps, &["okta.apps.read", "okta.apps.manage"]);
const GRANTS: Need = need(
    Right::Grants,
    &["okta.appGrants.read", "okta.appGrants.manage"],
);
const MANAGE_GRANTS: Need = need(Right::ManageGrants, &["okta.appGrants.manage"]);
/// Tokens and clients of a user: which of the two scopes is asked for is uncertain, so either will do.
const USER_GRANTS: Need = need(
    Right::Grants,
    &[
        "okta.appGrants.read",
        "okta.appGrants.manage",
        "okta.users.read",
        "okta.users.manage",
    ],
);
const MANAGE_USER_GRANTS: Need = need(
    Right::ManageGrants,
    &["okta.appGrants.manage", "okta.users.manage"],
);
const API_TOKENS: Need = need(
    Right::ApiTokens,
    &["okta.apiTokens.read", "okta.apiTokens.manage"],
);
const HOOKS: Need = need(
    Right::ManageHooks,
    &["okta.eventHooks.manage", "okta.eventHooks.read"],
);

/// What a call needs; `None` for a path that does not exist, or that needs nothing.
pub fn needs(method: Method, path: &[&str]) -> Option<Need> {
    let is_read = method == Method::Get;
    let either = |read: Need, manage: Need| Some(if is_read { read } else { manage });
    match path {
        ["api", "v1", rest @ ..] => match rest {
            ["users", _, "roles", ..] | ["groups", _, "roles", ..] | ["iam", ..] => {
                either(ROLES, MANAGE_ROLES)
            }
            ["users", _, "grants", ..] => either(GRANTS, MANAGE_GRANTS),
            ["users", _, "clients", ..] => either(USER_GRANTS, MANAGE_USER_GRANTS),
            ["users", ..] => either(USERS, MANAGE_USERS),
            ["groups", ..] => either(GROUPS, MANAGE_GROUPS),
            ["apps", _, "grants", ..] => either(GRANTS, MANAGE_GRANTS),
            ["apps", _, "tokens", ..] => either(GRANTS, MANAGE_GRANTS),
            ["apps", ..] => Some(APPS),
            // Whoever has a token may give it up.
            ["api-tokens", "current"] if !is_read => None,
            ["api-tokens", ..] => either(
                API_TOKENS,
                need(Right::ManageApiTokens, &["okta.apiTokens.manage"]),
            ),
            ["logs"] => Some(need(Right::Logs, &["okta.logs.read"])),
            ["org"] => Some(need(Right::Org, &["okta.orgs.read"])),
            ["eventHooks", ..] => {
                either(HOOKS, need(Right::ManageHooks, &["okta.eventHooks.manage"]))
            }
            _ => None,
        },
        ["oauth2", "v1", "clients", _, "roles", ..] => either(ROLES, MANAGE_ROLES),
        ["oauth2", "v1", "global-token-revocation"] => {
            Some(need(Right::Logout, &["okta.universalLogout.manage"]))
        }
        ["integrations", ..] => Some(need(Right::Services, &["okta.oauthIntegrations.read"])),
        _ => None,
    }
}
