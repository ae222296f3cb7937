//! The HTTP API: the same handlers on every platform.
//!
//! [`answer`] takes a whole request and gives a whole answer; who listens, who may call and where logs go is the
//! platform's business. It keeps nothing between requests: everything is in the table.

mod actions;
mod body;
mod connections;
mod entry;
mod fields;
mod hosts;
mod idempotency;
mod inventory;
mod ledger;
mod paging;
mod permissions;
mod problem;
mod query;
mod reply;
mod request;
mod route;
mod service;
mod streams;
mod work;

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use casbah_pipeline::{Context, webhook};
use futures::FutureExt;
use http::{Request, Response, StatusCode};

pub use problem::{CATALOGUE, Code, Problem};
pub use route::routes;

/// The document that describes every route, as it is served.
pub const OPENAPI: &str = include_str!("../../../infra/openapi.yaml");

/// Bodies of requests are settings and a credential, typed or pasted by a person.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// What a vendor may send at once (Microsoft Graph documentation, "Receive change notifications through webhooks":
/// notifications are batched; none of its examples comes near this).
pub const HOOK_BYTES_MAX: usize = 256 << 10;

/// Who sent a request: the platform has made sure of it before a request comes here, and puts it into its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Names the caller among all callers, such as the ARN of a role with its session. Who asked for an action, and who
    /// decided about it, is shown to whoever may read actions; it is shown nowhere else.
    pub principal: String,
    /// Names the request in logs, and in the answer when it is a problem.
    pub request_id: String,
}

/// Answers a request. It never fails: whatever is wrong is a problem document.
pub async fn answer(ctx: &Context, request: Request<Bytes>) -> Response<Bytes> {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return refuse(
            Problem::new(Code::Unauthorized, "nobody says who sent this request"),
            "",
        );
    };
    // A panic is a defect; it must not take the requests beside it along, and its words stay in the log.
    let answered = AssertUnwindSafe(route::answer(ctx, &caller, request)).catch_unwind();
    match answered.await {
        Ok(Ok(reply)) => reply.into_response(),
        Ok(Err(problem)) => refuse(problem, &caller.request_id),
        Err(_) => {
            tracing::error!(request = caller.request_id, "a handler panicked");
            let detail = "this request met a defect; the log has it under the id of the instance";
            refuse(Problem::new(Code::Defect, detail), &caller.request_id)
        }
    }
}

/// Says that a request is refused before it is looked at: its caller is not known, or it is too large to be read.
pub fn refuse(problem: Problem, request_id: &str) -> Response<Bytes> {
    problem.into_response(request_id)
}

/// Takes a vendor's notification at `/hooks/{connection}.{token}`, which never becomes more than a hint.
///
/// Anybody can send here, so what is not addressed to a possible connection is answered without a look at the table
/// and without a word.
pub async fn hook(ctx: &Context, request: Request<Bytes>) -> Response<Bytes> {
    let addressed = request.uri().path().strip_prefix("/hooks/");
    let Some(addressed) = addressed.map(String::from) else {
        return silent(StatusCode::NOT_FOUND);
    };
    if request.body().len() > HOOK_BYTES_MAX {
        return silent(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let received = AssertUnwindSafe(webhook::receive(ctx, &addressed, request)).catch_unwind();
    received.await.unwrap_or_else(|_| {
        tracing::error!("a notification met a defect");
        silent(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

fn silent(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
