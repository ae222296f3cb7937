//! The ports on AWS, and what a Lambda function needs to serve a stage.
//!
//! This is the only crate that names the AWS SDK. [`serve`] is where functions begin, [`roles`] what they do with an
//! event; each port is one file.

mod attributes;
mod clients;
mod clock;
mod deadline;
mod dynamodb_errors;
mod dynamodb_state;
mod dynamodb_transaction;
pub mod events;
mod expressions;
pub mod http_events;
mod lazy_internet;
mod logging;
mod metrics;
mod policy;
pub mod process;
pub mod roles;
mod s3_objects;
mod secrets_manager;
pub mod serve;
pub mod settings;
mod sns_notifier;
mod sqs_queue;
mod trouble;

pub use clients::Clients;
pub use clock::{SystemClock, SystemRng};
pub use dynamodb_state::{DynamodbState, INDEX};
pub use lazy_internet::LazyInternet;
pub use metrics::EmbeddedMetrics;
pub use s3_objects::S3Objects;
pub use secrets_manager::SecretsManager;
pub use settings::Settings;
pub use sns_notifier::SnsNotifier;
pub use sqs_queue::{SqsQueue, body};
