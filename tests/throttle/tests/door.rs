//! The throttle through its door: tickets, deadlines, pauses, order of callers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::disallowed_methods,
    reason = "the test is the clock and the callers"
)]

use std::sync::Arc;
use std::time::Duration;

use casbah_http::gate::{GateError, Gates, Limit, Pass, Signs, Spend, Throttled, Urgency, Verdict};
use casbah_model::Timestamp;
use casbah_model::message::Ticket;
use casbah_model::ports::{Clock, StoreError};

use casbah_throttle::clock::{SeededRng, VirtualClock};
use casbah_throttle::scenario::{limit, secs};
use casbah_throttle::table::Table;

struct Site {
    clock: Arc<VirtualClock>,
    table: Arc<Table>,
    rng: Arc<SeededRng>,
}

impl Site {
    fn new() -> Site {
        let rng = Arc::new(SeededRng::new(3));
        let clock = Arc::new(VirtualClock::start());
        Site {
            clock,
            table: Arc::new(Table::new(rng.clone(), 0.0)),
            rng,
        }
    }

    fn gates(&self, limit: Limit, ticket: Option<Ticket>, budget: Duration) -> Gates {
        let deadline = self.clock.now() + budget;
        let (table, clock, rng) = (self.table.clone(), self.clock.clone(), self.rng.clone());
        Gates::new(
            table,
            clock,
            rng,
            "c1.1".into(),
            vec![limit],
            ticket,
            deadline,
        )
    }

    fn minute(&self) -> Gates {
        self.gates(limit(2000.0, secs(60)), None, secs(55))
    }

    fn in_s(&self, until: Timestamp) -> f64 {
        until.duration_since(self.clock.now()).as_secs_f64()
    }
}

async fn admit(gates: &Gates) -> Result<Pass<'_>, GateError> {
    gates
        .admit(Spend {
            bucket: "mgmt",
            account: None,
            class: "list",
            urgency: Urgency::Bulk,
        })
        .await
}

async fn calls(gates: &Gates, count: usize) {
    for _ in 0..count {
        let pass = admit(gates).await.unwrap();
        assert_eq!(pass.settle(Signs::default()).await.unwrap(), Verdict::Done);
    }
}

fn later(answer: Result<Pass<'_>, GateError>) -> Timestamp {
    match answer {
        Err(GateError::Later { until }) => until,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("admitted"),
    }
}

fn throttled(retry_after: Option<u64>) -> Signs {
    let retry_after = retry_after.map(Duration::from_secs);
    Signs {
        throttled: Some(Throttled { retry_after }),
        ..Signs::default()
    }
}

/// Slices of a minute's worth are queued up by others.
async fn crowd(site: &Site) {
    let busy = site.gates(
        Limit {
            slice: Some(secs(30)),
            ..limit(2000.0, secs(60))
        },
        None,
        secs(600),
    );
    while site.table.writes() < 6 {
        calls(&busy, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_bucket_is_an_error() {
    let site = Site::new();
    let spend = Spend {
        bucket: "files",
        account: None,
        class: "list",
        urgency: Urgency::Bulk,
    };
    let gates = site.minute();
    assert!(matches!(
        gates.admit(spend).await,
        Err(GateError::UnknownBucket { bucket: "files" })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_far_slice_is_carried_by_a_ticket_and_used_by_the_next_invocation() {
    let site = Site::new();
    crowd(&site).await;
    let gates = site.minute();
    let until = later(admit(&gates).await);
    assert!(site.in_s(until) > 1.5);
    let writes = site.table.writes();
    assert_eq!(
        later(admit(&gates).await),
        until,
        "every further admit says the same, without writing"
    );
    let ticket = gates.ticket().unwrap();
    assert!(gates.ticket().is_none());
    gates.finish().await;
    assert_eq!(site.table.writes(), writes);

    site.clock.sleep_until(until).await;
    let next = site.gates(limit(2000.0, secs(60)), Some(ticket), secs(55));
    let start = site.clock.now();
    calls(&next, 1).await;
    assert!((0.4..0.7).contains(&site.clock.now().duration_since(start).as_secs_f64()));
    assert_eq!(site.table.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_slice_is_given_back() {
    let site = Site::new();
    let first = site.minute();
    // Enough calls for a full slice, then a few of it.
    while site.table.writes() < 5 {
        calls(&first, 1).await;
    }
    calls(&first, 40).await;
    first.finish().await;
    let second = site.minute();
    let start = site.clock.now();
    calls(&second, 1).await;
    assert!(site.clock.now().duration_since(start).as_secs_f64() < 0.2);
    assert!(matches!(
        admit(&first).await,
        Err(GateError::Later { .. }) | Ok(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_after_the_deadline() {
    let site = Site::new();
    let gates = site.gates(limit(2000.0, secs(60)), None, secs(0));
    let until = later(admit(&gates).await);
    assert!(site.in_s(until) <= 0.0 && site.table.writes() == 0 && gates.ticket().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_ends_the_step_and_holds_for_everybody() {
    let site = Site::new();
    let (gates, other) = (site.minute(), site.minute());
    let pass = admit(&gates).await.unwrap();
    match pass.settle(throttled(Some(60))).await {
        Err(GateError::Later { until }) => assert!((59.0..60.5).contains(&site.in_s(until))),
        answer => panic!("{answer:?}"),
    }
    assert!(site.in_s(later(admit(&gates).await)) > 58.0);
    assert!(site.in_s(later(admit(&other).await)) > 58.0);
    let person = Spend {
        bucket: "mgmt",
        account: None,
        class: "delete",
        urgency: Urgency::Interactive,
    };
    assert!(site.in_s(later(site.minute().admit(person).await)) > 58.0);
}

#[tokio::test(start_paused = true)]
async fn after_a_short_pause_one_call_probes_and_the_others_wait_for_it() {
    let site = Site::new();
    let gates = site.minute();
    let (one, two) = (admit(&gates).await.unwrap(), admit(&gates).await.unwrap());
    let hit = site.clock.now();
    assert_eq!(one.settle(throttled(None)).await.unwrap(), Verdict::Again);
    assert_eq!(two.settle(throttled(None)).await.unwrap(), Verdict::Again);
    let writes = site.table.writes();
    let probe = admit(&gates).await.unwrap();
    let waited = site.clock.now().duration_since(hit).as_secs_f64();
    assert!((0.5..0.6).contains(&waited), "{waited}");
    let answer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        probe.settle(Signs::default()).await
    };
    let (next, verdict) = futures::future::join(admit(&gates), answer).await;
    assert!(next.is_ok() && matches!(verdict, Ok(Verdict::Done)));
    let waited = site.clock.now().duration_since(hit).as_secs_f64();
    assert!((1.1..1.3).contains(&waited), "{waited}");
    assert!(
        site.table.writes() - writes <= 2,
        "resume, and perhaps the next slice"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_pass_frees_its_place() {
    let site = Site::new();
    let gates = site.gates(
        Limit {
            in_flight: 1,
            ..limit(2000.0, secs(60))
        },
        None,
        secs(55),
    );
    let first = admit(&gates).await.unwrap();
    let second = async {
        let pass = admit(&gates).await;
        (pass.is_ok(), site.clock.now())
    };
    let dropped = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        drop(first);
        site.clock.now()
    };
    let ((is_admitted, at), dropped) = futures::future::join(second, dropped).await;
    assert!(is_admitted && at >= dropped);
}

#[tokio::test(start_paused = true)]
async fn callers_are_admitted_in_order_and_those_who_left_do_not_block() {
    let site = Site::new();
    let gates = site.minute();
    let order = std::cell::RefCell::new(Vec::new());
    let callers = (0..20).map(|caller| {
        let (gates, order) = (&gates, &order);
        async move {
            let admitted = admit(gates);
            if caller % 3 == 0 {
                // Gives up after a moment.
                let gone = tokio::time::timeout(Duration::from_millis(1), admitted).await;
                assert!(gone.is_err());
                return;
            }
            let _pass = admitted.await.unwrap();
            order.borrow_mut().push(caller);
        }
    });
    futures::future::join_all(callers).await;
    let expected: Vec<i32> = (0..20).filter(|caller| caller % 3 != 0).collect();
    assert_eq!(*order.borrow(), expected);
}

#[tokio::test(start_paused = true)]
async fn callers_in_many_tasks_share_one_gate() {
    let site = Site::new();
    let gates = Arc::new(site.minute());
    let tasks = (0..50).map(|_| {
        let gates = gates.clone();
        tokio::spawn(async move { calls(&gates, 2).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_cannot_be_used_is_an_error_and_one_that_is_busy_is_later() {
    let site = Site::new();
    let person = Spend {
        bucket: "mgmt",
        account: None,
        class: "delete",
        urgency: Urgency::Interactive,
    };
    site.table.fail_with(Some(|| StoreError::Unavailable {
        reason: "no right to write".into(),
    }));
    assert!(matches!(
        admit(&site.minute()).await,
        Err(GateError::Store(_))
    ));
    assert!(matches!(
        site.minute().admit(person).await,
        Err(GateError::Store(_))
    ));
    site.table.fail_with(Some(|| StoreError::Busy));
    let until = later(admit(&site.minute()).await);
    assert!((5.0..30.0).contains(&site.in_s(until)));
    site.table.fail_with(None);
    calls(&site.minute(), 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_profile_takes_over() {
    let site = Site::new();
    calls(&site.minute(), 1).await;
    let slower = Limit {
        version: 2,
        ..limit(60.0, secs(60))
    };
    let gates = site.gates(slower, None, secs(55));
    tokio::time::sleep(secs(1)).await;
    calls(&gates, 1).await;
    let start = site.clock.now();
    calls(&gates, 5).await;
    assert!(site.clock.now().duration_since(start).as_secs_f64() > 4.5);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_size_is_known_now_gets_the_limit_of_its_size() {
    let site = Site::new();
    let of_size = |units| site.gates(limit(units, secs(60)), None, secs(55));
    let seconds_for = async |count, units| {
        // What was handed out before is over by then.
        tokio::time::sleep(secs(30)).await;
        let start = site.clock.now();
        calls(&of_size(units), count).await;
        site.clock.now().duration_since(start).as_secs_f64()
    };
    let small = seconds_for(5, 60.0).await;
    assert!(small > 3.5, "{small} s at one call a second");
    let large = seconds_for(40, 600.0).await;
    assert!(large < 10.0, "{large} s at ten calls a second");
    // And back, when seats are given up.
    let small = seconds_for(5, 60.0).await;
    assert!(small > 3.5, "{small} s at one call a second");
}

/// A vendor that counts each user's calls by itself: one who has used up theirs is in nobody's way.
#[tokio::test(start_paused = true)]
async fn each_account_has_a_limit_of_its_own() {
    let site = Site::new();
    let of_each = || limit(60.0, secs(60));
    let spend = |account| Spend {
        bucket: "mgmt",
        account,
        class: "list",
        urgency: Urgency::Bulk,
    };
    let gates = site.gates(of_each(), None, secs(55));
    let pass = gates.admit(spend(Some("11"))).await.unwrap();
    let pause = pass.settle(throttled(Some(600))).await;
    assert!(matches!(pause, Err(GateError::Later { .. })));
    let ticket = gates.ticket();
    for account in [None, Some("12"), Some("13")] {
        let pass = gates.admit(spend(account)).await.unwrap();
        assert_eq!(pass.settle(Signs::default()).await.unwrap(), Verdict::Done);
    }
    gates.finish().await;
    drop(gates);
    // Another invocation knows it, too, whatever ticket it comes with.
    let gates = site.gates(of_each(), ticket, secs(55));
    let until = later(gates.admit(spend(Some("11"))).await);
    assert!((595.0..605.0).contains(&site.in_s(until)));
    assert!(gates.admit(spend(Some("12"))).await.is_ok());
}
