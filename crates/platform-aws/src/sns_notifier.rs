//! Notices on an SNS topic, which sends them on to mail, chat or a ticket system.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use casbah_model::ports::{Notice, Notifier, NotifyError};

use crate::clients::Clients;
use crate::trouble::words;

/// Subjects have less than 100 characters of ASCII and no line break (SNS API reference, `Publish`, `Subject`).
const SUBJECT_MAX: usize = 99;

pub struct SnsNotifier {
    client: Client,
    topic: Option<String>,
}

impl SnsNotifier {
    pub fn new(clients: &Clients, topic: Option<&str>) -> SnsNotifier {
        SnsNotifier {
            client: clients.topics.clone(),
            topic: topic.map(String::from),
        }
    }
}

#[async_trait]
impl Notifier for SnsNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let Some(topic) = &self.topic else {
            return Err(NotifyError {
                reason: "this function has no topic: CASBAH_TOPIC is not set".into(),
            });
        };
        let call = self.client.publish().topic_arn(topic);
        let call = call
            .subject(subject(&notice.subject))
            .message(&notice.text)
            // Subscribers filter by these (SNS developer guide, "Message filtering").
            .message_attributes("code", text(&notice.code));
        let call = match &notice.connection {
            Some(connection) => call.message_attributes("connection", text(connection.as_str())),
            None => call,
        };
        call.send().await.map_err(|error| NotifyError {
            reason: words(&error),
        })?;
        Ok(())
    }
}

fn text(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String");
    let attribute = attribute.string_value(value).build();
    attribute.expect("the type is set")
}

fn subject(text: &str) -> String {
    let plain = |letter: char| match letter {
        ' '..='~' => letter,
        _ => '?',
    };
    let subject: String = text
        .trim_start()
        .chars()
        .take(SUBJECT_MAX)
        .map(plain)
        .collect();
    if subject.trim().is_empty() {
        "Casbah".into()
    } else {
        subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_short_line_of_ascii() {
        assert_eq!(subject("contoso needs you"), "contoso needs you");
        assert_eq!(subject("Überlauf\nin Zeile 2"), "?berlauf?in Zeile 2");
        assert_eq!(subject(&"x".repeat(300)).len(), SUBJECT_MAX);
        assert_eq!(subject("\n \n"), "Casbah");
    }
}
