//! What may be wrong with a request, as problem documents (RFC 9457); the one list of them.

use bytes::Bytes;
use casbah_model::app::App;
use casbah_model::ports::StoreError;
use casbah_pipeline::StageError;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::reply::Reply;

/// A kind of problem. Its name is stable: programs decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BadPath,
    BadParameter,
    BadToken,
    BadJson,
    BadIdempotencyKey,
    Unauthorized,
    NotApprover,
    NoSuchPath,
    NoSuchProblem,
    NoSuchConnection,
    NoSuchStream,
    NoSuchAction,
    MethodNotAllowed,
    NameTaken,
    WrongState,
    ActionState,
    NothingHeld,
    NotYetScanned,
    RequestInProgress,
    ChangedMeanwhile,
    BodyTooLarge,
    MediaType,
    WrongHost,
    BadField,
    RequestDiffers,
    Defect,
    Busy,
    Unavailable,
}

/// One line of the catalogue.
pub struct Entry {
    pub code: Code,
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// What to do, for whoever follows the link of the type.
    pub fix: &'static str,
}

const fn entry(
    code: Code,
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    fix: &'static str,
) -> Entry {
    Entry {
        code,
        name,
        status,
        title,
        fix,
    }
}

/// Every problem, in the order of its status. `infra/openapi.yaml` lists the same, and a test compares them.
pub const CATALOGUE: [Entry; 28] = [
    entry(
        Code::BadPath,
        "bad-path",
        StatusCode::BAD_REQUEST,
        "A part of the path cannot be right",
        "Correct the part that `field` names.",
    ),
    entry(
        Code::BadParameter,
        "bad-parameter",
        StatusCode::BAD_REQUEST,
        "A query parameter is unknown, repeated or wrong",
        "Correct or leave out the parameter that `field` names.",
    ),
    entry(
        Code::BadToken,
        "bad-token",
        StatusCode::BAD_REQUEST,
        "The token does not belong to this list",
        "Use `next_token` with the path and the filters it was given for, or begin without it.",
    ),
    entry(
        Code::BadJson,
        "bad-json",
        StatusCode::BAD_REQUEST,
        "The body is not the JSON that is read here",
        "Send one JSON object without repeated names and not deeper than eight levels.",
    ),
    entry(
        Code::BadIdempotencyKey,
        "bad-idempotency-key",
        StatusCode::BAD_REQUEST,
        "The Idempotency-Key is missing or malformed",
        "Send one Idempotency-Key of 1 to 64 visible ASCII characters, new for every intent and the same for every repeat of it.",
    ),
    entry(
        Code::Unauthorized,
        "unauthorized",
        StatusCode::UNAUTHORIZED,
        "The caller is not known",
        "Sign the request, or send the token that `casbah serve` printed.",
    ),
    entry(
        Code::NotApprover,
        "not-approver",
        StatusCode::FORBIDDEN,
        "The caller may not approve this action",
        "Let somebody else approve it: not who asked for it, and one of CASBAH_APPROVERS where it names any.",
    ),
    entry(
        Code::NoSuchPath,
        "no-such-path",
        StatusCode::NOT_FOUND,
        "There is nothing at this path",
        "Look the path up in /v1/openapi.yaml.",
    ),
    entry(
        Code::NoSuchProblem,
        "no-such-problem",
        StatusCode::NOT_FOUND,
        "There is no such kind of problem",
        "Look the kinds up in /v1/openapi.yaml.",
    ),
    entry(
        Code::NoSuchConnection,
        "no-such-connection",
        StatusCode::NOT_FOUND,
        "There is no such connection",
        "List the connections with GET /v1/connections.",
    ),
    entry(
        Code::NoSuchStream,
        "no-such-stream",
        StatusCode::NOT_FOUND,
        "The connection has no such stream",
        "List the streams with GET /v1/connections/{connection}/streams.",
    ),
    entry(
        Code::NoSuchAction,
        "no-such-action",
        StatusCode::NOT_FOUND,
        "The connection has no such action",
        "List the actions with GET /v1/connections/{connection}/actions.",
    ),
    entry(
        Code::MethodNotAllowed,
        "method-not-allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "This path does not take this method",
        "Use one of the methods in the Allow header.",
    ),
    entry(
        Code::NameTaken,
        "name-taken",
        StatusCode::CONFLICT,
        "The name belongs to another connection",
        "Choose another name, or change the connection with PATCH.",
    ),
    entry(
        Code::WrongState,
        "wrong-state",
        StatusCode::CONFLICT,
        "The connection is in a state that does not allow this",
        "Read the connection and bring it into the state that `detail` names.",
    ),
    entry(
        Code::ActionState,
        "action-state",
        StatusCode::CONFLICT,
        "The action is in a state that does not allow this",
        "Read the action; what has ended or expired is planned again as a new one.",
    ),
    entry(
        Code::NothingHeld,
        "nothing-held",
        StatusCode::CONFLICT,
        "No snapshot is held back",
        "Look for streams in the state `held` with GET /v1/connections/{connection}/streams.",
    ),
    entry(
        Code::NotYetScanned,
        "not-yet-scanned",
        StatusCode::CONFLICT,
        "Nothing has been read completely yet",
        "Wait for the first complete pass; GET /v1/connections/{connection}/progress tells how far it is.",
    ),
    entry(
        Code::RequestInProgress,
        "request-in-progress",
        StatusCode::CONFLICT,
        "The same request is being worked on",
        "Repeat the request after the seconds of Retry-After; its answer will be the first one's.",
    ),
    entry(
        Code::ChangedMeanwhile,
        "changed-meanwhile",
        StatusCode::PRECONDITION_FAILED,
        "The connection has changed since it was read",
        "Read the connection again and repeat the change with its ETag.",
    ),
    entry(
        Code::BodyTooLarge,
        "body-too-large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
        "Send at most 65,536 bytes.",
    ),
    entry(
        Code::MediaType,
        "media-type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is not marked as JSON",
        "Send Content-Type: application/json.",
    ),
    entry(
        Code::WrongHost,
        "wrong-host",
        StatusCode::MISDIRECTED_REQUEST,
        "The request was meant for another host",
        "Use the address that `casbah serve` printed.",
    ),
    entry(
        Code::BadField,
        "bad-field",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A field of the body is missing, unknown or wrong",
        "Correct the fields that `errors` names.",
    ),
    entry(
        Code::RequestDiffers,
        "request-differs",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The Idempotency-Key was used for another request",
        "Use a new key for a new intent.",
    ),
    entry(
        Code::Defect,
        "defect",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The request met a defect",
        "Report it with the id of the instance; a repeat is safe.",
    ),
    entry(
        Code::Busy,
        "busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "Others are changing the same thing in this moment",
        "Repeat the request after the seconds of Retry-After; with the same Idempotency-Key nothing is done twice.",
    ),
    entry(
        Code::Unavailable,
        "unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "A store that this needs does not answer",
        "Repeat the request after the seconds of Retry-After; if it stays so, the log names the store and the reason.",
    ),
];

/// Stores that are busy recover in about this time.
const BUSY_S: u64 = 1;
/// Stores that do not answer need longer, or somebody.
const UNAVAILABLE_S: u64 = 30;

impl Code {
    pub fn entry(self) -> &'static Entry {
        let found = CATALOGUE.iter().find(|entry| entry.code == self);
        found.expect("the catalogue has every code, which a test proves")
    }

    pub fn named(name: &str) -> Option<&'static Entry> {
        CATALOGUE.iter().find(|entry| entry.name == name)
    }
}

/// One thing that is wrong, and where: a JSON pointer into the body, or the name of a parameter or header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: String,
    pub what: String,
}

/// A problem that one request met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
    connector: Option<App>,
    allow: Option<String>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem {
            code,
            detail: detail.into(),
            errors: vec![],
            retry_after_s: None,
            connector: None,
            allow: None,
        }
    }

    /// A problem with one field.
    pub fn field(code: Code, field: impl Into<String>, what: impl Into<String>) -> Problem {
        let (field, what) = (field.into(), what.into());
        Problem::fields(code, vec![FieldError { field, what }])
    }

    /// A problem with at least one field; the detail tells the first, or all when they are few.
    pub fn fields(code: Code, errors: Vec<FieldError>) -> Problem {
        let told = errors.iter().take(3).map(|error| match &*error.field {
            // The pointer of a whole body is empty.
            "" => error.what.clone(),
            field => format!("{field}: {}", error.what),
        });
        let detail = told.collect::<Vec<_>>().join("; ");
        Problem {
            errors,
            ..Problem::new(code, detail)
        }
    }

    pub fn with_retry(self, seconds: u64) -> Problem {
        Problem {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    pub fn with_connector(self, app: App) -> Problem {
        Problem {
            connector: Some(app),
            ..self
        }
    }

    pub(crate) fn with_allow(self, methods: String) -> Problem {
        Problem {
            allow: Some(methods),
            ..self
        }
    }

    pub(crate) fn busy(detail: &str) -> Problem {
        Problem::new(Code::Busy, detail).with_retry(BUSY_S)
    }

    pub fn code(&self) -> Code {
        self.code
    }

    fn document(&self, request_id: &str) -> Value {
        let Entry {
            name,
            status,
            title,
            ..
        } = self.code.entry();
        let mut document = json!({
            "type": format!("/v1/problems/{name}"),
            "code": name,
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
            "instance": as_reference(request_id),
        });
        if let Some(first) = self.errors.first() {
            document["field"] = first.field.as_str().into();
            let each = |error: &FieldError| json!({ "field": error.field, "what": error.what });
            document["errors"] = self.errors.iter().map(each).collect();
        }
        if let Some(seconds) = self.retry_after_s {
            document["retry_after"] = seconds.into();
        }
        if let Some(app) = self.connector {
            document["connector"] = app.name().into();
        }
        document
    }

    pub(crate) fn into_response(self, request_id: &str) -> Response<Bytes> {
        let document = self.document(request_id);
        let mut reply = Reply::problem(self.code.entry().status, &document);
        if let Some(seconds) = self.retry_after_s {
            reply = reply.with("retry-after", &seconds.to_string());
        }
        if let Some(methods) = &self.allow {
            reply = reply.with("allow", methods);
        }
        if self.code == Code::Unauthorized {
            // RFC 9110, 15.5.2: a 401 names a challenge.
            reply = reply.with("www-authenticate", "Bearer");
        }
        reply.into_response()
    }
}

/// The id of a request as a relative reference, which `instance` has to be (RFC 9457, 3.1.5).
fn as_reference(request_id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~=".contains(&byte);
    request_id
        .bytes()
        .map(|byte| match is_plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// What a stage cannot do, without a word about how it is built: the log has the chain.
impl From<StageError> for Problem {
    fn from(error: StageError) -> Problem {
        match error {
            StageError::UnknownConnection { name } => no_such_connection(&name),
            StageError::Refused(cause) => {
                let code = match cause.code.as_str() {
                    "nothing-held" => Code::NothingHeld,
                    "state" => Code::WrongState,
                    _ => Code::BadField,
                };
                Problem::new(code, cause.to_string())
            }
            StageError::Address(error) => {
                Problem::field(Code::BadField, "/endpoints", error.to_string())
            }
            StageError::Store(
                StoreError::Busy | StoreError::Unknown | StoreError::Refused { .. },
            ) => Problem::busy("the table is busy, or somebody else changed the same item"),
            error => {
                tracing::error!(error = %error.chain(), "the api cannot use a store");
                let detail =
                    "a store cannot be used; the log names it under the id of the instance";
                Problem::new(Code::Unavailable, detail).with_retry(UNAVAILABLE_S)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        StageError::from(error).into()
    }
}

pub(crate) fn no_such_connection(name: &str) -> Problem {
    let detail = format!("there is no connection named \"{name}\"");
    Problem::new(Code::NoSuchConnection, detail)
}

/// As much of what somebody sent as a problem may repeat.
pub(crate) fn shown(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_catalogue_once_and_by_status() {
        for (place, entry) in CATALOGUE.iter().enumerate() {
            assert_eq!(entry.code.entry().name, entry.name);
            let before = &CATALOGUE[place.saturating_sub(1)];
            assert!(before.status <= entry.status, "{}", entry.name);
            let same = CATALOGUE.iter().filter(|other| other.name == entry.name);
            assert_eq!(same.count(), 1, "{}", entry.name);
        }
        // The last variant counts them: one that is missing from the catalogue is a gap here.
        assert_eq!(Code::Unavailable as usize + 1, CATALOGUE.len());
    }

    #[test]
    fn the_id_of_a_request_becomes_a_reference() {
        assert_eq!(as_reference("JKJaXmPLvHcESHA="), "JKJaXmPLvHcESHA=");
        assert_eq!(as_reference("a:b/c\n"), "a%3Ab%2Fc%0A");
    }
}
