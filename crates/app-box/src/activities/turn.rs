//! Positions in a stream, and the page behind a page of a span; pure.

use casbah_connector::{ConnectorError, spans};
use casbah_http::Address;
use casbah_model::activity::ContentRef;
use casbah_model::record::RecordId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::{PAGE, PAGES_MAX};
use crate::wire::{Field, text_or_number};

/// The oldest position there is, of a window where one is given.
pub(super) const OLDEST: &str = "0";

/// So many pages one after the other that brought nothing, or lead nowhere, are the end.
pub(super) const IDLE_MAX: u32 = 4;

/// Positions have some twenty digits; nobody says that they are numbers for ever.
const POSITION_BYTES_MAX: usize = 200;

/// What one page says about the next.
pub(super) struct Turn {
    pub(super) asked: String,
    pub(super) next: Option<String>,
    pub(super) events: usize,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    /// An answer without a list is no page, however empty.
    #[serde(rename = "entries")]
    _entries: IgnoredAny,
    #[serde(borrow, default)]
    next_stream_position: Field<'a>,
}

/// The position that a page names: a text or a number, which is beyond what a double can hold (OpenAPI, "Events").
pub(super) fn next(envelope: &[u8]) -> Result<Option<String>, ConnectorError> {
    let envelope: Envelope<'_> =
        serde_json::from_slice(envelope).map_err(|error| ConnectorError::Unreadable {
            source: error.into(),
        })?;
    let Some(position) = text_or_number(envelope.next_stream_position) else {
        return Ok(None);
    };
    let is_odd = position.len() > POSITION_BYTES_MAX
        || !position.bytes().all(|byte| byte.is_ascii_graphic());
    if is_odd {
        let what = "the next position of a stream is no position".to_string();
        return Err(ConnectorError::BadLink { what });
    }
    Ok(Some(position).filter(|position| !position.is_empty()))
}

const PARAMETER: &str = "stream_position";

/// The position that an address asks for.
pub(super) fn position(called: &Address) -> String {
    let url = Url::parse(called.as_str()).ok();
    let pairs = url.as_ref().map(|url| url.query_pairs().into_owned());
    let found = pairs.and_then(|mut pairs| pairs.find(|(name, _)| name == PARAMETER));
    found.map(|(_, value)| value).unwrap_or_default()
}

/// The same request from another position on.
pub(super) fn at_position(called: &Address, position: &str) -> String {
    let Ok(mut url) = Url::parse(called.as_str()) else {
        return called.as_str().into();
    };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let others = pairs.iter().filter(|(name, _)| name != PARAMETER);
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair(PARAMETER, position);
    url.into()
}

/// How far a chain is: its name, the number of the page, and the idle ones up to it. An id counts the pages, and behind
/// `~` the idle ones, so it is the same whenever the page before is read.
pub(super) fn counted(content: &ContentRef) -> (&str, u32, u32) {
    let id = content.id.as_str();
    let (chain, counted) = id.rsplit_once('+').unwrap_or((id, "0"));
    let (page, idle) = counted.split_once('~').unwrap_or((counted, "0"));
    let number = |text: &str| text.parse::<u32>().unwrap_or(PAGES_MAX);
    (chain, number(page), number(idle))
}

pub(super) fn endless(what: &str) -> ConnectorError {
    let what = format!("{what} has more than {PAGES_MAX} pages");
    ConnectorError::BadLink { what }
}

/// The next page of a span; `None` behind its last.
///
/// There is no mark of the end: a page may have fewer events than were asked for, and none at all, although more follow
/// (developer guides, "Enterprise events"). It is the end when nothing comes and the position does not move, and when
/// several pages were idle; if that was too early, the later readings of the span find the rest. Behind the last reading
/// comes none, so there an empty page is asked for again, and one with events that leads back to itself is everywhere:
/// what lies behind it would be a day late. Of a full page that is an error.
pub(super) fn follow(
    content: &ContentRef,
    called: &Address,
    turn: Turn,
) -> Result<Option<ContentRef>, ConnectorError> {
    let (span, page, idle) = counted(content);
    if turn.events >= PAGE && turn.next.as_ref() == Some(&turn.asked) {
        let what = format!("the next position of {called:?} leads back to the same page");
        return Err(ConnectorError::BadLink { what });
    }
    // With no events the position was seen to be zero whatever was asked for.
    let moved = turn
        .next
        .filter(|next| *next != turn.asked && next != OLDEST);
    let is_idle = turn.events == 0 || moved.is_none();
    let next = match moved {
        Some(next) => next,
        None if turn.events > 0 || spans::is_last(span) => turn.asked,
        None => return Ok(None),
    };
    let (page, idle) = (page + 1, idle + 1);
    if page > PAGES_MAX {
        return Err(endless("a span of the enterprise's events"));
    }
    let id = match is_idle {
        true if idle >= IDLE_MAX => return Ok(None),
        true => format!("{span}+{page}~{idle}"),
        false => format!("{span}+{page}"),
    };
    Ok(Some(ContentRef {
        id: RecordId::new(id),
        address: at_position(called, &next),
        not_before: None,
        ..content.clone()
    }))
}
