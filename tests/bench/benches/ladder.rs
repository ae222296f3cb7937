//! What each step from a page of audit records to a commit takes, in events per processor second, beside the floor: how
//! many of the same records this machine copies at the same time.
//!
//! Records are those of the simulated tenant, one feed after another, mixed as a tenant has them. `BENCH_RECORDS=FOLDER`
//! adds real ones: every file in it holds records, or lists of them, one after the other. `BENCH_EVENTS=1000000` changes
//! how many go from fetch to commit.

#![allow(
    clippy::disallowed_methods,
    reason = "how a bench is run, read where it starts"
)]

use std::collections::VecDeque;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use async_trait::async_trait;
use casbah_app_microsoft365::MICROSOFT365;
use casbah_bench::events::{box_to_commit, fetch_to_commit, okta_to_commit};
use casbah_bench::{cpu_seconds, peak_megabytes};
use casbah_connector::{ActivitySource, Connector};
use casbah_http::{Piece, Records};
use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::event::Event;
use casbah_model::transport::{Body, Bytes, TransportError};
use casbah_ocsf::{Origin, Profile};
use casbah_simulators::microsoft365::{ContentType, Plan, sample};
use serde_json::value::RawValue;

/// Records of each feed, of which SharePoint and Exchange have the most.
const FEEDS: [(ContentType, u64); 5] = [
    (ContentType::AzureActiveDirectory, 2_000),
    (ContentType::Exchange, 3_000),
    (ContentType::SharePoint, 4_000),
    (ContentType::General, 800),
    (ContentType::Dlp, 200),
];
/// Others use the machine too, so the best of some rounds counts.
const ROUNDS: usize = 8;
const ROUND_SECONDS: f64 = 0.1;
/// Events in one compressed object.
const OBJECT: usize = 2_000;
/// Records of one page, and the pieces in which it arrives.
const PAGE: usize = 300;
const CHUNK: usize = 64 << 10;
/// Events from fetch to commit, unless asked otherwise.
const EVENTS: usize = 200_000;

fn main() {
    let mut arguments = std::env::args();
    if arguments.any(|argument| argument == "fetch-to-commit") {
        let app = arguments.next().expect("an app");
        return end_to_end(app.parse().expect("an app"));
    }
    steps();
    println!("From fetch to commit:\n");
    println!(
        "| app | events | events / CPU s | commits to tables | both | peak memory MB | bytes in | record, zstd | event, zstd | row, Parquet | minutes |"
    );
    println!("| --- |{}", " ---: |".repeat(10));
    for app in App::ALL {
        // In a process of its own, so that memory is its own, too.
        let this = std::env::current_exe().expect("this program");
        let mut again = Command::new(this);
        let status = again.args(["fetch-to-commit", app.name()]).status();
        assert!(status.expect("it runs again").success());
    }
}

fn steps() {
    println!("Events in a processor second:\n");
    println!(
        "| records | copy | split | parse | parse + map | + zstd 1 | bytes in | event | zstd |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let all = generated();
    for (feed, records) in &all {
        row(&format!("{feed:?}"), records);
    }
    let all: Vec<String> = all.into_iter().flat_map(|(_, records)| records).collect();
    row("all of these", &all);
    if let Ok(folder) = std::env::var("BENCH_RECORDS") {
        row("real records", &real(Path::new(&folder)));
    }
    println!();
}

fn generated() -> [(ContentType, Vec<String>); 5] {
    let mut plan = Plan::new(1);
    (plan.users, plan.files) = (2_000, 20_000);
    FEEDS.map(|(feed, count)| (feed, sample(&plan, feed, count)))
}

/// The records of all files in a folder.
fn real(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("a folder of records");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let mut records = Vec::new();
    for file in files.iter().filter(|path| path.is_file()) {
        let text = fs::read_to_string(file).expect("a file of records");
        let values = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>();
        for value in values {
            let text = value.expect("a record").get();
            match serde_json::from_str::<Vec<&RawValue>>(text) {
                Ok(list) => records.extend(list.iter().map(|record| record.get().to_string())),
                Err(_) => records.push(text.to_string()),
            }
        }
    }
    records
}

fn row(name: &str, records: &[String]) {
    let activities = MICROSOFT365.activities().expect("an audit trail");
    let bytes: usize = records.iter().map(String::len).sum();
    let (events, compressed) = sizes(activities, records);
    let mut out = Vec::with_capacity(bytes.max(events) + bytes);
    let mut copy = || {
        out.clear();
        records
            .iter()
            .for_each(|raw| out.extend_from_slice(raw.as_bytes()));
        black_box(&out);
    };
    let pages = pages(records);
    let mut split = || pages.iter().for_each(|page| assert!(split(page) > 0));
    let mut parse = || {
        for raw in records {
            black_box(activities.record(raw.as_bytes()).expect("a record"));
        }
    };
    let mut mapped = Vec::with_capacity(events);
    let mut map = || {
        mapped.clear();
        records
            .iter()
            .for_each(|raw| map(activities, raw, &mut mapped));
    };
    let mut object = Vec::new();
    let mut compress = || {
        for records in records.chunks(OBJECT) {
            black_box(compressed_object(activities, records, &mut object));
        }
    };
    // One after the other in every round, so that all have the same share of a busy machine.
    let mut steps: [&mut dyn FnMut(); 5] =
        [&mut copy, &mut split, &mut parse, &mut map, &mut compress];
    let times = steps.each_mut().map(|step| times(step));
    let mut best = [f64::INFINITY; 5];
    for _ in 0..ROUNDS {
        for ((step, times), best) in steps.iter_mut().zip(times).zip(&mut best) {
            let before = cpu_seconds();
            (0..times).for_each(|_| step());
            *best = best.min((cpu_seconds() - before) / times as f64);
        }
    }
    let rates = best.map(|seconds| format!("{:.0}", records.len() as f64 / seconds));
    println!(
        "| {name} | {} | {} | {} | {} |",
        rates.join(" | "),
        bytes / records.len(),
        events / records.len(),
        compressed / records.len()
    );
}

/// How often a step must run so that the kernel's count of processor time, which moves every few milliseconds, tells.
fn times(step: &mut dyn FnMut()) -> usize {
    let mut times = 1;
    loop {
        let before = cpu_seconds();
        (0..times).for_each(|_| step());
        if cpu_seconds() - before >= ROUND_SECONDS {
            return times;
        }
        times *= 2;
    }
}

/// Bytes of all events, as they are and compressed.
fn sizes(activities: &dyn ActivitySource, records: &[String]) -> (usize, usize) {
    let (mut events, mut compressed, mut object) = (0, 0, Vec::new());
    for records in records.chunks(OBJECT) {
        compressed += compressed_object(activities, records, &mut object).len();
        events += object.len();
    }
    (events, compressed)
}

fn compressed_object(
    activities: &dyn ActivitySource,
    records: &[String],
    object: &mut Vec<u8>,
) -> Vec<u8> {
    object.clear();
    records.iter().for_each(|raw| map(activities, raw, object));
    zstd::bulk::compress(object, 1).expect("compressed")
}

fn pages(records: &[String]) -> Vec<Bytes> {
    let pages = records.chunks(PAGE);
    pages
        .map(|page| Bytes::from(format!("[{}]", page.join(","))))
        .collect()
}

struct Chunks(VecDeque<Bytes>);

#[async_trait]
impl Body for Chunks {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.0.pop_front())
    }
}

/// Splits a page as it comes from the network; returns how many records it has.
fn split(page: &Bytes) -> usize {
    let chunks = (0..page.len()).step_by(CHUNK);
    let chunks = chunks.map(|at| page.slice(at..page.len().min(at + CHUNK)));
    let mut records = Records::array(Box::new(Chunks(chunks.collect())));
    futures::executor::block_on(async {
        let mut count = 0;
        while let Some(Piece::Record(raw)) = records.next().await.expect("a list") {
            black_box(raw);
            count += 1;
        }
        count
    })
}

fn map(activities: &dyn ActivitySource, raw: &str, out: &mut Vec<u8>) {
    let origin = Origin {
        product: "Microsoft 365",
        vendor: "Microsoft",
        tenant: "6f0c27ac-91c4-4d3e-8a53-2f1a0a9a3b11",
        instance: "contoso",
        logged: Timestamp::UNIX_EPOCH,
        processed: Timestamp::UNIX_EPOCH,
    };
    let (_, event): (_, Event<'_>) = activities.record(raw.as_bytes()).expect("a record");
    casbah_ocsf::write(&event, &origin, Profile::V1_3_0, out);
    out.push(b'\n');
}

/// From fetch to commit: split, parsed, deduplicated, mapped, compressed, stored, committed and counted.
fn end_to_end(app: App) {
    let asked = std::env::var("BENCH_EVENTS").ok();
    let events = asked.map_or(EVENTS, |asked| asked.parse().expect("a number of events"));
    let found = match app {
        App::Microsoft365 => fetch_to_commit(events, PAGE as u64),
        App::Okta => okta_to_commit(events),
        App::Box => box_to_commit(events),
    };
    let each = |bytes: u64| bytes / found.events;
    let rate = |seconds: f64| found.events as f64 / seconds;
    println!(
        "| {app} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {} | {} | {} | {:.0} |",
        found.events,
        rate(found.cpu_seconds),
        rate(found.table_cpu_seconds),
        rate(found.cpu_seconds + found.table_cpu_seconds),
        peak_megabytes(),
        each(found.fetched_bytes),
        each(found.record_bytes),
        each(found.event_bytes),
        each(found.table_bytes),
        found.virtual_seconds / 60.0,
    );
}
