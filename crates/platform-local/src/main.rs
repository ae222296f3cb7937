//! The command `casbah`: what can be typed, and which file answers it.

mod account;
mod action_text;
mod actions_command;
mod apps_command;
mod cli;
mod cli_actions;
mod cli_findings;
mod cli_inspect;
mod compact_command;
mod comparison;
mod config;
mod connections_command;
mod credential;
mod demo;
mod detector_files;
mod exit;
mod findings_command;
mod folder;
mod inspect_command;
mod inspect_text;
mod leave_command;
mod ledger_command;
mod logging;
mod output;
mod policy_files;
mod progress;
mod records_command;
mod remote;
mod report;
mod run;
mod runtime;
mod serve;
mod simulate;
mod status_command;
mod steer_command;
mod stopwatch;
mod table;
mod test_command;
mod trouble;
mod unsaved;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use indicatif::MultiProgress;

use cli::{Cli, Command};
use exit::{Exit, Failure};
use progress::Progress;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let bars = MultiProgress::new();
    let level = match &cli.command {
        _ if cli.debug => logging::DEBUG,
        Command::Test(_) => logging::OFF,
        _ => logging::WARN,
    };
    logging::start(level, &bars);
    let progress = Progress {
        bars,
        is_quiet: cli.quiet,
    };
    let answered = match &cli.stack.stack {
        Some(stack) => remote::answer(&cli.command, &cli.stack, stack),
        None => answer(&cli.command, &progress),
    };
    let exit = answered.unwrap_or_else(|failure| {
        output::say(&failure);
        failure.exit
    });
    ExitCode::from(exit.code())
}

/// Prints what clap says; help and the version are answers and go to standard output.
fn refuse(error: &clap::Error) -> ExitCode {
    // Who cannot hear it is not stopped by it.
    let _ = error.print();
    let is_value = matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
    );
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if is_value => ExitCode::from(Exit::Parameter.code()),
        code => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
    }
}

fn answer(command: &Command, progress: &Progress) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => demo::demo(args, progress),
        Command::Run(args) => run::run(args, progress),
        Command::Connect(_) => Err(only_a_stack(
            "connect",
            "`casbah run` connects what its config file names",
        )),
        Command::Apps(args) => apps_command::apps(args),
        Command::Connections(args) => connections_command::connections(args),
        Command::Test(args) => test_command::test(args),
        Command::Status(args) => status_command::status(args),
        Command::Ledger(args) => ledger_command::ledger(args),
        Command::Records(args) => records_command::records(args),
        Command::Compact(args) => compact_command::compact(args),
        Command::Scan(_) => Err(only_a_stack(
            "scan",
            "`casbah run` looks at everything when it starts",
        )),
        Command::Accept(args) => steer_command::accept(args),
        Command::Actions(args) => actions_command::actions(args),
        Command::Inspect(args) => inspect_command::inspect(args),
        Command::Findings(args) => findings_command::findings(args),
        Command::Pause(args) => steer_command::pause(args),
        Command::Resume(args) => steer_command::resume(args),
        Command::Disconnect(args) => leave_command::disconnect(args),
        Command::Delete(args) => leave_command::delete(args),
        Command::Serve(args) => serve::serve(args),
        Command::Simulate(args) => simulate::simulate(args),
    }
}

fn only_a_stack(verb: &str, instead: &str) -> Failure {
    let what = format!("`casbah {verb}` speaks to a stack in AWS, which is not named");
    Failure::new(Exit::Parameter, what)
        .with_fix(format!("name it with --stack NAME; here, {instead}"))
}
