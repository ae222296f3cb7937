//! The System Log, read by spans of time.
//!
//! The log has no bundles. A listing here calls nobody: it cuts its window into spans, each of which is a request with
//! both ends given, and each page of a span is a bundle that names the next one. Such a request answers by the time of
//! the event, so an event that Okta stores late is missing from a span that was read before. Therefore every span is
//! read three times: when it is over, an hour later, and a day later; what comes again is dropped by its id (decision
//! 0008 says why not by the endless link).

mod event;
mod spans;
mod targets;

use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::{
    ActivityOutput, ActivitySource, ConnectorError, Feed, FeedState, RefusedRecord, Session,
};
use casbah_http::{Address, Answer, CallError, Piece, Records};
use casbah_model::SignedDuration;
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::app::Component;
use casbah_model::cursor::{Cursor, Window};
use casbah_model::event::Event;
use casbah_model::record::RecordId;

use crate::dialect::INTERNAL;
use crate::limits::Bucket;
use crate::wire::{self, ORG, explain, get};

pub(crate) struct SystemLog;

pub(crate) const SCOPE: &str = "okta.logs.read";
const WHAT: &str = "read the System Log";

/// What comes out of the log.
pub(crate) const COMPONENTS: [Component; 3] = [
    Component::ManagementEvents,
    Component::SignInEvents,
    Component::Activities,
];

const FEEDS: &[Feed] = &[Feed {
    id: "logs",
    name: "system-log",
    components: &COMPONENTS,
    // Spans are shorter, so this only says how far one listing goes.
    window_max: Duration::from_hours(24),
    // Okta keeps 90 days (system-log-query, "Retention"); repeats are known for so long.
    reach: Duration::from_hours(7 * 24),
}];

/// Events of one page, the most there can be (system-log-query, "limit").
const PAGE: &str = "limit=1000";
/// What is asked for when a page took longer than the 30 seconds a query may take (system-log-query, "Timeouts").
const SMALL_PAGE: &str = "limit=100";

/// A span of this many pages, ten million events in an hour, has no end.
const PAGES_MAX: u32 = 10_000;
/// So many empty pages one after the other are the end, whatever links they have.
const EMPTY_MAX: u32 = 5;

#[async_trait]
impl ActivitySource for SystemLog {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }

    /// The log is always on; whether it may be read is found out by reading one event.
    async fn start(
        &self,
        session: &Session,
        feeds: &[Feed],
    ) -> Result<Vec<(Feed, FeedState)>, ConnectorError> {
        let state = match probe(session).await {
            Ok(()) => FeedState::On,
            Err(ConnectorError::Forbidden { cause }) => FeedState::Refused(cause),
            Err(error) => return Err(error),
        };
        Ok(feeds.iter().map(|feed| (*feed, state.clone())).collect())
    }

    async fn list(
        &self,
        session: &Session,
        feed: &Feed,
        window: Window,
        _page: Option<&Cursor>,
        out: &mut Vec<ContentRef>,
    ) -> Result<Option<Cursor>, ConnectorError> {
        let reach = SignedDuration::try_from(feed.reach).unwrap_or(SignedDuration::ZERO);
        for span in spans::of(window, session.now(), reach) {
            let address = session.address(ORG, &format!("{}&{PAGE}", spans::query(&span)))?;
            out.push(ContentRef {
                id: RecordId::new(span.id()),
                address: address.as_str().into(),
                available: span.available(),
                expires: spans::expires(&span),
                not_before: None,
            });
        }
        Ok(None)
    }

    async fn read(
        &self,
        session: &Session,
        _feed: &Feed,
        content: &ContentRef,
        out: &mut dyn ActivityOutput,
    ) -> Result<Option<ContentRef>, ConnectorError> {
        let called = session.follow(ORG, &content.address)?;
        let answer = page(session, called.clone()).await?;
        let next = wire::next(session, &called, &answer.headers)?;
        let mut records = Records::array(answer.body);
        let mut is_empty = true;
        while let Some(piece) = records.next().await? {
            is_empty = false;
            match piece {
                Piece::Record(raw) => match event::read(raw) {
                    Ok((activity, event)) => out.record(activity, &event, raw).await?,
                    Err(reason) => {
                        out.refuse(RefusedRecord::whole(reason, raw)).await?;
                    }
                },
                Piece::Oversized { head, bytes } => {
                    out.refuse(RefusedRecord::too_large(head, bytes)).await?;
                }
            }
        }
        match next {
            Some(address) => follow(content, address, is_empty),
            None => Ok(None),
        }
    }

    fn record<'a>(&self, raw: &'a [u8]) -> Result<(Activity, Event<'a>), &'static str> {
        event::read(raw)
    }
}

/// Reads one event of the last minutes, or none; an error says why that is not possible.
pub(crate) async fn probe(session: &Session) -> Result<(), ConnectorError> {
    let now = session.now();
    let since = (now - SignedDuration::from_mins(5)).strftime("%Y-%m-%dT%H:%M:%SZ");
    let until = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    let path = format!("/api/v1/logs?since={since}&until={until}&limit=1");
    let call = get(session.address(ORG, &path)?, Bucket::Logs);
    match session.send(&call).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(&[SCOPE], WHAT, error)),
    }
}

/// Fetches a page, and a smaller one when it took Okta too long.
async fn page(session: &Session, called: Address) -> Result<Answer, ConnectorError> {
    let call = get(called, Bucket::Logs);
    let error = match session.send(&call).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    let is_slow = matches!(&error, CallError::Refused { refusal, .. } if refusal.code == INTERNAL);
    if !is_slow || !call.address.as_str().contains(PAGE) {
        return Err(explain(&[SCOPE], WHAT, error));
    }
    // Links are kept as they came but for this number.
    let smaller = call.address.as_str().replace(PAGE, SMALL_PAGE);
    let call = get(session.follow(ORG, &smaller)?, Bucket::Logs);
    let answer = session.send(&call).await;
    answer.map_err(|error| explain(&[SCOPE], WHAT, error))
}

/// The next page of a span; `None` behind too many empty ones.
///
/// Its id counts the pages, and behind `~` the empty ones before it, so it is the same whenever the page before is read.
fn follow(
    content: &ContentRef,
    address: String,
    is_empty: bool,
) -> Result<Option<ContentRef>, ConnectorError> {
    let id = content.id.as_str();
    let (span, counted) = id.rsplit_once('+').unwrap_or((id, "0"));
    let (page, empty) = counted.split_once('~').unwrap_or((counted, "0"));
    let number = |text: &str| text.parse::<u32>().unwrap_or(PAGES_MAX);
    let (page, empty) = (number(page) + 1, number(empty) + 1);
    if page > PAGES_MAX {
        let what = format!("a span of the System Log has more than {PAGES_MAX} pages");
        return Err(ConnectorError::BadLink { what });
    }
    let id = match is_empty {
        true if empty >= EMPTY_MAX => return Ok(None),
        true => format!("{span}+{page}~{empty}"),
        false => format!("{span}+{page}"),
    };
    Ok(Some(ContentRef {
        id: RecordId::new(id),
        address,
        ..content.clone()
    }))
}

#[cfg(test)]
mod tests;
