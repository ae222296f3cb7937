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
