//! Tables for query engines: each activity once, whatever dies, and the same files from the same records.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::SignedDuration;
use casbah_model::ports::{Mark, ObjectError, TableStore};
use casbah_model::state::{Condition, Set, Write};
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::ledger::{Verified, verify};
use casbah_pipeline::{compact, connect, inventory, status};
use casbah_platform_local::{Ended, LocalSystem, Until};

use crate::world::{World, assert_whole, in_virtual_time, name, show, small, state};

pub async fn connection(system: &LocalSystem) -> ConnectionItem {
    let found = connect::find(&system.ctx, &name()).await;
    found.expect("a table").expect("a connection")
}

/// Every object of every table.
async fn tables(system: &LocalSystem) -> BTreeMap<String, Bytes> {
    let names = system.ctx.objects.list("ext/", None, 10_000).await;
    let mut tables = BTreeMap::new();
    for name in names.expect("a listing") {
        let content = system.ctx.objects.get(&name).await.expect("an object");
        tables.insert(name, content);
    }
    tables
}

async fn verified(system: &LocalSystem) -> Verified {
    let verified = verify(&system.ctx, None).await.expect("objects");
    assert_eq!(verified.faults, Vec::<String>::new());
    verified
}

#[test]
fn every_activity_is_a_row_once_a_run_ends() {
    in_virtual_time(async {
        let world = World::new(small(90));
        let system = world.caught_up().await;
        let verified = verified(&system).await;
        assert_eq!(verified.rows_waiting, 0);
        assert_eq!(verified.rows, world.simulator.plan().activities as u64);
        let shown = state(&system).await.tables.expect("a status");
        assert_eq!((shown.events, shown.unfit), (verified.rows, 0));
    });
}

#[test]
fn tables_made_anew_from_the_records_are_the_same_to_the_byte() {
    in_virtual_time(async {
        let world = World::new(small(91));
        let system = world.caught_up().await;
        let first = tables(&system).await;
        assert!(first.len() > 30, "{} objects", first.len());
        for _ in 0..2 {
            compact::rebuild(&system.ctx, &connection(&system).await)
                .await
                .expect("rebuilt");
            assert!(tables(&system).await == first);
        }
        assert_eq!(verified(&system).await.rows_waiting, 0);
    });
}

#[test]
fn an_object_that_is_full_takes_no_more_hours() {
    in_virtual_time(async {
        let mut plan = small(94);
        plan.live_activities_per_hour = 200;
        let world = World::new(plan);
        let mut system = world.open();
        system.ctx.settings.table_rows = 12;
        world.connect(&system, &["users", "activities"]).await;
        let clock = Arc::clone(&system.ctx.clock);
        let later =
            clock.sleep_until(world.simulator.plan().started + SignedDuration::from_hours(4));
        let ended = system.run(Until::Stopped, later).await.expect("a run");
        assert_eq!(ended, Ended::Stopped, "{}", show(&system).await);
        compact::catch_up(&system.ctx).await.expect("the rest");
        let tables = tables(&system).await;
        let later = tables.keys().filter(|name| !name.contains("/00."));
        assert!(later.count() > 4, "{:?}", tables.keys());
        assert_eq!(verified(&system).await.rows_waiting, 0);
    });
}

/// The way of an event from the moment the vendor shows it, in the times of production: every call takes what it takes.
#[test]
fn what_a_busy_tenant_shows_is_in_the_lake_in_90_seconds_and_in_the_tables_in_10_minutes() {
    in_virtual_time(async {
        let mut plan = small(95);
        plan.live_activities_per_hour = 600;
        let began = plan.started + SignedDuration::from_hours(1);
        let world = World::new(plan);
        let system = world.open();
        world.connect(&system, &["all"]).await;
        let clock = Arc::clone(&system.ctx.clock);
        let later = clock.sleep_until(began + SignedDuration::from_hours(2));
        let ended = system.run(Until::Stopped, later).await.expect("a run");
        assert_eq!(ended, Ended::Stopped, "{}", show(&system).await);
        let mut to_raw = vec![];
        inventory::events(
            &system.ctx,
            &connection(&system).await.scope(),
            "activities",
            |event| {
                let event: serde_json::Value = serde_json::from_slice(event).expect("an event");
                let time = |name: &str| event["metadata"][name].as_i64().expect("a time");
                if time("logged_time") >= began.as_millisecond() {
                    to_raw.push(time("processed_time") - time("logged_time"));
                }
            },
        )
        .await
        .expect("the lake");
        to_raw.sort_unstable();
        assert!(to_raw.len() > 600, "{} events", to_raw.len());
        let p95 = to_raw[to_raw.len() * 95 / 100] as f64 / 1000.0;
        let last = state(&system).await.tables.and_then(|tables| tables.last);
        let to_tables = last.expect("a step").to_tables_p95;
        println!("p95 to raw {p95:.1} s, to the tables {to_tables:.1} s");
        assert!(p95 <= 90.0, "to raw {p95} s, to the tables {to_tables} s");
        assert!(to_tables <= 600.0, "{to_tables} s");
    });
}

/// A store of tables that dies before or after its effect, call by call.
pub struct Mortal {
    pub inner: Arc<dyn TableStore>,
    pub calls: AtomicU64,
    /// The call that fails, and whether it has its effect.
    pub fails: u64,
    pub is_done: bool,
}

impl Mortal {
    async fn call<T>(
        &self,
        name: &str,
        effect: impl Future<Output = Result<T, ObjectError>>,
    ) -> Result<T, ObjectError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) != self.fails {
            return effect.await;
        }
        if self.is_done {
            effect.await?;
        }
        Err(ObjectError::Unusable {
            reason: format!("died at {name}"),
        })
    }
}

#[async_trait]
impl TableStore for Mortal {
    async fn get(&self, name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        self.call(name, self.inner.get(name)).await
    }

    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        over: Option<&Mark>,
    ) -> Result<(), ObjectError> {
        self.call(name, self.inner.replace(name, content, over))
            .await
    }
}

#[test]
fn a_step_that_dies_at_any_call_is_repeated_and_leaves_the_same_tables() {
    in_virtual_time(async {
        let mut plan = small(92);
        plan.activities = 60;
        let world = World::new(plan);
        let mut system = world.open();
        world.connect(&system, &["users", "activities"]).await;
        let store = Arc::clone(&system.ctx.curated.store);
        let format = system.ctx.curated.tables.take();
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        assert!(tables(&system).await.is_empty(), "nobody made any");
        system.ctx.curated.tables = format;
        system.ctx.settings.table_rows = 10;
        let connection = connection(&system).await;
        compact::rebuild(&system.ctx, &connection)
            .await
            .expect("a first time");
        let whole = tables(&system).await;
        let mut deaths = 0;
        for is_done in [false, true] {
            for fails in 0.. {
                system.ctx.curated.store = Arc::new(Mortal {
                    inner: Arc::clone(&store),
                    calls: AtomicU64::new(0),
                    fails,
                    is_done,
                });
                let died = compact::rebuild(&system.ctx, &connection).await;
                system.ctx.curated.store = Arc::clone(&store);
                let Err(died) = died else { break };
                assert!(died.chain().contains("died at"), "{}", died.chain());
                deaths += 1;
                system.resume().await.expect("its lease is void");
                compact::to_the_end(&system.ctx, &connection)
                    .await
                    .expect("the next step");
                assert!(tables(&system).await == whole, "call {fails}");
            }
        }
        assert!(deaths > 20, "only {deaths} deaths");
        assert_eq!(verified(&system).await.rows_waiting, 0);
    });
}

#[test]
fn a_table_that_somebody_damaged_is_named_and_can_be_made_anew() {
    in_virtual_time(async {
        let world = World::new(small(93));
        let system = world.caught_up().await;
        let whole = tables(&system).await;
        let (victim, _) = whole.first_key_value().expect("a table");
        let store = &system.ctx.curated.store;
        let (_, mark) = store.get(victim).await.expect("a store").expect("it");
        store
            .replace(
                victim,
                Bytes::from_static(b"PAR1 no more PAR1"),
                Some(&mark),
            )
            .await
            .expect("damaged");
        let found = verify(&system.ctx, None).await.expect("objects");
        assert!(found.faults.iter().any(|fault| fault.contains(victim)));
        // All events come again, among them those of the damaged object.
        let connection = connection(&system).await;
        forget(&system).await;
        compact::to_the_end(&system.ctx, &connection)
            .await
            .expect("it says so in the status");
        let streams = status::streams(&system.ctx, &connection.scope()).await;
        let streams = streams.expect("streams");
        let trouble = compact::trouble(&streams).expect("trouble");
        assert!(trouble.what.contains(victim), "{trouble}");
        assert!(trouble.fix.contains("--rebuild"), "{trouble}");
        compact::rebuild(&system.ctx, &connection)
            .await
            .expect("rebuilt");
        assert!(tables(&system).await == whole);
        assert_whole(&world, &system).await;
    });
}

/// Lets the tables begin anew without removing any.
async fn forget(system: &LocalSystem) {
    let key = connection(system).await.scope().stream(compact::STREAM);
    let sets = vec![
        Set::Add("v", 1.into()),
        Set::Remove("cur"),
        Set::To("caught_up", false.into()),
    ];
    let write = Write::update(key, Condition::Exists, sets);
    system.ctx.state.write(write).await.expect("a table");
}
