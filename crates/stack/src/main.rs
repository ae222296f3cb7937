//! casbah-stack: carries calls to the API of a deployed stack, signed with the caller's AWS credentials.
//!
//! `casbah --stack NAME` starts it beside itself and speaks to it line by line, so that the local command needs no AWS
//! SDK. A line in is a [`wire::Call`], a line out a [`wire::Answer`]; what goes wrong before there is an answer is said
//! on standard error and told by the exit code. Nothing secret is on the command line: bodies travel on standard input.

mod carrier;
mod stack;
mod wire;

use std::io::{BufRead, Write};
use std::process::ExitCode;

use clap::Parser;

use carrier::Carrier;
use wire::{Call, Trouble};

/// Carries the calls of `casbah --stack NAME` to a deployed stack. Usually started by `casbah` itself.
#[derive(Debug, Parser)]
#[command(name = "casbah-stack", version, max_term_width = 100)]
struct Args {
    /// The CloudFormation stack that Casbah was deployed as.
    #[arg(long, value_name = "NAME")]
    stack: String,
    /// The AWS profile to sign with; otherwise what AWS_PROFILE and the environment say.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// The AWS region of the stack; otherwise that of the profile.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The API's address, where its own name cannot be reached: a private endpoint, or an emulator.
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
}

/// A call is a request of the API, whose bodies are bounded by 64 KiB; an answer may be a page of a thousand files.
const LINE_BYTES_MAX: u64 = 1 << 20;

fn main() -> ExitCode {
    let args = Args::parse();
    match serve(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            // Who cannot hear it is not stopped by it.
            let _ = writeln!(std::io::stderr(), "{trouble}");
            ExitCode::from(trouble.exit())
        }
    }
}

fn serve(args: &Args) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::environment(format!("cannot start: {error}"), ""))?;
    let carrier = runtime.block_on(Carrier::find(args))?;
    let mut input = std::io::stdin().lock();
    let mut line = vec![];
    loop {
        line.clear();
        let mut bounded = std::io::Read::take(&mut input, LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut line);
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(Trouble::other(format!("cannot read a call: {error}"))),
        }
        let call: Call = serde_json::from_slice(&line).map_err(|error| {
            // The text of a call may hold a credential: only where it is wrong is said.
            Trouble::other(format!(
                "a call is not readable at column {}",
                error.column()
            ))
        })?;
        let answer = runtime.block_on(carrier.carry(call))?;
        let mut text = serde_json::to_vec(&answer).expect("answers are plain");
        text.push(b'\n');
        let mut output = std::io::stdout().lock();
        let written = output.write_all(&text).and_then(|()| output.flush());
        written.map_err(|error| Trouble::other(format!("cannot hand an answer over: {error}")))?;
    }
}
