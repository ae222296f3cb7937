//! What Casbah found is told like what vendors find: a finding of every severity, in every way that one can stand.

use casbah_corpus::told;
use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::file::Sharing;
use casbah_model::record::RecordId;
use casbah_ocsf::Profile;
use casbah_pipeline::findings::{Acceptance, Finding};
use casbah_policy::{Severity, Standing};
use serde_json::Value;

const SEVERITIES: [Severity; 5] = [
    Severity::Informational,
    Severity::Low,
    Severity::Medium,
    Severity::High,
    Severity::Critical,
];

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn finding(severity: Severity, standing: Standing, is_named: bool) -> Finding {
    let since = time("2026-05-16T10:05:00Z");
    let name = is_named.then(|| "Pay \"2026\".xlsx".to_string());
    Finding {
        id: "0123456789abcdef-fedcba9876543210".into(),
        standing,
        policy: "public-secrets".into(),
        title: "Anyone can read keys or passwords".into(),
        severity,
        file: RecordId::new("b!drive/01ITEM"),
        address: name
            .as_ref()
            .map(|name| format!("https://contoso.example/{name}")),
        name,
        sharing: Sharing::PublicByLink,
        because: vec!["public-by-link".into(), "aws-key: 2 different".into()],
        propose: Some("remove-link".into()),
        since,
        changed: match standing {
            Standing::New => since,
            _ => time("2026-05-18T11:05:00.25Z"),
        },
        accepted: (standing == Standing::Accepted).then(|| Acceptance {
            by: "ann@contoso.example".into(),
            at: since,
            reason: "keys of a test".into(),
        }),
    }
}

/// The events of all of them.
pub(crate) fn events(profile: Profile) -> Vec<Vec<u8>> {
    let mut all = vec![];
    for severity in SEVERITIES {
        for standing in Standing::ALL {
            for is_named in [true, false] {
                let finding = finding(severity, standing, is_named);
                all.push(told(App::Microsoft365, &finding.event(), profile));
            }
        }
    }
    all
}

#[test]
fn a_finding_is_a_data_security_finding_with_its_state() {
    for (standing, activity, status) in [
        (Standing::New, 1, "New"),
        (Standing::Open, 2, "In Progress"),
        (Standing::Accepted, 2, "Suppressed"),
        (Standing::FixedByUs, 3, "Resolved"),
        (Standing::FixedByOwner, 3, "Resolved"),
        (Standing::Withdrawn, 3, "Resolved"),
    ] {
        let finding = finding(Severity::High, standing, true);
        let event = told(App::Microsoft365, &finding.event(), Profile::V1_3_0);
        let event: Value = serde_json::from_slice(&event).expect("valid JSON");
        assert_eq!(
            (&event["class_uid"], &event["activity_id"], &event["status"]),
            (&2006.into(), &activity.into(), &status.into()),
            "{event}"
        );
        assert_eq!(event["finding_info"]["uid"], finding.id.as_str());
        assert_eq!(event["severity"], "High");
        assert_eq!(event["unmapped"]["standing"], standing.name());
    }
}
