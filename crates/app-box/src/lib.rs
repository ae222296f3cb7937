//! Box: users, groups and admin roles, the events of the enterprise, and files with who can see them.
//!
//! Table of contents: what a customer enters is checked here; `auth` obtains tokens, `permissions` tests a connection,
//! `users` reads the directory, `activities` the events, `catalog` says what they mean, `files` walks the folder trees of
//! users, `governance` changes accounts and files, `limits` says what may be spent.

mod activities;
mod auth;
pub mod catalog;
mod dialect;
mod files;
mod governance;
mod limits;
mod permissions;
mod users;
mod wire;

use std::collections::BTreeMap;

use casbah_connector::{
    ActivitySource, Authenticator, Capability, Connector, ContentSource, Dialect, FileSource,
    Governance, Limit, PermissionSource, Support, UserSource,
};
use casbah_model::app::App;
use casbah_model::connection::{Cause, ConnectionSettings, Tenant};

pub static BOX: BoxCom = BoxCom;

/// The connector; stateless. The language has a `Box` of its own.
pub struct BoxCom;

/// The id of the enterprise.
pub(crate) const ENTERPRISE_ID: &str = "enterprise_id";
/// The app's id; the configuration file of an app with a key has it, too.
pub(crate) const CLIENT_ID: &str = "client_id";
/// The user whose token it is; without it the token is the app's service account's.
pub(crate) const USER_ID: &str = "user_id";
/// The part of each user's limit that Casbah may use, in percent.
pub(crate) const SHARE: &str = "share_percent";
/// Calls a month that the licence leaves to Casbah.
pub(crate) const MONTHLY_CALLS: &str = "monthly_calls";
/// Mail domains that are the enterprise's own beside those that its users sign in with.
pub(crate) const DOMAINS: &str = "domains";
/// What assertions are signed with, for apps with a key.
pub(crate) const ALGORITHM: &str = "algorithm";
/// `secret` for the app's client secret, `private-key` for the configuration file of an app with a key; which of them
/// it is can be seen.
pub(crate) const CREDENTIAL: &str = "credential";

const SECRET: &str = "secret";
const PRIVATE_KEY: &str = "private-key";

const SETTINGS: [&str; 8] = [
    ENTERPRISE_ID,
    CLIENT_ID,
    USER_ID,
    SHARE,
    MONTHLY_CALLS,
    DOMAINS,
    ALGORITHM,
    CREDENTIAL,
];

const ENDPOINTS: &[(&str, &str)] = &[(wire::API, "https://api.box.com")];
const HOSTS: &[(&str, &str)] = &[(wire::API, "api.box.com")];

/// RFC 1035, 2.3.4.
const DOMAIN_CHARS_MAX: usize = 253;
const DOMAINS_MAX: usize = 100;

impl Connector for BoxCom {
    fn app(&self) -> App {
        App::Box
    }

    fn capability(&self, what: Capability) -> Support {
        match what {
            Capability::Accounts => Support::Yes("of every status, app users too"),
            Capability::Groups => Support::Yes("with members"),
            Capability::Privileges => Support::Yes("admins, co-admins, group admins"),
            Capability::SignIns | Capability::AdminActivity | Capability::UserActivity => {
                Support::Yes("both event streams of the enterprise")
            }
            Capability::AppPermissions => {
                Support::No("Box lists none; what apps do is in the activity")
            }
            Capability::Files => Support::Yes("the folder tree of every user"),
            Capability::ChangedFiles => Support::Yes("from the event stream"),
        }
    }

    fn tenant_setting(&self) -> &'static str {
        ENTERPRISE_ID
    }

    fn check(&self, settings: &ConnectionSettings) -> Result<(), Cause> {
        let entered = &settings.app_settings;
        if let Some(unknown) = entered
            .keys()
            .find(|name| !SETTINGS.contains(&name.as_str()))
        {
            let what = format!("\"{}\" is not a setting of Box", shown(unknown));
            let fix = format!("leave it out; known settings are {}", SETTINGS.join(", "));
            return Err(Cause::new("settings", what, fix));
        }
        if let Some(unknown) = settings.endpoints.keys().find(|name| !is_endpoint(name)) {
            let what = format!("\"{}\" is not an endpoint of Box", shown(unknown));
            let known = ENDPOINTS.iter().map(|(name, _)| *name).collect::<Vec<_>>();
            let fix = format!("leave it out; known endpoints are {}", known.join(", "));
            return Err(Cause::new("settings", what, fix));
        }
        if !entered.contains_key(ENTERPRISE_ID) {
            let what = "enterprise_id is missing";
            let fix = "set it to the Enterprise ID in the Admin Console, under Account & Billing";
            return Err(Cause::new("settings", what, fix));
        }
        for (name, value) in entered {
            let fix = match name.as_str() {
                ENTERPRISE_ID if !wire::is_id(value) => {
                    "set enterprise_id to the number of the Enterprise ID in the Admin Console, under Account & Billing"
                }
                CLIENT_ID if !is_client_id(value) => {
                    "set client_id to the Client ID on the app's Configuration page in the Developer Console"
                }
                USER_ID if !wire::is_id(value) => {
                    "set user_id to the number of a user, or leave it out to use the app's service account"
                }
                SHARE if limits::share(value).is_none() => {
                    "set share_percent to a whole number from 5 to 100"
                }
                MONTHLY_CALLS if limits::monthly(value).is_none() => {
                    "set monthly_calls to a whole number from 10000, or leave it out if calls are not counted"
                }
                DOMAINS if !are_domains(value) => {
                    "name mail domains such as acme.example, with spaces between them"
                }
                ALGORITHM if !auth::is_algorithm(value) => {
                    "set algorithm to RS512, RS384 or RS256, or leave it out"
                }
                CREDENTIAL if !matches!(value.as_str(), SECRET | PRIVATE_KEY) => {
                    "set credential to \"secret\" or \"private-key\""
                }
                _ => continue,
            };
            let what = format!("{name} cannot be \"{}\"", shown(value));
            return Err(Cause::new("settings", what, fix));
        }
        Ok(())
    }

    fn endpoints(&self) -> &'static [(&'static str, &'static str)] {
        ENDPOINTS
    }

    fn hosts(&self) -> &'static [(&'static str, &'static str)] {
        HOSTS
    }

    fn limits(&self, _: &Tenant, app_settings: &BTreeMap<String, String>) -> Vec<Limit> {
        limits::of(app_settings)
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &dialect::BoxCom
    }

    fn auth(&self) -> &'static dyn Authenticator {
        &auth::Credential
    }

    fn permissions(&self) -> &dyn PermissionSource {
        &permissions::Scopes
    }

    fn users(&self) -> &dyn UserSource {
        &users::Directory
    }

    fn activities(&self) -> Option<&dyn ActivitySource> {
        Some(&activities::Events)
    }

    fn files(&self) -> Option<&dyn FileSource> {
        Some(&files::Trees)
    }

    fn contents(&self) -> Option<&dyn ContentSource> {
        Some(&files::contents::Contents)
    }

    fn governance(&self) -> Option<&dyn Governance> {
        Some(&governance::Actions)
    }
}

fn is_endpoint(name: &str) -> bool {
    ENDPOINTS.iter().any(|(known, _)| *known == name)
}

/// Client ids are opaque, of letters and digits.
fn is_client_id(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_letter)
}

fn are_domains(text: &str) -> bool {
    let is_domain = |domain: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        domain.len() <= DOMAIN_CHARS_MAX
            && domain.bytes().all(is_letter)
            && domain.split('.').all(|label| !label.is_empty())
            && domain.contains('.')
    };
    let domains: Vec<&str> = text.split_whitespace().collect();
    !domains.is_empty() && domains.len() <= DOMAINS_MAX && domains.into_iter().all(is_domain)
}

/// As much of what somebody entered as an error may repeat.
fn shown(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests;
