//! A system in a folder, a simulated tenant behind it, and a door that checks whatever comes out.

use std::sync::Arc;

use bytes::Bytes;
use casbah_api::{Caller, answer};
use casbah_model::Timestamp;
use casbah_model::ports::{Clock, Transport};
use casbah_pipeline::Settings;
use casbah_platform_local::{Durability, LocalSystem, Outside, SeededRng, Until, VirtualClock};
use casbah_simulators::microsoft365::{Plan, Simulator};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::document::assert_promised;

/// Runs a test in virtual time: waiting costs nothing.
pub fn in_virtual_time(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(test);
}

pub struct Door<S = Simulator> {
    pub system: LocalSystem,
    pub simulator: Arc<S>,
    pub clock: Arc<dyn Clock>,
    _folder: tempfile::TempDir,
}

/// What came out.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self.body
    }

    /// Asserts that it is this problem, about this field where one is meant.
    #[track_caller]
    pub fn is_problem(&self, code: &str, field: Option<&str>) {
        assert_eq!(self.body["code"], code, "{:#}", self.body);
        if let Some(field) = field {
            let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
            let is_named = errors.iter().any(|error| error["field"] == field);
            assert!(is_named, "\"{field}\" is not named in {:#}", self.body);
        }
        assert!(self.status.as_u16() < 500, "{:#}", self.body);
    }
}

impl Door {
    pub fn new() -> Door {
        Door::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Door {
        let mut plan = Plan::new(11);
        (plan.users, plan.files, plan.activities) = (30, 60, 120);
        plan.started = "2026-05-04T10:02:30Z".parse().expect("a time");
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(plan.started));
        let simulator = Simulator::new(plan, Arc::clone(&clock));
        Door::of(simulator, clock, settings)
    }

    /// One that has connected the simulated tenant and read all of it.
    pub async fn caught_up() -> Door {
        let door = Door::new();
        door.post("/v1/connections", door.contoso()).await.is(202);
        door.run().await;
        door
    }

    /// The body that connects the simulated tenant.
    pub fn contoso(&self) -> Value {
        let plan = self.simulator.plan();
        json!({
            "name": "contoso",
            "app": "microsoft365",
            "components": ["all"],
            "app_settings": { "tenant_id": plan.tenant_id, "client_id": plan.client_id },
            "credential": { "client_secret": plan.client_secret },
        })
    }
}

/// Who calls when a test does not say.
const TESTER: &str = "arn:aws:iam::123456789012:role/tester";

impl<S: Transport + 'static> Door<S> {
    pub fn of(simulator: S, clock: Arc<dyn Clock>, settings: Settings) -> Door<S> {
        let simulator = Arc::new(simulator);
        let folder = tempfile::tempdir().expect("a folder");
        let outside = Outside {
            clock: Arc::clone(&clock),
            rng: Arc::new(SeededRng::new(5)),
            transport: Arc::clone(&simulator) as Arc<dyn Transport>,
            settings,
            durability: Durability::Process,
        };
        Door {
            system: LocalSystem::open(folder.path(), outside).expect("a folder to use"),
            simulator,
            clock,
            _folder: folder,
        }
    }

    pub async fn run(&self) {
        let ended = self
            .system
            .run(Until::CaughtUp, std::future::pending())
            .await;
        ended.expect("a run");
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// Posts with a key of its own.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let key = self.system.ctx.random_id();
        self.post_as(&key, path, body).await
    }

    pub async fn post_as(&self, key: &str, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then(|| body.to_string());
        let headers = [("idempotency-key", key)];
        self.send(Method::POST, path, &headers, body).await
    }

    /// Posts as somebody, with a key of its own.
    pub async fn post_by(&self, principal: &str, path: &str, body: Value) -> Answer {
        let key = self.system.ctx.random_id();
        let body = (!body.is_null()).then(|| body.to_string());
        let headers = [("idempotency-key", key.as_str())];
        self.send_by(principal, Method::POST, path, &headers, body)
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &[], Some(body.to_string()))
            .await
    }

    /// Sends a request as the platforms do; whatever comes back must be promised by the document.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        self.send_by(TESTER, method, path, headers, body).await
    }

    pub async fn send_by(
        &self,
        principal: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = Request::builder().method(method.clone()).uri(path);
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(Caller {
            principal: principal.into(),
            request_id: "request-1".into(),
        });
        let body = Bytes::from(body.unwrap_or_default());
        let request = request.body(body).expect("a request");
        let response = answer(&self.system.ctx, request).await;
        assert_promised(&method, path, &response);
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        }
    }
}
