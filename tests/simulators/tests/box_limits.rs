//! What an enterprise of Box lets a reader do per minute, and what it says when it is too much.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod box_reader;

use std::time::Duration;

use box_reader::{Reader, always, small_plan, with};
use casbah_model::ports::Clock;
use casbah_simulators::box_com::{Bucket, BucketOwner, Fault, FaultSettings, Latency};

fn limited(owner: BucketOwner) -> Reader {
    let mut plan = small_plan(1);
    plan.limits.is_on = true;
    plan.limits.per_minute = 20;
    plan.limits.owner = owner;
    Reader::new(plan)
}

#[test]
fn an_empty_bucket_says_when_it_is_full_again() {
    let reader = limited(BucketOwner::Acting);
    let calls: Vec<u16> = (0..22)
        .map(|_| reader.get("/2.0/users/me").status)
        .collect();
    assert_eq!(calls[..20], [200; 20]);
    assert_eq!(calls[20..], [429; 2]);
    let refused = reader.get("/2.0/users/me");
    assert_eq!(refused.refusal(), (429, "rate_limit_exceeded".into()));
    let seconds: i64 = refused.headers.get("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    reader.wait(seconds);
    assert_eq!(reader.get("/2.0/users/me").status, 200);
    let traffic = reader.simulator.traffic();
    assert_eq!(
        (
            traffic.granted[&Bucket::Service],
            traffic.refused[&Bucket::Service]
        ),
        (21, 3)
    );
    assert_eq!(traffic.statuses[&429], 3);
    assert_eq!(traffic.calls["GET 2.0/users/me"], 24);
}

#[test]
fn the_plan_has_a_thousand_calls_a_minute() {
    let mut plan = small_plan(1);
    plan.limits = casbah_simulators::box_com::Limits::default();
    let reader = Reader::new(plan);
    let granted = (0..1100).filter(|_| reader.get("/2.0/users/me").status == 200);
    assert_eq!(granted.count(), 1000);
}

#[test]
fn a_call_as_a_user_counts_for_that_user_or_for_the_token() {
    let path = "/2.0/folders/0/items?limit=1";
    for (owner, users) in [(BucketOwner::Acting, 60), (BucketOwner::Token, 20)] {
        let reader = limited(owner);
        let mut granted = 0;
        for user in [10, 12, 13] {
            let id = reader.simulator.user_id(user);
            let answers = (0..25).map(|_| reader.get_as(&id, path).status);
            granted += answers.filter(|status| *status == 200).count();
        }
        assert_eq!(granted, users, "{owner:?}");
        let buckets = reader.simulator.traffic().granted;
        assert_eq!(
            buckets.contains_key(&Bucket::User(10)),
            owner == BucketOwner::Acting
        );
        assert_eq!(
            buckets.contains_key(&Bucket::Service),
            owner == BucketOwner::Token
        );
    }
}

#[test]
fn tokens_cost_nothing() {
    let reader = limited(BucketOwner::Token);
    for _ in 0..30 {
        reader.forget_token();
        reader.token();
    }
    assert_eq!(reader.get("/2.0/users/me").status, 200);
    assert_eq!(reader.simulator.traffic().granted[&Bucket::Token], 30);
}

#[test]
fn faults_of_the_limits_strike() {
    let reader = with(Fault::RateLimit429, FaultSettings::times(1).with_value("7"));
    let refused = reader.get("/2.0/users/me");
    assert_eq!(
        (refused.status, refused.headers.get("Retry-After")),
        (429, Some("7"))
    );
    assert_eq!(reader.get("/2.0/users/me").status, 200);
    reader.simulator.switch(Fault::RateLimit429, always());
    reader.simulator.switch(Fault::NoRetryAfter, always());
    let refused = reader.get("/2.0/users/me");
    assert_eq!(
        (refused.status, refused.headers.get("Retry-After")),
        (429, None)
    );
    let reader = with(Fault::Plain503, FaultSettings::times(1).with_value("3"));
    let refused = reader.get("/2.0/users/me");
    assert_eq!(refused.refusal(), (503, "unavailable".into()));
    assert_eq!(refused.headers.get("Retry-After"), Some("3"));
    reader.simulator.switch(Fault::Plain503, always());
    let refused = reader.get("/2.0/users/me");
    assert_eq!(
        (refused.status, refused.headers.get("Retry-After")),
        (503, None)
    );
}

#[test]
fn answers_take_their_time() {
    let mut plan = small_plan(1);
    plan.latency = Latency {
        min: Duration::from_millis(50),
        max: Duration::from_millis(50),
    };
    let reader = Reader::new(plan);
    let token = reader.token();
    let before = reader.clock.now();
    reader.get_with(&token, "/2.0/users/me");
    assert_eq!((reader.clock.now() - before).get_milliseconds(), 50);
    reader.simulator.switch(Fault::SlowAnswers, always());
    reader.get_with(&token, "/2.0/users/me");
    assert_eq!((reader.clock.now() - before).get_seconds(), 30);
}
