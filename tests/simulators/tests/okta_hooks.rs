//! Event hooks of an Okta org: kept by calls, verified, and told of events.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use casbah_model::SignedDuration;
use casbah_model::transport::Method;
use casbah_simulators::okta::{Deed, Fault, FaultSettings, HookAnswer, HookCall};
use okta_reader::{Answer, Reader, ids};
use serde_json::{Value, json};

fn make(reader: &Reader, item: &str, uri: &str) -> Answer {
    let body = json!({
        "name": "Casbah",
        "events": { "type": "EVENT_TYPE", "items": [item, "user.lifecycle.suspend"], "filter": null },
        "channel": { "type": "HTTP", "version": "1.0.0", "config": {
            "uri": uri, "method": "POST",
            "authScheme": { "type": "HEADER", "key": "Authorization", "value": "a secret" },
        } },
    });
    reader.call(Method::Post, "/api/v1/eventHooks", &body.to_string())
}

const URI: &str = "https://casbah.example/hooks/okta";

fn status(status: u16, body: &str) -> HookAnswer {
    HookAnswer::Status {
        status,
        body: body.into(),
    }
}

/// An org with a hook that was verified.
fn verified() -> Reader {
    let reader = Reader::small(1);
    let hook = make(&reader, "user.session.start", URI).json();
    verify(&reader, &hook);
    reader
}

fn verify(reader: &Reader, hook: &Value) {
    let id = hook["id"].as_str().unwrap();
    let path = format!("/api/v1/eventHooks/{id}/lifecycle/verify");
    assert_eq!(reader.call(Method::Post, &path, "").status, 200);
    let calls = reader.simulator.hook_calls();
    assert_eq!((calls.len(), calls[0].method), (1, "GET"));
    let challenge = header(&calls[0], "x-okta-verification-challenge");
    let echo = json!({ "verification": challenge }).to_string();
    reader
        .simulator
        .hook_answered(&calls[0], &status(200, &echo));
    let hook = reader.get(&format!("/api/v1/eventHooks/{id}")).json();
    assert_eq!(hook["verificationStatus"], "VERIFIED");
}

fn header<'a>(call: &'a HookCall, name: &str) -> &'a str {
    let found = call.headers.iter().find(|(known, _)| known == name);
    &found.unwrap().1
}

fn wait(reader: &Reader, seconds: i64) -> Vec<HookCall> {
    reader.clock.forward(SignedDuration::from_secs(seconds));
    reader.simulator.hook_calls()
}

#[test]
fn a_hook_never_tells_its_secret() {
    let reader = Reader::small(2);
    let made = make(&reader, "user.session.start", URI);
    assert_eq!(made.status, 200);
    let hook = made.json();
    assert_eq!(
        (&hook["status"], &hook["verificationStatus"]),
        (&json!("ACTIVE"), &json!("UNVERIFIED"))
    );
    assert!(!made.text.contains("a secret"));
    assert_eq!(make(&reader, "user.authentication.verify", URI).status, 400);
    assert_eq!(
        make(&reader, "user.session.start", "http://casbah.example").status,
        400
    );
    assert_eq!(reader.walk("/api/v1/eventHooks").len(), 1);
    let path = format!("/api/v1/eventHooks/{}", hook["id"].as_str().unwrap());
    assert_eq!(reader.call(Method::Delete, &path, "").status, 204);
    assert_eq!(reader.get(&path).status, 404);
}

#[test]
fn nothing_is_delivered_before_the_address_was_verified() {
    let reader = Reader::small(3);
    let hook = make(&reader, "user.session.start", URI).json();
    reader.simulator.act(Deed::SignIn { user: 1 });
    assert!(wait(&reader, 60).is_empty());
    let path = format!(
        "/api/v1/eventHooks/{}/lifecycle/verify",
        hook["id"].as_str().unwrap()
    );
    reader.call(Method::Post, &path, "");
    let calls = reader.simulator.hook_calls();
    reader
        .simulator
        .hook_answered(&calls[0], &status(200, r#"{"verification":"wrong"}"#));
    assert_eq!(
        reader.get("/api/v1/eventHooks").json()[0]["verificationStatus"],
        "UNVERIFIED"
    );
    verify(&reader, &hook);
    assert!(wait(&reader, 60).is_empty());
    reader.simulator.act(Deed::SignIn { user: 1 });
    assert_eq!(wait(&reader, 60).len(), 1);
}

#[test]
fn a_delivery_has_the_events_that_polling_has_too() {
    let reader = verified();
    let (_, tip) = reader.poll(&reader.logs_since(1));
    reader.simulator.act(Deed::SignIn { user: 1 });
    reader.simulator.act(Deed::ShowPassword { user: 1 });
    reader.simulator.act(Deed::Suspend { user: 9 });
    assert!(reader.simulator.hook_calls().is_empty());
    let calls = wait(&reader, 10);
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].uri.as_str(), header(&calls[0], "Authorization")),
        (URI, "a secret")
    );
    let body: Value = serde_json::from_str(&calls[0].body).unwrap();
    assert_eq!(body["eventType"], "com.okta.event_hook");
    let told = ids(body["data"]["events"].as_array().unwrap(), "uuid");
    let polled = ids(&reader.poll(&tip).0, "uuid");
    // That the hook was made is told by the log only.
    assert_eq!((told.len(), polled.len()), (2, 4));
    assert!(told.is_subset(&polled));
    assert!(wait(&reader, 600).is_empty());
}

#[test]
fn a_delivery_is_tried_twice_but_not_after_a_4xx() {
    let tries = |answer: HookAnswer| {
        let reader = verified();
        reader.simulator.act(Deed::SignIn { user: 1 });
        let mut calls = wait(&reader, 10);
        for tries in 0..10 {
            let Some(call) = calls.pop() else {
                return tries;
            };
            reader.simulator.hook_answered(&call, &answer);
            calls = wait(&reader, 60);
        }
        10
    };
    assert_eq!(tries(status(204, "")), 1);
    assert_eq!(tries(status(401, "")), 1);
    assert_eq!(tries(status(500, "")), 2);
    assert_eq!(tries(HookAnswer::Silence), 2);
}

#[test]
fn deliveries_are_lost_doubled_turned_round_and_late() {
    let with = |fault, settings: FaultSettings, seconds| {
        let reader = verified();
        reader.simulator.switch(fault, Some(settings));
        reader.simulator.act(Deed::SignIn { user: 1 });
        reader.clock.forward(SignedDuration::from_secs(1));
        reader.simulator.act(Deed::SignIn { user: 2 });
        wait(&reader, 10);
        wait(&reader, seconds)
    };
    let now = |fault| {
        let reader = verified();
        reader
            .simulator
            .switch(fault, Some(FaultSettings::always()));
        reader.simulator.act(Deed::SignIn { user: 1 });
        wait(&reader, 10)
    };
    assert!(now(Fault::HookDrop).is_empty());
    let double = now(Fault::HookDuplicate);
    assert_eq!(double.len(), 2);
    assert_eq!(double[0].events, double[1].events);
    assert!(now(Fault::HookDelay).is_empty());
    assert!(with(Fault::HookDelay, FaultSettings::always(), 3000).is_empty());
    assert_eq!(
        with(Fault::HookDelay, FaultSettings::always(), 3600).len(),
        1
    );
    let usual = {
        let reader = verified();
        reader.simulator.act(Deed::SignIn { user: 1 });
        reader.clock.forward(SignedDuration::from_secs(1));
        reader.simulator.act(Deed::SignIn { user: 2 });
        wait(&reader, 10).remove(0).events
    };
    let mut turned = with(Fault::HookReorder, FaultSettings::always(), 60)
        .remove(0)
        .events;
    turned.reverse();
    assert_eq!(turned, usual);
}
