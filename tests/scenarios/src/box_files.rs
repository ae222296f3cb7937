//! Files of an enterprise of Box on their way through the chain, held against what the simulator knows of them.

use std::collections::{BTreeMap, BTreeSet};

use casbah_model::SignedDuration;
use casbah_pipeline::ledger::verify;
use casbah_pipeline::roots;
use casbah_pipeline::view::{Answer, Collection, Filter};
use casbah_platform_local::LocalSystem;
use casbah_simulators::box_com::{Access, Deed, Plan, Simulator, Status};

use crate::box_com::enterprise;
use crate::deaths::live_and_die;
use crate::views::{ask, connection, text};
use crate::world::{World, books, in_virtual_time, run, show, state};

fn small(seed: u64) -> Plan {
    Plan::new(seed).sized(20, 3, 250, 50)
}

/// Asserts that each file of whoever can be read is there once, as far visible as it really is, and that what
/// somebody outside owns is there for somebody.
async fn assert_whole(enterprise: &World<Simulator>, system: &LocalSystem) {
    let found = found(system).await;
    let mut expected = BTreeMap::new();
    let mut outside = BTreeMap::new();
    enterprise.simulator.each_item(|item| {
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
            let enterprise = enterprise(small(seed));
            let system = enterprise
                .caught_up_with(&["users", "activities", "files"])
                .await;
            assert_whole(&enterprise, &system).await;
            // Whoever cannot be read is named in the status.
            let holds = enterprise.simulator.holds();
            let is_inactive = |id: &str| {
                let user = holds.users.get(id);
                user.is_some_and(|user| user.status == Status::Inactive)
            };
            for unit in state(&system).await.failed_units {
                assert!(is_inactive(&unit.unit), "{unit:?}");
                assert_eq!(
                    unit.why.map(|why| why.code).as_deref(),
                    Some("inactive-owner")
                );
            }
        });
    }
}

#[test]
fn a_process_that_dies_again_and_again_ends_with_every_file_once() {
    for seed in 1..=4 {
        in_virtual_time(async {
            let enterprise = enterprise(small(seed));
            let chosen = ["users", "activities", "files"];
            let lives = live_and_die(&enterprise, &chosen, seed, 900).await;
            assert!(lives >= 1, "nobody died");
            let system = enterprise.open();
            assert_whole(&enterprise, &system).await;
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
            let enterprise = enterprise(small(5));
            for user in [1, 2, 3] {
                let deed = Deed::DeleteUser { user };
                enterprise.simulator.act_after(calls + user * 7, deed);
            }
            let system = enterprise
                .caught_up_with(&["users", "activities", "files"])
                .await;
            // Who was gone before a tree was walked is in the list of users of this sweep at the most.
            let scope = connection(&system).await.scope();
            let swept = roots::sweep_now(&system.ctx, &scope).await;
            swept.expect("a table");
            run(&system).await;
            assert_whole(&enterprise, &system).await;
        });
    }
}

#[test]
fn what_changes_is_seen_within_minutes_and_without_a_walk() {
    in_virtual_time(async {
        let enterprise = enterprise(small(6));
        let system = enterprise.caught_up_with(&["all"]).await;
        assert_whole(&enterprise, &system).await;
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
        let soon = SignedDuration::from_mins(10);
        enterprise.run_for(&system, soon).await;
        assert_whole(&enterprise, &system).await;
    });
}
