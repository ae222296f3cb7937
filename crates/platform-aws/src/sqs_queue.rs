//! The queues in SQS: a queue per stage, messages as JSON.
//!
//! Functions get their messages from Lambda, which receives and deletes for them; here is the rest of the port.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::delete_message::DeleteMessageError;
use aws_sdk_sqs::types::{Message as Received, MessageSystemAttributeName};
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{DELAY_MAX, Delivery, Queue, QueueError, Receipt};

use crate::clients::Clients;
use crate::settings::queue_variable;
use crate::trouble::words;

/// Messages in one call (SQS API reference, `ReceiveMessage`, `MaxNumberOfMessages`).
const RECEIVE_MAX: usize = 10;

pub struct SqsQueue {
    client: Client,
    urls: BTreeMap<Stage, String>,
}

impl SqsQueue {
    pub fn new(clients: &Clients, urls: &BTreeMap<Stage, String>) -> SqsQueue {
        SqsQueue {
            client: clients.queues.clone(),
            urls: urls.clone(),
        }
    }

    /// A function knows only the queues it sends to.
    fn url(&self, stage: Stage) -> Result<&str, QueueError> {
        self.urls.get(&stage).map(String::as_str).ok_or_else(|| {
            let (name, variable) = (stage.name(), queue_variable(stage));
            QueueError {
                reason: format!("this function has no queue for {name}: {variable} is not set"),
            }
        })
    }
}

/// The text of a message on a queue.
pub fn body(message: &Message) -> String {
    serde_json::to_string(message).expect("messages have text keys and nothing that fails")
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let call = self.client.send_message();
        let call = call
            .queue_url(self.url(message.stage())?)
            .message_body(body(message))
            .delay_seconds(delay_seconds(delay));
        call.send().await.map_err(|error| QueueError {
            reason: format!(
                "cannot send to {}: {}",
                message.stage().name(),
                words(&error)
            ),
        })?;
        Ok(())
    }

    async fn receive(&self, stage: Stage, max: usize) -> Result<Vec<Delivery>, QueueError> {
        if max == 0 {
            return Ok(vec![]);
        }
        let max = i32::try_from(max.min(RECEIVE_MAX)).expect("ten at most");
        let call = self.client.receive_message();
        let call = call
            .queue_url(self.url(stage)?)
            .max_number_of_messages(max)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = call.send().await.map_err(|error| QueueError {
            reason: format!("cannot receive from {}: {}", stage.name(), words(&error)),
        })?;
        let received = answer.messages.unwrap_or_default();
        Ok(received
            .into_iter()
            .filter_map(|received| delivery(stage, received))
            .collect())
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let call = self.client.delete_message();
        let call = call
            .queue_url(self.url(receipt.stage)?)
            .receipt_handle(&receipt.token);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(is_stale) => Ok(()),
            Err(error) => Err(QueueError {
                reason: format!(
                    "cannot delete from {}: {}",
                    receipt.stage.name(),
                    words(&error)
                ),
            }),
        }
    }
}

/// Whole seconds, rounded up: a message that came early would be looked at in vain.
fn delay_seconds(delay: Duration) -> i32 {
    let delay = delay.min(DELAY_MAX);
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    i32::try_from(seconds).expect("the longest delay is 900 seconds")
}

/// A message that nobody here wrote stays on the queue, which gives it up after some receives.
fn delivery(stage: Stage, received: Received) -> Option<Delivery> {
    let body = received.body.unwrap_or_default();
    let message = match serde_json::from_str(&body) {
        Ok(message) => message,
        Err(error) => {
            let id = received.message_id.as_deref();
            // What serde says may quote the body, which is somebody else's content.
            tracing::error!(
                message_id = id,
                line = error.line(),
                column = error.column(),
                "a message on the queue cannot be read"
            );
            return None;
        }
    };
    let receives = received.attributes.as_ref().and_then(|attributes| {
        let count = attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount)?;
        count.parse().ok()
    });
    Some(Delivery {
        message,
        receipt: Receipt {
            stage,
            token: received.receipt_handle?,
        },
        receives: receives.unwrap_or(1),
    })
}

/// A receipt that has expired, or that was used, deletes nothing and harms nobody (API reference, `DeleteMessage`).
fn is_stale(error: &DeleteMessageError) -> bool {
    let code = error.meta().code().unwrap_or_default();
    error.is_receipt_handle_is_invalid()
        || error.is_invalid_id_format()
        || matches!(code, "ReceiptHandleIsInvalid" | "InvalidParameterValue")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_whole_seconds_and_never_shorter() {
        for (delay, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(30), 30),
            (Duration::from_millis(899_001), 900),
            (DELAY_MAX * 100, 900),
        ] {
            assert_eq!(delay_seconds(delay), expected, "{delay:?}");
        }
    }

    #[test]
    fn a_message_that_nobody_here_wrote_is_left_alone() {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "{\"look\":{}}",
            "\u{0}",
            "\"sweeep\"",
        ] {
            let received = Received::builder().body(body).receipt_handle("r").build();
            assert_eq!(delivery(Stage::Test, received), None, "{body}");
        }
    }
}
