//! Requests taken apart, and the error shapes of Okta's two APIs.

use casbah_model::transport::{Bytes, Headers, Method, Request};

use crate::address::{decode_path, pairs};
use crate::answer::Answer;
use crate::json::object;

/// A request with its address decoded.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    /// The path as it was written, and its segments decoded.
    pub raw_path: String,
    pub path: Vec<String>,
    /// Parameters as they were written, and decoded.
    pub raw_query: String,
    pub query: Vec<(String, String)>,
    pub headers: Headers,
    pub body: Bytes,
}

impl Call {
    /// Reads a request; `None` if its address is not the org's.
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
            raw_path: path.to_string(),
            raw_query: query.to_string(),
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

    /// Parameters as they were written, without the named ones.
    pub fn query_without(&self, names: &[&str]) -> String {
        let parts = self.raw_query.split('&').filter(|part| {
            let name = part.split('=').next().unwrap_or(part);
            !part.is_empty() && !names.contains(&name)
        });
        parts.collect::<Vec<_>>().join("&")
    }

    /// The words of the `okta-response` parameter of `Content-Type` (Users API, "okta-response").
    pub fn omits(&self, what: &str) -> bool {
        let header = self.headers.get("Content-Type").unwrap_or_default();
        let wish = header.split_once("okta-response=").map(|(_, wish)| wish);
        wish.is_some_and(|wish| {
            let wish = wish.trim_start_matches('"').split('"').next();
            wish.unwrap_or_default()
                .split(',')
                .any(|word| word.trim() == what)
        })
    }
}

/// Codes of the management API with their sentence (Okta error codes); only the codes are stable.
const SENTENCES: [(&str, u16, &str); 15] = [
    ("E0000001", 400, "Api validation failed"),
    ("E0000003", 400, "The request body was not well-formed."),
    (
        "E0000006",
        403,
        "You do not have permission to perform the requested action",
    ),
    ("E0000007", 404, "Not found: Resource not found"),
    ("E0000009", 500, "Internal Server Error"),
    ("E0000011", 401, "Invalid token provided"),
    (
        "E0000014",
        403,
        "You do not have permission to access the feature you are requesting",
    ),
    (
        "E0000021",
        400,
        "Bad request. Accept and/or Content-Type headers likely do not match supported values.",
    ),
    (
        "E0000022",
        405,
        "The endpoint does not support the provided HTTP method",
    ),
    ("E0000031", 400, "Invalid search criteria."),
    (
        "E0000038",
        403,
        "This operation is not allowed in the user's current status.",
    ),
    (
        "E0000047",
        429,
        "API call exceeded rate limit due to too many requests.",
    ),
    ("E0000053", 400, "Invalid filter"),
    (
        "E0000090",
        400,
        "Duplicate role assignment exception. The role specified is already assigned to the user.",
    ),
    (
        "E0000016",
        403,
        "Activation failed because the user is already active",
    ),
];

/// An error of the management API; `cause` tells more where there is more to tell.
pub fn api_error(code: &str, cause: &str) -> Answer {
    let known = SENTENCES.iter().find(|(known, _, _)| *known == code);
    let (_, status, sentence) = known.expect("every code that is used has a sentence");
    api_error_as(*status, code, sentence, cause)
}

/// The same under another status than the code's own.
pub fn api_error_as(status: u16, code: &str, sentence: &str, cause: &str) -> Answer {
    let causes = if cause.is_empty() {
        "[]".into()
    } else {
        format!(
            "[{}]",
            object(|one| {
                one.text("errorSummary", cause);
            })
        )
    };
    let body = object(|error| {
        error
            .text("errorCode", code)
            .text("errorSummary", sentence)
            .text("errorLink", code)
            .text("errorId", "oaeSimulated0000000000000")
            .raw("errorCauses", &causes);
    });
    Answer::json(status, body)
}

pub fn not_found(id: &str, what: &str) -> Answer {
    let sentence = format!("Not found: Resource not found: {id} ({what})");
    api_error_as(404, "E0000007", &sentence, "")
}

pub fn bad_value(cause: &str) -> Answer {
    api_error("E0000001", cause)
}

/// An error of the authorization server (Okta OAuth 2.0 error codes).
pub fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    let body = object(|body| {
        body.text("error", error)
            .text("error_description", description);
    });
    Answer::json(status, body)
}
