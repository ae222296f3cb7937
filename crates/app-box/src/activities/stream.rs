//! The stream of what is new, as a chain of bundles that begins anew with each hour (decision 0009); pure.
//!
//! Every listing of what is recent names the chain of the current hour; whichever does so first makes it. A chain goes on
//! until the one of the next hour has surely begun. Nothing hangs on it: what it misses, the spans have.

use casbah_connector::{ConnectorError, Session};
use casbah_http::Address;
use casbah_model::activity::ContentRef;
use casbah_model::cursor::{Window, floor};
use casbah_model::record::RecordId;
use casbah_model::{SignedDuration, Timestamp};

use super::PAGES_MAX;
use super::turn::{Turn, at_position, counted, endless};

/// The request that a chain begins with.
pub(super) const BEGIN: &str = "stream_type=admin_logs_streaming&stream_position=now";
/// The position behind the newest event.
pub(super) const NOW: &str = "now";

/// `admin_logs_streaming` has the events of two weeks (developer guides, "Enterprise events").
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Listings come every five minutes, and a chain is begun within two more.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Events are there some twelve seconds after they happened; a call a minute is what it costs to see them.
const POLL: SignedDuration = SignedDuration::from_mins(1);

const MARK: &str = "stream-";

/// Whether a window is so near to now that its listing names the chain of this hour.
pub(super) fn is_recent(window: Window, now: Timestamp) -> bool {
    now.duration_since(window.to) < HOUR
}

/// The chain of the hour of a moment.
pub(super) fn id(now: Timestamp) -> String {
    format!("{MARK}{}", floor(now, HOUR).as_millisecond())
}

pub(super) fn is_of(content: &ContentRef) -> bool {
    content.id.as_str().starts_with(MARK)
}

/// The next bundle of a chain: at once behind a page with events, after a while behind an empty one; `None` when the
/// chain of the next hour goes on.
pub(super) fn follow(
    session: &Session,
    content: &ContentRef,
    called: &Address,
    turn: Turn,
) -> Result<Option<ContentRef>, ConnectorError> {
    let now = session.now();
    let (chain, _, _) = counted(content);
    let moves = turn.next.as_ref().is_some_and(|next| *next != turn.asked);
    // A page that leads nowhere may have the same events for ever.
    let is_end = turn.events == 0 || !moves;
    if is_end && is_over(chain, now) {
        return Ok(None);
    }
    let position = turn.next.unwrap_or(turn.asked);
    let at = match is_end {
        true => Some(now + POLL),
        false => None,
    };
    next(content, at_position(called, &position), now, at).map(Some)
}

/// The chain goes on from now, because its position is refused.
pub(super) fn afresh(
    session: &Session,
    content: &ContentRef,
    called: &Address,
) -> Result<ContentRef, ConnectorError> {
    next(content, at_position(called, NOW), session.now(), None)
}

fn next(
    content: &ContentRef,
    address: String,
    now: Timestamp,
    not_before: Option<Timestamp>,
) -> Result<ContentRef, ConnectorError> {
    let (chain, page, _) = counted(content);
    if page >= PAGES_MAX {
        return Err(endless("an hour of the enterprise's stream"));
    }
    Ok(ContentRef {
        id: RecordId::new(format!("{chain}+{}", page + 1)),
        address,
        available: not_before.unwrap_or(now),
        expires: now + KEPT,
        not_before,
    })
}

/// Whether the chain of the next hour has begun by now.
fn is_over(chain: &str, now: Timestamp) -> bool {
    let began = chain.strip_prefix(MARK).and_then(|hour| hour.parse().ok());
    let began = began.and_then(|hour| Timestamp::from_millisecond(hour).ok());
    began.is_none_or(|began| now >= began + HOUR + OVERLAP)
}
