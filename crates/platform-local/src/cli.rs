//! What can be typed.

use std::path::PathBuf;

use casbah_model::app::App;
use casbah_model::permission::Tier;
use casbah_pipeline::{Profile, Settings};
use casbah_simulators::simulated::Size;
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli_actions::ActionsArgs;
use crate::cli_findings::FindingsArgs;
use crate::cli_inspect::{InsideArgs, InspectArgs};

const STORY: &str = "\
Five minutes with Casbah:
  casbah demo                               a simulated tenant, read whole into ./casbah-demo
  casbah status --out casbah-demo           how every stream stands
  casbah ledger --out casbah-demo --verify  that nothing is missing, object by object
  casbah records --out casbah-demo --family users | head -3

Then a tenant of your own, described in a file (see `casbah run --help`):
  casbah test --config casbah.toml          what works, what is granted, what is missing
  casbah run --config casbah.toml --once    reads everything there is and ends
  casbah run --config casbah.toml           goes on until Ctrl-C

On a stack in AWS (docs/deploy.md), with the credentials of your AWS profile:
  casbah --stack casbah connect --config casbah.toml
  casbah --stack casbah status
connections, connect, test, status, ledger, scan, accept, pause, resume, disconnect and delete
work there.

Exit codes:
    0  fine                                  252  a parameter or the config file is wrong
    2  not a casbah command line             253  the environment or a credential is wrong
    3  the ledger does not close, or         254  the service refused
       files hold something sensitive
  130  interrupted                           255  anything else";

const CONFIG_HELP: &str = "\
The file:
  [[connection]]
  name = \"contoso\"
  app = \"microsoft365\"
  components = [\"all\"]                  # or some of users, management-events, sign-in-events,
                                        # activities, files, app-permissions
  tier = \"observe\"                      # or \"act\", for `casbah actions`
  tenant_id = \"…\"
  client_id = \"…\"
  client_secret_env = \"CONTOSO_SECRET\"  # or client_secret_file, or certificate_file (PEM)
  publisher_id = \"…\"                    # optional: the tenant id of who operates Casbah
  [connection.endpoints]                # optional: national clouds and tests
  login = \"https://login.microsoftonline.com\"
  graph = \"https://graph.microsoft.com\"
  management = \"https://manage.office.com\"

  [[connection]]
  name = \"acme\"
  app = \"okta\"
  components = [\"all\"]
  domain = \"acme.okta.com\"
  client_id = \"…\"                       # left out for an API token, which is a client secret here
  key_id = \"…\"
  private_key_file = \"acme.pem\"         # or a JWK
  share_percent = 50                    # optional: of the org's limits

  [policy]                              # optional: what `casbah actions` may do
  approval = \"wary\"                     # or always, or never: when a second person has to agree
  approval_hours = 24
  objects_max = 500
  approvers = [\"ann\", \"bob\"]          # left out, anybody but who asked
  [policy.actions]                      # other rules for some
  trash = \"always\"

Secrets are named, never written in it: by an environment variable, or by a file that only you
can read. File names are relative to the config file. With several [[connection]] blocks,
tenants are read side by side.";

/// Connects SaaS tenants, reads who is there, what happened and who can see which files, and proves that nothing is
/// missing.
#[derive(Debug, Parser)]
#[command(name = "casbah", version, after_help = STORY, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub stack: StackArgs,
    /// Shows no progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Logs every page and decision to standard error (CASBAH_LOG chooses more finely).
    #[arg(long, global = true)]
    pub debug: bool,
}

/// A deployed stack that is asked instead of a folder of this machine.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Stack in AWS")]
pub struct StackArgs {
    /// The CloudFormation stack that Casbah was deployed as.
    #[arg(long, value_name = "NAME", global = true)]
    pub stack: Option<String>,
    /// The AWS profile whose credentials sign the calls.
    #[arg(long, value_name = "PROFILE", global = true, requires = "stack")]
    pub profile: Option<String>,
    /// The AWS region of the stack.
    #[arg(long, value_name = "REGION", global = true, requires = "stack")]
    pub region: Option<String>,
    /// The API's address, where the name in the stack's outputs cannot be reached.
    #[arg(long, value_name = "URL", global = true, requires = "stack")]
    pub api_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Connects simulated tenants and reads all of them; needs no account and no network.
    Demo(DemoArgs),
    /// Reads real tenants, as a config file describes them.
    Run(RunArgs),
    /// Hands the connections of a config file to a stack (with --stack) and shows their first test.
    Connect(ConnectArgs),
    /// Tests the connections of a config file without reading or changing anything else.
    Test(TestArgs),
    /// Shows which apps there are and what is read of each.
    Apps(AppsArgs),
    /// Lists the connections.
    Connections(ConnectionsArgs),
    /// Shows how every connection and stream stands.
    Status(StatusArgs),
    /// Shows what every feed listed and what became of it; exits with 3 when it does not close.
    Ledger(LedgerArgs),
    /// Prints the records of one family as JSON lines, each record once.
    Records(RecordsArgs),
    /// Brings the tables for query engines up to what was read; `run` and `demo` do so by themselves.
    Compact(CompactArgs),
    /// Looks again now instead of at the next time (with --stack).
    Scan(ScanArgs),
    /// Publishes a snapshot that was held back because it had shrunk, after you looked at it.
    Accept(AcceptArgs),
    /// Plans, approves, applies and undoes changes at the service: suspend, revoke, unshare.
    Actions(ActionsArgs),
    /// Looks into files of this machine for sensitive data; nothing leaves it, and nothing is kept.
    Inspect(InspectArgs),
    /// Names the files that break a policy, such as public files with keys in them, and accepts what may be so.
    Findings(FindingsArgs),
    /// Stops all calls of a connection; everything stays where it is.
    Pause(SteerArgs),
    /// Lets a paused connection go on.
    Resume(SteerArgs),
    /// Stops all calls of a connection and forgets its credential; what was read stays.
    Disconnect(SteerArgs),
    /// Removes a connection and everything that was read from it, for good.
    Delete(DeleteArgs),
    /// Serves the API over a folder on this machine, and reads the tenants that are connected through it.
    Serve(ServeArgs),
    /// Serves a simulated tenant over HTTP on this machine, to try `run` and `test` against.
    Simulate(SimulateArgs),
}

/// Sizes that a computer of today can simulate.
pub fn between(min: u64, max: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(min..=max)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one object.
    Json,
}

/// What a simulated tenant holds.
#[derive(Clone, Debug, Args)]
pub struct SizeArgs {
    /// People in the tenant, guests and disabled ones included.
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = between(1, 1_000_000))]
    pub users: u64,
    /// Files over all drives.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = between(0, 10_000_000))]
    pub files: u64,
    /// Audit events of the past week.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = between(0, 10_000_000))]
    pub activities: u64,
    /// Chooses one of many tenants of this size; the same seed is the same tenant.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The apps to simulate a tenant of, each of the size below.
    #[arg(
        long,
        value_name = "APP",
        value_delimiter = ',',
        default_value = "microsoft365"
    )]
    pub apps: Vec<App>,
    #[command(flatten)]
    pub size: SizeArgs,
    /// The folder to work in; a demo that was interrupted goes on there.
    #[arg(long, value_name = "DIR", default_value = "casbah-demo")]
    pub out: PathBuf,
    #[command(flatten)]
    pub events: EventArgs,
    #[command(flatten)]
    pub inside: InsideArgs,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
#[command(after_help = CONFIG_HELP)]
pub struct RunArgs {
    /// The file that names the connections.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The folder to work in; whatever was read before is kept and gone on from.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// Ends when everything there is has been read, instead of going on until Ctrl-C.
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub events: EventArgs,
    #[command(flatten)]
    pub inside: InsideArgs,
    /// How the result of --once is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
#[command(after_help = CONFIG_HELP)]
pub struct ConnectArgs {
    /// The connection to hand over; without it, all of the file.
    pub name: Option<String>,
    /// The file that names the connections.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct AppsArgs {
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct ConnectionsArgs {
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct ScanArgs {
    /// The connection.
    pub name: String,
    /// What to look at.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Scanned::Users, Scanned::Activities, Scanned::Files])]
    pub what: Vec<Scanned>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scanned {
    Users,
    Activities,
    Files,
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// The connection to test; without it, all of the file.
    pub name: Option<String>,
    /// The file that names the connections; a stack knows its own.
    #[arg(long, value_name = "FILE", required_unless_present = "stack")]
    pub config: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// Only this connection.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Shows every hour; otherwise only those that do not close.
    #[arg(long)]
    pub hours: bool,
    /// Reads every object as well: checksums, numbers of records, and that no activity stands there twice.
    #[arg(long)]
    pub verify: bool,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct RecordsArgs {
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// Only this connection.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// What to print: activities, actions, files, users, groups, …; an unknown one is answered with the list.
    #[arg(long, value_name = "FAMILY")]
    pub family: String,
    /// Prints inventories with their history, not only as they stand now.
    #[arg(long)]
    pub history: bool,
    /// Prints activities as events of the Open Cybersecurity Schema Framework, as the lake holds them.
    #[arg(long, conflicts_with = "history")]
    pub ocsf: bool,
}

const COMPACT_HELP: &str = "\
Tables are Parquet files of the audit trail in OCSF, one table per class of event:
  DIR/lake/ext/casbah-CLASS/region=…/accountId=external_NAME.N/eventDay=YYYYMMDD/HH.zstd.parquet
Amazon Security Lake and Athena take them as they are, and so does DuckDB:
  duckdb -c \"SELECT class_name, count(*) FROM read_parquet('DIR/lake/ext/*/*/*/*/*.parquet',
             union_by_name = true) GROUP BY ALL ORDER BY 2 DESC\"

An event is one row however often this runs, or is killed. With --rebuild the tables are removed
and made anew from the service's own records, as this version of Casbah reads them: the same
records give the same files, byte for byte.";

#[derive(Debug, Args)]
#[command(after_help = COMPACT_HELP)]
pub struct CompactArgs {
    /// The folder that `run` or `demo` works in; no other casbah may be at work in it.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// Only this connection.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Removes the tables and makes them anew from the service's records.
    #[arg(long)]
    pub rebuild: bool,
    #[command(flatten)]
    pub events: EventArgs,
}

/// How events are written.
#[derive(Clone, Copy, Debug, Args)]
pub struct EventArgs {
    /// The version of OCSF that events are written in; Amazon Security Lake takes none above 1.3.0.
    #[arg(long, value_name = "VERSION", value_enum, default_value_t = OcsfVersion::V1_3_0)]
    pub ocsf_version: OcsfVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OcsfVersion {
    #[value(name = "1.3.0")]
    V1_3_0,
    #[value(name = "1.8.0")]
    V1_8_0,
}

impl EventArgs {
    /// The settings of a system that writes events so.
    pub fn settings(self) -> Settings {
        let ocsf = match self.ocsf_version {
            OcsfVersion::V1_3_0 => Profile::V1_3_0,
            OcsfVersion::V1_8_0 => Profile::V1_8_0,
        };
        Settings {
            ocsf,
            ..Settings::default()
        }
    }
}

#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// The connection.
    pub name: String,
    /// The collection that is held back, as `casbah status` names it.
    pub collection: String,
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct SteerArgs {
    /// The connection.
    pub name: String,
    /// The folder that `run` or `demo` works in.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
}

const DELETE_HELP: &str = "\
What goes: the connection, its credential, and every record, history included, that was read from
it into this folder. Nothing brings it back but reading the tenant again, which reaches seven days
of audit events and none of the history.

What stays, at the service: audit feeds that Casbah switched on stay on, and so does the app
registration with its rights. Remove the registration there if nothing else uses it.

The config file is not changed: as long as it names the connection, `casbah run` connects it anew.
A delete that was interrupted goes on with the next `casbah delete` or `casbah run`.";

#[derive(Debug, Args)]
#[command(after_help = DELETE_HELP)]
pub struct DeleteArgs {
    /// The connection.
    pub name: String,
    /// Says that you mean it; without it nothing happens.
    #[arg(long)]
    pub yes: bool,
    /// The folder that `run` or `demo` works in; no other casbah may be at work in it.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
}

const SERVE_HELP: &str = "\
The API is the one of a stack on AWS, with the same document: GET /v1/openapi.yaml describes it.
The first start prints a line to try it with:
  curl -H 'Authorization: Bearer …' http://127.0.0.1:18081/v1/connections

Who may call: whoever has the token, on this machine. It is kept in DIR/api-token, which only you
can read; remove the file to get another with the next start. Browsers are kept out by the name
of the host, which must be 127.0.0.1 or localhost.

With --config the connections of the file are connected first, as `casbah run` does it, and those
that it does not name are paused. Without it, connections are as they were made through the API.
Only one casbah may be at work in a folder; `casbah status` can look on.";

#[derive(Debug, Args)]
#[command(after_help = SERVE_HELP)]
pub struct ServeArgs {
    /// The folder to work in; whatever was read before is kept and gone on from.
    #[arg(long, value_name = "DIR", default_value = "casbah-data")]
    pub out: PathBuf,
    /// A file that names connections, as `casbah run --help` shows one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 18_081)]
    pub port: u16,
    #[command(flatten)]
    pub events: EventArgs,
    #[command(flatten)]
    pub inside: InsideArgs,
}

#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The app to simulate a tenant of.
    #[arg(long, value_name = "APP", default_value = "microsoft365")]
    pub app: App,
    #[command(flatten)]
    pub size: SizeArgs,
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 18_080)]
    pub port: u16,
    /// Switches a misbehaviour on, as NAME, NAME=VALUE or NAME@SHARE, such as graph-429=5@0.1; may be repeated.
    #[arg(long = "fault", value_name = "NAME[=VALUE][@SHARE]")]
    pub faults: Vec<String>,
    /// Prints the names of all misbehaviours and ends.
    #[arg(long)]
    pub list_faults: bool,
    /// Audit events that go on to happen, per hour.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub live: u64,
    /// How long every answer takes, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 20)]
    pub latency: u64,
    /// What a connection may do there: observe, or act for `casbah actions`.
    #[arg(long, value_name = "TIER", default_value = "observe")]
    pub tier: Tier,
}

impl SizeArgs {
    /// The size of a simulated tenant.
    pub fn size(&self) -> Size {
        // Parsing keeps the numbers far below what an address space holds.
        let [users, files, activities] =
            [self.users, self.files, self.activities].map(|size| size as usize);
        Size {
            seed: self.seed,
            users,
            files,
            activities,
        }
    }
}
