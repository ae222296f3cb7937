//! Idempotency keys.

use casbah_api::{Caller, answer};
use casbah_model::SignedDuration;
use casbah_model::ports::Query;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::door::{Door, in_virtual_time};

const SCAN: &str = "/v1/connections/contoso/scan";

#[test]
fn the_same_key_gives_the_first_answer_again() {
    in_virtual_time(async {
        let door = Door::new();
        let first = door.post_as("k1", "/v1/connections", door.contoso()).await;
        assert_eq!(first.header("idempotency-replayed"), "");
        door.run().await;
        let again = door.post_as("k1", "/v1/connections", door.contoso()).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(
            again.is(202),
            first.is(202),
            "although it has been tested since"
        );
    });
}

#[test]
fn the_same_key_with_another_request_is_refused() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        door.post_as("k", SCAN, json!({ "what": ["users"] }))
            .await
            .is(202);
        let other_body = door.post_as("k", SCAN, json!({ "what": ["files"] })).await;
        assert_eq!(other_body.status.as_u16(), 422);
        other_body.is_problem("request-differs", Some("Idempotency-Key"));
        let other_path = door
            .post_as("k", "/v1/connections/contoso/pause", Value::Null)
            .await;
        other_path.is_problem("request-differs", Some("Idempotency-Key"));
        assert_eq!(
            door.get("/v1/connections/contoso").await.is(200)["state"],
            "connected"
        );
    });
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        door.post_as("k", SCAN, json!({ "what": ["mail"] }))
            .await
            .is_problem("bad-field", Some("/what/0"));
        door.post_as("k", SCAN, json!({ "what": ["users"] }))
            .await
            .is(202);
    });
}

#[test]
fn a_key_is_one_callers_own_and_is_forgotten_after_a_day() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        door.post_as("k", SCAN, json!({ "what": ["users"] }))
            .await
            .is(202);
        let other = Request::builder()
            .method(Method::POST)
            .uri(SCAN)
            .header("content-type", "application/json")
            .header("idempotency-key", "k")
            .extension(Caller {
                principal: "somebody else".into(),
                request_id: "r".into(),
            })
            .body(json!({ "what": ["files"] }).to_string().into())
            .expect("a request");
        assert_eq!(answer(&door.system.ctx, other).await.status().as_u16(), 202);
        door.system.ctx.sleep(SignedDuration::from_hours(25)).await;
        door.post_as("k", SCAN, json!({ "what": ["files"] }))
            .await
            .is(202);
    });
}

#[test]
fn a_request_that_died_is_taken_over_after_two_minutes_and_not_before() {
    in_virtual_time(async {
        let door = Door::new();
        door.post_as("k", "/v1/connections", door.contoso())
            .await
            .is(202);
        // As if the function had died between the effect and the record.
        let record = record(&door).await;
        let sets = vec![
            casbah_model::state::Set::To("st", "in-progress".into()),
            casbah_model::state::Set::Remove("status"),
            casbah_model::state::Set::Remove("body"),
        ];
        let condition = casbah_model::state::Condition::Exists;
        let write = casbah_model::state::Write::update(record.key, condition, sets);
        door.system.ctx.state.write(write).await.expect("written");
        let early = door.post_as("k", "/v1/connections", door.contoso()).await;
        early.is_problem("request-in-progress", None);
        assert_eq!(early.header("retry-after"), "2");
        door.system.ctx.sleep(SignedDuration::from_secs(121)).await;
        let late = door.post_as("k", "/v1/connections", door.contoso()).await;
        assert_eq!(late.header("idempotency-replayed"), "");
        late.is(202);
    });
}

#[test]
fn the_record_of_a_key_holds_no_secret() {
    in_virtual_time(async {
        let door = Door::new();
        door.post_as("k", "/v1/connections", door.contoso())
            .await
            .is(202);
        let record = record(&door).await;
        let text = serde_json::to_string(&record.item).expect("plain");
        assert!(
            !text.contains(door.simulator.plan().client_secret.as_str()),
            "{text}"
        );
        assert!(!text.contains("123456789012"), "nor who it was: {text}");
        let life = record.item["expires"].as_i64().expect("a time") - door.now().as_second();
        assert!((86_000..=86_400).contains(&life));
    });
}

/// The record of the only key that was used, with key "k" and the tester's name.
async fn record(door: &Door) -> casbah_model::state::Keyed {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    for part in ["arn:aws:iam::123456789012:role/tester", "k"] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let pk = format!("API#{}", casbah_model::record::hex(&digest.finalize()));
    let found = door.system.ctx.state.query(Query::prefix(pk, "")).await;
    found.expect("a table").pop().expect("a record")
}

#[test]
fn a_post_without_one_good_key_is_refused() {
    in_virtual_time(async {
        let door = Door::caught_up().await;
        let body = || Some(json!({ "what": ["users"] }).to_string());
        let long = "k".repeat(65);
        let rows: [&[(&str, &str)]; 5] = [
            &[],
            &[("idempotency-key", "")],
            &[("idempotency-key", "a b")],
            &[("idempotency-key", &long)],
            &[("idempotency-key", "a"), ("idempotency-key", "a")],
        ];
        for headers in rows {
            let refused = door.send(Method::POST, SCAN, headers, body()).await;
            assert_eq!(refused.status.as_u16(), 400, "{headers:?}");
            refused.is_problem("bad-idempotency-key", Some("Idempotency-Key"));
        }
    });
}
