//! Lists that are read page by page, with the link to the next page in a header or in the answer.

use casbah_connector::{Collection, ConnectorError, Output, PageEnd, RefusedRecord, Session};
use casbah_http::{Address, CallError, Piece, Records, RefusalKind};
use casbah_model::cursor::Cursor;
use casbah_model::user::Entity;
use serde::{Deserialize, Serialize};

use super::{entity, what};
use crate::limits::Bucket;
use crate::wire::{self, ORG, explain, get, leads_back};

/// One or more lists that are read one after the other.
#[derive(Clone, Copy)]
pub(super) struct Lists {
    pub(super) bucket: Bucket,
    pub(super) paths: &'static [&'static str],
    pub(super) paging: Paging,
}

/// Where the records and the next link are.
#[derive(Clone, Copy)]
pub(super) enum Paging {
    /// The answer is the list, links are in headers.
    Links,
    /// The list is this member of the answer, and so is the link. Its host is not to be relied upon: samples of Okta's
    /// own have plain http there (core-okta-api). So only the place that it names is taken from it.
    Member(&'static str),
}

/// Where a pass stands: which list, and which page of it. Never parsed by anybody else.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Place {
    list: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A page that was fetched.
pub(super) struct Fetched {
    pub(super) called: Address,
    pub(super) records: Records,
    paging: Paging,
    next: Option<String>,
}

/// Reads the place that a cursor keeps.
pub(super) fn place<P: Default + for<'a> Deserialize<'a>>(
    cursor: Option<&Cursor>,
) -> Result<P, ConnectorError> {
    let Some(cursor) = cursor else {
        return Ok(P::default());
    };
    serde_json::from_str(cursor.as_str()).map_err(|_| ConnectorError::CursorExpired {
        code: "unreadable cursor".into(),
        resume: None,
    })
}

pub(super) fn more<P: Serialize>(place: &P) -> Result<PageEnd, ConnectorError> {
    let text = serde_json::to_string(place).map_err(|error| ConnectorError::Unexpected {
        source: error.into(),
    })?;
    Ok(PageEnd::More(Cursor::new(text)))
}

pub(super) async fn read(
    session: &Session,
    collection: &Collection,
    lists: &Lists,
    cursor: Option<&Cursor>,
    out: &mut dyn Output<Entity>,
) -> Result<PageEnd, ConnectorError> {
    let Place { list, next } = place(cursor)?;
    let Some(path) = lists.paths.get(list) else {
        return Ok(PageEnd::CaughtUp(None));
    };
    let address = address(session, lists.paging, path, next.as_deref())?;
    let mut page = match fetch(session, address, lists.bucket, lists.paging).await? {
        Ok(page) => page,
        // An org may have no roles of its own; that any other list is not there is no reason to take it for empty.
        Err(Missed::Gone(_)) if collection.name == "roles" && cursor.is_none() => {
            return Ok(PageEnd::CaughtUp(None));
        }
        Err(Missed::Gone(error) | Missed::Refused(error)) => {
            return Err(explain(collection.any_of, &what(collection), error));
        }
    };
    write(&mut page, out, |raw| {
        entity::read(collection.name, None, raw)
    })
    .await?;
    let next = match page.next()? {
        Some(next) => Place {
            list,
            next: Some(next),
        },
        None => Place {
            list: list + 1,
            next: None,
        },
    };
    match next.list < lists.paths.len() {
        true => more(&next),
        false => Ok(PageEnd::CaughtUp(None)),
    }
}

/// The address of a page: the first one of a path, or the one that the page before named.
pub(super) fn address(
    session: &Session,
    paging: Paging,
    path: &str,
    next: Option<&str>,
) -> Result<Address, ConnectorError> {
    Ok(match (paging, next) {
        (_, None) => session.address(ORG, path)?,
        (Paging::Links, Some(link)) => session.follow(ORG, link)?,
        (Paging::Member(_), Some(after)) => {
            let mark = if path.contains('?') { '&' } else { '?' };
            session.address(ORG, &format!("{path}{mark}after={after}"))?
        }
    })
}

/// Why there is no page.
pub(super) enum Missed {
    /// There is no such thing: it was deleted meanwhile, or the org does not have this kind of thing.
    Gone(CallError),
    Refused(CallError),
}

/// Fetches a page and checks its links. The outer error is about what came, the inner one about the call.
pub(super) async fn fetch(
    session: &Session,
    address: Address,
    bucket: Bucket,
    paging: Paging,
) -> Result<Result<Fetched, Missed>, ConnectorError> {
    let mut call = get(address, bucket);
    if bucket == Bucket::Users {
        // Lists of users come faster without what nobody reads here (core-okta-api, "List users").
        let accept = "application/json; okta-response=\"omitCredentials,omitCredentialsLinks,omitTransitioningToStatus\"";
        call.headers.add("Content-Type", accept);
    }
    let answer = match session.send(&call).await {
        Ok(answer) => answer,
        Err(error) => {
            let is_gone = matches!(&error, CallError::Refused { refusal, .. }
                if refusal.kind == RefusalKind::NotFound);
            return Ok(Err(match is_gone {
                true => Missed::Gone(error),
                false => Missed::Refused(error),
            }));
        }
    };
    let (records, next) = match paging {
        Paging::Links => {
            let next = wire::next(session, &call.address, &answer.headers)?;
            (Records::array(answer.body), next)
        }
        Paging::Member(name) => (Records::member(answer.body, name), None),
    };
    Ok(Ok(Fetched {
        called: call.address,
        records,
        paging,
        next,
    }))
}

impl Fetched {
    /// What the next page is known by; for use after the last record.
    pub(super) fn next(&mut self) -> Result<Option<String>, ConnectorError> {
        match self.paging {
            Paging::Links => Ok(self.next.take()),
            Paging::Member(_) => next_in_body(&self.called, self.records.envelope()),
        }
    }
}

#[derive(Default, Deserialize)]
struct Envelope {
    #[serde(default, rename = "_links")]
    links: Option<Links>,
}

#[derive(Default, Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

/// Places are opaque; they become part of an address as they are.
const AFTER_BYTES_MAX: usize = 2 << 10;

fn next_in_body(called: &Address, envelope: &[u8]) -> Result<Option<String>, ConnectorError> {
    let envelope: Envelope =
        serde_json::from_slice(envelope).map_err(|error| ConnectorError::Unreadable {
            source: error.into(),
        })?;
    let Some(link) = envelope.links.and_then(|links| links.next) else {
        return Ok(None);
    };
    let Some(after) = after(&link.href) else {
        let what = format!("the next link of {called:?} names no place");
        return Err(ConnectorError::BadLink { what });
    };
    match self::after(called.as_str()) == Some(after) {
        true => Err(leads_back(called)),
        false => Ok(Some(after.into())),
    }
}

/// The value of `after` in an address, as it stands there.
fn after(address: &str) -> Option<&str> {
    let (_, query) = address.split_once('?')?;
    let query = query.split('#').next()?;
    let found = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("after="));
    found.filter(|after| !after.is_empty() && after.len() <= AFTER_BYTES_MAX)
}

/// Writes the records of a page.
pub(super) async fn write(
    page: &mut Fetched,
    out: &mut dyn Output<Entity>,
    read: impl Fn(&[u8]) -> Result<Entity, &'static str> + Send,
) -> Result<(), ConnectorError> {
    while let Some(piece) = page.records.next().await? {
        match piece {
            Piece::Record(raw) => match read(raw) {
                Ok(entity) => out.record(entity, raw).await?,
                Err(reason) => {
                    out.refuse(RefusedRecord::whole(reason, raw)).await?;
                }
            },
            Piece::Oversized { head, bytes } => {
                out.refuse(RefusedRecord::too_large(head, bytes)).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_place_is_taken_from_a_link_in_an_answer() {
        let evil = "http://evil.example/api/v1/iam/assignees/users?limit=100&after=a%2Bb";
        assert_eq!(after(evil), Some("a%2Bb"));
        for odd in [
            "",
            "?",
            "https://a/x?after=",
            "https://a/x?before=1",
            "after=1",
        ] {
            assert_eq!(after(odd), None, "{odd}");
        }
        let long = format!("https://a/x?after={}", "x".repeat(AFTER_BYTES_MAX + 1));
        assert_eq!(after(&long), None);
    }
}
