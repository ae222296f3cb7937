use casbah_model::app::Component;
use casbah_model::connection::Cause;

use super::*;
use crate::items::Position;

fn id() -> ConnectionId {
    "contoso".parse().expect("a valid name")
}

fn now() -> Timestamp {
    "2026-05-04T10:00:00Z".parse().expect("a valid time")
}

fn facts(state: ConnectionState) -> Facts {
    Facts {
        state,
        held: BTreeMap::new(),
        credential_expires: None,
        gaps: None,
    }
}

fn failed(code: &str) -> ConnectionState {
    ConnectionState::Failed {
        cause: Cause::new(code, "what", "fix"),
    }
}

/// Codes of what is told of one state after another.
fn course(states: &[Facts]) -> Vec<Vec<String>> {
    let mut told = What::default();
    let mut all = vec![];
    for facts in states {
        let (notices, next) = news(&id(), &told, facts, now());
        let (again, same) = news(&id(), &next, facts, now());
        assert_eq!((again, &same), (vec![], &next), "told twice");
        told = next;
        all.push(notices.into_iter().map(|notice| notice.code).collect());
    }
    all
}

#[test]
fn a_connection_that_works_is_no_news_until_it_did_not() {
    let states = [
        facts(ConnectionState::Pending),
        facts(ConnectionState::Connected),
        facts(failed("credential")),
        facts(failed("credential")),
        facts(failed("consent-revoked")),
        facts(ConnectionState::Pending),
        facts(ConnectionState::Connected),
        facts(ConnectionState::Paused),
        facts(ConnectionState::Connected),
    ];
    let expected: [&[&str]; 9] = [
        &[],
        &[],
        &["connection-failed"],
        &[],
        &["connection-failed"],
        &[],
        &["connection-recovered"],
        &[],
        &[],
    ];
    assert_eq!(course(&states), expected);
}

#[test]
fn what_a_component_lacks_is_told_once_for_each_difference() {
    let degraded = |pairs: &[(Component, &str)]| {
        let cause = |code: &str| Cause::new(code, "what", "fix");
        let causes = pairs.iter().map(|(one, code)| (*one, cause(code)));
        facts(ConnectionState::Degraded {
            causes: causes.collect(),
        })
    };
    let files = (Component::Files, "permission");
    let activities = (Component::Activities, "audit-off");
    let states = [
        degraded(&[files]),
        degraded(&[files, activities]),
        degraded(&[activities]),
        facts(ConnectionState::Connected),
    ];
    let expected = [
        ["connection-degraded"],
        ["connection-degraded"],
        ["connection-degraded"],
        ["connection-recovered"],
    ];
    assert_eq!(course(&states), expected);
}

#[test]
fn a_held_snapshot_is_told_of_and_another_one_too() {
    let holds = |collections: &[&str], seq| {
        let mut facts = facts(ConnectionState::Connected);
        for collection in collections {
            let held = Held {
                at: Position { ep: 1, seq },
                missing: 20,
                of: 60,
            };
            facts.held.insert((*collection).into(), held);
        }
        facts
    };
    let states = [
        holds(&["users"], 7),
        holds(&["users"], 8),
        holds(&["groups", "users"], 9),
        holds(&[], 9),
        holds(&["users"], 20),
    ];
    let held: &[&str] = &["snapshot-held"];
    assert_eq!(course(&states), [held, &[], held, &[], held]);
}

#[test]
fn a_credential_is_told_of_at_thirty_fourteen_three_and_no_days() {
    let mut told = What::default();
    let mut tell = |left_days: i64, expires: Timestamp| {
        let mut facts = facts(ConnectionState::Connected);
        facts.credential_expires = Some(expires);
        let now = expires - DAY * i32::try_from(left_days).expect("few days");
        let (notices, next) = news(&id(), &told, &facts, now);
        told = next;
        notices
            .into_iter()
            .map(|notice| notice.subject)
            .collect::<Vec<_>>()
    };
    let subject = |text: &str| vec![format!("Casbah: the credential of contoso {text}")];
    let first = now();
    assert_eq!(tell(31, first), [""; 0]);
    assert_eq!(tell(29, first), subject("ends in less than 30 days"));
    assert_eq!(tell(15, first), [""; 0]);
    assert_eq!(tell(13, first), subject("ends in less than 14 days"));
    assert_eq!(tell(14, first), [""; 0], "clocks differ");
    assert_eq!(tell(2, first), subject("ends in less than 3 days"));
    assert_eq!(tell(-1, first), subject("has ended"));
    let second = first + DAY * 365;
    assert_eq!(tell(365, second), [""; 0]);
    assert_eq!(tell(2, second), subject("ends in less than 3 days"));
}

#[test]
fn gaps_are_told_of_by_the_number_that_came_on_top() {
    let with = |count: usize| {
        let mut gaps = Gaps::default();
        for number in 0..count {
            let at = now() + SignedDuration::from_secs(number as i64);
            gaps.note(GapItem {
                stream: format!("live-{number}"),
                from: now(),
                to: at,
                why: "gone".into(),
                at,
            });
        }
        let mut facts = facts(ConnectionState::Connected);
        facts.gaps = Some(gaps);
        facts
    };
    let unseen = facts(ConnectionState::Connected);
    let expected: [&[&str]; 4] = [&["known-gap"], &[], &[], &["known-gap"]];
    assert_eq!(course(&[with(2), unseen, with(2), with(9)]), expected);
    let (notices, _) = news(&id(), &What::default(), &with(9), now());
    let text = &notices[0].text;
    assert!(
        text.contains("live-8") && !text.contains("live-3"),
        "{text}"
    );
}
