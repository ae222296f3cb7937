//! Folder trees that are walked (decision 0010): what a sweep finds while they change, and what events bring in between.

mod corp;

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use casbah_lake::read;
use casbah_model::SignedDuration;
use casbah_model::app::{App, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::permission::Tier;
use casbah_model::ports::{Clock, Rng};
use casbah_model::secret::Secret;
use casbah_pipeline::inventory::{self, Reading, Summary, summary};
use casbah_pipeline::items::ConnectionItem;
use casbah_pipeline::ledger::verify;
use casbah_pipeline::sink::Touched;
use casbah_pipeline::{Settings, apps, connect, file_hints, roots};
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SeededRng, Until, VirtualClock,
};

use crate::deaths::{Fate, mortal};
use crate::world::{books, in_virtual_time, name, show, started, state};
use corp::{Corp, Held};
use tokio::sync::Notify;

struct Walks {
    corp: Arc<Corp>,
    clock: Arc<dyn Clock>,
    folder: tempfile::TempDir,
    opened: AtomicU64,
}

impl Walks {
    fn new() -> Walks {
        Walks {
            corp: Corp::new(),
            clock: Arc::new(VirtualClock::new(started())),
            folder: tempfile::tempdir().expect("a folder"),
            opened: AtomicU64::new(0),
        }
    }

    /// Opens the folder as a new process would.
    fn open(&self) -> LocalSystem {
        let outside = Outside {
            clock: Arc::clone(&self.clock),
            // No two processes draw the same ids.
            rng: Arc::new(SeededRng::new(
                7 + self.opened.fetch_add(1, Ordering::Relaxed),
            )),
            transport: Arc::clone(&self.corp) as _,
            settings: Settings::default(),
            durability: Durability::Process,
        };
        LocalSystem::open(self.folder.path(), outside).expect("a folder that can be used")
    }

    async fn connect(&self, system: &LocalSystem) {
        let settings = ConnectionSettings {
            id: name(),
            app: App::Box,
            components: Components::parse(&["users", "activities", "files"])
                .expect("a valid choice"),
            tier: Tier::Observe,
            app_settings: BTreeMap::from([
                ("enterprise_id".to_string(), "777".to_string()),
                ("client_id".to_string(), "client0123456789".to_string()),
                ("credential".to_string(), "secret".to_string()),
            ]),
            endpoints: BTreeMap::new(),
        };
        let secret = Secret::new("an-invented-client-secret");
        let connected = connect::connect(&system.ctx, &settings, &secret).await;
        connected.expect("connected");
    }

    /// Connects and reads until nothing is left.
    async fn caught_up(&self) -> LocalSystem {
        let system = self.open();
        self.connect(&system).await;
        run(&system).await;
        system
    }

    /// Asserts that what is there was found, each file once and with the right class.
    async fn assert_whole(&self, system: &LocalSystem) {
        let connection = connection(system).await;
        let found: Summary = summary(&system.ctx, &connection).await.expect("a summary");
        let expected = self.corp.with(|held| truth(held));
        assert_eq!(found.files_by_sharing, expected, "{}", show(system).await);
        let ledger = books(system).await;
        assert!(ledger.closes, "{:?}", ledger.totals);
    }

    /// An event names items, by user and path.
    async fn touch(&self, system: &LocalSystem, items: &[&str]) {
        let mut touched = Touched::default();
        for item in items {
            touched.note(Some(format!("box://users/{item}")));
        }
        let scope = connection(system).await.scope();
        let looked =
            file_hints::look_soon(&system.ctx, &scope, apps::connector(App::Box), &touched).await;
        looked.expect("a table");
    }

    async fn pass(&self, system: &LocalSystem, time: SignedDuration) {
        let stop = self.clock.sleep_until(self.clock.now() + time);
        let ended = system.run(Until::Stopped, stop).await.expect("a run");
        assert_eq!(ended, Ended::Stopped);
    }

    async fn sweep(&self, system: &LocalSystem) {
        let scope = connection(system).await.scope();
        roots::sweep_now(&system.ctx, &scope)
            .await
            .expect("a table");
        run(system).await;
    }
}

async fn connection(system: &LocalSystem) -> ConnectionItem {
    let found = connect::find(&system.ctx, &name()).await;
    found.expect("a table").expect("a connection")
}

async fn run(system: &LocalSystem) {
    let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
    assert_eq!(ended, Ended::CaughtUp, "{}", show(system).await);
}

/// Files of active users by how far they are visible: links of all folders above count.
fn truth(held: &Held) -> BTreeMap<&'static str, u64> {
    let mut expected = BTreeMap::new();
    for node in held.items.values().filter(|node| !node.is_folder) {
        if held.users.get(&node.owner) != Some(&"active") {
            continue;
        }
        let mut links = vec![node.link];
        let mut parent = node.parent;
        while let Some(folder) = held.items.get(&parent) {
            links.push(folder.link);
            parent = folder.parent;
        }
        let class = match links.iter().flatten().max() {
            Some(&"open") => "public-by-link",
            Some(&"company") => "internal",
            _ => "private",
        };
        *expected.entry(class).or_default() += 1;
    }
    expected
}

#[test]
fn all_files_of_all_users_are_found_once_with_their_class() {
    in_virtual_time(async {
        let walks = Walks::new();
        let system = walks.caught_up().await;
        walks.assert_whole(&system).await;
        let inactive = state(&system).await.failed_units;
        let why: Vec<_> = inactive
            .iter()
            .map(|unit| (unit.unit.as_str(), &unit.why))
            .collect();
        let [("13", Some(why))] = why[..] else {
            panic!("the inactive user is told of: {why:?}");
        };
        assert_eq!(why.code, "inactive-owner");
        // Four pages for eleven items of folder 100 and the like: no page is read twice.
        let calls = walks.corp.with(|held| held.times("/folders/100/items"));
        assert_eq!(calls, 2);
    });
}

#[test]
fn what_a_sweep_does_not_come_upon_is_gone() {
    in_virtual_time(async {
        let walks = Walks::new();
        let system = walks.caught_up().await;
        walks.corp.with(|held| {
            held.items.remove(&10_001);
            held.file(77, 11, 111);
            held.node(110).link = None;
            held.node(120).parent = 200;
            held.node(200).link = Some("company");
        });
        walks.sweep(&system).await;
        walks.assert_whole(&system).await;
    });
}

#[test]
fn a_process_that_dies_at_any_call_ends_with_every_file_once() {
    for seed in 1..=8 {
        in_virtual_time(async {
            let walks = Walks::new();
            let rng = SeededRng::new(seed);
            let mut lives = 0;
            loop {
                assert!(lives < 400, "it does not get on");
                let fate = Fate::after(20 + rng.next_u64() % 500);
                let system = mortal(walks.open(), &fate);
                let whole = async {
                    walks.connect(&system).await;
                    system.run(Until::CaughtUp, pending()).await.expect("a run")
                };
                let ended = tokio::select! {
                    biased;
                    () = fate.died.notified() => None,
                    ended = whole => Some(ended),
                };
                match ended {
                    Some(ended) => break assert_eq!(ended, Ended::CaughtUp),
                    None => lives += 1,
                }
            }
            assert!(lives >= 1, "nobody died");
            let system = walks.open();
            walks.assert_whole(&system).await;
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert!(
                verified.faults.is_empty(),
                "seed {seed}: {:?}",
                verified.faults
            );
        });
    }
}

#[test]
fn a_user_who_is_deleted_in_the_middle_of_a_walk_leaves_nothing() {
    in_virtual_time(async {
        let walks = Walks::new();
        walks.corp.before(|path, held| {
            if path == "/folders/110/items" {
                held.delete_user(11);
            }
        });
        let system = walks.caught_up().await;
        walks.assert_whole(&system).await;
        assert_eq!(
            walks.corp.with(|held| truth(held)),
            BTreeMap::from([("private", 1)])
        );
    });
}

#[test]
fn a_user_who_is_deleted_between_sweeps_takes_their_files_along() {
    in_virtual_time(async {
        let walks = Walks::new();
        let system = walks.caught_up().await;
        walks.corp.with(|held| held.delete_user(11));
        walks.sweep(&system).await;
        walks.assert_whole(&system).await;
        // It is asked once whether they are gone.
        walks.sweep(&system).await;
        assert_eq!(walks.corp.with(|held| held.times("/users/11")), 1);
        // Whoever is there again is walked again.
        walks.corp.with(|held| {
            held.users.insert(11, "active");
            held.file(5, 11, 0);
        });
        walks.sweep(&system).await;
        walks.assert_whole(&system).await;
    });
}

/// A file moves from a folder that is not read yet to one that was, in the middle of a sweep; tells when it does.
fn moving(walks: &Walks) -> Arc<Notify> {
    let is_moved = AtomicBool::new(false);
    let moves = Arc::new(Notify::new());
    let told = Arc::clone(&moves);
    walks.corp.before(move |path, held| {
        if path == "/folders/111/items" && !is_moved.swap(true, Ordering::Relaxed) {
            // Folder 111 lies in 110; 200 comes behind both, and the top was read before them.
            held.node(20_000).parent = 0;
            moves.notify_one();
        }
    });
    told
}

#[test]
fn a_file_that_moves_to_where_the_walk_has_been_is_found_by_the_next_one() {
    in_virtual_time(async {
        let walks = Walks::new();
        let system = walks.caught_up().await;
        // 200 is read beside 100, unless it lies deeper.
        walks.corp.with(|held| held.node(200).parent = 120);
        walks.sweep(&system).await;
        let _moves = moving(&walks);
        walks.sweep(&system).await;
        let connection = connection(&system).await;
        let files = summary(&system.ctx, &connection)
            .await
            .expect("a summary")
            .files;
        assert_eq!(files, 20, "one of 21 is not seen");
        walks.sweep(&system).await;
        walks.assert_whole(&system).await;
    });
}

#[test]
fn a_file_that_moves_during_a_walk_and_is_named_by_an_event_is_not_missed() {
    in_virtual_time(async {
        let walks = Walks::new();
        let system = walks.caught_up().await;
        walks.corp.with(|held| held.node(200).parent = 120);
        walks.sweep(&system).await;
        let moves = moving(&walks);
        let scope = connection(&system).await.scope();
        let swept = roots::sweep_now(&system.ctx, &scope).await;
        swept.expect("a table");
        let ended = system.run(Until::Stopped, moves.notified()).await;
        assert_eq!(ended.expect("a run"), Ended::Stopped);
        drop(system);
        // The walk is not over: the item waits until it is.
        let system = walks.open();
        walks.touch(&system, &["11/files/20000"]).await;
        assert_eq!(walks.corp.with(|held| held.times("/files/20000")), 0);
        run(&system).await;
        walks.assert_whole(&system).await;
    });
}

#[test]
fn what_an_event_names_is_read_again_without_a_walk() {
    in_virtual_time(async {
        let walks = Walks::new();
        let system = walks.caught_up().await;
        walks.corp.with(|held| {
            held.calls.clear();
            held.node(10_001).link = Some("open");
            held.node(100).link = Some("company");
            held.items.remove(&12_000);
            held.file(88, 11, 111);
        });
        let named = [
            "11/files/10001",
            "11/folders/100",
            "11/files/12000",
            "11/files/88",
            "12/files/30000",
            "99/files/1",
        ];
        walks.touch(&system, &named).await;
        run(&system).await;
        walks.assert_whole(&system).await;
        let calls = walks.corp.with(|held| held.calls.clone());
        let walked = calls.iter().filter(|(path, _)| path.ends_with("/items"));
        assert_eq!(walked.count(), 0, "{calls:?}");
        // Named again, with nothing new: still one call each, and one row.
        walks.touch(&system, &named).await;
        run(&system).await;
        walks.assert_whole(&system).await;
        walks.sweep(&system).await;
        walks.assert_whole(&system).await;
    });
}

#[test]
fn a_process_that_dies_while_it_reads_named_items_again_loses_none() {
    for fatal in (1..40).step_by(2) {
        in_virtual_time(async {
            let walks = Walks::new();
            drop(walks.caught_up().await);
            walks.corp.with(|held| {
                held.node(10_001).link = Some("open");
                held.items.remove(&12_000);
            });
            let fate = Fate::after(fatal);
            let system = mortal(walks.open(), &fate);
            let whole = async {
                walks
                    .touch(&system, &["11/files/10001", "11/files/12000"])
                    .await;
                run(&system).await;
            };
            let has_ended = tokio::select! {
                biased;
                () = fate.died.notified() => false,
                () = whole => true,
            };
            drop(system);
            let system = walks.open();
            if !has_ended {
                // The event is read again: its bundle was not done.
                walks
                    .touch(&system, &["11/files/10001", "11/files/12000"])
                    .await;
            }
            // Who died holds the root until the lease is over.
            walks.pass(&system, SignedDuration::from_mins(40)).await;
            walks.assert_whole(&system).await;
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert!(verified.faults.is_empty(), "{fatal}: {:?}", verified.faults);
        });
    }
}

#[test]
fn trees_are_walked_twice_a_day_and_the_last_pass_is_what_counts() {
    in_virtual_time(async {
        let walks = Walks::new();
        let system = walks.caught_up().await;
        walks.corp.with(|held| held.calls.clear());
        walks.pass(&system, SignedDuration::from_hours(49)).await;
        let times = walks.corp.with(|held| held.times("/folders/111/items"));
        // Two pages each time.
        assert!((8..=10).contains(&times), "{times}");
        walks.assert_whole(&system).await;
        let mut epochs = vec![];
        let scope = connection(&system).await.scope();
        inventory::lines(
            &system.ctx,
            &scope,
            "files",
            Reading::Published,
            |stream, line| {
                let id = read::marks(line).map(|marks| marks.id.into_owned());
                epochs.push((stream.name.clone(), id));
            },
        )
        .await
        .expect("readable");
        // One pass is published, and each of its lines once; an item with a link has two.
        assert_eq!(epochs.len(), 29);
    });
}
