//! Applications of an org, what users and administrators granted them, and the tokens they hold.

use super::ids::{Type, id, index};
use super::people::People;
use super::plan::Plan;
use crate::chance::{Draws, Stream};
use crate::json::{object, text};
use crate::moment::{DAY, HOUR, Millis};

const NAMES: [&str; 12] = [
    "Expense Desk",
    "Harbour CRM",
    "Payroll Portal",
    "Ticket Tower",
    "Design Board",
    "Chart House",
    "Mail Merge Pro",
    "Sprint Planner",
    "Contract Vault",
    "Room Finder",
    "Survey Star",
    "Backup Buddy",
];
const SIGN_ON: [&str; 4] = ["SAML_2_0", "OPENID_CONNECT", "AUTO_LOGIN", "BOOKMARK"];
const USER_SCOPES: [&str; 5] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "okta.users.read.self",
];

/// The client of the reader is application 0.
pub const OURS: u64 = 0;
/// Grants and tokens of one user: at most this many clients, with at most this many scopes.
const CLIENTS_MAX: u64 = 3;
const SCOPES_MAX: u64 = 4;
/// `okta.*` scopes of one service app.
const APP_GRANTS_MAX: u64 = 64;
/// Users grant something to these and later ones; those before are service apps.
const FIRST_CLIENT: u64 = 2;

pub struct App {
    pub id: String,
    pub name: String,
    pub label: String,
    pub status: &'static str,
    pub sign_on: &'static str,
    pub created: Millis,
}

impl App {
    /// How the app signs in, or how its users do (Applications API, "credentials").
    pub fn credentials(&self) -> String {
        if !self.is_client() {
            return r#"{"userNameTemplate":{"template":"${source.login}","type":"BUILT_IN"}}"#
                .into();
        }
        let client = object(|one| {
            one.flag("autoKeyRotation", true)
                .text("client_id", &self.id)
                .text("token_endpoint_auth_method", "private_key_jwt");
        });
        format!(r#"{{"oauthClient":{client}}}"#)
    }

    /// Applications API, "settings": an OAuth client tells what it may ask for, a bookmark its link.
    pub fn settings(&self) -> String {
        if self.sign_on == "BOOKMARK" {
            let url = text(&format!("https://apps.example/{}", self.name));
            return format!(r#"{{"app":{{"requestIntegration":false,"url":{url}}}}}"#);
        }
        if !self.is_client() {
            return "{}".into();
        }
        r#"{"oauthClient":{"application_type":"service","grant_types":["client_credentials"],"response_types":["token"]}}"#.into()
    }

    fn is_client(&self) -> bool {
        self.sign_on == "OPENID_CONNECT"
    }
}

/// What a user let an application do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: String,
    pub user: u64,
    pub app: u64,
    pub scope: &'static str,
    pub source: &'static str,
    pub created: Millis,
}

/// A refresh token that an application holds for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    pub id: String,
    pub user: u64,
    pub app: u64,
    pub scopes: Vec<&'static str>,
    pub created: Millis,
}

#[derive(Clone)]
pub struct Apps {
    seed: u64,
    pub count: u64,
    started: Millis,
    client: String,
}

impl Apps {
    pub fn new(plan: &Plan) -> Apps {
        Apps {
            seed: plan.seed,
            count: (plan.users as u64 / 25).clamp(6, 400),
            started: plan.started.as_millisecond(),
            client: plan.client.id.clone(),
        }
    }

    pub fn id(&self, app: u64) -> String {
        match app {
            OURS => self.client.clone(),
            _ => id(self.seed, Type::App, app),
        }
    }

    pub fn find(&self, text: &str) -> Option<u64> {
        if text == self.client {
            return Some(OURS);
        }
        index(self.seed, Type::App, text).filter(|app| *app < self.count)
    }

    pub fn app(&self, app: u64) -> App {
        let mut draws = Draws::new(self.seed, Stream::Application, app);
        let plain = NAMES[(app % 12) as usize];
        let label = match app {
            OURS => "Casbah reader".into(),
            1..12 => plain.into(),
            _ => format!("{plain} {app}"),
        };
        App {
            id: self.id(app),
            name: if app == OURS {
                "oidc_client".into()
            } else {
                format!("acme_{}_{app}", plain.to_ascii_lowercase().replace(' ', ""))
            },
            label,
            // The first ones are in use.
            status: if app > 5 && draws.below(10) == 0 {
                "INACTIVE"
            } else {
                "ACTIVE"
            },
            sign_on: if app < FIRST_CLIENT {
                "OPENID_CONNECT"
            } else {
                draws.pick(&SIGN_ON)
            },
            created: self.started - DAY - draws.below(900) as Millis * DAY,
        }
    }

    /// The applications that one in four users gave something to.
    pub fn clients_of(&self, user: u64) -> Vec<u64> {
        let mut draws = Draws::new(self.seed, Stream::Grant, user);
        if user >= 4 && !draws.is_one_in(4) {
            return Vec::new();
        }
        let (count, first) = (1 + draws.below(CLIENTS_MAX), draws.next());
        let clients = self.count - FIRST_CLIENT;
        let places = 0..count.min(clients);
        places
            .map(|place| FIRST_CLIENT + (first % clients + place) % clients)
            .collect()
    }

    /// Consents of a user, in order.
    pub fn grants_of(&self, user: u64) -> Vec<Grant> {
        let mut grants = Vec::new();
        for (place, app) in (0_u64..).zip(self.clients_of(user)) {
            let mut draws = Draws::new(self.seed, Stream::Grant, user << 8 | 1 << 60 | place);
            let created = self.started - HOUR * (1 + draws.below(8000) as Millis);
            let count = 1 + draws.below(SCOPES_MAX);
            for number in 0..count {
                let index = (user * CLIENTS_MAX + place) * SCOPES_MAX + number;
                grants.push(Grant {
                    id: id(self.seed, Type::Grant, index),
                    user,
                    app,
                    scope: USER_SCOPES[number as usize],
                    source: if draws.below(5) == 0 {
                        "ADMIN"
                    } else {
                        "END_USER"
                    },
                    created,
                });
            }
        }
        grants
    }

    /// Refresh tokens of a user: those of the clients that were given `offline_access`.
    pub fn tokens_of(&self, user: u64) -> Vec<RefreshToken> {
        let grants = self.grants_of(user);
        let with = |app: u64| grants.iter().filter(move |grant| grant.app == app);
        let clients = (0_u64..).zip(self.clients_of(user));
        clients
            .filter(|(_, app)| with(*app).any(|grant| grant.scope == "offline_access"))
            .map(|(place, app)| RefreshToken {
                id: id(self.seed, Type::RefreshToken, user * CLIENTS_MAX + place),
                user,
                app,
                scopes: with(app).map(|grant| grant.scope).collect(),
                created: with(app)
                    .map(|grant| grant.created)
                    .max()
                    .unwrap_or_default(),
            })
            .collect()
    }

    /// `okta.*` scopes of a service app besides ours: the first few have some.
    pub fn scopes_of(&self, app: u64) -> &'static [&'static str] {
        match app {
            1 => &["okta.users.read", "okta.groups.read"],
            2 => &["okta.users.manage", "okta.apps.manage"],
            _ => &[],
        }
    }

    pub fn app_grant_id(&self, app: u64, place: u64) -> String {
        // Apart from the consents of users, which have the same prefix.
        id(self.seed, Type::AppGrant, app * APP_GRANTS_MAX + place)
    }
}

/// An API token: 0 is the reader's own, the others belong to administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: String,
    pub name: String,
    pub owner: u64,
    pub created: Millis,
}

/// API tokens there are at first.
pub const API_TOKENS: u64 = 5;

pub fn api_token(people: &People, number: u64, started: Millis) -> ApiToken {
    let mut draws = Draws::new(people.seed, Stream::Token, number);
    let owners = people.count.clamp(1, 4);
    ApiToken {
        id: id(people.seed, Type::ApiToken, number),
        name: match number {
            0 => "Casbah".into(),
            _ => format!("script {number}"),
        },
        owner: if number == 0 { 0 } else { number % owners },
        created: started - DAY * (1 + draws.below(300) as Millis),
    }
}
