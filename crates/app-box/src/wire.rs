//! What more than one file says to Box and reads from it: calls as somebody, pages, paths, times, and what refusals mean.

use casbah_connector::{ConnectorError, Session};
use casbah_http::{Address, Call, CallError, Records, RefusalKind};
use casbah_model::Timestamp;
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Headers, Method};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::{MONTHLY_CALLS, USER_ID, limits};

/// The one service that is called, and the name of its address in settings.
pub(crate) const API: &str = "api";

const USER_AGENT: &str = concat!("Casbah/", env!("CARGO_PKG_VERSION"));

/// Answers that are read as a whole are single objects.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Items of one page of most lists, the most there can be (OpenAPI, "limit").
pub(crate) const PAGE: usize = 1000;

/// Markers are opaque texts of some hundred characters.
const MARKER_BYTES_MAX: usize = 4 << 10;

/// As whom a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acting<'a> {
    /// The service account, or the user that the token is for.
    Ourselves,
    /// A managed user, by id: the header `as-user` (developer guides, "As-user").
    User(&'a str),
}

/// A reading call of a path below `/2.0`, such as `/users?limit=1`.
pub(crate) fn get(
    session: &Session,
    path_and_query: &str,
    acting: Acting<'_>,
) -> Result<Call, ConnectorError> {
    let address = session.address(API, &format!("/2.0{path_and_query}"))?;
    Ok(call(session, Method::Get, address, acting))
}

/// A call without a body; the acting user has a limit of its own.
pub(crate) fn call(
    session: &Session,
    method: Method,
    address: Address,
    acting: Acting<'_>,
) -> Call {
    let mut headers = Headers::default()
        .with("Accept", "application/json")
        .with("User-Agent", USER_AGENT);
    let user = match acting {
        // The header is refused for the one whose token it is (developer guides, "As-user").
        Acting::User(user) if user != session.setting(USER_ID) => Some(user),
        Acting::User(_) | Acting::Ourselves => None,
    };
    if let Some(user) = user {
        headers.add("as-user", user);
    }
    let monthly = session.setting(MONTHLY_CALLS);
    let (bucket, account) = limits::spent(monthly, address.as_str(), user);
    Call {
        method,
        address,
        bucket,
        account,
        class: "call",
        also: None,
        audience: API,
        headers,
        body: Bytes::new(),
    }
}

/// What a change says.
pub(crate) enum Content {
    Nothing,
    Json(serde_json::Value),
    /// RFC 6902.
    Patch(serde_json::Value),
}

/// A call of a path below `/2.0` that changes something.
pub(crate) fn change(
    session: &Session,
    method: Method,
    path_and_query: &str,
    acting: Acting<'_>,
    content: Content,
) -> Result<Call, ConnectorError> {
    let address = session.address(API, &format!("/2.0{path_and_query}"))?;
    let mut call = call(session, method, address, acting);
    let (kind, body) = match content {
        Content::Nothing => return Ok(call),
        Content::Json(body) => ("application/json", body),
        Content::Patch(body) => ("application/json-patch+json", body),
    };
    call.headers.add("Content-Type", kind);
    call.body = Bytes::from(body.to_string());
    Ok(call)
}

/// A page of a list whose entries are handed over one by one.
pub(crate) struct Page {
    called: Address,
    pub(crate) records: Records,
}

/// What is around the entries of a list; either kind of paging has some of it (OpenAPI, "Users", "Groups", "Items").
#[derive(Deserialize)]
struct Envelope<'a> {
    /// An answer without a list is no page, however empty.
    #[serde(rename = "entries")]
    _entries: IgnoredAny,
    #[serde(borrow, default)]
    next_marker: Field<'a>,
    #[serde(borrow, default)]
    total_count: Field<'a>,
}

/// The first page of a list that is paged by markers, or the one behind a marker.
pub(crate) async fn marker_page(
    session: &Session,
    path_and_query: &str,
    marker: Option<&str>,
    acting: Acting<'_>,
) -> Result<Page, CallError> {
    let mark = if path_and_query.contains('?') {
        '&'
    } else {
        '?'
    };
    let path = format!("/2.0{path_and_query}{mark}usemarker=true&limit={PAGE}");
    let mut address = session.address(API, &path)?;
    if let Some(marker) = marker {
        address = address.with_query("marker", marker);
    }
    page(session, address, acting).await
}

/// A page of a list that is paged by numbers.
pub(crate) async fn offset_page(
    session: &Session,
    path_and_query: &str,
    offset: u64,
    acting: Acting<'_>,
) -> Result<Page, CallError> {
    let mark = if path_and_query.contains('?') {
        '&'
    } else {
        '?'
    };
    let path = format!("/2.0{path_and_query}{mark}limit={PAGE}&offset={offset}");
    page(session, session.address(API, &path)?, acting).await
}

async fn page(session: &Session, called: Address, acting: Acting<'_>) -> Result<Page, CallError> {
    let answer = session
        .send(&call(session, Method::Get, called.clone(), acting))
        .await?;
    let records = Records::member(answer.body, "entries");
    Ok(Page { called, records })
}

impl Page {
    /// The marker of the next page; for use after the last entry. At the end it is null, empty or absent.
    pub(crate) fn next_marker(
        &self,
        asked: Option<&str>,
    ) -> Result<Option<String>, ConnectorError> {
        let marker = self.envelope()?.next_marker;
        let Some(marker) = text_or_number(marker).filter(|marker| !marker.is_empty()) else {
            return Ok(None);
        };
        if marker.len() > MARKER_BYTES_MAX {
            let what = format!(
                "the next marker of {:?} has more than {MARKER_BYTES_MAX} bytes",
                self.called
            );
            return Err(ConnectorError::BadLink { what });
        }
        if Some(marker.as_str()) == asked {
            let what = format!(
                "the next marker of {:?} leads back to the same page",
                self.called
            );
            return Err(ConnectorError::BadLink { what });
        }
        Ok(Some(marker))
    }

    /// Where the page behind this one begins; for use after the last entry, of which there were `entries`.
    ///
    /// It is the limit that is added and not the number of entries: what may not be seen is left out of a page, and
    /// counts (developer guides, "Offset-based pagination").
    pub(crate) fn next_offset(
        &self,
        offset: u64,
        entries: usize,
    ) -> Result<Option<u64>, ConnectorError> {
        let total = text_or_number(self.envelope()?.total_count);
        let total: u64 = total.and_then(|text| text.parse().ok()).unwrap_or(0);
        let next = offset + PAGE as u64;
        Ok((next < total || entries >= PAGE).then_some(next))
    }

    fn envelope(&self) -> Result<Envelope<'_>, ConnectorError> {
        serde_json::from_slice(self.records.envelope()).map_err(|error| {
            ConnectorError::Unreadable {
                source: error.into(),
            }
        })
    }
}

/// A field of any type, so that a wrong type in one field does not lose the record.
pub(crate) type Field<'a> = Option<&'a RawValue>;

/// A text, or a number as it is written: some are beyond what a double can hold.
pub(crate) fn text_or_number(field: Field<'_>) -> Option<String> {
    let raw = field?.get();
    if raw.starts_with('"') {
        return serde_json::from_str(raw).ok();
    }
    let is_number = raw.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| raw.to_string())
}

/// An id as one segment of a path.
///
/// # Errors
/// Ids of dots alone would climb up the path.
pub(crate) fn segment(id: &str) -> Result<String, ConnectorError> {
    casbah_connector::segment(id, b"")
}

/// Ids are decimal numbers written as texts (OpenAPI, "id").
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A time as Box writes it, with a numeric offset: `2026-03-23T09:18:35-07:00`.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

/// The address of what a user owns, which is a root of files. Box has none that tells the owner, so it is made up.
pub(crate) fn owner_address(owner: &str) -> String {
    format!("box://users/{owner}")
}

/// The address of a file or folder below its owner's.
pub(crate) fn item_address(owner: &str, kind: &str, item: &str) -> String {
    format!("{}/{kind}s/{item}", owner_address(owner))
}

/// What a refusal means for those who lack a scope when it is for want of a right.
pub(crate) fn explain(scope: &str, what: &str, error: CallError) -> ConnectorError {
    let CallError::Refused { refusal, .. } = &error else {
        return error.into();
    };
    let words = refusal.message.to_lowercase();
    let wrong = [
        (
            "without having an enterprise",
            "the account belongs to no enterprise",
        ),
        (
            "cannot authorize with this service",
            "the enterprise does not let the account call the API",
        ),
    ];
    if let Some((_, meaning)) = wrong.iter().find(|(part, _)| words.contains(part)) {
        let fix = "connect as the app's service account or the main admin, and let an admin authorize the app in the \
                   Admin Console";
        return ConnectorError::Unauthorized {
            cause: Cause::new("misconfigured", *meaning, fix),
        };
    }
    match refusal.kind {
        RefusalKind::Forbidden => ConnectorError::Forbidden {
            cause: lacks(scope, what, &refusal.code),
        },
        _ => error.into(),
    }
}

/// The cause of a refusal for want of a right: a scope that is added works after the app was authorised again.
pub(crate) fn lacks(scope: &str, what: &str, code: &str) -> Cause {
    let code = match code.is_empty() {
        true => String::new(),
        false => format!(" ({code})"),
    };
    Cause::new(
        "permission",
        format!("Box does not let Casbah {what}{code}"),
        format!(
            "give the app {scope} in the Developer Console, authorize it again in the Admin Console, and run `casbah \
             test`"
        ),
    )
}
