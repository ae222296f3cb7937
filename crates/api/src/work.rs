//! Work that goes on after its answer: tests and scans that somebody asks for, and how far they are.

use casbah_connector::Connector;
use casbah_model::Timestamp;
use casbah_model::app::Component;
use casbah_model::connection::{ConnectionState, TestReport};
use casbah_model::message::Stage;
use casbah_model::state::Key;
use casbah_pipeline::activity_poll::Level;
use casbah_pipeline::items::{self, ConnectionItem, StreamItem, StreamState, time};
use casbah_pipeline::status::{self, of_stream};
use casbah_pipeline::{apps, hint, roots};
use serde_json::{Value, json};

use crate::connections::check_active;
use crate::fields::{Errors, Fields};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::request::Call;

/// A test takes seconds, a scan longer; whoever asks sooner learns nothing.
const TEST_AGAIN_S: &str = "2";

/// Makes the test of a connection due now.
pub async fn start_test(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    check_active(&connection)?;
    hint::nudge(call.ctx, &connection.scope().stream("test")).await?;
    let location = call.link(&connection.settings.id, "/test");
    let reply = Reply::accepted(&test_document(call, &connection).await?, &location);
    Ok(reply.with("retry-after", TEST_AGAIN_S))
}

pub async fn read_test(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    Ok(Reply::ok(&test_document(call, &connection).await?))
}

async fn test_document(call: &Call<'_>, connection: &ConnectionItem) -> Result<Value, Problem> {
    let key = connection.scope().stream("test");
    let stream = stream(call, &key).await?;
    let trouble = stream.as_ref().and_then(|stream| stream.trouble.clone());
    let cause = match &connection.state {
        ConnectionState::Failed { cause } => Some(cause.clone()),
        _ => trouble,
    };
    let report = connection.report.as_ref();
    Ok(json!({
        "status": test_status(connection, stream.as_ref(), call.ctx.now()),
        "state": connection.state.name(),
        "cause": cause,
        "report": report.map(|report| report_document(connection, report)),
    }))
}

/// The words of the anchors' survey that apply to a test, which cannot be rejected once it is accepted.
fn test_status(
    connection: &ConnectionItem,
    stream: Option<&StreamItem>,
    now: Timestamp,
) -> &'static str {
    let is_halted = connection.state.is_halted();
    match stream {
        Some(stream) if time(stream.lease) > now => "processing",
        // It ended and looks again at its own time, or nobody works on it any more.
        Some(stream) if stream.caught_up && time(stream.wake) > now => "completed",
        _ if is_halted && connection.report.is_some() => "completed",
        _ => "pending",
    }
}

fn report_document(connection: &ConnectionItem, report: &TestReport) -> Value {
    let components = connection.settings.components.iter().map(|component| {
        let cause = report.refused.get(&component);
        json!({ "component": component, "works": cause.is_none(), "cause": cause })
    });
    json!({
        "tested_at": report.tested,
        "tenant": report.tenant,
        "components": components.collect::<Vec<_>>(),
    })
}

/// What can be scanned now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Users,
    Activities,
    Files,
}

impl What {
    const ALL: [What; 3] = [What::Users, What::Activities, What::Files];

    fn name(self) -> &'static str {
        match self {
            What::Users => "users",
            What::Activities => "activities",
            What::Files => "files",
        }
    }

    /// It is worked on when any of these is chosen.
    fn components(self) -> &'static [Component] {
        match self {
            What::Users => &[Component::Users, Component::AppPermissions],
            What::Activities => &[
                Component::ManagementEvents,
                Component::SignInEvents,
                Component::Activities,
            ],
            What::Files => &[Component::Files],
        }
    }

    fn stage(self) -> Stage {
        match self {
            What::Users => Stage::UserScan,
            What::Activities => Stage::ActivityPoll,
            What::Files => Stage::FileScan,
        }
    }
}

/// Makes what is named due now instead of at its own time.
pub async fn start_scan(call: &Call<'_>) -> Result<Reply, Problem> {
    let wanted = wanted(&call.body)?;
    let connection = call.connection().await?;
    check_active(&connection)?;
    let errors = Errors::default();
    for (at, what) in &wanted {
        if !connection.settings.components.has_any(what.components()) {
            let words: Vec<_> = what.components().iter().map(|c| c.name()).collect();
            let what = format!(
                "the connection has none of the components {}",
                words.join(", ")
            );
            errors.add(at, what);
        }
    }
    errors.or(Some(()))?;
    let connector = apps::connector(connection.settings.app);
    let scope = connection.scope();
    for (_, what) in wanted {
        for name in due_streams(connector, &connection, what) {
            hint::nudge(call.ctx, &scope.stream(&name)).await?;
        }
        if what == What::Files {
            roots::sweep_now(call.ctx, &scope).await?;
        }
    }
    let location = call.link(&connection.settings.id, "/progress");
    Ok(Reply::accepted(
        &progress_document(call, &connection).await?,
        &location,
    ))
}

fn wanted(body: &Value) -> Result<Vec<(String, What)>, Problem> {
    let errors = Errors::default();
    let wanted = Fields::of(body, "", &errors).and_then(|mut fields| {
        let names = fields.texts("what", What::ALL.len(), 20);
        fields.end();
        let each = names?.into_iter().map(|(at, name)| {
            let found = What::ALL.into_iter().find(|what| what.name() == name);
            if found.is_none() {
                errors.add(&at, "it is none of users, activities, files");
            }
            Some((at, found?))
        });
        each.collect()
    });
    errors.or(wanted)
}

/// The streams that begin what is named; the planner of files is woken in its own way.
fn due_streams(connector: &dyn Connector, connection: &ConnectionItem, what: What) -> Vec<String> {
    let chosen = &connection.settings.components;
    match what {
        What::Users => {
            let collections = connector.users().collections().iter();
            collections
                .filter(|collection| chosen.has(collection.component))
                .map(|collection| collection.name.to_string())
                .collect()
        }
        What::Activities => {
            let feeds = connector.activities().map(|source| source.feeds());
            let feeds = feeds.unwrap_or_default().iter();
            feeds
                .filter(|feed| chosen.has_any(feed.components))
                .map(|feed| format!("{}-{}", Level::Live.name(), feed.name))
                .collect()
        }
        What::Files => vec![],
    }
}

/// How far everything is, in the order in which it comes: permissions, users, then activities and files.
pub async fn progress(call: &Call<'_>) -> Result<Reply, Problem> {
    let connection = call.connection().await?;
    Ok(Reply::ok(&progress_document(call, &connection).await?))
}

async fn progress_document(call: &Call<'_>, connection: &ConnectionItem) -> Result<Value, Problem> {
    let (ctx, scope) = (call.ctx, connection.scope());
    let streams = status::streams(ctx, &scope).await?;
    let is_of = |stage: Stage, stream: &StreamItem| {
        stream.stage == stage && status::is_chosen(connection, stream)
    };
    let of_stage = |stage: Stage| -> Vec<_> {
        let streams = streams.iter();
        streams.filter(|(_, stream)| is_of(stage, stream)).collect()
    };
    let now = ctx.now();
    let mut stages = vec![stage_document(
        "permissions",
        true,
        &of_stage(Stage::Test),
        now,
    )];
    for what in What::ALL {
        let is_chosen = connection.settings.components.has_any(what.components());
        let mut document = stage_document(what.name(), is_chosen, &of_stage(what.stage()), now);
        if what == What::Files && is_chosen {
            let sweep = status::sweep_status(ctx, &scope).await?;
            // Its streams find roots; whether each root was read is known to the sweep alone.
            let is_sweeping = sweep.as_ref().is_some_and(|sweep| sweep.ended.is_none());
            if is_sweeping && document["state"] == "caught-up" {
                document["state"] = "working".into();
            }
            document["sweep"] = serde_json::to_value(sweep).expect("a status is plain");
        }
        stages.push(document);
    }
    Ok(json!({
        "connection": connection.settings.id,
        "state": connection.state.name(),
        "stages": stages,
    }))
}

fn stage_document(
    name: &str,
    is_chosen: bool,
    streams: &[&(Key, StreamItem)],
    now: Timestamp,
) -> Value {
    let states: Vec<_> = streams
        .iter()
        .map(|(key, stream)| of_stream(key, stream, now))
        .collect();
    let is = |word: &str| states.iter().any(|stream| stream.state == word);
    let is_read = |stream: &StreamItem| stream.caught_up || stream.st == StreamState::Done;
    let state = match () {
        () if !is_chosen => "not-chosen",
        () if is("held") || is("trouble") || is("failed") => "trouble",
        () if is("working") || is("behind") => "working",
        () if states.is_empty() || is("waiting") => "waiting",
        () => "caught-up",
    };
    let troubles = states.iter().filter_map(|stream| {
        let cause = stream.trouble.as_ref()?;
        Some(json!({ "stream": stream.name, "cause": cause }))
    });
    json!({
        "stage": name,
        "state": state,
        "records": streams.iter().map(|(_, stream)| stream.records).sum::<u64>(),
        "streams": streams.len(),
        "streams_caught_up": streams.iter().filter(|(_, stream)| is_read(stream)).count(),
        "troubles": troubles.collect::<Vec<_>>(),
    })
}

pub async fn stream(call: &Call<'_>, key: &Key) -> Result<Option<StreamItem>, Problem> {
    let found = call.ctx.state.get(std::slice::from_ref(key)).await?;
    match found.first() {
        Some(Some(item)) => Ok(Some(items::read(key, item)?)),
        _ => Ok(None),
    }
}
