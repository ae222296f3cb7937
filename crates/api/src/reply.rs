//! What is answered: a status, a body, and the few header fields that answers have.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

const JSON: &str = "application/json";
/// RFC 9457, section 3.
const PROBLEM: &str = "application/problem+json";
/// RFC 9512, section 2.1.
const YAML: &str = "application/yaml";

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub media_type: &'static str,
    /// Beside those that every answer has.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Reply {
    pub fn json(status: StatusCode, value: &impl Serialize) -> Reply {
        let body = serde_json::to_vec(value).expect("answers are plain data with text as names");
        Reply::new(status, JSON, body.into())
    }

    pub fn ok(value: &impl Serialize) -> Reply {
        Reply::json(StatusCode::OK, value)
    }

    /// Work that goes on after the answer; `location` tells how it stands.
    pub fn accepted(value: &impl Serialize, location: &str) -> Reply {
        Reply::json(StatusCode::ACCEPTED, value).with("location", location)
    }

    /// An answer that was given before.
    pub fn again(status: StatusCode, body: String) -> Reply {
        Reply::new(status, JSON, body.into())
    }

    pub fn yaml(text: &'static str) -> Reply {
        Reply::new(StatusCode::OK, YAML, Bytes::from_static(text.as_bytes()))
    }

    pub fn problem(status: StatusCode, document: &Value) -> Reply {
        Reply::new(status, PROBLEM, document.to_string().into())
    }

    fn new(status: StatusCode, media_type: &'static str, body: Bytes) -> Reply {
        Reply {
            status,
            media_type,
            headers: vec![],
            body,
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let fixed = [
            ("content-type", self.media_type.to_string()),
            // Answers are of one caller and one moment.
            ("cache-control", "no-store".to_string()),
            // A browser that is led here must not take an answer for a page.
            ("x-content-type-options", "nosniff".to_string()),
        ];
        for (name, value) in fixed.into_iter().chain(self.headers) {
            // Values are made of ids, numbers and percent-encoded paths; one that is not is left out.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
