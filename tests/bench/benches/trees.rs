//! The folder trees of an enterprise of Box, walked once: calls, what of the limits was used, time and memory.
//!
//! `cargo bench -p casbah-bench --bench trees`. `BENCH_USERS` and `BENCH_FILES` ask for another enterprise.

#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::process::Command;
use std::sync::Arc;

use casbah_bench::{peak_megabytes, scan_of};
use casbah_model::ports::Transport;
use casbah_simulators::box_com::{Bucket, Plan, Simulator};
use casbah_simulators::simulated::Size;

/// What of a user's thousand calls a minute is ours unless the customer says otherwise.
const OURS: f64 = 500.0;

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "walk");
    if arguments.next().is_some() {
        let mut number = || {
            let text = arguments.next().expect("a number");
            text.parse().expect("a number")
        };
        return walk(number(), number());
    }
    println!(
        "| users | files | items read | calls | calls / 1 000 files | refused | minutes | used of the busiest user's share % | items / CPU s | peak memory MB |"
    );
    println!("|{}", " ---: |".repeat(10));
    let asked = |name: &str| std::env::var(name).ok();
    let all = match (asked("BENCH_USERS"), asked("BENCH_FILES")) {
        (Some(users), Some(files)) => vec![(users, files)],
        _ => [("5000", "1000000"), ("4", "100000")]
            .map(|(users, files)| (users.to_string(), files.to_string()))
            .to_vec(),
    };
    for (users, files) in all {
        // In a process of its own, so that memory is its own, too.
        let this = std::env::current_exe().expect("this program");
        let status = Command::new(this).args(["walk", &users, &files]).status();
        assert!(status.expect("it runs again").success());
    }
}

fn walk(users: usize, files: usize) {
    let plan = Plan::of_size(&Size {
        seed: 1,
        users,
        files,
        activities: 100,
    });
    let found = scan_of(
        plan.started,
        |clock| Simulator::new(plan, clock),
        &["users", "activities", "files"],
        |simulator: Arc<Simulator>| simulator as Arc<dyn Transport>,
    );
    assert!(found.closes);
    let traffic = found.simulator.traffic();
    let of_trees = |(path, _): &(&String, &u64)| {
        let parts = ["folders", "files", "web_links"];
        parts.iter().any(|part| path.contains(part))
    };
    let calls: u64 = traffic.calls.iter().filter(of_trees).map(|(_, n)| n).sum();
    let refused: u64 = traffic.refused.values().sum();
    let users_only = traffic
        .granted
        .iter()
        .filter(|(bucket, _)| matches!(bucket, Bucket::User(_)));
    let busiest = users_only.map(|(_, calls)| *calls).max().unwrap_or(0);
    let minutes = found.virtual_seconds / 60.0;
    let mut items = 0_u64;
    found.simulator.each_item(|_| items += 1);
    println!(
        "| {users} | {files} | {items} | {calls} | {:.0} | {refused} | {minutes:.1} | {:.1} | {:.0} | {:.0} |",
        1_000.0 * calls as f64 / files as f64,
        100.0 * busiest as f64 / (OURS * minutes),
        items as f64 / found.cpu_seconds,
        peak_megabytes(),
    );
}
