//! What a customer enters; and an enterprise that answers by a script, for the tests of other files.

mod suite;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use casbah_conformance::apps::{Bench, SimulatedTenant, Situation, Subject, Truth};
use casbah_model::Timestamp;
use casbah_model::app::Components;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use casbah_model::transport::{Headers, Method, Request, Response, TransportError, WholeBody};

use super::*;

/// A call as the script sees it.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: Headers,
    pub(crate) body: String,
    /// Calls of this path before this one.
    pub(crate) times: usize,
}

pub(crate) struct Reply {
    status: u16,
    headers: Headers,
    body: String,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Reply {
        Reply {
            status,
            headers: Headers::default(),
            body: body.into(),
        }
    }

    pub(crate) fn ok(body: impl Into<String>) -> Reply {
        Reply::new(200, body)
    }

    /// A refusal as the API writes it.
    pub(crate) fn error(status: u16, code: &str) -> Reply {
        let body = format!(
            r#"{{"type":"error","status":{status},"code":"{code}","message":"No.","request_id":"abcdef123456"}}"#
        );
        Reply::new(status, body)
    }

    /// A refusal as the token endpoint writes it.
    pub(crate) fn refusal(status: u16, code: &str, words: &str) -> Reply {
        let body = serde_json::json!({"error": code, "error_description": words});
        Reply::new(status, body.to_string())
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.add(name, value);
        self
    }
}

pub(crate) type Script = fn(&Asked) -> Reply;

/// Answers for a token, whatever is asked for.
pub(crate) const TOKEN: &str = r#"{"access_token":"t0","expires_in":3600,"token_type":"bearer"}"#;

struct Scripted {
    script: Script,
    paths: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let address = request.url.split_once("://").expect("an address").1;
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let mut paths = self.paths.lock().expect("nobody panics here");
        let reply = (self.script)(&Asked {
            method: request.method,
            host: host.into(),
            path: path.into(),
            headers: request.headers,
            body: String::from_utf8_lossy(&request.body).into_owned(),
            times: paths.iter().filter(|known| *known == path).count(),
        });
        paths.push(path.into());
        Ok(Response {
            status: reply.status,
            headers: reply.headers,
            body: WholeBody::boxed(reply.body),
        })
    }
}

struct ScriptedEnterprise {
    script: Script,
    settings: Vec<(String, String)>,
    secret: String,
}

pub(crate) const ENTERPRISE: &str = "490685";
pub(crate) const CLIENT_SECRET: &str = "inventedSecretOfATest0123456789ab";

impl SimulatedTenant for ScriptedEnterprise {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(Scripted {
            script: self.script,
            paths: Mutex::default(),
        })
    }

    fn settings(&self) -> ConnectionSettings {
        let entered = self.settings.iter();
        let entered: Vec<_> = entered
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        settings(&entered)
    }

    fn secret(&self) -> Secret {
        Secret::new(self.secret.clone())
    }

    fn arrange(&self, _: Situation) -> bool {
        false
    }

    fn relax(&self) {}

    fn truth(&self) -> Truth {
        Truth::default()
    }
}

pub(crate) fn started() -> Timestamp {
    "2026-05-04T10:00:00Z".parse().expect("a valid time")
}

/// Sessions with an enterprise that answers by a script, also for tokens. Time must be paused.
pub(crate) fn bench(script: Script) -> Bench {
    bench_with(&[], CLIENT_SECRET, script)
}

/// The same with more settings and another credential.
pub(crate) fn bench_with(more: &[(&str, &str)], secret: &str, script: Script) -> Bench {
    let own = [(ENTERPRISE_ID, ENTERPRISE), (CLIENT_ID, "invented-client")];
    bench_of(&[&own, more].concat(), secret, script)
}

pub(crate) fn bench_of(entered: &[(&str, &str)], secret: &str, script: Script) -> Bench {
    let mut bench = Bench::new(&Subject {
        connector: &BOX,
        started: started(),
        tenant: |_: Arc<dyn Clock>| {
            Box::new(ScriptedEnterprise {
                script: |_| Reply::error(404, "not_found"),
                settings: vec![],
                secret: String::new(),
            })
        },
    });
    let entered = entered.iter();
    bench.tenant = Box::new(ScriptedEnterprise {
        script,
        settings: entered
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        secret: secret.into(),
    });
    Arc::get_mut(&mut bench.transport)
        .expect("nobody else has it yet")
        .inner = bench.tenant.transport();
    bench
}

pub(crate) fn settings(entered: &[(&str, &str)]) -> ConnectionSettings {
    let entered = entered.iter();
    ConnectionSettings {
        id: "acme".parse().expect("a name"),
        app: App::Box,
        components: Components::all(),
        tier: Default::default(),
        app_settings: entered
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        endpoints: BTreeMap::new(),
    }
}

#[track_caller]
fn check(entered: &[(&str, &str)], refused: Option<&str>) {
    let own = [(ENTERPRISE_ID, ENTERPRISE)];
    match (BOX.check(&settings(&[&own, entered].concat())), refused) {
        (Ok(()), None) => {}
        (Err(cause), Some(part)) => assert!(cause.to_string().contains(part), "{cause}"),
        (found, _) => panic!("{entered:?}: {found:?}"),
    }
}

#[test]
fn what_a_customer_enters_is_checked_by_name() {
    check(&[], None);
    check(
        &[
            (CLIENT_ID, "inventedclient01"),
            (USER_ID, "11446498"),
            (SHARE, "25"),
            (MONTHLY_CALLS, "100000"),
            (DOMAINS, "acme.example acme.test"),
            (ALGORITHM, "RS256"),
            (CREDENTIAL, PRIVATE_KEY),
        ],
        None,
    );
    check(
        &[("tenant_id", "x")],
        Some("\"tenant_id\" is not a setting"),
    );
    check(&[(ENTERPRISE_ID, "acme")], Some("Admin Console"));
    check(&[(ENTERPRISE_ID, "1/../2")], Some("Admin Console"));
    check(&[(CLIENT_ID, "a b")], Some("client_id"));
    check(&[(USER_ID, "me")], Some("user_id"));
    check(&[(SHARE, "0")], Some("from 5 to 100"));
    check(&[(MONTHLY_CALLS, "lots")], Some("monthly_calls"));
    check(&[(DOMAINS, "acme")], Some("acme.example"));
    check(&[(ALGORITHM, "none")], Some("RS512"));
    check(&[(CREDENTIAL, "password")], Some("credential"));
    let missing = BOX
        .check(&settings(&[]))
        .expect_err("nobody says which enterprise");
    assert!(
        missing.what.contains("enterprise_id is missing"),
        "{missing}"
    );
    let mut odd = settings(&[(ENTERPRISE_ID, ENTERPRISE)]);
    odd.endpoints
        .insert("graph".into(), "https://x.example".into());
    assert!(BOX.check(&odd).is_err());
}

#[tokio::test(start_paused = true)]
async fn calls_as_a_user_spend_that_users_limit_and_nobody_elses() {
    use crate::wire::Acting;
    let bench = bench(
        |asked| match (asked.path.as_str(), asked.headers.get("as-user")) {
            ("/oauth2/token", _) => Reply::ok(TOKEN),
            (_, Some("11")) => Reply::error(429, "rate_limit_exceeded").with("Retry-After", "600"),
            (_, user) => Reply::ok(format!("{{\"user\":\"{}\"}}", user.unwrap_or("none"))),
        },
    );
    let session = bench.session();
    let send = async |acting| {
        let call = wire::get(&session, "/folders/0/items?limit=1", acting).expect("a call");
        session.send(&call).await.map(|answer| answer.status)
    };
    assert!(send(Acting::User("11")).await.is_err());
    assert_eq!(send(Acting::User("12")).await.ok(), Some(200));
    assert_eq!(send(Acting::Ourselves).await.ok(), Some(200));
    assert!(send(Acting::User("11")).await.is_err());
}
