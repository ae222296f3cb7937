//! What a connection holds as tables: current and since when, whatever dies, and nothing in two states at once.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use casbah_model::SignedDuration;
use casbah_model::tables::State;
use casbah_pipeline::inventory::summary;
use casbah_pipeline::ledger::verify;
use casbah_pipeline::{editions, status};
use casbah_platform_local::{Ended, LocalSystem, Until};
use casbah_simulators::microsoft365::Deed;

use crate::tables::{Mortal, connection};
use crate::world::{World, in_virtual_time, show, small, state};

/// The states that the objects tell of whose names hold this, by id.
async fn states(system: &LocalSystem, part: &str) -> BTreeMap<String, Vec<State>> {
    let format = system.ctx.curated.tables.clone().expect("a format");
    let names = system.ctx.objects.list("inventory/", None, 10_000).await;
    let mut states: BTreeMap<String, Vec<State>> = BTreeMap::new();
    for name in names.expect("a listing") {
        if name.contains(part) {
            let content = system.ctx.objects.get(&name).await.expect("an object");
            for one in format.states(&content).expect("a table") {
                states.entry(one.id.clone()).or_default().push(one);
            }
        }
    }
    states
}

async fn assert_sound(system: &LocalSystem) {
    let verified = verify(&system.ctx, None).await.expect("objects");
    assert_eq!(verified.faults, Vec::<String>::new());
    assert!(verified.states > 0, "it verified nothing");
}

async fn run_for(system: &LocalSystem, minutes: i64) {
    // As a new process would begin.
    system.ctx.stopping.store(false, Ordering::Relaxed);
    let later = system.ctx.now() + SignedDuration::from_mins(minutes);
    let clock = Arc::clone(&system.ctx.clock);
    let ended = system.run(Until::Stopped, clock.sleep_until(later)).await;
    assert_eq!(
        ended.expect("a run"),
        Ended::Stopped,
        "{}",
        show(system).await
    );
}

#[test]
fn what_a_connection_holds_is_in_tables_once_a_run_ends() {
    in_virtual_time(async {
        let world = World::new(small(120));
        let system = world.caught_up().await;
        assert_sound(&system).await;
        let shown = state(&system).await;
        let rows: BTreeMap<_, _> = shown
            .inventories
            .iter()
            .map(|one| (one.collection.name(), one.rows))
            .collect();
        let holds = world.simulator.holds();
        let users = holds.users;
        assert_eq!(rows["users"], users);
        let found = summary(&system.ctx, &connection(&system).await).await;
        let found = found.expect("the lake");
        assert_eq!(rows["files"], found.files + found.folders);
        assert_eq!(rows["privileges"], found.role_assignments);
        assert_eq!(rows["app-permissions"], found.grants);
        assert_eq!(rows.len(), 5, "{rows:?}");
        assert_eq!(
            states(&system, "inventory/users/").await.len() as u64,
            users
        );
    });
}

#[test]
fn who_was_what_and_when_is_kept_when_it_changes() {
    in_virtual_time(async {
        let world = World::new(small(121));
        let system = world.caught_up().await;
        let before = states(&system, "inventory/users/current/").await;
        world.simulator.act(Deed::DisableUser { user: 4 });
        world.simulator.act(Deed::DeleteUser { user: 3 });
        world.simulator.act(Deed::AddGuest);
        let changed = system.ctx.now();
        run_for(&system, 60).await;
        world.simulator.act(Deed::EnableUser { user: 4 });
        run_for(&system, 60).await;
        assert_sound(&system).await;
        let after = states(&system, "inventory/users/").await;
        assert_eq!(after.len(), before.len() + 1, "the guest");
        let mut lives: Vec<Vec<State>> = after
            .into_values()
            .filter(|states| states.len() > 1)
            .collect();
        let mut life = lives.pop().expect("the user who was disabled");
        assert!(lives.is_empty(), "nothing else has changed: {lives:?}");
        life.sort_by_key(|one| one.from);
        let [first, second, third] = &life[..] else {
            panic!("{life:?}");
        };
        assert_eq!(first.state, third.state);
        assert_eq!(
            (first.to, second.to, third.to),
            (Some(second.from), Some(third.from), None)
        );
        // As soon as the next round of the list told it.
        let until_told = second.from.duration_since(changed);
        assert!(
            until_told <= SignedDuration::from_mins(16),
            "{until_told:?}"
        );
    });
}

#[test]
fn an_edition_that_dies_at_any_call_loses_no_state() {
    in_virtual_time(async {
        let mut plan = small(122);
        plan.users = 20;
        plan.files = 12;
        let world = World::new(plan);
        let mut system = world.open();
        world.connect(&system, &["users"]).await;
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp, "{}", show(&system).await);
        let store = Arc::clone(&system.ctx.curated.store);
        let format = system.ctx.curated.tables.clone();
        let connection = connection(&system).await;
        let mut deaths = 0;
        let mut user = 0;
        for is_done in [false, true] {
            for fails in 0.. {
                // Nobody makes editions while the list goes on.
                system.ctx.curated.tables = None;
                let deed = match fails % 2 == 0 {
                    true => Deed::DisableUser { user: user % 20 },
                    false => Deed::EnableUser { user: user % 20 },
                };
                world.simulator.act(deed);
                user += u64::from(fails % 2 == 1);
                run_for(&system, 20).await;
                system.ctx.curated.tables = format.clone();
                let before = states(&system, "inventory/users/").await;
                system.ctx.curated.store = Arc::new(Mortal {
                    inner: Arc::clone(&store),
                    calls: AtomicU64::new(0),
                    fails,
                    is_done,
                });
                let died = editions::to_the_end(&system.ctx, &connection).await;
                system.ctx.curated.store = Arc::clone(&store);
                editions::to_the_end(&system.ctx, &connection)
                    .await
                    .expect("the next time");
                assert_sound(&system).await;
                let after = states(&system, "inventory/users/").await;
                for (id, known) in before {
                    let is_kept = |one: &State| {
                        after[&id]
                            .iter()
                            .any(|new| (new.from, new.state) == (one.from, one.state))
                    };
                    assert!(known.iter().all(is_kept), "call {fails}: {known:?}");
                }
                let Err(died) = died else { break };
                assert!(died.chain().contains("died at"), "{}", died.chain());
                deaths += 1;
            }
        }
        assert!(deaths >= 6, "only {deaths} deaths");
    });
}

#[test]
fn an_object_that_somebody_damaged_is_named_and_the_others_go_on() {
    in_virtual_time(async {
        let world = World::new(small(123));
        let system = world.caught_up().await;
        let name = "inventory/users/current/connection=contoso.1/00.zstd.parquet";
        let store = &system.ctx.curated.store;
        let (_, mark) = store.get(name).await.expect("a store").expect("it");
        let damaged = Bytes::from_static(b"PAR1 no more PAR1");
        store
            .replace(name, damaged, Some(&mark))
            .await
            .expect("damaged");
        let found = verify(&system.ctx, None).await.expect("objects");
        assert!(found.faults.iter().any(|fault| fault.contains(name)));
        world.simulator.act(Deed::DisableUser { user: 4 });
        world.simulator.act(Deed::ShareByAnonymousLink { file: 7 });
        run_for(&system, 120).await;
        let streams = status::streams(&system.ctx, &connection(&system).await.scope()).await;
        let trouble = editions::trouble(&streams.expect("streams")).cloned();
        let trouble = trouble.expect("trouble");
        assert!(trouble.what.contains(name), "{trouble}");
        assert!(trouble.fix.contains("move the object away"), "{trouble}");
        let files = states(&system, "inventory/files/").await;
        assert!(
            files.values().any(|states| states.len() == 2),
            "the file that was shared"
        );
        system.ctx.objects.delete(name).await.expect("moved away");
        run_for(&system, 120).await;
        assert_sound(&system).await;
        let users = states(&system, "inventory/users/current/").await;
        assert_eq!(users.len(), 60);
    });
}
