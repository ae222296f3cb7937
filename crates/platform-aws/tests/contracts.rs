//! Holds the AWS adapters to the contracts of their ports, against emulators over HTTP.
//!
//! Started by `tests/emulators/run`. Where an emulator differs from AWS, the case is named here with the difference.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use casbah_conformance::ports::{self, Case, queue::Bench, table_objects::Tables};
use casbah_http::internet::Internet;
use casbah_model::message::Stage;
use casbah_model::ports::{
    ObjectStore, Query, SecretError, SecretStore, StateStore, StoreError, Transport,
};
use casbah_model::secret::Secret;
use casbah_model::state::{Change, Condition, Key, Set, Write};
use casbah_model::transport::{Method, Request};
use casbah_platform_aws::{
    Clients, DynamodbState, INDEX, S3Objects, SecretsManager, Settings, SqsQueue, SystemClock,
    SystemRng,
};
use serde_json::json;

/// Six times the longest run of a function (template).
const VISIBILITY: Duration = Duration::from_secs(720);
const RECEIVES_MAX: u32 = 5;

#[expect(
    clippy::disallowed_methods,
    reason = "the emulators' addresses come from their script"
)]
fn address(name: &str) -> String {
    let found = std::env::var(name);
    found.unwrap_or_else(|_| panic!("{name} is not set: start with tests/emulators/run"))
}

/// Clients of the emulators: moto for everything but the table, since it applies a transaction with a token twice.
fn clients() -> Clients {
    let (table, rest) = (
        address("CASBAH_TEST_DYNAMODB_URL"),
        address("CASBAH_TEST_AWS_URL"),
    );
    Clients::new(&settings(&table, &rest).aws)
}

fn settings(table: &str, rest: &str) -> Settings {
    let settings = Settings::read(|name| {
        Some(String::from(match name {
            "AWS_ENDPOINT_URL" => rest,
            "AWS_ENDPOINT_URL_DYNAMODB" => table,
            "AWS_REGION" => "us-east-1",
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "casbah",
            "CASBAH_TABLE" | "CASBAH_BUCKET" | "CASBAH_SECRETS_PREFIX" => "casbah",
            _ => return None,
        }))
    });
    settings.expect("complete settings")
}

/// A name that no other case and no other run has.
fn unique(word: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{word}-{}-{number}", std::process::id())
}

async fn table(clients: &Clients) -> DynamodbState {
    let name = unique("table");
    let attribute = |name: &str, kind| {
        let built = AttributeDefinition::builder().attribute_name(name);
        built.attribute_type(kind).build().expect("complete")
    };
    let part = |name: &str, kind| {
        let built = KeySchemaElement::builder().attribute_name(name);
        built.key_type(kind).build().expect("complete")
    };
    let projection = Projection::builder().projection_type(ProjectionType::All);
    let index = GlobalSecondaryIndex::builder()
        .index_name(INDEX)
        .key_schema(part("gw", KeyType::Hash))
        .key_schema(part("gk", KeyType::Range))
        .projection(projection.build());
    let call = clients.table_writes.create_table().table_name(&name);
    call.billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("gw", ScalarAttributeType::S))
        .attribute_definitions(attribute("gk", ScalarAttributeType::N))
        .key_schema(part("pk", KeyType::Hash))
        .key_schema(part("sk", KeyType::Range))
        .global_secondary_indexes(index.build().expect("complete"))
        .send()
        .await
        .expect("a table");
    DynamodbState::new(clients, &name, Arc::new(SystemClock), Arc::new(SystemRng))
}

async fn queue(clients: &Clients) -> SqsQueue {
    let mut urls = BTreeMap::new();
    for stage in Stage::ALL {
        let name = unique(stage.name());
        let dead = clients
            .queues
            .create_queue()
            .queue_name(format!("{name}-dead"));
        let dead = dead
            .send()
            .await
            .expect("a queue")
            .queue_url
            .expect("its address");
        let arn = clients.queues.get_queue_attributes().queue_url(dead);
        let arn = arn
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await;
        let arn = arn.expect("attributes").attributes.expect("attributes");
        let redrive = json!({
            "deadLetterTargetArn": arn[&QueueAttributeName::QueueArn],
            "maxReceiveCount": RECEIVES_MAX,
        });
        let visibility = VISIBILITY.as_secs().to_string();
        let call = clients.queues.create_queue().queue_name(&name);
        let call = call
            .attributes(QueueAttributeName::VisibilityTimeout, visibility)
            .attributes(QueueAttributeName::RedrivePolicy, redrive.to_string());
        let url = call
            .send()
            .await
            .expect("a queue")
            .queue_url
            .expect("its address");
        urls.insert(stage, url);
    }
    SqsQueue::new(clients, &urls)
}

/// Lets time pass in the emulator (`moto_with_clock.py`).
async fn advance(by: Duration) {
    let url = address("CASBAH_TEST_AWS_URL");
    let url = format!("{url}/casbah/advance?seconds={}", by.as_secs_f64());
    let internet = Internet::new().expect("a client");
    let request = Request {
        method: Method::Get,
        url,
        headers: Default::default(),
        body: Default::default(),
    };
    let answer = internet.send(request).await.expect("an answer");
    assert_eq!(answer.status, 200, "this moto has no clock to turn");
}

async fn objects(clients: &Clients) -> S3Objects {
    let name = unique("bucket");
    let call = clients.objects.create_bucket().bucket(&name);
    call.send().await.expect("a bucket");
    S3Objects::new(clients, &name)
}

async fn run<P>(cases: &[Case<P>], make: impl AsyncFn(&Clients) -> P) {
    let clients = clients();
    ports::run(cases, async || make(&clients).await).await;
}

#[tokio::test]
async fn dynamodb_keeps_the_contract_of_the_table() {
    run(ports::state::CASES, async |clients| {
        Arc::new(table(clients).await) as Arc<dyn StateStore>
    })
    .await;
}

#[tokio::test]
async fn sqs_keeps_the_contract_of_the_queue() {
    run(ports::queue::CASES, async |clients| Bench {
        queue: Arc::new(queue(clients).await),
        advance: Box::new(|by| Box::pin(advance(by))),
        visibility: VISIBILITY,
        receives_max: RECEIVES_MAX,
    })
    .await;
}

#[tokio::test]
async fn s3_keeps_the_contract_of_the_object_store() {
    run(ports::objects::CASES, async |clients| {
        Arc::new(objects(clients).await) as Arc<dyn ObjectStore>
    })
    .await;
}

#[tokio::test]
async fn s3_keeps_the_contract_of_the_table_store() {
    run(ports::table_objects::CASES, async |clients| {
        let objects = Arc::new(objects(clients).await);
        Tables {
            store: Arc::clone(&objects) as _,
            objects,
        }
    })
    .await;
}

#[tokio::test]
async fn secrets_manager_keeps_the_contract_of_the_secret_store() {
    run(ports::secrets::CASES, async |clients| {
        let prefix = format!("casbah/{}/", unique("stack"));
        Arc::new(SecretsManager::new(clients, &prefix, None)) as Arc<dyn SecretStore>
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_named_and_not_taken_for_busy() {
    let clients = clients();
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let table = DynamodbState::new(&clients, "no-such-table", clock, rng);
    let key = || Key::new("P#1", "a");
    let set = vec![Set::To("v", 1.into())];
    let errors = [
        table.get(&[key()]).await.expect_err("no table"),
        table
            .query(Query::prefix("P#1", ""))
            .await
            .expect_err("no table"),
        table
            .write(Write::put(key(), [].into()))
            .await
            .expect_err("no table"),
        table
            .transact("t", vec![Write::update(key(), Condition::Always, set)])
            .await
            .expect_err("no table"),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
    let objects = S3Objects::new(&clients, "no-such-bucket-anywhere");
    let error = objects.get("a").await.expect_err("no bucket").to_string();
    assert!(error.contains("NoSuchBucket"), "{error}");
}

#[tokio::test]
async fn a_check_alone_and_keys_asked_for_twice_are_answered() {
    let table = table(&clients()).await;
    let key = Key::new("P#1", "a");
    table
        .write(Write::put(key.clone(), [("v".into(), 1.into())].into()))
        .await
        .expect("put");
    let found = table.get(&[key.clone(), key.clone()]).await.expect("get");
    assert!(found[0].is_some() && found[0] == found[1]);
    for (v, holds) in [(1, true), (2, false)] {
        let condition = Condition::Equal("v", v.into());
        let check = Write {
            key: key.clone(),
            condition,
            change: Change::Check,
        };
        let outcome = table.write(check.clone()).await;
        assert_eq!(outcome.is_ok(), holds, "{outcome:?}");
        let outcome = table.transact(&format!("{v}"), vec![check]).await;
        assert_eq!(outcome.is_ok(), holds, "{outcome:?}");
    }
    let always = Write {
        key,
        condition: Condition::Always,
        change: Change::Check,
    };
    table
        .transact("always", vec![always])
        .await
        .expect("a check of nothing");
}

/// That the name can be used again is examined in `answers.rs`: moto differs from AWS there, it says that the secret
/// exists and then takes a value for it without restoring it.
#[tokio::test]
async fn a_secret_in_its_recovery_window_is_not_found() {
    let clients = clients();
    let secrets = SecretsManager::new(&clients, &format!("casbah/{}/", unique("stack")), None);
    secrets
        .put("one", &Secret::new("first"))
        .await
        .expect("put");
    secrets.delete("one").await.expect("delete");
    let error = secrets.get("one").await.expect_err("it is deleted");
    assert!(matches!(error, SecretError::NotFound { .. }), "{error:?}");
}
