//! What every queue must do.

use std::sync::Arc;
use std::time::Duration;

use casbah_model::message::{Message, Stage, Ticket};
use casbah_model::ports::{DELAY_MAX, Delivery, Queue};
use casbah_model::state::Key;
use futures::future::BoxFuture;

use super::Case;

/// A queue with the means to let its time pass.
pub struct Bench {
    pub queue: Arc<dyn Queue>,
    pub advance: Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
    /// How long a received message stays away.
    pub visibility: Duration,
    /// How often a message is received before it becomes a dead letter; at least 3.
    pub receives_max: u32,
}

pub const CASES: &[Case<Bench>] = &[
    ("a message comes back as it was", |bench| {
        Box::pin(comes_back(bench))
    }),
    ("each stage has a queue of its own", |bench| {
        Box::pin(stages(bench))
    }),
    ("a delayed message is visible after its delay", |bench| {
        Box::pin(delay(bench))
    }),
    ("a delay is cut to the longest", |bench| {
        Box::pin(longest_delay(bench))
    }),
    ("no more messages come than were asked for", |bench| {
        Box::pin(limit(bench))
    }),
    ("a message sent twice comes twice", |bench| {
        Box::pin(sent_twice(bench))
    }),
    ("a received message stays away and comes back", |bench| {
        Box::pin(visibility(bench))
    }),
    ("a deleted message does not come back", |bench| {
        Box::pin(deleted(bench))
    }),
    (
        "an old receipt may still delete after the visibility",
        |bench| Box::pin(late_delete(bench)),
    ),
    ("a stale receipt is no error", |bench| {
        Box::pin(stale_receipt(bench))
    }),
    (
        "a message that is received too often is given up",
        |bench| Box::pin(given_up(bench)),
    ),
];

const SECOND: Duration = Duration::from_secs(1);

impl Bench {
    async fn send(&self, number: u64, delay: Duration) {
        self.queue
            .send(&look(Stage::UserScan, number), delay)
            .await
            .expect("send");
    }

    /// Everything that is visible now, in calls of at most ten.
    async fn receive(&self, stage: Stage) -> Vec<Delivery> {
        let mut deliveries: Vec<Delivery> = Vec::new();
        loop {
            let more = self.queue.receive(stage, 10).await.expect("receive");
            if more.is_empty() {
                return deliveries;
            }
            deliveries.extend(more);
        }
    }

    /// The numbers of the messages that are visible now, smallest first, since order is not promised.
    async fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self
            .receive(Stage::UserScan)
            .await
            .iter()
            .map(number)
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

fn look(stage: Stage, version: u64) -> Message {
    Message::Look {
        stage,
        key: Key::new("C#c1.1", "S#users"),
        version,
        ticket: None,
    }
}

fn number(delivery: &Delivery) -> u64 {
    match &delivery.message {
        Message::Look { version, .. } => *version,
        other => panic!("{other:?} was never sent here"),
    }
}

async fn comes_back(bench: Bench) {
    let ticket = Ticket {
        bucket: "B#m365/é".into(),
        track: 3,
        from_ms: 1_750_000_000_123,
        to_ms: 1_750_000_000_999,
    };
    let key = Key::new("C#c1.1", "S#files#漢");
    let message = Message::Look {
        stage: Stage::FileScan,
        key,
        version: u64::MAX,
        ticket: Some(ticket),
    };
    bench
        .queue
        .send(&message, Duration::ZERO)
        .await
        .expect("send");
    bench
        .queue
        .send(&Message::Sweep, Duration::ZERO)
        .await
        .expect("send");
    let scans = bench.receive(Stage::FileScan).await;
    assert_eq!(scans.len(), 1);
    assert_eq!((&scans[0].message, scans[0].receives), (&message, 1));
    let sweeps = bench.receive(Stage::Sweep).await;
    assert_eq!(
        sweeps
            .iter()
            .map(|sweep| &sweep.message)
            .collect::<Vec<_>>(),
        [&Message::Sweep]
    );
}

async fn stages(bench: Bench) {
    let looks = [
        Stage::Connect,
        Stage::Test,
        Stage::UserScan,
        Stage::ActivityPoll,
        Stage::FileScan,
    ];
    for (number, stage) in (0..).zip(looks) {
        bench
            .queue
            .send(&look(stage, number), Duration::ZERO)
            .await
            .expect("send");
    }
    assert!(bench.receive(Stage::Sweep).await.is_empty());
    for (expected, stage) in (0..).zip(looks) {
        let deliveries = bench.receive(stage).await;
        assert_eq!(
            deliveries.iter().map(number).collect::<Vec<u64>>(),
            [expected],
            "{}",
            stage.name()
        );
        assert_eq!(deliveries[0].receipt.stage, stage);
    }
}

async fn delay(bench: Bench) {
    bench.send(1, Duration::from_secs(60)).await;
    bench.send(2, Duration::from_secs(30)).await;
    bench.send(3, Duration::ZERO).await;
    assert_eq!(bench.numbers().await, [3]);
    (bench.advance)(Duration::from_secs(29)).await;
    assert!(bench.numbers().await.is_empty());
    (bench.advance)(SECOND).await;
    assert_eq!(bench.numbers().await, [2]);
    (bench.advance)(Duration::from_secs(30)).await;
    assert_eq!(bench.numbers().await, [1]);
}

async fn longest_delay(bench: Bench) {
    bench.send(1, DELAY_MAX * 100).await;
    (bench.advance)(DELAY_MAX - SECOND).await;
    assert!(bench.numbers().await.is_empty());
    (bench.advance)(SECOND).await;
    assert_eq!(bench.numbers().await, [1]);
}

async fn limit(bench: Bench) {
    for number in 0..15 {
        bench.send(number, Duration::ZERO).await;
    }
    let mut numbers = Vec::new();
    for _ in 0..100 {
        let page = bench
            .queue
            .receive(Stage::UserScan, 4)
            .await
            .expect("receive");
        assert!(page.len() <= 4);
        numbers.extend(page.iter().map(number));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..15).collect::<Vec<u64>>());
}

async fn sent_twice(bench: Bench) {
    bench.send(7, Duration::ZERO).await;
    bench.send(7, Duration::ZERO).await;
    let deliveries = bench.receive(Stage::UserScan).await;
    assert_eq!(deliveries.iter().map(number).collect::<Vec<_>>(), [7, 7]);
    assert_ne!(deliveries[0].receipt, deliveries[1].receipt);
    bench
        .queue
        .delete(&deliveries[0].receipt)
        .await
        .expect("delete");
    (bench.advance)(bench.visibility).await;
    assert_eq!(
        bench.numbers().await,
        [7],
        "only one of the two was deleted"
    );
}

async fn visibility(bench: Bench) {
    bench.send(1, Duration::ZERO).await;
    let first = bench.receive(Stage::UserScan).await;
    (bench.advance)(bench.visibility - SECOND).await;
    assert!(bench.receive(Stage::UserScan).await.is_empty());
    (bench.advance)(SECOND).await;
    let second = bench.receive(Stage::UserScan).await;
    assert_eq!(second.len(), 1);
    assert_eq!(
        (&second[0].message, second[0].receives),
        (&first[0].message, 2)
    );
    assert_ne!(second[0].receipt, first[0].receipt);
}

async fn deleted(bench: Bench) {
    bench.send(1, Duration::ZERO).await;
    bench.send(2, Duration::ZERO).await;
    for delivery in bench.receive(Stage::UserScan).await {
        if number(&delivery) == 1 {
            bench.queue.delete(&delivery.receipt).await.expect("delete");
            bench
                .queue
                .delete(&delivery.receipt)
                .await
                .expect("deleting again changes nothing");
        }
    }
    (bench.advance)(bench.visibility).await;
    assert_eq!(bench.numbers().await, [2]);
}

async fn late_delete(bench: Bench) {
    bench.send(1, Duration::ZERO).await;
    let delivery = bench.receive(Stage::UserScan).await.remove(0);
    (bench.advance)(bench.visibility + SECOND).await;
    bench.queue.delete(&delivery.receipt).await.expect("delete");
    assert!(bench.receive(Stage::UserScan).await.is_empty());
}

/// Whether a stale receipt deletes is not promised (SQS API reference, `DeleteMessage`), only that it does no harm.
async fn stale_receipt(bench: Bench) {
    bench.send(1, Duration::ZERO).await;
    let stale = bench.receive(Stage::UserScan).await.remove(0);
    (bench.advance)(bench.visibility).await;
    let current = bench.receive(Stage::UserScan).await.remove(0);
    bench
        .queue
        .delete(&stale.receipt)
        .await
        .expect("a stale receipt");
    bench.queue.delete(&current.receipt).await.expect("delete");
    (bench.advance)(bench.visibility).await;
    assert!(bench.receive(Stage::UserScan).await.is_empty());
}

async fn given_up(bench: Bench) {
    bench.send(1, Duration::ZERO).await;
    for expected in 1..=bench.receives_max {
        let deliveries = bench.receive(Stage::UserScan).await;
        assert_eq!(
            deliveries
                .iter()
                .map(|delivery| delivery.receives)
                .collect::<Vec<_>>(),
            [expected]
        );
        (bench.advance)(bench.visibility).await;
    }
    bench.send(2, Duration::ZERO).await;
    assert_eq!(bench.numbers().await, [2]);
}
