//! What Lambda is given by SQS, and what it answers: the fields that are used, and nothing else.

use casbah_model::Timestamp;
use casbah_model::message::{Message, Stage};
use casbah_pipeline::notify::DeadLetter;
use serde::{Deserialize, Serialize};

/// Names of dead-letter queues end so (template).
const DEAD: &str = "-dead";

/// Lambda developer guide, "Using Lambda with Amazon SQS", the example event.
#[derive(Debug, Deserialize)]
pub struct QueueEvent {
    #[serde(rename = "Records")]
    pub records: Vec<QueueRecord>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueRecord {
    pub message_id: String,
    pub body: String,
    #[serde(rename = "eventSourceARN")]
    pub event_source_arn: String,
    pub attributes: QueueAttributes,
}

/// SQS gives numbers as texts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueueAttributes {
    pub approximate_receive_count: String,
    /// Epoch milliseconds.
    pub sent_timestamp: String,
}

/// The messages that come again; all others are deleted (the same guide, "Handling errors").
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueAnswer {
    pub batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub item_identifier: String,
}

impl QueueRecord {
    /// The queue's name is the last part of its ARN.
    pub fn queue(&self) -> &str {
        self.event_source_arn.rsplit(':').next().unwrap_or_default()
    }

    pub fn is_dead_letter(&self) -> bool {
        self.queue().ends_with(DEAD)
    }

    /// The message, or where its text stops making sense; what serde says could quote it.
    pub fn message(&self) -> Result<Message, Malformed> {
        serde_json::from_str(&self.body).map_err(|error| Malformed {
            line: error.line(),
            column: error.column(),
        })
    }

    pub fn dead_letter(&self) -> DeadLetter {
        let queue = self.queue();
        let living = queue.strip_suffix(DEAD).unwrap_or(queue);
        let is_of = |stage: &Stage| {
            let rest = living.strip_suffix(stage.name());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
        };
        let sent = self.attributes.sent_timestamp.parse().ok();
        DeadLetter {
            stage: Stage::ALL.into_iter().find(is_of),
            body: self.body.clone(),
            receives: self
                .attributes
                .approximate_receive_count
                .parse()
                .unwrap_or(0),
            sent: sent.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            message_id: self.message_id.clone(),
            queue: queue.into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message from line {line}, column {column} on")]
pub struct Malformed {
    pub line: usize,
    pub column: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(queue: &str) -> QueueRecord {
        QueueRecord {
            event_source_arn: format!("arn:aws:sqs:eu-central-1:123456789012:{queue}"),
            ..QueueRecord::default()
        }
    }

    #[test]
    fn a_dead_letter_is_known_by_its_queue() {
        for (queue, is_dead, stage) in [
            ("casbah-user-scan-dead", true, Some(Stage::UserScan)),
            ("my-test-stack-test-dead", true, Some(Stage::Test)),
            ("casbah-contest-dead", true, None),
            ("casbah-notify", false, Some(Stage::Notify)),
            ("other-dead", true, None),
        ] {
            let record = record(queue);
            assert_eq!(record.is_dead_letter(), is_dead, "{queue}");
            assert_eq!(record.dead_letter().stage, stage, "{queue}");
            assert_eq!(record.dead_letter().queue, queue);
        }
    }
}
