//! What was granted, and whether each component works with it; what each needs is the table in `needs`.

mod needs;

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_connector::{Authenticator, ConnectorError, Granted, PermissionSource, Session};
use casbah_http::{Base, CallError, RefusalKind};
use casbah_model::app::Component;
use casbah_model::connection::{Cause, ConnectionSettings, Tenant};
use casbah_model::permission::{Need, Permission};
use serde::Deserialize;
use serde_json::Value;

use crate::activities::{feed_path, published, refusal_cause};
use crate::auth::{self, ClientCredentials};
use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, GRAPH, LOGIN, MANAGEMENT, get, lacks};
use crate::{CLIENT_ID, TENANT_ID};
use needs::NEEDS;

pub(crate) struct Roles;

/// What comes out of the audit trail.
const AUDITED: [Component; 3] = [
    Component::ManagementEvents,
    Component::SignInEvents,
    Component::Activities,
];

#[async_trait]
impl PermissionSource for Roles {
    fn needs(&self) -> &'static [Need] {
        NEEDS
    }

    /// Admin consent for all permissions of the app registration (identity platform documentation, "Client
    /// credentials flow", "Request the permissions from a directory admin").
    fn consent_link(&self, settings: &ConnectionSettings) -> Option<String> {
        let tenant = settings.app_settings.get(TENANT_ID)?;
        let client = settings.app_settings.get(CLIENT_ID)?;
        let entered = settings.endpoints.get(LOGIN).map(String::as_str);
        let login = Base::parse(entered.unwrap_or("https://login.microsoftonline.com")).ok()?;
        let link = login
            .join(&format!("/{tenant}/adminconsent"))
            .ok()?
            .with_query("client_id", client);
        Some(link.as_str().into())
    }

    async fn granted(
        &self,
        session: &Session,
        components: &[Component],
    ) -> Result<Granted, ConnectorError> {
        // Roles are fixed when a token is issued.
        session.forget_tokens();
        let mut refused = BTreeMap::new();
        let is_audited = components
            .iter()
            .any(|component| AUDITED.contains(component));
        let is_graph = components
            .iter()
            .any(|component| !AUDITED.contains(component));
        let mut permissions = Some(vec![]);
        if is_graph {
            permissions = roles(session, GRAPH).await?;
        }
        if is_audited {
            match roles(session, MANAGEMENT).await {
                Ok(more) => {
                    permissions = permissions
                        .zip(more)
                        .map(|(left, right)| [left, right].concat())
                }
                // Graph let us in, so the credential is right and only this service is missing.
                Err(ConnectorError::Unauthorized { cause })
                    if is_graph && cause.code != "wrong-tenant" =>
                {
                    refused.extend(AUDITED.map(|component| (component, cause.clone())));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(permissions) = &mut permissions {
            permissions.sort();
            permissions.dedup();
        }
        let tenant = match is_graph {
            true => tenant(session, &mut refused).await?,
            // Who reads only the audit trail needs no right to read the directory.
            false => known_tenant(session),
        };
        for component in components {
            if refused.contains_key(component) {
                continue;
            }
            if let Some(cause) = probe(session, *component).await? {
                refused.insert(*component, cause);
            }
        }
        refused.retain(|component, _| components.contains(component));
        Ok(Granted {
            permissions,
            tenant,
            refused,
            credential_expires: auth::expires(session),
        })
    }
}

/// The roles in a new token for a service, which must be one of the tenant that was entered; `None` when the token
/// cannot be read, because it is meant for the service and only happens to be readable (identity platform
/// documentation, "Access tokens"). Then the probes alone say what works.
///
/// A token is issued even when nothing was granted: it has no roles then (identity platform documentation, "Client
/// credentials flow").
async fn roles(
    session: &Session,
    audience: &'static str,
) -> Result<Option<Vec<Permission>>, ConnectorError> {
    let token = ClientCredentials
        .token(session, audience)
        .await
        .map_err(CallError::Auth)?;
    let Some(claims) = claims(token.secret.reveal()) else {
        return Ok(None);
    };
    if let Some(issuer) = claims.tid.as_str() {
        require_tenant(session, issuer)?;
    }
    let roles = claims
        .roles
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let names = roles
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| name.len() <= ROLE_BYTES_MAX);
    Ok(Some(names.take(ROLES_MAX).map(Permission::new).collect()))
}

/// Microsoft Graph defines some 700 application roles, none with a name of 100 characters.
const ROLES_MAX: usize = 2_000;
const ROLE_BYTES_MAX: usize = 200;
/// HTTP headers of this size are refused everywhere, so no token is longer.
const TOKEN_BYTES_MAX: usize = 64 << 10;

#[derive(Deserialize)]
#[serde(default)]
struct Claims {
    tid: Value,
    roles: Value,
}

impl Default for Claims {
    fn default() -> Claims {
        Claims {
            tid: Value::Null,
            roles: Value::Null,
        }
    }
}

/// The payload of our own token; its signature is the service's business.
fn claims(token: &str) -> Option<Claims> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn require_tenant(session: &Session, found: &str) -> Result<(), ConnectorError> {
    if found.eq_ignore_ascii_case(session.setting(TENANT_ID)) {
        return Ok(());
    }
    let what = "the credential belongs to another tenant than the one that was entered";
    let cause = Cause::new(
        "wrong-tenant",
        what,
        "check tenant_id, and the endpoints if they are set",
    );
    Err(ConnectorError::Unauthorized { cause })
}

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organization {
    id: String,
    display_name: Option<String>,
    #[serde(default)]
    verified_domains: Vec<Domain>,
}

#[derive(Deserialize)]
struct Domain {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sku {
    consumed_units: Option<u64>,
}

/// What is known of the tenant when it does not tell: what it told before. Forgotten domains would make all of its people
/// strangers.
fn known_tenant(session: &Session) -> Tenant {
    Tenant {
        id: session.setting(TENANT_ID).to_string(),
        ..session.tenant().clone()
    }
}

async fn tenant(
    session: &Session,
    refused: &mut BTreeMap<Component, Cause>,
) -> Result<Tenant, ConnectorError> {
    let path = "/v1.0/organization?$select=id,displayName,verifiedDomains";
    let found = match list::<Organization>(session, path, "probe").await {
        Ok(found) => found,
        Err(CallError::Refused { refusal, .. }) if refusal.kind == RefusalKind::Forbidden => {
            refused.insert(
                Component::Users,
                lacks(
                    rights(Component::Users, 2),
                    "read the tenant and its domains",
                ),
            );
            return Ok(known_tenant(session));
        }
        // Only facts about the tenant are missing; whether users can be read is for their own probe to find out.
        Err(CallError::Refused { refusal, .. })
            if matches!(
                refusal.kind,
                RefusalKind::NotFound | RefusalKind::Gone | RefusalKind::Invalid
            ) =>
        {
            return Ok(known_tenant(session));
        }
        Err(error) => return Err(error.into()),
    };
    let organization = found
        .into_iter()
        .next()
        .ok_or_else(|| ConnectorError::Unreadable {
            source: "the list of organizations is empty".into(),
        })?;
    require_tenant(session, &organization.id)?;
    let domains = organization
        .verified_domains
        .into_iter()
        .map(|domain| domain.name.to_lowercase());
    Ok(Tenant {
        id: organization.id,
        name: organization.display_name.unwrap_or_default(),
        domains: domains.collect(),
        seats: seats(session).await?,
    })
}

/// Assigned licences. A user may hold several, so the largest product counts: too few seats mean careful limits, too
/// many mean refused calls.
async fn seats(session: &Session) -> Result<Option<u64>, ConnectorError> {
    match list::<Sku>(
        session,
        "/v1.0/subscribedSkus?$select=consumedUnits",
        "skus",
    )
    .await
    {
        Ok(skus) => Ok(skus.iter().filter_map(|sku| sku.consumed_units).max()),
        // Without the right, limits are those of a small tenant.
        Err(CallError::Refused { .. } | CallError::Unreadable { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Asks the service behind a component for as little as possible; returns why it does not work.
async fn probe(session: &Session, component: Component) -> Result<Option<Cause>, ConnectorError> {
    let (bucket, service, path) = match component {
        Component::Users => (
            Bucket::Directory,
            GRAPH,
            "/v1.0/users?$top=1&$select=id".to_string(),
        ),
        Component::ManagementEvents | Component::SignInEvents | Component::Activities => (
            Bucket::Management,
            MANAGEMENT,
            feed_path(session, "subscriptions/list"),
        ),
        Component::Files => (
            Bucket::Files,
            GRAPH,
            "/v1.0/sites/root?$select=id".to_string(),
        ),
        Component::AppPermissions => (
            Bucket::Directory,
            GRAPH,
            "/v1.0/servicePrincipals?$top=1&$select=id".to_string(),
        ),
    };
    let class = if component == Component::Files {
        "item"
    } else {
        "probe"
    };
    let address = session.address(service, &path)?;
    let address = if service == MANAGEMENT {
        published(session, address)
    } else {
        address
    };
    let error = match session.send(&get(address, bucket, class)).await {
        Ok(_) => return Ok(None),
        Err(error) => error,
    };
    let CallError::Refused { refusal, .. } = &error else {
        return Err(error.into());
    };
    if let Some(cause) = refusal_cause(refusal, None) {
        return Ok(Some(cause));
    }
    let what = match component {
        Component::Users => "list users",
        Component::ManagementEvents | Component::SignInEvents | Component::Activities => {
            "read the audit trail"
        }
        Component::Files => "list sites",
        Component::AppPermissions => "list applications",
    };
    match refusal.kind {
        RefusalKind::Forbidden => Ok(Some(lacks(rights(component, 0), what))),
        RefusalKind::Unauthorized => {
            let what = format!(
                "the service does not accept its token ({} {})",
                refusal.status, refusal.code
            );
            Ok(Some(Cause::new(
                "permission",
                what,
                "give admin consent again and run `casbah test`",
            )))
        }
        // There is nothing at the probe's address, which says nothing about what is at the others.
        RefusalKind::NotFound => Ok(None),
        RefusalKind::Gone | RefusalKind::Invalid => {
            let what = format!(
                "the service refused to {what} ({} {})",
                refusal.status, refusal.code
            );
            let fix = "check that the tenant has a licence for this service, and the endpoints if they are set";
            Ok(Some(Cause::new("unexpected", what, fix)))
        }
        RefusalKind::Throttled | RefusalKind::Unavailable => Err(error.into()),
    }
}

/// The rights behind the `nth` need of a component.
fn rights(component: Component, nth: usize) -> &'static [&'static str] {
    NEEDS
        .iter()
        .filter(|need| need.component == component)
        .nth(nth)
        .map_or(&[], |need| need.any_of)
}

async fn list<T: serde::de::DeserializeOwned>(
    session: &Session,
    path: &str,
    class: &'static str,
) -> Result<Vec<T>, CallError> {
    let call = get(session.address(GRAPH, path)?, Bucket::Directory, class);
    let answer: List<T> = session.send(&call).await?.json(ANSWER_BYTES_MAX).await?;
    Ok(answer.value)
}

#[cfg(test)]
mod tests;
