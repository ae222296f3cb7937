//! What more than one file says to Okta and reads from it: calls, links between pages, paths, and what refusals mean.

use casbah_connector::{ConnectorError, Session};
use casbah_http::{Address, Call, CallError, RefusalKind};
use casbah_model::Timestamp;
use casbah_model::connection::Cause;
use casbah_model::transport::{Bytes, Headers, Method};

use crate::dialect::INTERNAL;
use crate::limits::Bucket;

/// The one service, and the name of its address in settings.
pub(crate) const ORG: &str = "org";

/// Okta asks callers to name themselves (core-okta-api, "User agent").
const USER_AGENT: &str = concat!("Casbah/", env!("CARGO_PKG_VERSION"));

/// Answers that are read as a whole are single objects and pages of parents.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Links are addresses; longer ones would not be accepted back.
const LINK_BYTES_MAX: usize = 8 << 10;

/// A reading call.
pub(crate) fn get(address: Address, bucket: Bucket) -> Call {
    call(Method::Get, address, bucket)
}

/// A call that changes something. One without a body says so, because a length is asked for (error-codes, 411).
pub(crate) fn change(method: Method, address: Address, bucket: Bucket, body: Bytes) -> Call {
    let mut call = call(method, address, bucket);
    match body.is_empty() {
        true if method != Method::Delete => call.headers.add("Content-Length", "0"),
        true => {}
        false => call.headers.add("Content-Type", "application/json"),
    }
    Call { body, ..call }
}

fn call(method: Method, address: Address, bucket: Bucket) -> Call {
    let headers = Headers::default()
        .with("Accept", "application/json")
        .with("User-Agent", USER_AGENT);
    Call {
        method,
        address,
        bucket: bucket.name(),
        account: None,
        class: "call",
        also: None,
        audience: ORG,
        headers,
        body: Bytes::new(),
    }
}

/// The address of the next page, checked: it must lead to the org's own address, and not back to this page.
///
/// There are two `link` headers on separate lines, of which the order is not told (core-okta-api, "Link headers").
/// The link is kept as it came: taken apart and put together again it would be another one.
pub(crate) fn next(
    session: &Session,
    called: &Address,
    headers: &Headers,
) -> Result<Option<String>, ConnectorError> {
    let Some(link) = next_link(headers) else {
        return Ok(None);
    };
    if link.len() > LINK_BYTES_MAX {
        let what = format!("the next link of {called:?} has more than {LINK_BYTES_MAX} bytes");
        return Err(ConnectorError::BadLink { what });
    }
    if session.follow(ORG, link)?.as_str() == called.as_str() {
        return Err(leads_back(called));
    }
    Ok(Some(link.into()))
}

pub(crate) fn leads_back(called: &Address) -> ConnectorError {
    let what = format!("the next link of {called:?} leads back to the same page");
    ConnectorError::BadLink { what }
}

/// The target of the first link with the relation `next` (RFC 8288, 3).
fn next_link(headers: &Headers) -> Option<&str> {
    let lines = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    let mut links = lines.flat_map(|(_, line)| links(line));
    links
        .find(|(_, is_next)| *is_next)
        .map(|(target, _)| target)
}

/// The targets of a line, and whether each is the next page. Commas and semicolons may stand in targets.
fn links(line: &str) -> Vec<(&str, bool)> {
    let mut found = vec![];
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else {
            break;
        };
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, behind) = after.split_at(end);
        found.push((target.trim(), is_next(parameters)));
        rest = behind;
    }
    found
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else {
            return false;
        };
        let mut relations = value.trim().trim_matches('"').split_whitespace();
        name.trim().eq_ignore_ascii_case("rel")
            && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// An id as one segment of a path.
///
/// # Errors
/// Ids of dots alone would climb up the path.
pub(crate) fn segment(id: &str) -> Result<String, ConnectorError> {
    casbah_connector::segment(id, b"")
}

/// A time as Okta writes it, `2019-02-06T16:17:40.000Z`; without a zone it is UTC.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// What a refusal means for those who lack one of these scopes when it is for want of a right.
pub(crate) fn explain(scopes: &[&str], what: &str, error: CallError) -> ConnectorError {
    let CallError::Refused { refusal, .. } = &error else {
        return error.into();
    };
    if refusal.code == INTERNAL {
        return ConnectorError::Unavailable {
            source: error.into(),
        };
    }
    match refusal.kind {
        RefusalKind::Forbidden => ConnectorError::Forbidden {
            cause: lacks(scopes, what),
        },
        _ => error.into(),
    }
}

/// The cause of a refusal for want of a right: what is allowed is what both the scope and the admin role allow.
pub(crate) fn lacks(scopes: &[&str], what: &str) -> Cause {
    let scopes = scopes.join(" or ");
    Cause::new(
        "permission",
        format!("Okta does not let Casbah {what}"),
        format!(
            "grant the service app the scope {scopes} and an admin role that may do this, or give that role to the \
             owner of the API token, and run `casbah test`"
        ),
    )
}

#[cfg(test)]
mod tests;
