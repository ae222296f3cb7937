//! Requests taken apart and answers put together, in the error shapes of the three services.

use async_trait::async_trait;
use casbah_model::transport::{
    Body, Bytes, Headers, Method, Request, Response, TransportError, WholeBody,
};

use super::json::{self, object};
use super::moment::{self, Millis};
use super::plan::BaseUrls;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    Login,
    Graph,
    Management,
}

/// A request with its address decoded.
#[derive(Clone)]
pub struct Call {
    pub service: Service,
    pub method: Method,
    /// Segments of the path below the service's base, decoded.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: Headers,
    pub body: Bytes,
}

impl Call {
    /// Reads a request; `None` if its address belongs to none of the services.
    pub fn read(base: &BaseUrls, request: &Request) -> Option<Call> {
        let below = |base: &str| {
            let rest = request.url.strip_prefix(base.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
        };
        let is_management = |rest: &str| rest.starts_with("/api/v1");
        let is_graph = |rest: &str| rest.starts_with("/v1.0") || rest.starts_with("/beta");
        // One host may carry all three, so the path decides among the bases that fit.
        let candidates = [
            (
                Service::Management,
                below(&base.management).filter(|rest| is_management(rest)),
            ),
            (
                Service::Graph,
                below(&base.graph).filter(|rest| is_graph(rest)),
            ),
            (Service::Login, below(&base.login)),
            (Service::Graph, below(&base.graph)),
            (Service::Management, below(&base.management)),
        ];
        let found = candidates
            .into_iter()
            .find_map(|(service, rest)| Some((service, rest?)));
        let (service, rest) = found?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Some(Call {
            service,
            method: request.method,
            path: path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(decode_path)
                .collect(),
            query: pairs(query),
            headers: request.headers.clone(),
            body: request.body.clone(),
        })
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self
            .query
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a `Prefer` header asks for `wish`.
    pub fn prefers(&self, wish: &str) -> bool {
        self.preferences()
            .any(|known| known.eq_ignore_ascii_case(wish))
    }

    /// The number behind `name=` in a `Prefer` header.
    pub fn preferred_number(&self, name: &str) -> Option<usize> {
        self.preferences().find_map(|known| {
            let (key, value) = known.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().parse().ok())?
        })
    }

    fn preferences(&self) -> impl Iterator<Item = &str> {
        let headers = self
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("prefer"));
        headers
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
    }

    pub fn select(&self) -> Option<Vec<String>> {
        let names = self
            .parameter("$select")?
            .split(',')
            .map(|name| name.trim().to_string());
        Some(names.filter(|name| !name.is_empty()).collect())
    }
}

/// Splits `a=b&c=d` and decodes both sides, with `+` as a space.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let decoded = |text: &str| decode_path(&text.replace('+', " "));
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// Decodes `%41`; anything malformed stays as it is.
pub fn decode_path(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes everything but letters, digits and `-._~` (RFC 3986, 2.3).
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// An answer before its faults and headers are final.
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub content: Content,
}

/// The body of an answer.
pub enum Content {
    Whole(String),
    /// Made piece by piece while it is read.
    Stream(Box<dyn Body>),
}

impl Answer {
    pub fn json(status: u16, text: impl Into<String>) -> Answer {
        let headers = Headers::default().with("Content-Type", "application/json; charset=utf-8");
        Answer {
            status,
            headers,
            content: Content::Whole(text.into()),
        }
    }

    pub fn empty(status: u16) -> Answer {
        Answer {
            status,
            headers: Headers::default(),
            content: Content::Whole(String::new()),
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.add(name, value);
        self
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn text(&self) -> &str {
        match &self.content {
            Content::Whole(text) => text,
            Content::Stream(_) => "",
        }
    }

    /// Small bodies go out in one piece, large ones in pieces of `CHUNK_BYTES`.
    pub fn into_response(self) -> Response {
        let body = match self.content {
            Content::Whole(text) if text.len() <= CHUNK_BYTES => WholeBody::boxed(text),
            Content::Whole(text) => Box::new(Pieces(Bytes::from(text))),
            Content::Stream(body) => body,
        };
        Response {
            status: self.status,
            headers: self.headers,
            body,
        }
    }
}

/// Pieces are as large as a read from a socket usually is.
pub const CHUNK_BYTES: usize = 64 * 1024;

struct Pieces(Bytes);

#[async_trait]
impl Body for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.0.split_to(CHUNK_BYTES.min(self.0.len()))))
    }
}

/// Hands out the beginning of a text, then the connection breaks.
pub struct BrokenBody {
    pub begin: Option<Bytes>,
    pub host: String,
}

#[async_trait]
impl Body for BrokenBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        match self.begin.take() {
            Some(begin) => Ok(Some(begin)),
            None => Err(TransportError::BrokenOff {
                host: self.host.clone(),
            }),
        }
    }
}

/// The host of an address, for messages.
pub fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest).to_string()
}

/// Graph error ("Microsoft Graph error responses and resource types").
pub fn graph_error(status: u16, code: &str, message: &str) -> Answer {
    let error = object(|error| {
        error.text("code", code).text("message", message).raw(
            "innerError",
            r#"{"date":"2026-05-04T10:00:00","request-id":"00000000-0000-4000-8000-000000000000","client-request-id":"00000000-0000-4000-8000-000000000000"}"#,
        );
    });
    Answer::json(status, format!(r#"{{"error":{error}}}"#))
}

/// Management Activity API reference, "Errors".
pub fn management_error(status: u16, code: &str, message: &str) -> Answer {
    let error = object(|error| {
        error.text("code", code).text("message", message);
    });
    Answer::json(status, format!(r#"{{"error":{error}}}"#))
}

/// Token error (Microsoft identity platform, "Handling errors" and the AADSTS reference).
pub fn login_error(status: u16, error: &str, code: u32, message: &str, now: Millis) -> Answer {
    let at = moment::seconds(now).replace('T', " ");
    let trace = "6f1b0c5e-52c0-4c1c-9a9e-3f1f6a0d5e00";
    let body = object(|body| {
        body.text("error", error)
            .text(
                "error_description",
                &format!(
                    "AADSTS{code}: {message}\r\nTrace ID: {trace}\r\nCorrelation ID: {trace}\r\nTimestamp: {at}"
                ),
            )
            .raw("error_codes", &format!("[{code}]"))
            .text("timestamp", &at)
            .text("trace_id", trace)
            .text("correlation_id", trace)
            .text("error_uri", &format!("https://login.microsoftonline.com/error?code={code}"));
    });
    Answer::json(status, body)
}

/// A page of a Graph collection; `link` is the name and address of what follows.
pub fn graph_page(context: &str, values: &str, link: Option<(&str, String)>) -> Answer {
    let mut out = String::with_capacity(values.len() + 256);
    out.push_str(r#"{"@odata.context":"#);
    json::push_text(&mut out, context);
    if let Some((name, url)) = link {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        json::push_text(&mut out, &url);
    }
    out.push_str(",\"value\":[");
    out.push_str(values);
    out.push_str("]}");
    Answer::json(200, out)
}
