//! What was granted, and whether each component works with it; what each needs is the table in `needs`.
//!
//! A scope alone does not open anything: the service app, or the owner of the API token, needs an admin role as well.
//! Roles are not told in a form that could be compared, so each component is tried.

mod needs;

use std::collections::BTreeMap;

use async_trait::async_trait;
use casbah_connector::{ConnectorError, Granted, PermissionSource, Session};
use casbah_http::{CallError, RefusalKind};
use casbah_model::app::Component;
use casbah_model::connection::{Cause, ConnectionSettings, Tenant};
use casbah_model::permission::{Need, Permission};
use casbah_model::transport::{Bytes, Headers, Method, Request};
use serde::Deserialize;

use crate::limits::Bucket;
use crate::wire::{ANSWER_BYTES_MAX, ORG, explain, get};
use crate::{DOMAIN, activities, auth};
use needs::NEEDS;

pub(crate) struct Scopes;

#[async_trait]
impl PermissionSource for Scopes {
    fn needs(&self) -> &'static [Need] {
        NEEDS
    }

    /// Scopes are granted in the org's admin console, for which there is no link that asks for them.
    fn consent_link(&self, _: &ConnectionSettings) -> Option<String> {
        None
    }

    async fn granted(
        &self,
        session: &Session,
        components: &[Component],
    ) -> Result<Granted, ConnectorError> {
        // Scopes are fixed when a token is issued.
        session.forget_tokens();
        let (_, scopes) = auth::granted(session).await.map_err(CallError::Auth)?;
        let permissions = scopes.map(|mut scopes| {
            scopes.sort();
            scopes.dedup();
            scopes.into_iter().map(Permission::new).collect()
        });
        let mut refused = BTreeMap::new();
        let people = match people(session).await {
            Ok(people) => people,
            Err(error) => {
                let cause = cause(Err(error))?;
                refused.extend(cause.map(|cause| (Component::Users, cause)));
                vec![]
            }
        };
        let tenant = tenant(session, &people).await?;
        let mut log = None;
        for component in components {
            let is_log = activities::COMPONENTS.contains(component);
            // One log is behind three components, and one list behind most of the first.
            let found = match log.clone().filter(|_| is_log) {
                Some(known) => known,
                None if refused.contains_key(component) => continue,
                None => probe(session, *component).await?,
            };
            if is_log {
                log = Some(found.clone());
            }
            refused.extend(found.map(|cause| (*component, cause)));
        }
        refused.retain(|component, _| components.contains(component));
        Ok(Granted {
            permissions,
            tenant,
            refused,
            // Private keys do not end, and an API token ends when it is not used for 30 days (create-an-api-token).
            credential_expires: None,
        })
    }
}

/// The org as it tells about itself to anybody (implement-oauth-for-okta-serviceapp; `/.well-known/okta-organization`).
#[derive(Deserialize)]
struct WellKnown {
    id: String,
}

/// `GET /api/v1/org`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Org {
    company_name: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    profile: Profile,
}

#[derive(Default, Deserialize)]
struct Profile {
    #[serde(default)]
    login: Option<String>,
}

/// Users whose domains are looked at: one page.
const USERS: &str = "/api/v1/users?limit=200";
/// Domains that this part of them has are the org's own.
const DOMAIN_SHARE: usize = 20;
const DOMAINS_MAX: usize = 20;
/// Ids have 20 characters.
const ID_BYTES_MAX: usize = 100;

/// A page of users: whether they may be listed, and which domains are the org's own.
async fn people(session: &Session) -> Result<Vec<Listed>, ConnectorError> {
    let call = get(session.address(ORG, USERS)?, Bucket::Users);
    match session.send(&call).await {
        Ok(answer) => Ok(answer.json(ANSWER_BYTES_MAX).await?),
        Err(error) => Err(explain(&["okta.users.read"], "list users", error)),
    }
}

async fn tenant(session: &Session, people: &[Listed]) -> Result<Tenant, ConnectorError> {
    let known = session.tenant();
    let id = org_id(session).await;
    let name = company(session).await?;
    let domains = domains(people);
    Ok(Tenant {
        id: id.unwrap_or_else(|| session.setting(DOMAIN).to_string()),
        name: name.unwrap_or_else(|| known.name.clone()),
        // Forgotten domains would make all of its people strangers.
        domains: match domains.is_empty() {
            true => known.domains.clone(),
            false => domains,
        },
        seats: None,
    })
}

/// The org's id, which it tells to anybody and without a limit (core-okta-api); its domain will do as well.
async fn org_id(session: &Session) -> Option<String> {
    let address = session
        .address(ORG, "/.well-known/okta-organization")
        .ok()?;
    let request = Request {
        method: Method::Get,
        url: address.as_str().into(),
        headers: Headers::default().with("Accept", "application/json"),
        body: Bytes::new(),
    };
    let (_, _, body) = session.send_unauthorised(request).await.ok()?;
    let told: WellKnown = serde_json::from_slice(&body).ok()?;
    Some(told.id).filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX)
}

/// The org's name; `None` when it is not for us to know.
async fn company(session: &Session) -> Result<Option<String>, ConnectorError> {
    let call = get(session.address(ORG, "/api/v1/org")?, Bucket::Other);
    match session.send(&call).await {
        Ok(answer) => Ok(answer.json::<Org>(ANSWER_BYTES_MAX).await?.company_name),
        Err(CallError::Refused { refusal, .. }) if refusal.kind != RefusalKind::Unauthorized => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The mail domains that people of the org sign in with. Okta tells no other.
fn domains(users: &[Listed]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let logins = users
        .iter()
        .filter_map(|user| user.profile.login.as_deref());
    for (_, domain) in logins.filter_map(|login| login.rsplit_once('@')) {
        *counts.entry(domain.to_lowercase()).or_default() += 1;
    }
    let least = users.len() / DOMAIN_SHARE;
    let own = counts.into_iter().filter(|(_, count)| *count > least);
    own.map(|(domain, _)| domain).take(DOMAINS_MAX).collect()
}

/// Asks for as little of each list of a component as possible; returns why it does not work.
async fn probe(session: &Session, component: Component) -> Result<Option<Cause>, ConnectorError> {
    let (bucket, path, scope, what) = match component {
        Component::Users => (
            Bucket::Groups,
            "/api/v1/groups?limit=1",
            "okta.groups.read",
            "list groups",
        ),
        Component::AppPermissions => (
            Bucket::Apps,
            "/api/v1/apps?limit=1",
            "okta.apps.read",
            "list applications",
        ),
        Component::ManagementEvents | Component::SignInEvents | Component::Activities => {
            return cause(activities::probe(session).await);
        }
        // Okta has none.
        Component::Files => return Ok(None),
    };
    let sent = session
        .send(&get(session.address(ORG, path)?, bucket))
        .await;
    cause(
        sent.map(|_| ())
            .map_err(|error| explain(&[scope], what, error)),
    )
}

fn cause(tried: Result<(), ConnectorError>) -> Result<Option<Cause>, ConnectorError> {
    match tried {
        Ok(()) => Ok(None),
        Err(ConnectorError::Forbidden { cause }) => Ok(Some(cause)),
        Err(ConnectorError::Unexpected { source }) => {
            let what = format!("Okta refused a call of the connection test: {source}");
            let fix = "check domain and what the org's edition includes, and run `casbah test`";
            Ok(Some(Cause::new("unexpected", what, fix)))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
