//! Idempotency keys: a POST with the same key is done once, and its answer given again.
//!
//! The record of a key says *in progress* from before the work until after it, then *complete* with the answer. It is
//! kept under a digest of caller and key, and compares requests by a digest over method, path and body that begins
//! with the key: no body and no part of one is in it, and equal bodies of different keys cannot be told to be equal.
//! Answers hold no secret either, because no handler is given one back.
//!
//! A crash between effect and record is harmless: every effect is itself repeatable by name. To create a connection
//! that is there with the same settings, to pause a paused one, or to make due what is due changes nothing, so whoever
//! takes a record over after [`ABANDONED`] does the rest of the work and no part of it twice. Refusals are not kept:
//! nothing was done, and the next try with a corrected body deserves to be looked at.

use std::future::Future;

use casbah_model::SignedDuration;
use casbah_model::ports::StoreError;
use casbah_model::state::{Change, Condition, EXPIRES, Item, Key, Set, Write};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::problem::{Code, Problem};
use crate::reply::Reply;
use crate::request::Call;

const HEADER: &str = "idempotency-key";
const KEY_CHARS_MAX: usize = 64;
/// How long an answer is given again.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// A function that has not answered after this is dead: API Gateway waits 30 seconds (Amazon API Gateway developer
/// guide, "Quotas for configuring and running an HTTP API"), and functions of the API live no longer than two minutes.
const ABANDONED: SignedDuration = SignedDuration::from_mins(2);
const AGAIN_S: u64 = 2;
const IN_PROGRESS: &str = "in-progress";
const COMPLETE: &str = "complete";

#[derive(Serialize, Deserialize)]
struct Record {
    st: String,
    digest: String,
    /// The invocation that works on it.
    own: String,
    /// Epoch milliseconds of its beginning.
    since: i64,
    expires: i64,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    headers: Option<Vec<(String, String)>>,
    /// As text: items of the table know no null.
    #[serde(default)]
    body: Option<String>,
}

/// Does the work of a POST, unless it was done with the same key.
pub async fn once(
    call: &Call<'_>,
    content: &[u8],
    work: impl Future<Output = Result<Reply, Problem>>,
) -> Result<Reply, Problem> {
    let key = key(&call.headers)?;
    let record = Key::new(
        format!("API#{}", digest(&[&call.caller.principal, key])),
        "POST",
    );
    let request = digest_bytes(&[key.as_bytes(), b"POST", call.path.as_bytes(), content]);
    let own = match begin(call, &record, &request).await? {
        Begun::Ours(own) => own,
        Begun::Done(reply) => return Ok(reply),
    };
    let answered = work.await;
    let is_done = matches!(&answered, Ok(reply) if reply.status.is_success());
    let change = match &answered {
        Ok(reply) if is_done => Change::Update(completion(reply)),
        _ => Change::Delete,
    };
    let condition = Condition::Equal("own", own.into());
    let write = Write {
        key: record,
        condition,
        change,
    };
    if let Err(error) = call.ctx.state.write(write).await {
        // The work is done or refused either way; a repeat finds the record abandoned, or taken over.
        tracing::warn!(%error, "the record of an idempotency key could not be closed");
    }
    answered
}

/// A name for what this request makes: another caller, key or request has another.
pub fn name(call: &Call<'_>) -> Result<String, Problem> {
    let key = key(&call.headers)?;
    let body = call.body.to_string();
    Ok(digest(&[&call.caller.principal, key, &call.path, &body]))
}

fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let bad = |what: &str| Problem::field(Code::BadIdempotencyKey, "Idempotency-Key", what);
    let mut sent = headers.get_all(HEADER).iter();
    let key = sent.next().ok_or_else(|| bad("it is missing"))?;
    if sent.next().is_some() {
        return Err(bad("it is given twice"));
    }
    let is_visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    let key = key.to_str().ok().filter(|_| is_visible);
    let key = key.ok_or_else(|| bad("it is not made of visible ASCII characters"))?;
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        let what = format!(
            "it has {} characters instead of 1 to {KEY_CHARS_MAX}",
            key.len()
        );
        return Err(bad(&what));
    }
    Ok(key)
}

enum Begun {
    /// The work is ours to do, under this name.
    Ours(String),
    Done(Reply),
}

/// Takes the record if it is free, abandoned or too old.
async fn begin(call: &Call<'_>, record: &Key, request: &str) -> Result<Begun, Problem> {
    let now = call.ctx.now();
    let own = call.ctx.random_id();
    let item = casbah_pipeline::items::write(&Record {
        st: IN_PROGRESS.into(),
        digest: request.into(),
        own: own.clone(),
        since: now.as_millisecond(),
        expires: (now + KEPT).as_second(),
        status: None,
        headers: None,
        body: None,
    });
    let is_abandoned = Condition::All(vec![
        Condition::Equal("st", IN_PROGRESS.into()),
        Condition::Equal("digest", request.into()),
        Condition::Less("since", (now - ABANDONED).as_millisecond().into()),
    ]);
    let is_free = Condition::Any(vec![
        Condition::NotExists,
        Condition::Less(EXPIRES, now.as_second().into()),
        is_abandoned,
    ]);
    let write = Write {
        key: record.clone(),
        condition: is_free,
        change: Change::Put(item),
    };
    match call.ctx.state.write(write).await {
        Ok(_) => return Ok(Begun::Ours(own)),
        Err(StoreError::Refused { .. } | StoreError::Unknown) => {}
        Err(error) => return Err(error.into()),
    }
    // Somebody has it, or the answer was lost and it is ours.
    let found = call.ctx.state.get(std::slice::from_ref(record)).await?;
    let Some(Some(item)) = found.first() else {
        return Err(Problem::busy(
            "the same request was worked on in this moment",
        ));
    };
    judge(record, item, &own, request)
}

fn judge(record: &Key, item: &Item, own: &str, request: &str) -> Result<Begun, Problem> {
    let known: Record = casbah_pipeline::items::read(record, item)?;
    if known.own == own {
        return Ok(Begun::Ours(own.into()));
    }
    if known.digest != request {
        let what = "it was used for another path or body in the last 24 hours";
        return Err(Problem::field(
            Code::RequestDiffers,
            "Idempotency-Key",
            what,
        ));
    }
    match (known.status, known.body) {
        (Some(status), Some(body)) if known.st == COMPLETE => Ok(Begun::Done(replayed(
            status,
            known.headers.unwrap_or_default(),
            body,
        ))),
        _ => {
            let detail = "the first request with this key has not been answered yet";
            Err(Problem::new(Code::RequestInProgress, detail).with_retry(AGAIN_S))
        }
    }
}

fn completion(reply: &Reply) -> Vec<Set> {
    let headers = reply.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| serde_json::json!([name, value]))
        .collect();
    vec![
        Set::To("st", COMPLETE.into()),
        Set::To("status", reply.status.as_u16().into()),
        Set::To("headers", headers.into()),
        Set::To("body", String::from_utf8_lossy(&reply.body).as_ref().into()),
    ]
}

fn replayed(status: u16, headers: Vec<(String, String)>, body: String) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    // Handlers of POST set no other fields.
    let known = ["location", "etag", "retry-after"];
    let headers = headers.into_iter().filter_map(|(name, value)| {
        let name = known.into_iter().find(|known| *known == name)?;
        Some((name, value))
    });
    let mut reply = Reply::again(status, body);
    reply.headers.extend(headers);
    reply.with("idempotency-replayed", "true")
}

fn digest(parts: &[&str]) -> String {
    digest_bytes(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>())
}

/// A digest over parts that cannot be mistaken for other parts of the same text.
fn digest_bytes(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    casbah_model::record::hex(&digest.finalize())
}
