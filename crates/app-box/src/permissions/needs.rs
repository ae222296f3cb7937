//! What each component needs: the only source for tests and documents. Names are those of the scopes (developer guides,
//! "Scopes"); what has none is called by what it does.

use casbah_model::app::Component;
use casbah_model::permission::{Need, Strictness, Tier};

use crate::activities;
use crate::users::{MANAGE_GROUPS, MANAGE_USERS};

/// Read and write: what acting on files takes.
pub(crate) const WRITE_CONTENT: &str = "root_readwrite";
pub(super) const READ_CONTENT: &str = "root_readonly";
/// "Make API calls using the as-user header", which has no name of its own.
pub(crate) const AS_USER: &str = "as-user";
/// The enterprise has classifications, by its plan.
pub(super) const CLASSIFICATIONS: &str = "classifications";
/// It is not a co-admin who looks.
pub(super) const ALL_CONTENT: &str = "main-admin-or-service-account";

const EVENTS: &[&str] = &[activities::SCOPE];

pub(super) const NEEDS: &[Need] = &[
    required(Component::Users, &[MANAGE_USERS], "list users"),
    required(
        Component::Users,
        &[MANAGE_GROUPS],
        "list groups and their members",
    ),
    optional(
        Component::Users,
        &[ALL_CONTENT],
        "see other admins and what they own, which a co-admin does not",
    ),
    required(
        Component::ManagementEvents,
        EVENTS,
        "read the events of the enterprise",
    ),
    required(
        Component::SignInEvents,
        EVENTS,
        "read the events of the enterprise",
    ),
    required(
        Component::Activities,
        EVENTS,
        "read the events of the enterprise",
    ),
    required(Component::Files, &[READ_CONTENT], "list files and folders"),
    required(
        Component::Files,
        &[AS_USER],
        "list them as their owners, who alone see them",
    ),
    required(
        Component::Files,
        &[MANAGE_USERS],
        "know the owners of files",
    ),
    optional(
        Component::Files,
        &[CLASSIFICATIONS],
        "tell how files are classified, where the plan includes it",
    ),
    optional(
        Component::Files,
        &[ALL_CONTENT],
        "see files of admins, which a co-admin does not",
    ),
    acting(
        Component::Files,
        &[WRITE_CONTENT],
        "change who sees files, move, trash and label them",
    ),
    acting(
        Component::Users,
        &[MANAGE_USERS],
        "suspend users, end their sessions and take their roles",
    ),
];

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
