//! An org of Okta on its way through the chain: the same stages, and a log without bundles (decision 0008).

use std::collections::BTreeSet;

use casbah_model::SignedDuration;
use casbah_model::app::{Component, Components};
use casbah_pipeline::inventory;
use casbah_pipeline::ledger::verify;
use casbah_pipeline::{StageError, connect};
use casbah_simulators::okta::{Fault, FaultSettings, Plan, Simulator};
use casbah_simulators::simulated::Simulated;

use crate::deaths::live_and_die;
use crate::world::{World, assert_each_once, in_virtual_time, kept, name, run, started};

/// Busy enough for three pages of events an hour, and quick enough for a debug build.
fn small(seed: u64) -> Plan {
    Plan {
        history: SignedDuration::from_hours(3),
        started: started(),
        late_share: 0.01,
        ..Plan::new(seed).sized(60, 8, 7_000)
    }
}

type Org = World<Simulator>;

fn org(plan: Plan) -> Org {
    World::of(plan.started, |clock| Simulator::new(plan, clock))
}

/// Ids of the events that could be read by now.
fn events(org: &Org) -> BTreeSet<String> {
    org.simulator.holds().activity_ids(org.clock.now())
}

const ALL: &[&str] = &["users", "activities", "sign-in-events", "app-permissions"];

#[test]
fn an_org_is_read_whole_and_the_ledger_closes() {
    in_virtual_time(async {
        let org = org(small(1));
        let there = events(&org);
        let system = org.caught_up_with(ALL).await;
        assert_each_once(&system, &there).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        let connection = connection.expect("a connection");
        let found = inventory::summary(&system.ctx, &connection)
            .await
            .expect("a summary");
        let holds = org.simulator.holds();
        assert_eq!(found.users, holds.users.len() as u64, "users");
        assert_eq!(
            found.applications,
            holds.applications.len() as u64,
            "applications"
        );
        let grants = holds.app_grants.len()
            + holds.user_grants.len()
            + holds.refresh_tokens.len()
            + holds.api_tokens.len();
        assert_eq!(found.grants, grants as u64, "grants");
    });
}

#[test]
fn events_that_are_stored_hours_late_are_found_by_a_later_reading() {
    in_virtual_time(async {
        let org = org(Plan {
            live_activities_per_hour: 30,
            ..small(2).sized(20, 4, 60)
        });
        let late = FaultSettings::probability(0.3).with_value("240");
        org.simulator.switch(Fault::LateEvents, Some(late));
        let system = org.open();
        org.connect(&system, &["activities"]).await;
        let until = org.clock.now() + SignedDuration::from_mins(80);
        org.run_for(&system, SignedDuration::from_mins(80)).await;
        let recent = until - SignedDuration::from_mins(20);
        let holds = org.simulator.holds();
        let published = holds.activities.iter();
        let published = published.filter(|event| event.published < recent);
        let there: BTreeSet<String> = published.map(|event| event.uuid.clone()).collect();
        let found: BTreeSet<String> = kept(&system).await.into_iter().collect();
        assert!(there.difference(&found).count() > 0, "no event was late");
        drop(system);
        // A day in which nothing runs costs no time here, and shows that the past is read again after an outage.
        org.clock
            .sleep_until(until + SignedDuration::from_hours(26))
            .await;
        let system = org.open();
        run(&system).await;
        assert_each_once(&system, &there).await;
    });
}

#[test]
fn a_process_that_dies_between_pages_neither_loses_nor_doubles_an_event() {
    for seed in 1..=3 {
        in_virtual_time(async {
            let org = org(small(seed));
            let there = events(&org);
            let lives = live_and_die(&org, &["activities"], seed, 300).await;
            assert!(lives >= 3, "only {lives} deaths");
            let system = org.open();
            assert_each_once(&system, &there).await;
            let verified = verify(&system.ctx, None).await.expect("objects");
            assert_eq!(
                (verified.repeated, verified.faults),
                (0, vec![]),
                "seed {seed}"
            );
        });
    }
}

#[test]
fn all_means_what_the_app_has_and_what_it_has_not_cannot_be_named() {
    in_virtual_time(async {
        let org = org(small(1).sized(5, 1, 20));
        let system = org.open();
        org.connect(&system, &["all"]).await;
        let connection = connect::find(&system.ctx, &name()).await.expect("a table");
        let chosen = connection.expect("a connection").settings.components;
        assert_eq!(chosen, Components::all().without(&[Component::Files]));
        let named = org.settings(&["activities", "files"]);
        let refused = connect::connect(&system.ctx, &named, &org.simulator.secret()).await;
        match refused {
            Err(StageError::Refused(cause)) => {
                assert_eq!(cause.what, "files cannot be chosen: Okta has no files");
            }
            other => panic!("{other:?}"),
        }
    });
}
