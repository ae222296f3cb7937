//! What it takes to read audit records of Microsoft 365 and to write them as OCSF, in events per processor second.
//!
//! Records are those of the simulated tenant, one feed after another, mixed as a tenant has them.

use casbah_app_microsoft365::MICROSOFT365;
use casbah_bench::cpu_seconds;
use casbah_connector::{ActivitySource, Connector};
use casbah_model::Timestamp;
use casbah_ocsf::{Origin, Profile};
use casbah_simulators::microsoft365::{ContentType, Plan, sample};

/// Records of each feed, of which SharePoint and Exchange have the most.
const FEEDS: [(ContentType, u64); 5] = [
    (ContentType::AzureActiveDirectory, 2_000),
    (ContentType::Exchange, 3_000),
    (ContentType::SharePoint, 4_000),
    (ContentType::General, 800),
    (ContentType::Dlp, 200),
];
const ROUNDS: usize = 30;
/// Events in one compressed object.
const OBJECT: usize = 2_000;

fn main() {
    let mut plan = Plan::new(1);
    (plan.users, plan.files) = (2_000, 20_000);
    let sampled = FEEDS.map(|(feed, count)| (feed, sample(&plan, feed, count)));
    let activities = MICROSOFT365.activities().expect("an audit trail");
    println!(
        "| records | bytes each | parse / CPU s | parse + map / CPU s | parse + map + zstd 1 / CPU s | event bytes |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (feed, records) in &sampled {
        row(&format!("{feed:?}"), activities, records);
    }
    let all: Vec<String> = sampled
        .into_iter()
        .flat_map(|(_, records)| records)
        .collect();
    row("all", activities, &all);
}

fn row(name: &str, activities: &dyn ActivitySource, records: &[String]) {
    let bytes: usize = records.iter().map(String::len).sum();
    let mut events = Vec::new();
    records
        .iter()
        .for_each(|raw| map(activities, raw, &mut events));
    let parse = rate(records.len(), || {
        for raw in records {
            std::hint::black_box(activities.event(raw.as_bytes()));
        }
    });
    let mut out = Vec::new();
    let mapped = rate(records.len(), || {
        out.clear();
        records
            .iter()
            .for_each(|raw| map(activities, raw, &mut out));
    });
    let compressed = rate(records.len(), || {
        for object in records.chunks(OBJECT) {
            out.clear();
            object.iter().for_each(|raw| map(activities, raw, &mut out));
            std::hint::black_box(zstd::bulk::compress(&out, 1).expect("compressed"));
        }
    });
    println!(
        "| {name} | {} | {parse:.0} | {mapped:.0} | {compressed:.0} | {} |",
        bytes / records.len(),
        events.len() / records.len()
    );
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
    let event = activities.event(raw.as_bytes()).expect("a record");
    casbah_ocsf::write(&event, &origin, Profile::V1_3_0, out);
    out.push(b'\n');
}

/// Events in a processor second: the best of the rounds, since others use the machine too.
fn rate(events: usize, mut round: impl FnMut()) -> f64 {
    let best = (0..ROUNDS).map(|_| {
        let before = cpu_seconds();
        round();
        cpu_seconds() - before
    });
    events as f64 / best.fold(f64::INFINITY, f64::min)
}
