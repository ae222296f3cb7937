//! What of a call is looked at, within bounds, before anybody asks whom it is for.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, StatusCode};

/// Notifications are some hundred bytes each and come in dozens; Microsoft documents no bound.
const BODY_BYTES_MAX: usize = 256 << 10;
/// A validation token, each of its characters encoded as three.
const QUERY_BYTES_MAX: usize = 8 << 10;
/// More than twice of what vendors and gateways send.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 16 << 10;

pub(super) struct Parts {
    pub(super) query: String,
    pub(super) content_type: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Bytes,
}

impl Parts {
    pub(super) fn read(request: &Request<Bytes>) -> Result<Parts, StatusCode> {
        if request.method() != Method::POST {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let body = request.body();
        if body.len() > BODY_BYTES_MAX {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let query = request.uri().query().unwrap_or_default();
        let sizes = request.headers().iter();
        let bytes: usize = sizes
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        let is_small = query.len() <= QUERY_BYTES_MAX
            && request.headers().len() <= HEADERS_MAX
            && bytes <= HEADER_BYTES_MAX;
        if !is_small {
            return Err(StatusCode::BAD_REQUEST);
        }
        let mut headers = BTreeMap::new();
        for (name, value) in request.headers() {
            // Which of two would count is not for a caller to play with: the first does.
            if let Ok(value) = value.to_str() {
                let name = name.as_str().to_string();
                headers.entry(name).or_insert_with(|| value.to_string());
            }
        }
        let content_type = headers.get("content-type").map_or("", String::as_str);
        let content_type = content_type.split(';').next().unwrap_or_default();
        Ok(Parts {
            query: query.into(),
            content_type: content_type.trim().to_ascii_lowercase(),
            headers,
            body: body.clone(),
        })
    }
}
