//! test: reads what was granted, says what is missing or too much, and starts the streams that can work.

use std::collections::BTreeMap;

use casbah_connector::{Connector, ConnectorError, Granted, Recovery};
use casbah_http::retry;
use casbah_model::app::Component;
use casbah_model::connection::{Cause, ConnectionState, TestReport};
use casbah_model::message::Stage;
use casbah_model::permission::{self, Grants};
use casbah_model::ports::{Query, SecretError};
use casbah_model::state::{Condition, Key, Set, Write};
use casbah_model::{SignedDuration, Timestamp};

use crate::connect::find;
use crate::contents;
use crate::context::Context;
use crate::error::StageError;
use crate::feeds::chosen_feeds;
use crate::gate;
use crate::hint::nudge;
use crate::items::{self, ConnectionItem, GrantedBefore, StreamItem, connection_key};
use crate::recovery::no_credential;
use crate::roots;
use crate::step::{Committed, Next, Step, ms_duration};
use crate::user_scan;

/// A connection that works is tested this often, because grants and licences change.
const WORKING: SignedDuration = SignedDuration::from_hours(12);
/// One that does not work, or not for everything, is tested this often.
const NOT_WORKING: SignedDuration = SignedDuration::from_hours(1);
const COMMIT_TRIES_MAX: u32 = 8;

/// Tests a connection without changing anything.
pub async fn look(
    ctx: &Context,
    connection: &ConnectionItem,
) -> Result<TestReport, ConnectorError> {
    let opened = ctx.interactive_session(connection).await;
    let (session, connector) = opened.map_err(|error| match error {
        StageError::Secret(SecretError::NotFound { .. }) => ConnectorError::Unauthorized {
            cause: no_credential(&connection.settings.id),
        },
        error => table(error),
    })?;
    let components: Vec<Component> = connection.settings.components.iter().collect();
    let granted = connector
        .permissions()
        .granted(&session, &components)
        .await?;
    Ok(report(connector, connection, granted, ctx.now()))
}

fn table(error: StageError) -> ConnectorError {
    ConnectorError::Table {
        source: error.into(),
    }
}

/// Compares what was granted with what the chosen components need.
fn report(
    connector: &dyn Connector,
    connection: &ConnectionItem,
    granted: Granted,
    now: Timestamp,
) -> TestReport {
    let source = connector.permissions();
    let components = &connection.settings.components;
    let mut grants = match &granted.permissions {
        Some(held) => {
            let tier = connection.settings.tier;
            permission::compare(held, source.needs(), tier, |component| {
                components.has(component)
            })
        }
        None => Grants::default(),
    };
    grants.is_known = granted.permissions.is_some();
    let mut refused = granted.refused;
    if !grants.missing.is_empty() {
        grants.consent_link = source.consent_link(&connection.settings);
    }
    for component in components.iter() {
        let missing: Vec<_> = grants
            .missing
            .iter()
            .filter(|missing| missing.is_required && missing.component == component)
            .collect();
        if missing.is_empty() {
            continue;
        }
        // The probe of such a component was refused for this very reason, and knows less about it.
        let names: Vec<_> = missing
            .iter()
            .map(|missing| missing.permission.as_str())
            .collect();
        let purposes: Vec<_> = missing
            .iter()
            .map(|missing| missing.purpose.as_str())
            .collect();
        let what = format!(
            "{} is not granted, needed to {}",
            names.join(", "),
            purposes.join(" and to ")
        );
        let fix = match &grants.consent_link {
            Some(link) => {
                format!("add it to the app registration and let an administrator consent at {link}")
            }
            None => "add it to the app registration and let an administrator consent".into(),
        };
        refused.insert(component, Cause::new("permission", what, fix));
    }
    // What a component needs must work as well.
    let by_need: Vec<_> = components
        .iter()
        .filter(|component| !refused.contains_key(component))
        .filter_map(|component| {
            let missing = component
                .needs()
                .iter()
                .find(|need| refused.contains_key(need))?;
            let what = format!("{component} needs {missing}, which does not work");
            Some((
                component,
                Cause::new("component", what, format!("mend {missing} first")),
            ))
        })
        .collect();
    refused.extend(by_need);
    refused.retain(|component, _| components.has(*component));
    TestReport {
        tested: now,
        tenant: granted.tenant,
        grants,
        refused,
        credential_expires: granted.credential_expires,
    }
}

/// The step of the stream `test`.
pub async fn test(mut step: Step<'_>) -> Result<(), StageError> {
    let ctx = step.ctx;
    match look(ctx, &step.connection).await {
        Ok(report) => {
            let is_whole = report.refused.is_empty();
            let Some(started) = commit(&mut step, report).await? else {
                return Ok(());
            };
            gate::hint_all(ctx, &started).await?;
            wake(ctx, &step).await?;
            let again = ctx.now() + if is_whole { WORKING } else { NOT_WORKING };
            step.release(Next::CaughtUp(again), None).await
        }
        Err(error) => match error.recovery() {
            Recovery::FailConnection(cause) | Recovery::Park(cause) => {
                tracing::error!(connection = %step.scope.connection, cause = %cause, "connection test failed");
                set_state(
                    ctx,
                    &step,
                    &ConnectionState::Failed {
                        cause: cause.clone(),
                    },
                )
                .await?;
                step.stream.trouble = Some(cause);
                let again = ctx.now() + NOT_WORKING;
                step.release(Next::CaughtUp(again), None).await
            }
            // Its calls have a small limit of their own. Begun anew as soon as one call is free, it would spend that one and
            // never come to its end.
            Recovery::Wait(until) => {
                step.stream.fails += 1;
                let wait = retry::step_wait(step.stream.fails, ctx.rng.fraction());
                let at = until.max(ctx.now() + ms_duration(wait));
                step.release(Next::Wait(at), None).await
            }
            Recovery::Retry
            | Recovery::Count
            | Recovery::Resync(_)
            | Recovery::Rewind
            | Recovery::Lose(_)
            | Recovery::Abort => step.recover(error, None).await,
        },
    }
}

async fn set_state(
    ctx: &Context,
    step: &Step<'_>,
    state: &ConnectionState,
) -> Result<(), StageError> {
    let Some(connection) = find(ctx, &step.scope.connection).await? else {
        return Ok(());
    };
    // Somebody stopped it, or deleted it and connected the name again, while the test was made.
    if connection.state.is_halted() || connection.incarnation != step.scope.incarnation {
        return Ok(());
    }
    let state = serde_json::to_value(state).expect("states are plain");
    let sets = vec![Set::Add("v", 1.into()), Set::To("state", state)];
    let condition = Condition::Equal("v", connection.v.into());
    let write = Write::update(connection_key(&step.scope.connection), condition, sets);
    match ctx.state.write(write).await {
        Ok(_) | Err(casbah_model::ports::StoreError::Refused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Saves the report and the connection's state, and creates the streams of what works, in one transaction.
async fn commit(
    step: &mut Step<'_>,
    report: TestReport,
) -> Result<Option<Vec<(Key, StreamItem)>>, StageError> {
    let ctx = step.ctx;
    for _ in 0..COMMIT_TRIES_MAX {
        let Some(connection) = find(ctx, &step.scope.connection).await? else {
            return Ok(None);
        };
        let causes: BTreeMap<_, _> = report.refused.clone();
        let state = match (&connection.state, causes.is_empty()) {
            (halted, _) if halted.is_halted() => halted.clone(),
            (_, true) => ConnectionState::Connected,
            (_, false) => ConnectionState::Degraded { causes },
        };
        let mut sets = vec![
            Set::Add("v", 1.into()),
            Set::To(
                "state",
                serde_json::to_value(&state).expect("states are plain"),
            ),
            Set::To(
                "report",
                serde_json::to_value(&report).expect("reports are plain"),
            ),
        ];
        if let Some(before) = &connection.report {
            let before = serde_json::to_value(GrantedBefore::from(before));
            sets.push(Set::To("previous", before.expect("grants are plain")));
        }
        let fence = Condition::Equal("v", connection.v.into());
        let mut writes = vec![Write::update(
            connection_key(&step.scope.connection),
            fence,
            sets,
        )];
        let (more, started) = starts(step, &connection, &report).await?;
        writes.extend(more);
        match step.commit(None, writes).await? {
            Committed::Yes => {
                tracing::info!(connection = %step.scope.connection, state = state.name(), "connection tested");
                return Ok(Some(started));
            }
            Committed::FencedOff => return Ok(None),
            // The connection or the gate moved in this moment: look again.
            Committed::Refused { .. } => {}
        }
    }
    Err(StageError::Store(casbah_model::ports::StoreError::Busy))
}

/// Creates the streams of every component that works and has none yet.
async fn starts(
    step: &Step<'_>,
    connection: &ConnectionItem,
    report: &TestReport,
) -> Result<(Vec<Write>, Vec<(Key, StreamItem)>), StageError> {
    let (ctx, scope, now) = (step.ctx, &step.scope, step.ctx.now());
    let connector = crate::apps::connector(connection.settings.app);
    let works = |component: Component| {
        connection.settings.components.has(component) && !report.refused.contains_key(&component)
    };
    let holds = |names: &[&str]| {
        names.is_empty()
            || !report.grants.is_known
            || report
                .grants
                .granted
                .iter()
                .any(|granted| names.contains(&granted.as_str()))
    };
    let mut at_once: Vec<(Key, StreamItem)> = connector
        .users()
        .collections()
        .iter()
        .filter(|collection| works(collection.component) && holds(collection.any_of))
        .map(|collection| user_scan::stream(scope, collection, now))
        .collect();
    if let Some(source) = connector.activities()
        && chosen_feeds(source, connection)
            .iter()
            .any(|feed| feed.components.iter().any(|c| works(*c)))
    {
        let key = scope.stream("feeds");
        let stream = StreamItem::new(&key, Stage::Connect, &[], now);
        at_once.push((key, stream));
    }
    let mut writes = vec![];
    let mut started = vec![];
    for (key, stream) in gate::absent(ctx, at_once).await? {
        writes.push(Write::create(key.clone(), items::write(&stream)));
        started.push((key, stream));
    }
    let mut files = if connector.files().is_some() && works(Component::Files) {
        roots::streams(scope, now)
    } else {
        vec![]
    };
    if ctx.settings.looks_inside && connector.contents().is_some() && !files.is_empty() {
        files.extend(contents::streams(scope, now));
    }
    // Without a user list there is nothing to wait for.
    let opening = match works(Component::Users) {
        true => None,
        false => gate::opening(ctx, scope, "test: no users are read", now).await?,
    };
    if let Some(opening) = opening {
        writes.extend(opening.writes);
        started.extend(opening.started);
        for (key, stream) in gate::absent(ctx, files).await? {
            writes.push(Write::create(key.clone(), items::write(&stream)));
            started.push((key, stream));
        }
        return Ok((writes, started));
    }
    let (more, created) = gate::creations(ctx, scope, files).await?;
    writes.extend(more);
    started.extend(created);
    Ok((writes, started))
}

/// A right that was missing may be there now: streams that were parked for it look again at once.
///
/// After a connection was stopped all of them do, because each had been put off for an hour.
async fn wake(ctx: &Context, step: &Step<'_>) -> Result<(), StageError> {
    let was_stopped = match step.connection.state {
        ConnectionState::Pending
        | ConnectionState::Failed { .. }
        | ConnectionState::Paused
        | ConnectionState::Disconnected
        | ConnectionState::Deleting => true,
        ConnectionState::Connected | ConnectionState::Degraded { .. } => false,
    };
    for found in ctx
        .state
        .query(Query::prefix(step.scope.pk(), "S#"))
        .await?
    {
        let stream: StreamItem = items::read(&found.key, &found.item)?;
        let is_parked = stream
            .trouble
            .as_ref()
            .is_some_and(|cause| cause.code == "permission");
        if (is_parked || was_stopped) && found.key != step.key {
            nudge(ctx, &found.key).await?;
        }
    }
    Ok(())
}
