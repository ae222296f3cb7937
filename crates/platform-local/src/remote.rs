//! `casbah --stack NAME …`: the commands that a deployed stack answers, over its HTTP API.
//!
//! `casbah-stack`, started beside this command, finds the API and signs; see `docs/decisions/0004`.

mod acting;
mod carrier;
mod connecting;
mod looking;
mod steering;
mod text;

use crate::cli::{Command, StackArgs};
use crate::exit::{Exit, Failure};

use carrier::Carrier;

/// Lets the stack answer a command.
pub fn answer(command: &Command, stack: &StackArgs, name: &str) -> Result<Exit, Failure> {
    let is_here_only = matches!(
        command,
        Command::Demo(_)
            | Command::Apps(_)
            | Command::Run(_)
            | Command::Compact(_)
            | Command::Inspect(_)
            | Command::Serve(_)
            | Command::Records(_)
            | Command::Findings(_)
            | Command::Simulate(_)
    );
    if is_here_only {
        let what = "this command works on this machine, not on a stack";
        return Err(Failure::new(Exit::Parameter, what)
            .with_fix("leave --stack out; `casbah --help` tells what a stack answers"));
    }
    let mut carrier = Carrier::start(stack, name)?;
    match command {
        Command::Actions(args) => acting::actions(&mut carrier, args),
        Command::Connections(args) => looking::connections(&mut carrier, args.output),
        Command::Connect(args) => connecting::connect(&mut carrier, args),
        Command::Test(args) => connecting::test(&mut carrier, args),
        Command::Status(args) => looking::status(&mut carrier, args.output),
        Command::Ledger(args) => looking::ledger(&mut carrier, args),
        Command::Scan(args) => steering::scan(&mut carrier, args),
        Command::Accept(args) => steering::accept(&mut carrier, args),
        Command::Pause(args) => steering::steer(&mut carrier, &args.name, "pause"),
        Command::Resume(args) => steering::steer(&mut carrier, &args.name, "resume"),
        Command::Disconnect(args) => steering::steer(&mut carrier, &args.name, "disconnect"),
        Command::Delete(args) => steering::delete(&mut carrier, args),
        Command::Demo(_)
        | Command::Apps(_)
        | Command::Run(_)
        | Command::Compact(_)
        | Command::Inspect(_)
        | Command::Serve(_)
        | Command::Records(_)
        | Command::Findings(_)
        | Command::Simulate(_) => unreachable!("refused above"),
    }
}
