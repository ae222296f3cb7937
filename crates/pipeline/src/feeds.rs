//! The step of the stream `feeds`: switches on the audit feeds that are off once the permissions are known, and creates
//! the streams that read them.

use casbah_connector::{ActivitySource, Feed, FeedState};
use casbah_model::cursor::floor;
use casbah_model::message::Stage;
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::activity_poll::{Level, list_stream};
use crate::bundles;
use crate::compact;
use crate::connect::find;
use crate::context::Context;
use crate::editions;
use crate::error::StageError;
use crate::findings;
use crate::gate;
use crate::items::{self, ConnectionItem, FeedItem, Scope, StreamItem, connection_key};
use crate::step::{Committed, Next, Step};

/// Feeds are looked at this often: somebody may have switched one off, or bought a licence for one.
const FEEDS_EVERY: SignedDuration = SignedDuration::from_hours(12);
/// Feeds that were refused are asked for again after this.
const REFUSED_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// Listings may reach back a little less than documented, because clocks differ and calls take time.
const REACH_MARGIN: SignedDuration = SignedDuration::from_mins(10);
/// Our clock may be ahead of the vendor's, who says when a feed began (AWS and SaaS clocks follow NTP; minutes are a
/// generous bound). To list a little of what was before costs nothing.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);
/// When the second reading of a new feed begins.
const LATE_AFTER: SignedDuration = SignedDuration::from_mins(90);
/// What is visible while users are still scanned: the last hour before the connection was made.
const EARLY: SignedDuration = SignedDuration::from_hours(1);

/// The feeds of an app that the chosen components read.
pub fn chosen_feeds(source: &dyn ActivitySource, connection: &ConnectionItem) -> Vec<Feed> {
    let is_chosen = |feed: &&Feed| connection.settings.components.has_any(feed.components);
    source.feeds().iter().filter(is_chosen).copied().collect()
}

/// Switches on what is off, and creates the streams that read what is on.
pub async fn start(mut step: Step<'_>) -> Result<(), StageError> {
    let ctx = step.ctx;
    let (session, connector) = ctx.interactive_session(&step.connection).await?;
    let Some(source) = connector.activities() else {
        return step
            .release(Next::CaughtUp(ctx.now() + FEEDS_EVERY), None)
            .await;
    };
    let feeds = chosen_feeds(source, &step.connection);
    let asked = ctx.now();
    let states = match source.start(&session, &feeds).await {
        Ok(states) => states,
        Err(error) => return step.recover(error, None).await,
    };
    let now = ctx.now();
    loop {
        let (mut writes, created) = stream_writes(&step, &states, asked).await?;
        writes.push(feed_write(ctx, &step.scope, &states).await?);
        match step.commit(None, writes).await? {
            Committed::Yes => {
                gate::hint_all(ctx, &created).await?;
                break;
            }
            Committed::FencedOff => return Ok(()),
            // The gate or the connection moved in this moment: look again.
            Committed::Refused { .. } if step.has_time() => {}
            Committed::Refused { .. } => return step.release(Next::Continue, None).await,
        }
    }
    let is_refused = states
        .iter()
        .any(|(_, state)| matches!(state, FeedState::Refused(_)));
    let again = now
        + if is_refused {
            REFUSED_AGAIN
        } else {
            FEEDS_EVERY
        };
    step.release(Next::CaughtUp(again), None).await
}

async fn feed_write(
    ctx: &Context,
    scope: &Scope,
    states: &[(Feed, FeedState)],
) -> Result<Write, StageError> {
    let unknown = || StageError::UnknownConnection {
        name: scope.connection.to_string(),
    };
    let connection = find(ctx, &scope.connection).await?.ok_or_else(unknown)?;
    let mut feeds = connection.feeds;
    for (feed, state) in states {
        // A feed that was started by us is on from then on; that it was off once is worth keeping.
        let is_known_start = feeds
            .get(feed.name)
            .is_some_and(|known| known.state == "started");
        if !(is_known_start && matches!(state, FeedState::On)) {
            feeds.insert(feed.name.into(), FeedItem::from(state));
        }
    }
    let feeds = serde_json::to_value(feeds).expect("feeds are plain");
    let sets = vec![Set::Add("v", 1.into()), Set::To("feeds", feeds)];
    let condition = Condition::Equal("v", connection.v.into());
    Ok(Write::update(
        connection_key(&scope.connection),
        condition,
        sets,
    ))
}

/// Creates the streams of every feed that can be read: at once what is visible early, behind the gate the rest.
///
/// `now` is from before the feeds were switched on: what a feed shows from its first moment on is ours to read.
async fn stream_writes(
    step: &Step<'_>,
    states: &[(Feed, FeedState)],
    now: Timestamp,
) -> Result<(Vec<Write>, Vec<(Key, StreamItem)>), StageError> {
    let (ctx, scope) = (step.ctx, &step.scope);
    let connected = floor(step.connection.connected_at, Level::Live.window());
    let mut at_once = vec![];
    let mut gated = vec![];
    for (feed, state) in states {
        let reach =
            SignedDuration::try_from(feed.reach).unwrap_or(SignedDuration::ZERO) - REACH_MARGIN;
        let oldest = (step.connection.connected_at - reach).max(now - reach);
        let is_on = match state {
            FeedState::On => true,
            FeedState::Started => false,
            FeedState::Refused(_) => continue,
        };
        // A feed that could be read only later starts where listings reach, not where the connection began.
        // The window that reaches out of it is none of ours: it would be lost before its first look, and told as a gap.
        let begin = if is_on {
            floor(oldest, Level::Live.window()) + Level::Live.window()
        } else {
            floor(now - CLOCKS_DIFFER, Level::Live.window())
        };
        let live = if is_on { connected.max(begin) } else { begin };
        let lane_key = scope.stream(&bundles::lane_name(feed));
        at_once.push((
            lane_key.clone(),
            StreamItem::new(&lane_key, Stage::ActivityPoll, feed.components, now),
        ));
        if is_on {
            let early = (live - EARLY).max(begin);
            at_once.push(list_stream(
                scope,
                feed,
                Level::Early,
                early,
                Some(live),
                now,
            ));
            gated.push(list_stream(
                scope,
                feed,
                Level::Back,
                begin,
                Some(live),
                now,
            ));
        }
        gated.push(list_stream(scope, feed, Level::Live, live, None, now));
        // The second reading of what is being read for the first time would only take its calls.
        let (key, mut late) = list_stream(scope, feed, Level::Late, begin, None, now + LATE_AFTER);
        late.caught_up = true;
        gated.push((key, late));
    }
    at_once.push(compact::stream(scope, now));
    at_once.push(editions::stream(scope, now));
    if ctx.settings.judges_files {
        at_once.push(findings::stream(scope, now));
    }
    let (mut writes, mut created) = gate::creations(ctx, scope, gated).await?;
    for (key, stream) in gate::absent(ctx, at_once).await? {
        writes.push(Write::create(key.clone(), items::write(&stream)));
        created.push((key, stream));
    }
    Ok((writes, created))
}
