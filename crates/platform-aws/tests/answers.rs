//! What the adapters make of answers that emulators do not give: refusals, lost answers, answers that make no sense.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use casbah_model::Timestamp;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{
    Clock, Notice, Notifier, ObjectError, ObjectStore, Queue, SecretError, SecretStore, StateStore,
    StoreError,
};
use casbah_model::secret::Secret;
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_platform_aws::{
    Clients, DynamodbState, S3Objects, SecretsManager, Settings, SnsNotifier, SqsQueue, SystemRng,
};

/// One answer of the service.
#[derive(Clone)]
enum Answer {
    Status(u16, String),
    /// The connection breaks after the request was sent.
    Broken,
    Never,
}

/// Waits for nothing.
struct Hurried;

#[async_trait]
impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

/// Gives its answers in turn and counts the requests.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<(VecDeque<Answer>, usize)>>);

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

impl HttpConnector for Service {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let mut inner = self.0.lock().expect("no panic");
        inner.1 += 1;
        match inner.0.pop_front().expect("no more requests than answers") {
            Answer::Status(status, body) => {
                let status = StatusCode::try_from(status).expect("a status");
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
            }
            Answer::Broken => {
                let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                HttpConnectorFuture::ready(Err(ConnectorError::io(error.into())))
            }
            Answer::Never => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

impl HttpClient for Service {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

fn clients(answers: &[Answer]) -> (Clients, Service) {
    let settings = Settings::read(|name| {
        Some(String::from(match name {
            "AWS_REGION" => "eu-central-1",
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "example",
            "CASBAH_TABLE" | "CASBAH_BUCKET" | "CASBAH_SECRETS_PREFIX" => "casbah",
            _ => return None,
        }))
    });
    let service = Service::default();
    service
        .0
        .lock()
        .expect("no panic")
        .0
        .extend(answers.iter().cloned());
    let settings = settings.expect("complete").aws;
    (
        Clients::with_http_client(&settings, service.clone().into_shared()),
        service,
    )
}

fn table(answers: &[Answer]) -> (DynamodbState, Service) {
    let (clients, service) = clients(answers);
    let (clock, rng) = (Arc::new(Hurried), Arc::new(SystemRng));
    (DynamodbState::new(&clients, "table", clock, rng), service)
}

fn refusal(code: &str) -> Answer {
    let body =
        format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"words"}}"#);
    Answer::Status(400, body)
}

fn error_500() -> Answer {
    Answer::Status(
        500,
        r#"{"__type":"x#InternalServerError","message":"words"}"#.into(),
    )
}

fn cancelled(reasons: &str) -> Answer {
    let body = format!(
        r#"{{"__type":"x#TransactionCanceledException","Message":"m","CancellationReasons":[{reasons}]}}"#
    );
    Answer::Status(400, body)
}

fn write() -> Write {
    Write::update(
        Key::new("P", "a"),
        Condition::Equal("v", 1.into()),
        vec![Set::To("v", 2.into())],
    )
}

fn kind(error: &StoreError) -> String {
    match error {
        StoreError::Refused { index, current } => format!("refused {index} {current:?}"),
        StoreError::Busy => "busy".into(),
        StoreError::Unknown => "unknown".into(),
        StoreError::Unavailable { .. } => "unavailable".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once_and_its_outcome_is_one_of_four() {
    for (name, answer, expected) in [
        (
            "access denied",
            refusal("AccessDeniedException"),
            "unavailable",
        ),
        (
            "no table",
            refusal("ResourceNotFoundException"),
            "unavailable",
        ),
        ("invalid", refusal("ValidationException"), "unavailable"),
        ("expired", refusal("ExpiredTokenException"), "unavailable"),
        ("throttled", refusal("ThrottlingException"), "busy"),
        (
            "throughput",
            refusal("ProvisionedThroughputExceededException"),
            "busy",
        ),
        ("conflict", refusal("TransactionConflictException"), "busy"),
        ("limit", refusal("RequestLimitExceeded"), "busy"),
        ("500", error_500(), "unknown"),
        ("503", Answer::Status(503, String::new()), "unknown"),
        ("broken", Answer::Broken, "unknown"),
        ("silent", Answer::Never, "unknown"),
        ("no JSON", Answer::Status(200, "<html>".into()), "unknown"),
    ] {
        let (table, service) = table(&[answer]);
        let error = table.write(write()).await.expect_err(name);
        assert_eq!(kind(&error), expected, "{name}: {error:?}");
        assert_eq!(service.0.lock().expect("no panic").1, 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_shows_the_item() {
    let body = r#"{"__type":"x#ConditionalCheckFailedException","message":"m","Item":{"pk":{"S":"P"},"sk":{"S":"a"},"v":{"N":"3"}}}"#;
    let (table, _) = table(&[Answer::Status(400, body.into())]);
    let error = table.write(write()).await.expect_err("refused");
    assert_eq!(kind(&error), r#"refused 0 Some({"v": Number(3)})"#);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_transaction_is_told_by_its_reasons() {
    let none = r#"{"Code":"None"}"#;
    let conflict = r#"{"Code":"TransactionConflict","Message":"m"}"#;
    let condition = r#"{"Code":"ConditionalCheckFailed","Message":"m","Item":{"v":{"N":"3"}}}"#;
    let invalid = r#"{"Code":"ValidationError","Message":"item too large"}"#;
    let throttled = r#"{"Code":"ThrottlingError"}"#;
    for (reasons, expected) in [
        (vec![none, condition], r#"refused 1 Some({"v": Number(3)})"#),
        (
            vec![conflict, condition],
            r#"refused 1 Some({"v": Number(3)})"#,
        ),
        (vec![none, conflict], "busy"),
        (vec![throttled, conflict], "busy"),
        (vec![conflict, invalid], "unavailable"),
    ] {
        let (table, _) = table(&[cancelled(&reasons.join(","))]);
        let error = table
            .transact("t", vec![write()])
            .await
            .expect_err("cancelled");
        assert_eq!(kind(&error), expected, "{reasons:?}");
    }
    for (code, expected) in [
        ("TransactionInProgressException", "unknown"),
        ("IdempotentParameterMismatchException", "unavailable"),
    ] {
        let (table, _) = table(&[refusal(code)]);
        let error = table.transact("t", vec![write()]).await.expect_err(code);
        assert_eq!(kind(&error), expected, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_until_it_is_whole() {
    let key = |sk: &str| Key::new("P", sk);
    let found = |sk: &str| format!(r#"{{"pk":{{"S":"P"}},"sk":{{"S":"{sk}"}},"v":{{"N":"1"}}}}"#);
    let part = format!(
        r#"{{"Responses":{{"table":[{}]}},"UnprocessedKeys":{{"table":{{"Keys":[{{"pk":{{"S":"P"}},"sk":{{"S":"b"}}}}],"ConsistentRead":true}}}}}}"#,
        found("a")
    );
    let rest = format!(
        r#"{{"Responses":{{"table":[{}]}},"UnprocessedKeys":{{}}}}"#,
        found("b")
    );
    let answers = [
        error_500(),
        Answer::Broken,
        Answer::Status(200, part),
        Answer::Status(200, rest),
    ];
    let (state, service) = table(&answers);
    let items = state.get(&[key("a"), key("b")]).await.expect("both");
    assert!(items.iter().all(Option::is_some), "{items:?}");
    assert_eq!(service.0.lock().expect("no panic").1, 4);

    let never = r#"{"Responses":{},"UnprocessedKeys":{"table":{"Keys":[{"pk":{"S":"P"},"sk":{"S":"a"}}]}}}"#;
    let (state, service) = table(&vec![Answer::Status(200, never.into()); 10]);
    let error = state.get(&[key("a")]).await.expect_err("never whole");
    assert_eq!(kind(&error), "busy");
    assert_eq!(service.0.lock().expect("no panic").1, 5);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_nobody_here_wrote_is_no_panic() {
    let odd = r#"{"Responses":{"table":[{"pk":{"S":"P"},"sk":{"S":"a"},"x":{"B":"AA=="}}]}}"#;
    let (state, _) = table(&[Answer::Status(200, odd.into())]);
    let error = state
        .get(&[Key::new("P", "a")])
        .await
        .expect_err("odd")
        .to_string();
    assert!(error.contains("attribute x"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_object_store_that_is_busy_is_told_from_one_that_cannot_be_used() {
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
    let object = |content: &str| Answer::Status(200, content.into());
    let exists = || Answer::Status(412, error("PreconditionFailed"));
    for (name, answers, expected) in [
        ("stored", vec![object("")], "ok"),
        ("500 then stored", vec![error_500(), object("")], "ok"),
        (
            "the answer was lost",
            vec![Answer::Broken, exists(), object("content")],
            "ok",
        ),
        (
            "other content",
            vec![exists(), object("other")],
            "different",
        ),
        (
            "conflict",
            vec![Answer::Status(409, error("ConditionalRequestConflict")); 3],
            "unavailable",
        ),
        (
            "slow down",
            vec![Answer::Status(503, error("SlowDown")); 3],
            "unavailable",
        ),
        ("silent", vec![Answer::Never; 3], "unavailable"),
        (
            "denied",
            vec![Answer::Status(403, error("AccessDenied"))],
            "unusable",
        ),
        (
            "no bucket",
            vec![Answer::Status(404, error("NoSuchBucket"))],
            "unusable",
        ),
    ] {
        let (clients, _) = clients(&answers);
        let objects = S3Objects::new(&clients, "bucket");
        let outcome = match objects.put("a/b", "content".into()).await {
            Ok(()) => "ok",
            Err(ObjectError::Different { .. }) => "different",
            Err(ObjectError::Unavailable { .. }) => "unavailable",
            Err(ObjectError::Unusable { .. }) => "unusable",
            Err(ObjectError::NotFound { .. }) => "not found",
        };
        assert_eq!(outcome, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_secret_store_hold_nothing_of_a_secret() {
    let quoting = |code: &str| {
        let body = format!(r#"{{"__type":"{code}","message":"value hunter2 is too long"}}"#);
        Answer::Status(400, body)
    };
    let odd = r#"{"SecretString":"hunter2""#;
    for answers in [
        vec![quoting("ValidationException")],
        vec![quoting("AccessDeniedException")],
        vec![quoting("DecryptionFailure")],
        vec![Answer::Status(200, odd.into())],
        vec![Answer::Status(
            200,
            r#"{"SecretString":["hunter2"]}"#.into(),
        )],
        vec![Answer::Status(500, "hunter2".into()); 3],
        vec![Answer::Broken; 3],
    ] {
        for is_put in [true, false] {
            let (clients, _) = clients(&answers);
            let secrets = SecretsManager::new(&clients, "casbah/", None);
            let error = match is_put {
                true => secrets.put("contoso", &Secret::new("hunter2")).await.err(),
                false => secrets.get("contoso").await.err(),
            };
            let Some(error) = error else { continue };
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(matches!(error, SecretError::Unavailable { .. }), "{shown}");
        }
    }
}

/// Secrets Manager API reference, `CreateSecret` and `RestoreSecret`.
#[tokio::test(start_paused = true)]
async fn a_name_in_its_recovery_window_is_restored_and_used_again() {
    let deleted =
        r#"{"__type":"InvalidRequestException","message":"already scheduled for deletion"}"#;
    let exists = r#"{"__type":"ResourceExistsException","message":"exists"}"#;
    let done = || Answer::Status(200, "{}".into());
    for (name, answers) in [
        ("new", vec![done()]),
        ("known", vec![Answer::Status(400, exists.into()), done()]),
        (
            "deleted",
            vec![Answer::Status(400, deleted.into()), done(), done()],
        ),
    ] {
        let (clients, service) = clients(&answers);
        let secrets = SecretsManager::new(&clients, "casbah/", None);
        let secret = Secret::new("second");
        secrets.put("contoso", &secret).await.expect(name);
        assert_eq!(
            service.0.lock().expect("no panic").1,
            answers.len(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_queue_or_topic_that_is_not_set_is_named() {
    let (clients, _) = clients(&[]);
    let queue = SqsQueue::new(&clients, &[].into());
    let error = queue
        .send(&Message::Sweep, Default::default())
        .await
        .expect_err("no queue");
    assert!(
        error.to_string().contains("CASBAH_QUEUE_SWEEP is not set"),
        "{error}"
    );
    let error = queue
        .receive(Stage::UserScan, 1)
        .await
        .expect_err("no queue");
    assert!(
        error
            .to_string()
            .contains("CASBAH_QUEUE_USER_SCAN is not set"),
        "{error}"
    );
    let notice = Notice {
        code: "c".into(),
        subject: "s".into(),
        text: "t".into(),
        connection: None,
    };
    let error = SnsNotifier::new(&clients, None)
        .notify(&notice)
        .await
        .expect_err("no topic");
    assert!(
        error.to_string().contains("CASBAH_TOPIC is not set"),
        "{error}"
    );
}
