//! A minute of hostile records: `cargo run --release --bin fuzz -- --seconds 60 --seed 1`.
//!
//! `--case N` runs one case again. A finding is printed, its input is written to `target/fuzz-N`, and the exit is 1.

#![allow(
    clippy::disallowed_methods,
    reason = "it runs for a time that is asked for"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use casbah_corpus::cases::{self, Case, Kind};

/// More of them are the same one.
const FINDINGS_MAX: usize = 10;

fn main() -> ExitCode {
    let seconds = Duration::from_secs(asked("--seconds").unwrap_or(60));
    let seed = asked("--seed").unwrap_or(1);
    // Panics are findings and told as such.
    std::panic::set_hook(Box::new(|_| {}));
    let healthy = cases::healthy();
    if let Some(number) = asked("--case") {
        let findings = usize::from(tell(number, &cases::case(number, &healthy)));
        return end(findings);
    }
    let (mut records, mut pages, mut findings) = (0_u64, 0_u64, 0);
    let begun = Instant::now();
    // Seeds lie far apart, so that two runs have no case in common.
    let first = seed.wrapping_mul(1 << 40);
    while begun.elapsed() < seconds && findings < FINDINGS_MAX {
        let number = first.wrapping_add(records + pages);
        let case = cases::case(number, &healthy);
        match case.kind {
            Kind::Record => records += 1,
            Kind::List | Kind::Member => pages += 1,
        }
        findings += usize::from(tell(number, &case));
    }
    println!(
        "seed {seed}: {records} records, {pages} pages, {:.0} s, {} MB at most, {findings} findings",
        begun.elapsed().as_secs_f64(),
        peak_megabytes()
    );
    end(findings)
}

fn asked(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1)?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} takes a number, not {value}")),
    )
}

/// Runs a case; tells of it and keeps its smallest input if something does not hold.
fn tell(number: u64, case: &Case) -> bool {
    let Err(broken) = case.run() else {
        return false;
    };
    let input = case.shrunk(&broken);
    let shown = input[..input.len().min(500)].escape_ascii();
    println!("case {number}, a {}: {broken}\n  {shown}", case.kind.name());
    let path = format!("target/fuzz-{number}");
    match std::fs::create_dir_all("target").and_then(|()| std::fs::write(&path, &input)) {
        Ok(()) => println!(
            "  {path} has all {} bytes; run it again with --case {number}",
            input.len()
        ),
        Err(error) => println!("  {path} cannot be written: {error}"),
    }
    true
}

fn end(findings: usize) -> ExitCode {
    match findings {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The most memory that it ever held (Linux: VmHWM).
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
