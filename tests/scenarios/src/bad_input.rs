//! What bad input gets: a message that says what happened and what to do, and nothing lost.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use casbah_model::connection::{Cause, ConnectionState};
use casbah_model::ports::Transport;
use casbah_model::secret::Secret;
use casbah_model::transport::{Request, Response, TransportError};
use casbah_pipeline::connect;
use casbah_pipeline::status::connections;
use casbah_platform_local::{Ended, LocalSystem, Until};
use casbah_simulators::microsoft365::{Fault, FaultSettings, Plan};

use crate::world::{World, assert_whole, books, counts, in_virtual_time, show, small, state};

async fn run(system: &LocalSystem) -> Ended {
    system.run(Until::CaughtUp, pending()).await.expect("a run")
}

/// Connects under the given faults and reads until nothing is left.
async fn under(plan: Plan, faults: &[(Fault, FaultSettings)]) -> (World, LocalSystem, Ended) {
    let world = World::new(plan);
    for (fault, settings) in faults {
        world.simulator.switch(*fault, Some(settings.clone()));
    }
    let system = world.open();
    world.connect(&system, &["all"]).await;
    let ended = run(&system).await;
    for (fault, _) in faults {
        let struck = world.simulator.traffic().faults;
        assert!(
            struck.get(fault).is_some_and(|times| *times > 0),
            "{fault:?} never happened: {struck:?}"
        );
    }
    (world, system, ended)
}

#[test]
fn what_passes_by_itself_costs_time_and_nothing_else() {
    let times = FaultSettings::times;
    let faults = [
        (Fault::Throttle403, times(4)),
        (Fault::Throttle429, times(4)),
        (Fault::Graph429, times(6)),
        (Fault::Unavailable503, times(4)),
        (Fault::Plain500, times(7)),
        (Fault::Plain502, times(7)),
        (Fault::Timeout, times(7)),
        (Fault::TruncatedBody, FaultSettings::probability(0.02)),
        (Fault::TokenExpiresMidway, FaultSettings::probability(0.004)),
        (Fault::NotJson, FaultSettings::probability(0.02)),
        (Fault::ExpiredPageToken, times(1)),
        (Fault::EmptyPage, times(5)),
        (Fault::NextPageAlias, FaultSettings::always()),
        (Fault::DuplicateListing, FaultSettings::always()),
        (Fault::DuplicateRecords, FaultSettings::probability(0.2)),
        (Fault::RepeatedItems, FaultSettings::probability(0.3)),
        (Fault::RootRepeated, FaultSettings::always()),
        (Fault::UnknownRecordTypes, FaultSettings::probability(0.2)),
        (Fault::AlreadyEnabled, FaultSettings::always()),
    ];
    for (number, (fault, settings)) in faults.into_iter().enumerate() {
        in_virtual_time(async {
            let mut plan = small(20 + number as u64);
            // Small pages, so that everything that happens between pages happens.
            plan.listing_page = 7;
            plan.drive_page = 5;
            plan.users = 250;
            let (world, system, ended) = under(plan, &[(fault, settings)]).await;
            assert_eq!(
                ended,
                Ended::CaughtUp,
                "{}\n{}",
                fault.name(),
                show(&system).await
            );
            println!("{}", fault.name());
            assert_whole(&world, &system).await;
        });
    }
}

#[test]
fn copies_of_a_record_are_counted_and_kept_once() {
    in_virtual_time(async {
        let faults = [(Fault::DuplicateRecords, FaultSettings::probability(0.5))];
        let (world, system, _) = under(small(50), &faults).await;
        let total = books(&system)
            .await
            .totals
            .iter()
            .map(|total| total.tally.duplicate)
            .sum::<u64>();
        assert!(
            total > 0 && total >= world.simulator.holds().duplicates.min(1),
            "{total}"
        );
        assert_whole(&world, &system).await;
        let verified = casbah_pipeline::ledger::verify(&system.ctx, None)
            .await
            .expect("objects");
        assert_eq!(verified.repeated, 0);
    });
}

#[test]
fn a_bundle_that_the_provider_lost_is_written_down_and_the_ledger_closes() {
    for fault in [Fault::BlobExpired, Fault::BlobVanished] {
        in_virtual_time(async {
            let (_, system, ended) = under(small(51), &[(fault, FaultSettings::times(3))]).await;
            assert_eq!(ended, Ended::CaughtUp);
            let ledger = books(&system).await;
            let lost: u64 = ledger.totals.iter().map(|total| total.tally.lost).sum();
            assert_eq!((lost, ledger.closes), (3, true));
            assert_eq!(state(&system).await.gaps.len(), 3);
        });
    }
}

#[test]
fn records_without_id_and_of_a_megabyte_are_kept() {
    for fault in [Fault::RecordWithoutId, Fault::RecordOf1mb] {
        in_virtual_time(async {
            let (world, system, _) = under(small(52), &[(fault, FaultSettings::times(3))]).await;
            let found = counts(&system).await.activities;
            assert!(found >= world.simulator.plan().activities as u64, "{found}");
            assert!(books(&system).await.closes);
        });
    }
}

fn cause(state: &ConnectionState) -> &Cause {
    match state {
        ConnectionState::Failed { cause } => cause,
        other => panic!("the connection is {other:?}"),
    }
}

#[test]
fn a_credential_that_is_refused_stops_the_connection_and_says_why() {
    let faults = [
        (Fault::SecretExpired, "expired"),
        (Fault::AppRemoved, "consent"),
        (Fault::AppDisabled, "disabled"),
    ];
    for (fault, word) in faults {
        in_virtual_time(async {
            let (world, system, ended) =
                under(small(53), &[(fault, FaultSettings::always())]).await;
            assert_eq!(ended, Ended::InTrouble);
            let shown = cause(&state(&system).await.state).to_string();
            assert!(shown.contains(word), "{}: {shown}", fault.name());
            assert!(
                !shown.contains(&world.simulator.plan().client_secret),
                "{shown}"
            );
            assert!(
                world.simulator.traffic().calls.values().sum::<u64>() < 10,
                "a storm of logins"
            );
        });
    }
}

#[test]
fn a_wrong_secret_and_a_wrong_tenant_are_told_apart() {
    in_virtual_time(async {
        let world = World::new(small(54));
        let system = world.open();
        let wrong = Secret::new("wrong-secret-value");
        connect::connect(&system.ctx, &world.settings(&["users"]), &wrong)
            .await
            .expect("taken in");
        assert_eq!(run(&system).await, Ended::InTrouble);
        let shown = cause(&state(&system).await.state).to_string();
        assert!(
            shown.contains("secret") && !shown.contains("wrong-secret-value"),
            "{shown}"
        );
        // The right one mends it, without a restart.
        world.connect(&system, &["users"]).await;
        assert_eq!(
            run(&system).await,
            Ended::CaughtUp,
            "{}",
            show(&system).await
        );

        let world = World::new(small(55));
        let system = world.open();
        let mut settings = world.settings(&["users"]);
        let tenant = "00000000-1111-2222-3333-444444444444".to_string();
        settings.app_settings.insert("tenant_id".into(), tenant);
        let secret = Secret::new(world.simulator.plan().client_secret.clone());
        connect::connect(&system.ctx, &settings, &secret)
            .await
            .expect("taken in");
        assert_eq!(run(&system).await, Ended::InTrouble);
        let shown = cause(&state(&system).await.state).to_string();
        assert!(shown.contains("tenant"), "{shown}");
    });
}

#[test]
fn a_missing_right_stops_its_component_and_no_other() {
    in_virtual_time(async {
        let mut plan = small(56);
        plan.roles
            .retain(|role| !matches!(role.as_str(), "Sites.Read.All" | "Files.Read.All"));
        let world = World::new(plan);
        let system = world.open();
        world.connect(&system, &["all"]).await;
        assert_eq!(run(&system).await, Ended::InTrouble);
        let state = state(&system).await;
        let ConnectionState::Degraded { causes } = &state.state else {
            panic!("{:?}", state.state)
        };
        let components: Vec<_> = causes.keys().map(|component| component.name()).collect();
        assert_eq!(components, ["files"]);
        let shown = causes.values().next().expect("a cause").to_string();
        assert!(
            shown.contains("Sites.Read.All") && shown.contains("adminconsent"),
            "{shown}"
        );
        let found = counts(&system).await;
        assert_eq!((found.activities, found.files), (1_200, 0));
    });
}

#[test]
fn without_users_the_others_go_on() {
    in_virtual_time(async {
        let mut plan = small(57);
        plan.roles
            .retain(|role| !matches!(role.as_str(), "User.Read.All" | "Directory.Read.All"));
        let world = World::new(plan);
        let system = world.open();
        world.connect(&system, &["all"]).await;
        assert_eq!(
            run(&system).await,
            Ended::InTrouble,
            "{}",
            show(&system).await
        );
        let found = counts(&system).await;
        assert_eq!(
            (found.users, found.activities, found.files),
            (0, 1_200, 300),
            "{}",
            show(&system).await
        );
    });
}

#[test]
fn a_right_that_is_taken_away_while_users_are_scanned_holds_up_nothing_else() {
    in_virtual_time(async {
        let mut plan = small(64);
        // Long enough to be interrupted in the middle of the list.
        plan.users = 12_000;
        plan.latency.min = std::time::Duration::from_secs(2);
        plan.latency.max = std::time::Duration::from_secs(3);
        plan.roles.retain(|role| role != "Directory.Read.All");
        let world = World::new(plan);
        let system = world.open();
        world.connect(&system, &["users", "activities"]).await;
        let until = world.clock.now() + casbah_model::SignedDuration::from_secs(40);
        system
            .run(Until::Stopped, world.clock.sleep_until(until))
            .await
            .expect("a run");
        system.ctx.stopping.store(false, Ordering::Relaxed);
        assert_eq!(counts(&system).await.users, 0, "no list is complete yet");
        let lost = FaultSettings::always().with_value("User.Read.All");
        world.simulator.switch(Fault::RolesShrink, Some(lost));
        system.ctx.tokens.forget("contoso.1");
        assert_eq!(
            run(&system).await,
            Ended::InTrouble,
            "{}",
            show(&system).await
        );
        // Within the hour the test finds the right missing, and the gate opens without users.
        let until = world.clock.now() + casbah_model::SignedDuration::from_hours(2);
        system
            .run(Until::Stopped, world.clock.sleep_until(until))
            .await
            .expect("a run");
        let found = counts(&system).await;
        assert_eq!(found.users, 0);
        assert!(found.activities > 800, "{}", show(&system).await);
    });
}

#[test]
fn what_a_tenant_told_once_is_not_forgotten_when_it_tells_no_more() {
    in_virtual_time(async {
        let world = World::new(small(65));
        let system = world.open();
        world.connect(&system, &["all"]).await;
        assert_eq!(run(&system).await, Ended::CaughtUp);
        let domains = async || {
            let connections = connections(&system.ctx).await.expect("connections");
            let report = connections[0].report.clone().expect("a test");
            (report.tested, report.tenant.domains)
        };
        let (tested, told) = domains().await;
        assert!(!told.is_empty());
        // Without any right the tenant does not say which domains are its own.
        let lost = FaultSettings::always();
        world.simulator.switch(Fault::RolesShrink, Some(lost));
        system.ctx.tokens.forget("contoso.1");
        let until = world.clock.now() + casbah_model::SignedDuration::from_hours(13);
        system
            .run(Until::Stopped, world.clock.sleep_until(until))
            .await
            .expect("a run");
        let (again, known) = domains().await;
        assert!(again > tested, "no test since");
        assert_eq!(known, told, "all of its people would be strangers");
    });
}

#[test]
fn a_link_in_a_circle_ends_in_trouble_and_not_in_a_loop() {
    in_virtual_time(async {
        let world = World::new(small(58));
        world
            .simulator
            .switch(Fault::NextLinkCircle, Some(FaultSettings::always()));
        let system = world.open();
        world.connect(&system, &["users"]).await;
        let until = world.clock.now() + casbah_model::SignedDuration::from_mins(10);
        let stop = world.clock.sleep_until(until);
        system.run(Until::CaughtUp, stop).await.expect("a run");
        let calls: u64 = world.simulator.traffic().calls.values().sum();
        assert!(calls < 2_000, "{calls} calls in ten minutes");
    });
}

/// Notes the hosts that were called, and whether a token went with it.
struct Hosts {
    inner: Arc<dyn Transport>,
    is_strayed: AtomicBool,
}

#[async_trait]
impl Transport for Hosts {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let known = [
            "https://login.microsoftonline.com/",
            "https://graph.microsoft.com/",
            "https://manage.office.com/",
        ];
        if !known.iter().any(|host| request.url.starts_with(host)) {
            self.is_strayed.store(true, Ordering::Relaxed);
        }
        self.inner.send(request).await
    }
}

#[test]
fn a_link_to_another_host_is_never_followed() {
    in_virtual_time(async {
        let mut plan = small(59);
        plan.listing_page = 5;
        plan.drive_page = 5;
        let world = World::new(plan);
        world
            .simulator
            .switch(Fault::ForeignNextLink, Some(FaultSettings::times(6)));
        let hosts = Arc::new(Hosts {
            inner: Arc::clone(&world.simulator) as _,
            is_strayed: AtomicBool::new(false),
        });
        let system = world.open_with(Arc::clone(&hosts) as _);
        world.connect(&system, &["all"]).await;
        run(&system).await;
        assert!(
            world
                .simulator
                .traffic()
                .faults
                .contains_key(&Fault::ForeignNextLink)
        );
        assert!(!hosts.is_strayed.load(Ordering::Relaxed));
        assert_whole(&world, &system).await;
    });
}

#[test]
fn a_feed_that_is_switched_off_stops_no_other_and_comes_back() {
    in_virtual_time(async {
        let settings = FaultSettings::always().with_value("Audit.Exchange");
        let (world, system, ended) = under(small(61), &[(Fault::FeedDisabled, settings)]).await;
        assert_eq!(ended, Ended::InTrouble);
        let found = counts(&system).await.activities;
        assert!(found > 600 && found < 1_200, "{found}");
        let state = state(&system).await;
        let parked = state
            .streams
            .iter()
            .find(|stream| stream.name == "back-exchange")
            .expect("a stream");
        assert!(parked.trouble.is_some(), "{}", show(&system).await);
        world.simulator.switch(Fault::FeedDisabled, None);
        let until = world.clock.now() + casbah_model::SignedDuration::from_hours(2);
        system
            .run(Until::Stopped, world.clock.sleep_until(until))
            .await
            .expect("a run");
        assert_whole(&world, &system).await;
    });
}

#[test]
fn drives_that_are_gone_or_locked_are_named_and_the_rest_is_read() {
    for fault in [Fault::DriveGone, Fault::SiteLocked] {
        in_virtual_time(async {
            let world = World::new(small(62));
            let system = world.caught_up().await;
            let before = counts(&system).await;
            world.simulator.switch(fault, Some(FaultSettings::times(2)));
            let until = world.clock.now() + casbah_model::SignedDuration::from_hours(13);
            system
                .run(Until::Stopped, world.clock.sleep_until(until))
                .await
                .expect("a run");
            assert!(
                world.simulator.traffic().faults.contains_key(&fault),
                "{}",
                fault.name()
            );
            let state = state(&system).await;
            let sweep = state.file_sweep.expect("a sweep");
            assert!(
                sweep.run == "files-000002" && sweep.ended.is_some(),
                "{sweep:?}"
            );
            assert_eq!(
                counts(&system).await.files,
                before.files,
                "what was known stays"
            );
            assert!(books(&system).await.closes);
        });
    }
}

#[test]
fn drives_that_never_answer_do_not_keep_a_sweep_open() {
    for fault in [Fault::SiteLocked, Fault::Drive410] {
        in_virtual_time(async {
            let world = World::new(small(65));
            let system = world.caught_up().await;
            world
                .simulator
                .switch(fault, Some(FaultSettings::probability(0.3)));
            let calls_before: u64 = world.simulator.traffic().calls.values().sum();
            let until = world.clock.now() + casbah_model::SignedDuration::from_hours(50);
            system
                .run(Until::Stopped, world.clock.sleep_until(until))
                .await
                .expect("a run");
            let sweep = state(&system).await.file_sweep.expect("a sweep");
            assert!(
                sweep.run.as_str() >= "files-000004",
                "{}: {sweep:?}",
                fault.name()
            );
            let calls: u64 = world.simulator.traffic().calls.values().sum();
            assert!(
                calls - calls_before < 60_000,
                "{}: {calls} calls",
                fault.name()
            );
            assert!(books(&system).await.closes);
        });
    }
}

#[test]
fn a_tenant_without_a_premium_licence_works_without_sign_in_times() {
    in_virtual_time(async {
        let (world, system, _) =
            under(small(63), &[(Fault::NoPremium, FaultSettings::always())]).await;
        assert_whole(&world, &system).await;
    });
}
