//! What Casbah did is told like what others did: a record of every kind of action, in every way that one can end.

use casbah_corpus::told;
use casbah_model::action::{ActionKind, Image};
use casbah_model::app::App;
use casbah_ocsf::Profile;
use casbah_ocsf::class::Class;
use casbah_pipeline::govern::record::Record;
use serde_json::Value;

const STEPS: [(&str, Option<&str>); 10] = [
    ("requested", None),
    ("approved", None),
    ("expired", None),
    ("applied", Some("verified")),
    ("applied", Some("already")),
    ("applied", Some("sent")),
    ("applied", Some("changed")),
    ("applied", Some("unsure")),
    ("undone", Some("verified")),
    ("ended", Some("failed")),
];

fn record(kind: ActionKind, (step, outcome): (&str, Option<&str>)) -> Record {
    let is_unit = outcome.is_some() && step != "ended";
    let image = |value: &str| is_unit.then(|| Image::default().with("status", value));
    Record {
        action: "a5d1c0ffee1234ab".parse().expect("an id"),
        kind,
        step: step.into(),
        at: "2026-05-16T10:05:00Z".parse().expect("a time"),
        by: "ann@contoso.example".into(),
        approved_by: Some("bob".into()),
        reason: Some("phished \"again\"".into()),
        unit: is_unit.then_some(3),
        target: is_unit.then(|| "b!drive/01ITEM".parse().expect("a target")),
        label: is_unit.then(|| "kim@contoso.example".into()),
        before: image("ACTIVE"),
        after: image("SUSPENDED"),
        outcome: outcome.map(Into::into),
        why: outcome.map(|_| "somebody else changed it".into()),
    }
}

/// The events of all of them.
pub(crate) fn events(profile: Profile) -> Vec<Vec<u8>> {
    let each = |kind| STEPS.map(|step| told(App::Okta, &record(kind, step).event(), profile));
    ActionKind::ALL.into_iter().flat_map(each).collect()
}

#[test]
fn an_action_is_a_remediation_by_whoever_asked_for_it() {
    for event in events(Profile::V1_3_0) {
        let event: Value = serde_json::from_slice(&event).expect("valid JSON");
        let class = event["class_uid"]
            .as_u64()
            .and_then(|uid| Class::of(uid as u32));
        assert!(
            matches!(class, Some(Class::Remediation | Class::FileRemediation)),
            "{event}"
        );
        assert_eq!(event["command_uid"], "a5d1c0ffee1234ab", "{event}");
        assert_eq!(
            event["actor"]["user"]["name"], "ann@contoso.example",
            "{event}"
        );
    }
}
