//! The environment of a function, read once when its process starts.
//!
//! Nothing else reads the environment, so this file is the list of what the template must set.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::{AppName, Credentials};
use casbah_model::SignedDuration;
use casbah_model::message::Stage;
use casbah_pipeline::Profile;
use casbah_pipeline::govern::Policy;

use crate::policy;

/// Lambda kills a function after 15 minutes at the latest (Lambda developer guide, "Lambda quotas").
const FUNCTION_SECONDS_MAX: i64 = 900;
/// Pipeline design, section 7.
const FUNCTION_SECONDS: i64 = 120;
const NAMESPACE: &str = "Casbah";

#[derive(Clone, Debug)]
pub struct Settings {
    /// The function's name, in logs.
    pub function: String,
    pub table: String,
    pub bucket: String,
    pub secrets_prefix: String,
    /// For new secrets; without it they are encrypted with the key that AWS manages.
    pub kms_key: Option<String>,
    /// Addresses of the queues this function sends to.
    pub queues: BTreeMap<Stage, String>,
    /// Where notices go; only the function that tells people has it.
    pub topic: Option<String>,
    pub function_limit: SignedDuration,
    pub loopback: Loopback,
    /// The version that events are written in.
    pub ocsf: Profile,
    /// What actions take a second person.
    pub policy: Policy,
    pub log: tracing::Level,
    pub metrics_namespace: String,
    pub aws: AwsSettings,
}

/// Where AWS is, and who calls it.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    pub region: String,
    /// Lambda gives the role's credentials in the environment; its `Debug` hides what is secret.
    pub credentials: Credentials,
    /// Who calls, for logs of the other side.
    pub app_name: Option<AppName>,
    pub endpoints: Endpoints,
}

/// Addresses of emulators, by the rules of the SDKs (AWS SDKs reference guide, "Service-specific endpoints").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    pub dynamodb: Option<String>,
    pub s3: Option<String>,
    pub secrets_manager: Option<String>,
    pub sns: Option<String>,
    pub sqs: Option<String>,
}

/// Whether vendors' endpoints may be on this machine. In Lambda they may not: there the loopback address is the
/// Runtime API (Lambda developer guide, "Runtime API"), which no connection may be pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    Refused,
    Allowed,
}

/// Everything that is missing or wrong, in one message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment of this function is not complete: {}", .0.join("; "))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the process starts"
    )]
    pub fn from_environment() -> Result<Settings, SettingsError> {
        Settings::read(|name| std::env::var(name).ok())
    }

    /// Reads settings from any list of names and values. An empty value counts as none, since templates cannot leave
    /// a variable out.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let mut reader = Reader {
            lookup,
            troubles: vec![],
        };
        let settings = Settings {
            function: reader
                .optional("AWS_LAMBDA_FUNCTION_NAME")
                .unwrap_or_else(|| "casbah".into()),
            table: reader.required("CASBAH_TABLE"),
            bucket: reader.required("CASBAH_BUCKET"),
            secrets_prefix: reader.required("CASBAH_SECRETS_PREFIX"),
            kms_key: reader.optional("CASBAH_KMS_KEY"),
            queues: reader.queues(),
            topic: reader.optional("CASBAH_TOPIC"),
            function_limit: reader.function_limit(),
            loopback: reader.loopback(),
            ocsf: reader.ocsf(),
            policy: reader.policy(),
            log: reader.log(),
            metrics_namespace: reader
                .optional("CASBAH_METRICS_NAMESPACE")
                .unwrap_or_else(|| NAMESPACE.into()),
            aws: reader.aws(),
        };
        if reader.troubles.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError(reader.troubles))
        }
    }
}

/// The variable that holds the address of a stage's queue.
pub fn queue_variable(stage: Stage) -> String {
    let name = stage.name().replace('-', "_").to_uppercase();
    format!("CASBAH_QUEUE_{name}")
}

struct Reader<F> {
    lookup: F,
    troubles: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.troubles.push(format!("{name} is not set"));
            String::new()
        })
    }

    fn queues(&self) -> BTreeMap<Stage, String> {
        let address = |stage| Some((stage, self.optional(&queue_variable(stage))?));
        Stage::ALL.into_iter().filter_map(address).collect()
    }

    fn function_limit(&mut self) -> SignedDuration {
        let name = "CASBAH_FUNCTION_SECONDS";
        let Some(text) = self.optional(name) else {
            return SignedDuration::from_secs(FUNCTION_SECONDS);
        };
        match text.parse() {
            Ok(seconds) if (1..=FUNCTION_SECONDS_MAX).contains(&seconds) => {
                SignedDuration::from_secs(seconds)
            }
            _ => {
                let range = format!("1 to {FUNCTION_SECONDS_MAX}");
                self.troubles
                    .push(format!("{name} is {text:?}, not a number from {range}"));
                SignedDuration::ZERO
            }
        }
    }

    fn loopback(&mut self) -> Loopback {
        match self.optional("CASBAH_LOOPBACK").as_deref() {
            None => Loopback::Refused,
            Some("allow") => Loopback::Allowed,
            Some(other) => {
                self.troubles.push(format!(
                    "CASBAH_LOOPBACK is {other:?}; the only value is \"allow\""
                ));
                Loopback::Refused
            }
        }
    }

    fn ocsf(&mut self) -> Profile {
        let name = "CASBAH_OCSF_VERSION";
        let Some(text) = self.optional(name) else {
            return Profile::default();
        };
        text.parse().unwrap_or_else(|error| {
            self.troubles.push(format!("{name} is {text:?}; {error}"));
            Profile::default()
        })
    }

    fn policy(&mut self) -> Policy {
        let lookup = |name: &str| (self.lookup)(name).filter(|value| !value.is_empty());
        policy::read(lookup, &mut self.troubles)
    }

    fn log(&mut self) -> tracing::Level {
        let Some(text) = self.optional("CASBAH_LOG") else {
            return tracing::Level::INFO;
        };
        text.parse().unwrap_or_else(|_| {
            self.troubles.push(format!(
                "CASBAH_LOG is {text:?}, not error, warn, info, debug or trace"
            ));
            tracing::Level::INFO
        })
    }

    fn aws(&mut self) -> AwsSettings {
        let region = self
            .optional("AWS_REGION")
            .or_else(|| self.optional("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_else(|| self.required("AWS_REGION"));
        let id = self.required("AWS_ACCESS_KEY_ID");
        let secret = self.required("AWS_SECRET_ACCESS_KEY");
        let token = self.optional("AWS_SESSION_TOKEN");
        AwsSettings {
            region,
            credentials: Credentials::new(id, secret, token, None, "environment"),
            app_name: self.app_name(),
            endpoints: self.endpoints(),
        }
    }

    fn app_name(&mut self) -> Option<AppName> {
        let name = "AWS_SDK_UA_APP_ID";
        let text = self.optional(name)?;
        let parsed = AppName::new(text.clone()).ok();
        if parsed.is_none() {
            self.troubles
                .push(format!("{name} is {text:?}, which has odd characters"));
        }
        parsed
    }

    fn endpoints(&self) -> Endpoints {
        if self
            .optional("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .as_deref()
            == Some("true")
        {
            return Endpoints::default();
        }
        let all = self.optional("AWS_ENDPOINT_URL");
        let of = |service: &str| {
            self.optional(&format!("AWS_ENDPOINT_URL_{service}"))
                .or_else(|| all.clone())
        };
        Endpoints {
            dynamodb: of("DYNAMODB"),
            s3: of("S3"),
            secrets_manager: of("SECRETS_MANAGER"),
            sns: of("SNS"),
            sqs: of("SQS"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: &[(&str, &str)] = &[
        ("AWS_LAMBDA_FUNCTION_NAME", "STACK-sweep"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_SESSION_TOKEN", "hunter3"),
        ("CASBAH_TABLE", "table"),
        ("CASBAH_BUCKET", "bucket"),
        ("CASBAH_SECRETS_PREFIX", "casbah/STACK/"),
        ("CASBAH_QUEUE_USER_SCAN", "https://sqs/user-scan"),
        ("CASBAH_KMS_KEY", ""),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let find = |list: &[(&str, &str)], name: &str| {
            let found = list.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_string())
        };
        Settings::read(|name| find(changes, name).or_else(|| find(COMPLETE, name)))
    }

    #[test]
    fn a_complete_environment_is_read_and_the_rest_has_defaults() {
        let settings = read(&[]).expect("complete");
        assert_eq!(settings.function_limit, SignedDuration::from_secs(120));
        assert_eq!(settings.loopback, Loopback::Refused);
        assert_eq!(settings.ocsf, Profile::V1_3_0);
        assert_eq!(settings.kms_key, None, "an empty value is none");
        assert_eq!(settings.queues[&Stage::UserScan], "https://sqs/user-scan");
        assert_eq!(settings.queues.len(), 1);
        assert_eq!(settings.aws.endpoints, Endpoints::default());
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let error = read(&[
            ("CASBAH_TABLE", ""),
            ("AWS_REGION", ""),
            ("CASBAH_FUNCTION_SECONDS", "2m"),
            ("CASBAH_LOOPBACK", "yes"),
            ("CASBAH_OCSF_VERSION", "1.4.0"),
            ("CASBAH_LOG", "loud"),
            ("CASBAH_APPROVAL", "sometimes"),
            ("AWS_SDK_UA_APP_ID", "a b"),
        ])
        .expect_err("eight troubles")
        .to_string();
        for name in [
            "CASBAH_TABLE is not set",
            "AWS_REGION is not set",
            "CASBAH_FUNCTION_SECONDS is \"2m\"",
            "CASBAH_LOOPBACK is \"yes\"",
            "CASBAH_OCSF_VERSION is \"1.4.0\"; events are written in OCSF 1.3.0 or 1.8.0",
            "CASBAH_LOG is \"loud\"",
            "CASBAH_APPROVAL is \"sometimes\"",
            "AWS_SDK_UA_APP_ID is \"a b\"",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn events_are_written_in_the_version_that_is_set() {
        for profile in Profile::ALL {
            let settings = read(&[("CASBAH_OCSF_VERSION", profile.version())]);
            assert_eq!(settings.expect("complete").ocsf, profile);
        }
    }

    #[test]
    fn an_endpoint_of_one_service_goes_before_the_one_of_all() {
        let endpoints = [
            ("AWS_ENDPOINT_URL", "http://all"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://table"),
        ];
        let found = read(&endpoints).expect("complete").aws.endpoints;
        assert_eq!(found.dynamodb.as_deref(), Some("http://table"));
        assert_eq!(found.s3.as_deref(), Some("http://all"));
    }

    #[test]
    fn settings_can_be_shown_without_showing_credentials() {
        let shown = format!("{:?}", read(&[]).expect("complete"));
        assert!(
            !shown.contains("hunter2") && !shown.contains("hunter3"),
            "{shown}"
        );
    }
}
