//! The figures of the README beside this file. Each runs in a process of its own, so that memory is its own, too.

#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use casbah_bench::events::fetch_to_commit;
use casbah_bench::{Scan, direct, peak_megabytes, scan};
use casbah_model::ports::Transport;
use casbah_model::transport::{Request, Response, TransportError};
use casbah_simulators::microsoft365::{Fault, FaultSettings, Latency, Plan, Row, Simulator};

const FIGURES: [(&str, fn()); 4] = [
    ("events", events),
    ("large-bundle", large_bundle),
    ("throttle", throttle),
    ("calls", calls),
];

fn main() {
    let chosen = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    if let Some(name) = chosen {
        let figure = FIGURES.iter().find(|(known, _)| *known == name);
        figure.unwrap_or_else(|| panic!("no figure {name}")).1();
        return;
    }
    let mut text = String::new();
    for (name, _) in FIGURES {
        let this = std::env::current_exe().expect("this program");
        let output = Command::new(this)
            .arg(name)
            .output()
            .expect("it runs again");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        print!("{printed}");
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        text += &printed;
    }
    write_readme(&text);
}

/// Replaces what is between the marks of the README.
fn write_readme(figures: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once("<!-- figures -->").expect("a first mark");
    let (_, after) = rest.split_once("<!-- end -->").expect("a last mark");
    let mut file = std::fs::File::create(&path).expect("a README that can be written");
    write!(
        file,
        "{before}<!-- figures -->\n{figures}<!-- end -->{after}"
    )
    .expect("written");
}

fn tenant(users: usize, files: usize, activities: usize) -> Plan {
    Plan::new(1).sized(users, files, activities)
}

fn events() {
    println!(
        "| events | bundle size | events / s (wall, busy machine) | events / CPU s | peak memory MB |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for bundle in [100, 300] {
        let found = fetch_to_commit(400_000, bundle);
        println!(
            "| {} | {bundle} | {:.0} | {:.0} | {:.0} |",
            found.events,
            found.events as f64 / found.wall_seconds,
            found.events as f64 / found.cpu_seconds,
            peak_megabytes()
        );
    }
    println!();
}

fn large_bundle() {
    let mut plan = tenant(50, 0, 1_000);
    plan.huge_blob_bytes = 200 << 20;
    let found = scan(plan, &["activities"], |simulator| {
        simulator.switch(Fault::HugeBlob, Some(FaultSettings::always()));
        simulator
    });
    assert!(
        found.closes && found.written > 100_000,
        "{} events",
        found.written
    );
    println!("| one bundle of | events in it | peak memory MB |");
    println!("| ---: | ---: | ---: |");
    println!("| 200 MB | {} | {:.0} |\n", found.written, peak_megabytes());
}

/// Notes when the first and the last bundle was asked for: between the two there was work waiting.
struct Timed(Arc<Simulator>);

thread_local! {
    static SPAN: std::cell::Cell<Option<(tokio::time::Instant, tokio::time::Instant)>> =
        const { std::cell::Cell::new(None) };
}

#[async_trait]
impl Transport for Timed {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.url.contains("/activity/feed/audit/") {
            let now = tokio::time::Instant::now();
            SPAN.with(|span| span.set(Some((span.get().map_or(now, |(first, _)| first), now))));
        }
        self.0.send(request).await
    }
}

fn timed(simulator: Arc<Simulator>) -> Arc<dyn Transport> {
    SPAN.with(|span| span.set(None));
    Arc::new(Timed(simulator))
}

fn throttle() {
    println!("| limiter | answers take | calls | minutes | used while work waited % | refused % |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (least, most) in [(50, 150), (200, 400)] {
        let mut plan = tenant(50, 0, 240_000);
        plan.blob_records_mean = 10;
        plan.latency = Latency {
            min: Duration::from_millis(least),
            max: Duration::from_millis(most),
        };
        let found = scan(plan, &["activities", "sign-in-events"], timed);
        assert!(found.closes);
        let (granted, refused) = management(&found);
        let (first, last) = SPAN
            .with(std::cell::Cell::get)
            .expect("bundles were fetched");
        let minutes = last.duration_since(first).as_secs_f64() / 60.0;
        let used = 100.0 * granted / (2_000.0 * minutes);
        let share = 100.0 * refused / (granted + refused);
        println!(
            "| 2 000 / min | {least}-{most} ms | {granted} | {minutes:.1} | {used:.1} | {share:.3} |"
        );
    }
    println!();
}

fn management(found: &Scan) -> (f64, f64) {
    let traffic = found.simulator.traffic();
    let of = |counts: &std::collections::BTreeMap<Row, u64>| {
        counts.get(&Row::Management).copied().unwrap_or(0)
    };
    (of(&traffic.granted) as f64, of(&traffic.refused) as f64)
}

fn calls() {
    println!("| tenant | calls / 1 000 users | calls / 1 000 files | calls / 1 000 activities |");
    println!("| --- | ---: | ---: | ---: |");
    for (users, files, activities) in [(2_000, 10_000, 20_000), (20_000, 100_000, 200_000)] {
        let found = scan(tenant(users, files, activities), &["all"], direct);
        assert!(found.closes);
        let calls = found.simulator.traffic().calls;
        let sum = |is: fn(&str) -> bool| {
            calls
                .iter()
                .filter(|(path, _)| is(path))
                .map(|(_, n)| *n)
                .sum::<u64>()
        };
        let per = |calls: u64, of: usize| 1_000.0 * calls as f64 / of as f64;
        let of_files = sum(|path| path.contains("drive") || path.contains("sites"));
        let of_activities = sum(|path| path.contains("activity"));
        let of_users = sum(|path| path.contains("v1.0/users") && !path.contains("drive"));
        println!(
            "| {users} users, {files} files, {activities} activities | {:.1} | {:.0} | {:.1} |",
            per(of_users, users),
            per(of_files, files),
            per(of_activities, activities)
        );
    }
    println!();
}
