//! The stages: what Casbah does, without saying on what it runs.
//!
//! A message wakes work, the table decides it. [`handle`] is the system on one screen; each stage is one file.

pub mod activity_poll;
pub mod apps;
mod asked;
mod books;
mod bundle_commit;
mod bundle_output;
pub mod bundles;
pub mod compact;
mod compact_again;
pub mod connect;
pub mod contents;
pub mod context;
mod counted;
pub mod delete;
pub mod editions;
mod editions_check;
pub mod error;
mod feeds;
pub mod file_hints;
pub mod file_scan;
pub mod findings;
pub mod gate;
pub mod govern;
pub mod hint;
pub mod inventory;
pub mod items;
mod journal;
mod lane;
pub mod ledger;
pub mod meter;
mod normalise;
pub mod notify;
pub mod observe;
pub mod page_loop;
mod patient;
mod peek;
mod recovery;
pub mod roots;
pub mod roster;
pub mod sink;
pub mod status;
pub mod step;
pub mod sweep;
pub mod tables_status;
pub mod test_connection;
mod tries;
pub mod user_scan;
pub mod view;
pub mod webhook;

pub use casbah_ocsf::Profile;
pub use context::{Context, Curated, Settings};
pub use error::StageError;
pub use meter::Meter;

use casbah_model::message::{Message, Stage};
use casbah_model::ports::SecretError;

use step::Step;

/// Does what a message hints at. The message is deleted on success; after an error it comes again.
pub async fn handle(ctx: &Context, message: &Message) -> Result<(), StageError> {
    let done = work(ctx, message).await;
    flush_metrics(ctx);
    done
}

/// Records what was counted since the last time; for what calls vendors beside [`handle`].
pub fn flush_metrics(ctx: &Context) {
    ctx.meter.record(&*ctx.metrics);
}

async fn work(ctx: &Context, message: &Message) -> Result<(), StageError> {
    let (stage, key, version, ticket) = match message {
        Message::Sweep => return sweep::sweep(ctx).await,
        Message::Notify { connection } => return notify::tell(ctx, connection).await,
        Message::View { connection, view } => return view::build(ctx, connection, view).await,
        Message::Look {
            stage,
            key,
            version,
            ticket,
        } => (*stage, key, *version, ticket.clone()),
    };
    let Some(step) = Step::begin(ctx, key, version).await? else {
        return Ok(());
    };
    let scope = step.scope.clone();
    let done = match stage {
        Stage::Connect if delete::is_job(&step) => delete::remove(step).await,
        Stage::Connect => feeds::start(step).await,
        Stage::Test => test_connection::test(step).await,
        Stage::UserScan => user_scan::scan(step, ticket).await,
        Stage::ActivityPoll if bundles::is_lane(&step) => bundles::collect(step, ticket).await,
        Stage::ActivityPoll => activity_poll::list(step, ticket).await,
        Stage::FileScan if contents::is_unit(&step) => contents::work_alone(step, ticket).await,
        Stage::FileScan if contents::is_lane(&step) => contents::work(step, ticket).await,
        Stage::FileScan if file_scan::is_unit(&step) => file_scan::scan_alone(step, ticket).await,
        Stage::FileScan if file_scan::is_lane(&step) => file_scan::work(step, ticket).await,
        Stage::FileScan => roots::plan(step, ticket).await,
        Stage::Govern => govern::govern(step, ticket).await,
        Stage::Compact if findings::is_ours(&step) => findings::work(step).await,
        Stage::Compact if editions::is_ours(&step) => editions::make(step).await,
        Stage::Compact => compact::compact(step).await,
        Stage::Sweep | Stage::Notify => Ok(()),
    };
    match done {
        // Somebody disconnected it in this moment, or took the credential away by hand.
        Err(StageError::Secret(SecretError::NotFound { .. })) => {
            let cause = recovery::no_credential(&scope.connection);
            recovery::fail_connection(ctx, &scope, cause).await
        }
        done => done,
    }
}
