//! The main loops of the functions: the environment becomes ports, and Lambda's events become work.

use std::process::ExitCode;
use std::sync::Arc;

use casbah_model::Timestamp;
use casbah_model::tables::Tables;
use casbah_policy::Policies;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::clock::SystemClock;
use crate::logging;
use crate::process::{Invocation, Ports, Process};
use crate::roles::{self, Role};
use crate::settings::Settings;

/// Serves the messages of a stage's queue.
pub fn queue() -> ExitCode {
    serve(Role::Queue)
}

/// Serves the messages of the queue of those who make tables, and who judge files.
pub fn tables(tables: Arc<dyn Tables>, policies: Policies) -> ExitCode {
    let made = Made {
        tables: Some(tables),
        policies: Some(Arc::new(policies)),
    };
    serve_with(Role::Queue, made)
}

/// What some functions carry and others do not.
#[derive(Default)]
struct Made {
    tables: Option<Arc<dyn Tables>>,
    policies: Option<Arc<Policies>>,
}

/// Serves the clock.
pub fn schedule() -> ExitCode {
    serve(Role::Schedule)
}

/// Serves the API, and the messages of the queue behind it.
pub fn api() -> ExitCode {
    serve(Role::Api)
}

/// Serves what vendors call.
pub fn hooks() -> ExitCode {
    serve(Role::Hooks)
}

/// Serves what people should know: messages of the queue for it, and dead letters.
pub fn notify() -> ExitCode {
    serve(Role::Notify)
}

fn serve(role: Role) -> ExitCode {
    serve_with(role, Made::default())
}

fn serve_with(role: Role, made: Made) -> ExitCode {
    let settings = Settings::from_environment();
    let level = settings
        .as_ref()
        .map_or(tracing::Level::INFO, |settings| settings.log);
    logging::start(level, Arc::new(SystemClock));
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(%error, "the function cannot start");
            return ExitCode::FAILURE;
        }
    };
    // One thread: an invocation waits more than it computes, and a function of this size has less than one core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = match runtime {
        Ok(runtime) => runtime.block_on(run(role, &settings, made)),
        Err(error) => Err(error.into()),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function ended");
            ExitCode::FAILURE
        }
    }
}

async fn run(role: Role, settings: &Settings, made: Made) -> Result<(), lambda_runtime::Error> {
    let mut ports = Ports::on_aws(settings);
    ports.curated.tables = made.tables;
    ports.policies = made.policies;
    let process = Process::new(settings, ports);
    let process = &process;
    let service = service_fn(|event: LambdaEvent<Value>| async move {
        let (event, context) = event.into_parts();
        let invocation = invocation(&context);
        roles::handle(process, role, event, &invocation)
            .await
            .map_err(lambda_runtime::Error::from)
    });
    lambda_runtime::run(service).await
}

fn invocation(context: &lambda_runtime::Context) -> Invocation {
    let deadline = i64::try_from(context.deadline).unwrap_or(i64::MAX);
    Invocation {
        request_id: context.request_id.clone(),
        deadline: Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX),
        trace: context.xray_trace_id.clone(),
    }
}
