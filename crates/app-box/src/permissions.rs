//! What was granted, and whether each component works with it; what each needs is the table in `needs`.
//!
//! Nothing tells which scopes a token has (developer guides, "Scopes"), so each is found out by the cheapest call that
//! takes it. A scope that is given to the app works only after an admin has authorized the app again.

pub(crate) mod needs;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use casbah_connector::{ConnectorError, Granted, PermissionSource, Session};
use casbah_http::{CallError, Piece, RefusalKind};
use casbah_model::app::Component;
use casbah_model::connection::{Cause, ConnectionSettings, Tenant};
use casbah_model::permission::{Need, Permission, Tier};
use casbah_model::transport::Method;
use serde::Deserialize;

use crate::users::{MANAGE_GROUPS, MANAGE_USERS, is_app_login};
use crate::wire::{self, ANSWER_BYTES_MAX, Acting, Content, change, explain, get, lacks};
use crate::{DOMAINS, ENTERPRISE_ID, activities};
use needs::{ALL_CONTENT, AS_USER, CLASSIFICATIONS, NEEDS, READ_CONTENT, WRITE_CONTENT};

/// The template of the classifications.
pub(crate) const CLASSIFICATION_SCHEMA: &str =
    "/metadata_templates/enterprise/securityClassification-6VMVochwUWo/schema";

pub(crate) struct Scopes;

#[async_trait]
impl PermissionSource for Scopes {
    fn needs(&self) -> &'static [Need] {
        NEEDS
    }

    /// Apps are authorized in the Admin Console, for which there is no link that asks for it.
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
        let me = me(session).await?;
        let mut found = Found::default();
        if is_whole(&me)? {
            found.granted.insert(ALL_CONTENT);
        }
        let people = found
            .tried(Component::Users, MANAGE_USERS, people(session).await)?
            .unwrap_or_default();
        for component in components {
            match component {
                Component::Users => {
                    let tried = probe(session, "/groups?limit=1", Acting::Ourselves).await;
                    let tried = tried.map_err(|error| explain(MANAGE_GROUPS, "list groups", error));
                    found.tried(*component, MANAGE_GROUPS, tried)?;
                }
                Component::ManagementEvents | Component::SignInEvents | Component::Activities => {
                    // One call is behind three components.
                    let tried = match found.granted.contains(activities::SCOPE) {
                        true => Ok(()),
                        false => activities::probe(session).await,
                    };
                    found.tried(*component, activities::SCOPE, tried)?;
                }
                Component::Files => files(session, &people, &mut found).await?,
                Component::AppPermissions => found.unsupported(components),
            }
        }
        found
            .refused
            .retain(|component, _| components.contains(component));
        Ok(Granted {
            permissions: Some(found.granted.into_iter().map(Permission::new).collect()),
            tenant: tenant(session, me, &people),
            refused: found.refused,
            // Neither client secrets nor keys end by themselves.
            credential_expires: None,
        })
    }
}

/// `GET /users/me`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Me {
    login: Option<String>,
    role: Option<String>,
    status: Option<String>,
    enterprise: Option<Enterprise>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Enterprise {
    id: String,
    name: String,
}

async fn me(session: &Session) -> Result<Me, ConnectorError> {
    let path = "/users/me?fields=id,login,role,enterprise,status";
    let call = get(session, path, Acting::Ourselves)?;
    let answer = session.send(&call).await;
    let answer = answer.map_err(|error| explain("manage_managed_users", "see who it is", error))?;
    let me: Me = answer.json(ANSWER_BYTES_MAX).await?;
    let wanted = session.setting(ENTERPRISE_ID);
    let other = match &me.enterprise {
        Some(enterprise) if enterprise.id == wanted => None,
        Some(enterprise) => Some(format!(
            "the credential is for the enterprise {}",
            shown(&enterprise.id)
        )),
        None => Some("the credential is for an account without an enterprise".into()),
    };
    if let Some(what) = other {
        let what = format!("{what} instead of {wanted}");
        let fix = "set enterprise_id to the Enterprise ID in the Admin Console, or enter the credential of an app that \
                   this enterprise has authorized";
        return Err(unauthorized("misconfigured", what, fix));
    }
    if me.status.as_deref() == Some("inactive") {
        let what = "the user whose token it is is inactive".to_string();
        let fix = "activate the user in the Admin Console, or leave user_id out to use the app's service account";
        return Err(unauthorized("credential", what, fix));
    }
    Ok(me)
}

/// Whether all of the enterprise is seen: by the service account of an app, and by the main admin. A co-admin sees no
/// other admins and nothing of theirs; anybody else sees too little to be of use.
fn is_whole(me: &Me) -> Result<bool, ConnectorError> {
    if me.login.as_deref().is_some_and(is_app_login) {
        return Ok(true);
    }
    match me.role.as_deref() {
        Some("admin") => Ok(true),
        Some("coadmin") | None => Ok(false),
        Some(_) => {
            let what = "the user whose token it is is no admin".to_string();
            let fix =
                "connect as the main admin, or leave user_id out to use the app's service account";
            Err(unauthorized("permission", what, fix))
        }
    }
}

fn unauthorized(code: &str, what: String, fix: &str) -> ConnectorError {
    ConnectorError::Unauthorized {
        cause: Cause::new(code, what, fix),
    }
}

/// Ids are numbers; what is shown of another one is not to be more.
fn shown(id: &str) -> &str {
    if crate::wire::is_id(id) {
        id
    } else {
        "of another kind"
    }
}

#[derive(Default)]
struct Found {
    granted: BTreeSet<&'static str>,
    refused: BTreeMap<Component, Cause>,
}

impl Found {
    /// Notes what a try has shown; what came of it, if anything did.
    fn tried<T>(
        &mut self,
        component: Component,
        scope: &'static str,
        tried: Result<T, ConnectorError>,
    ) -> Result<Option<T>, ConnectorError> {
        let cause = match tried {
            Ok(value) => {
                self.granted.insert(scope);
                return Ok(Some(value));
            }
            Err(ConnectorError::Forbidden { cause }) => cause,
            Err(ConnectorError::Unexpected { source }) => {
                let what = format!("Box refused a call of the connection test: {source}");
                let fix = "check what the enterprise's plan includes, and run `casbah test`";
                Cause::new("unexpected", what, fix)
            }
            Err(error) => return Err(error),
        };
        self.refused.entry(component).or_insert(cause);
        Ok(None)
    }

    /// Nobody can list the apps that others gave rights to. Who asks for it by name is told; who asks for all gets what
    /// there is.
    fn unsupported(&mut self, components: &[Component]) {
        if components.len() < Component::ALL.len() {
            let cause = Cause::new(
                "not-supported-by-provider",
                "Box lists no rights of other apps",
                "leave app-permissions out; tokens and authorisations of apps are seen in the activities",
            );
            self.refused.insert(Component::AppPermissions, cause);
        }
    }
}

/// A user of a page.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Person {
    id: String,
    login: String,
    status: String,
    is_platform_access_only: bool,
}

/// Users that are looked at: as many as a page can have. It may have fewer although more follow.
const PEOPLE_MAX: usize = 1_000;
/// Pages of them. A test may make ten calls in one go (throttle design, section 5), and has others to make.
const PAGES_MAX: usize = 5;

/// The first users: whether they may be listed, which domains are the enterprise's own, and whom to act as.
async fn people(session: &Session) -> Result<Vec<Person>, ConnectorError> {
    let path = "/users?user_type=managed&fields=id,login,status,is_platform_access_only";
    let (mut people, mut marker) = (vec![], None::<String>);
    for _ in 0..PAGES_MAX {
        let asked = marker.as_deref();
        let page = wire::marker_page(session, path, asked, Acting::Ourselves).await;
        let mut page = page.map_err(|error| explain(MANAGE_USERS, "list users", error))?;
        while let Some(piece) = page.records.next().await? {
            if let Piece::Record(raw) = piece {
                let person = serde_json::from_slice(raw);
                people.push(person.map_err(|error| ConnectorError::Unreadable {
                    source: error.into(),
                })?);
            }
        }
        let next = page.next_marker(asked)?;
        if next.is_none() || people.len() >= PEOPLE_MAX {
            break;
        }
        marker = next;
    }
    Ok(people)
}

async fn probe(session: &Session, path: &str, acting: Acting<'_>) -> Result<(), CallError> {
    let call = match get(session, path, acting) {
        Ok(call) => call,
        // The paths are ours.
        Err(_) => return Ok(()),
    };
    session.send(&call).await.map(|_| ())
}

/// What reading files takes: the scope, and the right to act as the owners, because the service account sees nothing of
/// theirs (developer guides, "Service accounts").
async fn files(
    session: &Session,
    people: &[Person],
    found: &mut Found,
) -> Result<(), ConnectorError> {
    const ROOT: &str = "/folders/0/items?limit=1";
    let component = Component::Files;
    let is_person = |person: &&Person| {
        person.status == "active"
            && !person.is_platform_access_only
            && crate::wire::is_id(&person.id)
    };
    let person = people.iter().find(is_person);
    let tried = match person {
        Some(person) => probe(session, ROOT, Acting::User(&person.id)).await,
        None => probe(session, ROOT, Acting::Ourselves).await,
    };
    let is_forbidden = |error: &CallError| matches!(error, CallError::Refused { refusal, .. } if refusal.kind == RefusalKind::Forbidden);
    // Which of the two was missing is seen in our own folder, which takes the scope only.
    let own = match &tried {
        Err(error) if person.is_some() && is_forbidden(error) => {
            probe(session, ROOT, Acting::Ourselves).await
        }
        _ => Ok(()),
    };
    if person.is_some() {
        let own = own.map_err(|error| explain(READ_CONTENT, "list files", error));
        if found.tried(component, READ_CONTENT, own)?.is_none() {
            return Ok(());
        }
        let tried = tried.map_err(|error| explain(AS_USER, "act as the owners of files", error));
        found.tried(component, AS_USER, tried)?;
    } else {
        let tried = tried.map_err(|error| explain(READ_CONTENT, "list files", error));
        found.tried(component, READ_CONTENT, tried)?;
        // Who may not list users has nobody to act as; in an enterprise without people there is nobody to try.
        if !found.granted.contains(MANAGE_USERS) {
            let cause = lacks(MANAGE_USERS, "list the users whose files are read", "");
            found.refused.entry(component).or_insert(cause);
            return Ok(());
        }
        found.granted.insert(AS_USER);
    }
    if session.tier() == Tier::Act && may_write(session).await? {
        found.granted.insert(WRITE_CONTENT);
    }
    // Without a template nothing is classified, which is no fault (developer guides, "Classifications").
    match probe(session, CLASSIFICATION_SCHEMA, Acting::Ourselves).await {
        Ok(()) => drop(found.granted.insert(CLASSIFICATIONS)),
        Err(CallError::Refused { refusal, .. }) if refusal.kind != RefusalKind::Unauthorized => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Whether content may be changed, by a call that makes nothing: a folder without a name and a place.
///
/// That scopes are looked at before what a call says is not documented. Where they are not, the right is taken for
/// granted, and the first change says that it is missing.
async fn may_write(session: &Session) -> Result<bool, ConnectorError> {
    let body = Content::Json(serde_json::json!({}));
    let call = change(session, Method::Post, "/folders", Acting::Ourselves, body)?;
    match session.write(&call).await {
        Ok(_) => Ok(true),
        Err(CallError::Refused { refusal, .. }) => Ok(refusal.kind == RefusalKind::Invalid),
        Err(error) => Err(error.into()),
    }
}

/// Domains that this part of the users have are the enterprise's own.
const DOMAIN_SHARE: usize = 20;
const DOMAINS_MAX: usize = 20;

fn tenant(session: &Session, me: Me, people: &[Person]) -> Tenant {
    let known = session.tenant();
    let enterprise = me.enterprise.unwrap_or_default();
    let entered = session.setting(DOMAINS).split_whitespace();
    let entered: BTreeSet<String> = entered.map(str::to_lowercase).collect();
    let mut domains = domains(people);
    // Forgotten domains would make all of its people strangers.
    if domains.is_empty() {
        domains.clone_from(&known.domains);
    }
    domains.extend(entered);
    domains.sort();
    domains.dedup();
    Tenant {
        id: enterprise.id,
        name: enterprise.name,
        domains,
        seats: None,
    }
}

/// The mail domains that people of the enterprise sign in with. Box tells no other.
fn domains(people: &[Person]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let humans = people.iter().map(|person| person.login.as_str());
    let humans: Vec<&str> = humans.filter(|login| !is_app_login(login)).collect();
    for (_, domain) in humans.iter().filter_map(|login| login.rsplit_once('@')) {
        *counts.entry(domain.to_lowercase()).or_default() += 1;
    }
    let least = humans.len() / DOMAIN_SHARE;
    let own = counts.into_iter().filter(|(_, count)| *count > least);
    own.map(|(domain, _)| domain).take(DOMAINS_MAX).collect()
}

#[cfg(test)]
mod tests;
