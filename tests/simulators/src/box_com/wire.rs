//! Requests taken apart, errors in the shapes of the API and of the token endpoint, and times as Box writes them.

use casbah_model::transport::{Bytes, Headers, Method, Request};

use crate::address::{decode_path, pairs};
use crate::answer::Answer;
use crate::json::object;
use crate::moment::{MINUTE, Millis, push_bare, push_digits};

/// A request with its address decoded.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: Headers,
    pub body: Bytes,
}

impl Call {
    /// Reads a request; `None` if its address is not the API's.
    pub fn read(base: &str, request: &Request) -> Option<Call> {
        let rest = request.url.strip_prefix(base.trim_end_matches('/'))?;
        if !(rest.is_empty() || rest.starts_with(['/', '?'])) {
            return None;
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let segments = path.split('/').filter(|part| !part.is_empty());
        Some(Call {
            method: request.method,
            path: segments.map(decode_path).collect(),
            query: pairs(query),
            headers: request.headers.clone(),
            body: request.body.clone(),
        })
    }

    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    pub fn is_token_call(&self) -> bool {
        self.path.first().is_some_and(|first| first == "oauth2")
    }

    /// The fields that are asked for; `None` for the standard set.
    pub fn fields(&self) -> Option<Vec<String>> {
        let names = self.parameter("fields")?.split(',').map(str::trim);
        Some(
            names
                .filter(|name| !name.is_empty())
                .map(String::from)
                .collect(),
        )
    }
}

/// The codes of the API with their status (guides, "Common errors"); the sentences are ours where no page shows one.
const SENTENCES: [(&str, u16, &str); 30] = [
    ("bad_request", 400, "Bad request"),
    ("invalid_parameter", 400, "Invalid value for a parameter"),
    ("invalid_limit", 400, "Invalid limit"),
    ("invalid_offset", 400, "Invalid offset"),
    (
        "collaborations_not_available_on_root_folder",
        400,
        "Collaborations are not available on the root folder",
    ),
    ("unauthorized", 401, "Unauthorized"),
    (
        "access_denied_insufficient_permissions",
        403,
        "Access denied - insufficient permission",
    ),
    (
        "insufficient_scope",
        403,
        "The request requires higher privileges than provided by the access token.",
    ),
    ("forbidden", 403, "Forbidden"),
    ("not_found", 404, "Not Found"),
    ("not_trashed", 404, "Item is not trashed"),
    ("trashed", 404, "Item is trashed"),
    (
        "instance_tuple_not_found",
        404,
        "Template not found for the given scope",
    ),
    ("instance_not_found", 404, "Instance not found"),
    ("folder_not_empty", 400, "Folder is not empty"),
    ("item_name_invalid", 400, "Item name invalid"),
    ("schema_validation_failed", 400, "Schema validation failed"),
    ("access_denied_item_locked", 403, "Item is locked"),
    (
        "forbidden_by_policy",
        403,
        "Access denied by an access policy",
    ),
    (
        "item_name_in_use",
        409,
        "Item with the same name already exists",
    ),
    ("tuple_already_exists", 409, "Tuple already exists"),
    (
        "user_already_collaborator",
        409,
        "User is already a collaborator",
    ),
    (
        "operation_blocked_temporary",
        409,
        "The operation is blocked by another on-going operation",
    ),
    ("precondition_failed", 412, "The resource has been modified"),
    ("unsupported_media_type", 415, "Unsupported Media Type"),
    ("method_not_allowed", 405, "Method Not Allowed"),
    (
        "rate_limit_exceeded",
        429,
        "Request rate limit exceeded, please try again later",
    ),
    ("internal_server_error", 500, "Internal Server Error"),
    ("bad_gateway", 502, "Bad Gateway"),
    ("unavailable", 503, "Service unavailable"),
];

/// An error of the API by its code.
pub fn api_error(code: &str) -> Answer {
    api_error_about(code, "", "")
}

/// The same, with the parameter or item that it is about.
pub fn api_error_about(code: &str, name: &str, message: &str) -> Answer {
    let known = SENTENCES.iter().find(|(known, _, _)| *known == code);
    let (_, status, sentence) = *known.expect("every code that is used has a sentence");
    let body = object(|error| {
        error
            .text("type", "error")
            .number("status", u64::from(status))
            .text("code", code);
        if !name.is_empty() {
            let one = object(|one| {
                one.text("reason", "invalid_parameter")
                    .text("name", name)
                    .text("message", message);
            });
            error.raw("context_info", &format!(r#"{{"errors":[{one}]}}"#));
        }
        error
            .text("help_url", "http://developers.box.com/docs/#errors")
            .text("message", sentence)
            .text("request_id", "simulated0000001");
    });
    Answer::json(status, body)
}

pub fn not_found() -> Answer {
    api_error_about("not_found", "item", "Invalid value")
}

/// An error of the token endpoint.
pub fn token_error(status: u16, error: &str, description: &str) -> Answer {
    let body = object(|body| {
        body.text("error", error)
            .text("error_description", description);
    });
    Answer::json(status, body)
}

/// Where most times of Box are told from, in minutes east of Greenwich.
pub const PACIFIC: i64 = -420;

/// A time with a numeric offset, `2026-03-23T09:18:35-07:00` (box_events test logs of elastic/integrations).
pub fn time(at: Millis, offset_minutes: i64) -> String {
    let mut text = String::with_capacity(25);
    push_bare(&mut text, at + offset_minutes * MINUTE);
    text.push(if offset_minutes < 0 { '-' } else { '+' });
    push_digits(&mut text, offset_minutes.abs() / 60, 2);
    text.push(':');
    push_digits(&mut text, offset_minutes.abs() % 60, 2);
    text
}

/// A time of a record, as the vendor's home tells it.
pub fn home_time(at: Millis) -> String {
    time(at, PACIFIC)
}
