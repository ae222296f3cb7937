//! Okta: users, groups and admin roles, the System Log, and what applications were granted.
//!
//! Table of contents: what a customer enters is checked here; `auth` obtains tokens, `permissions` tests a connection,
//! `users` reads the directory, roles and grants, `activities` the System Log, `catalog` says what its events mean,
//! `limits` what may be spent, `governance` what can be changed. There are no files.

mod activities;
mod auth;
pub mod catalog;
mod dialect;
mod governance;
mod limits;
mod permissions;
mod users;
mod wire;

use std::collections::BTreeMap;

use casbah_connector::{
    ActivitySource, Authenticator, Capability, Connector, Dialect, Governance, Limit,
    PermissionSource, Support, UserSource,
};
use casbah_model::app::App;
use casbah_model::connection::{Cause, ConnectionSettings, Tenant};

pub static OKTA: Okta = Okta;

/// The connector; stateless.
pub struct Okta;

/// The org's address at Okta, such as `acme.okta.com`.
pub(crate) const DOMAIN: &str = "domain";
/// The service app's id; without it the credential is an API token.
pub(crate) const CLIENT_ID: &str = "client_id";
/// The id of the public key at Okta, for a private key that does not name it itself.
pub(crate) const KEY_ID: &str = "key_id";
/// The scopes to ask for, where not all are granted.
pub(crate) const SCOPES: &str = "scopes";
/// The part of the org's limits that Casbah may use, in percent.
pub(crate) const SHARE: &str = "share_percent";
/// `secret` for an API token, `private-key` for the key of a service app.
pub(crate) const CREDENTIAL: &str = "credential";

const SECRET: &str = "secret";
const PRIVATE_KEY: &str = "private-key";

const SETTINGS: [&str; 6] = [DOMAIN, CLIENT_ID, KEY_ID, SCOPES, SHARE, CREDENTIAL];

/// Every org has an address of its own, so the one for everybody is only there to be replaced.
const ENDPOINTS: &[(&str, &str)] = &[(wire::ORG, "https://okta.com")];

/// Domains under which orgs have their addresses. An org with a custom domain has one of these as well, and only these
/// are called: a host of anybody's choice would be a way into the network that Casbah runs in.
const DOMAINS: [&str; 3] = ["okta.com", "oktapreview.com", "okta-emea.com"];

/// RFC 1035, 2.3.4.
const LABEL_CHARS_MAX: usize = 63;

impl Connector for Okta {
    fn app(&self) -> App {
        App::Okta
    }

    fn capability(&self, what: Capability) -> Support {
        match what {
            Capability::Accounts => Support::Yes("of every status, deprovisioned too"),
            Capability::Groups => Support::Yes("with members"),
            Capability::Privileges => Support::Yes("admin roles of users, groups and apps"),
            Capability::SignIns => Support::Yes("System Log"),
            Capability::AdminActivity => Support::Yes("System Log"),
            Capability::UserActivity => Support::Yes("System Log"),
            Capability::AppPermissions => Support::Yes("consents, tokens, scopes of service apps"),
            Capability::Files | Capability::ChangedFiles => Support::No("Okta has no files"),
        }
    }

    fn tenant_setting(&self) -> &'static str {
        DOMAIN
    }

    fn check(&self, settings: &ConnectionSettings) -> Result<(), Cause> {
        let entered = &settings.app_settings;
        if let Some(unknown) = entered
            .keys()
            .find(|name| !SETTINGS.contains(&name.as_str()))
        {
            let what = format!("\"{}\" is not a setting of Okta", shown(unknown));
            let fix = format!("leave it out; known settings are {}", SETTINGS.join(", "));
            return Err(Cause::new("settings", what, fix));
        }
        if let Some(unknown) = settings.endpoints.keys().find(|name| *name != wire::ORG) {
            let what = format!("\"{}\" is not an endpoint of Okta", shown(unknown));
            let fix = "leave it out; the org's address is the setting domain";
            return Err(Cause::new("settings", what, fix));
        }
        check_domain(entered.get(DOMAIN).map(String::as_str))?;
        for (name, value) in entered {
            let fix = match name.as_str() {
                CLIENT_ID if !is_id(value) => {
                    "set client_id to the client id on the service app's page, or leave it out to use an API token"
                        .to_string()
                }
                KEY_ID if !is_id(value) => {
                    "set key_id to the id (KID) of the public key on the service app's page".into()
                }
                SCOPES if !auth::are_scopes(value, settings.tier) => {
                    format!("name some of {}, with spaces between them", auth::SCOPES.join(", "))
                }
                SHARE if limits::share(value).is_none() => {
                    "set share_percent to a whole number from 10 to 100".into()
                }
                CREDENTIAL if !matches!(value.as_str(), SECRET | PRIVATE_KEY) => {
                    "set credential to \"secret\" or \"private-key\"".into()
                }
                _ => continue,
            };
            let what = format!("{name} cannot be \"{}\"", shown(value));
            return Err(Cause::new("settings", what, fix));
        }
        check_credential(entered)
    }

    fn endpoints(&self) -> &'static [(&'static str, &'static str)] {
        ENDPOINTS
    }

    /// Where others call, the org's address comes from the setting `domain` and from nowhere else.
    fn hosts(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn own_address(
        &self,
        service: &str,
        app_settings: &BTreeMap<String, String>,
    ) -> Option<String> {
        let domain = app_settings.get(DOMAIN).filter(|_| service == wire::ORG)?;
        Some(format!("https://{domain}"))
    }

    fn limits(&self, _: &Tenant, app_settings: &BTreeMap<String, String>) -> Vec<Limit> {
        limits::of(app_settings.get(SHARE).map(String::as_str))
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &dialect::Okta
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
        Some(&activities::SystemLog)
    }

    fn governance(&self) -> Option<&dyn Governance> {
        Some(&governance::Actions)
    }
}

/// The kind of credential and the service app go together.
fn check_credential(entered: &BTreeMap<String, String>) -> Result<(), Cause> {
    let kind = entered.get(CREDENTIAL).map(String::as_str);
    let (what, fix) = match (kind, entered.contains_key(CLIENT_ID)) {
        (Some(SECRET), true) => (
            "client_id is given, and the credential is a secret",
            "a service app has a private key; leave client_id out if it is an API token",
        ),
        (Some(PRIVATE_KEY), false) => (
            "client_id is missing, and the credential is a private key",
            "set client_id to the client id on the service app's page",
        ),
        _ => return Ok(()),
    };
    Err(Cause::new("settings", what, fix))
}

fn check_domain(domain: Option<&str>) -> Result<(), Cause> {
    let what = match domain {
        Some(domain) if is_domain(domain) => return Ok(()),
        Some(domain) => format!(
            "domain \"{}\" is not an org's address at Okta",
            shown(domain)
        ),
        None => "domain is missing".into(),
    };
    let fix = "set domain to the org's own address such as acme.okta.com, without https:// and not a custom domain";
    Err(Cause::new("settings", what, fix))
}

/// One name below one of Okta's domains.
fn is_domain(domain: &str) -> bool {
    let Some((name, parent)) = domain.split_once('.') else {
        return false;
    };
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    DOMAINS.contains(&parent)
        && !name.is_empty()
        && name.len() <= LABEL_CHARS_MAX
        && name.bytes().all(is_letter)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Ids are opaque, of letters, digits and a few marks.
fn is_id(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_letter)
}

/// As much of what somebody entered as an error may repeat.
fn shown(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests;
