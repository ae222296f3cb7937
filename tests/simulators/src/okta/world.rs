//! What deeds, calls and faults have changed since the org was made.

use std::collections::{BTreeMap, BTreeSet};

use super::apps::{API_TOKENS, Grant};
use super::events::Scene;
use super::hook_state::Hook;
use super::people::Status;
use super::plan::Plan;
use super::roles::{Assignment, assignments};
use crate::moment::Millis;

/// What somebody does in the org. Each is told of in the system log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    AddUser,
    Activate {
        user: u64,
    },
    Deactivate {
        user: u64,
    },
    /// Deactivated users only; the others stay.
    Delete {
        user: u64,
    },
    Suspend {
        user: u64,
    },
    Unsuspend {
        user: u64,
    },
    Lock {
        user: u64,
    },
    Unlock {
        user: u64,
    },
    SignIn {
        user: u64,
    },
    FailSignIn {
        user: u64,
    },
    /// Somebody tries a login that no user has.
    FailUnknownSignIn,
    AddMember {
        group: u64,
        user: u64,
    },
    RemoveMember {
        group: u64,
        user: u64,
    },
    /// Gives a user a role, by its type or by the label of a custom one.
    GrantRole {
        user: u64,
        role: String,
    },
    /// Takes every direct role from a user.
    RevokeRoles {
        user: u64,
    },
    GrantClientRole {
        role: String,
    },
    /// Takes every role from the service app.
    RevokeClientRoles,
    /// Takes a granted scope from the service app; tokens issued before keep it.
    RevokeScope {
        scope: String,
    },
    Consent {
        user: u64,
    },
    CreateApiToken {
        owner: u64,
    },
    RevokeApiToken {
        number: u64,
    },
    /// A password of an app is shown to the user.
    ShowPassword {
        user: u64,
    },
    /// An attack is noticed.
    DetectThreat {
        user: u64,
    },
}

/// What changed about a user.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    pub is_deleted: bool,
    pub status: Option<Status>,
    pub created: Option<Millis>,
    pub last_login: Option<Millis>,
    pub last_updated: Option<Millis>,
    pub status_changed: Option<Millis>,
    /// A status that comes by itself, and when.
    pub next: Option<(Status, Millis)>,
    /// What the search index still says, until so many searches were made; `None` inside is nothing at all.
    pub indexed: Option<(Option<Status>, u64)>,
}

/// The state of an org; all of it is small.
#[derive(Default)]
pub struct World {
    pub users: BTreeMap<u64, UserChange>,
    pub users_added: u64,
    /// Memberships that differ from the plan's: added or removed, and when.
    pub members: BTreeMap<(u64, u64), bool>,
    pub membership_changed: BTreeMap<u64, Millis>,
    pub assignments: Vec<Assignment>,
    pub assignments_made: u64,
    pub consents: Vec<Grant>,
    /// Ids of grants and refresh tokens that were revoked.
    pub revoked: BTreeSet<String>,
    pub scopes_revoked: BTreeSet<String>,
    pub api_tokens_added: Vec<u64>,
    pub api_tokens_revoked: BTreeSet<u64>,
    pub api_token_used: Millis,
    pub sessions_ended: BTreeSet<u64>,
    pub sessions_begun: BTreeMap<u64, u64>,
    /// Events that deeds and calls caused, by their number less `DEED`.
    pub scenes: Vec<Scene>,
    /// Access tokens that a fault killed.
    pub dead_tokens: BTreeSet<String>,
    /// `jti` values that were used, of assertions and of proofs.
    pub jtis: BTreeSet<String>,
    /// Added to the number of every nonce by a fault.
    pub nonces_dropped: i64,
    /// Lists of users by search or filter so far.
    pub searches: u64,
    pub hooks: Vec<Hook>,
    /// Access tokens issued so far; makes each one different.
    pub tokens: u64,
}

impl World {
    pub fn new(plan: &Plan) -> World {
        let assignments = assignments(plan);
        World {
            assignments_made: assignments.len() as u64,
            assignments,
            api_token_used: plan.started.as_millisecond(),
            ..World::default()
        }
    }

    pub fn user(&self, index: u64) -> UserChange {
        self.users.get(&index).copied().unwrap_or_default()
    }

    /// Numbers of the API tokens there are.
    pub fn api_tokens(&self) -> impl Iterator<Item = u64> {
        let added = API_TOKENS + self.api_tokens_added.len() as u64;
        (0..added).filter(|number| !self.api_tokens_revoked.contains(number))
    }
}
