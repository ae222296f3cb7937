//! The network: the only use of the HTTP library.

use std::time::Duration;

use async_trait::async_trait;
use casbah_model::ports::Transport;
use casbah_model::transport::{Body, Bytes, Headers, Method, Request, Response, TransportError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence while an answer is read; a whole answer may take longer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Calls over the internet: TLS with the system's roots, no redirects, no cookies.
pub struct Internet(reqwest::Client);

impl Internet {
    #[expect(clippy::disallowed_methods, reason = "this is the Transport port")]
    pub fn new() -> Result<Internet, TransportError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .referer(false)
            .build();
        client
            .map(Internet)
            .map_err(|source| TransportError::Unreachable {
                host: "the internet".into(),
                source: source.into(),
            })
    }
}

#[async_trait]
impl Transport for Internet {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut call = self.0.request(method, &request.url).body(request.body);
        for (name, value) in request.headers.iter() {
            call = call.header(name, value);
        }
        let host = url::Url::parse(&request.url)
            .ok()
            .and_then(|url| url.host_str().map(String::from));
        let host = host.unwrap_or_default();
        let answer = call.send().await.map_err(|error| refused(&host, error))?;
        let mut headers = Headers::default();
        for (name, value) in answer.headers() {
            headers.add(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        }
        Ok(Response {
            status: answer.status().as_u16(),
            headers,
            body: Box::new(Incoming { answer, host }),
        })
    }
}

struct Incoming {
    answer: reqwest::Response,
    host: String,
}

#[async_trait]
impl Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        self.answer.chunk().await.map_err(|error| {
            if error.is_timeout() {
                TransportError::Timeout {
                    host: self.host.clone(),
                }
            } else {
                TransportError::BrokenOff {
                    host: self.host.clone(),
                }
            }
        })
    }
}

/// Errors of the library name the whole address, which holds page tokens: it is taken out.
fn refused(host: &str, error: reqwest::Error) -> TransportError {
    if error.is_timeout() {
        return TransportError::Timeout { host: host.into() };
    }
    TransportError::Unreachable {
        host: host.into(),
        source: error.without_url().into(),
    }
}
