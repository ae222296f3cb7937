//! What each component needs: the only source for tests, documents and consent links.

use casbah_model::app::Component;
use casbah_model::permission::{Need, Strictness, Tier};

/// Rights to read, least first. Rights to write are not offered as alternatives although they would do, so that
/// granting one for nothing is seen.
pub(super) const NEEDS: &[Need] = &[
    required(
        Component::Users,
        &["User.Read.All", "Directory.Read.All"],
        "list users and their changes",
    ),
    required(
        Component::Users,
        &[
            "GroupMember.Read.All",
            "Group.Read.All",
            "Directory.Read.All",
        ],
        "list groups and their members",
    ),
    required(
        Component::Users,
        &["Organization.Read.All", "Directory.Read.All"],
        "know the tenant and its domains",
    ),
    optional(
        Component::Users,
        &["RoleManagement.Read.Directory", "Directory.Read.All"],
        "list roles and who holds them",
    ),
    optional(
        Component::Users,
        &[
            "LicenseAssignment.Read.All",
            "Organization.Read.All",
            "Directory.Read.All",
        ],
        "know the tenant's size, by which its limits are scaled",
    ),
    optional(
        Component::Users,
        &["AuditLog.Read.All"],
        "know when users last signed in (Entra ID P1)",
    ),
    required(
        Component::ManagementEvents,
        ACTIVITY_FEED,
        "read the audit trail",
    ),
    required(
        Component::SignInEvents,
        ACTIVITY_FEED,
        "read the audit trail",
    ),
    required(Component::Activities, ACTIVITY_FEED, "read the audit trail"),
    optional(
        Component::Activities,
        &["ActivityFeed.ReadDlp"],
        "read what data loss prevention policies matched",
    ),
    required(
        Component::Files,
        &["Sites.Read.All"],
        "list sites and their libraries",
    ),
    required(
        Component::Files,
        &["Files.Read.All"],
        "list files and who can see them",
    ),
    required(
        Component::AppPermissions,
        &["Application.Read.All", "Directory.Read.All"],
        "list applications and their own permissions",
    ),
    required(
        Component::AppPermissions,
        &["Directory.Read.All"],
        "list what users and administrators delegated to applications",
    ),
    later(
        Component::Files,
        Tier::Inspect,
        &["Files.Read.All"],
        "read the content of files",
    ),
    later(
        Component::Users,
        Tier::Act,
        &["User.EnableDisableAccount.All"],
        "suspend users, and let them sign in again",
    ),
    later(
        Component::Users,
        Tier::Act,
        &["User.RevokeSessions.All"],
        "sign users out",
    ),
    later(
        Component::Users,
        Tier::Act,
        &["User-PasswordProfile.ReadWrite.All"],
        "make users choose a new password",
    ),
    later(
        Component::Users,
        Tier::Act,
        &["IdentityRiskyUser.ReadWrite.All"],
        "mark users as compromised (Entra ID P2)",
    ),
    later(
        Component::Users,
        Tier::Act,
        &["RoleManagement.ReadWrite.Directory"],
        "take admin roles from users",
    ),
    later(
        Component::Users,
        Tier::Act,
        &["GroupMember.ReadWrite.All"],
        "take users out of groups",
    ),
    later(
        Component::Files,
        Tier::Act,
        &["Files.ReadWrite.All", "Sites.ReadWrite.All"],
        "take access to files away, move, delete and label them",
    ),
    later(
        Component::Files,
        Tier::Act,
        &["SensitivityLabels.Read.All"],
        "read which labels there are, to put one on a file",
    ),
    later(
        Component::AppPermissions,
        Tier::Act,
        &["DelegatedPermissionGrant.ReadWrite.All"],
        "revoke delegated grants",
    ),
    later(
        Component::AppPermissions,
        Tier::Act,
        &["AppRoleAssignment.ReadWrite.All"],
        "revoke permissions of applications",
    ),
    later(
        Component::AppPermissions,
        Tier::Act,
        &["Application.ReadWrite.All"],
        "disable applications",
    ),
];

const ACTIVITY_FEED: &[&str] = &["ActivityFeed.Read"];

const fn required(
    component: Component,
    any_of: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    Need {
        component,
        tier: Tier::Observe,
        any_of,
        strictness: Strictness::Required,
        purpose,
    }
}

const fn optional(
    component: Component,
    any_of: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    Need {
        component,
        tier: Tier::Observe,
        any_of,
        strictness: Strictness::Optional,
        purpose,
    }
}

/// What deeper tiers take; nothing asks for it until somebody uses them.
const fn later(
    component: Component,
    tier: Tier,
    any_of: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    Need {
        component,
        tier,
        any_of,
        strictness: Strictness::Optional,
        purpose,
    }
}
