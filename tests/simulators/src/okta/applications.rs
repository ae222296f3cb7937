//! Applications, what was granted to them, and the tokens they and administrators hold.
//!
//! Applications API, Application grants API, User grants API, API tokens API.

use casbah_model::transport::Method;

use super::apps::{Grant, OURS, RefreshToken};
use super::desk::{Desk, not_allowed};
use super::ids::{Type, id, index};
use super::login::Bearer;
use super::paging::PageSize;
use super::wire::{Call, not_found};
use crate::answer::Answer;
use crate::json::{object, text};
use crate::moment::{DAY, millis};

/// List applications, and list grants of a user: 20 is the default, 200 the most.
const PAGE: PageSize = PageSize {
    default: 20,
    max: 200,
};

impl Desk<'_> {
    pub fn applications(&mut self, call: &Call, path: &[&str], bearer: &Bearer) -> Answer {
        match path {
            ["api", "v1", "users", who, rest @ ..] => match self.user_named(who, bearer) {
                Some(person) => self.user_grants(call, person.index, rest),
                None => not_found(who, "User"),
            },
            ["api", "v1", "apps", rest @ ..] => self.apps(call, rest),
            ["api", "v1", "api-tokens", rest @ ..] => self.api_tokens(call, rest, bearer),
            ["integrations", "api", "v1", "api-services"] => self.services(call),
            _ => not_found(path.last().unwrap_or(&""), "Endpoint"),
        }
    }

    /// Consents of a user that still stand.
    pub fn grants_of(&self, user: u64) -> Vec<Grant> {
        let mut grants = self.tenant.apps.grants_of(user);
        let made = self.state.world.consents.iter();
        grants.extend(made.filter(|grant| grant.user == user).cloned());
        grants.retain(|grant| !self.state.world.revoked.contains(&grant.id));
        grants
    }

    pub fn tokens_of(&self, user: u64) -> Vec<RefreshToken> {
        let mut tokens = self.tenant.apps.tokens_of(user);
        tokens.retain(|token| !self.state.world.revoked.contains(&token.id));
        tokens
    }

    fn revoke(&mut self, ids: impl IntoIterator<Item = String>) -> Answer {
        self.state.world.revoked.extend(ids);
        Answer::empty(204)
    }

    fn user_grants(&mut self, call: &Call, user: u64, rest: &[&str]) -> Answer {
        let grants = self.grants_of(user);
        let tokens = self.tokens_of(user);
        let app_of = |id: &str| self.tenant.apps.find(id);
        match (call.method, rest) {
            (Method::Get, ["clients"]) => {
                let mut apps: Vec<u64> = grants.iter().map(|grant| grant.app).collect();
                apps.sort_unstable();
                apps.dedup();
                let texts: Vec<String> = apps.iter().map(|app| self.client_text(*app)).collect();
                Answer::json(200, format!("[{}]", texts.join(",")))
            }
            (Method::Get, ["grants"]) => {
                let page = match self.page(call, PAGE) {
                    Ok(page) => page,
                    Err(answer) => return answer,
                };
                let is_expanded = call.parameter("expand") == Some("scope");
                let items = (0_u64..).zip(&grants);
                self.list(call, &page, items, |grant| {
                    self.grant_text(grant, is_expanded)
                })
            }
            (Method::Get, ["clients", client, "tokens"]) => {
                let app = app_of(client);
                let theirs = tokens.iter().filter(|token| Some(token.app) == app);
                let texts: Vec<String> = theirs.map(|token| self.token_text(token)).collect();
                Answer::json(200, format!("[{}]", texts.join(",")))
            }
            (Method::Delete, ["grants"]) => self.revoke(grants.into_iter().map(|one| one.id)),
            (Method::Delete, ["grants", id]) => match grants.iter().any(|one| one.id == *id) {
                true => self.revoke([id.to_string()]),
                false => not_found(id, "OAuth2ScopeConsentGrant"),
            },
            (Method::Delete, ["clients", client, "grants"]) => {
                let app = app_of(client);
                let theirs = grants.into_iter().filter(|one| Some(one.app) == app);
                self.revoke(theirs.map(|one| one.id))
            }
            (Method::Delete, ["clients", client, "tokens"]) => {
                let app = app_of(client);
                let theirs = tokens.into_iter().filter(|one| Some(one.app) == app);
                self.revoke(theirs.map(|one| one.id))
            }
            (Method::Delete, ["clients", _, "tokens", id]) => {
                match tokens.iter().any(|one| one.id == *id) {
                    true => self.revoke([id.to_string()]),
                    false => not_found(id, "OAuth2RefreshToken"),
                }
            }
            _ => not_allowed(),
        }
    }

    fn client_text(&self, app: u64) -> String {
        let app = self.tenant.apps.app(app);
        object(|client| {
            client
                .text("client_id", &app.id)
                .text("client_name", &app.label)
                .maybe("client_uri", None)
                .maybe("logo_uri", None)
                .raw("_links", "{}");
        })
    }

    fn grant_text(&self, grant: &Grant, is_expanded: bool) -> String {
        let created = millis(grant.created);
        object(|one| {
            one.text("id", &grant.id)
                .text("status", "ACTIVE")
                .text("created", &created)
                .text("lastUpdated", &created)
                .text("issuer", &self.plan.base)
                .text("clientId", &self.tenant.apps.id(grant.app))
                .text("userId", &self.tenant.people.id(grant.user))
                .text("scopeId", grant.scope)
                .text("source", grant.source);
            if is_expanded {
                let scope = text(grant.scope);
                one.raw("_embedded", &format!(r#"{{"scope":{{"id":{scope}}}}}"#));
            }
        })
    }

    fn token_text(&self, token: &RefreshToken) -> String {
        let scopes: Vec<String> = token.scopes.iter().map(|scope| text(scope)).collect();
        let client = self.tenant.apps.id(token.app);
        object(|one| {
            one.text("id", &token.id)
                .text("status", "ACTIVE")
                .text("created", &millis(token.created))
                .text("lastUpdated", &millis(token.created))
                .text("expiresAt", &millis(self.now + 30 * DAY))
                .text("issuer", &self.plan.base);
            // One sample of the documentation spells the field in the other way.
            if token.user.is_multiple_of(2) {
                one.text("clientId", &client);
            } else {
                one.text("client_id", &client);
            }
            one.text("userId", &self.tenant.people.id(token.user))
                .raw("scopes", &format!("[{}]", scopes.join(",")));
        })
    }

    fn apps(&mut self, call: &Call, rest: &[&str]) -> Answer {
        if rest.is_empty() {
            if call.method != Method::Get {
                return not_allowed();
            }
            let page = match self.page(call, PAGE) {
                Ok(page) => page,
                Err(answer) => return answer,
            };
            let apps = (0..self.tenant.apps.count).map(|app| (app, app));
            return self.list(call, &page, apps, |app| self.app_text(*app));
        }
        let Some(app) = self.tenant.apps.find(rest[0]) else {
            return not_found(rest[0], "AppInstance");
        };
        match (call.method, &rest[1..]) {
            (Method::Get, []) => Answer::json(200, self.app_text(app)),
            (Method::Get, ["grants"]) => {
                let grants = self.app_grants(app);
                let texts: Vec<String> = grants
                    .iter()
                    .map(|(id, scope)| self.app_grant_text(app, id, scope))
                    .collect();
                Answer::json(200, format!("[{}]", texts.join(",")))
            }
            (Method::Delete, ["grants", id]) => {
                let grants = self.app_grants(app);
                match grants.into_iter().find(|(known, _)| known == id) {
                    Some((id, scope)) => {
                        if app == OURS {
                            self.state.world.scopes_revoked.insert(scope);
                        }
                        self.revoke([id])
                    }
                    None => not_found(id, "OAuth2ScopeConsentGrant"),
                }
            }
            (Method::Get | Method::Delete, ["tokens"]) => {
                let users = (0..self.user_count()).filter(|user| self.status(*user).is_some());
                let tokens = users.flat_map(|user| self.tokens_of(user));
                let theirs: Vec<_> = tokens.filter(|token| token.app == app).collect();
                if call.method == Method::Delete {
                    return self.revoke(theirs.into_iter().map(|token| token.id));
                }
                let texts: Vec<String> = theirs.iter().map(|one| self.token_text(one)).collect();
                Answer::json(200, format!("[{}]", texts.join(",")))
            }
            _ => not_allowed(),
        }
    }

    fn app_text(&self, index: u64) -> String {
        let app = self.tenant.apps.app(index);
        object(|one| {
            one.text("id", &app.id)
                .text("name", &app.name)
                .text("label", &app.label)
                .text("status", app.status)
                .text("created", &millis(app.created))
                .text("lastUpdated", &millis(app.created))
                .text("signOnMode", app.sign_on)
                .raw("credentials", &app.credentials())
                .raw("settings", &app.settings())
                .raw("_links", "{}");
        })
    }

    /// Ids and scopes of what administrators granted a service app.
    pub fn app_grants(&self, app: u64) -> Vec<(String, String)> {
        let ours = || self.plan.client.scopes.clone();
        let scopes = match app {
            OURS => ours(),
            _ => self
                .tenant
                .apps
                .scopes_of(app)
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        let world = &self.state.world;
        let numbered = (0_u64..).zip(scopes);
        numbered
            .map(|(place, scope)| (self.tenant.apps.app_grant_id(app, place), scope))
            .filter(|(id, scope)| {
                let is_gone = app == OURS && world.scopes_revoked.contains(scope);
                !is_gone && !world.revoked.contains(id)
            })
            .collect()
    }

    fn app_grant_text(&self, app: u64, id: &str, scope: &str) -> String {
        let created = millis(self.tenant.apps.app(app).created);
        object(|one| {
            one.text("id", id)
                .text("status", "ACTIVE")
                .text("created", &created)
                .text("lastUpdated", &created)
                .text("issuer", &self.plan.base)
                .text("clientId", &self.tenant.apps.id(app))
                .text("scopeId", scope)
                .text("source", "ADMIN");
        })
    }

    fn api_tokens(&mut self, call: &Call, rest: &[&str], bearer: &Bearer) -> Answer {
        let seed = self.plan.seed;
        match (call.method, rest) {
            (Method::Get, []) => {
                let numbers: Vec<u64> = self.state.world.api_tokens().collect();
                let texts: Vec<String> = numbers
                    .iter()
                    .map(|one| self.api_token_text(*one))
                    .collect();
                Answer::json(200, format!("[{}]", texts.join(",")))
            }
            (Method::Delete, ["current"]) => match bearer {
                Bearer::Admin { .. } => {
                    self.revoke_api_token(bearer.actor(), 0);
                    Answer::empty(204)
                }
                Bearer::Client { .. } => not_allowed(),
            },
            (Method::Get | Method::Delete, [id]) => {
                let number = index(seed, Type::ApiToken, id);
                let known = self
                    .state
                    .world
                    .api_tokens()
                    .find(|one| Some(*one) == number);
                match (known, call.method) {
                    (None, _) => not_found(id, "ApiToken"),
                    (Some(number), Method::Get) => Answer::json(200, self.api_token_text(number)),
                    (Some(number), _) => {
                        self.revoke_api_token(bearer.actor(), number);
                        Answer::empty(204)
                    }
                }
            }
            _ => not_allowed(),
        }
    }

    fn api_token_text(&self, number: u64) -> String {
        let token = self.api_token(number);
        // Other scripts used theirs today.
        let used = match number {
            0 => self.state.world.api_token_used,
            _ => self.plan.started.as_millisecond(),
        };
        object(|one| {
            one.text("id", &token.id)
                .text("name", &token.name)
                .text("clientName", "Okta API")
                .text("userId", &self.tenant.people.id(token.owner))
                .text("created", &millis(token.created))
                .text("lastUpdated", &millis(used))
                .text("expiresAt", &millis(used + 30 * DAY))
                .text("tokenWindow", "P30D")
                .raw(
                    "network",
                    r#"{"connection":"ANYWHERE","include":[],"exclude":[]}"#,
                )
                .raw("_link", "{}");
        })
    }

    /// Installed API service integrations: one.
    fn services(&self, call: &Call) -> Answer {
        if call.method != Method::Get {
            return not_allowed();
        }
        let service = object(|one| {
            one.text("id", &id(self.plan.seed, Type::Service, 1 << 30))
                .text("type", "acmebackup")
                .text("name", "Acme Backup")
                .raw("grantedScopes", r#"["okta.users.read","okta.groups.read"]"#);
        });
        Answer::json(200, format!("[{service}]"))
    }
}
