//! Credentials in AWS Secrets Manager, one secret per connection.
//!
//! No error holds more than the service's code: its messages quote parts of a request that it found wrong.

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::delete_secret::DeleteSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use casbah_model::ports::{SecretError, SecretStore};
use casbah_model::secret::Secret;

use crate::clients::Clients;
use crate::trouble::code;

/// A deleted secret can be restored for this long: the least that AWS offers short of none at all.
///
/// None at all would make a mistaken or malicious deletion final. Nobody can read the value meanwhile (Secrets Manager
/// user guide, "Delete a secret"), and whoever connects again under the same name gets the name back.
const RECOVERY_DAYS: i64 = 7;

pub struct SecretsManager {
    client: Client,
    prefix: String,
    kms_key: Option<String>,
}

impl SecretsManager {
    pub fn new(clients: &Clients, prefix: &str, kms_key: Option<&str>) -> SecretsManager {
        SecretsManager {
            client: clients.secrets.clone(),
            prefix: prefix.into(),
            kms_key: kms_key.map(String::from),
        }
    }

    fn id(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn create(&self, name: &str, secret: &Secret) -> Result<Created, SecretError> {
        let call = self.client.create_secret().name(self.id(name));
        let call = call
            .set_kms_key_id(self.kms_key.clone())
            .secret_string(secret.reveal());
        match call.send().await {
            Ok(_) => Ok(Created::Yes),
            Err(error) => match error.as_service_error() {
                Some(CreateSecretError::ResourceExistsException(_)) => Ok(Created::Exists),
                // The name belongs to a secret that waits for the end of its recovery window.
                Some(CreateSecretError::InvalidRequestException(_)) => Ok(Created::Deleted),
                _ => Err(failure("create", &error)),
            },
        }
    }

    /// Adds a version to a secret that is there.
    async fn replace(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        let call = self.client.put_secret_value().secret_id(self.id(name));
        let call = call.secret_string(secret.reveal());
        call.send().await.map_err(|error| failure("put", &error))?;
        Ok(())
    }

    async fn restore(&self, name: &str) -> Result<(), SecretError> {
        let call = self.client.restore_secret().secret_id(self.id(name));
        call.send()
            .await
            .map_err(|error| failure("restore", &error))?;
        Ok(())
    }
}

enum Created {
    Yes,
    Exists,
    Deleted,
}

#[async_trait]
impl SecretStore for SecretsManager {
    /// A first credential is far more frequent than a new one, so that it is one call.
    async fn put(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        match self.create(name, secret).await? {
            Created::Yes => return Ok(()),
            Created::Exists => {}
            // The old value is back for the time between these two calls, under a name that only we read.
            Created::Deleted => self.restore(name).await?,
        }
        self.replace(name, secret).await
    }

    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let call = self.client.get_secret_value().secret_id(self.id(name));
        match call.send().await {
            Ok(answer) => {
                answer
                    .secret_string
                    .map(Secret::new)
                    .ok_or_else(|| SecretError::Unavailable {
                        reason: format!("the secret of {name} is no text"),
                    })
            }
            Err(error) => Err(match error.as_service_error() {
                Some(
                    GetSecretValueError::ResourceNotFoundException(_)
                    // It is deleted and waits for the end of its recovery window.
                    | GetSecretValueError::InvalidRequestException(_),
                ) => SecretError::NotFound { name: name.into() },
                _ => failure("get", &error),
            }),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), SecretError> {
        let call = self.client.delete_secret().secret_id(self.id(name));
        match call.recovery_window_in_days(RECOVERY_DAYS).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(
                    DeleteSecretError::ResourceNotFoundException(_)
                    | DeleteSecretError::InvalidRequestException(_),
                ) => Ok(()),
                _ => Err(failure("delete", &error)),
            },
        }
    }
}

/// Neither the error of the SDK nor its message goes further: either may hold the request or the answer.
fn failure<E: ProvideErrorMetadata>(
    attempt: &str,
    error: &SdkError<E, HttpResponse>,
) -> SecretError {
    SecretError::Unavailable {
        reason: format!("cannot {attempt} it in Secrets Manager: {}", code(error)),
    }
}
