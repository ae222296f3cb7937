//! The functions, each called with the event of its folder: in process, without Lambda and without AWS.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use casbah_conformance::memory_table::MemoryTable;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{
    Clock, Delivery, Mark, NoMetrics, Notice, Notifier, NotifyError, ObjectError, ObjectStore,
    Query, Queue, QueueError, Receipt, SecretError, SecretStore, StateStore, StoreError,
    TableStore, Transport,
};
use casbah_model::secret::Secret;
use casbah_model::state::{Item, Key, Keyed, Write};
use casbah_model::transport::{Request, Response, TransportError};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::Curated;
use casbah_platform_aws::process::{Invocation, Ports, Process};
use casbah_platform_aws::roles::{Role, RoleError, handle};
use casbah_platform_aws::{Settings, SystemClock, SystemRng, body};
use serde_json::{Value, json};

const EVENTS: [(&str, Role, &str); 10] = [
    (
        "connect",
        Role::Api,
        include_str!("../../../functions/connect/event.json"),
    ),
    (
        "test",
        Role::Queue,
        include_str!("../../../functions/test/event.json"),
    ),
    (
        "user-scan",
        Role::Queue,
        include_str!("../../../functions/user-scan/event.json"),
    ),
    (
        "activity-poll",
        Role::Queue,
        include_str!("../../../functions/activity-poll/event.json"),
    ),
    (
        "file-scan",
        Role::Queue,
        include_str!("../../../functions/file-scan/event.json"),
    ),
    (
        "govern",
        Role::Queue,
        include_str!("../../../functions/govern/event.json"),
    ),
    (
        "webhook",
        Role::Hooks,
        include_str!("../../../functions/webhook/event.json"),
    ),
    (
        "sweep",
        Role::Schedule,
        include_str!("../../../functions/sweep/event.json"),
    ),
    (
        "compact",
        Role::Queue,
        include_str!("../../../functions/compact/event.json"),
    ),
    (
        "notify",
        Role::Notify,
        include_str!("../../../functions/notify/event.json"),
    ),
];

/// Every port in memory, and what was sent and told.
#[derive(Default)]
struct World {
    table: Arc<MemoryTable>,
    sent: Arc<Sent>,
    told: Arc<Told>,
}

#[derive(Default)]
struct Sent(Mutex<VecDeque<Message>>);

#[async_trait]
impl Queue for Sent {
    async fn send(&self, message: &Message, _: Duration) -> Result<(), QueueError> {
        self.0.lock().expect("no panic").push_back(message.clone());
        Ok(())
    }

    async fn receive(&self, _: Stage, _: usize) -> Result<Vec<Delivery>, QueueError> {
        Ok(vec![])
    }

    async fn delete(&self, _: &Receipt) -> Result<(), QueueError> {
        Ok(())
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<Notice>>);

#[async_trait]
impl Notifier for Told {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        self.0.lock().expect("no panic").push(notice.clone());
        Ok(())
    }
}

/// The time of tokio, which jumps from timer to timer while it is paused.
struct Jumping(Timestamp, tokio::time::Instant);

#[expect(
    clippy::disallowed_methods,
    reason = "this is the Clock port of these tests"
)]
impl Jumping {
    fn new() -> Jumping {
        Jumping(Timestamp::now(), tokio::time::Instant::now())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the Clock port of these tests"
)]
#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        self.0 + SignedDuration::try_from(self.1.elapsed()).expect("a short test")
    }

    async fn sleep_until(&self, until: Timestamp) {
        let rest = Duration::try_from(self.now().duration_until(until)).unwrap_or_default();
        tokio::time::sleep(rest).await;
    }
}

struct Nothing;

#[async_trait]
impl ObjectStore for Nothing {
    async fn put(&self, _: &str, _: Bytes) -> Result<(), ObjectError> {
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        Err(ObjectError::NotFound { name: name.into() })
    }

    async fn list(&self, _: &str, _: Option<&str>, _: usize) -> Result<Vec<String>, ObjectError> {
        Ok(vec![])
    }

    async fn delete(&self, _: &str) -> Result<(), ObjectError> {
        Ok(())
    }
}

#[async_trait]
impl TableStore for Nothing {
    async fn get(&self, _: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        Ok(None)
    }

    async fn replace(&self, _: &str, _: Bytes, _: Option<&Mark>) -> Result<(), ObjectError> {
        Ok(())
    }
}

#[async_trait]
impl SecretStore for Nothing {
    async fn put(&self, _: &str, _: &Secret) -> Result<(), SecretError> {
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        Err(SecretError::NotFound { name: name.into() })
    }

    async fn delete(&self, _: &str) -> Result<(), SecretError> {
        Ok(())
    }
}

#[async_trait]
impl Transport for Nothing {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        Err(TransportError::Timeout {
            host: "nowhere".into(),
        })
    }
}

impl World {
    fn process(&self, state: Arc<dyn StateStore>) -> Process {
        let required = [
            ("AWS_LAMBDA_FUNCTION_NAME", "casbah-function"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "example"),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("CASBAH_TABLE", "casbah"),
            ("CASBAH_BUCKET", "casbah"),
            ("CASBAH_SECRETS_PREFIX", "casbah/"),
        ];
        let required: BTreeMap<&str, &str> = required.into();
        let settings = Settings::read(|name| required.get(name).map(ToString::to_string));
        let ports = Ports {
            state,
            queue: Arc::clone(&self.sent) as _,
            objects: Arc::new(Nothing),
            secrets: Arc::new(Nothing),
            transport: Arc::new(Nothing),
            clock: Arc::new(Jumping::new()),
            rng: Arc::new(SystemRng),
            notifier: Arc::clone(&self.told) as _,
            metrics: Arc::new(NoMetrics),
            curated: Curated {
                region: "eu-central-1".into(),
                store: Arc::new(Nothing),
                tables: None,
            },
            policies: None,
        };
        Process::new(&settings.expect("complete"), ports)
    }

    async fn call(&self, role: Role, event: Value) -> Result<Value, RoleError> {
        let process = self.process(Arc::clone(&self.table) as _);
        handle(&process, role, event, &invocation(120)).await
    }
}

fn invocation(seconds: i64) -> Invocation {
    Invocation {
        request_id: "8f507cfc-xmpl-4697-b07a-ac58fc914c95".into(),
        deadline: SystemClock.now() + SignedDuration::from_secs(seconds),
        trace: Some("Root=1-67748000-0123456789abcdef01234567".into()),
    }
}

fn record(id: &str, queue: &str, body: &str) -> Value {
    json!({
        "messageId": id,
        "body": body,
        "attributes": { "ApproximateReceiveCount": "6", "SentTimestamp": "1767225600123" },
        "eventSourceARN": format!("arn:aws:sqs:eu-central-1:123456789012:{queue}"),
    })
}

fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().expect("a list");
    failures
        .iter()
        .filter_map(|failure| failure["itemIdentifier"].as_str())
        .collect()
}

#[tokio::test]
async fn each_function_serves_the_event_of_its_folder() {
    for (function, role, event) in EVENTS {
        let event: Value = serde_json::from_str(event).expect(function);
        let answer = World::default().call(role, event).await.expect(function);
        match role {
            Role::Queue | Role::Notify => assert_eq!(failures(&answer), [""; 0], "{function}"),
            Role::Schedule => assert_eq!(answer, Value::Null),
            Role::Api => assert_eq!(answer["statusCode"], 200, "{answer}"),
            // Nobody is connected, which somebody without proof is not told.
            Role::Hooks => assert!(answer["statusCode"].is_u64(), "{answer}"),
        }
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_fails_alone() {
    let good = body(&Message::Sweep);
    let deep = "[".repeat(1 << 20);
    let bodies = [
        &good,
        "",
        "{",
        "null",
        "{\"look\":{\"stage\":\"payroll\"}}",
        &deep,
        &good,
    ];
    let records = (0..)
        .zip(bodies)
        .map(|(number, body): (u32, &str)| record(&format!("m{number}"), "casbah-test", body));
    let event = json!({ "Records": records.collect::<Vec<_>>() });
    let answer = World::default()
        .call(Role::Queue, event)
        .await
        .expect("an answer");
    let mut failed = failures(&answer);
    failed.sort_unstable();
    assert_eq!(failed, ["m1", "m2", "m3", "m4", "m5"]);
}

#[tokio::test]
async fn the_api_function_serves_its_queue_too() {
    let event = json!({ "Records": [record("m0", "casbah-connect", &body(&Message::Sweep))] });
    let answer = World::default()
        .call(Role::Api, event)
        .await
        .expect("an answer");
    assert_eq!(failures(&answer), [""; 0]);
}

#[tokio::test]
async fn a_dead_letter_gets_a_name_and_is_not_put_back() {
    let world = World::default();
    let look = Message::Look {
        stage: Stage::UserScan,
        key: Key::new("C#contoso.1", "S#users"),
        version: 7,
        ticket: None,
    };
    let records = [
        record("d0", "casbah-user-scan-dead", &body(&look)),
        record("d1", "casbah-user-scan-dead", "not a message"),
    ];
    for _ in 0..2 {
        let event = json!({ "Records": records });
        let answer = world.call(Role::Notify, event).await.expect("an answer");
        assert_eq!(failures(&answer), [""; 0]);
    }
    let told = world.told.0.lock().expect("no panic");
    let codes: Vec<&str> = told.iter().map(|notice| notice.code.as_str()).collect();
    assert_eq!(codes.len(), 2, "each is told once: {codes:?}");
    assert!(
        codes.contains(&"dead-letter") && codes.contains(&"malformed-message"),
        "{codes:?}"
    );
    assert!(world.sent.0.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn an_event_of_another_service_is_an_error_and_no_panic() {
    for event in [Value::Null, json!({}), json!({ "Records": 7 }), json!([1])] {
        for role in [Role::Queue, Role::Api, Role::Hooks, Role::Notify] {
            let outcome = World::default().call(role, event.clone()).await;
            assert!(
                matches!(outcome, Err(RoleError::Event { .. })),
                "{role:?} {event}"
            );
        }
    }
    for event in [
        json!({ "requestContext": {} }),
        json!({ "requestContext": 1 }),
    ] {
        let outcome = World::default().call(Role::Api, event).await;
        assert!(matches!(outcome, Err(RoleError::Event { .. })));
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_a_problem_document() {
    let event = json!({
        "rawPath": "/v1/a b",
        "requestContext": { "http": { "method": "GET" }, "requestId": "r-1", "stage": "$default" },
    });
    let answer = World::default()
        .call(Role::Api, event)
        .await
        .expect("an answer");
    assert_eq!(
        answer["headers"]["content-type"],
        "application/problem+json"
    );
    assert!(
        answer["statusCode"]
            .as_u64()
            .is_some_and(|status| (400..500).contains(&status))
    );
}

/// A table that never answers, or that meets a defect when it is asked for groups.
struct Silent {
    is_defective: bool,
}

#[async_trait]
impl StateStore for Silent {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        if !self.is_defective {
            return std::future::pending().await;
        }
        assert_ne!(keys[0].sk, "S#groups", "the defect");
        Ok(vec![None; keys.len()])
    }

    async fn write(&self, _: Write) -> Result<Option<Item>, StoreError> {
        std::future::pending().await
    }

    async fn transact(&self, _: &str, _: Vec<Write>) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn query(&self, _: Query) -> Result<Vec<Keyed>, StoreError> {
        std::future::pending().await
    }

    async fn due(&self, _: &str, _: i64, _: usize) -> Result<Vec<Keyed>, StoreError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_message_that_meets_a_defect_fails_alone() {
    let event: Value = serde_json::from_str(EVENTS[2].2).expect("an event");
    let process = World::default().process(Arc::new(Silent { is_defective: true }));
    let answer = handle(&process, Role::Queue, event.clone(), &invocation(120)).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        failures(&answer),
        [event["Records"][1]["messageId"].as_str().expect("an id")]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_in_time_is_given_back_before_the_process_is_killed() {
    let event: Value = serde_json::from_str(EVENTS[2].2).expect("an event");
    let process = World::default().process(Arc::new(Silent {
        is_defective: false,
    }));
    let invocation = invocation(3);
    let answer = handle(&process, Role::Queue, event, &invocation)
        .await
        .expect("an answer");
    assert_eq!(failures(&answer).len(), 2);
    assert!(process.ports.clock.now() < invocation.deadline);
    let late = handle(&process, Role::Schedule, Value::Null, &invocation).await;
    assert!(
        matches!(late, Err(RoleError::Late | RoleError::Stage(_))),
        "{late:?}"
    );
}

#[tokio::test]
async fn an_invocation_has_no_more_time_than_lambda_gives_it() {
    let process = World::default().process(Arc::new(Silent {
        is_defective: false,
    }));
    let ctx = process.context(SystemClock.now() + SignedDuration::from_secs(40));
    let limit = ctx.settings.function_limit;
    assert!(limit > SignedDuration::from_secs(35) && limit <= SignedDuration::from_secs(40));
    process.give_back(ctx);
    let ctx = process.context(Timestamp::MAX);
    assert_eq!(ctx.settings.function_limit, SignedDuration::from_secs(120));
}
