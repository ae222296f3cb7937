//! What can be typed behind `casbah findings`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::Format;

const POLICIES_HELP: &str = "\
The file of policies:
  shipped = [\"public-secrets\"]           # which of those that come with Casbah; left out, all
  approved_domains = [\"partner.example\"]
  private_mail = [\"mail.example\"]        # beside the providers that are known

  [[policy]]
  name = \"salaries\"
  title = \"Salaries outside of the human resources site\"
  severity = \"high\"                      # informational, low, medium, high, critical
  propose = \"make-private\"               # an action to plan, see `casbah actions --help`
  sharing = [\"external\", \"public-by-link\", \"public\"]   # or internal, private
  apps = [\"box\"]                         # a file that fits all of these; of a list, one is enough
  link = \"anyone\"                        # or organisation
  shared_with = [\"private-mail\"]         # or unapproved-domain
  places = [\"https://contoso.sharepoint.com/sites/pay\"]
  types = [\"xlsx\", \"csv\"]
  mb_min = 1
  changed_within_days = 30               # or unchanged_for_days, mb_max
  [policy.finds]                         # left out, whatever it holds
  detectors = [\"iban\"]                   # names from `casbah inspect --list`, or your own
  kinds = [\"personal\", \"health\"]
  count_min = 20                         # different values, over all of them
  confidence_min = \"high\"

A finding is new for a day and open after it; once the file breaks the policy no more, it is fixed by us (an action of
ours was verified in between) or by its owner. What is accepted is counted no more, until it is reopened.
Exit codes: 0 nothing is open, 3 something is.";

/// Which files break which policy.
#[derive(Debug, Args)]
#[command(after_help = POLICIES_HELP, args_conflicts_with_subcommands = true)]
pub struct FindingsArgs {
    #[command(subcommand)]
    pub decide: Option<Decide>,
    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// Only this connection.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Which of them.
    #[arg(long, value_enum, default_value_t = Which::Open, conflicts_with_all = ["policies", "detectors"])]
    pub standing: Which,
    /// What these policies would find by what is known now; nothing is kept of it.
    #[arg(long, value_name = "FILE")]
    pub policies: Option<PathBuf>,
    /// The file of detectors that was looked with, where these policies name detectors of your own.
    #[arg(long, value_name = "FILE", requires = "policies")]
    pub detectors: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// Which findings are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// New ones included.
    Open,
    New,
    Accepted,
    FixedByUs,
    FixedByOwner,
    /// Those of policies that were taken away.
    Withdrawn,
    All,
}

#[derive(Debug, Subcommand)]
pub enum Decide {
    /// Says that a file may break the policy.
    Accept(AcceptFindingArgs),
    /// Says that it may not any more.
    Reopen(FindingArgs),
}

#[derive(Debug, Args)]
pub struct FindingArgs {
    /// The connection that the file belongs to.
    #[arg(value_name = "CONNECTION")]
    pub connection: String,
    /// The id of the finding, from `casbah findings`.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct AcceptFindingArgs {
    #[command(flatten)]
    pub finding: FindingArgs,
    /// Why it may be so; it is kept and told with the finding.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who says so; without it, the name of this account, which nobody checks.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
