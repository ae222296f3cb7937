//! The whole catalogue against the profiles: every record type, and every operation.

use casbah_app_microsoft365::catalog;
use casbah_corpus::mapped;
use casbah_model::app::App;
use casbah_ocsf::{Profile, class};
use serde_json::{Value, json};

/// A bare record of each type and of each operation.
pub(crate) fn records() -> Vec<Vec<u8>> {
    let types =
        catalog::record_types().map(|(number, _)| (number, "Something strange".to_string()));
    let operations = catalog::operations().flat_map(|(operation, _)| {
        // Where it is likely to be recorded.
        [4, 6, 8, 2, 25].map(|number| (number, operation.to_string()))
    });
    let cmdlets = catalog::cmdlets().map(|name| match name.contains('-') {
        true => (1, name.to_string()),
        false => (1, format!("{name}-Something")),
    });
    let record = |(number, operation): (i64, String)| {
        let record = json!({
            "Id": format!("{number}-{operation}"), "CreationTime": "2026-05-16T09:58:14", "Operation": operation,
            "RecordType": number, "UserId": "ann@contoso.com", "UserType": 0,
        });
        record.to_string().into_bytes()
    };
    types.chain(operations).chain(cmdlets).map(record).collect()
}

#[test]
fn there_are_249_record_types_and_those_that_were_listed_before() {
    assert_eq!(catalog::record_types().count(), 249 + 6);
}

#[test]
fn every_record_type_and_operation_has_a_class_and_an_activity() {
    let known = |profile| {
        let deeds = casbah_model::event::Deed::all();
        let activities = deeds
            .into_iter()
            .map(move |deed| class::activity(deed, profile));
        activities
            .map(|activity| activity.type_uid())
            .collect::<Vec<_>>()
    };
    for profile in Profile::ALL {
        let known = known(profile);
        for raw in records() {
            let event = mapped(App::Microsoft365, &raw, profile).expect("an event");
            let event: Value = serde_json::from_slice(&event).expect("valid JSON");
            let type_uid = event["type_uid"].as_u64().expect("a type");
            assert!(known.contains(&(type_uid as u32)), "{event}");
        }
    }
}

#[test]
fn only_operations_without_a_verb_are_other() {
    let is_other = |deed| class::activity(deed, Profile::V1_3_0).id == class::OTHER;
    let others = catalog::operations().filter(|(_, deed)| is_other(*deed));
    let others: Vec<&str> = others.map(|(operation, _)| operation).collect();
    let expected = [
        "GroupUpdated",
        "CopilotInteraction",
        "TeamSettingChanged",
        "Update group.",
    ];
    assert!(
        others.iter().all(|name| expected.contains(name)),
        "{others:?}"
    );
}
