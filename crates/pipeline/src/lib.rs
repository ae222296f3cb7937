//! The stages: what Casbah does, without saying on what it runs.
//!
//! A message wakes work, the table decides it. [`handle`] is the system on one screen; each stage is one file.

pub mod activity_poll;
pub mod apps;
mod bundle_commit;
mod bundle_output;
pub mod bundles;
pub mod connect;
pub mod context;
pub mod error;
pub mod file_scan;
pub mod gate;
pub mod hint;
pub mod inventory;
pub mod items;
mod lane;
pub mod ledger;
pub mod page_loop;
mod patient;
mod recovery;
pub mod roots;
pub mod roster;
pub mod sink;
pub mod status;
pub mod step;
pub mod sweep;
pub mod test_connection;
pub mod user_scan;

pub use context::{Context, Meter, Settings};
pub use error::StageError;

use casbah_model::message::{Message, Stage};

use step::Step;

/// Does what a message hints at. The message is deleted on success; after an error it comes again.
pub async fn handle(ctx: &Context, message: &Message) -> Result<(), StageError> {
    let (stage, key, version, ticket) = match message {
        Message::Sweep => return sweep::sweep(ctx).await,
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
    match stage {
        Stage::Connect => connect::start_feeds(step).await,
        Stage::Test => test_connection::test(step).await,
        Stage::UserScan => user_scan::scan(step, ticket).await,
        Stage::ActivityPoll if bundles::is_lane(&step) => bundles::collect(step, ticket).await,
        Stage::ActivityPoll => activity_poll::list(step, ticket).await,
        Stage::FileScan if file_scan::is_unit(&step) => file_scan::scan_alone(step, ticket).await,
        Stage::FileScan if file_scan::is_lane(&step) => file_scan::work(step, ticket).await,
        Stage::FileScan => roots::plan(step, ticket).await,
        Stage::Sweep => Ok(()),
    }
}
