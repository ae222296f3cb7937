//! What each component needs: the only source for tests and documents.

use casbah_model::app::Component;
use casbah_model::permission::{Need, Strictness, Tier};

/// Scopes to read. Those to manage are not offered as alternatives although they would do, so that granting one for
/// nothing is seen.
pub(super) const NEEDS: &[Need] = &[
    required(Component::Users, &["okta.users.read"], "list users"),
    required(
        Component::Users,
        &["okta.groups.read"],
        "list groups and their members",
    ),
    optional(
        Component::Users,
        &["okta.roles.read"],
        "list admin roles and who holds them",
    ),
    optional(Component::Users, &["okta.orgs.read"], "know the org's name"),
    required(Component::ManagementEvents, LOGS, "read the System Log"),
    required(Component::SignInEvents, LOGS, "read the System Log"),
    required(Component::Activities, LOGS, "read the System Log"),
    required(
        Component::AppPermissions,
        &["okta.apps.read"],
        "list applications and the tokens that were issued to them",
    ),
    optional(
        Component::AppPermissions,
        &["okta.users.read"],
        "list what users consented to",
    ),
    optional(
        Component::AppPermissions,
        &["okta.appGrants.read"],
        "list what service apps may do on their own",
    ),
    optional(
        Component::AppPermissions,
        &["okta.apiTokens.read"],
        "list API tokens",
    ),
    acting(
        Component::Users,
        &["okta.users.manage"],
        "suspend users and end their sessions",
    ),
    acting(
        Component::Users,
        &["okta.groups.manage"],
        "take users out of groups",
    ),
    acting(
        Component::Users,
        &["okta.roles.manage"],
        "take admin roles from users",
    ),
    acting(
        Component::AppPermissions,
        &["okta.appGrants.manage"],
        "revoke what users let applications do",
    ),
];

const LOGS: &[&str] = &["okta.logs.read"];

const fn need(
    component: Component,
    tier: Tier,
    strictness: Strictness,
    any_of: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    Need {
        component,
        tier,
        any_of,
        strictness,
        purpose,
    }
}

const fn required(
    component: Component,
    any_of: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    need(
        component,
        Tier::Observe,
        Strictness::Required,
        any_of,
        purpose,
    )
}

const fn optional(
    component: Component,
    any_of: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    need(
        component,
        Tier::Observe,
        Strictness::Optional,
        any_of,
        purpose,
    )
}

/// What acting takes; nothing asks for it until somebody wants to act.
const fn acting(
    component: Component,
    any_of: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    need(component, Tier::Act, Strictness::Optional, any_of, purpose)
}
