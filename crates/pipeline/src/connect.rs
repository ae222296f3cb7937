//! connect: takes a connection in, changes it, and stops it; its deletion is a job of its own.
//!
//! Each of these is one conditional write of the connection, so that whatever is asked for twice, or beside something
//! else, is done once or refused with a reason.

use std::collections::BTreeMap;

use casbah_connector::{Connector, lacks};
use casbah_http::retry;
use casbah_model::app::Components;
use casbah_model::connection::{Cause, ConnectionId, ConnectionSettings, ConnectionState};
use casbah_model::message::Stage;
use casbah_model::ports::{SecretError, StoreError};
use casbah_model::secret::Secret;
use casbah_model::state::{Change, Condition, Key, Set, Write};

use crate::context::Context;
use crate::delete;
use crate::error::StageError;
use crate::gate;
use crate::hint;
use crate::items::{
    self, CONNECTIONS, ConnectionItem, GateItem, GateState, PastItem, StreamItem, connection_key,
    past_key,
};
use crate::step::ms_duration;

pub use crate::feeds::chosen_feeds;

/// Tries of a change against other writers of the connection.
const UPDATE_TRIES_MAX: u32 = 6;

/// Takes a connection in, or changes its components, addresses and credential; the test follows by itself.
///
/// One that was disconnected goes on where it stood; one that was deleted begins anew, under keys of its own.
pub async fn connect(
    ctx: &Context,
    settings: &ConnectionSettings,
    secret: &Secret,
) -> Result<ConnectionItem, StageError> {
    let connector = crate::apps::connector(settings.app);
    connector.check(settings).map_err(StageError::Refused)?;
    check_endpoints(connector, settings)?;
    let settings = &fitted(connector, settings).map_err(StageError::Refused)?;
    let known = find(ctx, &settings.id).await?;
    if let Some(known) = &known {
        check_change(known, settings)?;
    }
    // Before the change, so that the test that follows finds it.
    ctx.secrets.put(settings.id.as_str(), secret).await?;
    match known {
        Some(known) => change(ctx, known, settings).await,
        None => create(ctx, settings).await,
    }
}

/// The settings with the components that the app has. All of them means all that there are; one that was named and is
/// not there is refused.
fn fitted(
    connector: &dyn Connector,
    settings: &ConnectionSettings,
) -> Result<ConnectionSettings, Cause> {
    let chosen = &settings.components;
    let missing: Vec<_> = chosen
        .iter()
        .filter_map(|component| Some((component, lacks(connector, component)?)))
        .collect();
    match missing.first() {
        Some((component, why)) if *chosen != Components::all() => Err(Cause::new(
            "component",
            format!("{component} cannot be chosen: {why}"),
            format!("leave {component} out"),
        )),
        _ => {
            let missing: Vec<_> = missing.iter().map(|(component, _)| *component).collect();
            let components = chosen.clone().without(&missing);
            Ok(ConnectionSettings {
                components,
                ..settings.clone()
            })
        }
    }
}

fn check_endpoints(
    connector: &dyn Connector,
    settings: &ConnectionSettings,
) -> Result<(), StageError> {
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
    Ok(())
}

/// The connection of this name; one that was deleted is not there.
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
    let (incarnation, is_still_past) = next_incarnation(ctx, &settings.id).await?;
    let connection = ConnectionItem {
        v: 1,
        incarnation,
        settings: settings.clone(),
        state: ConnectionState::Pending,
        connected_at: now,
        report: None,
        previous: None,
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
        is_still_past,
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
    check_change(&connection, settings)?;
    tracing::info!(connection = %settings.id, app = %settings.app, "connection created");
    gate::hint_all(ctx, &[(test_key, test)]).await?;
    Ok(connection)
}

/// The incarnation after the last one of a name, and the check that it still is the last when it is taken.
async fn next_incarnation(ctx: &Context, id: &ConnectionId) -> Result<(u32, Write), StageError> {
    let key = past_key(id);
    let found = ctx.state.get(std::slice::from_ref(&key)).await?;
    let past: Option<PastItem> = match found.first() {
        Some(Some(item)) => Some(items::read(&key, item)?),
        _ => None,
    };
    let (next, condition) = match past {
        Some(past) => (
            past.incarnation + 1,
            Condition::Equal("incarnation", past.incarnation.into()),
        ),
        None => (1, Condition::NotExists),
    };
    let change = Change::Check;
    Ok((
        next,
        Write {
            key,
            condition,
            change,
        },
    ))
}

/// What of a known connection cannot be changed by connecting again.
fn check_change(known: &ConnectionItem, settings: &ConnectionSettings) -> Result<(), StageError> {
    if known.state == ConnectionState::Deleting {
        return Err(StageError::Refused(deleting(&settings.id)));
    }
    if is_same_tenant(&known.settings, settings) {
        return Ok(());
    }
    let what = format!(
        "the name \"{}\" belongs to another tenant's data",
        settings.id
    );
    let fix = "give this connection another name, or delete the other one first";
    Err(StageError::Refused(Cause::new("config", what, fix)))
}

/// Whether two settings are of the same tenant of the same app.
pub fn is_same_tenant(one: &ConnectionSettings, other: &ConnectionSettings) -> bool {
    let name = crate::apps::connector(one.app).tenant_setting();
    one.app == other.app && one.app_settings.get(name) == other.app_settings.get(name)
}

fn deleting(id: &ConnectionId) -> Cause {
    let what = format!("connection \"{id}\" is being deleted");
    Cause::new("deleting", what, "wait until it is gone, then connect it")
}

async fn change(
    ctx: &Context,
    known: ConnectionItem,
    settings: &ConnectionSettings,
) -> Result<ConnectionItem, StageError> {
    ctx.tokens.forget(&known.scope().to_string());
    let changed = serde_json::to_value(settings).expect("settings are plain");
    update(ctx, &settings.id, &LOOKERS, |known| {
        check_change(known, settings)?;
        let is_stopped = matches!(
            known.state,
            ConnectionState::Failed { .. } | ConnectionState::Disconnected
        );
        let mut sets = vec![Set::To("settings", changed.clone())];
        if is_stopped {
            // Somebody acted: the credential or the settings may be right now, so everything is tried again.
            sets.push(state_set(&ConnectionState::Pending));
        }
        Ok((known.settings != *settings || is_stopped).then(|| sets.into()))
    })
    .await?;
    Ok(find(ctx, &settings.id).await?.unwrap_or(known))
}

/// Changes a connection from what it was read as, and its credential where another one is given; the test follows.
///
/// # Errors
/// `Refused` with the code `changed` when somebody else has changed its settings since it was read.
pub async fn revise(
    ctx: &Context,
    known: &ConnectionItem,
    settings: &ConnectionSettings,
    secret: Option<&Secret>,
) -> Result<ConnectionItem, StageError> {
    let connector = crate::apps::connector(settings.app);
    connector.check(settings).map_err(StageError::Refused)?;
    check_endpoints(connector, settings)?;
    let settings = &fitted(connector, settings).map_err(StageError::Refused)?;
    check_change(known, settings)?;
    if let Some(secret) = secret {
        // Before the change, so that the test that follows finds it.
        ctx.secrets.put(settings.id.as_str(), secret).await?;
    }
    ctx.tokens.forget(&known.scope().to_string());
    let changed = serde_json::to_value(settings).expect("settings are plain");
    update(ctx, &settings.id, &LOOKERS, |latest| {
        check_connected(latest)?;
        let is_known = latest.incarnation == known.incarnation
            && (latest.settings == known.settings || latest.settings == *settings);
        if !is_known {
            let what = format!("connection \"{}\" was changed in this moment", settings.id);
            let cause = Cause::new("changed", what, "read it again and repeat the change");
            return Err(StageError::Refused(cause));
        }
        let is_failed = matches!(latest.state, ConnectionState::Failed { .. });
        let mut sets = vec![Set::To("settings", changed.clone())];
        if is_failed {
            // Somebody acted: what was wrong may be right now, so everything is tried again.
            sets.push(state_set(&ConnectionState::Pending));
        }
        let is_change = latest.settings != *settings || is_failed || secret.is_some();
        Ok(is_change.then(|| sets.into()))
    })
    .await?;
    let unknown = || StageError::UnknownConnection {
        name: settings.id.to_string(),
    };
    find(ctx, &settings.id).await?.ok_or_else(unknown)
}

/// Stops all calls of a connection; everything stays where it is.
pub async fn pause(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    update(ctx, id, &[], |known| {
        check_connected(known)?;
        Ok(Some(vec![state_set(&ConnectionState::Paused)].into()))
    })
    .await
}

/// Lets a paused connection go on; the sweeper finds what is overdue.
pub async fn resume(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    update(ctx, id, &LOOKERS, |known| {
        check_connected(known)?;
        Ok(Some(vec![state_set(&ConnectionState::Pending)].into()))
    })
    .await
}

/// Without a credential there is nothing to pause or to go on with.
fn check_connected(known: &ConnectionItem) -> Result<(), StageError> {
    let id = &known.settings.id;
    match known.state {
        ConnectionState::Deleting => Err(StageError::Refused(deleting(id))),
        ConnectionState::Disconnected => Err(StageError::Refused(Cause::new(
            "disconnected",
            format!("connection \"{id}\" is disconnected, its credential is gone"),
            "connect it again with its credential",
        ))),
        ConnectionState::Pending
        | ConnectionState::Connected
        | ConnectionState::Degraded { .. }
        | ConnectionState::Paused
        | ConnectionState::Failed { .. } => Ok(()),
    }
}

/// Stops all calls of a connection and forgets its credential; what was read stays.
///
/// Asked for again it does what is left to do, so that whoever lost the answer can repeat it.
pub async fn disconnect(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    update(ctx, id, &[], |known| match known.state {
        ConnectionState::Deleting => Err(StageError::Refused(deleting(id))),
        ConnectionState::Disconnected => Ok(None),
        _ => Ok(Some(vec![state_set(&ConnectionState::Disconnected)].into())),
    })
    .await?;
    // Whoever connected again in this moment has put another credential, which stays.
    if let Some(known) = find(ctx, id).await?
        && known.state == ConnectionState::Disconnected
    {
        ctx.tokens.forget(&known.scope().to_string());
        forget_secret(ctx, id).await?;
        tracing::info!(connection = %id, "connection disconnected");
    }
    Ok(())
}

/// Begins the deletion of a connection and of everything that was read from it; its job does the rest and takes minutes.
///
/// Asked for again while it goes on it changes nothing; afterwards there is no such connection.
pub async fn delete(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    update(ctx, id, &[], |known| {
        let others = vec![delete::job(ctx, known)];
        let sets = vec![state_set(&ConnectionState::Deleting)];
        let is_new = known.state != ConnectionState::Deleting;
        Ok(is_new.then_some(Changes { sets, others }))
    })
    .await?;
    let Some(known) = find(ctx, id).await? else {
        return Ok(());
    };
    ctx.tokens.forget(&known.scope().to_string());
    if known.state == ConnectionState::Deleting {
        forget_secret(ctx, id).await?;
        tracing::info!(connection = %id, "connection is being deleted");
        delete::hint_job(ctx, &known).await?;
    }
    Ok(())
}

/// Removes the credential; that there is none any more is what was wanted.
pub(crate) async fn forget_secret(ctx: &Context, id: &ConnectionId) -> Result<(), StageError> {
    match ctx.secrets.delete(id.as_str()).await {
        Ok(()) | Err(SecretError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn state_set(state: &ConnectionState) -> Set {
    Set::To(
        "state",
        serde_json::to_value(state).expect("states are plain"),
    )
}

/// Streams that act on a change of their connection: it is tested, and its feeds are looked at.
const LOOKERS: [&str; 2] = ["test", "feeds"];

/// What changes of a connection, and what must happen in the same write.
struct Changes {
    sets: Vec<Set>,
    others: Vec<Write>,
}

impl From<Vec<Set>> for Changes {
    fn from(sets: Vec<Set>) -> Changes {
        Changes {
            sets,
            others: vec![],
        }
    }
}

/// Changes a connection and wakes streams that look at it, in one transaction; does nothing when nothing changes.
async fn update(
    ctx: &Context,
    id: &ConnectionId,
    lookers: &[&str],
    changes: impl Fn(&ConnectionItem) -> Result<Option<Changes>, StageError>,
) -> Result<(), StageError> {
    let unknown = || StageError::UnknownConnection {
        name: id.to_string(),
    };
    let mut tries = 1;
    loop {
        let connection = find(ctx, id).await?.ok_or_else(unknown)?;
        let Some(Changes { mut sets, others }) = changes(&connection)? else {
            return Ok(());
        };
        sets.push(Set::Add("v", 1.into()));
        let condition = Condition::All(vec![
            Condition::Equal("v", connection.v.into()),
            Condition::Equal("incarnation", connection.incarnation.into()),
        ]);
        let mut writes = vec![Write::update(connection_key(id), condition, sets)];
        writes.extend(others);
        let scope = connection.scope();
        let streams: Vec<Key> = lookers.iter().map(|name| scope.stream(name)).collect();
        match hint::change_and_wake(ctx, writes, &streams).await {
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
