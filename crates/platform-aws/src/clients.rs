//! The clients of the AWS services: one connection pool, one set of times, no call before the first use.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_types::SdkConfig;

use crate::settings::AwsSettings;

/// Within a region a connection takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A table or queue call takes tens of milliseconds; after this long the answer counts as lost.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// A raw object has up to about 16 MiB.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Tries of one call that may be repeated. More would take the time of the step that waits for it.
const TRIES_MAX: u32 = 3;

/// The roots that AWS endpoints are signed under, so that a start need not read all that a system trusts: that is most
/// of what a start costs (144 certificates). The list is that of Amazon Trust Services ("Repository", root CAs).
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");
/// Partitions whose endpoints may be signed by others.
const OTHER_PARTITIONS: &[&str] = &["cn-", "us-iso", "eu-isoe", "eusc-"];

#[derive(Clone, Debug)]
pub struct Clients {
    /// Reads of the table, which the SDK repeats.
    pub table_reads: aws_sdk_dynamodb::Client,
    /// Writes of the table, each of which is sent once.
    ///
    /// A conditional write that happened, but whose answer was lost, is refused by its own effect when it is sent
    /// again. The SDK would report that refusal, as if somebody else had been first; the pipeline has to know that the
    /// answer was lost, because it then looks whether the write was its own (pipeline design, section 6).
    pub table_writes: aws_sdk_dynamodb::Client,
    pub queues: aws_sdk_sqs::Client,
    pub objects: aws_sdk_s3::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub topics: aws_sdk_sns::Client,
}

impl Clients {
    pub fn new(settings: &AwsSettings) -> Clients {
        Clients::with_http_client(settings, http_client(&settings.region))
    }

    /// Clients over any HTTP client: tests give answers that no emulator gives.
    pub fn with_http_client(settings: &AwsSettings, http_client: SharedHttpClient) -> Clients {
        let config = &shared(settings, http_client);
        let endpoints = settings.endpoints.clone();
        let mut table = aws_sdk_dynamodb::config::Builder::from(config);
        table.set_endpoint_url(endpoints.dynamodb);
        let once = table.clone().retry_config(RetryConfig::disabled());
        let mut queues = aws_sdk_sqs::config::Builder::from(config);
        queues.set_endpoint_url(endpoints.sqs);
        let mut objects = aws_sdk_s3::config::Builder::from(config)
            .timeout_config(times(OBJECT_TIMEOUT))
            // Emulators have no host name per bucket.
            .force_path_style(endpoints.s3.is_some());
        objects.set_endpoint_url(endpoints.s3);
        let mut secrets = aws_sdk_secretsmanager::config::Builder::from(config);
        secrets.set_endpoint_url(endpoints.secrets_manager);
        let mut topics = aws_sdk_sns::config::Builder::from(config);
        topics.set_endpoint_url(endpoints.sns);
        Clients {
            table_reads: aws_sdk_dynamodb::Client::from_conf(table.build()),
            table_writes: aws_sdk_dynamodb::Client::from_conf(once.build()),
            queues: aws_sdk_sqs::Client::from_conf(queues.build()),
            objects: aws_sdk_s3::Client::from_conf(objects.build()),
            secrets: aws_sdk_secretsmanager::Client::from_conf(secrets.build()),
            topics: aws_sdk_sns::Client::from_conf(topics.build()),
        }
    }
}

fn shared(settings: &AwsSettings, http_client: SharedHttpClient) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(settings.credentials.clone()))
        .http_client(http_client)
        .timeout_config(times(CALL_TIMEOUT))
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES_MAX));
    config.set_app_name(settings.app_name.clone());
    config.build()
}

/// The same time for a connection everywhere: clients with other connection settings would not share the pool.
fn times(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .build()
}

fn http_client(region: &str) -> SharedHttpClient {
    let is_other = OTHER_PARTITIONS
        .iter()
        .any(|start| region.starts_with(start));
    let roots = if is_other {
        TrustStore::default()
    } else {
        amazon_roots().fold(TrustStore::empty(), TrustStore::with_pem_certificate)
    };
    let context = TlsContext::builder().with_trust_store(roots).build();
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context.expect("a context of certificates and nothing else is complete"))
        .build_https()
}

/// The certificates one by one, as the client wants them.
fn amazon_roots() -> impl Iterator<Item = &'static str> {
    const END: &str = "-----END CERTIFICATE-----\n";
    AMAZON_ROOTS
        .split_inclusive(END)
        .filter(|part| part.ends_with(END))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn each_certificate_of_ours_is_one_that_mozilla_trusts() {
        let trusted: Vec<&[u8]> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .map(AsRef::as_ref)
            .collect();
        let mut count = 0;
        for pem in amazon_roots() {
            let (_, body) = pem.split_once("-----BEGIN CERTIFICATE-----").expect("PEM");
            let (body, _) = body.split_once("-----END").expect("PEM");
            let der = STANDARD.decode(body.replace('\n', "")).expect("base64");
            assert!(trusted.contains(&der.as_slice()), "{pem}");
            count += 1;
        }
        assert_eq!(count, 5);
    }
}
