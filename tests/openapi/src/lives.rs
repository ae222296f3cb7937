//! What is lived through so that every call of a connector is made: each app with each kind of credential, and each
//! fault of its simulator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use casbah_model::app::App;
use casbah_model::permission::Tier;
use casbah_model::ports::Clock;
use casbah_model::secret::Secret;
use casbah_model::{SignedDuration, Timestamp};
use casbah_simulators::simulated::{Setup, Simulated, Size, open};
use casbah_simulators::{box_com, microsoft365, okta};

use crate::course::Course;

/// Keys that the connectors' own tests sign with.
const OKTA_KEY: &str = include_str!("../../../crates/app-okta/src/auth/test_key.pem");
const BOX_KEY: &str = include_str!("../../../crates/app-box/src/auth/test_key_des3.pem");
const CERTIFICATE: &str =
    include_str!("../../../crates/app-microsoft365/src/auth/test_certificate.pem");
/// `x5t#S256` of that certificate.
const THUMBPRINT: &str = "VnkdVuMabVDQJmAomWDgCvyfB9F1kqau0g8jSBELM6w";

const ACTIVITIES_AN_HOUR: u64 = 120;

/// A tenant and how a connection to it signs in.
pub struct Tenant {
    pub simulated: Arc<dyn Simulated>,
    pub app_settings: BTreeMap<String, String>,
    pub secret: Secret,
}

/// The kinds of credential of an app; the first is the one that simulators name themselves.
pub fn credentials(app: App) -> &'static [&'static str] {
    match app {
        App::Microsoft365 => &["secret", "certificate"],
        App::Okta => &["api-token", "service-app", "service-app-with-proofs"],
        App::Box => &["secret", "key", "user"],
    }
}

/// The kind of credential with which faults are met: the one whose calls are the most.
pub fn credential_of_faults(app: App) -> &'static str {
    match app {
        App::Microsoft365 => "secret",
        App::Okta => "service-app-with-proofs",
        App::Box => "key",
    }
}

/// Users of a life without a fault: a second page of the longest list, which Okta cuts at 200. Elsewhere each user brings
/// calls for drives or folders, and pages are longer than any tenant for a test.
fn users(app: App) -> usize {
    match app {
        App::Okta => 220,
        App::Microsoft365 | App::Box => 40,
    }
}

/// There are many lives with a fault, and a call of each kind is enough.
const SMALL: Size = Size {
    seed: 11,
    users: 8,
    files: 12,
    activities: 40,
};

/// A tenant that is busy while it is read.
pub fn tenant(course: &Course, started: Timestamp, clock: Arc<dyn Clock>) -> Tenant {
    let whole = Size {
        seed: 11,
        users: users(course.app),
        files: 200,
        activities: 800,
    };
    let size = course.fault.map_or(whole, |_| SMALL);
    let setup = Setup {
        size,
        started,
        address: None,
        latency: Some(Duration::from_millis(20)),
        live_activities_per_hour: ACTIVITIES_AN_HOUR,
        tier: Tier::Observe,
    };
    match (course.app, course.credential) {
        (App::Microsoft365, "certificate") => with_certificate(&setup, clock),
        (App::Okta, kind @ ("service-app" | "service-app-with-proofs")) => {
            service_app(&setup, clock, kind != "service-app")
        }
        (App::Box, kind @ ("key" | "user")) => box_app(&setup, clock, kind),
        (app, _) => usual(&setup, app, clock),
    }
}

/// The tenant as its simulator offers it.
fn usual(setup: &Setup, app: App, clock: Arc<dyn Clock>) -> Tenant {
    let simulated = open(app, setup, clock);
    Tenant {
        app_settings: simulated.app_settings(),
        secret: simulated.secret(),
        simulated,
    }
}

fn with_certificate(setup: &Setup, clock: Arc<dyn Clock>) -> Tenant {
    let plan = microsoft365::Plan {
        started: setup.started,
        live_activities_per_hour: ACTIVITIES_AN_HOUR,
        certificate_thumbprint: Some(THUMBPRINT.into()),
        ..microsoft365::Plan::of_size(&setup.size)
    };
    let simulated = microsoft365::Simulator::new(plan, clock);
    Tenant {
        app_settings: changed(&simulated, &[("credential", "certificate")]),
        secret: Secret::new(CERTIFICATE),
        simulated: Arc::new(simulated),
    }
}

fn service_app(setup: &Setup, clock: Arc<dyn Clock>, has_proofs: bool) -> Tenant {
    let mut plan = okta::Plan {
        started: setup.started,
        live_activities_per_hour: ACTIVITIES_AN_HOUR,
        ..okta::Plan::of_size(&setup.size)
    };
    plan.client.is_dpop_required = has_proofs;
    let client = plan.client.clone();
    let simulated = okta::Simulator::new(plan, clock);
    let settings = [
        ("credential", "private-key"),
        ("client_id", &client.id),
        ("key_id", &client.key_id),
    ];
    Tenant {
        app_settings: changed(&simulated, &settings),
        secret: Secret::new(OKTA_KEY),
        simulated: Arc::new(simulated),
    }
}

fn box_app(setup: &Setup, clock: Arc<dyn Clock>, credential: &str) -> Tenant {
    let plan = box_com::Plan {
        started: setup.started,
        live_activities_per_hour: ACTIVITIES_AN_HOUR,
        // People outside own some of what is seen.
        external_folders: 5,
        late_share: 0.01,
        ..box_com::Plan::of_size(&setup.size)
    };
    let (client, enterprise) = (plan.client.clone(), plan.enterprise());
    let simulated = box_com::Simulator::new(plan, clock);
    if credential == "user" {
        let holds = simulated.holds();
        let admins = holds.users.iter();
        let admin = admins.filter(|(_, user)| user.role == box_com::Role::Admin);
        let (admin, _) = admin.min_by_key(|(id, _)| *id).expect("an admin");
        return Tenant {
            app_settings: changed(&simulated, &[("user_id", admin)]),
            secret: Secret::new(client.secret),
            simulated: Arc::new(simulated),
        };
    }
    let file = serde_json::json!({
        "boxAppSettings": {
            "clientID": client.id, "clientSecret": client.secret,
            "appAuth": {
                "publicKeyID": client.key_id, "passphrase": "invented-passphrase", "privateKey": BOX_KEY,
            },
        },
        "enterpriseID": enterprise,
    });
    Tenant {
        app_settings: changed(&simulated, &[("credential", "private-key")]),
        secret: Secret::new(file.to_string()),
        simulated: Arc::new(simulated),
    }
}

fn changed(tenant: &dyn Simulated, settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut all = tenant.app_settings();
    all.extend(
        settings
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into())),
    );
    all
}

/// How long a tenant with a fault is read.
pub const WITH_FAULT: SignedDuration = SignedDuration::from_mins(10);
/// How long one without is read after it was read whole.
pub const ON: SignedDuration = SignedDuration::from_hours(3);
