//! Files of an enterprise of Box on their way through the chain, held against what the simulator knows of them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use casbah_model::SignedDuration;
use casbah_model::app::{App, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::{Clock, Rng};
use casbah_model::secret::Secret;
use casbah_pipeline::ledger::verify;
use casbah_pipeline::view::{Answer, Collection, Filter};
use casbah_pipeline::{Settings, connect, roots};
use casbah_platform_local::{
    Durability, Ended, LocalSystem, Outside, SeededRng, Until, VirtualClock,
};
use casbah_simulators::box_com::{Access, Deed, Plan, Simulator, Status};

use crate::deaths::{Fate, mortal};
use crate::views::{ask, connection, text};
use crate::world::{books, in_virtual_time, name, show, state};

fn small(seed: u64) -> Plan {
    Plan::new(seed).sized(20, 3, 250, 50)
}

struct Enterprise {
    simulator: Arc<Simulator>,
    clock: Arc<dyn Clock>,
    folder: tempfile::TempDir,
    opened: AtomicU64,
}

impl Enterprise {
    fn new(plan: Plan) -> Enterprise {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(plan.started));
        Enterprise {
            simulator: Arc::new(Simulator::new(plan, Arc::clone(&clock))),
            clock,
            folder: tempfile::tempdir().expect("a folder"),
            opened: AtomicU64::new(0),
        }
    }

    /// Opens the folder as a new process would.
    fn open(&self) -> LocalSystem {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let outside = Outside {
            clock: Arc::clone(&self.clock),
            // No two processes draw the same ids.
            rng: Arc::new(SeededRng::new(7 + number)),
            transport: Arc::clone(&self.simulator) as _,
            settings: Settings::default(),
            durability: Durability::Process,
        };
        LocalSystem::open(self.folder.path(), outside).expect("a folder that can be used")
    }

    async fn connect(&self, system: &LocalSystem, components: &[&str]) {
        let plan = self.simulator.plan();
        let settings = ConnectionSettings {
            id: name(),
            app: App::Box,
            components: Components::parse(components).expect("a valid choice"),
            app_settings: BTreeMap::from([
                ("enterprise_id".to_string(), plan.enterprise()),
                ("client_id".to_string(), plan.client.id.clone()),
            ]),
            endpoints: BTreeMap::new(),
        };
        let secret = Secret::new(plan.client.secret.clone());
        let connected = connect::connect(&system.ctx, &settings, &secret).await;
        connected.expect("connected");
    }

    async fn caught_up(&self, components: &[&str]) -> LocalSystem {
        let system = self.open();
        self.connect(&system, components).await;
        run(&system).await;
        system
    }

    /// Asserts that each file of whoever can be read is there once, as far visible as it really is, and that what
    /// somebody outside owns is there for somebody.
    async fn assert_whole(&self, system: &LocalSystem) {
        let found = found(system).await;
        let mut expected = BTreeMap::new();
        let mut outside = BTreeMap::new();
        self.simulator.each_item(|item| {
            let id = match item.kind {
                "folder" => return,
                "file" => item.id,
                kind => format!("{kind}:{}", item.id),
            };
            match item.owner_status {
                _ if item.is_trashed => {}
                Some(Status::Inactive) => {}
                Some(_) => drop(expected.insert((item.owner, id), item.sharing.name())),
                None if item.is_in_reach => drop(outside.insert(id, item.sharing.name())),
                None => {}
            }
        });
        let is_outside = |id: &str| outside.contains_key(id);
        let inside = found.iter().filter(|((_, id), _)| !is_outside(id));
        let inside: BTreeMap<_, _> = inside
            .map(|(key, class)| (key.clone(), class.as_str()))
            .collect();
        assert_eq!(inside, expected, "{}", show(system).await);
        let elsewhere = found.iter().filter(|((_, id), _)| is_outside(id));
        let elsewhere: BTreeSet<_> = elsewhere
            .map(|((_, id), class)| (id.clone(), class.as_str()))
            .collect();
        assert_eq!(elsewhere, outside.into_iter().collect(), "owned outside");
        let ledger = books(system).await;
        assert!(ledger.closes, "{:?}", ledger.totals);
    }
}

async fn run(system: &LocalSystem) {
    let ended = system.run(Until::CaughtUp, pending()).await.expect("a run");
    assert_eq!(ended, Ended::CaughtUp, "{}", show(system).await);
}

/// Files by root and the last part of their id, with their class. Each comes once.
async fn found(system: &LocalSystem) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let answer = ask(system, Collection::Files, &Filter::default(), after, 1000).await;
        let Answer::Ready { items, next, .. } = answer.expect("a page") else {
            panic!("small views are there at once");
        };
        for row in items.iter().filter(|row| row["kind"] == "file") {
            let (root, id) = text(row, "id").rsplit_once('/').expect("root and item");
            let key = (root.to_string(), id.to_string());
            let twice = found.insert(key, text(row, "sharing").to_string());
            assert_eq!(twice, None, "{row}");
        }
        match next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

#[test]
fn all_files_of_all_users_are_there_once_with_their_class() {
    for seed in 1..=3 {
        in_virtual_time(async {
            let enterprise = Enterprise::new(small(seed));
            let system = enterprise
                .caught_up(&["users", "activities", "files"])
                .await;
            enterprise.assert_whole(&system).await;
            // Whoever cannot be read is named in the status.
            let holds = enterprise.simulator.holds();
            let is_inactive = |id: &str| {
                let user = holds.users.get(id);
                user.is_some_and(|user| user.status == Status::Inactive)
            };
            for unit in state(&system).await.failed_units {
                assert!(is_inactive(&unit.unit), "{unit:?}");
                assert_eq!(unit.why.map(|why| why.code).as_deref(), Some("inactive"));
            }
        });
    }
}

#[test]
fn a_process_that_dies_again_and_again_ends_with_every_file_once() {
    for seed in 1..=4 {
        in_virtual_time(async {
            let enterprise = Enterprise::new(small(seed));
            let rng = SeededRng::new(seed);
            let mut lives = 0;
            loop {
                assert!(lives < 400, "it does not get on");
                let fate = Fate::after(20 + rng.next_u64() % 900);
                let system = mortal(enterprise.open(), &fate);
                let whole = async {
                    enterprise
                        .connect(&system, &["users", "activities", "files"])
                        .await;
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
            let system = enterprise.open();
            enterprise.assert_whole(&system).await;
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
fn users_who_are_deleted_while_trees_are_walked_leave_nothing() {
    for calls in [40, 80, 120, 200] {
        in_virtual_time(async {
            let enterprise = Enterprise::new(small(5));
            for user in [1, 2, 3] {
                let deed = Deed::DeleteUser { user };
                enterprise.simulator.act_after(calls + user * 7, deed);
            }
            let system = enterprise
                .caught_up(&["users", "activities", "files"])
                .await;
            // Who was gone before a tree was walked is in the list of users of this sweep at the most.
            let scope = connection(&system).await.scope();
            let swept = roots::sweep_now(&system.ctx, &scope).await;
            swept.expect("a table");
            run(&system).await;
            enterprise.assert_whole(&system).await;
        });
    }
}

#[test]
fn what_changes_is_seen_within_minutes_and_without_a_walk() {
    in_virtual_time(async {
        let enterprise = Enterprise::new(small(6));
        let system = enterprise.caught_up(&["all"]).await;
        enterprise.assert_whole(&system).await;
        let simulator = &enterprise.simulator;
        let active: Vec<u64> = (1..20)
            .filter(|user| {
                let holds = simulator.holds();
                let held = holds
                    .users
                    .get(&simulator.user_id(*user))
                    .map(|held| held.status);
                held == Some(Status::Active) && simulator.items(*user, None, "file").len() > 1
            })
            .collect();
        let user = *active.first().expect("somebody with files");
        let files = simulator.items(user, None, "file");
        simulator.act(Deed::Share {
            item: files[0].clone(),
            access: Access::Open,
            has_password: false,
        });
        simulator.act(Deed::Trash {
            item: files[1].clone(),
        });
        simulator.act(Deed::Upload {
            user,
            folder: None,
            name: "new".into(),
        });
        let soon = enterprise.clock.now() + SignedDuration::from_mins(10);
        let stop = enterprise.clock.sleep_until(soon);
        let ended = system.run(Until::Stopped, stop).await.expect("a run");
        assert_eq!(ended, Ended::Stopped);
        enterprise.assert_whole(&system).await;
    });
}
