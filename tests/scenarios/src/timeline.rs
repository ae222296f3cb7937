//! From a change at the vendor to the finding, in the times of production: every call takes what it takes, and events come
//! as late as the vendors' documents say.

use std::collections::BTreeMap;

use casbah_model::{SignedDuration, Timestamp};
use casbah_pipeline::inventory::events;
use casbah_platform_local::Until;
use casbah_simulators::box_com;
use casbah_simulators::microsoft365::Deed;
use serde_json::Value;

use crate::box_com::enterprise;
use crate::findings::{CARDS, PUBLIC, found, judged, own_id, private_files, publish};
use crate::views::connection;
use crate::world::{World, in_virtual_time, run, small};

const CHANGES: usize = 40;
/// No multiple of any period that something is looked at.
const BETWEEN: SignedDuration = SignedDuration::from_secs(7 * 60 + 13);

/// What comes later than the next change of the same drive would be found with it before it is shown.
const LATE_CHANGES: usize = 24;
const BETWEEN_LATE: SignedDuration = SignedDuration::from_secs(83 * 60 + 13);

/// Seconds from one time to another, of all changes: half of them were quicker than the first, all but a twentieth than
/// the second.
fn quantiles(mut seconds: Vec<f64>) -> (f64, f64) {
    seconds.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share) as usize];
    (at(0.5), at(0.95))
}

fn told(app: &str, shown: Vec<f64>, changed: Vec<f64>) -> f64 {
    let count = shown.len();
    let ((half, most), (all_half, all_most)) = (quantiles(shown), quantiles(changed));
    println!(
        "{app}: {count} changes, to the finding from when it was shown p50 {half:.0} s, p95 {most:.0} s; from the change \
         p50 {all_half:.0} s, p95 {all_most:.0} s"
    );
    most
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// A file gets other bytes and a link for everybody; it has to be listed, fetched and looked into.
#[test]
fn a_leak_at_box_is_found_within_five_minutes_of_its_event() {
    in_virtual_time(async {
        let plan = box_com::Plan::new(3).sized(12, 3, 400, 10);
        let world = enterprise(plan);
        let system = judged(world.open(), CARDS);
        let chosen = ["users", "activities", "files"];
        world.connect(&system, &chosen).await;
        run(&system).await;
        let mut changed = BTreeMap::new();
        let acting = async {
            for file in private_files(&world).into_iter().take(CHANGES) {
                let content = format!("my card: 4929 1234 5678 9015, my number {file}");
                world.simulator.put_content(&file, content);
                publish(&world, &file);
                let now = world.clock.now();
                changed.insert(file, now);
                world.clock.sleep_until(now + BETWEEN).await;
            }
            let last = world.clock.now() + SignedDuration::from_hours(1);
            world.clock.sleep_until(last).await;
        };
        let ended = system.run(Until::Stopped, acting).await;
        ended.expect("a run");
        let since: BTreeMap<String, Timestamp> = found(&system)
            .await
            .iter()
            .map(|finding| (own_id(finding), finding.since))
            .collect();
        let mut shown = BTreeMap::new();
        for event in world.simulator.holds().activities {
            let item = event.item.filter(|_| event.is_scan_trigger);
            if let (Some(item), Some(first)) = (item, event.streamed.iter().min())
                // Events tell whole seconds.
                && changed
                    .get(&item)
                    .is_some_and(|at| event.created + SignedDuration::from_secs(1) > *at)
            {
                let at = shown.entry(item).or_insert(*first);
                *at = (*at).min(*first);
            }
        }
        assert_eq!(changed.len(), CHANGES);
        let to_finding = |from: &BTreeMap<String, Timestamp>| -> Vec<f64> {
            let from = from.iter();
            from.map(|(file, at)| seconds(*at, since[file])).collect()
        };
        let most = told("box", to_finding(&shown), to_finding(&changed));
        assert!(
            shown.len() * 10 >= CHANGES * 9,
            "{} were streamed",
            shown.len()
        );
        assert!(most <= 300.0, "{most} s");
    });
}

/// Listings write out what records do not.
fn plain(address: &str) -> String {
    address.replace("%20", " ")
}

/// The audit log alone is the trigger: what it shows late is found late.
#[test]
fn a_public_link_at_microsoft_365_is_found_within_five_minutes_of_its_record() {
    in_virtual_time(async {
        let mut plan = small(8);
        (plan.users, plan.files, plan.activities) = (20, 200, 20);
        let world = World::new(plan);
        let system = judged(world.open(), &format!("shipped = []{PUBLIC}"));
        let chosen = ["users", "activities", "files"];
        world.connect(&system, &chosen).await;
        run(&system).await;
        let before = found(&system).await.len();
        let began = world.clock.now();
        let acting = async {
            for change in 0..LATE_CHANGES as u64 {
                let file = change * 3;
                world.simulator.act(Deed::ShareByAnonymousLink { file });
                let next = world.clock.now() + BETWEEN_LATE;
                world.clock.sleep_until(next).await;
            }
        };
        let ended = system.run(Until::Stopped, acting).await;
        ended.expect("a run");
        let mut records: BTreeMap<String, (Timestamp, Timestamp)> = BTreeMap::new();
        let scope = connection(&system).await.scope();
        events(&system.ctx, &scope, "activities", |event| {
            let event: Value = serde_json::from_slice(event).expect("an event");
            let time = |time: &Value| {
                let time = time.as_i64().expect("a time");
                Timestamp::from_millisecond(time).expect("a time")
            };
            let times = (
                time(&event["metadata"]["logged_time"]),
                time(&event["time"]),
            );
            let path = event["file"]["path"].as_str().map(plain);
            // One link is several records, which come in any order.
            if let Some(path) = path.filter(|_| times.1 >= began) {
                let known = records.entry(path).or_insert(times);
                known.0 = known.0.min(times.0);
            }
        })
        .await
        .expect("readable");
        let (mut shown, mut changed) = (vec![], vec![]);
        for finding in found(&system).await {
            let address = finding.address.as_deref().map(plain);
            let record = address.and_then(|address| records.get(&address));
            if let Some((logged, happened)) = record.filter(|_| finding.since > began) {
                shown.push(seconds(*logged, finding.since));
                changed.push(seconds(*happened, finding.since));
            }
        }
        let count = shown.len();
        assert!(
            count * 10 >= LATE_CHANGES * 8,
            "{count} of {}, {before} before",
            records.len()
        );
        let most = told("microsoft365", shown, changed);
        assert!(most <= 300.0, "{most} s");
    });
}
