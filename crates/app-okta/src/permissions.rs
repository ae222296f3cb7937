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
        let (tenant, mut refused) = (tenant(session).await?, BTreeMap::new());
        for component in components {
            if let Some(cause) = probe(session, *component).await? {
                refused.insert(*component, cause);
            }
        }
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

async fn tenant(session: &Session) -> Result<Tenant, ConnectorError> {
    let known = session.tenant();
    let found: Option<WellKnown> = told(session, "/.well-known/okta-organization").await?;
    let org: Option<Org> = told(session, "/api/v1/org").await?;
    let users: Option<Vec<Listed>> = told(session, USERS).await?;
    let name = org.and_then(|org| org.company_name);
    let domains = users.map(|users| domains(&users)).unwrap_or_default();
    Ok(Tenant {
        id: found.map_or_else(|| session.setting(DOMAIN).to_string(), |found| found.id),
        name: name.unwrap_or_else(|| known.name.clone()),
        // Forgotten domains would make all of its people strangers.
        domains: match domains.is_empty() {
            true => known.domains.clone(),
            false => domains,
        },
        seats: None,
    })
}

/// A fact about the org; `None` when it is not for us to know, which is for the probes to say.
async fn told<T: serde::de::DeserializeOwned>(
    session: &Session,
    path: &str,
) -> Result<Option<T>, ConnectorError> {
    let bucket = match path {
        USERS => Bucket::Users,
        _ => Bucket::Other,
    };
    let error = match session
        .send(&get(session.address(ORG, path)?, bucket))
        .await
    {
        Ok(answer) => return Ok(Some(answer.json(ANSWER_BYTES_MAX).await?)),
        Err(error) => error,
    };
    match &error {
        CallError::Refused { refusal, .. } if refusal.kind != RefusalKind::Unauthorized => Ok(None),
        _ => Err(error.into()),
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
    let lists: &[(Bucket, &str, &str, &str)] = match component {
        Component::Users => &[
            (
                Bucket::Users,
                "/api/v1/users?limit=1",
                "okta.users.read",
                "list users",
            ),
            (
                Bucket::Groups,
                "/api/v1/groups?limit=1",
                "okta.groups.read",
                "list groups",
            ),
        ],
        Component::AppPermissions => &[(
            Bucket::Apps,
            "/api/v1/apps?limit=1",
            "okta.apps.read",
            "list applications",
        )],
        Component::ManagementEvents | Component::SignInEvents | Component::Activities => {
            return cause(activities::probe(session).await);
        }
        // Okta has none.
        Component::Files => &[],
    };
    for (bucket, path, scope, what) in lists {
        let sent = session
            .send(&get(session.address(ORG, path)?, *bucket))
            .await;
        let tried = sent
            .map(|_| ())
            .map_err(|error| explain(&[scope], what, error));
        if let Some(cause) = cause(tried)? {
            return Ok(Some(cause));
        }
    }
    Ok(None)
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
