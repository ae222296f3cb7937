//! Objects in S3: written once under a name that is free, with a checksum that S3 verifies.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use casbah_model::ports::{Mark, ObjectError, ObjectStore, TableStore};

use crate::clients::Clients;
use crate::trouble::{Outcome, outcome, words};

/// Names in one listing (S3 API reference, `ListObjectsV2`, `MaxKeys`).
const LIST_MAX: usize = 1000;
/// S3 answers so when an object has the name already (S3 user guide, "Conditional writes").
const PRECONDITION_FAILED: u16 = 412;

pub struct S3Objects {
    client: Client,
    bucket: String,
}

impl S3Objects {
    pub fn new(clients: &Clients, bucket: &str) -> S3Objects {
        S3Objects {
            client: clients.objects.clone(),
            bucket: bucket.into(),
        }
    }

    /// Reads an object and its entity tag.
    async fn fetch(&self, name: &str) -> Result<(Bytes, Option<String>), ObjectError> {
        check_name(name)?;
        let call = self.client.get_object().bucket(&self.bucket).key(name);
        // With this the SDK compares what arrives with the checksum that the object was put with.
        let call = call.checksum_mode(ChecksumMode::Enabled);
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetObjectError::is_no_such_key) =>
            {
                return Err(ObjectError::NotFound { name: name.into() });
            }
            Err(error) => return Err(failure(name, &error)),
        };
        let tag = answer.e_tag;
        let content = answer.body.collect().await;
        content
            .map(|content| (content.into_bytes(), tag))
            .map_err(|error| ObjectError::Unavailable {
                name: name.into(),
                reason: format!("its content broke off or is damaged: {error}"),
            })
    }

    /// Compares with the object that has the name: after a lost answer it is the one that was just put.
    async fn settle(&self, name: &str, content: &Bytes) -> Result<(), ObjectError> {
        match ObjectStore::get(self, name).await {
            Ok(found) if found == *content => Ok(()),
            Ok(_) => Err(ObjectError::Different { name: name.into() }),
            // Somebody deleted it in this moment: the next try decides.
            Err(ObjectError::NotFound { name }) => Err(ObjectError::Unavailable {
                name,
                reason: "it was there and is gone".into(),
            }),
            Err(error) => Err(error),
        }
    }
}

/// Objects of tables. S3 tells one state of an object from another by its entity tag, and compares (S3 user guide,
/// "Conditional writes": `If-Match`).
#[async_trait]
impl TableStore for S3Objects {
    async fn get(&self, name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        match self.fetch(name).await {
            Ok((content, Some(tag))) => Ok(Some((content, Mark(tag)))),
            Ok((_, None)) => Err(ObjectError::Unusable {
                reason: format!("object {name} has no entity tag"),
            }),
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        over: Option<&Mark>,
    ) -> Result<(), ObjectError> {
        check_name(name)?;
        let call = self.client.put_object().bucket(&self.bucket).key(name);
        let call = match over {
            Some(Mark(tag)) => call.if_match(tag),
            None => call.if_none_match("*"),
        };
        let call = call
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(content.into());
        match call.send().await {
            Ok(_) => Ok(()),
            // 404: what was to be replaced is not there any more.
            Err(error)
                if status(&error) == Some(PRECONDITION_FAILED)
                    || (over.is_some() && status(&error) == Some(404) && !is_bucket(&error)) =>
            {
                Err(ObjectError::Different { name: name.into() })
            }
            Err(error) => Err(failure(name, &error)),
        }
    }
}

#[async_trait]
impl ObjectStore for S3Objects {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        check_name(name)?;
        let call = self.client.put_object().bucket(&self.bucket).key(name);
        let call = call
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(content.clone().into());
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(PRECONDITION_FAILED) => {
                self.settle(name, &content).await
            }
            Err(error) => Err(failure(name, &error)),
        }
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.fetch(name).await.map(|(content, _)| content)
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        let mut names: Vec<String> = Vec::new();
        let mut token = None;
        // Each page but the last brings at least one name.
        while names.len() < limit {
            let rest = (limit - names.len()).min(LIST_MAX);
            let call = self.client.list_objects_v2().bucket(&self.bucket);
            let call = call
                .prefix(prefix)
                .set_start_after(after.filter(|after| !after.is_empty()).map(String::from))
                .set_continuation_token(token.take())
                .max_keys(i32::try_from(rest).expect("a thousand at most"));
            let page = call.send().await.map_err(|error| failure(prefix, &error))?;
            let found = page.contents.into_iter().flatten();
            names.extend(found.filter_map(|object| object.key));
            token = page.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
        Ok(names)
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        check_name(name)?;
        let call = self.client.delete_object().bucket(&self.bucket).key(name);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(404) && !is_bucket(&error) => Ok(()),
            Err(error) => Err(failure(name, &error)),
        }
    }
}

/// Names that a folder cannot hold are refused here too, so that a bucket can be copied to one.
fn check_name(name: &str) -> Result<(), ObjectError> {
    let is_odd = |segment: &str| ["", ".", ".."].contains(&segment);
    if name.split('/').any(is_odd) {
        return Err(ObjectError::Unusable {
            reason: format!("{name:?} cannot be the name of an object"),
        });
    }
    Ok(())
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

fn is_bucket<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("NoSuchBucket")
}

/// A put that may have happened is put again and compared, so that a lost answer is like a busy store.
fn failure<E: ProvideErrorMetadata>(name: &str, error: &SdkError<E, HttpResponse>) -> ObjectError {
    match outcome(error) {
        Outcome::Busy | Outcome::Unknown => ObjectError::Unavailable {
            name: name.into(),
            reason: words(error),
        },
        Outcome::Refused => ObjectError::Unusable {
            reason: words(error),
        },
    }
}
