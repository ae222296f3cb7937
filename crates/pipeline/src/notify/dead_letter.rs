//! Dead letters: messages that were received too often. Each gets a name, and then it is done.
//!
//! Nothing depends on them: the stream a message was about is found by the sweeper, and a message that is sent again
//! would be stale. So a dead letter is never put back; it is a sign of a mistake or of an outage that people should see.

use casbah_model::connection::ConnectionId;
use casbah_model::message::{Message, Stage};
use casbah_model::ports::{Notice, Query, StoreError, Unit};
use casbah_model::record::hex;
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::StageError;
use crate::items::{self, Scope};

/// Partition of the dead letters, in the order in which their messages were sent.
pub const DEAD: &str = "DEAD";
/// As long as queues keep them (SQS developer guide, "Dead-letter queues": at most 14 days).
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A message of ours has some hundred bytes; one above this is kept as its checksum.
const BODY_BYTES_MAX: usize = 1 << 10;
/// Queues take no more (SQS developer guide, "Quotas": 1 MiB); beyond it nothing is parsed.
const PARSED_BYTES_MAX: usize = 1 << 20;
/// As much of a name that somebody else chose as is repeated.
const NAME_CHARS_MAX: usize = 120;
/// After so many tries to tell of one, its item, its log line and its metric have to do.
const TELLINGS_MAX: u32 = 10;

/// A message that a queue gave up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Whose queue it was in, as far as its name tells.
    pub stage: Option<Stage>,
    pub body: String,
    pub receives: u32,
    pub sent: Option<Timestamp>,
    pub message_id: String,
    pub queue: String,
}

/// What is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterItem {
    /// `dead-letter`, or `malformed-message`.
    pub code: String,
    pub message_id: String,
    pub queue: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Timestamp>,
    pub found: Timestamp,
    pub receives: u32,
    /// Only of a message of ours, which holds ids and no content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    pub body_bytes: u64,
    pub body_sha256: String,
    #[serde(default)]
    pub is_told: bool,
    /// How often it was tried to tell of it.
    #[serde(default)]
    pub tellings: u32,
    /// Epoch seconds; the name is the table's for it.
    pub expires: i64,
}

/// Writes a dead letter down and tells of it, once per message; after that it may be deleted from its queue.
pub async fn dead_letter(ctx: &Context, letter: DeadLetter) -> Result<(), StageError> {
    let item = read(&letter, ctx.now());
    let key = key(&item);
    let is_new = match ctx
        .state
        .write(Write::create(key.clone(), items::write(&item)))
        .await
    {
        Ok(_) => true,
        Err(StoreError::Refused { current, .. }) => {
            let known: Option<DeadLetterItem> = current
                .map(|current| items::read(&key, &current))
                .transpose()?;
            if known.is_some_and(|known| known.is_told || known.tellings >= TELLINGS_MAX) {
                return Ok(());
            }
            false
        }
        Err(error) => return Err(error.into()),
    };
    let connection = item.connection.as_ref().map(ConnectionId::as_str);
    let stage = item.stage.map(Stage::name);
    tracing::error!(
        code = item.code,
        connection,
        stage,
        queue = item.queue,
        message_id = item.message_id,
        receives = item.receives,
        body_bytes = item.body_bytes,
        body_sha256 = item.body_sha256,
        is_new,
        "dead letter"
    );
    if is_new {
        ctx.metrics.record("DeadLetters", Unit::Count, 1.0, &[]);
    }
    let tries = vec![Set::Add("tellings", 1.into())];
    ctx.state
        .write(Write::update(key.clone(), Condition::Exists, tries))
        .await?;
    ctx.notifier.notify(&notice(&item)).await?;
    let told = vec![Set::To("is_told", true.into())];
    ctx.state
        .write(Write::update(key, Condition::Exists, told))
        .await?;
    Ok(())
}

/// The dead letters of the last days, the latest first.
pub async fn dead_letters(ctx: &Context, limit: usize) -> Result<Vec<DeadLetterItem>, StageError> {
    let query = Query {
        is_descending: true,
        limit,
        ..Query::prefix(DEAD, "")
    };
    let found = ctx.state.query(query).await?;
    let items = found
        .iter()
        .map(|found| items::read(&found.key, &found.item));
    items.collect()
}

/// The same message has the same key, however often it is found.
fn key(item: &DeadLetterItem) -> Key {
    let sent = item.sent.map_or(0, |sent| sent.as_millisecond().max(0));
    Key::new(
        DEAD,
        format!("{sent:014}#{}#{}", item.queue, item.message_id),
    )
}

/// Parses what can be parsed; anything is a letter.
fn read(letter: &DeadLetter, now: Timestamp) -> DeadLetterItem {
    let is_short = letter.body.len() <= PARSED_BYTES_MAX;
    let message = is_short.then(|| serde_json::from_str::<Message>(&letter.body));
    let message = message.and_then(Result::ok);
    let connection = match &message {
        Some(Message::Look { key, .. }) => Scope::of(key).map(|scope| scope.connection),
        Some(Message::Notify { connection } | Message::View { connection, .. }) => {
            Some(connection.clone())
        }
        Some(Message::Sweep) | None => None,
    };
    let code = match message {
        Some(_) => "dead-letter",
        None => "malformed-message",
    };
    let is_kept = message.is_some() && letter.body.len() <= BODY_BYTES_MAX;
    DeadLetterItem {
        code: code.into(),
        message_id: name(&letter.message_id),
        queue: name(&letter.queue),
        stage: message.as_ref().map(Message::stage).or(letter.stage),
        connection,
        sent: letter.sent,
        found: now,
        receives: letter.receives,
        body: is_kept.then(|| letter.body.clone()),
        body_bytes: letter.body.len() as u64,
        body_sha256: hex(&Sha256::digest(letter.body.as_bytes())),
        is_told: false,
        tellings: 0,
        expires: (now + KEPT).as_second(),
    }
}

/// A name as it may stand in keys and logs.
fn name(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "-_.:".contains(c) => c,
        _ => '_',
    };
    text.chars().take(NAME_CHARS_MAX).map(plain).collect()
}

fn notice(item: &DeadLetterItem) -> Notice {
    let DeadLetterItem {
        message_id,
        queue,
        receives,
        body_bytes,
        body_sha256,
        ..
    } = item;
    let about = match &item.connection {
        Some(connection) => format!(" about connection {connection}"),
        None => String::new(),
    };
    let stage = item.stage.map_or("a stage", Stage::name);
    let text = match item.code.as_str() {
        "dead-letter" => format!(
            "A message for {stage}{about} was received {receives} times without success and given up (message \
             {message_id} of {queue}).\nWhat to do: look in the log of {stage} for what failed. Nothing has to be sent \
             again: what the message was about is found by the sweeper, every minute."
        ),
        _ => format!(
            "Something that is no message of Casbah was in {queue} (message {message_id}, {body_bytes} bytes, SHA-256 \
             {body_sha256}).\nWhat to do: find out who may write to this queue. It was taken out and nothing was done \
             because of it; the work of Casbah goes on."
        ),
    };
    Notice {
        code: item.code.clone(),
        subject: format!("Casbah: {} of {stage}", item.code.replace('-', " ")),
        text,
        connection: item.connection.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body: &str) -> DeadLetter {
        DeadLetter {
            stage: Some(Stage::UserScan),
            body: body.into(),
            receives: 6,
            sent: None,
            message_id: "a-1\n{}".into(),
            queue: "stack-user-scan-dead".into(),
        }
    }

    fn item(body: &str) -> DeadLetterItem {
        read(&letter(body), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_message_of_ours_is_kept_and_anything_else_is_measured() {
        let message = Message::Look {
            stage: Stage::FileScan,
            key: Key::new("C#contoso.1", "S#files"),
            version: 7,
            ticket: None,
        };
        let body = serde_json::to_string(&message).expect("a message");
        let ours = item(&body);
        assert_eq!(ours.body.as_deref(), Some(body.as_str()));
        assert_eq!(
            (ours.stage, ours.connection.map(String::from)),
            (Some(Stage::FileScan), Some("contoso".into()))
        );
        for wrong in [
            "",
            "{}",
            "hunter2",
            "{\"look\":{\"stage\":\"payroll\"}}",
            &"[".repeat(100_000),
            &"x".repeat(2 << 20),
        ] {
            let found = item(wrong);
            let text = serde_json::to_string(&found).expect("an item") + &notice(&found).text;
            assert_eq!((&*found.code, found.body), ("malformed-message", None));
            assert_eq!(found.stage, Some(Stage::UserScan));
            assert!(!text.contains("hunter2") && text.len() < 2_000);
        }
    }

    #[test]
    fn a_key_holds_no_sign_that_somebody_else_chose() {
        let key = key(&item(""));
        assert_eq!(key.sk, "00000000000000#stack-user-scan-dead#a-1___");
    }
}
