//! What a customer enters; and an org that answers by a script, for the tests of other files.

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
        Reply::new(
            status,
            format!(r#"{{"errorCode":"{code}","errorSummary":"No."}}"#),
        )
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.add(name, value);
        self
    }

    pub(crate) fn next(self, link: &str) -> Reply {
        self.with("link", "<https://acme.okta.com/self>; rel=\"self\"")
            .with("link", format!("<{link}>; rel=\"next\""))
    }
}

pub(crate) type Script = fn(&Asked) -> Reply;

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

/// An org that is reached with an API token, or as a service app.
struct ScriptedOrg {
    script: Script,
    credential: Credential,
}

#[derive(Clone, Copy)]
pub(crate) enum Credential {
    ApiToken,
    ServiceApp,
    /// An API token of which the customer says what part of the limits is ours.
    Share(&'static str),
}

pub(crate) const API_TOKEN: &str = "00invented_api_token_of_a_test_0123456789_";
pub(crate) const PEM: &str = include_str!("auth/test_key.pem");

impl SimulatedTenant for ScriptedOrg {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(Scripted {
            script: self.script,
            paths: Mutex::default(),
        })
    }

    fn settings(&self) -> ConnectionSettings {
        let entered: &[(&str, &str)] = match self.credential {
            Credential::ApiToken => &[(DOMAIN, "acme.okta.com")],
            Credential::Share(share) => &[(DOMAIN, "acme.okta.com"), (SHARE, share)],
            Credential::ServiceApp => &[
                (DOMAIN, "acme.okta.com"),
                (CLIENT_ID, "0oa1casbah"),
                (KEY_ID, "test-key"),
            ],
        };
        settings(entered)
    }

    fn secret(&self) -> Secret {
        Secret::new(match self.credential {
            Credential::ApiToken | Credential::Share(_) => API_TOKEN,
            Credential::ServiceApp => PEM,
        })
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

/// Sessions with an org that answers by a script. Time must be paused.
pub(crate) fn bench(credential: Credential, script: Script) -> Bench {
    let mut bench = Bench::new(&Subject {
        connector: &OKTA,
        started: started(),
        tenant: |_: Arc<dyn Clock>| {
            Box::new(ScriptedOrg {
                script: |_| Reply::error(404, "E0000007"),
                credential: Credential::ApiToken,
            })
        },
    });
    bench.tenant = Box::new(ScriptedOrg { script, credential });
    Arc::get_mut(&mut bench.transport)
        .expect("nobody else has it yet")
        .inner = bench.tenant.transport();
    bench
}

pub(crate) fn settings(entered: &[(&str, &str)]) -> ConnectionSettings {
    let entered = entered.iter();
    ConnectionSettings {
        id: "acme".parse().expect("a name"),
        app: App::Okta,
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
    let domain = (DOMAIN, "acme.okta.com");
    let entered: Vec<_> = [domain]
        .into_iter()
        .chain(entered.iter().copied())
        .collect();
    match (OKTA.check(&settings(&entered)), refused) {
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
            (CLIENT_ID, "0oa1gjh63g214q0Hq0g4"),
            (KEY_ID, "SIGNING_KEY-1"),
            (SHARE, "25"),
            (SCOPES, "okta.users.read okta.logs.read"),
            (CREDENTIAL, PRIVATE_KEY),
        ],
        None,
    );
    check(&[(CREDENTIAL, SECRET)], None);
    check(&[(CREDENTIAL, PRIVATE_KEY)], Some("client_id is missing"));
    let app = (CLIENT_ID, "0oa1");
    check(&[(CREDENTIAL, SECRET), app], Some("leave client_id out"));
    check(&[("tenant", "x")], Some("\"tenant\" is not a setting"));
    check(&[(CLIENT_ID, "")], Some("client_id"));
    check(&[(KEY_ID, "a b")], Some("key_id"));
    check(&[(SHARE, "0")], Some("from 10 to 100"));
    check(&[(SCOPES, "okta.users.manage")], Some("okta.users.read"));
    check(&[(CREDENTIAL, "password")], Some("credential"));
}

#[test]
fn an_org_is_called_under_a_domain_of_okta_and_no_other() {
    for domain in ["acme.okta.com", "acme-2.oktapreview.com", "a.okta-emea.com"] {
        check(&[(DOMAIN, domain)], None);
        let own = OKTA.own_address("org", &settings(&[(DOMAIN, domain)]).app_settings);
        assert_eq!(own, Some(format!("https://{domain}")));
    }
    for domain in [
        "",
        "okta.com",
        ".okta.com",
        "https://acme.okta.com",
        "acme.okta.com/",
        "acme.okta.com:8443",
        "acme.okta.com.evil.example",
        "evil.example",
        "evil.example/.okta.com",
        "user@acme.okta.com",
        "a.b.okta.com",
        "-a.okta.com",
        "ACME.okta.com",
        "127.0.0.1",
        "localhost",
        "login.acme.example",
    ] {
        check(&[(DOMAIN, domain)], Some("acme.okta.com"));
    }
    let missing = OKTA.check(&settings(&[])).expect_err("there is no address");
    assert!(missing.what.contains("domain is missing"), "{missing}");
}

/// Calls of the System Log, one after the other, and the most of them that were sent within a minute.
async fn most_in_a_minute(share: &'static str, script: Script, calls: usize) -> usize {
    let bench = bench(Credential::Share(share), script);
    for _ in 0..calls {
        let sent = bench.patiently(async |session| {
            let address = session.address(wire::ORG, "/api/v1/logs?limit=1")?;
            let call = wire::get(address, limits::Bucket::Logs);
            Ok(session.send(&call).await?.status)
        });
        assert_eq!(sent.await.expect("an answer"), 200);
    }
    let minute = casbah_model::SignedDuration::from_mins(1);
    let sent: Vec<_> = bench
        .transport
        .calls()
        .iter()
        .map(|call| call.sent)
        .collect();
    let within = |from: &Timestamp| {
        sent.iter()
            .filter(|at| *at >= from && **at < *from + minute)
            .count()
    };
    sent.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn our_share_of_a_limit_is_never_exceeded() {
    let silent: Script = |_| Reply::ok("[]");
    for (share, most) in [("10", 2), ("50", 10), ("100", 20)] {
        let sent = most_in_a_minute(share, silent, 40).await;
        assert!((1..=most).contains(&sent), "{share} %: {sent} in a minute");
    }
}
