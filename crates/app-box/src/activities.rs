//! The events of the enterprise, from both of its streams.
//!
//! The truth is `admin_logs`, which is asked for by time: by spans, each page a bundle that names the next one, each
//! span three times, because events may be stored late (decision 0008). Beside it `admin_logs_streaming` shows what is
//! new within seconds, from a position on, in no order and now and then twice: a chain of bundles that never ends, whose
//! last one waits for its time (decision 0009). An event has the same id in both, and one lane reads both.

mod event;
mod source;
mod stream;
mod turn;

use std::time::Duration;

use async_trait::async_trait;
use casbah_connector::spans::{self, Span};
use casbah_connector::{
    ActivityOutput, ActivitySource, ConnectorError, Feed, FeedState, RefusedRecord, Session,
};
use casbah_http::{Address, CallError, Piece, Records, RefusalKind};
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::app::Component;
use casbah_model::cursor::{Cursor, Window};
use casbah_model::event::Event;
use casbah_model::record::RecordId;
use casbah_model::transport::Method;
use casbah_model::{SignedDuration, Timestamp};

use crate::wire::{API, Acting, call, explain};
use turn::Turn;

pub(crate) struct Events;

pub(crate) const SCOPE: &str = "manage_enterprise_properties";
pub(crate) const WHAT: &str = "read the events of the enterprise";

/// What comes out of the streams.
pub(crate) const COMPONENTS: [Component; 3] = [
    Component::ManagementEvents,
    Component::SignInEvents,
    Component::Activities,
];

const FEEDS: &[Feed] = &[Feed {
    id: "admin_logs",
    name: "events",
    components: &COMPONENTS,
    // Spans are shorter, so this only says how far one listing goes.
    window_max: Duration::from_hours(24),
    // `admin_logs` has a year (developer guides, "Enterprise events"); repeats are known for so long.
    reach: Duration::from_hours(7 * 24),
}];

/// `admin_logs` has the events of a year.
const KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Events of one page, the most there can be (OpenAPI, "Get events", "limit").
const PAGE: usize = 500;

/// A span of this many pages, five million events in an hour, has no end; nor has an hour of the stream.
const PAGES_MAX: u32 = 10_000;

#[async_trait]
impl ActivitySource for Events {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }

    /// Both streams are always on; whether they may be read is found out by asking for the position of now.
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
        let now = session.now();
        // What a window shows before it is over, the stream has shown already.
        if spans::is_look(window, now) {
            return Ok(None);
        }
        let reach = SignedDuration::try_from(feed.reach).unwrap_or(SignedDuration::ZERO);
        for span in spans::of(window, now, reach) {
            out.push(ContentRef {
                id: RecordId::new(span.id()),
                address: address(session, &query(&span))?.as_str().into(),
                available: span.available(),
                expires: span.window.from + KEPT,
                not_before: None,
            });
        }
        if stream::is_recent(window, now) {
            out.push(ContentRef {
                id: RecordId::new(stream::id(now)),
                address: address(session, stream::BEGIN)?.as_str().into(),
                available: window.to - SignedDuration::from_millis(1),
                expires: now + stream::KEPT,
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
        let called = session.follow(API, &content.address)?;
        let asked = turn::position(&called);
        let request = call(session, Method::Get, called.clone(), Acting::Ourselves);
        let answer = match session.send(&request).await {
            Ok(answer) => answer,
            // A position dies after two weeks, and nothing says how: a fresh one is taken, and the spans cover the hole.
            Err(error) if stream::is_of(content) && asked != stream::NOW && is_invalid(&error) => {
                return stream::afresh(session, content, &called).map(Some);
            }
            Err(error) => return Err(explain(SCOPE, WHAT, error)),
        };
        let mut records = Records::member(answer.body, "entries");
        let mut events = 0;
        while let Some(piece) = records.next().await? {
            events += 1;
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
        let turn = Turn {
            next: turn::next(records.envelope())?,
            asked,
            events,
        };
        match stream::is_of(content) {
            true => stream::follow(session, content, &called, turn),
            false => turn::follow(content, &called, turn),
        }
    }

    fn record<'a>(&self, raw: &'a [u8]) -> Result<(Activity, Event<'a>), &'static str> {
        event::read(raw)
    }
}

/// Whether the request itself was refused, and not whoever made it.
fn is_invalid(error: &CallError) -> bool {
    matches!(error, CallError::Refused { refusal, .. }
        if matches!(refusal.kind, RefusalKind::Invalid | RefusalKind::Gone | RefusalKind::NotFound))
}

/// Asks for the position of now; an error says why that is not possible.
pub(crate) async fn probe(session: &Session) -> Result<(), ConnectorError> {
    let query = "stream_type=admin_logs_streaming&stream_position=now&limit=1";
    let address = session.address(API, &format!("/2.0/events?{query}"))?;
    let request = call(session, Method::Get, address, Acting::Ourselves);
    match session.send(&request).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(SCOPE, WHAT, error)),
    }
}

fn address(session: &Session, query: &str) -> Result<Address, ConnectorError> {
    Ok(session.address(API, &format!("/2.0/events?{query}&limit={PAGE}"))?)
}

/// The request for a span, from its oldest event on. Nobody documents whether its ends belong to it, and times are told
/// in seconds, so it begins a second early and ends a second late: what comes twice is dropped by its id.
fn query(span: &Span) -> String {
    // The plus of an offset is a blank in a query.
    let at = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S%%2B00:00").to_string();
    let second = SignedDuration::from_secs(1);
    let (after, before) = (at(span.window.from - second), at(span.window.to + second));
    format!(
        "stream_type=admin_logs&created_after={after}&created_before={before}&stream_position={}",
        turn::OLDEST
    )
}

#[cfg(test)]
mod tests;
