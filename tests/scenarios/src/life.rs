//! What happens after the first scan: new events, changed files, people who come and go.

use std::sync::Arc;

use async_trait::async_trait;
use casbah_lake::ManifestEntry;
use casbah_model::ports::Clock;
use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::connect::find;
use casbah_pipeline::ledger::{each_entry, manifests};
use casbah_platform_local::{LocalSystem, Until};
use casbah_simulators::microsoft365::{Deed, Fault, FaultSettings, Simulator};

use crate::world::{
    World, assert_whole, books, counts, in_virtual_time, name, show, small, started, state,
};

pub async fn live_for(world: &World, system: &LocalSystem, time: SignedDuration) {
    let until = world.clock.now() + time;
    system
        .run(Until::Stopped, world.clock.sleep_until(until))
        .await
        .expect("a run");
    system
        .ctx
        .stopping
        .store(false, std::sync::atomic::Ordering::Relaxed);
}

#[test]
fn new_events_are_in_the_lake_within_minutes_of_being_shown() {
    in_virtual_time(async {
        let mut plan = small(11);
        plan.live_activities_per_hour = 600;
        let world = World::new(plan);
        let system = world.caught_up().await;
        live_for(&world, &system, SignedDuration::from_hours(3)).await;
        // Windows of five minutes and a lag of two: what was shown eight minutes ago must be there.
        let shown = world.clock.now() - SignedDuration::from_mins(8);
        let expected = world.simulator.holds().activities_until(shown).count() as u64;
        let found = counts(&system).await.activities;
        assert!(
            expected > 1_500 && found >= expected,
            "{found} of {expected}\n{}",
            show(&system).await
        );
        assert!(books(&system).await.closes);
    });
}

/// The clock of a vendor that is behind ours.
struct Behind(Arc<dyn Clock>);

const BEHIND: SignedDuration = SignedDuration::from_secs(170);

#[async_trait]
impl Clock for Behind {
    fn now(&self) -> Timestamp {
        self.0.now() - BEHIND
    }

    async fn sleep_until(&self, until: Timestamp) {
        self.0.sleep_until(until + BEHIND).await;
    }
}

#[test]
fn a_feed_that_we_switched_on_is_read_from_its_first_moment_though_our_clock_is_ahead() {
    in_virtual_time(async {
        let mut plan = small(17);
        plan.feeds_on.clear();
        let mut world = World::new(plan.clone());
        let behind = Arc::new(Behind(Arc::clone(&world.clock)));
        world.simulator = Arc::new(Simulator::new(plan, behind));
        let system = world.caught_up().await;
        let switched_on = started() - BEHIND;
        let connection = find(&system.ctx, &name()).await.expect("a table");
        let scope = connection.expect("a connection").scope();
        let mut feeds = 0;
        for stream in manifests(&system.ctx, &scope).await.expect("a table") {
            let mut first = None;
            let note = |entry: ManifestEntry| first = first.or(entry.from);
            each_entry(&system.ctx, &stream.manifest, note)
                .await
                .expect("a manifest");
            if let Some(first) = first.filter(|_| stream.name.starts_with("live-")) {
                assert!(first <= switched_on, "{} begins at {first}", stream.name);
                feeds += 1;
            }
        }
        assert_eq!(feeds, 5);
    });
}

#[test]
fn a_file_that_is_shared_is_seen_before_the_next_sweep() {
    in_virtual_time(async {
        let world = World::new(small(12));
        let system = world.caught_up().await;
        let before = counts(&system).await.files_by_sharing;
        for file in 0..12 {
            world.simulator.act(Deed::ShareByAnonymousLink { file });
        }
        // The audit record is shown an hour later; the sweep would come after twelve.
        live_for(&world, &system, SignedDuration::from_mins(90)).await;
        let after = counts(&system).await.files_by_sharing;
        let public =
            |counts: &std::collections::BTreeMap<&str, u64>| counts.get("public-by-link").copied();
        assert!(public(&after) > public(&before), "{before:?} {after:?}");
        assert_whole(&world, &system).await;
    });
}

#[test]
fn people_who_come_and_go_are_seen_by_the_next_delta() {
    in_virtual_time(async {
        let world = World::new(small(13));
        let system = world.caught_up().await;
        world.simulator.act(Deed::AddGuest);
        world.simulator.act(Deed::DeleteUser { user: 3 });
        world.simulator.act(Deed::DisableUser { user: 4 });
        live_for(&world, &system, SignedDuration::from_mins(40)).await;
        assert_whole(&world, &system).await;
    });
}

#[test]
fn a_shrink_of_more_than_a_tenth_stops_and_asks() {
    in_virtual_time(async {
        let world = World::new(small(14));
        let system = world.caught_up().await;
        let before = counts(&system).await.users;
        for user in 0..20 {
            world.simulator.act(Deed::DeleteUser { user });
        }
        live_for(&world, &system, SignedDuration::from_mins(40)).await;
        assert_eq!(
            counts(&system).await.users,
            before,
            "nobody disappears unasked"
        );
        let state = state(&system).await;
        let users = state
            .streams
            .iter()
            .find(|stream| stream.name == "users")
            .expect("a stream");
        let trouble = users.trouble.as_ref().expect("a cause").to_string();
        assert!(trouble.contains("20 of 60 users are gone"), "{trouble}");
        assert!(trouble.contains("casbah accept contoso users"), "{trouble}");
        let name = crate::world::name();
        casbah_pipeline::user_scan::accept(&system.ctx, &name, "users")
            .await
            .expect("accepted");
        assert_eq!(counts(&system).await.users, before - 20);
    });
}

#[test]
fn a_dead_delta_means_a_new_full_pass_and_no_deletions() {
    for fault in [
        Fault::Directory410,
        Fault::DeltaTooOld,
        Fault::SyncStateNotFound,
        Fault::Drive410,
    ] {
        in_virtual_time(async {
            let world = World::new(small(15));
            let system = world.caught_up().await;
            world.simulator.switch(fault, Some(FaultSettings::times(3)));
            live_for(&world, &system, SignedDuration::from_hours(14)).await;
            let struck = world.simulator.traffic().faults;
            assert!(
                struck.get(&fault).is_some_and(|times| *times > 0),
                "{fault:?} never happened: {struck:?}"
            );
            assert_whole(&world, &system).await;
        });
    }
}

#[test]
fn after_eight_days_of_silence_the_gap_is_written_down() {
    in_virtual_time(async {
        let mut plan = small(16);
        plan.live_activities_per_hour = 20;
        let world = World::new(plan);
        let system = world.caught_up().await;
        drop(system);
        let until = world.clock.now() + SignedDuration::from_hours(8 * 24);
        world.clock.sleep_until(until).await;
        let system = world.open();
        system
            .run(Until::CaughtUp, std::future::pending())
            .await
            .expect("a run");
        let gaps = state(&system).await.gaps;
        assert!(
            gaps.iter()
                .any(|gap| gap.stream == "live-aad" && gap.to > gap.from),
            "{gaps:?}"
        );
        assert!(
            gaps.iter().all(|gap| !gap.stream.starts_with("late")),
            "{gaps:?}"
        );
        assert!(books(&system).await.closes);
    });
}
