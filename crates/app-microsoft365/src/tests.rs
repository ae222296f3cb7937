//! The connector against its simulator, through the suite that every app must pass; and what a customer enters.

use std::collections::BTreeMap;
use std::sync::Arc;

use casbah_conformance::apps::{self, HUGE_BYTES, SimulatedTenant, Situation, Subject, Truth};
use casbah_model::app::{Component, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::ports::{Clock, Transport};
use casbah_model::secret::Secret;
use casbah_simulators::microsoft365::{Fault, FaultSettings, Plan, Simulator};

use super::*;

fn plan() -> Plan {
    Plan {
        huge_blob_bytes: HUGE_BYTES,
        listing_page: 7,
        drive_page: 10,
        ..Plan::new(7).sized(1_200, 2_000, 5_000)
    }
}

struct Simulated {
    simulator: Simulator,
    clock: Arc<dyn Clock>,
}

fn subject() -> Subject {
    Subject {
        connector: &MICROSOFT365,
        started: plan().started,
        tenant: |clock| {
            Box::new(Simulated {
                simulator: Simulator::new(plan(), clock.clone()),
                clock,
            })
        },
    }
}

impl Simulated {
    fn switch(&self, fault: Fault, settings: FaultSettings) -> bool {
        self.simulator.switch(fault, Some(settings));
        true
    }
}

impl SimulatedTenant for Simulated {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.simulator.clone())
    }

    fn settings(&self) -> ConnectionSettings {
        let plan = self.simulator.plan();
        let entered = [(TENANT_ID, &plan.tenant_id), (CLIENT_ID, &plan.client_id)];
        ConnectionSettings {
            id: "contoso".parse().expect("a name"),
            app: App::Microsoft365,
            components: Components::all(),
            tier: Default::default(),
            app_settings: entered
                .map(|(name, value)| (name.to_string(), value.clone()))
                .into(),
            endpoints: BTreeMap::new(),
        }
    }

    fn secret(&self) -> Secret {
        Secret::new(self.simulator.plan().client_secret.clone())
    }

    fn arrange(&self, situation: Situation) -> bool {
        let always = FaultSettings::always;
        match situation {
            Situation::CredentialRefused => self.switch(Fault::SecretExpired, always()),
            Situation::TokenDies => self.switch(Fault::TokenExpiresMidway, FaultSettings::times(1)),
            Situation::RightMissing(component) => {
                let role = match component {
                    // One right of many: without Directory.Read.All others do, so all go.
                    Component::Users | Component::AppPermissions => "",
                    Component::ManagementEvents
                    | Component::SignInEvents
                    | Component::Activities => "ActivityFeed.Read",
                    Component::Files => "Sites.Read.All",
                };
                let settings = always();
                let settings = if role.is_empty() {
                    settings
                } else {
                    settings.with_value(role)
                };
                self.switch(Fault::RolesShrink, settings)
            }
            Situation::Throttled(wait) => {
                let settings = FaultSettings::times(1).with_value(&wait.as_secs().to_string());
                self.switch(Fault::Graph429, settings)
            }
            Situation::DeadDirectoryCursor => self.switch(Fault::Directory410, always()),
            Situation::DeadFileCursor => self.switch(Fault::Drive410, always()),
            Situation::Repeats => {
                self.switch(Fault::DuplicateRecords, always());
                self.switch(Fault::DuplicateListing, always());
                self.switch(Fault::RootRepeated, always());
                self.switch(Fault::RepeatedItems, always())
            }
            Situation::NextLinkCircle => self.switch(Fault::NextLinkCircle, always()),
            Situation::ForeignNextLink => self.switch(Fault::ForeignNextLink, always()),
            Situation::NotJson => self.switch(Fault::NotJson, always()),
            Situation::Truncated => self.switch(Fault::TruncatedBody, FaultSettings::times(1)),
            Situation::UnknownEvents => {
                self.switch(Fault::UnknownRecordTypes, FaultSettings::probability(0.1))
            }
            Situation::EventsWithoutId => {
                self.switch(Fault::RecordWithoutId, FaultSettings::probability(0.1))
            }
            Situation::LargeEvent => {
                self.switch(Fault::RecordOf1mb, FaultSettings::probability(0.002))
            }
            Situation::HugeBundle => self.switch(Fault::HugeBlob, always()),
            Situation::BundlesGone => self.switch(Fault::BlobExpired, always()),
            Situation::FeedsOff => self.switch(Fault::FeedDisabled, always()),
            Situation::RootsGone => self.switch(Fault::DriveGone, always()),
        }
    }

    fn relax(&self) {
        for fault in Fault::ALL {
            self.simulator.switch(fault, None);
        }
    }

    fn truth(&self) -> Truth {
        let holds = self.simulator.holds();
        Truth {
            events: holds.activity_ids(self.clock.now()),
            kinds: holds
                .activities
                .iter()
                .map(|event| (event.id(), event.kind))
                .collect(),
            directory: BTreeMap::from([
                ("users", holds.user_ids.clone()),
                ("sign-in-times", holds.user_ids),
                ("groups", holds.group_ids),
                ("role-assignments", holds.role_assignment_ids),
                ("applications", holds.application_ids),
                ("delegated-grants", holds.delegated_grant_ids),
                ("app-grants", holds.app_role_assignment_ids),
            ]),
            roots: holds.drive_ids,
            files: holds.file_ids,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_connections() {
    apps::run(&subject(), apps::CONNECTION).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_the_directory() {
    apps::run(&subject(), apps::DIRECTORY).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_the_audit_trail() {
    apps::run(&subject(), apps::EVENTS).await;
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_files() {
    apps::run(&subject(), apps::FILES).await;
}

/// Settings with one value changed, or left out.
fn entered(name: &str, value: Option<&str>) -> ConnectionSettings {
    let tenant = (subject().tenant)(Arc::new(apps::VirtualClock::new(subject().started)));
    let mut settings = tenant.settings();
    match value {
        Some(value) => settings.app_settings.insert(name.into(), value.into()),
        None => settings.app_settings.remove(name),
    };
    settings
}

#[tokio::test(start_paused = true)]
async fn what_a_customer_enters_is_checked_by_name() {
    let refused = |name, value| {
        MICROSOFT365
            .check(&entered(name, value))
            .err()
            .map(|cause| cause.to_string())
    };
    assert_eq!(
        refused("publisher_id", Some("11111111-2222-3333-4444-555555555555")),
        None
    );
    assert_eq!(refused("credential", Some("certificate")), None);
    let domain = refused("tenant_id", Some("contoso.com")).expect("a domain name is no GUID");
    assert!(
        domain.contains("tenant_id \"contoso.com\" is not a GUID"),
        "{domain}"
    );
    let missing = refused("client_id", None).expect("client_id is required");
    assert!(missing.contains("client_id is missing"), "{missing}");
    let unknown = refused("tenant", Some("x")).expect("there is no such setting");
    assert!(
        unknown.contains("\"tenant\"") && unknown.contains("tenant_id, client_id"),
        "{unknown}"
    );
    assert!(refused("credential", Some("password")).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_consent_link_names_tenant_and_application() {
    let settings = entered("credential", None);
    let link = MICROSOFT365
        .permissions()
        .consent_link(&settings)
        .expect("a link");
    let (tenant, client) = (
        &settings.app_settings[TENANT_ID],
        &settings.app_settings[CLIENT_ID],
    );
    assert_eq!(
        link,
        format!("https://login.microsoftonline.com/{tenant}/adminconsent?client_id={client}")
    );
}

/// The same tenant, reached with a certificate instead of a secret.
struct Certified(Simulated);

const PEM: &str = include_str!("auth/test_certificate.pem");

impl SimulatedTenant for Certified {
    fn transport(&self) -> Arc<dyn Transport> {
        self.0.transport()
    }

    fn settings(&self) -> ConnectionSettings {
        let mut settings = self.0.settings();
        settings
            .app_settings
            .insert(CREDENTIAL.into(), "certificate".into());
        settings
    }

    fn secret(&self) -> Secret {
        Secret::new(PEM)
    }

    fn arrange(&self, situation: Situation) -> bool {
        match situation {
            // Certificates do not expire with the secrets; here the application is disabled instead.
            Situation::CredentialRefused => {
                self.0.switch(Fault::AppDisabled, FaultSettings::always())
            }
            other => self.0.arrange(other),
        }
    }

    fn relax(&self) {
        self.0.relax();
    }

    fn truth(&self) -> Truth {
        self.0.truth()
    }
}

#[tokio::test(start_paused = true)]
async fn the_suite_passes_for_connections_with_a_certificate() {
    let tenant = |clock: Arc<dyn Clock>| -> Box<dyn SimulatedTenant> {
        let certificate_thumbprint = Some("VnkdVuMabVDQJmAomWDgCvyfB9F1kqau0g8jSBELM6w".into());
        let plan = Plan {
            certificate_thumbprint,
            ..plan()
        };
        Box::new(Certified(Simulated {
            simulator: Simulator::new(plan, clock.clone()),
            clock,
        }))
    };
    apps::run(
        &Subject {
            tenant,
            ..subject()
        },
        apps::CONNECTION,
    )
    .await;
}
