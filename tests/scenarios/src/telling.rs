//! People are told of what needs them: once for each change, whatever is lost, and again rather than not at all when
//! somebody dies while telling. Figures say what alarms are made of.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{
    Metrics, Notice, Notifier, NotifyError, Query, StateStore, StoreError, Unit,
};
use casbah_model::state::{Item, Key, Keyed, Write};
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::items::{self, ConnectionItem, GapItem, connection_key};
use casbah_pipeline::notify::{DeadLetter, dead_letter, dead_letters, tell};
use casbah_platform_local::{LocalSystem, Until};
use casbah_simulators::microsoft365::{Deed, Fault, FaultSettings};

use crate::world::{World, in_virtual_time, name, small};

/// Notes what is told; may be deaf for a while, or take for ever.
#[derive(Default)]
pub struct Ears {
    heard: Mutex<Vec<Notice>>,
    is_deaf: AtomicBool,
    is_endless: AtomicBool,
}

impl Ears {
    fn codes(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("no panic");
        heard.iter().map(|notice| notice.code.clone()).collect()
    }

    fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.heard.lock().expect("no panic"))
    }
}

#[async_trait]
impl Notifier for Ears {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        if self.is_deaf.load(Ordering::Relaxed) {
            return Err(NotifyError {
                reason: "no answer".into(),
            });
        }
        self.heard.lock().expect("no panic").push(notice.clone());
        if self.is_endless.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        Ok(())
    }
}

/// Keeps every figure: name, dimensions, value.
#[derive(Default)]
struct Figures(Mutex<Vec<(&'static str, String, f64)>>);

impl Figures {
    fn of(&self, name: &str, dimensions: &str) -> Vec<f64> {
        let all = self.0.lock().expect("no panic");
        let found = all
            .iter()
            .filter(|one| one.0 == name && one.1 == dimensions);
        found.map(|one| one.2).collect()
    }

    fn last(&self, name: &str, dimensions: &str) -> Option<f64> {
        self.of(name, dimensions).last().copied()
    }

    fn clear(&self) {
        self.0.lock().expect("no panic").clear();
    }
}

impl Metrics for Figures {
    fn record(&self, name: &'static str, _: Unit, value: f64, dimensions: &[(&'static str, &str)]) {
        let dimensions: Vec<_> = dimensions
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let figure = (name, dimensions.join(","), value);
        self.0.lock().expect("no panic").push(figure);
    }
}

/// A table that loses the answers to writes of one kind of item, half of them before they take effect.
struct Forgetful {
    inner: Arc<dyn StateStore>,
    sk: &'static str,
    writes: AtomicU64,
}

#[async_trait]
impl StateStore for Forgetful {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        if write.key.sk != self.sk {
            return self.inner.write(write).await;
        }
        match self.writes.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => Err(StoreError::Unknown),
            1 => {
                self.inner.write(write).await?;
                Err(StoreError::Unknown)
            }
            _ => self.inner.write(write).await,
        }
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.inner.transact(token, writes).await
    }

    async fn query(&self, query: Query) -> Result<Vec<Keyed>, StoreError> {
        self.inner.query(query).await
    }

    async fn due(
        &self,
        partition: &str,
        up_to: i64,
        limit: usize,
    ) -> Result<Vec<Keyed>, StoreError> {
        self.inner.due(partition, up_to, limit).await
    }
}

async fn live_for(world: &World, system: &LocalSystem, time: SignedDuration) {
    let until = world.clock.now() + time;
    system
        .run(Until::Stopped, world.clock.sleep_until(until))
        .await
        .expect("a run");
    system.ctx.stopping.store(false, Ordering::Relaxed);
}

/// A tenant that was read, and somebody who listens from then on.
async fn heard(world: &World) -> (LocalSystem, Arc<Ears>, Arc<Figures>) {
    let mut system = world.caught_up().await;
    let (ears, figures) = (Arc::<Ears>::default(), Arc::<Figures>::default());
    system.ctx.notifier = Arc::clone(&ears) as _;
    system.ctx.metrics = Arc::clone(&figures) as _;
    (system, ears, figures)
}

async fn connection(system: &LocalSystem) -> ConnectionItem {
    let key = connection_key(&name());
    let found = system.ctx.state.get(std::slice::from_ref(&key)).await;
    let found = found.expect("a table").remove(0).expect("a connection");
    items::read(&key, &found).expect("a connection")
}

fn break_credential(world: &World) {
    let always = Some(FaultSettings::always());
    world.simulator.switch(Fault::SecretExpired, always);
}

#[test]
fn a_connection_that_stops_and_works_again_is_told_of_once_each() {
    in_virtual_time(async {
        let world = World::new(small(31));
        let (system, ears, figures) = heard(&world).await;
        live_for(&world, &system, SignedDuration::from_hours(2)).await;
        assert_eq!(ears.codes(), [""; 0]);
        assert_eq!(figures.last("ConnectionsInTrouble", ""), Some(0.0));
        break_credential(&world);
        // Tokens live for an hour or more; after that it is probed and found wanting again and again.
        live_for(&world, &system, SignedDuration::from_hours(8)).await;
        assert_eq!(ears.codes(), ["connection-failed"]);
        assert_eq!(figures.last("ConnectionsInTrouble", ""), Some(1.0));
        let notice = ears.take().remove(0);
        assert_eq!(notice.connection, Some(name()));
        assert!(notice.text.contains("What to do: "), "{}", notice.text);
        world.simulator.switch(Fault::SecretExpired, None);
        live_for(&world, &system, SignedDuration::from_hours(4)).await;
        assert_eq!(ears.codes(), ["connection-recovered"]);
        assert_eq!(figures.last("ConnectionsInTrouble", ""), Some(0.0));
    });
}

#[test]
fn answers_that_are_lost_make_nobody_hear_it_twice() {
    in_virtual_time(async {
        let world = World::new(small(32));
        let (mut system, ears, _) = heard(&world).await;
        system.ctx.state = Arc::new(Forgetful {
            inner: system.ctx.state,
            sk: "TOLD",
            writes: AtomicU64::new(0),
        });
        break_credential(&world);
        live_for(&world, &system, SignedDuration::from_hours(6)).await;
        assert_eq!(ears.codes(), ["connection-failed"]);
    });
}

#[test]
fn who_dies_while_telling_is_followed_by_somebody_who_tells() {
    in_virtual_time(async {
        let world = World::new(small(33));
        let (system, ears, _) = heard(&world).await;
        break_credential(&world);
        ears.is_deaf.store(true, Ordering::Relaxed);
        live_for(&world, &system, SignedDuration::from_hours(3)).await;
        assert_eq!(ears.codes(), [""; 0], "nobody could be told");
        ears.is_deaf.store(false, Ordering::Relaxed);
        ears.is_endless.store(true, Ordering::Relaxed);
        world
            .clock
            .sleep_until(world.clock.now() + SignedDuration::from_mins(2))
            .await;
        let id = name();
        tokio::select! {
            biased;
            _ = tell(&system.ctx, &id) => panic!("it cannot end"),
            () = world.clock.sleep_until(world.clock.now() + SignedDuration::from_secs(10)) => {}
        }
        assert_eq!(ears.codes(), ["connection-failed"]);
        ears.is_endless.store(false, Ordering::Relaxed);
        tell(&system.ctx, &id)
            .await
            .expect("somebody else is at it");
        assert_eq!(ears.codes().len(), 1, "whoever claimed it has a minute");
        live_for(&world, &system, SignedDuration::from_hours(3)).await;
        assert_eq!(
            ears.codes(),
            ["connection-failed"; 2],
            "nobody knows that it was told"
        );
    });
}

#[test]
fn two_that_tell_at_one_time_tell_once() {
    in_virtual_time(async {
        let world = World::new(small(34));
        let (system, ears, _) = heard(&world).await;
        break_credential(&world);
        ears.is_deaf.store(true, Ordering::Relaxed);
        live_for(&world, &system, SignedDuration::from_hours(3)).await;
        ears.is_deaf.store(false, Ordering::Relaxed);
        world
            .clock
            .sleep_until(world.clock.now() + SignedDuration::from_mins(2))
            .await;
        let id = name();
        let tellers = (0..10).map(|_| tell(&system.ctx, &id));
        for told in futures::future::join_all(tellers).await {
            told.expect("told");
        }
        assert_eq!(ears.codes(), ["connection-failed"]);
    });
}

#[test]
fn a_held_snapshot_and_a_new_gap_are_told_of_within_the_hour() {
    in_virtual_time(async {
        let world = World::new(small(35));
        let (system, ears, _) = heard(&world).await;
        for user in 0..20 {
            world.simulator.act(Deed::DeleteUser { user });
        }
        live_for(&world, &system, SignedDuration::from_mins(45)).await;
        assert_eq!(ears.codes(), ["snapshot-held"]);
        assert!(ears.take()[0].text.contains("20 of 60 users"));
        let at = world.clock.now();
        let gap = GapItem {
            stream: "live-aad".into(),
            from: at,
            to: at,
            why: "the provider did not have it any more".into(),
            at,
        };
        let scope = connection(&system).await.scope();
        let write = Write::create(Key::new(scope.gaps(), "live-aad#1"), items::write(&gap));
        system.ctx.state.write(write).await.expect("written");
        live_for(&world, &system, SignedDuration::from_hours(3)).await;
        assert_eq!(ears.codes(), ["known-gap"]);
    });
}

#[test]
fn figures_of_a_tenant_that_is_read_are_calm_and_count_every_answer() {
    in_virtual_time(async {
        let mut plan = small(36);
        plan.live_activities_per_hour = 120;
        let world = World::new(plan);
        let mut system = world.open();
        let figures = Arc::<Figures>::default();
        system.ctx.metrics = Arc::clone(&figures) as _;
        world.connect(&system, &["all"]).await;
        live_for(&world, &system, SignedDuration::from_hours(6)).await;
        let calls: f64 = figures.of("VendorCalls", "").iter().sum();
        let answered: u64 = world.simulator.traffic().statuses.values().sum();
        assert_eq!(calls, answered as f64);
        let refusals: f64 = figures.of("VendorRefusals", "").iter().sum();
        let refused: u64 = world.simulator.traffic().refused.values().sum();
        assert_eq!(refusals, refused as f64);
        for family in ["entities", "activities", "files"] {
            let counted: f64 = figures
                .of("Records", &format!("family={family}"))
                .iter()
                .sum();
            assert!(counted > 50.0, "{counted} {family}");
        }
        let open = figures.of("LedgerOpen", "connection=contoso");
        assert!(open.len() >= 5, "once an hour: {open:?}");
        assert!(figures.of("LedgerOpen", "").iter().all(|open| *open == 0.0));
        assert!(
            figures
                .of("StuckStreams", "")
                .iter()
                .all(|stuck| *stuck == 0.0)
        );
        let lags = figures.of("LagSeconds", "connection=contoso");
        let lag = lags.last().copied().expect("a lag");
        // Windows of five minutes and a lag of two.
        assert!((120.0..600.0).contains(&lag), "{lag}");
    });
}

#[test]
fn a_feed_that_stands_still_is_behind_and_its_streams_are_stuck() {
    in_virtual_time(async {
        let world = World::new(small(37));
        let (system, _, figures) = heard(&world).await;
        let always = Some(FaultSettings::always());
        world.simulator.switch(Fault::Throttle403, always);
        figures.clear();
        live_for(&world, &system, SignedDuration::from_hours(2)).await;
        let lag = figures.last("LagSeconds", "").expect("a lag");
        assert!(lag > 3_600.0, "{lag}");
        let refusals: f64 = figures.of("VendorRefusals", "").iter().sum();
        assert!(refusals > 0.0, "a limit with status 403 is a limit");
    });
}

fn letter(message_id: &str, body: &str, sent: Timestamp) -> DeadLetter {
    DeadLetter {
        stage: Some(Stage::UserScan),
        body: body.into(),
        receives: 6,
        sent: Some(sent),
        message_id: message_id.into(),
        queue: "casbah-user-scan-dead".into(),
    }
}

#[test]
fn a_dead_letter_is_named_once_and_done() {
    in_virtual_time(async {
        let world = World::new(small(38));
        let mut system = world.open();
        let (ears, figures) = (Arc::<Ears>::default(), Arc::<Figures>::default());
        system.ctx.notifier = Arc::clone(&ears) as _;
        system.ctx.metrics = Arc::clone(&figures) as _;
        let message = Message::Look {
            stage: Stage::FileScan,
            key: Key::new("C#contoso.1", "S#files"),
            version: 3,
            ticket: None,
        };
        let body = serde_json::to_string(&message).expect("a message");
        let now = world.clock.now();
        ears.is_deaf.store(true, Ordering::Relaxed);
        let ours = || letter("1", &body, now);
        let failed = dead_letter(&system.ctx, ours()).await;
        assert!(failed.is_err(), "it stays in its queue");
        ears.is_deaf.store(false, Ordering::Relaxed);
        for _ in 0..3 {
            dead_letter(&system.ctx, ours()).await.expect("named");
        }
        let strange = letter(
            "2",
            "{\"secret\":\"hunter2\"}",
            now + SignedDuration::from_secs(1),
        );
        dead_letter(&system.ctx, strange).await.expect("named");
        assert_eq!(ears.codes(), ["dead-letter", "malformed-message"]);
        assert_eq!(figures.of("DeadLetters", ""), [1.0, 1.0]);
        let kept = dead_letters(&system.ctx, 10).await.expect("a table");
        let bodies: Vec<_> = kept.iter().map(|one| one.body.as_deref()).collect();
        assert_eq!(bodies, [None, Some(&*body)], "the latest first");
        let heard = ears.take();
        assert_eq!(heard[0].connection, Some(name()));
        assert!(heard.iter().all(|notice| !notice.text.contains("hunter2")));
        for stage in Stage::ALL {
            let waiting = system.ctx.queue.receive(stage, 10).await;
            assert_eq!(waiting.expect("a queue"), [], "nothing is sent again");
        }
    });
}

#[test]
fn a_dead_letter_that_nobody_can_be_told_of_is_let_go_after_ten_tries() {
    in_virtual_time(async {
        let world = World::new(small(39));
        let mut system = world.open();
        let ears = Arc::<Ears>::default();
        ears.is_deaf.store(true, Ordering::Relaxed);
        system.ctx.notifier = Arc::clone(&ears) as _;
        let mut failures = 0;
        while let Err(error) = dead_letter(&system.ctx, letter("1", "?", world.clock.now())).await {
            failures += 1;
            assert!(failures <= 10, "{}", error.chain());
        }
        assert_eq!(failures, 10);
    });
}
