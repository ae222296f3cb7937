//! What of an app is read, in words that people compare products by.

use casbah_model::app::Component;

use crate::{Connector, Listed};

/// A kind of thing that apps show, or do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    Accounts,
    Groups,
    Privileges,
    SignIns,
    AdminActivity,
    UserActivity,
    AppPermissions,
    Files,
    /// Files soon after they changed, not only with the sweep every 12 hours.
    ChangedFiles,
}

impl Capability {
    pub const ALL: [Capability; 9] = [
        Capability::Accounts,
        Capability::Groups,
        Capability::Privileges,
        Capability::SignIns,
        Capability::AdminActivity,
        Capability::UserActivity,
        Capability::AppPermissions,
        Capability::Files,
        Capability::ChangedFiles,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Capability::Accounts => "accounts",
            Capability::Groups => "groups",
            Capability::Privileges => "privileges",
            Capability::SignIns => "sign-ins",
            Capability::AdminActivity => "admin activity",
            Capability::UserActivity => "user activity",
            Capability::AppPermissions => "app permissions",
            Capability::Files => "files and sharing",
            Capability::ChangedFiles => "changed files",
        }
    }

    /// Whether a connector has what it takes, whatever it says.
    pub fn is_built(self, connector: &dyn Connector) -> bool {
        let has = |of| connector.users().lists().iter().any(|list| list.of == of);
        let tells = |component| {
            let source = connector.activities();
            let mut feeds = source.map_or(&[][..], |source| source.feeds()).iter();
            feeds.any(|feed| feed.components.contains(&component))
        };
        match self {
            Capability::Accounts => has(Listed::Users),
            Capability::Groups => has(Listed::Groups),
            Capability::Privileges => has(Listed::Privileges),
            Capability::SignIns => tells(Component::SignInEvents),
            Capability::AdminActivity => tells(Component::ManagementEvents),
            Capability::UserActivity => tells(Component::Activities),
            Capability::AppPermissions => has(Listed::AppPermissions),
            Capability::Files => connector.files().is_some(),
            Capability::ChangedFiles => connector.files().is_some() && tells(Component::Activities),
        }
    }
}

/// Whether an app shows it, and how, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Yes(&'static str),
    No(&'static str),
}

/// Why an app has nothing for a component; `None` where it has.
pub fn lacks(connector: &dyn Connector, component: Component) -> Option<&'static str> {
    let what = match component {
        Component::Users => Capability::Accounts,
        Component::ManagementEvents => Capability::AdminActivity,
        Component::SignInEvents => Capability::SignIns,
        Component::Activities => Capability::UserActivity,
        Component::Files => Capability::Files,
        Component::AppPermissions => Capability::AppPermissions,
    };
    match connector.capability(what) {
        Support::Yes(_) => None,
        Support::No(why) => Some(why),
    }
}
