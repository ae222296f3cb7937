//! The figures of one connection, read off its item and its streams. Pure.

use casbah_connector::Feed;
use casbah_model::connection::ConnectionState;
use casbah_model::state::Key;
use casbah_model::{SignedDuration, Timestamp};

use crate::activity_poll::{Level, read_up_to};
use crate::bundles::lane_name;
use crate::delete;
use crate::error::StageError;
use crate::items::{ConnectionItem, StreamItem, StreamState, stream_name, time};
use crate::status::is_chosen;

/// A stream that is due is looked at within five minutes, whatever dies (pipeline design, section 7); three times that
/// means that nobody looks.
const OVERDUE: SignedDuration = SignedDuration::from_mins(15);
/// Failures in a row after which the waits between them have grown to about an hour.
const FAILS_MAX: u32 = 10;

/// Streams that do not get on by themselves. Pauses and failed connections are told of in another way.
pub fn stuck(connection: &ConnectionItem, streams: &[(Key, StreamItem)], now: Timestamp) -> u64 {
    // What is overdue when somebody resumes a connection is no fault; its test comes first.
    let is_at_work = matches!(
        connection.state,
        ConnectionState::Connected | ConnectionState::Degraded { .. }
    );
    let is_job = |key: &Key| {
        connection.state == ConnectionState::Deleting && stream_name(key) == delete::STREAM
    };
    let is_stuck = |(key, stream): &&(Key, StreamItem)| {
        let counts = is_job(key) || (is_at_work && is_chosen(connection, stream));
        let is_overdue = time(stream.wake) < now - OVERDUE;
        counts && stream.st == StreamState::Run && (is_overdue || stream.fails > FAILS_MAX)
    };
    streams.iter().filter(is_stuck).count() as u64
}

/// A feed that is read, and how far.
pub struct Reading<'a> {
    pub feed: &'a Feed,
    /// The end of the last complete window of its listing.
    pub listed: Timestamp,
    /// Whether its lane has, or may have, bundles to fetch.
    pub has_backlog: bool,
}

/// The feeds that are read now. Left out is what has its own alarm or none: feeds that wait for the first user list,
/// that the vendor refuses, or whose components lack a right.
pub fn readings<'a>(
    connection: &ConnectionItem,
    streams: &[(Key, StreamItem)],
    feeds: &'a [Feed],
) -> Result<Vec<Reading<'a>>, StageError> {
    let find = |name: &str| streams.iter().find(|(key, _)| stream_name(key) == name);
    let mut found = vec![];
    for feed in feeds {
        let live = find(&format!("{}-{}", Level::Live.name(), feed.name));
        let Some((key, live)) = live.filter(|(_, live)| {
            live.st == StreamState::Run
                && is_chosen(connection, live)
                && !is_refused(connection, feed)
        }) else {
            continue;
        };
        let Some(listed) = read_up_to(key, live)? else {
            continue;
        };
        let has_backlog = find(&lane_name(feed)).is_none_or(|(_, lane)| !lane.caught_up);
        found.push(Reading {
            feed,
            listed,
            has_backlog,
        });
    }
    Ok(found)
}

fn is_refused(connection: &ConnectionItem, feed: &Feed) -> bool {
    let is_off = connection
        .feeds
        .get(feed.name)
        .is_some_and(|known| known.state == "refused");
    let lacks_right = match &connection.state {
        ConnectionState::Degraded { causes } => {
            let mut chosen = feed
                .components
                .iter()
                .filter(|component| connection.settings.components.has(**component));
            chosen.all(|component| causes.contains_key(component))
        }
        _ => false,
    };
    is_off || lacks_right
}

/// How far a feed is behind: what was listed up to `listed` is in the lake but for the bundles from `oldest` on.
///
/// While the past before the connection is still read, the lane takes it first, and what is new waits behind it.
pub fn lag(
    connection: &ConnectionItem,
    listed: Timestamp,
    oldest: Option<Timestamp>,
    now: Timestamp,
) -> SignedDuration {
    let oldest = oldest.map_or(listed, |oldest| oldest.max(connection.connected_at));
    now.duration_since(listed.min(oldest))
        .max(SignedDuration::ZERO)
}
