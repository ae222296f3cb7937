//! activity-poll, first half: lists what became available, window by window, and makes a unit of each bundle.
//!
//! Several streams read the same axis (pipeline design, section 11): `early` and `back` what was there before the
//! connection, `live` what is new, `late` everything once more for what a listing showed late. A bundle that two of
//! them list is one unit, because its key is the vendor's id.

use std::collections::BTreeSet;

use casbah_connector::{ActivitySource, ConnectorError, Feed, Session};
use casbah_lake::{ManifestEntry, Written};
use casbah_model::activity::ContentRef;
use casbah_model::cursor::{Cursor, Window, floor};
use casbah_model::message::{Stage, Ticket};
use casbah_model::state::{Key, Write};
use casbah_model::tally::Tallies;
use casbah_model::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bundle_commit::new_unit;
use crate::bundles;
use crate::error::StageError;
use crate::hint::nudge;
use crate::items::{self, GapItem, Scope, StreamItem, StreamState};
use crate::peek::{self, Looked};
use crate::step::{Committed, Next, Step, leave, ms_duration};

/// New units in one transaction, beside the stream, its manifest entry and a known gap.
pub(crate) const UNITS_PER_COMMIT: usize = 90;
/// A feed without a listing behind its cursor widens its windows in these steps.
const WIDE: [SignedDuration; 2] = [
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(1),
];
/// The pages of one window are not followed for longer than this beyond reach.
const PAGING_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Listings may reach back a little less than documented.
const REACH_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Which part of the axis a stream reads, and how long it leaves the vendor to show everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The last hour before the connection, visible while users are still scanned.
    Early,
    /// The days before the connection, oldest first.
    Back,
    /// Level 0: what is new.
    Live,
    /// Level 1: the same again, for what was listed late.
    Late,
}

impl Level {
    pub const ALL: [Level; 4] = [Level::Early, Level::Back, Level::Live, Level::Late];

    pub fn name(self) -> &'static str {
        match self {
            Level::Early => "early",
            Level::Back => "back",
            Level::Live => "live",
            Level::Late => "late",
        }
    }

    /// The length of its windows when it is not behind.
    pub fn window(self) -> SignedDuration {
        match self {
            Level::Early | Level::Back | Level::Live => SignedDuration::from_mins(5),
            Level::Late => SignedDuration::from_hours(1),
        }
    }

    /// How long after its end a window is read.
    fn lag(self) -> SignedDuration {
        match self {
            Level::Early | Level::Back => SignedDuration::ZERO,
            Level::Live => SignedDuration::from_mins(2),
            Level::Late => SignedDuration::from_mins(90),
        }
    }
}

/// The cursor of a listing: a start that moves window by window, and the page within the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tile {
    tile: Timestamp,
    /// The window that is being paged through, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
    /// Only a cache: without it the window is listed from its first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tok: Option<Cursor>,
    /// When a listing of what is new named a bundle last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    busy: Option<Timestamp>,
    /// Where the stream ends, for those that do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// A listing stream of a feed, as it begins.
pub fn list_stream(
    scope: &Scope,
    feed: &Feed,
    level: Level,
    from: Timestamp,
    until: Option<Timestamp>,
    now: Timestamp,
) -> (Key, StreamItem) {
    let key = scope.stream(&format!("{}-{}", level.name(), feed.name));
    let mut stream = StreamItem::new(&key, Stage::ActivityPoll, feed.components, now);
    let tile = Tile {
        tile: from,
        to: None,
        tok: None,
        busy: None,
        until,
    };
    stream.cur = Some(serde_json::to_value(tile).expect("a tile is plain"));
    (key, stream)
}

/// Up to when a listing stream has listed what became available.
pub fn listed_until(key: &Key, stream: &StreamItem) -> Result<Option<Timestamp>, StageError> {
    let tile: Option<Tile> = stream.cursor(key)?;
    Ok(tile.map(|tile| tile.tile))
}

/// The end of the last complete window of a listing stream.
pub(crate) fn read_up_to(key: &Key, stream: &StreamItem) -> Result<Option<Timestamp>, StageError> {
    let tile: Option<Tile> = stream.cursor(key)?;
    Ok(tile.map(|tile| tile.tile))
}

/// The next window that is due, the widest one that the backlog and the vendor allow.
fn next_window(
    level: Level,
    tile: &Tile,
    window_max: SignedDuration,
    now: Timestamp,
) -> Result<Window, Due> {
    let end_of = |length: SignedDuration| {
        let end = floor(tile.tile, length) + length;
        tile.until.map_or(end, |until| end.min(until))
    };
    if let Some(until) = tile.until
        && tile.tile >= until
    {
        return Err(Due::Never);
    }
    if let Some(to) = tile.to {
        return Ok(Window::new(tile.tile, to));
    }
    for length in WIDE
        .into_iter()
        .filter(|length| *length <= window_max && *length > level.window())
    {
        let end = end_of(length);
        let is_behind = now.duration_since(tile.tile) >= length;
        if is_behind && end + level.lag() <= now {
            return Ok(Window::new(tile.tile, end));
        }
    }
    let end = end_of(level.window());
    if end + level.lag() <= now {
        Ok(Window::new(tile.tile, end))
    } else {
        Err(Due::At(end + level.lag()))
    }
}

#[derive(Debug, PartialEq)]
enum Due {
    At(Timestamp),
    Never,
}

fn level_and_feed(name: &str) -> Option<(Level, &str)> {
    let (level, feed) = name.split_once('-')?;
    Some((
        Level::ALL.into_iter().find(|known| known.name() == level)?,
        feed,
    ))
}

/// The step of a listing stream.
pub async fn list(mut step: Step<'_>, ticket: Option<Ticket>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx
        .prompt_session(&step.connection, ticket, step.budget_end)
        .await?;
    let name = step.name().to_string();
    let found = level_and_feed(&name).zip(connector.activities());
    let feed = found
        .and_then(|((_, feed), source)| source.feeds().iter().find(|known| known.name == feed));
    let (Some(((level, _), source)), Some(feed)) = (found, feed) else {
        tracing::warn!(stream = %step.key, "no feed of this app has such a stream");
        return step
            .release(
                Next::CaughtUp(ctx.now() + SignedDuration::from_hours(12)),
                None,
            )
            .await;
    };
    let lane = step.scope.stream(&bundles::lane_name(feed));
    let next = loop {
        let mut tile: Tile = match step.stream.cursor(&step.key)? {
            Some(tile) => tile,
            None => Tile {
                tile: floor(ctx.now(), level.window()),
                to: None,
                tok: None,
                busy: None,
                until: None,
            },
        };
        let gap = clamp(&step, level, feed, &mut tile);
        let window = match next_window(level, &tile, ms_duration(feed.window_max), ctx.now()) {
            Ok(window) => window,
            Err(Due::At(at)) if level == Level::Live => {
                match peek(&mut step, &session, source, feed, tile).await? {
                    Some(busy) => {
                        let look = peek::next_look(busy, ctx.now(), at);
                        break Next::CaughtUp(look.unwrap_or(at));
                    }
                    None => return Ok(()),
                }
            }
            Err(Due::At(at)) => break Next::CaughtUp(at),
            Err(Due::Never) => {
                step.finish(StreamState::Done, None, gap.into_iter().collect())
                    .await?;
                return Ok(());
            }
        };
        // The next page is known only when this one is there.
        session.gates().expect(Some(1));
        let mut contents = vec![];
        let page = match source
            .list(&session, feed, window, tile.tok.as_ref(), &mut contents)
            .await
        {
            Ok(next) if next.is_some() && next == tile.tok => {
                let what = "the vendor's link to the next page leads to the same page".to_string();
                Err(ConnectorError::BadLink { what })
            }
            other => other,
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let ticket = session.gates().ticket();
                session.gates().finish().await;
                return rewind_or_recover(step, tile, error, ticket).await;
            }
        };
        match commit_page(&mut step, feed, tile, window, page, &contents, gap).await? {
            true => nudge(ctx, &lane).await?,
            false => return Ok(()),
        }
        if !step.has_time() {
            break Next::Continue;
        }
        if !step.is_still_wanted().await? {
            break Next::Wait(ctx.now());
        }
    };
    let ticket = leave(&session, &next).await;
    step.release(next, ticket).await
}

/// Looks into the window that is not over; when the feed showed something last, or `None` when the stream moved on
/// without us.
async fn peek(
    step: &mut Step<'_>,
    session: &Session,
    source: &dyn ActivitySource,
    feed: &Feed,
    mut tile: Tile,
) -> Result<Option<Option<Timestamp>>, StageError> {
    let now = step.ctx.now();
    let Some(window) = peek::span(tile.tile, now) else {
        return Ok(Some(tile.busy));
    };
    let busy = tile.busy;
    tile.busy = Some(now);
    let before = step
        .stream
        .cur
        .replace(serde_json::to_value(&tile).expect("a tile is plain"));
    match peek::look(step, session, source, feed, window).await? {
        Looked::FencedOff => Ok(None),
        Looked::Something => {
            nudge(step.ctx, &step.scope.stream(&bundles::lane_name(feed))).await?;
            Ok(Some(tile.busy))
        }
        Looked::Nothing => {
            step.stream.cur = before;
            Ok(Some(busy))
        }
    }
}

/// A page link that died is forgotten, because the window can be listed from its first page.
async fn rewind_or_recover(
    mut step: Step<'_>,
    mut tile: Tile,
    error: ConnectorError,
    ticket: Option<Ticket>,
) -> Result<(), StageError> {
    if matches!(error, ConnectorError::FeedOff { .. }) {
        // Somebody switched the feed off, or it never was on: it is switched on once, then this stream looks again.
        nudge(step.ctx, &step.scope.stream("feeds")).await?;
    }
    let is_page_fault = matches!(
        error,
        ConnectorError::PageExpired { .. }
            | ConnectorError::BadLink { .. }
            | ConnectorError::CursorExpired { .. }
    );
    if is_page_fault && tile.tok.is_some() {
        (tile.tok, tile.to) = (None, None);
        step.stream.cur = Some(serde_json::to_value(tile).expect("a tile is plain"));
    }
    // The place on the axis of time is ours and cannot die: only the page of a listing can.
    let error = match error {
        ConnectorError::CursorExpired { code, .. } => ConnectorError::PageExpired { code },
        other => other,
    };
    step.recover(error, ticket).await
}

/// Moves a cursor that is out of reach to the oldest instant that can be listed, and writes down what is lost.
fn clamp(step: &Step<'_>, level: Level, feed: &Feed, tile: &mut Tile) -> Option<Write> {
    let now = step.ctx.now();
    let oldest =
        floor(now - ms_duration(feed.reach) + REACH_MARGIN, level.window()) + level.window();
    // A window that is being paged through is read to its end, while the vendor still may have its pages.
    let is_in_hand = tile.tok.is_some() && oldest.duration_since(tile.tile) < PAGING_MAX;
    if tile.tile >= oldest || is_in_hand {
        return None;
    }
    let lost_to = tile.until.map_or(oldest, |until| oldest.min(until));
    let gap = GapItem {
        stream: step.name().into(),
        from: tile.tile,
        to: lost_to,
        why: "the provider keeps listings for a limited time, and nothing was read in it".into(),
        at: now,
    };
    (tile.to, tile.tok) = (None, None);
    tile.tile = lost_to;
    // The second reading of the same axis has nothing of its own to lose.
    if level == Level::Late {
        return None;
    }
    let sk = format!("{}#{}", gap.stream, gap.from);
    Some(Write::put(
        Key::new(step.scope.gaps(), sk),
        items::write(&gap),
    ))
}

/// Creates units for what is new on a page and moves the cursor behind it; false when the stream moved on without us.
async fn commit_page(
    step: &mut Step<'_>,
    feed: &Feed,
    mut tile: Tile,
    window: Window,
    page: Option<Cursor>,
    contents: &[ContentRef],
    mut gap: Option<Write>,
) -> Result<bool, StageError> {
    let mut chunks: Vec<&[ContentRef]> = contents.chunks(UNITS_PER_COMMIT).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    for (number, chunk) in chunks.into_iter().enumerate() {
        if number == last {
            // The cursor moves with the last units of the page: a page that is listed again finds its units there.
            (tile.tile, tile.to, tile.tok) = match &page {
                Some(next) => (window.from, Some(window.to), Some(next.clone())),
                None => (window.to, None, None),
            };
            if !contents.is_empty() {
                tile.busy = Some(step.ctx.now());
            }
            step.stream.cur = Some(serde_json::to_value(&tile).expect("a tile is plain"));
        }
        loop {
            let (entry, mut writes) = units(step, feed, window, chunk).await?;
            writes.extend(gap.clone());
            match step.commit(Some(entry), writes).await? {
                Committed::Yes => break,
                Committed::FencedOff => return Ok(false),
                // Another listing created one of the units in this moment: look again which are new.
                Committed::Refused { .. } => step.stream.cur = serde_json::to_value(&tile).ok(),
            }
        }
        gap = None;
    }
    Ok(true)
}

/// The units of a chunk that do not exist yet, and the manifest entry that counts them.
pub(crate) async fn units(
    step: &Step<'_>,
    feed: &Feed,
    window: Window,
    contents: &[ContentRef],
) -> Result<(ManifestEntry, Vec<Write>), StageError> {
    let ctx = step.ctx;
    let now = ctx.now();
    let mut ids = BTreeSet::new();
    let contents: Vec<_> = contents
        .iter()
        .filter(|content| ids.insert(content.id.clone()))
        .collect();
    let keys: Vec<Key> = contents
        .iter()
        .map(|content| step.scope.unit(feed.name, &content.id))
        .collect();
    let found = if keys.is_empty() {
        vec![]
    } else {
        ctx.state.get(&keys).await?
    };
    let mut tallies = Tallies::default();
    let mut writes = vec![];
    for ((content, key), found) in contents.into_iter().zip(keys).zip(found) {
        if found.is_some() {
            continue;
        }
        tallies.at(content.available).bundles_listed += 1;
        let unit = new_unit(&step.scope, feed, content);
        writes.push(Write::create(key, items::write(&unit)));
    }
    let place = step.place("activities");
    let entry = ManifestEntry {
        from: Some(window.from),
        to: Some(window.to),
        at: now,
        ..ManifestEntry::new(place, Written::default(), tallies)
    };
    Ok((entry, writes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-05-04T{text}:00Z")
            .parse()
            .expect("a valid time")
    }

    fn window(
        level: Level,
        from: &str,
        until: Option<&str>,
        now: &str,
    ) -> Result<(String, String), Due> {
        let tile = Tile {
            tile: at(from),
            to: None,
            tok: None,
            busy: None,
            until: until.map(at),
        };
        let day = SignedDuration::from_hours(24);
        let show = |time: Timestamp| time.strftime("%d %H:%M").to_string();
        next_window(level, &tile, day, at(now)).map(|window| (show(window.from), show(window.to)))
    }

    #[test]
    fn windows_follow_each_other_and_widen_with_the_backlog() {
        let pair = |from: &str, to: &str| Ok((format!("04 {from}"), format!("04 {to}")));
        assert_eq!(
            window(Level::Live, "10:00", None, "10:07"),
            pair("10:00", "10:05")
        );
        assert_eq!(
            window(Level::Live, "10:00", None, "10:06"),
            Err(Due::At(at("10:07")))
        );
        assert_eq!(
            window(Level::Live, "10:20", None, "11:30"),
            pair("10:20", "11:00")
        );
        assert_eq!(
            window(Level::Late, "08:00", None, "10:30"),
            pair("08:00", "09:00")
        );
        assert_eq!(
            window(Level::Back, "10:20", Some("10:40"), "11:30"),
            pair("10:20", "10:40")
        );
        assert_eq!(
            window(Level::Back, "10:40", Some("10:40"), "11:30"),
            Err(Due::Never)
        );
    }
}
