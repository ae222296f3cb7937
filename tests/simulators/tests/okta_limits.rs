//! Rate limits of an Okta org, seen from one of its clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod okta_reader;

use std::sync::Arc;

use async_trait::async_trait;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Headers, Method};
use casbah_model::{SignedDuration, Timestamp};
use casbah_simulators::okta::{
    Bucket, Class, Fault, FaultSettings, Latency, LimitShown, Plan, Simulator,
};
use okta_reader::{Reader, small_plan};

fn limited(others: f64) -> Plan {
    let mut plan = small_plan(1);
    plan.limits.is_on = true;
    plan.limits.others = others;
    plan
}

const LOGS: &str = "/api/v1/logs?limit=0";

#[test]
fn a_bucket_is_empty_after_its_share_and_full_at_reset() {
    let reader = Reader::new(limited(0.0));
    // Half of 50 for enterprise orgs.
    let mut reset = 0;
    for call in 1..=25 {
        let answer = reader.get(LOGS);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("X-Rate-Limit-Limit"), 25);
        assert_eq!(answer.header("X-Rate-Limit-Remaining"), 25 - call);
        reset = answer.header("X-Rate-Limit-Reset");
    }
    assert!((1..=60).contains(&(reset - reader.now())));
    let over = reader.get(LOGS);
    assert_eq!(over.refusal(), (429, "E0000047".into()));
    assert_eq!(over.header("X-Rate-Limit-Remaining"), 0);
    assert_eq!(over.header("X-Rate-Limit-Limit"), 25);
    assert!(over.headers.get("Retry-After").is_none());
    assert_eq!(reader.get("/api/v1/groups?limit=1").status, 200);
    reader
        .clock
        .forward(SignedDuration::from_secs(reset - reader.now()));
    assert_eq!(reader.get(LOGS).header("X-Rate-Limit-Remaining"), 24);
    let traffic = reader.simulator.traffic();
    assert_eq!(
        (
            traffic.granted[&Bucket::Logs],
            traffic.refused[&Bucket::Logs]
        ),
        (26, 1)
    );
}

#[test]
fn each_family_of_paths_has_its_bucket() {
    let reader = Reader::new(limited(0.0));
    let user = reader.simulator.user_id(1);
    let group = reader.simulator.group_id(1);
    for (path, limit) in [
        ("/api/v1/users".to_string(), 300),
        (format!("/api/v1/users/{user}"), 500),
        (format!("/api/v1/users/{user}/roles"), 300),
        ("/api/v1/groups".into(), 300),
        (format!("/api/v1/groups/{group}/users"), 300),
        ("/api/v1/apps".into(), 50),
        (
            format!("/oauth2/v1/clients/{}/roles", reader.plan.client.id),
            50,
        ),
    ] {
        assert_eq!(
            reader.get(&path).header("X-Rate-Limit-Limit"),
            limit,
            "{path}"
        );
    }
    let granted = reader.simulator.traffic().granted;
    assert_eq!(granted.len(), 7);
    for path in ["/oauth2/v1/keys", "/.well-known/okta-organization"] {
        let free = reader.ask(Method::Get, path, Headers::default(), "");
        assert!(free.headers.get("X-Rate-Limit-Limit").is_none());
    }
    let token = reader.token_answer("okta.users.read");
    assert_eq!(token.header("X-Rate-Limit-Limit"), 150);
}

#[test]
fn the_class_and_what_is_shown_can_be_chosen() {
    let mut plan = limited(0.0);
    plan.limits.class = Class::Workforce;
    plan.limits.shown = LimitShown::Whole;
    let answer = Reader::new(plan).get(LOGS);
    assert_eq!(answer.header("X-Rate-Limit-Limit"), 120);
    assert_eq!(answer.header("X-Rate-Limit-Remaining"), 59);
}

#[test]
fn others_use_up_the_bucket_and_only_the_headers_tell() {
    let reader = Reader::new(limited(0.9));
    let (mut granted, mut refused, mut drops) = (0, 0, 0);
    let mut last = None;
    // As fast as it may be alone: 25 a minute.
    for _ in 0..250 {
        reader.clock.forward(SignedDuration::from_millis(2400));
        let answer = reader.get(LOGS);
        let remaining = answer.header("X-Rate-Limit-Remaining");
        if answer.status == 200 {
            granted += 1;
            drops += u64::from(last.is_some_and(|last| remaining < last - 1));
        } else {
            refused += 1;
        }
        last = Some(remaining);
    }
    assert!(granted > 150 && refused > 25, "{granted} {refused}");
    assert!(drops > 5, "{drops}");
}

#[test]
fn faults_of_the_limits_strike() {
    let wait = FaultSettings::times(1).with_value("7");
    let reader = okta_reader::with(Fault::RateLimit429, wait);
    let refused = reader.get("/api/v1/users");
    assert_eq!(refused.refusal(), (429, "E0000047".into()));
    assert_eq!(refused.header("X-Rate-Limit-Reset"), reader.now() + 7);
    assert!(refused.header("X-Rate-Limit-Limit") > 0);
    let reader = okta_reader::with(Fault::Concurrency429, FaultSettings::times(1));
    let refused = reader.get("/api/v1/users");
    assert_eq!(refused.refusal(), (429, "E0000047".into()));
    assert_eq!(refused.header("X-Rate-Limit-Limit"), 0);
    assert_eq!(refused.header("X-Rate-Limit-Remaining"), 0);
    assert_eq!(reader.simulator.traffic().refused_concurrent, 1);
    let reader = okta_reader::with(Fault::NoRateHeaders, FaultSettings::always());
    assert!(
        reader
            .get("/api/v1/users")
            .headers
            .get("X-Rate-Limit-Limit")
            .is_none()
    );
    let date = |reader: &Reader| {
        let answer = reader.get("/api/v1/users?limit=1");
        let date = answer.headers.get("Date").unwrap().to_string();
        (date, answer.header("X-Rate-Limit-Reset"))
    };
    let reader = Reader::small(1);
    assert_eq!(date(&reader).0, "Mon, 04 May 2026 08:00:00 GMT");
    let skew = FaultSettings::times(1).with_value("600");
    let before = date(&reader).1;
    reader.simulator.switch(Fault::SkewedClock, Some(skew));
    assert_eq!(
        date(&reader),
        ("Mon, 04 May 2026 08:10:00 GMT".into(), before + 600)
    );
    assert_eq!(date(&reader).1, before);
}

/// A clock on which everybody waits at once.
struct WaitingClock(Timestamp);

#[async_trait]
impl Clock for WaitingClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep_until(&self, _: Timestamp) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn too_many_calls_at_one_time_are_refused_with_a_limit_of_nothing() {
    let mut plan = limited(0.0);
    plan.limits.concurrency = 2;
    plan.latency = Latency {
        min: std::time::Duration::from_millis(10),
        max: std::time::Duration::from_millis(10),
    };
    let token = format!("SSWS {}", plan.api_token);
    let simulator = Simulator::new(plan.clone(), Arc::new(WaitingClock(plan.started)));
    let call = || {
        let headers = Headers::default().with("Authorization", &token);
        simulator.send(Reader::request(Method::Get, LOGS, headers, ""))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (one, two, three) = runtime.block_on(async { tokio::join!(call(), call(), call()) });
    let answers = [one.unwrap(), two.unwrap(), three.unwrap()];
    let (refused, granted): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 429);
    assert_eq!((refused.len(), granted.len()), (1, 2));
    let refused = &refused[0].headers;
    assert_eq!(refused.get("X-Rate-Limit-Limit"), Some("0"));
    let reset: i64 = refused.get("X-Rate-Limit-Reset").unwrap().parse().unwrap();
    assert_eq!(reset, plan.started.as_second() + 1);
    let traffic = simulator.traffic();
    assert_eq!(
        (traffic.refused_concurrent, traffic.concurrency_peak),
        (1, 3)
    );
    assert_eq!(traffic.granted[&Bucket::Logs], 2);
}
