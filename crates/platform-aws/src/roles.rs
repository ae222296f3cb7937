//! What each kind of function does with an event. Nothing here knows the Runtime API, so that tests call it directly.

use std::panic::AssertUnwindSafe;

use casbah_model::SignedDuration;
use casbah_model::message::Message;
use casbah_model::state::Key;
use casbah_pipeline::{Context, StageError, notify};
use futures::{FutureExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tracing::Instrument;

use crate::deadline::within;
use crate::events::{Failure, QueueAnswer, QueueEvent, QueueRecord};
use crate::http_events::{self, HttpEvent};
use crate::process::{Invocation, Process};

/// Messages of one batch that are worked on side by side: all of a batch as the template has it.
const SIDE_BY_SIDE: usize = 10;
/// API Gateway waits no longer for an answer (API Gateway developer guide, HTTP API quotas: 30 seconds).
const ANSWER_TIME: SignedDuration = SignedDuration::from_secs(29);

/// What a function is called by, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Messages of one queue.
    Queue,
    /// The clock.
    Schedule,
    /// Requests of the API, and messages of one queue.
    Api,
    /// Notifications of vendors.
    Hooks,
    /// Messages of one queue, and dead letters of all.
    Notify,
}

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error("the event is none that this function is made for (line {line}, column {column})")]
    Event { line: usize, column: usize },
    #[error("the time of the function was over")]
    Late,
    #[error("{0}")]
    Stage(String),
}

/// Does what an event asks for, and answers as the service that sent it wants it.
///
/// # Errors
/// Lambda counts the invocation as failed, and whoever called decides whether it is repeated.
pub async fn handle(
    process: &Process,
    role: Role,
    event: Value,
    invocation: &Invocation,
) -> Result<Value, RoleError> {
    // Spans are of the highest level, so that they are there whatever the level of the log is.
    let span = tracing::error_span!(
        "invocation",
        request_id = invocation.request_id,
        function = process.function,
        trace = invocation.trace,
    );
    let is_http = event.get("requestContext").is_some();
    let mut invocation = invocation.clone();
    if is_http {
        let end = process.ports.clock.now() + ANSWER_TIME;
        invocation.deadline = invocation.deadline.min(end);
    }
    let ctx = process.context(invocation.deadline);
    let answer = async {
        match role {
            Role::Schedule => sweep(&ctx, &invocation).await,
            Role::Api | Role::Hooks if is_http => request(&ctx, role, event, &invocation).await,
            Role::Queue | Role::Api | Role::Hooks | Role::Notify => {
                batch(&ctx, role, event, &invocation).await
            }
        }
    };
    let answer = answer.instrument(span).await;
    process.give_back(ctx);
    answer
}

/// What the clock sends does not matter.
async fn sweep(ctx: &Context, invocation: &Invocation) -> Result<Value, RoleError> {
    let swept = casbah_pipeline::handle(ctx, &Message::Sweep);
    match within(ctx, invocation.deadline, swept).await {
        Some(Ok(())) => Ok(Value::Null),
        Some(Err(error)) => {
            tracing::error!(error = %error.chain(), "the sweep failed; there is another in a minute");
            Err(RoleError::Stage(error.chain()))
        }
        None => {
            tracing::error!("the sweep did not end in time; the next one goes on");
            Err(RoleError::Late)
        }
    }
}

async fn request(
    ctx: &Context,
    role: Role,
    event: Value,
    invocation: &Invocation,
) -> Result<Value, RoleError> {
    let event: HttpEvent = read(event)?;
    let request_id = event.request_context.request_id.clone();
    let Ok(request) = event.into_request() else {
        return Ok(http_events::unreadable(&request_id));
    };
    let span = tracing::error_span!("request", http_request_id = request_id);
    let answer = async {
        match role {
            Role::Hooks => casbah_api::hook(ctx, request).await,
            Role::Queue | Role::Schedule | Role::Api | Role::Notify => {
                casbah_api::answer(ctx, request).await
            }
        }
    };
    let answer = within(ctx, invocation.deadline, answer.instrument(span)).await;
    Ok(answer.map_or_else(|| http_events::late(&request_id), http_events::answer))
}

/// Works on each message for itself: one that fails comes again alone.
async fn batch(
    ctx: &Context,
    role: Role,
    event: Value,
    invocation: &Invocation,
) -> Result<Value, RoleError> {
    let event: QueueEvent = read(event)?;
    let works = event.records.into_iter().map(|record| async move {
        let work = AssertUnwindSafe(message(ctx, role, &record)).catch_unwind();
        let trouble = match within(ctx, invocation.deadline, work).await {
            Some(Ok(true)) => return None,
            Some(Ok(false)) => return Some(record.message_id),
            // A defect that one message meets must not take the others along.
            Some(Err(_)) => "it met a defect",
            None => "no time was left for it",
        };
        tracing::error!(
            message_id = record.message_id,
            trouble,
            "a message failed; it comes again"
        );
        Some(record.message_id)
    });
    let failed = futures::stream::iter(works).buffer_unordered(SIDE_BY_SIDE);
    let failed: Vec<Option<String>> = failed.collect().await;
    let failures = failed.into_iter().flatten();
    let answer = QueueAnswer {
        batch_item_failures: failures
            .map(|item_identifier| Failure { item_identifier })
            .collect(),
    };
    Ok(serde_json::to_value(answer).expect("an answer is names and texts"))
}

/// Whether a message is done, so that it may be deleted.
async fn message(ctx: &Context, role: Role, record: &QueueRecord) -> bool {
    let id = &record.message_id;
    if role == Role::Notify && record.is_dead_letter() {
        let done = notify::dead_letter(ctx, record.dead_letter()).await;
        return note(done, id);
    }
    let message = match record.message() {
        Ok(message) => message,
        Err(malformed) => {
            // It stays on its queue, which gives it to the dead letters after some receives: there it gets its name.
            tracing::error!(
                message_id = id,
                queue = record.queue(),
                body_bytes = record.body.len(),
                error = %malformed,
                "a message cannot be read; it becomes a dead letter"
            );
            return false;
        }
    };
    let span = span_of(&message, id);
    let done = casbah_pipeline::handle(ctx, &message);
    async { note(done.await, id) }.instrument(span).await
}

fn note(done: Result<(), StageError>, id: &str) -> bool {
    match done {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(message_id = id, error = %error.chain(), "a message failed; it comes again");
            false
        }
    }
}

/// What every line about this message says.
fn span_of(message: &Message, id: &str) -> tracing::Span {
    let stage = message.stage().name();
    match message {
        Message::Look { key, version, .. } => {
            let (connection, stream) = (connection(key), &key.sk);
            tracing::error_span!(
                "message",
                message_id = id,
                stage,
                connection,
                stream,
                version
            )
        }
        Message::Notify { connection } => {
            tracing::error_span!("message", message_id = id, stage, %connection)
        }
        Message::View { connection, view } => {
            let view = &view.collection;
            tracing::error_span!("message", message_id = id, stage, %connection, view)
        }
        Message::Sweep => tracing::error_span!("message", message_id = id, stage),
    }
}

/// The connection a stream belongs to.
fn connection(key: &Key) -> Option<String> {
    let scope = casbah_pipeline::items::Scope::of(key)?;
    Some(scope.connection.as_str().to_string())
}

fn read<T: for<'de> Deserialize<'de>>(event: Value) -> Result<T, RoleError> {
    serde_json::from_value(event).map_err(|error| {
        // Events hold credentials of callers: what serde says may quote them.
        tracing::error!("the event is none that this function is made for");
        RoleError::Event {
            line: error.line(),
            column: error.column(),
        }
    })
}
