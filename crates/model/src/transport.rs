//! Requests and answers as they cross the border to a vendor; bodies are read piece by piece.

use async_trait::async_trait;
pub use bytes::Bytes;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Header fields in the order they were given; names are compared without case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Headers {
        self.add(name, value);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: values may be credentials.
impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[derive(Clone)]
pub struct Request {
    pub method: Method,
    /// An absolute address.
    pub url: String,
    pub headers: Headers,
    pub body: Bytes,
}

pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Box<dyn Body>,
}

/// The content of an answer, in pieces of any size.
#[async_trait]
pub trait Body: Send {
    /// The next piece; `None` after the last.
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError>;
}

/// A body that is in memory already.
pub struct WholeBody(Option<Bytes>);

impl WholeBody {
    pub fn boxed(content: impl Into<Bytes>) -> Box<dyn Body> {
        Box::new(WholeBody(Some(content.into())))
    }
}

#[async_trait]
impl Body for WholeBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.0.take().filter(|content| !content.is_empty()))
    }
}

/// Why there is no answer, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("cannot reach {host}")]
    Unreachable {
        host: String,
        #[source]
        source: crate::ports::BoxError,
    },
    #[error("no answer from {host} in time")]
    Timeout { host: String },
    /// The connection broke while the body was read.
    #[error("the answer of {host} broke off")]
    BrokenOff { host: String },
}
