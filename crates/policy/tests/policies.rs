//! Policies as people write them, held against files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use casbah_model::app::App;
use casbah_model::file::Sharing;
use casbah_model::inspection::{Confidence, Finding};
use casbah_model::{SignedDuration, Timestamp};
use casbah_policy::{Detectable, Facts, Link, Policies};

const NOW: i64 = 1_777_888_800;

fn known() -> Vec<Detectable> {
    let all = [
        ("payment-card", "financial"),
        ("iban", "financial"),
        ("email-address", "personal"),
        ("date-of-birth", "personal"),
        ("us-ssn", "national-id"),
        ("diagnosis", "health"),
        ("aws-key", "secret"),
        ("password", "credential"),
    ];
    let named = all.into_iter().map(|(name, kind)| Detectable {
        name: name.into(),
        kind: kind.into(),
    });
    named.collect()
}

fn found(detector: &str, confidence: Confidence, distinct: u64) -> Finding {
    Finding {
        detector: detector.into(),
        confidence,
        count: 2 * distinct,
        distinct,
        samples: vec![],
    }
}

/// A private file of nobody in particular.
fn file() -> Facts<'static> {
    Facts {
        app: App::Microsoft365,
        address: "https://contoso.sharepoint.com/sites/hr/pay/list.xlsx",
        name: "list.xlsx",
        format: Some("zip"),
        owner: Some("ann@contoso.example"),
        sharing: Sharing::Private,
        link: None,
        people: &[],
        label: None,
        labels_told: true,
        bytes: Some(3 << 20),
        modified: Timestamp::from_second(NOW - 86_400 * 10).ok(),
        findings: Some(&[]),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// Names of what a file breaks.
fn broken(policies: &Policies, facts: &Facts<'_>) -> Vec<String> {
    let broken = policies.broken_by(facts, &["contoso.example"], now());
    broken
        .into_iter()
        .map(|broken| broken.policy.name.clone())
        .collect()
}

/// Whether the file of [`file`], as it is changed, breaks a policy with this condition.
fn breaks(condition: &str, facts: &Facts<'_>) -> bool {
    let text = format!(
        "shipped = []\n[[policy]]\nname = \"one\"\ntitle = \"One\"\nseverity = \"low\"\n{condition}\n"
    );
    let policies = Policies::read(&text, &known()).unwrap_or_else(|error| panic!("{error}"));
    !broken(&policies, facts).is_empty()
}

#[test]
fn a_private_file_breaks_nothing_that_comes_with_casbah() {
    let policies = Policies::shipped(&known()).unwrap();
    assert_eq!(policies.all().len(), 6);
    let all = [
        found("payment-card", Confidence::High, 100),
        found("aws-key", Confidence::High, 1),
    ];
    let facts = Facts {
        findings: Some(&all),
        ..file()
    };
    assert!(broken(&policies, &facts).is_empty());
    let within = Facts {
        sharing: Sharing::Internal,
        people: &["bob@contoso.example", "eve@lab.contoso.example"],
        ..facts
    };
    assert!(broken(&policies, &within).is_empty());
}

#[test]
fn what_anyone_can_read_is_judged_by_what_it_holds() {
    let policies = Policies::shipped(&known()).unwrap();
    for (findings, expected) in [
        (vec![], vec![]),
        (
            vec![found("payment-card", Confidence::Medium, 1)],
            vec!["public-payment-cards"],
        ),
        (vec![found("payment-card", Confidence::Low, 9)], vec![]),
        (
            vec![found("password", Confidence::High, 1)],
            vec!["public-secrets"],
        ),
        (vec![found("email-address", Confidence::High, 9)], vec![]),
        (
            vec![
                found("email-address", Confidence::High, 6),
                found("us-ssn", Confidence::Medium, 4),
            ],
            vec!["public-personal-data"],
        ),
        (vec![found("iban", Confidence::High, 50)], vec![]),
    ] {
        let facts = Facts {
            sharing: Sharing::PublicByLink,
            link: Some(Link::Anyone),
            findings: Some(&findings),
            ..file()
        };
        assert_eq!(broken(&policies, &facts), expected, "{findings:?}");
    }
}

#[test]
fn a_finding_says_why_and_not_what() {
    let policies = Policies::shipped(&known()).unwrap();
    let findings = [found("payment-card", Confidence::High, 12)];
    let facts = Facts {
        sharing: Sharing::PublicByLink,
        people: &["joe@GMail.com", "amy@other.example"],
        findings: Some(&findings),
        ..file()
    };
    let all = policies.broken_by(&facts, &["contoso.example"], now());
    let why: Vec<_> = all
        .iter()
        .map(|broken| (broken.policy.name.as_str(), broken.because.join("; ")))
        .collect();
    assert_eq!(
        why,
        [
            (
                "public-payment-cards",
                "public-by-link; payment-card: 12 different".into()
            ),
            ("shared-with-private-mail", "shared with GMail.com".into()),
            (
                "shared-with-unapproved-domain",
                "shared with GMail.com, other.example".to_string()
            ),
        ]
    );
    let proposed = all[0].policy.propose.map(|action| action.name());
    assert_eq!(proposed, Some("remove-link"));
}

#[test]
fn approved_domains_and_what_is_below_them_are_no_strangers() {
    let text =
        "shipped = [\"shared-with-unapproved-domain\"]\napproved_domains = [\"Partner.example\"]";
    let policies = Policies::read(text, &known()).unwrap();
    for (people, expected) in [
        (
            &["joe@partner.example", "amy@eu.partner.example"][..],
            false,
        ),
        (&["joe@notpartner.example"], true),
        (&["ann@contoso.example", "no address"], false),
        (&[], false),
    ] {
        let facts = Facts { people, ..file() };
        assert_eq!(
            !broken(&policies, &facts).is_empty(),
            expected,
            "{people:?}"
        );
    }
}

#[test]
fn a_file_fits_all_conditions_or_none() {
    let untold = Facts {
        labels_told: false,
        ..file()
    };
    let labelled = Facts {
        label: Some("Secret"),
        link: Some(Link::Organisation),
        ..file()
    };
    for (condition, facts, expected) in [
        ("apps = [\"box\", \"microsoft365\"]", file(), true),
        ("apps = [\"box\"]", file(), false),
        (
            "places = [\"https://contoso.sharepoint.com/sites/hr\"]",
            file(),
            true,
        ),
        (
            "places = [\"https://contoso.sharepoint.com/sites/hr/\"]",
            file(),
            true,
        ),
        (
            "places = [\"https://contoso.sharepoint.com/sites/h\"]",
            file(),
            false,
        ),
        ("owners = [\"ANN@contoso.example\"]", file(), true),
        ("owners = [\"@contoso.example\"]", file(), true),
        ("owners = [\"bob@contoso.example\"]", file(), false),
        ("types = [\"XLSX\"]", file(), true),
        ("types = [\"zip\"]", file(), true),
        ("types = [\"pdf\"]", file(), false),
        ("mb_min = 3\nmb_max = 3", file(), true),
        ("mb_min = 4", file(), false),
        ("mb_max = 2", file(), false),
        ("changed_within_days = 10", file(), true),
        ("changed_within_days = 9", file(), false),
        ("unchanged_for_days = 10", file(), true),
        ("unchanged_for_days = 11", file(), false),
        ("labels = \"any\"", labelled.clone(), true),
        ("labels = \"any\"", file(), false),
        ("labels = \"none\"", labelled.clone(), false),
        ("labels = \"none\"", file(), true),
        // Where the app tells no labels, nobody knows that it has none.
        ("labels = \"none\"", untold, false),
        ("labels = [\"Public\", \"Secret\"]", labelled.clone(), true),
        ("labels = [\"Public\"]", labelled.clone(), false),
        (
            "link = \"organisation\"\nlabels = \"any\"",
            labelled.clone(),
            true,
        ),
        ("link = \"anyone\"\nlabels = \"any\"", labelled, false),
        (
            "types = [\"xlsx\"]\nowners = [\"bob@contoso.example\"]",
            file(),
            false,
        ),
    ] {
        assert_eq!(breaks(condition, &facts), expected, "{condition}");
    }
}

#[test]
fn what_is_not_known_of_a_file_fits_no_condition_on_it() {
    let unknown = Facts {
        owner: None,
        bytes: None,
        modified: None,
        format: None,
        name: "list",
        ..file()
    };
    for condition in [
        "owners = [\"@contoso.example\"]",
        "mb_min = 0",
        "mb_max = 9",
        "changed_within_days = 30",
        "unchanged_for_days = 1",
        "types = [\"xlsx\"]",
    ] {
        assert!(!breaks(condition, &unknown), "{condition}");
    }
    // Clocks differ: a file may have been changed in what is the future here.
    let modified = now() + SignedDuration::from_mins(5);
    let fresh = Facts {
        modified: Some(modified),
        ..file()
    };
    assert!(breaks("changed_within_days = 1", &fresh));
    assert!(!breaks("unchanged_for_days = 1", &fresh));
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_name() {
    let policy = |rest: &str| {
        format!("[[policy]]\nname = \"one\"\ntitle = \"One\"\nseverity = \"low\"\n{rest}\n")
    };
    for (text, wanted) in [
        (policy(""), "\"one\": it says of no file"),
        (
            policy("types = [\"a\"]") + &policy("types = [\"a\"]"),
            "used twice",
        ),
        (policy("apps = [\"myspace\"]"), "\"myspace\" is not an app"),
        (
            policy("propose = \"explode\"\ntypes = [\"a\"]"),
            "\"explode\" is not an action",
        ),
        (policy("finds = { }"), "names no detector"),
        (
            policy("finds = { detectors = [\"nope\"] }"),
            "no detector with the name nope",
        ),
        (policy("finds = { kinds = [\"nope\"] }"), "of the kind nope"),
        (
            policy("finds = { kinds = [\"health\"], count_min = 0 }"),
            "at least 1",
        ),
        (policy("labels = \"some\""), "not \"some\""),
        (policy("labels = []"), "an empty list"),
        (policy("changed_within_days = 0"), "0 days"),
        (policy("unchanged_for_days = 99999"), "99999 days"),
        (policy("mb_min = 99999999999"), "MB is more than"),
        (policy("colour = \"red\""), "unknown field"),
        (
            "shipped = [\"nope\"]".into(),
            "\"nope\", which does not come",
        ),
        (
            "approved_domains = [\"a b.example\"]".into(),
            "\"a b.example\" is not a domain",
        ),
        (
            "private_mail = [\"example\"]".into(),
            "\"example\" is not a domain",
        ),
        (
            policy("types = [\"a\"]").replace("\"one\"", "\"One!\""),
            "small letters",
        ),
        (
            (0..201)
                .map(|n| policy("types = [\"a\"]").replace("one", &format!("n{n}")))
                .collect(),
            "200 are the most",
        ),
    ] {
        let error = Policies::read(&text, &known()).unwrap_err().to_string();
        assert!(error.contains(wanted), "\"{wanted}\" is not in: {error}");
    }
}
