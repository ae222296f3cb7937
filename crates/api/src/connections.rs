//! Connections: list, create, read, change, pause, resume, disconnect, delete.

use casbah_model::connection::{ConnectionId, ConnectionState};
use casbah_model::ports::Query;
use casbah_model::state::Key;
use casbah_pipeline::items::{self, CONNECTIONS, ConnectionItem, connection_key};
use casbah_pipeline::{StageError, connect, hint};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::entry;
use crate::paging::{Page, bad_token};
use crate::problem::{Code, Problem, no_such_connection};
use crate::reply::Reply;
use crate::request::Call;

/// Items in one read (`StateStore::get`).
const READ_MAX: usize = 100;
/// Tries of a change against other writers of the connection.
const CHANGE_TRIES_MAX: u32 = 3;
const DISCONNECTED: &str = "is disconnected; connect it again with POST /v1/connections";
/// Characters of an If-Match field: a few entity tags.
const IF_MATCH_CHARS_MAX: usize = 400;

pub async fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let page = Page::of(call, "")?;
    if page
        .after
        .as_ref()
        .is_some_and(|name| name.parse::<ConnectionId>().is_err())
    {
        return Err(bad_token());
    }
    let query = Query {
        after: page.after.clone(),
        limit: page.limit,
        ..Query::prefix(CONNECTIONS, "")
    };
    let names = call.ctx.state.query(query).await?;
    let last = names.last().map(|found| found.key.sk.clone());
    let next = last.filter(|_| names.len() >= page.limit);
    let ids = names.iter().filter_map(|found| found.key.sk.parse().ok());
    let keys: Vec<Key> = ids.map(|id: ConnectionId| connection_key(&id)).collect();
    let mut shown = vec![];
    for keys in keys.chunks(READ_MAX) {
        for (key, item) in keys.iter().zip(call.ctx.state.get(keys).await?) {
            // One that is gone in this moment is not listed.
            if let Some(item) = item {
                shown.push(document(&items::read(key, &item)?));
            }
        }
    }
    Ok(page.reply(shown, next))
}

pub async fn create(call: &Call<'_>) -> Result<Reply, Problem> {
    let (settings, secret) = entry::create(call.ctx, &call.body)?;
    let app = settings.app;
    if let Some(known) = connect::find(call.ctx, &settings.id).await? {
        check_name(&known, &settings).map_err(|problem| problem.with_connector(app))?;
    }
    let connected = connect::connect(call.ctx, &settings, &secret).await;
    let connection = connected.map_err(|error| refused(error).with_connector(app))?;
    // A credential that was stored anew is tried at once.
    hint::nudge(call.ctx, &connection.scope().stream("test")).await?;
    let location = call.link(&settings.id, "");
    let reply = Reply::accepted(&document(&connection), &location);
    Ok(reply.with("etag", &tag(&connection)))
}

/// A name that is known is connected again when it means the same connection: that is how a lost answer is repeated.
fn check_name(
    known: &ConnectionItem,
    settings: &casbah_model::connection::ConnectionSettings,
) -> Result<(), Problem> {
    let id = &settings.id;
    let is_same_tenant = connect::is_same_tenant(&known.settings, settings);
    let what = match &known.state {
        ConnectionState::Deleting => {
            let what = format!("connection \"{id}\" is being deleted; wait until it is gone");
            return Err(Problem::new(Code::WrongState, what));
        }
        _ if !is_same_tenant => "it belongs to the connection of another tenant",
        ConnectionState::Disconnected => return Ok(()),
        _ if known.settings == *settings => return Ok(()),
        _ => "it belongs to a connection with other settings; change that one with PATCH",
    };
    Err(Problem::field(Code::NameTaken, "/name", what))
}

pub async fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    Ok(shown(&call.connection().await?))
}

pub async fn change(call: &Call<'_>) -> Result<Reply, Problem> {
    for _ in 0..CHANGE_TRIES_MAX {
        let known = call.connection().await?;
        check_match(call, &known)?;
        check_connected(&known)?;
        let app = known.settings.app;
        let entered = entry::change(call.ctx, &known.settings, &call.body);
        let (settings, secret) = entered.map_err(|problem| problem.with_connector(app))?;
        match connect::revise(call.ctx, &known, &settings, secret.as_ref()).await {
            Ok(connection) => return Ok(shown(&connection)),
            // Somebody else changed it in this moment: what they did is kept, and looked at again.
            Err(StageError::Refused(cause)) if cause.code == "changed" => {}
            Err(error) => return Err(refused(error).with_connector(app)),
        }
    }
    Err(Problem::busy("others are changing the same connection"))
}

/// Refuses a connection that has no credential any more.
fn check_connected(connection: &ConnectionItem) -> Result<(), Problem> {
    match connection.state {
        ConnectionState::Deleting => Err(wrong_state(connection, "is being deleted")),
        ConnectionState::Disconnected => Err(wrong_state(connection, DISCONNECTED)),
        _ => Ok(()),
    }
}

pub async fn delete(call: &Call<'_>) -> Result<Reply, Problem> {
    let known = call.connection().await?;
    check_match(call, &known)?;
    let id = &known.settings.id;
    connect::delete(call.ctx, id).await.map_err(refused)?;
    // Small ones may be gone by now.
    let left = connect::find(call.ctx, id).await?.unwrap_or(known.clone());
    Ok(Reply::accepted(&document(&left), &call.link(id, "")))
}

pub async fn pause(call: &Call<'_>) -> Result<Reply, Problem> {
    let known = call.connection().await?;
    let id = &known.settings.id;
    connect::pause(call.ctx, id).await.map_err(refused)?;
    Ok(shown(&call.connection().await?))
}

pub async fn resume(call: &Call<'_>) -> Result<Reply, Problem> {
    let known = call.connection().await?;
    // One that is not paused goes on as it is: to resume it would only forget what its last test found.
    let is_stopped = matches!(
        known.state,
        ConnectionState::Paused | ConnectionState::Disconnected | ConnectionState::Deleting
    );
    if is_stopped {
        let id = &known.settings.id;
        connect::resume(call.ctx, id).await.map_err(refused)?;
    }
    Ok(shown(&call.connection().await?))
}

pub async fn disconnect(call: &Call<'_>) -> Result<Reply, Problem> {
    let known = call.connection().await?;
    let id = &known.settings.id;
    connect::disconnect(call.ctx, id).await.map_err(refused)?;
    Ok(shown(&call.connection().await?))
}

/// What a change of a connection is refused with.
fn refused(error: StageError) -> Problem {
    match error {
        StageError::Refused(cause) if ["deleting", "disconnected"].contains(&&*cause.code) => {
            Problem::new(Code::WrongState, cause.to_string())
        }
        StageError::Refused(cause) if cause.code == "config" => {
            Problem::field(Code::NameTaken, "/name", cause.to_string())
        }
        other => other.into(),
    }
}

pub fn wrong_state(connection: &ConnectionItem, how: &str) -> Problem {
    let detail = format!("connection \"{}\" {how}", connection.settings.id);
    Problem::new(Code::WrongState, detail).with_connector(connection.settings.app)
}

/// Refuses a connection that somebody has stopped, for work that would not be done.
pub fn check_active(connection: &ConnectionItem) -> Result<(), Problem> {
    match &connection.state {
        ConnectionState::Paused => Err(wrong_state(connection, "is paused; resume it first")),
        ConnectionState::Disconnected => Err(wrong_state(connection, DISCONNECTED)),
        ConnectionState::Deleting => Err(no_such_connection(connection.settings.id.as_str())),
        ConnectionState::Pending
        | ConnectionState::Connected
        | ConnectionState::Degraded { .. }
        | ConnectionState::Failed { .. } => Ok(()),
    }
}

/// RFC 9110, 13.1.1: the change is made only if the connection is one of those that were read.
fn check_match(call: &Call<'_>, connection: &ConnectionItem) -> Result<(), Problem> {
    let Some(wanted) = call.headers.get(header::IF_MATCH) else {
        return Ok(());
    };
    let wanted = wanted.to_str().unwrap_or("");
    if wanted.len() > IF_MATCH_CHARS_MAX {
        let what = format!("it has more than {IF_MATCH_CHARS_MAX} characters");
        return Err(Problem::field(Code::BadParameter, "If-Match", what));
    }
    let current = tag(connection);
    let is_met = wanted.trim() == "*" || wanted.split(',').any(|tag| tag.trim() == current);
    match is_met {
        true => Ok(()),
        false => {
            let what = "it is not the ETag that the connection has now";
            Err(Problem::field(Code::ChangedMeanwhile, "If-Match", what))
        }
    }
}

fn tag(connection: &ConnectionItem) -> String {
    format!("\"{}.{}\"", connection.incarnation, connection.v)
}

fn shown(connection: &ConnectionItem) -> Reply {
    let reply = Reply::json(StatusCode::OK, &document(connection));
    reply.with("etag", &tag(connection))
}

/// A connection as people and programs see it: everything but the credential.
fn document(connection: &ConnectionItem) -> Value {
    let ConnectionItem {
        settings,
        state,
        connected_at,
        report,
        feeds,
        ..
    } = connection;
    let mut document = json!({
        "name": settings.id,
        "app": settings.app,
        "components": settings.components,
        "tier": settings.tier,
        "app_settings": settings.app_settings,
        "endpoints": settings.endpoints,
        "connected_at": connected_at,
        "tested_at": report.as_ref().map(|report| report.tested),
        "credential_expires": report.as_ref().and_then(|report| report.credential_expires),
        "tenant": report.as_ref().map(|report| &report.tenant),
        "feeds": feeds,
    });
    // The state with what belongs to it: a cause, or causes by component.
    let state = serde_json::to_value(state).expect("states are plain");
    if let (Value::Object(document), Value::Object(state)) = (&mut document, state) {
        document.extend(state);
    }
    document
}
