//! One customer's instance of an app, and what state it is in.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::app::{App, Component, Components};
use crate::permission::{Grants, Tier};

/// A connection's name, which is its id everywhere: in keys, object names, logs and commands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionId(String);

/// Names end up in object names and table keys, which both have limits.
const NAME_CHARS_MAX: usize = 40;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a connection name: use 1 to {NAME_CHARS_MAX} of the characters a-z, 0-9 and -"
)]
pub struct BadName(String);

impl ConnectionId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConnectionId {
    type Err = BadName;

    fn from_str(name: &str) -> Result<ConnectionId, BadName> {
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_allowed) {
            return Err(BadName(name.chars().take(NAME_CHARS_MAX * 2).collect()));
        }
        Ok(ConnectionId(name.into()))
    }
}

impl TryFrom<String> for ConnectionId {
    type Error = BadName;

    fn try_from(name: String) -> Result<ConnectionId, BadName> {
        name.parse()
    }
}

impl From<ConnectionId> for String {
    fn from(id: ConnectionId) -> String {
        id.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a customer enters to connect an app; the credential travels apart from it, into the secret store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionSettings {
    pub id: ConnectionId,
    pub app: App,
    pub components: Components,
    /// How deep it may reach: to observe only, unless somebody wants more.
    #[serde(default)]
    pub tier: Tier,
    /// Settings of the app by name, such as `tenant_id`; the app's crate parses them.
    pub app_settings: BTreeMap<String, String>,
    /// Addresses other than the vendor's own, by the app's name for them.
    pub endpoints: BTreeMap<String, String>,
}

/// The state of a connection, with its cause inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum ConnectionState {
    /// Not tested yet.
    Pending,
    Connected,
    /// Works for some components; says why the others are refused.
    Degraded {
        causes: BTreeMap<Component, Cause>,
    },
    Paused,
    /// Nothing is called until somebody acts or the hourly probe succeeds.
    Failed {
        cause: Cause,
    },
    /// The credential is gone; what was read stays until somebody connects again or deletes it.
    Disconnected,
    /// Everything that was read is being removed; then the connection itself is gone.
    Deleting,
}

impl ConnectionState {
    /// Whether the vendor may be called.
    pub fn is_active(&self) -> bool {
        match self {
            ConnectionState::Pending
            | ConnectionState::Connected
            | ConnectionState::Degraded { .. } => true,
            ConnectionState::Paused
            | ConnectionState::Failed { .. }
            | ConnectionState::Disconnected
            | ConnectionState::Deleting => false,
        }
    }

    /// Whether somebody stopped it: what a function finds out meanwhile does not start it again.
    pub fn is_halted(&self) -> bool {
        match self {
            ConnectionState::Paused | ConnectionState::Disconnected | ConnectionState::Deleting => {
                true
            }
            ConnectionState::Pending
            | ConnectionState::Connected
            | ConnectionState::Degraded { .. }
            | ConnectionState::Failed { .. } => false,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            ConnectionState::Pending => "pending",
            ConnectionState::Connected => "connected",
            ConnectionState::Degraded { .. } => "degraded",
            ConnectionState::Paused => "paused",
            ConnectionState::Failed { .. } => "failed",
            ConnectionState::Disconnected => "disconnected",
            ConnectionState::Deleting => "deleting",
        }
    }
}

/// Something that is wrong, in words a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Stable, for programs: `credential`, `permission`, `licence`, `audit-off`, …
    pub code: String,
    /// What happened.
    pub what: String,
    /// What to do now.
    pub fix: String,
}

/// The code of content that is not read because its owner's account is inactive: the tenant is just so, and nothing went
/// wrong.
pub const INACTIVE_OWNER: &str = "inactive-owner";

impl Cause {
    pub fn new(code: &str, what: impl Into<String>, fix: impl Into<String>) -> Cause {
        Cause {
            code: code.into(),
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.fix)
    }
}

/// What is known of the tenant behind a connection since its last test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: String,
    pub name: String,
    /// Mail domains whose people are internal.
    pub domains: Vec<String>,
    /// Assigned seats, which some vendors scale their limits by.
    pub seats: Option<u64>,
}

/// What the last test of a connection found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    pub tested: Timestamp,
    pub tenant: Tenant,
    pub grants: Grants,
    /// Why a chosen component does not work, by component; absent for those that do.
    pub refused: BTreeMap<Component, Cause>,
    /// When the credential ends, for kinds that tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_expires: Option<Timestamp>,
}
