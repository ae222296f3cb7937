//! Microsoft 365: users, groups, roles and applications, the unified audit trail, and files with who can see them.
//!
//! Table of contents: what a customer enters is checked here; `auth` obtains tokens, `permissions` tests a
//! connection, `users` reads the directory through Microsoft Graph, `activities` the audit trail through the
//! Management Activity API, `catalog` says what its events mean, `files` walks sites and drives, `webhooks` reads notifications,
//! `governance` changes accounts and applications.

mod activities;
mod auth;
pub mod catalog;
mod dialect;
mod files;
mod governance;
mod limits;
mod permissions;
mod scan;
mod users;
mod webhooks;
mod wire;

use std::collections::BTreeMap;

use casbah_connector::{
    ActivitySource, Authenticator, Capability, Connector, ContentSource, Dialect, FileSource,
    Governance, Limit, PermissionSource, Support, UserSource, WebhookSource,
};
use casbah_model::app::App;
use casbah_model::connection::{Cause, ConnectionSettings, Tenant};

pub static MICROSOFT365: Microsoft365 = Microsoft365;

/// The connector; stateless.
pub struct Microsoft365;

pub(crate) const TENANT_ID: &str = "tenant_id";
pub(crate) const CLIENT_ID: &str = "client_id";
/// The tenant of who operates Casbah, for whom the Management API keeps a quota apart; the customer's own by default.
pub(crate) const PUBLISHER_ID: &str = "publisher_id";
/// `secret` or `certificate`: how the credential is to be read.
pub(crate) const CREDENTIAL: &str = "credential";

const SETTINGS: [&str; 4] = [TENANT_ID, CLIENT_ID, PUBLISHER_ID, CREDENTIAL];

/// The worldwide cloud (identity platform documentation, "National clouds"; Microsoft Graph documentation, "National
/// cloud deployments"; Management Activity API reference, "Activity API operations").
const ENDPOINTS: &[(&str, &str)] = &[
    (wire::LOGIN, "https://login.microsoftonline.com"),
    (wire::GRAPH, "https://graph.microsoft.com"),
    (wire::MANAGEMENT, "https://manage.office.com"),
];

/// The hosts of all clouds (the same documents; sign-in in China has an older and a newer name).
const HOSTS: &[(&str, &str)] = &[
    (wire::LOGIN, "login.microsoftonline.com"),
    (wire::LOGIN, "login.microsoftonline.us"),
    (wire::LOGIN, "login.chinacloudapi.cn"),
    (wire::LOGIN, "login.partner.microsoftonline.cn"),
    (wire::GRAPH, "graph.microsoft.com"),
    (wire::GRAPH, "graph.microsoft.us"),
    (wire::GRAPH, "dod-graph.microsoft.us"),
    (wire::GRAPH, "microsoftgraph.chinacloudapi.cn"),
    (wire::MANAGEMENT, "manage.office.com"),
    (wire::MANAGEMENT, "manage-gcc.office.com"),
    (wire::MANAGEMENT, "manage.office365.us"),
    (wire::MANAGEMENT, "manage.protection.apps.mil"),
];

impl Connector for Microsoft365 {
    fn app(&self) -> App {
        App::Microsoft365
    }

    fn capability(&self, what: Capability) -> Support {
        match what {
            Capability::Accounts => Support::Yes("by delta, guests and last sign-ins too"),
            Capability::Groups => Support::Yes("with members"),
            Capability::Privileges => Support::Yes("directory roles"),
            Capability::SignIns => Support::Yes("audit feed of the directory"),
            Capability::AdminActivity => Support::Yes("all five audit feeds"),
            Capability::UserActivity => Support::Yes("all five audit feeds"),
            Capability::AppPermissions => Support::Yes("delegated and app-only"),
            Capability::Files => Support::Yes("every drive of every site and user"),
            Capability::ChangedFiles => Support::Yes("from audit events and notifications"),
        }
    }

    fn tenant_setting(&self) -> &'static str {
        TENANT_ID
    }

    fn check(&self, settings: &ConnectionSettings) -> Result<(), Cause> {
        let entered = &settings.app_settings;
        if let Some(unknown) = entered
            .keys()
            .find(|name| !SETTINGS.contains(&name.as_str()))
        {
            let fix = format!("leave it out; known settings are {}", SETTINGS.join(", "));
            return Err(Cause::new(
                "settings",
                format!("\"{unknown}\" is not a setting of Microsoft 365"),
                fix,
            ));
        }
        if let Some(unknown) = settings
            .endpoints
            .keys()
            .find(|name| !ENDPOINTS.iter().any(|(known, _)| known == name))
        {
            let what = format!("\"{unknown}\" is not an endpoint of Microsoft 365");
            return Err(Cause::new(
                "settings",
                what,
                "leave it out; known endpoints are login, graph and management",
            ));
        }
        let value = |name: &str| entered.get(name).map(String::as_str);
        // A domain name would do for Graph, but the Management API refuses it (AF20013).
        require_guid(
            TENANT_ID,
            value(TENANT_ID),
            "the directory (tenant) id on the app registration's overview page",
        )?;
        require_guid(
            CLIENT_ID,
            value(CLIENT_ID),
            "the application (client) id on the app registration's overview page",
        )?;
        if value(PUBLISHER_ID).is_some() {
            require_guid(
                PUBLISHER_ID,
                value(PUBLISHER_ID),
                "the tenant id of who operates Casbah, or leave it out",
            )?;
        }
        match value(CREDENTIAL) {
            None | Some("secret" | "certificate") => Ok(()),
            Some(other) => {
                let what = format!("\"{}\" is not a kind of credential", shown(other));
                Err(Cause::new(
                    "settings",
                    what,
                    "set credential to \"secret\" or \"certificate\"",
                ))
            }
        }
    }

    fn endpoints(&self) -> &'static [(&'static str, &'static str)] {
        ENDPOINTS
    }

    fn hosts(&self) -> &'static [(&'static str, &'static str)] {
        HOSTS
    }

    fn limits(&self, tenant: &Tenant, _: &BTreeMap<String, String>) -> Vec<Limit> {
        limits::of(tenant)
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &dialect::Microsoft
    }

    fn auth(&self) -> &'static dyn Authenticator {
        &auth::ClientCredentials
    }

    fn permissions(&self) -> &dyn PermissionSource {
        &permissions::Roles
    }

    fn users(&self) -> &dyn UserSource {
        &users::Directory
    }

    fn activities(&self) -> Option<&dyn ActivitySource> {
        Some(&activities::AuditTrail)
    }

    fn files(&self) -> Option<&dyn FileSource> {
        Some(&files::Drives)
    }

    fn contents(&self) -> Option<&dyn ContentSource> {
        Some(&files::contents::Contents)
    }

    fn governance(&self) -> Option<&dyn Governance> {
        Some(&governance::Actions)
    }

    fn webhooks(&self) -> Option<&dyn WebhookSource> {
        Some(&webhooks::Notifications)
    }
}

fn require_guid(name: &str, value: Option<&str>, where_found: &str) -> Result<(), Cause> {
    let what = match value {
        Some(value) if is_guid(value) => return Ok(()),
        Some(value) => format!("{name} \"{}\" is not a GUID", shown(value)),
        None => format!("{name} is missing"),
    };
    Err(Cause::new(
        "settings",
        what,
        format!("set {name} to {where_found}"),
    ))
}

fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// As much of what somebody entered as an error may repeat.
fn shown(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests;
