//! The lists of what a connection holds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collection {
    Users,
    Groups,
    /// Who holds which role.
    Privileges,
    /// What applications may do.
    AppPermissions,
    Files,
}

impl Collection {
    pub const ALL: [Collection; 5] = [
        Collection::Users,
        Collection::Groups,
        Collection::Privileges,
        Collection::AppPermissions,
        Collection::Files,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Collection::Users => "users",
            Collection::Groups => "groups",
            Collection::Privileges => "privileges",
            Collection::AppPermissions => "app-permissions",
            Collection::Files => "files",
        }
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no collection")]
pub struct UnknownCollection;

impl FromStr for Collection {
    type Err = UnknownCollection;

    fn from_str(name: &str) -> Result<Collection, UnknownCollection> {
        let mut all = Collection::ALL.into_iter();
        all.find(|known| known.name() == name)
            .ok_or(UnknownCollection)
    }
}
