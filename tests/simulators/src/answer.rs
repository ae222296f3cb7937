//! Answers before they are handed over, and the bodies they may have.

use async_trait::async_trait;
use casbah_model::transport::{Body, Bytes, Headers, Response, TransportError, WholeBody};

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

    /// A page that some proxy made.
    pub fn html(status: u16) -> Answer {
        let page = "<!DOCTYPE html><html><head><title>Sorry</title></head><body>Something went wrong.</body></html>";
        let answer = Answer::empty(status).with("Content-Type", "text/html; charset=utf-8");
        Answer {
            content: Content::Whole(page.into()),
            ..answer
        }
    }

    /// Half of the body, then the connection to `host` breaks.
    pub fn broken_off(self, host: String) -> Answer {
        let text = self.text().as_bytes();
        let begin = Some(Bytes::copy_from_slice(&text[..text.len() / 2]));
        Answer {
            content: Content::Stream(Box::new(BrokenBody { begin, host })),
            ..self
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
struct BrokenBody {
    begin: Option<Bytes>,
    host: String,
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
