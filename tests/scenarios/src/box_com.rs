//! An enterprise of Box on its way through the chain: a log without bundles, and a stream beside it (decision 0009).

use std::collections::BTreeSet;

use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::ledger::verify;
use casbah_pipeline::{connect, inventory};
use casbah_simulators::box_com::{Choices, Fault, FaultSettings, OldPosition, Plan, Simulator};

use crate::deaths::live_and_die;
use crate::world::{World, assert_each_once, in_virtual_time, kept, name, run, started};

/// Busy enough for three pages of events an hour, in which many have the same time, and quick enough for a debug build.
fn small(seed: u64) -> Plan {
    Plan {
        history: SignedDuration::from_hours(3),
        started: started(),
        late_share: 0.01,
        ..Plan::new(seed).sized(60, 8, 60, 4_000)
    }
}

/// What happens while it is read, and little before.
fn live(seed: u64) -> Plan {
    Plan {
        live_activities_per_hour: 60,
        duplicate_share: 0.2,
        ..small(seed).sized(20, 4, 20, 60)
    }
}

type Enterprise = World<Simulator>;

pub fn enterprise(plan: Plan) -> Enterprise {
    World::of(plan.started, |clock| Simulator::new(plan, clock))
}

/// Everything that happened until a time is in the lake, once, when a process comes back a day later.
async fn assert_whole_after_a_day(enterprise: &Enterprise, until: Timestamp) {
    let next_day = until + SignedDuration::from_hours(26);
    enterprise.clock.sleep_until(next_day).await;
    let holds = enterprise.simulator.holds();
    let happened = holds.activities.iter();
    let happened = happened.filter(|event| event.created < until);
    let there = happened.map(|event| event.id.clone()).collect();
    let system = enterprise.open();
    run(&system).await;
    assert_each_once(&system, &there).await;
}

/// Ids of the events that `admin_logs` has by now.
fn logged(enterprise: &Enterprise) -> BTreeSet<String> {
    let holds = enterprise.simulator.holds();
    holds.logged_ids(enterprise.clock.now())
}

/// Ids of the events that the stream had shown at a time and `admin_logs` had not.
fn ahead(enterprise: &Enterprise, streamed: Timestamp, logged: Timestamp) -> BTreeSet<String> {
    let holds = enterprise.simulator.holds();
    let shown = holds.streamed_ids(streamed);
    &shown - &holds.logged_ids(logged)
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[test]
fn an_enterprise_is_read_whole_and_the_ledger_closes() {
    in_virtual_time(async {
        let enterprise = enterprise(small(1));
        let there = logged(&enterprise);
        let chosen = ["users", "activities", "sign-in-events", "management-events"];
        let system = enterprise.caught_up_with(&chosen).await;
        assert_each_once(&system, &there).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        let connection = connection.expect("a connection");
        let found = inventory::summary(&system.ctx, &connection).await;
        let found = found.expect("a summary");
        let holds = enterprise.simulator.holds();
        assert_eq!(
            found.users + found.applications,
            holds.users.len() as u64,
            "users and accounts of apps"
        );
    });
}

/// What is new is there before its window is read, once, although the stream repeats and the log shows it again.
#[test]
fn the_stream_shows_what_is_new_within_minutes_and_nothing_is_doubled() {
    in_virtual_time(async {
        let enterprise = enterprise(Plan {
            log_delay: SignedDuration::from_hours(1),
            live_activities_per_hour: 120,
            ..live(2)
        });
        let system = enterprise.open();
        enterprise.connect(&system, &["activities"]).await;
        enterprise.run_for(&system, MINUTE * 45).await;
        let now = enterprise.clock.now();
        let found: BTreeSet<String> = kept(&system).await.into_iter().collect();
        let begun = started() + MINUTE * 10;
        let holds = enterprise.simulator.holds();
        let new = ahead(&enterprise, now - MINUTE * 3, now);
        let new = holds
            .activities
            .iter()
            .filter(|event| event.created > begun && new.contains(&event.id));
        let new: BTreeSet<String> = new.map(|event| event.id.clone()).collect();
        assert!(new.len() > 20, "only {} events are ahead", new.len());
        assert_eq!(new.difference(&found).count(), 0, "of {}", new.len());
        drop(system);
        // The log shows the same events hours later.
        assert_whole_after_a_day(&enterprise, now).await;
    });
}

#[test]
fn events_that_are_stored_a_day_late_are_found_by_the_last_reading() {
    in_virtual_time(async {
        let enterprise = enterprise(Plan {
            choices: Choices {
                old_position: OldPosition::Refused,
                ..Choices::default()
            },
            ..live(4)
        });
        let late = FaultSettings::probability(0.3).with_value("1200");
        enterprise.simulator.switch(Fault::LateEvents, Some(late));
        let lost = FaultSettings::always();
        enterprise.simulator.switch(Fault::LostInStream, Some(lost));
        let system = enterprise.open();
        enterprise.connect(&system, &["activities"]).await;
        enterprise.run_for(&system, MINUTE * 80).await;
        let until = enterprise.clock.now();
        let recent = until - MINUTE * 30;
        let holds = enterprise.simulator.holds();
        let happened = holds.activities.iter();
        let happened = happened.filter(|event| event.created < recent);
        let there: BTreeSet<String> = happened.map(|event| event.id.clone()).collect();
        let found: BTreeSet<String> = kept(&system).await.into_iter().collect();
        assert!(there.difference(&found).count() > 0, "no event was late");
        drop(system);
        // A day in which nothing runs costs no time here, and shows that the past is read again after an outage.
        let next_day = until + SignedDuration::from_hours(26);
        enterprise.clock.sleep_until(next_day).await;
        let system = enterprise.open();
        run(&system).await;
        assert_each_once(&system, &there).await;
    });
}

/// Three weeks later the position that the chain stopped at is older than the stream.
#[test]
fn a_chain_goes_on_after_weeks_in_which_nothing_ran() {
    in_virtual_time(async {
        let enterprise = enterprise(Plan {
            live_activities_per_hour: 6,
            choices: Choices {
                old_position: OldPosition::Refused,
                ..Choices::default()
            },
            ..live(5)
        });
        let system = enterprise.open();
        enterprise.connect(&system, &["activities"]).await;
        enterprise.run_for(&system, MINUTE * 40).await;
        drop(system);
        let later = enterprise.clock.now() + SignedDuration::from_hours(21 * 24);
        enterprise.clock.sleep_until(later).await;
        let system = enterprise.open();
        enterprise
            .run_for(&system, SignedDuration::from_hours(4))
            .await;
        let settled = enterprise.clock.now() - SignedDuration::from_hours(2);
        let holds = enterprise.simulator.holds();
        // Listings reach back seven days; what is older is written down as a gap.
        let reach = later - SignedDuration::from_hours(6 * 24);
        let happened = holds.activities.iter();
        let happened = happened.filter(|event| {
            event.created > reach && event.created < settled && event.logged < settled
        });
        let there: BTreeSet<String> = happened.map(|event| event.id.clone()).collect();
        assert!(there.len() > 100, "only {} events", there.len());
        assert_each_once(&system, &there).await;
    });
}

#[test]
fn a_process_that_dies_between_pages_neither_loses_nor_doubles_an_event() {
    for seed in 1..=3 {
        in_virtual_time(async {
            let enterprise = enterprise(small(seed));
            let there = logged(&enterprise);
            let lives = live_and_die(&enterprise, &["activities"], seed, 120).await;
            assert!(lives >= 3, "only {lives} deaths");
            let system = enterprise.open();
            assert_each_once(&system, &there).await;
            let verified = verify(&system.ctx, None).await.expect("objects");
            let found = (verified.repeated, verified.faults);
            assert_eq!(found, (0, vec![]), "seed {seed}");
        });
    }
}

/// Whatever becomes of the chains, the log is read, and nobody calls without end.
#[test]
fn positions_that_die_cost_no_event_and_few_calls() {
    in_virtual_time(async {
        let enterprise = enterprise(live(6));
        let dies = FaultSettings::probability(0.5);
        enterprise.simulator.switch(Fault::DeadPosition, Some(dies));
        let lost = FaultSettings::probability(0.5);
        enterprise.simulator.switch(Fault::LostInStream, Some(lost));
        let system = enterprise.open();
        enterprise.connect(&system, &["activities"]).await;
        enterprise.run_for(&system, MINUTE * 90).await;
        let calls: u64 = enterprise.simulator.traffic().calls.values().sum();
        assert!(calls < 3_000, "{calls} calls in 90 minutes");
        drop(system);
        enterprise.simulator.switch(Fault::DeadPosition, None);
        let until = enterprise.clock.now();
        assert_whole_after_a_day(&enterprise, until).await;
    });
}
