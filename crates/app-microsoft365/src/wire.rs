//! What more than one file says to the vendor and reads from it: the services, calls, links and lenient fields.

use std::borrow::Cow;

use casbah_connector::{ConnectorError, Session};
use casbah_http::{Address, Call};
use casbah_model::Timestamp;
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Headers, Method};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits::Bucket;

/// Names of the services: of their endpoints in the settings, and of the audiences of their tokens.
pub(crate) const LOGIN: &str = "login";
pub(crate) const GRAPH: &str = "graph";
pub(crate) const MANAGEMENT: &str = "management";

/// Undecorated traffic is served last (SharePoint developer documentation, "Avoid getting throttled or blocked in
/// SharePoint Online", "How to decorate your HTTP traffic").
const USER_AGENT: &str = concat!("ISV|Casbah|Casbah/", env!("CARGO_PKG_VERSION"));

/// Answers that are read as a whole; the largest is a page of permissions.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A reading call; the class names what its cost is kept by.
pub(crate) fn get(address: Address, bucket: Bucket, class: &'static str) -> Call {
    let call = call(Method::Get, address, bucket, class);
    // Scans give way to what people wait for (Microsoft Graph throttling guidance, "x-ms-throttle-priority").
    match bucket {
        Bucket::Directory | Bucket::SignInTimes => prioritised(call, "Low"),
        Bucket::Management
        | Bucket::Reports
        | Bucket::Files
        | Bucket::SharingWrites
        | Bucket::Labels
        | Bucket::DirectoryWrites
        | Bucket::Risk => call,
    }
}

/// A call that somebody waits for: it reads the target of an action, or changes it.
pub(crate) fn urgent(
    method: Method,
    address: Address,
    bucket: Bucket,
    class: &'static str,
) -> Call {
    let call = call(method, address, bucket, class);
    match bucket {
        Bucket::Directory | Bucket::DirectoryWrites | Bucket::Risk => prioritised(call, "High"),
        Bucket::Management
        | Bucket::Reports
        | Bucket::SignInTimes
        | Bucket::Files
        | Bucket::SharingWrites
        | Bucket::Labels => call,
    }
}

fn prioritised(mut call: Call, priority: &str) -> Call {
    call.headers.add("x-ms-throttle-priority", priority);
    call
}

fn call(method: Method, address: Address, bucket: Bucket, class: &'static str) -> Call {
    let headers = Headers::default()
        .with("Accept", "application/json")
        .with("User-Agent", USER_AGENT);
    Call {
        method,
        address,
        bucket: bucket.name(),
        account: None,
        class,
        also: None,
        audience: if bucket == Bucket::Management {
            MANAGEMENT
        } else {
            GRAPH
        },
        headers,
        body: Bytes::new(),
    }
}

/// The links around a list (Microsoft Graph documentation, "Paging" and "Use delta query").
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Links {
    #[serde(rename = "@odata.nextLink")]
    pub(crate) next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    pub(crate) delta: Option<String>,
}

impl Links {
    /// Reads what was around a list; for use after its last record, because links may follow it.
    pub(crate) fn read(envelope: &[u8]) -> Result<Links, ConnectorError> {
        serde_json::from_slice(envelope).map_err(|error| ConnectorError::Unreadable {
            source: error.into(),
        })
    }
}

/// Checks a link to the next page before it is kept: it must lead to the configured host and not back.
pub(crate) fn onward(
    session: &Session,
    endpoint: &str,
    called: &Address,
    next: String,
) -> Result<String, ConnectorError> {
    if session.follow(endpoint, &next)?.as_str() == called.as_str() {
        let what = format!("the next link of {called:?} leads back to the same page");
        return Err(ConnectorError::BadLink { what });
    }
    Ok(next)
}

/// An id as one segment of a path.
///
/// # Errors
/// Ids of dots alone would climb up the path.
pub(crate) fn segment(id: &str) -> Result<String, ConnectorError> {
    casbah_connector::segment(id, b"!$,")
}

/// Reads a record into fields that are borrowed from it; an error is the reason why it is none.
///
/// When a field comes twice the last one holds, as everywhere else in JSON, and all are borrowed from `once`.
pub(crate) fn record<'a, W: Deserialize<'a>>(
    raw: &'a [u8],
    once: &'a mut String,
) -> Result<W, &'static str> {
    if raw.first() != Some(&b'{') {
        return Err("not-an-object");
    }
    if let Ok(wire) = serde_json::from_slice(raw) {
        return Ok(wire);
    }
    let value: serde_json::Value = serde_json::from_slice(raw).map_err(|_| "not-json")?;
    *once = value.to_string();
    serde_json::from_str(once).map_err(|_| "not-json")
}

/// A field of any type, so that a wrong type in one field does not lose the record.
pub(crate) type Field<'a> = Option<&'a RawValue>;

pub(crate) fn text(field: Field<'_>) -> Option<Cow<'_, str>> {
    let raw = field?.get();
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw).ok().map(Cow::Owned)
}

pub(crate) fn flag(field: Field<'_>) -> Option<bool> {
    field?.get().parse().ok()
}

pub(crate) fn number(field: Field<'_>) -> Option<i64> {
    field?.get().trim_matches('"').parse().ok()
}

pub(crate) fn moment(field: Field<'_>) -> Option<Timestamp> {
    moment_of(&text(field)?)
}

/// A time as the vendor writes it: RFC 3339, or without a zone and then UTC, as audit records have it
/// (Management Activity API schema, "CreationTime": "in Coordinated Universal Time").
pub(crate) fn moment_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(at) = plain_moment(text.as_bytes()) {
        return Some(at);
    }
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// The one form that nearly all audit records have, `YYYY-MM-DDTHH:MM:SS`, read without a general parser.
fn plain_moment(text: &[u8]) -> Option<Timestamp> {
    let is_plain = text.len() == 19
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
            .iter()
            .all(|(at, mark)| text[*at] == *mark);
    if !is_plain {
        return None;
    }
    let digits = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0_i64, |sum, byte| match byte {
                b'0'..=b'9' => Some(sum * 10 + i64::from(byte - b'0')),
                _ => None,
            })
    };
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > month_days || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since the epoch, with March as the first month, so that leap days come last (Hinnant, "chrono-Compatible
    // Low-Level Date Algorithms", days_from_civil).
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Timestamp::from_second(days * 86_400 + hour * 3600 + minute * 60 + second).ok()
}

/// The cause of a refusal for want of a right.
pub(crate) fn lacks(rights: &[&str], what: &str) -> Cause {
    let least = rights.first().copied().unwrap_or("the right");
    let others = rights.get(1..).unwrap_or_default();
    let or = if others.is_empty() {
        String::new()
    } else {
        format!(" (or {})", others.join(" or "))
    };
    Cause::new(
        "permission",
        format!("Microsoft 365 does not let Casbah {what}"),
        format!(
            "grant the application permission {least}{or} with admin consent and run `casbah test`"
        ),
    )
}

#[cfg(test)]
mod tests;
