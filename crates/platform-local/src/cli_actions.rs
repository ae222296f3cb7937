//! What can be typed after `casbah actions`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::Format;

pub const HELP: &str = "\
An action is planned first: every target is read, and the plan shows how it is and how it would be.
Then it is applied: each target is read once more, changed if it still is as planned, and read back.
What can be put back is put back by `undo`, from the image that the plan kept.

More than one object, and what cannot be undone, takes a second person:
  casbah actions plan acme suspend-user 00u1 00u2 --reason \"phished\" --as ann
  casbah actions approve acme ID --as bob
  casbah actions apply acme ID --as ann

Instead of targets, everything that was read and is like something:
  casbah actions plan acme remove-link --where sharing=public-by-link --where unchanged-days=90 \\
      --reason \"old links\" --as ann
  names: id, kind, query, root, sharing, status, unchanged-days; --dry-run shows what that would be

On this machine anybody may say who they are (--as; otherwise the name of the account). On a stack
it is the identity that signed the call, and --as is refused.

A connection acts only if it was connected with tier = \"act\"; `casbah actions kinds` lists what
each app can do, the rights it takes and whether it can be undone.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ActionsArgs {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Lists what can be done at each app, the rights it takes, and whether it can be undone.
    Kinds(KindsArgs),
    /// Shows what an action would change; nothing is changed.
    Plan(PlanArgs),
    /// Agrees to a plan, as somebody else than who asked for it.
    Approve(DecideArgs),
    /// Refuses a plan.
    Reject(RejectArgs),
    /// Does what was planned, and reads it back.
    Apply(DecideArgs),
    /// Puts back what an action changed.
    Undo(UndoArgs),
    /// Ends an action before it is done: what is begun is finished and read back, the rest is left alone.
    Cancel(CancelArgs),
    /// Shows one action and its objects.
    Show(ShowArgs),
    /// Lists the actions of a connection, the latest first.
    List(ListArgs),
    /// Holds all actions of all connections at once.
    Stop(StopArgs),
    /// Lets actions go on after `stop`.
    Resume(ResumeArgs),
}

#[derive(Clone, Debug, Args)]
pub struct Where {
    /// The folder that `run` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Clone, Debug, Args)]
pub struct Who {
    /// Who says so, where that is not the account's own name.
    #[arg(long = "as", value_name = "NAME")]
    pub by: Option<String>,
}

#[derive(Debug, Args)]
pub struct KindsArgs {
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The connection.
    pub connection: String,
    /// What to do, as `casbah actions kinds` names it.
    pub kind: String,
    /// What to do it to: ids at the service, as ID or WITHIN/ID.
    #[arg(value_name = "TARGET", required_unless_present_any = ["targets_file", "filters"])]
    pub targets: Vec<String>,
    /// Everything that was read and is like this, instead of targets; may be given several times.
    #[arg(long = "where", value_name = "NAME=VALUE", conflicts_with_all = ["targets", "targets_file"])]
    pub filters: Vec<String>,
    /// A file with a target a line.
    #[arg(long, value_name = "FILE")]
    pub targets_file: Option<PathBuf>,
    /// Why: whoever approves it reads this, and so does the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// A value that the action takes.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Keeps the plan from ever being applied.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Args)]
pub struct DecideArgs {
    /// The connection.
    pub connection: String,
    /// The action.
    pub id: String,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Args)]
pub struct RejectArgs {
    #[command(flatten)]
    pub decide: DecideArgs,
    /// Why not.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct UndoArgs {
    #[command(flatten)]
    pub decide: DecideArgs,
    /// Why it is taken back.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct CancelArgs {
    #[command(flatten)]
    pub decide: DecideArgs,
    /// Why it is not to go on.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The connection.
    pub connection: String,
    /// The action.
    pub id: String,
    /// How many of its objects are shown.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub units: u64,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// The connection.
    pub connection: String,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Args)]
pub struct StopArgs {
    /// Why: whoever wonders why nothing is done reads this.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub place: Where,
}
