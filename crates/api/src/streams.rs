//! Streams: how each stands, what is held back, and how far behind the vendor each feed is.

use casbah_connector::Feed;
use casbah_model::connection::ConnectionState;
use casbah_model::ports::Query;
use casbah_pipeline::activity_poll::{Level, listed_until};
use casbah_pipeline::items::{self, ConnectionItem, StreamItem, time};
use casbah_pipeline::status::of_stream;
use casbah_pipeline::{apps, user_scan};
use serde_json::{Value, json};

use crate::connections::wrong_state;
use crate::paging::{Page, bad_token};
use crate::problem::{Code, Problem};
use crate::reply::Reply;
use crate::request::Call;
use crate::work::stream;

/// Bundles that wait and are looked at to find the oldest; the index gives those first that are due first.
const WAITING_MAX: usize = 200;

pub async fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    let scope = connection.scope();
    let page = Page::of(call, &scope.to_string())?;
    if page.after.as_ref().is_some_and(|sk| !sk.starts_with("S#")) {
        return Err(bad_token());
    }
    let query = Query {
        after: page.after.clone(),
        limit: page.limit,
        ..Query::prefix(scope.pk(), "S#")
    };
    let found = call.ctx.state.query(query).await?;
    let last = found.last().map(|found| found.key.sk.clone());
    let next = last.filter(|_| found.len() >= page.limit);
    let now = call.ctx.now();
    let mut shown = vec![];
    for found in found {
        let stream: StreamItem = items::read(&found.key, &found.item)?;
        let status = of_stream(&found.key, &stream, now);
        let mut document = serde_json::to_value(status).expect("a status is plain");
        document["stage"] = stream.stage.name().into();
        document["held"] = match stream.held {
            Some(held) => json!({ "missing": held.missing, "of": held.of }),
            None => Value::Null,
        };
        shown.push(document);
    }
    Ok(page.reply(shown, next))
}

/// Publishes a snapshot that was held back, because somebody looked at it.
pub async fn accept(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    if connection.state == ConnectionState::Deleting {
        return Err(wrong_state(&connection, "is being deleted"));
    }
    let name = call.stream()?;
    if stream(call, &connection.scope().stream(name))
        .await?
        .is_none()
    {
        let what = format!("there is no stream named \"{name}\"");
        return Err(Problem::field(Code::NoSuchStream, "stream", what));
    }
    let held = user_scan::accept(call.ctx, &connection.settings.id, name).await?;
    Ok(Reply::ok(&json!({
        "stream": name,
        "published": held.of.saturating_sub(held.missing),
        "missing": held.missing,
    })))
}

/// How far behind the vendor each feed of the audit trail is.
pub async fn lag(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    let source = apps::connector(connection.settings.app).activities();
    let feeds = source.map(|source| source.feeds()).unwrap_or_default();
    let mut shown = vec![];
    for feed in feeds {
        if connection.settings.components.has_any(feed.components) {
            shown.push(feed_lag(call, &connection, feed).await?);
        }
    }
    Ok(Reply::ok(&json!({ "at": call.ctx.now(), "feeds": shown })))
}

async fn feed_lag(
    call: &Call<'_>,
    connection: &ConnectionItem,
    feed: &Feed,
) -> Result<Value, Problem> {
    let (ctx, scope) = (call.ctx, connection.scope());
    let key = scope.stream(&format!("{}-{}", Level::Live.name(), feed.name));
    let live = stream(call, &key).await?;
    let listed = match &live {
        Some(stream) => listed_until(&key, stream)?,
        None => None,
    };
    let waiting = scope.waiting(feed.name);
    let mut oldest = None;
    for found in ctx.state.due(&waiting, i64::MAX >> 11, WAITING_MAX).await? {
        let unit: StreamItem = items::read(&found.key, &found.item)?;
        let available = unit.content.map(|content| content.available);
        oldest = match (oldest, available) {
            (Some(one), Some(other)) => Some(std::cmp::min(one, other)),
            (one, other) => one.or(other),
        };
    }
    let collected = listed.map(|listed| oldest.map_or(listed, |oldest| listed.min(oldest)));
    let lag = collected.map(|until| ctx.now().duration_since(until).as_secs().max(0));
    Ok(json!({
        "feed": feed.name,
        "state": connection.feeds.get(feed.name).map_or("unknown", |feed| &feed.state),
        "listed_until": listed,
        "collected_until": collected,
        "lag_seconds": lag,
        "next_look": live.map(|stream| time(stream.wake)),
    }))
}
