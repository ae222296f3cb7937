//! A transport that writes down each call with its answer, one JSON object a line, and passes both on unchanged.
//!
//! Nothing that is a secret is written: not the values of headers that could be one, not what signs in, not what is
//! handed out for it.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use casbah_model::ports::Transport;
use casbah_model::transport::{Body, Bytes, Headers, Request, Response, TransportError};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

/// Headers whose values are written: what is asked for, and on whose behalf.
const PLAIN_HEADERS: [&str; 5] = ["accept", "as-user", "box-version", "content-type", "prefer"];
/// Members of forms and answers whose values are not written.
const SECRETS: [&str; 7] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "id_token",
    "refresh_token",
    "subject_token",
];
const SECRET: &str = "…";
/// Longer answers are written as absent: a fault makes them, and a page of the vendors' is far below.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Where lines go; several recorders share one.
pub type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

pub struct Recorder {
    pub inner: Arc<dyn Transport>,
    /// What every line begins with: app, life, fault.
    pub about: Map<String, Value>,
    pub sink: Sink,
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut line = self.about.clone();
        line.insert("method".into(), request.method.name().into());
        line.insert("url".into(), request.url.as_str().into());
        line.insert("headers".into(), headers(&request.headers));
        if !request.body.is_empty() {
            line.insert("body".into(), body(&request));
        }
        let answered = self.inner.send(request).await;
        let Ok(response) = answered else {
            self.write(&line);
            return answered;
        };
        let pieces = pieces(response.body).await;
        line.insert("status".into(), response.status.into());
        if let Some(kind) = response.headers.get("content-type") {
            line.insert("type".into(), kind.into());
        }
        if is_judged(&line, response.status) {
            line.insert("answer".into(), answer(&pieces));
        }
        self.write(&line);
        Ok(Response {
            body: Box::new(Replay(pieces)),
            ..response
        })
    }
}

impl Recorder {
    fn write(&self, line: &Map<String, Value>) {
        let text = Value::Object(line.clone()).to_string();
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(sink, "{text}").expect("a file that can be written");
    }
}

type Piece = Result<Bytes, TransportError>;

async fn pieces(mut body: Box<dyn Body>) -> VecDeque<Piece> {
    let mut pieces = VecDeque::new();
    while let Some(piece) = body.chunk().await.transpose() {
        let is_broken = piece.is_err();
        pieces.push_back(piece);
        if is_broken {
            break;
        }
    }
    pieces
}

/// The same pieces once more, and the same end.
struct Replay(VecDeque<Piece>);

#[async_trait]
impl Body for Replay {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        self.0.pop_front().transpose()
    }
}

/// A fault makes answers that no vendor promises; refusals are told as ever.
fn is_judged(line: &Map<String, Value>, status: u16) -> bool {
    status >= 400 || line.get("fault").is_none_or(Value::is_null)
}

fn headers(of: &Headers) -> Value {
    let shown = of.iter().map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let value = match PLAIN_HEADERS.contains(&name.as_str()) {
            true => value,
            false => SECRET,
        };
        (name, value.into())
    });
    Value::Object(shown.collect())
}

/// A form as its fields, JSON as it is.
fn body(request: &Request) -> Value {
    let kind = request.headers.get("content-type").unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields = form_urlencoded::parse(&request.body);
        let fields = fields.map(|(name, value)| (name.into_owned(), json!(value)));
        return hidden(Value::Object(fields.collect()));
    }
    hidden(serde_json::from_slice(&request.body).unwrap_or(Value::Null))
}

/// What was answered if it is whole and JSON; nothing about anything else.
fn answer(pieces: &VecDeque<Piece>) -> Value {
    let mut whole = vec![];
    for piece in pieces {
        match piece {
            Ok(piece) if whole.len() + piece.len() <= ANSWER_BYTES_MAX => whole.extend(piece),
            _ => return Value::Null,
        }
    }
    hidden(serde_json::from_slice(&whole).unwrap_or(Value::Null))
}

fn hidden(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        for (name, value) in members {
            if SECRETS.contains(&name.as_str()) {
                *value = SECRET.into();
            }
        }
    }
    value
}
