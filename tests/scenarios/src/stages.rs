//! A connection on its way through the chain.

use casbah_lake::read;
use casbah_model::SignedDuration;
use casbah_model::connection::ConnectionState;
use casbah_pipeline::connect;
use casbah_pipeline::inventory::{self, Reading};
use casbah_platform_local::Until;

use casbah_simulators::microsoft365::{Activity, ContentType};
use serde_json::Value;

use crate::world::{World, assert_whole, books, counts, in_virtual_time, name, show, small, state};

#[test]
fn a_tenant_is_read_whole_and_the_ledger_closes() {
    in_virtual_time(async {
        let world = World::new(small(1));
        let system = world.caught_up().await;
        assert_whole(&world, &system).await;
    });
}

#[test]
fn every_activity_stands_in_the_lake_as_an_event_too() {
    in_virtual_time(async {
        let world = World::new(small(1));
        let system = world.caught_up().await;
        let ctx = &system.ctx;
        let connection = connect::find(ctx, &name()).await.expect("a table");
        let scope = connection.expect("a connection").scope();
        let mut ids = vec![];
        inventory::lines(ctx, &scope, "activities", Reading::All, |_, line| {
            ids.push(read::marks(line).expect("our fields").id.into_owned());
        })
        .await
        .expect("readable");
        let mut events: Vec<Value> = vec![];
        inventory::events(ctx, &scope, "activities", |line| {
            events.push(serde_json::from_slice(line).expect("JSON"));
        })
        .await
        .expect("readable");
        // In the same order, so that a record's event is on its own line of the object beside it.
        let of_events = events.iter().map(|event| event["metadata"]["uid"].as_str());
        assert!(of_events.eq(ids.iter().map(|id| Some(id.as_str()))));
        assert_eq!(ids.len(), world.simulator.holds().activities.len());
        for event in &events {
            let metadata = &event["metadata"];
            let times = ["logged_time", "processed_time"].map(|name| metadata[name].as_i64());
            assert!(times[0].is_some() && times[0] <= times[1], "{event:#}");
            assert_eq!(metadata["tenant_uid"], world.simulator.plan().tenant_id);
            assert_eq!(metadata["loggers"][0]["name"], name().as_str());
        }
        let failed = |event: &&Value| event["class_uid"] == 3002 && event["status"] == "Failure";
        assert!(
            events.iter().any(|event| failed(&event)),
            "a failed sign-in"
        );
    });
}

#[test]
fn activities_alone_need_no_files() {
    in_virtual_time(async {
        let world = World::new(small(2));
        let system = world.open();
        world
            .connect(&system, &["activities", "sign-in-events"])
            .await;
        system
            .run(Until::CaughtUp, std::future::pending())
            .await
            .expect("a run");
        let found = counts(&system).await;
        assert_eq!((found.activities, found.users, found.files), (1_200, 0, 0));
        let calls = world.simulator.traffic().calls;
        assert!(
            calls.keys().all(|call| !call.contains(" v1.0")),
            "{calls:?}"
        );
        assert!(books(&system).await.closes);
    });
}

#[test]
fn some_activities_are_visible_while_users_are_still_scanned() {
    in_virtual_time(async {
        let mut plan = small(3);
        // Slow answers keep the user list busy long enough to look at.
        plan.users = 12_000;
        plan.activities = 4_000;
        plan.latency.min = std::time::Duration::from_secs(2);
        plan.latency.max = std::time::Duration::from_secs(3);
        let world = World::new(plan);
        let system = world.open();
        world.connect(&system, &["users", "activities"]).await;
        let early = async {
            loop {
                world
                    .clock
                    .sleep_until(world.clock.now() + SignedDuration::from_secs(1))
                    .await;
                let state = state(&system).await;
                let is_scanning = state
                    .streams
                    .iter()
                    .any(|s| s.name == "users" && s.state != "caught-up");
                if is_scanning && counts(&system).await.activities > 0 {
                    let live = state
                        .streams
                        .iter()
                        .find(|s| s.name == "live-sharepoint")
                        .map(|s| s.state);
                    assert_eq!(live, Some("waiting"), "the gate is shut");
                    return;
                }
                assert!(
                    is_scanning || state.streams.len() < 3,
                    "{}",
                    show(&system).await
                );
            }
        };
        system.run(Until::Stopped, early).await.expect("a run");
    });
}

#[test]
fn a_paused_connection_is_left_alone_and_goes_on_where_it_was() {
    in_virtual_time(async {
        let world = World::new(small(4));
        let system = world.open();
        world.connect(&system, &["all"]).await;
        connect::pause(&system.ctx, &name()).await.expect("paused");
        let until = world.clock.now() + SignedDuration::from_hours(2);
        system
            .run(Until::Stopped, world.clock.sleep_until(until))
            .await
            .expect("a run");
        assert!(
            world.simulator.traffic().calls.is_empty(),
            "{:?}",
            world.simulator.traffic().calls
        );
        system
            .ctx
            .stopping
            .store(false, std::sync::atomic::Ordering::Relaxed);
        connect::resume(&system.ctx, &name())
            .await
            .expect("resumed");
        system
            .run(Until::CaughtUp, std::future::pending())
            .await
            .expect("a run");
        assert_eq!(state(&system).await.state, ConnectionState::Connected);
        assert_whole(&world, &system).await;
    });
}

#[test]
fn two_tenants_of_the_same_app_stand_side_by_side() {
    in_virtual_time(async {
        let world = World::new(small(5));
        let system = world.open();
        world.connect(&system, &["activities"]).await;
        let mut second = world.settings(&["users"]);
        second.id = "fabrikam".parse().expect("a valid name");
        let secret =
            casbah_model::secret::Secret::new(world.simulator.plan().client_secret.clone());
        connect::connect(&system.ctx, &second, &secret)
            .await
            .expect("connected");
        system
            .run(Until::CaughtUp, std::future::pending())
            .await
            .expect("a run");
        let all = casbah_pipeline::inventory::summaries(&system.ctx)
            .await
            .expect("summaries");
        let found: Vec<_> = all
            .iter()
            .map(|(name, found)| (name.as_str(), found.users, found.activities))
            .collect();
        let chosen = |activity: &&Activity| activity.feed != ContentType::AzureActiveDirectory;
        let expected = world
            .simulator
            .holds()
            .activities
            .iter()
            .filter(chosen)
            .count() as u64;
        assert_eq!(found, [("contoso", 0, expected), ("fabrikam", 60, 0)]);
    });
}

#[test]
fn a_name_that_belongs_to_another_tenant_is_refused() {
    in_virtual_time(async {
        let world = World::new(small(6));
        let system = world.open();
        world.connect(&system, &["users"]).await;
        let mut other = world.settings(&["users"]);
        let tenant = "11111111-2222-3333-4444-555555555555".to_string();
        other.app_settings.insert("tenant_id".into(), tenant);
        let secret = casbah_model::secret::Secret::new("x");
        let refused = connect::connect(&system.ctx, &other, &secret)
            .await
            .expect_err("refused");
        assert!(
            refused.to_string().contains("another tenant's data"),
            "{refused}"
        );
    });
}
