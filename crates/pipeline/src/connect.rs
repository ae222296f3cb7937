//! connect: takes a connection in, and switches on the audit feeds that are off once its permissions are known.

use std::collections::BTreeMap;

use casbah_connector::{ActivitySource, Feed, FeedState};
use casbah_http::retry;
use casbah_model::connection::{Cause, ConnectionId, ConnectionSettings, ConnectionState};
use casbah_model::cursor::floor;
use casbah_model::message::Stage;
use casbah_model::ports::StoreError;
use casbah_model::secret::Secret;
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::activity_poll::{Level, list_stream};
use crate::bundles;
use crate::context::Context;
use crate::error::StageError;
use crate::gate;
use crate::hint;
use crate::items::{
    self, CONNECTIONS, ConnectionItem, FeedItem, GateItem, GateState, Scope, StreamItem,
    connection_key,
};
use crate::step::{Committed, Next, Step, ms_duration};

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
/// Tries of a change against other writers of the connection.
const UPDATE_TRIES_MAX: u32 = 6;
/// What is visible while users are still scanned: the last hour before the connection was made.
const EARLY: SignedDuration = SignedDuration::from_hours(1);

/// Takes a connection in, or changes its components, addresses and credential; the test follows by itself.
pub async fn connect(
    ctx: &Context,
    settings: &ConnectionSettings,
    secret: &Secret,
) -> Result<ConnectionItem, StageError> {
    let connector = crate::apps::connector(settings.app);
    connector.check(settings).map_err(StageError::Refused)?;
    for (name, address) in &settings.endpoints {
        if !connector.endpoints().iter().any(|(known, _)| known == name) {
            let known: Vec<_> = connector
                .endpoints()
                .iter()
                .map(|(known, _)| *known)
                .collect();
            let what = format!(
                "connection \"{}\" has an endpoint \"{name}\", which {} has not",
                settings.id, settings.app
            );
            return Err(StageError::Refused(Cause::new(
                "config",
                what,
                format!("use one of {}", known.join(", ")),
            )));
        }
        casbah_http::Base::parse(address)?;
    }
    ctx.secrets.put(settings.id.as_str(), secret).await?;
    match find(ctx, &settings.id).await? {
        Some(known) => change(ctx, known, settings).await,
        None => create(ctx, settings).await,
    }
}

pub async fn find(ctx: &Context, id: &ConnectionId) -> Result<Option<ConnectionItem>, StageError> {
    let key = connection_key(id);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    match found.first() {
        Some(Some(item)) => Ok(Some(items::read(&key, item)?)),
        _ => Ok(None),
    }
}

async fn create(
    ctx: &Context,
    settings: &ConnectionSettings,
) -> Result<ConnectionItem, StageError> {
    let now = ctx.now();
    let connection = ConnectionItem {
        v: 1,
        incarnation: 1,
        settings: settings.clone(),
        state: ConnectionState::Pending,
        connected_at: now,
        report: None,
        feeds: BTreeMap::new(),
    };
    let scope = connection.scope();
    let test_key = scope.stream("test");
    let test = StreamItem::new(&test_key, Stage::Test, &[], now);
    let shut = GateItem {
        v: 1,
        st: GateState::Shut,
        opened_by: None,
    };
    let listed = Key::new(CONNECTIONS, settings.id.as_str());
    let writes = vec![
        Write::create(connection_key(&settings.id), items::write(&connection)),
        Write::put(
            listed,
            BTreeMap::from([("app".to_string(), settings.app.name().into())]),
        ),
        Write::create(scope.gate(), items::write(&shut)),
        Write::create(test_key.clone(), items::write(&test)),
    ];
    match ctx.state.transact(&ctx.random_id(), writes).await {
        Ok(()) => {}
        // Somebody connected the same name in this moment, or the answer was lost: what is there counts.
        Err(StoreError::Refused { .. } | StoreError::Unknown) => {}
        Err(error) => return Err(error.into()),
    }
    let connection = find(ctx, &settings.id)
        .await?
        .ok_or(StageError::Store(StoreError::Unknown))?;
    tracing::info!(connection = %settings.id, app = %settings.app, "connection created");
    gate::hint_all(ctx, &[(test_key, test)]).await?;
    Ok(connection)
}

async fn change(
    ctx: &Context,
    known: ConnectionItem,
    settings: &ConnectionSettings,
) -> Result<ConnectionItem, StageError> {
    let is_same_tenant = known.settings.app == settings.app
        && known.settings.app_settings.get("tenant_id") == settings.app_settings.get("tenant_id");
    if !is_same_tenant {
        let what = format!(
            "the name \"{}\" belongs to another tenant's data in this folder",
            settings.id
        );
        let fix = "give this connection another name, or use another output folder";
        return Err(StageError::Refused(Cause::new("config", what, fix)));
    }
    ctx.tokens.forget(&known.scope().to_string());
    let changed = serde_json::to_value(settings).expect("settings are plain");
    update(ctx, &settings.id, &LOOKERS, |known| {
        let is_stopped = matches!(known.state, ConnectionState::Failed { .. });
        let mut sets = vec![Set::To("settings", changed.clone())];
        if is_stopped {
            // Somebody acted: the credential or the settings may be right now, so everything is tried again.
            sets.push(state_set(&ConnectionState::Pending));
        }
        (known.settings != *settings || is_stopped).then_some(sets)
    })
    .await?;
    Ok(find(ctx, &settings.id).await?.unwrap_or(known))
}

/// Stops all calls of a connection; everything stays where it is.
pub async fn pause(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    update(ctx, id, &[], |_| {
        Some(vec![state_set(&ConnectionState::Paused)])
    })
    .await
}

/// Lets a paused connection go on; the sweeper finds what is overdue.
pub async fn resume(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    update(ctx, id, &LOOKERS, |_| {
        Some(vec![state_set(&ConnectionState::Pending)])
    })
    .await
}

fn state_set(state: &ConnectionState) -> Set {
    Set::To(
        "state",
        serde_json::to_value(state).expect("states are plain"),
    )
}

/// Streams that act on a change of their connection: it is tested, and its feeds are looked at.
const LOOKERS: [&str; 2] = ["test", "feeds"];

/// Changes a connection and wakes streams that look at it, in one transaction; does nothing when nothing changes.
async fn update(
    ctx: &Context,
    id: &ConnectionId,
    lookers: &[&str],
    changes: impl Fn(&ConnectionItem) -> Option<Vec<Set>>,
) -> Result<(), StageError> {
    let unknown = || StageError::UnknownConnection {
        name: id.to_string(),
    };
    let mut tries = 1;
    loop {
        let connection = find(ctx, id).await?.ok_or_else(unknown)?;
        let Some(mut sets) = changes(&connection) else {
            return Ok(());
        };
        sets.push(Set::Add("v", 1.into()));
        let condition = Condition::Equal("v", connection.v.into());
        let write = Write::update(connection_key(id), condition, sets);
        let scope = connection.scope();
        let streams: Vec<Key> = lookers.iter().map(|name| scope.stream(name)).collect();
        match hint::change_and_wake(ctx, write, &streams).await {
            // Something moved in this moment: look again.
            Err(StageError::Store(StoreError::Refused { .. } | StoreError::Busy))
                if tries < UPDATE_TRIES_MAX =>
            {
                let wait = retry::quick_wait(tries, ctx.rng.fraction());
                ctx.sleep(ms_duration(wait)).await;
                tries += 1;
            }
            other => return other,
        }
    }
}

/// The feeds of an app that the chosen components read.
pub fn chosen_feeds(source: &dyn ActivitySource, connection: &ConnectionItem) -> Vec<Feed> {
    let is_chosen = |feed: &&Feed| connection.settings.components.has_any(feed.components);
    source.feeds().iter().filter(is_chosen).copied().collect()
}

/// The step of the stream `feeds`: switches on what is off, and creates the streams that read what is on.
pub async fn start_feeds(mut step: Step<'_>) -> Result<(), StageError> {
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
        let begin = if is_on {
            floor(oldest, Level::Live.window())
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
    let (mut writes, mut created) = gate::creations(ctx, scope, gated).await?;
    for (key, stream) in gate::absent(ctx, at_once).await? {
        writes.push(Write::create(key.clone(), items::write(&stream)));
        created.push((key, stream));
    }
    Ok((writes, created))
}
