//! Cases about settings, credentials and rights.

use std::collections::BTreeSet;

use casbah_connector::{ConnectorError, Recovery};
use casbah_model::SignedDuration;
use casbah_model::app::Component;
use casbah_model::permission::{Grants, Tier, compare};
use casbah_model::ports::Clock;

use super::{Bench, Case, Situation};

pub const CASES: &[Case] = &[
    (
        "settings are accepted as they are meant, and an unknown one is named",
        |bench| Box::pin(settings(bench)),
    ),
    (
        "a test of a complete connection finds nothing missing",
        |bench| Box::pin(complete(bench)),
    ),
    (
        "a refused credential stops the connection with a cause",
        |bench| Box::pin(credential(bench)),
    ),
    (
        "a missing right refuses its component and no other",
        |bench| Box::pin(missing_rights(bench)),
    ),
    (
        "errors and causes hold nothing of the credential",
        |bench| Box::pin(silent(bench)),
    ),
];

async fn settings(bench: &Bench) {
    let settings = bench.tenant.settings();
    bench
        .connector
        .check(&settings)
        .expect("the tenant's own settings are right");
    let mut odd = settings.clone();
    odd.app_settings.insert("flavour".into(), "sweet".into());
    let refused = bench
        .connector
        .check(&odd)
        .expect_err("there is no such setting");
    assert!(refused.what.contains("flavour"), "{refused}");
    for name in settings.app_settings.keys() {
        let mut empty = settings.clone();
        empty.app_settings.insert(name.clone(), "\u{7f}".into());
        let refused = bench
            .connector
            .check(&empty)
            .expect_err("a control character is no value");
        assert!(
            refused.to_string().contains(name.as_str()),
            "{name}: {refused}"
        );
    }
}

/// What a test finds: components whose rights are missing, and those that were refused.
async fn tested(bench: &Bench) -> (Grants, BTreeSet<Component>) {
    let source = bench.connector.permissions();
    let granted = source.granted(&bench.interactive(), &Component::ALL).await;
    let granted =
        granted.unwrap_or_else(|error| panic!("a test says what is wrong: {}", error.chain()));
    for cause in granted.refused.values() {
        assert!(
            !cause.code.is_empty() && !cause.what.is_empty() && !cause.fix.is_empty(),
            "{cause:?}"
        );
    }
    // What a vendor does not tell is not missing.
    let grants = granted.permissions.map_or_else(Grants::default, |granted| {
        compare(&granted, source.needs(), Tier::Observe, |_| true)
    });
    (grants, granted.refused.into_keys().collect())
}

async fn complete(bench: &Bench) {
    let (grants, refused) = tested(bench).await;
    assert_eq!((grants.missing, refused), (vec![], BTreeSet::new()));
    bench.connect().await;
    let known = bench
        .known
        .lock()
        .expect("nobody panics while writing a tenant")
        .clone();
    assert!(
        !known.id.is_empty() && !known.domains.is_empty(),
        "{known:?}"
    );
    bench.assert_no_stranger_was_called();
}

async fn credential(bench: &Bench) {
    if !bench.arrange(Situation::CredentialRefused) {
        return;
    }
    let tested = bench
        .connector
        .permissions()
        .granted(&bench.interactive(), &Component::ALL)
        .await;
    let error = tested.expect_err("the credential is refused");
    let Recovery::FailConnection(cause) = error.recovery() else {
        panic!("{}", error.chain())
    };
    assert!(!cause.code.is_empty() && !cause.fix.is_empty(), "{cause:?}");
    let calls = bench.transport.calls().len();
    assert!(
        calls <= 2,
        "a refused credential is no reason to call {calls} times"
    );
    let first = &bench.connector.users().collections()[0];
    let error = bench
        .page(first, None)
        .await
        .expect_err("the credential is refused");
    assert!(
        matches!(error, ConnectorError::Unauthorized { .. }),
        "{}",
        error.chain()
    );
}

async fn missing_rights(bench: &Bench) {
    for component in Component::ALL {
        if !bench.arrange(Situation::RightMissing(component)) {
            continue;
        }
        let (grants, refused) = tested(bench).await;
        let lacking: BTreeSet<_> = grants
            .missing
            .iter()
            .filter(|missing| missing.is_required)
            .map(|missing| missing.component)
            .collect();
        assert!(lacking.contains(&component), "{component}: {grants:?}");
        assert!(
            refused.contains(&component),
            "{component} cannot work and its probe should say so"
        );
        assert!(
            refused.is_subset(&lacking),
            "{component}: {refused:?} are refused and {lacking:?} lack something"
        );
        bench.tenant.relax();
        // Calls that somebody waits for have a small limit, and nobody tests six times in a second.
        let soon = bench.clock.now() + SignedDuration::from_mins(1);
        bench.clock.sleep_until(soon).await;
    }
    let (_, refused) = tested(bench).await;
    assert_eq!(
        refused,
        BTreeSet::new(),
        "a right that was given is seen by the next test"
    );
}

async fn silent(bench: &Bench) {
    let secret = bench.tenant.secret();
    for situation in [
        Situation::CredentialRefused,
        Situation::RightMissing(Component::Users),
        Situation::NotJson,
    ] {
        if !bench.arrange(situation) {
            continue;
        }
        let tested = bench
            .connector
            .permissions()
            .granted(&bench.interactive(), &Component::ALL)
            .await;
        let said = match &tested {
            Ok(granted) => format!("{granted:?}"),
            Err(error) => format!("{} {error:?}", error.chain()),
        };
        assert!(!said.contains(secret.reveal()), "{situation:?}");
        bench.tenant.relax();
    }
}
