//! What a simulated org contains and how it is reached; everything else follows from it and the clock.

use std::time::Duration;

use casbah_model::{SignedDuration, Timestamp};

use super::ids::{Type, id};
use super::limits::Limits;
use crate::latency::Latency;

/// The settings of one org. Two simulators of the same plan give the same answers.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Users of every status, deprovisioned ones included.
    pub users: usize,
    /// Groups besides Everyone.
    pub groups: usize,
    /// Events of the system log before `started`.
    pub activities: usize,
    /// How far the history reaches back.
    pub history: SignedDuration,
    /// Events that go on after `started`.
    pub live_activities_per_hour: u64,
    /// Share of the events that are stored hours after they were published.
    pub late_share: f64,
    pub late_max: SignedDuration,
    /// How long after a deed its event is stored.
    pub deed_delay: SignedDuration,
    /// Where the org answers, `https://acme.okta.com` or a custom domain.
    pub base: String,
    /// A custom domain that the org tells of; nothing answers there.
    pub custom_domain: Option<String>,
    /// The secret of the API token, which user 0 made.
    pub api_token: String,
    pub client: Client,
    /// When the org is connected; its history lies before.
    pub started: Timestamp,
    pub latency: Latency,
    pub limits: Limits,
    /// Entries of one page of lists and of the system log at most, whatever `limit` asks for: a page that is not full may
    /// have a next one (System Log query, "Next link").
    pub page_max: usize,
    pub choices: Choices,
}

/// The OAuth service app that a reader signs in with.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    /// `kid` of the registered public key.
    pub key_id: String,
    /// `okta.*` scopes that were granted to the app.
    pub scopes: Vec<String>,
    /// Types of the admin roles assigned to the app; a custom role counts by its label.
    pub roles: Vec<String>,
    pub is_dpop_required: bool,
}

/// What Okta's documents leave open. The first value of each is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub partial_scopes: PartialScopes,
    pub missing_scope: MissingScope,
    pub missing_role: MissingRole,
    pub assignees: Assignees,
    pub old_cursor: OldCursor,
    pub me: Me,
}

/// A token request of which only some scopes are granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartialScopes {
    /// A token with the granted ones; `scope` says so.
    #[default]
    Reduced,
    ConsentRequired,
    InvalidScope,
}

/// An API call whose token lacks the scope; always 403.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingScope {
    #[default]
    E0000006,
    E0000014,
    /// `WWW-Authenticate` with `insufficient_scope`, and the body of an OAuth error.
    InsufficientScope,
}

/// A read whose scope is there but whose bearer lacks the role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingRole {
    #[default]
    Forbidden,
    /// Lists are short without saying so: empty.
    ShortLists,
}

/// Whom `/iam/assignees/users` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assignees {
    /// Everyone who holds a role, directly or through a group.
    #[default]
    All,
    Direct,
}

/// A system log cursor that is older than the retention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldCursor {
    /// Goes on with the oldest event there is.
    #[default]
    FromOldest,
    Refused,
}

/// `/users/me` with an API token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Me {
    #[default]
    Owner,
    NotFound,
}

/// Scopes that a reader asks for.
pub const READ_SCOPES: [&str; 9] = [
    "okta.users.read",
    "okta.groups.read",
    "okta.roles.read",
    "okta.logs.read",
    "okta.apps.read",
    "okta.orgs.read",
    "okta.appGrants.read",
    "okta.apiTokens.read",
    "okta.eventHooks.manage",
];

/// The other scopes this org knows; any that is in neither list is an invalid one.
const OTHER_SCOPES: [&str; 12] = [
    "okta.eventHooks.read",
    "okta.clients.read",
    "okta.oauthIntegrations.read",
    "okta.users.manage",
    "okta.groups.manage",
    "okta.roles.manage",
    "okta.apps.manage",
    "okta.appGrants.manage",
    "okta.apiTokens.manage",
    "okta.universalLogout.manage",
    "okta.policies.read",
    "okta.schemas.read",
];

pub fn is_scope(name: &str) -> bool {
    READ_SCOPES.contains(&name) || OTHER_SCOPES.contains(&name)
}

impl Plan {
    /// A company of 250 people with a week of history.
    pub fn new(seed: u64) -> Plan {
        Plan {
            seed,
            users: 250,
            groups: 25,
            activities: 5000,
            history: SignedDuration::from_hours(7 * 24),
            live_activities_per_hour: 0,
            late_share: 0.002,
            late_max: SignedDuration::from_hours(6),
            deed_delay: SignedDuration::from_secs(5),
            base: "https://acme.okta.com".into(),
            custom_domain: None,
            api_token: format!("00simulated{seed:031x}"),
            client: Client {
                id: id(seed, Type::App, 0),
                key_id: format!("simulated-{seed:016x}"),
                scopes: READ_SCOPES.map(String::from).to_vec(),
                roles: vec!["SUPER_ADMIN".into()],
                is_dpop_required: false,
            },
            started: Timestamp::from_second(1_777_881_600).expect("4 May 2026, 08:00 UTC"),
            latency: Latency {
                min: Duration::from_millis(20),
                max: Duration::from_millis(80),
            },
            limits: Limits::default(),
            page_max: usize::MAX,
            choices: Choices::default(),
        }
    }

    /// The sizes a load test varies.
    pub fn sized(mut self, users: usize, groups: usize, activities: usize) -> Plan {
        (self.users, self.groups, self.activities) = (users, groups, activities);
        self
    }

    /// The address of the token endpoint, which client assertions and proofs must name.
    pub fn token_url(&self) -> String {
        format!("{}/oauth2/v1/token", self.base.trim_end_matches('/'))
    }
}
