//! What files hold: looked into behind the sweep, once, and held against what the simulators know of them.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use casbah_inspect::detect::{Config, Key};
use casbah_inspect::{Detectors, Limits};
use casbah_lake::read;
use casbah_model::SignedDuration;
use casbah_model::inspection::{Extent, Inspection, Looked};
use casbah_model::ports::Inspector;
use casbah_pipeline::contents::InsideStatus;
use casbah_pipeline::inventory::{Reading, lines};
use casbah_pipeline::ledger::verify;
use casbah_pipeline::roots;
use casbah_platform_local::{LocalSystem, ThreadInspector};
use casbah_simulators::box_com::{self, Fault, FaultSettings};
use casbah_simulators::documents::Held;
use casbah_simulators::microsoft365;
use casbah_simulators::simulated::Simulated;

use tokio::sync::Notify;

use crate::box_com::enterprise;
use crate::deaths::live_and_die_in;
use crate::views::connection;
use crate::world::{World, books, in_virtual_time, run, show, small, state};

pub fn look_inside(mut system: LocalSystem) -> LocalSystem {
    let detectors = Detectors::new(&Config::new(Key::new([3; 32]))).expect("a configuration");
    let limits = Limits {
        bytes_max: 1 << 20,
        ..Limits::default()
    };
    system.look_inside(Arc::new(ThreadInspector::new(detectors, limits)));
    system
}

async fn caught_up<S: Simulated + 'static>(world: &World<S>) -> LocalSystem {
    let system = look_inside(world.open());
    world
        .connect(&system, &["users", "activities", "files"])
        .await;
    run(&system).await;
    system
}

pub async fn sweep<S: Simulated + 'static>(world: &World<S>, system: &LocalSystem) {
    // Twice as long as a file is left alone that was just looked at.
    world.run_for(system, SignedDuration::from_mins(2)).await;
    let scope = connection(system).await.scope();
    roots::sweep_now(&system.ctx, &scope)
        .await
        .expect("a table");
    run(system).await;
}

/// What the lake says of each file: the last word counts.
async fn newest(system: &LocalSystem, family: &str) -> BTreeMap<String, (String, Vec<u8>)> {
    let scope = connection(system).await.scope();
    let mut all = BTreeMap::new();
    lines(
        &system.ctx,
        &scope,
        family,
        Reading::Published,
        |_, line| {
            let marks = read::marks(line).expect("an envelope");
            let record = read::vendors(line).expect("a record");
            // Who a file is shared with is told in records of its own, under the id of the file.
            if family == "files" && !of_file(&marks.kind) {
                return;
            }
            all.insert(marks.id.to_string(), (marks.kind.to_string(), record));
        },
    )
    .await
    .expect("readable");
    all.retain(|_, (kind, _)| !matches!(kind.as_str(), "removed" | "unreadable"));
    all
}

/// What was found in each file: in every one that is listed, and in no other.
async fn looked(system: &LocalSystem) -> BTreeMap<String, Looked> {
    let all = newest(system, "contents").await;
    let mut files = newest(system, "files").await;
    files.retain(|_, (_, record)| has_bytes(record));
    let ids = |all: &BTreeMap<String, _>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&all), ids(&files), "{}", show(system).await);
    let read = |record: &[u8]| serde_json::from_slice(record).expect("what was found");
    all.into_iter()
        .map(|(id, (_, record))| (id, read(&record)))
        .collect()
}

fn of_file(kind: &str) -> bool {
    matches!(kind, "file" | "file-shared" | "removed" | "unreadable")
}

/// Links to the web at Box and notebooks of Microsoft's have none of their own.
fn has_bytes(record: &[u8]) -> bool {
    let record: serde_json::Value = serde_json::from_slice(record).expect("a record");
    record["type"] == "file" || record["file"].is_object()
}

/// Different values that were found, by detector.
fn found(looked: &Looked) -> BTreeMap<&str, u64> {
    let findings = looked.inspection.findings.iter();
    findings
        .map(|found| (found.detector.as_str(), found.distinct))
        .collect()
}

fn expected(held: Held) -> BTreeMap<&'static str, u64> {
    match held {
        Held::Nothing => BTreeMap::new(),
        Held::PaymentCards(count) => BTreeMap::from([("payment-card", count)]),
        Held::Ibans(count) => BTreeMap::from([("iban", count)]),
    }
}

const LARGE: u64 = 1 << 20;

#[test]
fn every_file_of_box_is_looked_into_and_what_it_holds_is_found() {
    in_virtual_time(async {
        let world = enterprise(box_com::Plan::new(3).sized(8, 2, 120, 20));
        let system = caught_up(&world).await;
        let all = looked(&system).await;
        let mut expected_some = 0;
        let files = world.simulator.files();
        let mut seen = 0;
        for one in all.values() {
            let id = one.file.as_str().rsplit('/').next().expect("an id");
            let Some(file) = files.get(id) else { continue };
            seen += 1;
            if one.bytes > LARGE {
                assert_eq!(one.inspection.extent, Extent::Not, "{one:?}");
                assert_eq!(one.inspection.skipped[0].reason, "too-large");
                continue;
            }
            let held = world.simulator.held_in(id);
            let held = held.unwrap_or(Held::Nothing);
            assert_eq!(found(one), expected(held), "{} {one:?}", file.id);
            expected_some += u64::from(held != Held::Nothing);
        }
        assert!(seen > 40, "{seen} of {}", all.len());
        assert!(expected_some > 3, "only {expected_some}");
        let ledger = books(&system).await;
        assert!(ledger.closes, "{:?}", ledger.totals);
        assert_eq!(world.simulator.traffic().tokens_told, 0);
    });
}

#[test]
fn a_content_is_fetched_once_whoever_has_a_copy() {
    in_virtual_time(async {
        let world = enterprise(box_com::Plan::new(4).sized(6, 2, 150, 0));
        let system = caught_up(&world).await;
        let all = looked(&system).await;
        let small = all.values().filter(|one| one.bytes <= LARGE);
        let mut versions: Vec<&str> = small.map(|one| one.version.as_str()).collect();
        let files = versions.len();
        versions.sort_unstable();
        versions.dedup();
        let fetched = world.simulator.traffic().downloaded;
        assert_eq!(fetched, versions.len() as u64);
        assert!(files > versions.len(), "no copies among {files}");

        sweep(&world, &system).await;
        assert_eq!(looked(&system).await.len(), all.len());
        assert_eq!(
            world.simulator.traffic().downloaded,
            fetched,
            "fetched again"
        );

        let some = all.values().find(|one| one.bytes <= LARGE && one.bytes > 0);
        let file = some.expect("a small file").file.to_string();
        let id = file.rsplit('/').next().expect("an id");
        world
            .simulator
            .put_content(id, "my card: 4929 1234 5678 9015");
        sweep(&world, &system).await;
        assert_eq!(world.simulator.traffic().downloaded, fetched + 1);
        let now = looked(&system).await;
        assert_eq!(found(&now[&file]), BTreeMap::from([("payment-card", 1)]));
    });
}

/// How many small files were read whole, and how many were not for this reason; there are no others.
fn whole_and_named(all: &BTreeMap<String, Looked>, reason: Option<&str>) -> (usize, usize) {
    let small: Vec<&Looked> = all.values().filter(|one| one.bytes <= LARGE).collect();
    let is_named = |one: &&&Looked| {
        let mut skipped = one.inspection.skipped.iter();
        skipped.any(|skipped| Some(&*skipped.reason) == reason)
    };
    let named = small.iter().filter(is_named).count();
    let whole = small.iter();
    let whole = whole.filter(|one| one.inspection.extent == Extent::Whole);
    let whole = whole.count();
    assert_eq!(whole + named, small.len(), "{reason:?}: {small:#?}");
    (whole, named)
}

#[test]
fn what_cannot_be_had_is_named_and_had_later() {
    in_virtual_time(async {
        for (fault, times, reason, named) in [
            (Fault::DownloadBlocked, 4, Some("forbidden_by_policy"), 4),
            (Fault::DownloadNotReady, 4, None, 0),
            (Fault::DownloadExpired, 4, None, 0),
            (Fault::DownloadTruncated, 4, None, 0),
        ] {
            let world = enterprise(box_com::Plan::new(5).sized(6, 1, 80, 0));
            world
                .simulator
                .switch(fault, Some(FaultSettings::times(times)));
            let system = caught_up(&world).await;
            let (whole, not) = whole_and_named(&looked(&system).await, reason);
            assert_eq!(not, named, "{fault:?}: {}", show(&system).await);

            world.run_for(&system, SignedDuration::from_hours(30)).await;
            sweep(&world, &system).await;
            let later = whole_and_named(&looked(&system).await, None);
            assert_eq!(later, (whole + named, 0), "{fault:?}");
            assert_eq!(world.simulator.traffic().tokens_told, 0);
        }
    });
}

#[test]
fn what_microsoft_does_not_hand_out_is_named_and_had_later() {
    use microsoft365::Fault;
    in_virtual_time(async {
        for (fault, times, reason, named) in [
            (Fault::DownloadMalware, 3, Some("malware"), 3),
            (Fault::DownloadDenied, 3, Some("access-denied"), 3),
            (Fault::DownloadExpired, 3, None, 0),
            (Fault::DownloadTruncated, 3, None, 0),
        ] {
            let world = drives();
            world
                .simulator
                .switch(fault, Some(FaultSettings::times(times)));
            let system = caught_up(&world).await;
            let (whole, not) = whole_and_named(&looked(&system).await, reason);
            assert_eq!(not, named, "{fault:?}: {}", show(&system).await);

            let scope = connection(&system).await.scope();
            let inside = status(&system).await;
            let denied = inside.denied.values().sum::<u64>();
            let is_right = u64::from(fault == Fault::DownloadDenied);
            assert_eq!(denied, 3 * is_right, "{scope}: {inside:?}");

            world.run_for(&system, SignedDuration::from_hours(30)).await;
            sweep(&world, &system).await;
            let later = whole_and_named(&looked(&system).await, None);
            assert_eq!(later, (whole + named, 0), "{fault:?}");
        }
    });
}

#[test]
fn files_that_are_handed_out_elsewhere_are_not_fetched_there() {
    in_virtual_time(async {
        let world = enterprise(box_com::Plan::new(5).sized(6, 1, 80, 0));
        let fault = Fault::DownloadForeign;
        world.simulator.switch(fault, Some(FaultSettings::always()));
        let system = caught_up(&world).await;
        let (whole, not) = whole_and_named(&looked(&system).await, Some("not-handed-out"));
        assert!(whole == 0 && not > 0, "{whole} {not}");
        assert_eq!(world.simulator.traffic().tokens_told, 0);

        world.simulator.switch(fault, None);
        world.run_for(&system, SignedDuration::from_hours(30)).await;
        sweep(&world, &system).await;
        assert_eq!(
            whole_and_named(&looked(&system).await, None),
            (whole + not, 0)
        );
    });
}

async fn status(system: &LocalSystem) -> InsideStatus {
    let inside = state(system).await.inside;
    inside.expect("somebody looks into files")
}

#[test]
fn whoever_dies_while_looking_leaves_no_file_out() {
    for seed in 1..=3 {
        in_virtual_time(async {
            let world = enterprise(box_com::Plan::new(seed).sized(6, 1, 80, 0));
            let chosen = ["users", "activities", "files"];
            let open = || look_inside(world.open());
            let lives = live_and_die_in(&world, open, &chosen, seed, 400).await;
            assert!(lives >= 2, "{lives} died");
            let system = open();
            let all = looked(&system).await;
            whole_and_named(&all, None);
            assert!(books(&system).await.closes);
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert!(verified.faults.is_empty(), "{:?}", verified.faults);
            let inside = status(&system).await;
            assert_eq!(inside.roots_done, inside.roots);
        });
    }
}

/// Kills whoever lets it look into one file: it never comes back from there.
struct Killing {
    inner: Arc<dyn Inspector>,
    file: String,
    killed: Arc<Notify>,
}

#[async_trait]
impl Inspector for Killing {
    fn bytes_max(&self) -> u64 {
        self.inner.bytes_max()
    }

    fn edition(&self) -> &str {
        self.inner.edition()
    }

    async fn inspect(&self, name: &str, document: Vec<u8>) -> Inspection {
        if name == self.file {
            self.killed.notify_one();
            pending::<()>().await;
        }
        self.inner.inspect(name, document).await
    }
}

#[test]
fn a_file_that_kills_its_inspector_is_set_aside_after_two_tries() {
    in_virtual_time(async {
        let world = enterprise(box_com::Plan::new(5).sized(6, 1, 80, 0));
        let file = {
            let before = enterprise(box_com::Plan::new(5).sized(6, 1, 80, 0));
            let system = caught_up(&before).await;
            let all = looked(&system).await;
            let small = all.values().filter(|one| one.bytes <= LARGE);
            let with = small.max_by_key(|one| one.inspection.findings.len());
            with.expect("a small file").name.clone()
        };
        let mut deaths = 0;
        let system = loop {
            let mut system = look_inside(world.open());
            let killed = Arc::new(Notify::new());
            let inner = system.ctx.inspector.take().expect("an inspector");
            system.look_inside(Arc::new(Killing {
                inner,
                file: file.clone(),
                killed: Arc::clone(&killed),
            }));
            let whole = async {
                let chosen = ["users", "activities", "files"];
                world.connect(&system, &chosen).await;
                run(&system).await;
            };
            let has_ended = tokio::select! {
                biased;
                () = killed.notified() => false,
                () = whole => true,
            };
            if has_ended {
                break system;
            }
            deaths += 1;
        };
        let all = looked(&system).await;
        let (_, aside) = whole_and_named(&all, Some("set-aside"));
        let named: Vec<_> = all.values().filter(|one| one.name == file).collect();
        assert_eq!((named.len(), aside, deaths), (1, 1, 2), "{named:#?}");
        assert_eq!(status(&system).await.told.not_read["set-aside"], 1);
    });
}

fn drives() -> World<microsoft365::Simulator> {
    let mut plan = small(6);
    (plan.users, plan.files, plan.activities) = (12, 60, 20);
    World::new(plan)
}

#[test]
fn drives_of_microsoft_365_are_looked_into() {
    in_virtual_time(async {
        let world = drives();
        let system = caught_up(&world).await;
        let all = looked(&system).await;
        assert!(all.len() >= 40, "{}", all.len());
        let mut some = 0;
        for one in all.values().filter(|one| one.bytes <= LARGE) {
            assert_eq!(one.inspection.extent, Extent::Whole, "{one:?}");
            let (drive, id) = one.file.as_str().rsplit_once('/').expect("drive and item");
            let held = world.simulator.held_in(drive, id);
            let held = held.unwrap_or(Held::Nothing);
            assert_eq!(found(one), expected(held), "{one:?}");
            some += u64::from(held != Held::Nothing);
        }
        assert!(some > 0, "nobody holds anything");
        let ledger = books(&system).await;
        assert!(ledger.closes, "{:?}", ledger.totals);
    });
}
