//! A connection is disconnected, deleted, and connected again: what must stay stays, what must go goes, and nothing of an
//! old incarnation is seen in a new one.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use casbah_model::SignedDuration;
use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::ports::{Query, SecretError, StateStore, StoreError};
use casbah_model::secret::Secret;
use casbah_model::state::{Item, Key, Keyed, Write};
use casbah_pipeline::ledger::verify;
use casbah_pipeline::status::{self, Settled, settled};
use casbah_pipeline::{StageError, connect, delete};
use casbah_platform_local::{Ended, LocalSystem, SeededRng, SqliteState, Until};
use casbah_simulators::microsoft365::Plan;

use crate::deaths::{Fate, mortal};
use crate::life::live_for;
use crate::world::{World, assert_whole, counts, in_virtual_time, name, show, small, state};

async fn read_all(world: &World, system: &LocalSystem) {
    world.connect(system, &["all"]).await;
    let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
    assert_eq!(ended, Ended::CaughtUp, "{}", show(system).await);
}

fn calls(world: &World) -> u64 {
    world.simulator.traffic().calls.values().sum()
}

/// Opens the folder as a new process, whose random numbers are its own.
fn reopen(world: &World, life: u64) -> LocalSystem {
    let mut system = world.open();
    system.ctx.rng = Arc::new(SeededRng::new(1000 + life));
    system
}

/// Everything that is in the table of a folder.
fn table(world: &World, folder: &Path) -> Vec<Keyed> {
    let state = SqliteState::open(&folder.join("state.sqlite"), Arc::clone(&world.clock));
    let state = state.expect("a table");
    let (mut all, mut after) = (vec![], None);
    loop {
        let page = state.scan(after.as_ref(), 1000).expect("a table");
        let Some(last) = page.last() else { return all };
        after = Some(last.key.clone());
        all.extend(page);
    }
}

async fn objects(system: &LocalSystem) -> Vec<String> {
    let listed = system.ctx.objects.list("", None, usize::MAX).await;
    listed.expect("objects")
}

/// Whether an object, of a table or another, belongs to this incarnation.
fn is_of(scope: &str, object: &str) -> bool {
    let marks = ["conn=", "accountId=external_", "connection="];
    marks
        .iter()
        .any(|mark| object.contains(&format!("/{mark}{scope}/")))
}

/// Asserts that of the connection nothing is left but the number of its last incarnation.
async fn assert_gone(world: &World, system: &LocalSystem, folder: &Path) {
    let left: Vec<String> = table(world, folder)
        .into_iter()
        .filter(|found| found.key.pk != "LOCAL" && found.key.pk != "OBSERVE")
        .map(|found| found.key.to_string())
        .collect();
    assert_eq!(left, ["C#contoso|PAST"]);
    assert_eq!(objects(system).await, Vec::<String>::new());
    let secret = system.ctx.secrets.get("contoso").await;
    assert!(matches!(secret, Err(SecretError::NotFound { .. })));
    let known = connect::find(&system.ctx, &name()).await.expect("a table");
    assert!(known.is_none(), "{known:?}");
}

fn code(refused: Result<(), StageError>) -> String {
    match refused {
        Err(StageError::Refused(cause)) => cause.code,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_disconnect_in_the_middle_stops_the_calls_and_connecting_again_reads_the_rest_once() {
    in_virtual_time(async {
        let world = World::new(small(41));
        let system = world.open();
        world.connect(&system, &["all"]).await;
        live_for(&world, &system, SignedDuration::from_secs(9)).await;
        connect::disconnect(&system.ctx, &name())
            .await
            .expect("disconnected");
        let found = counts(&system).await;
        assert!(found.users > 0, "too early for this test");
        assert!(
            found.files < world.simulator.holds().files,
            "too late for this test"
        );
        let before = calls(&world);
        live_for(&world, &system, SignedDuration::from_hours(2)).await;
        assert_eq!(calls(&world), before, "somebody called");
        assert_eq!(state(&system).await.state, ConnectionState::Disconnected);
        assert_eq!(
            settled(&system.ctx).await.expect("a table"),
            Settled::CaughtUp
        );
        assert_eq!(counts(&system).await.users, found.users, "data stays");
        let secret = system.ctx.secrets.get("contoso").await;
        assert!(matches!(secret, Err(SecretError::NotFound { .. })));
        // Asked for twice it is done once.
        connect::disconnect(&system.ctx, &name())
            .await
            .expect("still disconnected");

        read_all(&world, &system).await;
        assert_whole(&world, &system).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        assert_eq!(connection.expect("a connection").incarnation, 1);
        let verified = verify(&system.ctx, None).await.expect("objects");
        assert_eq!((verified.repeated, verified.faults), (0, vec![]));
    });
}

#[test]
fn what_is_disconnected_can_only_be_connected_or_deleted_and_by_its_own_tenant() {
    in_virtual_time(async {
        let world = World::new(small(42));
        let system = world.caught_up().await;
        let (ctx, id) = (&system.ctx, name());
        connect::disconnect(ctx, &id).await.expect("disconnected");
        assert_eq!(code(connect::pause(ctx, &id).await), "disconnected");
        assert_eq!(code(connect::resume(ctx, &id).await), "disconnected");
        let mut other = world.settings(&["all"]);
        let elsewhere = "00000000-0000-4000-8000-000000000001".to_string();
        other.app_settings.insert("tenant_id".into(), elsewhere);
        let refused = connect::connect(ctx, &other, &Secret::new("s".repeat(40))).await;
        assert_eq!(code(refused.map(drop)), "config");
        let secret = ctx.secrets.get("contoso").await;
        assert!(
            matches!(secret, Err(SecretError::NotFound { .. })),
            "nothing was put for a refusal"
        );
        connect::delete(ctx, &id).await.expect("deleted");
        assert_eq!(state(&system).await.state, ConnectionState::Deleting);
    });
}

#[test]
fn another_tenants_credential_does_not_replace_that_of_a_connection_of_the_same_name() {
    in_virtual_time(async {
        let world = World::new(small(43));
        let system = world.open();
        world.connect(&system, &["users"]).await;
        let mut other = world.settings(&["users"]);
        let elsewhere = "00000000-0000-4000-8000-000000000001".to_string();
        other.app_settings.insert("tenant_id".into(), elsewhere);
        let refused = connect::connect(&system.ctx, &other, &Secret::new("s".repeat(40))).await;
        assert_eq!(code(refused.map(drop)), "config");
        let kept = system.ctx.secrets.get("contoso").await.expect("a secret");
        assert_eq!(kept.reveal(), world.simulator.plan().client_secret);
    });
}

#[test]
fn a_deletion_beside_functions_at_work_waits_for_them_and_leaves_nothing() {
    in_virtual_time(async {
        let world = World::new(small(44));
        let system = world.open();
        world.connect(&system, &["all"]).await;
        live_for(&world, &system, SignedDuration::from_secs(9)).await;
        let (ctx, id) = (&system.ctx, name());
        connect::delete(ctx, &id).await.expect("begun");
        let secret = ctx.secrets.get("contoso").await;
        assert!(matches!(secret, Err(SecretError::NotFound { .. })));
        let before = calls(&world);
        // Whoever was at work may still be: nothing is removed under its feet.
        let kept = objects(&system).await.len();
        live_for(&world, &system, SignedDuration::from_secs(200)).await;
        assert_eq!(
            (calls(&world), objects(&system).await.len()),
            (before, kept)
        );
        for refused in [
            connect::pause(ctx, &id).await,
            connect::resume(ctx, &id).await,
            connect::disconnect(ctx, &id).await,
            connect::connect(ctx, &world.settings(&["all"]), &Secret::new("s".repeat(40)))
                .await
                .map(drop),
        ] {
            assert_eq!(code(refused), "deleting");
        }
        connect::delete(ctx, &id)
            .await
            .expect("still being deleted");
        let shown = state(&system).await;
        assert_eq!(shown.state, ConnectionState::Deleting);
        assert_eq!(shown.deletion.expect("how far it is").objects, 0);

        live_for(&world, &system, SignedDuration::from_secs(60)).await;
        let shown = state(&system).await;
        let removed = shown.deletion.expect("how far it is");
        assert!(removed.objects > 0 && removed.items > 0, "{removed:?}");
        assert_eq!(objects(&system).await, Vec::<String>::new());
        // A request of a function that died arrives after the first listing.
        let late =
            "raw/v1/vendor=microsoft365/conn=contoso.1/family=files/dt=2026-05-04/files/late.zst";
        ctx.objects
            .put(late, "late".into())
            .await
            .expect("an object");

        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp);
        assert_gone(&world, &system, world.folder.path()).await;
        assert_eq!(calls(&world), before, "somebody called");
        let again = connect::delete(ctx, &id).await;
        assert!(
            matches!(again, Err(StageError::UnknownConnection { .. })),
            "{again:?}"
        );
    });
}

#[test]
fn nobody_can_leave_who_never_came() {
    in_virtual_time(async {
        let world = World::new(small(45));
        let system = world.open();
        let unknown = |done: Result<(), StageError>| {
            assert!(
                matches!(done, Err(StageError::UnknownConnection { .. })),
                "{done:?}"
            );
        };
        unknown(connect::delete(&system.ctx, &name()).await);
        unknown(connect::disconnect(&system.ctx, &name()).await);
        let removed = delete::at_once(&system.ctx, &name())
            .await
            .expect("a table");
        assert_eq!(removed, None);
    });
}

#[test]
fn a_deletion_in_the_middle_of_a_run_whose_processes_die_leaves_nothing() {
    for seed in 1..=4 {
        in_virtual_time(async {
            let world = World::new(small(seed));
            let rng = SeededRng::new(seed);
            let next = |most: u64| {
                use casbah_model::ports::Rng;
                rng.next_u64() % most
            };
            let mut is_asked = false;
            for life in 0.. {
                assert!(life < 400, "it does not get on");
                let fate = Fate::after(20 + next(500));
                let system = mortal(reopen(&world, life), &fate);
                let whole = async {
                    if life == 0 {
                        world.connect(&system, &["all"]).await;
                    }
                    if life >= 3 && !is_asked {
                        connect::delete(&system.ctx, &name()).await.expect("begun");
                        is_asked = true;
                    }
                    system.run(Until::CaughtUp, pending()).await.expect("a run")
                };
                let ended = tokio::select! {
                    biased;
                    () = fate.died.notified() => None,
                    ended = whole => Some(ended),
                };
                if ended.is_some() && is_asked {
                    break;
                }
            }
            let system = world.open();
            assert_gone(&world, &system, world.folder.path()).await;
        });
    }
}

/// A tenant so small that its deletion can be broken off everywhere.
fn tiny() -> Plan {
    let mut plan = small(46);
    (plan.users, plan.files, plan.activities) = (4, 3, 6);
    plan
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a kind").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("a copy")),
        }
    }
}

/// Each of some hundred effects would take minutes; neighbours are before and after the same one.
const EVERY: usize = 9;

#[test]
fn a_deletion_that_dies_at_any_effect_is_finished_by_the_next_process() {
    in_virtual_time(async {
        let mut world = World::new(tiny());
        drop(world.caught_up().await);
        let full = std::mem::replace(&mut world.folder, tempfile::tempdir().expect("a folder"));
        let mut deaths = 0;
        for effect in (0..).step_by(EVERY) {
            world.folder = tempfile::tempdir().expect("a folder");
            copy(full.path(), world.folder.path());
            let fate = Fate::after(effect);
            let system = mortal(reopen(&world, 2 * effect), &fate);
            let whole = async {
                connect::delete(&system.ctx, &name()).await.expect("begun");
                delete::at_once(&system.ctx, &name())
                    .await
                    .expect("removed");
            };
            let has_died = tokio::select! {
                biased;
                () = fate.died.notified() => true,
                () = whole => false,
            };
            drop(system);
            let system = reopen(&world, 2 * effect + 1);
            match connect::delete(&system.ctx, &name()).await {
                Ok(()) => drop(
                    delete::at_once(&system.ctx, &name())
                        .await
                        .expect("removed"),
                ),
                Err(StageError::UnknownConnection { .. }) => {}
                Err(error) => panic!("{}", error.chain()),
            }
            assert_gone(&world, &system, world.folder.path()).await;
            if !has_died {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 20, "only {deaths} effects");
    });
}

/// A table that holds back one commit of files, and tells its function nothing.
struct Withholding {
    inner: Arc<dyn StateStore>,
    held: std::sync::Mutex<Option<(String, Vec<Write>)>>,
    is_over: AtomicBool,
}

#[async_trait]
impl StateStore for Withholding {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.inner.write(write).await
    }

    async fn transact(&self, token: &str, writes: Vec<Write>) -> Result<(), StoreError> {
        let is_commit = writes.iter().any(|write| write.key.pk.contains("#M#users"));
        if is_commit && !self.is_over.swap(true, Ordering::Relaxed) {
            *self.held.lock().expect("no panic before") = Some((token.into(), writes));
            return pending().await;
        }
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

#[test]
fn after_a_deletion_the_name_begins_anew_and_late_writes_of_before_stay_unseen() {
    in_virtual_time(async {
        let world = World::new(small(47));
        let mut system = world.open();
        let withholding = Arc::new(Withholding {
            inner: Arc::clone(&system.ctx.state),
            held: std::sync::Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        system.ctx.state = Arc::clone(&withholding) as _;
        world.connect(&system, &["all"]).await;
        // The function that commits users hangs, and is dropped with its run.
        live_for(&world, &system, SignedDuration::from_secs(20)).await;
        connect::delete(&system.ctx, &name()).await.expect("begun");
        delete::at_once(&system.ctx, &name())
            .await
            .expect("removed");
        assert_gone(&world, &system, world.folder.path()).await;

        read_all(&world, &system).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        assert_eq!(connection.expect("a connection").incarnation, 2);
        let (before, stored) = (table(&world, world.folder.path()), objects(&system).await);
        assert!(
            stored.iter().all(|name| is_of("contoso.2", name)),
            "{stored:?}"
        );

        let held = withholding.held.lock().expect("no panic before").take();
        let (token, writes) = held.expect("a commit that was held back");
        let late = withholding.inner.transact(&token, writes).await;
        assert!(matches!(late, Err(StoreError::Refused { .. })), "{late:?}");
        let object = "raw/v1/vendor=microsoft365/conn=contoso.1/family=users/dt=2026-05-04/users/\
                      0001-000000000000-00000002-000.jsonl.zst";
        system
            .ctx
            .objects
            .put(object, "late".into())
            .await
            .expect("an object");
        assert!(
            table(&world, world.folder.path()) == before,
            "something was written"
        );
        assert_whole(&world, &system).await;
        let verified = verify(&system.ctx, None).await.expect("objects");
        assert_eq!((verified.repeated, verified.faults), (0, vec![]));
    });
}

#[test]
fn names_that_begin_alike_do_not_touch_each_other() {
    in_virtual_time(async {
        let world = World::new(small(48));
        let system = world.open();
        let secret = || Secret::new(world.simulator.plan().client_secret.clone());
        let ids: Vec<ConnectionId> = ["acme", "acme-2", "acm"]
            .into_iter()
            .map(|id| id.parse().expect("a valid name"))
            .collect();
        for id in &ids {
            let mut settings = world.settings(&["users", "activities", "files"]);
            settings.id = id.clone();
            connect::connect(&system.ctx, &settings, &secret())
                .await
                .expect("connected");
        }
        let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
        assert_eq!(ended, Ended::CaughtUp);
        let of_others = |names: Vec<String>| -> Vec<String> {
            let is_other = |name: &String| !is_of("acme.1", name);
            names.into_iter().filter(is_other).collect()
        };
        let is_other = |found: &Keyed| {
            let key = found.key.to_string();
            !(key.starts_with("C#acme|")
                || key.starts_with("C#acme.1")
                || key.contains("#acme.1|")
                || key == "CONNECTIONS|acme")
        };
        let rest = |all: Vec<Keyed>| -> Vec<Keyed> { all.into_iter().filter(is_other).collect() };
        let (items, names) = (
            rest(table(&world, world.folder.path())),
            of_others(objects(&system).await),
        );
        connect::delete(&system.ctx, &ids[0]).await.expect("begun");
        delete::at_once(&system.ctx, &ids[0])
            .await
            .expect("removed");
        assert_eq!(objects(&system).await, names);
        let left = table(&world, world.folder.path());
        let of_acme: Vec<String> = left
            .iter()
            .filter(|found| !is_other(found))
            .map(|found| found.key.to_string())
            .collect();
        assert_eq!(of_acme, ["C#acme|PAST"]);
        assert!(
            rest(left) == items,
            "something of another connection changed"
        );
        let names: Vec<String> = status::connections(&system.ctx)
            .await
            .expect("a table")
            .iter()
            .map(|one| one.settings.id.to_string())
            .collect();
        assert_eq!(names, ["acm", "acme-2"]);
        let verified = verify(&system.ctx, None).await.expect("objects");
        assert_eq!((verified.repeated, verified.faults), (0, vec![]));
    });
}
